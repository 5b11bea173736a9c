/*
 * SYSENTER, SYSEXIT: segments from constants, without a look at any table (SDM vol. 2, one
 * entry each).
 */
#include "eflags.h"
#include "lower.h"
#include "msr.h"
#include "seg_load.h"

static const struct { /* what the two leave in the caches but the selectors */
	uint16_t code, stack;
} entered = { 0xc09b, 0xc093 }, left = { 0xc0fb, 0xc0f3 };

static void
load_flat(struct cpu *c, enum descry_sreg sreg, unsigned sel, uint16_t attr,
	  enum descry_cause cause)
{
	const struct seg_loading flat = {
		.seg = { .limit = UINT32_MAX, .sel = (uint16_t)sel, .attr = attr },
		.origin = DESCRY_ORIGIN_FIXED,
		.fields = SEG_FIELDS_ALL,
	};

	seg_commit(c, sreg, &flat, cause);
}

/* Only where descriptors are used, and once the operating system has named its segments. */
static bool
is_prepared(struct cpu *c)
{
	const bool named = c->state.sysenter_cs & 0xfffc;

	return in_protected_mode(c) && named ? true : raise(c, DESCRY_VEC_GP, 0);
}

static DESCRY_NOINLINE bool
do_sysenter(struct cpu *c, const struct insn *in)
{
	const unsigned cs = c->state.sysenter_cs & 0xfffc;

	if (!is_prepared(c))
		return false;

	/* Nothing below can fault. */
	cpu_here(c, in);
	eflags_clear(c, DESCRY_FLAG_VM | DESCRY_FLAG_IF | DESCRY_FLAG_RF);
	load_flat(c, DESCRY_CS, cs, entered.code, DESCRY_CAUSE_SYSENTER);
	load_flat(c, DESCRY_SS, cs + 8, entered.stack, DESCRY_CAUSE_SYSENTER);
	cpu_derive(c); /* VM may have been set */
	reg_write(c, DESCRY_SP, 4, c->state.sysenter_esp);
	c->target = c->state.sysenter_eip;
	return true;
}

static const struct insn *
exec_sysenter(struct cpu *c, const struct insn *in)
{
	return do_sysenter(c, in) ? go_to(c, in, c->target) : fault(c, in);
}

/* Back to ring 3: EDX is where, ECX the stack. */
static DESCRY_NOINLINE bool
do_sysexit(struct cpu *c, const struct insn *in)
{
	const unsigned cs = c->state.sysenter_cs & 0xfffc;

	if (!is_prepared(c))
		return false;
	if (descry_cpl(&c->state) != 0)
		return raise(c, DESCRY_VEC_GP, 0);

	/* Nothing below can fault. */
	cpu_here(c, in);
	load_flat(c, DESCRY_CS, (cs + 16) | 3, left.code, DESCRY_CAUSE_SYSEXIT);
	load_flat(c, DESCRY_SS, (cs + 24) | 3, left.stack, DESCRY_CAUSE_SYSEXIT);
	reg_write(c, DESCRY_SP, 4, reg_read(c, DESCRY_CX, 4));
	c->target = reg_read(c, DESCRY_DX, 4);
	return true;
}

static const struct insn *
exec_sysexit(struct cpu *c, const struct insn *in)
{
	return do_sysexit(c, in) ? go_to(c, in, c->target) : fault(c, in);
}

exec_fn *
lower_sysenter(const struct decoded *d, struct insn *in)
{
	(void)in;
	return d->op == OP_SYSENTER ? exec_sysenter : exec_sysexit;
}
