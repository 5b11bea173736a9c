/*
 * Two runs of a guest from the same boundary, one with what a switch has left it and one
 * without the switch, a stretch at a time: until the difference heals, or shows.
 */
#ifndef DESCRY_WORLD_FOLLOW_H
#define DESCRY_WORLD_FOLLOW_H

#include "world/log.h"
#include "world/switch.h"

/* Where one of the two runs begins. */
struct follow_start {
	const struct descry_snapshot *at;
	struct descry_world *under; /* NULL: none */
	struct world_memory memory; /* of that world, then */
};

enum follow_which { FOLLOW_SWITCHED, FOLLOW_TRUTH, FOLLOW_SIDES };

struct follow_side {
	struct follow_start start;                    /* of the stretch */
	struct descry_segment seg[DESCRY_SREG_COUNT]; /* there */
	struct descry_snapshot *own;                  /* start.at, unless it is the caller's */
	struct follow_start next;                     /* of the next one; .at NULL: none yet */
	struct descry_snapshot *next_own;
	struct log log;
};

struct follow {
	struct probe *probe;
	struct follow_side side[FOLLOW_SIDES];
	unsigned mask;  /* accesses through these are compared */
	unsigned lost;  /* 1 << sreg: not yet as in the truth */
	uint64_t agree; /* up to this boundary the runs do the same */
	struct descry_follow *out;
};

/*
 * Follows both up to a boundary, and fills out. Both begin at the same count. The monitor is left
 * anywhere. IO_ERROR: the user has interrupted it.
 */
enum descry_status follow_run(struct probe *probe, const struct follow_start start[FOLLOW_SIDES],
			      uint64_t end, struct descry_follow *out);

/* To a boundary of the stretch. */
enum descry_status follow_go_to(struct follow *f, enum follow_which which, uint64_t retired);

/* Names the instruction that the CPU stands at. */
void follow_name_place(const struct probe *probe, struct descry_world_place *place);

/* --- follow_part.c -------------------------------------------------------------------- */

/*
 * The runs part at a boundary or before it: finds the instruction that does it, and fills what
 * it does, and what it should do.
 */
enum descry_status follow_part(struct follow *f, uint64_t part);

#endif
