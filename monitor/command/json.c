#include "command/json.h"

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

json_t *
json_text(const char *text)
{
	return text != NULL && *text != '\0' ? json_string(text) : json_null();
}

json_t *
json_raw(uint64_t raw)
{
	char text[20];

	snprintf(text, sizeof(text), "%016" PRIx64, raw);
	return json_string(text);
}
