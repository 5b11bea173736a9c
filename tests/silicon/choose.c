#include "snippet.h"

#include <stddef.h>

uint32_t
choose_value(struct random *random)
{
	static const uint32_t interesting[] = {
		0,          1,          2,          3,      7,      8,          0x0f,   0x10,
		0x1f,       0x20,       0x7f,       0x80,   0x81,   0xff,       0x100,  0x7fff,
		0x8000,     0xffff,     0x10000,    0x99,   0x9a,   0xfffffffe, 0x0a0a, 0x7fffffff,
		0x80000000, 0x80000001, 0xffffffff, 0x8080, 0x00ff, 0xff00,     0xff80, 0xffff8000,
	};
	const uint32_t any = random_bits(random);

	switch (random_below(random, 6)) {
	case 0:
		return interesting[random_below(random,
						sizeof(interesting) / sizeof(*interesting))];
	case 1:
		return any & 0xffu;
	case 2: /* the low part interesting, the rest noise */
		return (any & 0xffff0000u) |
		       (interesting[random_below(random,
						 sizeof(interesting) / sizeof(*interesting))] &
			0xffffu);
	default:
		return any;
	}
}

static uint32_t
inside(struct random *r, const struct slot *slot, unsigned bytes)
{
	const uint32_t room = slot->last - slot->first;

	return slot->first + (room < bytes ? 0 : random_between(r, 0, room - bytes + 1));
}

static uint32_t
at_an_edge(struct random *r, const struct slot *slot, unsigned bytes)
{
	const uint32_t near = random_between(r, 0, bytes + 3);

	return random_chance(r, 650) ? slot->last + 3 - near : slot->first + 1 - near;
}

uint32_t
choose_offset(const struct snippet *snippet, unsigned slot, unsigned bytes, bool aligned)
{
	struct random *r = snippet->random;
	const struct slot *target = slot == SLOT_NONE ? NULL : &snippet->segments->slot[slot];
	const uint32_t kind = random_below(r, 100);
	uint32_t offset;

	if (!target || kind >= 98)
		offset = choose_value(r);
	else
		offset = kind < 86 ? inside(r, target, bytes) : at_an_edge(r, target, bytes);
	if (aligned && target)
		offset -= (target->descriptor.base + offset) & (bytes - 1);
	return offset;
}

uint16_t
choose_selector(const struct snippet *snippet, unsigned use)
{
	/* Entries of the global table are the system's; only what lies beyond them is known. */
	enum { SYSTEM_ENTRIES = 16 };
	struct random *r = snippet->random;
	const uint32_t kind = random_below(r, 100);

	if (kind < 60)
		return slot_selector(segments_pick(snippet->segments, use, r));
	if (kind < 80) /* any slot, any RPL */
		return (uint16_t)(random_below(r, SLOT_COUNT) << 3 | 4u | random_below(r, 4));
	if (kind < 90)
		return (uint16_t)random_below(r, 4);
	if (kind < 95) /* beyond the local table */
		return (uint16_t)(random_between(r, SLOT_COUNT, 0x1fff) << 3 | 4u |
				  random_below(r, 4));
	return (uint16_t)(random_between(r, SYSTEM_ENTRIES, 0x1fff) << 3 | random_below(r, 4));
}

uint32_t
choose_landing(const struct snippet *snippet, unsigned slot)
{
	struct random *r = snippet->random;
	const struct slot *target = &snippet->segments->slot[slot];
	const uint32_t own = ARENA_BASE + snippet->test.code_at;
	uint32_t offset = random_between(r, target->first, target->last);

	if (random_chance(r, 60))
		return choose_value(r);
	if (random_chance(r, 100))
		return target->last - 2 + random_below(r, 5);
	if (target->descriptor.base + offset - own < SNIPPET_MAX)
		offset = offset >= target->first + SNIPPET_MAX ? offset - SNIPPET_MAX
							       : offset + SNIPPET_MAX;
	return offset;
}
