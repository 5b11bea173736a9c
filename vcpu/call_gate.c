#include "call_gate.h"

#include "eflags.h"
#include "far.h"
#include "inner_stack.h"
#include "microstep.h"
#include "seg_load_rules.h"
#include "stack.h"
#include "task.h"

#define PARAMETERS 0x1fu /* SDM vol. 3, Call Gates: five bits */

struct call_gate {
	uint32_t offset;
	uint16_t sel;
	unsigned size; /* of a stack slot: 2 or 4 */
	unsigned parameters;
};

static struct call_gate
parse(const struct seg_loading *desc)
{
	const uint32_t low = (uint32_t)desc->raw, high = (uint32_t)(desc->raw >> 32);
	const bool wide = (desc->seg.attr & DESCRY_ATTR_TYPE) == DESCRY_TYPE_CALL_GATE32;

	return (struct call_gate){
		.offset = (low & 0xffff) | (wide ? high & 0xffff0000 : 0),
		.sel = (uint16_t)(low >> 16),
		.size = wide ? 4 : 2,
		.parameters = high & PARAMETERS,
	};
}

/* --- JMP ------------------------------------------------------------------------------ */

/* The RPL in a gate is not looked at. */
static bool
jump_through(struct cpu *c, const struct call_gate *gate)
{
	struct seg_loading cs;

	microstep_pair(c, DESCRY_MICRO_CG2, DESCRY_MICRO_CG3);
	if (!seg_resolve_code(c, gate->sel & (uint16_t)~DESCRY_SEL_RPL, SEG_PATH_JUMP, &cs) ||
	    !far_ip_allowed(c, &cs, gate->offset))
		return false;
	microstep(c, DESCRY_MICRO_CG9);
	far_commit(c, &cs, gate->offset, DESCRY_CAUSE_FAR_JMP);
	return true;
}

/* --- CALL ----------------------------------------------------------------------------- */

static bool
call_same_ring(struct cpu *c, const struct call_gate *gate, const struct seg_loading *cs,
	       uint32_t return_ip)
{
	struct frame frame;

	frame_on_stack(c, &frame, gate->size);
	frame_add(&frame, c->state.seg[DESCRY_CS].sel);
	frame_add(&frame, return_ip);
	microstep(c, DESCRY_MICRO_CG6);
	if (!frame_check(c, &frame) || !far_ip_allowed(c, cs, gate->offset))
		return false;
	microstep(c, DESCRY_MICRO_CG7);
	sp_write(c, frame_write(c, &frame));
	microstep(c, DESCRY_MICRO_CG9);
	far_commit(c, cs, gate->offset, DESCRY_CAUSE_FAR_CALL);
	return true;
}

/* Parameters keep their order: the last of them lies highest and is pushed first. */
static bool
copy_parameters(struct cpu *c, const struct call_gate *gate, uint32_t *first_pushed)
{
	for (unsigned i = 0; i < gate->parameters; i++) {
		if (!stack_read(c, gate->size, (gate->parameters - 1 - i) * gate->size))
			return false;
		first_pushed[i] = c->value;
	}
	return true;
}

/* SDM vol. 2, CALL, more privilege: room on the new stack, then EIP, then the parameters. */
static bool
call_inner_ring(struct cpu *c, const struct call_gate *gate, const struct seg_loading *cs,
		uint32_t return_ip)
{
	struct frame frame;
	struct seg_loading ss;
	uint32_t *parameters;
	uint32_t sp;

	frame_on_stack(c, &frame, gate->size);
	microstep_pair(c, DESCRY_MICRO_CG4, DESCRY_MICRO_CG5);
	if (!inner_stack_resolve(c, cs->seg.sel & DESCRY_SEL_RPL, &ss, &frame.sp))
		return false;
	frame.ss = ss.seg;
	frame.is_current = false;
	frame_add(&frame, c->state.seg[DESCRY_SS].sel);
	frame_add(&frame, (uint32_t)c->state.gpr[DESCRY_SP]);
	parameters = frame_reserve(&frame, gate->parameters);
	frame_add(&frame, c->state.seg[DESCRY_CS].sel);
	frame_add(&frame, return_ip);
	microstep(c, DESCRY_MICRO_CG6);
	if (!frame_check(c, &frame) || !far_ip_allowed(c, cs, gate->offset) ||
	    !copy_parameters(c, gate, parameters))
		return false;

	/* Nothing below can fault. */
	microstep(c, DESCRY_MICRO_CG7);
	sp = frame_write(c, &frame);
	microstep(c, DESCRY_MICRO_CG8);
	seg_commit(c, DESCRY_SS, &ss, DESCRY_CAUSE_FAR_CALL);
	sp_write(c, sp);
	microstep(c, DESCRY_MICRO_CG9);
	far_commit(c, cs, gate->offset, DESCRY_CAUSE_FAR_CALL);
	return true;
}

static bool
call_through(struct cpu *c, const struct call_gate *gate, uint32_t return_ip)
{
	struct seg_loading cs;

	microstep_pair(c, DESCRY_MICRO_CG2, DESCRY_MICRO_CG3);
	if (!seg_resolve_code(c, gate->sel, SEG_PATH_GATE, &cs))
		return false;
	return (cs.seg.sel & DESCRY_SEL_RPL) < descry_cpl(&c->state)
		       ? call_inner_ring(c, gate, &cs, return_ip)
		       : call_same_ring(c, gate, &cs, return_ip);
}

/* --- which it is ---------------------------------------------------------------------- */

static bool
to_task(struct cpu *c, uint16_t tss, bool is_call, uint32_t return_ip)
{
	const struct task_request to = { .way = is_call ? TASK_BY_CALL : TASK_BY_JMP,
					 .sel = tss,
					 .return_ip = return_ip,
					 .flags = eflags_read(c) };

	return task_switch(c, &to);
}

static bool
to_code(struct cpu *c, const struct seg_loading *desc, bool is_call, uint32_t return_ip)
{
	const struct call_gate gate = parse(desc);

	return is_call ? call_through(c, &gate, return_ip) : jump_through(c, &gate);
}

bool
gate_transfer(struct cpu *c, uint16_t sel, bool is_call, uint32_t return_ip)
{
	struct seg_loading desc;
	struct seg_verdict verdict;

	if (seg_is_null(sel) || !seg_fetch(c, sel, &desc))
		return false;
	if (!seg_is_tss(&desc.seg) && !seg_is_task_gate(&desc.seg) && !seg_is_call_gate(&desc.seg))
		return false;
	microstep(c, DESCRY_MICRO_CG1);
	verdict = seg_check_gate(sel, &desc.seg, descry_cpl(&c->state));
	if (verdict.rule != SEG_OK)
		return raise_verdict(c, verdict);
	c->fault.vector = DESCRY_VEC_NONE;
	if (seg_is_tss(&desc.seg))
		return to_task(c, sel, is_call, return_ip);
	if (seg_is_task_gate(&desc.seg))
		return to_task(c, (uint16_t)(desc.raw >> 16), is_call, return_ip);
	return to_code(c, &desc, is_call, return_ip);
}
