/*
 * Guests whose CPU is data of an interpreter: the host never touches it. And the host that would
 * rather not take an interrupt than lose a cache.
 */
#include "world/judge.h"
#include "world/switch.h"

#include <stdio.h>

/* "00000100/FFFFFFFF/C093", or the fault. */
static void
describe_reload(const struct descry_vcpu *vcpu, enum descry_sreg sreg, char *text, size_t size)
{
	struct descry_preview preview;

	descry_reload_preview(vcpu, sreg, DESCRY_RELOAD_NOW, &preview);
	if (preview.fault.vector != DESCRY_VEC_NONE)
		snprintf(text, size, "would fault with %s(%04x)",
			 descry_vector_text(preview.fault.vector), preview.fault.error_code);
	else
		snprintf(text, size, "would give %08x/%08x/%04x", (unsigned)preview.segment.base,
			 preview.segment.limit, preview.segment.attr);
}

/* How many segments of the six are not MATCH? */
static unsigned
count_untold(const struct descry_vcpu *vcpu)
{
	unsigned count = 0;

	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		count += descry_cache_status(vcpu, sreg) != 0;
	return count;
}

const struct world_op software_ops[] = { WORLD_OPS_END };

/* A selector that would not give its cache back: the guest cannot be interrupted here. */
bool
refuse_accept(struct world_switch *sw, unsigned arg)
{
	const enum descry_sreg sreg = judge_subject(sw->vcpu);
	const struct descry_segment *seg = &world_state(sw)->seg[sreg];
	const unsigned untold = count_untold(sw->vcpu);
	char status[DESCRY_CACHE_STATUS_TEXT];
	char reload[48];
	char others[48] = "";

	(void)arg;
	if (untold == 0) {
		world_note(sw, "every cache is as its selector would load it now");
		return true;
	}
	if (untold > 1)
		snprintf(others, sizeof(others), " (and %u more like it)", untold - 1);
	describe_reload(sw->vcpu, sreg, reload, sizeof(reload));
	return world_refuse(sw, "%s is %s: it holds %08x/%08x/%04x, a load of %04x %s%s",
			    descry_sreg_name(sreg),
			    descry_cache_status_text(descry_cache_status(sw->vcpu, sreg), status),
			    (unsigned)seg->base, seg->limit, seg->attr, seg->sel, reload, others);
}
