#include "world/probe.h"

#include "world/switch.h"

#include <stdlib.h>

static uint64_t
retired_now(const struct probe *probe)
{
	return descry_vcpu_state(probe->vcpu)->retired;
}

/* A stop that is about the user and not about the guest. */
static bool
is_passed_over(enum descry_stop_reason reason)
{
	return reason == DESCRY_STOP_BREAKPOINT || reason == DESCRY_STOP_HOST_INTERRUPT;
}

/* One run without those stops in between. Returns with an access, at the boundary, or at the end.
 */
static void
run(struct probe *probe, unsigned mask, uint64_t until)
{
	world_attach(probe->monitor, probe->under);
	do {
		const struct descry_run_request request = {
			.count = until - retired_now(probe),
			.watch_access = mask,
			.probe = true,
			.stop_at_host_interrupt = true,
		};

		descry_monitor_run(probe->monitor, &request, &probe->stop);
	} while (is_passed_over(probe->stop.reason) && retired_now(probe) < until);
	probe->interrupted |= probe->stop.reason == DESCRY_STOP_INTERRUPTED;
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

/* --- logs ----------------------------------------------------------------------------- */

static bool
append(struct probe_log *log, const struct descry_event *event)
{
	if (log->count == log->room) {
		const size_t room = log->room ? log->room * 2 : 256;
		struct probe_entry *grown = realloc(log->entry, room * sizeof(*grown));

		if (!grown)
			return false;
		log->entry = grown;
		log->room = room;
	}
	log->entry[log->count++] = (struct probe_entry){
		.retired = event->retired,
		.linear = event->linear,
		.sreg = event->sreg,
		.vector = event->fault.vector,
	};
	return true;
}

/* Everything that the last run left in the ring. */
static bool
append_ring(const struct probe *probe, unsigned mask, struct probe_log *log)
{
	const struct descry_event *event;
	size_t index = 0;

	while ((event = find_access(probe, mask, &index)) != NULL) {
		if (!append(log, event))
			return false;
	}
	return true;
}

/*
 * Behind the access that the last run stopped for. One that faults has stopped it before
 * anything happened, and would do so again: it is made now, with nobody watching.
 */
static bool
pass_access(struct probe *probe, const struct probe_log *log)
{
	const uint64_t now = retired_now(probe);

	if (probe->stop.reason != DESCRY_STOP_ACCESS || log->count == 0)
		return false;
	if (now > log->entry[log->count - 1].retired)
		return true;
	run(probe, 0, now + 1);
	return probe->stop.reason == DESCRY_STOP_STEP || is_passed_over(probe->stop.reason);
}

bool
probe_log_accesses(struct probe *probe, unsigned mask, uint64_t until, struct probe_log *log)
{
	do {
		run(probe, mask, until);
		if (!append_ring(probe, mask, log))
			return false;
	} while (pass_access(probe, log) && retired_now(probe) < until);
	return true;
}

void
probe_log_free(struct probe_log *log)
{
	free(log->entry);
}

static bool
entries_equal(const struct probe_entry *a, const struct probe_entry *b)
{
	return a->retired == b->retired && a->sreg == b->sreg && a->vector == b->vector &&
	       (a->vector != DESCRY_VEC_NONE || a->linear == b->linear);
}

size_t
probe_log_part(const struct probe_log *a, const struct probe_log *b)
{
	const size_t shorter = a->count < b->count ? a->count : b->count;
	size_t index = 0;

	while (index < shorter && entries_equal(&a->entry[index], &b->entry[index]))
		index++;
	return index;
}
