#include "command/command_table.h"
#include "command/render_world.h"
#include "command/session.h"

#include <descry/number.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum world_action {
	ACTION_LIST,
	ACTION_USE,
	ACTION_BEGIN,
	ACTION_STEP,
	ACTION_FINISH,
	ACTION_HOLD,
	ACTION_SHOW,
	ACTION_FOLLOW,
	ACTION_FLAW,
	ACTION_HOST,
	ACTION_COUNT
};

static const char *const world_actions[ACTION_COUNT + 1] = {
	[ACTION_LIST] = "list",     [ACTION_USE] = "use",       [ACTION_BEGIN] = "begin",
	[ACTION_STEP] = "step",     [ACTION_FINISH] = "finish", [ACTION_SHOW] = "show",
	[ACTION_FLAW] = "flaw",     [ACTION_HOST] = "host",     [ACTION_HOLD] = "hold",
	[ACTION_FOLLOW] = "follow",
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
			     "no host interrupt has been taken yet; take one with: interrupt host, "
			     "or operation by operation: world begin");
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

/* "X4", "4" or "mode-change": the last operation of that step; NULL: the trace has no such step. */
static const struct descry_world_op *
find_step(const struct descry_world_trace *trace, const char *name)
{
	for (unsigned i = 0, step; (step = descry_world_step_at(i)) != 0; i++) {
		char text[DESCRY_WORLD_STEP_TEXT];

		descry_world_step_text(step, text);
		if (strcasecmp(name, text) == 0 || strcmp(name, text + 1) == 0)
			return descry_world_after(trace, step);
	}
	return NULL;
}

static enum descry_command_result
world_show(struct command_call *call)
{
	const struct descry_world_trace *trace = descry_world_last(call->world);
	char from[DESCRY_WORLD_STEP_TEXT], to[DESCRY_WORLD_STEP_TEXT];
	const struct descry_world_op *op;

	if (!trace)
		return no_switch_yet(call);
	if (call->count < 2) {
		render_switch_trace(trace, call->sink);
		return DESCRY_COMMAND_OK;
	}
	op = find_step(trace, call->argument[1].text);
	if (!op)
		return command_error(
			call, DESCRY_NOT_FOUND,
			"no step %.20s in the last switch; it went from %s to %s",
			call->argument[1].text, descry_world_step_text(trace->op[0].step, from),
			descry_world_step_text(trace->op[trace->op_count - 1].step, to));
	render_switch_step(trace, op, call->sink);
	return DESCRY_COMMAND_OK;
}

/* --- a switch, operation by operation ------------------------------------------------- */

static enum descry_command_result
world_begin(struct command_call *call)
{
	const struct descry_world_trace *trace;

	if (descry_world_in_flight(call->world))
		return command_error(call, DESCRY_BAD_ARGUMENT,
				     "a switch is in flight; go on in it with: world step, or end "
				     "it with: world finish");
	trace = descry_world_begin(call->world);
	if (trace->end != DESCRY_WORLD_IN_FLIGHT)
		render_switch(trace, call->sink);
	else
		render_switch_op(trace, &trace->op[trace->op_count - 1], call->sink);
	return DESCRY_COMMAND_OK;
}

/* The next operation of the switch in flight, and how it ended if that was the last. */
static void
step_in_flight(struct command_call *call)
{
	const struct descry_world_op *op = descry_world_next(call->world);
	const struct descry_world_trace *trace = descry_world_last(call->world);

	if (op)
		render_switch_op(trace, op, call->sink);
	if (trace->end != DESCRY_WORLD_IN_FLIGHT && !call->sink->json)
		render_switch(trace, call->sink);
}

static enum descry_command_result
world_step(struct command_call *call)
{
	const struct descry_world_trace *trace = descry_world_last(call->world);
	const struct descry_world_op *op;

	if (!trace)
		return no_switch_yet(call);
	if (descry_world_in_flight(call->world)) {
		step_in_flight(call);
		return DESCRY_COMMAND_OK;
	}
	op = descry_world_walk(call->world);
	if (op)
		render_switch_op(trace, op, call->sink);
	else
		render_switch(trace, call->sink);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
world_finish(struct command_call *call)
{
	if (!descry_world_in_flight(call->world))
		return command_error(call, DESCRY_BAD_ARGUMENT,
				     "no switch is in flight; begin one with: world begin");
	render_switch(descry_world_finish(call->world), call->sink);
	return DESCRY_COMMAND_OK;
}

/* Turns it on, or off again. */
static enum descry_command_result
world_hold(struct command_call *call)
{
	descry_world_hold(call->world, !descry_world_holds(call->world));
	render_hold(descry_world_holds(call->world), call->sink);
	return DESCRY_COMMAND_OK;
}

/* --- what has become of it ------------------------------------------------------------ */

static enum descry_command_result
world_follow(struct command_call *call)
{
	const char *text = call->count > 1 ? call->argument[1].text : NULL;
	uint64_t count = DESCRY_FOLLOW_WINDOW;
	struct descry_follow follow;
	char why[DESCRY_NUMBER_WHY];

	if (text && (!descry_number_parse(text, strlen(text), &count, why) || count == 0))
		return command_error(call, DESCRY_BAD_ARGUMENT,
				     "world follow %.40s: %s; how many instructions at most, such "
				     "as 5000000?",
				     text, count ? why : "that is none");
	if (descry_world_follow(call->world, count, &follow, call->err) != DESCRY_OK)
		return DESCRY_COMMAND_ERROR;
	render_follow(&follow, call->sink);
	return DESCRY_COMMAND_OK;
}

/* --- what the host does wrong, and what it is like ------------------------------------ */

static int
find_flaw(const char *name)
{
	for (unsigned flaw = 0; flaw < DESCRY_FLAW_COUNT; flaw++) {
		if (strcmp(descry_flaw_name(flaw), name) == 0)
			return (int)flaw;
	}
	return -1;
}

/* A name turns one on, or off again. */
static enum descry_command_result
world_flaw(struct command_call *call)
{
	const char *name = call->count > 1 ? call->argument[1].text : NULL;
	const int flaw = name ? find_flaw(name) : -1;

	if (name && flaw < 0)
		return command_error(call, DESCRY_NOT_FOUND,
				     "no flaw %.40s; `world flaw` lists them", name);
	if (name)
		descry_world_set_flaws(call->world, descry_world_flaws(call->world) ^
							    DESCRY_FLAW_BIT((unsigned)flaw));
	render_flaws(descry_world_flaws(call->world), call->sink);
	return DESCRY_COMMAND_OK;
}

static bool
parse_hex(const char *text, uint64_t *value)
{
	return descry_number_parse_hex(text, strlen(text), value);
}

/* "00cf93000000ffff" at the selector. */
static enum descry_command_result
add_slot(struct command_call *call)
{
	struct descry_world_slot slots[DESCRY_WORLD_SLOTS + 1];
	uint64_t sel;
	size_t count;

	memcpy(slots, descry_world_slots(call->world, &count),
	       sizeof(slots[0]) * DESCRY_WORLD_SLOTS);
	if (!parse_hex(call->argument[2].text, &sel) || sel > 0xffff ||
	    !parse_hex(call->argument[3].text, &slots[count].descriptor))
		return command_error(
			call, DESCRY_BAD_ARGUMENT,
			"world host gdt SELECTOR DESCRIPTOR: both in hexadecimal, such as "
			"0028 004093002000ffff");
	slots[count].sel = (uint16_t)sel;
	if (descry_world_set_slots(call->world, slots, count + 1) != DESCRY_OK)
		return command_error(call, DESCRY_BAD_ARGUMENT,
				     "selector %04x: the host's GDT has room for %u entries of a "
				     "user, from 0008 to 01F8; world host clear removes them",
				     slots[count].sel, DESCRY_WORLD_SLOTS);
	return DESCRY_COMMAND_OK;
}

/* Pairs of digits. */
static bool
parse_bytes(const char *text, struct descry_world_edit *edit)
{
	edit->size = 0;
	for (; *text; text += 2) {
		uint64_t byte;

		if (edit->size == DESCRY_WORLD_EDIT_BYTES || !isxdigit((unsigned char)text[0]) ||
		    !isxdigit((unsigned char)text[1]) || !descry_number_parse_hex(text, 2, &byte))
			return false;
		edit->byte[edit->size++] = (uint8_t)byte;
	}
	return edit->size > 0;
}

static enum descry_command_result
add_edit(struct command_call *call)
{
	struct descry_world_edit edits[DESCRY_WORLD_EDITS + 1];
	size_t count;

	memcpy(edits, descry_world_edits(call->world, &count),
	       sizeof(edits[0]) * DESCRY_WORLD_EDITS);
	if (!parse_hex(call->argument[2].text, &edits[count].physical) ||
	    !parse_bytes(call->argument[3].text, &edits[count]))
		return command_error(
			call, DESCRY_BAD_ARGUMENT,
			"world host write PHYSICAL BYTES: an address and 1 to %u bytes, "
			"in hexadecimal, such as 7c40 ffff0020",
			DESCRY_WORLD_EDIT_BYTES);
	if (descry_world_set_edits(call->world, edits, count + 1) != DESCRY_OK)
		return command_error(
			call, DESCRY_BAD_ARGUMENT,
			"the host writes %u places at most; world host clear removes them",
			DESCRY_WORLD_EDITS);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
clear_host(struct command_call *call)
{
	descry_world_set_edits(call->world, NULL, 0);
	descry_world_set_slots(call->world, NULL, 0);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
world_host(struct command_call *call)
{
	const char *what = call->count > 1 ? call->argument[1].text : "";
	enum descry_command_result result = DESCRY_COMMAND_OK;

	if (strcmp(what, "gdt") == 0 && call->count == 4)
		result = add_slot(call);
	else if (strcmp(what, "write") == 0 && call->count == 4)
		result = add_edit(call);
	else if (strcmp(what, "clear") == 0 && call->count == 2)
		result = clear_host(call);
	else if (call->count > 1)
		return command_error(
			call, DESCRY_BAD_ARGUMENT,
			"world host, world host gdt SELECTOR DESCRIPTOR, world host write "
			"PHYSICAL BYTES, or world host clear");
	if (result == DESCRY_COMMAND_OK)
		render_host(call->world, call->sink);
	return result;
}

static enum descry_command_result
run_world(struct command_call *call)
{
	static command_fn *const actions[ACTION_COUNT] = {
		[ACTION_LIST] = world_list,     [ACTION_USE] = world_use,
		[ACTION_BEGIN] = world_begin,   [ACTION_STEP] = world_step,
		[ACTION_FINISH] = world_finish, [ACTION_SHOW] = world_show,
		[ACTION_FLAW] = world_flaw,     [ACTION_HOST] = world_host,
		[ACTION_HOLD] = world_hold,     [ACTION_FOLLOW] = world_follow,
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
	for (unsigned i = 0, step; trace != NULL && (step = descry_world_step_at(i)) != 0; i++) {
		char text[DESCRY_WORLD_STEP_TEXT];

		if (!descry_world_after(trace, step))
			continue;
		add(owner, descry_world_step_text(step, text));
	}
}

static void
add_flaws(descry_completion_fn *add, void *owner)
{
	for (unsigned flaw = 0; flaw < DESCRY_FLAW_COUNT; flaw++)
		add(owner, descry_flaw_name(flaw));
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
	else if (strncmp(world_actions[ACTION_FLAW], action, strlen(action)) == 0)
		add_flaws(add, owner);
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
	"world begin           begin a switch here, and stop in it at X1\n"
	"world step            carry out its next operation; when no switch is in flight,\n"
	"                      show the next operation of the last one\n"
	"world finish          carry out all that are left\n"
	"world hold            a run stops at X1 of each switch that it comes to; again: no more\n"
	"world show            the last switch, step by step: what the host did, and the\n"
	"                      segments that each step changed\n"
	"world show X4         one step with all eight segments: selector, cache, what a\n"
	"                      reload would give there, and what the strategy has saved\n"
	"world follow [COUNT]  what becomes of what the last switch has lost, in so many\n"
	"                      instructions (1000000): does the guest load it again, and it\n"
	"                      heals, or does it show? From where the switch was, beside the\n"
	"                      same guest without it; the machine stays as it is\n"
	"world flaw [NAME]     what the host does wrong: turns one on, or off again\n"
	"world host            what the host has been told to do besides\n"
	"world host write PHYSICAL BYTES    it writes guest memory, each time at X5\n"
	"world host gdt SELECTOR DESCRIPTOR it has this entry in its GDT\n"
	"world host clear                   neither any more\n"
	"\n"
	"A switch goes through X1 event, X2 hardware save, X3 software save, X4 host\n"
	"caches loaded, X5 monitor body, X6 software restore, X7 hardware restore; X8 is\n"
	"the guest's first access afterwards. It happens when the guest writes port EDh,\n"
	"and on `interrupt host`. While one is in flight, `sreg` shows what the CPU holds;\n"
	"step and continue finish it first.";

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
		{.name = "NAME",
		 .type = ARG_WORD,
		 .optional = true,
		 .candidates = world_candidates},
		{.name = "WHERE", .type = ARG_WORD, .optional = true},
		{.name = "WHAT", .type = ARG_WORD, .optional = true},
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
