#include "world/vmx_vmcs.h"

/* clang-format off */
static const uint32_t encodings[VMCS_PLACE_COUNT] = {
	[VMCS_GUEST_SELECTOR + DESCRY_ES]   = 0x0800, [VMCS_GUEST_BASE + DESCRY_ES]     = 0x6806,
	[VMCS_GUEST_SELECTOR + DESCRY_CS]   = 0x0802, [VMCS_GUEST_BASE + DESCRY_CS]     = 0x6808,
	[VMCS_GUEST_SELECTOR + DESCRY_SS]   = 0x0804, [VMCS_GUEST_BASE + DESCRY_SS]     = 0x680a,
	[VMCS_GUEST_SELECTOR + DESCRY_DS]   = 0x0806, [VMCS_GUEST_BASE + DESCRY_DS]     = 0x680c,
	[VMCS_GUEST_SELECTOR + DESCRY_FS]   = 0x0808, [VMCS_GUEST_BASE + DESCRY_FS]     = 0x680e,
	[VMCS_GUEST_SELECTOR + DESCRY_GS]   = 0x080a, [VMCS_GUEST_BASE + DESCRY_GS]     = 0x6810,
	[VMCS_GUEST_SELECTOR + DESCRY_LDTR] = 0x080c, [VMCS_GUEST_BASE + DESCRY_LDTR]   = 0x6812,
	[VMCS_GUEST_SELECTOR + DESCRY_TR]   = 0x080e, [VMCS_GUEST_BASE + DESCRY_TR]     = 0x6814,

	[VMCS_GUEST_LIMIT + DESCRY_ES]      = 0x4800, [VMCS_GUEST_RIGHTS + DESCRY_ES]   = 0x4814,
	[VMCS_GUEST_LIMIT + DESCRY_CS]      = 0x4802, [VMCS_GUEST_RIGHTS + DESCRY_CS]   = 0x4816,
	[VMCS_GUEST_LIMIT + DESCRY_SS]      = 0x4804, [VMCS_GUEST_RIGHTS + DESCRY_SS]   = 0x4818,
	[VMCS_GUEST_LIMIT + DESCRY_DS]      = 0x4806, [VMCS_GUEST_RIGHTS + DESCRY_DS]   = 0x481a,
	[VMCS_GUEST_LIMIT + DESCRY_FS]      = 0x4808, [VMCS_GUEST_RIGHTS + DESCRY_FS]   = 0x481c,
	[VMCS_GUEST_LIMIT + DESCRY_GS]      = 0x480a, [VMCS_GUEST_RIGHTS + DESCRY_GS]   = 0x481e,
	[VMCS_GUEST_LIMIT + DESCRY_LDTR]    = 0x480c, [VMCS_GUEST_RIGHTS + DESCRY_LDTR] = 0x4820,
	[VMCS_GUEST_LIMIT + DESCRY_TR]      = 0x480e, [VMCS_GUEST_RIGHTS + DESCRY_TR]   = 0x4822,

	[VMCS_GUEST_GDTR_BASE]  = 0x6816, [VMCS_GUEST_GDTR_LIMIT] = 0x4810,
	[VMCS_GUEST_IDTR_BASE]  = 0x6818, [VMCS_GUEST_IDTR_LIMIT] = 0x4812,
	[VMCS_GUEST_CR0]        = 0x6800, [VMCS_GUEST_RIP]        = 0x681e,
	[VMCS_GUEST_RSP]        = 0x681c, [VMCS_GUEST_RFLAGS]     = 0x6820,
	[VMCS_GUEST_INTERRUPTIBILITY] = 0x4824,

	[VMCS_HOST_ES]          = 0x0c00, [VMCS_HOST_CS]          = 0x0c02,
	[VMCS_HOST_SS]          = 0x0c04, [VMCS_HOST_DS]          = 0x0c06,
	[VMCS_HOST_FS]          = 0x0c08, [VMCS_HOST_GS]          = 0x0c0a,
	[VMCS_HOST_TR]          = 0x0c0c, [VMCS_HOST_CR0]         = 0x6c00,
	[VMCS_HOST_FS_BASE]     = 0x6c06, [VMCS_HOST_GS_BASE]     = 0x6c08,
	[VMCS_HOST_TR_BASE]     = 0x6c0a, [VMCS_HOST_GDTR_BASE]   = 0x6c0c,
	[VMCS_HOST_IDTR_BASE]   = 0x6c0e,
};
/* clang-format on */

uint32_t
vmcs_encoding(enum vmcs_place place)
{
	return encodings[place];
}

uint32_t
vmcs_rights_from_attr(const struct descry_segment *seg)
{
	const uint32_t rights = seg->attr & DESCRY_ATTR_DESCRIPTOR;

	return descry_segment_usable(seg) ? rights : rights | VMCS_RIGHTS_UNUSABLE;
}

uint16_t
vmcs_attr_from_rights(uint32_t rights)
{
	const uint16_t attr = (uint16_t)(rights & DESCRY_ATTR_DESCRIPTOR);

	return rights & VMCS_RIGHTS_UNUSABLE ? (uint16_t)(attr | DESCRY_ATTR_UNUSABLE) : attr;
}

/*
 * SDM vol. 3, Saving Segment Registers, leaves most fields of an unusable register
 * undefined. This CPU saves what it has.
 */
void
vmcs_put_segment(struct vmcs *vmcs, enum descry_sreg sreg, const struct descry_segment *seg)
{
	vmcs->value[VMCS_GUEST_SELECTOR + sreg] = seg->sel;
	vmcs->value[VMCS_GUEST_BASE + sreg] = seg->base;
	vmcs->value[VMCS_GUEST_LIMIT + sreg] = seg->limit;
	vmcs->value[VMCS_GUEST_RIGHTS + sreg] = vmcs_rights_from_attr(seg);
}

struct descry_segment
vmcs_get_segment(const struct vmcs *vmcs, enum descry_sreg sreg)
{
	const uint32_t rights = (uint32_t)vmcs->value[VMCS_GUEST_RIGHTS + sreg];

	return (struct descry_segment){
		.base = vmcs->value[VMCS_GUEST_BASE + sreg],
		.limit = (uint32_t)vmcs->value[VMCS_GUEST_LIMIT + sreg],
		.sel = (uint16_t)vmcs->value[VMCS_GUEST_SELECTOR + sreg],
		.attr = vmcs_attr_from_rights(rights),
	};
}
