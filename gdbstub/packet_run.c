#include "registers.h"
#include "stop_reply.h"
#include "stub.h"

#include <string.h>

/* --- running -------------------------------------------------------------------------- */

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

/* count instructions; 0: until something stops the guest. */
static struct reply
run(struct stub *stub, uint64_t count)
{
	const struct descry_run_request request = { .count = count };
	struct descry_stop stop;

	if (has_ended(stub))
		return stopped(stub, descry_monitor_last_stop(stub->monitor));
	stub->outlet.run_begins(stub->outlet.owner, count == 0 ? RUN_GUEST : RUN_STEP);
	descry_monitor_run(stub->monitor, &request, &stop);
	if (stop_needs_words(stop.reason))
		stub_say(stub, stop.text);
	if (!stub->outlet.run_ends(stub->outlet.owner))
		return reply_none();
	return stopped(stub, &stop);
}

static struct reply
resume(struct stub *stub, const struct request *request, uint64_t count)
{
	struct descry_vcpu *vcpu = descry_monitor_vcpu(stub->monitor);

	if (request->has_address &&
	    !register_set(vcpu, &gdb_registers[REGISTER_EIP], request->address))
		return reply_text(REPLY_FAULT);
	return run(stub, count);
}

struct reply
on_continue(struct stub *stub, const struct request *request)
{
	return resume(stub, request, 0);
}

struct reply
on_step(struct stub *stub, const struct request *request)
{
	return resume(stub, request, 1);
}

/* A guest has no signals: what gdb would deliver is dropped. */
struct reply
on_continue_signal(struct stub *stub, const struct request *request)
{
	return resume(stub, request, 0);
}

struct reply
on_step_signal(struct stub *stub, const struct request *request)
{
	return resume(stub, request, 1);
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

/* One action, ACTION[:THREAD]: does it apply to the guest? */
static bool
applies(const char *action, const char *end)
{
	const char *thread = memchr(action, ':', (size_t)(end - action));

	if (thread == NULL)
		return action < end;
	thread++;
	return request_names_guest(&thread, end) && thread == end;
}

/* The first that applies counts. */
struct reply
on_resume(struct stub *stub, const struct request *request)
{
	const char *at = request->text, *end = at + request->size;

	while (at < end) {
		const char *semicolon = memchr(at, ';', (size_t)(end - at));
		const char *last = semicolon != NULL ? semicolon : end;

		if (applies(at, last)) {
			if (*at == 'c' || *at == 'C')
				return run(stub, 0);
			if (*at == 's' || *at == 'S')
				return run(stub, 1);
			break;
		}
		at = semicolon != NULL ? semicolon + 1 : end;
	}
	return reply_text(REPLY_MALFORMED);
}
