#include "command/command_table.h"
#include "command/render_world.h"
#include "command/session.h"

#include <stdio.h>
#include <string.h>

enum world_action { ACTION_LIST, ACTION_USE, ACTION_SHOW, ACTION_STEP, ACTION_COUNT };

static const char *const world_actions[ACTION_COUNT + 1] = {
	[ACTION_LIST] = "list",
	[ACTION_USE] = "use",
	[ACTION_SHOW] = "show",
	[ACTION_STEP] = "step",
};

static const char *const interrupt_kinds[] = { "host", NULL };

static enum descry_command_result
no_world(struct command_call *call)
{
	return command_error(call, DESCRY_NOT_SUPPORTED, "this front end has no world switches");
}

static enum descry_command_result
no_switch_yet(struct command_call *call)
{
	return command_error(call, DESCRY_NOT_FOUND,
			     "no host interrupt has been taken yet; take one with: interrupt host");
}

/* --- world ---------------------------------------------------------------------------- */

static enum descry_command_result
world_list(struct command_call *call)
{
	render_strategies(call->world, call->sink);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
world_use(struct command_call *call)
{
	const struct descry_strategy *before = descry_world_chosen(call->world);
	const struct descry_strategy *strategy;

	if (call->count < 2)
		return command_error(call, DESCRY_BAD_ARGUMENT,
				     "world use: which strategy? `world` lists them");
	if (descry_strategy_find(call->argument[1].text, &strategy, call->err) != DESCRY_OK)
		return DESCRY_COMMAND_ERROR;
	descry_world_choose(call->world, strategy);
	render_choice(before, strategy, call->sink);
	return DESCRY_COMMAND_OK;
}

/* "X4" or "4"; NULL when the trace has no such step. */
static const struct descry_world_step *
find_step(const struct descry_world_trace *trace, const char *name)
{
	const char *digit = *name == 'X' || *name == 'x' ? name + 1 : name;

	if (strlen(digit) != 1)
		return NULL;
	for (unsigned i = 0; i < trace->step_count; i++) {
		if (trace->step[i].number == (unsigned)(*digit - '0'))
			return &trace->step[i];
	}
	return NULL;
}

static enum descry_command_result
world_show(struct command_call *call)
{
	const struct descry_world_trace *trace = descry_world_last(call->world);
	const struct descry_world_step *step;

	if (!trace)
		return no_switch_yet(call);
	if (call->count < 2) {
		render_switch_trace(trace, call->sink);
		return DESCRY_COMMAND_OK;
	}
	step = find_step(trace, call->argument[1].text);
	if (!step)
		return command_error(call, DESCRY_NOT_FOUND,
				     "no step %.20s in the last switch; it went from X1 to X%u",
				     call->argument[1].text,
				     trace->step[trace->step_count - 1].number);
	render_switch_step(trace, step, call->sink);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
world_step(struct command_call *call)
{
	const struct descry_world_trace *trace = descry_world_last(call->world);
	const struct descry_world_step *step;

	if (!trace)
		return no_switch_yet(call);
	step = descry_world_walk(call->world);
	if (step)
		render_switch_step(trace, step, call->sink);
	else
		render_switch(trace, call->sink);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
run_world(struct command_call *call)
{
	static command_fn *const actions[ACTION_COUNT] = {
		[ACTION_LIST] = world_list,
		[ACTION_USE] = world_use,
		[ACTION_SHOW] = world_show,
		[ACTION_STEP] = world_step,
	};

	if (!call->world)
		return no_world(call);
	return actions[call->count > 0 ? call->argument[0].number : ACTION_LIST](call);
}

/* --- interrupt ------------------------------------------------------------------------ */

static enum descry_command_result
run_interrupt(struct command_call *call)
{
	if (!call->world)
		return no_world(call);
	render_switch(descry_world_interrupt(call->world), call->sink);
	return DESCRY_COMMAND_OK;
}

static void
add_strategies(descry_completion_fn *add, void *owner)
{
	const struct descry_strategy *strategy;

	for (size_t i = 0; (strategy = descry_strategy_at(i)) != NULL; i++) {
		char text[DESCRY_STRATEGY_TEXT];

		add(owner, descry_strategy_text(strategy, text));
	}
}

static void
add_steps(const struct descry_world_trace *trace, descry_completion_fn *add, void *owner)
{
	for (unsigned i = 0; trace != NULL && i < trace->step_count; i++) {
		char text[16];

		snprintf(text, sizeof(text), "X%u", trace->step[i].number);
		add(owner, text);
	}
}

/* After `world use` a strategy, after `world show` a step of the last switch. */
static void
world_candidates(struct descry_session *session, const char *line, descry_completion_fn *add,
		 void *owner)
{
	char action[16] = "";

	sscanf(line, "%*s %15s", action);
	if (strncmp(world_actions[ACTION_USE], action, strlen(action)) == 0)
		add_strategies(add, owner);
	else if (strncmp(world_actions[ACTION_SHOW], action, strlen(action)) == 0 &&
		 session->world != NULL)
		add_steps(descry_world_last(session->world), add, owner);
}

/* --- the rows ------------------------------------------------------------------------- */

static const char world_help[] =
	"The world switch: how a host interrupt saves the guest and gives it back.\n"
	"\n"
	"world                 all strategies; * marks the one in use\n"
	"world use STRATEGY    use another one: vmx, selector-real/big, ...\n"
	"world show            the last switch, step by step: what the host did, and the\n"
	"                      segments that each step changed\n"
	"world show X4         one step with all eight segments: selector, cache, what a\n"
	"                      reload would give there, and what the strategy has saved\n"
	"world step            the same for the next step of the last switch\n"
	"\n"
	"A switch goes through X1 event, X2 hardware save, X3 software save, X4 host\n"
	"caches loaded, X5 monitor body, X6 software restore, X7 hardware restore; X8 is\n"
	"the guest's first access afterwards. It happens when the guest writes port EDh,\n"
	"and on `interrupt host`.\n"
	"\n"
	"The host of the selector strategies loads FS and the table registers. It has no\n"
	"CS and SS of its own and runs on the guest's, so it asks for ring 0.";

static const char interrupt_help[] =
	"Takes one host interrupt at this instruction boundary, under the strategy that\n"
	"`world use` has chosen. IF and interrupt shadows do not hold it off. Guest code\n"
	"does not run; `world show` tells what the switch did, `sreg` what it left.";

const struct command world_commands[] = {
    {
	.name = "world",
	.topic = TOPIC_WORLD,
	.arguments =
	    {
		{.name = "ACTION", .type = ARG_CHOICE, .optional = true, .choices = world_actions},
		{.name = "STRATEGY|STEP",
		 .type = ARG_WORD,
		 .optional = true,
		 .candidates = world_candidates},
	    },
	.run = run_world,
	.repeat = REPEAT_SAME,
	.summary = "strategies for host interrupts, and what the last one did",
	.help = world_help,
    },
    {
	.name = "interrupt",
	.topic = TOPIC_WORLD,
	.arguments =
	    {
		{.name = "KIND", .type = ARG_CHOICE, .choices = interrupt_kinds},
	    },
	.run = run_interrupt,
	.repeat = REPEAT_NEVER,
	.summary = "take an interrupt of the host here",
	.help = interrupt_help,
    },
    {.name = NULL},
};
