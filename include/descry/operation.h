/*
 * Architectural operations without an instruction in guest memory: what host code does
 * to the CPU during a world switch, and what a person asks for with `load fs 0x10`.
 * Each goes through the very rules that instructions go through, touches the guest's or
 * the host's tables as they would, and either takes effect whole or returns false with
 * the fault and no register changed. Owned by vcpu.
 */
#ifndef DESCRY_OPERATION_H
#define DESCRY_OPERATION_H

#include <descry/vcpu.h>

/*
 * Who does the operations that follow: DESCRY_STEP_GUEST, DESCRY_STEP_PERSON, or 2 to 7:
 * the host at X2 to X7. It becomes .step of the provenance that they write.
 */
void descry_op_set_step(struct descry_vcpu *vcpu, unsigned step);

/* MOV Sreg, or LLDT / LTR for those two. CS by far jump. */
DESCRY_MUST_CHECK bool descry_op_load_segment(struct descry_vcpu *vcpu, enum descry_sreg sreg,
					      uint16_t sel, enum descry_cause cause,
					      struct descry_fault *fault);

/* MOV CR0 at CPL 0. Touches no segment. */
DESCRY_MUST_CHECK bool descry_op_write_cr0(struct descry_vcpu *vcpu, uint32_t value,
					   struct descry_fault *fault);

void descry_op_load_gdtr(struct descry_vcpu *vcpu, uint64_t base, uint32_t limit);
void descry_op_load_idtr(struct descry_vcpu *vcpu, uint64_t base, uint32_t limit);

/*
 * IRET to a frame that is held in host memory: CS is loaded again by the rules of the
 * current mode, the stack is not touched. same-ring only; an outer ring, and
 * virtual-8086 mode, is refused with #GP(sel).
 */
struct descry_iret_frame {
	uint32_t ip;
	uint16_t cs;
	uint32_t flags;
};
DESCRY_MUST_CHECK bool descry_op_iret(struct descry_vcpu *vcpu,
				      const struct descry_iret_frame *frame,
				      struct descry_fault *fault);

#endif
