/*
 * May a VM entry load these guest segments? SDM vol. 3, Checks on Guest Segment Registers,
 * for a guest that is not in IA-32e mode, on a processor with Intel 64. Pure: values in, the
 * first check that fails out.
 */
#ifndef DESCRY_WORLD_VMX_CHECK_H
#define DESCRY_WORLD_VMX_CHECK_H

#include <descry/segment.h>

struct vmx_segment {
	uint64_t base;
	uint32_t limit;
	uint32_t rights; /* as in the VMCS, bit 16 unusable */
	uint16_t sel;
};

struct vmx_guest {
	struct vmx_segment seg[DESCRY_SREG_COUNT];
	bool unrestricted; /* the control "unrestricted guest" */
	bool v86;          /* the guest will be virtual-8086 */
	bool pe;           /* CR0.PE */
};

struct vmx_verdict {
	const char *check; /* the check that fails, as a phrase; NULL: all pass */
	enum descry_sreg sreg;
};

struct vmx_verdict vmx_check_guest_segments(const struct vmx_guest *guest);

#endif
