/*
 * A random case in the making: registers, memory and up to four instructions. Values that
 * an instruction depends on (an address, a count, a selector) are decided when it is added
 * and pinned, so that the next instruction does not spoil them.
 */
#ifndef SILICON_SNIPPET_H
#define SILICON_SNIPPET_H

#include "protocol.h"
#include "random.h"
#include "segments.h"

#include <stdbool.h>

#define INSN_MAX 4u
#define SLOT_NONE 0xffu /* a segment register that holds null */

enum gpr { AX, CX, DX, BX, SP, BP, SI, DI };
enum sreg { ES, CS, SS, DS, FS, GS };

struct row;

struct snippet {
	struct test_case test;
	const struct segments *segments;
	struct random *random;

	uint8_t slot[6]; /* what the segment registers begin with: a slot, or SLOT_NONE */
	bool code32, stack32;
	unsigned pinned; /* 1 << enum gpr */
	unsigned insn_count;
	const struct row *row[INSN_MAX];
	uint8_t start[INSN_MAX + 1]; /* where the instructions begin, and where the last ends */

	/* What is not compared in the end. */
	unsigned undefined;     /* flags that nobody defines, as EFLAGS bits */
	unsigned undefined_gpr; /* 1 << enum gpr */
};

void snippet_build(struct snippet *snippet, const struct segments *segments, struct random *random);

/* Gives a register its initial value and keeps it; false if it is pinned already. */
bool snippet_pin(struct snippet *snippet, enum gpr reg, uint32_t value);

/* Has slot:offset hold these bytes; nothing happens where the arena does not reach. */
void snippet_poke(struct snippet *snippet, unsigned slot, uint32_t offset, const void *bytes,
		  unsigned size);

/* The row of the instruction at this offset; NULL when none begins there. */
const struct row *snippet_row_at(const struct snippet *snippet, uint32_t eip);

/* Of a snippet that ended so: what each CPU does in its own way. */
void snippet_leave_out(struct snippet *snippet, const struct test_result *result);

/* --- random choices (choose.c) -------------------------------------------------------- */

/* A number of the kind that arithmetic finds interesting, or any. */
uint32_t choose_value(struct random *random);

/* An offset for an access of so many bytes: mostly inside, often at an edge, at times wild. */
uint32_t choose_offset(const struct snippet *snippet, unsigned slot, unsigned bytes, bool aligned);

/* A selector of the local table (of such a use, mostly), null, or one beyond a table. */
uint16_t choose_selector(const struct snippet *snippet, unsigned use);

/* Where a control transfer into a code slot could go: mostly to filler, at times beyond. */
uint32_t choose_landing(const struct snippet *snippet, unsigned slot);

#endif
