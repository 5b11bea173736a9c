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

/*
 * What the eight bytes of a table mean to this CPU. A 286 reads six of them, and has no 386
 * gate or TSS (80286 Programmer's Reference Manual, Descriptors: the last word is reserved).
 */
struct descry_segment seg_from_table(uint16_t sel, uint64_t raw,
				     const struct descry_profile *profile);

#endif
