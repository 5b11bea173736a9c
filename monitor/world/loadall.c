/*
 * LOADALL: one instruction that loads every cache from a table in memory, and none that stores
 * one. So the host gives back exactly what it has taken down before, load by load, the way
 * `scratch` does. What the table cannot say is lost: that of the 386 has no G, and a limit of
 * less than 1 MiB comes back without (docs/strategies.md).
 */
#include "world/image.h"

#include <string.h>

static const struct descry_exchange_format *
table_format(const struct world_switch *sw)
{
	return descry_loadall_format(descry_vcpu_profile(sw->vcpu));
}

static enum descry_loadall
which_loadall(const struct world_switch *sw)
{
	return (enum descry_loadall)descry_vcpu_profile(sw->vcpu)->knob[DESCRY_KNOB_LOADALL];
}

/* --- X6: the table -------------------------------------------------------------------- */

/* The guest as the host has written it down. */
static void
put_record(const struct world_switch *sw, struct descry_state *state)
{
	const struct world_frame *frame = &sw->frame;

	memcpy(state->seg, sw->record.seg, sizeof(state->seg));
	for (unsigned i = 0; i < WORLD_GPRS; i++)
		state->gpr[i] = frame->gpr[i];
	state->rip = frame->delivery.ip;
	state->rflags = frame->delivery.flags;
	state->cr0 = frame->cr0;
	state->gdtr = frame->gdtr;
	state->idtr = frame->idtr;
}

static bool
op_fill_table(struct world_switch *sw, unsigned arg)
{
	struct descry_state guest = *world_state(sw);

	(void)arg;
	put_record(sw, &guest);
	descry_exchange_pack_bytes(table_format(sw), &guest, host_bytes(sw, HOST_LOADALL_TABLE));
	world_note(sw, "a table for LOADALL at %08x, %u bytes, from the host's copies",
		   HOST_LOADALL_TABLE, table_format(sw)->size);
	return true;
}

static bool
op_show_table(struct world_switch *sw, unsigned sreg)
{
	image_note_segment(sw, "table", table_format(sw), host_bytes(sw, HOST_LOADALL_TABLE), sreg);
	return true;
}

/* --- X7 ------------------------------------------------------------------------------- */

static bool
op_loadall(struct world_switch *sw, unsigned arg)
{
	struct descry_fault fault;

	(void)arg;
	if (!descry_op_loadall(sw->vcpu, which_loadall(sw), host_bytes(sw, HOST_LOADALL_TABLE),
			       &fault))
		return world_host_fault(sw, &fault, "LOADALL");
	world_note(sw, "LOADALL: every register out of the table; no descriptor is read");
	return true;
}

/* --- the lists ------------------------------------------------------------------------ */

/* clang-format off */
#define GIVE_BACK_BY_LOADALL           \
	{ 6, op_fill_table, 0 },       \
	WORLD_EIGHT(6, op_show_table), \
	{ 7, op_loadall, 0 },          \
	WORLD_OPS_END
/* clang-format on */

#define EVERY_SEGMENT ((1u << DESCRY_SREG_COUNT) - 1)

const struct world_op loadall_ops[] = {
	{ 2, op_hold_copies, EVERY_SEGMENT },
	HOST_TAKES_REAL,
	GIVE_BACK_BY_LOADALL,
};
const struct world_op loadall_protected_ops[] = {
	{ 2, op_hold_copies, EVERY_SEGMENT },
	HOST_TAKES_PROTECTED,
	GIVE_BACK_BY_LOADALL,
};

/* A 286 has no FS and no GS, and does not come back from protected mode: the host keeps out.
 */
static const struct world_op loadall_286_ops[] = {
	{ 2, op_hold_copies, EVERY_SEGMENT },
	{ 2, op_deliver, 0 },
	{ 3, op_save_gprs, 0 },
	{ 3, op_store_tables, 0 },
	{ 4, op_mov_real, DESCRY_SS },
	{ 4, op_mov_real, DESCRY_DS },
	{ 4, op_mov_real, DESCRY_ES },
	WORLD_BODY,
	GIVE_BACK_BY_LOADALL,
};

bool
loadall_accept(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	if (!table_format(sw))
		return image_refuse_cpu(sw, DESCRY_KNOB_LOADALL, "LOADALL");
	if (which_loadall(sw) != DESCRY_LOADALL_286)
		return true;
	if (world_state(sw)->cr0 & DESCRY_CR0_PE)
		return world_refuse(sw,
				    "the guest has PE=1; the host's tables at %08x are out of "
				    "a 286's reach",
				    DESCRY_HOST_WINDOW);
	sw->next = loadall_286_ops;
	return true;
}
