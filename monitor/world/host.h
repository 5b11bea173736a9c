/*
 * The host's own tables, in the window that the CPU sees while host code runs on it. The
 * host's FS uses the same selector value as guests like to use, 0010, for another descriptor:
 * so a selector that is restored through the wrong table shows.
 */
#ifndef DESCRY_WORLD_HOST_H
#define DESCRY_WORLD_HOST_H

#include "world/switch.h"

#define HOST_SEL_CODE 0x0008u
#define HOST_SEL_FS 0x0010u
#define HOST_SEL_DATA 0x0018u
#define HOST_SEL_TSS 0x0020u
#define HOST_SEL_LDT 0x0028u    /* an LDT that the host makes for the guest: HOST_SHADOW_LDT */
#define HOST_SEL_DATA16 0x0030u /* 64 KiB at 0, as real mode wants it */

/* What the host's handlers load while PE=0. */
#define HOST_REAL_CODE 0xf000u
#define HOST_REAL_DATA 0x9f00u

#define HOST_GDT_BASE DESCRY_HOST_WINDOW
#define HOST_GDT_OWN 7u
#define HOST_GDT_MAX 64u /* with the slots that a user adds */
#define HOST_GDT_LIMIT (HOST_GDT_OWN * 8u - 1u)
#define HOST_TSS_BASE (DESCRY_HOST_WINDOW + 0x400u)
#define HOST_TSS_LIMIT 0x67u
#define HOST_IDT_BASE (DESCRY_HOST_WINDOW + 0x800u)
#define HOST_IDT_LIMIT 0x7ffu

/* Tables that the host makes for the guest. */
#define HOST_SHADOW_GDT (DESCRY_HOST_WINDOW + 0x1000u)
#define HOST_SHADOW_GDT_BYTES 0x8000u
#define HOST_SHADOW_LDT (DESCRY_HOST_WINDOW + 0x9000u)
#define HOST_SHADOW_LDT_BYTES 0x4000u

/* SMRAM, whose save map ends with the window, and the table of LOADALL. */
#define HOST_SMBASE DESCRY_HOST_WINDOW
#define HOST_LOADALL_TABLE (DESCRY_HOST_WINDOW + 0xd000u)

/*
 * TSSs: the guest as a task of the host's, and the host itself; and of the guest's own what it
 * held, and the state that a switch has put there.
 */
#define HOST_TASK_GUEST (DESCRY_HOST_WINDOW + 0xe000u)
#define HOST_TASK_HOST (DESCRY_HOST_WINDOW + 0xe100u)
#define HOST_TASK_KEPT (DESCRY_HOST_WINDOW + 0xe200u)
#define HOST_TASK_STATE (DESCRY_HOST_WINDOW + 0xe300u)

/* The two shapes of the host's FS. */
extern const struct descry_segment host_fs_small; /* 64 KiB at 00300000 */
extern const struct descry_segment host_fs_big;   /* 4 GiB at 00300000 */

/* Flat 32-bit segments: what the host's CS, and its SS DS ES, hold. */
extern const struct descry_segment host_code;
extern const struct descry_segment host_data;

/* The 8 bytes of a descriptor that loads as seg. */
uint64_t host_descriptor(const struct descry_segment *seg);

/* Writes the tables afresh: an earlier switch may have marked its TSS busy. */
void host_build_tables(struct descry_monitor *monitor, const struct descry_segment *fs,
		       const struct world_settings *settings);

/* The host's GDT, with the slots that the user has added to it. */
struct descry_table host_gdt(const struct world_settings *settings);

/* Writes an entry of a table in the window, by the index in a selector. */
void host_write_slot(struct world_switch *sw, uint64_t table, uint16_t sel, uint64_t descriptor);

/* The bytes of the window from an address on. */
uint8_t *host_bytes(const struct world_switch *sw, uint64_t address);

/* What an entry of the host's GDT loads as. */
struct descry_segment host_segment_at(const struct world_switch *sw, uint16_t sel);

/* Does a linear address lie in the window? */
bool host_owns(uint64_t linear);

#endif
