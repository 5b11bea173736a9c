#include "world/frame.h"

#include "handle.h"

#include <stdio.h>
#include <string.h>

#define JUST_SELECTOR (1u << DESCRY_FIELD_SEL)

/* --- X2: the CPU comes to the host ---------------------------------------------------- */

bool
frame_from_v86(const struct world_switch *sw)
{
	return (sw->frame.delivery.flags & DESCRY_FLAG_VM) != 0;
}

static void
hold_selector(struct world_switch *sw, enum descry_sreg sreg, uint16_t sel)
{
	sw->record.held.of[sreg] |= JUST_SELECTOR;
	sw->record.seg[sreg].sel = sel;
	sw->frame.sel[sreg] = sel;
}

/* The selectors that the CPU itself has put into the frame. */
static void
hold_delivered(struct world_switch *sw)
{
	const struct descry_frame *frame = &sw->frame.delivery;

	hold_selector(sw, DESCRY_CS, frame->cs);
	if (frame->outer)
		hold_selector(sw, DESCRY_SS, frame->ss);
	if (!frame_from_v86(sw))
		return;
	hold_selector(sw, DESCRY_ES, frame->es);
	hold_selector(sw, DESCRY_DS, frame->ds);
	hold_selector(sw, DESCRY_FS, frame->fs);
	hold_selector(sw, DESCRY_GS, frame->gs);
}

bool
op_deliver(struct world_switch *sw, unsigned arg)
{
	const bool pe = (world_state(sw)->cr0 & DESCRY_CR0_PE) != 0;
	const struct descry_frame *frame = &sw->frame.delivery;
	struct descry_fault fault;

	(void)arg;
	if (!descry_op_interrupt(sw->vcpu, pe ? HOST_SEL_CODE : HOST_REAL_CODE, HOST_SEL_DATA,
				 &sw->frame.delivery, &fault))
		return world_host_fault(sw, &fault, "delivery to the host's handler");
	hold_delivered(sw);
	world_note(sw, "delivery: FLAGS=%08x CS=%04x IP=%08x%s into host memory; CS=%04x%s",
		   frame->flags, frame->cs, frame->ip,
		   frame_from_v86(sw) ? " SS SP ES DS FS GS"
		   : frame->outer     ? " SS SP"
				      : "",
		   world_state(sw)->seg[DESCRY_CS].sel,
		   frame_from_v86(sw) ? ", ES DS FS GS null" : "");
	return true;
}

/* The copy is older than the register; the selector is what it reads there now. */
static void
take_old_copy(struct world_switch *sw, enum descry_sreg sreg)
{
	const uint16_t sel = sw->record.seg[sreg].sel;

	sw->record.seg[sreg] = sw->memory->copies.seg[sreg];
	sw->record.seg[sreg].sel = sel;
}

/* What the host has seen go by. */
bool
op_hold_copies(struct world_switch *sw, unsigned sregs)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		if (!(sregs >> sreg & 1))
			continue;
		world_hold(sw, sreg, DESCRY_FIELD_ALL);
		if (sw->memory->copies.held.of[sreg])
			take_old_copy(sw, sreg);
	}
	world_note(sw, "the host has a copy of each cache, made when it was loaded");
	return true;
}

/* --- X3: what the host writes down ---------------------------------------------------- */

bool
op_save_gprs(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	for (unsigned i = 0; i < WORLD_GPRS; i++)
		sw->frame.gpr[i] = (uint32_t)world_state(sw)->gpr[i];
	world_note(sw, "EAX to EDI into the record");
	return true;
}

bool
op_push(struct world_switch *sw, unsigned sreg)
{
	if (frame_from_v86(sw) || (sreg == DESCRY_SS && sw->frame.delivery.outer))
		return true;
	hold_selector(sw, sreg, world_state(sw)->seg[sreg].sel);
	world_note(sw, "PUSH %s: %04x", descry_sreg_name(sreg), sw->frame.sel[sreg]);
	return true;
}

bool
op_store_tables(struct world_switch *sw, unsigned arg)
{
	const struct descry_state *state = world_state(sw);
	struct world_frame *frame = &sw->frame;

	(void)arg;
	frame->cr0 = (uint32_t)state->cr0;
	frame->gdtr = state->gdtr;
	frame->idtr = state->idtr;
	world_note(sw, "CR0=%08x, SGDT %08x/%04x, SIDT %08x/%04x", frame->cr0,
		   (unsigned)frame->gdtr.base, frame->gdtr.limit, (unsigned)frame->idtr.base,
		   frame->idtr.limit);
	return true;
}

bool
op_store_ldtr(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	hold_selector(sw, DESCRY_LDTR, world_state(sw)->seg[DESCRY_LDTR].sel);
	world_note(sw, "SLDT: %04x", sw->frame.sel[DESCRY_LDTR]);
	return true;
}

/* --- X4: what it loads for itself ----------------------------------------------------- */

void
frame_load_tables(struct world_switch *sw, const struct descry_table *gdtr,
		  const struct descry_table *idtr, const char *whose)
{
	descry_op_load_gdtr(sw->vcpu, gdtr->base, gdtr->limit);
	descry_op_load_idtr(sw->vcpu, idtr->base, idtr->limit);
	world_note(sw, "LGDT %08x/%04x, LIDT %08x/%04x: %s", (unsigned)gdtr->base, gdtr->limit,
		   (unsigned)idtr->base, idtr->limit, whose);
}

bool
op_load_host_tables(struct world_switch *sw, unsigned arg)
{
	const struct descry_table gdtr = host_gdt(sw->settings);
	const struct descry_table idtr = { .base = HOST_IDT_BASE, .limit = HOST_IDT_LIMIT };

	(void)arg;
	frame_load_tables(sw, &gdtr, &idtr, "the host's");
	return true;
}

bool
op_set_pe(struct world_switch *sw, unsigned pe)
{
	const uint32_t value = (sw->frame.cr0 & ~DESCRY_CR0_PE) | pe;
	struct descry_fault fault;

	if (!descry_op_write_cr0(sw->vcpu, value, &fault))
		return world_host_fault(sw, &fault, "MOV CR0");
	world_note(sw, "MOV CR0, %08x (PE=%u)", value, pe);
	return true;
}

/* One load of a segment register, and what came of it. */
bool
frame_load(struct world_switch *sw, enum descry_sreg sreg, uint16_t sel, enum descry_cause cause,
	   const char *how)
{
	const struct descry_segment *seg = &world_state(sw)->seg[sreg];
	struct descry_fault fault;
	char what[96];

	snprintf(what, sizeof(what), "%s %s, %04x [%s]",
		 cause == DESCRY_CAUSE_POP    ? "POP"
		 : cause == DESCRY_CAUSE_LLDT ? "LLDT"
		 : cause == DESCRY_CAUSE_LTR  ? "LTR"
					      : "MOV",
		 descry_sreg_name(sreg), sel, how);
	if (!descry_op_load_segment(sw->vcpu, sreg, sel, cause, &fault))
		return world_host_fault(sw, &fault, what);
	world_note(sw, "%s: cache %08x/%08x/%04x", what, (unsigned)seg->base, seg->limit,
		   seg->attr);
	return true;
}

bool
op_mov_host(struct world_switch *sw, unsigned sreg)
{
	static const uint16_t sels[DESCRY_DATA_SREG_COUNT] = {
		[DESCRY_ES] = HOST_SEL_DATA,
		[DESCRY_SS] = HOST_SEL_DATA,
		[DESCRY_DS] = HOST_SEL_DATA,
		[DESCRY_FS] = HOST_SEL_FS,
		[DESCRY_GS] = 0,
	};

	return frame_load(sw, sreg, sels[sreg], DESCRY_CAUSE_MOV, "the host's GDT");
}

bool
op_mov_real(struct world_switch *sw, unsigned sreg)
{
	return frame_load(sw, sreg, HOST_REAL_DATA, DESCRY_CAUSE_MOV, "real mode");
}

bool
op_mov_64k(struct world_switch *sw, unsigned sreg)
{
	return frame_load(sw, sreg, HOST_SEL_DATA16, DESCRY_CAUSE_MOV, "the host's GDT");
}

bool
op_leave_ldt(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	if (sw->frame.sel[DESCRY_LDTR] == 0)
		return true;
	return frame_load(sw, DESCRY_LDTR, 0, DESCRY_CAUSE_LLDT, "none");
}

/* --- X5: the host's own business ------------------------------------------------------ */

bool
op_body(struct world_switch *sw, unsigned arg)
{
	struct descry_state *state = descry_vcpu_state_mutable(sw->vcpu);

	(void)arg;
	for (unsigned i = 0; i < WORLD_GPRS; i++)
		state->gpr[i] = DESCRY_HOST_WINDOW + i;
	descry_vcpu_state_changed(sw->vcpu);
	world_note(sw, "the host computes: EAX to EDI are its own now");
	return true;
}

/* Looked at before the first of them is made: a switch that is refused changes nothing. */
static bool
edits_reach_memory(struct world_switch *sw)
{
	for (size_t i = 0; i < sw->settings->edit_count; i++) {
		const struct descry_world_edit *edit = &sw->settings->edit[i];

		if (!memory_is_ram(&sw->monitor->memory, edit->physical, edit->size))
			return world_refuse(
				sw, "the host is to write at %08llx, and there is no memory",
				(unsigned long long)edit->physical);
	}
	return true;
}

bool
op_edit(struct world_switch *sw, unsigned arg)
{
	const struct world_settings *settings = sw->settings;

	(void)arg;
	if (settings->edit_count == 0)
		return true;
	if (!edits_reach_memory(sw))
		return false;
	for (size_t i = 0; i < settings->edit_count; i++) {
		const struct descry_world_edit *edit = &settings->edit[i];

		memory_write(&sw->monitor->memory, edit->physical, edit->byte, edit->size);
	}
	descry_vcpu_memory_changed(sw->vcpu);
	world_note(sw, "the host writes %u bytes of guest memory at %08llx%s",
		   settings->edit[0].size, (unsigned long long)settings->edit[0].physical,
		   settings->edit_count > 1 ? ", and more elsewhere" : "");
	return true;
}

/* --- X6: selectors become segments again ---------------------------------------------- */

/* Where a load of this moment finds its descriptor. */
static const char *
source_of(const struct world_switch *sw, uint16_t sel)
{
	const struct descry_state *state = world_state(sw);

	if (!(state->cr0 & DESCRY_CR0_PE))
		return "real mode";
	if (frame_is_null(sel))
		return "null";
	if (sel & DESCRY_SEL_TI)
		return "the guest's LDT";
	if (!host_owns(state->gdtr.base))
		return "the guest's GDT";
	return state->gdtr.base == HOST_GDT_BASE ? "the host's GDT" : "the shadow GDT";
}

bool
op_pop(struct world_switch *sw, unsigned sreg)
{
	const uint16_t sel = sw->frame.sel[sreg];

	if (frame_from_v86(sw) || (sreg == DESCRY_SS && sw->frame.delivery.outer))
		return true;
	return frame_load(sw, sreg, sel, sreg == DESCRY_SS ? DESCRY_CAUSE_MOV : DESCRY_CAUSE_POP,
			  source_of(sw, sel));
}

/* Some AMD parts keep the base under a null selector: Linux, detect_null_seg_behavior(). */
bool
op_clear_null_base(struct world_switch *sw, unsigned sreg)
{
	const struct descry_profile *profile = descry_vcpu_profile(sw->vcpu);

	if (profile->knob[DESCRY_KNOB_NULL_LOAD] != DESCRY_NULL_AMD_OLD ||
	    !frame_is_null(sw->frame.sel[sreg]) || world_has_flaw(sw, DESCRY_FLAW_KEEP_NULL_BASE))
		return true;
	return frame_load(sw, sreg, HOST_SEL_DATA, DESCRY_CAUSE_MOV,
			  "flat: a null load keeps the base");
}

bool
op_guest_gdt(struct world_switch *sw, unsigned arg)
{
	const struct descry_table *gdtr = &sw->frame.gdtr;

	(void)arg;
	if (world_has_flaw(sw, DESCRY_FLAW_FOREIGN_GDT))
		return true;
	descry_op_load_gdtr(sw->vcpu, gdtr->base, gdtr->limit);
	world_note(sw, "LGDT %08x/%04x: the guest's", (unsigned)gdtr->base, gdtr->limit);
	return true;
}

bool
op_guest_ldtr(struct world_switch *sw, unsigned when)
{
	const bool late = world_has_flaw(sw, DESCRY_FLAW_RESTORE_BEFORE_LDT);
	const uint16_t sel = sw->frame.sel[DESCRY_LDTR];

	if (sel == 0 || late != (when == OP_LATE))
		return true;
	return frame_load(sw, DESCRY_LDTR, sel, DESCRY_CAUSE_LLDT, source_of(sw, sel));
}

bool
op_restore_gprs(struct world_switch *sw, unsigned arg)
{
	struct descry_state *state = descry_vcpu_state_mutable(sw->vcpu);

	(void)arg;
	for (unsigned i = 0; i < WORLD_GPRS; i++)
		state->gpr[i] = sw->frame.gpr[i];
	descry_vcpu_state_changed(sw->vcpu);
	world_note(sw, "EAX to EDI from the record");
	return true;
}

/* --- X7 ------------------------------------------------------------------------------- */

bool
op_guest_tables(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	frame_load_tables(sw, &sw->frame.gdtr, &sw->frame.idtr, "the guest's");
	return true;
}

bool
op_iret(struct world_switch *sw, unsigned arg)
{
	const struct descry_frame *frame = &sw->frame.delivery;
	struct descry_fault fault;
	char far[DESCRY_FAR_TEXT];

	(void)arg;
	if (!descry_op_iret(sw->vcpu, frame, &fault))
		return world_host_fault(sw, &fault, "IRET to the guest");
	world_note(sw, "IRET to %s: CS%s loaded again by %s",
		   descry_far_text(frame->cs, frame->ip, far),
		   frame_from_v86(sw) ? " and all others are"
		   : frame->outer     ? " and SS are"
				      : " is",
		   frame_from_v86(sw) || frame->outer ? "their selectors" : "its selector");
	return true;
}
