#include "world/switch.h"

#include "world/host.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- the trace ------------------------------------------------------------------------ */

unsigned
descry_world_step_at(unsigned index)
{
	return index == 0 ? DESCRY_WORLD_MODE : index <= DESCRY_WORLD_X8 ? index : 0;
}

/* hidden-state: monitor exit and entry as micro-steps. */
const char *
descry_world_step_title(unsigned step)
{
	static const char *const titles[DESCRY_WORLD_MODE + 1] = {
		[DESCRY_WORLD_MODE] = "of the guest: its CR0.PE",
		[1] = "event in the guest",
		[2] = "hardware save",
		[3] = "software save",
		[4] = "host caches loaded",
		[5] = "monitor body",
		[6] = "software restore",
		[7] = "hardware restore",
		[8] = "first guest access",
	};

	return titles[step];
}

const char *
descry_world_step_text(unsigned step, char buffer[DESCRY_WORLD_STEP_TEXT])
{
	if (step == DESCRY_WORLD_MODE)
		snprintf(buffer, DESCRY_WORLD_STEP_TEXT, "mode-change");
	else
		snprintf(buffer, DESCRY_WORLD_STEP_TEXT, "X%u", step);
	return buffer;
}

const struct descry_world_op *
descry_world_after(const struct descry_world_trace *trace, unsigned step)
{
	for (unsigned i = trace->op_count; i-- > 0;) {
		if (trace->op[i].step == step)
			return &trace->op[i];
	}
	return NULL;
}

void
world_trace_add(struct descry_world_trace *trace, unsigned step, const char *text,
		const struct descry_world_record *record, const struct descry_vcpu *vcpu)
{
	const struct descry_state *state = descry_vcpu_state(vcpu);
	struct descry_world_op *op = &trace->op[trace->op_count];

	assert(trace->op_count < DESCRY_WORLD_OPS);
	trace->op_count++;
	memset(op, 0, sizeof(*op));
	op->step = step;
	snprintf(op->text, sizeof(op->text), "%s", text);
	op->cr0 = (uint32_t)state->cr0;
	op->gdtr = state->gdtr;
	memcpy(op->seg, state->seg, sizeof(op->seg));
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		descry_reload_preview(vcpu, sreg, DESCRY_RELOAD_NOW, &op->preview[sreg]);
		op->status[sreg] = descry_cache_status(vcpu, sreg);
	}
	op->record = *record;
}

/* --- for the operations --------------------------------------------------------------- */

const struct descry_state *
world_state(const struct world_switch *sw)
{
	return descry_vcpu_state(sw->vcpu);
}

void
world_note(struct world_switch *sw, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(sw->text, sizeof(sw->text), format, args);
	va_end(args);
}

bool
world_refuse(struct world_switch *sw, const char *format, ...)
{
	va_list args;

	sw->trace->end = DESCRY_WORLD_REFUSED;
	va_start(args, format);
	vsnprintf(sw->trace->why, sizeof(sw->trace->why), format, args);
	va_end(args);
	world_note(sw, "refused: %s", sw->trace->why);
	return false;
}

bool
world_host_fault(struct world_switch *sw, const struct descry_fault *fault, const char *what)
{
	sw->trace->end = DESCRY_WORLD_HOST_FAULT;
	sw->trace->fault = *fault;
	snprintf(sw->trace->why, sizeof(sw->trace->why), "%s(%04x) at X%u, by %s",
		 descry_vector_text(fault->vector), fault->error_code, sw->step, what);
	world_note(sw, "%s", sw->trace->why);
	return false;
}

void
world_hold(struct world_switch *sw, enum descry_sreg sreg, unsigned fields)
{
	sw->record.held.of[sreg] |= (uint8_t)fields;
	sw->record.seg[sreg] = world_state(sw)->seg[sreg];
}

bool
world_has_flaw(const struct world_switch *sw, enum descry_flaw flaw)
{
	return ((sw->strategy->flaws | sw->settings->flaws) & DESCRY_FLAW_BIT(flaw)) != 0;
}

/* --- one operation -------------------------------------------------------------------- */

static bool
carry_out(struct world_switch *sw, unsigned step, world_op_fn *run, unsigned arg)
{
	bool goes_on;

	sw->step = step;
	sw->text[0] = '\0';
	descry_op_set_step(sw->vcpu, step);
	goes_on = run(sw, arg);
	if (sw->text[0] != '\0')
		world_trace_add(sw->trace, step, sw->text, &sw->record, sw->vcpu);
	sw->trace->ended_at = step;
	return goes_on;
}

static bool
do_nothing(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	world_note(sw, "nothing to do");
	return true;
}

/* The window is there while host code runs on the guest's CPU. */
static void
enter_host(struct world_switch *sw)
{
	if (!sw->strategy->host_fs)
		return;
	host_build_tables(sw->monitor, sw->strategy->host_fs, sw->settings);
	descry_monitor_map_host_window(sw->monitor, true);
}

static void
leave_host(struct world_switch *sw)
{
	if (sw->strategy->host_fs)
		descry_monitor_map_host_window(sw->monitor, false);
	if (sw->trace->end != DESCRY_WORLD_RESUMED)
		descry_vcpu_restore(sw->vcpu, &sw->guest);
	descry_op_set_step(sw->vcpu, DESCRY_STEP_GUEST);
}

/* --- the switch ----------------------------------------------------------------------- */

static bool
event_in_guest(struct world_switch *sw, unsigned arg)
{
	char far[DESCRY_FAR_TEXT];

	(void)arg;
	world_note(sw, "host interrupt at %s, after %llu instructions",
		   descry_far_text(sw->trace->cs, sw->trace->ip, far),
		   (unsigned long long)sw->trace->retired);
	return true;
}

bool
world_cpu_suffices(const struct world_strategy *strategy, const struct descry_vcpu *vcpu)
{
	return !strategy->on_386 ||
	       descry_vcpu_profile(vcpu)->knob[DESCRY_KNOB_DESCRIPTOR_BYTES] == 8;
}

static bool
has_way(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	if (!world_cpu_suffices(sw->strategy, sw->vcpu))
		return world_refuse(sw,
				    "this CPU (%s) has no such segments and modes; it needs a 386 "
				    "(-c 386)",
				    descry_vcpu_profile(sw->vcpu)->name);
	if (sw->next)
		return true;
	return world_refuse(sw, "the guest has PE=%u; this strategy needs %s",
			    (unsigned)(world_state(sw)->cr0 & DESCRY_CR0_PE),
			    sw->strategy->row.needs);
}

bool
world_trace_ends_with_mode(const struct descry_world_trace *trace)
{
	return trace->op_count > 0 && trace->op[trace->op_count - 1].step == DESCRY_WORLD_MODE;
}

static void
begin_trace(struct world_switch *sw)
{
	const struct descry_state *state = world_state(sw);
	struct descry_world_trace *trace = sw->trace;

	trace->strategy = &sw->strategy->row;
	trace->end = DESCRY_WORLD_IN_FLIGHT;
	trace->ended_at = 0;
	trace->fault = (struct descry_fault){ 0 };
	trace->why[0] = '\0';
	trace->retired = state->retired;
	trace->cs = state->seg[DESCRY_CS].sel;
	trace->ip = state->rip;
}

void
world_switch_init(struct world_switch *sw, struct descry_monitor *monitor,
		  const struct descry_strategy *strategy, const struct world_settings *settings,
		  struct world_memory *memory, struct descry_world_trace *trace)
{
	memset(sw, 0, sizeof(*sw));
	sw->monitor = monitor;
	sw->vcpu = descry_monitor_vcpu(monitor);
	sw->strategy = world_strategy_of(strategy);
	sw->settings = settings;
	sw->memory = memory;
	sw->trace = trace;
}

void
world_switch_begin(struct world_switch *sw)
{
	sw->next = world_state(sw)->cr0 & DESCRY_CR0_PE ? sw->strategy->with_pe_set
							: sw->strategy->with_pe_clear;
	if (!world_trace_ends_with_mode(sw->trace))
		sw->trace->op_count = 0;
	begin_trace(sw);
	descry_vcpu_save(sw->vcpu, &sw->guest);
	if (carry_out(sw, DESCRY_WORLD_X1, event_in_guest, 0) &&
	    carry_out(sw, DESCRY_WORLD_X1, has_way, 0) &&
	    (!sw->strategy->accept || carry_out(sw, DESCRY_WORLD_X1, sw->strategy->accept, 0)))
		enter_host(sw);
	else
		leave_host(sw);
}

static unsigned
last_step(const struct world_switch *sw)
{
	return sw->trace->op[sw->trace->op_count - 1].step;
}

/* Each step has an operation in the trace, if only one that says that there was none. */
static void
fill_step(struct world_switch *sw)
{
	carry_out(sw, last_step(sw) + 1, do_nothing, 0);
}

static void
resume(struct world_switch *sw)
{
	sw->trace->end = DESCRY_WORLD_RESUMED;
	leave_host(sw);
}

/* Up to the next one that has anything to do. */
void
world_switch_next(struct world_switch *sw)
{
	const unsigned before = sw->trace->op_count;

	while (sw->trace->end == DESCRY_WORLD_IN_FLIGHT && sw->trace->op_count == before) {
		const unsigned step = sw->next->run ? sw->next->step : DESCRY_WORLD_X8;

		if (last_step(sw) + 1 < step) {
			fill_step(sw);
		} else if (!sw->next->run) {
			break;
		} else {
			if (!carry_out(sw, step, sw->next->run, sw->next->arg))
				leave_host(sw);
			sw->next++;
		}
	}
	if (sw->trace->end == DESCRY_WORLD_IN_FLIGHT && !sw->next->run &&
	    last_step(sw) == DESCRY_WORLD_X7)
		resume(sw);
}

void
world_switch_finish(struct world_switch *sw)
{
	while (sw->trace->end == DESCRY_WORLD_IN_FLIGHT)
		world_switch_next(sw);
}

/* --- hosts with a view of their own --------------------------------------------------- */

static bool
takes_hold(struct world_switch *sw, unsigned pe)
{
	world_note(sw, "the strategy takes hold of a guest with CR0.PE=%u, after %llu instructions",
		   pe, (unsigned long long)sw->trace->retired);
	return true;
}

static bool
change_of_mode(struct world_switch *sw, unsigned pe)
{
	world_note(sw, "the guest has set CR0.PE=%u, after %llu instructions", pe,
		   (unsigned long long)sw->trace->retired);
	return true;
}

void
world_switch_mode(struct world_switch *sw, bool by_guest)
{
	const struct world_view *view = sw->strategy->view;
	const bool pe = (world_state(sw)->cr0 & DESCRY_CR0_PE) != 0;
	const struct world_op *op = pe ? view->enters_pe : view->leaves_pe;

	sw->trace->op_count = 0;
	begin_trace(sw);
	descry_vcpu_save(sw->vcpu, &sw->guest);
	sw->record = sw->memory->copies;
	carry_out(sw, DESCRY_WORLD_MODE, by_guest ? change_of_mode : takes_hold, pe);
	for (; op && op->run && sw->trace->end == DESCRY_WORLD_IN_FLIGHT; op++)
		carry_out(sw, DESCRY_WORLD_MODE, op->run, op->arg);
	sw->memory->copies = sw->record;
	if (sw->trace->end == DESCRY_WORLD_IN_FLIGHT)
		sw->trace->end = DESCRY_WORLD_RESUMED;
	descry_op_set_step(sw->vcpu, DESCRY_STEP_GUEST);
}

void
world_switch_lend(struct world_switch *sw)
{
	struct world_memory *memory = sw->memory;

	memcpy(memory->held, world_state(sw)->seg, sizeof(memory->held));
	descry_op_set_step(sw->vcpu, DESCRY_WORLD_MODE);
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		sw->strategy->view->interpret(sw, sreg);
	descry_op_set_step(sw->vcpu, DESCRY_STEP_GUEST);
	memcpy(memory->lent, world_state(sw)->seg, sizeof(memory->lent));
}

/* A segment that the instruction has loaded stays. */
void
world_switch_take_back(struct world_switch *sw)
{
	const struct world_memory *memory = sw->memory;

	descry_op_set_step(sw->vcpu, DESCRY_WORLD_MODE);
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
		if (memcmp(&memory->lent[sreg], &world_state(sw)->seg[sreg],
			   sizeof(memory->lent[sreg])) == 0)
			descry_vcpu_put_segment(sw->vcpu, sreg, &memory->held[sreg],
						DESCRY_CAUSE_VM_ENTRY);
	}
	descry_op_set_step(sw->vcpu, DESCRY_STEP_GUEST);
}
