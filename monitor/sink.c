#include <descry/sink.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
descry_sink_text(const struct descry_sink *sink, const char *text)
{
	sink->write(sink->owner, text, strlen(text));
}

void
descry_sink_printf(const struct descry_sink *sink, const char *format, ...)
{
	char line[512];
	char *text = line;
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (size >= (int)sizeof(line)) {
		text = malloc((size_t)size + 1);
		if (!text) {
			descry_sink_text(sink, line);
			return;
		}
		va_start(args, format);
		vsnprintf(text, (size_t)size + 1, format, args);
		va_end(args);
	}
	if (size > 0)
		sink->write(sink->owner, text, (size_t)size);
	if (text != line)
		free(text);
}

/* What does not fit in the host's memory is dropped: text is never worth an abort. */
static void
buffer_write(void *owner, const char *text, size_t size)
{
	struct descry_sink_buffer *buffer = owner;
	char *grown = realloc(buffer->text, buffer->size + size + 1);

	if (!grown)
		return;
	memcpy(grown + buffer->size, text, size);
	buffer->text = grown;
	buffer->size += size;
	buffer->text[buffer->size] = '\0';
}

struct descry_sink
descry_sink_to_buffer(struct descry_sink_buffer *buffer)
{
	*buffer = (struct descry_sink_buffer){ 0 };
	return (struct descry_sink){ .owner = buffer, .write = buffer_write };
}
