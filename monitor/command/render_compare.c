#include "command/render_world.h"

#include <stdio.h>
#include <string.h>

/* Pads to the same column whatever the strategy is called. */
#define COLUMN_STRATEGY 25

#define NOTE_WIDTH 96u

static const char *
base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (!path)
		return "the guest";
	return slash ? slash + 1 : path;
}

/* --- JSON ----------------------------------------------------------------------------- */

static json_t *
access_json(const struct descry_world_access *access)
{
	static const char *const names[] = {
		[DESCRY_READ] = "read",
		[DESCRY_WRITE] = "store",
		[DESCRY_FETCH] = "fetch",
	};
	const bool faults = access->fault.vector != DESCRY_VEC_NONE;
	json_t *value;

	if (!access->happened)
		return json_null();
	value = json_pack("{s:s, s:s, s:i, s:I, s:I, s:i, s:I, s:s}", "segment",
			  descry_sreg_name(access->sreg), "access", names[access->access], "size",
			  (int)access->size, "offset", (json_int_t)access->offset, "retired",
			  (json_int_t)access->retired, "cs", (int)access->cs, "ip",
			  (json_int_t)access->ip, "symbol", access->symbol);
	json_object_set_new(value, "linear",
			    faults ? json_null() : json_integer((json_int_t)access->linear));
	json_object_set_new(value, "vector",
			    faults ? json_integer(access->fault.vector) : json_null());
	return value;
}

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
	json_t *value =
		json_pack("{s:s, s:s?, s:o, s:o, s:o, s:s, s:s, s:o, s:o}", "strategy",
			  row->strategy->name, "variant", row->strategy->variant, "lost_at",
			  row->lost_at ? json_sprintf("X%u", row->lost_at) : json_null(), "lost",
			  world_fields_json(&row->lost), "fs", json_segment(&row->seg[DESCRY_FS]),
			  "outcome", descry_outcome_text(row->outcome), "detail", row->detail,
			  "equal", equal_json(row), "access", access_json(&row->access));

	if (compare->about != DESCRY_FS)
		json_object_set_new(value, descry_sreg_name(compare->about),
				    json_segment(&row->seg[compare->about]));
	return value;
}

static void
compare_as_json(const struct descry_compare *compare, const struct descry_sink *sink)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < compare->row_count; i++)
		json_array_append_new(rows, row_json(compare, &compare->row[i]));
	json_render(sink,
		    json_pack("{s:s, s:{s:I, s:i, s:I, s:s}, s:s, s:o, s:o, s:o, s:o}", "image",
			      base_name(compare->image), "boundary", "retired",
			      (json_int_t)compare->retired, "cs", (int)compare->cs, "ip",
			      (json_int_t)compare->ip, "symbol", compare->where, "about",
			      descry_sreg_name(compare->about), "guest",
			      json_segment(&compare->seg), "status", json_status(compare->status),
			      "truth", access_json(&compare->truth), "rows", rows));
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

/* "4-byte store at fs:00020000" */
static void
write_place(const struct descry_world_access *access, const struct descry_sink *sink)
{
	static const char *const verbs[] = {
		[DESCRY_READ] = "read",
		[DESCRY_WRITE] = "store",
		[DESCRY_FETCH] = "fetch",
	};

	descry_sink_printf(sink, "%u-byte %s at %s:%08x", access->size, verbs[access->access],
			   descry_sreg_name(access->sreg), access->offset);
}

static void
write_truth(const struct descry_world_access *truth, const struct descry_sink *sink)
{
	if (!truth->happened) {
		descry_sink_text(sink, "no access through it follows\n");
		return;
	}
	descry_sink_text(sink, "next: ");
	write_place(truth, sink);
	descry_sink_printf(sink, ", by %04x:%04x%s%s%s, ", truth->cs, (unsigned)truth->ip,
			   truth->symbol[0] ? " (" : "", truth->symbol,
			   truth->symbol[0] ? ")" : "");
	if (truth->fault.vector == DESCRY_VEC_NONE)
		descry_sink_printf(sink, "goes to %08x\n", truth->linear);
	else
		descry_sink_printf(sink, "faults with %s\n",
				   descry_vector_text(truth->fault.vector));
}

static void
write_head(const struct descry_compare *compare, const struct descry_sink *sink)
{
	descry_sink_printf(
		sink, "%s%s%s: host interrupt at %04x:%04x%s%s%s, after %llu instructions\n",
		style(sink, STYLE_STRONG), base_name(compare->image), style(sink, STYLE_PLAIN),
		compare->cs, (unsigned)compare->ip, compare->where[0] ? " (" : "", compare->where,
		compare->where[0] ? ")" : "", (unsigned long long)compare->retired);
	write_subject(compare, sink);
	write_truth(&compare->truth, sink);
}

/* --- the rows ------------------------------------------------------------------------- */

static enum style
outcome_style(enum descry_outcome outcome)
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

static void
write_access(const struct descry_compare *compare, const struct descry_compare_row *row,
	     const struct descry_sink *sink)
{
	const struct descry_world_access *access = &row->access;

	if (row->outcome == DESCRY_OUTCOME_REFUSED || row->outcome == DESCRY_OUTCOME_HOST_FAULT) {
		descry_sink_text(sink, "(as it was at X1)\n");
		return;
	}
	if (!access->happened) {
		descry_sink_text(sink, "none\n");
		return;
	}
	if (access->sreg != compare->about)
		descry_sink_printf(sink, "%s: ", descry_sreg_name(access->sreg));
	if (access->fault.vector == DESCRY_VEC_NONE)
		descry_sink_printf(sink, "goes to %08x\n", access->linear);
	else
		descry_sink_printf(sink, "faults with %s (%u)\n",
				   descry_vector_text(access->fault.vector), access->fault.vector);
}

static void
write_row(const struct descry_compare *compare, const struct descry_compare_row *row,
	  const struct descry_sink *sink)
{
	const enum descry_sreg about = compare->about;
	const struct descry_segment *seg = &row->seg[about];
	char strategy[DESCRY_STRATEGY_TEXT];
	char lost_at[16] = "-";

	if (row->lost_at)
		snprintf(lost_at, sizeof(lost_at), "X%u", row->lost_at);
	descry_sink_printf(sink, "%-*s", COLUMN_STRATEGY,
			   descry_strategy_text(row->strategy, strategy));
	write_field(row, about, DESCRY_FIELD_SEL, seg->sel, sink);
	write_field(row, about, DESCRY_FIELD_BASE, seg->base, sink);
	write_field(row, about, DESCRY_FIELD_LIMIT, seg->limit, sink);
	write_field(row, about, DESCRY_FIELD_ATTR, seg->attr, sink);
	descry_sink_printf(sink, "%-7s %s%-11s%s", lost_at,
			   style(sink, outcome_style(row->outcome)),
			   descry_outcome_text(row->outcome), style(sink, STYLE_PLAIN));
	write_access(compare, row, sink);
}

static void
write_columns(const struct descry_compare *compare, const struct descry_sink *sink)
{
	descry_sink_printf(sink,
			   "%-*s%-5s base      limit     attr  lost at outcome    that access\n",
			   COLUMN_STRATEGY, "strategy", descry_sreg_name(compare->about));
}

/* --- the notes below it --------------------------------------------------------------- */

/* Words from column 4 on, in lines that fit the page. */
static void
write_wrapped(const char *text, const struct descry_sink *sink)
{
	size_t column = 0;

	while (*text) {
		const size_t length = strcspn(text, " ");

		if (column > 0 && column + 1 + length > NOTE_WIDTH) {
			descry_sink_text(sink, "\n");
			column = 0;
		}
		descry_sink_printf(sink, "%s%.*s", column ? " " : "    ", (int)length, text);
		column += length + (column ? 1 : 4);
		text += length + strspn(text + length, " ");
	}
	descry_sink_text(sink, "\n");
}

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

static void
write_note(const struct descry_compare *compare, const struct descry_compare_row *row,
	   const struct descry_sink *sink)
{
	char strategy[DESCRY_STRATEGY_TEXT];
	char others[400];
	char note[sizeof(row->detail) + sizeof(others)];

	if (!list_other_losses(compare, row, others, sizeof(others)) &&
	    row->outcome == DESCRY_OUTCOME_SAME)
		return;
	descry_sink_printf(sink, "%s\n", descry_strategy_text(row->strategy, strategy));
	snprintf(note, sizeof(note), "%s%s", row->detail, others);
	write_wrapped(note, sink);
}

void
descry_compare_render(const struct descry_compare *compare, const struct descry_sink *sink)
{
	if (sink->json) {
		compare_as_json(compare, sink);
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
