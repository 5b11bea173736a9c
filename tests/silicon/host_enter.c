#define _GNU_SOURCE /* REG_EIP and its like */
#include "host_enter.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

#define FLAG_ONE 0x00000002u
#define FLAG_AC 0x00040000
#define FLAG_ID 0x00200000
#define FLAG_NT 0x00004000

enum phase {
	OUTSIDE,  /* in C, with the segments that the system gave us */
	ENTERING, /* about to execute the UD2 of host_enter() */
	INSIDE,   /* in the snippet */
};

/*
 * A signal handler has no argument of ours, so what it works on is here. It runs with the
 * snippet's FS and GS: it calls nothing and touches nothing but this and its frame.
 */
static struct {
	volatile enum phase phase;
	gregset_t outside; /* of host_enter(), to come back to */
	gregset_t entry;   /* what the snippet starts with */
	gregset_t end;     /* what it ends with */
	unsigned ticks;    /* of the timer, since the snippet began */
} thread;

/* In the order of struct registers. */
static const int gpr_index[8] = { REG_EAX, REG_ECX, REG_EDX, REG_EBX,
				  REG_ESP, REG_EBP, REG_ESI, REG_EDI };
static const int sreg_index[6] = { REG_ES, REG_CS, REG_SS, REG_DS, REG_FS, REG_GS };

static inline void
copy_registers(gregset_t to, const gregset_t from)
{
	for (unsigned i = 0; i < NGREG; i++)
		to[i] = from[i];
}

/*
 * A snippet may have set NT, AC or ID, and the system hands them on to the handler, and from
 * there to whatever runs next: it restores only the flags that it thinks a frame may set.
 */
static inline void
drop_sticky_flags(void)
{
	__asm__ volatile("pushfl\n\tandl %0, (%%esp)\n\tpopfl" ::"i"(~(FLAG_ID | FLAG_AC | FLAG_NT))
			 : "memory", "cc");
}

static inline void
leave(gregset_t frame)
{
	copy_registers(thread.end, frame);
	copy_registers(frame, thread.outside);
	thread.phase = OUTSIDE;
}

static void
on_fault(int number, siginfo_t *info, void *context)
{
	greg_t *frame = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)info;
	drop_sticky_flags();
	switch (thread.phase) {
	case ENTERING:
		copy_registers(thread.outside, frame);
		thread.outside[REG_EIP] += 2; /* behind the UD2 */
		copy_registers(frame, thread.entry);
		thread.ticks = 0;
		thread.phase = INSIDE;
		return;
	case INSIDE:
		leave(frame);
		return;
	case OUTSIDE: /* a fault of our own: let the system end us with it */
		signal(number, SIG_DFL);
		return;
	}
}

static void
on_tick(int number, siginfo_t *info, void *context)
{
	greg_t *frame = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)number;
	(void)info;
	drop_sticky_flags();
	if (thread.phase != INSIDE || ++thread.ticks < 2)
		return;
	leave(frame);
	thread.end[REG_TRAPNO] = TRAP_TIMEOUT;
	thread.end[REG_ERR] = 0;
}

static bool
give_signal_stack(void)
{
	enum { STACK_SIZE = 256 * 1024 };
	stack_t stack = { .ss_size = STACK_SIZE };

	stack.ss_sp =
		mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return stack.ss_sp != MAP_FAILED && sigaltstack(&stack, NULL) == 0;
}

bool
host_enter_setup(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	static const struct itimerval second = { { 1, 0 }, { 1, 0 } };
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };

	if (!give_signal_stack())
		return false;
	sigfillset(&action.sa_mask);
	action.sa_sigaction = on_fault;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (sigaction(faults[i], &action, NULL) != 0)
			return false;
	action.sa_sigaction = on_tick;
	return sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &second, NULL) == 0;
}

static void
load_registers(const struct registers *in)
{
	memset(thread.entry, 0, sizeof(thread.entry));
	for (unsigned i = 0; i < 8; i++)
		thread.entry[gpr_index[i]] = (greg_t)in->gpr[i];
	for (unsigned i = 0; i < 6; i++)
		thread.entry[sreg_index[i]] = in->sreg[i];
	thread.entry[REG_EIP] = (greg_t)in->eip;
	thread.entry[REG_EFL] = (greg_t)(in->eflags | FLAG_ONE);
}

static void
store_registers(struct registers *out)
{
	for (unsigned i = 0; i < 8; i++)
		out->gpr[i] = (uint32_t)thread.end[gpr_index[i]];
	for (unsigned i = 0; i < 6; i++)
		out->sreg[i] = (uint16_t)thread.end[sreg_index[i]];
	out->eip = (uint32_t)thread.end[REG_EIP];
	out->eflags = (uint32_t)thread.end[REG_EFL];
}

void
host_enter(const struct registers *in, struct test_result *result)
{
	load_registers(in);
	thread.phase = ENTERING;
	__asm__ volatile("ud2" ::: "memory");
	store_registers(&result->out);
	result->trap = (uint32_t)thread.end[REG_TRAPNO];
	result->error = (uint32_t)thread.end[REG_ERR];
}
