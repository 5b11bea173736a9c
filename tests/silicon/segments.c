#include "segments.h"

#include <assert.h>
#include <string.h>

/* Where a segment lies. Every function fills base, limit, and the offsets of the window. */
typedef void place_fn(struct slot *slot, struct random *r);

static void
place_all_code(struct slot *slot, struct random *r)
{
	(void)r;
	slot->descriptor.base = ARENA_BASE;
	slot->descriptor.limit = slot->descriptor.pages ? 1 : ARENA_CODE_SIZE - 1;
	slot->first = 0;
	slot->last = ARENA_CODE_SIZE - 1;
}

/* So that offset FFFFh is the last byte of code. */
static void
place_top_code(struct slot *slot, struct random *r)
{
	(void)r;
	slot->descriptor.base = ARENA_DATA - 0x10000u;
	slot->descriptor.limit = 0xffff;
	slot->first = 0x10000u - ARENA_CODE_SIZE;
	slot->last = 0xffff;
}

static void
place_part_of_code(struct slot *slot, struct random *r)
{
	const uint32_t skip = random_below(r, 0x1000);

	slot->descriptor.base = ARENA_BASE + skip;
	slot->descriptor.limit = random_between(r, 0x100, ARENA_CODE_SIZE - 1 - skip);
	slot->first = 0;
	slot->last = slot->descriptor.limit;
}

/* Expand-up, a limit in bytes. */
static void
place_up(struct slot *slot, struct random *r)
{
	const uint32_t skip = random_below(r, 0x1000);

	slot->descriptor.base = ARENA_DATA + skip;
	slot->descriptor.limit = random_between(r, 0x40, ARENA_SIZE - ARENA_CODE_SIZE - 1 - skip);
	slot->first = 0;
	slot->last = slot->descriptor.limit;
}

static void
place_small(struct slot *slot, struct random *r)
{
	slot->descriptor.base = ARENA_DATA + random_below(r, 0x4000);
	slot->descriptor.limit = random_below(r, 0x20);
	slot->first = 0;
	slot->last = slot->descriptor.limit;
}

/* Expand-up, a limit in pages. */
static void
place_up_pages(struct slot *slot, struct random *r)
{
	slot->descriptor.base = ARENA_DATA + random_below(r, 0x1000);
	slot->descriptor.limit = random_below(r, 4);
	slot->first = 0;
	slot->last = slot->descriptor.limit << 12 | 0xfffu;
}

/* Expand-down below FFFFh: valid from limit+1 to FFFFh. */
static void
place_down_16(struct slot *slot, struct random *r)
{
	slot->descriptor.base = ARENA_END - 0x10000u;
	slot->descriptor.limit =
		random_between(r, 0xffff - (ARENA_SIZE - ARENA_CODE_SIZE), 0xffff - 0x40);
	slot->first = slot->descriptor.limit + 1;
	slot->last = 0xffff;
}

/* Expand-down below FFFFFFFFh, a limit in pages: the last few pages of the offsets. */
static void
place_down_32(struct slot *slot, struct random *r)
{
	const uint32_t pages = random_between(r, 1, (ARENA_SIZE - ARENA_CODE_SIZE) >> 12);

	slot->descriptor.base = ARENA_END;
	slot->descriptor.limit = 0xfffffu - pages;
	slot->first = 0u - (pages << 12);
	slot->last = 0xffffffffu;
}

/* The same with a limit in bytes: nearly all offsets are valid, few of them are ours. */
static void
place_down_wide(struct slot *slot, struct random *r)
{
	const uint32_t limit = random_below(r, 0x100000);

	slot->descriptor.base = ARENA_DATA - (limit + 1);
	slot->descriptor.limit = limit;
	slot->first = limit + 1;
	slot->last = limit + (ARENA_SIZE - ARENA_CODE_SIZE);
}

/* 64 KiB that end where the arena ends: 16-bit offsets reach their end. */
static void
place_top_64k(struct slot *slot, struct random *r)
{
	(void)r;
	slot->descriptor.base = ARENA_END - 0x10000u;
	slot->descriptor.limit = 0xffff;
	slot->first = 0x10000u - (ARENA_SIZE - ARENA_CODE_SIZE);
	slot->last = 0xffff;
}

/* No limit at all; the window is ours on either side of offset 0. */
static void
place_flat(struct slot *slot, struct random *r)
{
	(void)r;
	slot->descriptor.base = ARENA_DATA;
	slot->descriptor.limit = 0xfffff;
	slot->first = 0;
	slot->last = ARENA_SIZE - ARENA_CODE_SIZE - 1;
}

static void
place_empty(struct slot *slot, struct random *r)
{
	(void)r;
	memset(&slot->descriptor, 0, sizeof(slot->descriptor));
	slot->descriptor.empty = 1;
	slot->first = 0;
	slot->last = 0xff;
}

enum { B16 = 0, B32 = 1, BYTES = 0, PAGES = 1, ABSENT = 0, PRESENT = 1 };
enum {
	READ_ONLY = 1,
	READ_WRITE = TYPE_WRITABLE | 1,
	DOWN_READ_ONLY = TYPE_DOWN | 1,
	DOWN_READ_WRITE = TYPE_DOWN | TYPE_WRITABLE | 1,
	EXECUTE = TYPE_CODE | 1,
	EXECUTE_READ = TYPE_CODE | TYPE_WRITABLE | 1,
};

/* clang-format off */
static const struct kind {
	place_fn *place;
	uint8_t type;
	uint8_t present;
	uint8_t big;
	uint8_t pages;
	unsigned use;
} kinds[SLOT_COUNT] = {
	{ place_all_code,     EXECUTE_READ,    PRESENT, B32, BYTES, USE_CODE | USE_DATA },
	{ place_all_code,     EXECUTE_READ,    PRESENT, B32, PAGES, USE_CODE | USE_DATA },
	{ place_all_code,     EXECUTE_READ,    PRESENT, B16, BYTES, USE_CODE | USE_DATA },
	{ place_all_code,     EXECUTE,         PRESENT, B32, BYTES, USE_CODE },
	{ place_all_code,     EXECUTE,         PRESENT, B16, PAGES, USE_CODE },
	{ place_top_code,     EXECUTE_READ,    PRESENT, B16, BYTES, USE_CODE | USE_DATA },
	{ place_part_of_code, EXECUTE_READ,    PRESENT, B16, BYTES, USE_CODE | USE_DATA },
	{ place_part_of_code, EXECUTE_READ,    PRESENT, B32, BYTES, USE_CODE | USE_DATA },
	{ place_all_code,     EXECUTE_READ,    ABSENT,  B32, BYTES, 0 },
	{ place_up,           READ_WRITE,      PRESENT, B32, BYTES, USE_DATA | USE_STACK },
	{ place_up,           READ_WRITE,      PRESENT, B32, BYTES, USE_DATA | USE_STACK },
	{ place_up,           READ_WRITE,      PRESENT, B16, BYTES, USE_DATA | USE_STACK },
	{ place_up,           READ_WRITE,      PRESENT, B16, BYTES, USE_DATA | USE_STACK },
	{ place_up_pages,     READ_WRITE,      PRESENT, B32, PAGES, USE_DATA | USE_STACK },
	{ place_up_pages,     READ_WRITE,      PRESENT, B16, PAGES, USE_DATA | USE_STACK },
	{ place_small,        READ_WRITE,      PRESENT, B32, BYTES, USE_DATA | USE_STACK },
	{ place_small,        READ_WRITE,      PRESENT, B16, BYTES, USE_DATA },
	{ place_up,           READ_ONLY,       PRESENT, B32, BYTES, USE_DATA },
	{ place_up_pages,     READ_ONLY,       PRESENT, B16, PAGES, USE_DATA },
	{ place_up,           READ_WRITE,      ABSENT,  B32, BYTES, 0 },
	{ place_down_16,      READ_WRITE,      ABSENT,  B16, BYTES, 0 },
	{ place_down_16,      DOWN_READ_WRITE, PRESENT, B16, BYTES, USE_DATA | USE_STACK },
	{ place_down_16,      DOWN_READ_WRITE, PRESENT, B16, BYTES, USE_DATA | USE_STACK },
	{ place_down_16,      DOWN_READ_ONLY,  PRESENT, B16, BYTES, USE_DATA },
	{ place_down_32,      DOWN_READ_WRITE, PRESENT, B32, PAGES, USE_DATA | USE_STACK },
	{ place_down_32,      DOWN_READ_ONLY,  PRESENT, B32, PAGES, USE_DATA },
	{ place_down_wide,    DOWN_READ_WRITE, PRESENT, B32, BYTES, USE_DATA | USE_STACK },
	{ place_top_64k,      READ_WRITE,      PRESENT, B16, BYTES, USE_DATA | USE_STACK },
	{ place_top_64k,      READ_WRITE,      PRESENT, B32, BYTES, USE_DATA | USE_STACK },
	{ place_flat,         READ_WRITE,      PRESENT, B32, PAGES, USE_DATA },
	{ place_flat,         READ_WRITE,      PRESENT, B16, PAGES, USE_DATA },
	{ place_empty,        0,               ABSENT,  B16, BYTES, 0 },
};
/* clang-format on */

void
segments_choose(struct segments *segments, struct random *r)
{
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		const struct kind *kind = &kinds[i];
		struct slot *slot = &segments->slot[i];

		slot->descriptor = (struct slot_descriptor){
			.type = kind->type,
			.present = kind->present,
			.big = kind->big,
			.pages = kind->pages,
			.avl = random_bits(r) & 1u,
		};
		slot->use = kind->use;
		kind->place(slot, r);
	}
}

unsigned
segments_pick(const struct segments *segments, unsigned use, struct random *r)
{
	unsigned index;

	assert(use == USE_CODE || use == USE_STACK || use == USE_DATA);
	do
		index = random_below(r, SLOT_COUNT);
	while (!(segments->slot[index].use & use));
	return index;
}

/* SDM vol. 3, Segment Descriptors. DPL is always 3 and S always 1: modify_ldt(2) knows no other. */
uint64_t
slot_raw(const struct slot_descriptor *descriptor)
{
	enum { CODE_OR_DATA_DPL_3 = 0x70 };
	uint32_t low, high;

	if (descriptor->empty)
		return 0;
	low = (descriptor->limit & 0xffffu) | descriptor->base << 16;
	high = (descriptor->base & 0xff000000u) | (uint32_t)descriptor->pages << 23 |
	       (uint32_t)descriptor->big << 22 | (uint32_t)descriptor->avl << 20 |
	       (descriptor->limit & 0xf0000u) | (uint32_t)descriptor->present << 15 |
	       (CODE_OR_DATA_DPL_3 | (uint32_t)descriptor->type) << 8 |
	       (descriptor->base >> 16 & 0xffu);
	return (uint64_t)high << 32 | low;
}
