/*
 * The monitor: start state, the sentence of every stop, devices, snapshots. Each guest is a
 * boot sector of a few bytes, its assembly beside it. Oracle: DESIGN (start state, stops, exit
 * status) and the manual's pages on the instructions.
 */
#include "sector_machine.h"

/* --- how runs end --------------------------------------------------------------------- */

static const struct {
	const char *what;
	const char *code;
	size_t size;
	enum descry_stop_reason reason;
	uint32_t ip;
	int vector, exit_status;
	const char *says[3];
} stops[] = {
/* clang-format off */
#define ROW(code) code, sizeof(code) - 1
	{ "mov al, 5; out 0xf4, al",
	  ROW("\xb0\x05\xe6\xf4"), DESCRY_STOP_GUEST_EXIT, 0x7c04, 255, 11,
	  { "guest exit, status 11", "5h" } },
	{ "mov eax, 0x80000003; out 0xf4, eax: the status is 8 bits",
	  ROW("\x66\xb8\x03\x00\x00\x80\x66\xe7\xf4"), DESCRY_STOP_GUEST_EXIT, 0x7c09, 255, 7,
	  { "guest exit, status 7", "80000003h" } },
	{ "cli; hlt",
	  ROW("\xfa\xf4"), DESCRY_STOP_HALTED, 0x7c02, 255, 0,
	  { "halted for ever at 0000:7c02, after hlt; cs 0000 base 00000000" } },
	{ "int 0x42 and no handler",
	  ROW("\xcd\x42"), DESCRY_STOP_UNHANDLED, 0x7c00, 0x42, 0,
	  { "unhandled vector 66 at 0000:7c00: int 0x42" } },
	{ "mov ax, [0xffff]: across the limit",
	  ROW("\xa1\xff\xff"), DESCRY_STOP_UNHANDLED, 0x7c00, 13, 0,
	  { "unhandled #GP (vector 13) at 0000:7c00: mov ax",
	    "; ds 0000 base 00000000 limit 0000ffff attr 0093" } },
	{ "mov gs, [0x10]; mov ax, gs:[0xffff]",
	  ROW("\x8e\x2e\x10\x00\x65\xa1\xff\xff"), DESCRY_STOP_UNHANDLED, 0x7c04, 13, 0,
	  { "at 0000:7c04: mov ax", "; gs ff53 base 000ff530" } },
	{ "mov bp, 0xffff; mov ax, [bp]: the stack segment",
	  ROW("\xbd\xff\xff\x8b\x46\x00"), DESCRY_STOP_UNHANDLED, 0x7c03, 12, 0,
	  { "unhandled #SS (vector 12)", "; ss 0000 base" } },
	{ "xor cx, cx; div cx",
	  ROW("\x31\xc9\xf7\xf1"), DESCRY_STOP_UNHANDLED, 0x7c02, 0, 0,
	  { "unhandled #DE (vector 0) at 0000:7c02: div cx", "; cs 0000" } },
	{ "ud2",
	  ROW("\x0f\x0b"), DESCRY_STOP_UNHANDLED, 0x7c00, 6, 0,
	  { "unhandled #UD (vector 6) at 0000:7c00" } },
	{ "lidt [0x7c08], limit 0; int3: nothing can be delivered",
	  ROW("\x0f\x01\x1e\x08\x7c\xcc\x90\x90\x00\x00\x00\x00\x00\x00"), DESCRY_STOP_SHUTDOWN,
	  0x7c05, -1, 0,
	  { "shutdown (triple fault): ", "#DF(0000) could not be delivered at 0000:7c05: int3; cs ",
	    "; ss 0000 base 00000000 limit 0000ffff attr 0093; idtr base 00000000 limit 0000" } },
	{ "mov al, 3; out 0x92, al: there is no ROM at the reset vector",
	  ROW("\xb0\x03\xe6\x92"), DESCRY_STOP_UNHANDLED, 0xfff0, 6, 0,
	  { "unhandled #UD (vector 6) at f000:fff0: " } },
	{ "mov tr6, eax: gone since the Pentium",
	  ROW("\x0f\x26\xf0"), DESCRY_STOP_UNHANDLED, 0x7c00, 6, 0,
	  { "unhandled #UD (vector 6) at 0000:7c00: " } },
	{ "icebp",
	  ROW("\xf1"), DESCRY_STOP_UNHANDLED, 0x7c00, 1, 0,
	  { "unhandled #DB (vector 1) at 0000:7c00: " } },
	{ "push 0x100; popf; nop: the trap stands behind the nop",
	  ROW("\x68\x00\x01\x9d\x90"), DESCRY_STOP_UNHANDLED, 0x7c05, 1, 0,
	  { "unhandled #DB (vector 1) at 0000:7c05: " } },
	{ "jmp 0x2000:0xfffe: into zeros, and over the limit of CS",
	  ROW("\xea\xfe\xff\x00\x20"), DESCRY_STOP_UNHANDLED, 0x10000, 13, 0,
	  { "at 2000:00010000: (beyond the limit of cs); cs 2000 base 00020000 limit 0000ffff" } },
#undef ROW
	/* clang-format on */
};

static void
test_stops(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(stops); i++) {
		struct descry_monitor *monitor = create(stops[i].code, stops[i].size);
		const struct descry_stop stop = run(monitor, 0);

		print_message("%s\n", stops[i].what);
		expect_text(stop.text, stops[i].says, COUNT_OF(stops[i].says));
		assert_int_equal(stop.reason, stops[i].reason);
		assert_int_equal(stop.ip, stops[i].ip);
		if (stops[i].vector >= 0 && stop.reason == DESCRY_STOP_UNHANDLED)
			assert_int_equal(stop.fault.vector, stops[i].vector);
		assert_int_equal(stop.exit_status, stops[i].exit_status);
		descry_monitor_destroy(monitor);
	}
}

static const struct {
	const char *instruction;
	const char *prefixes;
	unsigned set;
} segment_cases[] = {
	/* clang-format off */
	{ "mov fs:[eax], 0x0",        "",         1u << DESCRY_FS },
	{ "mov ax, [bx+si*1]",        "",         1u << DESCRY_DS },
	{ "mov ax, [bp+si*1]",        "",         1u << DESCRY_SS },
	{ "mov eax, [esp+0x4]",       "",         1u << DESCRY_SS },
	{ "mov eax, [ebx+ebp*2]",     "",         1u << DESCRY_DS },
	{ "mov eax, es:[ebp]",        "",         1u << DESCRY_ES },
	{ "mov gs, ax",               "",         1u << DESCRY_GS },
	{ "push [bx]",                "",         1u << DESCRY_SS | 1u << DESCRY_DS },
	{ "rep movsb",                "\xf3",     1u << DESCRY_ES | 1u << DESCRY_DS },
	{ "rep movsb",                "\xf3\x65", 1u << DESCRY_ES | 1u << DESCRY_GS },
	{ "lodsd",                    "\x66\x2e", 1u << DESCRY_CS },
	{ "stosw",                    "\x64",     1u << DESCRY_ES },
	{ "xlat",                     "\x36\x3e", 1u << DESCRY_DS },
	{ "call 0x7c80",              "",         1u << DESCRY_SS },
	{ "lea ax, [bp]",             "",         0 },
	{ "add ax, bx",               "",         0 },
	{ "inc ax",                   "",         0 },
	{ "pushes_are_not_push",      "",         0 },
	/* clang-format on */
};

static void
test_segments_of(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(segment_cases); i++) {
		const char *prefixes = segment_cases[i].prefixes;

		print_message("%s\n", segment_cases[i].instruction);
		assert_int_equal(stop_segments_of(segment_cases[i].instruction,
						  (const uint8_t *)prefixes,
						  (unsigned)strlen(prefixes)),
				 segment_cases[i].set);
	}
}

static void
test_symbol_in_stop(void **state)
{
	struct descry_monitor *monitor = CREATE("\x90\x90\x0f\x0b");
	const struct symbol symbol = { .address = 0x7c00 };
	struct descry_stop stop;
	uint64_t linear = 0;

	(void)state;
	assert_true(symbols_add(&monitor->symbols, &symbol, "store"));
	symbols_sort(&monitor->symbols);
	stop = run(monitor, 0);
	assert_non_null(strstr(stop.text, " at 0000:7c02 store+2: "));
	assert_true(descry_monitor_symbol(monitor, "store", &linear));
	assert_int_equal(linear, 0x7c00);
	assert_false(descry_monitor_symbol(monitor, "load", &linear));
	assert_string_equal(descry_monitor_symbol_name(monitor, 0), "store");
	assert_null(descry_monitor_symbol_name(monitor, 1));
	descry_monitor_destroy(monitor);
}

/* --- the start ------------------------------------------------------------------------ */

static void
test_start_state(void **state)
{
	struct descry_monitor *monitor = CREATE("\x90");
	const struct descry_state *cpu = descry_vcpu_state(descry_monitor_vcpu(monitor));
	const struct descry_segment real = { 0, 0xffff, 0, 0x93 };
	uint8_t vector[4], iret;

	(void)state;
	for (enum descry_sreg sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
		const struct descry_segment_provenance *from =
			descry_vcpu_provenance(descry_monitor_vcpu(monitor), sreg);

		assert_memory_equal(&cpu->seg[sreg], &real, sizeof(real));
		assert_int_equal(from->base.cause, DESCRY_CAUSE_START);
		assert_int_equal(from->limit.cause, DESCRY_CAUSE_START);
		assert_int_equal(from->attr.cause, DESCRY_CAUSE_START);
	}
	for (unsigned gpr = 0; gpr < 16; gpr++)
		assert_int_equal(cpu->gpr[gpr], gpr == DESCRY_SP   ? 0x7000
						: gpr == DESCRY_DX ? 0x80
								   : 0);
	assert_int_equal(cpu->rip, 0x7c00);
	assert_int_equal(cpu->rflags, 2);
	assert_int_equal(cpu->cr0, 0x10);
	assert_int_equal(cpu->idtr.base, 0);
	assert_int_equal(cpu->idtr.limit, 0x3ff);
	assert_int_equal(cpu->gdtr.base, 0);
	assert_int_equal(cpu->gdtr.limit, 0);
	assert_int_equal(cpu->a20_masked, 0);
	assert_int_equal(cpu->retired, 0);
	assert_int_equal(memory_read(&monitor->memory, 255 * 4, vector, 4), 4);
	assert_memory_equal(vector, "\x53\xff\x00\xf0", 4);
	assert_int_equal(memory_read(&monitor->memory, 0xfff53, &iret, 1), 1);
	assert_int_equal(iret, 0xcf);
	assert_int_equal(descry_monitor_last_stop(monitor)->reason, DESCRY_STOP_START);
	descry_monitor_destroy(monitor);
}

/* jmp f000:e05b at the reset vector, and there cli; hlt. */
static void
test_rom_starts_at_reset(void **state)
{
	static uint8_t rom[0x10000];
	struct descry_monitor *monitor;
	struct descry_options options = { 0 };
	char name[TEMP_FILE_NAME];
	struct descry_error err;
	struct descry_stop stop;

	(void)state;
	memcpy(rom + 0xfff0, "\xea\x5b\xe0\x00\xf0", 5);
	memcpy(rom + 0xe05b, "\xfa\xf4", 2);
	temp_file_write(name, rom, sizeof(rom));
	options.rom = name;
	assert_int_equal(descry_monitor_create(&options, &monitor, &err), DESCRY_OK);
	unlink(name);
	assert_int_equal(descry_vcpu_linear_ip(descry_monitor_vcpu(monitor)), 0xfffffff0);
	stop = run(monitor, 0);
	assert_int_equal(stop.reason, DESCRY_STOP_HALTED);
	assert_int_equal(stop.cs, 0xf000);
	assert_int_equal(stop.ip, 0xe05d);
	assert_string_equal(descry_monitor_image_name(monitor), name);
	descry_monitor_destroy(monitor);
}

static const struct {
	const char *what;
	struct descry_options options; /* .loads: one at 500h when .load_count is 1 */
	enum descry_status status;
	const char *says[3];
} option_cases[] = {
	/* clang-format off */
	{ "nothing at all", { 0 }, DESCRY_BAD_ARGUMENT, { "nothing to run", "--rom" } },
	{ "a file without a place to begin", { .load_count = 1 }, DESCRY_BAD_ARGUMENT, { "--entry" } },
	{ "with one", { .load_count = 1, .entry = "0:500" }, DESCRY_OK, { NULL } },
	{ "with a bad one", { .load_count = 1, .entry = "500" }, DESCRY_BAD_ARGUMENT, { "SEG:OFF" } },
	{ "no such image", { .image = "no-such-file" }, DESCRY_NOT_FOUND, { "no-such-file" } },
	{ "no such ROM", { .rom = "no-such-file" }, DESCRY_NOT_FOUND, { "no-such-file" } },
	{ "no such profile", { .load_count = 1, .entry = "0:500", .profile = "i987" },
	  DESCRY_NOT_FOUND, { "i987", "-c help" } },
	{ "too much RAM", { .load_count = 1, .entry = "0:500", .ram_mib = 4096 },
	  DESCRY_BAD_ARGUMENT, { "-m 4096", "2048" } },
	/* clang-format on */
};

static void
test_options(void **state)
{
	char name[TEMP_FILE_NAME];
	struct descry_raw_load load = { name, 0x500 };

	(void)state;
	temp_file_write(name, "\xf4", 1);
	for (size_t i = 0; i < COUNT_OF(option_cases); i++) {
		struct descry_options options = option_cases[i].options;
		struct descry_monitor *monitor = NULL;
		struct descry_error err;

		print_message("%s\n", option_cases[i].what);
		options.loads = &load;
		assert_int_equal(descry_monitor_create(&options, &monitor, &err),
				 option_cases[i].status);
		assert_int_equal(err.status, option_cases[i].status);
		expect_text(err.text, option_cases[i].says, COUNT_OF(option_cases[i].says));
		descry_monitor_destroy(monitor);
	}
	unlink(name);
}

/* --- devices and the CPU -------------------------------------------------------------- */

static void
test_a20(void **state)
{
	/*
	 * ds = ffff; [0510] = 11; port 92 = 0; [0510] = 22; port 92 = 2; [0511] = 33; hlt.
	 * ffff:0510 is 100500h, or 500h while the gate is closed.
	 */
	struct descry_monitor *monitor = CREATE("\xb8\xff\xff\x8e\xd8"
						"\xc6\x06\x10\x05\x11\xb0\x00\xe6\x92"
						"\xc6\x06\x10\x05\x22\xb0\x02\xe6\x92"
						"\xc6\x06\x11\x05\x33\xf4");
	uint8_t low[2], high[2];

	(void)state;
	assert_int_equal(run(monitor, 0).reason, DESCRY_STOP_HALTED);
	memory_read(&monitor->memory, 0x500, low, 2);
	memory_read(&monitor->memory, 0x100500, high, 2);
	assert_memory_equal(low, "\x22\x00", 2);
	assert_memory_equal(high, "\x11\x33", 2);
	descry_monitor_destroy(monitor);
}

/* The fast reset is one of the CPU: what it finds of the memory and of A20 is as it was. */
static void
test_fast_reset(void **state)
{
	/* byte [0500] = 5a; port 92 = 1; hlt */
	struct descry_monitor *monitor = CREATE("\xc6\x06\x00\x05\x5a\xb0\x01\xe6\x92\xf4");
	const struct descry_state *cpu = descry_vcpu_state(descry_monitor_vcpu(monitor));
	uint8_t kept;

	(void)state;
	assert_int_equal(run(monitor, 3).reason, DESCRY_STOP_STEP);
	assert_int_equal(cpu->rip, 0x7c09);
	assert_int_equal(cpu->pending, DESCRY_PENDING_INIT);
	assert_int_equal(run(monitor, 0).reason, DESCRY_STOP_UNHANDLED);
	assert_int_equal(cpu->pending, 0);
	assert_int_equal(cpu->seg[DESCRY_CS].sel, 0xf000);
	assert_int_equal(cpu->seg[DESCRY_CS].base, 0xffff0000);
	assert_int_equal(cpu->rip, 0xfff0);
	assert_int_equal(cpu->gpr[DESCRY_DX], 0x633);
	assert_int_equal(cpu->gpr[DESCRY_AX], 0);
	assert_int_equal(cpu->a20_masked, 1);
	memory_read(&monitor->memory, 0x500, &kept, 1);
	assert_int_equal(kept, 0x5a);
	descry_monitor_destroy(monitor);
}

static void
test_console(void **state)
{
	/* mov al, 'h'; out 0xe9, al; mov dx, 0x3f8; inc ax; out dx, al; hlt */
	struct descry_monitor *monitor = CREATE("\xb0\x68\xe6\xe9\xba\xf8\x03\x40\xee\xf4");

	(void)state;
	assert_int_equal(run(monitor, 0).reason, DESCRY_STOP_HALTED);
	assert_string_equal(console.text, "hi");
	descry_monitor_destroy(monitor);
}

/* --- snapshots ------------------------------------------------------------------------ */

/* Fills the stack with a counter that goes round: memory differs at every step. */
#define FILL "\x40\x50\x8e\xe0\xe6\x80\xeb\xf8" /* inc ax; push ax; mov fs, ax; out 80, al; jmp */

struct whole {
	struct descry_vcpu_image cpu;
	uint8_t ram[0x20000];
	uint8_t post;
};

static void
capture(struct descry_monitor *monitor, struct whole *whole)
{
	memset(whole, 0, sizeof(*whole));
	descry_vcpu_save(descry_monitor_vcpu(monitor), &whole->cpu);
	assert_int_equal(memory_read(&monitor->memory, 0, whole->ram, sizeof(whole->ram)),
			 sizeof(whole->ram));
	whole->post = monitor->devices.state.post;
}

static void
expect_same(struct descry_monitor *monitor, const struct whole *expected)
{
	static struct whole now;

	capture(monitor, &now);
	assert_memory_equal(&now.cpu.state, &expected->cpu.state, sizeof(now.cpu.state));
	assert_memory_equal(now.cpu.provenance, expected->cpu.provenance,
			    sizeof(now.cpu.provenance));
	assert_memory_equal(now.ram, expected->ram, sizeof(now.ram));
	assert_int_equal(now.post, expected->post);
}

static void
test_snapshots(void **state)
{
	enum { MARKS = 5, STRIDE = 7777 };
	static struct whole marks[MARKS];
	static const unsigned order[] = { 4, 0, 3, 3, 1, 2, 4, 0, 2 };
	struct descry_snapshot *snapshots[MARKS];
	struct descry_monitor *monitor = CREATE(FILL);

	(void)state;
	for (unsigned i = 0; i < MARKS; i++) {
		assert_int_equal(descry_snapshot_take(monitor, &snapshots[i]), DESCRY_OK);
		capture(monitor, &marks[i]);
		run(monitor, STRIDE);
	}
	/* Back to each, from anywhere; and the way from each to the next is the same again. */
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		descry_snapshot_restore(monitor, snapshots[order[i]]);
		expect_same(monitor, &marks[order[i]]);
		run(monitor, STRIDE);
		if (order[i] + 1 < MARKS)
			expect_same(monitor, &marks[order[i] + 1]);
	}
	descry_monitor_reset(monitor);
	expect_same(monitor, &marks[0]);
	for (unsigned i = 0; i < MARKS; i++)
		descry_snapshot_free(snapshots[i]);
	descry_monitor_destroy(monitor);
}

/* The code that a guest has written over itself comes back, too. */
static void
test_snapshot_of_code(void **state)
{
	/* mov byte [0x7c05], 0xf4; nop, which becomes hlt; jmp $ */
	struct descry_monitor *monitor = CREATE("\xc6\x06\x05\x7c\xf4\x90\xeb\xfe");

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		descry_vcpu_state_mutable(descry_monitor_vcpu(monitor))->rip = 0x7c05;
		descry_vcpu_state_changed(descry_monitor_vcpu(monitor));
		assert_int_equal(run(monitor, 100).reason, DESCRY_STOP_STEP);
		descry_monitor_reset(monitor);
		assert_int_equal(run(monitor, 100).reason, DESCRY_STOP_HALTED);
		descry_monitor_reset(monitor);
	}
	descry_monitor_destroy(monitor);
}

/* --- the host window ------------------------------------------------------------------ */

static void
test_host_window(void **state)
{
	struct descry_monitor *monitor = CREATE("\x90");
	uint8_t byte = 0;

	(void)state;
	descry_monitor_host_window(monitor)[3] = 0x77;
	assert_int_equal(descry_vcpu_peek(monitor->vcpu, DESCRY_HOST_WINDOW + 3, &byte, 1), 0);
	descry_monitor_map_host_window(monitor, true);
	assert_int_equal(descry_vcpu_peek(monitor->vcpu, DESCRY_HOST_WINDOW + 3, &byte, 1), 1);
	assert_int_equal(byte, 0x77);
	descry_monitor_map_host_window(monitor, false);
	assert_int_equal(descry_vcpu_peek(monitor->vcpu, DESCRY_HOST_WINDOW + 3, &byte, 1), 0);
	descry_monitor_destroy(monitor);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_segments_of),
		cmocka_unit_test(test_symbol_in_stop),
		cmocka_unit_test(test_start_state),
		cmocka_unit_test(test_rom_starts_at_reset),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_a20),
		cmocka_unit_test(test_fast_reset),
		cmocka_unit_test(test_console),
		cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_snapshot_of_code),
		cmocka_unit_test(test_host_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
