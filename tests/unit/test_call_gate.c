/*
 * Far JMP and CALL through gates: where they arrive, what is on which stack, and what is refused.
 * Oracle: SDM vol. 2, JMP and CALL; vol. 3, Call Gates, Stack Switching.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expect_verdict.h"
#include "task_machine.h"

#include "far.h"

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

#define RETURN_IP 0x11223344u
#define INNER_SP 0x6000u
#define IGNORED 0xdeadu /* the offset in the pointer, where a gate is */

static uint64_t
gate(unsigned access, uint16_t sel, uint32_t offset, unsigned parameters)
{
	return (uint64_t)(offset & 0xffff0000) << 32 | (uint64_t)access << 40 |
	       (uint64_t)parameters << 32 | (uint32_t)sel << 16 | (offset & 0xffff);
}

static void
set(struct machine *m, unsigned cpl, uint64_t descriptor)
{
	task_machine_set(m, cpl);
	poke64(m, GDT + GATE, descriptor);
	poke32(m, OLD_TSS + 4, INNER_SP);
	poke16(m, OLD_TSS + 8, DATA);
}

static bool
call(struct machine *m, uint16_t sel)
{
	return far_call(cpu_of(m), sel, IGNORED, 4, RETURN_IP);
}

/* --- transfers ------------------------------------------------------------------------ */

static void
expect_at(struct machine *m, uint16_t cs, uint32_t ip, uint16_t ss, uint32_t sp)
{
	const struct cpu *c = cpu_of(m);

	assert_int_equal(c->state.seg[DESCRY_CS].sel, cs);
	assert_int_equal(c->target, ip);
	assert_int_equal(c->state.seg[DESCRY_SS].sel, ss);
	assert_int_equal(c->state.gpr[DESCRY_SP], sp);
	assert_int_equal(c->fault.vector, NONE);
	assert_false(c->switched);
}

static void
a_call_in_the_same_ring_pushes_what_the_gate_says(void **state)
{
	struct machine *m = *state;

	set(m, 0, gate(0x8c, CODE + 3, 0x12345678, 7)); /* neither RPL nor parameters count */
	assert_true(call(m, GATE));
	expect_at(m, CODE, 0x12345678, DATA, 0x7000 - 8);
	assert_int_equal(peek32(m, 0x6ffc), CODE);
	assert_int_equal(peek32(m, 0x6ff8), RETURN_IP);

	set(m, 0, gate(0x84, CODE, 0x12345678, 7)); /* 16-bit: words, and half of the offset */
	assert_true(call(m, GATE));
	expect_at(m, CODE, 0x5678, DATA, 0x7000 - 4);
	assert_int_equal(peek16(m, 0x6ffe), CODE);
	assert_int_equal(peek16(m, 0x6ffc), RETURN_IP & 0xffff);
}

static void
a_call_to_an_inner_ring_copies_the_parameters(void **state)
{
	struct machine *m = *state;

	set(m, 3, gate(0xec, CODE, 0x1000, 3));
	for (unsigned i = 0; i < 4; i++)
		poke32(m, 0x7000 + 4 * i, 0xaa00 + i);
	assert_true(call(m, GATE + 3));
	expect_at(m, CODE, 0x1000, DATA, INNER_SP - 28);
	assert_int_equal(peek32(m, INNER_SP - 4), USER_DATA);
	assert_int_equal(peek32(m, INNER_SP - 8), 0x7000);
	assert_int_equal(peek32(m, INNER_SP - 12), 0xaa02);
	assert_int_equal(peek32(m, INNER_SP - 16), 0xaa01);
	assert_int_equal(peek32(m, INNER_SP - 20), 0xaa00);
	assert_int_equal(peek32(m, INNER_SP - 24), USER_CODE);
	assert_int_equal(peek32(m, INNER_SP - 28), RETURN_IP);
	assert_int_equal(descry_cpl(&cpu_of(m)->state), 0);
}

static void
a_16_bit_gate_makes_a_frame_of_words(void **state)
{
	struct machine *m = *state;

	set(m, 3, gate(0xe4, CODE, 0xffff1000, 2));
	poke16(m, 0x7000, 0xaa00);
	poke16(m, 0x7002, 0xaa01);
	assert_true(call(m, GATE + 3));
	expect_at(m, CODE, 0x1000, DATA, INNER_SP - 12);
	assert_int_equal(peek16(m, INNER_SP - 2), USER_DATA);
	assert_int_equal(peek16(m, INNER_SP - 4), 0x7000);
	assert_int_equal(peek16(m, INNER_SP - 6), 0xaa01);
	assert_int_equal(peek16(m, INNER_SP - 8), 0xaa00);
	assert_int_equal(peek16(m, INNER_SP - 10), USER_CODE);
	assert_int_equal(peek16(m, INNER_SP - 12), RETURN_IP & 0xffff);
}

static void
all_31_parameters_go_along(void **state)
{
	struct machine *m = *state;

	set(m, 3, gate(0xec, CODE, 0x1000, 31));
	for (unsigned i = 0; i < 31; i++)
		poke32(m, 0x7000 + 4 * i, 0xaa00 + i);
	assert_true(call(m, GATE + 3));
	expect_at(m, CODE, 0x1000, DATA, INNER_SP - 35 * 4);
	for (unsigned i = 0; i < 31; i++)
		assert_int_equal(peek32(m, INNER_SP - 33 * 4 + 4 * i), 0xaa00 + i);
}

/* SDM vol. 3, Returning from a Called Procedure: RET n drops them from both stacks. */
static void
a_return_drops_them_from_both_stacks(void **state)
{
	struct machine *m = *state;

	set(m, 3, gate(0xec, CODE, 0x1000, 2));
	assert_true(call(m, GATE + 3));
	assert_true(far_return(cpu_of(m), 4, 8));
	expect_at(m, USER_CODE, RETURN_IP, USER_DATA, 0x7000 + 8);
	assert_int_equal(descry_cpl(&cpu_of(m)->state), 3);
}

static void
conforming_code_is_called_on_the_callers_stack(void **state)
{
	struct machine *m = *state;

	set(m, 3, gate(0xec, CONFORMING, 0x1000, 3));
	assert_true(call(m, GATE + 3));
	expect_at(m, CONFORMING + 3, 0x1000, USER_DATA, 0x7000 - 8);
}

static void
a_16_bit_tss_names_the_inner_stack_in_words(void **state)
{
	struct machine *m = *state;

	set(m, 3, gate(0xec, CODE, 0x1000, 0));
	cpu_of(m)->state.seg[DESCRY_TR] = from_gdt(SEL_16);
	poke16(m, TSS16 + 2, 0x5000);
	poke16(m, TSS16 + 4, STACK16);
	assert_true(call(m, GATE + 3));
	assert_int_equal(cpu_of(m)->state.seg[DESCRY_SS].sel, STACK16);
	assert_int_equal(cpu_of(m)->state.gpr[DESCRY_SP] & 0xffff, 0x5000 - 16);
	assert_int_equal(peek32(m, 0x5000 - 4), USER_DATA);
}

static void
a_jump_through_a_gate_uses_no_stack(void **state)
{
	struct machine *m = *state;

	set(m, 0, gate(0x8c, CODE + 3, 0x12345678, 3));
	assert_true(far_jump(cpu_of(m), GATE, IGNORED, RETURN_IP));
	expect_at(m, CODE, 0x12345678, DATA, 0x7000);

	set(m, 3, gate(0xec, CONFORMING, 0x1000, 3));
	assert_true(far_jump(cpu_of(m), GATE + 3, IGNORED, RETURN_IP));
	expect_at(m, CONFORMING + 3, 0x1000, USER_DATA, 0x7000);
}

/* --- tasks ---------------------------------------------------------------------------- */

static void
a_task_gate_and_a_tss_switch(void **state)
{
	static const struct {
		uint16_t sel;
		bool is_call;
		uint8_t old_access;
	} rows[] = { { GATE, false, 0x89 },
		     { GATE, true, 0x8b },
		     { SEL_NEW, false, 0x89 },
		     { SEL_NEW, true, 0x8b } };
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);

	for (size_t i = 0; i < COUNT(rows); i++) {
		set(m, 0, gate(0x85, SEL_NEW, 0, 0));
		poke32(m, NEW_TSS + 0x20, 0x4321);
		poke16(m, NEW_TSS + 0x4c, CODE);
		poke16(m, NEW_TSS + 0x50, DATA);
		assert_true(rows[i].is_call ? call(m, rows[i].sel)
					    : far_jump(c, rows[i].sel, IGNORED, RETURN_IP));
		assert_true(c->switched);
		assert_int_equal(c->target, 0x4321);
		assert_int_equal(peek32(m, OLD_TSS + 0x20), RETURN_IP);
		assert_int_equal(access_byte(m, SEL_OLD), rows[i].old_access);
		assert_int_equal(c->fault.vector, NONE);
	}
}

/* --- refusals ------------------------------------------------------------------------- */

static const struct {
	const char *what;
	bool is_call;
	unsigned cpl;
	uint16_t sel;
	uint8_t access; /* of the gate */
	uint16_t target;
	uint32_t offset;
	unsigned vector, error_code;
} refusals[] = {
	/* clang-format off */
	{ "gate of ring 0 from ring 3",        true,  3, GATE,     0x8c, CODE,        0, GP, GATE },
	{ "RPL 3 on a gate of ring 0",         true,  0, GATE + 3, 0x8c, CODE,        0, GP, GATE },
	{ "absent gate",                       true,  0, GATE,     0x0c, CODE,        0, NP, GATE },
	{ "absent gate, by JMP",               false, 0, GATE,     0x04, CODE,        0, NP, GATE },
	{ "gate to null",                      true,  0, GATE,     0x8c, 3,           0, GP, 0 },
	{ "gate to null, by JMP",              false, 0, GATE,     0x8c, 3,           0, GP, 0 },
	{ "gate beyond the GDT",               true,  0, GATE,     0x8c, BEYOND,      0, GP, BEYOND },
	{ "gate to data",                      true,  0, GATE,     0x8c, DATA,        0, GP, DATA },
	{ "gate to a gate",                    true,  0, GATE,     0x8c, GATE,        0, GP, GATE },
	{ "gate to a gate, by JMP",            false, 0, GATE,     0x8c, GATE,        0, GP, GATE },
	{ "gate to absent code",               true,  0, GATE,     0x8c, CODE_ABSENT, 0, NP, CODE_ABSENT },
	{ "gate to an outer ring",             true,  0, GATE,     0x8c, USER_CODE,   0, GP, USER_CODE & ~3u },
	{ "JMP to an inner ring",              false, 3, GATE + 3, 0xec, CODE,        0, GP, CODE },
	{ "offset beyond the code",            true,  0, GATE,     0x8c, SHORT_CODE, 0x1000, GP, 0 },
	{ "offset beyond it, from ring 3",     true,  3, GATE + 3, 0xec, SHORT_CODE, 0x1000, GP, 0 },
	{ "offset beyond it, by JMP",          false, 0, GATE,     0x8c, SHORT_CODE, 0x1000, GP, 0 },
	{ "task gate of ring 0 from ring 3",   true,  3, GATE,     0x85, SEL_NEW,     0, GP, GATE },
	{ "absent task gate",                  false, 0, GATE,     0x05, SEL_NEW,     0, NP, GATE },
	{ "task gate to code",                 true,  0, GATE,     0x85, CODE,        0, GP, CODE },
	{ "task gate to a busy TSS",           true,  0, GATE,     0x85, SEL_OLD,     0, GP, SEL_OLD },
	{ "TSS of ring 0 from ring 3",         true,  3, SEL_NEW,  0x85, 0,           0, GP, SEL_NEW },
	{ "busy TSS",                          false, 0, SEL_OLD,  0x85, 0,           0, GP, SEL_OLD },
	{ "an LDT is no gate",                 true,  0, SEL_LDT,  0x85, 0,           0, GP, SEL_LDT },
	{ "an interrupt gate is none for CALL", true, 0, GATE,     0x8e, CODE,        0, GP, GATE },
	{ "data is no gate",                   false, 0, DATA,     0x85, 0,           0, GP, DATA },
	/* clang-format on */
};

static void
a_refusal_changes_nothing(void **state)
{
	static uint8_t ram[RAM_SIZE];
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);
	struct descry_state before;

	for (size_t i = 0; i < COUNT(refusals); i++) {
		set(m, refusals[i].cpl,
		    gate(refusals[i].access, refusals[i].target, refusals[i].offset, 0));
		memcpy(ram, m->ram, sizeof(ram));
		before = c->state;
		if ((refusals[i].is_call ? call(m, refusals[i].sel)
					 : far_jump(c, refusals[i].sel, 0, RETURN_IP)) ||
		    c->fault.vector != refusals[i].vector ||
		    c->fault.error_code != refusals[i].error_code)
			fail_msg("%s: vector %u code %04x, want %u %04x", refusals[i].what,
				 c->fault.vector, c->fault.error_code, refusals[i].vector,
				 refusals[i].error_code);
		assert_memory_equal(&before, &c->state, sizeof(before));
		assert_memory_equal(ram, m->ram, sizeof(ram));
	}
}

/* The stack of ring 0, as the TSS has it. */
static const struct {
	const char *what;
	uint32_t sp;
	uint16_t ss;
	uint32_t tr_limit;
	unsigned parameters;
	unsigned vector, error_code;
} stacks[] = {
	/* clang-format off */
	{ "null",                        INNER_SP, 0,           0x67, 0, TS, 0 },
	{ "beyond the GDT",              INNER_SP, BEYOND,      0x67, 0, TS, BEYOND },
	{ "RPL 3",                       INNER_SP, DATA + 3,    0x67, 0, TS, DATA },
	{ "of ring 3",                   INNER_SP, USER_DATA & ~3u, 0x67, 0, TS, USER_DATA & ~3u },
	{ "read-only",                   INNER_SP, READ_ONLY,   0x67, 0, TS, READ_ONLY },
	{ "absent",                      INNER_SP, DATA_ABSENT, 0x67, 0, SS, DATA_ABSENT },
	{ "TSS ends before it",          INNER_SP, DATA,        0x08, 0, TS, SEL_OLD },
	{ "no room for four slots",      8,        SHORT_STACK, 0x67, 0, SS, SHORT_STACK },
	{ "no room for a parameter",     8,        SHORT_STACK, 0x67, 1, SS, SHORT_STACK },
	/* clang-format on */
};

static void
the_inner_stack_is_checked_before_it_is_used(void **state)
{
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);
	struct descry_state before;

	for (size_t i = 0; i < COUNT(stacks); i++) {
		set(m, 3, gate(0xec, CODE, 0, stacks[i].parameters));
		poke32(m, OLD_TSS + 4, stacks[i].sp);
		poke16(m, OLD_TSS + 8, stacks[i].ss);
		c->state.seg[DESCRY_TR].limit = stacks[i].tr_limit;
		before = c->state;
		if (call(m, GATE + 3) || c->fault.vector != stacks[i].vector ||
		    c->fault.error_code != stacks[i].error_code)
			fail_msg("%s: vector %u code %04x, want %u %04x", stacks[i].what,
				 c->fault.vector, c->fault.error_code, stacks[i].vector,
				 stacks[i].error_code);
		assert_memory_equal(&before, &c->state, sizeof(before));
	}
}

/* They are read through the caller's SS, whose limit counts. */
static void
parameters_must_lie_within_the_old_stack(void **state)
{
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);

	set(m, 3, gate(0xec, CODE, 0, 2));
	put(m, DESCRY_SS, (struct descry_segment){ 0, 0x7006, USER_DATA, 0x40f3 });
	assert_false(call(m, GATE + 3));
	assert_int_equal(c->fault.vector, SS);
	assert_int_equal(c->fault.error_code, 0);
	put(m, DESCRY_SS, (struct descry_segment){ 0, 0x7007, USER_DATA, 0x40f3 });
	assert_true(call(m, GATE + 3));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(a_call_in_the_same_ring_pushes_what_the_gate_says),
		TEST(a_call_to_an_inner_ring_copies_the_parameters),
		TEST(a_16_bit_gate_makes_a_frame_of_words),
		TEST(all_31_parameters_go_along),
		TEST(a_return_drops_them_from_both_stacks),
		TEST(conforming_code_is_called_on_the_callers_stack),
		TEST(a_16_bit_tss_names_the_inner_stack_in_words),
		TEST(a_jump_through_a_gate_uses_no_stack),
		TEST(a_task_gate_and_a_tss_switch),
		TEST(a_refusal_changes_nothing),
		TEST(the_inner_stack_is_checked_before_it_is_used),
		TEST(parameters_must_lie_within_the_old_stack),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
