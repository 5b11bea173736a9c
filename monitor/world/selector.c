/*
 * Saving by selector: what a host can do without help from the hardware. No instruction
 * stores base, limit or attr, so the record has 16 bits of each segment, and giving one
 * back is a load, by the rules of the mode it is done in.
 *
 * The host has no CS and SS of its own: it runs on the guest's, in ring 0.
 */
#include "world/host.h"
#include "world/switch.h"

#include <stdio.h>

bool
selector_accept_real(struct world_switch *sw)
{
	if (world_state(sw)->cr0 & DESCRY_CR0_PE)
		return world_refuse(sw, "the guest has PE=1, and this host gives segments back "
					"with PE=0");
	return true;
}

bool
selector_accept_ring0(struct world_switch *sw)
{
	const unsigned cpl = descry_cpl(world_state(sw));

	if (cpl != 0)
		return world_refuse(sw,
				    "the guest runs at CPL %u; this host runs on the guest's "
				    "CS and SS, so it needs a guest in ring 0",
				    cpl);
	return true;
}

/* X2: what the delivery of an interrupt stores, into host memory. */
bool
selector_x2(struct world_switch *sw)
{
	const struct descry_state *state = world_state(sw);

	sw->frame.flags = (uint32_t)state->rflags;
	sw->frame.sel[DESCRY_CS] = state->seg[DESCRY_CS].sel;
	sw->frame.ip = (uint32_t)state->rip;
	world_hold(sw, DESCRY_CS, 1u << DESCRY_FIELD_SEL);
	world_step_note(sw->step, "record: FLAGS=%08x CS=%04x IP=%08x", sw->frame.flags,
			sw->frame.sel[DESCRY_CS], sw->frame.ip);
	return true;
}

/* X3: PUSH Sreg and its like. TR and LDTR stay: this host loads neither. */
bool
selector_x3(struct world_switch *sw)
{
	const struct descry_state *state = world_state(sw);
	struct world_frame *frame = &sw->frame;

	if (!world_save_gprs(sw))
		return false;
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
		frame->sel[sreg] = state->seg[sreg].sel;
		world_hold(sw, sreg, 1u << DESCRY_FIELD_SEL);
	}
	frame->cr0 = (uint32_t)state->cr0;
	frame->gdtr = state->gdtr;
	frame->idtr = state->idtr;
	world_step_note(sw->step, "record: ES=%04x SS=%04x DS=%04x FS=%04x GS=%04x",
			frame->sel[DESCRY_ES], frame->sel[DESCRY_SS], frame->sel[DESCRY_DS],
			frame->sel[DESCRY_FS], frame->sel[DESCRY_GS]);
	world_step_note(sw->step,
			"record: CR0=%08x, GDTR=%08x/%04x by SGDT, IDTR=%08x/%04x by SIDT",
			frame->cr0, (unsigned)frame->gdtr.base, frame->gdtr.limit,
			(unsigned)frame->idtr.base, frame->idtr.limit);
	return true;
}

static bool
set_cr0(struct world_switch *sw, uint32_t value)
{
	struct descry_fault fault;

	if (!descry_op_write_cr0(sw->vcpu, value, &fault))
		return world_host_fault(sw, &fault, "MOV CR0");
	world_step_note(sw->step, "MOV CR0, %08x (PE=%u)", value, value & DESCRY_CR0_PE);
	return true;
}

static bool
load_fs(struct world_switch *sw, uint16_t sel, enum descry_cause cause, const char *insn,
	const char *table)
{
	const struct descry_segment *fs = &world_state(sw)->seg[DESCRY_FS];
	struct descry_fault fault;
	char what[80];

	snprintf(what, sizeof(what), "%s with FS=%04x, %s", insn, sel, table);
	if (!descry_op_load_segment(sw->vcpu, DESCRY_FS, sel, cause, &fault))
		return world_host_fault(sw, &fault, what);
	world_step_note(sw->step, "%s: cache %08x/%08x/%04x", what, (unsigned)fs->base, fs->limit,
			fs->attr);
	return true;
}

static void
load_tables(struct world_switch *sw, const struct descry_table *gdtr,
	    const struct descry_table *idtr)
{
	descry_op_load_gdtr(sw->vcpu, gdtr->base, gdtr->limit);
	descry_op_load_idtr(sw->vcpu, idtr->base, idtr->limit);
	world_step_note(sw->step, "LGDT %08x/%04x, LIDT %08x/%04x", (unsigned)gdtr->base,
			gdtr->limit, (unsigned)idtr->base, idtr->limit);
}

bool
selector_x4(struct world_switch *sw)
{
	const struct descry_table gdtr = { .base = HOST_GDT_BASE, .limit = HOST_GDT_LIMIT };
	const struct descry_table idtr = { .base = HOST_IDT_BASE, .limit = HOST_IDT_LIMIT };

	load_tables(sw, &gdtr, &idtr);
	if (!set_cr0(sw, sw->frame.cr0 | DESCRY_CR0_PE))
		return false;
	return load_fs(sw, HOST_SEL_FS, DESCRY_CAUSE_MOV, "MOV FS", "the host's GDT");
}

/* Back in real mode first: FS gets its base from the selector, and keeps the rest. */
bool
selector_x6_real(struct world_switch *sw)
{
	if (!set_cr0(sw, sw->frame.cr0 & ~DESCRY_CR0_PE))
		return false;
	if (!load_fs(sw, sw->frame.sel[DESCRY_FS], DESCRY_CAUSE_POP, "POP FS", "real mode"))
		return false;
	return world_restore_gprs(sw);
}

/* Through the guest's GDT as it is now, in protected mode, whatever mode the guest is in. */
bool
selector_x6_guest_gdt(struct world_switch *sw)
{
	const struct world_frame *frame = &sw->frame;

	descry_op_load_gdtr(sw->vcpu, frame->gdtr.base, frame->gdtr.limit);
	world_step_note(sw->step, "LGDT %08x/%04x, the guest's", (unsigned)frame->gdtr.base,
			frame->gdtr.limit);
	if (!set_cr0(sw, frame->cr0 | DESCRY_CR0_PE))
		return false;
	if (!load_fs(sw, frame->sel[DESCRY_FS], DESCRY_CAUSE_POP, "POP FS", "the guest's GDT"))
		return false;
	if (!set_cr0(sw, frame->cr0))
		return false;
	return world_restore_gprs(sw);
}

/* X7: IRET loads CS again. */
bool
selector_x7(struct world_switch *sw)
{
	const struct world_frame *frame = &sw->frame;
	const struct descry_frame iret = {
		.ip = frame->ip,
		.cs = frame->sel[DESCRY_CS],
		.flags = frame->flags,
	};
	struct descry_fault fault;
	char far[DESCRY_FAR_TEXT];

	load_tables(sw, &frame->gdtr, &frame->idtr);
	if (!descry_op_iret(sw->vcpu, &iret, &fault))
		return world_host_fault(sw, &fault, "IRET to the guest");
	world_step_note(sw->step, "IRET to %s: CS is loaded again by its selector",
			descry_far_text(iret.cs, iret.ip, far));
	return true;
}
