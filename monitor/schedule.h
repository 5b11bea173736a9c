/*
 * When injections come. Values in, values out: it knows counts and addresses, and neither a
 * CPU nor a world. Plain data, so that a snapshot holds it as it is. Private to monitor.
 */
#ifndef DESCRY_MONITOR_SCHEDULE_H
#define DESCRY_MONITOR_SCHEDULE_H

#include <descry/schedule.h>

/* For the text of a stop. */
struct schedule_past {
	int last; /* what came last; 0: nothing has */
	enum descry_injection_kind kind;
	uint64_t retired;
	int waiting[DESCRY_INJECT_KIND_COUNT]; /* which one has asked for what waits; 0: none */
};

struct schedule {
	struct descry_injection list[DESCRY_INJECTIONS]; /* ascending by number */
	size_t count;
	int last_number;
	struct schedule_past past;
};

/* False: there is no room. The injection is as added at this count. */
DESCRY_MUST_CHECK bool schedule_add(struct schedule *schedule,
				    const struct descry_injection *injection, uint64_t retired);
DESCRY_MUST_CHECK bool schedule_delete(struct schedule *schedule, int number);
const struct descry_injection *schedule_find(const struct schedule *schedule, int number);

/* The count at which the next one comes that is known; DESCRY_NEVER. */
uint64_t schedule_deadline(const struct schedule *schedule);

/* The next that is due at this count: it has come now. NULL: none is left. */
const struct descry_injection *schedule_take(struct schedule *schedule, uint64_t retired);

/* --- addresses ------------------------------------------------------------------------ */

/* Those that are still waited for; how many. */
size_t schedule_addresses(const struct schedule *schedule, uint64_t out[DESCRY_INJECTIONS]);

/* Would a hit at this boundary count? It does once. */
bool schedule_awaits(const struct schedule *schedule, uint64_t retired, uint64_t linear);

/* The CPU is about to execute what is there: whoever has waited for this hit is due. */
void schedule_arrive(struct schedule *schedule, uint64_t retired, uint64_t linear);

/* --- back in time --------------------------------------------------------------------- */

/* Everything that is in the list begins at count 0. */
void schedule_restart(struct schedule *schedule);

/*
 * The list stays as it is, each where it was when saved was. One that was added later is
 * where it would be had it been there.
 */
void schedule_restore(struct schedule *schedule, const struct schedule *saved, uint64_t retired);

#endif
