/*
 * Run control: counts, breakpoints, targets, Ctrl-C, host interrupts, watched segments. Guests as
 * in sector_machine.h. Oracle: <descry/monitor.h>.
 */
#include "sector_machine.h"

#include <signal.h>
#include <sys/time.h>

static void
test_counts(void **state)
{
	/* out 0xed, al (the CPU leaves in between); nop; nop; jmp $ */
	struct descry_monitor *monitor = CREATE("\xe6\xed\x90\x90\xeb\xfe");
	const struct descry_state *cpu = descry_vcpu_state(descry_monitor_vcpu(monitor));
	const struct {
		uint64_t count;
		uint16_t ip;
	} steps[] = {
		{ 1, 0x7c02 }, { 1, 0x7c03 }, { 1, 0x7c04 }, { 1, 0x7c04 }, { 1000, 0x7c04 }
	};
	uint64_t sum = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		const struct descry_stop stop = run(monitor, steps[i].count);

		sum += steps[i].count;
		assert_int_equal(stop.reason, DESCRY_STOP_STEP);
		assert_int_equal(stop.ip, steps[i].ip);
		assert_int_equal(cpu->retired, sum);
	}
	assert_int_equal(descry_monitor_reset(monitor), DESCRY_OK);
	assert_int_equal(run(monitor, 3).ip, 0x7c04);
	descry_monitor_destroy(monitor);
}

static void
test_breakpoints(void **state)
{
	/* again: inc ax; out 0xed, al; after: dec cx; jmp again */
	struct descry_monitor *monitor = CREATE("\x40\xe6\xed\x49\xeb\xfa");
	const struct descry_breakpoint *list;
	struct descry_stop stop;

	(void)state;
	assert_int_equal(descry_monitor_add_breakpoint(monitor, 0x7c03), 1);
	assert_int_equal(descry_monitor_add_breakpoint(monitor, 0x7c00), 2);
	assert_int_equal(descry_monitor_add_breakpoint(monitor, 0x7c03), 1);
	assert_int_equal(descry_monitor_breakpoints(monitor, &list), 2);

	/* Not the one it stands on, but the one right behind a host interrupt. */
	stop = run(monitor, 0);
	assert_int_equal(stop.reason, DESCRY_STOP_BREAKPOINT);
	assert_int_equal(stop.breakpoint, 1);
	assert_int_equal(stop.ip, 0x7c03);
	assert_int_equal(stop.retired, 2);
	assert_non_null(strstr(stop.text, "breakpoint 1 at 0000:7c03: dec cx"));

	stop = run(monitor, 0);
	assert_int_equal(stop.breakpoint, 2);
	assert_int_equal(stop.retired, 4);

	assert_int_equal(descry_monitor_delete_breakpoint(monitor, 1), DESCRY_OK);
	stop = run(monitor, 0);
	assert_int_equal(stop.breakpoint, 2);
	assert_int_equal(stop.retired, 8);
	assert_int_equal(descry_monitor_breakpoints(monitor, &list), 1);
	assert_int_equal(list[0].number, 2);
	assert_int_equal(list[0].hits, 2);

	assert_int_equal(descry_monitor_delete_breakpoint(monitor, 2), DESCRY_OK);
	assert_int_equal(descry_monitor_delete_breakpoint(monitor, 2), DESCRY_NOT_FOUND);
	assert_int_equal(run(monitor, 400).reason, DESCRY_STOP_STEP);
	assert_int_equal(descry_monitor_add_breakpoint(monitor, 0x7c01), 3);
	descry_monitor_destroy(monitor);
}

/* The target of a run is no breakpoint: it has no number, and leaves one beside it alone. */
static void
test_target(void **state)
{
	/* again: inc ax; out 0xed, al; after: dec cx; jmp again */
	struct descry_monitor *monitor = CREATE("\x40\xe6\xed\x49\xeb\xfa");
	const struct descry_run_request request = { .to_target = true, .target = 0x7c03 };
	const struct descry_breakpoint *list;
	struct descry_stop stop;

	(void)state;
	descry_monitor_run(monitor, &request, &stop);
	assert_int_equal(stop.reason, DESCRY_STOP_REACHED);
	assert_int_equal(descry_monitor_last_stop(monitor)->reason, DESCRY_STOP_REACHED);
	assert_non_null(strstr(stop.text, "reached 0000:7c03: dec cx"));
	assert_int_equal(stop.retired, 2);
	assert_int_equal(run(monitor, 100).reason, DESCRY_STOP_STEP);

	assert_int_equal(descry_monitor_add_breakpoint(monitor, 0x7c03), 1);
	descry_monitor_run(monitor, &request, &stop);
	assert_int_equal(stop.reason, DESCRY_STOP_REACHED);
	assert_int_equal(descry_monitor_breakpoints(monitor, &list), 1);
	assert_int_equal(list[0].hits, 1);
	assert_int_equal(run(monitor, 100).reason, DESCRY_STOP_BREAKPOINT);
	descry_monitor_destroy(monitor);
}

struct taken {
	unsigned count, runs, replaced, restarted;
	uint64_t ip;
	bool go_on;
};

static bool
take_host_interrupt(void *owner, struct descry_monitor *monitor, struct descry_stop *stop)
{
	struct taken *taken = owner;

	taken->count++;
	taken->ip = descry_vcpu_state(descry_monitor_vcpu(monitor))->rip;
	if (!taken->go_on)
		stop_describe(monitor, DESCRY_STOP_HOST_INTERRUPT, NULL, stop);
	return taken->go_on;
}

static bool
run_begins(void *owner, struct descry_monitor *monitor, struct descry_stop *stop)
{
	(void)monitor;
	(void)stop;
	((struct taken *)owner)->runs++;
	return true;
}

static void
machine_replaced(void *owner, struct descry_monitor *monitor)
{
	(void)monitor;
	((struct taken *)owner)->replaced++;
}

static void
machine_restarted(void *owner, struct descry_monitor *monitor)
{
	(void)monitor;
	((struct taken *)owner)->restarted++;
}

static void
test_host_interrupt(void **state)
{
	/* out 0xed, al; out 0xed, ax; hlt */
	struct descry_monitor *monitor = CREATE("\xe6\xed\xe7\xed\xf4");
	const struct descry_run_request request = { .stop_at_host_interrupt = true };
	const struct descry_host_hooks hooks = { .interrupt = take_host_interrupt,
						 .run = run_begins,
						 .replaced = machine_replaced,
						 .restarted = machine_restarted };
	struct taken taken = { .go_on = true };
	struct descry_stop stop;

	(void)state;
	descry_monitor_run(monitor, &request, &stop);
	assert_int_equal(stop.reason, DESCRY_STOP_HOST_INTERRUPT);
	assert_int_equal(stop.ip, 0x7c02);
	assert_non_null(strstr(stop.text, "host interrupt before 0000:7c02"));
	assert_int_equal(run(monitor, 0).reason, DESCRY_STOP_HALTED);

	descry_monitor_reset(monitor);
	descry_monitor_on_host(monitor, &hooks, &taken);
	assert_int_equal(run(monitor, 0).reason, DESCRY_STOP_HALTED);
	assert_int_equal(taken.count, 2);
	assert_int_equal(taken.ip, 0x7c04);
	assert_int_equal(taken.runs, 1);

	descry_monitor_reset(monitor);
	assert_int_equal(taken.replaced, 1);
	assert_int_equal(taken.restarted, 1);
	taken = (struct taken){ 0 };
	assert_int_equal(run(monitor, 0).reason, DESCRY_STOP_HOST_INTERRUPT);
	assert_int_equal(taken.count, 1);
	assert_int_equal(taken.ip, 0x7c02);
	descry_monitor_destroy(monitor);
}

static struct descry_monitor *signalled;

static void
on_alarm(int number)
{
	(void)number;
	descry_monitor_interrupt(signalled);
}

static void
test_interrupt(void **state)
{
	const struct itimerval soon = { .it_value.tv_usec = 20000 };
	struct sigaction action = { .sa_handler = on_alarm };

	(void)state;
	signalled = CREATE("\xeb\xfe"); /* jmp $ */

	/* While it runs. */
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(run(signalled, 0).reason, DESCRY_STOP_INTERRUPTED);
	assert_int_equal(run(signalled, 10).reason, DESCRY_STOP_STEP);

	/* Before it runs: not one instruction. */
	descry_monitor_interrupt(signalled);
	assert_int_equal(run(signalled, 10).retired, descry_monitor_last_stop(signalled)->retired);
	assert_int_equal(descry_monitor_last_stop(signalled)->reason, DESCRY_STOP_INTERRUPTED);

	/* Once is once; and one that was cleared is none. */
	assert_int_equal(run(signalled, 10).reason, DESCRY_STOP_STEP);
	descry_monitor_interrupt(signalled);
	descry_monitor_clear_interrupt(signalled);
	assert_int_equal(run(signalled, 10).reason, DESCRY_STOP_STEP);
	descry_monitor_destroy(signalled);
}

static bool
interrupt_and_stop(void *owner, struct descry_monitor *monitor, struct descry_stop *stop)
{
	(void)owner;
	descry_monitor_interrupt(monitor);
	stop_describe(monitor, DESCRY_STOP_HOST_INTERRUPT, NULL, stop);
	return false;
}

/* A run that ends otherwise uses the interrupt up; a probe leaves it to the next. */
static void
test_interrupt_at_the_end(void **state)
{
	const struct descry_host_hooks hooks = { .interrupt = interrupt_and_stop,
						 .run = run_begins,
						 .replaced = machine_replaced,
						 .restarted = machine_restarted };
	const bool probes[] = { false, true };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(probes); i++) {
		struct descry_monitor *monitor =
			CREATE("\xe6\xed\xeb\xfe"); /* out 0xed, al; jmp $ */
		const struct descry_run_request request = { .probe = probes[i] };
		struct taken taken = { 0 };
		struct descry_stop stop;

		descry_monitor_on_host(monitor, &hooks, &taken);
		descry_monitor_run(monitor, &request, &stop);
		assert_int_equal(stop.reason, DESCRY_STOP_HOST_INTERRUPT);
		assert_int_equal(run(monitor, 10).reason,
				 probes[i] ? DESCRY_STOP_INTERRUPTED : DESCRY_STOP_STEP);
		descry_monitor_destroy(monitor);
	}
}

static void
test_stale_kick_at_breakpoint(void **state)
{
	struct descry_monitor *monitor = CREATE("\x90\xeb\xfd"); /* nop; jmp $ - 1 */

	(void)state;
	descry_monitor_add_breakpoint(monitor, 0x7c00);
	descry_vcpu_kick(descry_monitor_vcpu(monitor));
	assert_int_equal(run(monitor, 0).retired, 2);
	descry_monitor_destroy(monitor);
}

static void
test_watch_access(void **state)
{
	/* mov ax, 0x20; mov fs, ax; mov fs:[0x10], eax; mov fs:[0xffff], eax */
	struct descry_monitor *monitor = CREATE("\xb8\x20\x00\x8e\xe0\x66\x64\xa3\x10\x00"
						"\x66\x64\xa3\xff\xff");
	const struct descry_run_request request = { .watch_access = 1u << DESCRY_FS };
	const char *const allowed[] = { "store of 4 bytes at fs:00000010, linear 00000210, by "
					"0000:7c05",
					"; fs 0020 base 00000200" };
	const char *const refused[] = { "store of 4 bytes at fs:0000ffff, refused: #GP, by",
					"0000:7c0a" };
	struct descry_stop stop;

	(void)state;
	descry_monitor_run(monitor, &request, &stop);
	assert_int_equal(stop.reason, DESCRY_STOP_ACCESS);
	assert_int_equal(stop.ip, 0x7c0a);
	expect_text(stop.text, allowed, COUNT_OF(allowed));
	descry_monitor_run(monitor, &request, &stop);
	assert_int_equal(stop.reason, DESCRY_STOP_ACCESS);
	expect_text(stop.text, refused, COUNT_OF(refused));
	descry_monitor_destroy(monitor);
}

static void
test_watch_load(void **state)
{
	/* mov ax, 0x20; mov fs, ax; jmp 0:0x7c10 */
	struct descry_monitor *monitor = CREATE("\xb8\x20\x00\x8e\xe0\xea\x10\x7c\x00\x00");
	const struct descry_run_request request = { .watch_load =
							    1u << DESCRY_FS | 1u << DESCRY_CS };
	const char *const fs[] = { "load of fs (mov) by 0000:7c03: mov fs, ax",
				   "; fs 0020 base 00000200" };
	const char *const cs[] = { "load of cs (far jmp) by 0000:7c05; cs 0000 base 00000000" };
	struct descry_stop stop;

	(void)state;
	descry_monitor_run(monitor, &request, &stop);
	assert_int_equal(stop.reason, DESCRY_STOP_LOAD);
	assert_int_equal(stop.ip, 0x7c05);
	expect_text(stop.text, fs, COUNT_OF(fs));
	descry_monitor_run(monitor, &request, &stop);
	assert_int_equal(stop.reason, DESCRY_STOP_LOAD);
	assert_int_equal(stop.ip, 0x7c10);
	expect_text(stop.text, cs, COUNT_OF(cs));
	descry_monitor_destroy(monitor);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_breakpoints),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_host_interrupt),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_interrupt_at_the_end),
		cmocka_unit_test(test_stale_kick_at_breakpoint),
		cmocka_unit_test(test_watch_access),
		cmocka_unit_test(test_watch_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
