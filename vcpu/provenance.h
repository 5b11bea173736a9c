/*
 * Writing down who loaded what. Private to vcpu.
 */
#ifndef DESCRY_VCPU_PROVENANCE_H
#define DESCRY_VCPU_PROVENANCE_H

#include "cpu.h"

static inline enum descry_mode
cpu_mode(const struct cpu *c)
{
	if (!in_protected_mode(c))
		return DESCRY_MODE_REAL;
	return c->state.rflags & DESCRY_FLAG_VM ? DESCRY_MODE_V86 : DESCRY_MODE_PROTECTED;
}

DESCRY_INLINE void
write_record(const struct cpu *c, struct descry_provenance *to, const struct seg_loading *from,
	     enum descry_cause cause)
{
	to->retired = c->here.retired;
	to->ip = c->here.ip;
	to->raw = from->raw;
	to->table = from->table;
	to->cs = c->here.cs;
	to->sel = from->seg.sel;
	to->cause = (uint8_t)cause;
	to->mode = (uint8_t)cpu_mode(c);
	to->origin = from->origin;
	to->step = c->op_step;
}

/* Of the fields that a loading writes. */
void cpu_note_load(struct cpu *c, enum descry_sreg sreg, const struct seg_loading *from,
		   enum descry_cause cause);

/* The same when it writes all three, as most do: one record is enough until somebody looks. */
DESCRY_INLINE void
cpu_note_whole_load(struct cpu *c, enum descry_sreg sreg, const struct seg_loading *from,
		    enum descry_cause cause)
{
	write_record(c, &c->newest_load[sreg], from, cause);
	c->unsettled |= 1u << sreg;
}

/* Before anybody reads the records. */
void cpu_settle_provenance(struct cpu *c);

#endif
