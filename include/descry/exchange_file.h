/*
 * Words of a format as files: bytes at their offsets, text, or JSON. What is wrong with a file
 * is one line that names the file, the place in it, and what to do. Owned by monitor.
 */
#ifndef DESCRY_EXCHANGE_FILE_H
#define DESCRY_EXCHANGE_FILE_H

#include <descry/exchange.h>
#include <descry/monitor.h>
#include <descry/sink.h>

enum descry_exchange_shape {
	DESCRY_SHAPE_BYTES, /* as the hardware or the C struct has them */
	DESCRY_SHAPE_TEXT,  /* a line for each: place, name, value */
	DESCRY_SHAPE_JSON,
};

/*
 * By the end of a file's name: ".json", ".txt"; any other is bytes, or text when the words of
 * the format have numbers and no offsets.
 */
enum descry_exchange_shape descry_exchange_shape_of(const struct descry_exchange_format *format,
						    const char *path);

/* Writes the content of such a file to a sink. */
void descry_exchange_write(const struct descry_exchange_format *format,
			   enum descry_exchange_shape shape,
			   const struct descry_exchange_words *words,
			   const struct descry_sink *sink);

/* Every word has to be there, and nothing else. */
enum descry_status descry_exchange_read(const struct descry_exchange_format *format,
					enum descry_exchange_shape shape, const char *content,
					size_t size, struct descry_exchange_words *words,
					struct descry_error *err);

/* --- a monitor's guest ---------------------------------------------------------------- */

/* The state of the guest to a file, whose size comes to size. */
enum descry_status descry_monitor_export(struct descry_monitor *monitor,
					 const struct descry_exchange_format *format,
					 const char *path, size_t *size,
					 struct descry_exchange_report *report,
					 struct descry_error *err);

/* The other way. Nothing of the guest is changed unless all of the file can be taken. */
enum descry_status descry_monitor_import(struct descry_monitor *monitor,
					 const struct descry_exchange_format *format,
					 const char *path, struct descry_exchange_report *report,
					 struct descry_error *err);

#endif
