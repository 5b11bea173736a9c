/*
 * The code breakpoints of a user, those of a debugger, the addresses that injections wait
 * for, and the sorted list of all that the CPU is given. Private to monitor.
 */
#ifndef DESCRY_BREAKPOINTS_H
#define DESCRY_BREAKPOINTS_H

#include "schedule.h"

struct breakpoints {
	struct descry_breakpoint *list; /* ascending by number */
	uint64_t *points;               /* of a debugger; one address may be there several times */
	uint64_t *addresses;            /* where the CPU leaves, ascending */
	uint64_t target;                /* of the run that goes on */
	bool has_target;
	uint64_t awaited[DESCRY_INJECTIONS]; /* these stop nobody */
	size_t count, point_count, awaited_count, address_count;
	size_t room, point_room, address_room;
	int last_number;
};

/* Room for the target, so that setting it cannot fail. False: no memory. */
DESCRY_MUST_CHECK bool breakpoints_init(struct breakpoints *breakpoints);

/* Where one run ends: no breakpoint, has no number and is in no list. */
void breakpoints_set_target(struct breakpoints *breakpoints, uint64_t linear);
void breakpoints_clear_target(struct breakpoints *breakpoints);

/* The addresses of the schedule, which have changed. */
void breakpoints_await(struct breakpoints *breakpoints, const struct schedule *schedule);

/* Does the guest stop at an address, whoever asked for it? */
bool breakpoints_stop_at(struct breakpoints *breakpoints, uint64_t linear);

/* A user's at an address; NULL: there is none. */
struct descry_breakpoint *breakpoints_at(struct breakpoints *breakpoints, uint64_t linear);
void breakpoints_free(struct breakpoints *breakpoints);

#endif
