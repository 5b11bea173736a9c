#include "whole.h"

#include "debug.h"
#include "eflags.h"
#include "exchange_packing.h"
#include "provenance.h"
#include "seg_load.h"
#include "tlb.h"

void
whole_take(const struct cpu *c, struct descry_state *whole)
{
	*whole = c->state;
	whole->rflags = eflags_read(c);
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
put_segments(struct cpu *c, const struct descry_state *whole, enum descry_cause cause)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct seg_loading from = { .seg = whole->seg[sreg],
						  .origin = DESCRY_ORIGIN_RECORD,
						  .fields = SEG_FIELDS_ALL };

		seg_commit(c, (enum descry_sreg)sreg, &from, cause);
	}
}

void
whole_put(struct cpu *c, const struct descry_state *whole, enum descry_cause cause)
{
	struct descry_state *state = &c->state;

	for (unsigned i = 0; i < 8; i++)
		state->gpr[i] = whole->gpr[i];
	c->target = (uint32_t)whole->rip;
	state->dr[6] = debug_dr6_image(c, (uint32_t)whole->dr[6]);
	state->dr[7] = debug_dr7_image(c, (uint32_t)whole->dr[7]);
	state->gdtr = whole->gdtr;
	state->idtr = whole->idtr;
	control_put(c, (uint32_t)whole->cr0, (uint32_t)whole->cr3, (uint32_t)whole->cr4);
	eflags_write(c, (uint32_t)whole->rflags); /* which of them there are goes by PE */
	put_segments(c, whole, cause);
	cpu_derive(c); /* privilege has come with SS, VM with the flags */
}

/* --- import --------------------------------------------------------------------------- */

/* What LOADALL and RSM do not know. */
static void
put_others(struct descry_state *state, const struct descry_state *whole)
{
	state->rip = (uint32_t)whole->rip;
	state->cr2 = whole->cr2;
	memcpy(state->dr, whole->dr, 4 * sizeof(state->dr[0]));
	state->smbase = whole->smbase;
	state->tsc_offset = whole->tsc_offset;
	state->sysenter_cs = whole->sysenter_cs;
	state->sysenter_esp = whole->sysenter_esp;
	state->sysenter_eip = whole->sysenter_eip;
	state->a20_masked = whole->a20_masked;
	state->pending = whole->pending;
	state->interrupt = whole->interrupt;
	state->shadow = whole->shadow;
	state->halted = whole->halted;
	state->shut_down = whole->shut_down;
	state->nmi_blocked = whole->nmi_blocked;
	state->in_rep = whole->in_rep;
	state->pending_db = whole->pending_db;
	state->pe_window = whole->pe_window;
	state->in_smm = whole->in_smm;
}

void
descry_exchange_apply(struct descry_vcpu *vcpu, const struct descry_state *state,
		      struct descry_exchange_report *report)
{
	struct cpu *c = &vcpu->cpu;

	cpu_here_stopped(c);
	put_others(&c->state, state);
	whole_put(c, state, DESCRY_CAUSE_IMPORT);
	c->state.rflags = eflags_read(c);
	cpu_settle_provenance(c);
	descry_vcpu_state_changed(vcpu);
	exchange_report_lacking(state, &c->state, report);
}
