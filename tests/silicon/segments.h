/*
 * The local descriptor table of a batch: every kind of segment that a program at CPL 3 can
 * own, with random bases and limits, placed so that what they let through lies in the
 * arena.
 */
#ifndef SILICON_SEGMENTS_H
#define SILICON_SEGMENTS_H

#include "protocol.h"
#include "random.h"

/* How a program may use a slot to begin with. */
#define USE_CODE 0x1u
#define USE_STACK 0x2u
#define USE_DATA 0x4u

struct slot {
	struct slot_descriptor descriptor;
	unsigned use;
	uint32_t first, last; /* offsets that are within the limit and within the arena */
};

struct segments {
	struct slot slot[SLOT_COUNT];
};

void segments_choose(struct segments *segments, struct random *r);

/* A random slot that may be used so. */
unsigned segments_pick(const struct segments *segments, unsigned use, struct random *r);

static inline uint16_t
slot_selector(unsigned index)
{
	return (uint16_t)(index << 3 | 7u);
}

/* The eight bytes as they lie in the table. */
uint64_t slot_raw(const struct slot_descriptor *descriptor);

#endif
