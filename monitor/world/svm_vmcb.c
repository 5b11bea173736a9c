#include "world/svm_vmcb.h"

#include <descry/exchange.h>

#include <assert.h>

static const struct descry_exchange_format *
format(void)
{
	return descry_exchange_format_at(DESCRY_EXCHANGE_VMCB);
}

static const struct descry_exchange_row *
row_of(enum descry_sreg sreg, unsigned part)
{
	return descry_exchange_row_of(format(),
				      descry_state_segment(sreg, (enum descry_state_part)part));
}

unsigned
vmcb_segment_offset(enum descry_sreg sreg)
{
	return row_of(sreg, DESCRY_PART_SEL)->at;
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
	struct descry_state state = { 0 };

	state.seg[sreg] = *seg;
	for (unsigned part = 0; part < DESCRY_PART_COUNT; part++) {
		const struct descry_exchange_row *row = row_of(sreg, part);

		descry_exchange_put_word(format(), row, descry_exchange_pack(row, &state),
					 vmcb->byte);
	}
}

struct descry_segment
vmcb_get_segment(const struct vmcb *vmcb, enum descry_sreg sreg)
{
	struct descry_state state = { 0 };

	for (unsigned part = 0; part < DESCRY_PART_COUNT; part++) {
		const struct descry_exchange_row *row = row_of(sreg, part);

		descry_exchange_unpack(row, descry_exchange_word(format(), row, vmcb->byte),
				       &state);
	}
	return state.seg[sreg];
}
