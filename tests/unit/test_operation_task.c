/*
 * The host's interrupt through a task gate and its IRET back. What the switch itself does is in
 * test_task.c; here are the two operations. Oracle: SDM vol. 3, Task Management.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "task_machine.h"

#include <descry/operation.h>

#define HOST_STEP 2u
#define HOST_SP 0x6000u
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

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

static const struct descry_state *
cpu(const struct machine *m)
{
	return descry_vcpu_state(m->vcpu);
}

/* The host's task: flat, ring 0, no LDT. A TSS names an LDT from its making on. */
static void
put_host(struct machine *m)
{
	static const uint16_t sels[] = { DATA, CODE, DATA, DATA, DATA, 0 };

	poke32(m, NEW_TSS + 0x20, 0);
	poke32(m, NEW_TSS + 0x24, DESCRY_FLAG_ONE);
	poke32(m, NEW_TSS + 0x28 + 4 * DESCRY_SP, HOST_SP);
	for (unsigned i = 0; i < 6; i++)
		poke16(m, NEW_TSS + 0x48 + 4 * i, sels[i]);
	poke16(m, OLD_TSS + 0x60, SEL_LDT);
	descry_vcpu_memory_changed(m->vcpu);
	descry_op_set_step(m->vcpu, HOST_STEP);
}

enum guest { RING0, RING3, V86 };

static void
begin(struct machine *m, enum guest guest)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	state->rflags = 0;
	task_machine_set(m, guest == RING3 ? 3 : 0);
	put_host(m);
	state->rip = 0x1234;
	if (guest != V86)
		return;
	set_mode(m, DESCRY_MODE_V86);
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		descry_op_load_v86(m->vcpu, sreg, (uint16_t)(0x400 + sreg));
}

/* A cache that its descriptor does not describe comes back as the descriptor says. */
static void
out_and_back_is_a_reload_of_every_selector(void **state)
{
	struct machine *m = *state;

	for (unsigned guest = RING0; guest <= V86; guest++) {
		struct descry_segment odd;
		struct descry_state before;
		struct descry_fault fault;
		bool in_new_task = false;

		begin(m, guest);
		before = *cpu(m);
		odd = before.seg[DESCRY_FS];
		odd.base += 0x1000;
		odd.limit -= 0x1000;
		put(m, DESCRY_FS, odd);
		assert_true(descry_op_task_interrupt(m->vcpu, SEL_NEW, &in_new_task, &fault));
		assert_true(in_new_task);
		assert_int_equal(cpu(m)->rip, 0);
		assert_int_equal(cpu(m)->gpr[DESCRY_SP], HOST_SP);
		assert_int_equal(cpu(m)->seg[DESCRY_SS].sel, DATA);
		assert_int_equal(cpu(m)->seg[DESCRY_LDTR].sel, 0);
		assert_true(cpu(m)->rflags & DESCRY_FLAG_NT);
		assert_int_equal(peek16(m, NEW_TSS), SEL_OLD);
		assert_int_equal(access_byte(m, SEL_OLD), 0x8b);
		assert_int_equal(descry_vcpu_provenance(m->vcpu, DESCRY_FS)->base.step, HOST_STEP);

		assert_true(descry_op_task_return(m->vcpu, &in_new_task, &fault));
		assert_true(in_new_task);
		assert_memory_equal(cpu(m)->seg, before.seg, sizeof(before.seg));
		assert_int_equal(cpu(m)->rip, before.rip);
		assert_int_equal(cpu(m)->rflags, before.rflags);
		assert_memory_equal(cpu(m)->gpr, before.gpr, sizeof(before.gpr));
		assert_int_equal(access_byte(m, SEL_OLD), 0x8b);
		assert_int_equal(access_byte(m, SEL_NEW), 0x89);
	}
}

static const struct {
	const char *what;
	enum descry_mode mode;
	bool back; /* the IRET, else the interrupt */
	uint16_t tss;
	uint8_t vector;
	uint16_t error;
} refusals[] = {
	/* clang-format off */
	{ "beyond the GDT",      DESCRY_MODE_PROTECTED, false, BEYOND,  DESCRY_VEC_GP, BEYOND },
	{ "no TSS",              DESCRY_MODE_PROTECTED, false, DATA,    DESCRY_VEC_GP, DATA },
	{ "a busy TSS",          DESCRY_MODE_PROTECTED, false, SEL_OLD, DESCRY_VEC_GP, SEL_OLD },
	{ "real mode",           DESCRY_MODE_REAL,      false, SEL_NEW, DESCRY_VEC_UD, 0 },
	{ "back, no link",       DESCRY_MODE_PROTECTED, true,  0,       DESCRY_VEC_TS, 0 },
	{ "back, in real mode",  DESCRY_MODE_REAL,      true,  0,       DESCRY_VEC_UD, 0 },
	{ "back, in V86",        DESCRY_MODE_V86,       true,  0,       DESCRY_VEC_UD, 0 },
	/* clang-format on */
};

static void
a_fault_of_the_old_task_changes_nothing(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct descry_vcpu_image before, after;
		struct descry_fault fault;
		bool in_new_task = true;

		print_message("%s\n", refusals[i].what);
		begin(m, RING0);
		set_mode(m, refusals[i].mode);
		descry_vcpu_save(m->vcpu, &before);
		assert_false(refusals[i].back ? descry_op_task_return(m->vcpu, &in_new_task, &fault)
					      : descry_op_task_interrupt(m->vcpu, refusals[i].tss,
									 &in_new_task, &fault));
		descry_vcpu_save(m->vcpu, &after);
		assert_false(in_new_task);
		assert_int_equal(fault.vector, refusals[i].vector);
		assert_int_equal(fault.error_code, refusals[i].error);
		assert_memory_equal(&before, &after, sizeof(before));
	}
}

/* The guest's FS has lost its descriptor meanwhile: that is found in the guest's own task. */
static void
a_fault_of_the_new_task_is_found_in_it(void **state)
{
	struct machine *m = *state;
	struct descry_fault fault;
	bool in_new_task;

	begin(m, RING0);
	assert_true(descry_op_task_interrupt(m->vcpu, SEL_NEW, &in_new_task, &fault));
	poke16(m, OLD_TSS + 0x58, DATA_ABSENT);
	assert_false(descry_op_task_return(m->vcpu, &in_new_task, &fault));
	assert_true(in_new_task);
	assert_int_equal(fault.vector, DESCRY_VEC_NP);
	assert_int_equal(fault.error_code, DATA_ABSENT);
	assert_int_equal(cpu(m)->rip, 0x1234);
	assert_int_equal(cpu(m)->seg[DESCRY_TR].sel, SEL_OLD);
	assert_int_equal(cpu(m)->seg[DESCRY_FS].sel, DATA_ABSENT);
	assert_false(descry_segment_usable(&cpu(m)->seg[DESCRY_FS]));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(out_and_back_is_a_reload_of_every_selector),
		TEST(a_fault_of_the_old_task_changes_nothing),
		TEST(a_fault_of_the_new_task_is_found_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
