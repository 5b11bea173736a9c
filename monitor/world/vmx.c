/*
 * VMX. The VMCS holds every cache of the guest; the host's own are not held anywhere, a VM
 * exit makes them up.
 */
#include "world/v86.h"
#include "world/vmx_check.h"

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

/* --- X2: SDM vol. 3, Saving Guest State ----------------------------------------------- */

static bool
op_save_registers(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	prepare_host_state(&sw->vmcs, sw->strategy->host_fs);
	vmcs_put_registers(&sw->vmcs, world_state(sw));
	world_note(sw, "VM exit: CR0 RIP RSP RFLAGS GDTR IDTR into the VMCS");
	return true;
}

static bool
op_save_segment(struct world_switch *sw, unsigned sreg)
{
	struct vmcs *vmcs = &sw->vmcs;
	uint64_t *rights = &vmcs->value[VMCS_GUEST_RIGHTS + sreg];

	vmcs_put_segment(vmcs, sreg, &world_state(sw)->seg[sreg]);
	if (world_has_flaw(sw, DESCRY_FLAW_DROP_UNUSABLE))
		*rights &= ~(uint64_t)VMCS_RIGHTS_UNUSABLE;
	world_hold(sw, sreg, DESCRY_FIELD_ALL);
	world_note(sw, "VMCS %04x=%04x %04x=%08x %04x=%08x %04x=%08x  %s",
		   vmcs_encoding(VMCS_GUEST_SELECTOR + sreg),
		   (unsigned)vmcs->value[VMCS_GUEST_SELECTOR + sreg],
		   vmcs_encoding(VMCS_GUEST_BASE + sreg),
		   (unsigned)vmcs->value[VMCS_GUEST_BASE + sreg],
		   vmcs_encoding(VMCS_GUEST_LIMIT + sreg),
		   (unsigned)vmcs->value[VMCS_GUEST_LIMIT + sreg],
		   vmcs_encoding(VMCS_GUEST_RIGHTS + sreg), (unsigned)*rights,
		   descry_sreg_name(sreg));
	return true;
}

/* --- X4: the host's state, as far as there is any ------------------------------------- */

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

/* TR keeps its limit of 67h whatever the host had loaded: Linux b7ffc44d5b2e. */
static struct descry_segment
host_segment(const uint64_t *host, enum descry_sreg sreg)
{
	static const struct descry_segment tss = {
		.limit = HOST_TSS_LIMIT,
		.attr = DESCRY_ATTR_P | DESCRY_TYPE_TSS32_BUSY,
	};

	switch (sreg) {
	case DESCRY_CS:
		return forced_host_segment(host[VMCS_HOST_CS], 0, &host_code);
	case DESCRY_FS:
		return forced_host_segment(host[VMCS_HOST_FS], host[VMCS_HOST_FS_BASE], &host_data);
	case DESCRY_GS:
		return forced_host_segment(host[VMCS_HOST_GS], host[VMCS_HOST_GS_BASE], &host_data);
	case DESCRY_TR:
		return forced_host_segment(host[VMCS_HOST_TR], host[VMCS_HOST_TR_BASE], &tss);
	case DESCRY_LDTR:
		return (struct descry_segment){ .attr = DESCRY_ATTR_UNUSABLE };
	case DESCRY_ES:
	case DESCRY_SS:
	case DESCRY_DS:
	case DESCRY_SREG_COUNT:
		break;
	}
	return forced_host_segment(HOST_SEL_DATA, 0, &host_data);
}

/* Without VPID both ways empty the TLB: SDM vol. 3, Caching Translation Information. */
static bool
op_load_host(struct world_switch *sw, unsigned arg)
{
	struct descry_state *state = descry_vcpu_state_mutable(sw->vcpu);
	const uint64_t *host = sw->vmcs.value;

	(void)arg;
	state->cr0 = host[VMCS_HOST_CR0];
	state->rflags = DESCRY_FLAG_ONE;
	state->rip = 0;
	state->shadow = 0;
	descry_vcpu_state_changed(sw->vcpu);
	descry_op_flush_tlb(sw->vcpu);
	descry_op_load_gdtr(sw->vcpu, host[VMCS_HOST_GDTR_BASE], 0xffff);
	descry_op_load_idtr(sw->vcpu, host[VMCS_HOST_IDTR_BASE], 0xffff);
	world_note(sw, "host CR0; GDTR %08x/FFFF, IDTR %08x/FFFF: their limits are forced",
		   (unsigned)host[VMCS_HOST_GDTR_BASE], (unsigned)host[VMCS_HOST_IDTR_BASE]);
	return true;
}

static bool
op_load_host_segment(struct world_switch *sw, unsigned sreg)
{
	const struct descry_segment seg = host_segment(sw->vmcs.value, sreg);

	descry_vcpu_put_segment(sw->vcpu, sreg, &seg, DESCRY_CAUSE_VM_EXIT);
	world_note(sw, "host %s=%04x, forced: %08x/%08x/%04x", descry_sreg_name(sreg), seg.sel,
		   (unsigned)seg.base, seg.limit, seg.attr);
	return true;
}

/* --- X7 ------------------------------------------------------------------------------- */

static struct vmx_verdict
check_entry(const struct vmcs *vmcs, bool unrestricted)
{
	struct vmx_guest guest = {
		.unrestricted = unrestricted,
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

static bool
pass_checks(struct world_switch *sw, bool unrestricted)
{
	const struct vmx_verdict verdict = check_entry(&sw->vmcs, unrestricted);
	const uint64_t *value = sw->vmcs.value;

	if (!verdict.check) {
		world_note(sw, "VM entry: the guest segments pass every check");
		return true;
	}
	return world_refuse(sw,
			    "VM entry fails on %s: %s (selector %04x, base %08x, limit %08x, "
			    "access rights %05x)",
			    descry_sreg_name(verdict.sreg), verdict.check,
			    (unsigned)value[VMCS_GUEST_SELECTOR + verdict.sreg],
			    (unsigned)value[VMCS_GUEST_BASE + verdict.sreg],
			    (unsigned)value[VMCS_GUEST_LIMIT + verdict.sreg],
			    (unsigned)value[VMCS_GUEST_RIGHTS + verdict.sreg]);
}

static bool
op_check_entry(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	return pass_checks(sw, true);
}

/* On a part that has no unrestricted guest. */
static bool
op_check_restricted(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	return pass_checks(sw, false);
}

/*
 * A part without unrestricted guest: real mode runs as virtual-8086 mode, and a guest that does
 * not fit it is interpreted until it does (KVM, emulate_invalid_guest_state).
 */
static bool
op_check_entry_or_interpret(struct world_switch *sw, unsigned arg)
{
	struct vmcs as_v86 = sw->vmcs;
	struct vmx_verdict verdict;

	(void)arg;
	if (!(sw->vmcs.value[VMCS_GUEST_CR0] & DESCRY_CR0_PE)) {
		as_v86.value[VMCS_GUEST_RFLAGS] |= DESCRY_FLAG_VM;
		for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
			as_v86.value[VMCS_GUEST_RIGHTS + sreg] |= DESCRY_ATTR_DPL;
	}
	verdict = check_entry(&as_v86, false);
	if (verdict.check)
		world_note(sw, "%s does not fit: %s; the guest is interpreted until it does",
			   descry_sreg_name(verdict.sreg), verdict.check);
	else
		world_note(sw, "VM entry: the guest segments pass every check");
	return true;
}

/* SDM vol. 3, Loading Guest State. */
static bool
op_load_registers(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	vmcs_get_registers(&sw->vmcs, descry_vcpu_state_mutable(sw->vcpu));
	descry_vcpu_state_changed(sw->vcpu);
	descry_op_flush_tlb(sw->vcpu);
	world_note(sw, "CR0 RIP RSP RFLAGS GDTR IDTR from the VMCS");
	return true;
}

static bool
op_load_segment(struct world_switch *sw, unsigned sreg)
{
	const struct descry_segment seg = vmcs_get_segment(&sw->vmcs, sreg);

	descry_vcpu_put_segment(sw->vcpu, sreg, &seg, DESCRY_CAUSE_VM_ENTRY);
	world_note(sw, "%s=%04x %08x/%08x/%04x from its four words of the VMCS",
		   descry_sreg_name(sreg), seg.sel, (unsigned)seg.base, seg.limit, seg.attr);
	return true;
}

/* --- the lists ------------------------------------------------------------------------ */

/* clang-format off */
#define EXIT_TO_ENTRY(check)                  \
	{ 2, op_save_registers, 0 },          \
	WORLD_EIGHT(2, op_save_segment),      \
	{ 3, op_save_gprs, 0 },               \
	{ 4, op_load_host, 0 },               \
	WORLD_EIGHT(4, op_load_host_segment), \
	WORLD_BODY,                           \
	{ 6, op_restore_gprs, 0 },            \
	{ 7, check, 0 },                      \
	{ 7, op_load_registers, 0 },          \
	WORLD_EIGHT(7, op_load_segment)
/* clang-format on */

const struct world_op vmx_ops[] = { EXIT_TO_ENTRY(op_check_entry), WORLD_OPS_END };

const struct world_op vmx_emulate_ops[] = { EXIT_TO_ENTRY(op_check_entry_or_interpret),
					    WORLD_OPS_END };

const struct world_op vmx_restricted_ops[] = { EXIT_TO_ENTRY(op_check_restricted), WORLD_OPS_END };

const struct world_op vmx_v86_ops[] = {
	{ 2, op_into_v86, 0 },
	EXIT_TO_ENTRY(op_check_restricted),
	{ 7, op_out_of_v86, 0 },
	WORLD_OPS_END,
};
