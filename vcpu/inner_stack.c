#include "inner_stack.h"

#include "mem.h"
#include "microstep.h"

static bool
read_from_tss(struct cpu *c, unsigned ring, uint32_t *sp, uint16_t *ss)
{
	const struct descry_segment *tr = &c->state.seg[DESCRY_TR];
	const bool wide = (tr->attr & DESCRY_ATTR_TYPE) >= DESCRY_TYPE_TSS32;
	const uint32_t at = wide ? 4 + 8 * ring : 2 + 4 * ring;
	const unsigned size = wide ? 4 : 2;

	if (at + size + 1 > tr->limit)
		return raise(c, DESCRY_VEC_TS, tr->sel & ~DESCRY_SEL_RPL);
	*sp = 0;
	return (wide ? mem_read_linear(c, (uint32_t)tr->base + at, sp, 4)
		     : mem_read_linear(c, (uint32_t)tr->base + at, sp, 2)) &&
	       mem_read_linear(c, (uint32_t)tr->base + at + size, ss, sizeof(*ss));
}

bool
inner_stack_resolve(struct cpu *c, unsigned ring, struct seg_loading *ss, uint32_t *sp)
{
	uint16_t sel;

	if (!read_from_tss(c, ring, sp, &sel))
		return false;
	microstep_then(c);
	return seg_resolve_stack_inner(c, sel, ring, ss);
}
