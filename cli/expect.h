/*
 * --expect OUTCOME:STRATEGY[,...]: what a comparison has to come to, so that a build can hold
 * it.
 */
#ifndef DESCRY_CLI_EXPECT_H
#define DESCRY_CLI_EXPECT_H

#include "terminal.h"

#include <descry/world.h>

struct expectation {
	enum descry_outcome outcome;
	char strategy[DESCRY_STRATEGY_TEXT]; /* without a variant: each one of that name */
	size_t failed;                       /* rows that it does not hold for */
	char first[240];                     /* the first of them */
};

struct expectations {
	struct expectation *list;
	size_t count, room;
};

/* Adds those of one option. only: the strategy that is compared; NULL: all are. */
enum descry_status expect_parse(struct expectations *expectations, const char *text,
				const struct descry_strategy *only, struct descry_error *err);
void expect_free(struct expectations *expectations);

/* What has come of one boundary. */
void expect_check(struct expectations *expectations, const struct descry_compare *compare);

/* A line on standard error for each that does not hold. True: all do. */
bool expect_tell(const struct expectations *expectations, struct terminal *terminal);

#endif
