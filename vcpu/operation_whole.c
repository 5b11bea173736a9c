/*
 * Operations that replace every register: SMI and RSM, LOADALL.
 */
#include "operation.h"

#include "loadall.h"
#include "smm.h"

bool
descry_op_smi(struct descry_vcpu *vcpu)
{
	struct cpu *c = &vcpu->cpu;
	struct descry_fault none;

	op_begin(c);
	return op_end(c, smm_take(c), &none);
}

static bool
resume(struct cpu *c)
{
	if (!c->state.in_smm)
		return raise(c, DESCRY_VEC_UD, 0);
	if (!smm_resume(c))
		return false;
	c->state.rip = c->target;
	return true;
}

bool
descry_op_rsm(struct descry_vcpu *vcpu, struct descry_fault *fault)
{
	op_begin(&vcpu->cpu);
	return op_end(&vcpu->cpu, resume(&vcpu->cpu), fault);
}

bool
descry_op_loadall(struct descry_vcpu *vcpu, enum descry_loadall which, const uint8_t *table,
		  struct descry_fault *fault)
{
	struct cpu *c = &vcpu->cpu;
	bool done;

	op_begin(c);
	done = loadall_allowed(c, which);
	if (done) {
		loadall_commit(c, which, table);
		c->state.rip = c->target;
	}
	return op_end(c, done, fault);
}
