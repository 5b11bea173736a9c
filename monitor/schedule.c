#include "schedule.h"

/* --- one injection -------------------------------------------------------------------- */

/* splitmix64, of Guy Steele and others. */
static uint64_t
draw(uint64_t *random)
{
	uint64_t mixed = *random += 0x9e3779b97f4a7c15u;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
	return mixed ^ mixed >> 31;
}

/* From 1 to 2 * mean - 1, each as likely as the others. */
static uint64_t
random_distance(struct descry_injection *injection)
{
	return 1 + draw(&injection->random) % (2 * injection->when.count - 1);
}

static uint64_t
later(uint64_t count, uint64_t distance)
{
	return distance < DESCRY_NEVER - count ? count + distance : DESCRY_NEVER;
}

/* The next time behind one at which it has come. */
static uint64_t
next_of(struct descry_injection *injection)
{
	switch (injection->when.kind) {
	case DESCRY_WHEN_COUNT:
	case DESCRY_WHEN_ADDRESS:
		break;
	case DESCRY_WHEN_EVERY:
		return later(injection->next, injection->when.count);
	case DESCRY_WHEN_RANDOM:
		return later(injection->next, random_distance(injection));
	}
	return DESCRY_NEVER;
}

/* The first time at or behind a count. */
static uint64_t
first_of(struct descry_injection *injection, uint64_t from)
{
	const uint64_t count = injection->when.count;

	switch (injection->when.kind) {
	case DESCRY_WHEN_COUNT:
		return count >= from ? count : DESCRY_NEVER;
	case DESCRY_WHEN_ADDRESS:
		break;
	case DESCRY_WHEN_EVERY:
		return later(from - from % count, count);
	case DESCRY_WHEN_RANDOM:
		injection->next = injection->since;
		do
			injection->next = next_of(injection);
		while (injection->next <= from);
		return injection->next;
	}
	return DESCRY_NEVER;
}

/* Nothing of it has come; the guest is at this count. */
static void
begin(struct descry_injection *injection, uint64_t retired)
{
	injection->fired = 0;
	injection->hits = 0;
	injection->hit_at = DESCRY_NEVER;
	injection->random = injection->when.seed;
	injection->next =
		first_of(injection, retired > injection->since ? retired : injection->since);
}

/* --- the list ------------------------------------------------------------------------- */

bool
schedule_add(struct schedule *schedule, const struct descry_injection *injection, uint64_t retired)
{
	struct descry_injection *added = &schedule->list[schedule->count];

	if (schedule->count == DESCRY_INJECTIONS)
		return false;
	*added = *injection;
	added->number = ++schedule->last_number;
	added->since = retired;
	begin(added, retired);
	schedule->count++;
	return true;
}

bool
schedule_delete(struct schedule *schedule, int number)
{
	size_t i = 0;

	while (i < schedule->count && schedule->list[i].number != number)
		i++;
	if (i == schedule->count)
		return false;
	for (schedule->count--; i < schedule->count; i++)
		schedule->list[i] = schedule->list[i + 1];
	return true;
}

const struct descry_injection *
schedule_find(const struct schedule *schedule, int number)
{
	for (size_t i = 0; i < schedule->count; i++)
		if (schedule->list[i].number == number)
			return &schedule->list[i];
	return NULL;
}

uint64_t
schedule_deadline(const struct schedule *schedule)
{
	uint64_t deadline = DESCRY_NEVER;

	for (size_t i = 0; i < schedule->count; i++)
		if (schedule->list[i].next < deadline)
			deadline = schedule->list[i].next;
	return deadline;
}

static void
remember(struct schedule *schedule, const struct descry_injection *injection, uint64_t retired)
{
	schedule->past.last = injection->number;
	schedule->past.kind = injection->kind;
	schedule->past.retired = retired;
	schedule->past.waiting[injection->kind] = injection->number;
}

const struct descry_injection *
schedule_take(struct schedule *schedule, uint64_t retired)
{
	for (size_t i = 0; i < schedule->count; i++) {
		struct descry_injection *injection = &schedule->list[i];

		if (injection->next > retired)
			continue;
		injection->fired++;
		injection->next = next_of(injection);
		remember(schedule, injection, retired);
		return injection;
	}
	return NULL;
}

/* --- addresses ------------------------------------------------------------------------ */

static bool
is_awaited(const struct descry_injection *injection)
{
	return injection->when.kind == DESCRY_WHEN_ADDRESS &&
	       injection->hits < injection->when.count;
}

static bool
counts(const struct descry_injection *injection, uint64_t retired, uint64_t linear)
{
	return is_awaited(injection) && injection->when.linear == linear &&
	       injection->hit_at != retired && retired >= injection->since;
}

size_t
schedule_addresses(const struct schedule *schedule, uint64_t out[DESCRY_INJECTIONS])
{
	size_t count = 0;

	for (size_t i = 0; i < schedule->count; i++)
		if (is_awaited(&schedule->list[i]))
			out[count++] = schedule->list[i].when.linear;
	return count;
}

bool
schedule_awaits(const struct schedule *schedule, uint64_t retired, uint64_t linear)
{
	for (size_t i = 0; i < schedule->count; i++)
		if (counts(&schedule->list[i], retired, linear))
			return true;
	return false;
}

void
schedule_arrive(struct schedule *schedule, uint64_t retired, uint64_t linear)
{
	for (size_t i = 0; i < schedule->count; i++) {
		struct descry_injection *injection = &schedule->list[i];

		if (!counts(injection, retired, linear))
			continue;
		injection->hit_at = retired;
		if (++injection->hits == injection->when.count)
			injection->next = retired;
	}
}

/* --- back in time --------------------------------------------------------------------- */

void
schedule_restart(struct schedule *schedule)
{
	schedule->past = (struct schedule_past){ 0 };
	for (size_t i = 0; i < schedule->count; i++) {
		schedule->list[i].since = 0;
		begin(&schedule->list[i], 0);
	}
}

void
schedule_restore(struct schedule *schedule, const struct schedule *saved, uint64_t retired)
{
	schedule->past = saved->past;
	for (size_t i = 0; i < schedule->count; i++) {
		struct descry_injection *injection = &schedule->list[i];
		const struct descry_injection *then = schedule_find(saved, injection->number);

		if (then)
			*injection = *then;
		else
			begin(injection, retired);
	}
}
