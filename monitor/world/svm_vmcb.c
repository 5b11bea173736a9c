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

uint64_t
vmcb_get(const struct vmcb *vmcb, unsigned offset, unsigned size)
{
	uint64_t value = 0;

	assert(offset + size <= VMCB_SIZE);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)vmcb->byte[offset + i] << 8 * i;
	return value;
}

/* --- rows ----------------------------------------------------------------------------- */

static void
put_field(struct vmcb *vmcb, const struct descry_exchange_row *row,
	  const struct descry_state *state)
{
	descry_exchange_put_word(format(), row, descry_exchange_pack(row, state), vmcb->byte);
}

static void
get_field(const struct vmcb *vmcb, const struct descry_exchange_row *row,
	  struct descry_state *state)
{
	descry_exchange_unpack(row, descry_exchange_word(format(), row, vmcb->byte), state);
}

void
vmcb_put_segment(struct vmcb *vmcb, enum descry_sreg sreg, const struct descry_segment *seg)
{
	struct descry_state state = { 0 };

	state.seg[sreg] = *seg;
	for (unsigned part = 0; part < DESCRY_PART_COUNT; part++)
		put_field(vmcb, row_of(sreg, part), &state);
}

struct descry_segment
vmcb_get_segment(const struct vmcb *vmcb, enum descry_sreg sreg)
{
	struct descry_state state = { 0 };

	for (unsigned part = 0; part < DESCRY_PART_COUNT; part++)
		get_field(vmcb, row_of(sreg, part), &state);
	return state.seg[sreg];
}

static const enum descry_state_field moved[] = {
	DESCRY_STATE_GDTR_LIMIT, DESCRY_STATE_GDTR_BASE, DESCRY_STATE_IDTR_LIMIT,
	DESCRY_STATE_IDTR_BASE,  DESCRY_STATE_CR0,       DESCRY_STATE_EFLAGS,
	DESCRY_STATE_EIP,        DESCRY_STATE_SHADOW,    DESCRY_STATE_GPR + DESCRY_SP,
};
#define MOVED_COUNT (sizeof(moved) / sizeof(moved[0]))

void
vmcb_put_registers(struct vmcb *vmcb, const struct descry_state *state)
{
	for (size_t i = 0; i < MOVED_COUNT; i++)
		put_field(vmcb, descry_exchange_row_of(format(), moved[i]), state);
}

void
vmcb_get_registers(const struct vmcb *vmcb, struct descry_state *state)
{
	for (size_t i = 0; i < MOVED_COUNT; i++)
		get_field(vmcb, descry_exchange_row_of(format(), moved[i]), state);
}
