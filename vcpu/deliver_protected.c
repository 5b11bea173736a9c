/*
 * SDM vol. 3, Exception- or Interrupt-Handler Procedures; vol. 2, INT n: through the gates of
 * the IDT, from the same ring, an outer ring or virtual-8086 mode.
 */
#include "deliver.h"
#include "seg_load_rules.h"

#include "eflags.h"
#include "inner_stack.h"
#include "microstep.h"
#include "stack.h"
#include "task.h"

struct gate {
	uint32_t offset;
	uint16_t sel;
	unsigned size; /* of a stack slot: 2 or 4 */
	bool clears_if;
	bool is_task; /* of the others only sel counts */
};

/* Where the transfer goes: found and checked, nothing of it in place. */
struct handler {
	struct gate gate;
	struct seg_loading cs, ss;
	struct frame frame;
	bool inner; /* on the stack of an inner ring: ss */
	bool from_v86;
};

static unsigned
handler_ring(const struct handler *to)
{
	return to->cs.seg.sel & DESCRY_SEL_RPL;
}

static bool
is_gate(unsigned type)
{
	switch (type) {
	case DESCRY_TYPE_TASK_GATE:
	case DESCRY_TYPE_INTERRUPT_GATE16:
	case DESCRY_TYPE_TRAP_GATE16:
	case DESCRY_TYPE_INTERRUPT_GATE32:
	case DESCRY_TYPE_TRAP_GATE32:
		return true;
	default:
		return false;
	}
}

/* PM1 to PM4. */
static bool
read_gate(struct cpu *c, const struct interruption *i, struct gate *gate)
{
	const uint16_t error = interruption_vector_error(i->kind, i->vector);
	uint64_t raw;
	struct descry_segment desc;
	unsigned type;

	microstep(c, DESCRY_MICRO_PM1);
	if (i->vector * 8 + 7 > c->state.idtr.limit)
		return raise(c, DESCRY_VEC_GP, error);
	if (!mem_read_linear(c, (uint32_t)c->state.idtr.base + i->vector * 8, &raw, sizeof(raw)))
		return false;
	desc = seg_from_table(0, raw, &c->profile);
	type = desc.attr & (DESCRY_ATTR_S | DESCRY_ATTR_TYPE);
	if (!is_gate(type))
		return raise(c, DESCRY_VEC_GP, error);
	if (i->kind == INTERRUPTION_SOFTWARE)
		microstep(c, DESCRY_MICRO_PM2);
	if (i->kind == INTERRUPTION_SOFTWARE && descry_segment_dpl(&desc) < descry_cpl(&c->state))
		return raise(c, DESCRY_VEC_GP, error);
	microstep(c, DESCRY_MICRO_PM3);
	if (!(desc.attr & DESCRY_ATTR_P))
		return raise(c, DESCRY_VEC_NP, error);

	gate->is_task = type == DESCRY_TYPE_TASK_GATE;
	gate->size = type & 8 ? 4 : 2;
	gate->offset = (uint32_t)(raw & 0xffff);
	if (gate->size == 4)
		gate->offset |= (uint32_t)(raw >> 32) & 0xffff0000;
	gate->sel = (uint16_t)(raw >> 16);
	gate->clears_if = !(type & 1);
	return true;
}

/* PM5 to PM7. */
DESCRY_INLINE bool
resolve_code(struct cpu *c, struct handler *to)
{
	to->from_v86 = in_v86(c);
	microstep_pair(c, DESCRY_MICRO_PM5, to->from_v86 ? DESCRY_MICRO_PM7 : DESCRY_MICRO_PM6);
	if (!seg_resolve_gate_code(c, to->gate.sel, &to->cs))
		return false;
	to->inner = handler_ring(to) < descry_cpl(&c->state);
	return true;
}

/* PM8 and PM9. */
static bool
choose_stack(struct cpu *c, struct handler *to)
{
	frame_on_stack(c, &to->frame, to->gate.size);
	if (!to->inner)
		return true;
	microstep_pair(c, DESCRY_MICRO_PM8, DESCRY_MICRO_PM9);
	if (!inner_stack_resolve(c, handler_ring(to), &to->ss, &to->frame.sp))
		return false;
	to->frame.ss = to->ss.seg;
	to->frame.is_current = false;
	return true;
}

/* Out of V86 the data registers are pushed: nothing else keeps their selectors. */
static const enum descry_sreg v86_data[] = { DESCRY_GS, DESCRY_FS, DESCRY_DS, DESCRY_ES };
#define V86_DATA_COUNT (sizeof(v86_data) / sizeof(v86_data[0]))

/* PM11. */
static void
fill_frame(struct cpu *c, const struct interruption *i, struct handler *to)
{
	const struct descry_segment *seg = c->state.seg;
	struct frame *frame = &to->frame;

	for (unsigned n = 0; to->from_v86 && n < V86_DATA_COUNT; n++)
		frame_add(frame, seg[v86_data[n]].sel);
	if (to->inner) {
		frame_add(frame, seg[DESCRY_SS].sel);
		frame_add(frame, (uint32_t)c->state.gpr[DESCRY_SP]);
	}
	frame_add(frame, eflags_read(c) | i->rf);
	frame_add(frame, seg[DESCRY_CS].sel);
	frame_add(frame, i->return_ip);
	if (interruption_has_error_code(i->kind, i->vector))
		frame_add(frame, i->error_code);
}

/* PM5 to PM11, and room for the frame; a fault of the new stack names it. */
static bool
resolve_handler(struct cpu *c, const struct interruption *i, struct handler *to)
{
	if (!resolve_code(c, to) || !choose_stack(c, to))
		return false;
	microstep(c, DESCRY_MICRO_PM10);
	fill_frame(c, i, to);
	if (!frame_check(c, &to->frame))
		return to->inner && c->fault.vector == DESCRY_VEC_SS
			       ? raise(c, DESCRY_VEC_SS, to->ss.seg.sel & ~DESCRY_SEL_RPL)
			       : false;
	return to->gate.offset <= to->cs.seg.limit ? true : raise(c, DESCRY_VEC_GP, 0);
}

/* PM15 and PM12. VM goes first: what is loaded below belongs to protected mode. */
DESCRY_INLINE void
commit_stack(struct cpu *c, const struct handler *to)
{
	uint32_t cleared = DESCRY_FLAG_TF | DESCRY_FLAG_NT | DESCRY_FLAG_RF | DESCRY_FLAG_VM;

	if (to->gate.clears_if)
		cleared |= DESCRY_FLAG_IF;
	microstep(c, DESCRY_MICRO_PM15);
	eflags_clear(c, cleared);
	microstep(c, DESCRY_MICRO_PM12);
	if (to->inner)
		seg_commit(c, DESCRY_SS, &to->ss, DESCRY_CAUSE_INTERRUPT);
}

/* PM13 and PM14. */
DESCRY_INLINE void
commit_code(struct cpu *c, const struct handler *to)
{
	microstep(c, DESCRY_MICRO_PM13);
	seg_commit(c, DESCRY_CS, &to->cs, DESCRY_CAUSE_INTERRUPT);
	c->target = to->gate.offset;
	if (to->from_v86)
		microstep(c, DESCRY_MICRO_PM14);
	for (unsigned n = 0; to->from_v86 && n < V86_DATA_COUNT; n++)
		seg_make_null(c, v86_data[n], DESCRY_CAUSE_INTERRUPT);
}

/* PM11 to PM15. */
static void
commit_handler(struct cpu *c, const struct handler *to)
{
	uint32_t sp;

	microstep(c, DESCRY_MICRO_PM11);
	sp = frame_write(c, &to->frame);
	commit_stack(c, to);
	sp_write(c, sp);
	commit_code(c, to);
}

static bool
switch_task(struct cpu *c, const struct interruption *i, uint16_t tss)
{
	const struct task_request to = {
		.way = TASK_BY_INTERRUPT,
		.sel = tss,
		.return_ip = i->return_ip,
		.flags = eflags_read(c) | i->rf,
		.has_error_code = interruption_has_error_code(i->kind, i->vector),
		.error_code = i->error_code,
	};

	microstep(c, DESCRY_MICRO_PM4);
	return task_switch(c, &to);
}

static bool
transfer(struct cpu *c, const struct interruption *i)
{
	struct handler to;

	if (!read_gate(c, i, &to.gate))
		return false;
	if (to.gate.is_task)
		return switch_task(c, i, to.gate.sel);
	if (!resolve_handler(c, i, &to))
		return false;

	/* Nothing below can fault. */
	commit_handler(c, &to);
	return true;
}

bool
deliver_protected(struct cpu *c, const struct interruption *i)
{
	if (transfer(c, i))
		return true;
	c->fault.error_code =
		interruption_nested_error(i->kind, c->fault.vector, c->fault.error_code);
	return false;
}

/* Of the rules of the new stack, those of its selector: PM9. */
static bool
transfer_unpushed(struct cpu *c, struct handler *to, uint16_t ss)
{
	if (!resolve_code(c, to) ||
	    (to->inner && !seg_resolve_stack_inner(c, ss, handler_ring(to), &to->ss)))
		return false;

	/* Nothing below can fault. */
	commit_stack(c, to);
	commit_code(c, to);
	return true;
}

bool
deliver_protected_unpushed(struct cpu *c, uint16_t cs, uint16_t ss)
{
	struct handler to = { .gate = { .sel = cs, .clears_if = true } };

	if (transfer_unpushed(c, &to, ss))
		return true;
	c->fault.error_code = interruption_nested_error(INTERRUPTION_EXTERNAL, c->fault.vector,
							c->fault.error_code);
	return false;
}
