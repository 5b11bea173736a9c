#include "world/host.h"

#include "stop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct descry_world {
	struct descry_monitor *monitor;
	const struct descry_strategy *chosen;
	struct world_settings settings;
	bool holds; /* a run stops at X1 */
	bool keeps; /* what it takes to follow a switch */
	struct world_kept kept;
	bool switched; /* trace holds a switch */
	unsigned next; /* the operation that descry_world_walk() shows next */
	struct world_memory memory;
	struct world_switch sw;
	struct descry_world_trace trace;
};

static void
init_switch(struct descry_world *world)
{
	world_switch_init(&world->sw, world->monitor, world->chosen, &world->settings,
			  &world->memory, &world->trace);
}

/* --- with the monitor ----------------------------------------------------------------- */

static const char *
what_became(enum descry_world_end end)
{
	switch (end) {
	case DESCRY_WORLD_IN_FLIGHT:
		return "in flight under";
	case DESCRY_WORLD_REFUSED:
		return "refused by";
	case DESCRY_WORLD_HOST_FAULT:
		return "fault in the host of";
	case DESCRY_WORLD_RESUMED:
		break;
	}
	return "by";
}

/* May the guest go on? If not, the stop says why. */
static bool
guest_goes_on(struct descry_world *world, struct descry_stop *stop)
{
	const struct descry_world_trace *trace = &world->trace;
	char strategy[DESCRY_STRATEGY_TEXT];
	size_t used;

	if (trace->end == DESCRY_WORLD_RESUMED)
		return true;
	stop_describe(world->monitor, DESCRY_STOP_HOST_INTERRUPT, NULL, stop);
	used = strlen(stop->text);
	snprintf(stop->text + used, sizeof(stop->text) - used, "; %s %s%s%s",
		 what_became(trace->end), descry_strategy_text(trace->strategy, strategy),
		 *trace->why != '\0' ? ": " : "", trace->why);
	return false;
}

/* The guest has written port EDh. */
static bool
on_host_interrupt(void *owner, struct descry_monitor *monitor, struct descry_stop *stop)
{
	struct descry_world *world = owner;

	(void)monitor;
	descry_world_begin(world);
	if (!world->holds)
		descry_world_finish(world);
	return guest_goes_on(world, stop);
}

/* The guest is about to run: it gets its CPU back first. */
static bool
on_run(void *owner, struct descry_monitor *monitor, struct descry_stop *stop)
{
	struct descry_world *world = owner;

	(void)monitor;
	if (!descry_world_in_flight(world))
		return true;
	descry_world_finish(world);
	return guest_goes_on(world, stop);
}

/* NULL: the hardware holds the guest, or the strategy is not for this CPU. */
static const struct world_view *
view_of(const struct descry_world *world)
{
	const struct world_strategy *strategy = world_strategy_of(world->chosen);

	return world_cpu_suffices(strategy, descry_monitor_vcpu(world->monitor)) ? strategy->view
										 : NULL;
}

/* With PE=0 the exceptions that the host interprets are those of the strategy. */
static void
watch_guest(struct descry_world *world)
{
	const struct world_view *view = view_of(world);
	const bool pe =
		(descry_vcpu_state(descry_monitor_vcpu(world->monitor))->cr0 & DESCRY_CR0_PE) != 0;

	descry_monitor_watch_guest(world->monitor, view != NULL, view && !pe ? view->vectors : 0);
}

static bool
on_mode(void *owner, struct descry_monitor *monitor, struct descry_stop *stop)
{
	struct descry_world *world = owner;

	(void)monitor;
	init_switch(world);
	world_switch_mode(&world->sw, true);
	world->switched = true;
	world->next = 0;
	watch_guest(world);
	return guest_goes_on(world, stop);
}

static bool
on_exception(void *owner, struct descry_monitor *monitor, struct descry_stop *stop)
{
	struct descry_world *world = owner;

	(void)monitor;
	(void)stop;
	world_switch_lend(&world->sw);
	return true;
}

static void
on_interpreted(void *owner, struct descry_monitor *monitor)
{
	struct descry_world *world = owner;

	(void)monitor;
	world_switch_take_back(&world->sw);
}

/* The next switch does not go on with the last change of mode. */
static void
forget_change_of_mode(struct descry_world *world)
{
	if (!world_trace_ends_with_mode(&world->trace))
		return;
	world->trace.op_count = 0;
	world->switched = false;
}

/* A switch that was in flight is no more. */
static void
on_replaced(void *owner, struct descry_monitor *monitor)
{
	struct descry_world *world = owner;

	(void)monitor;
	if (descry_world_in_flight(world))
		world->switched = false;
	watch_guest(world);
}

/* As when the strategy was chosen. */
static void
on_restarted(void *owner, struct descry_monitor *monitor)
{
	struct descry_world *world = owner;

	(void)monitor;
	descry_world_choose(world, world->chosen);
}

void
world_attach(struct descry_monitor *monitor, struct descry_world *world)
{
	static const struct descry_host_hooks hooks = { .interrupt = on_host_interrupt,
							.run = on_run,
							.mode = on_mode,
							.exception = on_exception,
							.interpreted = on_interpreted,
							.replaced = on_replaced,
							.restarted = on_restarted };

	descry_monitor_on_host(monitor, world ? &hooks : NULL, world);
	if (world)
		watch_guest(world);
	else
		descry_monitor_watch_guest(monitor, false, 0);
}

struct world_memory *
world_memory_of(struct descry_world *world)
{
	return &world->memory;
}

enum descry_status
descry_world_create(struct descry_monitor *monitor, struct descry_world **out)
{
	struct descry_world *world = calloc(1, sizeof(*world));
	struct descry_error err;

	if (!world)
		return DESCRY_NO_MEMORY;
	world->monitor = monitor;
	world->keeps = true;
	descry_strategy_find(NULL, &world->chosen, &err);
	world_attach(monitor, world);
	*out = world;
	return DESCRY_OK;
}

void
descry_world_destroy(struct descry_world *world)
{
	if (!world)
		return;
	descry_world_finish(world);
	world_attach(world->monitor, NULL);
	descry_snapshot_free(world->kept.guest);
	free(world);
}

/* --- what the user wants -------------------------------------------------------------- */

void
descry_world_choose(struct descry_world *world, const struct descry_strategy *strategy)
{
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(world->monitor));
	const struct world_view *view;

	descry_world_finish(world);
	forget_change_of_mode(world);
	world->chosen = strategy;
	view = view_of(world);
	world->memory = (struct world_memory){ 0 };
	world->next = 0;
	init_switch(world);
	if (view && view->leaves_pe && !(state->cr0 & DESCRY_CR0_PE)) {
		world_switch_mode(&world->sw, false);
		world->switched = true;
	}
	watch_guest(world);
}

const struct descry_strategy *
descry_world_chosen(const struct descry_world *world)
{
	return world->chosen;
}

void
descry_world_hold(struct descry_world *world, bool holds)
{
	world->holds = holds;
}

bool
descry_world_holds(const struct descry_world *world)
{
	return world->holds;
}

const struct world_settings *
world_settings_of(const struct descry_world *world)
{
	static const struct world_settings none;

	return world ? &world->settings : &none;
}

void
world_set_settings(struct descry_world *world, const struct world_settings *settings)
{
	world->settings = *settings;
}

void
descry_world_set_flaws(struct descry_world *world, unsigned flaws)
{
	world->settings.flaws = flaws;
}

unsigned
descry_world_flaws(const struct descry_world *world)
{
	return world->settings.flaws;
}

enum descry_status
descry_world_set_edits(struct descry_world *world, const struct descry_world_edit *edit,
		       size_t count)
{
	if (count > DESCRY_WORLD_EDITS)
		return DESCRY_BAD_ARGUMENT;
	for (size_t i = 0; i < count; i++) {
		if (edit[i].size == 0 || edit[i].size > DESCRY_WORLD_EDIT_BYTES)
			return DESCRY_BAD_ARGUMENT;
	}
	world->settings.edit_count = count;
	if (count)
		memcpy(world->settings.edit, edit, count * sizeof(*edit));
	return DESCRY_OK;
}

const struct descry_world_edit *
descry_world_edits(const struct descry_world *world, size_t *count)
{
	*count = world->settings.edit_count;
	return world->settings.edit;
}

enum descry_status
descry_world_set_slots(struct descry_world *world, const struct descry_world_slot *slot,
		       size_t count)
{
	if (count > DESCRY_WORLD_SLOTS)
		return DESCRY_BAD_ARGUMENT;
	for (size_t i = 0; i < count; i++) {
		if (slot[i].sel >> 3 == 0 || slot[i].sel >> 3 >= HOST_GDT_MAX)
			return DESCRY_BAD_ARGUMENT;
	}
	world->settings.slot_count = count;
	if (count)
		memcpy(world->settings.slot, slot, count * sizeof(*slot));
	return DESCRY_OK;
}

const struct descry_world_slot *
descry_world_slots(const struct descry_world *world, size_t *count)
{
	*count = world->settings.slot_count;
	return world->settings.slot;
}

/* --- switches ------------------------------------------------------------------------- */

bool
descry_world_in_flight(const struct descry_world *world)
{
	return world->switched && world->trace.end == DESCRY_WORLD_IN_FLIGHT;
}

struct descry_monitor *
world_monitor_of(const struct descry_world *world)
{
	return world->monitor;
}

const struct world_kept *
world_kept_of(const struct descry_world *world)
{
	return &world->kept;
}

void
descry_world_keep(struct descry_world *world, bool keep)
{
	world->keeps = keep;
}

/* Where no host code runs on the guest's CPU there is nothing to follow. */
static void
keep_guest(struct descry_world *world)
{
	descry_snapshot_free(world->kept.guest);
	world->kept = (struct world_kept){ .settings = world->settings };
	if (world->keeps && world_strategy_of(world->chosen)->host_fs &&
	    descry_snapshot_take(world->monitor, &world->kept.guest) != DESCRY_OK)
		world->kept.guest = NULL;
}

const struct descry_world_trace *
descry_world_begin(struct descry_world *world)
{
	if (descry_world_in_flight(world))
		return &world->trace;
	keep_guest(world);
	init_switch(world);
	world_switch_begin(&world->sw);
	world->switched = true;
	world->next = 0;
	return &world->trace;
}

const struct descry_world_op *
descry_world_next(struct descry_world *world)
{
	const unsigned before = world->trace.op_count;

	if (!descry_world_in_flight(world))
		return NULL;
	world_switch_next(&world->sw);
	return world->trace.op_count > before ? &world->trace.op[before] : NULL;
}

const struct descry_world_trace *
descry_world_finish(struct descry_world *world)
{
	if (descry_world_in_flight(world))
		world_switch_finish(&world->sw);
	return &world->trace;
}

const struct descry_world_trace *
descry_world_interrupt(struct descry_world *world)
{
	descry_world_begin(world);
	return descry_world_finish(world);
}

const struct descry_vcpu_image *
descry_world_truth(const struct descry_world *world)
{
	return descry_world_in_flight(world) ? &world->sw.guest : NULL;
}

const struct descry_world_trace *
descry_world_last(const struct descry_world *world)
{
	return world->switched ? &world->trace : NULL;
}

const struct descry_world_op *
descry_world_walk(struct descry_world *world)
{
	if (world->next >= world->trace.op_count) {
		world->next = 0;
		return NULL;
	}
	return &world->trace.op[world->next++];
}
