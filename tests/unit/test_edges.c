/*
 * Edges of the model where it was wrong once. The oracle is the manual that each test names, or
 * the run contract of <descry/vcpu.h>.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "small_program.h"

#include <descry/debug.h>
#include <descry/operation.h>

static struct machine machine;
static unsigned outs_until_request;

/* Any OUT counts; the last of outs_until_request asks for a stop. */
static void
counting_port(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	struct machine *m = owner;

	(void)port, (void)size, (void)value;
	if (outs_until_request && --outs_until_request == 0)
		descry_vcpu_request(m->vcpu, 7);
}

static int
open_machine(void **state)
{
	const struct descry_bus bus = {
		.owner = &machine, .page = page_of, .port_in = no_port, .port_out = counting_port
	};

	*state = &machine;
	memset(machine.ram, 0, sizeof(machine.ram));
	outs_until_request = 0;
	assert_int_equal(descry_vcpu_create(descry_profile_find("386"), &bus, &machine.vcpu),
			 DESCRY_OK);
	write_tables(&machine);
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

/* Where a vector leads: 0000:8000. */
static void
claim_vector(struct machine *m, unsigned vector)
{
	memcpy(&m->ram[vector * 4], (const uint8_t[]){ 0x00, 0x80, 0x00, 0x00 }, 4);
}

/* Runs code that must end in vector at its first instruction. */
static void
expect_fault(struct machine *m, unsigned vector)
{
	const struct descry_control control = { .budget = 1,
						.events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT) };
	struct descry_exit exit;

	claim_vector(m, vector);
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_BUDGET);
	assert_int_equal(cpu(m)->rip, 0x8000);
	assert_int_equal(descry_vcpu_event(m->vcpu, 0)->fault.vector, vector);
}

/* --- decoding ------------------------------------------------------------------------- */

static void
more_than_15_bytes_fault_whatever_the_opcode(void **state)
{
	static const uint8_t opcodes[][2] = { { 0xf1, 0x90 }, { 0xd9, 0xc0 }, { 0x0f, 0x07 } };
	struct machine *m = *state;

	for (unsigned i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		uint8_t code[300];

		memset(code, 0x66, sizeof(code));
		memcpy(code + 255, opcodes[i], 2);
		load(m, code, sizeof(code));
		expect_fault(m, DESCRY_VEC_GP);
		memcpy(code + 20, opcodes[i], 2);
		load(m, code, sizeof(code));
		expect_fault(m, DESCRY_VEC_GP);
	}
}

/* The length of a group counts, with its operand: 16 bytes, and one less. */
static void
an_undefined_member_of_a_group_can_be_too_long(void **state)
{
	static const uint8_t code[] = { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
					0x66, 0x66, 0x0f, 0xba, 0x16, 0x51, 0xe0, 0x7b };
	static const uint8_t locked[] = { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
					  0x66, 0x66, 0x66, 0x66, 0xf0, 0xf6, 0xd4 };
	struct machine *m = *state;

	load(m, code, sizeof(code));
	expect_fault(m, DESCRY_VEC_GP);
	load(m, code + 1, sizeof(code) - 1);
	expect_fault(m, DESCRY_VEC_UD);
	load(m, locked, sizeof(locked)); /* lock not ah: a member, and 15 bytes */
	expect_fault(m, DESCRY_VEC_UD);
}

static void
lock_is_refused_before_anything_else(void **state)
{
	struct machine *m = *state;

	LOAD(m, 0xf0, 0xd9, 0xc0); /* lock fld st(0) */
	expect_fault(m, DESCRY_VEC_UD);
	LOAD(m, 0xf0, 0x0f, 0x23, 0xc0); /* lock mov dr0, eax */
	expect_fault(m, DESCRY_VEC_UD);
}

/* --- the stack ------------------------------------------------------------------------ */

/* SDM vol. 1, Stack Address Size: with B=0 SP wraps at 64 KiB, whatever the limit. */
static void
pusha_wraps_a_16_bit_stack_with_a_large_limit(void **state)
{
	const struct descry_segment unreal = { .base = 0xff0, .limit = UINT32_MAX, .attr = 0x8093 };
	struct machine *m = *state;

	LOAD(m, 0x50, 0x60, 0xf4); /* push ax; pusha; hlt */
	put(m, DESCRY_SS, unreal);
	descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_SP] = 10;
	descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_AX] = 0x1234;
	run(m, 3);
	assert_int_equal(cpu(m)->gpr[DESCRY_SP], 0xfff8);
	assert_int_equal(m->ram[0xff0 + 6] | m->ram[0xff0 + 7] << 8, 0x1234);
}

static void
a_watched_stack_sees_every_way_to_push(void **state)
{
	static const struct {
		const char *what;
		uint8_t code[5];
	} rows[] = {
		{ "PUSHA", { 0x60 } },
		{ "far CALL", { 0x9a, 0x00, 0x80, 0x00, 0x00 } },
		{ "INT", { 0xcd, 0x21 } },
		{ "PUSH", { 0x50 } },
	};
	const struct descry_control control = { .watch_access = 1u << DESCRY_SS };
	struct machine *m = *state;
	struct descry_exit exit;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].what);
		load(m, rows[i].code, sizeof(rows[i].code));
		descry_vcpu_run(m->vcpu, &control, &exit);
		assert_int_equal(exit.reason, DESCRY_EXIT_ACCESS);
		assert_int_equal(descry_vcpu_event(m->vcpu, 0)->sreg, DESCRY_SS);
		assert_int_equal(descry_vcpu_event(m->vcpu, 0)->access, DESCRY_WRITE);
	}
}

/* --- flags and returns ---------------------------------------------------------------- */

/* SDM vol. 3, Instruction-Breakpoint Exception Condition: RF is gone with the next instruction. */
static void
rf_covers_the_instruction_behind_an_iret(void **state)
{
	struct machine *m = *state;

	/* push dword 00010002h; push dword 0; push dword 7C20h; iretd */
	LOAD(m, 0x66, 0x68, 0x02, 0x00, 0x01, 0x00, 0x66, 0x6a, 0x00, 0x66, 0x68, 0x20, 0x7c, 0x00,
	     0x00, 0x66, 0xcf);
	run(m, 4);
	assert_int_equal(cpu(m)->rip, 0x7c20);
	assert_int_equal(cpu(m)->rflags & DESCRY_FLAG_RF, DESCRY_FLAG_RF);
	run(m, 1);
	assert_int_equal(cpu(m)->rflags & DESCRY_FLAG_RF, 0);
}

/* SDM vol. 2, IRET: NT is looked at first. */
static void
a_task_return_does_not_touch_the_stack(void **state)
{
	struct machine *m = *state;
	struct descry_exit exit;

	LOAD(m, 0xcf);
	set_mode(m, DESCRY_MODE_PROTECTED);
	descry_vcpu_state_mutable(m->vcpu)->rflags |= DESCRY_FLAG_NT;
	descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_SP] = 0xffff;
	descry_vcpu_state_changed(m->vcpu);
	descry_vcpu_state_mutable(m->vcpu)->idtr.limit = 0;
	exit = run(m, 1);
	assert_int_equal(exit.reason, DESCRY_EXIT_SHUTDOWN);
	assert_int_equal(exit.fault.vector, DESCRY_VEC_TS); /* the link is null */
}

/* --- descriptors ---------------------------------------------------------------------- */

/* SDM vol. 3, Segment Descriptors: the accessed bit is set in the table, wherever it lies. */
static void
a_table_at_linear_0_is_marked_too(void **state)
{
	const struct descry_segment ldt_at_0 = { .limit = 0xf, .sel = 0x38, .attr = 0x82 };
	const uint64_t not_accessed = 0x00cf92000000ffff;
	struct machine *m = *state;
	struct descry_fault fault;

	memcpy(m->ram, &not_accessed, sizeof(not_accessed));
	set_mode(m, DESCRY_MODE_PROTECTED);
	put(m, DESCRY_LDTR, ldt_at_0);
	assert_true(descry_op_load_segment(m->vcpu, DESCRY_DS, 0x04, DESCRY_CAUSE_MOV, &fault));
	assert_int_equal(m->ram[5], 0x93);
	assert_int_equal(cpu(m)->seg[DESCRY_DS].attr, 0xc093);
}

/* SDM vol. 2, LAR: the DPL of conforming code is no obstacle; that of data is. */
static void
conforming_code_answers_any_ring(void **state)
{
	struct machine *m = *state;

	LOAD(m, 0x0f, 0x02, 0xc1, 0x0f, 0x02, 0xc2); /* lar ax, cx; lar ax, dx */
	set_mode(m, DESCRY_MODE_PROTECTED);
	put_cpl(m, 3);
	put(m, DESCRY_CS, (struct descry_segment){ 0, 0xffff, 0x4b, 0xfb });
	descry_vcpu_state_mutable(m->vcpu)->gdtr =
		(struct descry_table){ .base = GDT, .limit = sizeof(gdt) - 1 };
	descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_CX] = 0x18;
	descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_DX] = 0x10;
	run(m, 1);
	assert_true(cpu(m)->rflags & DESCRY_FLAG_ZF);
	assert_int_equal(cpu(m)->gpr[DESCRY_AX], 0x9f00);
	run(m, 1);
	assert_false(cpu(m)->rflags & DESCRY_FLAG_ZF);
}

/* An operand of two parts is two addresses: behind FFFFh the second one is at 0 (seen on silicon).
 */
static void
a_far_pointer_wraps_in_the_middle(void **state)
{
	const struct descry_segment large = { 0xffff8000, 0x1ffff, 0, 0x93 };
	struct machine *m = *state;

	LOAD(m, 0x66, 0xc4, 0x07); /* les eax, [bx] */
	put(m, DESCRY_DS, large);
	memset(&m->ram[0x7ffd], 0x11, 4);
	memset(&m->ram[0x8001], 0x22, 2); /* offset 10001h */
	descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_BX] = 0xfffd;
	assert_int_equal(run(m, 1).reason, DESCRY_EXIT_BUDGET);
	assert_int_equal(cpu(m)->gpr[DESCRY_AX], 0x11111111);
	assert_int_equal(cpu(m)->seg[DESCRY_ES].sel, 0xffff); /* nothing is at FFFF8001h */
}

/* --- ports, events, repeats ----------------------------------------------------------- */

static void
a_request_from_outs_ends_the_run(void **state)
{
	struct machine *m = *state;
	struct descry_exit exit;

	LOAD(m, 0x6e, 0x41, 0xeb, 0xfc); /* outsb; inc cx; jmp back */
	outs_until_request = 5;
	exit = run(m, 1000);
	assert_int_equal(exit.reason, DESCRY_EXIT_REQUEST);
	assert_int_equal(exit.request, 7);
	assert_int_equal(cpu(m)->gpr[DESCRY_CX], 4);
}

static void
a_request_is_not_lost_behind_a_watch(void **state)
{
	const struct descry_control control = { .watch_access = 1u << DESCRY_DS };
	struct machine *m = *state;
	struct descry_exit exit;

	LOAD(m, 0x6e); /* outsb */
	outs_until_request = 1;
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_REQUEST);
}

/* The trap of the OUT belongs to it: it is delivered, and the run ends with the request. */
static void
a_request_is_not_lost_behind_a_trap(void **state)
{
	struct machine *m = *state;
	struct descry_exit exit;

	LOAD(m, 0xe6, 0x80, 0x90); /* out 80h, al */
	claim_vector(m, DESCRY_VEC_DB);
	descry_vcpu_state_mutable(m->vcpu)->rflags |= DESCRY_FLAG_TF;
	descry_vcpu_state_changed(m->vcpu);
	outs_until_request = 1;
	exit = run(m, 10);
	assert_int_equal(exit.reason, DESCRY_EXIT_REQUEST);
	assert_int_equal(exit.request, 7);
	assert_int_equal(cpu(m)->rip, 0x8000);
	assert_int_equal(cpu(m)->dr[6] & DESCRY_DR6_BS, DESCRY_DR6_BS);
}

static void
events_and_provenance_name_the_instruction(void **state)
{
	const struct descry_control control = { .budget = 1,
						.events = DESCRY_EVENT_BIT(DESCRY_EVENT_DELIVERY) };
	struct machine *m = *state;
	struct descry_exit exit;

	LOAD(m, 0xcd, 0x21); /* int 21h, from 0100:6C00 to 0200:0000 */
	put(m, DESCRY_CS, (struct descry_segment){ 0x1000, 0xffff, 0x100, 0x93 });
	descry_vcpu_state_mutable(m->vcpu)->rip = ORIGIN - 0x1000;
	memcpy(&m->ram[0x21 * 4], (const uint8_t[]){ 0x00, 0x00, 0x00, 0x02 }, 4);
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(descry_vcpu_event(m->vcpu, 0)->cs, 0x100);
	assert_int_equal(descry_vcpu_event(m->vcpu, 0)->ip, ORIGIN - 0x1000);
	assert_int_equal(descry_vcpu_provenance(m->vcpu, DESCRY_CS)->base.cs, 0x100);
}

/* rep stosb across a page edge that writes over itself: however the run is cut, it is the same. */
static void
a_repeat_across_pages_that_overwrites_itself(void **state)
{
	struct machine *m = *state;
	struct descry_state whole;

	for (unsigned pass = 0; pass < 2; pass++) {
		memset(m->ram, 0, sizeof(m->ram));
		LOAD(m, 0xe9, 0xfc, 0x03); /* jmp 7FFFh */
		memcpy(&m->ram[0x7fff], (const uint8_t[]){ 0xf3, 0xaa, 0xf4 }, 3);
		descry_vcpu_state_mutable(m->vcpu)->retired = 0;
		descry_vcpu_state_mutable(m->vcpu)->halted = 0;
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_DI] = 0x7ffd;
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_CX] = 16;
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_AX] = 0x90;
		descry_vcpu_state_changed(m->vcpu);
		if (pass == 0) {
			run(m, 14);
			whole = *cpu(m);
			continue;
		}
		for (unsigned i = 0; i < 14; i++)
			run(m, 1);
		assert_memory_equal(&whole, cpu(m), sizeof(whole));
	}
}

/* A store into the instruction itself pauses the repeat, which goes on in a new block. */
static void
a_breakpoint_stops_before_a_repeat_not_in_it(void **state)
{
	const uint64_t breakpoint = ORIGIN + 1;
	const struct descry_control control = { .budget = 1000,
						.breakpoints = &breakpoint,
						.breakpoint_count = 1 };
	struct machine *m = *state;
	struct descry_exit exit;

	LOAD(m, 0x90, 0xf3, 0xa4, 0xf4); /* nop; rep movsb, onto itself; hlt */
	descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_SI] = ORIGIN;
	descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_DI] = ORIGIN;
	descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_CX] = 16;
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_BREAKPOINT);
	assert_int_equal(cpu(m)->gpr[DESCRY_CX], 16);
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_HALTED);
	assert_int_equal(cpu(m)->gpr[DESCRY_CX], 0);
}

static void
the_largest_budget_is_no_budget(void **state)
{
	struct machine *m = *state;

	LOAD(m, 0x40, 0xf4); /* inc ax; hlt */
	run(m, 1);
	assert_int_equal(run(m, UINT64_MAX).reason, DESCRY_EXIT_HALTED);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(more_than_15_bytes_fault_whatever_the_opcode),
		TEST(an_undefined_member_of_a_group_can_be_too_long),
		TEST(lock_is_refused_before_anything_else),
		TEST(pusha_wraps_a_16_bit_stack_with_a_large_limit),
		TEST(a_watched_stack_sees_every_way_to_push),
		TEST(rf_covers_the_instruction_behind_an_iret),
		TEST(a_task_return_does_not_touch_the_stack),
		TEST(a_table_at_linear_0_is_marked_too),

		TEST(conforming_code_answers_any_ring),
		TEST(a_far_pointer_wraps_in_the_middle),
		TEST(a_request_from_outs_ends_the_run),
		TEST(a_request_is_not_lost_behind_a_watch),
		TEST(a_request_is_not_lost_behind_a_trap),
		TEST(events_and_provenance_name_the_instruction),
		TEST(a_repeat_across_pages_that_overwrites_itself),
		TEST(a_breakpoint_stops_before_a_repeat_not_in_it),
		TEST(the_largest_budget_is_no_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
