/*
 * A VMCB: one page of bytes with the guest's state at fixed offsets (AMD APM vol. 2, VMCB
 * Layout, State Save Area).
 */
#ifndef DESCRY_WORLD_SVM_VMCB_H
#define DESCRY_WORLD_SVM_VMCB_H

#include <descry/state.h>

#define VMCB_SIZE 0x1000u

struct vmcb {
	uint8_t byte[VMCB_SIZE];
};

/* Where a segment lies: selector +0, attrib +2, limit +4, base +8. Packed by the rows of
 * <descry/exchange.h>: bits 15:12 of attr lie at 11:8 of attrib, and P=0 says unusable. */
unsigned vmcb_segment_offset(enum descry_sreg sreg);

uint64_t vmcb_get(const struct vmcb *vmcb, unsigned offset, unsigned size);

void vmcb_put_segment(struct vmcb *vmcb, enum descry_sreg sreg, const struct descry_segment *seg);
struct descry_segment vmcb_get_segment(const struct vmcb *vmcb, enum descry_sreg sreg);

/* What #VMEXIT and VMRUN move beside segments: CR0 RIP RSP RFLAGS GDTR IDTR and the shadow; the CPL
 * is the DPL of SS here. */
void vmcb_put_registers(struct vmcb *vmcb, const struct descry_state *state);
void vmcb_get_registers(const struct vmcb *vmcb, struct descry_state *state);

#endif
