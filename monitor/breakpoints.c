#include "handle.h"

#include <stdlib.h>

static int
by_value(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static void
append(struct breakpoints *breakpoints, uint64_t linear)
{
	breakpoints->addresses[breakpoints->address_count++] = linear;
}

static void
rebuild_addresses(struct breakpoints *breakpoints)
{
	breakpoints->address_count = 0;
	for (size_t i = 0; i < breakpoints->count; i++)
		append(breakpoints, breakpoints->list[i].linear);
	for (size_t i = 0; i < breakpoints->point_count; i++)
		append(breakpoints, breakpoints->points[i]);
	for (size_t i = 0; i < breakpoints->awaited_count; i++)
		append(breakpoints, breakpoints->awaited[i]);
	if (breakpoints->has_target)
		append(breakpoints, breakpoints->target);
	if (breakpoints->address_count)
		qsort(breakpoints->addresses, breakpoints->address_count, sizeof(uint64_t),
		      by_value);
}

/* The array with room for count elements; NULL: no memory, and it is as before. */
static void *
with_room(void *array, size_t *room, size_t count, size_t size)
{
	const size_t wanted = *room * 2 < count ? count + 16 : *room * 2;
	void *larger;

	if (count <= *room)
		return array;
	larger = realloc(array, wanted * size);
	if (larger)
		*room = wanted;
	return larger;
}

/* For one more breakpoint or point, the target of a run, and whatever injections wait for. */
static bool
grow_addresses(struct breakpoints *breakpoints)
{
	const size_t count = breakpoints->count + breakpoints->point_count + 2 + DESCRY_INJECTIONS;
	uint64_t *addresses = with_room(breakpoints->addresses, &breakpoints->address_room, count,
					sizeof(*addresses));

	if (!addresses)
		return false;
	breakpoints->addresses = addresses;
	return true;
}

/* Room for one more of the user's. */
static bool
grow_list(struct breakpoints *breakpoints)
{
	struct descry_breakpoint *list = with_room(breakpoints->list, &breakpoints->room,
						   breakpoints->count + 1, sizeof(*list));

	if (!list)
		return false;
	breakpoints->list = list;
	return grow_addresses(breakpoints);
}

/* Room for one more of the debugger's. */
static bool
grow_points(struct breakpoints *breakpoints)
{
	uint64_t *points = with_room(breakpoints->points, &breakpoints->point_room,
				     breakpoints->point_count + 1, sizeof(*points));

	if (!points)
		return false;
	breakpoints->points = points;
	return grow_addresses(breakpoints);
}

static struct descry_breakpoint *
by_number(struct breakpoints *breakpoints, int number)
{
	for (size_t i = 0; i < breakpoints->count; i++)
		if (breakpoints->list[i].number == number)
			return &breakpoints->list[i];
	return NULL;
}

bool
breakpoints_init(struct breakpoints *breakpoints)
{
	return grow_addresses(breakpoints);
}

void
breakpoints_set_target(struct breakpoints *breakpoints, uint64_t linear)
{
	breakpoints->target = linear;
	breakpoints->has_target = true;
	rebuild_addresses(breakpoints);
}

void
breakpoints_clear_target(struct breakpoints *breakpoints)
{
	breakpoints->has_target = false;
	rebuild_addresses(breakpoints);
}

void
breakpoints_await(struct breakpoints *breakpoints, const struct schedule *schedule)
{
	breakpoints->awaited_count = schedule_addresses(schedule, breakpoints->awaited);
	rebuild_addresses(breakpoints);
}

static bool
is_point(const struct breakpoints *breakpoints, uint64_t linear)
{
	for (size_t i = 0; i < breakpoints->point_count; i++)
		if (breakpoints->points[i] == linear)
			return true;
	return false;
}

bool
breakpoints_stop_at(struct breakpoints *breakpoints, uint64_t linear)
{
	return (breakpoints->has_target && breakpoints->target == linear) ||
	       breakpoints_at(breakpoints, linear) || is_point(breakpoints, linear);
}

struct descry_breakpoint *
breakpoints_at(struct breakpoints *breakpoints, uint64_t linear)
{
	for (size_t i = 0; i < breakpoints->count; i++)
		if (breakpoints->list[i].linear == linear)
			return &breakpoints->list[i];
	return NULL;
}

void
breakpoints_free(struct breakpoints *breakpoints)
{
	free(breakpoints->list);
	free(breakpoints->points);
	free(breakpoints->addresses);
	*breakpoints = (struct breakpoints){ 0 };
}

int
descry_monitor_add_breakpoint(struct descry_monitor *monitor, uint64_t linear)
{
	struct breakpoints *breakpoints = &monitor->breakpoints;

	for (size_t i = 0; i < breakpoints->count; i++) {
		if (breakpoints->list[i].linear == linear)
			return breakpoints->list[i].number;
	}
	if (!grow_list(breakpoints))
		return 0;
	breakpoints->list[breakpoints->count++] = (struct descry_breakpoint){
		.number = ++breakpoints->last_number,
		.linear = linear,
	};
	rebuild_addresses(breakpoints);
	return breakpoints->last_number;
}

enum descry_status
descry_monitor_delete_breakpoint(struct descry_monitor *monitor, int number)
{
	struct breakpoints *breakpoints = &monitor->breakpoints;
	struct descry_breakpoint *breakpoint = by_number(breakpoints, number);

	if (!breakpoint)
		return DESCRY_NOT_FOUND;
	breakpoints->count--;
	for (; breakpoint < breakpoints->list + breakpoints->count; breakpoint++)
		breakpoint[0] = breakpoint[1];
	rebuild_addresses(breakpoints);
	return DESCRY_OK;
}

size_t
descry_monitor_breakpoints(const struct descry_monitor *monitor,
			   const struct descry_breakpoint **out)
{
	*out = monitor->breakpoints.list;
	return monitor->breakpoints.count;
}

enum descry_status
descry_monitor_hold_point(struct descry_monitor *monitor, uint64_t linear)
{
	struct breakpoints *breakpoints = &monitor->breakpoints;

	if (!grow_points(breakpoints))
		return DESCRY_NO_MEMORY;
	breakpoints->points[breakpoints->point_count++] = linear;
	rebuild_addresses(breakpoints);
	return DESCRY_OK;
}

enum descry_status
descry_monitor_release_point(struct descry_monitor *monitor, uint64_t linear)
{
	struct breakpoints *breakpoints = &monitor->breakpoints;

	for (size_t i = 0; i < breakpoints->point_count; i++) {
		if (breakpoints->points[i] != linear)
			continue;
		breakpoints->points[i] = breakpoints->points[--breakpoints->point_count];
		rebuild_addresses(breakpoints);
		return DESCRY_OK;
	}
	return DESCRY_NOT_FOUND;
}
