#include "command/render.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_BYTES 16u
#define ROW_CHARACTERS 8u
#define UNIT_TEXT 72u

/* --- one unit ------------------------------------------------------------------------- */

static uint64_t
unit_at(const struct memory_format *format, const void *data, size_t index)
{
	uint64_t number = 0;

	memcpy(&number, (const uint8_t *)data + index * format->unit, format->unit);
	return number;
}

static int64_t
sign_extend(uint64_t number, unsigned unit)
{
	const unsigned shift = 64 - 8 * unit;

	return (int64_t)(number << shift) >> shift;
}

/* Columns are as wide as the widest number of the unit. */
static void
unit_text(const struct memory_format *format, uint64_t number, char text[UNIT_TEXT])
{
	const int bits = (int)format->unit * 8;
	char character[CHARACTER_TEXT];

	switch (format->format) {
	case 'd':
		snprintf(text, UNIT_TEXT, "%*" PRId64, bits * 3 / 10 + 2,
			 sign_extend(number, format->unit));
		break;
	case 'u':
		snprintf(text, UNIT_TEXT, "%*" PRIu64, bits * 3 / 10 + 1, number);
		break;
	case 'o':
		snprintf(text, UNIT_TEXT, "0%0*" PRIo64, (bits + 2) / 3, number);
		break;
	case 'c':
		snprintf(text, UNIT_TEXT, "%4d %6s", (int)(int8_t)number,
			 character_text(number, character));
		break;
	default:
		snprintf(text, UNIT_TEXT, "%0*" PRIx64, bits / 4, number);
	}
}

/* --- rows ----------------------------------------------------------------------------- */

/* "fs:00020000 = 00020000 loop+4: " */
static void
put_address(const struct descry_sink *sink, struct descry_monitor *monitor,
	    const struct descry_address *address)
{
	const uint64_t linear = descry_query_linear(monitor, address);
	char symbol[DESCRY_SYMBOL_TEXT];

	descry_query_symbol(monitor, linear, symbol);
	if (address->space == DESCRY_SPACE_SEGMENT)
		descry_sink_printf(sink, "%s:%08" PRIx64 " = ", descry_sreg_name(address->sreg),
				   address->offset);
	if (address->space == DESCRY_SPACE_PHYSICAL)
		descry_sink_text(sink, "phys:");
	descry_sink_printf(sink, "%08" PRIx64 "%s%s: ", linear, *symbol != '\0' ? " " : "", symbol);
}

static struct descry_address
address_of(const struct descry_address *address, const struct memory_format *format, size_t index)
{
	struct descry_address at = *address;

	at.offset = (uint32_t)(at.offset + index * format->unit);
	return at;
}

static void
put_rows(const struct descry_sink *sink, struct descry_monitor *monitor,
	 const struct memory_format *format, const struct descry_address *address, const void *data,
	 size_t read)
{
	const size_t per_row = format->format == 'c' ? ROW_CHARACTERS : ROW_BYTES / format->unit;
	char text[UNIT_TEXT];

	for (size_t i = 0; i < read; i++) {
		if (i % per_row == 0) {
			const struct descry_address at = address_of(address, format, i);

			put_address(sink, monitor, &at);
		}
		unit_text(format, unit_at(format, data, i), text);
		descry_sink_printf(sink, " %s%s", text,
				   i + 1 == read || (i + 1) % per_row == 0 ? "\n" : "");
	}
}

static void
put_escaped(const struct descry_sink *sink, const char *text, size_t size)
{
	descry_sink_text(sink, "\"");
	for (size_t i = 0; i < size; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c == '\n')
			descry_sink_text(sink, "\\n");
		else if (c == '"' || c == '\\')
			descry_sink_printf(sink, "\\%c", c);
		else if (c < 0x80 && isprint(c))
			descry_sink_printf(sink, "%c", c);
		else
			descry_sink_printf(sink, "\\x%02x", c);
	}
	descry_sink_text(sink, "\"");
}

static void
put_strings(const struct descry_sink *sink, struct descry_monitor *monitor,
	    const struct memory_format *format, const struct descry_address *address,
	    const char *data, size_t read)
{
	for (size_t i = 0; i < read;) {
		const struct descry_address at = address_of(address, format, i);
		const size_t size = strnlen(data + i, read - i);

		put_address(sink, monitor, &at);
		descry_sink_text(sink, " ");
		put_escaped(sink, data + i, size);
		descry_sink_text(sink, i + size < read ? "\n" : "...\n");
		i += size + 1;
	}
}

const char *
denied_by(const struct descry_denial *denial)
{
	return denial->fault.vector == DESCRY_VEC_PF ? "rights" : "segment";
}

/* Why it ends here, and what would read on all the same. */
static void
put_denial(const struct descry_sink *sink, const struct descry_denial *denial)
{
	if (denial->fault.vector == DESCRY_VEC_NONE)
		descry_sink_printf(sink, "%08" PRIx64 ": there is no memory\n", denial->linear);
	else
		descry_sink_printf(
			sink, "%s:%08" PRIx64 ": %s%s%s, %s (linear:0x%" PRIx64 " asks no %s)\n",
			descry_sreg_name(denial->address.sreg), denial->address.offset,
			style(sink, STYLE_DIFFERS), descry_vector_text(denial->fault.vector),
			style(sink, STYLE_PLAIN), denial->why, denial->linear, denied_by(denial));
}

/* --- as JSON -------------------------------------------------------------------------- */

static json_t *
json_units(const struct memory_format *format, const void *data, size_t read)
{
	json_t *list = json_array();

	for (size_t i = 0; i < read; i++)
		json_array_append_new(list, json_u64(unit_at(format, data, i)));
	return list;
}

/* One character for each byte: those above 7Fh are the code points of that number. */
static json_t *
json_latin(const uint8_t *bytes, size_t size)
{
	struct descry_sink_buffer buffer;
	const struct descry_sink sink = descry_sink_to_buffer(&buffer);
	json_t *text;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i] < 0x80)
			descry_sink_printf(&sink, "%c", bytes[i]);
		else
			descry_sink_printf(&sink, "%c%c", 0xc0 | bytes[i] >> 6,
					   0x80 | (bytes[i] & 0x3f));
	}
	text = json_stringn(buffer.text != NULL ? buffer.text : "", buffer.size);
	free(buffer.text);
	return text;
}

static json_t *
json_strings(const uint8_t *data, size_t read)
{
	json_t *list = json_array();

	for (size_t i = 0; i < read;) {
		const size_t size = strnlen((const char *)data + i, read - i);

		json_array_append_new(list, json_latin(data + i, size));
		i += size + 1;
	}
	return list;
}

static json_t *
json_memory(struct descry_monitor *monitor, const struct memory_format *format,
	    const struct descry_address *address, const void *data, size_t read)
{
	json_t *object = json_pack("{s:o, s:o, s:o, s:i, s:o}", "offset", json_u64(address->offset),
				   "linear", json_u64(descry_query_linear(monitor, address)),
				   "format", json_stringn(&format->format, 1), "unit",
				   (int)format->unit, "units", json_units(format, data, read));

	if (format->format == 's')
		json_object_set_new(object, "strings", json_strings(data, read));
	return object;
}

static json_t *
json_denial(const struct descry_denial *denial)
{
	return json_pack("{s:I, s:I, s:o, s:o}", "offset", (json_int_t)denial->address.offset,
			 "linear", (json_int_t)denial->linear, "fault", json_fault(&denial->fault),
			 "why", json_text(denial->why));
}

void
render_memory(const struct descry_sink *sink, struct descry_monitor *monitor,
	      const struct memory_format *format, const struct descry_address *address,
	      const void *data, size_t read, const struct descry_denial *denial)
{
	if (sink->json) {
		json_t *object = json_memory(monitor, format, address, data, read);

		json_object_set_new(object, "denied",
				    denial != NULL ? json_denial(denial) : json_null());
		json_render(sink, object);
		return;
	}
	if (format->format == 's')
		put_strings(sink, monitor, format, address, data, read);
	else
		put_rows(sink, monitor, format, address, data, read);
	if (denial != NULL)
		put_denial(sink, denial);
}
