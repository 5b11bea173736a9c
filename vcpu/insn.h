/*
 * The lowered instruction: what a block holds and a handler takes. Private to vcpu.
 */
#ifndef DESCRY_INSN_H
#define DESCRY_INSN_H

#include <stdint.h>

struct cpu;
struct insn;

typedef const struct insn *exec_fn(struct cpu *c, const struct insn *in);

#define REG_ZERO 16u /* a register number that reads as 0 */

struct insn {
	exec_fn *exec;
	uint32_t imm;
	union {
		struct {
			uint32_t disp;    /* of the memory operand; the selector of a far pointer */
			uint32_t ea_mask; /* FFFFh or FFFFFFFFh: the address size */
		};
		uint32_t link; /* direct branches: the block at the target, for block_linked() */
	};
	uint8_t seg; /* of the memory operand, or of a string source */
	uint8_t base, index, scale;
	uint8_t dst, src; /* register in operand 1 and 2, as reg_read() takes it */
	uint8_t length;
	uint8_t offset; /* in the block, in bytes */
	uint8_t place;  /* in the block, in instructions */
	uint8_t size;   /* 2 or 4: the operand size attribute; 1 for byte operations */
	uint8_t rep;    /* 0, F2h or F3h */
	uint8_t cond;   /* of Jcc and SETcc; else free for the handler's file */
};
_Static_assert(sizeof(struct insn) == 32, "two to a cache line");

#endif
