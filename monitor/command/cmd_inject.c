#include "command/command_table.h"
#include "command/render_inject.h"
#include "command/session.h"

#include <descry/number.h>

#include <stdio.h>
#include <string.h>

/* The kinds of an injection, and what else stands in their place. */
#define DELETE ((unsigned)DESCRY_INJECT_KIND_COUNT)

static const char *const actions[] = {
	"host", "interrupt", "nmi", "smi", "init", "delete", NULL,
};
_Static_assert(sizeof(actions) / sizeof(actions[0]) == DESCRY_INJECT_KIND_COUNT + 2,
	       "one a kind, delete, and the end");

static enum descry_command_result
add(struct command_call *call)
{
	const char *rest = call->count > 1 ? call->argument[1].text : "";
	struct descry_injection injection;
	char spec[DESCRY_LINE_MAX];
	struct descry_error why;
	int number;

	snprintf(spec, sizeof(spec), "%s %s", actions[call->argument[0].number], rest);
	if (descry_injection_parse(call->monitor, spec, &injection, &why) != DESCRY_OK)
		return command_error(call, why.status, "inject: %s", why.text);
	if (descry_monitor_inject(call->monitor, &injection, &number, &why) != DESCRY_OK)
		return command_error(call, why.status, "inject: %s", why.text);
	render_injection_added(call->sink, call->monitor, number);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
no_such(struct command_call *call, const char *text)
{
	return command_error(call, DESCRY_NOT_FOUND,
			     "inject delete: there is no injection '%.40s'; `inject` lists them",
			     text);
}

static enum descry_command_result
delete_one(struct command_call *call, const char *text)
{
	char why[DESCRY_NUMBER_WHY];
	uint64_t number;
	int deleted;

	if (!descry_number_parse(text, strlen(text), &number, why) || number > INT32_MAX)
		return no_such(call, text);
	deleted = (int)number;
	if (descry_monitor_delete_injection(call->monitor, deleted) != DESCRY_OK)
		return no_such(call, text);
	render_injections_deleted(call->sink, &deleted, 1);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
delete_all(struct command_call *call)
{
	const struct descry_injection *list;
	int deleted[DESCRY_INJECTIONS];
	size_t count = 0;

	while (descry_monitor_injections(call->monitor, &list) > 0) {
		deleted[count] = list[0].number;
		if (descry_monitor_delete_injection(call->monitor, deleted[count]) != DESCRY_OK)
			break;
		count++;
	}
	render_injections_deleted(call->sink, deleted, count);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
run_inject(struct command_call *call)
{
	if (call->count == 0) {
		render_injections(call->sink, call->monitor);
		return DESCRY_COMMAND_OK;
	}
	if (call->argument[0].number != DELETE)
		return add(call);
	return call->count > 1 ? delete_one(call, call->argument[1].text) : delete_all(call);
}

static void
add_numbers(struct descry_session *session, descry_completion_fn *add_word, void *owner)
{
	const struct descry_injection *list;
	const size_t count = descry_monitor_injections(session->monitor, &list);

	for (size_t i = 0; i < count; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", list[i].number);
		add_word(owner, text);
	}
}

/* Behind `at` a symbol, behind `delete` a number, else the words of the grammar. */
static void
when_candidates(struct descry_session *session, const char *line, descry_completion_fn *add_word,
		void *owner)
{
	static const char *const words[] = { "at", "every", "random", "seed" };
	const char *name;

	if (strstr(line, " delete ") != NULL) {
		add_numbers(session, add_word, owner);
		return;
	}
	if (strstr(line, " at ") == NULL) {
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			add_word(owner, words[i]);
		return;
	}
	for (size_t i = 0; (name = descry_monitor_symbol_name(session->monitor, i)) != NULL; i++)
		add_word(owner, name);
}

static const char help[] =
	"inject                            what is injected, and how far each has come\n"
	"inject host at 12345              a host interrupt, at a count of instructions,\n"
	"inject host at store_loop 3       before an address is executed, the third time,\n"
	"inject interrupt 20h every 1000   a maskable interrupt, at each multiple of a count,\n"
	"inject nmi random 5000 seed 7     an NMI, 5000 instructions apart in the mean;\n"
	"inject smi ..., inject init ...   the same for the others from outside\n"
	"inject delete [NUMBER]            no more of it, or of all\n"
	"\n"
	"It stops nobody. When it comes is a matter of the count alone: steps and\n"
	"breakpoints do not move it. What is due at the boundary that a step ends at has\n"
	"come there; what waits for an address comes when the CPU goes on from it, before\n"
	"a breakpoint there stops. A host interrupt is taken at once, under the strategy of\n"
	"`world use`, the others wait as after `nmi` (docs/injection.md). In HLT time\n"
	"passes until one of them wakes the CPU. `reset` begins all of them anew.";

const struct command inject_commands[] = {
    {
	.name = "inject",
	.topic = TOPIC_RUN,
	.arguments =
	    {
		{.name = "KIND", .type = ARG_CHOICE, .optional = true, .choices = actions},
		{.name = "WHEN",
		 .type = ARG_TEXT,
		 .optional = true,
		 .candidates = when_candidates},
	    },
	.run = run_inject,
	.repeat = REPEAT_NEVER,
	.summary = "interrupts from outside at points in time that are fixed beforehand",
	.help = help,
    },
    {.name = NULL},
};
