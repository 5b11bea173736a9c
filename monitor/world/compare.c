#include "world/compare.h"

#include "handle.h"
#include "world/judge.h"

#include <descry/number.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a guest may run before it asks for its host interrupt. */
#define SEARCH_LIMIT 200000000u

/* --- finding the boundary ------------------------------------------------------------- */

static enum descry_status
stopped_early(const struct descry_monitor *monitor, const struct descry_stop *stop,
	      struct descry_error *err)
{
	const char *image = descry_monitor_image_name(monitor);

	if (stop->reason == DESCRY_STOP_INTERRUPTED)
		return descry_fail(err, DESCRY_FAILED, "interrupted");
	return descry_fail(err, DESCRY_BAD_ARGUMENT,
			   "%.80s ends before the boundary that --at names: %.160s", image,
			   stop->text);
}

/*
 * Runs to the target of the request, or to a host interrupt if it has none. Whatever else
 * stops the guest for a user's sake on its way is passed over.
 */
static void
search(struct descry_monitor *monitor, struct descry_run_request request, struct descry_stop *stop)
{
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(monitor));
	const uint64_t last = state->retired + SEARCH_LIMIT;

	request.stop_at_host_interrupt = true;
	do {
		request.count = last - state->retired;
		descry_monitor_run(monitor, &request, stop);
	} while (state->retired < last &&
		 (stop->reason == DESCRY_STOP_BREAKPOINT ||
		  (stop->reason == DESCRY_STOP_HOST_INTERRUPT && request.to_target)));
}

static enum descry_status
run_to_port(struct descry_monitor *monitor, struct descry_error *err)
{
	const char *image = descry_monitor_image_name(monitor);
	struct descry_stop stop;

	search(monitor, (struct descry_run_request){ 0 }, &stop);
	if (stop.reason == DESCRY_STOP_HOST_INTERRUPT)
		return DESCRY_OK;
	if (stop.reason == DESCRY_STOP_INTERRUPTED)
		return stopped_early(monitor, &stop, err);
	return descry_fail(err, DESCRY_BAD_ARGUMENT,
			   "%.80s has not asked for a host interrupt (a write to port EDh) in %llu "
			   "instructions; say where to take one: --at COUNT or --at SYMBOL",
			   image, (unsigned long long)stop.retired);
}

static enum descry_status
run_to_count(struct descry_monitor *monitor, uint64_t count, struct descry_error *err)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	struct probe probe = { .monitor = monitor, .vcpu = vcpu };

	probe_run_to(&probe, count);
	if (descry_vcpu_state(vcpu)->retired == count)
		return DESCRY_OK;
	return stopped_early(monitor, &probe.stop, err);
}

/* The first time that an instruction at this address is about to be executed. */
static enum descry_status
run_to_address(struct descry_monitor *monitor, uint64_t linear, struct descry_error *err)
{
	const struct descry_run_request request = { .to_target = true, .target = linear };
	struct descry_stop stop;

	if (descry_vcpu_linear_ip(descry_monitor_vcpu(monitor)) == linear)
		return DESCRY_OK;
	search(monitor, request, &stop);
	return stop.reason == DESCRY_STOP_REACHED ? DESCRY_OK : stopped_early(monitor, &stop, err);
}

static enum descry_status
run_to_boundary(struct descry_monitor *monitor, const char *at, struct descry_error *err)
{
	uint64_t linear;
	uint64_t count;
	char why[DESCRY_NUMBER_WHY];

	if (!at)
		return run_to_port(monitor, err);
	if (descry_monitor_symbol(monitor, at, &linear))
		return run_to_address(monitor, linear, err);
	if (!descry_number_parse(at, strlen(at), &count, why))
		return descry_fail(
			err, DESCRY_NOT_FOUND,
			"--at '%.60s': no symbol of %.80s, and as a count of instructions: %s", at,
			descry_monitor_image_name(monitor), why);
	return run_to_count(monitor, count, err);
}

/* --- the comparison ------------------------------------------------------------------- */

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

static enum descry_status
compare_all(struct comparison *c, const struct descry_compare_request *request)
{
	struct descry_compare *result = c->result;
	enum descry_status status = compare_truth(c);

	if (status != DESCRY_OK)
		return status;
	for (size_t i = 0; i < result->row_count && !c->probe.interrupted; i++) {
		const struct descry_strategy *strategy =
			request->only ? request->only : descry_strategy_at(i);

		status = compare_strategy(c, strategy, &result->row[i]);
		if (status != DESCRY_OK)
			return status;
	}
	return c->probe.interrupted ? DESCRY_FAILED : DESCRY_OK;
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

	memcpy(c.seg, descry_vcpu_state(c.probe.vcpu)->seg, sizeof(c.seg));
	status = compare_all(&c, request);
	back = descry_snapshot_restore(monitor, start);

	if (status == DESCRY_OK)
		status = back;
	if (status == DESCRY_OK)
		return DESCRY_OK;
	return descry_fail(err, status, "compare: %s",
			   c.probe.interrupted ? "interrupted" : descry_status_text(status));
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
		return descry_fail(err, DESCRY_NO_MEMORY, "compare: out of memory");
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

static enum descry_status
run_and_compare(struct descry_monitor *monitor, const struct descry_compare_request *request,
		struct descry_compare **out, struct descry_error *err)
{
	const enum descry_status status = run_to_boundary(monitor, request->at, err);

	if (status != DESCRY_OK)
		return status;
	return compare_here(monitor, request, out, err);
}

/* The guest runs under no strategy but that of the row; afterwards under its own again. */
enum descry_status
descry_compare_run(struct descry_monitor *monitor, const struct descry_compare_request *request,
		   struct descry_compare **out, struct descry_error *err)
{
	const struct descry_host_hooks *hooks = monitor->host_hooks;
	const bool watch_mode = monitor->watch_mode;
	const uint32_t watch_vectors = monitor->watch_vectors;
	void *owner = monitor->host_owner;
	enum descry_status status;

	world_attach(monitor, NULL);
	status = run_and_compare(monitor, request, out, err);
	descry_monitor_on_host(monitor, hooks, owner);
	descry_monitor_watch_guest(monitor, watch_mode, watch_vectors);
	return status;
}

void
descry_compare_free(struct descry_compare *compare)
{
	if (!compare)
		return;
	free(compare->row);
	free(compare);
}
