#include "command/command_table.h"
#include "command/render.h"
#include "command/topics.h"

#include <stdio.h>
#include <string.h>

/* --- values --------------------------------------------------------------------------- */

static enum descry_command_result
on_print(struct command_call *call)
{
	struct value value;

	if (strlen(call->suffix) > 1 || (*call->suffix && !strchr("xduoc", *call->suffix)))
		return command_error(call, DESCRY_BAD_ARGUMENT,
				     "'/%.40s': print shows a number as x, d, u, o or c",
				     call->suffix);
	if (expression_evaluate(&call->expression, call->monitor, &value, call->err) != DESCRY_OK)
		return DESCRY_COMMAND_ERROR;
	render_value(call->sink, call->monitor, &value, *call->suffix);
	return DESCRY_COMMAND_OK;
}

/* "fs.base == 0 (0x100 and 0x0)": both sides of a comparison, or the value itself. */
static enum descry_command_result
does_not_hold(struct command_call *call, const struct value *whole)
{
	const struct expression *expression = &call->expression;
	const struct expression_node *root = &expression->node[expression->root];
	char a[VALUE_TEXT], b[VALUE_TEXT];
	struct value left, right;

	if (root->kind == EXPRESSION_BINARY &&
	    expression_evaluate_node(expression, root->left, call->monitor, &left, call->err) ==
		    DESCRY_OK &&
	    expression_evaluate_node(expression, root->right, call->monitor, &right, call->err) ==
		    DESCRY_OK)
		command_error(call, DESCRY_FAILED, "does not hold: %.120s (%s and %s)",
			      expression->text, value_text(&left, a), value_text(&right, b));
	else
		command_error(call, DESCRY_FAILED, "does not hold: %.120s (%s)", expression->text,
			      value_text(whole, a));
	return DESCRY_COMMAND_ASSERTION;
}

static enum descry_command_result
on_assert(struct command_call *call)
{
	struct value value;

	if (expression_evaluate(&call->expression, call->monitor, &value, call->err) != DESCRY_OK)
		return DESCRY_COMMAND_ERROR;
	if (!value_is_true(&value))
		return does_not_hold(call, &value);
	if (call->sink->json)
		json_render(call->sink, json_pack("{s:b, s:s}", "holds", 1, "expression",
						  call->expression.text));
	else
		descry_sink_printf(call->sink, "holds: %s\n", call->expression.text);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
on_echo(struct command_call *call)
{
	const char *text = call->count > 0 ? call->argument[0].text : "";

	if (call->sink->json)
		json_render(call->sink, json_string(text));
	else
		descry_sink_printf(call->sink, "%s\n", text);
	return DESCRY_COMMAND_OK;
}

/* --- the session ---------------------------------------------------------------------- */

static enum descry_command_result
on_source(struct command_call *call)
{
	return descry_command_script(call->session, call->argument[0].text, call->sink, call->err);
}

static enum descry_command_result
on_quit(struct command_call *call)
{
	(void)call;
	return DESCRY_COMMAND_QUIT;
}

/* --- help ----------------------------------------------------------------------------- */

#define HELP_COLUMN 29u

static void
put_list(const struct descry_sink *sink)
{
	const struct help_topic *topic;
	const struct command *row;
	char usage[COMMAND_USAGE_TEXT];
	unsigned column;
	int last = -1;

	for (size_t i = 0; (row = command_at(i)) != NULL; i++) {
		if ((int)row->topic != last)
			descry_sink_printf(sink, "%s%s%s\n", style(sink, STYLE_STRONG),
					   command_topic_title(row->topic),
					   style(sink, STYLE_PLAIN));
		last = (int)row->topic;
		command_usage(row, usage);
		column = (unsigned)strlen(usage) + 3;
		descry_sink_printf(sink, "  %-26s ", usage);
		put_wrapped(sink, column > HELP_COLUMN ? column : HELP_COLUMN, HELP_COLUMN,
			    row->summary);
	}
	descry_sink_printf(sink, "%sMore: help COMMAND, and%s\n", style(sink, STYLE_STRONG),
			   style(sink, STYLE_PLAIN));
	for (size_t i = 0; (topic = help_topic_at(i)) != NULL; i++) {
		descry_sink_printf(sink, "  help %-21s ", topic->name);
		put_wrapped(sink, HELP_COLUMN, HELP_COLUMN, topic->summary);
	}
}

static void
put_command(const struct descry_sink *sink, const struct command *row)
{
	char usage[COMMAND_USAGE_TEXT];

	command_usage(row, usage);
	descry_sink_printf(sink, "%s%s%s\n%s\n", style(sink, STYLE_STRONG), usage,
			   style(sink, STYLE_PLAIN), row->summary);
	if (row->aliases != NULL)
		descry_sink_printf(sink, "also: %s\n", row->aliases);
	if (row->help != NULL)
		descry_sink_printf(sink, "\n%s\n", row->help);
}

static json_t *
json_command(const struct command *row)
{
	char usage[COMMAND_USAGE_TEXT];

	command_usage(row, usage);
	return json_pack("{s:s, s:s, s:o, s:s, s:o}", "name", row->name, "usage", usage, "aliases",
			 json_text(row->aliases), "summary", row->summary, "help",
			 json_text(row->help));
}

static void
render_list(const struct descry_sink *sink)
{
	const struct command *row;
	json_t *list;

	if (!sink->json) {
		put_list(sink);
		return;
	}
	list = json_array();
	for (size_t i = 0; (row = command_at(i)) != NULL; i++)
		json_array_append_new(list, json_command(row));
	json_render(sink, json_pack("{s:o}", "commands", list));
}

static enum descry_command_result
on_help(struct command_call *call)
{
	const struct help_topic *topic;
	const struct command *row;

	if (call->count == 0) {
		render_list(call->sink);
		return DESCRY_COMMAND_OK;
	}
	for (size_t i = 0; (topic = help_topic_at(i)) != NULL; i++) {
		if (strcmp(topic->name, call->argument[0].text) != 0)
			continue;
		if (call->sink->json)
			json_render(call->sink, json_string(topic->text));
		else
			descry_sink_text(call->sink, topic->text);
		return DESCRY_COMMAND_OK;
	}
	row = command_find(call->argument[0].text, call->err);
	if (row == NULL)
		return DESCRY_COMMAND_ERROR;
	if (call->sink->json)
		json_render(call->sink, json_command(row));
	else
		put_command(call->sink, row);
	return DESCRY_COMMAND_OK;
}

static void
help_candidates(struct descry_session *session, const char *line, descry_completion_fn *add,
		void *owner)
{
	const struct help_topic *topic;
	const struct command *row;

	(void)session;
	(void)line;
	for (size_t i = 0; (row = command_at(i)) != NULL; i++)
		add(owner, row->name);
	for (size_t i = 0; (topic = help_topic_at(i)) != NULL; i++)
		add(owner, topic->name);
}

/* clang-format off */
const struct command script_commands[] = {
	{ "print", "p", TOPIC_SCRIPT, "FMT",
	  { { .name = "EXPRESSION", .type = ARG_EXPRESSION } },
	  on_print, REPEAT_NEVER,
	  "the value of an expression",
	  "FMT is x, d, u, o or c. See `help expressions`." },
	{ "assert", NULL, TOPIC_SCRIPT, NULL,
	  { { .name = "EXPRESSION", .type = ARG_EXPRESSION } },
	  on_assert, REPEAT_NEVER,
	  "fail unless an expression is true",
	  "A failure names both sides of a comparison and ends a script with status 4." },
	{ "echo", NULL, TOPIC_SCRIPT, NULL,
	  { { .name = "TEXT", .type = ARG_TEXT, .optional = true } },
	  on_echo, REPEAT_NEVER,
	  "write a line of text",
	  NULL },
	{ "source", NULL, TOPIC_SCRIPT, NULL,
	  { { .name = "FILE", .type = ARG_FILE } },
	  on_source, REPEAT_NEVER,
	  "execute the commands in a file, one a line",
	  "Empty lines and lines that begin with # do nothing. The first command that fails\n"
	  "ends it." },
	{ "help", "h ?", TOPIC_SCRIPT, NULL,
	  { { .name = "COMMAND", .type = ARG_WORD, .optional = true, .candidates = help_candidates } },
	  on_help, REPEAT_NEVER,
	  "all commands, or one of them, or a topic",
	  NULL },
	{ "quit", "q exit", TOPIC_SCRIPT, NULL, { { 0 } },
	  on_quit, REPEAT_NEVER,
	  "leave",
	  NULL },
	{ 0 },
};
/* clang-format on */
