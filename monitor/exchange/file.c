#include <descry/exchange_file.h>

#include "exchange/shape.h"
#include "handle.h"
#include "stop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SIZE_MAX 0x100000u

/* --- shapes --------------------------------------------------------------------------- */

static bool
ends_in(const char *path, const char *end)
{
	const size_t size = strlen(path), end_size = strlen(end);

	return size >= end_size && strcmp(path + size - end_size, end) == 0;
}

enum descry_exchange_shape
descry_exchange_shape_of(const struct descry_exchange_format *format, const char *path)
{
	if (ends_in(path, ".json"))
		return DESCRY_SHAPE_JSON;
	return ends_in(path, ".txt") || format->form == DESCRY_FORM_WORDS ? DESCRY_SHAPE_TEXT
									  : DESCRY_SHAPE_BYTES;
}

enum descry_status
words_complete(const struct descry_exchange_format *format, const struct words_met *met,
	       struct descry_error *err)
{
	for (size_t i = 0; i < format->row_count; i++)
		if (!met->row[i])
			return descry_fail(err, DESCRY_BAD_ARGUMENT,
					   "%s is missing: every word has to be there",
					   format->rows[i].name);
	return DESCRY_OK;
}

static void
write_bytes(const struct descry_exchange_format *format, const struct descry_exchange_words *words,
	    const struct descry_sink *sink)
{
	uint8_t bytes[DESCRY_PAGE_SIZE] = { 0 };

	for (size_t i = 0; i < format->row_count; i++)
		descry_exchange_put_word(format, &format->rows[i], words->word[i], bytes);
	sink->write(sink->owner, (const char *)bytes, format->size);
}

static enum descry_status
read_bytes(const struct descry_exchange_format *format, const char *content, size_t size,
	   struct descry_exchange_words *words, struct descry_error *err)
{
	if (size != format->size)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "it has %zu bytes, and %s has %" PRIu32
				   "; is it whole, and of this format?",
				   size, format->name, format->size);
	for (size_t i = 0; i < format->row_count; i++)
		words->word[i] =
			descry_exchange_word(format, &format->rows[i], (const uint8_t *)content);
	return DESCRY_OK;
}

void
descry_exchange_write(const struct descry_exchange_format *format, enum descry_exchange_shape shape,
		      const struct descry_exchange_words *words, const struct descry_sink *sink)
{
	switch (shape) {
	case DESCRY_SHAPE_BYTES:
		write_bytes(format, words, sink);
		break;
	case DESCRY_SHAPE_TEXT:
		text_write_words(format, words, sink);
		break;
	case DESCRY_SHAPE_JSON:
		json_write_words(format, words, sink);
		break;
	}
}

enum descry_status
descry_exchange_read(const struct descry_exchange_format *format, enum descry_exchange_shape shape,
		     const char *content, size_t size, struct descry_exchange_words *words,
		     struct descry_error *err)
{
	switch (shape) {
	case DESCRY_SHAPE_BYTES:
		return read_bytes(format, content, size, words, err);
	case DESCRY_SHAPE_TEXT:
		return text_read_words(format, content, size, words, err);
	case DESCRY_SHAPE_JSON:
		break;
	}
	return json_read_words(format, content, size, words, err);
}

/* --- files ---------------------------------------------------------------------------- */

static enum descry_status
host_error(const char *path, const char *what, struct descry_error *err)
{
	const enum descry_status status = errno == ENOENT ? DESCRY_NOT_FOUND : DESCRY_IO_ERROR;

	return descry_fail(err, status, "%.160s: cannot %s it: %s", path, what, strerror(errno));
}

static enum descry_status
save(const char *path, const struct descry_sink_buffer *content, struct descry_error *err)
{
	FILE *file = fopen(path, "wb");
	bool written;

	if (file == NULL)
		return host_error(path, "write", err);
	written = fwrite(content->text, 1, content->size, file) == content->size;
	if (fclose(file) != 0 || !written)
		return host_error(path, "write", err);
	return DESCRY_OK;
}

static enum descry_status
load(const char *path, char *content, size_t *size, struct descry_error *err)
{
	FILE *file = fopen(path, "rb");

	if (file == NULL)
		return host_error(path, "read", err);
	errno = 0;
	*size = fread(content, 1, FILE_SIZE_MAX, file);
	if (ferror(file)) {
		host_error(path, "read", err);
		fclose(file);
		return err->status;
	}
	fclose(file);
	return DESCRY_OK;
}

/* What is wrong with the content does not know the file yet. */
static enum descry_status
name_file(const char *path, struct descry_error *err)
{
	const struct descry_error inner = *err;

	return descry_fail(err, inner.status, "%.120s: %.190s", path, inner.text);
}

/* --- the guest ------------------------------------------------------------------------ */

enum descry_status
descry_monitor_export(struct descry_monitor *monitor, const struct descry_exchange_format *format,
		      const char *path, size_t *size, struct descry_exchange_report *report,
		      struct descry_error *err)
{
	struct descry_exchange_words words;
	struct descry_sink_buffer content;
	struct descry_sink sink;
	enum descry_status status;

	if (descry_exchange_export(format, descry_vcpu_state(monitor->vcpu), &words, report, err) !=
	    DESCRY_OK)
		return err->status;
	sink = descry_sink_to_buffer(&content);
	descry_exchange_write(format, descry_exchange_shape_of(format, path), &words, &sink);
	status = content.text ? save(path, &content, err)
			      : descry_fail(err, DESCRY_NO_MEMORY, "out of memory");
	*size = content.size;
	free(content.text);
	return status;
}

static enum descry_status
read_file(const struct descry_exchange_format *format, const char *path,
	  struct descry_exchange_words *words, struct descry_error *err)
{
	char *content = malloc(FILE_SIZE_MAX);
	enum descry_status status;
	size_t size = 0;

	if (!content)
		return descry_fail(err, DESCRY_NO_MEMORY, "out of memory");
	status = load(path, content, &size, err);
	if (status == DESCRY_OK &&
	    descry_exchange_read(format, descry_exchange_shape_of(format, path), content, size,
				 words, err) != DESCRY_OK)
		status = name_file(path, err);
	free(content);
	return status;
}

enum descry_status
descry_monitor_import(struct descry_monitor *monitor, const struct descry_exchange_format *format,
		      const char *path, struct descry_exchange_report *report,
		      struct descry_error *err)
{
	struct descry_state state = *descry_vcpu_state(monitor->vcpu);
	struct descry_exchange_words words;

	if (read_file(format, path, &words, err) != DESCRY_OK)
		return err->status;
	if (descry_exchange_import(format, &words, &state, report, err) != DESCRY_OK)
		return name_file(path, err);
	descry_exchange_apply(monitor->vcpu, &state, report);
	stop_describe(monitor, DESCRY_STOP_START, NULL, &monitor->last_stop);
	return DESCRY_OK;
}
