#include "whole.h"

#include "debug.h"
#include "eflags.h"
#include "seg_load.h"
#include "tlb.h"

void
whole_take(const struct cpu *c, struct whole *whole)
{
	const struct descry_state *state = &c->state;

	for (unsigned i = 0; i < 8; i++)
		whole->gpr[i] = (uint32_t)state->gpr[i];
	whole->eip = (uint32_t)state->rip;
	whole->eflags = eflags_read(c);
	whole->cr0 = (uint32_t)state->cr0;
	whole->cr3 = (uint32_t)state->cr3;
	whole->cr4 = (uint32_t)state->cr4;
	whole->dr6 = (uint32_t)state->dr[6];
	whole->dr7 = (uint32_t)state->dr[7];
	memcpy(whole->seg, state->seg, sizeof(whole->seg));
	whole->gdtr = state->gdtr;
	whole->idtr = state->idtr;
}

/* Bits that this CPU does not have stay as they are. */
static uint32_t
existing_bits(uint64_t old, uint32_t value, uint32_t bits)
{
	return ((uint32_t)old & ~bits) | (value & bits);
}

void
control_put(struct cpu *c, uint32_t cr0, uint32_t cr3, uint32_t cr4)
{
	const uint32_t *knob = c->profile.knob;
	const uint64_t old = c->state.cr0;

	c->state.cr0 = existing_bits(old, cr0, knob[DESCRY_KNOB_CR0_BITS]);
	c->state.cr3 = cr3;
	c->state.cr4 = existing_bits(c->state.cr4, cr4, knob[DESCRY_KNOB_CR4_BITS]);
	c->state.pe_window = 0;
	cpu_derive(c);
	tlb_start_again(c);
	if ((old ^ c->state.cr0) & DESCRY_CR0_PE && cpu_records(c, DESCRY_EVENT_MODE))
		cpu_record(c, DESCRY_EVENT_MODE)->cr0 = (uint32_t)c->state.cr0;
}

static void
put_segments(struct cpu *c, const struct whole *whole, enum descry_cause cause)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct seg_loading from = { .seg = whole->seg[sreg],
						  .origin = DESCRY_ORIGIN_RECORD,
						  .fields = SEG_FIELDS_ALL };

		seg_commit(c, (enum descry_sreg)sreg, &from, cause);
	}
}

void
whole_put(struct cpu *c, const struct whole *whole, enum descry_cause cause)
{
	struct descry_state *state = &c->state;

	for (unsigned i = 0; i < 8; i++)
		state->gpr[i] = whole->gpr[i];
	c->target = whole->eip;
	state->dr[6] = debug_dr6_image(c, whole->dr6);
	state->dr[7] = debug_dr7_image(c, whole->dr7);
	state->gdtr = whole->gdtr;
	state->idtr = whole->idtr;
	control_put(c, whole->cr0, whole->cr3, whole->cr4);
	eflags_write(c, whole->eflags); /* which of them there are goes by PE */
	put_segments(c, whole, cause);
	cpu_derive(c); /* privilege has come with SS, VM with the flags */
}
