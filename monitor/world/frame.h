/*
 * What hosts that save by selector have in common: how the CPU comes to them, what they
 * write down, what they load for themselves, and the ways in which a selector becomes a segment
 * again.
 */
#ifndef DESCRY_WORLD_FRAME_H
#define DESCRY_WORLD_FRAME_H

#include "world/host.h"

/* Before the segments or (flaw restore-before-ldt) after them. */
enum op_when { OP_EARLY, OP_LATE };

/* X2, before delivery. arg: 1 << sreg */
world_op_fn op_hold_copies;

/* arg: a segment register, unless it says otherwise. */
world_op_fn op_push;             /* PUSH Sreg into host memory */
world_op_fn op_store_tables;     /* CR0, SGDT, SIDT */
world_op_fn op_store_ldtr;       /* SLDT */
world_op_fn op_load_host_tables; /* LGDT, LIDT: the host's */
world_op_fn op_set_pe;           /* arg: the new value of PE */
world_op_fn op_mov_host;         /* MOV Sreg with the host's selector, through the host's GDT */
world_op_fn op_mov_real;         /* the same with PE=0 */
world_op_fn op_mov_64k;          /* MOV Sreg: the host's 64 KiB data segment */
world_op_fn op_leave_ldt;        /* LLDT 0, if the guest uses an LDT */

world_op_fn op_pop;             /* POP Sreg, or MOV SS: by the mode and the table of this moment */
world_op_fn op_clear_null_base; /* MOV Sreg, flat, before a null selector that would keep a base */
world_op_fn op_guest_gdt;       /* LGDT: the guest's; not with flaw foreign-gdt */
world_op_fn op_guest_ldtr;      /* arg: enum op_when */
world_op_fn op_guest_tables;    /* LGDT, LIDT: the guest's */
world_op_fn op_iret;

/* clang-format off */

/* X2 to X5 of a host that interrupts a guest with PE=0: it enters protected mode to load FS. */
#define HOST_TAKES_REAL                \
	{ 2, op_deliver, 0 },          \
	{ 3, op_save_gprs, 0 },        \
	{ 3, op_push, DESCRY_ES },     \
	{ 3, op_push, DESCRY_SS },     \
	{ 3, op_push, DESCRY_DS },     \
	{ 3, op_push, DESCRY_FS },     \
	{ 3, op_store_tables, 0 },     \
	{ 4, op_mov_real, DESCRY_SS }, \
	{ 4, op_mov_real, DESCRY_DS }, \
	{ 4, op_mov_real, DESCRY_ES }, \
	{ 4, op_load_host_tables, 0 }, \
	{ 4, op_set_pe, 1 },           \
	{ 4, op_mov_host, DESCRY_FS }, \
	WORLD_BODY

/* Back in real mode: what the host has loaded there. */
#define GIVE_BACK_REAL             \
	{ 6, op_pop, DESCRY_ES },  \
	{ 6, op_pop, DESCRY_DS },  \
	{ 6, op_pop, DESCRY_SS },  \
	{ 6, op_restore_gprs, 0 }, \
	{ 7, op_guest_tables, 0 }, \
	{ 7, op_iret, 0 }

/* X2 to X5 with PE=1, whatever the guest's ring. The window is mapped in every address space. */
#define HOST_SAVES_PROTECTED           \
	{ 2, op_store_tables, 0 },     \
	{ 2, op_load_host_tables, 0 }, \
	{ 2, op_deliver, 0 },          \
	{ 3, op_save_gprs, 0 },        \
	{ 3, op_push, DESCRY_ES },     \
	{ 3, op_push, DESCRY_SS },     \
	{ 3, op_push, DESCRY_DS },     \
	{ 3, op_push, DESCRY_FS },     \
	{ 3, op_push, DESCRY_GS },     \
	{ 3, op_store_ldtr, 0 }

#define HOST_LOADS_PROTECTED           \
	{ 4, op_mov_host, DESCRY_SS }, \
	{ 4, op_mov_host, DESCRY_DS }, \
	{ 4, op_mov_host, DESCRY_ES }, \
	{ 4, op_mov_host, DESCRY_FS }, \
	{ 4, op_mov_host, DESCRY_GS }, \
	{ 4, op_leave_ldt, 0 }

#define HOST_TAKES_PROTECTED HOST_SAVES_PROTECTED, HOST_LOADS_PROTECTED, WORLD_BODY

#define POP_ALL                   \
	{ 6, op_pop, DESCRY_GS }, \
	{ 6, op_pop, DESCRY_FS }, \
	{ 6, op_pop, DESCRY_ES }, \
	{ 6, op_pop, DESCRY_DS }, \
	{ 6, op_pop, DESCRY_SS }

/* clang-format on */

/* For operations in other files. */
static inline bool
frame_is_null(uint16_t sel)
{
	return (sel & ~DESCRY_SEL_RPL) == 0;
}

bool frame_load(struct world_switch *sw, enum descry_sreg sreg, uint16_t sel,
		enum descry_cause cause, const char *how);
void frame_load_tables(struct world_switch *sw, const struct descry_table *gdtr,
		       const struct descry_table *idtr, const char *whose);

/* From virtual-8086 mode: delivery has saved the data segments, and IRET gives them back. */
bool frame_from_v86(const struct world_switch *sw);

#endif
