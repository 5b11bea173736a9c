#include "handle.h"
#include "stop.h"

/* One call of descry_monitor_run(). */
struct run {
	struct descry_monitor *monitor;
	const struct descry_run_request *request;
	struct descry_stop *stop;
	struct descry_exit exit; /* of the last time the CPU ran */
	uint64_t done;           /* instructions so far */
};

/* What the end of a run is made of; false: it has ended and stop is filled. */
static bool
end(struct run *run, enum descry_stop_reason reason)
{
	const bool was_asked_for = reason == DESCRY_STOP_STEP || reason == DESCRY_STOP_ACCESS;

	stop_fill(run->monitor, reason, &run->exit, run->stop);
	if (!run->request->quiet || !was_asked_for)
		stop_write_text(run->monitor, &run->exit, run->stop);
	return false;
}

static void
run_cpu(struct run *run)
{
	const struct descry_run_request *request = run->request;
	struct descry_monitor *monitor = run->monitor;
	const struct descry_state *state = descry_vcpu_state(monitor->vcpu);
	const uint64_t before = state->retired;
	const struct descry_control control = {
		.budget = request->count ? request->count - run->done : 0,
		.breakpoints = monitor->breakpoints.addresses,
		.breakpoint_count = monitor->breakpoints.address_count,
		.events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT) |
			  (request->watch_access ? DESCRY_EVENT_BIT(DESCRY_EVENT_ACCESS) : 0),
		.watch_access = request->watch_access,
		.unhandled = monitor->unhandled,
	};

	descry_vcpu_run(monitor->vcpu, &control, &run->exit);
	run->done += state->retired - before;
}

static bool
on_host_interrupt(struct run *run)
{
	struct descry_monitor *monitor = run->monitor;

	if (run->request->stop_at_host_interrupt)
		return end(run, DESCRY_STOP_HOST_INTERRUPT);
	return !monitor->host_hooks ||
	       monitor->host_hooks->interrupt(monitor->host_owner, monitor, run->stop);
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

static bool
on_breakpoint(struct run *run)
{
	struct breakpoints *breakpoints = &run->monitor->breakpoints;
	const uint64_t linear = descry_vcpu_linear_ip(run->monitor->vcpu);
	struct descry_breakpoint *breakpoint = breakpoints_at(breakpoints, linear);

	if (breakpoint)
		breakpoint->hits++;
	if (breakpoints->has_target && breakpoints->target == linear)
		return end(run, DESCRY_STOP_REACHED);
	return end(run, DESCRY_STOP_BREAKPOINT);
}

/* Does the run go on after this exit of the CPU? */
static bool
on_exit_of_cpu(struct run *run)
{
	switch (run->exit.reason) {
	case DESCRY_EXIT_BUDGET:
		return end(run, DESCRY_STOP_STEP);
	case DESCRY_EXIT_BREAKPOINT:
		return on_breakpoint(run);
	case DESCRY_EXIT_KICK: /* stale, unless .interrupted says that it is for this run */
		return true;
	case DESCRY_EXIT_REQUEST:
		return on_request(run);
	case DESCRY_EXIT_ACCESS:
		return end(run, DESCRY_STOP_ACCESS);
	case DESCRY_EXIT_HALTED:
		return end(run, DESCRY_STOP_HALTED);
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

/*
 * Between two turns of the CPU. It does not look at a breakpoint on its very first
 * instruction; on any turn but the first that is for us to do.
 */
static bool
goes_on(struct run *run)
{
	struct descry_monitor *monitor = run->monitor;

	if (atomic_load(&monitor->interrupted))
		return end(run, DESCRY_STOP_INTERRUPTED);
	if (run->done == 0)
		return true;
	if (run->request->count && run->done >= run->request->count)
		return end(run, DESCRY_STOP_STEP);
	if (breakpoints_stop_at(&monitor->breakpoints, descry_vcpu_linear_ip(monitor->vcpu)))
		return on_breakpoint(run);
	return true;
}

static bool
begins(struct run *run)
{
	struct descry_monitor *monitor = run->monitor;

	return !monitor->host_hooks ||
	       monitor->host_hooks->run(monitor->host_owner, monitor, run->stop);
}

void
descry_monitor_run(struct descry_monitor *monitor, const struct descry_run_request *request,
		   struct descry_stop *stop)
{
	struct run run = { .monitor = monitor, .request = request, .stop = stop };

	*stop = (struct descry_stop){ 0 };
	if (request->to_target)
		breakpoints_set_target(&monitor->breakpoints, request->target);
	if (begins(&run)) {
		while (goes_on(&run)) {
			run_cpu(&run);
			if (!on_exit_of_cpu(&run))
				break;
		}
	}
	breakpoints_clear_target(&monitor->breakpoints);
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
