#include "world/judge.h"

#include "world/fields.h"
#include "world/host.h"

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

/* Is the guest's value anywhere after this step? */
static bool
is_kept(const struct descry_world_step *step, enum descry_sreg sreg, enum descry_field field,
	uint64_t value)
{
	if (field_value(&step->seg[sreg], field) == value)
		return true;
	return descry_fields_has(&step->record.held, sreg, field) &&
	       field_value(&step->record.seg[sreg], field) == value;
}

static unsigned
field_lost_at(const struct descry_world_trace *trace, enum descry_sreg sreg,
	      enum descry_field field)
{
	const uint64_t value = field_value(&trace->step[0].seg[sreg], field);

	for (unsigned i = 1; i < trace->step_count && trace->step[i].number < 7; i++) {
		if (!is_kept(&trace->step[i], sreg, field, value))
			return trace->step[i].number;
	}
	return 7;
}

unsigned
judge_lost_at(const struct descry_world_trace *trace, const struct descry_fields *lost)
{
	unsigned earliest = 0;

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++) {
			unsigned at;

			if (!descry_fields_has(lost, sreg, field))
				continue;
			at = field_lost_at(trace, sreg, field);
			if (earliest == 0 || at < earliest)
				earliest = at;
		}
	}
	return earliest;
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
		return host_owns(from->table) ? DESCRY_BY_CHANCE : DESCRY_BY_TABLE;
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
