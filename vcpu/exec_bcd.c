/*
 * DAA DAS AAA AAS AAM AAD: SDM vol. 2, one entry each.
 */
#include "arithmetic.h"
#include "cpu.h"
#include "lower.h"

static const struct insn *
exec_daa(struct cpu *c, const struct insn *in)
{
	reg_write(c, REG_AL, 1, decimal_adjust(&c->flags, OP_DAA, reg_read(c, REG_AL, 1)));
	return next(c, in);
}

static const struct insn *
exec_das(struct cpu *c, const struct insn *in)
{
	reg_write(c, REG_AL, 1, decimal_adjust(&c->flags, OP_DAS, reg_read(c, REG_AL, 1)));
	return next(c, in);
}

static const struct insn *
exec_aaa(struct cpu *c, const struct insn *in)
{
	reg_write(c, DESCRY_AX, 2, ascii_adjust(&c->flags, OP_AAA, reg_read(c, DESCRY_AX, 2)));
	return next(c, in);
}

static const struct insn *
exec_aas(struct cpu *c, const struct insn *in)
{
	reg_write(c, DESCRY_AX, 2, ascii_adjust(&c->flags, OP_AAS, reg_read(c, DESCRY_AX, 2)));
	return next(c, in);
}

/* The immediate of AAM and AAD is their base; assemblers write it only when it is not 10. */
static const struct insn *
exec_aam(struct cpu *c, const struct insn *in)
{
	const uint32_t base = in->imm & 0xff;

	if (base == 0)
		return divide_error(c, in);
	reg_write(c, DESCRY_AX, 2, ascii_split(&c->flags, reg_read(c, REG_AL, 1), base));
	return next(c, in);
}

static const struct insn *
exec_aad(struct cpu *c, const struct insn *in)
{
	const uint32_t base = in->imm & 0xff;

	reg_write(c, DESCRY_AX, 2, ascii_join(&c->flags, reg_read(c, DESCRY_AX, 2), base));
	return next(c, in);
}

exec_fn *
lower_bcd(const struct decoded *d, struct insn *in)
{
	static exec_fn *const handlers[OP_AAD - OP_DAA + 1] = {
		[OP_DAA - OP_DAA] = exec_daa, [OP_DAS - OP_DAA] = exec_das,
		[OP_AAA - OP_DAA] = exec_aaa, [OP_AAS - OP_DAA] = exec_aas,
		[OP_AAM - OP_DAA] = exec_aam, [OP_AAD - OP_DAA] = exec_aad,
	};

	(void)in;
	return handlers[d->op - OP_DAA];
}
