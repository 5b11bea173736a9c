#include "world/probe.h"

#include "world/switch.h"

static uint64_t
retired_now(const struct probe *probe)
{
	return descry_vcpu_state(probe->vcpu)->retired;
}

void
probe_watch(struct probe *probe, unsigned accesses, unsigned loads, uint64_t until)
{
	const struct descry_run_request request = {
		.count = until - retired_now(probe),
		.watch_access = accesses,
		.watch_load = loads,
		.probe = true,
		.stop_at_host_interrupt = true,
	};

	world_attach(probe->monitor, probe->under);
	descry_monitor_run(probe->monitor, &request, &probe->stop);
	probe->interrupted |= probe->stop.reason == DESCRY_STOP_INTERRUPTED;
}

/* Passes host interrupts over. Returns with an access, at the boundary, or at the end. */
static void
run(struct probe *probe, unsigned mask, uint64_t until)
{
	do
		probe_watch(probe, mask, 0, until);
	while (probe->stop.reason == DESCRY_STOP_HOST_INTERRUPT && retired_now(probe) < until);
}

void
probe_run_to(struct probe *probe, uint64_t retired)
{
	if (retired_now(probe) < retired)
		run(probe, 0, retired);
}

/* --- accesses ------------------------------------------------------------------------- */

/* The first ACCESS event through mask at or after an index of the ring; NULL: none. */
static const struct descry_event *
find_access(const struct probe *probe, unsigned mask, size_t *index)
{
	const size_t count = descry_vcpu_event_count(probe->vcpu);

	while (*index < count) {
		const struct descry_event *event = descry_vcpu_event(probe->vcpu, (*index)++);

		if (event->kind == DESCRY_EVENT_ACCESS && (mask >> event->sreg & 1u))
			return event;
	}
	return NULL;
}

bool
probe_next_access(struct probe *probe, unsigned mask, uint64_t until,
		  struct descry_world_access *out)
{
	const struct descry_event *event;
	size_t index = 0;

	*out = (struct descry_world_access){ .happened = false };
	if (retired_now(probe) >= until)
		return false;
	run(probe, mask, until);
	event = find_access(probe, mask, &index);
	if (!event)
		return false;
	*out = (struct descry_world_access){
		.happened = true,
		.sreg = event->sreg,
		.access = event->access,
		.size = event->size,
		.offset = event->offset,
		.linear = event->linear,
		.fault = event->fault,
		.retired = event->retired,
		.ip = event->ip,
		.cs = event->cs,
	};
	return true;
}

void
probe_fetch(const struct descry_vcpu *vcpu, struct descry_world_access *out)
{
	const struct descry_state *state = descry_vcpu_state(vcpu);
	const struct descry_access_verdict verdict =
		descry_vcpu_check_access(vcpu, DESCRY_CS, (uint32_t)state->rip, 1, DESCRY_FETCH);

	*out = (struct descry_world_access){
		.happened = true,
		.sreg = DESCRY_CS,
		.access = DESCRY_FETCH,
		.size = 1,
		.offset = (uint32_t)state->rip,
		.linear = verdict.linear,
		.fault = verdict.fault,
		.retired = state->retired,
		.ip = state->rip,
		.cs = state->seg[DESCRY_CS].sel,
	};
}
