#include <descry/query.h>

#include <string.h>

void
descry_query_table(struct descry_monitor *monitor, enum descry_table_kind kind,
		   struct descry_table_report *out)
{
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(monitor));
	const struct descry_table *table = kind == DESCRY_TABLE_IDT ? &state->idtr : &state->gdtr;
	const struct descry_segment *ldtr = &state->seg[DESCRY_LDTR];
	const bool vectors = kind == DESCRY_TABLE_IDT && !(state->cr0 & DESCRY_CR0_PE);

	*out = (struct descry_table_report){
		.kind = kind,
		.base = table->base,
		.limit = table->limit,
		.entry_size = vectors ? 4 : 8,
		.usable = true,
	};
	if (kind == DESCRY_TABLE_LDT) {
		out->base = ldtr->base;
		out->limit = ldtr->limit;
		out->usable = descry_segment_usable(ldtr) && (ldtr->sel & ~DESCRY_SEL_RPL) != 0;
	}
	/* A table register is never empty: limit 0 is one byte, and no entry. */
	if (out->usable)
		out->entry_count = (unsigned)(((uint64_t)out->limit + 1) / out->entry_size);
	if (out->entry_count > 8192)
		out->entry_count = 8192; /* what a selector can name */
}

static bool
is_gate(uint16_t attr)
{
	return !(attr & DESCRY_ATTR_S) && (attr & 4u); /* 4 to 7, 12 to 15 */
}

static unsigned
named_by(const struct descry_state *state, const struct descry_table_report *table, unsigned index)
{
	const unsigned first = table->kind == DESCRY_TABLE_GDT ? DESCRY_ES : DESCRY_LDTR;
	const uint16_t sel = (uint16_t)(index << 3);
	unsigned set = 0;

	if (table->kind == DESCRY_TABLE_IDT)
		return 0;
	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++) {
		const uint16_t visible = state->seg[i].sel & (uint16_t)~DESCRY_SEL_RPL;
		const bool local = visible & DESCRY_SEL_TI;

		if ((visible & ~DESCRY_SEL_TI) == sel && visible != 0 &&
		    local == (first == DESCRY_LDTR))
			set |= 1u << i;
	}
	return set;
}

static void
describe_gate(struct descry_table_entry *entry)
{
	const uint64_t raw = entry->raw;

	entry->gate = true;
	entry->sel = (uint16_t)(raw >> 16);
	entry->offset = (uint32_t)(raw & 0xffff);
	if (entry->attr & 8u)
		entry->offset |= (uint32_t)(raw >> 32) & 0xffff0000u;
}

static void
describe_descriptor(const struct descry_vcpu *vcpu, enum descry_table_kind kind,
		    struct descry_table_entry *entry)
{
	const struct descry_segment segment =
		descry_descriptor_segment(vcpu, (uint16_t)(entry->index << 3), entry->raw);

	entry->attr = segment.attr;
	if (kind != DESCRY_TABLE_IDT && !is_gate(segment.attr)) {
		entry->segment = segment;
		return;
	}
	entry->attr &= 0xff;
	describe_gate(entry);
}

bool
descry_query_table_entry(struct descry_monitor *monitor, const struct descry_table_report *table,
			 unsigned index, struct descry_table_entry *out)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	struct descry_table_entry entry = { .index = index };

	if (index >= table->entry_count)
		return false;
	entry.linear = (uint32_t)(table->base + (uint64_t)index * table->entry_size);
	if (descry_vcpu_peek(vcpu, entry.linear, &entry.raw, table->entry_size) !=
	    table->entry_size)
		return false;

	entry.named_by = named_by(descry_vcpu_state(vcpu), table, index);
	if (table->entry_size == 4) {
		entry.gate = true;
		entry.sel = (uint16_t)(entry.raw >> 16);
		entry.offset = (uint16_t)entry.raw;
	} else {
		describe_descriptor(vcpu, table->kind, &entry);
	}
	*out = entry;
	return true;
}
