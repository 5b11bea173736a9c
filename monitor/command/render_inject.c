#include "command/render_inject.h"

#include "command/json.h"

#include <inttypes.h>
#include <stdio.h>

/* Behind the count that the guest has reached: only a reset leads back to it. */
static bool
is_behind(const struct descry_injection *injection)
{
	return injection->when.kind == DESCRY_WHEN_COUNT && injection->next == DESCRY_NEVER &&
	       injection->fired == 0;
}

/* "next at 4000, 3 so far" */
#define PROGRESS_TEXT 96u
static const char *
progress_text(const struct descry_injection *injection, char text[PROGRESS_TEXT])
{
	if (is_behind(injection))
		snprintf(text, PROGRESS_TEXT, "behind us: only after a reset");
	else if (injection->when.kind == DESCRY_WHEN_ADDRESS && injection->fired == 0)
		snprintf(text, PROGRESS_TEXT, "%" PRIu64 " of %" PRIu64 " hits", injection->hits,
			 injection->when.count);
	else if (injection->next == DESCRY_NEVER)
		snprintf(text, PROGRESS_TEXT, "has come");
	else
		snprintf(text, PROGRESS_TEXT, "next at %" PRIu64 ", %" PRIu64 " so far",
			 injection->next, injection->fired);
	return text;
}

static json_t *
json_count(uint64_t count)
{
	return count == DESCRY_NEVER ? json_null() : json_u64(count);
}

static json_t *
json_injection(const struct descry_monitor *monitor, const struct descry_injection *injection)
{
	const bool at_address = injection->when.kind == DESCRY_WHEN_ADDRESS;
	char text[DESCRY_INJECTION_TEXT];

	return json_pack("{s:i, s:s, s:o, s:s, s:o, s:o, s:o}", "number", injection->number, "kind",
			 descry_injection_kind_text(injection->kind), "vector",
			 injection->kind == DESCRY_INJECT_INTERRUPT
				 ? json_integer(injection->vector)
				 : json_null(),
			 "text", descry_injection_text(monitor, injection, text), "next",
			 json_count(injection->next), "fired", json_u64(injection->fired), "hits",
			 at_address ? json_u64(injection->hits) : json_null());
}

static void
put_injection(const struct descry_sink *sink, const struct descry_monitor *monitor,
	      const struct descry_injection *injection)
{
	char text[DESCRY_INJECTION_TEXT], progress[PROGRESS_TEXT];

	descry_sink_printf(sink, "%3d  %-36s %s\n", injection->number,
			   descry_injection_text(monitor, injection, text),
			   progress_text(injection, progress));
}

void
render_injections(const struct descry_sink *sink, const struct descry_monitor *monitor)
{
	const struct descry_injection *list;
	const size_t count = descry_monitor_injections(monitor, &list);
	json_t *array = sink->json ? json_array() : NULL;

	for (size_t i = 0; i < count; i++) {
		if (array)
			json_array_append_new(array, json_injection(monitor, &list[i]));
		else
			put_injection(sink, monitor, &list[i]);
	}
	if (array)
		json_render(sink, json_pack("{s:o}", "injections", array));
	else if (count == 0)
		descry_sink_text(sink, "nothing is injected; the guest itself asks for a host "
				       "interrupt at port EDh\n");
}

void
render_injection_added(const struct descry_sink *sink, const struct descry_monitor *monitor,
		       int number)
{
	const struct descry_injection *list;
	const size_t count = descry_monitor_injections(monitor, &list);

	for (size_t i = 0; i < count; i++) {
		if (list[i].number != number)
			continue;
		if (sink->json)
			json_render(sink, json_injection(monitor, &list[i]));
		else
			put_injection(sink, monitor, &list[i]);
	}
}

void
render_injections_deleted(const struct descry_sink *sink, const int *numbers, size_t count)
{
	json_t *array = sink->json ? json_array() : NULL;

	for (size_t i = 0; i < count; i++) {
		if (array)
			json_array_append_new(array, json_integer(numbers[i]));
		else
			descry_sink_printf(sink, "%s %d%s",
					   i > 0        ? ""
					   : count == 1 ? "deleted injection"
							: "deleted injections",
					   numbers[i], i + 1 == count ? "\n" : "");
	}
	if (array)
		json_render(sink, json_pack("{s:o}", "deleted", array));
	else if (count == 0)
		descry_sink_text(sink, "there are no injections\n");
}
