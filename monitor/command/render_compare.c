#include "command/render_world.h"

#include "world/compare.h"

#include <stdio.h>
#include <string.h>

/* Pads to the same column whatever the strategy is called. */
#define COLUMN_STRATEGY 25

/* --- JSON ----------------------------------------------------------------------------- */

static json_t *
equal_json(const struct descry_compare_row *row)
{
	json_t *value = json_object();

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++) {
			const enum descry_regained why = row->equal[sreg][field];
			char name[24];

			if (why == DESCRY_NOT_OVERWRITTEN)
				continue;
			snprintf(name, sizeof(name), "%s.%s", descry_sreg_name(sreg),
				 descry_field_name(field));
			json_object_set_new(value, name, json_string(descry_regained_text(why)));
		}
	}
	return value;
}

static json_t *
row_json(const struct descry_compare *compare, const struct descry_compare_row *row)
{
	char lost_at[DESCRY_WORLD_STEP_TEXT] = "";
	json_t *value = json_pack(
		"{s:s, s:s?, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o}", "strategy",
		row->strategy->name, "variant", row->strategy->variant, "lost_at",
		json_text(row->lost_at ? descry_world_step_text(row->lost_at, lost_at) : lost_at),
		"lost", world_fields_json(&row->lost), "fs", json_segment(&row->seg[DESCRY_FS]),
		"outcome", descry_outcome_text(row->outcome), "detail", row->detail, "equal",
		equal_json(row), "access", access_json(&row->access), "follow",
		follow_json(&row->follow));

	if (compare->about != DESCRY_FS)
		json_object_set_new(value, descry_sreg_name(compare->about),
				    json_segment(&row->seg[compare->about]));
	return value;
}

json_t *
world_compare_json(const struct descry_compare *compare)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < compare->row_count; i++)
		json_array_append_new(rows, row_json(compare, &compare->row[i]));
	return json_pack(
		"{s:s, s:{s:I, s:i, s:I, s:o}, s:s, s:o, s:o, s:o, s:o}", "image", compare->image,
		"boundary", "retired", (json_int_t)compare->retired, "cs", (int)compare->cs, "ip",
		(json_int_t)compare->ip, "symbol", json_text(compare->where), "about",
		descry_sreg_name(compare->about), "guest", json_segment(&compare->seg), "status",
		json_status(compare->status), "truth", access_json(&compare->truth), "rows", rows);
}

/* --- the head of the table ------------------------------------------------------------ */

static void
write_subject(const struct descry_compare *compare, const struct descry_sink *sink)
{
	const struct descry_segment *seg = &compare->seg;
	const struct descry_preview *preview = &compare->preview;
	char status[DESCRY_CACHE_STATUS_TEXT];

	descry_sink_printf(sink, "%s=%04x holds %08x/%08x/%04x, %s: a load now ",
			   descry_sreg_name(compare->about), seg->sel, (unsigned)seg->base,
			   seg->limit, seg->attr,
			   descry_cache_status_text(compare->status, status));
	if (preview->fault.vector != DESCRY_VEC_NONE)
		descry_sink_printf(sink, "faults with %s(%04x)\n",
				   descry_vector_text(preview->fault.vector),
				   preview->fault.error_code);
	else
		descry_sink_printf(sink, "gives %08x/%08x/%04x\n", (unsigned)preview->segment.base,
				   preview->segment.limit, preview->segment.attr);
}

static void
write_truth(const struct descry_world_access *truth, const struct descry_sink *sink)
{
	char place[COMPARE_ACCESS_TEXT], end[COMPARE_ACCESS_TEXT];
	char far[DESCRY_FAR_TEXT];

	if (!truth->happened) {
		descry_sink_text(sink, "no access through it follows\n");
		return;
	}
	compare_describe_place(truth, place, sizeof(place));
	compare_describe_end(truth, end, sizeof(end));
	descry_sink_printf(sink, "next: %s, by %s%s%s%s, %s\n", place,
			   descry_far_text(truth->cs, truth->ip, far), truth->symbol[0] ? " (" : "",
			   truth->symbol, truth->symbol[0] ? ")" : "", end);
}

static void
write_head(const struct descry_compare *compare, const struct descry_sink *sink)
{
	char far[DESCRY_FAR_TEXT];

	descry_sink_printf(sink, "%s%s%s: host interrupt at %s%s%s%s, after %llu instructions\n",
			   style(sink, STYLE_STRONG), compare->image, style(sink, STYLE_PLAIN),
			   descry_far_text(compare->cs, compare->ip, far),
			   compare->where[0] ? " (" : "", compare->where,
			   compare->where[0] ? ")" : "", (unsigned long long)compare->retired);
	write_subject(compare, sink);
	write_truth(&compare->truth, sink);
}

/* --- the rows ------------------------------------------------------------------------- */

enum style
world_outcome_style(enum descry_outcome outcome)
{
	switch (outcome) {
	case DESCRY_OUTCOME_SAME:
		return STYLE_STRONG;
	case DESCRY_OUTCOME_LATENT:
	case DESCRY_OUTCOME_REFUSED:
		return STYLE_STATUS;
	case DESCRY_OUTCOME_FAULT:
	case DESCRY_OUTCOME_SILENT:
	case DESCRY_OUTCOME_HOST_FAULT:
	case DESCRY_OUTCOME_COUNT:
		break;
	}
	return STYLE_DIFFERS;
}

static char
field_mark(const struct descry_compare_row *row, enum descry_sreg sreg, enum descry_field field)
{
	if (descry_fields_has(&row->lost, sreg, field))
		return '!';
	switch (row->equal[sreg][field]) {
	case DESCRY_BY_CHANCE:
		return '?';
	case DESCRY_BY_TABLE:
		return '=';
	case DESCRY_BY_RULE:
		return '+';
	case DESCRY_NOT_OVERWRITTEN:
		break;
	}
	return ' ';
}

static void
write_field(const struct descry_compare_row *row, enum descry_sreg sreg, enum descry_field field,
	    uint64_t value, const struct descry_sink *sink)
{
	const bool wide = field == DESCRY_FIELD_BASE || field == DESCRY_FIELD_LIMIT;
	const char mark = field_mark(row, sreg, field);
	const enum style marked = mark == '!' ? STYLE_DIFFERS : STYLE_STATUS;

	descry_sink_printf(sink, "%s%0*llx%c%s ", mark == ' ' ? "" : style(sink, marked),
			   wide ? 8 : 4, (unsigned long long)value, mark,
			   mark == ' ' ? "" : style(sink, STYLE_PLAIN));
}

/* No access shows them: "none (lost: gs ldtr tr)" */
static void
write_unseen_losses(const struct descry_compare_row *row, const struct descry_sink *sink)
{
	const char *before = " (lost:";
	bool any = false;

	descry_sink_text(sink, "none");
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		if (row->lost.of[sreg] == 0)
			continue;
		descry_sink_printf(sink, "%s %s", before, descry_sreg_name(sreg));
		before = "";
		any = true;
	}
	descry_sink_text(sink, any ? ")\n" : "\n");
}

static void
write_access(const struct descry_compare *compare, const struct descry_compare_row *row,
	     const struct descry_sink *sink)
{
	const struct descry_world_access *access = &row->access;
	char end[COMPARE_ACCESS_TEXT];

	if (row->outcome == DESCRY_OUTCOME_REFUSED || row->outcome == DESCRY_OUTCOME_HOST_FAULT) {
		descry_sink_text(sink, "(as it was at X1)\n");
		return;
	}
	if (!access->happened) {
		write_unseen_losses(row, sink);
		return;
	}
	if (access->sreg != compare->about)
		descry_sink_printf(sink, "%s: ", descry_sreg_name(access->sreg));
	compare_describe_end(access, end, sizeof(end));
	descry_sink_printf(sink, "%s\n", end);
}

static void
write_row(const struct descry_compare *compare, const struct descry_compare_row *row,
	  const struct descry_sink *sink)
{
	const enum descry_sreg about = compare->about;
	const struct descry_segment *seg = &row->seg[about];
	char strategy[DESCRY_STRATEGY_TEXT];
	char lost_at[DESCRY_WORLD_STEP_TEXT] = "-";

	if (row->lost_at)
		descry_world_step_text(row->lost_at, lost_at);
	descry_sink_printf(sink, "%-*s", COLUMN_STRATEGY,
			   descry_strategy_text(row->strategy, strategy));
	write_field(row, about, DESCRY_FIELD_SEL, seg->sel, sink);
	write_field(row, about, DESCRY_FIELD_BASE, seg->base, sink);
	write_field(row, about, DESCRY_FIELD_LIMIT, seg->limit, sink);
	write_field(row, about, DESCRY_FIELD_ATTR, seg->attr, sink);
	descry_sink_printf(sink, "%-11s %s%-11s%s", lost_at,
			   style(sink, world_outcome_style(row->outcome)),
			   descry_outcome_text(row->outcome), style(sink, STYLE_PLAIN));
	write_access(compare, row, sink);
}

static void
write_columns(const struct descry_compare *compare, const struct descry_sink *sink)
{
	descry_sink_printf(
		sink, "%-*s%-5s base      limit     attr  lost at     outcome    that access\n",
		COLUMN_STRATEGY, "strategy", descry_sreg_name(compare->about));
}

/* --- the notes below it --------------------------------------------------------------- */

/* "gs.limit gs.attr": lost in other segments than the one that the table shows. */
static bool
list_other_losses(const struct descry_compare *compare, const struct descry_compare_row *row,
		  char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		for (unsigned field = 0; field < DESCRY_FIELD_COUNT && used < size; field++) {
			if (sreg == compare->about || !descry_fields_has(&row->lost, sreg, field))
				continue;
			used += (size_t)snprintf(text + used, size - used, "%s%s.%s",
						 used ? " " : "; also lost: ",
						 descry_sreg_name(sreg), descry_field_name(field));
		}
	}
	return used > 0;
}

/* Is there an instruction to be named? */
static bool
is_decided(const struct descry_follow *follow)
{
	return follow->kind == DESCRY_FOLLOW_HEALS || follow->kind == DESCRY_FOLLOW_MANIFESTS;
}

static void
write_note(const struct descry_compare *compare, const struct descry_compare_row *row,
	   const struct descry_sink *sink)
{
	char strategy[DESCRY_STRATEGY_TEXT];
	char others[400], follow[DESCRY_FOLLOW_TEXT];
	char note[sizeof(row->detail) + sizeof(others)];
	const bool decided = is_decided(&row->follow);

	if (!list_other_losses(compare, row, others, sizeof(others)) &&
	    row->outcome == DESCRY_OUTCOME_SAME && !decided)
		return;
	descry_sink_printf(sink, "%s\n", descry_strategy_text(row->strategy, strategy));
	snprintf(note, sizeof(note), "%s%s", row->detail, others);
	descry_sink_text(sink, "    ");
	put_wrapped(sink, 4, 4, note);
	write_heals(&row->follow, 4, sink);
	if (decided) {
		descry_sink_text(sink, "    ");
		put_wrapped(sink, 4, 4, descry_follow_text(&row->follow, follow));
	}
}

void
descry_compare_render(const struct descry_compare *compare, const struct descry_sink *sink)
{
	if (sink->json) {
		json_render(sink, world_compare_json(compare));
		return;
	}
	write_head(compare, sink);
	descry_sink_text(sink, "\n");
	write_columns(compare, sink);
	for (size_t i = 0; i < compare->row_count; i++)
		write_row(compare, &compare->row[i], sink);
	descry_sink_text(sink, "! lost   ? equal by chance   = read again from a table   "
			       "+ formed again by a rule of the CPU\n\n");
	for (size_t i = 0; i < compare->row_count; i++)
		write_note(compare, &compare->row[i], sink);
}
