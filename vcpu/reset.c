/*
 * RESET and INIT: SDM vol. 3, Processor State After Reset, with the knobs reset.* of the
 * profile. INIT leaves what a program may need to find again: time, the model-specific registers,
 * SMBASE and the two cache bits of CR0.
 */
#include "debug.h"
#include "eflags.h"
#include "provenance.h"
#include "seg_load.h"
#include "smm.h"
#include "tlb.h"

#include <descry/debug.h>

/* The first fetch is 16 bytes below the end of what the address pins reach. */
static uint64_t
reset_base(const struct cpu *c)
{
	const uint32_t *knob = c->profile.knob, lines = knob[DESCRY_KNOB_ADDRESS_LINES];
	const uint32_t first = 0xfffffff0 >> (lines < 32 ? 32 - lines : 0);

	return (first & ~15u) - (knob[DESCRY_KNOB_RESET_ENTRY] & 0xffff);
}

static void
reset_segments(struct cpu *c)
{
	const uint32_t *knob = c->profile.knob;
	const struct descry_segment data = { .limit = 0xffff, .attr = DESCRY_ATTR_REAL_DATA };

	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		c->state.seg[sreg] = data;
	c->state.seg[DESCRY_CS] = (struct descry_segment){
		.sel = (uint16_t)(knob[DESCRY_KNOB_RESET_ENTRY] >> 16),
		.base = reset_base(c),
		.limit = 0xffff,
		.attr = (uint16_t)c->profile.knob[DESCRY_KNOB_RESET_CS_ATTR],
	};
	c->state.seg[DESCRY_LDTR] =
		(struct descry_segment){ .limit = 0xffff, .attr = DESCRY_ATTR_P | DESCRY_TYPE_LDT };
	c->state.seg[DESCRY_TR] = (struct descry_segment){
		.limit = 0xffff, .attr = (uint16_t)c->profile.knob[DESCRY_KNOB_RESET_TR_ATTR]
	};
}

static void
note_all(struct cpu *c, enum descry_cause cause)
{
	cpu_here_stopped(c);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct seg_loading from = { .seg = c->state.seg[sreg],
						  .origin = DESCRY_ORIGIN_FIXED,
						  .fields = SEG_FIELDS_ALL };

		cpu_note_load(c, (enum descry_sreg)sreg, &from, cause);
	}
	cpu_settle_provenance(c);
}

static struct descry_state
reset_state(const struct cpu *c)
{
	const uint32_t *knob = c->profile.knob;

	return (struct descry_state){
		.rip = knob[DESCRY_KNOB_RESET_ENTRY] & 0xffff,
		.rflags = DESCRY_FLAG_ONE,
		.cr0 = knob[DESCRY_KNOB_RESET_CR0],
		.gpr[DESCRY_DX] = knob[DESCRY_KNOB_CPU_SIGNATURE],
		.dr[6] = debug_dr6_image(c, DESCRY_DR_BIT12),
		.dr[7] = DESCRY_DR7_RESET,
		.gdtr.limit = 0xffff,
		.idtr.limit = knob[DESCRY_KNOB_RESET_IDT_LIMIT],
		.smbase = SMBASE_RESET,
	};
}

void
descry_vcpu_reset(struct descry_vcpu *vcpu)
{
	struct cpu *c = &vcpu->cpu;

	c->state = reset_state(c);
	c->op_step = 0;
	c->event_count = 0;
	reset_segments(c);
	note_all(c, DESCRY_CAUSE_RESET);
	descry_vcpu_memory_changed(vcpu);
	descry_vcpu_state_changed(vcpu);
}

/* --- INIT ----------------------------------------------------------------------------- */

#define CR0_KEPT_BY_INIT (DESCRY_CR0_CD | DESCRY_CR0_NW)

static void
record_all(struct cpu *c)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		seg_record_load(c, (enum descry_sreg)sreg, c->state.seg[sreg].sel);
}

void
cpu_init(struct cpu *c)
{
	const struct descry_state before = c->state;

	c->state = reset_state(c);
	c->state.cr0 &= ~(uint64_t)CR0_KEPT_BY_INIT;
	c->state.cr0 |= before.cr0 & CR0_KEPT_BY_INIT;
	c->state.retired = before.retired;
	c->state.tsc_offset = before.tsc_offset;
	c->state.sysenter_cs = before.sysenter_cs;
	c->state.sysenter_esp = before.sysenter_esp;
	c->state.sysenter_eip = before.sysenter_eip;
	c->state.smbase = before.smbase;
	c->state.a20_masked = before.a20_masked;
	c->state.pending = before.pending;
	c->state.interrupt = before.interrupt;
	reset_segments(c);
	note_all(c, DESCRY_CAUSE_INIT);
	eflags_write(c, DESCRY_FLAG_ONE);
	tlb_flush(c);
	cpu_derive(c);
	if (cpu_records(c, DESCRY_EVENT_SEGMENT_LOAD))
		record_all(c);
	if (before.cr0 & DESCRY_CR0_PE && cpu_records(c, DESCRY_EVENT_MODE))
		cpu_record(c, DESCRY_EVENT_MODE)->cr0 = (uint32_t)c->state.cr0;
}
