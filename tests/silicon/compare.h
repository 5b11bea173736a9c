/*
 * Two results of one case: what may differ, and how a difference is told.
 */
#ifndef SILICON_COMPARE_H
#define SILICON_COMPARE_H

#include "snippet.h"

#include <stdio.h>

/* Why a case is set aside though both sides have a result; NULL: it counts. */
const char *compare_set_aside(const struct snippet *snippet, const struct test_result *silicon,
			      const struct test_result *model);

bool compare_same(const struct snippet *snippet, const struct test_result *silicon,
		  const struct test_result *model);

/* One line: number, bytes, instructions, what went in, and where the results part. */
void compare_report(FILE *to, uint64_t number, const struct snippet *snippet,
		    const struct test_result *silicon, const struct test_result *model);

/* The case alone, for a helper that died or an outcome without a result. */
void compare_describe(FILE *to, uint64_t number, const struct snippet *snippet);

/* Does an instruction of the snippet have this mnemonic? */
bool compare_has_mnemonic(const struct snippet *snippet, const char *mnemonic);

#endif
