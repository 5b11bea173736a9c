/*
 * SVM. VMRUN and #VMEXIT move ES CS SS DS and the table registers; FS GS TR and LDTR stay in
 * the CPU until somebody moves them with VMSAVE and VMLOAD (AMD APM vol. 2, Secure Virtual
 * Machine). A host that forgets gives the guest its own.
 */
#include "world/host.h"
#include "world/switch.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const enum descry_sreg moved_by_vmrun[] = { DESCRY_ES, DESCRY_CS, DESCRY_SS, DESCRY_DS };
static const enum descry_sreg moved_by_vmload[] = { DESCRY_FS, DESCRY_GS, DESCRY_LDTR, DESCRY_TR };

static void
save_segments(struct world_switch *sw, const enum descry_sreg *sregs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const enum descry_sreg sreg = sregs[i];
		const unsigned offset = vmcb_segment_offset(sreg);

		vmcb_put_segment(&sw->vmcb, sreg, &world_state(sw)->seg[sreg]);
		world_hold(sw, sreg, DESCRY_FIELD_ALL);
		world_step_note(sw->step, "VMCB %03x=%04x %03x=%04x %03x=%08x %03x=%08x  %s",
				offset, (unsigned)vmcb_get(&sw->vmcb, offset, 2), offset + 2,
				(unsigned)vmcb_get(&sw->vmcb, offset + 2, 2), offset + 4,
				(unsigned)vmcb_get(&sw->vmcb, offset + 4, 4), offset + 8,
				(unsigned)vmcb_get(&sw->vmcb, offset + 8, 4),
				descry_sreg_name(sreg));
	}
}

static void
load_segments(struct world_switch *sw, const enum descry_sreg *sregs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct descry_segment seg = vmcb_get_segment(&sw->vmcb, sregs[i]);

		descry_vcpu_put_segment(sw->vcpu, sregs[i], &seg, DESCRY_CAUSE_VM_ENTRY);
	}
}

/* X2: #VMEXIT, its first half. */
bool
svm_x2(struct world_switch *sw)
{
	const struct descry_state *state = world_state(sw);
	struct vmcb *vmcb = &sw->vmcb;

	save_segments(sw, moved_by_vmrun, COUNT(moved_by_vmrun));
	vmcb_put(vmcb, VMCB_GDTR + 4, 4, state->gdtr.limit);
	vmcb_put(vmcb, VMCB_GDTR + 8, 8, state->gdtr.base);
	vmcb_put(vmcb, VMCB_IDTR + 4, 4, state->idtr.limit);
	vmcb_put(vmcb, VMCB_IDTR + 8, 8, state->idtr.base);
	vmcb_put(vmcb, VMCB_CPL, 1, descry_cpl(state));
	vmcb_put(vmcb, VMCB_CR0, 8, state->cr0);
	vmcb_put(vmcb, VMCB_RFLAGS, 8, state->rflags);
	vmcb_put(vmcb, VMCB_RIP, 8, state->rip);
	vmcb_put(vmcb, VMCB_RSP, 8, state->gpr[DESCRY_SP]);
	vmcb_put(vmcb, VMCB_INTERRUPT_SHADOW, 1, state->shadow);
	world_step_note(sw->step, "FS GS LDTR TR stay in the CPU");
	return true;
}

bool
svm_x3_vmsave(struct world_switch *sw)
{
	world_step_note(sw->step, "VMSAVE:");
	save_segments(sw, moved_by_vmload, COUNT(moved_by_vmload));
	return world_save_gprs(sw);
}

/* #VMEXIT, its second half: from the host's save area; PE is forced to 1. */
static void
load_host_state(struct world_switch *sw)
{
	struct descry_state *state = descry_vcpu_state_mutable(sw->vcpu);

	state->cr0 = DESCRY_CR0_PE | DESCRY_CR0_ET;
	state->rflags = DESCRY_FLAG_ONE;
	state->rip = 0;
	state->shadow = 0;
	descry_vcpu_state_changed(sw->vcpu);
	descry_op_load_gdtr(sw->vcpu, HOST_GDT_BASE, HOST_GDT_LIMIT);
	descry_op_load_idtr(sw->vcpu, HOST_IDT_BASE, HOST_IDT_LIMIT);
	descry_vcpu_put_segment(sw->vcpu, DESCRY_CS, &host_code, DESCRY_CAUSE_VM_EXIT);
	descry_vcpu_put_segment(sw->vcpu, DESCRY_SS, &host_data, DESCRY_CAUSE_VM_EXIT);
	descry_vcpu_put_segment(sw->vcpu, DESCRY_DS, &host_data, DESCRY_CAUSE_VM_EXIT);
	descry_vcpu_put_segment(sw->vcpu, DESCRY_ES, &host_data, DESCRY_CAUSE_VM_EXIT);
	world_step_note(sw->step, "#VMEXIT: CR0 CS SS DS ES GDTR IDTR from the host's save area");
}

struct host_load {
	enum descry_sreg sreg;
	uint16_t sel;
	enum descry_cause cause;
	const char *text;
};

/* X4: the host gives the four that #VMEXIT left alone its own values. */
bool
svm_x4(struct world_switch *sw)
{
	static const struct host_load loads[] = {
		{ DESCRY_FS, HOST_SEL_FS, DESCRY_CAUSE_MOV, "MOV FS" },
		{ DESCRY_GS, 0, DESCRY_CAUSE_MOV, "MOV GS" },
		{ DESCRY_LDTR, 0, DESCRY_CAUSE_LLDT, "LLDT" },
		{ DESCRY_TR, HOST_SEL_TSS, DESCRY_CAUSE_LTR, "LTR" },
	};

	load_host_state(sw);
	for (size_t i = 0; i < COUNT(loads); i++) {
		const struct host_load *load = &loads[i];
		const struct descry_segment *seg = &world_state(sw)->seg[load->sreg];
		struct descry_fault fault;

		if (!descry_op_load_segment(sw->vcpu, load->sreg, load->sel, load->cause, &fault))
			return world_host_fault(sw, &fault, load->text);
		world_step_note(sw->step, "%s %04x: cache %08x/%08x/%04x", load->text, load->sel,
				(unsigned)seg->base, seg->limit, seg->attr);
	}
	return true;
}

bool
svm_x6_vmload(struct world_switch *sw)
{
	load_segments(sw, moved_by_vmload, COUNT(moved_by_vmload));
	world_step_note(sw->step, "VMLOAD: FS GS LDTR TR from the VMCB");
	return world_restore_gprs(sw);
}

/* X7: VMRUN. */
bool
svm_x7(struct world_switch *sw)
{
	struct descry_state *state = descry_vcpu_state_mutable(sw->vcpu);
	const struct vmcb *vmcb = &sw->vmcb;

	state->cr0 = vmcb_get(vmcb, VMCB_CR0, 8);
	state->rflags = vmcb_get(vmcb, VMCB_RFLAGS, 8);
	state->rip = vmcb_get(vmcb, VMCB_RIP, 8);
	state->gpr[DESCRY_SP] = vmcb_get(vmcb, VMCB_RSP, 8);
	state->shadow = (uint8_t)vmcb_get(vmcb, VMCB_INTERRUPT_SHADOW, 1);
	descry_vcpu_state_changed(sw->vcpu);
	descry_op_load_gdtr(sw->vcpu, vmcb_get(vmcb, VMCB_GDTR + 8, 8),
			    (uint32_t)vmcb_get(vmcb, VMCB_GDTR + 4, 4));
	descry_op_load_idtr(sw->vcpu, vmcb_get(vmcb, VMCB_IDTR + 8, 8),
			    (uint32_t)vmcb_get(vmcb, VMCB_IDTR + 4, 4));
	load_segments(sw, moved_by_vmrun, COUNT(moved_by_vmrun));
	world_step_note(sw->step, "VMRUN: CR0 ES CS SS DS GDTR IDTR from the VMCB");
	world_step_note(sw->step, "FS GS LDTR TR are what the CPU holds");
	return true;
}
