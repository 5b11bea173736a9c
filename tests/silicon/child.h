/*
 * The helper process: started, fed with batches, and started again after it dies.
 */
#ifndef SILICON_CHILD_H
#define SILICON_CHILD_H

#include "protocol.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct child {
	const char *path;
	bool unsupported; /* it did not start, and this system is why: nothing has failed */
	pid_t pid;
	FILE *to, *from;
};

/* NULL when the helper is ready; otherwise why it is not. */
const char *child_start(struct child *child, const char *path);

/* False when the helper died over it; it has then been waited for. */
bool child_run(struct child *child, const struct batch *batch, const struct test_case *cases,
	       struct test_result *results);

/* Returns its status, as waitpid(2) gives it. */
int child_stop(struct child *child);

#endif
