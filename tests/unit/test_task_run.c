/*
 * Task switches as instructions make them: how they count, where a fault of the new task is
 * delivered, and what becomes of exceptions on the way. Oracle: SDM vol. 3, Task Management and
 * Interrupt 8, and the run contract of <descry/vcpu.h>.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "task_machine.h"

#include <descry/debug.h>

static struct machine machine;

#define IDT 0x5000u
#define ORIGIN 0x7c00u
#define NEW_IP 0x8000u
#define HANDLER 0x9000u /* of vector n at HANDLER + 16 n */
#define INT_TASK 0x30u

static void
put_gate(struct machine *m, unsigned vector, unsigned access, uint16_t sel)
{
	poke64(m, IDT + 8 * vector,
	       (uint64_t)access << 40 | (uint32_t)sel << 16 | (HANDLER + 16 * vector));
}

static int
open_machine(void **state)
{
	struct machine *m = &machine;

	*state = m;
	machine_open(m);
	task_machine_set(m, 0);
	poke32(m, NEW_TSS + 0x20, NEW_IP);
	poke32(m, NEW_TSS + 0x38, 0x6000);
	poke16(m, NEW_TSS + 0x4c, CODE);
	poke16(m, NEW_TSS + 0x50, DATA);
	for (unsigned vector = 0; vector < INT_TASK; vector++)
		put_gate(m, vector, 0x8e, CODE);
	put_gate(m, INT_TASK, 0x85, SEL_NEW);
	descry_vcpu_state_mutable(m->vcpu)->idtr =
		(struct descry_table){ .base = IDT, .limit = 8 * INT_TASK + 7 };
	descry_vcpu_state_mutable(m->vcpu)->rip = ORIGIN;
	descry_vcpu_state_changed(m->vcpu);
	return 0;
}

static int
close_machine(void **state)
{
	struct machine *m = *state;

	descry_vcpu_destroy(m->vcpu);
	return 0;
}

static struct descry_exit
run(struct machine *m, const struct descry_control *control)
{
	struct descry_exit exit;

	descry_vcpu_memory_changed(m->vcpu);
	descry_vcpu_run(m->vcpu, control, &exit);
	return exit;
}

static void
step(struct machine *m)
{
	const struct descry_control one = { .budget = 1 };

	assert_int_equal(run(m, &one).reason, DESCRY_EXIT_BUDGET);
}

static const struct descry_state *
now(const struct machine *m)
{
	return descry_vcpu_state(m->vcpu);
}

#define CODE_BYTES 8u
static const struct {
	const char *what;
	uint8_t code[CODE_BYTES];
	uint32_t flags;
	uint8_t length;
} instructions[] = {
	/* clang-format off */
	{ "JMP to a TSS",   { 0xea, 0, 0, 0, 0, SEL_NEW, 0 }, 0,              7 },
	{ "CALL to a TSS",  { 0x9a, 0, 0, 0, 0, SEL_NEW, 0 }, 0,              7 },
	{ "INT n",          { 0xcd, INT_TASK },               0,              2 },
	{ "INT3",           { 0xcc },                         0,              1 },
	{ "INTO",           { 0xce },                         DESCRY_FLAG_OF, 1 },
	{ "INT1",           { 0xf1 },                         0,              1 },
	{ "IRET",           { 0xcf },                         DESCRY_FLAG_NT, 1 },
	/* clang-format on */
};
#define INSTRUCTION_COUNT (sizeof(instructions) / sizeof(instructions[0]))

static void
prepare(struct machine *m, size_t i)
{
	memcpy(&m->ram[ORIGIN], instructions[i].code, CODE_BYTES);
	for (unsigned vector = DESCRY_VEC_DB; vector <= DESCRY_VEC_OF; vector++)
		put_gate(m, vector, 0x85, SEL_NEW);
	if (instructions[i].flags & DESCRY_FLAG_NT) {
		poke16(m, OLD_TSS, SEL_NEW);
		m->ram[GDT + SEL_NEW + 5] |= 2;
	}
	descry_vcpu_state_mutable(m->vcpu)->rflags |= instructions[i].flags;
	descry_vcpu_state_changed(m->vcpu);
}

static void
each_instruction_that_switches_counts_as_one(void **state)
{
	for (size_t i = 0; i < INSTRUCTION_COUNT; i++) {
		struct machine *m = *state;

		prepare(m, i);
		step(m);
		assert_int_equal(now(m)->retired, 1);
		assert_int_equal(now(m)->rip, NEW_IP);
		assert_int_equal(now(m)->seg[DESCRY_TR].sel, SEL_NEW);
		assert_int_equal(peek32(m, OLD_TSS + 0x20), ORIGIN + instructions[i].length);
		close_machine(state);
		open_machine(state);
	}
}

/* The switch and the fault of the new task are the end of one and the same instruction. */
static void
so_does_one_whose_task_has_a_fault(void **state)
{
	for (size_t i = 0; i < INSTRUCTION_COUNT; i++) {
		struct machine *m = *state;

		prepare(m, i);
		poke16(m, NEW_TSS + 0x54, SEL_16); /* DS */
		step(m);
		assert_int_equal(now(m)->retired, 1);
		assert_int_equal(now(m)->rip, HANDLER + 16 * DESCRY_VEC_TS);
		assert_int_equal(now(m)->gpr[DESCRY_SP], 0x6000 - 16);
		assert_int_equal(peek32(m, 0x6000 - 16) & 0xfffe, SEL_16);
		assert_int_equal(peek32(m, 0x6000 - 12), NEW_IP);
		assert_int_equal(peek32(m, OLD_TSS + 0x20), ORIGIN + instructions[i].length);
		close_machine(state);
		open_machine(state);
	}
}

/* A refusal after it is as always: nothing of the switch is remembered. */
static void
a_switch_leaves_no_trace_in_the_next_transfer(void **state)
{
	struct machine *m = *state;

	prepare(m, 0);
	memcpy(&m->ram[NEW_IP], (const uint8_t[]){ 0xea, 0, 0, 0, 0, BEYOND, 0 }, 7);
	step(m);
	step(m);
	assert_int_equal(now(m)->rip, HANDLER + 16 * DESCRY_VEC_GP);
	assert_int_equal(peek32(m, 0x6000 - 12), NEW_IP);
	assert_int_equal(peek32(m, 0x6000 - 16), BEYOND);
}

/* Of a fault through a task gate: its error code goes to the new task, and it has one return. */
static void
a_fault_goes_to_a_task(void **state)
{
	struct machine *m = *state;

	memcpy(&m->ram[ORIGIN], (const uint8_t[]){ 0xea, 0, 0, 0, 0, BEYOND, 0 }, 7);
	put_gate(m, DESCRY_VEC_GP, 0x85, SEL_NEW);
	step(m);
	assert_int_equal(now(m)->retired, 1);
	assert_int_equal(now(m)->rip, NEW_IP);
	assert_int_equal(now(m)->gpr[DESCRY_SP], 0x6000 - 4);
	assert_int_equal(peek32(m, 0x6000 - 4), BEYOND);
	assert_int_equal(peek32(m, OLD_TSS + 0x20), ORIGIN);
	assert_int_equal(peek32(m, OLD_TSS + 0x24) & DESCRY_FLAG_RF, DESCRY_FLAG_RF);
}

/* The second fault is met in the new task, and EXT says that no program asked for it. */
static void
a_fault_of_the_handlers_task_is_a_double_fault(void **state)
{
	struct machine *m = *state;

	memcpy(&m->ram[ORIGIN], (const uint8_t[]){ 0xea, 0, 0, 0, 0, BEYOND, 0 }, 7);
	put_gate(m, DESCRY_VEC_GP, 0x85, SEL_NEW);
	poke16(m, NEW_TSS + 0x54, SEL_16);
	step(m);
	assert_int_equal(now(m)->rip, HANDLER + 16 * DESCRY_VEC_DF);
	assert_int_equal(now(m)->seg[DESCRY_TR].sel, SEL_NEW);
	assert_int_equal(peek32(m, 0x6000 - 16), 0);
	assert_int_equal(peek32(m, 0x6000 - 12), NEW_IP);
}

static void
a_benign_event_is_followed_by_the_fault_with_ext(void **state)
{
	struct machine *m = *state;

	memcpy(&m->ram[ORIGIN], (const uint8_t[]){ 0x0f, 0xff }, 2); /* #UD */
	put_gate(m, DESCRY_VEC_UD, 0x85, SEL_NEW);
	poke16(m, NEW_TSS + 0x54, SEL_16);
	step(m);
	assert_int_equal(now(m)->rip, HANDLER + 16 * DESCRY_VEC_TS);
	assert_int_equal(peek32(m, 0x6000 - 16), SEL_16 + 1);
}

/* The user's watch ends the run behind the instruction: its fault has been delivered by then. */
static void
a_watched_access_does_not_lose_the_fault(void **state)
{
	const struct descry_control watching = { .watch_access = 1 << DESCRY_DS };
	struct machine *m = *state;

	/* jmp far [0500h] */
	memcpy(&m->ram[ORIGIN], (const uint8_t[]){ 0xff, 0x2d, 0x00, 0x05, 0, 0 }, 6);
	poke16(m, 0x504, SEL_NEW);
	poke16(m, NEW_TSS + 0x54, SEL_16);
	assert_int_equal(run(m, &watching).reason, DESCRY_EXIT_ACCESS);
	assert_int_equal(now(m)->seg[DESCRY_TR].sel, SEL_NEW);
	assert_int_equal(now(m)->rip, HANDLER + 16 * DESCRY_VEC_TS);
}

/* SDM vol. 3, Task-Switch Exception Condition: after the switch, before the first instruction. */
static void
the_t_bit_traps(void **state)
{
	struct machine *m = *state;

	prepare(m, 0);
	put_gate(m, DESCRY_VEC_DB, 0x8e, CODE);
	m->ram[NEW_TSS + 0x64] = 1;
	step(m);
	assert_int_equal(now(m)->rip, HANDLER + 16 * DESCRY_VEC_DB);
	assert_int_equal(peek32(m, 0x6000 - 12), NEW_IP);
	assert_true(now(m)->dr[6] & DESCRY_DR6_BT);
	assert_int_equal(now(m)->retired, 1);
}

/* A task starts with TF as its TSS has it, and the trap is behind its first instruction. */
static void
a_task_may_begin_stepping(void **state)
{
	struct machine *m = *state;

	prepare(m, 0);
	put_gate(m, DESCRY_VEC_DB, 0x8e, CODE);
	poke32(m, NEW_TSS + 0x24, DESCRY_FLAG_ONE | DESCRY_FLAG_TF);
	m->ram[NEW_IP] = 0x90;
	step(m);
	assert_int_equal(now(m)->rip, NEW_IP);
	step(m);
	assert_int_equal(now(m)->rip, HANDLER + 16 * DESCRY_VEC_DB);
	assert_int_equal(peek32(m, 0x6000 - 12), NEW_IP + 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(each_instruction_that_switches_counts_as_one),
		TEST(so_does_one_whose_task_has_a_fault),
		TEST(a_switch_leaves_no_trace_in_the_next_transfer),
		TEST(a_fault_goes_to_a_task),
		TEST(a_fault_of_the_handlers_task_is_a_double_fault),
		TEST(a_benign_event_is_followed_by_the_fault_with_ext),
		TEST(a_watched_access_does_not_lose_the_fault),
		TEST(the_t_bit_traps),
		TEST(a_task_may_begin_stepping),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
