#include <descry/query.h>

/* --- where the cache is not what the selector means ----------------------------------- */

/* G, A and AVL change nothing for an access; nobody expects anything of them in real mode. */
static bool
is_real_attr(enum descry_sreg sreg, uint16_t attr)
{
	const uint16_t counted = attr & (uint16_t) ~(DESCRY_ATTR_G | DESCRY_ATTR_A |
						     DESCRY_ATTR_AVL | DESCRY_ATTR_L);
	const uint16_t data = DESCRY_ATTR_P | DESCRY_ATTR_S | DESCRY_ATTR_RW;

	return counted == data || (sreg == DESCRY_CS && counted == (data | DESCRY_ATTR_CODE));
}

static unsigned
differs_from_real(const struct descry_segment_report *report)
{
	unsigned differs = 0;

	if (report->status & DESCRY_CACHE_UNREAL_BASE)
		differs |= DESCRY_DIFFERS_BASE;
	if (!(report->status & (DESCRY_CACHE_UNREAL | DESCRY_CACHE_UNUSABLE)))
		return differs;
	if (report->cache.limit != 0xffff)
		differs |= DESCRY_DIFFERS_LIMIT;
	if (!is_real_attr(report->sreg, report->cache.attr))
		differs |= DESCRY_DIFFERS_ATTR;
	return differs;
}

/* What the real mode of an 8086 has behind a selector. */
static struct descry_segment
usual_of(uint16_t sel)
{
	return (struct descry_segment){
		.base = (uint64_t)sel * 16,
		.limit = 0xffff,
		.sel = sel,
		.attr = DESCRY_ATTR_P | DESCRY_ATTR_S | DESCRY_ATTR_RW | DESCRY_ATTR_A,
	};
}

/* The accessed bit, and busy of a TSS, are marks that a load leaves: not what it means. */
static uint16_t
without_marks(uint16_t attr)
{
	if (attr & DESCRY_ATTR_S)
		return attr & (uint16_t)~DESCRY_ATTR_A;
	return attr & (uint16_t)~2u;
}

static unsigned
differs_from_reload(const struct descry_segment_report *report)
{
	const struct descry_preview *now = &report->reload[DESCRY_RELOAD_NOW];
	unsigned differs = 0;

	if (!(report->status & DESCRY_CACHE_STALE))
		return 0;
	if (now->fault.vector != DESCRY_VEC_NONE)
		return DESCRY_DIFFERS_BASE | DESCRY_DIFFERS_LIMIT | DESCRY_DIFFERS_ATTR;
	if (report->cache.base != now->segment.base)
		differs |= DESCRY_DIFFERS_BASE;
	if (report->cache.limit != now->segment.limit)
		differs |= DESCRY_DIFFERS_LIMIT;
	if (without_marks(report->cache.attr) != without_marks(now->segment.attr))
		differs |= DESCRY_DIFFERS_ATTR;
	return differs;
}

/* --- the report ----------------------------------------------------------------------- */

static void
read_slot(const struct descry_vcpu *vcpu, struct descry_segment_report *report)
{
	const uint16_t sel = report->cache.sel;

	report->slot = DESCRY_SLOT_NULL;
	if ((sel & ~DESCRY_SEL_RPL) == 0)
		return;
	report->slot = DESCRY_SLOT_BEYOND;
	if (!descry_read_descriptor(vcpu, sel, &report->raw, &report->raw_linear))
		return;
	report->slot = DESCRY_SLOT_READ;
	report->table = descry_descriptor_segment(vcpu, sel, report->raw);
}

void
descry_query_segment(struct descry_monitor *monitor, enum descry_sreg sreg,
		     struct descry_segment_report *out)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	const struct descry_state *state = descry_vcpu_state(vcpu);

	*out = (struct descry_segment_report){
		.sreg = sreg,
		.cache = state->seg[sreg],
		.status = descry_cache_status(vcpu, sreg),
		.from = *descry_vcpu_provenance(vcpu, sreg),
	};
	for (unsigned mode = 0; mode < DESCRY_RELOAD_MODE_COUNT; mode++)
		descry_reload_preview(vcpu, sreg, (enum descry_reload_mode)mode,
				      &out->reload[mode]);
	read_slot(vcpu, out);
	if (state->cr0 & DESCRY_CR0_PE) {
		out->differs = differs_from_reload(out);
		return;
	}
	out->differs = differs_from_real(out);
	out->has_usual = out->differs != 0;
	out->usual = usual_of(out->cache.sel);
}

void
descry_query_segment_moment(struct descry_monitor *monitor, struct descry_segment_moment *out)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	const struct descry_state *state = descry_vcpu_state(vcpu);

	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++) {
		out->seg[i] = state->seg[i];
		out->status[i] = descry_cache_status(vcpu, (enum descry_sreg)i);
	}
}
