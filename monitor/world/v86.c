/*
 * Guests whose real mode runs as virtual-8086 mode, as it must on hardware that knows no other
 * way to keep it in check. Every load there forms the segment from its selector, and the
 * CPU comes into that mode by such loads: what the guest had loaded before it cleared PE is
 * gone with that write, and no interrupt is needed.
 *
 * A monitor of its own (selector-v86) leaves it at that. KVM without unrestricted guest (vmx-v86;
 * docs/strategies.md has the versions) puts the segments in place by hand, keeps a copy of what
 * was there, and makes it good where it notices.
 */
#include "world/v86.h"

#define FAULTS_OF_LIMITS (1u << DESCRY_VEC_GP | 1u << DESCRY_VEC_SS)

/* --- what the hardware runs ----------------------------------------------------------- */

static void
set_mode(struct world_switch *sw, bool v86)
{
	struct descry_state *state = descry_vcpu_state_mutable(sw->vcpu);

	state->cr0 = v86 ? state->cr0 | DESCRY_CR0_PE : state->cr0 & ~(uint64_t)DESCRY_CR0_PE;
	state->rflags =
		v86 ? state->rflags | DESCRY_FLAG_VM : state->rflags & ~(uint64_t)DESCRY_FLAG_VM;
	descry_vcpu_state_changed(sw->vcpu);
}

bool
op_into_v86(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	set_mode(sw, true);
	world_note(sw, "the hardware is in virtual-8086 mode: PE=1, VM=1");
	return true;
}

bool
op_out_of_v86(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	set_mode(sw, false);
	world_note(sw, "the guest believes that it is in real mode");
	return true;
}

/* --- selector-v86 --------------------------------------------------------------------- */

static bool
op_load_v86(struct world_switch *sw, unsigned sreg)
{
	const struct descry_segment *seg = &world_state(sw)->seg[sreg];

	descry_op_load_v86(sw->vcpu, sreg, seg->sel);
	world_note(sw, "IRET into virtual-8086 mode loads %s, %04x: cache %08x/%08x/%04x",
		   descry_sreg_name(sreg), seg->sel, (unsigned)seg->base, seg->limit, seg->attr);
	return true;
}

#define SIX(run) WORLD_SIX(DESCRY_WORLD_MODE, run)

static const struct world_op into_v86_by_selectors[] = { SIX(op_load_v86), WORLD_OPS_END };

/* With PE=1 the guest is on its own, in ring 0. */
static bool
op_back_to_ring0(struct world_switch *sw, unsigned sreg)
{
	struct descry_segment seg = world_state(sw)->seg[sreg];

	seg.attr = DESCRY_ATTR_REAL_DATA;
	descry_vcpu_put_segment(sw->vcpu, sreg, &seg, DESCRY_CAUSE_VM_ENTRY);
	world_note(sw, "%s: as real mode has it, attr %04x", descry_sreg_name(sreg), seg.attr);
	return true;
}

static const struct world_op out_of_v86[] = { SIX(op_back_to_ring0), WORLD_OPS_END };

const struct world_view selector_v86_view = { .leaves_pe = into_v86_by_selectors,
					      .enters_pe = out_of_v86 };

const struct world_op selector_v86_ops[] = {
	{ 2, op_into_v86, 0 },
	HOST_TAKES_PROTECTED,
	{ 6, op_guest_gdt, 0 },
	{ 6, op_guest_ldtr, OP_EARLY },
	{ 6, op_restore_gprs, 0 },
	{ 7, op_guest_tables, 0 },
	{ 7, op_iret, 0 },
	{ 7, op_out_of_v86, 0 },
	WORLD_OPS_END,
};

/* --- vmx-v86 -------------------------------------------------------------------------- */

/* What the entry checks want: base = selector * 16, FFFFh, F3h. Linux, fix_rmode_seg(). */
static bool
op_fix_real(struct world_switch *sw, unsigned sreg)
{
	const struct descry_segment old = world_state(sw)->seg[sreg];
	const struct descry_segment fixed = {
		.base = old.base & 0xffff0,
		.limit = 0xffff,
		.sel = (uint16_t)(old.base >> 4),
		.attr = DESCRY_ATTR_V86,
	};

	world_hold(sw, sreg, DESCRY_FIELD_ALL);
	descry_vcpu_put_segment(sw->vcpu, sreg, &fixed, DESCRY_CAUSE_VM_ENTRY);
	world_note(sw, "%s: a copy of %04x/%08x/%08x/%04x; VMCS %04x/%08x/%08x/%04x",
		   descry_sreg_name(sreg), old.sel, (unsigned)old.base, old.limit, old.attr,
		   fixed.sel, (unsigned)fixed.base, fixed.limit, fixed.attr);
	return true;
}

static bool
has_copy(const struct world_switch *sw, enum descry_sreg sreg)
{
	return descry_fields_has(&sw->memory->copies.held, sreg, DESCRY_FIELD_BASE);
}

/* The copy, if the base says that the guest has not loaded the register since. */
static bool
copy_is_current(const struct world_switch *sw, enum descry_sreg sreg)
{
	return has_copy(sw, sreg) &&
	       (sw->memory->copies.seg[sreg].base & 0xffff0) == world_state(sw)->seg[sreg].base;
}

/* Linux, fix_pmode_dataseg(): a guest that has loaded a register with an equal base gets the old
 * selector back (6af11b9e827a). */
static bool
op_fix_protected(struct world_switch *sw, unsigned sreg)
{
	struct descry_segment seg = world_state(sw)->seg[sreg];
	const bool current = copy_is_current(sw, sreg);

	if (!has_copy(sw, sreg))
		return true;
	if (current)
		seg = sw->memory->copies.seg[sreg];
	else
		seg.attr = (uint16_t)(DESCRY_ATTR_REAL_DATA | (seg.sel & DESCRY_SEL_RPL)
								      << DESCRY_ATTR_DPL_SHIFT);
	if (sreg == DESCRY_CS) /* enter_pmode(): the entry checks want code */
		seg.attr |= DESCRY_ATTR_CODE;
	descry_vcpu_put_segment(sw->vcpu, sreg, &seg, DESCRY_CAUSE_VM_ENTRY);
	world_note(sw, "%s: %04x/%08x/%08x/%04x, %s", descry_sreg_name(sreg), seg.sel,
		   (unsigned)seg.base, seg.limit, seg.attr,
		   current ? "the copy" : "loaded since; attr is made up");
	return true;
}

static const struct world_op real_by_hand[] = { SIX(op_fix_real), WORLD_OPS_END };
static const struct world_op protected_by_hand[] = { SIX(op_fix_protected), WORLD_OPS_END };

/* Its first emulator looked at no limit. */
static bool
lend_without_limit(struct world_switch *sw, unsigned sreg)
{
	struct descry_segment seg = world_state(sw)->seg[sreg];

	seg.limit = UINT32_MAX;
	descry_vcpu_put_segment(sw->vcpu, sreg, &seg, DESCRY_CAUSE_VM_ENTRY);
	return true;
}

/* Later ones look at the copy: e2a610d7fc3e. */
static bool
lend_copy(struct world_switch *sw, unsigned sreg)
{
	if (copy_is_current(sw, sreg))
		descry_vcpu_put_segment(sw->vcpu, sreg, &sw->memory->copies.seg[sreg],
					DESCRY_CAUSE_VM_ENTRY);
	return true;
}

const struct world_view vmx_v86_bare_view = { real_by_hand, protected_by_hand, 0, NULL };
const struct world_view vmx_v86_emulator_view = { real_by_hand, protected_by_hand, FAULTS_OF_LIMITS,
						  lend_without_limit };
const struct world_view vmx_v86_copy_view = { real_by_hand, protected_by_hand, FAULTS_OF_LIMITS,
					      lend_copy };
