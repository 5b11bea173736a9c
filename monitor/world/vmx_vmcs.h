/*
 * A VMCS: words with encodings (SDM vol. 3, Field Encoding in VMCS), and the part of one
 * that a world switch reads and writes. The guest's words are rows of <descry/exchange.h>.
 */
#ifndef DESCRY_WORLD_VMX_VMCS_H
#define DESCRY_WORLD_VMX_VMCS_H

#include <descry/state.h>

/* Places in the table of encodings. The segment groups are indexed by enum descry_sreg. */
enum vmcs_place {
	VMCS_GUEST_SELECTOR,
	VMCS_GUEST_BASE = VMCS_GUEST_SELECTOR + DESCRY_SREG_COUNT,
	VMCS_GUEST_LIMIT = VMCS_GUEST_BASE + DESCRY_SREG_COUNT,
	VMCS_GUEST_RIGHTS = VMCS_GUEST_LIMIT + DESCRY_SREG_COUNT,
	VMCS_GUEST_GDTR_BASE = VMCS_GUEST_RIGHTS + DESCRY_SREG_COUNT,
	VMCS_GUEST_GDTR_LIMIT,
	VMCS_GUEST_IDTR_BASE,
	VMCS_GUEST_IDTR_LIMIT,
	VMCS_GUEST_CR0,
	VMCS_GUEST_RIP,
	VMCS_GUEST_RSP,
	VMCS_GUEST_RFLAGS,
	VMCS_GUEST_INTERRUPTIBILITY,
	VMCS_HOST_ES,
	VMCS_HOST_CS,
	VMCS_HOST_SS,
	VMCS_HOST_DS,
	VMCS_HOST_FS,
	VMCS_HOST_GS,
	VMCS_HOST_TR,
	VMCS_HOST_CR0,
	VMCS_HOST_FS_BASE,
	VMCS_HOST_GS_BASE,
	VMCS_HOST_TR_BASE,
	VMCS_HOST_GDTR_BASE,
	VMCS_HOST_IDTR_BASE,
	VMCS_PLACE_COUNT
};

struct vmcs {
	uint64_t value[VMCS_PLACE_COUNT];
};

/* The word of a VMCS that VMREAD knows by this number. */
uint32_t vmcs_encoding(enum vmcs_place place);

#define VMCS_RIGHTS_UNUSABLE 0x00010000u

void vmcs_put_segment(struct vmcs *vmcs, enum descry_sreg sreg, const struct descry_segment *seg);
struct descry_segment vmcs_get_segment(const struct vmcs *vmcs, enum descry_sreg sreg);

/* CR0 RIP RSP RFLAGS GDTR IDTR and what holds interrupts back. */
void vmcs_put_registers(struct vmcs *vmcs, const struct descry_state *state);
void vmcs_get_registers(const struct vmcs *vmcs, struct descry_state *state);

#endif
