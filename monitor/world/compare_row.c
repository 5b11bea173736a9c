#include "world/compare.h"
#include "world/fields.h"
#include "world/follow.h"
#include "world/judge.h"

#include <stdio.h>
#include <string.h>

/* --- words ---------------------------------------------------------------------------- */

void
compare_describe_place(const struct descry_world_access *access, char *text, size_t size)
{
	snprintf(text, size, "%u-byte %s at %s:%08x", access->size,
		 descry_access_text(access->access), descry_sreg_name(access->sreg),
		 access->offset);
}

void
compare_describe_end(const struct descry_world_access *access, char *text, size_t size)
{
	if (access->fault.vector == DESCRY_VEC_NONE)
		snprintf(text, size, "goes to %08x", access->linear);
	else
		snprintf(text, size, "faults with %s (%u)",
			 descry_vector_text(access->fault.vector), access->fault.vector);
}

/* Place and end. */
static void
describe_access(const struct descry_world_access *access, char *text, size_t size)
{
	char place[COMPARE_ACCESS_TEXT], end[COMPARE_ACCESS_TEXT];

	compare_describe_place(access, place, sizeof(place));
	compare_describe_end(access, end, sizeof(end));
	snprintf(text, size, "%s %s", place, end);
}

void
compare_describe_difference(const struct descry_world_access *access,
			    const struct descry_world_access *truth, const char *why, char *text,
			    size_t size)
{
	char does[2 * COMPARE_ACCESS_TEXT];
	char should[64] = "as it does without the switch";
	const bool differs = judge_access(access, truth) != DESCRY_OUTCOME_SAME;

	describe_access(access, does, sizeof(does));
	if (differs && truth->fault.vector == DESCRY_VEC_NONE)
		snprintf(should, sizeof(should), "it should go to %08x", truth->linear);
	else if (differs)
		snprintf(should, sizeof(should), "it should fault with %s (%u)",
			 descry_vector_text(truth->fault.vector), truth->fault.vector);
	snprintf(text, size, "%s%s%s%s, %s", does, why ? " (" : "", why ? why : "", why ? ")" : "",
		 should);
}

/* --- the two sides of X8 -------------------------------------------------------------- */

enum descry_status
compare_go_to(struct comparison *c, const struct descry_snapshot *snapshot)
{
	const bool truth = snapshot == c->start || snapshot == c->begin;

	c->probe.under = truth ? NULL : c->under;
	if (c->probe.under)
		*world_memory_of(c->under) = c->memory;
	return descry_snapshot_restore(c->probe.monitor, snapshot);
}

/* The access that the CPU makes next through sreg: one instruction. */
static void
make_access(struct comparison *c, enum descry_sreg sreg, enum descry_access access,
	    struct descry_world_access *out)
{
	const uint64_t now = descry_vcpu_state(c->probe.vcpu)->retired;

	if (access == DESCRY_FETCH)
		probe_fetch(c->probe.vcpu, out);
	else
		probe_next_access(&c->probe, 1u << sreg, now + 1, out);
}

/* Would the next fetch go elsewhere, or meet another limit, or be read as other code? */
static bool
shows_at_fetch(const struct descry_segment *cs, const struct descry_segment *truth)
{
	return cs->base != truth->base || cs->limit != truth->limit ||
	       ((cs->attr ^ truth->attr) & DESCRY_ATTR_DB) != 0;
}

/* Finds X8 from X7. A lost CS shows at the very next fetch, if at all. */
static void
find_access(struct comparison *c, unsigned mask, struct descry_world_access *out)
{
	const struct descry_segment *cs = &descry_vcpu_state(c->probe.vcpu)->seg[DESCRY_CS];

	if (shows_at_fetch(cs, &c->seg[DESCRY_CS]))
		probe_fetch(c->probe.vcpu, out);
	else
		probe_next_access(&c->probe, mask & PROBE_DATA_SREGS, c->end, out);
}

/* Names the instruction that the CPU stands at, which makes the access. */
static void
name_access(const struct comparison *c, struct descry_world_access *access)
{
	const uint64_t linear = descry_vcpu_linear_ip(c->probe.vcpu);

	if (!access->happened || !descry_monitor_symbolize(c->probe.monitor, linear, access->symbol,
							   sizeof(access->symbol)))
		access->symbol[0] = '\0';
}

/* The switched side, as it stands right before X8. */
static void
record_x8(struct comparison *c, struct descry_compare_row *row)
{
	const struct descry_world_record none = { 0 };
	char text[DESCRY_WORLD_TEXT];

	name_access(c, &row->access);
	if (row->access.happened)
		describe_access(&row->access, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "no access through it follows");
	world_trace_add(&row->trace, DESCRY_WORLD_X8, text, &none, c->probe.vcpu);
	memcpy(row->seg, descry_vcpu_state(c->probe.vcpu)->seg, sizeof(row->seg));
}

static void
record_regained(struct comparison *c, struct descry_compare_row *row)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_segment_provenance *from =
			descry_vcpu_provenance(c->probe.vcpu, sreg);

		for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++)
			row->equal[sreg][field] = judge_regained(field, from);
	}
}

/* A lost field has not come out equal at all. */
static void
drop_lost(struct descry_compare_row *row)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++) {
			if (descry_fields_has(&row->lost, sreg, field))
				row->equal[sreg][field] = DESCRY_NOT_OVERWRITTEN;
		}
	}
}

/* The rule that refuses the access at X8; NULL: none does. The CPU stands before it. */
static const char *
why_refused(struct comparison *c, const struct descry_world_access *access)
{
	if (!access->happened || access->fault.vector == DESCRY_VEC_NONE)
		return NULL;
	return descry_vcpu_check_access(c->probe.vcpu, access->sreg, access->offset, access->size,
					access->access)
		.why;
}

/* --- what becomes of it --------------------------------------------------------------- */

static enum descry_status
follow_row(struct comparison *c, const struct descry_snapshot *resumed, uint64_t end,
	   struct descry_compare_row *row)
{
	const struct follow_start start[FOLLOW_SIDES] = {
		[FOLLOW_SWITCHED] = { resumed, c->under, c->memory },
		[FOLLOW_TRUTH] = { .at = c->start },
	};

	return follow_run(&c->probe, start, end, &row->follow);
}

/* X8 does not show it: what does? */
static void
judge_follow(struct descry_compare_row *row)
{
	const struct descry_follow *follow = &row->follow;
	char text[DESCRY_FOLLOW_TEXT];

	if (follow->kind == DESCRY_FOLLOW_MANIFESTS) {
		row->outcome = follow->manifest == DESCRY_MANIFEST_FAULT ? DESCRY_OUTCOME_FAULT
									 : DESCRY_OUTCOME_SILENT;
		snprintf(row->detail, sizeof(row->detail), "%s", follow->what);
	} else if (!fields_empty(&row->lost)) {
		row->outcome = DESCRY_OUTCOME_LATENT;
		snprintf(row->detail, sizeof(row->detail), "%s",
			 follow->kind == DESCRY_FOLLOW_HEALS ? "nothing shows until it heals"
							     : descry_follow_text(follow, text));
	}
}

/* "; fs.limit fs.attr by-chance": for the segment that the image is about. */
static void
append_regained(const struct comparison *c, struct descry_compare_row *row,
		enum descry_regained why)
{
	const enum descry_sreg about = c->result->about;
	size_t used = strlen(row->detail);
	bool any = false;

	for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++) {
		if (row->equal[about][field] != why || used >= sizeof(row->detail))
			continue;
		used += (size_t)snprintf(row->detail + used, sizeof(row->detail) - used, "%s%s.%s",
					 any ? " " : "; ", descry_sreg_name(about),
					 descry_field_name(field));
		any = true;
	}
	if (any && used < sizeof(row->detail))
		snprintf(row->detail + used, sizeof(row->detail) - used, " %s",
			 descry_regained_text(why));
}

/* --- the row -------------------------------------------------------------------------- */

void
compare_conclude_without_x8(struct comparison *c, struct descry_compare_row *row)
{
	row->outcome = row->trace.end == DESCRY_WORLD_REFUSED ? DESCRY_OUTCOME_REFUSED
							      : DESCRY_OUTCOME_HOST_FAULT;
	memcpy(row->seg, descry_vcpu_state(c->probe.vcpu)->seg, sizeof(row->seg));
	snprintf(row->detail, sizeof(row->detail), "%s", row->trace.why);
}

/* The guest without the switch, at the same boundary. */
static enum descry_status
measure_truth(struct comparison *c, uint64_t boundary, struct descry_compare_row *row)
{
	const enum descry_status status = compare_go_to(c, c->start);

	if (status != DESCRY_OK)
		return status;
	probe_run_to(&c->probe, boundary);
	row->lost = fields_diff(row->seg, descry_vcpu_state(c->probe.vcpu)->seg);
	row->lost_at = judge_lost_at(&row->trace, &row->lost);
	row->lost_by = judge_lost_by(&row->trace, &row->lost);
	drop_lost(row);
	if (row->access.happened)
		make_access(c, row->access.sreg, row->access.access, &row->truth);
	memcpy(row->truth.symbol, row->access.symbol, sizeof(row->truth.symbol));
	return DESCRY_OK;
}

/* The CPU stands at X7 of a switch that has succeeded, and so does the snapshot. */
enum descry_status
compare_conclude(struct comparison *c, const struct descry_snapshot *resumed,
		 struct descry_compare_row *row)
{
	const struct descry_fields candidates =
		fields_diff(c->seg, descry_vcpu_state(c->probe.vcpu)->seg);
	const unsigned sregs = fields_sregs(&candidates);
	const char *why;
	uint64_t boundary;
	enum descry_status status;

	find_access(c, sregs ? sregs : 1u << c->result->about, &row->access);
	boundary = row->access.happened ? row->access.retired
					: descry_vcpu_state(c->probe.vcpu)->retired;
	status = compare_go_to(c, resumed);
	if (status != DESCRY_OK)
		return status;
	probe_run_to(&c->probe, boundary);
	record_x8(c, row);
	record_regained(c, row);
	why = why_refused(c, &row->access);
	status = measure_truth(c, boundary, row);
	if (status != DESCRY_OK)
		return status;
	row->outcome = judge_access(&row->access, &row->truth);
	if (row->access.happened)
		compare_describe_difference(&row->access, &row->truth, why, row->detail,
					    sizeof(row->detail));
	else
		snprintf(row->detail, sizeof(row->detail), "%s",
			 descry_world_after(&row->trace, DESCRY_WORLD_X8)->text);
	status = follow_row(c, resumed,
			    row->outcome == DESCRY_OUTCOME_SAME ? c->end : row->access.retired + 1,
			    row);
	if (status == DESCRY_OK && row->outcome == DESCRY_OUTCOME_SAME)
		judge_follow(row);
	return status;
}

enum descry_status
compare_truth(struct comparison *c)
{
	struct descry_compare *result = c->result;
	enum descry_status status;

	find_access(c, 1u << result->about, &result->truth);
	status = compare_go_to(c, c->start);
	if (status != DESCRY_OK || !result->truth.happened)
		return status;
	probe_run_to(&c->probe, result->truth.retired);
	name_access(c, &result->truth);
	return DESCRY_OK;
}

/* The host interrupt at the boundary, where the CPU stands. */
static enum descry_status
switch_at_boundary(struct comparison *c, struct descry_compare_row *row)
{
	struct descry_snapshot *resumed;
	enum descry_status status;

	row->trace = *descry_world_interrupt(c->under);
	if (row->trace.end != DESCRY_WORLD_RESUMED) {
		compare_conclude_without_x8(c, row);
		return DESCRY_OK;
	}
	c->memory = *world_memory_of(c->under);
	status = descry_snapshot_take(c->probe.monitor, &resumed);
	if (status != DESCRY_OK)
		return status;
	status = compare_conclude(c, resumed, row);
	descry_snapshot_free(resumed);
	return status;
}

static enum descry_status
compare_under(struct comparison *c, struct descry_compare_row *row)
{
	const bool has_view = world_strategy_of(row->strategy)->view != NULL;
	bool done = false;
	enum descry_status status =
		has_view ? compare_view(c, row, &done) : compare_go_to(c, c->start);

	if (status != DESCRY_OK || done)
		return status;
	if (!has_view)
		descry_world_choose(c->under, row->strategy);
	return switch_at_boundary(c, row);
}

enum descry_status
compare_strategy(struct comparison *c, const struct descry_strategy *strategy,
		 struct descry_compare_row *row)
{
	enum descry_status status = descry_world_create(c->probe.monitor, &c->under);

	if (status != DESCRY_OK)
		return status;
	world_set_settings(c->under, c->settings);
	row->strategy = strategy;
	status = compare_under(c, row);
	descry_world_destroy(c->under);
	c->under = c->probe.under = NULL;
	append_regained(c, row, DESCRY_BY_CHANCE);
	append_regained(c, row, DESCRY_BY_TABLE);
	append_regained(c, row, DESCRY_BY_RULE);
	return status;
}
