#include "command/render.h"

#include <descry/command.h>

#include <inttypes.h>
#include <string.h>

/* --- what has become of the caches ---------------------------------------------------- */

struct change {
	enum descry_sreg sreg;
	const struct descry_segment *seg_before, *seg;
	unsigned status_before, status;
};

static bool
is_changed(const struct change *change)
{
	return change->seg_before->sel != change->seg->sel ||
	       !descry_segment_same_cache(change->seg_before, change->seg);
}

static struct change
change_of(const struct descry_segment_moment *before, const struct descry_segment_moment *now,
	  enum descry_sreg sreg)
{
	return (struct change){ sreg, &before->seg[sreg], &now->seg[sreg], before->status[sreg],
				now->status[sreg] };
}

/* How many columns it has taken. */
static unsigned
put_change(const struct descry_sink *sink, const char *name, unsigned digits, uint64_t before,
	   uint64_t now)
{
	if (before == now)
		return 0;
	descry_sink_printf(sink, " %s %0*" PRIx64 "%s>%0*" PRIx64 "%s", name, (int)digits, before,
			   style(sink, STYLE_DIFFERS), (int)digits, now, style(sink, STYLE_PLAIN));
	return (unsigned)strlen(name) + 2 * digits + 3;
}

static void
put_status_change(const struct descry_sink *sink, unsigned before, unsigned now)
{
	char text[DESCRY_CACHE_STATUS_TEXT];

	if (before != now)
		descry_sink_printf(sink, "%s > ", descry_cache_status_text(before, text));
	descry_sink_printf(sink, "%s%s%s\n", style(sink, now ? STYLE_STATUS : STYLE_PLAIN),
			   descry_cache_status_text(now, text), style(sink, STYLE_PLAIN));
}

#define CHANGE_COLUMN 7u /* behind "   fs  " */
#define CHANGE_WIDTH 80u

/* For the status in the same line, on a narrow screen. */
static bool
has_room(unsigned column, const struct change *change)
{
	char before[DESCRY_CACHE_STATUS_TEXT], now[DESCRY_CACHE_STATUS_TEXT];
	const size_t size = strlen(descry_cache_status_text(change->status_before, before)) +
			    strlen(descry_cache_status_text(change->status, now));

	return change->status == change->status_before || column + size + 5 <= CHANGE_WIDTH;
}

/* "   fs   sel 0000>0010 limit 0000ffff>ffffffff attr 0093>c093  STALE > MATCH" */
static void
put_cache_change(const struct descry_sink *sink, const struct change *change)
{
	const struct descry_segment *before = change->seg_before;
	const struct descry_segment *now = change->seg;
	unsigned column = CHANGE_COLUMN;

	descry_sink_printf(sink, "   %-4s", descry_sreg_name(change->sreg));
	column += put_change(sink, "sel", 4, before->sel, now->sel);
	column += put_change(sink, "base", 8, before->base, now->base);
	column += put_change(sink, "limit", 8, before->limit, now->limit);
	column += put_change(sink, "attr", 4, before->attr, now->attr);
	if (!has_room(column, change))
		descry_sink_printf(sink, "\n%*s", (int)CHANGE_COLUMN - 1, "");
	descry_sink_text(sink, "  ");
	put_status_change(sink, change->status_before, change->status);
}

/* Caches that stand as they were, and mean something else now: one line for a kind. */
static void
put_status_changes(const struct descry_sink *sink, const struct descry_segment_moment *before,
		   const struct descry_segment_moment *now)
{
	unsigned done = 0;

	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++) {
		const struct change first = change_of(before, now, (enum descry_sreg)i);

		if (done & 1u << i || is_changed(&first) || first.status == first.status_before)
			continue;
		descry_sink_text(sink, "  ");
		for (unsigned k = i; k < DESCRY_SREG_COUNT; k++) {
			const struct change other = change_of(before, now, (enum descry_sreg)k);

			if (is_changed(&other) || other.status != first.status ||
			    other.status_before != first.status_before)
				continue;
			done |= 1u << k;
			descry_sink_printf(sink, " %s", descry_sreg_name(other.sreg));
		}
		descry_sink_text(sink, ": ");
		put_status_change(sink, first.status_before, first.status);
	}
}

static void
put_changes(const struct descry_sink *sink, const struct descry_segment_moment *before,
	    const struct descry_segment_moment *now)
{
	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++) {
		const struct change change = change_of(before, now, (enum descry_sreg)i);

		if (is_changed(&change))
			put_cache_change(sink, &change);
	}
	put_status_changes(sink, before, now);
}

static json_t *
json_changes(const struct descry_segment_moment *before, const struct descry_segment_moment *now)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++) {
		const struct change change = change_of(before, now, (enum descry_sreg)i);

		if (!is_changed(&change) && change.status == change.status_before)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:o}", "name",
						      descry_sreg_name(change.sreg), "before",
						      json_segment(change.seg_before), "now",
						      json_segment(change.seg), "status_before",
						      json_status(change.status_before), "status",
						      json_status(change.status)));
	}
	return list;
}

/* --- stops ---------------------------------------------------------------------------- */

json_t *
json_stop(struct descry_monitor *monitor, const struct descry_stop *stop)
{
	struct descry_code_line line;
	json_t *object;

	descry_query_code(monitor, descry_vcpu_linear_ip(descry_monitor_vcpu(monitor)), &line);
	object = json_pack("{s:s, s:s, s:I, s:i, s:I, s:I, s:o, s:s, s:o}", "reason",
			   descry_stop_reason_text(stop->reason), "text", stop->text, "retired",
			   (json_int_t)stop->retired, "cs", stop->cs, "ip", (json_int_t)stop->ip,
			   "linear", (json_int_t)line.linear, "symbol", json_text(line.symbol),
			   "instruction", line.text, "fault", json_fault(&stop->fault));
	json_object_set_new(object, "exit_status",
			    stop->reason == DESCRY_STOP_GUEST_EXIT ? json_integer(stop->exit_status)
								   : json_null());
	if (stop->injection != 0)
		json_object_set_new(object, "injection", json_integer(stop->injection));
	return object;
}

void
render_code_at_ip(const struct descry_sink *sink, struct descry_monitor *monitor)
{
	struct descry_code_line line;

	descry_query_code(monitor, descry_vcpu_linear_ip(descry_monitor_vcpu(monitor)), &line);
	render_code(sink, monitor, NULL, &line, 1);
}

void
render_stop_text(const struct descry_sink *sink, const struct descry_stop *stop)
{
	descry_sink_text(sink, style(sink, STYLE_STRONG));
	put_wrapped(sink, 0, 4, stop->text);
	descry_sink_text(sink, style(sink, STYLE_PLAIN));
}

void
render_stop(const struct descry_sink *sink, struct descry_monitor *monitor,
	    const struct descry_stop *stop, const struct descry_segment_moment *before)
{
	struct descry_segment_moment now;
	json_t *object;

	descry_query_segment_moment(monitor, &now);
	if (sink->json) {
		object = json_stop(monitor, stop);
		json_object_set_new(object, "changes", json_changes(before, &now));
		json_render(sink, object);
		return;
	}
	if (stop->reason != DESCRY_STOP_STEP)
		render_stop_text(sink, stop);
	put_changes(sink, before, &now);
	render_code_at_ip(sink, monitor);
}

void
render_where(const struct descry_sink *sink, struct descry_monitor *monitor)
{
	struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	const struct descry_state *state = descry_vcpu_state(vcpu);
	const struct descry_stop *stop = descry_monitor_last_stop(monitor);
	const char *mode = descry_mode_text(descry_vcpu_mode(vcpu));
	json_t *object;

	if (sink->json) {
		object = json_stop(monitor, stop);
		json_object_set_new(object, "cs", json_integer(state->seg[DESCRY_CS].sel));
		json_object_set_new(object, "ip", json_integer((json_int_t)state->rip));
		json_object_set_new(object, "retired", json_integer((json_int_t)state->retired));
		json_object_set_new(object, "mode", json_string(mode));
		json_object_set_new(object, "cpl", json_integer(descry_cpl(state)));
		json_render(sink, object);
		return;
	}
	descry_sink_printf(
		sink, "%s mode, CPL %u, %" PRIu64 " instructions so far; last stop: %s\n", mode,
		descry_cpl(state), state->retired, descry_stop_reason_text(stop->reason));
	render_code_at_ip(sink, monitor);
}

void
descry_run_render(struct descry_monitor *monitor, const struct descry_stop *stop, double seconds,
		  const struct descry_sink *sink)
{
	const double rate = seconds > 0 ? (double)stop->retired / seconds : 0;
	json_t *object;

	if (!sink->json)
		return;
	object = json_stop(monitor, stop);
	json_object_set_new(object, "wall_seconds", json_real(seconds));
	json_object_set_new(object, "instructions_per_second", json_real(rate));
	json_render(sink, object);
}
