/*
 * The cache of basic blocks: lowered instructions by linear address and mode, with the
 * means to throw them away when their bytes are written. Private to vcpu.
 */
#ifndef DESCRY_BLOCK_H
#define DESCRY_BLOCK_H

#include "insn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What lowered code depends on besides its bytes. */
#define BLOCK_KEY_CODE32 0x01u    /* CS.D */
#define BLOCK_KEY_PROTECTED 0x02u /* CR0.PE */
#define BLOCK_KEY_STEP 0x04u      /* a block of one instruction */

#define BLOCK_INSNS_MAX 64u
#define BLOCK_BYTES_MAX 240u

/* What a block is looked up by. */
static inline uint64_t
block_entry(uint32_t linear, uint32_t key)
{
	return (uint64_t)key << 32 | linear;
}
#define BLOCK_DEAD UINT64_MAX

struct block {
	struct block *hash_next;
	struct block *page_next; /* others that begin in the same physical page */
	uint64_t entry;          /* block_entry(), or BLOCK_DEAD */
	uint32_t physical;
	uint16_t bytes;
	uint8_t count;   /* instructions, without the closing one */
	bool breakpoint; /* there is one at its first instruction */
	struct insn insns[];
};

static inline uint32_t
block_linear(const struct block *block)
{
	return (uint32_t)block->entry;
}

static inline uint32_t
block_key(const struct block *block)
{
	return (uint32_t)(block->entry >> 32);
}

struct blocks;

struct blocks *blocks_create(void); /* NULL: no memory */
void blocks_destroy(struct blocks *blocks);

/* The block at the current CS:IP; NULL with c->fault set when the fetch faults. */
const struct block *block_at(struct cpu *c, uint32_t extra_key);

/*
 * Before bytes of memory change: blocks made from them must never run again. One that is
 * running stops behind the instruction that is writing.
 */
void blocks_written(struct cpu *c, uint32_t physical, size_t size);

/* Is there code in this physical page? */
bool blocks_guard(const struct blocks *blocks, uint32_t physical);

void blocks_flush(struct cpu *c);

/* Every way from block to block leads through the loop once more. */
void blocks_forget_jumps(struct cpu *c);

#endif
