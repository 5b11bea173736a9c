#include "inject.h"

#include "handle.h"

/* --- asking --------------------------------------------------------------------------- */

void
inject_ask(struct descry_vcpu *vcpu, const struct descry_injection *injection)
{
	switch (injection->kind) {
	case DESCRY_INJECT_INTERRUPT:
		descry_vcpu_interrupt(vcpu, injection->vector);
		break;
	case DESCRY_INJECT_NMI:
		descry_vcpu_nmi(vcpu);
		break;
	case DESCRY_INJECT_SMI:
		(void)descry_vcpu_smi(vcpu); /* a CPU without SMM has been refused */
		break;
	case DESCRY_INJECT_INIT:
		descry_vcpu_init(vcpu);
		break;
	case DESCRY_INJECT_HOST:
	case DESCRY_INJECT_KIND_COUNT:
		break;
	}
}

/* --- what waits ----------------------------------------------------------------------- */

static const uint8_t pending_bits[DESCRY_INJECT_KIND_COUNT] = {
	[DESCRY_INJECT_INTERRUPT] = DESCRY_PENDING_INTERRUPT,
	[DESCRY_INJECT_NMI] = DESCRY_PENDING_NMI,
	[DESCRY_INJECT_SMI] = DESCRY_PENDING_SMI,
	[DESCRY_INJECT_INIT] = DESCRY_PENDING_INIT,
};

/* If it waited now, or came while the CPU is halted. */
static bool
would_be_taken(const struct descry_state *state, enum descry_injection_kind kind)
{
	switch (kind) {
	case DESCRY_INJECT_INTERRUPT:
		return state->rflags & DESCRY_FLAG_IF && !state->shadow;
	case DESCRY_INJECT_NMI:
		return !state->nmi_blocked && !(state->shadow & DESCRY_SHADOW_MOV_SS);
	case DESCRY_INJECT_SMI:
	case DESCRY_INJECT_INIT:
		return !state->in_smm && !state->shadow;
	case DESCRY_INJECT_HOST:
	case DESCRY_INJECT_KIND_COUNT:
		break;
	}
	return false;
}

bool
inject_wakes(const struct schedule *schedule, const struct descry_state *state)
{
	for (size_t i = 0; i < schedule->count; i++)
		if (schedule->list[i].next != DESCRY_NEVER &&
		    would_be_taken(state, schedule->list[i].kind))
			return true;
	return false;
}

void
inject_settle(struct schedule *schedule, const struct descry_state *state)
{
	for (unsigned kind = 0; kind < DESCRY_INJECT_KIND_COUNT; kind++)
		if (!(state->pending & pending_bits[kind]))
			schedule->past.waiting[kind] = 0;
}

/* --- stops ---------------------------------------------------------------------------- */

/* An NMI or interrupt that nobody handles waits on; 0: nobody's, or none. */
static int
unhandled(const struct schedule *schedule, const struct descry_state *state,
	  enum descry_injection_kind kind)
{
	if (!(state->pending & pending_bits[kind]) || !would_be_taken(state, kind))
		return 0;
	return schedule->past.waiting[kind];
}

/* One whose delivery has shut the CPU down is gone. */
static int
undelivered(const struct schedule *schedule, const struct descry_state *state,
	    enum descry_injection_kind kind, unsigned vector)
{
	const int number = schedule->past.waiting[kind];
	const struct descry_injection *injection = schedule_find(schedule, number);

	if (!injection || state->pending & pending_bits[kind])
		return 0;
	return kind == DESCRY_INJECT_NMI || injection->vector == vector ? number : 0;
}

/* The one that came last, if that was at this boundary. */
static int
just_come(const struct schedule *schedule, const struct descry_stop *stop,
	  enum descry_injection_kind kind)
{
	const struct schedule_past *past = &schedule->past;

	return past->kind == kind && past->retired == stop->retired ? past->last : 0;
}

static int
behind_unhandled(const struct schedule *schedule, const struct descry_state *state,
		 const struct descry_stop *stop)
{
	int number = 0;

	if (stop->fault.vector == DESCRY_VEC_NMI)
		number = unhandled(schedule, state, DESCRY_INJECT_NMI);
	if (!number && stop->fault.vector == state->interrupt)
		number = unhandled(schedule, state, DESCRY_INJECT_INTERRUPT);
	if (!number)
		number = just_come(schedule, stop, DESCRY_INJECT_INIT);
	return number ? number : just_come(schedule, stop, DESCRY_INJECT_SMI);
}

static int
behind_shutdown(const struct schedule *schedule, const struct descry_state *state,
		const struct descry_stop *stop)
{
	const enum descry_injection_kind kind =
		stop->fault.vector == DESCRY_VEC_NMI ? DESCRY_INJECT_NMI : DESCRY_INJECT_INTERRUPT;

	return undelivered(schedule, state, kind, stop->fault.vector);
}

int
inject_behind(const struct schedule *schedule, const struct descry_state *state,
	      const struct descry_stop *stop)
{
	if (stop->reason == DESCRY_STOP_HOST_INTERRUPT)
		return just_come(schedule, stop, DESCRY_INJECT_HOST);
	if (stop->reason == DESCRY_STOP_UNHANDLED)
		return behind_unhandled(schedule, state, stop);
	if (stop->reason == DESCRY_STOP_SHUTDOWN)
		return behind_shutdown(schedule, state, stop);
	return 0;
}

/* --- the list ------------------------------------------------------------------------- */

static const struct descry_state *
state_of(const struct descry_monitor *monitor)
{
	return descry_vcpu_state(monitor->vcpu);
}

enum descry_status
descry_monitor_inject(struct descry_monitor *monitor, const struct descry_injection *injection,
		      int *number, struct descry_error *err)
{
	const struct descry_profile *profile = descry_vcpu_profile(monitor->vcpu);

	if (injection->kind == DESCRY_INJECT_SMI &&
	    profile->knob[DESCRY_KNOB_SMM_MAP] == DESCRY_SMM_NONE)
		return descry_fail(err, DESCRY_NOT_SUPPORTED,
				   "smi: this CPU has no system management mode (knob smm.map)");
	if (!schedule_add(&monitor->schedule, injection, state_of(monitor)->retired))
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "there are %u injections already; `inject delete` makes room",
				   DESCRY_INJECTIONS);
	breakpoints_await(&monitor->breakpoints, &monitor->schedule);
	*number = monitor->schedule.last_number;
	return DESCRY_OK;
}

enum descry_status
descry_monitor_delete_injection(struct descry_monitor *monitor, int number)
{
	if (!schedule_delete(&monitor->schedule, number))
		return DESCRY_NOT_FOUND;
	breakpoints_await(&monitor->breakpoints, &monitor->schedule);
	return DESCRY_OK;
}

size_t
descry_monitor_injections(const struct descry_monitor *monitor, const struct descry_injection **out)
{
	*out = monitor->schedule.list;
	return monitor->schedule.count;
}
