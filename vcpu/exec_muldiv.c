/*
 * MUL IMUL DIV IDIV: SDM vol. 2, one entry each.
 */
#include "arithmetic.h"
#include "lower.h"
#include "mem.h"

/* --- into AX, DX:AX or EDX:EAX -------------------------------------------------------- */

DESCRY_INLINE void
write_pair(struct cpu *c, unsigned size, uint32_t low, uint32_t high)
{
	reg_write(c, size == 1 ? REG_AL : DESCRY_AX, size, low);
	reg_write(c, size == 1 ? REG_AH : DESCRY_DX, size, high);
}

DESCRY_INLINE const struct insn *
multiply_by(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t by)
{
	const uint64_t r = multiply(&c->flags, op, size, reg_read(c, DESCRY_AX, size), by);

	write_pair(c, size, (uint32_t)r, (uint32_t)(r >> 8 * size));
	return next(c, in);
}

/* --- into any register ---------------------------------------------------------------- */

DESCRY_INLINE const struct insn *
multiply_reg(struct cpu *c, const struct insn *in, unsigned size, uint32_t a, uint32_t b)
{
	reg_write(c, in->dst, size, (uint32_t)multiply(&c->flags, OP_IMUL, size, a, b));
	return next(c, in);
}

DESCRY_INLINE const struct insn *
imul_rr(struct cpu *c, const struct insn *in, unsigned size)
{
	return multiply_reg(c, in, size, reg_read(c, in->dst, size), reg_read(c, in->src, size));
}

DESCRY_INLINE const struct insn *
imul_rm(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_read(c, in->seg, ea(c, in), size))
		return fault(c, in);
	return multiply_reg(c, in, size, reg_read(c, in->dst, size), c->value);
}

DESCRY_INLINE const struct insn *
imul_rri(struct cpu *c, const struct insn *in, unsigned size)
{
	return multiply_reg(c, in, size, reg_read(c, in->src, size), in->imm);
}

DESCRY_INLINE const struct insn *
imul_rmi(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_read(c, in->seg, ea(c, in), size))
		return fault(c, in);
	return multiply_reg(c, in, size, c->value, in->imm);
}

/* --- division ------------------------------------------------------------------------- */

DESCRY_INLINE uint64_t
dividend(const struct cpu *c, unsigned size)
{
	if (size == 1)
		return reg_read(c, DESCRY_AX, 2);
	return (uint64_t)reg_read(c, DESCRY_DX, size) << 8 * size | reg_read(c, DESCRY_AX, size);
}

/* The state is as before the instruction; an 8086 pushes the IP behind it all the same. */
const struct insn *
divide_error(struct cpu *c, const struct insn *in)
{
	raise(c, DESCRY_VEC_DE, 0);
	return leave_at(c, insn_retired(c, in),
			knob_is(c, DESCRY_KNOB_DIVIDE_IP, DESCRY_DIVIDE_IP_NEXT)
				? insn_next_ip(c, in)
				: insn_ip(c, in));
}

/* An 8086 divides magnitudes, and has no room for the most negative quotient. */
static DESCRY_NOINLINE bool
refuses_least(const struct cpu *c)
{
	return c->profile.knob[DESCRY_KNOB_IDIV_MIN];
}

DESCRY_INLINE bool
is_least(unsigned size, uint32_t quotient)
{
	return quotient << (32 - 8 * size) == 0x80000000u;
}

/* Flags stay as they are, on silicon too. */
DESCRY_INLINE const struct insn *
divide_by(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t by)
{
	const struct division r = op == OP_DIV ? divide_unsigned(size, dividend(c, size), by)
					       : divide_signed(size, dividend(c, size), by);

	if (!r.fits || (op == OP_IDIV && is_least(size, r.quotient) && refuses_least(c)))
		return divide_error(c, in);
	write_pair(c, size, r.quotient, r.remainder);
	return next(c, in);
}

/* --- one handler for each operation, form and size ------------------------------------ */

#define PAIR_HANDLER(op, how, size)                                                                \
	static const struct insn *exec_##op##_r##size(struct cpu *c, const struct insn *in)        \
	{                                                                                          \
		return how(c, in, OP_##op, size, reg_read(c, in->dst, size));                      \
	}                                                                                          \
	static const struct insn *exec_##op##_m##size(struct cpu *c, const struct insn *in)        \
	{                                                                                          \
		if (!mem_read(c, in->seg, ea(c, in), size))                                        \
			return fault(c, in);                                                       \
		return how(c, in, OP_##op, size, c->value);                                        \
	}
#define PAIR_OPERATION(op, how)                                                                    \
	PAIR_HANDLER(op, how, 1) PAIR_HANDLER(op, how, 2) PAIR_HANDLER(op, how, 4)

PAIR_OPERATION(MUL, multiply_by)
PAIR_OPERATION(IMUL, multiply_by)
PAIR_OPERATION(DIV, divide_by)
PAIR_OPERATION(IDIV, divide_by)

#define IMUL_HANDLER(form, size)                                                                   \
	static const struct insn *exec_imul_##form##size(struct cpu *c, const struct insn *in)     \
	{                                                                                          \
		return imul_##form(c, in, size);                                                   \
	}
#define IMUL_FORM(form) IMUL_HANDLER(form, 2) IMUL_HANDLER(form, 4)

IMUL_FORM(rr)
IMUL_FORM(rm)
IMUL_FORM(rri)
IMUL_FORM(rmi)

#define PAIR_ROW(op)                                                                               \
	[OP_##op - OP_MUL] = { { exec_##op##_r1, exec_##op##_r2, exec_##op##_r4 },                 \
			       { exec_##op##_m1, exec_##op##_m2, exec_##op##_m4 } }

static exec_fn *const pair_handlers[OP_IDIV - OP_MUL + 1][2][3] = {
	PAIR_ROW(MUL),
	PAIR_ROW(IMUL),
	PAIR_ROW(DIV),
	PAIR_ROW(IDIV),
};

static exec_fn *
lower_pair(const struct decoded *d)
{
	const struct operand *operand = &d->operand[0];

	return pair_handlers[d->op - OP_MUL][operand->kind == OPERAND_MEM]
			    [size_index(operand->size)];
}

exec_fn *
lower_multiply(const struct decoded *d, struct insn *in)
{
	/* By third operand, second operand, size. */
	static exec_fn *const imul_handlers[2][2][2] = {
		{ { exec_imul_rr2, exec_imul_rr4 }, { exec_imul_rm2, exec_imul_rm4 } },
		{ { exec_imul_rri2, exec_imul_rri4 }, { exec_imul_rmi2, exec_imul_rmi4 } },
	};
	const struct operand *second = &d->operand[1];

	(void)in;
	if (second->kind == OPERAND_NONE)
		return lower_pair(d);
	return imul_handlers[d->operand[2].kind == OPERAND_IMM][second->kind == OPERAND_MEM]
			    [d->operand[0].size == 4];
}

exec_fn *
lower_divide(const struct decoded *d, struct insn *in)
{
	(void)in;
	return lower_pair(d);
}
