/*
 * A VMCB: one page of bytes with the guest's state at fixed offsets (AMD APM vol. 2, VMCB
 * Layout, State Save Area).
 */
#ifndef DESCRY_WORLD_SVM_VMCB_H
#define DESCRY_WORLD_SVM_VMCB_H

#include <descry/segment.h>

#define VMCB_SIZE 0x1000u

#define VMCB_INTERRUPT_SHADOW 0x068u
#define VMCB_GDTR 0x460u
#define VMCB_IDTR 0x480u
#define VMCB_CPL 0x4cbu
#define VMCB_CR0 0x558u
#define VMCB_RFLAGS 0x570u
#define VMCB_RIP 0x578u
#define VMCB_RSP 0x5d8u

struct vmcb {
	uint8_t byte[VMCB_SIZE];
};

/* Where a segment lies: selector +0, attrib +2, limit +4, base +8. Packed by the rows of
 * <descry/exchange.h>: bits 15:12 of attr lie at 11:8 of attrib, and P=0 says unusable. */
unsigned vmcb_segment_offset(enum descry_sreg sreg);

void vmcb_put(struct vmcb *vmcb, unsigned offset, unsigned size, uint64_t value);
uint64_t vmcb_get(const struct vmcb *vmcb, unsigned offset, unsigned size);

void vmcb_put_segment(struct vmcb *vmcb, enum descry_sreg sreg, const struct descry_segment *seg);
struct descry_segment vmcb_get_segment(const struct vmcb *vmcb, enum descry_sreg sreg);

#endif
