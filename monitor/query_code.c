#include <descry/query.h>

#include <stdio.h>

/* --- symbols -------------------------------------------------------------------------- */

void
descry_query_symbol(struct descry_monitor *monitor, uint64_t linear,
		    char symbol[DESCRY_SYMBOL_TEXT])
{
	if (!descry_monitor_symbolize(monitor, linear, symbol, DESCRY_SYMBOL_TEXT))
		symbol[0] = '\0';
}

/*
 * The record of a load keeps cs:ip and not CS.base. When CS still has that selector its
 * cached base is what counted; else the table is the best that is left.
 */
void
descry_query_symbol_at(struct descry_monitor *monitor, enum descry_mode mode, uint16_t cs,
		       uint64_t ip, char symbol[DESCRY_SYMBOL_TEXT])
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	const struct descry_segment *now = &descry_vcpu_state(vcpu)->seg[DESCRY_CS];
	uint64_t base = (uint64_t)cs * 16;
	uint64_t raw, linear;

	if (now->sel == cs)
		base = now->base;
	else if (mode == DESCRY_MODE_PROTECTED && descry_read_descriptor(vcpu, cs, &raw, &linear))
		base = descry_descriptor_segment(vcpu, cs, raw).base;
	descry_query_symbol(monitor, (uint32_t)(base + ip), symbol);
}

/* --- instructions --------------------------------------------------------------------- */

/* struct descry_disas_options hands out offsets in CS; symbols are linear. */
static bool
symbolize_ip(void *owner, uint64_t ip, char *buffer, size_t size)
{
	struct descry_monitor *monitor = owner;
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(monitor));
	const uint64_t linear = (uint32_t)(state->seg[DESCRY_CS].base + ip);

	return descry_monitor_symbolize(monitor, linear, buffer, size);
}

static int
breakpoint_at(const struct descry_monitor *monitor, uint64_t linear)
{
	const struct descry_breakpoint *list;
	const size_t count = descry_monitor_breakpoints(monitor, &list);

	for (size_t i = 0; i < count; i++) {
		if (list[i].linear == linear)
			return list[i].number;
	}
	return 0;
}

void
descry_query_code(struct descry_monitor *monitor, uint64_t linear, struct descry_code_line *out)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	const struct descry_segment *cs = &descry_vcpu_state(vcpu)->seg[DESCRY_CS];
	const struct descry_disas_options options = {
		.code32 = cs->attr & DESCRY_ATTR_DB,
		.profile = descry_vcpu_profile(vcpu),
		.ip = (uint32_t)(linear - cs->base),
		.symbolize = symbolize_ip,
		.owner = monitor,
	};

	*out = (struct descry_code_line){
		.linear = linear,
		.ip = options.ip,
		.current = linear == descry_vcpu_linear_ip(vcpu),
		.breakpoint = breakpoint_at(monitor, linear),
	};
	out->present = (unsigned)descry_vcpu_peek(vcpu, linear, out->bytes, DESCRY_INSN_MAX);
	if (out->present > 0)
		out->length = descry_disassemble(&options, out->bytes, out->present, out->text);
	else
		snprintf(out->text, sizeof(out->text), "(no memory)");
	descry_query_symbol(monitor, linear, out->symbol);
}
