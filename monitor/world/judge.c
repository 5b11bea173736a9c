#include "world/judge.h"

#include "world/fields.h"
#include "world/host.h"

#include <string.h>

enum descry_sreg
judge_subject(const struct descry_vcpu *vcpu)
{
	static const enum descry_sreg order[DESCRY_DATA_SREG_COUNT] = {
		DESCRY_FS, DESCRY_GS, DESCRY_ES, DESCRY_DS, DESCRY_SS, DESCRY_CS,
	};

	for (unsigned i = 0; i < DESCRY_DATA_SREG_COUNT; i++) {
		if (descry_cache_status(vcpu, order[i]) != 0)
			return order[i];
	}
	return DESCRY_FS;
}

enum descry_outcome
judge_access(const struct descry_world_access *access, const struct descry_world_access *truth)
{
	if (!access->happened && !truth->happened)
		return DESCRY_OUTCOME_SAME;
	if (access->fault.vector != truth->fault.vector)
		return access->fault.vector == DESCRY_VEC_NONE ? DESCRY_OUTCOME_SILENT
							       : DESCRY_OUTCOME_FAULT;
	if (access->fault.vector == DESCRY_VEC_NONE && access->linear != truth->linear)
		return DESCRY_OUTCOME_SILENT;
	return DESCRY_OUTCOME_SAME;
}

/* --- when was it lost? ---------------------------------------------------------------- */

/* Is the guest's value anywhere after this operation? */
static bool
is_kept(const struct descry_world_op *op, enum descry_sreg sreg, enum descry_field field,
	uint64_t value)
{
	if (field_value(&op->seg[sreg], field) == value)
		return true;
	return descry_fields_has(&op->record.held, sreg, field) &&
	       field_value(&op->record.seg[sreg], field) == value;
}

/* Within its step: the operation since which it has been nowhere. */
static unsigned
lost_by(const struct descry_world_trace *trace, unsigned last, enum descry_sreg sreg,
	enum descry_field field, uint64_t value)
{
	unsigned i = last;

	while (i > 1 && trace->op[i - 1].step == trace->op[last].step &&
	       !is_kept(&trace->op[i - 1], sreg, field, value))
		i--;
	return i;
}

/* At a change of mode the register counts alone: nobody gives it back before the guest runs. */
static unsigned
lost_by_mode(const struct descry_world_trace *trace, enum descry_sreg sreg, enum descry_field field)
{
	const uint64_t value = field_value(&trace->op[0].seg[sreg], field);
	unsigned by = 0;

	for (unsigned i = 1; i < trace->op_count && trace->op[i].step == DESCRY_WORLD_MODE; i++) {
		const bool differs = field_value(&trace->op[i].seg[sreg], field) != value;

		by = !differs ? 0 : by ? by : i;
	}
	return by;
}

static unsigned
first_of_switch(const struct descry_world_trace *trace)
{
	unsigned first = 0;

	while (first < trace->op_count && trace->op[first].step == DESCRY_WORLD_MODE)
		first++;
	return first;
}

/* Has the guest left a field alone since its change of mode? */
static bool
is_as_changed(const struct descry_world_trace *trace, enum descry_sreg sreg,
	      enum descry_field field)
{
	const unsigned first = first_of_switch(trace);

	return first > 0 && (first == trace->op_count ||
			     field_value(&trace->op[first].seg[sreg], field) ==
				     field_value(&trace->op[first - 1].seg[sreg], field));
}

void
judge_truth(const struct descry_world_trace *trace, const struct descry_world_op *op,
	    struct descry_segment truth[DESCRY_SREG_COUNT])
{
	const unsigned first = op->step == DESCRY_WORLD_MODE ? 0 : first_of_switch(trace);

	memcpy(truth, trace->op[first].seg, sizeof(trace->op[first].seg));
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++) {
			if (is_as_changed(trace, sreg, field))
				field_copy(&truth[sreg], field, &trace->op[0].seg[sreg]);
		}
	}
}

/* The operation that loses one field: at X7 the last, if the record has held it to the end. */
static unsigned
field_lost_by(const struct descry_world_trace *trace, enum descry_sreg sreg,
	      enum descry_field field)
{
	const unsigned first = first_of_switch(trace);
	const uint64_t value = field_value(&trace->op[first].seg[sreg], field);
	unsigned last = is_as_changed(trace, sreg, field) ? lost_by_mode(trace, sreg, field) : 0;

	if (last)
		return last;
	for (unsigned i = first + 1; i < trace->op_count && trace->op[i].step <= DESCRY_WORLD_X7;
	     i++) {
		const bool ends_step =
			i + 1 == trace->op_count || trace->op[i + 1].step != trace->op[i].step;

		last = i;
		if (ends_step && trace->op[i].step < DESCRY_WORLD_X7 &&
		    !is_kept(&trace->op[i], sreg, field, value))
			return lost_by(trace, i, sreg, field, value);
	}
	return last;
}

unsigned
judge_lost_by(const struct descry_world_trace *trace, const struct descry_fields *lost)
{
	unsigned earliest = 0;

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++) {
			unsigned by;

			if (!descry_fields_has(lost, sreg, field))
				continue;
			by = field_lost_by(trace, sreg, field);
			if (earliest == 0 || by < earliest)
				earliest = by;
		}
	}
	return earliest;
}

unsigned
judge_lost_at(const struct descry_world_trace *trace, const struct descry_fields *lost)
{
	const unsigned by = judge_lost_by(trace, lost);

	return by ? trace->op[by].step : 0;
}

/* --- why is it equal? ----------------------------------------------------------------- */

static const struct descry_provenance *
provenance_of(enum descry_field field, const struct descry_segment_provenance *from)
{
	switch (field) {
	case DESCRY_FIELD_LIMIT:
		return &from->limit;
	case DESCRY_FIELD_ATTR:
		return &from->attr;
	case DESCRY_FIELD_SEL: /* every load of a selector writes the base with it */
	case DESCRY_FIELD_BASE:
	case DESCRY_FIELD_COUNT:
		break;
	}
	return &from->base;
}

static enum descry_regained
regained_by_origin(const struct descry_provenance *from)
{
	switch ((enum descry_origin)from->origin) {
	case DESCRY_ORIGIN_GDT:
	case DESCRY_ORIGIN_LDT:
		return from->table == HOST_GDT_BASE ? DESCRY_BY_CHANCE : DESCRY_BY_TABLE;
	case DESCRY_ORIGIN_SELECTOR:
	case DESCRY_ORIGIN_FIXED:
		return DESCRY_BY_RULE;
	case DESCRY_ORIGIN_RECORD:
	case DESCRY_ORIGIN_COUNT:
		break;
	}
	return DESCRY_NOT_OVERWRITTEN;
}

enum descry_regained
judge_regained(enum descry_field field, const struct descry_segment_provenance *from)
{
	const struct descry_provenance *last = provenance_of(field, from);

	if (last->step == DESCRY_STEP_GUEST || last->step == DESCRY_STEP_PERSON)
		return DESCRY_NOT_OVERWRITTEN;
	if (last->step < 6) /* what the host loaded for itself is still there */
		return DESCRY_BY_CHANCE;
	if (field == DESCRY_FIELD_SEL) /* given back as it was saved */
		return DESCRY_NOT_OVERWRITTEN;
	return regained_by_origin(last);
}

/* --- texts ---------------------------------------------------------------------------- */

const char *
descry_outcome_text(enum descry_outcome outcome)
{
	static const char *const texts[DESCRY_OUTCOME_COUNT] = {
		[DESCRY_OUTCOME_SAME] = "same",
		[DESCRY_OUTCOME_FAULT] = "fault",
		[DESCRY_OUTCOME_SILENT] = "silent",
		[DESCRY_OUTCOME_LATENT] = "latent",
		[DESCRY_OUTCOME_HOST_FAULT] = "host-fault",
		[DESCRY_OUTCOME_REFUSED] = "refused",
	};

	return texts[outcome];
}

const char *
descry_regained_text(enum descry_regained regained)
{
	static const char *const texts[] = {
		[DESCRY_NOT_OVERWRITTEN] = "kept",
		[DESCRY_BY_CHANCE] = "by-chance",
		[DESCRY_BY_TABLE] = "by-table",
		[DESCRY_BY_RULE] = "by-rule",
	};

	return texts[regained];
}
