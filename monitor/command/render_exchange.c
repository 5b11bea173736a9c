#include "command/render_exchange.h"

#include "exchange/json_words.h"

#include <descry/exchange_file.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- text ----------------------------------------------------------------------------- */

#define INDENT 15u

#define CHANGE_TEXT 80u

/* "  fs.attr      c193 comes back as c113: there is no unusable bit, P=0 stands for it" */
static void
put_changes(const struct descry_sink *sink, const struct descry_exchange_report *report,
	    const char *verb)
{
	for (size_t i = 0; i < report->change_count; i++) {
		const struct descry_exchange_change *change = &report->change[i];
		char text[CHANGE_TEXT];
		const int size =
			snprintf(text, sizeof(text), "  %-12s %04" PRIx64 " %s %04" PRIx64 ": ",
				 change->name, change->before, verb, change->after);

		descry_sink_text(sink, text);
		put_wrapped(sink, (unsigned)size, INDENT, change->why);
	}
}

#define ABSENT_TEXT 400u

/* "fs.sel", "fs.base", "fs.limit", "fs.attr" as "fs"; other names as they are. */
static void
list_absent(const struct descry_exchange_report *report, char text[ABSENT_TEXT])
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < report->absent_count && used < ABSENT_TEXT; i++) {
		const unsigned field = report->absent[i];
		const char *name = descry_state_field((enum descry_state_field)field)->name;
		const bool is_segment =
			field >= DESCRY_STATE_SEGMENT && field < DESCRY_STATE_GDTR_BASE;
		const unsigned part = (field - DESCRY_STATE_SEGMENT) % DESCRY_PART_COUNT;
		const size_t size = is_segment ? strcspn(name, ".") : strlen(name);

		if (is_segment && part != DESCRY_PART_SEL)
			continue;
		used += (size_t)snprintf(text + used, ABSENT_TEXT - used, "%s%.*s",
					 used > 0 ? " " : "", (int)size, name);
	}
}

static void
put_absent(const struct descry_sink *sink, const struct descry_exchange_report *report)
{
	char text[ABSENT_TEXT];

	list_absent(report, text);
	descry_sink_printf(sink, "  %-12s ", "not in it");
	put_wrapped(sink, INDENT, INDENT, text);
	if (report->format->note != NULL)
		descry_sink_printf(sink, "  %-12s %s\n", "in part", report->format->note);
}

/* --- JSON ----------------------------------------------------------------------------- */

static json_t *
json_report(const struct descry_exchange_report *report, const char *path)
{
	json_t *changes = json_array(), *absent = json_array();

	for (size_t i = 0; i < report->change_count; i++) {
		const struct descry_exchange_change *change = &report->change[i];

		json_array_append_new(changes,
				      json_pack("{s:s, s:o, s:o, s:s}", "name", change->name,
						"before", json_u64(change->before), "after",
						json_u64(change->after), "why", change->why));
	}
	for (size_t i = 0; i < report->absent_count; i++) {
		const enum descry_state_field field = (enum descry_state_field)report->absent[i];

		json_array_append_new(absent, json_string(descry_state_field(field)->name));
	}
	return json_pack("{s:s, s:s?, s:o, s:o}", "format", report->format->name, "file", path,
			 "changes", changes, "absent", absent);
}

/* --- the answers ---------------------------------------------------------------------- */

void
render_words(const struct descry_sink *sink, const struct descry_exchange_words *words,
	     const struct descry_exchange_report *report)
{
	if (sink->json) {
		json_t *value = json_report(report, NULL);

		json_object_set_new(value, "words", json_of_words(report->format, words));
		json_render(sink, value);
		return;
	}
	descry_exchange_write(report->format, DESCRY_SHAPE_TEXT, words, sink);
	put_changes(sink, report, "comes back as");
	put_absent(sink, report);
}

void
render_export(const struct descry_sink *sink, const struct descry_exchange_report *report,
	      const char *path, size_t size)
{
	if (sink->json) {
		json_t *value = json_report(report, path);

		json_object_set_new(value, "size", json_integer((json_int_t)size));
		json_render(sink, value);
		return;
	}
	descry_sink_printf(sink, "%s to %s: %zu words, %zu bytes\n", report->format->name, path,
			   report->format->row_count, size);
	put_changes(sink, report, "comes back as");
	put_absent(sink, report);
}

void
render_import(const struct descry_sink *sink, struct descry_monitor *monitor,
	      const struct descry_exchange_report *report, const char *path)
{
	if (sink->json) {
		json_render(sink, json_report(report, path));
		return;
	}
	descry_sink_printf(sink, "%s from %s: %zu words\n", report->format->name, path,
			   report->format->row_count);
	put_changes(sink, report, "counts as");
	render_where(sink, monitor);
}
