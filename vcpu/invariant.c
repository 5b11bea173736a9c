#include "invariant_rules.h"

#include <stdio.h>
#include <string.h>

/* --- all of them ------------------------------------------------------------------------- */

static invariant_rule_fn *const rules[] = {
	invariant_changes_need_a_load,
	invariant_loads_stay_in_their_row,
	invariant_delivery_leaves_data_registers,
	invariant_returns_make_null,
	invariant_real_loads_write_the_base,
	invariant_segments_are_whole,
	invariant_cpl_is_one,
	invariant_privilege_comes_through_gates,
	invariant_outer_rings_change_nothing_privileged,
	invariant_iopl_guards_if,
	invariant_registers_have_32_bits,
	invariant_flags_keep_their_shape,
	invariant_paging_needs_protection,
	invariant_tables_have_16_bit_limits,
	invariant_time_goes_on,
	invariant_tlb_entries_are_whole,
	invariant_other_paging_begins_with_an_empty_tlb,
};

struct invariant_verdict
invariant_check(const struct invariant_step *step)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct invariant_verdict verdict = rules[i](step);

		if (verdict.rule)
			return verdict;
	}
	return invariant_holds();
}

/* A 286 steps the registers of a string instruction although its access has faulted. */
static bool
steps_at_fault(const struct descry_profile *profile, unsigned gpr)
{
	return profile->knob[DESCRY_KNOB_STRING_FAULT] == DESCRY_STRING_STEPPED &&
	       (gpr == DESCRY_SI || gpr == DESCRY_DI || gpr == DESCRY_CX);
}

struct invariant_verdict
invariant_check_fault(const struct invariant_step *step)
{
	const struct descry_state *before = step->before, *at_fault = step->after;
	static const char *const rule = "a fault changes no register before it is delivered";
	static const char *const gpr[8] = {
		"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"
	};

	if (switches_task(step))
		return invariant_holds(); /* behind the commit point the fault is one of the new
					     task */
	for (unsigned i = 0; i < 8; i++)
		if (before->gpr[i] != at_fault->gpr[i] && !steps_at_fault(step->profile, i))
			return broken_by(rule, gpr[i], before->gpr[i], at_fault->gpr[i]);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		if (memcmp(&before->seg[sreg], &at_fault->seg[sreg], sizeof(before->seg[sreg])) !=
		    0)
			return broken_segment(rule, sreg);
	if (before->rip != at_fault->rip &&
	    step->profile->knob[DESCRY_KNOB_DIVIDE_IP] != DESCRY_DIVIDE_IP_NEXT)
		return broken_by(rule, "rip", before->rip, at_fault->rip);
	/* RF is for the instruction alone; delivery decides about its image. */
	if ((before->rflags ^ at_fault->rflags) & ~(uint64_t)DESCRY_FLAG_RF)
		return broken_by(rule, "eflags", before->rflags, at_fault->rflags);
	if (before->cr0 != at_fault->cr0)
		return broken_by(rule, "cr0", before->cr0, at_fault->cr0);
	if (before->cr3 != at_fault->cr3)
		return broken_by(rule, "cr3", before->cr3, at_fault->cr3);
	if (before->cr4 != at_fault->cr4)
		return broken_by(rule, "cr4", before->cr4, at_fault->cr4);
	if (memcmp(&before->gdtr, &at_fault->gdtr, sizeof(before->gdtr)) != 0)
		return broken_by(rule, "gdtr.base", before->gdtr.base, at_fault->gdtr.base);
	if (memcmp(&before->idtr, &at_fault->idtr, sizeof(before->idtr)) != 0)
		return broken_by(rule, "idtr.base", before->idtr.base, at_fault->idtr.base);
	return invariant_holds();
}

/* --- text -------------------------------------------------------------------------------- */

static int
print_segment(char *text, size_t size, const struct descry_segment *seg)
{
	return snprintf(text, size, "%04X/%llX/%X/%04X", seg->sel, (unsigned long long)seg->base,
			seg->limit, seg->attr);
}

void
invariant_text(const struct invariant_verdict *verdict, const struct invariant_step *step,
	       char *text, size_t size)
{
	const struct descry_state *before = step->before;
	char was[48], is[48];

	if (verdict->sreg >= 0) {
		print_segment(was, sizeof(was), &before->seg[verdict->sreg]);
		print_segment(is, sizeof(is), &step->after->seg[verdict->sreg]);
	} else {
		snprintf(was, sizeof(was), "%llX", (unsigned long long)verdict->before);
		snprintf(is, sizeof(is), "%llX", (unsigned long long)verdict->after);
	}
	snprintf(text, size, "%s: at %04X:%08llX %s was %s, is %s", verdict->rule,
		 before->seg[DESCRY_CS].sel, (unsigned long long)before->rip, verdict->name, was,
		 is);
}
