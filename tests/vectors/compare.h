/*
 * Compares the machine with what a test expects, and says every difference in one line.
 */
#ifndef SST_COMPARE_H
#define SST_COMPARE_H

#include "machine.h"

struct mismatch {
	char text[320]; /* empty: all is as expected */
	size_t used;
};

/*
 * Registers, caches, ports and memory after a test, down to this: nothing else has been written.
 * Clears the bytes of memory that it has looked at.
 */
void compare(struct machine *machine, const struct test *test, const struct descry_exit *end,
	     struct mismatch *out);

#endif
