/*
 * Saving by selector: what a host can do without help from the hardware. No instruction
 * stores base, limit or attr, so the record has 16 bits of each segment, and giving one
 * back is a load, by the rules of the mode it is done in.
 */
#include "world/frame.h"

/* Back in real mode first: FS gets its base from the selector, and keeps the rest. */
const struct world_op selector_real_ops[] = {
	HOST_TAKES_REAL, { 6, op_set_pe, 0 }, { 6, op_pop, DESCRY_FS },
	GIVE_BACK_REAL,  WORLD_OPS_END,
};

/* FS through a table while PE=1: the guest's, as it is now, or (foreign-gdt) the host's. */
const struct world_op selector_table_ops[] = {
	HOST_TAKES_REAL,     { 6, op_guest_gdt, 0 }, { 6, op_pop, DESCRY_FS },
	{ 6, op_set_pe, 0 }, GIVE_BACK_REAL,         WORLD_OPS_END,
};

const struct world_op selector_table_protected_ops[] = {
	HOST_TAKES_PROTECTED,
	{ 6, op_clear_null_base, DESCRY_GS },
	{ 6, op_clear_null_base, DESCRY_FS },
	{ 6, op_guest_gdt, 0 },
	{ 6, op_guest_ldtr, OP_EARLY },
	POP_ALL,
	{ 6, op_guest_ldtr, OP_LATE },
	{ 6, op_restore_gprs, 0 },
	{ 7, op_guest_tables, 0 },
	{ 7, op_iret, 0 },
	WORLD_OPS_END,
};
