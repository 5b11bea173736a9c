/*
 * An instruction and the conditional jump behind it that one handler executes: whether the first
 * one faults, where that leaves the CPU, and what the jump makes of its flags. The oracle is SDM
 * vol. 2, CMP, TEST, Jcc, and the run contract: each of the two counts and can be stopped at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "small_program.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define GOOD 0x2000u /* holds 5 */
#define BAD 0xffffu  /* a word there crosses the limit */

static struct machine machine;

static const struct {
	const char *what;
	uint8_t code[6]; /* the first of the two; JE over two INC CX (one would be a skip), HLT */
	unsigned size;
	uint16_t ax;
	bool taken;
	bool no_memory;
} pairs[] = {
	{ "cmp ax, [bx]: equal", { 0x3b, 0x07 }, 2, 5, true, false },
	{ "cmp ax, [bx]: not", { 0x3b, 0x07 }, 2, 6, false, false },
	{ "cmp [bx], ax: equal", { 0x39, 0x07 }, 2, 5, true, false },
	{ "cmp [bx], ax: not", { 0x39, 0x07 }, 2, 6, false, false },
	{ "cmp word [bx], 5", { 0x83, 0x3f, 0x05 }, 3, 0, true, false },
	{ "test [bx], ax: no bit in common", { 0x85, 0x07 }, 2, 2, true, false },
	{ "test [bx], ax: one", { 0x85, 0x07 }, 2, 4, false, false },
	{ "test word [bx], 2", { 0xf7, 0x07, 0x02, 0x00 }, 4, 0, true, false },
	{ "cmp eax, [bx]", { 0x66, 0x3b, 0x07 }, 3, 5, true, false },
	{ "cmp [bx], eax", { 0x66, 0x39, 0x07 }, 3, 5, true, false },
	{ "shl ax, 1: to zero", { 0xd1, 0xe0 }, 2, 0x8000, true, true },
	{ "shl ax, 1: not", { 0xd1, 0xe0 }, 2, 1, false, true },
	{ "shr ax, 1: to zero", { 0xd1, 0xe8 }, 2, 1, true, true },
	{ "shr eax, 1: not", { 0x66, 0xd1, 0xe8 }, 3, 2, false, true },
	{ "inc ax: to zero", { 0x40 }, 1, 0xffff, true, true },
	{ "inc eax: not", { 0x66, 0x40 }, 2, 0xffff, false, true },
	{ "dec ax: to zero", { 0x48 }, 1, 1, true, true },
	{ "cmp al, bh: equal", { 0x38, 0xf8 }, 2, 0x20, true, true },
	{ "test ax, ax", { 0x85, 0xc0 }, 2, 0, true, true },
};

static void
begin(size_t i, uint16_t bx)
{
	struct descry_state *state;
	uint8_t code[16];

	memcpy(code, pairs[i].code, pairs[i].size);
	memcpy(code + pairs[i].size, "\x74\x02\x41\x41\xf4", 5);
	load(&machine, code, sizeof(code));
	memset(&machine.ram[GOOD], 0, 4);
	machine.ram[GOOD] = 5;
	state = descry_vcpu_state_mutable(machine.vcpu);
	state->idtr = (struct descry_table){ .limit = 0x3ff };
	memcpy(&machine.ram[DESCRY_VEC_GP * 4], "\x00\x60\x00\x00", 4);
	machine.ram[0x6000] = 0xf4;
	descry_vcpu_memory_changed(machine.vcpu);
	state->gpr[DESCRY_AX] = pairs[i].ax;
	state->gpr[DESCRY_BX] = bx;
	state->gpr[DESCRY_CX] = 0;
	state->halted = 0;
	state->retired = 0;
	descry_vcpu_state_changed(machine.vcpu);
}

static const struct descry_state *
cpu(void)
{
	return descry_vcpu_state(machine.vcpu);
}

/* Budgets of one instruction each run them alone, a large one together. */
static uint64_t
run_in_pieces(uint64_t piece)
{
	while (run(&machine, piece).reason == DESCRY_EXIT_BUDGET)
		assert_true(cpu()->retired < 100);
	return cpu()->retired;
}

static void
the_jump_goes_by_what_was_in_memory(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		for (uint64_t piece = 1; piece <= 100; piece += 99) {
			print_message("%s\n", pairs[i].what);
			begin(i, GOOD);
			assert_int_equal(run_in_pieces(piece), pairs[i].taken ? 3 : 5);
			assert_int_equal(cpu()->gpr[DESCRY_CX], pairs[i].taken ? 0 : 2);
		}
	}
}

/* The first of the two is refused: the second has not run, and the frame names the first. */
static void
a_fault_is_that_of_the_first(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		for (uint64_t piece = 1; piece <= 100 && !pairs[i].no_memory; piece += 99) {
			print_message("%s\n", pairs[i].what);
			begin(i, BAD);
			assert_int_equal(run_in_pieces(piece), 2);
			assert_int_equal(cpu()->rip, 0x6001);
			assert_int_equal(cpu()->gpr[DESCRY_CX], 0);
			assert_memory_equal(&machine.ram[0x7000 - 6], "\x00\x7c", 2);
		}
	}
}

/* A form of an older CPU has a handler of its own, and the jump one for itself: SHL AX, CL. */
static void
an_older_form_stays_alone(void **unused)
{
	struct machine older;
	struct descry_state *state;

	(void)unused;
	machine_open_as(&older, "8086");
	LOAD(&older, 0xd3, 0xe0, 0x74, 0x01, 0x43, 0xf4);
	state = descry_vcpu_state_mutable(older.vcpu);
	state->gpr[DESCRY_AX] = 1;
	state->gpr[DESCRY_CX] = 17;
	assert_int_equal(run(&older, 100).reason, DESCRY_EXIT_HALTED);
	assert_int_equal(descry_vcpu_state(older.vcpu)->gpr[DESCRY_AX], 0);
	assert_int_equal(descry_vcpu_state(older.vcpu)->gpr[DESCRY_BX], 0); /* it jumps */
	descry_vcpu_destroy(older.vcpu);
}

static int
open_386(void **state)
{
	(void)state;
	machine_open_as(&machine, "386");
	return 0;
}

static int
close_386(void **state)
{
	(void)state;
	descry_vcpu_destroy(machine.vcpu);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_jump_goes_by_what_was_in_memory),
		cmocka_unit_test(a_fault_is_that_of_the_first),
		cmocka_unit_test(an_older_form_stays_alone),
	};

	return cmocka_run_group_tests(tests, open_386, close_386);
}
