#include <descry/command.h>

#include "command/command_table.h"
#include "command/topics.h"

#include <string.h>

static void
put_row(const struct descry_sink *sink, const struct command *row)
{
	char usage[COMMAND_USAGE_TEXT];

	command_usage(row, usage);
	descry_sink_printf(sink, "### `%s`\n\n", usage);
	descry_sink_printf(sink, "%c%s.",
			   row->summary[0] - ('a' <= row->summary[0] ? 'a' - 'A' : 0),
			   row->summary + 1);
	if (row->aliases != NULL)
		descry_sink_printf(sink, " Also: `%s`.", row->aliases);
	descry_sink_text(sink, "\n\n");
	if (row->help != NULL) /* what is set in columns stays in columns */
		descry_sink_printf(sink,
				   strstr(row->help, "  ") != NULL ? "```\n%s\n```\n\n" : "%s\n\n",
				   row->help);
}

void
descry_command_reference(const struct descry_sink *sink)
{
	const struct help_topic *topic;
	const struct command *row;
	int last = -1;

	descry_sink_text(sink,
			 "# Commands\n\n"
			 "The commands of the shell, of scripts (`-x`) and of `-e`. This page "
			 "is generated from\nthe command table: `descry "
			 "--command-reference`.\n\nA command may be shortened as long as it "
			 "stays the only one. In the shell an empty line\nrepeats `step`, "
			 "`continue`, `x` and `disas`.\n\n");
	for (size_t i = 0; (row = command_at(i)) != NULL; i++) {
		if ((int)row->topic != last)
			descry_sink_printf(sink, "## %s\n\n", command_topic_title(row->topic));
		last = (int)row->topic;
		put_row(sink, row);
	}
	descry_sink_text(sink, "## Notation\n");
	for (size_t i = 0; (topic = help_topic_at(i)) != NULL; i++)
		descry_sink_printf(sink, "\n### %c%s: %s\n\n```\n%s```\n",
				   topic->name[0] - ('a' - 'A'), topic->name + 1, topic->summary,
				   topic->text);
}
