/*
 * The invariants in a run: what an instruction began with, and what it loaded.
 */
#include "eflags.h"
#include "invariant.h"
#include "provenance.h"

#ifndef DESCRY_CHECK_INVARIANTS
#define DESCRY_CHECK_INVARIANTS 0 /* CMakeLists.txt: option of the same name */
#endif

bool
invariants_wanted(const struct descry_profile *profile)
{
	const uint32_t wish = profile->knob[DESCRY_KNOB_CHECK_INVARIANTS];

	return wish == DESCRY_CHECK_ON || (wish == DESCRY_CHECK_BUILD && DESCRY_CHECK_INVARIANTS);
}

void
invariants_before(struct cpu *c)
{
	cpu_settle_provenance(c);
	memcpy(c->checked.provenance, c->provenance, sizeof(c->provenance));
	c->checked.before = c->state;
	c->checked.before.rflags = eflags_read(c);
}

/*
 * The record that this instruction has left, if it has loaded the register: not settled yet,
 * or settled by another load of the same instruction.
 */
static const struct descry_provenance *
record_of(const struct cpu *c, unsigned sreg)
{
	const struct descry_segment_provenance *was = &c->checked.provenance[sreg];
	const struct descry_segment_provenance *is = &c->provenance[sreg];

	if (c->unsettled >> sreg & 1)
		return &c->newest_load[sreg];
	if (memcmp(&was->base, &is->base, sizeof(is->base)) != 0)
		return &is->base;
	if (memcmp(&was->limit, &is->limit, sizeof(is->limit)) != 0)
		return &is->limit;
	return memcmp(&was->attr, &is->attr, sizeof(is->attr)) != 0 ? &is->attr : NULL;
}

static struct invariant_step
step_of(const struct cpu *c, const struct descry_state *after)
{
	struct invariant_step step = { .before = &c->checked.before,
				       .after = after,
				       .profile = &c->profile };

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_provenance *record = record_of(c, sreg);

		if (!record)
			continue;
		step.loaded |= 1u << sreg;
		step.cause[sreg] = record->cause;
		step.mode[sreg] = record->mode;
	}
	return step;
}

static bool
stop_if(struct cpu *c, const struct invariant_verdict *verdict, const struct invariant_step *step)
{
	if (!verdict->rule)
		return true;
	invariant_text(verdict, step, c->checked.text, sizeof(c->checked.text));
	c->exit->reason = DESCRY_EXIT_INVARIANT;
	c->exit->text = c->checked.text;
	c->leave = true;
	return false;
}

/* An iteration of a repeat ends like an instruction: the next one begins with what it left. */
bool
invariants_at_fault(struct cpu *c)
{
	struct descry_state now = c->state;
	struct invariant_verdict verdict;
	struct invariant_step step;

	if (now.retired != c->checked.before.retired)
		return true;
	now.rflags = eflags_read(c);
	step = step_of(c, &now);
	verdict = invariant_check_fault(&step);
	return stop_if(c, &verdict, &step);
}

bool
invariants_after(struct cpu *c)
{
	struct descry_state now = c->state;
	struct invariant_verdict verdict;
	struct invariant_step step;

	now.rflags = eflags_read(c);
	step = step_of(c, &now);
	verdict = invariant_check(&step);
	return stop_if(c, &verdict, &step);
}

bool
invariants_between(struct cpu *c)
{
	if (!invariants_after(c))
		return false;
	invariants_before(c);
	return true;
}
