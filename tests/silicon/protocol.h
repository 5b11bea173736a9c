/*
 * What the comparer and its 32-bit helper say to each other, over two pipes, in batches:
 * the comparer sends one struct batch and .count cases, the helper answers with as many
 * results. Both are compiled from this header, one for 32 and one for 64 bits, so that
 * nothing here is wider than 32 bits.
 */
#ifndef SILICON_PROTOCOL_H
#define SILICON_PROTOCOL_H

#include <stdint.h>

/* The arena: the memory that snippets may touch, at the same linear address on both sides. */
#define ARENA_BASE 0x20000000u
#define ARENA_CODE_SIZE 0x2000u /* filled with INT3; what stores into it is not tried */
#define ARENA_PAD_SIZE 0x10u    /* behind the code (arena.c says why), and then data */
#define ARENA_SIZE 0x8000u
#define ARENA_DATA (ARENA_BASE + ARENA_CODE_SIZE)
#define ARENA_END (ARENA_BASE + ARENA_SIZE)
#define ARENA_FILLER 0xccu

#define SLOT_COUNT 32u  /* entries of the local descriptor table */
#define SNIPPET_MAX 64u /* bytes of code in a case */
#define POKE_MAX 4u     /* places in memory that a case wants to hold something */
#define POKE_BYTES 12u
#define CHANGE_MAX 16u /* changed bytes that a result spells out */
#define BATCH_MAX 512u

#define BATCH_MAGIC 0x64736372u

/* trap numbers of our own, beside the vectors of the CPU */
#define TRAP_TIMEOUT 0x100u /* the snippet was still running after a second */

#define TYPE_WRITABLE 0x2u /* data; readable for code */
#define TYPE_DOWN 0x4u     /* data */
#define TYPE_CODE 0x8u

/* A descriptor in the terms of the manual; */
struct slot_descriptor {
	uint32_t base;
	uint32_t limit; /* raw: 20 bits, before granularity */
	uint8_t type;   /* bits 3:0 of a code or data descriptor; the accessed bit is always set */
	uint8_t present;
	uint8_t big;   /* D/B */
	uint8_t pages; /* G */
	uint8_t avl;
	uint8_t empty; /* eight zero bytes */
	uint8_t reserved[2];
};
_Static_assert(sizeof(struct slot_descriptor) == 16, "both sides agree");

struct batch {
	uint32_t magic;
	uint32_t count;
	uint32_t fill; /* seed of the bytes in the arena */
	struct slot_descriptor slot[SLOT_COUNT];
};
_Static_assert(sizeof(struct batch) == 12 + 16 * SLOT_COUNT, "both sides agree");

struct registers {
	uint32_t gpr[8]; /* in the order of their numbers */
	uint32_t eip;
	uint32_t eflags;
	uint16_t sreg[6]; /* in the order of the Sreg field */
};
_Static_assert(sizeof(struct registers) == 52, "both sides agree");

struct poke {
	uint16_t at; /* from ARENA_BASE */
	uint16_t size;
	uint8_t bytes[POKE_BYTES];
};

struct test_case {
	struct registers in;
	uint16_t blind_at[2]; /* memory that is not compared, from ARENA_BASE */
	uint16_t blind_size[2];
	uint16_t code_at;
	uint8_t code_size;
	uint8_t poke_count;
	uint8_t code[SNIPPET_MAX];
	struct poke poke[POKE_MAX];
};
_Static_assert(sizeof(struct test_case) == 64 + SNIPPET_MAX + 16 * POKE_MAX, "both sides agree");

struct change {
	uint16_t at; /* from ARENA_BASE */
	uint8_t value;
	uint8_t reserved;
};

struct test_result {
	struct registers out;
	uint32_t trap;  /* vector that ended the snippet */
	uint32_t error; /* its error code, 0 where it has none */
	uint32_t change_count;
	uint32_t change_hash; /* of all of them */
	struct change change[CHANGE_MAX];
};
_Static_assert(sizeof(struct test_result) == 68 + 4 * CHANGE_MAX, "both sides agree");

/* The helper's first word on its pipe. */
enum host_status {
	HOST_READY,
	HOST_NO_MODIFY_LDT,
	HOST_NO_ARENA,
	HOST_NO_SIGNALS,
	HOST_STATUS_COUNT
};

#endif
