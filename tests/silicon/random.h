/*
 * The random numbers of the generator and of the arena's filling: splitmix64, the same on
 * both sides, so that a case is known by its seed and number alone.
 */
#ifndef SILICON_RANDOM_H
#define SILICON_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t
random_next(struct random *r)
{
	uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint32_t
random_bits(struct random *r)
{
	return (uint32_t)(random_next(r) >> 32);
}

/* 0 .. bound-1 */
static inline uint32_t
random_below(struct random *r, uint32_t bound)
{
	return (uint32_t)(((uint64_t)random_bits(r) * bound) >> 32);
}

/* first .. last */
static inline uint32_t
random_between(struct random *r, uint32_t first, uint32_t last)
{
	const uint64_t span = (uint64_t)last - first + 1;

	return first + (uint32_t)(((uint64_t)random_bits(r) * span) >> 32);
}

/* True in so many of a thousand cases. */
static inline bool
random_chance(struct random *r, uint32_t per_mille)
{
	return random_below(r, 1000) < per_mille;
}

#endif
