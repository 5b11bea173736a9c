#include "interrupt.h"

#include "debug.h"
#include "eflags.h"
#include "inner_stack.h"
#include "seg_load.h"
#include "stack.h"
#include "task.h"

#include <descry/debug.h>

#define EXT 1u /* error code: the event is external to the program */
#define IDT 2u /* error code: the index is a vector */

struct interruption {
	unsigned vector;
	uint32_t return_ip;
	bool software; /* INT n, INT3, INTO */
	uint32_t rf;   /* RF, if the pushed image has it whatever EFLAGS has */
	uint16_t dr6;  /* #DB: what it reports */
	bool has_error_code;
	uint32_t error_code;
};

/* SDM vol. 3, Error Code. */
static bool
pushes_error_code(unsigned vector)
{
	return vector == DESCRY_VEC_DF || (vector >= DESCRY_VEC_TS && vector <= DESCRY_VEC_PF);
}

static uint32_t
ext_of(const struct interruption *i)
{
	return i->software ? 0 : EXT;
}

static uint32_t
vector_error(const struct interruption *i)
{
	return i->vector * 8 + IDT + ext_of(i);
}

/* --- real mode: RM1 to RM6 ------------------------------------------------------------ */

/* The monitor wants to hear of vectors that nobody has claimed. */
static bool
is_unhandled(struct cpu *c, const struct interruption *i, uint32_t entry)
{
	if (!c->control || !c->control->unhandled || entry != c->control->unhandled)
		return false;
	c->exit->reason = DESCRY_EXIT_UNHANDLED;
	c->exit->fault.vector = (uint8_t)i->vector;
	c->exit->fault.error_code = (uint16_t)i->error_code;
	c->leave = true;
	return true;
}

static bool
deliver_real(struct cpu *c, const struct interruption *i)
{
	const uint32_t slot = i->vector * 4;
	const uint32_t flags = eflags_read(c) | i->rf;
	struct frame frame;
	const uint32_t old_limit = c->state.seg[DESCRY_CS].limit;
	struct seg_loading cs;
	uint32_t entry, ip;

	if (slot + 3 > c->state.idtr.limit)
		return raise(c, DESCRY_VEC_GP, vector_error(i));

	frame_on_stack(c, &frame, 2);
	frame_add(&frame, flags);
	frame_add(&frame, c->state.seg[DESCRY_CS].sel);
	frame_add(&frame, i->return_ip);
	if (!frame_check(c, &frame))
		return false;

	if (!mem_read_linear(c, (uint32_t)c->state.idtr.base + slot, &entry, sizeof(entry)))
		return false;
	if (is_unhandled(c, i, entry))
		return false;
	ip = entry & 0xffff;
	if (!seg_resolve_code(c, (uint16_t)(entry >> 16), SEG_PATH_GATE, &cs))
		return false;
	if (ip >
	    (knob_is(c, DESCRY_KNOB_RM_INT_LIMIT, DESCRY_RM_INT_OLD_CS) ? old_limit : cs.seg.limit))
		return raise(c, DESCRY_VEC_GP, 0);

	/* Nothing below can fault. */
	sp_write(c, frame_write(c, &frame));
	seg_commit(c, DESCRY_CS, &cs, DESCRY_CAUSE_INTERRUPT);
	eflags_write(c, flags & ~(DESCRY_FLAG_IF | DESCRY_FLAG_TF | DESCRY_FLAG_RF));
	c->target = ip;
	return true;
}

/* --- protected mode: PM1 to PM15 ------------------------------------------------------ */

struct gate {
	uint32_t offset;
	uint16_t sel;
	unsigned size; /* of a stack slot: 2 or 4 */
	bool clears_if;
	bool is_task; /* of the others only sel counts */
};

/* PM1 to PM4. */
static bool
read_gate(struct cpu *c, const struct interruption *i, struct gate *gate)
{
	uint64_t raw;
	struct descry_segment desc;
	unsigned type;

	if (i->vector * 8 + 7 > c->state.idtr.limit)
		return raise(c, DESCRY_VEC_GP, vector_error(i));
	if (!mem_read_linear(c, (uint32_t)c->state.idtr.base + i->vector * 8, &raw, sizeof(raw)))
		return false;
	desc = descry_segment_from_descriptor(0, raw);
	type = desc.attr & (DESCRY_ATTR_S | DESCRY_ATTR_TYPE);
	if (type != DESCRY_TYPE_TASK_GATE && type != DESCRY_TYPE_INTERRUPT_GATE16 &&
	    type != DESCRY_TYPE_TRAP_GATE16 && type != DESCRY_TYPE_INTERRUPT_GATE32 &&
	    type != DESCRY_TYPE_TRAP_GATE32)
		return raise(c, DESCRY_VEC_GP, vector_error(i));
	if (i->software && descry_segment_dpl(&desc) < descry_cpl(&c->state))
		return raise(c, DESCRY_VEC_GP, vector_error(i));
	if (!(desc.attr & DESCRY_ATTR_P))
		return raise(c, DESCRY_VEC_NP, vector_error(i));

	gate->is_task = type == DESCRY_TYPE_TASK_GATE;
	gate->size = type & 8 ? 4 : 2;
	gate->offset = (uint32_t)(raw & 0xffff);
	if (gate->size == 4)
		gate->offset |= (uint32_t)(raw >> 32) & 0xffff0000;
	gate->sel = (uint16_t)(raw >> 16);
	gate->clears_if = !(type & 1);
	return true;
}

static bool
switch_task(struct cpu *c, const struct interruption *i, uint16_t tss)
{
	const struct task_request to = { .way = TASK_BY_INTERRUPT,
					 .sel = tss,
					 .return_ip = i->return_ip,
					 .flags = eflags_read(c) | i->rf,
					 .has_error_code = i->has_error_code,
					 .error_code = i->error_code };

	return task_switch(c, &to);
}

static void
fill_frame(struct cpu *c, const struct interruption *i, struct frame *frame, bool inner)
{
	if (inner) {
		frame_add(frame, c->state.seg[DESCRY_SS].sel);
		frame_add(frame, (uint32_t)c->state.gpr[DESCRY_SP]);
	}
	frame_add(frame, eflags_read(c) | i->rf);
	frame_add(frame, c->state.seg[DESCRY_CS].sel);
	frame_add(frame, i->return_ip);
	if (i->has_error_code)
		frame_add(frame, i->error_code);
}

/* PM12 to PM15. */
static void
commit_protected(struct cpu *c, const struct gate *gate, const struct seg_loading *cs,
		 const struct seg_loading *ss, uint32_t sp)
{
	uint32_t cleared = DESCRY_FLAG_TF | DESCRY_FLAG_NT | DESCRY_FLAG_RF | DESCRY_FLAG_VM;

	if (gate->clears_if)
		cleared |= DESCRY_FLAG_IF;
	if (ss)
		seg_commit(c, DESCRY_SS, ss, DESCRY_CAUSE_INTERRUPT);
	sp_write(c, sp);
	seg_commit(c, DESCRY_CS, cs, DESCRY_CAUSE_INTERRUPT);
	eflags_write(c, eflags_read(c) & ~cleared);
	c->target = gate->offset;
}

static bool
transfer_protected(struct cpu *c, const struct interruption *i)
{
	struct gate gate = { 0 };
	struct seg_loading cs, ss;
	struct frame frame;
	bool inner;

	if (!read_gate(c, i, &gate))
		return false;
	if (gate.is_task)
		return switch_task(c, i, gate.sel);
	if (!seg_resolve_code(c, gate.sel, SEG_PATH_GATE, &cs))
		return false;
	inner = (cs.seg.sel & DESCRY_SEL_RPL) < descry_cpl(&c->state);
	frame_on_stack(c, &frame, gate.size);
	if (inner) {
		if (!inner_stack_resolve(c, cs.seg.sel & DESCRY_SEL_RPL, &ss, &frame.sp))
			return false;
		frame.ss = ss.seg;
		frame.is_current = false;
	}
	fill_frame(c, i, &frame, inner);
	if (!frame_check(c, &frame))
		return inner ? raise(c, DESCRY_VEC_SS, ss.seg.sel & ~DESCRY_SEL_RPL) : false;
	if (gate.offset > cs.seg.limit)
		return raise(c, DESCRY_VEC_GP, 0);

	/* Nothing below can fault. */
	commit_protected(c, &gate, &cs, inner ? &ss : NULL, frame_write(c, &frame));
	return true;
}

/* A fault found on the way says EXT unless a program asked for the interrupt. */
static bool
deliver_protected(struct cpu *c, const struct interruption *i)
{
	if (transfer_protected(c, i))
		return true;
	if (c->fault.vector != DESCRY_VEC_NONE)
		c->fault.error_code |= (uint16_t)ext_of(i);
	return false;
}

/* --- both ----------------------------------------------------------------------------- */

static void
record(struct cpu *c, enum descry_event_kind kind, const struct interruption *i)
{
	struct descry_event *event;

	if (!cpu_records(c, kind))
		return;
	event = cpu_record(c, kind);
	event->fault.vector = (uint8_t)i->vector;
	event->fault.error_code = (uint16_t)i->error_code;
}

static bool
deliver(struct cpu *c, const struct interruption *i)
{
	const bool done = in_protected_mode(c) ? deliver_protected(c, i) : deliver_real(c, i);

	if (done)
		record(c, DESCRY_EVENT_DELIVERY, i);
	return done;
}

/* It has cleared TF, and is itself not followed by a single-step trap. */
static bool
deliver_software(struct cpu *c, const struct interruption *i)
{
	if (!deliver(c, i))
		return false;
	c->state.pending_db &= (uint16_t)~DESCRY_DR6_BS;
	return true;
}

bool
interrupt_software(struct cpu *c, unsigned vector, uint32_t return_ip)
{
	const struct interruption i = { .vector = vector,
					.return_ip = return_ip,
					.software = true };

	return deliver_software(c, &i);
}

/* Not software as far as privilege and error codes go: the DPL of the gate means nothing. */
bool
interrupt_icebp(struct cpu *c, uint32_t return_ip)
{
	const struct interruption i = { .vector = DESCRY_VEC_DB, .return_ip = return_ip };

	if (!deliver_software(c, &i))
		return false;
	debug_enter(c, 0);
	return true;
}

/* SDM vol. 3, Interrupt 8 - Double Fault Exception. */
static bool
is_contributory(unsigned vector)
{
	return vector == DESCRY_VEC_DE || (vector >= DESCRY_VEC_TS && vector <= DESCRY_VEC_GP);
}

static void
shut_down(struct cpu *c, struct descry_fault first)
{
	c->state.shut_down = 1;
	c->exit->reason = DESCRY_EXIT_SHUTDOWN;
	c->exit->fault = first;
	c->leave = true;
}

/*
 * SDM vol. 3, Instruction-Breakpoint Exception Condition: the image of every fault has RF set
 * but that of an instruction breakpoint, whose handler has to do it; early manuals do not
 * make that exception. A double fault is an abort.
 */
static uint32_t
rf_of_fault(const struct cpu *c, unsigned vector, uint16_t dr6)
{
	const bool is_break = vector == DESCRY_VEC_DB && !(dr6 & DESCRY_DR6_BD);

	if (vector == DESCRY_VEC_DF)
		return 0;
	return !is_break || c->profile.knob[DESCRY_KNOB_DEBUG_BREAK_RF] ? DESCRY_FLAG_RF : 0;
}

/* At a boundary between instructions: only in the middle of a repeat. */
static uint32_t
rf_of_boundary(const struct cpu *c)
{
	return c->state.in_rep ? DESCRY_FLAG_RF : 0;
}

static struct interruption
exception(const struct cpu *c, struct pending_fault fault)
{
	const bool has_error_code = pushes_error_code(fault.vector);

	return (struct interruption){
		.vector = fault.vector,
		.return_ip = (uint32_t)c->state.rip,
		.has_error_code = has_error_code,
		.error_code = has_error_code ? fault.error_code : 0,
		.rf = rf_of_fault(c, fault.vector, fault.dr6),
		.dr6 = fault.dr6,
	};
}

/* The exception that follows when delivery of i has found another fault. */
static struct interruption
escalate(const struct cpu *c, const struct interruption *i, struct pending_fault second)
{
	if (is_contributory(i->vector) && is_contributory(second.vector))
		second = (struct pending_fault){ .vector = DESCRY_VEC_DF };
	return exception(c, second);
}

/* Once it is delivered, or another exception takes its place; not when the run ends before. */
static void
note_debug_exception(struct cpu *c, const struct interruption *i)
{
	if (i->vector == DESCRY_VEC_DB)
		debug_enter(c, i->dr6);
}

/*
 * With what follows when delivery faults too: double fault, then shutdown. False when the
 * run ends first.
 */
static bool
deliver_to_the_end(struct cpu *c, struct interruption i)
{
	const struct descry_fault first = { .vector = (uint8_t)i.vector,
					    .error_code = (uint16_t)i.error_code };
	bool done = false;

	cpu_here_stopped(c);
	while (!done) {
		c->fault.vector = DESCRY_VEC_NONE;
		record(c, DESCRY_EVENT_FAULT, &i);
		done = deliver(c, &i);
		c->switched = false; /* state.rip is right in either task */
		if (c->leave)
			return false;
		note_debug_exception(c, &i);
		if (done)
			break;
		if (i.vector == DESCRY_VEC_DF) {
			shut_down(c, first);
			return false;
		}
		i = escalate(c, &i, c->fault);
	}
	c->state.rip = c->target;
	c->state.shadow = 0;
	c->state.halted = 0;
	c->state.in_rep = 0;
	return true;
}

/* The instruction has not been executed: what it has met on the way is forgotten. */
void
interrupt_deliver_fault(struct cpu *c)
{
	c->state.pending_db = 0;
	if (deliver_to_the_end(c, exception(c, c->fault)))
		c->state.retired++;
}

void
interrupt_deliver_trap(struct cpu *c)
{
	const uint16_t pending = c->state.pending_db;
	const struct interruption i = { .vector = DESCRY_VEC_DB,
					.return_ip = (uint32_t)c->state.rip,
					.rf = rf_of_boundary(c),
					.dr6 = pending };

	c->state.pending_db = 0;
	if (!deliver_to_the_end(c, i) && !c->state.shut_down)
		c->state.pending_db = pending;
}
