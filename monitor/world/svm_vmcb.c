#include "world/svm_vmcb.h"

#include <assert.h>

static const uint16_t segment_offsets[DESCRY_SREG_COUNT] = {
	[DESCRY_ES] = 0x400, [DESCRY_CS] = 0x410, [DESCRY_SS] = 0x420,   [DESCRY_DS] = 0x430,
	[DESCRY_FS] = 0x440, [DESCRY_GS] = 0x450, [DESCRY_LDTR] = 0x470, [DESCRY_TR] = 0x490,
};

unsigned
vmcb_segment_offset(enum descry_sreg sreg)
{
	return segment_offsets[sreg];
}

uint16_t
vmcb_attrib_from_attr(const struct descry_segment *seg)
{
	const unsigned attrib = (seg->attr & 0xffu) | (seg->attr >> 4 & 0xf00u);

	return (uint16_t)(descry_segment_usable(seg) ? attrib : attrib & ~DESCRY_ATTR_P);
}

uint16_t
vmcb_attr_from_attrib(uint16_t attrib)
{
	const unsigned attr = (attrib & 0xffu) | (attrib & 0xf00u) << 4;

	return (uint16_t)(attr & DESCRY_ATTR_P ? attr : attr | DESCRY_ATTR_UNUSABLE);
}

void
vmcb_put(struct vmcb *vmcb, unsigned offset, unsigned size, uint64_t value)
{
	assert(offset + size <= VMCB_SIZE);
	for (unsigned i = 0; i < size; i++)
		vmcb->byte[offset + i] = (uint8_t)(value >> 8 * i);
}

uint64_t
vmcb_get(const struct vmcb *vmcb, unsigned offset, unsigned size)
{
	uint64_t value = 0;

	assert(offset + size <= VMCB_SIZE);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)vmcb->byte[offset + i] << 8 * i;
	return value;
}

void
vmcb_put_segment(struct vmcb *vmcb, enum descry_sreg sreg, const struct descry_segment *seg)
{
	const unsigned offset = segment_offsets[sreg];

	vmcb_put(vmcb, offset, 2, seg->sel);
	vmcb_put(vmcb, offset + 2, 2, vmcb_attrib_from_attr(seg));
	vmcb_put(vmcb, offset + 4, 4, seg->limit);
	vmcb_put(vmcb, offset + 8, 8, seg->base);
}

struct descry_segment
vmcb_get_segment(const struct vmcb *vmcb, enum descry_sreg sreg)
{
	const unsigned offset = segment_offsets[sreg];

	return (struct descry_segment){
		.base = vmcb_get(vmcb, offset + 8, 8),
		.limit = (uint32_t)vmcb_get(vmcb, offset + 4, 4),
		.sel = (uint16_t)vmcb_get(vmcb, offset, 2),
		.attr = vmcb_attr_from_attrib((uint16_t)vmcb_get(vmcb, offset + 2, 2)),
	};
}
