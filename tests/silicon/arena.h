/*
 * The memory under a snippet, before and after: one definition for the CPU under us and
 * for the model, so that a difference in a result is a difference of the two.
 */
#ifndef SILICON_ARENA_H
#define SILICON_ARENA_H

#include "protocol.h"

struct arena {
	uint8_t base[ARENA_SIZE];   /* as every case of a batch finds it */
	uint8_t before[ARENA_SIZE]; /* and with this case's code and pokes */
	uint8_t *live;              /* ARENA_SIZE bytes that the snippet runs on */
};

/* For a new batch: INT3 in the code pages, noise in the data pages. */
void arena_fill(struct arena *arena, uint32_t seed);

/* Lays out the memory of one case. */
void arena_prepare(struct arena *arena, const struct test_case *test);

/* What the snippet has changed, but for what the case leaves out. */
void arena_collect(const struct arena *arena, const struct test_case *test,
		   struct test_result *result);

#endif
