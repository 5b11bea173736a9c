#include "world/compare.h"

#include "world/fields.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/*
 * Under the strategy from the beginning of the guest to an instruction count. At 0 the strategy
 * may have taken hold already.
 */
static enum descry_status
run_under(struct comparison *c, const struct descry_strategy *strategy, uint64_t retired)
{
	const enum descry_status status = compare_go_to(c, c->begin);

	if (status != DESCRY_OK)
		return status;
	c->probe.under = c->under;
	descry_world_choose(c->under, strategy);
	probe_run_to(&c->probe, retired);
	return DESCRY_OK;
}

/* Has the guest come to the boundary by itself? Its TLB is no matter. */
static bool
came_by_itself(const struct comparison *c)
{
	return memcmp(&c->state, descry_vcpu_state(c->probe.vcpu),
		      offsetof(struct descry_state, tlb_data)) == 0;
}

static void
refuse_changed(struct comparison *c, struct descry_compare_row *row)
{
	const struct descry_world_record none = { 0 };
	struct descry_world_trace *trace = &row->trace;

	trace->strategy = row->strategy;
	trace->end = DESCRY_WORLD_REFUSED;
	trace->ended_at = DESCRY_WORLD_X1;
	trace->retired = c->state.retired;
	trace->cs = c->state.seg[DESCRY_CS].sel;
	trace->ip = c->state.rip;
	snprintf(trace->why, sizeof(trace->why),
		 "this guest has to run under the strategy from its beginning, and commands have "
		 "changed it since");
	world_trace_add(trace, DESCRY_WORLD_X1, trace->why, &none, c->probe.vcpu);
	compare_conclude_without_x8(c, row);
}

/* What commands have done to the guest would be missing from a run from its beginning. */
static enum descry_status
refuse_unless_by_itself(struct comparison *c, struct descry_compare_row *row, bool *done)
{
	enum descry_status status = compare_go_to(c, c->begin);

	if (status != DESCRY_OK)
		return status;
	probe_run_to(&c->probe, c->state.retired);
	if (c->probe.interrupted || came_by_itself(c))
		return DESCRY_OK;
	*done = true;
	status = compare_go_to(c, c->start);
	if (status == DESCRY_OK)
		refuse_changed(c, row);
	return status;
}

/* The last change of mode that the host has answered; NULL: there has been none. */
static const struct descry_world_trace *
last_change(const struct comparison *c)
{
	const struct descry_world_trace *trace = descry_world_last(c->under);

	return trace && trace->op[0].step == DESCRY_WORLD_MODE ? trace : NULL;
}

/* The truth at the change of mode: what the guest would go on with. */
static enum descry_status
take_truth(struct comparison *at_change, uint64_t retired, struct descry_snapshot **out)
{
	const enum descry_status status = compare_go_to(at_change, at_change->begin);

	if (status != DESCRY_OK)
		return status;
	probe_run_to(&at_change->probe, retired);
	memcpy(at_change->seg, descry_vcpu_state(at_change->probe.vcpu)->seg,
	       sizeof(at_change->seg));
	return descry_snapshot_take(at_change->probe.monitor, out);
}

/* Is a segment used that is not the truth's, on the way to the boundary? The CPU stands at the
 * change. */
static bool
shows_before(struct comparison *at_change, uint64_t boundary)
{
	const struct descry_fields lost =
		fields_diff(at_change->seg, descry_vcpu_state(at_change->probe.vcpu)->seg);
	const unsigned mask = fields_sregs(&lost) & PROBE_DATA_SREGS & ~(1u << DESCRY_CS);
	struct descry_world_access access;

	return mask != 0 && probe_next_access(&at_change->probe, mask, boundary, &access) &&
	       access.retired < boundary;
}

/* From the change of mode on: the row is done if its loss shows before the boundary. */
static enum descry_status
conclude_at_change(struct comparison *at_change, uint64_t boundary, struct descry_compare_row *row,
		   bool *done)
{
	struct descry_snapshot *resumed;
	enum descry_status status;

	row->trace = *descry_world_last(at_change->under);
	at_change->memory = *world_memory_of(at_change->under);
	status = descry_snapshot_take(at_change->probe.monitor, &resumed);
	if (status != DESCRY_OK)
		return status;
	if (shows_before(at_change, boundary)) {
		*done = true;
		status = compare_go_to(at_change, resumed);
		if (status == DESCRY_OK)
			status = compare_conclude(at_change, resumed, row);
	}
	descry_snapshot_free(resumed);
	return status;
}

static enum descry_status
compare_at_change(struct comparison *c, uint64_t change, uint64_t boundary,
		  struct descry_compare_row *row, bool *done)
{
	struct comparison at_change = *c;
	struct descry_snapshot *truth = NULL;
	enum descry_status status = take_truth(&at_change, change, &truth);

	if (status != DESCRY_OK)
		return status;
	at_change.start = truth;
	status = run_under(&at_change, row->strategy, change);
	if (status == DESCRY_OK)
		status = conclude_at_change(&at_change, boundary, row, done);
	descry_snapshot_free(truth);
	c->probe.interrupted |= at_change.probe.interrupted;
	return status;
}

enum descry_status
compare_view(struct comparison *c, struct descry_compare_row *row, bool *done)
{
	const uint64_t boundary = c->result->retired;
	const struct descry_world_trace *change;
	enum descry_status status;

	*done = false;
	status = refuse_unless_by_itself(c, row, done);
	if (status != DESCRY_OK || *done)
		return status;
	status = run_under(c, row->strategy, boundary);
	if (status != DESCRY_OK)
		return status;
	change = last_change(c);
	if (change) {
		status = compare_at_change(c, change->retired, boundary, row, done);
		if (status != DESCRY_OK || *done)
			return status;
	}
	return run_under(c, row->strategy, boundary);
}
