/*
 * ROL ROR RCL RCR SHL SHR SAR, SHLD SHRD: SDM vol. 2, one entry each.
 */
#include "arithmetic.h"
#include "lower.h"
#include "mem.h"

/* --- the five operand forms ----------------------------------------------------------- */

DESCRY_INLINE const struct insn *
shift_reg(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t count)
{
	const unsigned reg = in->dst;

	reg_write(c, reg, size, shift(&c->flags, op, size, reg_read(c, reg, size), count));
	return next(c, in);
}

DESCRY_INLINE const struct insn *
shift_mem(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t count)
{
	if (!mem_rmw(c, in->seg, ea(c, in), size))
		return fault(c, in);
	mem_rmw_commit(c, size, shift(&c->flags, op, size, c->value, count));
	return next(c, in);
}

/* By one: what is known of the count folds away. */
DESCRY_INLINE const struct insn *
shift_r1(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return shift_reg(c, in, op, size, 1);
}

DESCRY_INLINE const struct insn *
shift_ri(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return shift_reg(c, in, op, size, in->imm);
}

DESCRY_INLINE const struct insn *
shift_rc(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return shift_reg(c, in, op, size, reg_read(c, REG_CL, 1));
}

DESCRY_INLINE const struct insn *
shift_mi(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return shift_mem(c, in, op, size, in->imm);
}

DESCRY_INLINE const struct insn *
shift_mc(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return shift_mem(c, in, op, size, reg_read(c, REG_CL, 1));
}

/* --- one handler for each operation, form and size ------------------------------------ */

#define SHIFT_HANDLER(op, form, size)                                                              \
	static const struct insn *exec_##op##_##form##size(struct cpu *c, const struct insn *in)   \
	{                                                                                          \
		return shift_##form(c, in, OP_##op, size);                                         \
	}
#define SHIFT_SIZES(op, form)                                                                      \
	SHIFT_HANDLER(op, form, 1) SHIFT_HANDLER(op, form, 2) SHIFT_HANDLER(op, form, 4)
#define SHIFT_OPERATION(op)                                                                        \
	SHIFT_SIZES(op, r1)                                                                        \
	SHIFT_SIZES(op, ri) SHIFT_SIZES(op, rc) SHIFT_SIZES(op, mi) SHIFT_SIZES(op, mc)

SHIFT_OPERATION(ROL)
SHIFT_OPERATION(ROR)
SHIFT_OPERATION(RCL)
SHIFT_OPERATION(RCR)
SHIFT_OPERATION(SHL)
SHIFT_OPERATION(SHR)
SHIFT_OPERATION(SAR)

enum shift_form { FORM_RI, FORM_RC, FORM_MI, FORM_MC, FORM_COUNT };

#define SHIFT_FORM(op, form)                                                                       \
	{                                                                                          \
		exec_##op##_##form##1, exec_##op##_##form##2, exec_##op##_##form##4                \
	}
#define SHIFT_ROW(op)                                                                              \
	[OP_##op - OP_ROL] = { SHIFT_FORM(op, ri), SHIFT_FORM(op, rc), SHIFT_FORM(op, mi),         \
			       SHIFT_FORM(op, mc) }

static exec_fn *const shift_handlers[OP_SAR - OP_ROL + 1][FORM_COUNT][3] = {
	SHIFT_ROW(ROL), SHIFT_ROW(ROR), SHIFT_ROW(RCL), SHIFT_ROW(RCR),
	SHIFT_ROW(SHL), SHIFT_ROW(SHR), SHIFT_ROW(SAR),
};

/* The form by the first operand and the count. */
static enum shift_form
form_of(const struct operand *first, const struct operand *count)
{
	const bool in_memory = first->kind == OPERAND_MEM;

	if (count->kind == OPERAND_IMM)
		return in_memory ? FORM_MI : FORM_RI;
	return in_memory ? FORM_MC : FORM_RC;
}

#define SHIFT_BY_ONE(op) [OP_##op - OP_ROL] = SHIFT_FORM(op, r1)

exec_fn *
lower_shift(const struct decoded *d, struct insn *in)
{
	static exec_fn *const by_one[OP_SAR - OP_ROL + 1][3] = {
		SHIFT_BY_ONE(ROL), SHIFT_BY_ONE(ROR), SHIFT_BY_ONE(RCL), SHIFT_BY_ONE(RCR),
		SHIFT_BY_ONE(SHL), SHIFT_BY_ONE(SHR), SHIFT_BY_ONE(SAR),
	};
	const struct operand *first = &d->operand[0];
	const enum shift_form form = form_of(first, &d->operand[1]);
	const unsigned size = size_index(first->size);

	(void)in;
	if (form == FORM_RI && d->imm == 1)
		return by_one[d->op - OP_ROL][size];
	return shift_handlers[d->op - OP_ROL][form][size];
}

/* --- SHLD, SHRD ----------------------------------------------------------------------- */

DESCRY_INLINE const struct insn *
double_reg(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t count)
{
	const uint32_t fill = reg_read(c, in->src, size);

	reg_write(c, in->dst, size,
		  shift_double(&c->flags, op, size, reg_read(c, in->dst, size), fill, count));
	return next(c, in);
}

DESCRY_INLINE const struct insn *
double_mem(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t count)
{
	const uint32_t fill = reg_read(c, in->src, size);

	if (!mem_rmw(c, in->seg, ea(c, in), size))
		return fault(c, in);
	mem_rmw_commit(c, size, shift_double(&c->flags, op, size, c->value, fill, count));
	return next(c, in);
}

#define DOUBLE_HANDLER(op, form, where, size, count)                                               \
	static const struct insn *exec_##op##_##form##size(struct cpu *c, const struct insn *in)   \
	{                                                                                          \
		return double_##where(c, in, OP_##op, size, count);                                \
	}
#define DOUBLE_SIZES(op, form, where, count)                                                       \
	DOUBLE_HANDLER(op, form, where, 2, count) DOUBLE_HANDLER(op, form, where, 4, count)
#define DOUBLE_OPERATION(op)                                                                       \
	DOUBLE_SIZES(op, ri, reg, in->imm)                                                         \
	DOUBLE_SIZES(op, rc, reg, reg_read(c, REG_CL, 1))                                          \
	DOUBLE_SIZES(op, mi, mem, in->imm)                                                         \
	DOUBLE_SIZES(op, mc, mem, reg_read(c, REG_CL, 1))

DOUBLE_OPERATION(SHLD)
DOUBLE_OPERATION(SHRD)

#define DOUBLE_FORM(op, form)                                                                      \
	{                                                                                          \
		exec_##op##_##form##2, exec_##op##_##form##4                                       \
	}
#define DOUBLE_ROW(op)                                                                             \
	[OP_##op - OP_SHLD] = { DOUBLE_FORM(op, ri), DOUBLE_FORM(op, rc), DOUBLE_FORM(op, mi),     \
				DOUBLE_FORM(op, mc) }

static exec_fn *const double_handlers[2][FORM_COUNT][2] = {
	DOUBLE_ROW(SHLD),
	DOUBLE_ROW(SHRD),
};

exec_fn *
lower_double_shift(const struct decoded *d, struct insn *in)
{
	const struct operand *first = &d->operand[0];

	(void)in;
	return double_handlers[d->op - OP_SHLD][form_of(first, &d->operand[2])][first->size == 4];
}
