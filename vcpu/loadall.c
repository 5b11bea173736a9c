/*
 * LOADALL of the 286 and of the 386: every register from a table in memory, the caches
 * included, and no check between selector and cache. Where the table has what:
 * exchange_loadall.c.
 */
#include "loadall.h"

#include "exchange_rows.h"
#include "lower.h"
#include "mem.h"
#include "whole.h"

#define TABLE_286 0x800u

bool
loadall_allowed(struct cpu *c, enum descry_loadall which)
{
	if (!knob_is(c, DESCRY_KNOB_LOADALL, which))
		return raise(c, DESCRY_VEC_UD, 0);
	return descry_cpl(&c->state) == 0 ? true : raise(c, DESCRY_VEC_GP, 0);
}

static const struct descry_exchange_format *
table_format(const struct descry_profile *profile, enum descry_loadall which)
{
	if (which == DESCRY_LOADALL_286)
		return &exchange_loadall_286;
	return profile->knob[DESCRY_KNOB_LOADALL386_AR] == DESCRY_LOADALL386_COLLINS
		       ? &exchange_loadall_386
		       : &exchange_loadall_386_high;
}

const struct descry_exchange_format *
descry_loadall_format(const struct descry_profile *profile)
{
	const enum descry_loadall which = (enum descry_loadall)profile->knob[DESCRY_KNOB_LOADALL];

	return which == DESCRY_LOADALL_NONE ? NULL : table_format(profile, which);
}

void
loadall_commit(struct cpu *c, enum descry_loadall which, const uint8_t *table)
{
	struct descry_state whole;

	whole_take(c, &whole);
	descry_exchange_unpack_bytes(table_format(&c->profile, which), table, &whole);
	if (which == DESCRY_LOADALL_286) /* PE cannot be cleared */
		whole.cr0 |= c->state.cr0 & DESCRY_CR0_PE;
	whole_put(c, &whole, DESCRY_CAUSE_LOADALL);
}

static DESCRY_NOINLINE bool
do_loadall_286(struct cpu *c, const struct insn *in)
{
	uint8_t table[DESCRY_LOADALL_286_BYTES];

	if (!loadall_allowed(c, DESCRY_LOADALL_286) ||
	    !mem_read_linear_slow(c, TABLE_286, table, sizeof(table)))
		return false;

	/* Nothing below can fault. */
	cpu_here(c, in);
	loadall_commit(c, DESCRY_LOADALL_286, table);
	return true;
}

/* At ES:EDI. */
static bool
read_table_386(struct cpu *c, uint8_t table[DESCRY_LOADALL_386_BYTES])
{
	const uint32_t edi = reg_read(c, DESCRY_DI, 4);

	for (unsigned at = 0; at < DESCRY_LOADALL_386_BYTES; at += 4) {
		if (!mem_read(c, DESCRY_ES, edi + at, 4))
			return false;
		memcpy(table + at, &c->value, 4);
	}
	return true;
}

static DESCRY_NOINLINE bool
do_loadall_386(struct cpu *c, const struct insn *in)
{
	uint8_t table[DESCRY_LOADALL_386_BYTES];

	if (!loadall_allowed(c, DESCRY_LOADALL_386) || !read_table_386(c, table))
		return false;

	/* Nothing below can fault. */
	cpu_here(c, in);
	loadall_commit(c, DESCRY_LOADALL_386, table);
	return true;
}

/* --- handlers ------------------------------------------------------------------------- */

static const struct insn *
exec_loadall_286(struct cpu *c, const struct insn *in)
{
	return do_loadall_286(c, in) ? leave_to(c, in, c->target) : fault(c, in);
}

static const struct insn *
exec_loadall_386(struct cpu *c, const struct insn *in)
{
	return do_loadall_386(c, in) ? leave_to(c, in, c->target) : fault(c, in);
}

exec_fn *
lower_loadall(const struct decoded *d, struct insn *in)
{
	(void)in;
	return d->op == OP_LOADALL286 ? exec_loadall_286 : exec_loadall_386;
}
