#include "command/render.h"

#include <descry/profile.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- values --------------------------------------------------------------------------- */

static void
put_number(const struct descry_sink *sink, uint64_t number, char format)
{
	switch (format) {
	case 'x':
		descry_sink_printf(sink, "0x%" PRIx64, number);
		break;
	case 'd':
		descry_sink_printf(sink, "%" PRId64, (int64_t)number);
		break;
	case 'u':
		descry_sink_printf(sink, "%" PRIu64, number);
		break;
	case 'o':
		descry_sink_printf(sink, "0%" PRIo64, number);
		break;
	case 'c':
		descry_sink_printf(sink, isprint((int)(number & 0x7f)) ? "'%c'" : "'\\x%02x'",
				   (int)(number & 0xff));
		break;
	default:
		descry_sink_printf(sink, "0x%" PRIx64 " (%" PRIu64 ")", number, number);
	}
}

void
render_value(const struct descry_sink *sink, struct descry_monitor *monitor,
	     const struct value *value, char format)
{
	char symbol[DESCRY_SYMBOL_TEXT] = "";
	char text[VALUE_TEXT];

	if (sink->json) {
		json_render(sink, json_pack("{s:I, s:s}", "value", (json_int_t)value->number,
					    "text", value_text(value, text)));
		return;
	}
	if (value->kind != VALUE_NUMBER) {
		descry_sink_printf(sink, "%s\n", value_text(value, text));
		return;
	}
	put_number(sink, value->number, format);
	if (format == '\0' && value->number <= UINT32_MAX)
		descry_query_symbol(monitor, value->number, symbol);
	descry_sink_printf(sink, "%s%s\n", *symbol != '\0' ? " " : "", symbol);
}

/* --- breakpoints ---------------------------------------------------------------------- */

static json_t *
json_breakpoint(const struct descry_breakpoint *breakpoint, const char *symbol)
{
	return json_pack("{s:i, s:I, s:o, s:I, s:b}", "number", breakpoint->number, "linear",
			 (json_int_t)breakpoint->linear, "symbol", json_text(symbol), "hits",
			 (json_int_t)breakpoint->hits, "enabled", (int)breakpoint->enabled);
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
		json_object_set_new(object, name, json_integer((json_int_t)linear));
		if (!sink->json)
			descry_sink_printf(sink, "%08" PRIx64 " %s\n", linear, name);
	}
	if (sink->json)
		json_render(sink, json_pack("{s:O}", "symbols", object));
	else if (json_object_size(object) == 0)
		descry_sink_text(sink, "the image has no symbols\n");
	json_decref(object);
}
