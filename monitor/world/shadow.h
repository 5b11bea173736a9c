/*
 * Tables that the host makes for the guest, in its window: a GDT and an LDT that stand in for
 * the guest's own while host code loads the guest's selectors.
 */
#ifndef DESCRY_WORLD_SHADOW_H
#define DESCRY_WORLD_SHADOW_H

#include "world/frame.h"

/* Copies a table of the guest's to one in the window; as many bytes as there is room for. */
uint32_t shadow_copy_table(struct world_switch *sw, const struct descry_table *from, uint64_t to,
			   uint32_t room);

world_op_fn op_sync_shadow; /* X2: in step with the guest's tables, by the traps of its writes */
world_op_fn op_lldt_shadow; /* through the host's GDT, if the guest uses an LDT */
world_op_fn op_lgdt_shadow;

/*
 * X7: the CPU goes on with tables of the host's; the guest sees what it has loaded itself. IRET may
 * need the shadow LDT for CS and SS, but not for virtual-8086 mode, where LLDT would no longer do.
 * arg of op_believed_ldtr: 1 before IRET to that mode, 0 behind any other.
 */
world_op_fn op_believed_ldtr, op_believed_tables;

#endif
