#include "command/argument.h"
#include "command/command_table.h"
#include "command/session.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The words that a place in the line may hold, offered one by one. */
struct offer {
	descry_completion_fn *add;
	void *owner;
	const char *prefix; /* what stands there already */
	size_t size;
};

static void
offer_word(const struct offer *offer, const char *word)
{
	if (strncmp(word, offer->prefix, offer->size) == 0)
		offer->add(offer->owner, word);
}

/* --- what each type of argument may be ------------------------------------------------ */

static void
offer_commands(const struct offer *offer)
{
	const struct command *row;

	for (size_t i = 0; (row = command_at(i)) != NULL; i++)
		offer_word(offer, row->name);
}

static void
offer_segments(const struct offer *offer)
{
	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++)
		offer_word(offer, descry_sreg_name((enum descry_sreg)i));
}

static void
offer_symbols(const struct offer *offer, struct descry_monitor *monitor)
{
	const char *name;

	for (size_t i = 0; (name = descry_monitor_symbol_name(monitor, i)) != NULL; i++)
		offer_word(offer, name);
}

static void
offer_spaces(const struct offer *offer)
{
	char word[16];

	for (unsigned i = 0; i < DESCRY_DATA_SREG_COUNT; i++) {
		snprintf(word, sizeof(word), "%s:", descry_sreg_name((enum descry_sreg)i));
		offer_word(offer, word);
	}
	offer_word(offer, "phys:");
	offer_word(offer, "linear:");
}

static void
offer_fields(const struct offer *offer, const char *sreg_and_view)
{
	enum descry_sreg sreg;
	enum segment_view view;
	enum segment_field field;
	char path[40];

	for (unsigned i = 0; i < FIELD_COUNT; i++) {
		const int size = snprintf(path, sizeof(path), "%s.%s", sreg_and_view,
					  field_name((enum segment_field)i));

		if (segment_path(path, (size_t)size, &sreg, &view, &field))
			offer_word(offer, path);
	}
}

static void
offer_values(const struct offer *offer, struct descry_monitor *monitor)
{
	static const char *const views[] = { "", ".table", ".reload" };
	const struct register_name *reg;
	char path[24];

	for (size_t i = 0; (reg = register_at(i)) != NULL; i++)
		offer_word(offer, reg->name);
	offer_segments(offer);
	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++) {
		for (unsigned view = 0; view < sizeof(views) / sizeof(views[0]); view++) {
			snprintf(path, sizeof(path), "%s%s", descry_sreg_name((enum descry_sreg)i),
				 views[view]);
			offer_fields(offer, path);
		}
	}
	offer_symbols(offer, monitor);
}

/* A row's own list: it may offer everything, what does not fit is dropped here. */
static void
offer_if_fitting(void *owner, const char *candidate)
{
	offer_word(owner, candidate);
}

/* --- the place in the line ------------------------------------------------------------ */

static enum descry_completion
offer_argument(struct offer *offer, struct descry_session *session, const char *line,
	       const struct argument_spec *spec)
{
	switch (spec->type) {
	case ARG_FILE:
		return DESCRY_COMPLETE_FILES;
	case ARG_SEGMENT:
		offer_segments(offer);
		break;
	case ARG_CHOICE:
		for (unsigned i = 0; spec->choices[i] != NULL; i++)
			offer_word(offer, spec->choices[i]);
		break;
	case ARG_ADDRESS:
		offer_spaces(offer);
		offer_symbols(offer, session->monitor);
		break;
	case ARG_NUMBER:
		if (spec->candidates != NULL)
			spec->candidates(session, line, offer_if_fitting, offer);
		else
			offer_values(offer, session->monitor);
		break;
	case ARG_PLACE:
	case ARG_EXPRESSION:
		offer_values(offer, session->monitor);
		break;
	case ARG_WORD:
	case ARG_TEXT:
		if (spec->candidates != NULL)
			spec->candidates(session, line, offer_if_fitting, offer);
		break;
	case ARG_NONE:
		break;
	}
	return DESCRY_COMPLETE_WORDS;
}

/* Which argument the last word is, counted from 0, given the words before it. */
static const struct argument_spec *
argument_at(const struct command *command, unsigned given)
{
	static const struct argument_spec none = { .type = ARG_NONE };

	for (unsigned i = 0; i < COMMAND_ARGUMENTS; i++) {
		const struct argument_spec *spec = &command->arguments[i];

		if (spec->type == ARG_NONE)
			break;
		if (i == given || spec->repeated || argument_takes_rest(command, i))
			return spec;
	}
	return &none;
}

static unsigned
count_words(const char *text, size_t size)
{
	unsigned count = 0;

	for (size_t i = 0; i < size; i++) {
		const bool blank = isspace((unsigned char)text[i]);
		const bool begins = i == 0 || isspace((unsigned char)text[i - 1]);

		if (!blank && begins)
			count++;
	}
	return count;
}

enum descry_completion
descry_command_complete(struct descry_session *session, const char *line, descry_completion_fn *add,
			void *owner)
{
	struct offer offer = { .add = add, .owner = owner };
	struct descry_error err;
	const struct command *command;
	char word[40] = "";
	unsigned before;
	size_t start;

	line += strspn(line, " \t");
	start = strlen(line);
	while (start > 0 && !strchr(DESCRY_COMPLETION_BREAKS, line[start - 1]))
		start--;
	offer.prefix = line + start;
	offer.size = strlen(offer.prefix);
	if (start == 0) {
		offer_commands(&offer);
		return DESCRY_COMPLETE_WORDS;
	}
	sscanf(line, "%39[^/ \t]", word);
	command = command_find(word, &err);
	if (command == NULL)
		return DESCRY_COMPLETE_WORDS;

	/* The word itself has begun when something other than a blank stands before the cursor. */
	before = count_words(line, strlen(line)) - !isspace((unsigned char)line[strlen(line) - 1]);

	return offer_argument(&offer, session, line, argument_at(command, before - 1));
}
