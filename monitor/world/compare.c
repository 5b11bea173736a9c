#include "world/compare.h"

#include "handle.h"
#include "world/boundary.h"
#include "world/judge.h"
#include "world/pool.h"

#include <stdlib.h>
#include <string.h>

/* --- one boundary --------------------------------------------------------------------- */

static void
describe_boundary(struct descry_monitor *monitor, struct descry_compare *result)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	const struct descry_state *state = descry_vcpu_state(vcpu);

	result->image = descry_monitor_image_name(monitor);
	result->retired = state->retired;
	result->ip = state->rip;
	result->cs = state->seg[DESCRY_CS].sel;
	result->about = judge_subject(vcpu);
	result->seg = state->seg[result->about];
	result->status = descry_cache_status(vcpu, result->about);
	descry_reload_preview(vcpu, result->about, DESCRY_RELOAD_NOW, &result->preview);
	if (!descry_monitor_symbolize(monitor, descry_vcpu_linear_ip(vcpu), result->where,
				      sizeof(result->where)))
		result->where[0] = '\0';
}

static struct descry_compare *
allocate_result(const struct descry_compare_request *request)
{
	struct descry_compare *result = calloc(1, sizeof(*result));
	size_t count = 0;

	if (!result)
		return NULL;
	while (!request->only && descry_strategy_at(count))
		count++;
	result->row_count = request->only ? 1 : count;
	result->row = calloc(result->row_count, sizeof(*result->row));
	if (!result->row) {
		free(result);
		return NULL;
	}
	return result;
}

/* The rows of a comparison as work for a pool. */
struct rows {
	struct comparison *comparison;
	const struct descry_strategy *only;
};

static const struct descry_strategy *
strategy_of(const struct rows *rows, size_t index)
{
	return rows->only ? rows->only : descry_strategy_at(index);
}

/* What has been computed while the user interrupted it is worth nothing. */
static enum descry_status
unless_interrupted(const struct comparison *c, enum descry_status status)
{
	return c->probe.interrupted ? DESCRY_IO_ERROR : status;
}

static enum descry_status
compare_row(void *owner, size_t index, void *result)
{
	const struct rows *rows = owner;
	struct comparison *c = rows->comparison;
	const enum descry_status status = compare_strategy(c, strategy_of(rows, index), result);

	return unless_interrupted(c, status);
}

static const char *
row_name(void *owner, size_t index)
{
	return strategy_of(owner, index)->name;
}

static enum descry_status
compare_all(struct comparison *c, const struct descry_compare_request *request,
	    struct descry_error *err)
{
	struct rows rows = { .comparison = c, .only = request->only };
	const struct pool_work work = {
		.count = c->result->row_count,
		.size = sizeof(struct descry_compare_row),
		.run = compare_row,
		.name = row_name,
		.owner = &rows,
	};
	const enum descry_status status = unless_interrupted(c, compare_truth(c));

	if (status != DESCRY_OK)
		return pool_fail(err, status);
	return pool_run(c->probe.monitor, &work, request->jobs, c->result->row, err);
}

/* From a snapshot of the boundary, which the monitor is put back to. */
static enum descry_status
compare_from(struct descry_monitor *monitor, const struct descry_snapshot *start,
	     const struct descry_compare_request *request, struct descry_compare *result,
	     struct descry_error *err)
{
	struct comparison c = {
		.probe = { .monitor = monitor, .vcpu = descry_monitor_vcpu(monitor) },
		.begin = monitor->start,
		.start = start,
		.settings = world_settings_of(request->world),
		.end = result->retired + COMPARE_WINDOW,
		.result = result,
	};
	enum descry_status status, back;

	c.state = *descry_vcpu_state(c.probe.vcpu);
	memcpy(c.seg, c.state.seg, sizeof(c.seg));
	status = compare_all(&c, request, err);
	back = descry_snapshot_restore(monitor, start);

	if (status == DESCRY_OK && back != DESCRY_OK)
		return descry_fail(err, back, "%s", descry_status_text(back));
	return status;
}

/* From where the monitor stands. */
static enum descry_status
compare_here(struct descry_monitor *monitor, const struct descry_compare_request *request,
	     struct descry_compare **out, struct descry_error *err)
{
	struct descry_compare *result = allocate_result(request);
	struct descry_snapshot *start = NULL;
	enum descry_status status;

	if (!result || descry_snapshot_take(monitor, &start) != DESCRY_OK) {
		descry_compare_free(result);
		return descry_fail(err, DESCRY_NO_MEMORY, "out of memory");
	}
	describe_boundary(monitor, result);
	status = compare_from(monitor, start, request, result, err);
	descry_snapshot_free(start);
	if (status != DESCRY_OK) {
		descry_compare_free(result);
		return status;
	}
	*out = result;
	return DESCRY_OK;
}

void
descry_compare_free(struct descry_compare *compare)
{
	if (!compare)
		return;
	free(compare->row);
	free(compare);
}

/* --- several -------------------------------------------------------------------------- */

/* One run of descry_compare_run(). */
struct course {
	struct descry_monitor *monitor;
	const struct descry_compare_request *request;
	const struct descry_snapshot *start; /* where all boundaries are counted from */
	descry_compare_fn *receive;
	void *owner;
	struct descry_error *err;
};

static enum descry_status
compare_at(const struct course *course, const struct descry_when *when)
{
	struct descry_compare *result = NULL;

	if (boundary_find(course->monitor, when, course->err) != DESCRY_OK)
		return course->err->status;
	if (compare_here(course->monitor, course->request, &result, course->err) != DESCRY_OK)
		return course->err->status;
	course->receive(course->owner, result);
	return DESCRY_OK;
}

/* A count that is still to come is found from where the last boundary was. */
static enum descry_status
compare_named(const struct course *course, const struct descry_when *when)
{
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(course->monitor));
	enum descry_status status = DESCRY_OK;

	if (when->kind != DESCRY_WHEN_COUNT || when->count < state->retired)
		status = descry_snapshot_restore(course->monitor, course->start);
	return status == DESCRY_OK ? compare_at(course, when) : status;
}

/* As many as there are, and at least one. */
static enum descry_status
compare_every(const struct course *course)
{
	const struct descry_when when = { .kind = DESCRY_WHEN_EVERY,
					  .count = course->request->every };
	const uint64_t most = course->request->every_most;
	enum descry_status status = descry_snapshot_restore(course->monitor, course->start);

	for (uint64_t found = 0; status == DESCRY_OK && (most == 0 || found < most); found++) {
		status = compare_at(course, &when);
		if (status != DESCRY_OK)
			return status == DESCRY_BAD_ARGUMENT && found > 0 ? DESCRY_OK : status;
	}
	return status;
}

static enum descry_status
compare_whole(const struct course *course)
{
	const struct descry_compare_request *request = course->request;

	if (request->at_count == 0 && request->every == 0)
		return compare_at(course, NULL);
	for (size_t i = 0; i < request->at_count; i++)
		if (compare_named(course, &request->at[i]) != DESCRY_OK)
			return course->err->status;
	return request->every ? compare_every(course) : DESCRY_OK;
}

static enum descry_status
compare_from_here(struct course *course)
{
	struct descry_snapshot *start;
	enum descry_status status;

	if (descry_snapshot_take(course->monitor, &start) != DESCRY_OK)
		return descry_fail(course->err, DESCRY_NO_MEMORY, "out of memory");
	course->start = start;
	status = compare_whole(course);
	descry_snapshot_free(start);
	return status;
}

/* The guest runs under no strategy but that of the row; afterwards under its own again. */
enum descry_status
descry_compare_run(struct descry_monitor *monitor, const struct descry_compare_request *request,
		   descry_compare_fn *receive, void *owner, struct descry_error *err)
{
	const struct descry_host_hooks *hooks = monitor->host_hooks;
	const bool watch_mode = monitor->watch_mode;
	const uint32_t watch_vectors = monitor->watch_vectors;
	void *host_owner = monitor->host_owner;
	struct course course = {
		.monitor = monitor,
		.request = request,
		.receive = receive,
		.owner = owner,
		.err = err,
	};
	enum descry_status status;

	world_attach(monitor, NULL);
	status = compare_from_here(&course);
	descry_monitor_on_host(monitor, hooks, host_owner);
	descry_monitor_watch_guest(monitor, watch_mode, watch_vectors);
	return status;
}
