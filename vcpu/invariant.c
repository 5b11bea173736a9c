#include "invariant.h"

#include <stdio.h>
#include <string.h>

static const struct invariant_verdict whole = { .rule = NULL };

static struct invariant_verdict
broken_by(const char *rule, const char *name, uint64_t before, uint64_t after)
{
	return (struct invariant_verdict){
		.rule = rule, .name = name, .before = before, .after = after, .sreg = -1
	};
}

static struct invariant_verdict
broken_segment(const char *rule, unsigned sreg)
{
	return (struct invariant_verdict){ .rule = rule,
					   .name = descry_sreg_name((enum descry_sreg)sreg),
					   .sreg = (int)sreg };
}

static enum descry_mode
mode_of(const struct descry_state *state)
{
	if (!(state->cr0 & DESCRY_CR0_PE))
		return DESCRY_MODE_REAL;
	return state->rflags & DESCRY_FLAG_VM ? DESCRY_MODE_V86 : DESCRY_MODE_PROTECTED;
}

/* --- who loads what: the rows of the cache write matrix -------------------------------- */

#define ONE(sreg) (1u << DESCRY_##sreg)
#define DATA (ONE(DS) | ONE(ES) | ONE(FS) | ONE(GS))
#define SIX (DATA | ONE(CS) | ONE(SS))
#define ALL (SIX | ONE(LDTR) | ONE(TR))

/*
 * back_door: it reads no table and makes no check, so whatever it has put there is not ours
 * to judge. way_in: it may bring a lower CPL.
 */
/* clang-format off */
static const struct {
	unsigned loads;
	bool back_door, way_in;
} causes[DESCRY_CAUSE_COUNT] = {
	[DESCRY_CAUSE_RESET]       = { ALL, true, true },
	[DESCRY_CAUSE_START]       = { ALL, true, true },
	[DESCRY_CAUSE_MOV]         = { DATA | ONE(SS), false, false },
	[DESCRY_CAUSE_POP]         = { DATA | ONE(SS), false, false },
	[DESCRY_CAUSE_FAR_LOAD]    = { DATA | ONE(SS), false, false },
	[DESCRY_CAUSE_FAR_JMP]     = { ONE(CS), false, false },
	[DESCRY_CAUSE_FAR_CALL]    = { ONE(CS) | ONE(SS), false, true },
	[DESCRY_CAUSE_FAR_RET]     = { SIX, false, false },
	[DESCRY_CAUSE_INTERRUPT]   = { SIX, false, true },
	[DESCRY_CAUSE_IRET]        = { SIX, false, false },
	[DESCRY_CAUSE_LLDT]        = { ONE(LDTR), false, false },
	[DESCRY_CAUSE_LTR]         = { ONE(TR), false, false },
	[DESCRY_CAUSE_SYSENTER]    = { ONE(CS) | ONE(SS), false, true },
	[DESCRY_CAUSE_SYSEXIT]     = { ONE(CS) | ONE(SS), false, false },
	[DESCRY_CAUSE_WRMSR]       = { ONE(FS) | ONE(GS), true, false },
	[DESCRY_CAUSE_LOADALL]     = { ALL, true, true },
	[DESCRY_CAUSE_SMI]         = { SIX, true, true },
	[DESCRY_CAUSE_RSM]         = { ALL, true, true },
	[DESCRY_CAUSE_INIT]        = { ALL, true, true },
	[DESCRY_CAUSE_TASK_SWITCH] = { ALL, false, true },
	[DESCRY_CAUSE_VM_EXIT]     = { ALL, true, true },
	[DESCRY_CAUSE_VM_ENTRY]    = { ALL, true, true },
	[DESCRY_CAUSE_DEBUGGER]    = { ALL, true, true },
	[DESCRY_CAUSE_IMPORT]      = { ALL, true, true },
};
/* clang-format on */

static bool
loaded_by(const struct invariant_step *step, unsigned sreg, enum descry_cause cause)
{
	return step->loaded >> sreg & 1 && step->cause[sreg] == cause;
}

static bool
loaded_by_rule(const struct invariant_step *step, unsigned sreg)
{
	return step->loaded >> sreg & 1 && !causes[step->cause[sreg]].back_door;
}

static bool
switches_task(const struct invariant_step *step)
{
	return loaded_by(step, DESCRY_TR, DESCRY_CAUSE_TASK_SWITCH);
}

static bool
through_back_door(const struct invariant_step *step)
{
	return step->loaded >> DESCRY_CS & 1 && causes[step->cause[DESCRY_CS]].back_door;
}

/* --- a cache changes by a load and nothing else ---------------------------------------- */

static struct invariant_verdict
changes_need_a_load(const struct invariant_step *step)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_segment *was = &step->before->seg[sreg];
		const struct descry_segment *is = &step->after->seg[sreg];

		if (!(step->loaded >> sreg & 1) &&
		    (was->sel != is->sel || !descry_segment_same_cache(was, is)))
			return broken_segment("a segment register changes only by a load", sreg);
	}
	return whole;
}

/* An 8086 has POP CS, and MOV takes CS like any other. */
static unsigned
row_of(const struct invariant_step *step, unsigned sreg)
{
	const unsigned cause = step->cause[sreg];
	const bool loads_cs = step->profile->knob[DESCRY_KNOB_INSN_SET] == DESCRY_INSN_8086 &&
			      (cause == DESCRY_CAUSE_MOV || cause == DESCRY_CAUSE_POP);

	return causes[cause].loads | (loads_cs ? ONE(CS) : 0);
}

static struct invariant_verdict
loads_stay_in_their_row(const struct invariant_step *step)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		if (step->loaded >> sreg & 1 && !(row_of(step, sreg) >> sreg & 1))
			return broken_segment(
				"an event loads the registers of its row in the write matrix alone",
				sreg);
	return whole;
}

static bool
is_null_load(const struct descry_segment *seg)
{
	return (seg->sel & ~DESCRY_SEL_RPL) == 0 && !descry_segment_usable(seg);
}

/*
 * SDM vol. 3, Exception- or Interrupt-Handler Procedures; out of V86 the data registers are
 * null, and a task switch may have led there before its fault came.
 */
static struct invariant_verdict
delivery_leaves_data_registers(const struct invariant_step *step)
{
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
		if (!(DATA >> sreg & 1) || !loaded_by(step, sreg, DESCRY_CAUSE_INTERRUPT))
			continue;
		if ((mode_of(step->before) != DESCRY_MODE_V86 && !switches_task(step)) ||
		    !is_null_load(&step->after->seg[sreg]))
			return broken_segment("delivery changes CS and SS alone, but makes the "
					      "data registers null out of V86",
					      sreg);
	}
	return whole;
}

/* SDM vol. 2, RET and IRET: what the outer ring may not use. */
static struct invariant_verdict
returns_make_null(const struct invariant_step *step)
{
	if (mode_of(step->after) != DESCRY_MODE_PROTECTED)
		return whole;
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
		if (!(DATA >> sreg & 1) || (!loaded_by(step, sreg, DESCRY_CAUSE_FAR_RET) &&
					    !loaded_by(step, sreg, DESCRY_CAUSE_IRET)))
			continue;
		if (!is_null_load(&step->after->seg[sreg]) ||
		    descry_cpl(step->after) <= descry_cpl(step->before))
			return broken_segment("a return writes a data register only to make it "
					      "null for an outer ring",
					      sreg);
	}
	return whole;
}

/* --- real mode --------------------------------------------------------------------------- */

static bool
is_real_code_load(const struct invariant_step *step, const struct descry_segment *was,
		  const struct descry_segment *is)
{
	const uint32_t rule = step->profile->knob[DESCRY_KNOB_REAL_CS_LOAD];

	if (rule == DESCRY_REAL_CS_FIXED)
		return is->limit == 0xffff && is->attr == DESCRY_ATTR_REAL_DATA;
	if (rule == DESCRY_REAL_CS_KEEP)
		return is->limit == was->limit && is->attr == was->attr;
	return true;
}

static bool
is_real_data_load(const struct invariant_step *step, const struct descry_segment *was,
		  const struct descry_segment *is)
{
	const uint32_t *knob = step->profile->knob;

	if (is->attr != was->attr && !knob[DESCRY_KNOB_REAL_FORCE_P_S])
		return false;
	if (knob[DESCRY_KNOB_REAL_DATA_LOAD] == DESCRY_REAL_DATA_BASE_LIMIT)
		return is->limit == 0xffff;
	return is->limit == was->limit;
}

/* Collins, Descriptor Cache Register Anomalies; 386 data sheet: only the base is updated. */
static struct invariant_verdict
real_loads_write_the_base(const struct invariant_step *step)
{
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
		const struct descry_segment *was = &step->before->seg[sreg];
		const struct descry_segment *is = &step->after->seg[sreg];

		if (!loaded_by_rule(step, sreg) || step->mode[sreg] != DESCRY_MODE_REAL ||
		    mode_of(step->before) != DESCRY_MODE_REAL)
			continue;
		if (is->base != (uint64_t)is->sel << 4)
			return broken_segment("a load with PE=0 makes the base selector * 16",
					      sreg);
		if (sreg == DESCRY_CS ? !is_real_code_load(step, was, is)
				      : !is_real_data_load(step, was, is))
			return broken_segment(
				"a load with PE=0 leaves limit and attributes as the profile says",
				sreg);
	}
	return whole;
}

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

static struct invariant_verdict
segments_are_whole(const struct invariant_step *step)
{
	for (size_t i = 0; i < sizeof(segment_rules) / sizeof(segment_rules[0]); i++)
		for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
			if (is_broken(step, sreg, segment_rules[i].holds))
				return broken_segment(segment_rules[i].rule, sreg);
	return whole;
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
static struct invariant_verdict
cpl_is_one(const struct invariant_step *step)
{
	const bool found = mode_of(step->before) == DESCRY_MODE_PROTECTED &&
			   cs_agrees_with_cpl(step->before) && !through_back_door(step);

	if (!cs_agrees_with_cpl(step->after) && (found || loaded_by_rule(step, DESCRY_CS)))
		return broken_by("SS.DPL = CPL = CS.RPL in protected mode", "cpl",
				 step->after->seg[DESCRY_CS].sel & DESCRY_SEL_RPL,
				 descry_cpl(step->after));
	return whole;
}

static struct invariant_verdict
privilege_comes_through_gates(const struct invariant_step *step)
{
	const unsigned was = descry_cpl(step->before), is = descry_cpl(step->after);

	if (is < was && !switches_task(step) &&
	    !(step->loaded >> DESCRY_CS & 1 && causes[step->cause[DESCRY_CS]].way_in))
		return broken_by("CPL falls only through a gate", "cpl", was, is);
	return whole;
}

/* An instruction above ring 0, whatever it ends in, leaves what only ring 0 may write. */
static struct invariant_verdict
outer_rings_change_nothing_privileged(const struct invariant_step *step)
{
	static const char *const rule = "what ring 0 owns does not change above ring 0";
	const struct descry_state *was = step->before, *is = step->after;

	if (descry_cpl(was) == 0 || switches_task(step) || through_back_door(step))
		return whole;
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
	return whole;
}

/* SDM vol. 2, CLI, STI and POPF. */
static struct invariant_verdict
iopl_guards_if(const struct invariant_step *step)
{
	const uint64_t was = step->before->rflags, is = step->after->rflags;
	const unsigned iopl = (unsigned)(was & DESCRY_FLAG_IOPL) >> DESCRY_FLAG_IOPL_SHIFT;

	if ((was ^ is) & DESCRY_FLAG_IF && descry_cpl(step->before) > iopl &&
	    !switches_task(step) && !loaded_by(step, DESCRY_CS, DESCRY_CAUSE_SYSENTER) &&
	    !loaded_by(step, DESCRY_CS, DESCRY_CAUSE_INTERRUPT) && !through_back_door(step))
		return broken_by("IF changes only where CPL <= IOPL, or by delivery", "eflags", was,
				 is);
	return whole;
}

/* --- registers --------------------------------------------------------------------------- */

static struct invariant_verdict
registers_have_32_bits(const struct invariant_step *step)
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
	return whole;
}

/* Flags that exist, with the ones that are always set. */
static uint64_t
flags_of(const struct descry_profile *profile)
{
	return profile->knob[DESCRY_KNOB_EFLAGS_BITS] | DESCRY_FLAG_ONE |
	       (profile->knob[DESCRY_KNOB_FLAGS_TOP] == DESCRY_FLAGS_TOP_ONES ? 0xf000 : 0);
}

static struct invariant_verdict
flags_keep_their_shape(const struct invariant_step *step)
{
	const uint64_t was = step->before->rflags, is = step->after->rflags;
	const uint64_t flags = flags_of(step->profile);

	if ((!(is & DESCRY_FLAG_ONE) || is & ~flags) && !(was & ~flags))
		return broken_by("EFLAGS has bit 1 set and no flag that the profile has not",
				 "eflags", was, is);
	return whole;
}

static bool
cr0_is_possible(uint64_t cr0)
{
	return cr0 & DESCRY_CR0_PE || !(cr0 & DESCRY_CR0_PG);
}

/* SDM vol. 3, Control Registers. */
static struct invariant_verdict
paging_needs_protection(const struct invariant_step *step)
{
	if (!through_back_door(step) && !cr0_is_possible(step->after->cr0) &&
	    cr0_is_possible(step->before->cr0))
		return broken_by("CR0.PG is set only with CR0.PE", "cr0", step->before->cr0,
				 step->after->cr0);
	return whole;
}

static struct invariant_verdict
tables_have_16_bit_limits(const struct invariant_step *step)
{
	static const char *const rule = "table limits have 16 bits, bases 32";
	const struct descry_state *was = step->before, *is = step->after;

	if ((is->gdtr.limit > 0xffff && was->gdtr.limit <= 0xffff) ||
	    (is->gdtr.base > UINT32_MAX && was->gdtr.base <= UINT32_MAX))
		return broken_by(rule, "gdtr.base", was->gdtr.base, is->gdtr.base);
	if ((is->idtr.limit > 0xffff && was->idtr.limit <= 0xffff) ||
	    (is->idtr.base > UINT32_MAX && was->idtr.base <= UINT32_MAX))
		return broken_by(rule, "idtr.base", was->idtr.base, is->idtr.base);
	return whole;
}

static struct invariant_verdict
time_goes_on(const struct invariant_step *step)
{
	if (step->after->retired < step->before->retired)
		return broken_by("time does not go back", "retired", step->before->retired,
				 step->after->retired);
	return whole;
}

/* --- all of them ------------------------------------------------------------------------- */

typedef struct invariant_verdict rule_fn(const struct invariant_step *step);

static rule_fn *const rules[] = {
	changes_need_a_load,
	loads_stay_in_their_row,
	delivery_leaves_data_registers,
	returns_make_null,
	real_loads_write_the_base,
	segments_are_whole,
	cpl_is_one,
	privilege_comes_through_gates,
	outer_rings_change_nothing_privileged,
	iopl_guards_if,
	registers_have_32_bits,
	flags_keep_their_shape,
	paging_needs_protection,
	tables_have_16_bit_limits,
	time_goes_on,
};

struct invariant_verdict
invariant_check(const struct invariant_step *step)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct invariant_verdict verdict = rules[i](step);

		if (verdict.rule)
			return verdict;
	}
	return whole;
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
		return whole; /* behind the commit point the fault is one of the new task */
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
	return whole;
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
