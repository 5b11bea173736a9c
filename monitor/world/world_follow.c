#include "world/follow.h"

#include <assert.h>

/* The last switch once more, by a world of its own. */
struct again {
	struct probe probe;
	const struct descry_world_trace *trace; /* of the first time */
	const struct world_kept *kept;
	struct descry_world *under;
	uint64_t count;
};

/* The CPU stands where the guest runs again. */
static enum descry_status
follow_from_here(struct again *again, struct descry_follow *out)
{
	const uint64_t now = descry_vcpu_state(again->probe.vcpu)->retired;
	const uint64_t end = again->count < UINT64_MAX - now ? now + again->count : UINT64_MAX;
	struct follow_start start[FOLLOW_SIDES] = {
		[FOLLOW_SWITCHED] = { .under = again->under },
		[FOLLOW_TRUTH] = { .at = again->kept->guest },
	};
	struct descry_snapshot *resumed;
	enum descry_status status = descry_snapshot_take(again->probe.monitor, &resumed);

	if (status != DESCRY_OK)
		return status;
	start[FOLLOW_SWITCHED].at = resumed;
	start[FOLLOW_SWITCHED].memory = *world_memory_of(again->under);
	status = follow_run(&again->probe, start, end, out);
	descry_snapshot_free(resumed);
	return status;
}

static enum descry_status
switch_again(struct again *again, struct descry_follow *out)
{
	enum descry_status status =
		descry_snapshot_restore(again->probe.monitor, again->kept->guest);

	if (status != DESCRY_OK)
		return status;
	world_set_settings(again->under, &again->kept->settings);
	descry_world_choose(again->under, again->trace->strategy);
	descry_world_interrupt(again->under);
	return follow_from_here(again, out);
}

static enum descry_status
follow_last(struct descry_world *world, struct again *again, struct descry_follow *out)
{
	struct descry_monitor *monitor = again->probe.monitor;
	enum descry_status status = descry_world_create(monitor, &again->under);

	if (status != DESCRY_OK)
		return status;
	status = switch_again(again, out);
	descry_world_destroy(again->under);
	world_attach(monitor, world);
	return status;
}

/* Why the last switch cannot be followed; NULL: it can. */
static const char *
why_not(const struct descry_world *world, const struct descry_world_trace *trace)
{
	if (!trace || trace->op[0].step == DESCRY_WORLD_MODE)
		return trace ? "under this strategy the guest has lost something before the "
			       "interrupt, by its change of mode; descry compare follows that"
			     : "no host interrupt has been taken yet; take one with: interrupt "
			       "host";
	if (descry_world_in_flight(world))
		return "the switch is still in flight; end it with: world finish";
	if (trace->end != DESCRY_WORLD_RESUMED)
		return "the last switch did not get back to the guest; world show tells why";
	if (world_strategy_of(trace->strategy)->host_fs && !world_kept_of(world)->guest)
		return "nothing was kept of the guest before the last switch";
	return NULL;
}

enum descry_status
descry_world_follow(struct descry_world *world, uint64_t count, struct descry_follow *out,
		    struct descry_error *err)
{
	struct descry_monitor *monitor = world_monitor_of(world);
	const struct descry_world_trace *trace = descry_world_last(world);
	struct again again = {
		.probe = { .monitor = monitor, .vcpu = descry_monitor_vcpu(monitor) },
		.trace = trace,
		.kept = world_kept_of(world),
		.count = count,
	};
	const char *why = why_not(world, trace);
	struct descry_snapshot *now;
	enum descry_status status, back;

	if (why)
		return descry_fail(err, DESCRY_NOT_FOUND, "%s", why);
	*out = (struct descry_follow){ .kind = DESCRY_FOLLOW_NOTHING };
	if (!again.kept->guest) /* no host code has run on its CPU */
		return DESCRY_OK;
	status = descry_snapshot_take(monitor, &now);
	if (status == DESCRY_OK) {
		status = follow_last(world, &again, out);
		back = descry_snapshot_restore(monitor, now);
		status = status == DESCRY_OK ? back : status;
		descry_snapshot_free(now);
	}
	if (status == DESCRY_OK)
		return DESCRY_OK;
	return descry_fail(err, status, "world follow: %s",
			   again.probe.interrupted ? "interrupted" : descry_status_text(status));
}
