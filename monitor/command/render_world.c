#include "command/render_world.h"

#include "world/fields.h"
#include "world/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *
world_fields_json(const struct descry_fields *fields)
{
	json_t *names = json_array();

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++) {
			if (descry_fields_has(fields, sreg, field))
				json_array_append_new(names,
						      json_sprintf("%s.%s", descry_sreg_name(sreg),
								   descry_field_name(field)));
		}
	}
	return names;
}

/* --- strategies ----------------------------------------------------------------------- */

static void
strategies_as_json(const struct descry_world *world, const struct descry_sink *sink)
{
	json_t *rows = json_array();
	const struct descry_strategy *row;

	for (size_t i = 0; (row = descry_strategy_at(i)) != NULL; i++)
		json_array_append_new(rows,
				      json_pack("{s:s, s:s?, s:s, s:s, s:s?, s:b}", "strategy",
						row->name, "variant", row->variant, "family",
						row->family, "help", row->help, "needs", row->needs,
						"chosen", row == descry_world_chosen(world)));
	json_render(sink, rows);
}

void
render_strategies(const struct descry_world *world, const struct descry_sink *sink)
{
	const struct descry_strategy *chosen = descry_world_chosen(world);
	const struct descry_strategy *row;

	if (sink->json) {
		strategies_as_json(world, sink);
		return;
	}
	for (size_t i = 0; (row = descry_strategy_at(i)) != NULL; i++) {
		char text[DESCRY_STRATEGY_TEXT];

		descry_sink_printf(sink, "%s%s %-24s%s %s\n",
				   row == chosen ? style(sink, STYLE_STRONG) : "",
				   row == chosen ? "*" : " ", descry_strategy_text(row, text),
				   row == chosen ? style(sink, STYLE_PLAIN) : "", row->help);
		if (row->needs)
			descry_sink_printf(sink, "%27sneeds %s\n", "", row->needs);
	}
}

void
render_choice(const struct descry_strategy *before, const struct descry_strategy *now,
	      const struct descry_sink *sink)
{
	char from[DESCRY_STRATEGY_TEXT], to[DESCRY_STRATEGY_TEXT];

	if (sink->json)
		json_render(sink,
			    json_pack("{s:s, s:s?, s:s}", "strategy", now->name, "variant",
				      now->variant, "before", descry_strategy_text(before, from)));
	else
		descry_sink_printf(sink, "world: %s > %s\n", descry_strategy_text(before, from),
				   descry_strategy_text(now, to));
}

void
render_hold(bool holds, const struct descry_sink *sink)
{
	if (sink->json)
		json_render(sink, json_pack("{s:b}", "hold", holds));
	else
		descry_sink_printf(sink, "world: a run %s\n",
				   holds ? "stops at X1 of each switch"
					 : "goes through each switch");
}

/* --- the host ------------------------------------------------------------------------- */

static void
flaws_as_json(unsigned flaws, const struct descry_sink *sink)
{
	json_t *rows = json_array();

	for (unsigned flaw = 0; flaw < DESCRY_FLAW_COUNT; flaw++)
		json_array_append_new(rows,
				      json_pack("{s:s, s:s, s:b}", "flaw", descry_flaw_name(flaw),
						"help", descry_flaw_help(flaw), "on",
						(flaws & DESCRY_FLAW_BIT(flaw)) != 0));
	json_render(sink, rows);
}

void
render_flaws(unsigned flaws, const struct descry_sink *sink)
{
	if (sink->json) {
		flaws_as_json(flaws, sink);
		return;
	}
	for (unsigned flaw = 0; flaw < DESCRY_FLAW_COUNT; flaw++) {
		const bool on = (flaws & DESCRY_FLAW_BIT(flaw)) != 0;

		descry_sink_printf(sink, "%s%s %-20s%s ", on ? style(sink, STYLE_STRONG) : "",
				   on ? "*" : " ", descry_flaw_name(flaw),
				   on ? style(sink, STYLE_PLAIN) : "");
		put_wrapped(sink, 23, 23, descry_flaw_help(flaw));
	}
}

static const char *
bytes_text(const struct descry_world_edit *edit, char text[2 * DESCRY_WORLD_EDIT_BYTES + 1])
{
	for (unsigned i = 0; i < edit->size; i++)
		snprintf(text + 2 * i, 3, "%02x", edit->byte[i]);
	return text;
}

static void
host_as_json(const struct descry_world *world, const struct descry_sink *sink)
{
	json_t *writes = json_array(), *gdt = json_array();
	char text[2 * DESCRY_WORLD_EDIT_BYTES + 1];
	size_t count;

	const struct descry_world_edit *edit = descry_world_edits(world, &count);

	for (size_t i = 0; i < count; i++)
		json_array_append_new(writes, json_pack("{s:I, s:s}", "physical",
							(json_int_t)edit[i].physical, "bytes",
							bytes_text(&edit[i], text)));
	const struct descry_world_slot *slot = descry_world_slots(world, &count);

	for (size_t i = 0; i < count; i++)
		json_array_append_new(gdt, json_pack("{s:i, s:o}", "selector", (int)slot[i].sel,
						     "descriptor", json_raw(slot[i].descriptor)));
	json_render(sink, json_pack("{s:o, s:o}", "writes", writes, "gdt", gdt));
}

void
render_host(const struct descry_world *world, const struct descry_sink *sink)
{
	size_t edits, slots;
	const struct descry_world_edit *edit = descry_world_edits(world, &edits);
	const struct descry_world_slot *slot = descry_world_slots(world, &slots);
	char text[2 * DESCRY_WORLD_EDIT_BYTES + 1];

	if (sink->json) {
		host_as_json(world, sink);
		return;
	}
	if (edits + slots == 0)
		descry_sink_text(sink, "the host has been told nothing\n");
	for (size_t i = 0; i < edits; i++)
		descry_sink_printf(sink, "at X5 it writes %s at physical %08llx\n",
				   bytes_text(&edit[i], text),
				   (unsigned long long)edit[i].physical);
	for (size_t i = 0; i < slots; i++)
		descry_sink_printf(sink, "its GDT has %016llx at %04x\n",
				   (unsigned long long)slot[i].descriptor, slot[i].sel);
}

/* --- one step as text ----------------------------------------------------------------- */

/* What has become of the guest's value of a field, as a mark behind the register's value. */
static char
field_mark(const struct descry_segment *truth, const struct descry_world_op *op,
	   enum descry_sreg sreg, enum descry_field field)
{
	if (field_value(&op->seg[sreg], field) == field_value(truth, field))
		return ' ';
	return descry_fields_has(&op->record.held, sreg, field) ? '*' : '!';
}

static void
write_field(const struct descry_segment *truth, const struct descry_world_op *op,
	    enum descry_sreg sreg, enum descry_field field, const struct descry_sink *sink)
{
	const char mark = field_mark(truth, op, sreg, field);
	const bool wide = field == DESCRY_FIELD_BASE || field == DESCRY_FIELD_LIMIT;
	const bool marked = mark != ' ';

	descry_sink_printf(sink, "%s%0*llx%c%s ",
			   marked ? style(sink, mark == '!' ? STYLE_DIFFERS : STYLE_STATUS) : "",
			   wide ? 8 : 4, (unsigned long long)field_value(&op->seg[sreg], field),
			   mark, marked ? style(sink, STYLE_PLAIN) : "");
}

static const char *
describe_reload(const struct descry_preview *preview, char *text, size_t size)
{
	if (preview->fault.vector != DESCRY_VEC_NONE)
		snprintf(text, size, "%s(%04x)", descry_vector_text(preview->fault.vector),
			 preview->fault.error_code);
	else
		snprintf(text, size, "%08x %08x %04x", (unsigned)preview->segment.base,
			 preview->segment.limit, preview->segment.attr);
	return text;
}

/* "SBLA": one letter for each field that the record holds. */
static const char *
describe_record(const struct descry_world_record *record, enum descry_sreg sreg, char text[8])
{
	static const char letters[DESCRY_FIELD_COUNT + 1] = "SBLA";

	for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++)
		text[field] = descry_fields_has(&record->held, sreg, field) ? letters[field] : '-';
	text[DESCRY_FIELD_COUNT] = '\0';
	return text;
}

/* The guest's own, below a line that differs from it. */
static void
write_truth(const struct descry_segment *truth, const struct descry_sink *sink)
{
	descry_sink_printf(sink, "    %struth %04x  %08x  %08x  %04x%s\n", style(sink, STYLE_QUIET),
			   truth->sel, (unsigned)truth->base, truth->limit, truth->attr,
			   style(sink, STYLE_PLAIN));
}

static void
write_segment(const struct descry_world_trace *trace, const struct descry_world_op *op,
	      enum descry_sreg sreg, const struct descry_sink *sink)
{
	struct descry_segment truths[DESCRY_SREG_COUNT];
	const struct descry_segment *truth = &truths[sreg];
	char reload[40];
	char record[8];
	char status[DESCRY_CACHE_STATUS_TEXT];

	judge_truth(trace, op, truths);
	descry_sink_printf(sink, "    %-5s ", descry_sreg_name(sreg));
	for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++)
		write_field(truth, op, sreg, field, sink);
	descry_sink_printf(sink, " %-22s  %s   %s\n",
			   describe_reload(&op->preview[sreg], reload, sizeof(reload)),
			   describe_record(&op->record, sreg, record),
			   descry_cache_status_text(op->status[sreg], status));
	if (truth->sel != op->seg[sreg].sel || !descry_segment_same_cache(truth, &op->seg[sreg]))
		write_truth(truth, sink);
}

/* The step that op is the last of, and what was done in it. */
static void
write_step_title(const struct descry_world_trace *trace, const struct descry_world_op *op,
		 const struct descry_sink *sink)
{
	char text[DESCRY_WORLD_STEP_TEXT];

	descry_sink_printf(sink, "%s%s %s%s  (PE=%u, GDTR %08x/%04x)\n", style(sink, STYLE_STRONG),
			   descry_world_step_text(op->step, text),
			   descry_world_step_title(op->step), style(sink, STYLE_PLAIN),
			   op->cr0 & DESCRY_CR0_PE, (unsigned)op->gdtr.base, op->gdtr.limit);
	for (const struct descry_world_op *each = trace->op; each <= op; each++) {
		if (each->step != op->step)
			continue;
		descry_sink_text(sink, "    ");
		put_wrapped(sink, 4, 6, each->text);
	}
}

static void
write_columns(const struct descry_sink *sink)
{
	descry_sink_text(sink, "          sel   base      limit     attr   a reload now gives     "
			       "  saved  status\n");
}

static void
write_legend(const struct descry_sink *sink)
{
	descry_sink_text(sink, "* not the guest's value, which is saved   ! the guest's value is "
			       "gone   saved: Sel Base Limit Attr\n");
}

/* --- JSON ----------------------------------------------------------------------------- */

static json_t *
reload_json(const struct descry_preview *preview)
{
	if (preview->fault.vector == DESCRY_VEC_NONE)
		return json_segment(&preview->segment);
	return json_pack("{s:i, s:i, s:s?}", "vector", (int)preview->fault.vector, "error_code",
			 (int)preview->fault.error_code, "why", preview->why);
}

static json_t *
record_json(const struct descry_world_record *record, enum descry_sreg sreg)
{
	struct descry_fields one = { { 0 } };

	one.of[sreg] = record->held.of[sreg];
	return world_fields_json(&one);
}

/* The step that op is the last of. */
static json_t *
step_json(const struct descry_world_trace *trace, const struct descry_world_op *op)
{
	json_t *notes = json_array();
	json_t *segments = json_object();
	char text[DESCRY_WORLD_STEP_TEXT];

	for (const struct descry_world_op *each = trace->op; each <= op; each++) {
		if (each->step == op->step)
			json_array_append_new(notes, json_string(each->text));
	}
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		json_t *segment = json_segment(&op->seg[sreg]);

		json_object_set_new(segment, "status", json_status(op->status[sreg]));
		json_object_set_new(segment, "reload", reload_json(&op->preview[sreg]));
		json_object_set_new(segment, "saved", record_json(&op->record, sreg));
		json_object_set_new(segments, descry_sreg_name(sreg), segment);
	}
	return json_pack("{s:o, s:s, s:I, s:{s:I, s:I}, s:o, s:o}", "step",
			 json_string(descry_world_step_text(op->step, text)), "title",
			 descry_world_step_title(op->step), "cr0", (json_int_t)op->cr0, "gdtr",
			 "base", (json_int_t)op->gdtr.base, "limit", (json_int_t)op->gdtr.limit,
			 "notes", notes, "segments", segments);
}

static const char *
end_text(enum descry_world_end end)
{
	switch (end) {
	case DESCRY_WORLD_IN_FLIGHT:
		return "in-flight";
	case DESCRY_WORLD_RESUMED:
		return "resumed";
	case DESCRY_WORLD_REFUSED:
		return "refused";
	case DESCRY_WORLD_HOST_FAULT:
		break;
	}
	return "host-fault";
}

/* What the guest has at the end of the trace that is not what it had. */
static struct descry_fields
fields_lost(const struct descry_world_trace *trace)
{
	const struct descry_world_op *last = &trace->op[trace->op_count - 1];
	struct descry_segment truth[DESCRY_SREG_COUNT];

	judge_truth(trace, last, truth);
	return fields_diff(truth, last->seg);
}

static json_t *
switch_json(const struct descry_world_trace *trace)
{
	const struct descry_strategy *strategy = trace->strategy;
	const struct descry_fields lost = fields_lost(trace);
	const unsigned lost_at = judge_lost_at(trace, &lost);
	char text[DESCRY_WORLD_STEP_TEXT];
	const bool resumed = trace->end == DESCRY_WORLD_RESUMED;

	return json_pack(
		"{s:s, s:s?, s:s, s:s?, s:I, s:i, s:I, s:o, s:o}", "strategy", strategy->name,
		"variant", strategy->variant, "end", end_text(trace->end), "why",
		resumed ? NULL : trace->why, "retired", (json_int_t)trace->retired, "cs",
		(int)trace->cs, "ip", (json_int_t)trace->ip, "lost",
		resumed ? world_fields_json(&lost) : json_array(), "lost_at",
		json_text(resumed && lost_at ? descry_world_step_text(lost_at, text) : ""));
}

/* What the guest gets back that is not what it had, and the step at which they parted. */
static void
write_differences(const struct descry_world_trace *trace, const struct descry_sink *sink)
{
	char text[DESCRY_WORLD_STEP_TEXT];
	const struct descry_fields lost = fields_lost(trace);

	if (fields_empty(&lost)) {
		descry_sink_text(sink, "the guest runs again, nothing is lost");
		return;
	}
	descry_sink_text(sink, "the guest runs again without its");
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++) {
			if (descry_fields_has(&lost, sreg, field))
				descry_sink_printf(sink, " %s.%s", descry_sreg_name(sreg),
						   descry_field_name(field));
		}
	}
	descry_sink_printf(sink, ", gone at %s",
			   descry_world_step_text(judge_lost_at(trace, &lost), text));
}

/* --- the renders ---------------------------------------------------------------------- */

void
render_switch(const struct descry_world_trace *trace, const struct descry_sink *sink)
{
	const bool resumed = trace->end == DESCRY_WORLD_RESUMED;
	char strategy[DESCRY_STRATEGY_TEXT], far[DESCRY_FAR_TEXT], step[DESCRY_WORLD_STEP_TEXT];
	struct descry_sink_buffer buffer;
	const struct descry_sink line = descry_sink_to_buffer(&buffer);

	if (sink->json) {
		json_render(sink, switch_json(trace));
		return;
	}
	descry_sink_printf(&line, "host interrupt at %s under %s: ",
			   descry_far_text(trace->cs, trace->ip, far),
			   descry_strategy_text(trace->strategy, strategy));
	if (resumed)
		write_differences(trace, &line);
	else
		descry_sink_printf(&line, "%s at %s: %s", end_text(trace->end),
				   descry_world_step_text(trace->ended_at, step), trace->why);
	descry_sink_text(sink, resumed ? "" : style(sink, STYLE_STATUS));
	put_wrapped(sink, 0, 4, buffer.text != NULL ? buffer.text : "");
	descry_sink_text(sink, resumed ? "" : style(sink, STYLE_PLAIN));
	free(buffer.text);
}

void
render_switch_step(const struct descry_world_trace *trace, const struct descry_world_op *op,
		   const struct descry_sink *sink)
{
	if (sink->json) {
		json_render(sink, step_json(trace, op));
		return;
	}
	write_step_title(trace, op, sink);
	write_columns(sink);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		write_segment(trace, op, sreg, sink);
	write_legend(sink);
}

static bool
segment_changed(const struct descry_world_op *before, const struct descry_world_op *after,
		enum descry_sreg sreg)
{
	return before->seg[sreg].sel != after->seg[sreg].sel ||
	       !descry_segment_same_cache(&before->seg[sreg], &after->seg[sreg]);
}

/* before: NULL for the first operation, which shows every segment. */
static void
write_changed(const struct descry_world_trace *trace, const struct descry_world_op *before,
	      const struct descry_world_op *op, const struct descry_sink *sink)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		if (!before || segment_changed(before, op, sreg))
			write_segment(trace, op, sreg, sink);
	}
}

void
render_switch_op(const struct descry_world_trace *trace, const struct descry_world_op *op,
		 const struct descry_sink *sink)
{
	char text[DESCRY_WORLD_STEP_TEXT];
	unsigned first = (unsigned)(op - trace->op);
	const struct descry_world_op *before = op > trace->op ? op - 1 : NULL;

	if (sink->json) {
		json_render(sink, step_json(trace, op));
		return;
	}
	while (first > 0 && trace->op[first - 1].step == op->step)
		first--;
	descry_sink_printf(sink, "%s%s.%u%s  ", style(sink, STYLE_STRONG),
			   descry_world_step_text(op->step, text),
			   (unsigned)(op - trace->op) - first + 1, style(sink, STYLE_PLAIN));
	put_wrapped(sink, 6, 6, op->text);
	write_changed(trace, before, op, sink);
}

void
render_switch_trace(const struct descry_world_trace *trace, const struct descry_sink *sink)
{
	const struct descry_world_op *before = NULL;

	if (sink->json) {
		json_t *value = switch_json(trace);
		json_t *steps = json_array();

		for (unsigned i = 0, step; (step = descry_world_step_at(i)) != 0; i++) {
			const struct descry_world_op *op = descry_world_after(trace, step);

			if (op)
				json_array_append_new(steps, step_json(trace, op));
		}
		json_object_set_new(value, "steps", steps);
		json_render(sink, value);
		return;
	}
	render_switch(trace, sink);
	write_columns(sink);
	for (unsigned i = 0, step; (step = descry_world_step_at(i)) != 0; i++) {
		const struct descry_world_op *op = descry_world_after(trace, step);

		if (!op)
			continue;
		write_step_title(trace, op, sink);
		write_changed(trace, before, op, sink);
		before = op;
	}
	write_legend(sink);
}
