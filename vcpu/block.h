/*
 * The cache of basic blocks: lowered instructions by linear address and code context, with
 * the means to throw them away when their bytes are written. Private to vcpu.
 *
 * A code context is what lowered code depends on besides its bytes: base and limit of CS,
 * CS.D, CR0.PE, paging and whether it is the user's. Each gets a stamp of its own. Within one
 * context a linear address has one IP, so a block knows its IP and lies within the limit, and going
 * from block to block needs no check but that the stamp is still the current one.
 */
#ifndef DESCRY_BLOCK_H
#define DESCRY_BLOCK_H

#include "insn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_INSNS_MAX 64u
#define BLOCK_BYTES_MAX 240u

#define STAMP_DEAD 0ull         /* no context has it */
#define STAMP_STEP (1ull << 63) /* added for a block of one instruction: never gone to directly */

struct block {
	struct block *hash_next;
	struct block *page_next; /* others that begin in the same physical page */
	uint64_t stamp;          /* of its context, or STAMP_DEAD */
	uint32_t linear;
	uint32_t ip; /* offset in CS of its first instruction */
	uint32_t physical;
	uint16_t bytes;
	uint8_t count;   /* instructions, without the closing one */
	bool breakpoint; /* the user or the guest has one at its first instruction */
	bool unguarded;  /* made for one execution: nobody sees when its bytes are written */
	struct insn insns[];
};

struct blocks;

struct blocks *blocks_create(void); /* NULL: no memory */
void blocks_destroy(struct blocks *blocks);

/*
 * The block at the current CS:IP, or (step) its first instruction alone. NULL with c->fault
 * set when the fetch faults.
 */
const struct block *block_at(struct cpu *c, bool step);

/* Does the run want to stop before the instruction at this linear address? */
bool block_breakpoint(const struct cpu *c, uint32_t linear);

/* The stamp of the code context as the state has it now. */
uint64_t blocks_context(struct cpu *c);

/* Writes the block that is known at ip, if there is one, into a direct branch. */
void block_link(struct cpu *c, const struct insn *in, uint32_t ip);

/*
 * Before bytes of memory change: blocks made from them must never run again. One that is
 * running stops behind the instruction that is writing.
 */
void blocks_written(struct cpu *c, uint32_t physical, size_t size);

/* Which 64-byte lines of a physical page have code in them: bit n is bytes 64 n and up. */
const uint64_t *blocks_lines(const struct blocks *blocks, uint32_t physical);

/* The bits of the lines that hold size bytes from an offset in the page on. */
static inline uint64_t
line_mask(uint32_t offset, size_t size)
{
	const unsigned first = (offset & 0xfff) >> 6;
	const unsigned last = (unsigned)((offset & 0xfff) + size - 1) >> 6;

	return (~0ull >> (63 - last)) & (~0ull << first);
}

/* Is there code in this physical page? */
bool blocks_guard(const struct blocks *blocks, uint32_t physical);

void blocks_flush(struct cpu *c);

/*
 * While paging is on the jump table knows only blocks in pages that the code TLB holds, so that
 * going there needs no look at it: forgets all, or those of one entry of the TLB.
 */
void blocks_forget_jumps(struct cpu *c);
void blocks_forget_jumps_of(struct cpu *c, unsigned tlb_index);

#endif
