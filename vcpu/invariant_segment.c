/*
 * What a segment register may hold, and what only some rings may change.
 */
#include "invariant_rules.h"

#include <string.h>

/* --- one segment ------------------------------------------------------------------------- */

/* Is this the business of the instruction: has it found it whole, or loaded it by the rules? */
typedef bool holds_fn(const struct descry_state *state, unsigned sreg);

/* SDM vol. 3, Task Switching: a fault behind the commit point finds caches marked invalid. */
static bool
is_left_open(const struct invariant_step *step, unsigned sreg)
{
	return loaded_by(step, sreg, DESCRY_CAUSE_TASK_SWITCH) &&
	       !descry_segment_usable(&step->after->seg[sreg]);
}

static bool
is_broken(const struct invariant_step *step, unsigned sreg, holds_fn *holds)
{
	if (holds(step->after, sreg) || is_left_open(step, sreg))
		return false;
	return loaded_by_rule(step, sreg) ||
	       (!(step->loaded >> sreg & 1) && mode_of(step->before) == mode_of(step->after) &&
		holds(step->before, sreg));
}

static bool
has_narrow_fields(const struct descry_state *state, unsigned sreg)
{
	const struct descry_segment *seg = &state->seg[sreg];

	return seg->base <= UINT32_MAX &&
	       !(seg->attr & ~(DESCRY_ATTR_DESCRIPTOR | DESCRY_ATTR_UNUSABLE));
}

/* SDM vol. 3, Guest Register State: the checks on usable segments. */
static bool
is_accessed(const struct descry_state *state, unsigned sreg)
{
	const struct descry_segment *seg = &state->seg[sreg];

	return !descry_segment_usable(seg) || !(seg->attr & DESCRY_ATTR_S) ||
	       seg->attr & DESCRY_ATTR_A;
}

/* With G the low 12 bits of a limit are ones, without it the high 12 bits are zeros. */
static bool
limit_agrees_with_g(const struct descry_state *state, unsigned sreg)
{
	const struct descry_segment *seg = &state->seg[sreg];

	if (!descry_segment_usable(seg))
		return true;
	return seg->attr & DESCRY_ATTR_G ? (seg->limit & 0xfff) == 0xfff : seg->limit <= 0xfffff;
}

/* SDM vol. 3, Guest Register State: in V86 there is one content for a selector. */
static bool
is_fixed_in_v86(const struct descry_state *state, unsigned sreg)
{
	const struct descry_segment *seg = &state->seg[sreg];

	return sreg >= DESCRY_DATA_SREG_COUNT || mode_of(state) != DESCRY_MODE_V86 ||
	       (seg->base == (uint64_t)seg->sel << 4 && seg->limit == 0xffff &&
		seg->attr == DESCRY_ATTR_V86);
}

static bool
is_of_its_kind(const struct descry_state *state, unsigned sreg)
{
	const struct descry_segment *seg = &state->seg[sreg];
	const unsigned type = seg->attr & (DESCRY_ATTR_S | DESCRY_ATTR_TYPE);

	if (sreg == DESCRY_TR)
		return descry_segment_usable(seg) &&
		       (type == DESCRY_TYPE_TSS16_BUSY || type == DESCRY_TYPE_TSS32_BUSY);
	if (sreg == DESCRY_LDTR)
		return !descry_segment_usable(seg) || type == DESCRY_TYPE_LDT;
	if (mode_of(state) != DESCRY_MODE_PROTECTED)
		return true;
	if (sreg == DESCRY_CS)
		return descry_segment_usable(seg) && descry_segment_is_code(seg);
	if (sreg == DESCRY_SS)
		return descry_segment_usable(seg) && descry_segment_is_writable(seg) &&
		       (seg->sel & DESCRY_SEL_RPL) == descry_segment_dpl(seg);
	return !descry_segment_usable(seg) || descry_segment_is_readable(seg);
}

static const struct {
	const char *rule;
	holds_fn *holds;
} segment_rules[] = {
	{ "a base has 32 bits, and attributes only bits that a descriptor can give",
	  has_narrow_fields },
	{ "a usable code or data segment is marked accessed", is_accessed },
	{ "limit and G agree", limit_agrees_with_g },
	{ "in V86 a segment has base selector * 16, limit FFFF, attributes F3", is_fixed_in_v86 },
	{ "CS holds code, SS a writable stack with RPL = DPL, TR a busy TSS, LDTR an LDT, "
	  "the others what can be read",
	  is_of_its_kind },
};

struct invariant_verdict
invariant_segments_are_whole(const struct invariant_step *step)
{
	for (size_t i = 0; i < sizeof(segment_rules) / sizeof(segment_rules[0]); i++)
		for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
			if (is_broken(step, sreg, segment_rules[i].holds))
				return broken_segment(segment_rules[i].rule, sreg);
	return invariant_holds();
}

/* --- privilege --------------------------------------------------------------------------- */

/* Without a cache in SS, behind a task switch that has failed, the CPL counts as 3. */
static bool
cs_agrees_with_cpl(const struct descry_state *state)
{
	return mode_of(state) != DESCRY_MODE_PROTECTED ||
	       !descry_segment_usable(&state->seg[DESCRY_SS]) ||
	       (state->seg[DESCRY_CS].sel & DESCRY_SEL_RPL) == descry_cpl(state);
}

/* Behind a MOV to CR0 that sets PE, CS still has its real-mode selector. */
struct invariant_verdict
invariant_cpl_is_one(const struct invariant_step *step)
{
	const bool found = mode_of(step->before) == DESCRY_MODE_PROTECTED &&
			   cs_agrees_with_cpl(step->before) && !through_back_door(step);

	if (!cs_agrees_with_cpl(step->after) && (found || loaded_by_rule(step, DESCRY_CS)))
		return broken_by("SS.DPL = CPL = CS.RPL in protected mode", "cpl",
				 step->after->seg[DESCRY_CS].sel & DESCRY_SEL_RPL,
				 descry_cpl(step->after));
	return invariant_holds();
}

struct invariant_verdict
invariant_privilege_comes_through_gates(const struct invariant_step *step)
{
	const unsigned was = descry_cpl(step->before), is = descry_cpl(step->after);

	if (is < was && !switches_task(step) && !through_way_in(step))
		return broken_by("CPL falls only through a gate", "cpl", was, is);
	return invariant_holds();
}

/* An instruction above ring 0, whatever it ends in, leaves what only ring 0 may write. */
struct invariant_verdict
invariant_outer_rings_change_nothing_privileged(const struct invariant_step *step)
{
	static const char *const rule = "what ring 0 owns does not change above ring 0";
	const struct descry_state *was = step->before, *is = step->after;

	if (descry_cpl(was) == 0 || switches_task(step) || through_back_door(step))
		return invariant_holds();
	if (was->cr0 != is->cr0)
		return broken_by(rule, "cr0", was->cr0, is->cr0);
	if (was->cr3 != is->cr3)
		return broken_by(rule, "cr3", was->cr3, is->cr3);
	if (was->cr4 != is->cr4)
		return broken_by(rule, "cr4", was->cr4, is->cr4);
	if (memcmp(&was->gdtr, &is->gdtr, sizeof(was->gdtr)) != 0)
		return broken_by(rule, "gdtr.base", was->gdtr.base, is->gdtr.base);
	if (memcmp(&was->idtr, &is->idtr, sizeof(was->idtr)) != 0)
		return broken_by(rule, "idtr.base", was->idtr.base, is->idtr.base);
	if ((was->rflags ^ is->rflags) & DESCRY_FLAG_IOPL)
		return broken_by(rule, "iopl", was->rflags, is->rflags);
	if (step->loaded >> DESCRY_LDTR & 1)
		return broken_segment(rule, DESCRY_LDTR);
	if (step->loaded >> DESCRY_TR & 1)
		return broken_segment(rule, DESCRY_TR);
	return invariant_holds();
}

/* SDM vol. 2, CLI, STI and POPF. */
struct invariant_verdict
invariant_iopl_guards_if(const struct invariant_step *step)
{
	const uint64_t was = step->before->rflags, is = step->after->rflags;
	const unsigned iopl = (unsigned)(was & DESCRY_FLAG_IOPL) >> DESCRY_FLAG_IOPL_SHIFT;

	if ((was ^ is) & DESCRY_FLAG_IF && descry_cpl(step->before) > iopl &&
	    !switches_task(step) && !loaded_by(step, DESCRY_CS, DESCRY_CAUSE_SYSENTER) &&
	    !loaded_by(step, DESCRY_CS, DESCRY_CAUSE_INTERRUPT) && !through_back_door(step))
		return broken_by("IF changes only where CPL <= IOPL, or by delivery", "eflags", was,
				 is);
	return invariant_holds();
}
