/*
 * Scratch descriptors: the host keeps a copy of each cache from the load that made it, and gives
 * it back through an entry built for it, at the index that the selector names (VMware's first
 * line of products: US patent 6,397,242). With eager-resync it believes the guest's table
 * instead, which is a shortcut that looks right.
 */
#include "world/shadow.h"

/*
 * Guests of such a host run in an outer ring, whatever they believe, and their data segments must
 * be of use there. SS and CS keep the ring that the loading of them asks for.
 */
static uint64_t
descriptor_of_copy(const struct world_switch *sw, enum descry_sreg sreg)
{
	struct descry_segment seg = sw->record.seg[sreg];

	if (sreg == DESCRY_DS || sreg == DESCRY_ES || sreg == DESCRY_FS || sreg == DESCRY_GS)
		seg.attr |= DESCRY_ATTR_DPL;
	return host_descriptor(&seg);
}

static bool
write_slot(struct world_switch *sw, enum descry_sreg sreg)
{
	const uint16_t sel = sw->record.seg[sreg].sel;
	const bool local = sel & DESCRY_SEL_TI;
	const uint32_t room = local ? HOST_SHADOW_LDT_BYTES : sw->shadow_bytes;
	const uint64_t raw = descriptor_of_copy(sw, sreg);

	if (world_has_flaw(sw, DESCRY_FLAW_EAGER_RESYNC))
		return true;
	if ((sel | 7u) >= room)
		return world_refuse(sw, "%s=%04x: the host's table ends before that entry",
				    descry_sreg_name(sreg), sel);
	host_write_slot(sw, local ? HOST_SHADOW_LDT : HOST_SHADOW_GDT, sel, raw);
	world_note(sw, "entry %04x := %016llx from the copy of %s", sel & ~DESCRY_SEL_RPL,
		   (unsigned long long)raw, descry_sreg_name(sreg));
	return true;
}

/* The entry for a segment that op_pop is about to load, if it is one that it loads. */
static bool
op_write_slot(struct world_switch *sw, unsigned sreg)
{
	const bool by_iret = sreg == DESCRY_SS && sw->frame.delivery.outer;

	if (frame_is_null(sw->record.seg[sreg].sel) || (by_iret && sw->step != DESCRY_WORLD_X7) ||
	    (frame_from_v86(sw) && sreg != DESCRY_LDTR))
		return true;
	return write_slot(sw, sreg);
}

/* With PE=0 a null selector is one like any other, and waits for real mode. */
static bool
op_pop_entry(struct world_switch *sw, unsigned sreg)
{
	return frame_is_null(sw->frame.sel[sreg]) ? true : op_pop(sw, sreg);
}

static bool
op_pop_null(struct world_switch *sw, unsigned sreg)
{
	return frame_is_null(sw->frame.sel[sreg]) ? op_pop(sw, sreg) : true;
}

#define ALL_BUT_TR ((1u << DESCRY_TR) - 1)

const struct world_op scratch_ops[] = {
	{ 2, op_sync_shadow, 0 },
	{ 2, op_hold_copies, ALL_BUT_TR },
	HOST_TAKES_REAL,
	{ 6, op_lgdt_shadow, 0 },
	{ 6, op_write_slot, DESCRY_FS },
	{ 6, op_pop_entry, DESCRY_FS },
	{ 6, op_set_pe, 0 },
	{ 6, op_pop_null, DESCRY_FS },
	GIVE_BACK_REAL,
	WORLD_OPS_END,
};

const struct world_op scratch_protected_ops[] = {
	{ 2, op_sync_shadow, 0 },
	{ 2, op_hold_copies, ALL_BUT_TR },
	HOST_TAKES_PROTECTED,
	{ 6, op_clear_null_base, DESCRY_GS },
	{ 6, op_clear_null_base, DESCRY_FS },
	{ 6, op_lldt_shadow, 0 },
	{ 6, op_lgdt_shadow, 0 },
	{ 6, op_write_slot, DESCRY_GS },
	{ 6, op_pop, DESCRY_GS },
	{ 6, op_write_slot, DESCRY_FS },
	{ 6, op_pop, DESCRY_FS },
	{ 6, op_write_slot, DESCRY_ES },
	{ 6, op_pop, DESCRY_ES },
	{ 6, op_write_slot, DESCRY_DS },
	{ 6, op_pop, DESCRY_DS },
	{ 6, op_write_slot, DESCRY_SS },
	{ 6, op_pop, DESCRY_SS },
	{ 6, op_restore_gprs, 0 },
	{ 7, op_write_slot, DESCRY_SS },
	{ 7, op_write_slot, DESCRY_CS },
	{ 7, op_write_slot, DESCRY_LDTR },
	{ 7, op_believed_ldtr, 1 },
	{ 7, op_iret, 0 },
	{ 7, op_believed_ldtr, 0 },
	{ 7, op_believed_tables, 0 },
	WORLD_OPS_END,
};

/* --- a host that does not see every load ---------------------------------------------- */

/*
 * With PE=1 the guest runs directly, and MOV Sreg does not trap there: the copies of the data
 * segments stay what they were when the guest set PE.
 */
static bool
op_keep_copy(struct world_switch *sw, unsigned sreg)
{
	const struct descry_segment *seg = &world_state(sw)->seg[sreg];

	world_hold(sw, sreg, DESCRY_FIELD_ALL);
	world_note(sw, "the host's copy of %s stays %08x/%08x/%04x", descry_sreg_name(sreg),
		   (unsigned)seg->base, seg->limit, seg->attr);
	return true;
}

static const struct world_op enters_direct_execution[] = {
	{ DESCRY_WORLD_MODE, op_keep_copy, DESCRY_ES },
	{ DESCRY_WORLD_MODE, op_keep_copy, DESCRY_DS },
	{ DESCRY_WORLD_MODE, op_keep_copy, DESCRY_FS },
	{ DESCRY_WORLD_MODE, op_keep_copy, DESCRY_GS },
	WORLD_OPS_END,
};

const struct world_view scratch_missed_view = { .enters_pe = enters_direct_execution };
