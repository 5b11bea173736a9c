/*
 * VMX with an unrestricted guest. The VMCS holds every cache of the guest; the host's own
 * are not held anywhere, a VM exit makes them up.
 */
#include "world/host.h"
#include "world/switch.h"
#include "world/vmx_check.h"

#include <string.h>

/* SDM vol. 3, Host-State Area: what the host has put into its VMCS beforehand. */
static void
prepare_host_state(struct vmcs *vmcs, const struct descry_segment *host_fs)
{
	vmcs->value[VMCS_HOST_CS] = HOST_SEL_CODE;
	vmcs->value[VMCS_HOST_SS] = HOST_SEL_DATA;
	vmcs->value[VMCS_HOST_DS] = HOST_SEL_DATA;
	vmcs->value[VMCS_HOST_ES] = HOST_SEL_DATA;
	vmcs->value[VMCS_HOST_FS] = host_fs->sel;
	vmcs->value[VMCS_HOST_FS_BASE] = host_fs->base;
	vmcs->value[VMCS_HOST_TR] = HOST_SEL_TSS;
	vmcs->value[VMCS_HOST_TR_BASE] = HOST_TSS_BASE;
	vmcs->value[VMCS_HOST_GDTR_BASE] = HOST_GDT_BASE;
	vmcs->value[VMCS_HOST_IDTR_BASE] = HOST_IDT_BASE;
	vmcs->value[VMCS_HOST_CR0] = DESCRY_CR0_PE | DESCRY_CR0_ET;
}

static void
note_segment(struct world_switch *sw, enum descry_sreg sreg)
{
	const struct vmcs *vmcs = &sw->vmcs;

	world_step_note(sw->step, "VMCS %04x=%04x %04x=%08x %04x=%08x %04x=%08x  %s",
			vmcs_encoding(VMCS_GUEST_SELECTOR + sreg),
			(unsigned)vmcs->value[VMCS_GUEST_SELECTOR + sreg],
			vmcs_encoding(VMCS_GUEST_BASE + sreg),
			(unsigned)vmcs->value[VMCS_GUEST_BASE + sreg],
			vmcs_encoding(VMCS_GUEST_LIMIT + sreg),
			(unsigned)vmcs->value[VMCS_GUEST_LIMIT + sreg],
			vmcs_encoding(VMCS_GUEST_RIGHTS + sreg),
			(unsigned)vmcs->value[VMCS_GUEST_RIGHTS + sreg], descry_sreg_name(sreg));
}

/* SDM vol. 3, Saving Guest State. */
bool
vmx_x2(struct world_switch *sw)
{
	const struct descry_state *state = world_state(sw);
	struct vmcs *vmcs = &sw->vmcs;

	prepare_host_state(vmcs, sw->strategy->host_fs);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		vmcs_put_segment(vmcs, sreg, &state->seg[sreg]);
		world_hold(sw, sreg, DESCRY_FIELD_ALL);
		note_segment(sw, sreg);
	}
	vmcs->value[VMCS_GUEST_GDTR_BASE] = state->gdtr.base;
	vmcs->value[VMCS_GUEST_GDTR_LIMIT] = state->gdtr.limit;
	vmcs->value[VMCS_GUEST_IDTR_BASE] = state->idtr.base;
	vmcs->value[VMCS_GUEST_IDTR_LIMIT] = state->idtr.limit;
	vmcs->value[VMCS_GUEST_CR0] = state->cr0;
	vmcs->value[VMCS_GUEST_RIP] = state->rip;
	vmcs->value[VMCS_GUEST_RSP] = state->gpr[DESCRY_SP];
	vmcs->value[VMCS_GUEST_RFLAGS] = state->rflags;
	vmcs->value[VMCS_GUEST_INTERRUPTIBILITY] = state->shadow;
	return true;
}

/*
 * SDM vol. 3, Loading Host Segment and Descriptor-Table Registers: selector 0 leaves a
 * register unusable, anything else is flat. Only FS, GS and TR have a base of their own.
 */
static struct descry_segment
forced_host_segment(uint64_t sel, uint64_t base, const struct descry_segment *shape)
{
	return (struct descry_segment){
		.base = base,
		.limit = shape->limit,
		.sel = (uint16_t)sel,
		.attr = sel == 0 ? (uint16_t)DESCRY_ATTR_UNUSABLE : shape->attr,
	};
}

static void
load_host_segments(struct world_switch *sw)
{
	static const struct descry_segment tss = {
		.limit = HOST_TSS_LIMIT,
		.attr = DESCRY_ATTR_P | DESCRY_TYPE_TSS32_BUSY,
	};
	const uint64_t *host = sw->vmcs.value;
	const struct descry_segment forced[DESCRY_SREG_COUNT] = {
		[DESCRY_CS] = forced_host_segment(host[VMCS_HOST_CS], 0, &host_code),
		[DESCRY_SS] = forced_host_segment(host[VMCS_HOST_SS], 0, &host_data),
		[DESCRY_DS] = forced_host_segment(host[VMCS_HOST_DS], 0, &host_data),
		[DESCRY_ES] = forced_host_segment(host[VMCS_HOST_ES], 0, &host_data),
		[DESCRY_FS] = forced_host_segment(host[VMCS_HOST_FS], host[VMCS_HOST_FS_BASE],
						  &host_data),
		[DESCRY_GS] = forced_host_segment(host[VMCS_HOST_GS], host[VMCS_HOST_GS_BASE],
						  &host_data),
		[DESCRY_LDTR] = { .attr = DESCRY_ATTR_UNUSABLE },
		[DESCRY_TR] =
			forced_host_segment(host[VMCS_HOST_TR], host[VMCS_HOST_TR_BASE], &tss),
	};

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		descry_vcpu_put_segment(sw->vcpu, sreg, &forced[sreg], DESCRY_CAUSE_VM_EXIT);
}

bool
vmx_x4(struct world_switch *sw)
{
	struct descry_state *state = descry_vcpu_state_mutable(sw->vcpu);
	const uint64_t *host = sw->vmcs.value;
	const struct descry_segment *fs = &state->seg[DESCRY_FS];

	state->cr0 = host[VMCS_HOST_CR0];
	state->rflags = DESCRY_FLAG_ONE;
	state->rip = 0;
	state->shadow = 0;
	descry_vcpu_state_changed(sw->vcpu);
	descry_op_load_gdtr(sw->vcpu, host[VMCS_HOST_GDTR_BASE], 0xffff);
	descry_op_load_idtr(sw->vcpu, host[VMCS_HOST_IDTR_BASE], 0xffff);
	load_host_segments(sw);
	world_step_note(sw->step, "VM exit: CS SS DS ES flat, GS LDTR unusable, TR limit 0067");
	world_step_note(sw->step,
			"FS=%04x: base from the host field %04x, limit and attr forced: "
			"%08x/%08x/%04x",
			fs->sel, vmcs_encoding(VMCS_HOST_FS_BASE), (unsigned)fs->base, fs->limit,
			fs->attr);
	world_step_note(sw->step, "GDTR %08x/FFFF, IDTR %08x/FFFF: the limits are forced",
			(unsigned)host[VMCS_HOST_GDTR_BASE], (unsigned)host[VMCS_HOST_IDTR_BASE]);
	return true;
}

static struct vmx_verdict
check_entry(const struct vmcs *vmcs)
{
	struct vmx_guest guest = {
		.unrestricted = true,
		.v86 = (vmcs->value[VMCS_GUEST_RFLAGS] & DESCRY_FLAG_VM) != 0,
		.pe = (vmcs->value[VMCS_GUEST_CR0] & DESCRY_CR0_PE) != 0,
	};

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		guest.seg[sreg] = (struct vmx_segment){
			.base = vmcs->value[VMCS_GUEST_BASE + sreg],
			.limit = (uint32_t)vmcs->value[VMCS_GUEST_LIMIT + sreg],
			.rights = (uint32_t)vmcs->value[VMCS_GUEST_RIGHTS + sreg],
			.sel = (uint16_t)vmcs->value[VMCS_GUEST_SELECTOR + sreg],
		};
	}
	return vmx_check_guest_segments(&guest);
}

/* SDM vol. 3, Loading Guest State. */
static void
enter_guest(struct world_switch *sw)
{
	struct descry_state *state = descry_vcpu_state_mutable(sw->vcpu);
	const uint64_t *guest = sw->vmcs.value;

	state->cr0 = guest[VMCS_GUEST_CR0];
	state->rflags = guest[VMCS_GUEST_RFLAGS];
	state->rip = guest[VMCS_GUEST_RIP];
	state->gpr[DESCRY_SP] = guest[VMCS_GUEST_RSP];
	state->shadow = (uint8_t)guest[VMCS_GUEST_INTERRUPTIBILITY];
	descry_vcpu_state_changed(sw->vcpu);
	descry_op_load_gdtr(sw->vcpu, guest[VMCS_GUEST_GDTR_BASE],
			    (uint32_t)guest[VMCS_GUEST_GDTR_LIMIT]);
	descry_op_load_idtr(sw->vcpu, guest[VMCS_GUEST_IDTR_BASE],
			    (uint32_t)guest[VMCS_GUEST_IDTR_LIMIT]);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_segment seg = vmcs_get_segment(&sw->vmcs, sreg);

		descry_vcpu_put_segment(sw->vcpu, sreg, &seg, DESCRY_CAUSE_VM_ENTRY);
	}
}

bool
vmx_x7(struct world_switch *sw)
{
	const struct vmx_verdict verdict = check_entry(&sw->vmcs);

	if (verdict.check)
		return world_refuse(
			sw,
			"VM entry fails on %s: %s (selector %04x, base %08x, limit %08x, "
			"access rights %05x)",
			descry_sreg_name(verdict.sreg), verdict.check,
			(unsigned)sw->vmcs.value[VMCS_GUEST_SELECTOR + verdict.sreg],
			(unsigned)sw->vmcs.value[VMCS_GUEST_BASE + verdict.sreg],
			(unsigned)sw->vmcs.value[VMCS_GUEST_LIMIT + verdict.sreg],
			(unsigned)sw->vmcs.value[VMCS_GUEST_RIGHTS + verdict.sreg]);
	enter_guest(sw);
	world_step_note(sw->step, "VM entry: the guest segments pass every check");
	world_step_note(sw->step, "every cache from its four words of the VMCS");
	return true;
}
