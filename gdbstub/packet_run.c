#include "registers.h"
#include "stop_reply.h"
#include "stub.h"

#include <stdio.h>
#include <string.h>

static struct reply
stopped(struct stub *stub, const struct descry_stop *stop)
{
	stop_reply(stub, stop);
	return reply_text(stub->stop_reply);
}

/* A guest that has ended stays where it is; only `monitor reset` begins again. */
static bool
has_ended(struct stub *stub)
{
	const struct descry_stop *stop = descry_monitor_last_stop(stub->monitor);
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(stub->monitor);

	return stop->reason == DESCRY_STOP_GUEST_EXIT &&
	       stop->retired == descry_vcpu_state(vcpu)->retired;
}

/* --- the guest ------------------------------------------------------------------------ */

/* What is to become of a thread. */
enum verb { VERB_NONE, VERB_STEP, VERB_CONTINUE };

struct plan {
	enum verb guest, host;
};

static struct reply
run_guest(struct stub *stub, enum verb verb)
{
	const struct descry_run_request request = { .count = verb == VERB_STEP ? 1 : 0 };
	struct descry_stop stop;

	if (has_ended(stub))
		return stopped(stub, descry_monitor_last_stop(stub->monitor));
	stub->outlet.run_begins(stub->outlet.owner, verb == VERB_STEP ? RUN_STEP : RUN_GUEST);
	descry_monitor_run(stub->monitor, &request, &stop);
	if (stop_needs_words(stop.reason))
		stub_say(stub, stop.text);
	if (!stub->outlet.run_ends(stub->outlet.owner))
		return reply_none();
	return stopped(stub, &stop);
}

/* --- the host ------------------------------------------------------------------------- */

/* One thing that it does, in its own words. */
static void
step_host(struct stub *stub)
{
	const struct descry_world_op *op = descry_world_next(stub->threads.world);
	char step[DESCRY_WORLD_STEP_TEXT], line[sizeof(step) + DESCRY_WORLD_TEXT];

	if (op == NULL)
		return;
	snprintf(line, sizeof(line), "%s %s", descry_world_step_text(op->step, step), op->text);
	stub_say(stub, line);
}

static void
move_host(struct stub *stub, enum verb verb)
{
	switch (verb) {
	case VERB_NONE:
		stub_say(stub,
			 "the host has the CPU, and the guest waits. To step the host, delete "
			 "the breakpoint at which the guest stands, or `set "
			 "scheduler-locking step`");
		break;
	case VERB_STEP:
		step_host(stub);
		break;
	case VERB_CONTINUE:
		descry_world_finish(stub->threads.world);
		break;
	}
}

/* True: the guest goes on. */
static bool
run_host(struct stub *stub, const struct plan *plan)
{
	const struct descry_world_trace *trace = descry_world_last(stub->threads.world);
	bool goes_on;

	stub->outlet.run_begins(stub->outlet.owner, RUN_STEP);
	move_host(stub, plan->host);
	goes_on = trace->end == DESCRY_WORLD_RESUMED && plan->host == VERB_CONTINUE &&
		  plan->guest != VERB_NONE;
	if (trace->end == DESCRY_WORLD_REFUSED || trace->end == DESCRY_WORLD_HOST_FAULT)
		stub_say(stub, trace->why);
	else if (trace->end == DESCRY_WORLD_RESUMED && !goes_on)
		stub_say(stub, "the guest has the CPU again");
	(void)stub->outlet.run_ends(stub->outlet.owner);
	return goes_on;
}

/* --- both ----------------------------------------------------------------------------- */

/* After a run that the host had to itself. A thread that gdb has not resumed cannot be the
 * one that stops. */
static struct reply
host_stopped(struct stub *stub, const struct plan *plan)
{
	if (threads_current(&stub->threads) == THREAD_HOST && plan->host != VERB_NONE)
		stop_reply_step(stub);
	else if (plan->guest == VERB_NONE && stub->takes_no_resumed)
		return reply_text("N");
	else
		stop_reply_no_step(stub);
	return reply_text(stub->stop_reply);
}

/*
 * The host goes first, for the guest cannot run while it has the CPU. A host that is
 * stepped does not hand it on. gdb lets the guest alone run to step over a breakpoint that it
 * stands at: it has to stay where it is.
 */
static struct reply
run(struct stub *stub, const struct plan *plan)
{
	if (threads_current(&stub->threads) == THREAD_HOST && !run_host(stub, plan))
		return host_stopped(stub, plan);
	return run_guest(stub, plan->guest);
}

/* --- packets of one verb -------------------------------------------------------------- */

/* The other thread goes on meanwhile, if it can. */
static struct plan
plan_of(const struct stub *stub, enum verb verb)
{
	const struct threads *threads = &stub->threads;
	const bool is_named = threads->resumed == THREAD_GUEST || threads->resumed == THREAD_HOST;
	struct plan plan = { VERB_CONTINUE, VERB_CONTINUE };

	if ((is_named ? threads->resumed : threads_current(threads)) == THREAD_HOST)
		plan.host = verb;
	else
		plan.guest = verb;
	return plan;
}

static struct reply
resume(struct stub *stub, const struct request *request, enum verb verb)
{
	struct descry_vcpu *vcpu = descry_monitor_vcpu(stub->monitor);
	const struct plan plan = plan_of(stub, verb);

	if (request->has_address &&
	    (threads_current(&stub->threads) == THREAD_HOST ||
	     !register_set(vcpu, &gdb_registers[REGISTER_EIP], request->address)))
		return reply_text(REPLY_FAULT);
	return run(stub, &plan);
}

struct reply
on_continue(struct stub *stub, const struct request *request)
{
	return resume(stub, request, VERB_CONTINUE);
}

struct reply
on_step(struct stub *stub, const struct request *request)
{
	return resume(stub, request, VERB_STEP);
}

/* A guest has no signals: what gdb would deliver is dropped. */
struct reply
on_continue_signal(struct stub *stub, const struct request *request)
{
	return resume(stub, request, VERB_CONTINUE);
}

struct reply
on_step_signal(struct stub *stub, const struct request *request)
{
	return resume(stub, request, VERB_STEP);
}

struct reply
on_why(struct stub *stub, const struct request *request)
{
	(void)request;
	stop_reply_attach(stub, descry_monitor_last_stop(stub->monitor));
	return reply_text(stub->stop_reply);
}

/* --- vCont ---------------------------------------------------------------------------- */

struct reply
on_resume_query(struct stub *stub, const struct request *request)
{
	(void)stub, (void)request;
	return reply_text("vCont;c;C;s;S");
}

static enum verb
verb_of(char action)
{
	switch (action) {
	case 'c':
	case 'C':
		return VERB_CONTINUE;
	case 's':
	case 'S':
		return VERB_STEP;
	default:
		return VERB_NONE;
	}
}

/* One action, ACTION[:THREAD], into the plan. The first that applies to a thread counts. */
static bool
plan_action(const struct threads *threads, struct plan *plan, const char *action, const char *end)
{
	const char *thread = memchr(action, ':', (size_t)(end - action));
	const enum verb verb = action == end ? VERB_NONE : verb_of(*action);
	int number = THREAD_ALL;

	if (verb == VERB_NONE)
		return false;
	if (thread != NULL) {
		thread++;
		if (!request_thread(&thread, end, &number) || thread != end)
			return false;
	}
	if (!threads_has(threads, number))
		return false;
	if (plan->guest == VERB_NONE && number != THREAD_HOST)
		plan->guest = verb;
	if (plan->host == VERB_NONE && number != THREAD_GUEST)
		plan->host = verb;
	return true;
}

struct reply
on_resume(struct stub *stub, const struct request *request)
{
	const char *at = request->text, *end = at + request->size;
	struct plan plan = { VERB_NONE, VERB_NONE };

	while (at < end) {
		const char *semicolon = memchr(at, ';', (size_t)(end - at));
		const char *last = semicolon != NULL ? semicolon : end;

		if (!plan_action(&stub->threads, &plan, at, last))
			return reply_text(REPLY_MALFORMED);
		at = semicolon != NULL ? semicolon + 1 : end;
	}
	if (plan.guest == VERB_NONE && plan.host == VERB_NONE)
		return reply_text(REPLY_MALFORMED);
	return run(stub, &plan);
}
