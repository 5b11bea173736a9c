#include "expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- parsing -------------------------------------------------------------------------- */

static bool
find_outcome(const char *text, size_t size, enum descry_outcome *out)
{
	for (unsigned outcome = 0; outcome < DESCRY_OUTCOME_COUNT; outcome++) {
		const char *name = descry_outcome_text(outcome);

		if (strlen(name) == size && memcmp(name, text, size) == 0) {
			*out = outcome;
			return true;
		}
	}
	return false;
}

static enum descry_status
unknown_outcome(const char *text, struct descry_error *err)
{
	char list[120] = "";
	size_t used = 0;

	for (unsigned i = 0; i < DESCRY_OUTCOME_COUNT && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 i > 0 ? ", " : "", descry_outcome_text(i));
	return descry_fail(err, DESCRY_BAD_ARGUMENT,
			   "--expect %.60s: give OUTCOME:STRATEGY, where OUTCOME is one of %s",
			   text, list);
}

/* Does a row of this strategy have to be as expected? */
static bool
is_about(const struct expectation *expectation, const struct descry_strategy *strategy)
{
	char text[DESCRY_STRATEGY_TEXT];

	return strcmp(expectation->strategy, strategy->name) == 0 ||
	       strcmp(expectation->strategy, descry_strategy_text(strategy, text)) == 0;
}

/* "same:vmx" */
static enum descry_status
parse_one(const char *text, const struct descry_strategy *only, struct expectation *out,
	  struct descry_error *err)
{
	const char *colon = strchr(text, ':');
	const struct descry_strategy *found;
	struct descry_error why;
	char name[DESCRY_STRATEGY_TEXT];

	if (colon == NULL || !find_outcome(text, (size_t)(colon - text), &out->outcome))
		return unknown_outcome(text, err);
	if (descry_strategy_find(colon + 1, &found, &why) != DESCRY_OK)
		return descry_fail(err, DESCRY_BAD_ARGUMENT, "--expect %.40s: %.300s", text,
				   why.text);
	*out = (struct expectation){ .outcome = out->outcome };
	snprintf(out->strategy, sizeof(out->strategy), "%s", colon + 1);
	if (only != NULL && !is_about(out, only))
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "--expect %.60s: only %s is compared, as -w says", text,
				   descry_strategy_text(only, name));
	return DESCRY_OK;
}

static struct expectation *
next_room(struct expectations *expectations)
{
	if (expectations->count == expectations->room) {
		const size_t room = expectations->room * 2 + 8;
		struct expectation *list =
			realloc(expectations->list, room * sizeof(*expectations->list));

		if (list == NULL)
			return NULL;
		expectations->list = list;
		expectations->room = room;
	}
	return &expectations->list[expectations->count];
}

enum descry_status
expect_parse(struct expectations *expectations, const char *text,
	     const struct descry_strategy *only, struct descry_error *err)
{
	char *copy = strdup(text), *rest = copy;
	enum descry_status status = DESCRY_OK;

	while (rest != NULL && status == DESCRY_OK) {
		struct expectation *next = next_room(expectations);
		char *comma = strchr(rest, ',');

		if (comma != NULL)
			*comma++ = '\0';
		status = next == NULL ? descry_fail(err, DESCRY_NO_MEMORY, "out of memory")
				      : parse_one(rest, only, next, err);
		if (status == DESCRY_OK)
			expectations->count++;
		rest = comma;
	}
	if (copy == NULL)
		status = descry_fail(err, DESCRY_NO_MEMORY, "out of memory");
	free(copy);
	return status;
}

void
expect_free(struct expectations *expectations)
{
	free(expectations->list);
	*expectations = (struct expectations){ 0 };
}

/* --- checking ------------------------------------------------------------------------- */

static void
fail_at(struct expectation *expectation, const struct descry_compare *compare,
	const struct descry_compare_row *row)
{
	char strategy[DESCRY_STRATEGY_TEXT], far[DESCRY_FAR_TEXT];

	if (expectation->failed++ > 0)
		return;
	snprintf(expectation->first, sizeof(expectation->first),
		 "%s is %s at %s%s%s, after %llu instructions",
		 descry_strategy_text(row->strategy, strategy), descry_outcome_text(row->outcome),
		 descry_far_text(compare->cs, compare->ip, far), compare->where[0] ? " " : "",
		 compare->where, (unsigned long long)compare->retired);
}

void
expect_check(struct expectations *expectations, const struct descry_compare *compare)
{
	for (size_t i = 0; i < expectations->count; i++) {
		struct expectation *expectation = &expectations->list[i];

		for (size_t k = 0; k < compare->row_count; k++) {
			const struct descry_compare_row *row = &compare->row[k];

			if (is_about(expectation, row->strategy) &&
			    row->outcome != expectation->outcome)
				fail_at(expectation, compare, row);
		}
	}
}

bool
expect_tell(const struct expectations *expectations, struct terminal *terminal)
{
	bool all = true;

	for (size_t i = 0; i < expectations->count; i++) {
		const struct expectation *expectation = &expectations->list[i];
		char line[360], more[40] = "";

		if (expectation->failed == 0)
			continue;
		if (expectation->failed > 1)
			snprintf(more, sizeof(more), " (and %zu more)", expectation->failed - 1);
		snprintf(line, sizeof(line), "expected %s:%s, and %s%s",
			 descry_outcome_text(expectation->outcome), expectation->strategy,
			 expectation->first, more);
		terminal_error(terminal, line);
		all = false;
	}
	return all;
}
