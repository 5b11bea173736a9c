#include "handle.h"

#include <descry/query.h>

/* A kick is for a run that somebody waits for; this one only looks. */
static void
run_recorded(struct descry_monitor *monitor, struct descry_micro_log *log)
{
	const struct descry_control control = {
		.budget = 1,
		.unhandled = monitor->unhandled,
		.micro = log,
	};
	struct descry_exit exit;

	do
		descry_vcpu_run(monitor->vcpu, &control, &exit);
	while (exit.reason == DESCRY_EXIT_KICK);
}

/*
 * The same instruction from the same state does the same again, so what will happen is found
 * out by letting it happen and going back.
 */
enum descry_status
descry_query_micro_steps(struct descry_monitor *monitor, struct descry_micro_log *log)
{
	struct devices *devices = &monitor->devices;
	struct descry_snapshot *snapshot;
	const enum descry_status status = descry_snapshot_take(monitor, &snapshot);
	void (*console)(void *owner, const char *text, size_t size) = devices->console;

	if (status != DESCRY_OK)
		return status;
	devices->console = NULL;
	run_recorded(monitor, log);
	devices->console = console;
	descry_snapshot_restore(monitor, snapshot);
	descry_snapshot_free(snapshot);
	return DESCRY_OK;
}
