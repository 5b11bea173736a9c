/*
 * The engine: what a run counts, where it stops, and that blocks are never older than the
 * bytes they were made from. The oracle is the run contract of <descry/vcpu.h>.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "small_program.h"

static struct machine machine;

static int
open_machine(void **state)
{
	*state = &machine;
	machine_open(&machine);
	return 0;
}

static int
close_machine(void **state)
{
	struct machine *m = *state;

	descry_vcpu_destroy(m->vcpu);
	return 0;
}

/* --- budget --------------------------------------------------------------------------- */

static void
a_budget_is_exact_within_a_block(void **state)
{
	struct machine *m = *state;

	LOAD(m, 0x40, 0x40, 0x40, 0x40, 0xf4); /* inc ax, four times; hlt */
	for (unsigned i = 1; i <= 4; i++) {
		assert_int_equal(run(m, 1).reason, DESCRY_EXIT_BUDGET);
		assert_int_equal(descry_vcpu_state(m->vcpu)->gpr[DESCRY_AX], i);
		assert_int_equal(descry_vcpu_state(m->vcpu)->retired, i);
		assert_int_equal(descry_vcpu_state(m->vcpu)->rip, ORIGIN + i);
	}
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_HALTED);
	assert_int_equal(descry_vcpu_state(m->vcpu)->retired, 5);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_HALTED);
}

static void
a_rep_iteration_counts_as_one(void **state)
{
	struct machine *m = *state;
	const struct descry_state *cpu = descry_vcpu_state(m->vcpu);

	/* mov cx, 10; mov di, 500h; rep stosb; hlt */
	LOAD(m, 0xb9, 0x0a, 0x00, 0xbf, 0x00, 0x05, 0xf3, 0xaa, 0xf4);
	assert_int_equal(run(m, 6).reason, DESCRY_EXIT_BUDGET);
	assert_int_equal(cpu->gpr[DESCRY_CX], 6);
	assert_int_equal(cpu->gpr[DESCRY_DI], 0x504);
	assert_int_equal(cpu->rip, ORIGIN + 6);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_HALTED);
	assert_int_equal(cpu->gpr[DESCRY_DI], 0x50a);
	assert_int_equal(cpu->retired, 2 + 10 + 1);
}

static void
rep_with_an_empty_count_counts_as_one(void **state)
{
	struct machine *m = *state;

	LOAD(m, 0x31, 0xc9, 0xf3, 0xaa, 0xf4); /* xor cx, cx; rep stosb; hlt */
	run(m, 0);
	assert_int_equal(descry_vcpu_state(m->vcpu)->retired, 3);
}

static void
a_fault_counts_as_the_end_of_its_instruction(void **state)
{
	struct machine *m = *state;
	const struct descry_state *cpu = descry_vcpu_state(m->vcpu);

	/* xor cx, cx; div cl; vector 0 is at 0000:8000 */
	LOAD(m, 0x31, 0xc9, 0xf6, 0xf1);
	memcpy(m->ram, (const uint8_t[]){ 0x00, 0x80, 0x00, 0x00 }, 4);
	run(m, 2);
	assert_int_equal(cpu->retired, 2);
	assert_int_equal(cpu->rip, 0x8000);
	assert_int_equal(m->ram[0x6ffa] | m->ram[0x6ffb] << 8, ORIGIN + 2);
}

/* --- over one instruction --------------------------------------------------------------- */

/* cmp ax, bx; jb over the next; mov ax, bx; inc cx; hlt */
#define LARGER 0x39, 0xd8, 0x72, 0x02, 0x89, 0xd8, 0x41, 0xf4

static void
load_larger(struct machine *m, uint32_t ax, uint32_t bx)
{
	struct descry_state *cpu = descry_vcpu_state_mutable(m->vcpu);

	LOAD(m, LARGER);
	cpu->gpr[DESCRY_AX] = ax;
	cpu->gpr[DESCRY_BX] = bx;
	cpu->halted = 0;
}

static void
an_instruction_that_is_skipped_changes_and_counts_nothing(void **state)
{
	static const struct {
		uint32_t ax, bx, ax_after;
		uint64_t count;
	} cases[] = {
		{ 3, 7, 3, 4 },
		{ 7, 3, 3, 5 },
		{ 0xabcd0003, 0x12340007, 0xabcd0003, 4 },
		{ 0xabcd0007, 0x12340003, 0xabcd0003, 5 }, /* the upper half stays */
	};
	struct machine *m = *state;
	const struct descry_state *cpu = descry_vcpu_state(m->vcpu);

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint64_t before = cpu->retired;

		load_larger(m, cases[i].ax, cases[i].bx);
		assert_int_equal(run(m, 0).reason, DESCRY_EXIT_HALTED);
		assert_int_equal(cpu->gpr[DESCRY_AX], cases[i].ax_after);
		assert_int_equal(cpu->gpr[DESCRY_CX], i + 1);
		assert_int_equal(cpu->retired - before, cases[i].count);
	}
}

static void
a_budget_is_exact_around_a_skipped_instruction(void **state)
{
	static const uint16_t skipped[] = { 2, 6, 7, 8 }, executed[] = { 2, 4, 6, 7, 8 };
	struct machine *m = *state;

	for (unsigned budget = 1; budget <= 4; budget++) {
		load_larger(m, 3, 7);
		run(m, budget);
		assert_int_equal(descry_vcpu_state(m->vcpu)->rip, ORIGIN + skipped[budget - 1]);
	}
	for (unsigned budget = 1; budget <= 5; budget++) {
		load_larger(m, 7, 3);
		run(m, budget);
		assert_int_equal(descry_vcpu_state(m->vcpu)->rip, ORIGIN + executed[budget - 1]);
	}
}

/* On the branch, on what it skips, and behind. */
static void
a_breakpoint_stops_around_a_skipped_instruction(void **state)
{
	static const struct {
		uint32_t ax, at;
		bool stops;
	} cases[] = {
		{ 3, 2, true }, { 3, 4, false }, { 3, 6, true },
		{ 7, 2, true }, { 7, 4, true },  { 7, 6, true },
	};
	struct machine *m = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint64_t at[] = { ORIGIN + cases[i].at };
		const struct descry_control control = { .breakpoints = at, .breakpoint_count = 1 };
		struct descry_exit exit;

		load_larger(m, cases[i].ax, 5);
		descry_vcpu_run(m->vcpu, &control, &exit);
		assert_int_equal(exit.reason,
				 cases[i].stops ? DESCRY_EXIT_BREAKPOINT : DESCRY_EXIT_HALTED);
		if (cases[i].stops)
			assert_int_equal(descry_vcpu_state(m->vcpu)->rip, at[0]);
	}
}

/* jz leads over the last byte that CS allows, and beyond it. */
static void
a_branch_over_the_last_instruction_of_a_segment_faults(void **state)
{
	struct machine *m = *state;
	const struct descry_control control = { .events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT) };
	struct descry_exit exit;

	LOAD(m, 0x31, 0xc0, 0x74, 0x02, 0x89, 0xd8); /* xor ax, ax; jz over the next; mov ax, bx */
	put(m, DESCRY_CS, (struct descry_segment){ .limit = ORIGIN + 5, .attr = 0x9b });
	descry_vcpu_state_mutable(m->vcpu)->idtr.limit = 0;
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(descry_vcpu_event(m->vcpu, 0)->fault.vector, DESCRY_VEC_GP);
	assert_int_equal(descry_vcpu_event(m->vcpu, 0)->ip, ORIGIN + 2);
}

/* --- breakpoints, kick ---------------------------------------------------------------- */

static void
a_breakpoint_stops_before_its_instruction_and_lets_go(void **state)
{
	struct machine *m = *state;
	const uint64_t at[] = { ORIGIN + 2 };
	const struct descry_control control = { .breakpoints = at, .breakpoint_count = 1 };
	struct descry_exit exit;

	LOAD(m, 0x40, 0x40, 0x40, 0xf4); /* inc ax, three times; hlt */
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_BREAKPOINT);
	assert_int_equal(descry_vcpu_state(m->vcpu)->gpr[DESCRY_AX], 2);
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_HALTED);
	assert_int_equal(descry_vcpu_state(m->vcpu)->gpr[DESCRY_AX], 3);
}

static void
a_new_breakpoint_is_seen_in_a_block_that_has_run(void **state)
{
	struct machine *m = *state;
	const uint64_t at[] = { ORIGIN + 1 };
	const struct descry_control control = { .breakpoints = at, .breakpoint_count = 1 };
	struct descry_exit exit;

	LOAD(m, 0x40, 0x40, 0xeb, 0xfc); /* inc ax, twice; jmp back */
	run(m, 30);
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_BREAKPOINT);
	assert_int_equal(descry_vcpu_state(m->vcpu)->rip, ORIGIN + 1);
}

static void
a_kick_before_the_run_ends_it(void **state)
{
	struct machine *m = *state;

	LOAD(m, 0xeb, 0xfe); /* jmp $ */
	descry_vcpu_kick(m->vcpu);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_KICK);
	assert_int_equal(run(m, 1000).reason, DESCRY_EXIT_BUDGET);
}

/* --- code that is written ------------------------------------------------------------- */

static void
a_store_into_the_next_instruction_is_executed(void **state)
{
	struct machine *m = *state;

	/* mov byte [7C05h], 40h; nop (becomes inc ax); hlt */
	LOAD(m, 0xc6, 0x06, 0x05, 0x7c, 0x40, 0x90, 0xf4);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_HALTED);
	assert_int_equal(descry_vcpu_state(m->vcpu)->gpr[DESCRY_AX], 1);
	assert_int_equal(descry_vcpu_state(m->vcpu)->retired, 3);
}

static void
a_loop_that_rewrites_itself_is_exact(void **state)
{
	struct machine *m = *state;

	/*
	 * mov cx, 3; again: mov al, 0; inc byte [again + 1]; add bl, al; loop again; hlt
	 * adds 0 + 1 + 2
	 */
	LOAD(m, 0xb9, 0x03, 0x00, 0xb0, 0x00, 0xfe, 0x06, 0x04, 0x7c, 0x00, 0xc3, 0xe2, 0xf6, 0xf4);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_HALTED);
	assert_int_equal(descry_vcpu_state(m->vcpu)->gpr[DESCRY_BX], 3);
}

static void
bytes_that_were_no_instruction_are_looked_at_again(void **state)
{
	struct machine *m = *state;

	/* 0F FF is undefined: vector 6 at 0000:8000 patches it to 0F B6 C3, movzx ax, bl */
	LOAD(m, 0xb3, 0x2a, 0x0f, 0xff, 0xc3, 0xf4);
	memcpy(&m->ram[6 * 4], (const uint8_t[]){ 0x00, 0x80, 0x00, 0x00 }, 4);
	/* mov byte [7C03h], 0B6h; iret */
	memcpy(&m->ram[0x8000], (const uint8_t[]){ 0xc6, 0x06, 0x03, 0x7c, 0xb6, 0xcf }, 6);
	assert_int_equal(run(m, 100).reason, DESCRY_EXIT_HALTED);
	assert_int_equal(descry_vcpu_state(m->vcpu)->gpr[DESCRY_AX], 0x2a);
}

static void
an_instruction_across_pages_follows_both(void **state)
{
	struct machine *m = *state;
	const uint8_t code[] = { 0xb8, 0x34, 0x12, 0xeb, 0xfb }; /* mov ax, 1234h; jmp back */

	LOAD(m, 0xe9, 0xfc, 0x03); /* jmp 7FFFh */
	memcpy(&m->ram[0x7fff], code, sizeof(code));
	run(m, 2);
	assert_int_equal(descry_vcpu_state(m->vcpu)->gpr[DESCRY_AX], 0x1234);
	assert_int_equal(descry_vcpu_poke(m->vcpu, 0x8001, "\x56", 1), 1);
	run(m, 2);
	assert_int_equal(descry_vcpu_state(m->vcpu)->gpr[DESCRY_AX], 0x5634);
}

/* --- shadows, watches, events --------------------------------------------------------- */

static void
a_shadow_lasts_for_one_instruction(void **state)
{
	struct machine *m = *state;
	const struct descry_state *cpu = descry_vcpu_state(m->vcpu);

	LOAD(m, 0xfb, 0x8e, 0xd0, 0x90, 0xf4); /* sti; mov ss, ax; nop; hlt */
	run(m, 1);
	assert_int_equal(cpu->shadow, DESCRY_SHADOW_STI);
	run(m, 1);
	assert_int_equal(cpu->shadow, DESCRY_SHADOW_MOV_SS);
	run(m, 1);
	assert_int_equal(cpu->shadow, 0);
}

static void
a_watched_access_ends_the_run_behind_it(void **state)
{
	struct machine *m = *state;
	const struct descry_control control = { .watch_access = 1u << DESCRY_FS };
	const struct descry_event *event;
	struct descry_exit exit;

	LOAD(m, 0x40, 0x64, 0xa2, 0x34, 0x12, 0xf4); /* inc ax; mov fs:[1234h], al; hlt */
	put(m, DESCRY_FS, (struct descry_segment){ .base = 0x100, .limit = 0xffff, .attr = 0x93 });
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_ACCESS);
	assert_int_equal(descry_vcpu_event_count(m->vcpu), 1);
	event = descry_vcpu_event(m->vcpu, 0);
	assert_int_equal(event->kind, DESCRY_EVENT_ACCESS);
	assert_int_equal(event->sreg, DESCRY_FS);
	assert_int_equal(event->offset, 0x1234);
	assert_int_equal(event->linear, 0x1334);
	assert_int_equal(event->ip, ORIGIN + 1);
	assert_int_equal(event->retired, 1);
	assert_int_equal(descry_vcpu_state(m->vcpu)->rip, ORIGIN + 5);
	assert_int_equal(m->ram[0x1334], 1);
}

static void
a_watched_access_that_faults_is_left_undelivered(void **state)
{
	struct machine *m = *state;
	const struct descry_control control = { .watch_access = 1u << DESCRY_FS };
	struct descry_exit exit;

	LOAD(m, 0x64, 0xa2, 0x34, 0x12); /* mov fs:[1234h], al */
	put(m, DESCRY_FS, (struct descry_segment){ .limit = 0xfff, .attr = 0x93 });
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_ACCESS);
	assert_int_equal(descry_vcpu_event(m->vcpu, 0)->fault.vector, DESCRY_VEC_GP);
	assert_int_equal(descry_vcpu_state(m->vcpu)->rip, ORIGIN);
}

static void
an_unclaimed_vector_stops_at_the_culprit(void **state)
{
	struct machine *m = *state;
	const struct descry_control control = { .unhandled = 0xf000ff53 };
	struct descry_exit exit;

	LOAD(m, 0x90, 0xcd, 0x21); /* nop; int 21h */
	memcpy(&m->ram[0x21 * 4], (const uint8_t[]){ 0x53, 0xff, 0x00, 0xf0 }, 4);
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_UNHANDLED);
	assert_int_equal(exit.fault.vector, 0x21);
	assert_int_equal(descry_vcpu_state(m->vcpu)->rip, ORIGIN + 1);
	assert_int_equal(descry_vcpu_state(m->vcpu)->gpr[DESCRY_SP], 0x7000);
}

static void
a_triple_fault_shuts_down_for_good(void **state)
{
	struct machine *m = *state;
	const struct descry_control control = { .events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT) };
	struct descry_exit exit;

	LOAD(m, 0x0f, 0xff); /* undefined, with no IDT */
	descry_vcpu_state_mutable(m->vcpu)->idtr.limit = 0;
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_SHUTDOWN);
	assert_int_equal(exit.fault.vector, DESCRY_VEC_UD);
	/* A vector beyond the table is number 8 on a 386 with PE=0: knob rm.idt_limit. */
	assert_int_equal(descry_vcpu_event_count(m->vcpu), 2);
	assert_int_equal(descry_vcpu_event(m->vcpu, 0)->fault.vector, DESCRY_VEC_UD);
	assert_int_equal(descry_vcpu_event(m->vcpu, 1)->fault.vector, DESCRY_VEC_DF);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_SHUTDOWN);
}

static void
what_is_not_modelled_changes_nothing(void **state)
{
	struct machine *m = *state;
	struct descry_state before;
	struct descry_exit exit;

	LOAD(m, 0x0f, 0x24, 0xf0); /* mov eax, tr6 */
	before = *descry_vcpu_state(m->vcpu);
	exit = run(m, 0);
	assert_int_equal(exit.reason, DESCRY_EXIT_NOT_MODELLED);
	assert_string_equal(exit.text, "test registers are not part of this model");
	assert_memory_equal(&before, descry_vcpu_state(m->vcpu), sizeof(before));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(a_budget_is_exact_within_a_block),
		TEST(a_rep_iteration_counts_as_one),
		TEST(rep_with_an_empty_count_counts_as_one),
		TEST(a_fault_counts_as_the_end_of_its_instruction),
		TEST(an_instruction_that_is_skipped_changes_and_counts_nothing),
		TEST(a_budget_is_exact_around_a_skipped_instruction),
		TEST(a_breakpoint_stops_around_a_skipped_instruction),
		TEST(a_branch_over_the_last_instruction_of_a_segment_faults),
		TEST(a_breakpoint_stops_before_its_instruction_and_lets_go),
		TEST(a_new_breakpoint_is_seen_in_a_block_that_has_run),
		TEST(a_kick_before_the_run_ends_it),
		TEST(a_store_into_the_next_instruction_is_executed),
		TEST(a_loop_that_rewrites_itself_is_exact),
		TEST(bytes_that_were_no_instruction_are_looked_at_again),
		TEST(an_instruction_across_pages_follows_both),
		TEST(a_shadow_lasts_for_one_instruction),
		TEST(a_watched_access_ends_the_run_behind_it),
		TEST(a_watched_access_that_faults_is_left_undelivered),
		TEST(an_unclaimed_vector_stops_at_the_culprit),
		TEST(a_triple_fault_shuts_down_for_good),
		TEST(what_is_not_modelled_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
