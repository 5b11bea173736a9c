/*
 * Words as JSON. A format that copies C structs is nested like them, with numbers as leaves:
 * {"sregs": {"cs": {"base": 0, ...}}}. In the others each word has its place beside it:
 * {"format": "vmcb", "words": {"es.selector": {"at": "0x400", "value": 16}}}. A number may also be
 * a string, "0x...".
 */
#include "exchange/json_words.h"
#include "exchange/shape.h"

#include <descry/number.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define PATH_TEXT 64u

/* --- writing -------------------------------------------------------------------------- */

/* The object or array that holds the last part of a dotted name, made on the way; *name moves
 * on to that part. A part that is a number is the index of an array. */
static json_t *
make_way(json_t *root, const char **name)
{
	json_t *at = root;
	const char *dot;

	while ((dot = strchr(*name, '.')) != NULL) {
		const size_t size = (size_t)(dot - *name);
		json_t *next = json_object_getn(at, *name, size);

		if (next == NULL) {
			next = isdigit((unsigned char)dot[1]) ? json_array() : json_object();
			json_object_setn_new(at, *name, size, next);
		}
		at = next;
		*name = dot + 1;
	}
	return at;
}

static void
add_nested(json_t *root, const char *name, uint64_t word)
{
	json_t *holder = make_way(root, &name);

	if (json_is_array(holder))
		json_array_append_new(holder, json_u64(word));
	else
		json_object_set_new(holder, name, json_u64(word));
}

static json_t *
placed_word(const struct descry_exchange_row *row, uint64_t word)
{
	return json_pack("{s:o, s:o}", "at", json_sprintf("0x%x", row->at), "value",
			 json_u64(word));
}

json_t *
json_of_words(const struct descry_exchange_format *format,
	      const struct descry_exchange_words *words)
{
	json_t *all = json_object();

	for (size_t i = 0; i < format->row_count; i++) {
		const struct descry_exchange_row *row = &format->rows[i];

		if (format->nested)
			add_nested(all, row->name, words->word[i]);
		else
			json_object_set_new(all, row->name, placed_word(row, words->word[i]));
	}
	return all;
}

static int
write_piece(const char *text, size_t size, void *data)
{
	const struct descry_sink *sink = data;

	sink->write(sink->owner, text, size);
	return 0;
}

void
json_write_words(const struct descry_exchange_format *format,
		 const struct descry_exchange_words *words, const struct descry_sink *sink)
{
	struct descry_sink copy = *sink;
	json_t *value = json_of_words(format, words);

	if (!format->nested)
		value = json_pack("{s:s, s:o}", "format", format->name, "words", value);
	json_dump_callback(value, write_piece, &copy, JSON_INDENT(1));
	descry_sink_text(sink, "\n");
	json_decref(value);
}

/* --- reading -------------------------------------------------------------------------- */

struct reader {
	const struct descry_exchange_format *format;
	struct descry_exchange_words *words;
	struct words_met met;
	struct descry_error *err;
};

static enum descry_status
read_number(const json_t *value, const char *path, uint64_t *out, struct descry_error *err)
{
	const char *text = json_string_value(value);
	char why[DESCRY_NUMBER_WHY];

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*out = (uint64_t)json_integer_value(value);
		return DESCRY_OK;
	}
	if (text != NULL && descry_number_parse(text, strlen(text), out, why))
		return DESCRY_OK;
	return descry_fail(err, DESCRY_BAD_ARGUMENT,
			   "%s: give a number that is not negative, or a string like \"0x10\"",
			   path);
}

static enum descry_status
find_row(struct reader *reader, const char *path, size_t *row)
{
	for (*row = 0; *row < reader->format->row_count; (*row)++)
		if (strcmp(reader->format->rows[*row].name, path) == 0)
			return DESCRY_OK;
	return descry_fail(reader->err, DESCRY_BAD_ARGUMENT, "%s: %s has no such word; remove it",
			   path, reader->format->name);
}

static enum descry_status
read_word(struct reader *reader, const json_t *value, const char *path)
{
	size_t row;

	if (find_row(reader, path, &row) != DESCRY_OK)
		return reader->err->status;
	reader->met.row[row] = true;
	return read_number(value, path, &reader->words->word[row], reader->err);
}

static enum descry_status read_nested(struct reader *reader, const json_t *value, const char *path);

static enum descry_status
read_inner(struct reader *reader, const json_t *value, const char *path, const char *key)
{
	char inner[PATH_TEXT];
	const int size = snprintf(inner, sizeof(inner), "%s%s%s", path, *path ? "." : "", key);

	if (size >= (int)sizeof(inner))
		return descry_fail(reader->err, DESCRY_BAD_ARGUMENT,
				   "%s...: %s has no such word; remove it", inner,
				   reader->format->name);
	return read_nested(reader, value, inner);
}

/* As deep as the longest path. */
static enum descry_status
read_nested(struct reader *reader, const json_t *value, const char *path)
{
	const char *key;
	json_t *inner;
	size_t index;

	if (json_is_array(value)) {
		json_array_foreach(value, index, inner)
		{
			char number[24];

			snprintf(number, sizeof(number), "%zu", index);
			if (read_inner(reader, inner, path, number) != DESCRY_OK)
				return reader->err->status;
		}
		return DESCRY_OK;
	}
	if (!json_is_object(value))
		return read_word(reader, value, path);
	json_object_foreach((json_t *)value, key, inner)
	{
		if (read_inner(reader, inner, path, key) != DESCRY_OK)
			return reader->err->status;
	}
	return DESCRY_OK;
}

/* Beside its place, which has to be right if it is there. */
static enum descry_status
read_placed_word(struct reader *reader, const json_t *leaf, const char *name)
{
	const json_t *at = json_object_get(leaf, "at"), *value = json_object_get(leaf, "value");
	uint64_t place;
	size_t row;

	if (find_row(reader, name, &row) != DESCRY_OK)
		return reader->err->status;
	if (value == NULL)
		return descry_fail(reader->err, DESCRY_BAD_ARGUMENT,
				   "%s: give an object with a \"value\"", name);
	if (at != NULL && read_number(at, name, &place, reader->err) != DESCRY_OK)
		return reader->err->status;
	if (at != NULL && place != reader->format->rows[row].at)
		return descry_fail(reader->err, DESCRY_BAD_ARGUMENT,
				   "%s: it lies at %xh, not at %llxh; is this file of another "
				   "format?",
				   name, reader->format->rows[row].at, (unsigned long long)place);
	return read_word(reader, value, name);
}

static enum descry_status
read_placed(struct reader *reader, const json_t *root)
{
	const char *name = json_string_value(json_object_get(root, "format"));
	json_t *words = json_object_get(root, "words"), *leaf;
	const char *key;

	if (name == NULL || strcmp(name, reader->format->name) != 0 || !json_is_object(words))
		return descry_fail(reader->err, DESCRY_BAD_ARGUMENT,
				   "not an export of %s: it has to say \"format\": \"%s\" and "
				   "\"words\"",
				   reader->format->name, reader->format->name);
	json_object_foreach(words, key, leaf)
	{
		if (read_placed_word(reader, leaf, key) != DESCRY_OK)
			return reader->err->status;
	}
	return DESCRY_OK;
}

enum descry_status
json_read_words(const struct descry_exchange_format *format, const char *content, size_t size,
		struct descry_exchange_words *words, struct descry_error *err)
{
	struct reader reader = { .format = format, .words = words, .err = err };
	enum descry_status status;
	json_error_t where;
	json_t *root = json_loadb(content, size, JSON_REJECT_DUPLICATES, &where);

	if (root == NULL)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "line %d, column %d: no JSON: %.120s; correct it there",
				   where.line, where.column, where.text);
	status = format->nested ? read_nested(&reader, root, "") : read_placed(&reader, root);
	json_decref(root);
	return status == DESCRY_OK ? words_complete(format, &reader.met, err) : status;
}
