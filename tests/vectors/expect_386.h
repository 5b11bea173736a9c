/*
 * What a 386 does where it is known to differ from the 286 that the vectors were taken from.
 */
#ifndef SST_EXPECT_386_H
#define SST_EXPECT_386_H

#include "test.h"

enum skip_group {
	SKIP_NOTHING,
	SKIP_LONG,
	SKIP_STRING,
	SKIP_FPU,
	SKIP_LOCK,
	SKIP_SREG,
	SKIP_GROUP_COUNT
};

struct skip_text {
	const char *name, *reason;
};
extern const struct skip_text skip_texts[SKIP_GROUP_COUNT];

/*
 * Rewrites the expectation of a test that differs, by the 386's rules, or says under which
 * heading the test has to be left out. A test that does not differ is left as it is.
 */
enum skip_group expect_386(struct test *test);

#endif
