#include "exchange/begin.h"

#include <descry/exchange_file.h>

#include <stdio.h>
#include <string.h>

#define NAME_TEXT 24u

static void
note_changes(struct descry_monitor *monitor, const struct descry_exchange_report *report)
{
	if (report->change_count > 0)
		snprintf(monitor->note, sizeof(monitor->note),
			 "--state: %.40s and perhaps others count as something else on this CPU: "
			 "`import` shows them",
			 report->change[0].name);
}

enum descry_status
begin_in_state(struct descry_monitor *monitor, const char *text, struct descry_error *err)
{
	const size_t size = strcspn(text, ":");
	const struct descry_exchange_format *format;
	struct descry_exchange_report report;
	char name[NAME_TEXT];

	if (text[size] == '\0' || text[size + 1] == '\0' || size >= sizeof(name))
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "--state %.80s: give FORMAT:FILE, such as kvm:guest.json", text);
	snprintf(name, sizeof(name), "%.*s", (int)size, text);
	format = descry_exchange_find(name, err);
	if (!format ||
	    descry_monitor_import(monitor, format, text + size + 1, &report, err) != DESCRY_OK)
		return err->status;
	note_changes(monitor, &report);
	return DESCRY_OK;
}
