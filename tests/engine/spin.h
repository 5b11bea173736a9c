/*
 * Loops of one instruction: copies of it in a row, with what each needs to succeed, and a
 * jump back. They run in a mode where every access takes the short way, and in one where
 * every access takes the long way.
 */
#ifndef ENGINE_SPIN_H
#define ENGINE_SPIN_H

#include "form.h"

#include <descry/vcpu.h>

#define SPIN_MEMORY 0x10000u

struct setting {
	const char *name;
	bool protected_mode; /* and 32-bit code, and data segments that grow down */
	bool flags;          /* what conditions begin with: all of them set, CX not 0 */
	bool branches;       /* behind each copy a Jcc to the next one: each condition once */
	bool skips;          /* before each copy a Jcc over it */
};

struct spin {
	uint8_t memory[SPIN_MEMORY];
	struct descry_vcpu *vcpu;
	const struct setting *setting;
	uint32_t value; /* of ECX, EBX and, in words, of all data */
	uint32_t at;    /* of the next byte of code */
	unsigned copy;  /* the number of the copy that is being written */
};

/* False: no memory for a CPU. */
bool spin_open(struct spin *spin);
void spin_close(struct spin *spin);

/* Every instruction that the rows stand for, one after the other; false: there are no more. */
struct spin_cursor {
	size_t form;
	unsigned variant;
};
bool spin_next(struct spin_cursor *cursor, const struct setting *setting,
	       struct encoding *encoding);

/* Fills memory with the loop and sets the CPU to its beginning. */
void spin_load(struct spin *spin, const struct setting *setting, const struct encoding *encoding);

#endif
