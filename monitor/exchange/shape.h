/*
 * The shapes that words have in a file, from inside. A reader fills every word of the format
 * or fails; the line that it fails with does not name the file yet. Private to monitor.
 */
#ifndef DESCRY_EXCHANGE_SHAPE_H
#define DESCRY_EXCHANGE_SHAPE_H

#include <descry/exchange.h>
#include <descry/sink.h>

void json_write_words(const struct descry_exchange_format *format,
		      const struct descry_exchange_words *words, const struct descry_sink *sink);
enum descry_status json_read_words(const struct descry_exchange_format *format, const char *content,
				   size_t size, struct descry_exchange_words *words,
				   struct descry_error *err);

void text_write_words(const struct descry_exchange_format *format,
		      const struct descry_exchange_words *words, const struct descry_sink *sink);
enum descry_status text_read_words(const struct descry_exchange_format *format, const char *content,
				   size_t size, struct descry_exchange_words *words,
				   struct descry_error *err);

/* Which words a reader has met. */
struct words_met {
	bool row[DESCRY_EXCHANGE_ROWS];
};

/* All of them? Else the first that is missing is in err. */
enum descry_status words_complete(const struct descry_exchange_format *format,
				  const struct words_met *met, struct descry_error *err);

#endif
