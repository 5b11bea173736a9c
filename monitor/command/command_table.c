#include "command/command_table.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- all rows ------------------------------------------------------------------------- */

const char *
command_topic_title(enum command_topic topic)
{
	static const char *const titles[TOPIC_COUNT] = {
		[TOPIC_RUN] = "Running",
		[TOPIC_SEGMENT] = "Segments and descriptors",
		[TOPIC_STATE] = "Registers and state",
		[TOPIC_MEMORY] = "Memory and code",
		[TOPIC_WORLD] = "The world switch",
		[TOPIC_SCRIPT] = "Expressions, scripts, the session",
	};

	return titles[topic];
}

const struct command *
command_at(size_t index)
{
	static const struct command *const lists[] = {
		run_commands,   inject_commands,   micro_commands,  segment_commands,
		state_commands, exchange_commands, memory_commands, page_commands,
		world_commands, script_commands,
	};

	for (size_t list = 0; list < sizeof(lists) / sizeof(lists[0]); list++) {
		for (const struct command *row = lists[list]; row->name != NULL; row++) {
			if (index-- == 0)
				return row;
		}
	}
	return NULL;
}

/* --- finding one ---------------------------------------------------------------------- */

static bool
has_alias(const struct command *row, const char *word)
{
	const size_t size = strlen(word);
	const char *alias = row->aliases;

	while (alias != NULL && *alias != '\0') {
		const size_t length = strcspn(alias, " ");

		if (length == size && memcmp(alias, word, size) == 0)
			return true;
		alias += length;
		alias += strspn(alias, " ");
	}
	return false;
}

static const struct command *
find_exact(const char *word)
{
	const struct command *row;

	for (size_t i = 0; (row = command_at(i)) != NULL; i++) {
		if (strcmp(row->name, word) == 0 || has_alias(row, word))
			return row;
	}
	return NULL;
}

const struct command *
command_find(const char *word, struct descry_error *err)
{
	const struct command *found = find_exact(word);
	const struct command *row;
	char names[160] = "";
	size_t used = 0, matches = 0;

	if (found != NULL)
		return found;
	for (size_t i = 0; (row = command_at(i)) != NULL; i++) {
		if (strncmp(row->name, word, strlen(word)) != 0)
			continue;
		found = row;
		matches++;
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 matches > 1 ? ", " : "", row->name);
	}
	if (matches == 1)
		return found;
	if (matches > 1)
		descry_fail(err, DESCRY_NOT_FOUND, "'%.40s' may be %s: write more of it", word,
			    names);
	else
		descry_fail(err, DESCRY_NOT_FOUND,
			    "there is no command '%.40s'; `help` lists them all", word);
	return NULL;
}

/* --- what a row implies --------------------------------------------------------------- */

void
command_usage(const struct command *command, char usage[COMMAND_USAGE_TEXT])
{
	size_t used = (size_t)snprintf(usage, COMMAND_USAGE_TEXT, "%s", command->name);

	if (command->suffix != NULL)
		used += (size_t)snprintf(usage + used, COMMAND_USAGE_TEXT - used, "[/%s]",
					 command->suffix);
	for (unsigned i = 0; i < COMMAND_ARGUMENTS; i++) {
		const struct argument_spec *spec = &command->arguments[i];

		if (spec->type == ARG_NONE || used >= COMMAND_USAGE_TEXT)
			break;
		used += (size_t)snprintf(usage + used, COMMAND_USAGE_TEXT - used, " %s%s%s%s",
					 spec->optional ? "[" : "", spec->name,
					 spec->repeated ? "..." : "", spec->optional ? "]" : "");
	}
}

enum descry_command_result
command_error(struct command_call *call, enum descry_status status, const char *format, ...)
{
	va_list args;

	call->err->status = status;
	va_start(args, format);
	vsnprintf(call->err->text, sizeof(call->err->text), format, args);
	va_end(args);
	return DESCRY_COMMAND_ERROR;
}
