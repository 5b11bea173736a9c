/*
 * A user's stops and the guest's own debugging beside each other: which comes first, and what the
 * guest sees of the other. The oracle is the run contract of <descry/vcpu.h>.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "debug_machine.h"

static struct machine machine;

static void
a_users_breakpoint_comes_before_the_guests(void **state)
{
	static const struct program p = { .code = { 0x40, 0x40, 0x40, 0xf4 },
					  .dr0 = 0x7c01,
					  .dr7 = X0 };
	const uint64_t at[] = { 0x7c01 };
	const struct descry_control control = { .breakpoints = at, .breakpoint_count = 1 };
	struct machine *m = &machine;
	struct descry_exit exit;

	(void)state;
	open_program(m, &p, "p6");
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_BREAKPOINT);
	assert_int_equal(cpu(m)->rip, 0x7c01);
	assert_int_equal(cpu(m)->dr[6], DESCRY_DR6_RESET);
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_HALTED);
	assert_int_equal(cpu(m)->rip, AT_DB + 1);
	descry_vcpu_destroy(m->vcpu);
}

/* The state is a function of time: a trap is a part of its instruction, stop or no stop. */
static void
a_stop_behind_an_instruction_is_behind_its_trap(void **state)
{
	static const struct program p = { .code = { 0xa2, 0x00, 0x05, 0x90, 0xf4 },
					  .dr0 = 0x500,
					  .dr7 = W0 };
	const struct descry_control control = { .watch_access = 1u << DESCRY_DS };
	struct machine *m = &machine;
	struct descry_exit exit;

	(void)state;
	open_program(m, &p, "p6");
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_ACCESS);
	assert_int_equal(cpu(m)->rip, AT_DB);
	assert_int_equal(top_of_stack(m), 0x7c03);
	assert_int_equal(cpu(m)->retired, 1);
	descry_vcpu_destroy(m->vcpu);
}

/* Nobody has claimed the vector: the trap waits in the state, and DR6 does not know of it. */
static void
a_trap_that_cannot_be_delivered_waits(void **state)
{
	static const struct program p = { .code = { 0xa2, 0x00, 0x05, 0x90, 0xf4 },
					  .dr0 = 0x500,
					  .dr7 = W0 };
	const struct descry_control control = { .unhandled = AT_DB };
	struct machine *m = &machine;
	struct descry_exit exit;

	(void)state;
	open_program(m, &p, "p6");
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_UNHANDLED);
	assert_int_equal(exit.fault.vector, DESCRY_VEC_DB);
	assert_int_equal(cpu(m)->rip, 0x7c03);
	assert_int_equal(cpu(m)->pending_db, 1);
	assert_int_equal(cpu(m)->dr[6], DESCRY_DR6_RESET);
	run(m, 100);
	assert_int_equal(cpu(m)->rip, AT_DB + 1);
	assert_int_equal(top_of_stack(m), 0x7c03);
	descry_vcpu_destroy(m->vcpu);
}

/* Pages that were kept before the breakpoint came, and blocks that ran without it. */
static void
a_breakpoint_is_seen_in_what_has_run(void **state)
{
	/* l: mov [500h], al; dec cx; jnz l; hlt */
	static const struct program p = { .code = { 0xa2, 0x00, 0x05, 0x49, 0x75, 0xfa, 0xf4 } };
	static const struct {
		uint32_t dr0, dr7;
		uint64_t retired; /* a breakpoint of instructions is a fault, which counts */
	} rows[] = { { 0x500, W0, 302 }, { 0x7c03, X0, 303 } };
	struct machine *m = &machine;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		open_program(m, &p, "p6");
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_CX] = 1000;
		run(m, 300);
		descry_vcpu_state_mutable(m->vcpu)->dr[0] = rows[i].dr0;
		descry_vcpu_state_mutable(m->vcpu)->dr[7] = rows[i].dr7;
		descry_vcpu_state_changed(m->vcpu);
		run(m, 100);
		assert_int_equal(cpu(m)->rip, AT_DB + 1);
		assert_int_equal(top_of_stack(m), 0x7c03);
		assert_int_equal(cpu(m)->retired, rows[i].retired);
		descry_vcpu_destroy(m->vcpu);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_users_breakpoint_comes_before_the_guests),
		cmocka_unit_test(a_stop_behind_an_instruction_is_behind_its_trap),
		cmocka_unit_test(a_trap_that_cannot_be_delivered_waits),
		cmocka_unit_test(a_breakpoint_is_seen_in_what_has_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
