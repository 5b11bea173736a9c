#include "world/switch.h"

#include "world/host.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* hidden-state: monitor exit and entry as micro-steps. */
static const char *const step_titles[DESCRY_WORLD_STEPS + 1] = {
	[1] = "event in the guest", [2] = "hardware save",      [3] = "software save",
	[4] = "host caches loaded", [5] = "monitor body",       [6] = "software restore",
	[7] = "hardware restore",   [8] = "first guest access",
};

/* --- the trace ------------------------------------------------------------------------ */

struct descry_world_step *
world_step_begin(struct descry_world_trace *trace, unsigned number)
{
	struct descry_world_step *step = &trace->step[trace->step_count];

	assert(trace->step_count < DESCRY_WORLD_STEPS);
	trace->step_count++;
	memset(step, 0, sizeof(*step));
	step->number = number;
	step->title = step_titles[number];
	return step;
}

void
world_step_capture(struct descry_world_step *step, const struct descry_vcpu *vcpu)
{
	const struct descry_state *state = descry_vcpu_state(vcpu);

	step->cr0 = (uint32_t)state->cr0;
	step->gdtr = state->gdtr;
	memcpy(step->seg, state->seg, sizeof(step->seg));
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		descry_reload_preview(vcpu, sreg, DESCRY_RELOAD_NOW, &step->preview[sreg]);
		step->status[sreg] = descry_cache_status(vcpu, sreg);
	}
}

void
world_step_note(struct descry_world_step *step, const char *format, ...)
{
	va_list args;

	assert(step->line_count < DESCRY_WORLD_LINES);
	va_start(args, format);
	vsnprintf(step->line[step->line_count++], DESCRY_WORLD_LINE, format, args);
	va_end(args);
}

/* --- for the steps -------------------------------------------------------------------- */

const struct descry_state *
world_state(const struct world_switch *sw)
{
	return descry_vcpu_state(sw->vcpu);
}

bool
world_refuse(struct world_switch *sw, const char *format, ...)
{
	va_list args;

	sw->trace->end = DESCRY_WORLD_REFUSED;
	va_start(args, format);
	vsnprintf(sw->trace->why, sizeof(sw->trace->why), format, args);
	va_end(args);
	world_step_note(sw->step, "refused: %s", sw->trace->why);
	return false;
}

bool
world_host_fault(struct world_switch *sw, const struct descry_fault *fault, const char *what)
{
	sw->trace->end = DESCRY_WORLD_HOST_FAULT;
	sw->trace->fault = *fault;
	snprintf(sw->trace->why, sizeof(sw->trace->why), "%s(%04x) at X%u, by %s",
		 descry_vector_text(fault->vector), fault->error_code, sw->step->number, what);
	world_step_note(sw->step, "%s", sw->trace->why);
	return false;
}

void
world_hold(struct world_switch *sw, enum descry_sreg sreg, unsigned fields)
{
	sw->record.held.of[sreg] |= (uint8_t)fields;
	sw->record.seg[sreg] = world_state(sw)->seg[sreg];
}

/* --- steps that families share -------------------------------------------------------- */

bool
world_save_gprs(struct world_switch *sw)
{
	for (unsigned i = 0; i < WORLD_GPRS; i++)
		sw->frame.gpr[i] = (uint32_t)world_state(sw)->gpr[i];
	world_step_note(sw->step, "EAX to EDI into the record");
	return true;
}

bool
world_monitor_body(struct world_switch *sw)
{
	struct descry_state *state = descry_vcpu_state_mutable(sw->vcpu);

	for (unsigned i = 0; i < WORLD_GPRS; i++)
		state->gpr[i] = DESCRY_HOST_WINDOW + i;
	descry_vcpu_state_changed(sw->vcpu);
	world_step_note(sw->step, "the host computes: EAX to EDI are its own now");
	world_step_note(sw->step, "it loads no segment, and leaves guest memory alone");
	return true;
}

bool
world_restore_gprs(struct world_switch *sw)
{
	struct descry_state *state = descry_vcpu_state_mutable(sw->vcpu);

	for (unsigned i = 0; i < WORLD_GPRS; i++)
		state->gpr[i] = sw->frame.gpr[i];
	descry_vcpu_state_changed(sw->vcpu);
	world_step_note(sw->step, "EAX to EDI from the record");
	return true;
}

/* --- the switch ----------------------------------------------------------------------- */

/* One step: who is it, what does it do, what does the CPU look like afterwards? */
static bool
carry_out(struct world_switch *sw, unsigned number, world_step_fn *fn)
{
	bool goes_on = true;

	sw->step = world_step_begin(sw->trace, number);
	descry_op_set_step(sw->vcpu, number);
	if (fn)
		goes_on = fn(sw);
	if (sw->step->line_count == 0)
		world_step_note(sw->step, "nothing to do");
	world_step_capture(sw->step, sw->vcpu);
	sw->step->record = sw->record;
	sw->trace->ended_at = number;
	return goes_on;
}

static bool
event_in_guest(struct world_switch *sw)
{
	char far[DESCRY_FAR_TEXT];

	world_step_note(sw->step, "host interrupt at %s, after %llu instructions",
			descry_far_text(sw->trace->cs, sw->trace->ip, far),
			(unsigned long long)sw->trace->retired);
	if (!sw->strategy->accept)
		return true;
	return sw->strategy->accept(sw);
}

static bool
host_steps(struct world_switch *sw)
{
	for (unsigned number = 2; number < DESCRY_WORLD_STEPS; number++) {
		if (!carry_out(sw, number, sw->strategy->step[number]))
			return false;
	}
	return true;
}

/* The window is there from X2 to X7, and only for a host that runs on the guest's CPU. */
static bool
host_turn(struct world_switch *sw)
{
	const bool on_cpu = sw->strategy->host_fs != NULL;
	bool resumed;

	if (on_cpu) {
		host_build_tables(sw->monitor, sw->strategy->host_fs);
		descry_monitor_map_host_window(sw->monitor, true);
	}
	resumed = host_steps(sw);
	if (on_cpu)
		descry_monitor_map_host_window(sw->monitor, false);
	return resumed;
}

static void
begin_trace(struct world_switch *sw)
{
	const struct descry_state *state = world_state(sw);

	memset(sw->trace, 0, sizeof(*sw->trace));
	sw->trace->strategy = &sw->strategy->row;
	sw->trace->end = DESCRY_WORLD_RESUMED;
	sw->trace->retired = state->retired;
	sw->trace->cs = state->seg[DESCRY_CS].sel;
	sw->trace->ip = state->rip;
}

void
world_switch_run(struct descry_monitor *monitor, const struct descry_strategy *strategy,
		 struct descry_world_trace *trace)
{
	struct world_switch sw = {
		.monitor = monitor,
		.vcpu = descry_monitor_vcpu(monitor),
		.strategy = world_strategy_of(strategy),
		.trace = trace,
	};
	struct descry_vcpu_image guest;

	begin_trace(&sw);
	descry_vcpu_save(sw.vcpu, &guest);
	if (!carry_out(&sw, DESCRY_WORLD_X1, event_in_guest) || !host_turn(&sw))
		descry_vcpu_restore(sw.vcpu, &guest);
	descry_op_set_step(sw.vcpu, 0);
}
