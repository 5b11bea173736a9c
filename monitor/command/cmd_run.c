#include "command/command_table.h"
#include "command/render.h"
#include "command/session.h"

#include <inttypes.h>
#include <stdio.h>

/* --- running -------------------------------------------------------------------------- */

static enum descry_command_result
run(struct command_call *call, const struct descry_run_request *request)
{
	struct descry_segment_moment before;
	struct descry_stop stop;

	descry_query_segment_moment(call->monitor, &before);
	descry_monitor_run(call->monitor, request, &stop);
	render_stop(call->sink, call->monitor, &stop, &before);
	return stop.reason == DESCRY_STOP_INTERRUPTED ? DESCRY_COMMAND_INTERRUPTED
						      : DESCRY_COMMAND_OK;
}

bool
command_guest_has_ended(struct command_call *call)
{
	const struct descry_stop *stop = descry_monitor_last_stop(call->monitor);
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(call->monitor));

	if (stop->reason != DESCRY_STOP_GUEST_EXIT || stop->retired != state->retired)
		return false;
	command_error(call, DESCRY_BAD_ARGUMENT,
		      "the guest has ended (%.100s); `reset` begins again", stop->text);
	return true;
}

static enum descry_command_result
on_step(struct command_call *call)
{
	const uint64_t count = call->count > 0 ? call->argument[0].number : 1;

	if (count == 0 || count > INT64_MAX)
		return command_error(call, DESCRY_BAD_ARGUMENT,
				     "step: COUNT is at least 1, not '%.40s'",
				     call->argument[0].text);
	if (command_guest_has_ended(call))
		return DESCRY_COMMAND_ERROR;
	return run(call, &(struct descry_run_request){ .count = count });
}

static enum descry_command_result
on_continue(struct command_call *call)
{
	if (command_guest_has_ended(call))
		return DESCRY_COMMAND_ERROR;
	return run(call, &(struct descry_run_request){ 0 });
}

static enum descry_command_result
on_until(struct command_call *call)
{
	const struct descry_run_request request = {
		.to_target = true,
		.target = descry_query_linear(call->monitor, &call->argument[0].address),
	};

	if (command_guest_has_ended(call))
		return DESCRY_COMMAND_ERROR;
	return run(call, &request);
}

static enum descry_command_result
on_reset(struct command_call *call)
{
	const enum descry_status status = descry_monitor_reset(call->monitor);

	if (status != DESCRY_OK)
		return command_error(call, status, "reset: %s", descry_status_text(status));
	render_where(call->sink, call->monitor);
	return DESCRY_COMMAND_OK;
}

/* --- from outside --------------------------------------------------------------------- */

static enum descry_command_result
asked_for(struct command_call *call, const char *what)
{
	if (call->sink->json)
		json_render(call->sink, json_pack("{s:s}", "asked_for", what));
	else
		descry_sink_printf(call->sink, "%s pending\n", what);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
on_nmi(struct command_call *call)
{
	if (command_guest_has_ended(call))
		return DESCRY_COMMAND_ERROR;
	descry_vcpu_nmi(descry_monitor_vcpu(call->monitor));
	return asked_for(call, "NMI");
}

static enum descry_command_result
on_smi(struct command_call *call)
{
	if (command_guest_has_ended(call))
		return DESCRY_COMMAND_ERROR;
	if (!descry_vcpu_smi(descry_monitor_vcpu(call->monitor)))
		return command_error(call, DESCRY_NOT_SUPPORTED,
				     "smi: this CPU has no system management mode (knob smm.map)");
	return asked_for(call, "SMI");
}

static enum descry_command_result
on_init(struct command_call *call)
{
	if (command_guest_has_ended(call))
		return DESCRY_COMMAND_ERROR;
	descry_vcpu_init(descry_monitor_vcpu(call->monitor));
	return asked_for(call, "INIT");
}

/* --- breakpoints ---------------------------------------------------------------------- */

static enum descry_command_result
on_break(struct command_call *call)
{
	const struct descry_sink *sink = call->sink;
	char symbol[DESCRY_SYMBOL_TEXT];
	uint64_t linear;
	int number;

	if (call->count == 0) {
		render_breakpoints(sink, call->monitor);
		return DESCRY_COMMAND_OK;
	}
	linear = descry_query_linear(call->monitor, &call->argument[0].address);
	number = descry_monitor_add_breakpoint(call->monitor, linear);
	if (number <= 0)
		return command_error(call, DESCRY_NO_MEMORY, "no memory for a breakpoint");
	descry_query_symbol(call->monitor, linear, symbol);
	if (sink->json)
		json_render(sink, json_pack("{s:i, s:I, s:o}", "number", number, "linear",
					    (json_int_t)linear, "symbol", json_text(symbol)));
	else
		descry_sink_printf(sink, "breakpoint %d at %08" PRIx64 "%s%s\n", number, linear,
				   *symbol != '\0' ? " " : "", symbol);
	return DESCRY_COMMAND_OK;
}

/* The one with this number, or all of them; their numbers. */
static json_t *
delete_breakpoints(struct descry_monitor *monitor, bool all, uint64_t number)
{
	const struct descry_breakpoint *list;
	json_t *deleted = json_array();

	for (size_t i = 0; i < descry_monitor_breakpoints(monitor, &list);) {
		const int found = list[i].number;

		if (!all && (uint64_t)found != number) {
			i++;
			continue;
		}
		json_array_append_new(deleted, json_integer(found));
		descry_monitor_delete_breakpoint(monitor, found);
	}
	return deleted;
}

/* Releases the list. */
static void
render_deleted(const struct descry_sink *sink, json_t *deleted)
{
	const size_t count = json_array_size(deleted);

	if (sink->json) {
		json_render(sink, json_pack("{s:o}", "deleted", deleted));
		return;
	}
	descry_sink_text(sink, count == 0   ? "there are no breakpoints\n"
			       : count == 1 ? "deleted breakpoint"
					    : "deleted breakpoints");
	for (size_t i = 0; i < count; i++)
		descry_sink_printf(sink, " %d%s",
				   (int)json_integer_value(json_array_get(deleted, i)),
				   i + 1 == count ? "\n" : "");
	json_decref(deleted);
}

static enum descry_command_result
on_delete(struct command_call *call)
{
	const bool all = call->count == 0;
	const uint64_t number = all ? 0 : call->argument[0].number;
	json_t *deleted = delete_breakpoints(call->monitor, all, number);

	if (!all && json_array_size(deleted) == 0) {
		json_decref(deleted);
		return command_error(call, DESCRY_NOT_FOUND,
				     "there is no breakpoint %" PRIu64 "; `info break` lists them",
				     number);
	}
	render_deleted(call->sink, deleted);
	return DESCRY_COMMAND_OK;
}

static void
breakpoint_candidates(struct descry_session *session, const char *line, descry_completion_fn *add,
		      void *owner)
{
	const struct descry_breakpoint *list;
	const size_t count = descry_monitor_breakpoints(session->monitor, &list);

	(void)line;
	for (size_t i = 0; i < count; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", list[i].number);
		add(owner, text);
	}
}

/* clang-format off */
const struct command run_commands[] = {
	{ "step", "s si stepi", TOPIC_RUN, NULL,
	  { { .name = "COUNT", .type = ARG_NUMBER, .optional = true } },
	  on_step, REPEAT_SAME,
	  "execute one instruction, or COUNT",
	  "An iteration of a REP instruction counts as one. What the caches and their\n"
	  "status have become is shown before the instruction at CS:IP, which is the next." },
	{ "continue", "c", TOPIC_RUN, NULL, { { 0 } },
	  on_continue, REPEAT_SAME,
	  "run until something stops the guest",
	  "A breakpoint, Ctrl-C, the end of the guest, a fault that nobody handles, ..." },
	{ "until", "u", TOPIC_RUN, NULL,
	  { { .name = "ADDRESS", .type = ARG_ADDRESS } },
	  on_until, REPEAT_NEVER,
	  "run until the instruction at ADDRESS is next",
	  NULL },
	{ "break", "b", TOPIC_RUN, NULL,
	  { { .name = "ADDRESS", .type = ARG_ADDRESS, .optional = true } },
	  on_break, REPEAT_NEVER,
	  "stop before the instruction at ADDRESS; without one, list the breakpoints",
	  "A breakpoint is a linear address: one in a segment is taken through the base that\n"
	  "is cached now." },
	{ "delete", "d", TOPIC_RUN, NULL,
	  { { .name = "NUMBER", .type = ARG_NUMBER, .optional = true,
	      .candidates = breakpoint_candidates } },
	  on_delete, REPEAT_NEVER,
	  "remove a breakpoint, or all of them",
	  NULL },
	{ "reset", NULL, TOPIC_RUN, NULL, { { 0 } },
	  on_reset, REPEAT_NEVER,
	  "begin again: memory, devices and CPU as they were at the start",
	  "Breakpoints stay." },
	{ "nmi", NULL, TOPIC_RUN, NULL, { { 0 } },
	  on_nmi, REPEAT_NEVER,
	  "ask for a non-maskable interrupt at this boundary",
	  "It comes before the next instruction, or waits: until the last NMI has returned, in\n"
	  "the shadow of MOV SS, in SMM. It wakes HLT. `regs` shows what waits." },
	{ "smi", NULL, TOPIC_RUN, NULL, { { 0 } },
	  on_smi, REPEAT_NEVER,
	  "ask for a system management interrupt at this boundary",
	  "It comes before the next instruction, or waits: in a shadow, and in SMM until RSM.\n"
	  "It is an error on a CPU without SMM (docs/smm.md)." },
	{ "init", NULL, TOPIC_RUN, NULL, { { 0 } },
	  on_init, REPEAT_NEVER,
	  "ask for an INIT of the CPU at this boundary",
	  "The CPU begins at its reset vector; memory, devices, SMBASE and the model-specific\n"
	  "registers stay. It waits as an SMI does, and as NMI and SMI leads out of a shutdown." },
	{ 0 },
};
/* clang-format on */
