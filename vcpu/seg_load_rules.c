#include "seg_load_rules.h"

static void
set_cache(struct descry_segment *seg, uint64_t base, uint32_t limit, uint16_t attr)
{
	seg->base = base;
	seg->limit = limit;
	seg->attr = attr;
}

/*
 * The limit and the attributes of a data segment are not touched; a manual that says "the
 * limit is FFFFh" describes a CPU that never left the reset values. CS differs by
 * generation. (Collins, "Descriptor Cache Register Anomalies"; 386 data sheet,
 * Addressing in Real Mode)
 */
void
seg_load_real(struct descry_segment *seg, enum descry_sreg sreg, uint16_t sel,
	      const struct descry_profile *profile)
{
	const uint32_t *knob = profile->knob;

	seg->sel = sel;
	seg->base = (uint64_t)sel << 4;
	if (sreg == DESCRY_CS && knob[DESCRY_KNOB_REAL_CS_LOAD] == DESCRY_REAL_CS_FIXED)
		set_cache(seg, seg->base, UINT16_MAX, DESCRY_ATTR_REAL_DATA);
	if (sreg == DESCRY_CS && knob[DESCRY_KNOB_REAL_CS_LOAD] == DESCRY_REAL_CS_PARTIAL)
		seg->attr = (uint16_t)((seg->attr & DESCRY_ATTR_G) | DESCRY_ATTR_REAL_DATA);
	if (sreg != DESCRY_CS && knob[DESCRY_KNOB_REAL_DATA_LOAD] == DESCRY_REAL_DATA_BASE_LIMIT)
		seg->limit = UINT16_MAX;
	if (knob[DESCRY_KNOB_REAL_FORCE_P_S])
		seg->attr = (uint16_t)((seg->attr & ~DESCRY_ATTR_UNUSABLE) | DESCRY_ATTR_P |
				       DESCRY_ATTR_S);
}

void
seg_load_null(struct descry_segment *seg, uint16_t sel, const struct descry_profile *profile)
{
	seg->sel = sel;
	switch ((enum descry_null_load)profile->knob[DESCRY_KNOB_NULL_LOAD]) {
	case DESCRY_NULL_INTEL:
		set_cache(seg, 0, UINT32_MAX,
			  DESCRY_ATTR_UNUSABLE | DESCRY_ATTR_G | DESCRY_ATTR_DB);
		return;
	case DESCRY_NULL_KEEP:
		seg->attr |= DESCRY_ATTR_UNUSABLE;
		return;
	case DESCRY_NULL_AMD_OLD:
		seg->attr = 0;
		return;
	case DESCRY_NULL_ZERO:
		set_cache(seg, 0, 0, 0);
		return;
	}
}

void
seg_load_v86(struct descry_segment *seg, uint16_t sel)
{
	seg->sel = sel;
	set_cache(seg, (uint64_t)sel << 4, UINT16_MAX, DESCRY_ATTR_V86);
}

bool
seg_is_tss(const struct descry_segment *desc)
{
	const unsigned type = desc->attr & DESCRY_ATTR_TYPE & ~SEG_TSS_BUSY;

	return !(desc->attr & DESCRY_ATTR_S) &&
	       (type == DESCRY_TYPE_TSS16 || type == DESCRY_TYPE_TSS32);
}

static unsigned
system_type(const struct descry_segment *desc)
{
	return desc->attr & (DESCRY_ATTR_S | DESCRY_ATTR_TYPE);
}

bool
seg_is_task_gate(const struct descry_segment *desc)
{
	return system_type(desc) == DESCRY_TYPE_TASK_GATE;
}

bool
seg_is_call_gate(const struct descry_segment *desc)
{
	return system_type(desc) == DESCRY_TYPE_CALL_GATE16 ||
	       system_type(desc) == DESCRY_TYPE_CALL_GATE32;
}

void
seg_load_descriptor(struct descry_segment *seg, const struct descry_segment *desc)
{
	*seg = *desc;
	if (desc->attr & DESCRY_ATTR_S)
		seg->attr |= DESCRY_ATTR_A;
	if (seg_is_tss(desc))
		seg->attr |= SEG_TSS_BUSY;
}

#define SIX_BYTES UINT64_C(0x0000ffffffffffff)
#define TYPE_386 0x08u /* in a system descriptor: the types that came with the 386 */

uint64_t
seg_table_bytes(uint64_t raw, const struct descry_profile *profile)
{
	return profile->knob[DESCRY_KNOB_DESCRIPTOR_BYTES] == 6 ? raw & SIX_BYTES : raw;
}

struct descry_segment
seg_from_table(uint16_t sel, uint64_t raw, const struct descry_profile *profile)
{
	struct descry_segment seg =
		descry_segment_from_descriptor(sel, seg_table_bytes(raw, profile));

	if (profile->knob[DESCRY_KNOB_DESCRIPTOR_BYTES] == 6 && !(seg.attr & DESCRY_ATTR_S) &&
	    seg.attr & TYPE_386)
		seg.attr = (uint16_t)(seg.attr & ~DESCRY_ATTR_TYPE);
	return seg;
}
