#include <descry/operation.h>

#include "control.h"
#include "eflags.h"
#include "far.h"
#include "provenance.h"
#include "seg_load.h"
#include "v86.h"

void
descry_op_set_step(struct descry_vcpu *vcpu, unsigned step)
{
	vcpu->cpu.op_step = (uint8_t)step;
}

static void
begin(struct cpu *c)
{
	c->fault.vector = DESCRY_VEC_NONE;
	cpu_here_stopped(c);
}

static bool
end(struct cpu *c, bool done, struct descry_fault *fault)
{
	c->state.rflags = eflags_read(c);
	cpu_settle_provenance(c);
	if (!done)
		*fault = (struct descry_fault){ .vector = c->fault.vector,
						.error_code = c->fault.error_code };
	c->fault.vector = DESCRY_VEC_NONE;
	c->leave = false;
	return done;
}

static bool
resolve(struct cpu *c, enum descry_sreg sreg, uint16_t sel, struct seg_loading *out)
{
	switch ((int)sreg) {
	case DESCRY_CS:
		return seg_resolve_code(c, sel, SEG_PATH_JUMP, out);
	case DESCRY_LDTR:
		return uses_descriptors(c) ? seg_resolve_ldt(c, sel, out)
					   : raise(c, DESCRY_VEC_UD, 0);
	case DESCRY_TR:
		return uses_descriptors(c) ? seg_resolve_tss(c, sel, out)
					   : raise(c, DESCRY_VEC_UD, 0);
	default:
		return seg_resolve(c, sreg, sel, out);
	}
}

bool
descry_op_load_segment(struct descry_vcpu *vcpu, enum descry_sreg sreg, uint16_t sel,
		       enum descry_cause cause, struct descry_fault *fault)
{
	struct cpu *c = &vcpu->cpu;
	struct seg_loading loading;
	bool done;

	begin(c);
	done = resolve(c, sreg, sel, &loading);
	if (done)
		seg_commit(c, sreg, &loading, cause);
	return end(c, done, fault);
}

bool
descry_op_write_cr0(struct descry_vcpu *vcpu, uint32_t value, struct descry_fault *fault)
{
	begin(&vcpu->cpu);
	return end(&vcpu->cpu, cr0_write(&vcpu->cpu, value), fault);
}

void
descry_op_load_gdtr(struct descry_vcpu *vcpu, uint64_t base, uint32_t limit)
{
	vcpu->cpu.state.gdtr = (struct descry_table){ .base = base, .limit = limit };
}

void
descry_op_load_idtr(struct descry_vcpu *vcpu, uint64_t base, uint32_t limit)
{
	vcpu->cpu.state.idtr = (struct descry_table){ .base = base, .limit = limit };
}

bool
descry_op_iret(struct descry_vcpu *vcpu, const struct descry_iret_frame *frame,
	       struct descry_fault *fault)
{
	struct cpu *c = &vcpu->cpu;
	bool done;

	begin(c);
	done = v86_is_return(c, frame->flags, 4)
		       ? raise(c, DESCRY_VEC_GP, frame->cs & ~DESCRY_SEL_RPL)
		       : far_iret_same_ring(c, frame->cs, frame->ip, frame->flags, 4);
	if (done)
		c->state.rip = c->target;
	return end(c, done, fault);
}
