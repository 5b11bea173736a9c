/*
 * Who loads which segment register, and what a load may write.
 */
#include "invariant_rules.h"

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

bool
loaded_by_rule(const struct invariant_step *step, unsigned sreg)
{
	return step->loaded >> sreg & 1 && !causes[step->cause[sreg]].back_door;
}

bool
through_back_door(const struct invariant_step *step)
{
	return step->loaded >> DESCRY_CS & 1 && causes[step->cause[DESCRY_CS]].back_door;
}

bool
through_way_in(const struct invariant_step *step)
{
	return step->loaded >> DESCRY_CS & 1 && causes[step->cause[DESCRY_CS]].way_in;
}

/* --- a cache changes by a load and nothing else ---------------------------------------- */

struct invariant_verdict
invariant_changes_need_a_load(const struct invariant_step *step)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_segment *was = &step->before->seg[sreg];
		const struct descry_segment *is = &step->after->seg[sreg];

		if (!(step->loaded >> sreg & 1) &&
		    (was->sel != is->sel || !descry_segment_same_cache(was, is)))
			return broken_segment("a segment register changes only by a load", sreg);
	}
	return invariant_holds();
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

struct invariant_verdict
invariant_loads_stay_in_their_row(const struct invariant_step *step)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		if (step->loaded >> sreg & 1 && !(row_of(step, sreg) >> sreg & 1))
			return broken_segment(
				"an event loads the registers of its row in the write matrix alone",
				sreg);
	return invariant_holds();
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
struct invariant_verdict
invariant_delivery_leaves_data_registers(const struct invariant_step *step)
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
	return invariant_holds();
}

/* SDM vol. 2, RET and IRET: what the outer ring may not use. */
struct invariant_verdict
invariant_returns_make_null(const struct invariant_step *step)
{
	if (mode_of(step->after) != DESCRY_MODE_PROTECTED)
		return invariant_holds();
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
	return invariant_holds();
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
struct invariant_verdict
invariant_real_loads_write_the_base(const struct invariant_step *step)
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
	return invariant_holds();
}
