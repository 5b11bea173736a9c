/*
 * Operations that leave the guest's code and come back to it: interrupt and IRET, and both as a
 * task switch.
 */
#include "operation.h"

#include "deliver.h"
#include "eflags.h"
#include "far.h"
#include "interrupt.h"
#include "task.h"

/* Where the guest goes on. */
static struct descry_frame
frame_here(const struct cpu *c)
{
	const struct descry_segment *seg = c->state.seg;

	return (struct descry_frame){
		.ip = (uint32_t)c->state.rip,
		.flags = eflags_read(c) | interrupt_rf_of_boundary(c),
		.cs = seg[DESCRY_CS].sel,
		.ss = seg[DESCRY_SS].sel,
		.sp = (uint32_t)c->state.gpr[DESCRY_SP],
		.es = seg[DESCRY_ES].sel,
		.ds = seg[DESCRY_DS].sel,
		.fs = seg[DESCRY_FS].sel,
		.gs = seg[DESCRY_GS].sel,
	};
}

bool
descry_op_interrupt(struct descry_vcpu *vcpu, uint16_t cs, uint16_t ss, struct descry_frame *frame,
		    struct descry_fault *fault)
{
	struct cpu *c = &vcpu->cpu;
	const unsigned cpl = descry_cpl(&c->state);
	struct descry_frame here = frame_here(c);

	op_begin(c);
	if (in_protected_mode(c) ? !deliver_protected_unpushed(c, cs, ss)
				 : !deliver_real_unpushed(c, cs))
		return op_end(c, false, fault);
	here.outer = descry_cpl(&c->state) < cpl;
	*frame = here;
	c->state.rip = c->target;
	return op_end(c, true, fault);
}

bool
descry_op_iret(struct descry_vcpu *vcpu, const struct descry_frame *frame,
	       struct descry_fault *fault)
{
	struct cpu *c = &vcpu->cpu;
	bool done;

	op_begin(c);
	done = far_iret_from(c, frame);
	if (done)
		c->state.rip = c->target;
	return op_end(c, done, fault);
}

/* --- as a task switch ----------------------------------------------------------------- */

static bool
end_switch(struct cpu *c, bool done, bool *in_new_task, struct descry_fault *fault)
{
	*in_new_task = c->switched;
	c->switched = false;
	return op_end(c, done, fault);
}

bool
descry_op_task_interrupt(struct descry_vcpu *vcpu, uint16_t tss, bool *in_new_task,
			 struct descry_fault *fault)
{
	struct cpu *c = &vcpu->cpu;
	const struct task_request to = {
		.way = TASK_BY_INTERRUPT,
		.sel = tss,
		.return_ip = (uint32_t)c->state.rip,
		.flags = eflags_read(c) | interrupt_rf_of_boundary(c),
	};
	bool done;

	op_begin(c);
	done = in_protected_mode(c) ? task_switch(c, &to) : raise(c, DESCRY_VEC_UD, 0);
	return end_switch(c, done, in_new_task, fault);
}

bool
descry_op_task_return(struct descry_vcpu *vcpu, bool *in_new_task, struct descry_fault *fault)
{
	struct cpu *c = &vcpu->cpu;
	bool done;

	op_begin(c);
	done = uses_descriptors(c) ? task_return(c, (uint32_t)c->state.rip)
				   : raise(c, DESCRY_VEC_UD, 0);
	return end_switch(c, done, in_new_task, fault);
}
