#include "stop_reply.h"

#include "registers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Signals, by the numbers that gdb gives them (include/gdb/signals.def). */
enum signal {
	SIGNAL_NONE = 0,
	SIGNAL_INT = 2,
	SIGNAL_ILL = 4,
	SIGNAL_TRAP = 5,
	SIGNAL_ABRT = 6,
	SIGNAL_FPE = 8,
	SIGNAL_SEGV = 11,
	SIGNAL_SYS = 12,
	SIGNAL_STOP = 17,
};

static const struct {
	enum signal signal;
	bool needs_words;
} stops[DESCRY_STOP_REASON_COUNT] = {
	[DESCRY_STOP_START] = { SIGNAL_TRAP, false },
	[DESCRY_STOP_STEP] = { SIGNAL_TRAP, false },
	[DESCRY_STOP_REACHED] = { SIGNAL_TRAP, false },
	[DESCRY_STOP_BREAKPOINT] = { SIGNAL_TRAP, false },
	[DESCRY_STOP_INTERRUPTED] = { SIGNAL_INT, false },
	[DESCRY_STOP_ACCESS] = { SIGNAL_TRAP, true },
	[DESCRY_STOP_LOAD] = { SIGNAL_TRAP, true },
	[DESCRY_STOP_HOST_INTERRUPT] = { SIGNAL_TRAP, true },
	[DESCRY_STOP_GUEST_EXIT] = { SIGNAL_TRAP, true },
	[DESCRY_STOP_HALTED] = { SIGNAL_STOP, true },
	[DESCRY_STOP_UNHANDLED] = { SIGNAL_TRAP, true }, /* by its vector */
	[DESCRY_STOP_SHUTDOWN] = { SIGNAL_ABRT, true },
	[DESCRY_STOP_NOT_MODELLED] = { SIGNAL_SYS, true },
	[DESCRY_STOP_INVARIANT] = { SIGNAL_ABRT, true },
};

/* A vector that nobody handles: what it would be for a process. */
static enum signal
signal_of_vector(unsigned vector)
{
	switch (vector) {
	case DESCRY_VEC_DE:
		return SIGNAL_FPE;
	case DESCRY_VEC_UD:
		return SIGNAL_ILL;
	case DESCRY_VEC_TS:
	case DESCRY_VEC_NP:
	case DESCRY_VEC_SS:
	case DESCRY_VEC_GP:
	case DESCRY_VEC_PF:
		return SIGNAL_SEGV;
	default:
		return SIGNAL_TRAP;
	}
}

static enum signal
signal_of(const struct descry_stop *stop)
{
	if (stop->reason == DESCRY_STOP_UNHANDLED)
		return signal_of_vector(stop->fault.vector);
	return stops[stop->reason].signal;
}

bool
stop_needs_words(enum descry_stop_reason reason)
{
	return stops[reason].needs_words;
}

static void DESCRY_PRINTF(2, 3) append(struct stub *stub, const char *format, ...)
{
	const size_t used = strlen(stub->stop_reply);
	va_list args;

	va_start(args, format);
	vsnprintf(stub->stop_reply + used, sizeof(stub->stop_reply) - used, format, args);
	va_end(args);
}

/* gdb has to hear that the PC is at a breakpoint of its own, and not behind it. */
static void
append_breakpoint(struct stub *stub)
{
	const uint64_t pc = descry_vcpu_linear_ip(descry_monitor_vcpu(stub->monitor));

	switch (points_kind_at(&stub->points, pc)) {
	case POINT_SOFTWARE:
		if (stub->takes_swbreak)
			append(stub, "swbreak:;");
		break;
	case POINT_HARDWARE:
		if (stub->takes_hwbreak)
			append(stub, "hwbreak:;");
		break;
	case POINT_NONE:
		break;
	}
}

/* A register that gdb will want at once. */
static void
append_register(struct stub *stub, unsigned number)
{
	const struct gdb_register *reg = &gdb_registers[number];
	char digits[2 * sizeof(uint64_t) + 1];
	const size_t size = register_put(digits, descry_monitor_vcpu(stub->monitor), reg);

	append(stub, "%02x:%.*s;", number, (int)size, digits);
}

static void
begin(struct stub *stub, enum signal signal, int thread)
{
	snprintf(stub->stop_reply, sizeof(stub->stop_reply), "T%02x", signal);
	threads_show(&stub->threads, thread);
	append_register(stub, REGISTER_EIP);
	append_register(stub, REGISTER_ESP);
	threads_hide(&stub->threads);
	append(stub, "thread:%x;", (unsigned)thread);
	stub->threads.looked_at = thread;
}

void
stop_reply_step(struct stub *stub)
{
	begin(stub, SIGNAL_TRAP, threads_current(&stub->threads));
}

void
stop_reply_no_step(struct stub *stub)
{
	begin(stub, SIGNAL_NONE, THREAD_GUEST);
}

void
stop_reply_attach(struct stub *stub, const struct descry_stop *stop)
{
	const int thread = threads_current(&stub->threads);

	begin(stub, signal_of(stop), thread);
	if (stop->reason == DESCRY_STOP_BREAKPOINT && thread == THREAD_GUEST)
		append_breakpoint(stub);
}

void
stop_reply(struct stub *stub, const struct descry_stop *stop)
{
	if (stop->reason == DESCRY_STOP_GUEST_EXIT)
		snprintf(stub->stop_reply, sizeof(stub->stop_reply), "W%02x",
			 (unsigned)stop->exit_status);
	else
		stop_reply_attach(stub, stop);
}
