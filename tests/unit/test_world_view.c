/*
 * The world switch: strategies whose hardware is not what the guest believes, from its change of
 * CR0.PE on, and what a host writes at X5. Oracle: the rules for loads in virtual-8086 mode, worked
 * out by hand.
 */
#include "world_guest.h"

/* --- a strategy with a view of its own ------------------------------------------------ */

static struct descry_world *
world_under(struct descry_monitor *monitor, const char *name)
{
	struct descry_world *world;

	assert_int_equal(descry_world_create(monitor, &world), DESCRY_OK);
	descry_world_choose(world, strategy(name));
	return world;
}

static void
a_change_of_mode_belongs_to_its_strategy(void **unused)
{
	struct descry_monitor *monitor = open_guest(&plain);
	struct descry_world *world = world_under(monitor, "selector-v86");

	(void)unused;
	assert_int_equal(descry_world_last(world)->op[0].step, DESCRY_WORLD_MODE);
	descry_world_choose(world, strategy("interpret"));
	assert_null(descry_world_last(world));
	assert_int_equal(descry_world_interrupt(world)->op[0].step, DESCRY_WORLD_X1);
	assert_int_equal(descry_world_walk(world)->step, DESCRY_WORLD_X1);
	descry_world_choose(world, strategy("selector-v86"));
	assert_ptr_equal(descry_world_walk(world), &descry_world_last(world)->op[0]);
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
}

/* The CPU has PE=0 in the middle of the switch, and the guest PE=1. */
static void
a_choice_looks_at_the_guest(void **unused)
{
	struct descry_monitor *monitor = open_guest(&moved);
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(monitor));
	struct descry_world *world = world_under(monitor, "smm");
	struct descry_segment ds;

	(void)unused;
	run_to_port(monitor);
	ds = state->seg[DESCRY_DS];
	descry_world_begin(world);
	descry_world_next(world);
	assert_int_equal(state->cr0 & DESCRY_CR0_PE, 0);
	descry_world_choose(world, strategy("selector-v86"));
	assert_int_equal(state->cr0 & DESCRY_CR0_PE, DESCRY_CR0_PE);
	assert_memory_equal(&state->seg[DESCRY_DS], &ds, sizeof(ds));
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
}

static void
a_reset_takes_hold_again(void **unused)
{
	struct descry_monitor *monitor = open_guest(&plain);
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(monitor));
	struct descry_world *world = world_under(monitor, "selector-v86");
	const struct descry_state before = *state;

	(void)unused;
	assert_int_equal(before.seg[DESCRY_FS].attr, DESCRY_ATTR_V86);
	run_to_port(monitor);
	assert_int_equal(descry_monitor_reset(monitor), DESCRY_OK);
	assert_memory_equal(state, &before, sizeof(before));
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
}

/* What the guest has loaded since the change is its own; the rest is what the change has left. */
static void
a_load_ends_what_a_change_has_lost(void **unused)
{
	struct descry_monitor *monitor = open_guest(&plain);
	struct descry_world *world = world_under(monitor, "selector-v86");
	const struct descry_segment want = { 0x7000, 0xffff, 0x0700, DESCRY_ATTR_REAL_DATA };
	const struct descry_world_trace *trace;
	struct descry_segment truth[DESCRY_SREG_COUNT];
	struct descry_fault fault;

	(void)unused;
	assert_true(descry_op_load_segment(descry_monitor_vcpu(monitor), DESCRY_ES, 0x700,
					   DESCRY_CAUSE_MOV, &fault));
	trace = descry_world_interrupt(world);
	judge_truth(trace, &trace->op[trace->op_count - 1], truth);
	assert_memory_equal(&truth[DESCRY_ES], &want, sizeof(want));
	judge_truth(trace, &trace->op[0], truth);
	assert_int_equal(truth[DESCRY_ES].sel, 0);
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
}

/* It would be another guest, run from the beginning. */
static void
a_changed_guest_is_refused(void **unused)
{
	struct descry_monitor *monitor = open_guest(&plain);
	struct descry_state *state;
	struct descry_compare *result = compare(monitor, NULL, "vmx-v86/bare");

	(void)unused;
	assert_int_not_equal(result->row[0].outcome, DESCRY_OUTCOME_REFUSED);
	descry_compare_free(result);
	descry_monitor_reset(monitor);
	state = descry_vcpu_state_mutable(descry_monitor_vcpu(monitor));
	state->gpr[DESCRY_SI] ^= 1;
	descry_vcpu_state_changed(descry_monitor_vcpu(monitor));
	result = compare(monitor, NULL, "vmx-v86/bare");
	assert_int_equal(result->row[0].outcome, DESCRY_OUTCOME_REFUSED);
	assert_non_null(strstr(result->row[0].detail, "commands have changed it"));
	descry_compare_free(result);
	descry_monitor_reset(monitor);
	result = compare(monitor, NULL, "vmx");
	assert_int_equal(result->row[0].outcome, DESCRY_OUTCOME_SAME);
	descry_compare_free(result);
	descry_monitor_destroy(monitor);
}

/* --- what the host writes ------------------------------------------------------------- */

static void
writes_are_made_all_or_none(void **unused)
{
	const struct descry_world_edit edits[] = {
		{ .physical = 0x500, .size = 1, .byte = { 0x77 } },
		{ .physical = 0xf0000000, .size = 1 },
	};
	const struct descry_world_edit none = { .physical = 0x500, .size = 0 };
	struct descry_monitor *monitor = open_guest(&plain);
	struct descry_world *world = world_under(monitor, "vmx");
	uint8_t byte = 0xff;

	(void)unused;
	assert_int_equal(descry_world_set_edits(world, &none, 1), DESCRY_BAD_ARGUMENT);
	assert_int_equal(descry_world_set_edits(world, edits, 2), DESCRY_OK);
	assert_int_equal(descry_world_interrupt(world)->end, DESCRY_WORLD_REFUSED);
	assert_int_equal(descry_vcpu_peek(descry_monitor_vcpu(monitor), 0x500, &byte, 1), 1);
	assert_int_equal(byte, 0);
	assert_int_equal(descry_world_set_edits(world, edits, 1), DESCRY_OK);
	assert_int_equal(descry_world_interrupt(world)->end, DESCRY_WORLD_RESUMED);
	assert_int_equal(descry_vcpu_peek(descry_monitor_vcpu(monitor), 0x500, &byte, 1), 1);
	assert_int_equal(byte, 0x77);
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_of_mode_belongs_to_its_strategy),
		cmocka_unit_test(a_choice_looks_at_the_guest),
		cmocka_unit_test(a_reset_takes_hold_again),
		cmocka_unit_test(a_load_ends_what_a_change_has_lost),
		cmocka_unit_test(a_changed_guest_is_refused),
		cmocka_unit_test(writes_are_made_all_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
