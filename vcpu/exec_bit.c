/*
 * BT BTS BTR BTC, BSF BSR, SETcc: SDM vol. 2, one entry each.
 */
#include "arithmetic.h"
#include "lower.h"
#include "mem.h"

/* --- BT BTS BTR BTC ------------------------------------------------------------------- */

/* Only CF changes. */
DESCRY_INLINE uint32_t
bit_test(struct lazy_flags *f, enum op op, unsigned size, uint32_t a, uint32_t offset)
{
	const uint32_t bit = UINT32_C(1) << offset % (8 * size);

	flags_set_cf_of(f, a & bit, flag_of(f));
	if (op == OP_BTS)
		return a | bit;
	if (op == OP_BTR)
		return a & ~bit;
	return a ^ bit;
}

DESCRY_INLINE const struct insn *
bit_reg(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t offset)
{
	const uint32_t r = bit_test(&c->flags, op, size, reg_read(c, in->dst, size), offset);

	if (op != OP_BT)
		reg_write(c, in->dst, size, r);
	return next(c, in);
}

DESCRY_INLINE const struct insn *
bit_mem(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t address,
	uint32_t offset)
{
	if (op == OP_BT) {
		if (!mem_read(c, in->seg, address, size))
			return fault(c, in);
		bit_test(&c->flags, op, size, c->value, offset);
	} else {
		if (!mem_rmw(c, in->seg, address, size))
			return fault(c, in);
		mem_rmw_commit(c, size, bit_test(&c->flags, op, size, c->value, offset));
	}
	return next(c, in);
}

DESCRY_INLINE const struct insn *
bit_rr(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return bit_reg(c, in, op, size, reg_read(c, in->src, size));
}

DESCRY_INLINE const struct insn *
bit_ri(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return bit_reg(c, in, op, size, in->imm);
}

/* An offset from a register is signed, and selects among words before and behind the operand. */
DESCRY_INLINE const struct insn *
bit_mr(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	const int32_t offset = (int32_t)sign_extend(reg_read(c, in->src, size), size);
	const int32_t words = offset >> (size == 2 ? 4 : 5);
	const uint32_t address = (ea(c, in) + (uint32_t)words * size) & in->ea_mask;

	return bit_mem(c, in, op, size, address, (uint32_t)offset);
}

DESCRY_INLINE const struct insn *
bit_mi(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return bit_mem(c, in, op, size, ea(c, in), in->imm);
}

#define BIT_HANDLER(op, form, size)                                                                \
	static const struct insn *exec_##op##_##form##size(struct cpu *c, const struct insn *in)   \
	{                                                                                          \
		return bit_##form(c, in, OP_##op, size);                                           \
	}
#define BIT_SIZES(op, form) BIT_HANDLER(op, form, 2) BIT_HANDLER(op, form, 4)
#define BIT_OPERATION(op) BIT_SIZES(op, rr) BIT_SIZES(op, ri) BIT_SIZES(op, mr) BIT_SIZES(op, mi)

BIT_OPERATION(BT)
BIT_OPERATION(BTS)
BIT_OPERATION(BTR)
BIT_OPERATION(BTC)

#define BIT_FORM(op, form)                                                                         \
	{                                                                                          \
		exec_##op##_##form##2, exec_##op##_##form##4                                       \
	}
#define BIT_ROW(op)                                                                                \
	[OP_##op - OP_BT] = { { BIT_FORM(op, rr), BIT_FORM(op, ri) },                              \
			      { BIT_FORM(op, mr), BIT_FORM(op, mi) } }

exec_fn *
lower_bit_test(const struct decoded *d, struct insn *in)
{
	/* By first operand, second operand, size. */
	static exec_fn *const handlers[OP_BTC - OP_BT + 1][2][2][2] = {
		BIT_ROW(BT),
		BIT_ROW(BTS),
		BIT_ROW(BTR),
		BIT_ROW(BTC),
	};
	const struct operand *first = &d->operand[0], *second = &d->operand[1];

	(void)in;
	return handlers[d->op - OP_BT][first->kind == OPERAND_MEM][second->kind == OPERAND_IMM]
		       [first->size == 4];
}

/* --- BSF BSR -------------------------------------------------------------------------- */

/*
 * A source of 0 leaves the destination alone. ZF tells of the source; PF, which is
 * undefined, of the result.
 */
DESCRY_INLINE const struct insn *
bit_scan(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t source)
{
	uint32_t r = 0;

	if (source != 0) {
		r = (uint32_t)(op == OP_BSF ? __builtin_ctz(source) : 31 - __builtin_clz(source));
		reg_write(c, in->dst, size, r);
	}
	flags_set_result(&c->flags, r, size);
	c->flags.zero = source;
	c->flags.carries = 0;
	return next(c, in);
}

#define SCAN_HANDLER(op, size)                                                                     \
	static const struct insn *exec_##op##_rr##size(struct cpu *c, const struct insn *in)       \
	{                                                                                          \
		return bit_scan(c, in, OP_##op, size, reg_read(c, in->src, size));                 \
	}                                                                                          \
	static const struct insn *exec_##op##_rm##size(struct cpu *c, const struct insn *in)       \
	{                                                                                          \
		if (!mem_read(c, in->seg, ea(c, in), size))                                        \
			return fault(c, in);                                                       \
		return bit_scan(c, in, OP_##op, size, c->value);                                   \
	}
#define SCAN_OPERATION(op) SCAN_HANDLER(op, 2) SCAN_HANDLER(op, 4)

SCAN_OPERATION(BSF)
SCAN_OPERATION(BSR)

exec_fn *
lower_bit_scan(const struct decoded *d, struct insn *in)
{
	/* By operation, second operand, size. */
	static exec_fn *const handlers[2][2][2] = {
		{ { exec_BSF_rr2, exec_BSF_rr4 }, { exec_BSF_rm2, exec_BSF_rm4 } },
		{ { exec_BSR_rr2, exec_BSR_rr4 }, { exec_BSR_rm2, exec_BSR_rm4 } },
	};

	(void)in;
	return handlers[d->op - OP_BSF][d->operand[1].kind == OPERAND_MEM][d->operand[0].size == 4];
}

/* --- SETcc ---------------------------------------------------------------------------- */

static const struct insn *
exec_setcc_r(struct cpu *c, const struct insn *in)
{
	reg_write(c, in->dst, 1, flags_condition(&c->flags, in->cond));
	return next(c, in);
}

static const struct insn *
exec_setcc_m(struct cpu *c, const struct insn *in)
{
	if (!mem_write(c, in->seg, ea(c, in), 1, flags_condition(&c->flags, in->cond)))
		return fault(c, in);
	return next(c, in);
}

exec_fn *
lower_setcc(const struct decoded *d, struct insn *in)
{
	(void)in;
	return d->operand[0].kind == OPERAND_MEM ? exec_setcc_m : exec_setcc_r;
}
