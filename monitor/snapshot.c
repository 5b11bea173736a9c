#include "handle.h"

#include <stdlib.h>

struct descry_snapshot {
	struct descry_vcpu_image cpu;
	struct device_state devices;
	struct descry_stop stop; /* the one it was taken at */
	struct schedule schedule;
	struct memory_image *memory;
};

enum descry_status
descry_snapshot_take(struct descry_monitor *monitor, struct descry_snapshot **out)
{
	struct descry_snapshot *snapshot = malloc(sizeof(*snapshot));

	if (!snapshot)
		return DESCRY_NO_MEMORY;
	snapshot->memory = memory_save(&monitor->memory);
	if (!snapshot->memory) {
		free(snapshot);
		return DESCRY_NO_MEMORY;
	}
	descry_vcpu_save(monitor->vcpu, &snapshot->cpu);
	snapshot->devices = monitor->devices.state;
	snapshot->stop = monitor->last_stop;
	snapshot->schedule = monitor->schedule;

	/* Pages that the CPU may write must be asked for again: that is what marks them. */
	descry_vcpu_memory_changed(monitor->vcpu);
	*out = snapshot;
	return DESCRY_OK;
}

enum descry_status
descry_snapshot_restore(struct descry_monitor *monitor, const struct descry_snapshot *snapshot)
{
	memory_restore(&monitor->memory, snapshot->memory);
	monitor->devices.state = snapshot->devices;
	monitor->last_stop = snapshot->stop;
	descry_vcpu_memory_changed(monitor->vcpu);
	descry_vcpu_restore(monitor->vcpu, &snapshot->cpu);
	descry_monitor_map_host_window(monitor, monitor->memory.window_mapped);
	if (monitor->host_hooks)
		monitor->host_hooks->replaced(monitor->host_owner, monitor);
	schedule_restore(&monitor->schedule, &snapshot->schedule, snapshot->cpu.state.retired);
	breakpoints_await(&monitor->breakpoints, &monitor->schedule);
	return DESCRY_OK;
}

void
descry_snapshot_free(struct descry_snapshot *snapshot)
{
	if (!snapshot)
		return;
	memory_image_free(snapshot->memory);
	free(snapshot);
}
