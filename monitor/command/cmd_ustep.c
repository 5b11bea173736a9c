#include "command/command_table.h"
#include "command/render.h"
#include "command/session.h"

#include <stdlib.h>
#include <string.h>

/* Has anything happened to the CPU since the walk began? Then it begins anew. */
static bool
is_under_way(struct command_call *call)
{
	const struct micro_walk *walk = &call->session->walk;
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(call->monitor));

	return walk->shown > 0 && memcmp(&walk->at, state, sizeof(*state)) == 0;
}

/* What the CPU holds then is no guest that could take a step. */
static bool
host_has_cpu(struct command_call *call)
{
	if (!call->world || !descry_world_in_flight(call->world))
		return false;
	command_error(call, DESCRY_BAD_ARGUMENT,
		      "ustep: a switch is in flight; go on in it with: world step, or end it "
		      "with: world finish");
	return true;
}

/* The instruction is executed once its last step has been shown. */
static enum descry_command_result
go_behind(struct command_call *call, struct micro_report *report)
{
	const struct descry_run_request request = { .count = 1 };
	struct descry_stop stop;

	call->session->walk.shown = 0;
	if (!call->sink->json)
		render_micro_steps(call->sink, call->monitor, report);
	descry_monitor_run(call->monitor, &request, &stop);
	report->stop = &stop;
	if (call->sink->json)
		render_micro_steps(call->sink, call->monitor, report);
	else
		render_micro_end(call->sink, call->monitor, &stop);
	return stop.reason == DESCRY_STOP_INTERRUPTED ? DESCRY_COMMAND_INTERRUPTED
						      : DESCRY_COMMAND_OK;
}

static enum descry_command_result
walk_on(struct command_call *call, struct micro_report *report)
{
	struct micro_walk *walk = &call->session->walk;

	if (report->first + report->count >= report->log->count)
		return go_behind(call, report);
	walk->at = *descry_vcpu_state(descry_monitor_vcpu(call->monitor));
	walk->shown = report->first + report->count;
	render_micro_steps(call->sink, call->monitor, report);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
on_ustep(struct command_call *call)
{
	struct descry_micro_log *log = calloc(1, sizeof(*log));
	struct micro_report report = { .log = log, .count = 1 };
	struct descry_code_line line;
	enum descry_command_result result;
	enum descry_status status;

	if (command_guest_has_ended(call) || host_has_cpu(call)) {
		free(log);
		return DESCRY_COMMAND_ERROR;
	}
	status = log ? descry_query_micro_steps(call->monitor, log) : DESCRY_NO_MEMORY;
	if (status != DESCRY_OK) {
		free(log);
		return command_error(call, status, "ustep: %s", descry_status_text(status));
	}
	descry_query_code(call->monitor, descry_vcpu_linear_ip(descry_monitor_vcpu(call->monitor)),
			  &line);
	report.line = &line;
	if (is_under_way(call))
		report.first = call->session->walk.shown;
	if (call->count > 0 || report.first >= log->count) {
		report.first = 0;
		report.count = log->count;
	}
	result = walk_on(call, &report);
	free(log);
	return result;
}

static const char *const ustep_choices[] = { "all", NULL };

/* clang-format off */
const struct command micro_commands[] = {
	{ "ustep", "us", TOPIC_RUN, NULL,
	  { { .name = "ALL", .type = ARG_CHOICE, .optional = true, .choices = ustep_choices } },
	  on_ustep, REPEAT_SAME,
	  "walk through the next instruction one micro-step at a time",
	  "An interrupt delivery, a return, a gate and a task switch have micro-steps with\n"
	  "names of their own (PM8, PI5, TS9 ...: docs/micro-steps.md); any other instruction\n"
	  "is one, I1. Each is shown with the memory it reads and writes and with what it\n"
	  "changes in registers and caches. Until the last one is shown the CPU stands\n"
	  "before the instruction, and then behind it. `ustep all` shows them all at once." },
	{ 0 },
};
/* clang-format on */
