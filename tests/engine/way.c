#include "way.h"

#include <descry/microstep.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MILLION 1000000u
#define SECONDS_MAX 10u

/* What a row says about a way; 0 as a size: all that is left of the count. */
static const struct {
	const char *name;
	unsigned size_max;
	bool random_size, unlimited, unchained, breakpoints, new_breakpoints, watch, forgets,
		checked, recorded;
	unsigned kick_every;
} ways[WAY_COUNT] = {
	[WAY_FRESH_STEPS] = { .name = "a budget of 1 and nothing cached",
			      .size_max = 1,
			      .forgets = true },
	[WAY_STEPS] = { .name = "a budget of 1", .size_max = 1 },
	[WAY_WHOLE] = { .name = "one budget" },
	[WAY_UNCHAINED] = { .name = "unchained", .unchained = true },
	[WAY_PIECES] = { .name = "small budgets", .size_max = 40, .random_size = true },
	[WAY_UNCHAINED_PIECES] = { .name = "small budgets, unchained",
				   .size_max = 40,
				   .random_size = true,
				   .unchained = true },
	[WAY_MILLION] = { .name = "a budget of a million", .size_max = MILLION, .unlimited = true },
	[WAY_NO_BUDGET] = { .name = "no budget", .unlimited = true },
	[WAY_BREAKPOINTS] = { .name = "breakpoints", .breakpoints = true },
	[WAY_NEW_BREAKPOINTS] = { .name = "other breakpoints at every stop",
				  .size_max = 400,
				  .random_size = true,
				  .breakpoints = true,
				  .new_breakpoints = true },
	[WAY_WATCH] = { .name = "watched segments", .watch = true },
	[WAY_KICKS] = { .name = "kicks", .kick_every = 3 },
	[WAY_CHECKED] = { .name = "invariants checked", .checked = true },
	[WAY_RECORDED] = { .name = "micro-steps recorded", .size_max = 1, .recorded = true },
};

const char *
way_name(enum way way)
{
	return ways[way].name;
}

/* One run on its way. */
struct course {
	const struct request *request;
	struct outcome *out;
	struct random random;
	struct descry_vcpu *vcpu;
	struct descry_control control;
	struct descry_micro_log *micro; /* or NULL */
	size_t breakpoint_count;
	uint64_t breakpoint[BREAKPOINT_MAX];
};

static uint64_t
retired(const struct course *course)
{
	return descry_vcpu_state(course->vcpu)->retired;
}

/* --- breakpoints ---------------------------------------------------------------------- */

static int
compare_addresses(const void *a, const void *b)
{
	const uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return (first > second) - (first < second);
}

/* Single steps choose as the others do, only to see where they would have stopped. */
static void
choose_breakpoints(struct course *course)
{
	course->breakpoint_count = random_below(&course->random, BREAKPOINT_MAX + 1);
	for (size_t i = 0; i < course->breakpoint_count; i++)
		course->breakpoint[i] = program_address(course->request->program, &course->random);
	qsort(course->breakpoint, course->breakpoint_count, sizeof(uint64_t), compare_addresses);
	if (!ways[course->request->way].breakpoints)
		return;
	course->control.breakpoints = course->breakpoint;
	course->control.breakpoint_count = course->breakpoint_count;
}

static bool
is_at_breakpoint(const struct course *course)
{
	const uint64_t at = descry_vcpu_linear_ip(course->vcpu);

	for (size_t i = 0; i < course->breakpoint_count; i++)
		if (course->breakpoint[i] == at)
			return true;
	return false;
}

/* Behind a piece that began at this linear address. */
static void
note_arrival(struct course *course, uint64_t began_at)
{
	const enum descry_exit_reason reason = course->out->exit.reason;
	struct arrivals *arrivals = &course->out->arrivals;
	struct arrival arrival = { .retired = retired(course),
				   .must_stop = reason == DESCRY_EXIT_BREAKPOINT };

	if (ways[course->request->way].size_max == 1)
		arrival.must_stop = reason == DESCRY_EXIT_BUDGET &&
				    descry_vcpu_linear_ip(course->vcpu) != began_at &&
				    arrival.retired < course->request->count;
	if (arrivals->count < LOG_MAX && is_at_breakpoint(course))
		arrivals->at[arrivals->count++] = arrival;
}

/* --- events --------------------------------------------------------------------------- */

static bool
is_compared(const struct descry_event *event)
{
	return event->kind != DESCRY_EVENT_ACCESS;
}

static void
collect_events(struct course *course)
{
	struct event_log *log = &course->out->log;
	const size_t count = descry_vcpu_event_count(course->vcpu);

	if (count == DESCRY_EVENT_RING || log->count + count > LOG_MAX) {
		log->count = 0;
		log->cut = true;
	}
	for (size_t i = 0; i < count; i++) {
		const struct descry_event *event = descry_vcpu_event(course->vcpu, i);

		if (is_compared(event))
			log->event[log->count++] = *event;
	}
}

/* --- pieces --------------------------------------------------------------------------- */

static uint64_t
choose_budget(struct course *course)
{
	const enum way way = course->request->way;
	const uint64_t left = course->request->count - retired(course);
	uint64_t size = ways[way].size_max ? ways[way].size_max : left;

	if (ways[way].unlimited && course->request->ends)
		return ways[way].size_max;
	if (ways[way].random_size)
		size = 1 + random_below(&course->random, ways[way].size_max);
	return size < left ? size : left;
}

static bool
is_final(const struct descry_exit *exit)
{
	return exit->reason == DESCRY_EXIT_HALTED || exit->reason == DESCRY_EXIT_SHUTDOWN ||
	       exit->reason == DESCRY_EXIT_NOT_MODELLED ||
	       (exit->reason == DESCRY_EXIT_REQUEST && exit->request == REQUEST_END);
}

static void
accuse(struct course *course, const char *text)
{
	if (!course->out->wrong)
		course->out->wrong = text;
}

/* What the contract promises about the reason for an exit. */
static void
check_exit(struct course *course, uint64_t before, const struct descry_exit *exit)
{
	const uint64_t budget = course->control.budget;
	const uint64_t done = retired(course) - before;

	if (budget && done > budget)
		accuse(course, "more instructions than the budget");
	if (exit->reason == DESCRY_EXIT_BUDGET && done != budget)
		accuse(course, "an exit for the budget before it is used up");
	if (exit->reason == DESCRY_EXIT_BREAKPOINT && !is_at_breakpoint(course))
		accuse(course, "an exit for a breakpoint where there is none");
	if (exit->reason == DESCRY_EXIT_KICK && !ways[course->request->way].kick_every)
		accuse(course, "it does not come to its end");
}

/* The last step ends where the instruction does. */
static void
check_micro_steps(struct course *course)
{
	const struct descry_micro_log *micro = course->micro;

	if (micro->lost)
		accuse(course, "more micro-steps than the log holds");
	if (micro->count && memcmp(&micro->step[micro->count - 1].state,
				   descry_vcpu_state(course->vcpu), sizeof(micro->before)) != 0)
		accuse(course, "a last micro-step that is not the end");
}

static void
run(struct course *course, uint64_t budget)
{
	struct descry_exit *exit = &course->out->exit;
	const uint64_t before = retired(course);

	if (ways[course->request->way].forgets)
		descry_vcpu_memory_changed(course->vcpu);
	course->control.budget = budget;
	descry_vcpu_run(course->vcpu, &course->control, exit);
	collect_events(course);
	if (course->micro)
		check_micro_steps(course);
	check_exit(course, before, exit);
}

/* A watched access that faults is left undelivered: the guest gets its fault unwatched. */
static void
step_over_access(struct course *course)
{
	const unsigned watched = course->control.watch_access;

	course->control.watch_access = 0;
	run(course, 1);
	course->control.watch_access = watched;
}

static void
run_piece(struct course *course)
{
	const uint64_t before = retired(course);
	const uint64_t at = descry_vcpu_linear_ip(course->vcpu);

	run(course, choose_budget(course));
	note_arrival(course, at);
	if (course->out->exit.reason == DESCRY_EXIT_ACCESS && retired(course) == before)
		step_over_access(course);
	if (ways[course->request->way].new_breakpoints)
		choose_breakpoints(course);
}

static void
run_pieces(struct course *course)
{
	struct outcome *out = course->out;

	while (!out->ended && !out->wrong && retired(course) < course->request->count) {
		run_piece(course);
		out->ended = is_final(&out->exit);
	}
}

/* --- a run that never ends ------------------------------------------------------------ */

/* A signal handler has no other way to know. */
static struct descry_vcpu *volatile running;

static void
on_alarm(int number)
{
	(void)number;
	if (running)
		descry_vcpu_kick(running);
}

static void
run_guarded(struct course *course)
{
	const bool endless = ways[course->request->way].unlimited;

	if (endless) {
		running = course->vcpu;
		signal(SIGALRM, on_alarm);
		alarm(SECONDS_MAX);
	}
	run_pieces(course);
	if (endless)
		alarm(0);
	running = NULL;
}

/* --- together ------------------------------------------------------------------------- */

static void
begin(struct course *course)
{
	const enum way way = course->request->way;

	program_load(course->request->program, &course->out->machine);
	course->control = (struct descry_control){
		.events = ~DESCRY_EVENT_BIT(DESCRY_EVENT_ACCESS),
		.unchained = ways[way].unchained,
		.micro = course->micro,
	};
	choose_breakpoints(course);
	if (ways[way].watch) {
		course->control.watch_access = 1 + random_below(&course->random, 0x3f);
		course->control.watch_load = random_below(&course->random, 0x100);
	}
	course->out->log.count = 0;
	course->out->log.cut = false;
	course->out->arrivals.count = 0;
	course->out->ended = false;
	course->out->wrong = NULL;
}

bool
way_run(const struct request *request, struct outcome *out)
{
	struct course course = { .request = request,
				 .out = out,
				 .random = { .state = request->random } };

	if (!machine_open(&out->machine, ways[request->way].checked, request->program->accesses_max,
			  ways[request->way].kick_every))
		return false;
	course.vcpu = out->machine.vcpu;
	if (ways[request->way].recorded)
		course.micro = malloc(sizeof(*course.micro));
	begin(&course);
	run_guarded(&course);
	free(course.micro);
	descry_vcpu_save(course.vcpu, &out->image);
	machine_close(&out->machine);
	return true;
}
