/*
 * What registers other than the segment registers may hold, and the TLB.
 */
#include "invariant_rules.h"

#include <descry/paging.h>

#include <string.h>

/* --- registers --------------------------------------------------------------------------- */

struct invariant_verdict
invariant_registers_have_32_bits(const struct invariant_step *step)
{
	static const char *const rule = "registers have 32 bits outside long mode";
	const struct descry_state *was = step->before, *is = step->after;

	for (unsigned i = 0; i < 16; i++)
		if (is->gpr[i] > (i < 8 ? UINT32_MAX : 0) && was->gpr[i] <= UINT32_MAX)
			return broken_by(rule, "a general register", was->gpr[i], is->gpr[i]);
	if (is->zero)
		return broken_by("an absent register reads as zero", "zero", was->zero, is->zero);
	if (is->rip > UINT32_MAX && was->rip <= UINT32_MAX)
		return broken_by(rule, "rip", was->rip, is->rip);
	return invariant_holds();
}

/* Flags that exist, with the ones that are always set. */
static uint64_t
flags_of(const struct descry_profile *profile)
{
	return profile->knob[DESCRY_KNOB_EFLAGS_BITS] | DESCRY_FLAG_ONE |
	       (profile->knob[DESCRY_KNOB_FLAGS_TOP] == DESCRY_FLAGS_TOP_ONES ? 0xf000 : 0);
}

struct invariant_verdict
invariant_flags_keep_their_shape(const struct invariant_step *step)
{
	const uint64_t was = step->before->rflags, is = step->after->rflags;
	const uint64_t flags = flags_of(step->profile);

	if ((!(is & DESCRY_FLAG_ONE) || is & ~flags) && !(was & ~flags))
		return broken_by("EFLAGS has bit 1 set and no flag that the profile has not",
				 "eflags", was, is);
	return invariant_holds();
}

static bool
cr0_is_possible(uint64_t cr0)
{
	return cr0 & DESCRY_CR0_PE || !(cr0 & DESCRY_CR0_PG);
}

/* SDM vol. 3, Control Registers. */
struct invariant_verdict
invariant_paging_needs_protection(const struct invariant_step *step)
{
	if (!through_back_door(step) && !cr0_is_possible(step->after->cr0) &&
	    cr0_is_possible(step->before->cr0))
		return broken_by("CR0.PG is set only with CR0.PE", "cr0", step->before->cr0,
				 step->after->cr0);
	return invariant_holds();
}

struct invariant_verdict
invariant_tables_have_16_bit_limits(const struct invariant_step *step)
{
	static const char *const rule = "table limits have 16 bits, bases 32";
	const struct descry_state *was = step->before, *is = step->after;

	if ((is->gdtr.limit > 0xffff && was->gdtr.limit <= 0xffff) ||
	    (is->gdtr.base > UINT32_MAX && was->gdtr.base <= UINT32_MAX))
		return broken_by(rule, "gdtr.base", was->gdtr.base, is->gdtr.base);
	if ((is->idtr.limit > 0xffff && was->idtr.limit <= 0xffff) ||
	    (is->idtr.base > UINT32_MAX && was->idtr.base <= UINT32_MAX))
		return broken_by(rule, "idtr.base", was->idtr.base, is->idtr.base);
	return invariant_holds();
}

struct invariant_verdict
invariant_time_goes_on(const struct invariant_step *step)
{
	if (step->after->retired < step->before->retired)
		return broken_by("time does not go back", "retired", step->before->retired,
				 step->after->retired);
	return invariant_holds();
}

/* --- the TLB ----------------------------------------------------------------------------- */

#define TLB_RIGHTS                                                                                 \
	(DESCRY_PTE_P | DESCRY_PTE_RW | DESCRY_PTE_US | DESCRY_PTE_D | DESCRY_PTE_PS | DESCRY_PTE_G)
#define TLB_PAGE 0xfffff000u
#define FRAMES (1u << 24) /* 36 address bits */

static bool
is_empty(const struct descry_tlb_entry *entry)
{
	return entry->tag == 0 && entry->frame == 0;
}

/* An entry that an access under this state may leave in this slot. Memory may say otherwise now. */
static bool
is_whole(const struct descry_tlb_entry *entry, unsigned slot, unsigned slots,
	 const struct descry_state *state)
{
	const uint32_t tag = entry->tag;

	if (is_empty(entry))
		return true;
	return state->cr0 & DESCRY_CR0_PG && tag & DESCRY_PTE_P &&
	       !(tag & ~(TLB_PAGE | TLB_RIGHTS)) && (tag >> 12 & (slots - 1)) == slot &&
	       entry->frame < FRAMES && (!(tag & DESCRY_PTE_G) || state->cr4 & DESCRY_CR4_PGE) &&
	       (!(tag & DESCRY_PTE_PS) || state->cr4 & (DESCRY_CR4_PSE | DESCRY_CR4_PAE));
}

static struct invariant_verdict
new_entries_are_whole(const struct descry_tlb_entry *was, const struct descry_tlb_entry *is,
		      unsigned slots, const struct descry_state *state)
{
	for (unsigned i = 0; i < slots; i++)
		if ((was[i].tag != is[i].tag || was[i].frame != is[i].frame) &&
		    !is_whole(&is[i], i, slots, state))
			return broken_by("a TLB entry names a page of its slot, with rights that "
					 "CR4 knows",
					 "its tag", was[i].tag, is[i].tag);
	return invariant_holds();
}

struct invariant_verdict
invariant_tlb_entries_are_whole(const struct invariant_step *step)
{
	const struct descry_state *was = step->before, *is = step->after;
	struct invariant_verdict data = invariant_holds();

	if (memcmp(was->tlb_data, is->tlb_data, sizeof(is->tlb_data)) != 0)
		data = new_entries_are_whole(was->tlb_data, is->tlb_data, DESCRY_TLB_DATA, is);
	if (data.rule || memcmp(was->tlb_code, is->tlb_code, sizeof(is->tlb_code)) == 0)
		return data;
	return new_entries_are_whole(was->tlb_code, is->tlb_code, DESCRY_TLB_CODE, is);
}

static bool
is_empty_throughout(const struct descry_tlb_entry *entry, unsigned slots)
{
	for (unsigned i = 0; i < slots; i++)
		if (!is_empty(&entry[i]))
			return false;
	return true;
}

/* SDM vol. 3, Operations that Invalidate TLBs: global entries go, too. */
struct invariant_verdict
invariant_other_paging_begins_with_an_empty_tlb(const struct invariant_step *step)
{
	const uint32_t cr4_bits = DESCRY_CR4_PSE | DESCRY_CR4_PAE | DESCRY_CR4_PGE;
	const struct descry_state *was = step->before, *is = step->after;

	if (!((was->cr0 ^ is->cr0) & DESCRY_CR0_PG) && !((was->cr4 ^ is->cr4) & cr4_bits))
		return invariant_holds();
	if (is_empty_throughout(is->tlb_data, DESCRY_TLB_DATA) &&
	    is_empty_throughout(is->tlb_code, DESCRY_TLB_CODE))
		return invariant_holds();
	return broken_by("a change of CR0.PG, CR4.PSE, PAE or PGE empties the TLB", "cr4", was->cr4,
			 is->cr4);
}
