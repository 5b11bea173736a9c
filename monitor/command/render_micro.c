#include "command/register.h"
#include "command/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STEP_INDENT 13 /* behind " 1/13 PM11  " */
#define STEP_WIDTH 80u

/* --- what a step has changed ---------------------------------------------------------- */

static const struct descry_state *
state_before(const struct descry_micro_log *log, size_t index)
{
	return index == 0 ? &log->before : &log->step[index - 1].state;
}

/* The rows of the register table that are no part of another row, and not time. */
static bool
is_shown(const struct register_name *reg)
{
	return reg->source == REGISTER_STATE && reg->bits >= 16 && reg->bits <= 32 &&
	       !(reg->bits == 16 && reg->storage == 8);
}

static bool
differs(const struct register_name *reg, const struct descry_state *before,
	const struct descry_state *now)
{
	return register_read(reg, before) != register_read(reg, now);
}

static bool
is_flag(const struct register_name *reg)
{
	return reg->source == REGISTER_STATE && reg->bits == 1 &&
	       reg->offset == offsetof(struct descry_state, rflags);
}

/* " -if -tf", behind EFLAGS */
static void
flag_changes(const struct descry_state *before, const struct descry_state *now, char *text,
	     size_t size)
{
	const struct register_name *reg;
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; (reg = register_at(i)) != NULL && used < size; i++)
		if (is_flag(reg) && differs(reg, before, now))
			used += (size_t)snprintf(text + used, size - used, " %c%s",
						 register_read(reg, now) ? '+' : '-', reg->name);
}

/* --- text ----------------------------------------------------------------------------- */

/* One item of a list that goes on in the next line when this one is full. */
static void
put_item(const struct descry_sink *sink, unsigned *column, const char *text)
{
	const unsigned size = (unsigned)strlen(text);

	if (*column != 0 && *column + 2 + size > STEP_WIDTH) {
		descry_sink_text(sink, "\n");
		*column = 0;
	}
	descry_sink_printf(sink, "%*s%s", *column == 0 ? STEP_INDENT : 2, "", text);
	*column += (*column == 0 ? STEP_INDENT : 2) + size;
}

static void
put_registers(const struct descry_sink *sink, const struct descry_state *before,
	      const struct descry_state *now)
{
	const struct register_name *reg;
	unsigned column = 0;

	for (size_t i = 0; (reg = register_at(i)) != NULL; i++) {
		char text[120], flags[64] = "";

		if (!is_shown(reg) || !differs(reg, before, now))
			continue;
		if (strcmp(reg->name, "eflags") == 0)
			flag_changes(before, now, flags, sizeof(flags));
		snprintf(text, sizeof(text), "%s %0*" PRIx64 ">%0*" PRIx64 "%s", reg->name,
			 reg->bits / 4, register_read(reg, before), reg->bits / 4,
			 register_read(reg, now), flags);
		put_item(sink, &column, text);
	}
	if (column != 0)
		descry_sink_text(sink, "\n");
}

/* Selector against cache: both, as they are after the step. */
static void
put_segments(const struct descry_sink *sink, const struct descry_state *before,
	     const struct descry_state *now)
{
	char attr[ATTR_TEXT];

	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++) {
		const struct descry_segment *seg = &now->seg[i];

		if (memcmp(&before->seg[i], seg, sizeof(*seg)) == 0)
			continue;
		descry_sink_printf(
			sink,
			"%*s%s %04x>%04x  base %08" PRIx64 " limit %08" PRIx32 " attr %04x  %s\n",
			STEP_INDENT, "", descry_sreg_name((enum descry_sreg)i), before->seg[i].sel,
			seg->sel, seg->base, seg->limit, seg->attr, type_text(seg->attr, attr));
	}
}

#define ROW_VALUES 4u

/* How many accesses from this one on make a row: neighbours, upwards, all small. */
static size_t
row_length(const struct descry_micro_access *access, size_t count)
{
	size_t length = 1;

	while (length < count && length < ROW_VALUES && access[0].size <= 4 &&
	       access[length].write == access[0].write && access[length].size == access[0].size &&
	       access[length].linear == access[length - 1].linear + access[0].size)
		length++;
	return length;
}

static void
put_accesses(const struct descry_sink *sink, const struct descry_micro_access *access, size_t count)
{
	while (count > 0) {
		const size_t length = row_length(access, count);

		descry_sink_printf(sink, "%*s%s %08" PRIx32 ":", STEP_INDENT, "",
				   access->write ? "write" : "read ", access->linear);
		for (size_t i = 0; i < length; i++)
			descry_sink_printf(sink, " %0*" PRIx64, access[i].size * 2,
					   access[i].value);
		descry_sink_text(sink, "\n");
		access += length;
		count -= length;
	}
}

/* A delivery begins: "deliver #GP" stands above its first step. */
static void
put_delivery(const struct descry_sink *sink, const struct descry_micro_log *log, size_t index)
{
	const struct descry_micro_step *step = &log->step[index];

	if (step->vector == DESCRY_VEC_NONE)
		return;
	if (index > 0 && log->step[index - 1].vector == step->vector &&
	    log->step[index - 1].fault.vector == DESCRY_VEC_NONE)
		return;
	descry_sink_printf(sink, "deliver %s\n", descry_vector_text(step->vector));
}

static void
put_step(const struct descry_sink *sink, const struct descry_micro_log *log, size_t index)
{
	const struct descry_micro_step *step = &log->step[index];
	const struct descry_state *before = state_before(log, index);

	put_delivery(sink, log, index);
	descry_sink_printf(sink, "%2zu/%-2zu %s%-5s%s  %s\n", index + 1, log->count,
			   style(sink, STYLE_STRONG), descry_micro_name(step->id),
			   style(sink, STYLE_PLAIN), descry_micro_text(step->id));
	put_accesses(sink, &log->access[step->first_access], step->access_count);
	put_registers(sink, before, &step->state);
	put_segments(sink, before, &step->state);
	if (step->fault.vector != DESCRY_VEC_NONE)
		descry_sink_printf(sink, "%*s%sfaults with %s, error code %04x%s\n", STEP_INDENT,
				   "", style(sink, STYLE_STATUS),
				   descry_vector_text(step->fault.vector), step->fault.error_code,
				   style(sink, STYLE_PLAIN));
}

static void
put_report(const struct descry_sink *sink, struct descry_monitor *monitor,
	   const struct micro_report *report)
{
	if (report->first == 0)
		render_code(sink, monitor, NULL, report->line, 1);
	for (size_t i = 0; i < report->count; i++)
		put_step(sink, report->log, report->first + i);
	if (report->log->lost)
		descry_sink_text(sink, "there were more steps or accesses than are kept\n");
}

void
render_micro_end(const struct descry_sink *sink, struct descry_monitor *monitor,
		 const struct descry_stop *stop)
{
	if (stop->reason != DESCRY_STOP_STEP)
		render_stop_text(sink, stop);
	render_code_at_ip(sink, monitor);
}

/* --- JSON ----------------------------------------------------------------------------- */

static json_t *
json_accesses(const struct descry_micro_access *access, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			list, json_pack("{s:b, s:I, s:i, s:o}", "write", access[i].write, "linear",
					(json_int_t)access[i].linear, "size", access[i].size,
					"value", json_u64(access[i].value)));
	return list;
}

static json_t *
json_register_changes(const struct descry_state *before, const struct descry_state *now)
{
	json_t *object = json_object();
	const struct register_name *reg;

	for (size_t i = 0; (reg = register_at(i)) != NULL; i++)
		if (is_shown(reg) && differs(reg, before, now))
			json_object_set_new(object, reg->name,
					    json_pack("{s:I, s:I}", "before",
						      (json_int_t)register_read(reg, before), "now",
						      (json_int_t)register_read(reg, now)));
	return object;
}

static json_t *
json_segment_changes(const struct descry_state *before, const struct descry_state *now)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++)
		if (memcmp(&before->seg[i], &now->seg[i], sizeof(now->seg[i])) != 0)
			json_array_append_new(list,
					      json_pack("{s:s, s:o, s:o}", "name",
							descry_sreg_name((enum descry_sreg)i),
							"before", json_segment(&before->seg[i]),
							"now", json_segment(&now->seg[i])));
	return list;
}

static json_t *
json_step(const struct descry_micro_log *log, size_t index)
{
	const struct descry_micro_step *step = &log->step[index];
	const struct descry_state *before = state_before(log, index);

	return json_pack(
		"{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "number", (json_int_t)(index + 1), "id",
		descry_micro_name(step->id), "text", descry_micro_text(step->id), "vector",
		step->vector == DESCRY_VEC_NONE ? json_null() : json_integer(step->vector),
		"accesses", json_accesses(&log->access[step->first_access], step->access_count),
		"registers", json_register_changes(before, &step->state), "segments",
		json_segment_changes(before, &step->state), "fault", json_fault(&step->fault));
}

static json_t *
json_report(struct descry_monitor *monitor, const struct micro_report *report)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < report->count; i++)
		json_array_append_new(steps, json_step(report->log, report->first + i));
	return json_pack("{s:s, s:I, s:b, s:o, s:o}", "instruction", report->line->text, "count",
			 (json_int_t)report->log->count, "lost", report->log->lost, "steps", steps,
			 "stop",
			 report->stop == NULL ? json_null() : json_stop(monitor, report->stop));
}

void
render_micro_steps(const struct descry_sink *sink, struct descry_monitor *monitor,
		   const struct micro_report *report)
{
	if (sink->json)
		json_render(sink, json_report(monitor, report));
	else
		put_report(sink, monitor, report);
}
