/*
 * What a 64-bit kernel does between two processes, as Linux has it (arch/x86/kernel/process_64.c):
 * selectors, and the bases of FS and GS beside them. With FSGSBASE the base that was read is
 * written back behind the load, so that a cache comes out which no descriptor has ever
 * described: the limit of now and the base of then. Without, it is written back only under a
 * null selector, and the descriptor is believed otherwise. CS and SS come back by IRET.
 */
#include "world/frame.h"

bool
os_switch_accept(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	if (!(world_state(sw)->rflags & DESCRY_FLAG_VM))
		return true;
	return world_refuse(sw, "the guest is in virtual-8086 mode, which a 64-bit kernel has not");
}

/* --- X3: what the kernel reads -------------------------------------------------------- */

static bool
op_read_base(struct world_switch *sw, unsigned sreg)
{
	const uint16_t sel = sw->frame.sel[sreg];

	world_hold(sw, sreg, 1u << DESCRY_FIELD_SEL | 1u << DESCRY_FIELD_BASE);
	world_note(sw, "RDFSBASE or RDMSR: base of %s=%04x is %08x", descry_sreg_name(sreg), sel,
		   (unsigned)sw->record.seg[sreg].base);
	return true;
}

static bool
op_read_base_under_null(struct world_switch *sw, unsigned sreg)
{
	return frame_is_null(sw->frame.sel[sreg]) ? op_read_base(sw, sreg) : true;
}

/* --- X6: what it writes --------------------------------------------------------------- */

static bool
op_write_base(struct world_switch *sw, unsigned sreg)
{
	const uint32_t base = (uint32_t)sw->record.seg[sreg].base;

	descry_op_write_base(sw->vcpu, sreg, base);
	world_note(sw, "WRFSBASE or WRMSR: base of %s=%04x is %08x again", descry_sreg_name(sreg),
		   sw->frame.sel[sreg], base);
	return true;
}

/* A base of 0 comes with the load. */
static bool
op_write_base_under_null(struct world_switch *sw, unsigned sreg)
{
	if (!frame_is_null(sw->frame.sel[sreg]) || sw->record.seg[sreg].base == 0)
		return true;
	return op_write_base(sw, sreg);
}

/* --- the lists ------------------------------------------------------------------------ */

/* clang-format off */
#define FS_AND_GS(step, run)      \
	{ step, run, DESCRY_FS }, \
	{ step, run, DESCRY_GS }

#define KERNEL_TAKES(read)     \
	HOST_SAVES_PROTECTED,  \
	FS_AND_GS(3, read),    \
	HOST_LOADS_PROTECTED,  \
	WORLD_BODY

#define KERNEL_GIVES_BACK(write)        \
	{ 6, op_guest_gdt, 0 },         \
	{ 6, op_guest_ldtr, OP_EARLY }, \
	POP_ALL,                        \
	FS_AND_GS(6, write),            \
	{ 6, op_guest_ldtr, OP_LATE },  \
	{ 6, op_restore_gprs, 0 },      \
	{ 7, op_guest_tables, 0 },      \
	{ 7, op_iret, 0 },              \
	WORLD_OPS_END
/* clang-format on */

const struct world_op os_switch_fsgsbase_ops[] = {
	KERNEL_TAKES(op_read_base),
	KERNEL_GIVES_BACK(op_write_base),
};
const struct world_op os_switch_legacy_ops[] = {
	KERNEL_TAKES(op_read_base_under_null),
	FS_AND_GS(6, op_clear_null_base),
	KERNEL_GIVES_BACK(op_write_base_under_null),
};
