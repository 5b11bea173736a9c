/*
 * Every instruction form a million times in a row on a host stack of 64 KiB. A handler ends
 * in a sibling call of the next one; if the compiler makes a call of it, each instruction
 * takes a piece of the stack, and this is how it shows. A build with the plain loop has no
 * such calls and runs less.
 */
#include "spin.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STACK_SIZE 0x10000u
#define GUARD_SIZE 0x10000u /* a frame larger than this could step over it */

#if defined(__OPTIMIZE__) && !defined(DESCRY_PLAIN_LOOP)
#define INSTRUCTIONS 1000000u
#else
#define INSTRUCTIONS 20000u
#endif

/* Conditions and counts are looked at both ways. */
static const struct setting settings[] = {
	{ .name = "real mode", .flags = true },
	{ .name = "real mode, no flags", .flags = false },
	{ .name = "protected mode", .protected_mode = true, .flags = true },
	{ .name = "real mode, branches behind", .flags = true, .branches = true },
	{ .name = "protected mode, branches behind",
	  .protected_mode = true,
	  .flags = true,
	  .branches = true },
	{ .name = "real mode, branches over", .flags = true, .skips = true },
	{ .name = "protected mode, branches over",
	  .protected_mode = true,
	  .flags = true,
	  .skips = true },
};

struct test {
	struct spin spin;
	unsigned forms;
	const char *failed; /* the host failed: what */
};

/* --- naming the culprit --------------------------------------------------------------- */

/* What runs now, for the signal handler. */
static char now[128];
static uint8_t signal_stack[0x10000];

static void
name_form(const struct setting *setting, const struct encoding *e)
{
	snprintf(now, sizeof(now), "%s (%s%04X%s%.0d, %u bits, %s) in %s", e->form->name,
		 e->rep ? "repeated " : "", (e->form->opcode & 0xff00u) | e->opcode,
		 e->form->digits ? " /" : "", e->form->digits ? e->reg : 0,
		 e->wide_operand ? 32 : 16, e->mod == 3 ? "register" : "memory", setting->name);
}

static void
say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		_exit(3);
}

static void
on_fault(int number)
{
	(void)number;
	say("stack: the host stack of 64 KiB overflows in ");
	say(now);
	say(": a handler does not end in a sibling call\n");
	_exit(EXIT_FAILURE);
}

/* The stack for signals that the thread had is put back in the end: it has an owner. */
static bool
catch_faults(stack_t *before)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_ONSTACK };
	const stack_t alternate = { .ss_sp = signal_stack, .ss_size = sizeof(signal_stack) };

	sigemptyset(&action.sa_mask);
	return sigaltstack(&alternate, before) == 0 && sigaction(SIGSEGV, &action, NULL) == 0;
}

/* --- running -------------------------------------------------------------------------- */

static void
fail(const char *text)
{
	fprintf(stderr, "stack: %s: %s\n", now, text);
	exit(EXIT_FAILURE);
}

/* Some rows are undefined in real mode; any other fault means that the loop does not loop. */
static void
check_events(const struct descry_vcpu *vcpu)
{
	for (size_t i = 0; i < descry_vcpu_event_count(vcpu); i++)
		if (descry_vcpu_event(vcpu, i)->fault.vector != DESCRY_VEC_UD)
			fail("the instruction faults");
}

static void
run_form(struct test *test, const struct setting *setting, const struct encoding *encoding)
{
	const struct descry_control control = { .budget = INSTRUCTIONS,
						.events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT) };
	struct descry_exit exit;

	name_form(setting, encoding);
	spin_load(&test->spin, setting, encoding);
	descry_vcpu_run(test->spin.vcpu, &control, &exit);
	if (exit.reason != DESCRY_EXIT_BUDGET)
		fail(exit.text ? exit.text : "the run has ended before its budget");
	check_events(test->spin.vcpu);
	test->forms++;
}

/* What may be executed together with a branch behind it or over it. */
static bool
may_fuse(const struct form *form)
{
	static const char *const names[] = { "alu", "test", "inc dec", "shift", "mov" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(form->name, names[i]) == 0)
			return true;
	return false;
}

/* The second setting is for what asks for flags or for CX. */
static bool
is_wanted(const struct setting *setting, const struct encoding *encoding)
{
	if (setting->branches || setting->skips)
		return may_fuse(encoding->form);
	return setting->flags || encoding->form->kind == BRANCH;
}

static void *
run_forms(void *owner)
{
	struct test *test = owner;
	stack_t before;

	if (!catch_faults(&before)) {
		test->failed = "cannot catch signals on a stack of their own";
		return NULL;
	}
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		struct spin_cursor cursor = { 0 };
		struct encoding encoding;

		while (spin_next(&cursor, &settings[i], &encoding))
			if (is_wanted(&settings[i], &encoding))
				run_form(test, &settings[i], &encoding);
	}
	sigaltstack(&before, NULL);
	return NULL;
}

/* --- the thread with the small stack -------------------------------------------------- */

/* The lowest address of the stack; what lies below it cannot be touched. */
static void *
make_stack(void)
{
	uint8_t *guard = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (guard == MAP_FAILED || mprotect(guard, GUARD_SIZE, PROT_NONE) != 0)
		return NULL;
	return guard + GUARD_SIZE;
}

static bool
run_on_small_stack(struct test *test)
{
	void *stack = make_stack();
	pthread_attr_t attributes;
	pthread_t thread;

	if (!stack || pthread_attr_init(&attributes) != 0 ||
	    pthread_attr_setstack(&attributes, stack, STACK_SIZE) != 0 ||
	    pthread_create(&thread, &attributes, run_forms, test) != 0)
		return false;
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	return true;
}

int
main(void)
{
	struct test *test = calloc(1, sizeof(*test));

	if (!test || !spin_open(&test->spin)) {
		fprintf(stderr, "stack: no memory for a CPU\n");
		return EXIT_FAILURE;
	}
	if (!run_on_small_stack(test))
		test->failed = "cannot start a thread with a stack of 64 KiB";
	if (test->failed)
		fprintf(stderr, "stack: %s\n", test->failed);
	else
		printf("stack: %u forms, %u instructions each\n", test->forms, INSTRUCTIONS);

	const bool failed = test->failed;

	spin_close(&test->spin);
	free(test);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
