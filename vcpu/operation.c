/*
 * Operations on one register: a segment, a control register, a table register, the TLB.
 */
#include "operation.h"

#include "control.h"
#include "eflags.h"
#include "provenance.h"
#include "seg_load.h"
#include "tlb.h"

void
descry_op_set_step(struct descry_vcpu *vcpu, unsigned step)
{
	vcpu->cpu.op_step = (uint8_t)step;
}

/* --- begin and end -------------------------------------------------------------------- */

void
op_begin(struct cpu *c)
{
	c->fault.vector = DESCRY_VEC_NONE;
	cpu_here_stopped(c);
}

bool
op_end(struct cpu *c, bool done, struct descry_fault *fault)
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

/* --- registers ------------------------------------------------------------------------ */

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

	op_begin(c);
	done = resolve(c, sreg, sel, &loading);
	if (done)
		seg_commit(c, sreg, &loading, cause);
	return op_end(c, done, fault);
}

bool
descry_op_write_cr0(struct descry_vcpu *vcpu, uint32_t value, struct descry_fault *fault)
{
	op_begin(&vcpu->cpu);
	return op_end(&vcpu->cpu, cr0_write(&vcpu->cpu, value), fault);
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
descry_op_write_cr3(struct descry_vcpu *vcpu, uint32_t value, struct descry_fault *fault)
{
	op_begin(&vcpu->cpu);
	return op_end(&vcpu->cpu, cr3_write(&vcpu->cpu, value), fault);
}

void
descry_op_flush_tlb(struct descry_vcpu *vcpu)
{
	tlb_flush(&vcpu->cpu);
}

void
descry_op_load_v86(struct descry_vcpu *vcpu, enum descry_sreg sreg, uint16_t sel)
{
	struct cpu *c = &vcpu->cpu;

	assert(sreg < DESCRY_DATA_SREG_COUNT);
	op_begin(c);
	seg_load_fixed(c, sreg, sel, DESCRY_CAUSE_MOV);
	cpu_settle_provenance(c);
}

void
descry_op_write_base(struct descry_vcpu *vcpu, enum descry_sreg sreg, uint64_t base)
{
	struct cpu *c = &vcpu->cpu;
	struct seg_loading loading = { .seg = c->state.seg[sreg],
				       .origin = DESCRY_ORIGIN_RECORD,
				       .fields = SEG_FIELD_BASE };

	assert(sreg == DESCRY_FS || sreg == DESCRY_GS);
	op_begin(c);
	loading.seg.base = base;
	seg_commit(c, sreg, &loading, DESCRY_CAUSE_WRMSR);
}
