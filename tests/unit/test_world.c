/*
 * The world switch: what each strategy makes of a guest at one boundary, and what it must
 * leave alone. Oracle: the manuals' rules for loads of segment registers, worked out by
 * hand for each guest.
 */
#include "world_guest.h"

/* --- outcomes ------------------------------------------------------------------------- */

/* "fs.base fs.limit" */
static void
list_lost(const struct descry_compare_row *row, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++)
			if (descry_fields_has(&row->lost, sreg, field))
				used += (size_t)snprintf(text + used, size - used, "%s%s.%s",
							 used ? " " : "", descry_sreg_name(sreg),
							 descry_field_name(field));
}

#define BY(field, why) [DESCRY_FIELD_##field] = DESCRY_BY_##why

/* FS is what the rows are about; lost is what is lost of it, svm-no-vmload loses more. */
static const struct {
	const char *what;
	const struct guest *guest;
	const char *strategy;
	enum descry_outcome outcome;
	unsigned lost_at;
	const char *lost; /* the list begins so */
	struct descry_segment fs;
	int32_t linear; /* -1: none */
	uint8_t vector;
	enum descry_regained equal[DESCRY_FIELD_COUNT]; /* of FS */
} outcomes[] = {
	/* clang-format off */
	{ "unreal: base from the selector, limit and attr of the host", &unreal,
	  "selector-real/small", DESCRY_OUTCOME_FAULT, 4, "fs.base fs.limit fs.attr",
	  { 0x100, 0xffff, 0x10, 0x4093 }, -1, 13, { 0 } },
	{ "unreal: the host's limit and attr happen to fit", &unreal,
	  "selector-real/big", DESCRY_OUTCOME_SILENT, 4, "fs.base",
	  { 0x100, 0xffffffff, 0x10, 0xc093 }, 0x20100, 255, { BY(LIMIT, CHANCE), BY(ATTR, CHANCE) } },
	{ "unreal: the table still says so", &unreal,
	  "selector-guest-gdt/small", DESCRY_OUTCOME_SAME, 0, "",
	  { 0, 0xffffffff, 0x10, 0xc093 }, 0x20000, 255,
	  { BY(BASE, TABLE), BY(LIMIT, TABLE), BY(ATTR, TABLE) } },
	{ "unreal: the host's own FS does not matter then", &unreal,
	  "selector-guest-gdt/big", DESCRY_OUTCOME_SAME, 0, "",
	  { 0, 0xffffffff, 0x10, 0xc093 }, 0x20000, 255,
	  { BY(BASE, TABLE), BY(LIMIT, TABLE), BY(ATTR, TABLE) } },
	{ "unreal: from the VMCS", &unreal, "vmx", DESCRY_OUTCOME_SAME, 0, "",
	  { 0, 0xffffffff, 0x10, 0xc093 }, 0x20000, 255, { 0 } },
	{ "unreal: from the VMCB", &unreal, "svm", DESCRY_OUTCOME_SAME, 0, "",
	  { 0, 0xffffffff, 0x10, 0xc093 }, 0x20000, 255, { 0 } },
	{ "unreal: the host's FS, small", &unreal, "svm-no-vmload/small",
	  DESCRY_OUTCOME_FAULT, 4, "fs.base fs.limit fs.attr ",
	  { 0x300000, 0xffff, 0x10, 0x4093 }, -1, 13, { BY(SEL, CHANCE) } },
	{ "unreal: the host's FS, big", &unreal, "svm-no-vmload/big",
	  DESCRY_OUTCOME_SILENT, 4, "fs.base ",
	  { 0x300000, 0xffffffff, 0x10, 0xc093 }, 0x320000, 255,
	  { BY(SEL, CHANCE), BY(LIMIT, CHANCE), BY(ATTR, CHANCE) } },
	{ "unreal: never touched", &unreal, "interpret", DESCRY_OUTCOME_SAME, 0, "",
	  { 0, 0xffffffff, 0x10, 0xc093 }, 0x20000, 255, { 0 } },
	{ "unreal: FS is not what 0010 would load", &unreal, "refuse",
	  DESCRY_OUTCOME_REFUSED, 0, "", { 0, 0xffffffff, 0x10, 0xc093 }, -1, 255, { 0 } },

	{ "rewritten table: real-mode host refuses PE=1", &moved, "selector-real/small",
	  DESCRY_OUTCOME_REFUSED, 0, "", { 0x1000, 0x1000, 0x28, 0x4093 }, -1, 255, { 0 } },
	{ "rewritten table: and so with a big FS", &moved, "selector-real/big",
	  DESCRY_OUTCOME_REFUSED, 0, "", { 0x1000, 0x1000, 0x28, 0x4093 }, -1, 255, { 0 } },
	{ "rewritten table: the new descriptor is loaded", &moved, "selector-guest-gdt/small",
	  DESCRY_OUTCOME_SILENT, 4, LEFT_FROM_REAL_MODE("fs.base"),
	  { 0x2000, 0x1000, 0x28, 0x4093 }, 0x2000, 255,
	  { BY(LIMIT, TABLE), BY(ATTR, TABLE) } },
	{ "rewritten table: and so with a big FS", &moved, "selector-guest-gdt/big",
	  DESCRY_OUTCOME_SILENT, 4, LEFT_FROM_REAL_MODE("fs.base"),
	  { 0x2000, 0x1000, 0x28, 0x4093 }, 0x2000, 255,
	  { BY(LIMIT, TABLE), BY(ATTR, TABLE) } },
	{ "rewritten table: from the VMCS", &moved, "vmx", DESCRY_OUTCOME_SAME, 0, "",
	  { 0x1000, 0x1000, 0x28, 0x4093 }, 0x1000, 255, { 0 } },
	{ "rewritten table: from the VMCB", &moved, "svm", DESCRY_OUTCOME_SAME, 0, "",
	  { 0x1000, 0x1000, 0x28, 0x4093 }, 0x1000, 255, { 0 } },
	{ "rewritten table: the host's FS, small", &moved, "svm-no-vmload/small",
	  DESCRY_OUTCOME_SILENT, 4, "fs.selector fs.base fs.limit ",
	  { 0x300000, 0xffff, 0x10, 0x4093 }, 0x300000, 255, { BY(ATTR, CHANCE) } },
	{ "rewritten table: the host's FS, big", &moved, "svm-no-vmload/big",
	  DESCRY_OUTCOME_SILENT, 4, "fs.selector fs.base fs.limit fs.attr ",
	  { 0x300000, 0xffffffff, 0x10, 0xc093 }, 0x300000, 255, { 0 } },
	{ "rewritten table: never touched", &moved, "interpret", DESCRY_OUTCOME_SAME, 0, "",
	  { 0x1000, 0x1000, 0x28, 0x4093 }, 0x1000, 255, { 0 } },
	{ "rewritten table: FS is STALE", &moved, "refuse", DESCRY_OUTCOME_REFUSED, 0, "",
	  { 0x1000, 0x1000, 0x28, 0x4093 }, -1, 255, { 0 } },

	{ "absent descriptor: the host faults", &absent, "selector-guest-gdt",
	  DESCRY_OUTCOME_HOST_FAULT, 0, "", { 0x1000, 0x1000, 0x28, 0x4093 }, -1, 255, { 0 } },
	{ "absent descriptor: the VMCS does not ask the table", &absent, "vmx",
	  DESCRY_OUTCOME_SAME, 0, "", { 0x1000, 0x1000, 0x28, 0x4093 }, 0x1000, 255, { 0 } },

	{ "plain real mode: the selector tells the base, not the limit of the host", &plain,
	  "selector-real/big", DESCRY_OUTCOME_LATENT, 4, "fs.limit fs.attr",
	  { 0x10000, 0xffffffff, 0x1000, 0xc093 }, 0x10005, 255, { BY(BASE, RULE) } },
	{ "plain real mode: only the D bit of attr is left over", &plain,
	  "selector-real/small", DESCRY_OUTCOME_LATENT, 4, "fs.attr",
	  { 0x10000, 0xffff, 0x1000, 0x4093 }, 0x10005, 255,
	  { BY(BASE, RULE), BY(LIMIT, CHANCE) } },
	{ "plain real mode: 1000 names nothing in a GDT that is not there", &plain,
	  "selector-guest-gdt", DESCRY_OUTCOME_HOST_FAULT, 0, "",
	  { 0x10000, 0xffff, 0x1000, 0x0093 }, -1, 255, { 0 } },
	{ "plain real mode: every cache is told by its selector", &plain, "refuse",
	  DESCRY_OUTCOME_SAME, 0, "", { 0x10000, 0xffff, 0x1000, 0x0093 }, 0x10005, 255, { 0 } },

	{ "loaded again before it is used: nothing is lost at X8", &heals,
	  "selector-real/small", DESCRY_OUTCOME_SAME, 0, "",
	  { 0x30000, 0xffff, 0x3000, 0x4093 }, 0x30000, 255,
	  { BY(LIMIT, CHANCE), BY(ATTR, CHANCE) } },
	{ "the first store hides it, the second shows it", &shows_later,
	  "selector-real/small", DESCRY_OUTCOME_FAULT, 4, "fs.limit fs.attr",
	  { 0x100, 0xffff, 0x10, 0x4093 }, 0x100, 255, { BY(BASE, RULE) } },
	/* clang-format on */
};

static void
expect_fs(const struct descry_compare_row *row, size_t i)
{
	const struct descry_segment *fs = &row->seg[DESCRY_FS];

	assert_int_equal(fs->sel, outcomes[i].fs.sel);
	assert_int_equal(fs->base, outcomes[i].fs.base);
	assert_int_equal(fs->limit, outcomes[i].fs.limit);
	assert_int_equal(fs->attr, outcomes[i].fs.attr);
	for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++)
		assert_int_equal(row->equal[DESCRY_FS][field], outcomes[i].equal[field]);
}

static void
expect_outcome(const struct descry_compare_row *row, size_t i)
{
	const bool no_vmload = strcmp(row->strategy->name, "svm-no-vmload") == 0;
	const size_t length = strlen(outcomes[i].lost);
	char lost[400];

	list_lost(row, lost, sizeof(lost));
	print_message("    %-45s lost at X%u: %s; %s\n", descry_outcome_text(row->outcome),
		      row->lost_at, lost, row->detail);
	assert_int_equal(row->outcome, outcomes[i].outcome);
	assert_int_equal(row->lost_at, outcomes[i].lost_at);
	assert_int_equal(strncmp(lost, outcomes[i].lost, length), 0);
	assert_true(no_vmload || lost[length] == '\0');
	expect_fs(row, i);
	if (outcomes[i].linear >= 0)
		assert_int_equal(row->access.linear, outcomes[i].linear);
	assert_int_equal(row->access.happened,
			 outcomes[i].linear >= 0 || outcomes[i].vector != DESCRY_VEC_NONE);
	if (row->access.happened)
		assert_int_equal(row->access.fault.vector, outcomes[i].vector);
	assert_true(row->detail[0] != '\0');
}

static void
outcomes_follow_from_the_rules(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		struct descry_monitor *monitor = open_guest(outcomes[i].guest);
		struct descry_compare *result = compare(monitor, NULL, outcomes[i].strategy);

		print_message("%s (%s)\n", outcomes[i].what, outcomes[i].strategy);
		assert_int_equal(result->row_count, 1);
		expect_outcome(&result->row[0], i);
		descry_compare_free(result);
		descry_monitor_destroy(monitor);
	}
}

static void
all_strategies_start_from_the_same_boundary(void **unused)
{
	struct descry_monitor *monitor = open_guest(&unreal);
	struct descry_compare *result = compare(monitor, NULL, NULL);
	size_t count = 0;

	(void)unused;
	while (descry_strategy_at(count))
		count++;
	assert_int_equal(result->row_count, count);
	assert_int_equal(result->about, DESCRY_FS);
	assert_int_equal(result->ip, 0x7c21);
	assert_int_equal(result->truth.linear, 0x20000);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(result->row[i].trace.retired, result->retired);
	assert_int_equal(descry_vcpu_state(descry_monitor_vcpu(monitor))->retired, result->retired);
	assert_int_equal(descry_vcpu_state(descry_monitor_vcpu(monitor))->rip, 0x7c21);
	descry_compare_free(result);
	descry_monitor_destroy(monitor);
}

/* --- what a switch must not touch ----------------------------------------------------- */

#define LOW_MEMORY 0x100000u

static void
expect_same_but_segments(const struct descry_state *a, const struct descry_state *b)
{
	struct descry_state left = *a, right = *b;

	memset(left.seg, 0, sizeof(left.seg));
	memset(right.seg, 0, sizeof(right.seg));
	assert_memory_equal(&left, &right, sizeof(left));
}

static void
switch_keeps_everything_but_segments(void **unused)
{
	static uint8_t before[LOW_MEMORY], after[LOW_MEMORY];
	const struct descry_strategy *row;

	(void)unused;
	for (size_t i = 0; (row = descry_strategy_at(i)) != NULL; i++) {
		struct descry_monitor *monitor = open_guest(&unreal);
		struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
		struct descry_world *world;
		struct descry_state state;
		uint8_t byte;

		run_to_port(monitor);
		assert_int_equal(descry_world_create(monitor, &world), DESCRY_OK);
		descry_world_choose(world, row);
		state = *descry_vcpu_state(vcpu);
		descry_vcpu_peek(vcpu, 0, before, sizeof(before));
		descry_world_interrupt(world);
		descry_vcpu_peek(vcpu, 0, after, sizeof(after));
		print_message("%s %s\n", row->name, row->variant ? row->variant : "");
		expect_same_but_segments(&state, descry_vcpu_state(vcpu));
		assert_memory_equal(before, after, sizeof(before));
		assert_int_equal(descry_vcpu_peek(vcpu, HOST_GDT_BASE, &byte, 1), 0);
		descry_world_destroy(world);
		descry_monitor_destroy(monitor);
	}
}

/* --- the trace ------------------------------------------------------------------------ */

static void
trace_shows_every_step(void **unused)
{
	struct descry_monitor *monitor = open_guest(&unreal);
	const struct descry_world_trace *trace;
	struct descry_world *world;

	(void)unused;
	run_to_port(monitor);
	assert_int_equal(descry_world_create(monitor, &world), DESCRY_OK);
	assert_string_equal(descry_world_chosen(world)->name, "interpret");
	assert_null(descry_world_last(world));
	descry_world_choose(world, strategy("selector-real/small"));
	trace = descry_world_interrupt(world);
	assert_ptr_equal(trace, descry_world_last(world));
	for (unsigned step = 1; step <= 7; step++) {
		const struct descry_world_op *op = descry_world_after(trace, step);

		assert_non_null(op);
		assert_int_equal(op->seg[DESCRY_FS].base, step < 4   ? 0
							  : step < 6 ? 0x300000
								     : 0x100);
		assert_int_equal(op->record.held.of[DESCRY_FS], step < 3 ? 0 : 1);
		assert_int_equal(op->cr0 & DESCRY_CR0_PE, step == 4 || step == 5);
	}
	assert_null(descry_world_after(trace, 8));
	assert_int_equal(descry_world_after(trace, 4)->preview[DESCRY_FS].segment.base, 0x300000);
	assert_int_equal(trace->op[0].status[DESCRY_FS],
			 DESCRY_CACHE_UNREAL | DESCRY_CACHE_UNREAL_BASE);
	for (unsigned i = 0; i < trace->op_count; i++) {
		const struct descry_world_op *op = descry_world_walk(world);

		assert_ptr_equal(op, &trace->op[i]);
		assert_true(op->text[0] != '\0');
		assert_true(i == 0 || op->step == op[-1].step || op->step == op[-1].step + 1);
	}
	assert_null(descry_world_walk(world));
	assert_ptr_equal(descry_world_walk(world), &trace->op[0]);
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
}

/* --- ordinary runs -------------------------------------------------------------------- */

static struct descry_stop
run_under(const struct guest *guest, const char *name, const char *knob)
{
	const struct descry_run_request request = { .count = 1000 };
	struct descry_monitor *monitor = open_guest_with(guest, knob);
	struct descry_world *world;
	struct descry_stop stop;

	assert_int_equal(descry_world_create(monitor, &world), DESCRY_OK);
	descry_world_choose(world, strategy(name));
	descry_monitor_run(monitor, &request, &stop);
	print_message("    %s\n", stop.text);
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
	return stop;
}

static const struct {
	const char *what;
	const struct guest *guest;
	const char *strategy, *knob;
	enum descry_stop_reason reason;
	const char *says;
} runs[] = {
	/* clang-format off */
	{ "exact: the guest ends", &unreal, "vmx", NULL, DESCRY_STOP_GUEST_EXIT, "guest exit" },
	{ "lost: the guest faults", &unreal, "selector-real", NULL,
	  DESCRY_STOP_UNHANDLED, "#GP" },
	{ "refused: the run stops and says why", &unreal, "refuse", NULL,
	  DESCRY_STOP_HOST_INTERRUPT, "refused by refuse: fs is UNREAL|UNREAL-BASE" },
	{ "refused: the real-mode host", &moved, "selector-real", NULL,
	  DESCRY_STOP_HOST_INTERRUPT, "PE=1" },
	{ "the host faults", &absent, "selector-guest-gdt", NULL,
	  DESCRY_STOP_HOST_INTERRUPT, "fault in the host of selector-guest-gdt/small: #NP(0028) at X6" },
	{ "a TR that no VM entry takes", &unreal, "vmx", "reset.tr_ar=82",
	  DESCRY_STOP_HOST_INTERRUPT, "VM entry fails on tr: type must be a busy TSS" },
	{ "and SVM takes it", &unreal, "svm", "reset.tr_ar=82",
	  DESCRY_STOP_GUEST_EXIT, "guest exit" },
	/* clang-format on */
};

/* A run that holds stops in the switch, with the CPU as it was; the next one finishes it. */
static void
a_run_can_stop_in_a_switch(void **unused)
{
	const struct descry_run_request request = { .count = 1000 };
	struct descry_monitor *monitor = open_guest(&unreal);
	struct descry_world *world;
	struct descry_stop stop;

	(void)unused;
	assert_int_equal(descry_world_create(monitor, &world), DESCRY_OK);
	descry_world_choose(world, strategy("selector-real/small"));
	assert_false(descry_world_holds(world));
	descry_world_hold(world, true);
	descry_monitor_run(monitor, &request, &stop);
	assert_int_equal(stop.reason, DESCRY_STOP_HOST_INTERRUPT);
	assert_non_null(strstr(stop.text, "; in flight under selector-real/small"));
	assert_true(descry_world_in_flight(world));
	assert_int_equal(descry_world_last(world)->op_count, 1);
	assert_memory_equal(&descry_world_truth(world)->state,
			    descry_vcpu_state(descry_monitor_vcpu(monitor)),
			    sizeof(struct descry_state));
	descry_monitor_run(monitor, &request, &stop);
	assert_int_equal(stop.reason, DESCRY_STOP_UNHANDLED);
	assert_false(descry_world_in_flight(world));
	assert_null(descry_world_truth(world));
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
}

static void
runs_switch_where_the_guest_asks(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(runs); i++) {
		struct descry_stop stop;

		print_message("%s\n", runs[i].what);
		stop = run_under(runs[i].guest, runs[i].strategy, runs[i].knob);
		assert_int_equal(stop.reason, runs[i].reason);
		assert_non_null(strstr(stop.text, runs[i].says));
	}
}

/* --- what is not a boundary, and what is not a strategy ------------------------------- */

static const struct {
	const char *what;
	const struct guest *guest;
	const char *at;
	enum descry_status status;
	const char *says;
} refusals[] = {
	/* clang-format off */
	{ "the guest never asks", &silent_one, NULL, DESCRY_BAD_ARGUMENT, "--at COUNT" },
	{ "a count behind the guest's end", &silent_one, "1000", DESCRY_BAD_ARGUMENT, "guest exit" },
	{ "neither a count nor a symbol", &silent_one, "nowhere", DESCRY_NOT_FOUND, "nowhere" },
	{ "a count with a tail", &silent_one, "12x", DESCRY_BAD_ARGUMENT, "12x" },
	{ "a negative count", &silent_one, "-1", DESCRY_BAD_ADDRESS, "-1" },
	{ "no count at all", &silent_one, "", DESCRY_BAD_ARGUMENT, "where?" },
	{ "the last count of all", &unreal, "18446744073709551615", DESCRY_BAD_ARGUMENT,
	  "guest exit" },
	{ "a hit that the guest does not live to see", &silent_one, "0:7c00 2", DESCRY_BAD_ARGUMENT,
	  "guest exit" },
	/* clang-format on */
};

static void
a_search_leaves_breakpoints_alone(void **unused)
{
	struct descry_monitor *monitor = open_guest(&unreal);
	const struct descry_breakpoint *list;
	struct descry_compare *result;
	struct descry_error err;

	(void)unused;
	assert_int_equal(descry_monitor_add_breakpoint(monitor, 0x7c06), 1);
	assert_int_equal(compare_at(monitor, NULL, NULL, &result, &err), DESCRY_OK);
	assert_true(result->retired > 3);
	descry_compare_free(result);
	assert_int_equal(descry_monitor_breakpoints(monitor, &list), 1);
	assert_int_equal(list[0].linear, 0x7c06);
	assert_int_equal(descry_monitor_add_breakpoint(monitor, 0x7c07), 2);
	descry_monitor_destroy(monitor);
}

static void
bad_boundaries_are_refused(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		struct descry_monitor *monitor = open_guest(refusals[i].guest);
		struct descry_compare *result;
		struct descry_error err;

		assert_int_equal(compare_at(monitor, refusals[i].at, NULL, &result, &err),
				 refusals[i].status);
		print_message("%s: %s\n", refusals[i].what, err.text);
		assert_null(result);
		assert_non_null(strstr(err.text, refusals[i].says));
		descry_monitor_destroy(monitor);
	}
}

static void
a_count_is_a_boundary(void **unused)
{
	struct descry_monitor *monitor = open_guest(&unreal);
	struct descry_compare *result = compare(monitor, "9", "selector-real/small");

	(void)unused;
	assert_int_equal(result->retired, 9); /* before the OUT, FS is as it is after it */
	assert_int_equal(result->ip, 0x7c1f);
	assert_int_equal(result->row[0].outcome, DESCRY_OUTCOME_FAULT);
	descry_compare_free(result);
	descry_monitor_destroy(monitor);
}

static void
strategies_have_names(void **unused)
{
	const struct descry_strategy *found;
	char text[DESCRY_STRATEGY_TEXT];
	struct descry_error err;

	(void)unused;
	assert_string_equal(descry_strategy_text(strategy(NULL), text), "interpret");
	assert_string_equal(descry_strategy_text(strategy("selector-real"), text),
			    "selector-real/small");
	assert_string_equal(descry_strategy_text(strategy("svm-no-vmload/big"), text),
			    "svm-no-vmload/big");
	assert_int_equal(descry_strategy_find("vmx/big", &found, &err), DESCRY_NOT_FOUND);
	assert_non_null(strstr(err.text, "selector-guest-gdt"));
	assert_int_equal(descry_strategy_find("", &found, &err), DESCRY_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strategies_have_names),
		cmocka_unit_test(trace_shows_every_step),
		cmocka_unit_test(switch_keeps_everything_but_segments),
		cmocka_unit_test(outcomes_follow_from_the_rules),
		cmocka_unit_test(all_strategies_start_from_the_same_boundary),
		cmocka_unit_test(a_count_is_a_boundary),
		cmocka_unit_test(runs_switch_where_the_guest_asks),
		cmocka_unit_test(a_run_can_stop_in_a_switch),
		cmocka_unit_test(a_search_leaves_breakpoints_alone),
		cmocka_unit_test(bad_boundaries_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
