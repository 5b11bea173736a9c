#include "command/render.h"

#include <descry/profile.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- values --------------------------------------------------------------------------- */

#define NUMBER_TEXT 64u

static const char *
number_text(uint64_t number, char format, char text[NUMBER_TEXT])
{
	switch (format) {
	case 'x':
		snprintf(text, NUMBER_TEXT, "0x%" PRIx64, number);
		break;
	case 'd':
		snprintf(text, NUMBER_TEXT, "%" PRId64, (int64_t)number);
		break;
	case 'u':
		snprintf(text, NUMBER_TEXT, "%" PRIu64, number);
		break;
	case 'o':
		snprintf(text, NUMBER_TEXT, "0%" PRIo64, number);
		break;
	case 'c':
		return character_text(number, text);
	default:
		snprintf(text, NUMBER_TEXT, "0x%" PRIx64 " (%" PRIu64 ")", number, number);
	}
	return text;
}

static json_t *
json_value(const struct value *value, char format)
{
	char text[VALUE_TEXT], number[NUMBER_TEXT];
	const bool formatted = value->kind == VALUE_NUMBER && format != '\0';

	return json_pack("{s:o, s:s, s:o}", "value", json_u64(value->number), "text",
			 formatted ? number_text(value->number, format, number)
				   : value_text(value, text),
			 "format", formatted ? json_stringn(&format, 1) : json_null());
}

void
render_value(const struct descry_sink *sink, struct descry_monitor *monitor,
	     const struct value *value, char format)
{
	char symbol[DESCRY_SYMBOL_TEXT] = "";
	char text[VALUE_TEXT], number[NUMBER_TEXT];

	if (sink->json) {
		json_render(sink, json_value(value, format));
		return;
	}
	if (value->kind != VALUE_NUMBER) {
		descry_sink_printf(sink, "%s\n", value_text(value, text));
		return;
	}
	if (format == '\0' && value->number <= UINT32_MAX)
		descry_query_symbol(monitor, value->number, symbol);
	if (strchr(symbol, '+') != NULL)
		*symbol = '\0'; /* a number near a symbol is no address for that */
	descry_sink_printf(sink, "%s%s%s\n", number_text(value->number, format, number),
			   *symbol != '\0' ? " " : "", symbol);
}

void
render_set(const struct descry_sink *sink, const char *place, const struct value *old,
	   const struct value *now)
{
	char before[VALUE_TEXT], after[VALUE_TEXT];

	if (sink->json)
		json_render(sink, json_pack("{s:s, s:o, s:o}", "place", place, "old",
					    old != NULL ? json_u64(old->number) : json_null(),
					    "now", json_u64(now->number)));
	else
		descry_sink_printf(sink, "%s: %s%s%s\n", place,
				   old != NULL ? value_text(old, before) : "",
				   old != NULL ? " > " : "", value_text(now, after));
}

/* --- breakpoints ---------------------------------------------------------------------- */

static json_t *
json_breakpoint(const struct descry_breakpoint *breakpoint, const char *symbol)
{
	return json_pack("{s:i, s:I, s:o, s:I}", "number", breakpoint->number, "linear",
			 (json_int_t)breakpoint->linear, "symbol", json_text(symbol), "hits",
			 (json_int_t)breakpoint->hits);
}

void
render_breakpoints(const struct descry_sink *sink, struct descry_monitor *monitor)
{
	const struct descry_breakpoint *list;
	const size_t count = descry_monitor_breakpoints(monitor, &list);
	json_t *array = json_array();
	char symbol[DESCRY_SYMBOL_TEXT];

	for (size_t i = 0; i < count; i++) {
		descry_query_symbol(monitor, list[i].linear, symbol);
		json_array_append_new(array, json_breakpoint(&list[i], symbol));
		if (!sink->json)
			descry_sink_printf(sink, "%d: %08" PRIx64 " %-20s hit %" PRIu64 " times\n",
					   list[i].number, list[i].linear, symbol, list[i].hits);
	}
	if (sink->json)
		json_render(sink, json_pack("{s:O}", "breakpoints", array));
	else if (count == 0)
		descry_sink_text(sink, "no breakpoints; `break ADDRESS` sets one\n");
	json_decref(array);
}

/* --- image, profile, symbols ---------------------------------------------------------- */

static size_t
count_symbols(struct descry_monitor *monitor)
{
	size_t count = 0;

	while (descry_monitor_symbol_name(monitor, count) != NULL)
		count++;
	return count;
}

void
render_image(const struct descry_sink *sink, struct descry_monitor *monitor)
{
	const char *name = descry_monitor_image_name(monitor);
	const char *note = descry_monitor_note(monitor);
	const size_t symbols = count_symbols(monitor);

	if (sink->json) {
		json_render(sink, json_pack("{s:o, s:I, s:o}", "image", json_text(name), "symbols",
					    (json_int_t)symbols, "note", json_text(note)));
		return;
	}
	descry_sink_printf(sink, "%s, %zu symbols\n", name != NULL ? name : "no image", symbols);
	if (note != NULL)
		descry_sink_printf(sink, "%s\n", note);
}

void
render_profile(const struct descry_sink *sink, struct descry_monitor *monitor)
{
	const struct descry_profile *profile = descry_vcpu_profile(descry_monitor_vcpu(monitor));
	json_t *knobs = json_object();
	char buffer[32];

	if (!sink->json)
		descry_sink_printf(sink, "profile %s\n", profile->name);
	for (unsigned i = 0; i < DESCRY_KNOB_COUNT; i++) {
		const enum descry_knob knob = (enum descry_knob)i;
		const struct descry_knob_info *info = descry_knob_info(knob);
		const char *value =
			descry_knob_value_text(knob, profile->knob[i], buffer, sizeof(buffer));

		json_object_set_new(knobs, info->name, json_string(value));
		if (!sink->json)
			descry_sink_printf(sink, "%-18s %-12s of %s\n", info->name, value,
					   info->values);
	}
	if (sink->json)
		json_render(sink,
			    json_pack("{s:s, s:O}", "profile", profile->name, "knobs", knobs));
	json_decref(knobs);
}

void
render_symbols(const struct descry_sink *sink, struct descry_monitor *monitor)
{
	json_t *object = json_object();
	const char *name;
	uint64_t linear;

	for (size_t i = 0; (name = descry_monitor_symbol_name(monitor, i)) != NULL; i++) {
		if (!descry_monitor_symbol(monitor, name, &linear))
			continue;
		json_object_set_new(object, name, json_u64(linear));
		if (!sink->json)
			descry_sink_printf(sink, "%08" PRIx64 " %s\n", linear, name);
	}
	if (sink->json)
		json_render(sink, json_pack("{s:O}", "symbols", object));
	else if (json_object_size(object) == 0)
		descry_sink_text(sink, "the image has no symbols\n");
	json_decref(object);
}
