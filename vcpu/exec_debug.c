/*
 * MOV DRn and INT1 (ICEBP): SDM vol. 2, Move to/from Debug Registers; INT n/INTO/INT3/INT1.
 */
#include "debug.h"
#include "far.h"
#include "lower.h"

#include <descry/debug.h>

/* DR4 and DR5 are other names of DR6 and DR7, unless CR4.DE has taken them away. */
static bool
resolve_register(struct cpu *c, unsigned number, unsigned *out)
{
	const bool is_alias = number == 4 || number == 5;

	if (is_alias && c->state.cr4 & DESCRY_CR4_DE)
		return raise(c, DESCRY_VEC_UD, 0);
	*out = is_alias ? number + 2 : number;
	return true;
}

/* Privilege comes before DR7.GD, as KVM and QEMU have it; Bochs looks at GD first. */
static bool
may_access(struct cpu *c)
{
	if (descry_cpl(&c->state) != 0)
		return raise(c, DESCRY_VEC_GP, 0);
	return c->state.dr[7] & DESCRY_DR7_GD ? debug_raise(c, DESCRY_DR6_BD) : true;
}

static uint32_t
image(const struct cpu *c, unsigned number, uint32_t value)
{
	if (number == 6)
		return debug_dr6_image(c, value);
	return number == 7 ? debug_dr7_image(c, value) : value;
}

static DESCRY_NOINLINE bool
do_mov_to_dr(struct cpu *c, const struct insn *in)
{
	unsigned number;

	if (!resolve_register(c, in->dst, &number) || !may_access(c))
		return false;
	c->state.dr[number] = image(c, number, reg_read(c, in->src, 4));
	debug_derive(c);
	return true;
}

static DESCRY_NOINLINE bool
do_mov_from_dr(struct cpu *c, const struct insn *in)
{
	unsigned number;

	if (!resolve_register(c, in->src, &number) || !may_access(c))
		return false;
	reg_write(c, in->dst, 4, (uint32_t)c->state.dr[number]);
	return true;
}

static const struct insn *
exec_mov_to_dr(struct cpu *c, const struct insn *in)
{
	return do_mov_to_dr(c, in) ? leave_after(c, in) : fault(c, in);
}

static const struct insn *
exec_mov_from_dr(struct cpu *c, const struct insn *in)
{
	return do_mov_from_dr(c, in) ? next(c, in) : fault(c, in);
}

static const struct insn *
exec_icebp(struct cpu *c, const struct insn *in)
{
	cpu_here(c, in);
	return transferred(c, in, interrupt_icebp(c, insn_next_ip(c, in)));
}

exec_fn *
lower_debug(const struct decoded *d, struct insn *in)
{
	(void)in;
	if (d->op == OP_ICEBP)
		return exec_icebp;
	return d->operand[0].kind == OPERAND_DREG ? exec_mov_to_dr : exec_mov_from_dr;
}
