#include "world/switch.h"

#include "stop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct descry_world {
	struct descry_monitor *monitor;
	const struct descry_strategy *chosen;
	bool switched; /* trace holds a switch */
	unsigned next; /* the step that descry_world_walk() shows next */
	struct descry_world_trace trace;
};

/* The guest has written port EDh. */
static bool
on_host_interrupt(void *owner, struct descry_monitor *monitor, struct descry_stop *stop)
{
	struct descry_world *world = owner;
	const struct descry_world_trace *trace = descry_world_interrupt(world);
	char strategy[DESCRY_STRATEGY_TEXT];
	size_t used;

	if (trace->end == DESCRY_WORLD_RESUMED)
		return true;
	stop_describe(monitor, DESCRY_STOP_HOST_INTERRUPT, NULL, stop);
	used = strlen(stop->text);
	snprintf(stop->text + used, sizeof(stop->text) - used, "; %s %s: %s",
		 trace->end == DESCRY_WORLD_REFUSED ? "refused by" : "fault in the host of",
		 descry_strategy_text(trace->strategy, strategy), trace->why);
	return false;
}

enum descry_status
descry_world_create(struct descry_monitor *monitor, struct descry_world **out)
{
	struct descry_world *world = calloc(1, sizeof(*world));
	struct descry_error err;

	if (!world)
		return DESCRY_NO_MEMORY;
	world->monitor = monitor;
	descry_strategy_find(NULL, &world->chosen, &err);
	descry_monitor_on_host_interrupt(monitor, on_host_interrupt, world);
	*out = world;
	return DESCRY_OK;
}

void
descry_world_destroy(struct descry_world *world)
{
	if (!world)
		return;
	descry_monitor_on_host_interrupt(world->monitor, NULL, NULL);
	free(world);
}

void
descry_world_choose(struct descry_world *world, const struct descry_strategy *strategy)
{
	world->chosen = strategy;
}

const struct descry_strategy *
descry_world_chosen(const struct descry_world *world)
{
	return world->chosen;
}

const struct descry_world_trace *
descry_world_interrupt(struct descry_world *world)
{
	world_switch_run(world->monitor, world->chosen, &world->trace);
	world->switched = true;
	world->next = 0;
	return &world->trace;
}

const struct descry_world_trace *
descry_world_last(const struct descry_world *world)
{
	return world->switched ? &world->trace : NULL;
}

const struct descry_world_step *
descry_world_walk(struct descry_world *world)
{
	if (world->next >= world->trace.step_count) {
		world->next = 0;
		return NULL;
	}
	return &world->trace.step[world->next++];
}
