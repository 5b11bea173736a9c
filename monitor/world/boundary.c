#include "world/boundary.h"

#include <inttypes.h>

/* How long a guest may run before it comes to a place; a count says itself how long. */
#define SEARCH_LIMIT 200000000u

static uint64_t
retired_now(struct descry_monitor *monitor)
{
	return descry_vcpu_state(descry_monitor_vcpu(monitor))->retired;
}

/* A stop on the way. number: of the injection that is looked for; 0: any host interrupt will do. */
static bool
is_passed_over(const struct descry_stop *stop, int number)
{
	if (stop->reason == DESCRY_STOP_HOST_INTERRUPT)
		return number != 0 && stop->injection != number;
	return stop->reason == DESCRY_STOP_BREAKPOINT;
}

static void
search(struct descry_monitor *monitor, int number, uint64_t last, struct descry_stop *stop)
{
	do {
		const struct descry_run_request request = {
			.count = last - retired_now(monitor),
			.stop_at_host_interrupt = true,
		};

		descry_monitor_run(monitor, &request, stop);
	} while (is_passed_over(stop, number) && retired_now(monitor) < last);
}

/* --- what has come of it -------------------------------------------------------------- */

static enum descry_status
not_found(struct descry_monitor *monitor, const struct descry_when *when,
	  const struct descry_stop *stop, struct descry_error *err)
{
	const char *image = descry_monitor_image_name(monitor);

	if (stop->reason == DESCRY_STOP_INTERRUPTED)
		return descry_fail(err, DESCRY_IO_ERROR, "interrupted");
	if (!when)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "%.80s has not asked for a host interrupt (a write to port EDh) "
				   "in %" PRIu64 " instructions; say where to take one: --at COUNT "
				   "or --at SYMBOL",
				   image, stop->retired);
	if (stop->reason == DESCRY_STOP_STEP)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "%.80s does not come to the boundary in %" PRIu64
				   " instructions",
				   image, stop->retired);
	return descry_fail(err, DESCRY_BAD_ARGUMENT, "%.80s ends before the boundary: %.160s",
			   image, stop->text);
}

static enum descry_status
find_any(struct descry_monitor *monitor, struct descry_error *err)
{
	struct descry_stop stop;

	search(monitor, 0, retired_now(monitor) + SEARCH_LIMIT, &stop);
	if (stop.reason == DESCRY_STOP_HOST_INTERRUPT)
		return DESCRY_OK;
	return not_found(monitor, NULL, &stop, err);
}

/* The count at which a search is over. */
static uint64_t
search_end(const struct descry_when *when, uint64_t now)
{
	const uint64_t last = when->kind == DESCRY_WHEN_COUNT ? when->count : now + SEARCH_LIMIT;

	return last < UINT64_MAX ? last + 1 : last;
}

/* A boundary that has a name is one where a host interrupt is injected. */
enum descry_status
boundary_find(struct descry_monitor *monitor, const struct descry_when *when,
	      struct descry_error *err)
{
	const uint64_t now = retired_now(monitor);
	struct descry_injection boundary = { .kind = DESCRY_INJECT_HOST };
	struct descry_stop stop;
	int number;

	if (!when)
		return find_any(monitor, err);
	if (when->kind == DESCRY_WHEN_COUNT && when->count < now)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "--at %" PRIu64 ": the guest is at %" PRIu64 " already",
				   when->count, now);
	boundary.when = *when;
	if (descry_monitor_inject(monitor, &boundary, &number, err) != DESCRY_OK)
		return err->status;
	search(monitor, number, search_end(when, now), &stop);
	descry_monitor_delete_injection(monitor, number);
	if (stop.reason == DESCRY_STOP_HOST_INTERRUPT && stop.injection == number)
		return DESCRY_OK;
	return not_found(monitor, when, &stop, err);
}
