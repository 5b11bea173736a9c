#include "handle.h"
#include "inject.h"
#include "stop.h"

#include <string.h>

/* One call of descry_monitor_run(). */
struct run {
	struct descry_monitor *monitor;
	const struct descry_run_request *request;
	struct descry_stop *stop;
	struct descry_exit exit; /* of the last time the CPU ran */
	uint64_t done;           /* instructions so far */
	uint64_t began_at;       /* the boundary where it began: the count, and the address */
	uint64_t began_ip;
	bool look; /* at a breakpoint on the next instruction, too */
};

static const struct descry_state *
state_of(const struct run *run)
{
	return descry_vcpu_state(run->monitor->vcpu);
}

/* What the end of a run is made of; false: it has ended and stop is filled. */
static bool
end(struct run *run, enum descry_stop_reason reason)
{
	const bool was_asked_for = reason == DESCRY_STOP_STEP || reason == DESCRY_STOP_ACCESS ||
				   reason == DESCRY_STOP_LOAD;

	stop_fill(run->monitor, reason, &run->exit, run->stop);
	if (!run->request->probe || !was_asked_for)
		stop_write_text(run->monitor, &run->exit, run->stop);
	return false;
}

/* How far it may go at once: to what was asked for, or to what comes before. 0: no limit. */
static uint64_t
stretch(const struct run *run)
{
	const uint64_t deadline = schedule_deadline(&run->monitor->schedule);
	const uint64_t left = run->request->count ? run->request->count - run->done : 0;
	const uint64_t until = deadline - state_of(run)->retired;

	if (deadline == DESCRY_NEVER || (left && left < until))
		return left;
	return until;
}

/* A probe asks what the guest does, not what the user wants to see. */
static unsigned
watched_by_user(const struct run *run)
{
	return run->request->probe ? 0 : run->monitor->watched_segments;
}

static void
run_cpu(struct run *run)
{
	const struct descry_run_request *request = run->request;
	struct descry_monitor *monitor = run->monitor;
	const unsigned loads = request->watch_load | watched_by_user(run);
	const struct descry_state *state = state_of(run);
	const uint64_t before = state->retired;
	const struct descry_control control = {
		.budget = monitor->interpret_one ? 1 : stretch(run),
		.breakpoints = monitor->breakpoints.addresses,
		.breakpoint_count = monitor->breakpoints.address_count,
		.break_at_first = run->look && !monitor->interpret_one,
		.events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT) |
			  (request->watch_access ? DESCRY_EVENT_BIT(DESCRY_EVENT_ACCESS) : 0) |
			  (loads ? DESCRY_EVENT_BIT(DESCRY_EVENT_SEGMENT_LOAD) : 0),
		.watch_access = request->watch_access,
		.stop_at_mode = monitor->watch_mode,
		.intercept = monitor->interpret_one ? 0 : monitor->watch_vectors,
		.watch_load = loads,
		.unhandled = monitor->unhandled,
	};

	inject_settle(&monitor->schedule, state);
	descry_vcpu_run(monitor->vcpu, &control, &run->exit);
	run->done += state->retired - before;
	run->look = true;
	if (monitor->interpret_one)
		monitor->host_hooks->interpreted(monitor->host_owner, monitor);
	monitor->interpret_one = false;
}

/* The first watched segment that is not as it was; DESCRY_SREG_COUNT: none. */
static enum descry_sreg
changed_by_host(const struct run *run, const struct descry_segment *before)
{
	const struct descry_segment *now = state_of(run)->seg;
	unsigned sreg = 0;

	while (sreg < DESCRY_SREG_COUNT && (!(watched_by_user(run) >> sreg & 1u) ||
					    (before[sreg].sel == now[sreg].sel &&
					     descry_segment_same_cache(&before[sreg], &now[sreg]))))
		sreg++;
	return sreg;
}

static bool
on_host_interrupt(struct run *run)
{
	struct descry_monitor *monitor = run->monitor;
	struct descry_segment before[DESCRY_SREG_COUNT];
	enum descry_sreg changed;

	if (run->request->stop_at_host_interrupt)
		return end(run, DESCRY_STOP_HOST_INTERRUPT);
	if (!monitor->host_hooks)
		return true;
	memcpy(before, state_of(run)->seg, sizeof(before));
	if (!monitor->host_hooks->interrupt(monitor->host_owner, monitor, run->stop))
		return false;
	changed = changed_by_host(run, before);
	if (changed == DESCRY_SREG_COUNT)
		return true;
	end(run, DESCRY_STOP_HOST_INTERRUPT);
	stop_append(run->stop, "; it has changed %s, which is watched", descry_sreg_name(changed));
	return false;
}

static bool
on_mode(struct run *run)
{
	struct descry_monitor *monitor = run->monitor;

	return monitor->host_hooks->mode(monitor->host_owner, monitor, run->stop);
}

/* The host interprets this instruction, and then the run goes on. */
static bool
on_exception(struct run *run)
{
	struct descry_monitor *monitor = run->monitor;

	monitor->interpret_one = true;
	return monitor->host_hooks->exception(monitor->host_owner, monitor, run->stop);
}

static bool
on_request(struct run *run)
{
	switch ((enum descry_request)run->exit.request) {
	case DESCRY_REQUEST_GUEST_EXIT:
		return end(run, DESCRY_STOP_GUEST_EXIT);
	case DESCRY_REQUEST_HOST_INTERRUPT:
		return on_host_interrupt(run);
	}
	return true;
}

/* Where the user stands already; a breakpoint there has been seen. */
static bool
is_where_it_began(const struct run *run, uint64_t linear)
{
	return run->began_at == state_of(run)->retired && run->began_ip == linear;
}

static bool
stop_at_breakpoint(struct run *run, uint64_t linear)
{
	struct breakpoints *breakpoints = &run->monitor->breakpoints;
	struct descry_breakpoint *breakpoint = breakpoints_at(breakpoints, linear);

	if (breakpoint)
		breakpoint->hits++;
	if (breakpoints->has_target && breakpoints->target == linear)
		return end(run, DESCRY_STOP_REACHED);
	return end(run, DESCRY_STOP_BREAKPOINT);
}

/* Somebody waits for this address. What is injected here comes first, and then we look again. */
static bool
on_breakpoint(struct run *run)
{
	struct descry_monitor *monitor = run->monitor;
	const uint64_t linear = descry_vcpu_linear_ip(monitor->vcpu);
	const uint64_t retired = state_of(run)->retired;

	schedule_arrive(&monitor->schedule, retired, linear);
	run->look = schedule_deadline(&monitor->schedule) <= retired;
	if (run->look || run->request->probe || is_where_it_began(run, linear) ||
	    !breakpoints_stop_at(&monitor->breakpoints, linear))
		return true;
	return stop_at_breakpoint(run, linear);
}

/* While the CPU is halted, time passes until something wakes it (DESIGN section 3). */
static bool
on_halt(struct run *run)
{
	struct descry_vcpu *vcpu = run->monitor->vcpu;
	uint64_t passed;

	if (!inject_wakes(&run->monitor->schedule, state_of(run)))
		return end(run, DESCRY_STOP_HALTED);
	passed = stretch(run);
	descry_vcpu_state_mutable(vcpu)->retired += passed;
	descry_vcpu_state_changed(vcpu);
	run->done += passed;
	return true;
}

/* Does the run go on after this exit of the CPU? */
static bool
on_exit_of_cpu(struct run *run)
{
	switch (run->exit.reason) {
	case DESCRY_EXIT_BUDGET:
		return true;
	case DESCRY_EXIT_MODE:
		return on_mode(run);
	case DESCRY_EXIT_INTERCEPT:
		return on_exception(run);
	case DESCRY_EXIT_BREAKPOINT:
		return on_breakpoint(run);
	case DESCRY_EXIT_KICK: /* stale, unless .interrupted says that it is for this run */
		return true;
	case DESCRY_EXIT_REQUEST:
		return on_request(run);
	case DESCRY_EXIT_ACCESS:
		return end(run, DESCRY_STOP_ACCESS);
	case DESCRY_EXIT_LOAD:
		return end(run, DESCRY_STOP_LOAD);
	case DESCRY_EXIT_HALTED:
		return on_halt(run);
	case DESCRY_EXIT_UNHANDLED:
		return end(run, DESCRY_STOP_UNHANDLED);
	case DESCRY_EXIT_SHUTDOWN:
		return end(run, DESCRY_STOP_SHUTDOWN);
	case DESCRY_EXIT_NOT_MODELLED:
		return end(run, DESCRY_STOP_NOT_MODELLED);
	case DESCRY_EXIT_INVARIANT:
		return end(run, DESCRY_STOP_INVARIANT);
	case DESCRY_EXIT_REASON_COUNT:
		break;
	}
	return false;
}

/* What is due at this boundary comes. */
static bool
inject_due(struct run *run)
{
	struct descry_monitor *monitor = run->monitor;
	const struct descry_injection *injection;

	while ((injection = schedule_take(&monitor->schedule, state_of(run)->retired)) != NULL) {
		if (injection->when.kind == DESCRY_WHEN_ADDRESS)
			breakpoints_await(&monitor->breakpoints, &monitor->schedule);
		if (injection->kind != DESCRY_INJECT_HOST)
			inject_ask(monitor->vcpu, injection);
		else if (!on_host_interrupt(run))
			return false;
	}
	return true;
}

/* Between two turns of the CPU. */
static bool
goes_on(struct run *run)
{
	if (run->monitor->interpret_one) /* the host has lent it segments: no place to stop */
		return true;
	if (!inject_due(run))
		return false;
	if (atomic_load(&run->monitor->interrupted))
		return end(run, DESCRY_STOP_INTERRUPTED);
	if (run->request->count && run->done >= run->request->count)
		return end(run, DESCRY_STOP_STEP);
	return true;
}

/* What the host has to do first, if anything. */
static bool
begins(struct run *run)
{
	struct descry_monitor *monitor = run->monitor;

	return !monitor->host_hooks ||
	       monitor->host_hooks->run(monitor->host_owner, monitor, run->stop);
}

/* The CPU does not look at a breakpoint on its very first instruction, unless it is told to. */
static void
mark_beginning(struct run *run)
{
	struct descry_monitor *monitor = run->monitor;

	run->began_at = state_of(run)->retired;
	run->began_ip = descry_vcpu_linear_ip(monitor->vcpu);
	run->look = schedule_awaits(&monitor->schedule, run->began_at, run->began_ip);
}

void
descry_monitor_run(struct descry_monitor *monitor, const struct descry_run_request *request,
		   struct descry_stop *stop)
{
	struct run run = { .monitor = monitor, .request = request, .stop = stop };

	*stop = (struct descry_stop){ 0 };
	monitor->devices.muted = request->probe;
	if (request->to_target)
		breakpoints_set_target(&monitor->breakpoints, request->target);
	if (begins(&run)) {
		mark_beginning(&run);
		while (goes_on(&run)) {
			run_cpu(&run);
			if (!on_exit_of_cpu(&run))
				break;
		}
	}
	inject_settle(&monitor->schedule, state_of(&run));
	breakpoints_clear_target(&monitor->breakpoints);
	monitor->devices.muted = false;
	if (!request->probe || stop->reason == DESCRY_STOP_INTERRUPTED)
		atomic_store(&monitor->interrupted, false);
	monitor->last_stop = *stop;
}

const struct descry_stop *
descry_monitor_last_stop(const struct descry_monitor *monitor)
{
	return &monitor->last_stop;
}

/* In this order: who sees the kick finds out for whom it was. */
void
descry_monitor_interrupt(struct descry_monitor *monitor)
{
	atomic_store(&monitor->interrupted, true);
	descry_vcpu_kick(monitor->vcpu);
}

void
descry_monitor_clear_interrupt(struct descry_monitor *monitor)
{
	atomic_store(&monitor->interrupted, false);
}

void
descry_monitor_on_host(struct descry_monitor *monitor, const struct descry_host_hooks *hooks,
		       void *owner)
{
	monitor->host_hooks = hooks;
	monitor->host_owner = owner;
}

void
descry_monitor_watch_guest(struct descry_monitor *monitor, bool mode, uint32_t vectors)
{
	monitor->watch_mode = mode;
	monitor->watch_vectors = vectors;
}

void
descry_monitor_watch_segments(struct descry_monitor *monitor, unsigned mask)
{
	monitor->watched_segments = mask;
}

unsigned
descry_monitor_watched_segments(const struct descry_monitor *monitor)
{
	return monitor->watched_segments;
}
