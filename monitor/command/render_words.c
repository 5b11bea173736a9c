#include "command/render.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *
style(const struct descry_sink *sink, enum style which)
{
	static const char *const sequences[STYLE_COUNT] = {
		[STYLE_PLAIN] = "\x1b[0m",      [STYLE_STRONG] = "\x1b[1m",
		[STYLE_DIFFERS] = "\x1b[1;31m", [STYLE_STATUS] = "\x1b[1;33m",
		[STYLE_QUIET] = "\x1b[2m",
	};

	return sink->colour ? sequences[which] : "";
}

/* --- layout --------------------------------------------------------------------------- */

#define WIDTH_DEFAULT 100u

void
put_wrapped(const struct descry_sink *sink, unsigned column, unsigned indent, const char *text)
{
	const size_t width = sink->width != 0 ? sink->width : WIDTH_DEFAULT;
	const char *between = "";
	size_t at = column;

	while (*text != '\0') {
		const size_t size = strcspn(text, " ");

		if (*between != '\0' && at + 1 + size > width) {
			descry_sink_printf(sink, "\n%*s", (int)indent, "");
			at = indent;
			between = "";
		}
		descry_sink_printf(sink, "%s%.*s", between, (int)size, text);
		at += strlen(between) + size;
		between = " ";
		text += size + strspn(text + size, " ");
	}
	descry_sink_text(sink, "\n");
}

/* --- attributes ----------------------------------------------------------------------- */

static const char *
system_type_text(unsigned type)
{
	static const char *const texts[16] = {
		[DESCRY_TYPE_TSS16] = "TSS16",
		[DESCRY_TYPE_LDT] = "LDT",
		[DESCRY_TYPE_TSS16_BUSY] = "TSS16 busy",
		[DESCRY_TYPE_CALL_GATE16] = "call gate 16",
		[DESCRY_TYPE_TASK_GATE] = "task gate",
		[DESCRY_TYPE_INTERRUPT_GATE16] = "intr gate 16",
		[DESCRY_TYPE_TRAP_GATE16] = "trap gate 16",
		[DESCRY_TYPE_TSS32] = "TSS32",
		[DESCRY_TYPE_TSS32_BUSY] = "TSS32 busy",
		[DESCRY_TYPE_CALL_GATE32] = "call gate 32",
		[DESCRY_TYPE_INTERRUPT_GATE32] = "intr gate 32",
		[DESCRY_TYPE_TRAP_GATE32] = "trap gate 32",
	};

	return texts[type] != NULL ? texts[type] : "reserved";
}

const char *
type_text(uint16_t attr, char text[ATTR_TEXT])
{
	const struct descry_segment seg = { .attr = attr };

	if (attr & DESCRY_ATTR_UNUSABLE)
		return "unusable";
	if (!(attr & DESCRY_ATTR_P))
		return "not present";
	if (!(attr & DESCRY_ATTR_S))
		return system_type_text(attr & DESCRY_ATTR_TYPE);
	if (descry_segment_is_code(&seg))
		snprintf(text, ATTR_TEXT, "code %s%s%s", attr & DESCRY_ATTR_RW ? "xr" : "x",
			 attr & DESCRY_ATTR_EC ? " conf" : "", attr & DESCRY_ATTR_A ? " a" : "");
	else
		snprintf(text, ATTR_TEXT, "data %s%s%s", attr & DESCRY_ATTR_RW ? "rw" : "r",
			 attr & DESCRY_ATTR_EC ? " down" : "", attr & DESCRY_ATTR_A ? " a" : "");
	return text;
}

void
attr_columns(uint16_t attr, char text[ATTR_TEXT])
{
	const struct descry_segment seg = { .attr = attr };
	char type[ATTR_TEXT];

	if (attr & DESCRY_ATTR_UNUSABLE)
		snprintf(text, ATTR_TEXT, " -  - - %-12s", "unusable");
	else
		snprintf(text, ATTR_TEXT, "%s %s %u %-12s", attr & DESCRY_ATTR_G ? "4K" : "1B",
			 attr & DESCRY_ATTR_DB ? "32" : "16", descry_segment_dpl(&seg),
			 type_text(attr, type));
}

const char *
slot_text(uint16_t sel, char text[SLOT_TEXT])
{
	snprintf(text, SLOT_TEXT, "%s[%u]", sel & DESCRY_SEL_TI ? "ldt" : "gdt", sel >> 3);
	return text;
}

const char *
character_text(uint64_t number, char text[CHARACTER_TEXT])
{
	const unsigned character = number & 0xff;

	if (character < 0x80 && isprint((int)character))
		snprintf(text, CHARACTER_TEXT, "'%c'", (char)character);
	else
		snprintf(text, CHARACTER_TEXT, "'\\x%02x'", character);
	return text;
}

/* --- the same as JSON ----------------------------------------------------------------- */

json_t *
json_status(unsigned status)
{
	json_t *list = json_array();

	for (unsigned bit = 1; bit <= DESCRY_CACHE_FORCED; bit <<= 1) {
		char text[DESCRY_CACHE_STATUS_TEXT];

		if (status & bit)
			json_array_append_new(list,
					      json_string(descry_cache_status_text(bit, text)));
	}
	return list;
}

json_t *
json_segment(const struct descry_segment *seg)
{
	const uint16_t attr = seg->attr;
	char type[ATTR_TEXT];

	return json_pack("{s:i, s:I, s:I, s:i, s:s, s:i, s:b, s:b, s:b, s:b, s:b}", "selector",
			 seg->sel, "base", (json_int_t)seg->base, "limit", (json_int_t)seg->limit,
			 "attr", attr, "type", type_text(attr, type), "dpl",
			 (int)descry_segment_dpl(seg), "g", !!(attr & DESCRY_ATTR_G), "db",
			 !!(attr & DESCRY_ATTR_DB), "s", !!(attr & DESCRY_ATTR_S), "present",
			 !!(attr & DESCRY_ATTR_P), "usable", (int)descry_segment_usable(seg));
}

json_t *
json_fault(const struct descry_fault *fault)
{
	if (fault->vector == DESCRY_VEC_NONE)
		return json_null();
	return json_pack("{s:i, s:s, s:i}", "vector", fault->vector, "name",
			 descry_vector_text(fault->vector), "error_code", fault->error_code);
}
