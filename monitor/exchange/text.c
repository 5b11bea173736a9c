/*
 * Words as text: a line for each, "0800 GUEST_ES_SELECTOR 0010", with its encoding or offset, its
 * name and value. Both numbers are hexadecimal; a line may leave out the name, or begin with #.
 */
#include "exchange/shape.h"

#include <descry/number.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *
place_text(const struct descry_exchange_format *format)
{
	return format->form == DESCRY_FORM_WORDS ? "encoding" : "offset";
}

void
text_write_words(const struct descry_exchange_format *format,
		 const struct descry_exchange_words *words, const struct descry_sink *sink)
{
	descry_sink_printf(sink, "# %s: %s, name, value\n", format->name, place_text(format));
	for (size_t i = 0; i < format->row_count; i++) {
		const struct descry_exchange_row *row = &format->rows[i];

		descry_sink_printf(sink, "%04x %-28s %0*" PRIx64 "\n", row->at, row->name,
				   2 * row->bytes, words->word[i]);
	}
}

/* --- reading -------------------------------------------------------------------------- */

#define FIELDS 3u
#define LINE_MAX_SIZE 160u

struct line {
	unsigned number;
	char text[LINE_MAX_SIZE];
	char *field[FIELDS];
	size_t count;
};

/* False at the end of the content. */
static bool
next_line(const char **at, const char *end, struct line *line)
{
	const char *stop;
	size_t size;

	if (*at == end)
		return false;
	stop = memchr(*at, '\n', (size_t)(end - *at));
	size = (size_t)((stop ? stop : end) - *at);
	snprintf(line->text, sizeof(line->text), "%.*s", (int)(size < LINE_MAX_SIZE ? size : 0),
		 *at);
	if (size >= LINE_MAX_SIZE)
		snprintf(line->text, sizeof(line->text), "(a line of %zu characters)", size);
	*at = stop ? stop + 1 : end;
	line->number++;
	return true;
}

/* Cuts the line up in place; more fields than there can be are counted all the same. */
static void
cut_fields(struct line *line)
{
	char *rest = line->text, *word;

	line->count = 0;
	while ((word = strtok_r(rest, " \t\r", &rest)) != NULL) {
		if (line->count < FIELDS)
			line->field[line->count] = word;
		line->count++;
	}
}

static size_t
find_place(const struct descry_exchange_format *format, uint64_t place)
{
	size_t i = 0;

	while (i < format->row_count && format->rows[i].at != place)
		i++;
	return i;
}

/* Two fields, place and value, or three with the name between them. */
static bool
read_numbers(const struct line *line, uint64_t *place, uint64_t *value)
{
	const char *last;

	if (line->count < 2 || line->count > FIELDS)
		return false;
	last = line->field[line->count - 1];
	return descry_number_parse_hex(line->field[0], strlen(line->field[0]), place) &&
	       descry_number_parse_hex(last, strlen(last), value);
}

static enum descry_status
read_line(const struct descry_exchange_format *format, const struct line *line,
	  struct descry_exchange_words *words, struct words_met *met, struct descry_error *err)
{
	uint64_t place, number;
	size_t row;

	if (!read_numbers(line, &place, &number))
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "line %u: not %s, name, value, such as %04x %s 0010 "
				   "(hexadecimal)",
				   line->number, place_text(format), format->rows[0].at,
				   format->rows[0].name);
	row = find_place(format, place);
	if (row == format->row_count)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "line %u: %s has no word at %.40s; remove the line",
				   line->number, format->name, line->field[0]);
	if (line->count == FIELDS && strcmp(line->field[1], format->rows[row].name) != 0)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "line %u: %.40s is %s, not %.60s; correct one of the two",
				   line->number, line->field[0], format->rows[row].name,
				   line->field[1]);
	if (met->row[row])
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "line %u: %s for the second time; remove one of the lines",
				   line->number, format->rows[row].name);
	met->row[row] = true;
	words->word[row] = number;
	return DESCRY_OK;
}

enum descry_status
text_read_words(const struct descry_exchange_format *format, const char *content, size_t size,
		struct descry_exchange_words *words, struct descry_error *err)
{
	const char *end = content + size;
	struct words_met met = { { false } };
	struct line line = { .number = 0 };

	while (next_line(&content, end, &line)) {
		cut_fields(&line);
		if (line.count == 0 || *line.field[0] == '#')
			continue;
		if (read_line(format, &line, words, &met, err) != DESCRY_OK)
			return err->status;
	}
	return words_complete(format, &met, err);
}
