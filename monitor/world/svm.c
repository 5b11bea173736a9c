/*
 * SVM. VMRUN and #VMEXIT move ES CS SS DS and the table registers; FS GS TR and LDTR stay in
 * the CPU until somebody moves them with VMSAVE and VMLOAD (AMD APM vol. 2, Secure Virtual
 * Machine). A host that forgets gives the guest its own.
 */
#include "world/host.h"

/* --- X2 and X3: #VMEXIT, its first half, and VMSAVE ----------------------------------- */

static bool
op_save_segment(struct world_switch *sw, unsigned sreg)
{
	const unsigned offset = vmcb_segment_offset(sreg);
	struct descry_segment seg = world_state(sw)->seg[sreg];

	if (world_has_flaw(sw, DESCRY_FLAW_DROP_UNUSABLE) && !descry_segment_usable(&seg))
		seg.attr = (uint16_t)((seg.attr & ~DESCRY_ATTR_UNUSABLE) | DESCRY_ATTR_P);
	vmcb_put_segment(&sw->vmcb, sreg, &seg);
	world_hold(sw, sreg, DESCRY_FIELD_ALL);
	world_note(sw, "VMCB %03x=%04x %03x=%04x %03x=%08x %03x=%08x  %s", offset,
		   (unsigned)vmcb_get(&sw->vmcb, offset, 2), offset + 2,
		   (unsigned)vmcb_get(&sw->vmcb, offset + 2, 2), offset + 4,
		   (unsigned)vmcb_get(&sw->vmcb, offset + 4, 4), offset + 8,
		   (unsigned)vmcb_get(&sw->vmcb, offset + 8, 4), descry_sreg_name(sreg));
	return true;
}

static bool
op_save_registers(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	vmcb_put_registers(&sw->vmcb, world_state(sw));
	world_note(sw, "#VMEXIT: CR0 RIP RSP RFLAGS GDTR IDTR too; FS GS LDTR TR stay in the CPU");
	return true;
}

static bool
op_vmsave(struct world_switch *sw, unsigned sreg)
{
	return world_has_flaw(sw, DESCRY_FLAW_FORGET_VMLOAD) ? true : op_save_segment(sw, sreg);
}

/* --- X4: #VMEXIT, its second half, and what the host loads by hand -------------------- */

/* From the host's save area; PE is forced to 1, and the TLB emptied: the two have one ASID. */
static bool
op_load_host(struct world_switch *sw, unsigned arg)
{
	struct descry_state *state = descry_vcpu_state_mutable(sw->vcpu);
	const struct descry_table gdtr = host_gdt(sw->settings);

	(void)arg;
	state->cr0 = DESCRY_CR0_PE | DESCRY_CR0_ET;
	state->rflags = DESCRY_FLAG_ONE;
	state->rip = 0;
	state->shadow = 0;
	descry_vcpu_state_changed(sw->vcpu);
	descry_op_flush_tlb(sw->vcpu);
	descry_op_load_gdtr(sw->vcpu, gdtr.base, gdtr.limit);
	descry_op_load_idtr(sw->vcpu, HOST_IDT_BASE, HOST_IDT_LIMIT);
	world_note(sw, "host CR0, GDTR %08x/%04x, IDTR %08x/%04x from its save area",
		   (unsigned)gdtr.base, gdtr.limit, HOST_IDT_BASE, HOST_IDT_LIMIT);
	return true;
}

static bool
op_load_host_segment(struct world_switch *sw, unsigned sreg)
{
	struct descry_segment seg = sreg == DESCRY_CS ? host_code : host_data;

	descry_vcpu_put_segment(sw->vcpu, sreg, &seg, DESCRY_CAUSE_VM_EXIT);
	world_note(sw, "host %s=%04x from its save area: %08x/%08x/%04x", descry_sreg_name(sreg),
		   seg.sel, (unsigned)seg.base, seg.limit, seg.attr);
	return true;
}

struct host_load {
	uint16_t sel;
	enum descry_cause cause;
	const char *text;
};

/* A part with SVM is later than any profile with other descriptors than a 386. */
static bool
load_as_later_part(struct world_switch *sw, enum descry_sreg sreg, const struct host_load *load,
		   struct descry_fault *fault)
{
	const bool later = descry_vcpu_profile(sw->vcpu)->knob[DESCRY_KNOB_DESCRIPTOR_BYTES] == 8;
	struct descry_segment seg = { .sel = load->sel, .attr = DESCRY_ATTR_UNUSABLE };

	if (later)
		return descry_op_load_segment(sw->vcpu, sreg, load->sel, load->cause, fault);
	if (load->sel)
		seg = host_segment_at(sw, load->sel);
	descry_vcpu_put_segment(sw->vcpu, sreg, &seg, load->cause);
	return true;
}

/* The four that #VMEXIT has left alone. */
static bool
op_load_by_hand(struct world_switch *sw, unsigned sreg)
{
	static const struct host_load loads[DESCRY_SREG_COUNT] = {
		[DESCRY_FS] = { HOST_SEL_FS, DESCRY_CAUSE_MOV, "MOV FS" },
		[DESCRY_GS] = { 0, DESCRY_CAUSE_MOV, "MOV GS" },
		[DESCRY_LDTR] = { 0, DESCRY_CAUSE_LLDT, "LLDT" },
		[DESCRY_TR] = { HOST_SEL_TSS, DESCRY_CAUSE_LTR, "LTR" },
	};
	const struct host_load *load = &loads[sreg];
	const struct descry_segment *seg = &world_state(sw)->seg[sreg];
	struct descry_fault fault;

	if (!load_as_later_part(sw, sreg, load, &fault))
		return world_host_fault(sw, &fault, load->text);
	world_note(sw, "%s %04x: cache %08x/%08x/%04x", load->text, load->sel, (unsigned)seg->base,
		   seg->limit, seg->attr);
	return true;
}

/* --- X6 and X7: VMLOAD and VMRUN ------------------------------------------------------ */

static bool
op_load_segment(struct world_switch *sw, unsigned sreg)
{
	const struct descry_segment seg = vmcb_get_segment(&sw->vmcb, sreg);

	descry_vcpu_put_segment(sw->vcpu, sreg, &seg, DESCRY_CAUSE_VM_ENTRY);
	world_note(sw, "%s %s=%04x %08x/%08x/%04x from the VMCB",
		   sw->step == DESCRY_WORLD_X7 ? "VMRUN:" : "VMLOAD:", descry_sreg_name(sreg),
		   seg.sel, (unsigned)seg.base, seg.limit, seg.attr);
	return true;
}

static bool
op_vmload(struct world_switch *sw, unsigned sreg)
{
	return world_has_flaw(sw, DESCRY_FLAW_FORGET_VMLOAD) ? true : op_load_segment(sw, sreg);
}

static bool
op_load_registers(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	vmcb_get_registers(&sw->vmcb, descry_vcpu_state_mutable(sw->vcpu));
	descry_vcpu_state_changed(sw->vcpu);
	descry_op_flush_tlb(sw->vcpu);
	world_note(sw,
		   "VMRUN: CR0 RIP RSP RFLAGS GDTR IDTR from the VMCB; FS GS LDTR TR are what the "
		   "CPU holds");
	return true;
}

/* --- the list ------------------------------------------------------------------------- */

/* clang-format off */
#define MOVED_BY_VMRUN(step, run) \
	{ step, run, DESCRY_ES }, \
	{ step, run, DESCRY_CS }, \
	{ step, run, DESCRY_SS }, \
	{ step, run, DESCRY_DS }

#define MOVED_BY_VMLOAD(step, run)  \
	{ step, run, DESCRY_FS },   \
	{ step, run, DESCRY_GS },   \
	{ step, run, DESCRY_LDTR }, \
	{ step, run, DESCRY_TR }
/* clang-format on */

const struct world_op svm_ops[] = {
	MOVED_BY_VMRUN(2, op_save_segment),
	{ 2, op_save_registers, 0 },
	MOVED_BY_VMLOAD(3, op_vmsave),
	{ 3, op_save_gprs, 0 },
	{ 4, op_load_host, 0 },
	MOVED_BY_VMRUN(4, op_load_host_segment),
	MOVED_BY_VMLOAD(4, op_load_by_hand),
	WORLD_BODY,
	MOVED_BY_VMLOAD(6, op_vmload),
	{ 6, op_restore_gprs, 0 },
	{ 7, op_load_registers, 0 },
	MOVED_BY_VMRUN(7, op_load_segment),
	WORLD_OPS_END,
};
