/*
 * What a load leaves in the cache, once it is allowed (seg_check.h says whether it is).
 * Pure: from the present cache, the selector and the knobs to the new cache. The
 * executor and the reload preview call the same functions.
 */
#ifndef DESCRY_SEG_LOAD_RULES_H
#define DESCRY_SEG_LOAD_RULES_H

#include <descry/profile.h>
#include <descry/segment.h>

#define SEG_TSS_BUSY 0x0002u /* in the type of a TSS (SDM vol. 3, TSS Descriptor) */

/* A TSS, available or busy. */
bool seg_is_tss(const struct descry_segment *desc);

bool seg_is_task_gate(const struct descry_segment *desc);
bool seg_is_call_gate(const struct descry_segment *desc); /* 16- or 32-bit */

/* PE=0, any load of the six: base from the selector, the rest as the knobs real.* say. */
void seg_load_real(struct descry_segment *seg, enum descry_sreg sreg, uint16_t sel,
		   const struct descry_profile *profile);

/* PE=1, VM=0: a null selector into DS, ES, FS, GS or LDTR, as the knob null.load says. */
void seg_load_null(struct descry_segment *seg, uint16_t sel, const struct descry_profile *profile);

/* VM=1: any load of the six. */
void seg_load_v86(struct descry_segment *seg, uint16_t sel);

/*
 * PE=1, VM=0: a descriptor that has passed its check. The cache always shows it accessed,
 * and a TSS busy, whatever the table said before.
 */
void seg_load_descriptor(struct descry_segment *seg, const struct descry_segment *desc);

/* Those of the eight bytes of a table that this CPU reads: knob descriptor.bytes. */
uint64_t seg_table_bytes(uint64_t raw, const struct descry_profile *profile);

/*
 * What they mean to it. Six bytes are a 24-bit base, a 16-bit limit and no flags, and 386 gates and
 * TSS are type 0, which is invalid (80286 Programmer's Reference Manual, Descriptors).
 */
struct descry_segment seg_from_table(uint16_t sel, uint64_t raw,
				     const struct descry_profile *profile);

#endif
