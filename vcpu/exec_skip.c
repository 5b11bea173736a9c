/*
 * A conditional branch over one instruction: Jcc, and MOV, ADD OR AND SUB XOR, INC or DEC of a
 * register behind it. Both ways lead on in the same block, so there is nowhere to go to. The
 * instruction is executed in any case, and taken back if it has been skipped: where the branch
 * depends on data, the host has nothing to guess. The count follows from the place in the block,
 * so a block with an instruction skipped began one earlier.
 */
#include "alu.h"
#include "conditions.h"
#include "cpu.h"
#include "lower.h"

/* Without a branch: the values differ in the bits that change. */
DESCRY_INLINE uint64_t
either(bool first, uint64_t a, uint64_t b)
{
	return b ^ ((a ^ b) & (0 - (uint64_t)first));
}

DESCRY_INLINE struct lazy_flags
either_flags(bool first, const struct lazy_flags *a, const struct lazy_flags *b)
{
	return (struct lazy_flags){ .zero = (uint32_t)either(first, a->zero, b->zero),
				    .sign = (uint32_t)either(first, a->sign, b->sign),
				    .carries = (uint32_t)either(first, a->carries, b->carries) };
}

/* What the skipped instruction makes of its register. */
DESCRY_INLINE uint32_t
result(struct lazy_flags *f, enum op op, unsigned size, uint32_t a, uint32_t b)
{
	if (op == OP_MOV)
		return b;
	if (op == OP_INC || op == OP_DEC)
		return step_by_one(f, op, size, a);
	return alu(f, op, size, a, b);
}

DESCRY_INLINE const struct insn *
skip(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t b, unsigned cond)
{
	const bool skipped = flags_condition(&c->flags, cond);
	const unsigned reg = in->dst;
	const uint64_t before = c->state.gpr[reg];
	struct lazy_flags flags = c->flags;

	reg_write(c, reg, size, result(&flags, op, size, reg_read(c, reg, size), b));
	c->state.gpr[reg] = either(skipped, before, c->state.gpr[reg]);
	c->flags = either_flags(skipped, &c->flags, &flags);
	c->block_begin -= skipped;
	return next(c, in);
}

DESCRY_INLINE const struct insn *
skip_rr(struct cpu *c, const struct insn *in, enum op op, unsigned size, unsigned cond)
{
	return skip(c, in + 1, op, size, reg_read(c, in[1].src, size), cond);
}

DESCRY_INLINE const struct insn *
skip_ri(struct cpu *c, const struct insn *in, enum op op, unsigned size, unsigned cond)
{
	return skip(c, in + 1, op, size, in[1].imm, cond);
}

DESCRY_INLINE const struct insn *
skip_r(struct cpu *c, const struct insn *in, enum op op, unsigned size, unsigned cond)
{
	return skip(c, in + 1, op, size, 1, cond);
}

/* --- one handler for each operation, form, size and condition -------------------------- */

/* clang-format off */
#define SKIP(op, form, size, cond)                                                                 \
	static const struct insn *exec_j##cond##_over_##op##_##form##size(struct cpu *c,           \
									  const struct insn *in)   \
	{                                                                                          \
		return skip_##form(c, in, OP_##op, size, 0x##cond);                                \
	}
#define WORDS(op, form) CONDITIONS(SKIP, op, form, 2) CONDITIONS(SKIP, op, form, 4)
#define FORMS(op) WORDS(op, rr) WORDS(op, ri)

FORMS(MOV) FORMS(ADD) FORMS(OR) FORMS(AND) FORMS(SUB) FORMS(XOR)
WORDS(INC, r) WORDS(DEC, r)

#define ENTRY(op, form, size, cond) [0x##cond] = exec_j##cond##_over_##op##_##form##size,
#define WORD_ROWS(op, form) { { CONDITIONS(ENTRY, op, form, 2) }, { CONDITIONS(ENTRY, op, form, 4) } }
#define ROW(op) { WORD_ROWS(op, rr), WORD_ROWS(op, ri) }
#define STEP_ROW(op) { WORD_ROWS(op, r), WORD_ROWS(op, r) }

/* [with an immediate][to 4 bytes][condition] */
typedef exec_fn *const skip_row[2][2][16];

static skip_row moves = ROW(MOV);
static skip_row computations[OP_DEC + 1] = {
	[OP_ADD] = ROW(ADD), [OP_OR] = ROW(OR), [OP_AND] = ROW(AND), [OP_SUB] = ROW(SUB),
	[OP_XOR] = ROW(XOR), [OP_INC] = STEP_ROW(INC), [OP_DEC] = STEP_ROW(DEC),
};
/* clang-format on */

static bool
is_word_register(const struct operand *operand)
{
	return operand->kind == OPERAND_REG && operand->size > 1;
}

exec_fn *
lower_skip(const struct decoded *over, unsigned cond)
{
	const struct operand *from = &over->operand[1];
	const bool wide = over->operand[0].size == 4, is_immediate = from->kind == OPERAND_IMM;

	if (over->older || !is_word_register(&over->operand[0]))
		return NULL;
	if (!is_immediate && from->kind != OPERAND_NONE && from->kind != OPERAND_REG)
		return NULL;
	if (over->op == OP_MOV)
		return moves[is_immediate][wide][cond];
	return over->op <= OP_DEC ? computations[over->op][is_immediate][wide][cond] : NULL;
}
