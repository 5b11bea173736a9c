#include "points.h"

#include <assert.h>

static size_t
find(const struct points *points, enum point_kind kind, uint64_t linear)
{
	size_t i = 0;

	while (i < points->count &&
	       (points->list[i].kind != kind || points->list[i].linear != linear))
		i++;
	return i;
}

enum descry_status
points_insert(struct points *points, struct descry_monitor *monitor, enum point_kind kind,
	      uint64_t linear)
{
	if (find(points, kind, linear) < points->count)
		return DESCRY_OK;
	if (points->count == POINTS_MAX || descry_monitor_hold_point(monitor, linear) != DESCRY_OK)
		return DESCRY_NO_MEMORY;
	points->list[points->count].kind = kind;
	points->list[points->count++].linear = linear;
	return DESCRY_OK;
}

static void
remove_at(struct points *points, struct descry_monitor *monitor, size_t index)
{
	const enum descry_status released =
		descry_monitor_release_point(monitor, points->list[index].linear);

	assert(released == DESCRY_OK);
	(void)released;
	points->list[index] = points->list[--points->count];
}

void
points_remove(struct points *points, struct descry_monitor *monitor, enum point_kind kind,
	      uint64_t linear)
{
	const size_t index = find(points, kind, linear);

	if (index < points->count)
		remove_at(points, monitor, index);
}

void
points_clear(struct points *points, struct descry_monitor *monitor)
{
	while (points->count > 0)
		remove_at(points, monitor, points->count - 1);
}

enum point_kind
points_kind_at(const struct points *points, uint64_t linear)
{
	for (size_t i = 0; i < points->count; i++) {
		if (points->list[i].linear == linear)
			return points->list[i].kind;
	}
	return POINT_NONE;
}
