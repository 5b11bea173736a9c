#include "command/json.h"

#include <descry/command.h>

#include <inttypes.h>
#include <stdio.h>

static int
write_piece(const char *text, size_t size, void *data)
{
	const struct descry_sink *sink = data;

	sink->write(sink->owner, text, size);
	return 0;
}

void
json_render(const struct descry_sink *sink, json_t *value)
{
	struct descry_sink copy = *sink;

	json_dump_callback(value, write_piece, &copy, JSON_ENCODE_ANY | JSON_COMPACT);
	descry_sink_text(sink, "\n");
	json_decref(value);
}

void
descry_error_render(const struct descry_error *err, const struct descry_sink *sink)
{
	if (sink->json)
		json_render(sink, json_pack("{s:s, s:s}", "error", err->text, "status",
					    descry_status_text(err->status)));
}

json_t *
json_text(const char *text)
{
	return text != NULL && *text != '\0' ? json_string(text) : json_null();
}

json_t *
json_u64(uint64_t number)
{
	return number <= INT64_MAX ? json_integer((json_int_t)number)
				   : json_sprintf("0x%" PRIx64, number);
}

json_t *
json_raw(uint64_t raw)
{
	char text[20];

	snprintf(text, sizeof(text), "%016" PRIx64, raw);
	return json_string(text);
}
