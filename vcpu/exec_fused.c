/*
 * An instruction that sets flags together with the conditional branch behind it: CMP TEST,
 * INC DEC, SHL SHR by one, and Jcc. The flags are at hand when the branch asks for them, and
 * there is one jump between handlers less. Both instructions stay in the block as they are; the
 * first has another handler, which knows the condition.
 */
#include "alu.h"
#include "arithmetic.h"
#include "conditions.h"
#include "jump.h"
#include "lower.h"
#include "mem.h"

/* --- compared, and on ------------------------------------------------------------------ */

DESCRY_INLINE const struct insn *
compare_and_branch(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t a,
		   uint32_t b, unsigned cond)
{
	alu(&c->flags, op, size, a, b);
	return branch(c, in + 1, flags_condition(&c->flags, cond));
}

DESCRY_INLINE const struct insn *
fused_rr(struct cpu *c, const struct insn *in, enum op op, unsigned size, unsigned cond)
{
	return compare_and_branch(c, in, op, size, reg_read(c, in->dst, size),
				  reg_read(c, in->src, size), cond);
}

DESCRY_INLINE const struct insn *
fused_ri(struct cpu *c, const struct insn *in, enum op op, unsigned size, unsigned cond)
{
	return compare_and_branch(c, in, op, size, reg_read(c, in->dst, size), in->imm, cond);
}

DESCRY_INLINE const struct insn *
fused_rm(struct cpu *c, const struct insn *in, enum op op, unsigned size, unsigned cond)
{
	if (!mem_read(c, in->seg, ea(c, in), size))
		return fault(c, in);
	return compare_and_branch(c, in, op, size, reg_read(c, in->dst, size), c->value, cond);
}

DESCRY_INLINE const struct insn *
fused_mr(struct cpu *c, const struct insn *in, enum op op, unsigned size, unsigned cond)
{
	if (!mem_read(c, in->seg, ea(c, in), size))
		return fault(c, in);
	return compare_and_branch(c, in, op, size, c->value, reg_read(c, in->src, size), cond);
}

DESCRY_INLINE const struct insn *
fused_mi(struct cpu *c, const struct insn *in, enum op op, unsigned size, unsigned cond)
{
	if (!mem_read(c, in->seg, ea(c, in), size))
		return fault(c, in);
	return compare_and_branch(c, in, op, size, c->value, in->imm, cond);
}

/* --- changed by one, and on ------------------------------------------------------------ */

/* The condition is read before the register is written: the compiler then has it at hand. */
DESCRY_INLINE const struct insn *
fused_one(struct cpu *c, const struct insn *in, enum op op, unsigned size, unsigned cond)
{
	const unsigned reg = in->dst;
	const uint32_t a = reg_read(c, reg, size);
	const uint32_t r = op == OP_INC || op == OP_DEC ? step_by_one(&c->flags, op, size, a)
							: shift(&c->flags, op, size, a, 1);
	const bool taken = flags_condition(&c->flags, cond);

	reg_write(c, reg, size, r);
	return branch(c, in + 1, taken);
}

/* --- one handler for each operation, form, size and condition -------------------------- */

/* clang-format off */
#define FUSED(op, form, size, cond)                                                                \
	static const struct insn *exec_##op##_##form##size##_j##cond(struct cpu *c,                \
								     const struct insn *in)        \
	{                                                                                          \
		return fused_##form(c, in, OP_##op, size, 0x##cond);                               \
	}
#define WORDS(op, form) CONDITIONS(FUSED, op, form, 2) CONDITIONS(FUSED, op, form, 4)
#define SIZES(op, form) CONDITIONS(FUSED, op, form, 1) WORDS(op, form)

SIZES(CMP, rr) SIZES(CMP, ri) SIZES(CMP, rm) SIZES(CMP, mr) SIZES(CMP, mi)
SIZES(TEST, rr) SIZES(TEST, ri) SIZES(TEST, mr) SIZES(TEST, mi)
WORDS(INC, one) WORDS(DEC, one)
WORDS(SHL, one) WORDS(SHR, one)

#define ENTRY(op, form, size, cond) [0x##cond] = exec_##op##_##form##size##_j##cond,
#define ROW(op, form, size) { CONDITIONS(ENTRY, op, form, size) }
#define WORD_ROWS(op, form) [1] = ROW(op, form, 2), [2] = ROW(op, form, 4)
#define SIZE_ROWS(op, form) { [0] = ROW(op, form, 1), WORD_ROWS(op, form) }

/* By form or operation, size, condition. */
typedef exec_fn *const fused_row[3][16];

static fused_row compares[FORM_COUNT] = {
	[FORM_RR] = SIZE_ROWS(CMP, rr), [FORM_RI] = SIZE_ROWS(CMP, ri),
	[FORM_RM] = SIZE_ROWS(CMP, rm), [FORM_MR] = SIZE_ROWS(CMP, mr),
	[FORM_MI] = SIZE_ROWS(CMP, mi),
};
static fused_row tests[FORM_COUNT] = {
	[FORM_RR] = SIZE_ROWS(TEST, rr), [FORM_RI] = SIZE_ROWS(TEST, ri),
	[FORM_MR] = SIZE_ROWS(TEST, mr), [FORM_MI] = SIZE_ROWS(TEST, mi),
};
static fused_row steps[] = { { WORD_ROWS(INC, one) }, { WORD_ROWS(DEC, one) } };
static fused_row shifts[] = { { WORD_ROWS(SHL, one) }, { WORD_ROWS(SHR, one) } };
/* clang-format on */

static bool
is_by_one(const struct decoded *d)
{
	return d->operand[1].kind == OPERAND_IMM && d->imm == 1;
}

exec_fn *
lower_fused(const struct decoded *d, unsigned cond)
{
	const unsigned size = size_index(d->operand[0].size);
	const bool in_register = d->operand[0].kind == OPERAND_REG;

	if (d->older)
		return NULL;
	switch ((int)d->op) {
	case OP_CMP:
		return compares[alu_form_of(d)][size][cond];
	case OP_TEST:
		return tests[alu_form_of(d)][size][cond];
	case OP_INC:
	case OP_DEC:
		return in_register ? steps[d->op == OP_DEC][size][cond] : NULL;
	case OP_SHL:
	case OP_SHR:
		return in_register && is_by_one(d) ? shifts[d->op == OP_SHR][size][cond] : NULL;
	default:
		return NULL;
	}
}
