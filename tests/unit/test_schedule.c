/*
 * Injections: when they come, that no way of running moves them, that going back finds them
 * where they were, and what is said about them. The oracle for a run is the same run in one
 * go.
 */
#include "handle.h"
#include "temp_file.h"

#include <descry/world.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- points in time ------------------------------------------------------------------- */

static const struct {
	const char *what;
	struct descry_when when;
	uint64_t since;
	uint64_t comes[4]; /* then never; DESCRY_NEVER: does not come within 100,000 */
} times[] = {
	/* clang-format off */
	{ "at a count, once", { DESCRY_WHEN_COUNT, 7, 0, 0 }, 0, { 7, DESCRY_NEVER } },
	{ "at the count where the guest stands", { DESCRY_WHEN_COUNT, 7, 0, 0 }, 7, { 7, DESCRY_NEVER } },
	{ "at one that is behind it", { DESCRY_WHEN_COUNT, 7, 0, 0 }, 8, { DESCRY_NEVER } },
	{ "at the very start", { DESCRY_WHEN_COUNT, 0, 0, 0 }, 0, { 0, DESCRY_NEVER } },
	{ "at each multiple, and 0 is none", { DESCRY_WHEN_EVERY, 1000, 0, 0 }, 0, { 1000, 2000, 3000, 4000 } },
	{ "multiples do not begin where the guest stands", { DESCRY_WHEN_EVERY, 1000, 0, 0 }, 1500,
	  { 2000, 3000, 4000, 5000 } },
	{ "the one that it stands at is behind it", { DESCRY_WHEN_EVERY, 1000, 0, 0 }, 2000,
	  { 3000, 4000, 5000, 6000 } },
	{ "at each instruction", { DESCRY_WHEN_EVERY, 1, 0, 0 }, 0, { 1, 2, 3, 4 } },
	{ "beyond the end of time", { DESCRY_WHEN_EVERY, INT64_MAX, 0, 0 }, 0, { DESCRY_NEVER } },
	{ "a mean of 1 leaves no choice", { DESCRY_WHEN_RANDOM, 1, 0, 5 }, 0, { 1, 2, 3, 4 } },
	{ "an address comes at no count", { DESCRY_WHEN_ADDRESS, 1, 0x7c00, 0 }, 0, { DESCRY_NEVER } },
	/* clang-format on */
};

static void
test_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		const struct descry_injection injection = { .when = times[i].when };
		struct schedule schedule = { .count = 0 };
		uint64_t now = times[i].since;

		print_message("%s\n", times[i].what);
		assert_true(schedule_add(&schedule, &injection, now));
		for (size_t k = 0; k < COUNT_OF(times[i].comes); k++) {
			const uint64_t deadline = schedule_deadline(&schedule);

			if (times[i].comes[k] == DESCRY_NEVER) {
				assert_true(deadline > 100000);
				break;
			}
			assert_int_equal(deadline, times[i].comes[k]);
			if (deadline > now)
				assert_null(schedule_take(&schedule, deadline - 1));
			now = deadline;
			assert_non_null(schedule_take(&schedule, now));
			assert_null(schedule_take(&schedule, now));
		}
	}
}

/* The mean is the mean, no distance is 0 or more than twice as long, and another seed is another.
 */
static void
test_random(void **state)
{
	enum { MEAN = 50, TIMES = 20000 };
	uint64_t firsts[8] = { 0 };

	(void)state;
	for (unsigned seed = 0; seed < COUNT_OF(firsts); seed++) {
		const struct descry_injection injection = {
			.when = { DESCRY_WHEN_RANDOM, MEAN, 0, seed },
		};
		struct schedule schedule = { .count = 0 };
		uint64_t before = 0, now = 0;

		assert_true(schedule_add(&schedule, &injection, 0));
		for (unsigned i = 0; i < TIMES; i++) {
			now = schedule_deadline(&schedule);
			assert_in_range(now - before, 1, 2 * MEAN - 1);
			before = now;
			firsts[seed] = i < 8 ? firsts[seed] * 100 + now % 100 : firsts[seed];
			assert_non_null(schedule_take(&schedule, now));
		}
		assert_in_range(now / TIMES, MEAN - 1, MEAN + 1);
		for (unsigned other = 0; other < seed; other++)
			assert_int_not_equal(firsts[seed], firsts[other]);
	}
}

/* --- the grammar ---------------------------------------------------------------------- */

static const struct {
	const char *text;
	const char *back; /* as it is shown; NULL: refused */
	const char *says; /* refused: a part of why */
} specs[] = {
	/* clang-format off */
	{ "host at 12345", "host at 12345", NULL },
	{ "  host   at  12345 ", "host at 12345", NULL },
	{ "host at store 3", "host at store 3", NULL },
	{ "host at store 1", "host at store", NULL },
	{ "nmi at store+4", "nmi at store+4", NULL },
	{ "nmi at 0:7c00", "nmi at store", NULL },
	{ "nmi at linear:500h 20h", "nmi at linear:0x500 32", NULL },
	{ "interrupt 20h every 1000", "interrupt 0x20 every 1000", NULL },
	{ "smi random 5000 seed 7", "smi random 5000 seed 7", NULL },
	{ "init random 5000", "init random 5000 seed 0", NULL },
	{ "", NULL, "what is host, interrupt VECTOR, nmi, smi or init, not ''" },
	{ "fault at 5", NULL, "what is host, interrupt VECTOR, nmi, smi or init, not 'fault'" },
	{ "host", NULL, "when? at COUNT|ADDRESS [HIT], every COUNT, random MEAN [seed SEED]" },
	{ "host 5", NULL, "when is at COUNT|ADDRESS [HIT]" },
	{ "host at", NULL, "where?" },
	{ "host at 7c2c", NULL, "hexadecimal is 0x7c2c or 7c2ch" },
	{ "host at 12 3", NULL, "'3' is one word too many" },
	{ "host at store 3 4", NULL, "'4' is one word too many" },
	{ "host at store 0", NULL, "HIT is from 1 to" },
	{ "host at nowhere", NULL, "'nowhere'" },
	{ "host every 0", NULL, "the distance is from 1 to" },
	{ "host every", NULL, "the distance is missing" },
	{ "host random 0", NULL, "the mean distance is from 1" },
	{ "host random 5 7", NULL, "`seed SEED`, not '7'" },
	{ "host random 5 seed", NULL, "SEED is missing" },
	{ "interrupt every 5", NULL, "VECTOR, 'every'" },
	{ "interrupt 256 every 5", NULL, "VECTOR is from 0 to 255, not '256'" },
	/* clang-format on */
};

static struct descry_monitor *
create_as(const char *code, size_t size, const char *profile)
{
	struct descry_options options = { .ram_mib = 2, .profile = profile };
	const struct symbol symbol = { .address = 0x7c00, .size = 0x100 };
	struct descry_monitor *monitor = NULL;
	uint8_t sector[512] = { [510] = 0x55, [511] = 0xaa };
	char name[TEMP_FILE_NAME];
	struct descry_error err;

	memcpy(sector, code, size);
	temp_file_write(name, sector, sizeof(sector));
	options.image = name;
	assert_int_equal(descry_monitor_create(&options, &monitor, &err), DESCRY_OK);
	unlink(name);
	assert_true(symbols_add(&monitor->symbols, &symbol, "store"));
	symbols_sort(&monitor->symbols);
	return monitor;
}

#define CREATE(code) create_as(code, sizeof(code) - 1, NULL)

static void
test_grammar(void **state)
{
	struct descry_monitor *monitor = CREATE("\xeb\xfe");
	char text[DESCRY_INJECTION_TEXT];
	struct descry_error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(specs); i++) {
		struct descry_injection first, again;
		const enum descry_status status =
			descry_injection_parse(monitor, specs[i].text, &first, &err);

		print_message("'%s'\n", specs[i].text);
		if (!specs[i].back) {
			assert_int_not_equal(status, DESCRY_OK);
			assert_non_null(strstr(err.text, specs[i].says));
			assert_null(strchr(err.text, '\n'));
			continue;
		}
		assert_int_equal(status, DESCRY_OK);
		assert_string_equal(descry_injection_text(monitor, &first, text), specs[i].back);
		assert_int_equal(descry_injection_parse(monitor, text, &again, &err), DESCRY_OK);
		assert_memory_equal(&first, &again, sizeof(first));
	}
	descry_monitor_destroy(monitor);
}

/* --- runs ----------------------------------------------------------------------------- */

static void
inject(struct descry_monitor *monitor, const char *text)
{
	struct descry_injection injection;
	struct descry_error err;
	int number;

	print_message("    inject %s\n", text);
	assert_int_equal(descry_injection_parse(monitor, text, &injection, &err), DESCRY_OK);
	assert_int_equal(descry_monitor_inject(monitor, &injection, &number, &err), DESCRY_OK);
}

static uint64_t
retired(struct descry_monitor *monitor)
{
	return descry_vcpu_state(descry_monitor_vcpu(monitor))->retired;
}

static struct descry_stop
run(struct descry_monitor *monitor, uint64_t count)
{
	const struct descry_run_request request = { .count = count };
	struct descry_stop stop;

	descry_monitor_run(monitor, &request, &stop);
	return stop;
}

/*
 * Vector 20h goes to 7c28, an NMI to 7c2d; each counts itself. sti
 * again: inc ax; push ax; pop bx; cx = 5; di = 800; rep stosb; out 0xed, al; jmp again
 */
static const char busy[] = "\xc7\x06\x80\x00\x28\x7c\xc7\x06\x82\x00\x00\x00"
			   "\xc7\x06\x08\x00\x2d\x7c\xc7\x06\x0a\x00\x00\x00\xfb"
			   "\x40\x50\x5b\xb9\x05\x00\xbf\x00\x08\xf3\xaa\xe6\xed\xeb\xf1"
			   "\xff\x06\x00\x06\xcf"
			   "\xff\x06\x02\x06\xcf";

/* The same with sti; hlt in place of out 0xed, al. */
static const char idle[] = "\xc7\x06\x80\x00\x28\x7c\xc7\x06\x82\x00\x00\x00"
			   "\xc7\x06\x08\x00\x2d\x7c\xc7\x06\x0a\x00\x00\x00\xfb"
			   "\x40\x50\x5b\xb9\x05\x00\xbf\x00\x08\xf3\xaa\xfb\xf4\xeb\xf1"
			   "\xff\x06\x00\x06\xcf"
			   "\xff\x06\x02\x06\xcf";

/* What the host has seen, as one number. */
struct host {
	uint64_t count, sum;
};

static bool
take_host_interrupt(void *owner, struct descry_monitor *monitor, struct descry_stop *stop)
{
	const struct descry_state *cpu = descry_vcpu_state(descry_monitor_vcpu(monitor));
	struct host *host = owner;

	(void)stop;
	host->count++;
	host->sum = (host->sum ^ (cpu->retired << 16 ^ cpu->rip)) * 0x100000001b3u;
	return true;
}

static bool
let_it_run(void *owner, struct descry_monitor *monitor, struct descry_stop *stop)
{
	(void)owner, (void)monitor, (void)stop;
	return true;
}

static void
forget_nothing(void *owner, struct descry_monitor *monitor)
{
	(void)owner, (void)monitor;
}

static const struct descry_host_hooks counting_host = { .interrupt = take_host_interrupt,
							.run = let_it_run,
							.replaced = forget_nothing,
							.restarted = forget_nothing };

struct whole {
	struct descry_vcpu_image cpu;
	uint8_t ram[0x10000];
	struct schedule schedule;
	struct host host;
};

#define RUN_LENGTH 5000u

/* Each goes on to RUN_LENGTH in its own way. */
static void
in_one_go(struct descry_monitor *monitor)
{
	run(monitor, RUN_LENGTH);
}

static void
step_by_step(struct descry_monitor *monitor)
{
	while (retired(monitor) < RUN_LENGTH)
		run(monitor, 1);
}

static void
in_strides(struct descry_monitor *monitor)
{
	for (uint64_t stride = 1; retired(monitor) < RUN_LENGTH; stride = stride % 37 + 5) {
		const uint64_t left = RUN_LENGTH - retired(monitor);

		run(monitor, stride < left ? stride : left);
	}
}

static void
from_break_to_break(struct descry_monitor *monitor)
{
	descry_monitor_add_breakpoint(monitor, 0x7c19); /* again */
	descry_monitor_add_breakpoint(monitor, 0x7c22); /* rep stosb */
	descry_monitor_add_breakpoint(monitor, 0x7c28); /* the handlers */
	descry_monitor_add_breakpoint(monitor, 0x7c2d);
	while (retired(monitor) < RUN_LENGTH)
		run(monitor, RUN_LENGTH - retired(monitor));
}

/* Two steps forward and one back; the host has seen what it has seen then. */
static void
back_and_forth(struct descry_monitor *monitor)
{
	struct host *host = monitor->host_owner;

	while (retired(monitor) < RUN_LENGTH) {
		const uint64_t left = RUN_LENGTH - retired(monitor);
		const struct host before = *host;
		struct descry_snapshot *snapshot;

		assert_int_equal(descry_snapshot_take(monitor, &snapshot), DESCRY_OK);
		run(monitor, 231);
		assert_int_equal(descry_snapshot_restore(monitor, snapshot), DESCRY_OK);
		descry_snapshot_free(snapshot);
		*host = before;
		run(monitor, left < 113 ? left : 113);
	}
}

static void
kicked(struct descry_monitor *monitor)
{
	while (retired(monitor) < RUN_LENGTH) {
		const uint64_t left = RUN_LENGTH - retired(monitor);

		descry_vcpu_kick(descry_monitor_vcpu(monitor));
		run(monitor, left < 17 ? left : 17);
	}
}

static void
after_a_reset(struct descry_monitor *monitor)
{
	run(monitor, 1234);
	assert_int_equal(descry_monitor_reset(monitor), DESCRY_OK);
	*(struct host *)monitor->host_owner = (struct host){ 0 };
	run(monitor, RUN_LENGTH);
}

static const struct {
	const char *what;
	void (*go)(struct descry_monitor *monitor);
} ways[] = {
	{ "in one go", in_one_go },           { "step by step", step_by_step },
	{ "in strides", in_strides },         { "from break to break", from_break_to_break },
	{ "back and forth", back_and_forth }, { "kicked", kicked },
	{ "after a reset", after_a_reset },
};

static const struct {
	const char *code;
	size_t size;
	const char *inject[4];
	unsigned interrupts, nmis; /* that the guest has counted */
	unsigned host;             /* interrupts of the host; those of port EDh, too */
} runs[] = {
/* clang-format off */
#define BUSY busy, sizeof(busy) - 1
#define IDLE idle, sizeof(idle) - 1
	{ BUSY, { NULL }, 0, 0, 416 },
	{ BUSY, { "host at 1234" }, 0, 0, 417 },
	{ BUSY, { "host every 7" }, 0, 0, 416 + 714 },
	{ BUSY, { "host at 0:7c22 5" }, 0, 0, 417 },
	{ BUSY, { "host at 0:7c00" }, 0, 0, 417 },
	{ BUSY, { "interrupt 20h every 100" }, 49, 0, 408 },
	{ BUSY, { "nmi at 0:7c22 77", "nmi at 0:7c28" }, 0, 1, 416 },
	{ BUSY, { "interrupt 20h at 0:7c22 3", "nmi at 0:7c28", "host at 0:7c2d" }, 1, 1, 417 },
	{ BUSY, { "interrupt 20h random 40 seed 3", "nmi random 90 seed 4", "host random 20" }, 0, 0, 0 },
	{ IDLE, { "interrupt 20h every 100" }, 49, 0, 0 },
	{ IDLE, { "nmi random 60 seed 9", "host every 13", "interrupt 20h at 0:7c2d 4" }, 1, 0, 0 },
#undef BUSY
#undef IDLE
	/* clang-format on */
};

static void
go(size_t index, void (*way)(struct descry_monitor *monitor), struct whole *whole)
{
	struct descry_monitor *monitor = create_as(runs[index].code, runs[index].size, NULL);

	memset(whole, 0, sizeof(*whole));
	descry_monitor_on_host(monitor, &counting_host, &whole->host);
	for (size_t i = 0; i < COUNT_OF(runs[index].inject) && runs[index].inject[i]; i++)
		inject(monitor, runs[index].inject[i]);
	way(monitor);
	descry_vcpu_save(descry_monitor_vcpu(monitor), &whole->cpu);
	assert_int_equal(memory_read(&monitor->memory, 0, whole->ram, sizeof(whole->ram)),
			 sizeof(whole->ram));
	whole->schedule = monitor->schedule;
	descry_monitor_destroy(monitor);
}

static void
expect_same(const struct whole *now, const struct whole *expected)
{
	assert_int_equal(expected->cpu.state.retired, RUN_LENGTH);
	assert_memory_equal(&now->cpu.state, &expected->cpu.state, sizeof(now->cpu.state));
	assert_memory_equal(now->ram, expected->ram, sizeof(now->ram));
	assert_memory_equal(&now->schedule, &expected->schedule, sizeof(now->schedule));
	assert_memory_equal(&now->host, &expected->host, sizeof(now->host));
}

static void
test_no_way_moves_it(void **state)
{
	static struct whole expected, now;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(runs); i++) {
		go(i, in_one_go, &expected);
		print_message("%u interrupts, %u NMIs, %u of the host\n", expected.ram[0x600],
			      expected.ram[0x602], (unsigned)expected.host.count);
		if (runs[i].interrupts)
			assert_int_equal(expected.ram[0x600], runs[i].interrupts);
		if (runs[i].nmis)
			assert_int_equal(expected.ram[0x602], runs[i].nmis);
		if (runs[i].host)
			assert_int_equal(expected.host.count, runs[i].host);
		for (size_t way = 1; way < COUNT_OF(ways); way++) {
			print_message("  %s\n", ways[way].what);
			go(i, ways[way].go, &now);
			expect_same(&now, &expected);
		}
	}
}

/* One that is added late is nothing that went on before, until a reset; a snapshot keeps to it. */
static void
test_added_late(void **state)
{
	struct descry_monitor *monitor = create_as(busy, sizeof(busy) - 1, NULL);
	const struct descry_injection *list;
	struct descry_snapshot *early;
	struct host host = { 0 };

	(void)state;
	descry_monitor_on_host(monitor, &counting_host, &host);
	run(monitor, 100);
	assert_int_equal(descry_snapshot_take(monitor, &early), DESCRY_OK);
	run(monitor, 400);
	inject(monitor, "nmi every 50");
	inject(monitor, "nmi at 300");
	inject(monitor, "nmi at 0:7c22");
	assert_int_equal(descry_monitor_injections(monitor, &list), 3);
	assert_int_equal(list[0].next, 550);
	assert_int_equal(list[1].next, DESCRY_NEVER);

	assert_int_equal(descry_snapshot_restore(monitor, early), DESCRY_OK);
	run(monitor, 400);
	assert_int_equal(list[0].fired + list[1].fired + list[2].fired + list[2].hits, 0);
	assert_int_equal(list[0].next, 550);
	run(monitor, 100);
	assert_int_equal(list[0].fired, 2);
	assert_int_equal(list[2].fired, 1);

	assert_int_equal(descry_monitor_reset(monitor), DESCRY_OK);
	assert_int_equal(list[0].next, 50);
	assert_int_equal(list[1].next, 300);
	run(monitor, 400);
	assert_int_equal(list[1].fired, 1);
	descry_snapshot_free(early);
	descry_monitor_destroy(monitor);
}

/* --- halted --------------------------------------------------------------------------- */

static const struct {
	const char *what;
	const char *code;
	size_t size;
	const char *inject[3];
	enum descry_stop_reason reason;
	uint64_t retired;
	const char *says;
} halts[] = {
/* clang-format off */
#define ROW(code) code, sizeof(code) - 1
	{ "nothing comes", ROW("\xf4"), { NULL }, DESCRY_STOP_HALTED, 1, "halted for ever" },
	{ "an NMI comes, and time with it", ROW("\xf4"), { "nmi at 1000" }, DESCRY_STOP_UNHANDLED, 1000,
	  "unhandled NMI at 0000:7c01 store+1: " },
	{ "it has come already", ROW("\x90\xf4"), { "init at 1" }, DESCRY_STOP_UNHANDLED, 1,
	  "; injected by 1: init at 1" },
	{ "an interrupt while IF is clear wakes nobody", ROW("\xfa\xf4"), { "interrupt 20h every 10" },
	  DESCRY_STOP_HALTED, 2, "halted for ever" },
	{ "while it is set it does", ROW("\xfb\xf4"), { "interrupt 20h every 10" },
	  DESCRY_STOP_UNHANDLED, 10, "unhandled vector 32 at 0000:7c02 store+2: " },
	{ "nor does the host", ROW("\xf4"), { "host every 10" }, DESCRY_STOP_HALTED, 1,
	  "halted for ever" },
	{ "but it goes on meanwhile", ROW("\xf4"), { "host every 10", "nmi at 35" },
	  DESCRY_STOP_UNHANDLED, 35, "; injected by 2: nmi at 35" },
	{ "nobody comes to an address there", ROW("\xf4"), { "nmi at 0:7c01" }, DESCRY_STOP_HALTED, 1,
	  "halted for ever" },
#undef ROW
	/* clang-format on */
};

static void
test_halted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(halts); i++) {
		struct descry_monitor *monitor = create_as(halts[i].code, halts[i].size, NULL);
		struct descry_stop stop;

		print_message("%s\n", halts[i].what);
		for (size_t k = 0; halts[i].inject[k]; k++)
			inject(monitor, halts[i].inject[k]);
		stop = run(monitor, 0);
		print_message("    %s\n", stop.text);
		assert_int_equal(stop.reason, halts[i].reason);
		assert_int_equal(stop.retired, halts[i].retired);
		assert_non_null(strstr(stop.text, halts[i].says));
		descry_monitor_destroy(monitor);
	}
}

/* --- what a stop says ----------------------------------------------------------------- */

static const struct {
	const char *what;
	const char *code;
	size_t size;
	const char *inject;
	enum descry_stop_reason reason;
	uint64_t retired;
	int injection;
} stops[] = {
/* clang-format off */
#define ROW(code) code, sizeof(code) - 1
	{ "an NMI that nobody handles", ROW("\xeb\xfe"), "nmi at 5", DESCRY_STOP_UNHANDLED, 5, 1 },
	{ "an interrupt that waits for IF: nop, nop, sti, nop", ROW("\x90\x90\xfb\x90\xeb\xfe"),
	  "interrupt 33 at 1", DESCRY_STOP_UNHANDLED, 4, 1 },
	{ "INT 33 while interrupt 33 waits: the guest's own", ROW("\x90\x90\xcd\x21"),
	  "interrupt 33 at 1", DESCRY_STOP_UNHANDLED, 2, 0 },
	{ "an NMI before INT 2", ROW("\x90\xcd\x02"), "nmi at 1", DESCRY_STOP_UNHANDLED, 1, 1 },
	{ "ud2 behind a host interrupt", ROW("\x90\x0f\x0b"), "host at 1", DESCRY_STOP_UNHANDLED, 1, 0 },
	{ "lidt of limit 0, and an NMI that shuts the CPU down: lidt [7c08]; jmp $",
	  ROW("\x0f\x01\x1e\x08\x7c\xeb\xfe\x90\x00\x00\x00\x00\x00\x00"), "nmi at 5",
	  DESCRY_STOP_SHUTDOWN, 5, 1 },
	{ "the same with an interrupt: lidt [7c08]; sti; nop; jmp $",
	  ROW("\x0f\x01\x1e\x08\x7c\xfb\x90\xeb\x00\x00\x00\x00\x00\x00"), "interrupt 33 at 1",
	  DESCRY_STOP_SHUTDOWN, 3, 1 },
	{ "a shutdown of the guest's own: lidt [7c08]; int3",
	  ROW("\x0f\x01\x1e\x08\x7c\xcc\x90\x90\x00\x00\x00\x00\x00\x00"), "interrupt 33 at 1",
	  DESCRY_STOP_SHUTDOWN, 1, 0 },
	{ "INIT, and no ROM", ROW("\xeb\xfe"), "init at 9", DESCRY_STOP_UNHANDLED, 9, 1 },
	{ "an end that has nothing to do with it: out f4, al", ROW("\x90\xe6\xf4"), "interrupt 33 at 1",
	  DESCRY_STOP_GUEST_EXIT, 2, 0 },
#undef ROW
	/* clang-format on */
};

static void
test_stops(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(stops); i++) {
		struct descry_monitor *monitor = create_as(stops[i].code, stops[i].size, NULL);
		struct descry_stop stop;

		print_message("%s\n", stops[i].what);
		inject(monitor, stops[i].inject);
		stop = run(monitor, 0);
		print_message("    %s\n", stop.text);
		assert_int_equal(stop.reason, stops[i].reason);
		assert_int_equal(stop.retired, stops[i].retired);
		assert_int_equal(stop.injection, stops[i].injection);
		assert_int_equal(strstr(stop.text, "; injected by 1: ") != NULL,
				 stops[i].injection != 0);
		descry_monitor_destroy(monitor);
	}
}

/* Who looks for a host interrupt stops at it and is told whose it is; the world takes the next. */
static void
test_host_stops(void **state)
{
	struct descry_monitor *monitor = CREATE("\xb8\x20\x00\x8e\xe0\xeb\xfe");
	const struct descry_run_request probe = { .stop_at_host_interrupt = true };
	struct descry_world *world;
	struct descry_stop stop;

	(void)state;
	assert_int_equal(descry_world_create(monitor, &world), DESCRY_OK);
	inject(monitor, "host at 1");
	inject(monitor, "host at 0:7c05 4");
	descry_monitor_run(monitor, &probe, &stop);
	assert_int_equal(stop.reason, DESCRY_STOP_HOST_INTERRUPT);
	assert_int_equal(stop.retired, 1);
	assert_int_equal(stop.injection, 1);
	assert_non_null(strstr(stop.text, "host interrupt before 0000:7c03"));
	assert_non_null(strstr(stop.text, "; injected by 1: host at 1"));

	/* The next one is taken, and goes by. */
	assert_int_equal(run(monitor, 10).reason, DESCRY_STOP_STEP);
	assert_non_null(descry_world_last(world));
	assert_int_equal(descry_world_last(world)->retired, 5);
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
}

/* --- bad input ------------------------------------------------------------------------ */

static void
test_refusals(void **state)
{
	struct descry_monitor *monitor = create_as("\xeb\xfe", 2, "386");
	const struct descry_injection smi = { .kind = DESCRY_INJECT_SMI,
					      .when = { DESCRY_WHEN_EVERY, 5, 0, 0 } };
	const struct descry_injection nmi = { .kind = DESCRY_INJECT_NMI,
					      .when = { DESCRY_WHEN_EVERY, 5, 0, 0 } };
	const struct descry_injection *list;
	struct descry_error err;
	int number;

	(void)state;
	assert_int_equal(descry_monitor_inject(monitor, &smi, &number, &err), DESCRY_NOT_SUPPORTED);
	assert_non_null(strstr(err.text, "knob smm.map"));
	for (unsigned i = 0; i < DESCRY_INJECTIONS; i++) {
		assert_int_equal(descry_monitor_inject(monitor, &nmi, &number, &err), DESCRY_OK);
		assert_int_equal(number, i + 1);
	}
	assert_int_equal(descry_monitor_inject(monitor, &nmi, &number, &err), DESCRY_BAD_ARGUMENT);
	assert_int_equal(descry_monitor_delete_injection(monitor, 3), DESCRY_OK);
	assert_int_equal(descry_monitor_delete_injection(monitor, 3), DESCRY_NOT_FOUND);
	assert_int_equal(descry_monitor_inject(monitor, &nmi, &number, &err), DESCRY_OK);
	assert_int_equal(number, DESCRY_INJECTIONS + 1);
	assert_int_equal(descry_monitor_injections(monitor, &list), DESCRY_INJECTIONS);
	assert_int_equal(list[2].number, 4);
	descry_monitor_destroy(monitor);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),      cmocka_unit_test(test_random),
		cmocka_unit_test(test_grammar),    cmocka_unit_test(test_no_way_moves_it),
		cmocka_unit_test(test_added_late), cmocka_unit_test(test_halted),
		cmocka_unit_test(test_stops),      cmocka_unit_test(test_host_stops),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
