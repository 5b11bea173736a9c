#include <descry/command.h>

#include "command/argument.h"
#include "command/command_table.h"
#include "command/session.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- sessions ------------------------------------------------------------------------- */

enum descry_status
descry_session_create(struct descry_monitor *monitor, struct descry_world *world,
		      struct descry_session **out)
{
	struct descry_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return DESCRY_NO_MEMORY;
	session->monitor = monitor;
	session->world = world;
	*out = session;
	return DESCRY_OK;
}

void
descry_session_destroy(struct descry_session *session)
{
	free(session);
}

/* --- a line in its parts -------------------------------------------------------------- */

struct line {
	char buffer[DESCRY_LINE_MAX];
	char *word;   /* "x" */
	char *suffix; /* "8xb" */
	char *rest;
};

/* False: the line is empty, or a comment. */
static bool
split(const char *text, struct line *line)
{
	char *at;

	while (isspace((unsigned char)*text))
		text++;
	if (*text == '\0' || *text == '#')
		return false;
	snprintf(line->buffer, sizeof(line->buffer), "%s", text);
	line->word = line->buffer;
	at = line->buffer + strcspn(line->buffer, "/ \t\r\n");
	line->suffix = at;
	if (*at == '/') {
		*at++ = '\0';
		line->suffix = at;
		at += strcspn(at, " \t\r\n");
	}
	line->rest = at;
	if (*at != '\0') {
		*at = '\0';
		line->rest = at + 1;
	}
	return true;
}

/* --- executing ------------------------------------------------------------------------ */

static enum descry_status
check_suffix(const struct command *command, const char *suffix, struct descry_error *err)
{
	if (*suffix == '\0' || command->suffix != NULL)
		return DESCRY_OK;
	return descry_fail(err, DESCRY_BAD_ARGUMENT, "%s takes nothing after a slash, not '/%.40s'",
			   command->name, suffix);
}

enum descry_command_result
descry_command_execute(struct descry_session *session, const char *text,
		       const struct descry_sink *sink, struct descry_error *err)
{
	struct argument arguments[ARGUMENT_MAX];
	enum descry_command_result result;
	struct line line;
	struct command_call call = {
		.session = session,
		.monitor = session->monitor,
		.world = session->world,
		.sink = sink,
		.err = err,
		.argument = arguments,
	};

	*err = (struct descry_error){ 0 };
	if (strlen(text) >= DESCRY_LINE_MAX) {
		descry_fail(err, DESCRY_BAD_ARGUMENT, "a line has at most %u characters",
			    DESCRY_LINE_MAX - 1);
		return DESCRY_COMMAND_ERROR;
	}
	if (!split(text, &line))
		return DESCRY_COMMAND_OK;
	call.suffix = line.suffix;
	call.command = command_find(line.word, err);
	if (call.command == NULL || check_suffix(call.command, line.suffix, err) != DESCRY_OK ||
	    argument_parse(&call, line.rest) != DESCRY_OK)
		return DESCRY_COMMAND_ERROR;
	result = call.command->run(&call);
	if (result == DESCRY_COMMAND_OK)
		*err = (struct descry_error){ 0 };
	return result;
}

bool
descry_command_repeat(const char *text, char *buffer, size_t size)
{
	struct descry_error err;
	const struct command *command;
	struct line line;

	if (strlen(text) >= DESCRY_LINE_MAX || !split(text, &line))
		return false;
	command = command_find(line.word, &err);
	if (command == NULL || command->repeat == REPEAT_NEVER)
		return false;
	if (command->repeat == REPEAT_SAME)
		snprintf(buffer, size, "%s", text);
	else
		snprintf(buffer, size, "%s%s%s .", line.word, *line.suffix != '\0' ? "/" : "",
			 line.suffix);
	return true;
}
