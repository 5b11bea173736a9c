/*
 * Virtual-8086 mode: the way in and out, and what every load leaves in the caches. The oracle is
 * SDM vol. 3, 8086 Emulation, and vol. 2, INT n, IRET.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "v86_machine.h"

#include <descry/reload.h>

/* --- loads ---------------------------------------------------------------------------- */

static void
every_load_is_fixed(void **state)
{
	static const struct {
		const char *what;
		uint8_t code[6];
		enum descry_sreg sreg;
		uint16_t sel;
	} rows[] = {
		{ "mov ds, ax", { 0x8e, 0xd8 }, DESCRY_DS, 0x1234 },
		{ "mov es, ax: null means nothing", { 0x8e, 0xc1 }, DESCRY_ES, 0 },
		{ "mov ss, ax", { 0x8e, 0xd0 }, DESCRY_SS, 0x1234 },
		{ "pop fs", { 0x0f, 0xa1 }, DESCRY_FS, 0x5678 },
		{ "pop ss", { 0x17 }, DESCRY_SS, 0x5678 },
		{ "lgs ax, ss:[bp]", { 0x0f, 0xb5, 0x46, 0x00 }, DESCRY_GS, 0x9abc },
		{ "jmp 1234h:0", { 0xea, 0, 0, 0x34, 0x12 }, DESCRY_CS, 0x1234 },
		{ "call 1234h:0", { 0x9a, 0, 0, 0x34, 0x12 }, DESCRY_CS, 0x1234 },
		{ "retf", { 0xcb }, DESCRY_CS, 0x9abc },
		{ "iret", { 0xcf }, DESCRY_CS, 0x9abc },
	};
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct descry_segment before[DESCRY_SREG_COUNT];
		struct descry_state *to = descry_vcpu_state_mutable(m->vcpu);

		memcpy(&m->ram[V86_SS * 16 + V86_SP], "\x78\x56\xbc\x9a\x02\x30", 6);
		begin_v86(m, rows[i].code, sizeof(rows[i].code), IOPL, 0);
		to->gpr[DESCRY_AX] = 0x1234;
		to->gpr[DESCRY_CX] = 0;
		to->gpr[DESCRY_BP] = V86_SP;
		memcpy(before, cpu(m)->seg, sizeof(before));
		before[rows[i].sreg] = fixed(rows[i].sel);
		assert_int_equal(step(m).vector, NONE);
		if (memcmp(before, cpu(m)->seg, sizeof(before)))
			fail_msg("%s", rows[i].what);
		assert_int_equal(descry_vcpu_provenance(m->vcpu, rows[i].sreg)->attr.mode,
				 DESCRY_MODE_V86);
		assert_int_equal(descry_cache_status(m->vcpu, rows[i].sreg), 0);
	}
}

/* --- the way in ----------------------------------------------------------------------- */

static void
iretd_enters_with_six_fixed_loads(void **state)
{
	struct machine *m = *state;
	const struct descry_segment tr = cpu(m)->seg[DESCRY_TR], ldtr = cpu(m)->seg[DESCRY_LDTR];

	begin_ring0(m, frame_in, sizeof(frame_in));
	assert_int_equal(step(m).vector, NONE);
	assert_int_equal(descry_vcpu_mode(m->vcpu), DESCRY_MODE_V86);
	assert_int_equal(descry_cpl(cpu(m)), 3);
	assert_segment(m, DESCRY_CS, fixed(V86_CS));
	assert_segment(m, DESCRY_SS, fixed(0x0600));
	assert_segment(m, DESCRY_ES, fixed(0x1111));
	assert_segment(m, DESCRY_DS, fixed(0x2222));
	assert_segment(m, DESCRY_FS, fixed(0x3333));
	assert_segment(m, DESCRY_GS, fixed(0x4444));
	assert_segment(m, DESCRY_TR, tr);
	assert_segment(m, DESCRY_LDTR, ldtr);
	assert_int_equal(cpu(m)->rip, V86_IP); /* the high half is ignored: v86.iret_eip_high */
	assert_int_equal(cpu(m)->gpr[DESCRY_SP], 0x12345678);
	assert_int_equal(cpu(m)->rflags, 0x000b3202);
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		assert_int_equal(
			descry_vcpu_provenance(m->vcpu, (enum descry_sreg)sreg)->base.cause,
			DESCRY_CAUSE_IRET);
}

static void
a_return_that_runs_out_of_stack_changes_nothing(void **state)
{
	struct machine *m = *state;
	struct descry_segment small = { .base = 0, .limit = 0x3700 + 35 - 1, .sel = 0x10 };

	begin_ring0(m, frame_in, sizeof(frame_in));
	small.attr = 0x4093;
	put(m, DESCRY_SS, small);
	assert_int_equal(step(m).vector, DESCRY_VEC_SS);
	assert_int_equal(descry_vcpu_mode(m->vcpu), DESCRY_MODE_PROTECTED);
}

/* At CPL 3 the VM bit of the image is not looked at (SDM vol. 2, IRET). */
static void
ring_3_cannot_enter(void **state)
{
	const uint32_t frame[] = { 0x8001, 0x4b, DESCRY_FLAG_VM | 2 };
	struct machine *m = *state;

	begin_ring0(m, frame, sizeof(frame));
	put(m, DESCRY_CS,
	    (struct descry_segment){ .limit = UINT32_MAX, .sel = 0x4b, .attr = 0xc0fb });
	put_cpl(m, 3);
	assert_int_equal(step(m).vector, NONE);
	assert_int_equal(descry_vcpu_mode(m->vcpu), DESCRY_MODE_PROTECTED);
	assert_int_equal(cpu(m)->rip, 0x8001);
}

/* --- the way out ---------------------------------------------------------------------- */

static void
an_interrupt_leaves_nulls(void **state)
{
	struct machine *m = *state;
	const uint32_t out[] = { V86_IP + 2,
				 V86_CS,
				 DESCRY_FLAG_VM | IOPL | IF | 2,
				 0xabcd0000u | V86_SP,
				 V86_SS,
				 0x100 + DESCRY_ES,
				 0x100 + DESCRY_DS,
				 0x100 + DESCRY_FS,
				 0x100 + DESCRY_GS };
	const struct descry_segment null = { .limit = UINT32_MAX, .attr = 0xc100 };

	BEGIN_V86(m, IOPL | IF, 0, 0xcd, 0x30);
	assert_int_equal(step(m).vector, NONE);
	assert_int_equal(descry_vcpu_mode(m->vcpu), DESCRY_MODE_PROTECTED);
	assert_int_equal(cpu(m)->gpr[DESCRY_SP], RING0_STACK - sizeof(out));
	for (size_t i = 0; i < COUNT(out); i++)
		assert_int_equal(dword_at(m, RING0_STACK - sizeof(out) + 4 * (uint32_t)i), out[i]);
	assert_int_equal(cpu(m)->seg[DESCRY_CS].sel, 0x08);
	assert_int_equal(cpu(m)->seg[DESCRY_SS].sel, 0x10);
	assert_segment(m, DESCRY_ES, null);
	assert_segment(m, DESCRY_DS, null);
	assert_segment(m, DESCRY_FS, null);
	assert_segment(m, DESCRY_GS, null);
	assert_int_equal(cpu(m)->rflags & (DESCRY_FLAG_VM | IF | IOPL), IOPL);
	assert_int_equal(descry_vcpu_provenance(m->vcpu, DESCRY_DS)->base.mode,
			 DESCRY_MODE_PROTECTED);
}

static void
a_16_bit_gate_pushes_words(void **state)
{
	struct machine *m = *state;

	put_gate(m, 0x30, 0x08, 0xe6);
	BEGIN_V86(m, IOPL, 0, 0xcd, 0x30);
	assert_int_equal(step(m).vector, NONE);
	assert_int_equal(cpu(m)->gpr[DESCRY_SP], RING0_STACK - 18);
	assert_int_equal(word_at(m, RING0_STACK - 18), V86_IP + 2);
	assert_int_equal(word_at(m, RING0_STACK - 2), 0x100 + DESCRY_GS);
}

/* Where the gate leads, and what the fault names; the way to #GP itself is good. */
static void
only_ring_0_will_do(void **state)
{
	static const struct {
		const char *what;
		uint16_t sel;
		uint8_t access, vector;
		uint16_t error;
	} rows[] = {
		{ "conforming code of ring 0", 0x18, 0xee, GP, 0x18 },
		{ "code of ring 3", 0x48, 0xee, GP, 0x48 },
		{ "data", 0x10, 0xee, GP, 0x10 },
		{ "null", 0x00, 0xee, GP, 0 },
		{ "not present", 0x70, 0xee, DESCRY_VEC_NP, 0x70 },
		{ "a gate of ring 0, for INT n", 0x08, 0x8e, GP, 0x30 * 8 + 2 },
		{ "an absent gate", 0x08, 0x6e, DESCRY_VEC_NP, 0x30 * 8 + 2 },
		{ "no gate", 0x08, 0xe9, GP, 0x30 * 8 + 2 },
	};
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct descry_fault fault;

		put_gate(m, 0x30, rows[i].sel, rows[i].access);
		BEGIN_V86(m, IOPL, 0, 0xcd, 0x30);
		fault = step(m);
		if (fault.vector != rows[i].vector || fault.error_code != rows[i].error)
			fail_msg("%s: %u(%x)", rows[i].what, fault.vector, fault.error_code);
		assert_int_equal(dword_at(m, cpu(m)->gpr[DESCRY_SP] & 0xffff), rows[i].error);
		assert_int_equal(dword_at(m, (cpu(m)->gpr[DESCRY_SP] & 0xffff) + 4), V86_IP);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(every_load_is_fixed),
		TEST(iretd_enters_with_six_fixed_loads),
		TEST(a_return_that_runs_out_of_stack_changes_nothing),
		TEST(ring_3_cannot_enter),
		TEST(an_interrupt_leaves_nulls),
		TEST(a_16_bit_gate_pushes_words),
		TEST(only_ring_0_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
