/*
 * Shadow tables. The host keeps a GDT of its own in step with the guest's and loads the
 * guest's selectors through it (VirtualBox's raw mode). What the guest loaded is gone all the
 * same once its table has changed; unless the host looks first, and leaves such a guest to
 * an interpreter.
 */
#include "world/shadow.h"
#include "world/judge.h"

/* --- the tables ----------------------------------------------------------------------- */

uint32_t
shadow_copy_table(struct world_switch *sw, const struct descry_table *from, uint64_t to,
		  uint32_t room)
{
	const uint32_t bytes = from->limit < room ? from->limit + 1 : room;

	descry_vcpu_peek(sw->vcpu, from->base, host_bytes(sw, to), bytes);
	descry_vcpu_memory_changed(sw->vcpu);
	return bytes;
}

bool
op_sync_shadow(struct world_switch *sw, unsigned arg)
{
	const struct descry_state *state = world_state(sw);
	const struct descry_segment *ldtr = &state->seg[DESCRY_LDTR];
	const struct descry_table ldt = { .base = ldtr->base, .limit = ldtr->limit };

	(void)arg;
	sw->shadow_bytes =
		shadow_copy_table(sw, &state->gdtr, HOST_SHADOW_GDT, HOST_SHADOW_GDT_BYTES);
	if (!frame_is_null(ldtr->sel))
		shadow_copy_table(sw, &ldt, HOST_SHADOW_LDT, HOST_SHADOW_LDT_BYTES);
	world_note(sw, "the host's shadow tables are as the guest's tables are now");
	return true;
}

bool
op_lldt_shadow(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	if (sw->frame.sel[DESCRY_LDTR] == 0)
		return true;
	return frame_load(sw, DESCRY_LDTR, HOST_SEL_LDT, DESCRY_CAUSE_LLDT, "the shadow LDT");
}

bool
op_lgdt_shadow(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	descry_op_load_gdtr(sw->vcpu, HOST_SHADOW_GDT, sw->shadow_bytes - 1);
	world_note(sw, "LGDT %08x/%04x: the shadow GDT", HOST_SHADOW_GDT, sw->shadow_bytes - 1);
	return true;
}

bool
op_believed_tables(struct world_switch *sw, unsigned arg)
{
	const struct world_frame *frame = &sw->frame;

	(void)arg;
	frame_load_tables(sw, &frame->gdtr, &frame->idtr,
			  "what the guest reads of them, SGDT and SIDT being emulated");
	return true;
}

bool
op_believed_ldtr(struct world_switch *sw, unsigned v86)
{
	const uint16_t sel = sw->frame.sel[DESCRY_LDTR];

	if (sel == 0 || frame_from_v86(sw) != (v86 != 0))
		return true;
	return frame_load(sw, DESCRY_LDTR, sel, DESCRY_CAUSE_LLDT, "the shadow GDT");
}

/* --- the ways back -------------------------------------------------------------------- */

const struct world_op shadow_table_ops[] = {
	{ 2, op_sync_shadow, 0 },
	HOST_TAKES_REAL,
	{ 6, op_lgdt_shadow, 0 },
	{ 6, op_pop, DESCRY_FS },
	{ 6, op_set_pe, 0 },
	GIVE_BACK_REAL,
	WORLD_OPS_END,
};

/* A host that thinks: the guest is in real mode, so its segments are as real mode has them. */
const struct world_op shadow_real_ops[] = {
	HOST_TAKES_REAL,     { 6, op_mov_64k, DESCRY_FS },
	{ 6, op_set_pe, 0 }, { 6, op_pop, DESCRY_FS },
	GIVE_BACK_REAL,      WORLD_OPS_END,
};

const struct world_op shadow_protected_ops[] = {
	{ 2, op_sync_shadow, 0 },
	HOST_TAKES_PROTECTED,
	{ 6, op_clear_null_base, DESCRY_GS },
	{ 6, op_clear_null_base, DESCRY_FS },
	{ 6, op_lldt_shadow, 0 },
	{ 6, op_lgdt_shadow, 0 },
	POP_ALL,
	{ 6, op_restore_gprs, 0 },
	{ 7, op_believed_ldtr, 1 },
	{ 7, op_iret, 0 },
	{ 7, op_believed_ldtr, 0 },
	{ 7, op_believed_tables, 0 },
	WORLD_OPS_END,
};

/*
 * VirtualBox's CPUMSELREG_FLAGS_STALE: while a selector does not tell its cache, the guest is kept
 * out of raw mode.
 */
bool
shadow_accept_unless_stale(struct world_switch *sw, unsigned arg)
{
	const enum descry_sreg sreg = judge_subject(sw->vcpu);
	const unsigned status = descry_cache_status(sw->vcpu, sreg);
	char text[DESCRY_CACHE_STATUS_TEXT];

	(void)arg;
	if (status == 0) {
		world_note(sw, "every selector tells its cache: the guest runs on the CPU");
		return true;
	}
	world_note(sw, "%s is %s: the guest is interpreted until it loads it again",
		   descry_sreg_name(sreg), descry_cache_status_text(status, text));
	sw->next = software_ops;
	return true;
}
