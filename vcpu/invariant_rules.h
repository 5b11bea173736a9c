/*
 * What the rules of the invariants share: what an instruction has loaded, and by which row of the
 * write matrix; the rules themselves, one file a subject. Private to invariant*.c.
 */
#ifndef DESCRY_INVARIANT_RULES_H
#define DESCRY_INVARIANT_RULES_H

#include "invariant.h"

/* Any of them: whole when it holds, else what breaks it. */
typedef struct invariant_verdict invariant_rule_fn(const struct invariant_step *step);

/* invariant_load.c: who loads what */
invariant_rule_fn invariant_changes_need_a_load, invariant_loads_stay_in_their_row,
	invariant_delivery_leaves_data_registers, invariant_returns_make_null,
	invariant_real_loads_write_the_base;
/* invariant_segment.c: what a segment register may hold, and privilege */
invariant_rule_fn invariant_segments_are_whole, invariant_cpl_is_one,
	invariant_privilege_comes_through_gates, invariant_outer_rings_change_nothing_privileged,
	invariant_iopl_guards_if;
/* invariant_register.c: the other registers, and the TLB */
invariant_rule_fn invariant_registers_have_32_bits, invariant_flags_keep_their_shape,
	invariant_paging_needs_protection, invariant_tables_have_16_bit_limits,
	invariant_time_goes_on, invariant_tlb_entries_are_whole,
	invariant_other_paging_begins_with_an_empty_tlb;

/* --- verdicts ------------------------------------------------------------------------- */

static inline struct invariant_verdict
invariant_holds(void)
{
	return (struct invariant_verdict){ .rule = NULL };
}

static inline struct invariant_verdict
broken_by(const char *rule, const char *name, uint64_t before, uint64_t after)
{
	return (struct invariant_verdict){
		.rule = rule, .name = name, .before = before, .after = after, .sreg = -1
	};
}

static inline struct invariant_verdict
broken_segment(const char *rule, unsigned sreg)
{
	return (struct invariant_verdict){ .rule = rule,
					   .name = descry_sreg_name((enum descry_sreg)sreg),
					   .sreg = (int)sreg };
}

/* --- what the instruction has done ---------------------------------------------------- */

static inline enum descry_mode
mode_of(const struct descry_state *state)
{
	if (!(state->cr0 & DESCRY_CR0_PE))
		return DESCRY_MODE_REAL;
	return state->rflags & DESCRY_FLAG_VM ? DESCRY_MODE_V86 : DESCRY_MODE_PROTECTED;
}

static inline bool
loaded_by(const struct invariant_step *step, unsigned sreg, enum descry_cause cause)
{
	return step->loaded >> sreg & 1 && step->cause[sreg] == cause;
}

static inline bool
switches_task(const struct invariant_step *step)
{
	return loaded_by(step, DESCRY_TR, DESCRY_CAUSE_TASK_SWITCH);
}

/* Loaded, and not through a back door. */
bool loaded_by_rule(const struct invariant_step *step, unsigned sreg);

/* Has CS been loaded by what reads no table and makes no check? */
bool through_back_door(const struct invariant_step *step);

/* Has CS been loaded by what may bring a lower CPL? */
bool through_way_in(const struct invariant_step *step);

#endif
