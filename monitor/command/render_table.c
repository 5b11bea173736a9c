#include "command/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	[DESCRY_TABLE_GDT] = "gdt",
	[DESCRY_TABLE_LDT] = "ldt",
	[DESCRY_TABLE_IDT] = "idt",
};

/* --- one entry ------------------------------------------------------------------------ */

static void
put_names(const struct descry_sink *sink, struct descry_monitor *monitor, unsigned named_by)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);

	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++) {
		const enum descry_sreg sreg = (enum descry_sreg)i;

		if (!(named_by & 1u << i))
			continue;
		const bool stale = descry_cache_status(vcpu, sreg) & DESCRY_CACHE_STALE;

		descry_sink_printf(
			sink, " %s%s%s%s", style(sink, stale ? STYLE_DIFFERS : STYLE_STRONG),
			descry_sreg_name(sreg), stale ? " STALE" : "", style(sink, STYLE_PLAIN));
	}
}

/* "00000000  ffffffff  c093 4K 32 0 data rw a", below the heading */
static void
put_descriptor(const struct descry_sink *sink, const struct descry_table_entry *entry)
{
	const struct descry_segment *seg = &entry->segment;
	char attr[ATTR_TEXT];

	if (entry->raw == 0) {
		descry_sink_text(sink, "null");
		return;
	}
	attr_columns(seg->attr, attr);
	descry_sink_printf(sink, "%08" PRIx64 "  %08" PRIx32 "  %04x %s", seg->base, seg->limit,
			   seg->attr, attr);
}

/* A gate leads through CS of its selector; where that is, only a flat or real one tells. */
static void
put_target(const struct descry_sink *sink, struct descry_monitor *monitor,
	   const struct descry_table_entry *entry, unsigned entry_size)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	char symbol[DESCRY_SYMBOL_TEXT] = "";
	uint64_t raw, linear;

	if (entry_size == 4)
		descry_query_symbol(monitor, (uint32_t)entry->sel * 16 + entry->offset, symbol);
	else if (descry_read_descriptor(vcpu, entry->sel, &raw, &linear))
		descry_query_symbol(
			monitor,
			(uint32_t)(descry_descriptor_segment(vcpu, entry->sel, raw).base +
				   entry->offset),
			symbol);
	descry_sink_printf(sink, "%04x:%0*" PRIx32 "%s%s", entry->sel, entry_size == 4 ? 4 : 8,
			   entry->offset, *symbol != '\0' ? " " : "", symbol);
}

static void
put_gate(const struct descry_sink *sink, struct descry_monitor *monitor,
	 const struct descry_table_entry *entry, unsigned entry_size)
{
	char type[ATTR_TEXT];

	if (entry_size == 8 && entry->raw == 0) {
		descry_sink_text(sink, "null");
	} else if (entry_size == 8 && (entry->attr & DESCRY_ATTR_S)) {
		descry_sink_printf(sink, "%s: not a gate", type_text(entry->attr, type));
	} else {
		if (entry_size == 8)
			descry_sink_printf(sink, "%-12s DPL %u ", type_text(entry->attr, type),
					   (unsigned)(entry->attr & DESCRY_ATTR_DPL) >>
						   DESCRY_ATTR_DPL_SHIFT);
		put_target(sink, monitor, entry, entry_size);
	}
}

static void
put_entry(const struct descry_sink *sink, struct descry_monitor *monitor,
	  const struct descry_table_report *table, const struct descry_table_entry *entry,
	  unsigned last)
{
	char index[24];

	if (last > entry->index)
		snprintf(index, sizeof(index), "%u-%u", entry->index, last);
	else
		snprintf(index, sizeof(index), "%u", entry->index);
	descry_sink_printf(sink, "%s[%s]%*s ", names[table->kind], index,
			   strlen(index) < 3 ? (int)(3 - strlen(index)) : 0, "");
	if (table->kind != DESCRY_TABLE_IDT)
		descry_sink_printf(sink, "%04x ",
				   entry->index << 3 |
					   (table->kind == DESCRY_TABLE_LDT ? DESCRY_SEL_TI : 0u));
	if (table->entry_size == 8)
		descry_sink_printf(sink, "%016" PRIx64 "  ", entry->raw);
	if (entry->gate)
		put_gate(sink, monitor, entry, table->entry_size);
	else
		put_descriptor(sink, entry);
	put_names(sink, monitor, entry->named_by);
	descry_sink_text(sink, "\n");
}

/* --- as JSON -------------------------------------------------------------------------- */

static json_t *
json_entry(const struct descry_table_entry *entry)
{
	json_t *object = json_pack("{s:i, s:I, s:o}", "index", (int)entry->index, "linear",
				   (json_int_t)entry->linear, "raw", json_raw(entry->raw));
	json_t *named = json_array();
	char type[ATTR_TEXT];

	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++) {
		if (entry->named_by & 1u << i)
			json_array_append_new(named,
					      json_string(descry_sreg_name((enum descry_sreg)i)));
	}
	json_object_set_new(object, "named_by", named);
	if (entry->gate)
		json_object_set_new(
			object, "gate",
			json_pack("{s:o, s:i, s:I, s:i}", "type",
				  json_text(entry->attr != 0 ? type_text(entry->attr, type) : NULL),
				  "selector", entry->sel, "offset", (json_int_t)entry->offset,
				  "attr", entry->attr));
	else
		json_object_set_new(object, "segment", json_segment(&entry->segment));
	return object;
}

/* --- the table ------------------------------------------------------------------------ */

static bool
same_but_index(const struct descry_table_entry *a, const struct descry_table_entry *b)
{
	return a->raw == b->raw && a->named_by == 0 && b->named_by == 0 && b->index == a->index + 1;
}

static void
put_heading(const struct descry_sink *sink, const struct descry_table_report *table)
{
	if (!table->usable) {
		descry_sink_text(sink, "ldtr holds no table\n");
		return;
	}
	descry_sink_printf(sink, "%s base %08" PRIx64 " limit %04" PRIx32 ", %u entries%s\n",
			   names[table->kind], table->base, table->limit, table->entry_count,
			   table->entry_size == 4 ? " of real mode" : "");
}

void
render_table_entries(const struct descry_sink *sink, struct descry_monitor *monitor,
		     const struct descry_table_report *table,
		     const struct descry_table_entry *entries, size_t count)
{
	json_t *list;

	if (sink->json) {
		list = json_array();
		for (size_t i = 0; i < count; i++)
			json_array_append_new(list, json_entry(&entries[i]));
		json_render(sink, json_pack("{s:s, s:I, s:I, s:i, s:b, s:o}", "table",
					    names[table->kind], "base", (json_int_t)table->base,
					    "limit", (json_int_t)table->limit, "entry_count",
					    (int)table->entry_count, "usable", (int)table->usable,
					    "entries", list));
		return;
	}
	put_heading(sink, table);
	if (table->kind != DESCRY_TABLE_IDT && count > 0)
		descry_sink_printf(sink,
				   "%s         sel  descriptor        base      limit     attr "
				   "G  D  P type%s\n",
				   style(sink, STYLE_QUIET), style(sink, STYLE_PLAIN));
	for (size_t i = 0; i < count;) {
		size_t last = i;

		while (last + 1 < count && same_but_index(&entries[last], &entries[last + 1]))
			last++;
		put_entry(sink, monitor, table, &entries[i], entries[last].index);
		i = last + 1;
	}
}
