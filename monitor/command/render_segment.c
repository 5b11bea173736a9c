#include "command/render.h"
#include "command/topics.h"

#include <descry/world.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * A block a segment, with base, limit and attr under each other, so that the eye finds
 * what differs; what does not differ has no numbers of its own:
 *
 *   fs   cache   0010 !00000000 !ffffffff !c093 4K 32 0 data rw a    UNREAL|UNREAL-BASE
 *        gdt[2]        the same                     00cf93000000ffff at 7d00
 *        usual         00000100  0000ffff  0093 1B 16 0 data rw a    what real-mode code expects
 *        reload        00000100  ffffffff  c093 4K 32 0 data rw a    now: real mode
 *        loaded  from gdt[2] by mov at 0000:7c16 t1_pe_set+3, instruction 8, protected
 *
 * Among others, a segment that is MATCH has its first line only.
 */
#define LABEL_WIDTH 13 /* of "cache" with the selector behind it */

/* --- columns -------------------------------------------------------------------------- */

static void
put_field(const struct descry_sink *sink, bool differs, unsigned digits, uint64_t value)
{
	descry_sink_printf(sink, " %s%c%0*" PRIx64 "%s",
			   style(sink, differs ? STYLE_DIFFERS : STYLE_PLAIN), differs ? '!' : ' ',
			   (int)digits, value, style(sink, STYLE_PLAIN));
}

static void
put_columns(const struct descry_sink *sink, const struct descry_segment *seg, unsigned differs)
{
	char attr[ATTR_TEXT];

	put_field(sink, differs & DESCRY_DIFFERS_BASE, 8, seg->base);
	put_field(sink, differs & DESCRY_DIFFERS_LIMIT, 8, seg->limit);
	put_field(sink, differs & DESCRY_DIFFERS_ATTR, 4, seg->attr);
	attr_columns(seg->attr, attr);
	descry_sink_printf(sink, " %s", attr);
}

/* What a selector would give beside what its cache holds. */
static void
put_beside(const struct descry_sink *sink, const struct descry_segment *cache,
	   const struct descry_segment *seg)
{
	if (descry_segment_same_cache(cache, seg))
		descry_sink_printf(sink, "  %-45s", "the same");
	else
		put_columns(sink, seg, 0);
}

static void
put_heading(const struct descry_sink *sink)
{
	descry_sink_printf(sink, "%s%-5s%-8s%4s  %-8s  %-8s  %-4s  G  D P %-12s %s%s\n",
			   style(sink, STYLE_QUIET), "", "", "sel", "base", "limit", "attr", "type",
			   "status, or where it is from", style(sink, STYLE_PLAIN));
}

static void
put_cache(const struct descry_sink *sink, const struct descry_segment_report *report)
{
	char status[DESCRY_CACHE_STATUS_TEXT];

	descry_sink_printf(sink, "%s%-5s%s%-8s%04x", style(sink, STYLE_STRONG),
			   descry_sreg_name(report->sreg), style(sink, STYLE_PLAIN), "cache",
			   report->cache.sel);
	put_columns(sink, &report->cache, report->differs);
	descry_sink_printf(
		sink, " %s%s%s\n", style(sink, report->status ? STYLE_STATUS : STYLE_PLAIN),
		descry_cache_status_text(report->status, status), style(sink, STYLE_PLAIN));
}

/* What the marked fields of the cache differ from, when no reload gives it. */
static void
put_usual(const struct descry_sink *sink, const struct descry_segment_report *report)
{
	if (!report->has_usual)
		return;
	descry_sink_printf(sink, "     %-*s", LABEL_WIDTH - 1, "usual");
	put_columns(sink, &report->usual, 0);
	descry_sink_text(sink, " what real-mode code expects\n");
}

static void
put_slot(const struct descry_sink *sink, const struct descry_segment_report *report,
	 bool in_protected_mode)
{
	char slot[SLOT_TEXT];

	slot_text(report->cache.sel, slot);
	if (report->slot == DESCRY_SLOT_NULL) {
		if (in_protected_mode)
			descry_sink_printf(sink, "     %-8s%s\n", "table",
					   "a null selector names no descriptor");
	} else if (report->slot == DESCRY_SLOT_BEYOND) {
		descry_sink_printf(sink, "     %-8s%s is beyond the limit of its table\n", "table",
				   slot);
	} else {
		descry_sink_printf(sink, "     %-*s", LABEL_WIDTH - 1, slot);
		put_beside(sink, &report->cache, &report->table);
		descry_sink_printf(sink, " %016" PRIx64 " at %" PRIx64 "\n", report->raw,
				   report->raw_linear);
	}
}

static void
put_preview(const struct descry_sink *sink, const char *label, const struct descry_segment *cache,
	    const struct descry_preview *preview, const char *note)
{
	descry_sink_printf(sink, "     %-*s", LABEL_WIDTH - 1, label);
	if (preview->fault.vector != DESCRY_VEC_NONE) {
		descry_sink_printf(
			sink, "  %s(%04x): %s%s%s\n", descry_vector_text(preview->fault.vector),
			preview->fault.error_code, preview->why, *note != '\0' ? "; " : "", note);
		return;
	}
	put_beside(sink, cache, &preview->segment);
	descry_sink_printf(sink, " %s\n", note);
}

/* --- where it is from ----------------------------------------------------------------- */

static bool
same_origin(const struct descry_provenance *a, const struct descry_provenance *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* "gdt[2]", or the host's. */
static void
put_slot_origin(const struct descry_sink *sink, const struct descry_provenance *from)
{
	char slot[SLOT_TEXT];

	slot_text(from->sel, slot);
	if (from->table - DESCRY_HOST_WINDOW < DESCRY_HOST_WINDOW_SIZE)
		descry_sink_printf(sink, "from the host's %s ", slot);
	else
		descry_sink_printf(sink, "from %s ", slot);
}

static void
put_origin(const struct descry_sink *sink, const struct descry_provenance *from)
{
	switch ((enum descry_origin)from->origin) {
	case DESCRY_ORIGIN_GDT:
	case DESCRY_ORIGIN_LDT:
		put_slot_origin(sink, from);
		break;
	case DESCRY_ORIGIN_SELECTOR:
		descry_sink_printf(sink, "from selector %04x ", from->sel);
		break;
	case DESCRY_ORIGIN_RECORD:
		descry_sink_text(sink, "from a saved record ");
		break;
	case DESCRY_ORIGIN_FIXED:
		if (from->cause != DESCRY_CAUSE_DEBUGGER)
			descry_sink_text(sink, "a constant ");
		break;
	case DESCRY_ORIGIN_COUNT:
		break;
	}
}

/* Who did it: an instruction of the guest, or the host at a step of a world switch. */
static void
put_cause(const struct descry_sink *sink, struct descry_monitor *monitor,
	  const struct descry_provenance *from)
{
	const char *cause = descry_cause_text((enum descry_cause)from->cause);
	char symbol[DESCRY_SYMBOL_TEXT];
	char place[DESCRY_FAR_TEXT];
	char step[DESCRY_WORLD_STEP_TEXT];

	if (from->step == DESCRY_STEP_PERSON)
		cause = "`load`";
	else if (from->step != DESCRY_STEP_GUEST) {
		descry_sink_printf(sink, "by %s of the host at %s", cause,
				   descry_world_step_text(from->step, step));
		return;
	}
	descry_query_symbol_at(monitor, (enum descry_mode)from->mode, from->cs, from->ip, symbol);
	descry_sink_printf(sink, "by %s at %s%s%s", cause,
			   descry_far_text(from->cs, from->ip, place), *symbol != '\0' ? " " : "",
			   symbol);
}

static void
put_provenance(const struct descry_sink *sink, struct descry_monitor *monitor,
	       const struct descry_provenance *from)
{
	if (from->cause == DESCRY_CAUSE_START || from->cause == DESCRY_CAUSE_RESET) {
		descry_sink_printf(sink, "by the %s state\n",
				   descry_cause_text((enum descry_cause)from->cause));
		return;
	}
	put_origin(sink, from);
	put_cause(sink, monitor, from);
	descry_sink_printf(sink, ", instruction %" PRIu64 ", %s\n", from->retired,
			   descry_mode_text((enum descry_mode)from->mode));
}

/* The slot that the base is from has been written since. A load's own mark does not count. */
static bool
is_rewritten(const struct descry_segment_report *report)
{
	const struct descry_provenance *from = &report->from.base;
	const uint64_t accessed = (uint64_t)DESCRY_ATTR_A << 40;
	const uint64_t busy = (uint64_t)2 << 40;
	const uint64_t marks = report->table.attr & DESCRY_ATTR_S ? accessed : busy;

	return report->slot == DESCRY_SLOT_READ && from->raw != 0 &&
	       from->table + (from->sel & ~7u) == report->raw_linear &&
	       (from->raw | marks) != (report->raw | marks);
}

static void
put_rewritten(const struct descry_sink *sink, const struct descry_segment_report *report)
{
	char slot[SLOT_TEXT];

	if (is_rewritten(report))
		descry_sink_printf(sink, "     %-8s%s%s was %016" PRIx64 " then%s\n", "",
				   style(sink, STYLE_DIFFERS), slot_text(report->cache.sel, slot),
				   report->from.base.raw, style(sink, STYLE_PLAIN));
}

/* Which of the three came together with the i-th: a set of 1 << index. */
static unsigned
came_together(const struct descry_provenance *const fields[3], unsigned i)
{
	unsigned group = 0;

	for (unsigned k = 0; k < 3; k++) {
		if (same_origin(fields[i], fields[k]))
			group |= 1u << k;
	}
	return group;
}

/* One line if all three fields came together; else one for each group that did. */
static void
put_from(const struct descry_sink *sink, struct descry_monitor *monitor,
	 const struct descry_segment_provenance *from)
{
	static const char *const names[8] = {
		[1] = "base ", [2] = "limit ",      [3] = "base, limit ",
		[4] = "attr ", [5] = "base, attr ", [6] = "limit, attr ",
		[7] = "",
	};
	const struct descry_provenance *const fields[] = { &from->base, &from->limit, &from->attr };
	const char *label = "loaded";
	unsigned done = 0;

	for (unsigned i = 0; i < 3; i++) {
		const unsigned group = came_together(fields, i);

		if (done & 1u << i)
			continue;
		done |= group;
		descry_sink_printf(sink, "     %-8s%s", label, names[group]);
		put_provenance(sink, monitor, fields[i]);
		label = "";
	}
}

/* --- as JSON -------------------------------------------------------------------------- */

static const char *
actor_text(const struct descry_provenance *from)
{
	if (from->step == DESCRY_STEP_PERSON || from->cause == DESCRY_CAUSE_DEBUGGER ||
	    from->cause == DESCRY_CAUSE_IMPORT)
		return "person";
	return from->step == DESCRY_STEP_GUEST ? "guest" : "host";
}

static json_t *
json_provenance(struct descry_monitor *monitor, const struct descry_provenance *from)
{
	char symbol[DESCRY_SYMBOL_TEXT];

	descry_query_symbol_at(monitor, (enum descry_mode)from->mode, from->cs, from->ip, symbol);
	return json_pack("{s:s, s:s, s:s, s:i, s:I, s:o, s:I, s:i, s:o, s:I, s:s, s:i}", "cause",
			 descry_cause_text((enum descry_cause)from->cause), "mode",
			 descry_mode_text((enum descry_mode)from->mode), "origin",
			 descry_origin_text((enum descry_origin)from->origin), "cs", from->cs, "ip",
			 (json_int_t)from->ip, "symbol", json_text(symbol), "retired",
			 (json_int_t)from->retired, "selector", from->sel, "raw",
			 from->raw != 0 ? json_raw(from->raw) : json_null(), "table",
			 (json_int_t)from->table, "by", actor_text(from), "step",
			 from->step == DESCRY_STEP_PERSON ? 0 : from->step);
}

static json_t *
json_preview(const struct descry_preview *preview)
{
	if (preview->fault.vector != DESCRY_VEC_NONE)
		return json_pack("{s:o, s:s, s:n}", "fault", json_fault(&preview->fault), "why",
				 preview->why, "segment");
	return json_pack("{s:n, s:n, s:o}", "fault", "why", "segment",
			 json_segment(&preview->segment));
}

static json_t *
json_table_slot(const struct descry_segment_report *report)
{
	if (report->slot != DESCRY_SLOT_READ)
		return json_null();
	return json_pack("{s:i, s:b, s:o, s:I, s:o}", "index", report->cache.sel >> 3, "local",
			 !!(report->cache.sel & DESCRY_SEL_TI), "raw", json_raw(report->raw),
			 "linear", (json_int_t)report->raw_linear, "segment",
			 json_segment(&report->table));
}

static json_t *
json_differs(unsigned differs)
{
	static const char *const names[] = { "base", "limit", "attr" };
	json_t *list = json_array();

	for (unsigned i = 0; i < 3; i++) {
		if (differs & 1u << i)
			json_array_append_new(list, json_string(names[i]));
	}
	return list;
}

static json_t *
json_report(struct descry_monitor *monitor, const struct descry_segment_report *report)
{
	const struct descry_preview *reload = report->reload;

	return json_pack(
		"{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o, s:o}, s:{s:o, s:o, s:o}}",
		"name", descry_sreg_name(report->sreg), "selector", report->cache.sel, "cache",
		json_segment(&report->cache), "status", json_status(report->status), "differs",
		json_differs(report->differs), "usual",
		report->has_usual ? json_segment(&report->usual) : json_null(), "table",
		json_table_slot(report), "reload", "now", json_preview(&reload[DESCRY_RELOAD_NOW]),
		"real", json_preview(&reload[DESCRY_RELOAD_REAL]), "protected",
		json_preview(&reload[DESCRY_RELOAD_PROTECTED]), "v86",
		json_preview(&reload[DESCRY_RELOAD_V86]), "from", "base",
		json_provenance(monitor, &report->from.base), "limit",
		json_provenance(monitor, &report->from.limit), "attr",
		json_provenance(monitor, &report->from.attr));
}

/* --- the two displays ----------------------------------------------------------------- */

static void
put_block(const struct descry_sink *sink, struct descry_monitor *monitor,
	  const struct descry_segment_report *report)
{
	const enum descry_mode mode = descry_vcpu_mode(descry_monitor_vcpu(monitor));
	char note[40];

	snprintf(note, sizeof(note), "now: %s mode", descry_mode_text(mode));
	put_cache(sink, report);
	put_usual(sink, report);
	put_slot(sink, report, mode == DESCRY_MODE_PROTECTED);
	put_preview(sink, "reload", &report->cache, &report->reload[DESCRY_RELOAD_NOW], note);
	put_from(sink, monitor, &report->from);
	put_rewritten(sink, report);
}

void
render_segments(const struct descry_sink *sink, struct descry_monitor *monitor,
		const struct descry_segment_report *reports, size_t count)
{
	json_t *list;

	if (!sink->json) {
		put_heading(sink);
		for (size_t i = 0; i < count; i++) {
			if (reports[i].status == 0 && count > 1)
				put_cache(sink, &reports[i]);
			else
				put_block(sink, monitor, &reports[i]);
		}
		return;
	}
	list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_report(monitor, &reports[i]));
	json_render(sink, json_pack("{s:o}", "segments", list));
}

/* What `help status` says about a word. */
static void
put_meaning(const struct descry_sink *sink, const char *word)
{
	const char *line = NULL;
	size_t size;

	while ((line = help_status_line(word, line, &size)) != NULL)
		descry_sink_printf(sink, "     %.*s\n", (int)size, line);
}

static void
put_meanings(const struct descry_sink *sink, unsigned status)
{
	char word[DESCRY_CACHE_STATUS_TEXT];

	if (status == 0)
		put_meaning(sink, descry_cache_status_text(0, word));
	for (unsigned bit = 1; bit <= DESCRY_CACHE_FORCED; bit <<= 1) {
		if (status & bit)
			put_meaning(sink, descry_cache_status_text(bit, word));
	}
}

void
render_segment_detail(const struct descry_sink *sink, struct descry_monitor *monitor,
		      const struct descry_segment_report *report)
{
	const struct descry_preview *reload = report->reload;

	if (sink->json) {
		json_render(sink, json_report(monitor, report));
		return;
	}
	put_heading(sink);
	put_block(sink, monitor, report);
	put_preview(sink, "if real", &report->cache, &reload[DESCRY_RELOAD_REAL],
		    "reload with PE=0");
	put_preview(sink, "if protected", &report->cache, &reload[DESCRY_RELOAD_PROTECTED],
		    "reload with PE=1, VM=0");
	put_preview(sink, "if v86", &report->cache, &reload[DESCRY_RELOAD_V86],
		    "reload with PE=1, VM=1");
	put_meanings(sink, report->status);
}
