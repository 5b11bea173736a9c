/*
 * ADD OR ADC SBB AND SUB XOR CMP TEST, INC DEC NEG NOT: SDM vol. 2, one entry each.
 */
#include "alu.h"
#include "lower.h"
#include "mem.h"

DESCRY_INLINE bool
writes_back(enum op op)
{
	return op != OP_CMP && op != OP_TEST;
}

/* --- the five operand forms ----------------------------------------------------------- */

DESCRY_INLINE const struct insn *
alu_reg(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t b)
{
	const unsigned reg = in->dst;
	const uint32_t r = alu(&c->flags, op, size, reg_read(c, reg, size), b);

	if (writes_back(op))
		reg_write(c, reg, size, r);
	return next(c, in);
}

DESCRY_INLINE const struct insn *
alu_rr(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return alu_reg(c, in, op, size, reg_read(c, in->src, size));
}

DESCRY_INLINE const struct insn *
alu_ri(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return alu_reg(c, in, op, size, in->imm);
}

DESCRY_INLINE const struct insn *
alu_rm(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	if (!mem_read(c, in->seg, ea(c, in), size))
		return fault(c, in);
	return alu_reg(c, in, op, size, c->value);
}

DESCRY_INLINE const struct insn *
alu_mem(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t b)
{
	if (writes_back(op)) {
		if (!mem_rmw(c, in->seg, ea(c, in), size))
			return fault(c, in);
		mem_rmw_commit(c, size, alu(&c->flags, op, size, c->value, b));
	} else {
		if (!mem_read(c, in->seg, ea(c, in), size))
			return fault(c, in);
		alu(&c->flags, op, size, c->value, b);
	}
	return next(c, in);
}

DESCRY_INLINE const struct insn *
alu_mr(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return alu_mem(c, in, op, size, reg_read(c, in->src, size));
}

DESCRY_INLINE const struct insn *
alu_mi(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return alu_mem(c, in, op, size, in->imm);
}

/* --- one handler for each operation, form and size ------------------------------------ */

#define ALU_HANDLER(op, form, size)                                                                \
	static const struct insn *exec_##op##_##form##size(struct cpu *c, const struct insn *in)   \
	{                                                                                          \
		return alu_##form(c, in, OP_##op, size);                                           \
	}
#define ALU_SIZES(op, form)                                                                        \
	ALU_HANDLER(op, form, 1) ALU_HANDLER(op, form, 2) ALU_HANDLER(op, form, 4)
#define ALU_OPERATION(op)                                                                          \
	ALU_SIZES(op, rr) ALU_SIZES(op, ri) ALU_SIZES(op, rm) ALU_SIZES(op, mr) ALU_SIZES(op, mi)

ALU_OPERATION(ADD)
ALU_OPERATION(OR)
ALU_OPERATION(ADC)
ALU_OPERATION(SBB)
ALU_OPERATION(AND)
ALU_OPERATION(SUB)
ALU_OPERATION(XOR)
ALU_OPERATION(CMP)
ALU_OPERATION(TEST)

#define ALU_FORM(op, form)                                                                         \
	{                                                                                          \
		exec_##op##_##form##1, exec_##op##_##form##2, exec_##op##_##form##4                \
	}
#define ALU_ROW(op)                                                                                \
	[OP_##op - OP_ADD] = { ALU_FORM(op, rr), ALU_FORM(op, ri), ALU_FORM(op, rm),               \
			       ALU_FORM(op, mr), ALU_FORM(op, mi) }

static exec_fn *const alu_handlers[OP_TEST - OP_ADD + 1][FORM_COUNT][3] = {
	ALU_ROW(ADD), ALU_ROW(OR),  ALU_ROW(ADC), ALU_ROW(SBB),  ALU_ROW(AND),
	ALU_ROW(SUB), ALU_ROW(XOR), ALU_ROW(CMP), ALU_ROW(TEST),
};

exec_fn *
lower_alu(const struct decoded *d, struct insn *in)
{
	(void)in;
	return alu_handlers[d->op - OP_ADD][alu_form_of(d)][size_index(d->operand[0].size)];
}

/* --- one operand ---------------------------------------------------------------------- */

/* INC and DEC leave CF; NOT leaves all flags. */
DESCRY_INLINE uint32_t
unary(struct cpu *c, enum op op, unsigned size, uint32_t a)
{
	if (op == OP_NOT)
		return ~a;
	if (op == OP_NEG)
		return alu(&c->flags, OP_SUB, size, 0, a);
	return step_by_one(&c->flags, op, size, a);
}

DESCRY_INLINE const struct insn *
unary_r(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	const unsigned reg = in->dst;

	reg_write(c, reg, size, unary(c, op, size, reg_read(c, reg, size)));
	return next(c, in);
}

DESCRY_INLINE const struct insn *
unary_m(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	if (!mem_rmw(c, in->seg, ea(c, in), size))
		return fault(c, in);
	mem_rmw_commit(c, size, unary(c, op, size, c->value));
	return next(c, in);
}

#define UNARY_HANDLER(op, form, size)                                                              \
	static const struct insn *exec_##op##_##form##size(struct cpu *c, const struct insn *in)   \
	{                                                                                          \
		return unary_##form(c, in, OP_##op, size);                                         \
	}
#define UNARY_SIZES(op, form)                                                                      \
	UNARY_HANDLER(op, form, 1) UNARY_HANDLER(op, form, 2) UNARY_HANDLER(op, form, 4)
#define UNARY_OPERATION(op) UNARY_SIZES(op, r) UNARY_SIZES(op, m)

UNARY_OPERATION(INC)
UNARY_OPERATION(DEC)
UNARY_OPERATION(NEG)
UNARY_OPERATION(NOT)

#define UNARY_ROW(op) [OP_##op - OP_INC] = { ALU_FORM(op, r), ALU_FORM(op, m) }

static exec_fn *const unary_handlers[OP_NOT - OP_INC + 1][2][3] = {
	UNARY_ROW(INC),
	UNARY_ROW(DEC),
	UNARY_ROW(NEG),
	UNARY_ROW(NOT),
};

exec_fn *
lower_unary(const struct decoded *d, struct insn *in)
{
	const struct operand *operand = &d->operand[0];

	(void)in;
	return unary_handlers[d->op - OP_INC][operand->kind == OPERAND_MEM]
			     [size_index(operand->size)];
}
