#include "command/argument.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* --- words ---------------------------------------------------------------------------- */

static char *
skip_blanks(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static void
trim_end(char *text)
{
	size_t size = strlen(text);

	while (size > 0 && isspace((unsigned char)text[size - 1]))
		text[--size] = '\0';
}

char *
argument_next_word(char **rest)
{
	char *word = skip_blanks(*rest);
	char *end = word;
	unsigned depth = 0;

	if (*word == '\0')
		return NULL;
	for (; *end != '\0' && (depth > 0 || !isspace((unsigned char)*end)); end++) {
		if (*end == '(' || *end == '[')
			depth++;
		else if ((*end == ')' || *end == ']') && depth > 0)
			depth--;
	}
	*rest = end;
	if (*end != '\0') {
		*end = '\0';
		*rest = end + 1;
	}
	return word;
}

/* "fs.base = 0", "fs.base=0": a sign of equality that is not part of <=, == or the like. */
static char *
find_assignment(char *text)
{
	char *equals = strchr(text, '=');

	if (equals == NULL || equals == text || equals[1] == '=' || strchr("<>!=", equals[-1]))
		return NULL;
	return equals;
}

static char *
next_place(char **rest)
{
	char *start = skip_blanks(*rest);
	char *equals = find_assignment(start);

	if (equals == NULL)
		return argument_next_word(rest);
	*equals = '\0';
	*rest = equals + 1;
	trim_end(start);
	return *start != '\0' ? start : NULL;
}

static bool
takes_rest_always(enum argument_type type)
{
	return type == ARG_EXPRESSION || type == ARG_TEXT || type == ARG_FILE;
}

bool
argument_takes_rest(const struct command *command, unsigned index)
{
	const struct argument_spec *spec = &command->arguments[index];
	const bool last =
		index + 1 == COMMAND_ARGUMENTS || command->arguments[index + 1].type == ARG_NONE;

	if (takes_rest_always(spec->type))
		return true;
	return last && !spec->repeated && (spec->type == ARG_NUMBER || spec->type == ARG_ADDRESS);
}

/* The text of one argument, or NULL when the line has ended. */
static char *
cut(const struct command *command, unsigned index, char **rest)
{
	char *text;

	if (command->arguments[index].type == ARG_PLACE)
		return next_place(rest);
	if (!argument_takes_rest(command, index))
		return argument_next_word(rest);
	text = skip_blanks(*rest);
	*rest = text + strlen(text);
	trim_end(text);
	return *text != '\0' ? text : NULL;
}

/* --- values --------------------------------------------------------------------------- */

static enum descry_status
parse_segment(const struct argument_spec *spec, struct argument *out, struct descry_error *err)
{
	if (sreg_find(out->text, strlen(out->text), &out->sreg))
		return DESCRY_OK;
	return descry_fail(err, DESCRY_BAD_ARGUMENT,
			   "%s is es, cs, ss, ds, fs, gs, ldtr or tr, not '%.40s'", spec->name,
			   out->text);
}

static enum descry_status
parse_choice(const struct argument_spec *spec, struct argument *out, struct descry_error *err)
{
	const size_t size = strlen(out->text);
	char list[200] = "";
	size_t used = 0;

	for (unsigned i = 0; spec->choices[i] != NULL; i++) {
		if (strncmp(spec->choices[i], out->text, size) == 0) {
			out->number = i;
			return DESCRY_OK;
		}
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 i > 0 ? ", " : "", spec->choices[i]);
		if (used >= sizeof(list))
			break;
	}
	return descry_fail(err, DESCRY_BAD_ARGUMENT, "%s is %s%s, not '%.40s'", spec->name,
			   spec->choices[1] == NULL ? "" : "one of ", list, out->text);
}

static enum descry_status
parse_value(struct command_call *call, const struct argument_spec *spec, struct argument *out)
{
	switch (spec->type) {
	case ARG_NUMBER:
		return expression_number(out->text, call->monitor, &out->number, call->err);
	case ARG_ADDRESS:
		return address_parse(call->session, out->text, &out->address, call->err);
	case ARG_SEGMENT:
		return parse_segment(spec, out, call->err);
	case ARG_CHOICE:
		return parse_choice(spec, out, call->err);
	case ARG_PLACE:
	case ARG_EXPRESSION:
		return expression_parse(out->text, &call->expression, call->err);
	case ARG_NONE:
	case ARG_WORD:
	case ARG_TEXT:
	case ARG_FILE:
		break;
	}
	return DESCRY_OK;
}

/* --- the whole line ------------------------------------------------------------------- */

static enum descry_status
wrong_count(struct command_call *call, const char *what, const char *which)
{
	char usage[COMMAND_USAGE_TEXT];

	command_usage(call->command, usage);
	return descry_fail(call->err, DESCRY_BAD_ARGUMENT, "%s: %s %.80s (usage: %s)",
			   call->command->name, what, which, usage);
}

/* Puts the command before what is wrong, and its usage after it. */
static enum descry_status
name_argument(struct command_call *call, const struct argument_spec *spec)
{
	const struct descry_error inner = *call->err;
	char usage[COMMAND_USAGE_TEXT];

	if (spec->type == ARG_EXPRESSION)
		return inner.status;
	command_usage(call->command, usage);
	return descry_fail(call->err, inner.status, "%s: %.200s (usage: %.80s)",
			   call->command->name, inner.text, usage);
}

enum descry_status
argument_parse(struct command_call *call, char *text)
{
	const struct command *command = call->command;
	unsigned index = 0;

	call->count = 0;
	while (index < COMMAND_ARGUMENTS && command->arguments[index].type != ARG_NONE) {
		const struct argument_spec *spec = &command->arguments[index];
		struct argument *argument = &call->argument[call->count];

		*argument = (struct argument){ .text = cut(command, index, &text) };
		if (argument->text == NULL) {
			if (spec->optional || (spec->repeated && call->count > index))
				break;
			return wrong_count(call, "missing", spec->name);
		}
		if (parse_value(call, spec, argument) != DESCRY_OK)
			return name_argument(call, spec);
		call->count++;
		if (!spec->repeated)
			index++;
		else if (call->count == ARGUMENT_MAX)
			break;
	}
	text = skip_blanks(text);
	if (*text != '\0')
		return wrong_count(call, "does not take", text);
	return DESCRY_OK;
}
