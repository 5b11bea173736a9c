/*
 * DR6 and DR7: what a breakpoint is, and what of the registers stays. The oracle is SDM vol. 3,
 * Debug Registers; where it leaves a choice, the row says whose it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "debug_machine.h"

static struct machine machine;

/* --- DR7 as data ---------------------------------------------------------------------- */

static const struct {
	const char *what;
	uint32_t address, dr7;
	unsigned n;
	struct descry_debug_point expect;
} decodings[] = {
	/* clang-format off */
	{ "nothing is set",            0x1234, 0x00000400, 0, { 0x1234, DESCRY_BREAK_EXECUTE, 1, false } },
	{ "L0: a local instruction",   0x1234, 0x00000401, 0, { 0x1234, DESCRY_BREAK_EXECUTE, 1, true } },
	{ "G0 is enough",              0x1234, 0x00000402, 0, { 0x1234, DESCRY_BREAK_EXECUTE, 1, true } },
	{ "L1 is not L0",              0x1234, 0x00000404, 0, { 0x1234, DESCRY_BREAK_EXECUTE, 1, false } },
	{ "LEN of an instruction",     0x1237, 0x000c0401, 0, { 0x1237, DESCRY_BREAK_EXECUTE, 1, true } },
	{ "a byte written",            0x1237, 0x00010401, 0, { 0x1237, DESCRY_BREAK_WRITE,   1, true } },
	{ "a word, low bit cleared",   0x1237, 0x00050401, 0, { 0x1236, DESCRY_BREAK_WRITE,   2, true } },
	{ "a doubleword accessed",     0x1237, 0x000f0401, 0, { 0x1234, DESCRY_BREAK_ACCESS,  4, true } },
	{ "a quadword, where it is",   0x1237, 0x000b0401, 0, { 0x1230, DESCRY_BREAK_ACCESS,  8, true } },
	{ "ports, by DR3",             0x0080, 0xe0000480, 3, { 0x0080, DESCRY_BREAK_IO,      4, true } },
	{ "DR2 has its own fields",    0x0080, 0x0d000420, 2, { 0x0080, DESCRY_BREAK_WRITE,   4, true } },
	/* clang-format on */
};

static void
dr7_says_what_a_breakpoint_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(decodings); i++) {
		const struct descry_debug_point b =
			descry_debug_point(decodings[i].address, decodings[i].dr7, decodings[i].n);

		print_message("%s\n", decodings[i].what);
		assert_int_equal(b.address, decodings[i].expect.address);
		assert_int_equal(b.kind, decodings[i].expect.kind);
		assert_int_equal(b.length, decodings[i].expect.length);
		assert_int_equal(b.enabled, decodings[i].expect.enabled);
	}
}

static const struct {
	const char *what;
	uint32_t at;
	uint8_t length;
	uint32_t address, size;
	bool touches;
} overlaps[] = {
	{ "the byte itself", 0x500, 1, 0x500, 1, true },
	{ "the byte before", 0x500, 1, 0x4ff, 1, false },
	{ "the byte behind", 0x500, 1, 0x501, 1, false },
	{ "the end of a word", 0x500, 1, 0x4ff, 2, true },
	{ "the end of a dword", 0x500, 1, 0x4fd, 4, true },
	{ "just below a dword", 0x500, 4, 0x4fc, 4, false },
	{ "inside a dword", 0x500, 4, 0x502, 1, true },
	{ "its last byte", 0x500, 4, 0x503, 4, true },
	{ "behind it", 0x500, 4, 0x504, 4, false },
	{ "across 4 GiB", 0, 1, 0xffffffff, 2, true },
	{ "at the end of 4 GiB", 0xfffffffc, 4, 0xffffffff, 1, true },
	{ "not at its beginning", 0xfffffffc, 4, 0, 4, false },
};

static void
an_access_touches_what_it_overlaps(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(overlaps); i++) {
		const struct descry_debug_point b = { .address = overlaps[i].at,
						      .length = overlaps[i].length };

		print_message("%s\n", overlaps[i].what);
		assert_int_equal(
			descry_debug_point_touches(&b, overlaps[i].address, overlaps[i].size),
			overlaps[i].touches);
	}
}

/* --- what is pushed, and what DR6 and DR7 keep ----------------------------------------- */

static void
tf_is_pushed_and_then_cleared(void **state)
{
	static const struct program p = { .code = { 0x90, 0xf4 }, .flags = DESCRY_FLAG_TF };
	struct machine *m = &machine;

	(void)state;
	open_program(m, &p, "p6");
	run(m, 100);
	assert_int_equal(cpu(m)->gpr[DESCRY_SP], 0x6ffa);
	assert_int_equal(m->ram[0x6fff] << 8 & 0x100, DESCRY_FLAG_TF);
	assert_int_equal(cpu(m)->rflags & DESCRY_FLAG_TF, 0);
	descry_vcpu_destroy(m->vcpu);
}

/* 80386 data sheet: once an enabled breakpoint is met, others say so too, enabled or not. */
static void
a_met_condition_that_is_not_enabled_is_said_with_another(void **state)
{
	static const struct program p = { .code = { 0xa2, 0x00, 0x05, 0x90, 0xf4 },
					  .dr0 = 0x500,
					  .dr7 = 0x00110402 };
	struct machine *m = &machine;

	(void)state;
	open_program(m, &p, "p6");
	descry_vcpu_state_mutable(m->vcpu)->dr[1] = 0x500;
	descry_vcpu_state_changed(m->vcpu);
	run(m, 100);
	assert_int_equal(cpu(m)->dr[6], DESCRY_DR6_RESET | 3);
	descry_vcpu_destroy(m->vcpu);
}

/* BS stays until software clears it, B1 as the knob debug.dr6_b has it. */
static void
dr6_keeps_what_the_profile_says(void **state)
{
	static const struct {
		const char *profile;
		uint32_t dr6;
	} rows[] = { { "386", 0xffff4ff3 }, { "486", 0xffff4ff3 }, { "p6", 0xffff4ff1 } };
	static const struct program p = { .code = { 0x90, 0xf4 }, .dr0 = 0x7c01, .dr7 = X0 };
	struct machine *m = &machine;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		open_program(m, &p, rows[i].profile);
		descry_vcpu_state_mutable(m->vcpu)->dr[6] = 0xffff4ff2;
		run(m, 100);
		assert_int_equal(cpu(m)->rip, AT_DB + 1);
		assert_int_equal(cpu(m)->dr[6], rows[i].dr6);
		descry_vcpu_destroy(m->vcpu);
	}
}

/* Reset, and what is left of all ones and of all zeros; DR4 and DR5 are the same registers. */
static void
fixed_bits_of_dr6_and_dr7(void **state)
{
	static const struct {
		const char *profile;
		uint32_t dr6_reset, dr6_ones, dr7_ones;
	} rows[] = {
		{ "386", 0xffff1ff0, 0xfffffff0 | 0xf, 0xffff37ff },
		{ "486", 0xffff1ff0, 0xfffffff0 | 0xf, 0xffff37ff },
		{ "pentium", 0xffff0ff0, 0xffffefff, 0xffff27ff },
		{ "p6", 0xffff0ff0, 0xffffefff, 0xffff27ff },
	};
	/* mov dr4, eax; mov dr5, ebx; hlt */
	static const struct program p = { .code = { 0x0f, 0x23, 0xe0, 0x0f, 0x23, 0xeb, 0xf4 } };
	struct machine *m = &machine;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		open_profile(m, rows[i].profile);
		assert_int_equal(cpu(m)->dr[6], rows[i].dr6_reset);
		assert_int_equal(cpu(m)->dr[7], 0x400);
		descry_vcpu_destroy(m->vcpu);
		for (unsigned ones = 0; ones < 2; ones++) {
			open_program(m, &p, rows[i].profile);
			descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_AX] = ones ? ~0u : 0;
			descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_BX] = ones ? ~0u : 0;
			run(m, 2);
			assert_int_equal(cpu(m)->dr[6], ones ? rows[i].dr6_ones : 0xffff0ff0);
			assert_int_equal(cpu(m)->dr[7], ones ? rows[i].dr7_ones : 0x400);
			descry_vcpu_destroy(m->vcpu);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dr7_says_what_a_breakpoint_is),
		cmocka_unit_test(an_access_touches_what_it_overlaps),
		cmocka_unit_test(tf_is_pushed_and_then_cleared),
		cmocka_unit_test(a_met_condition_that_is_not_enabled_is_said_with_another),
		cmocka_unit_test(dr6_keeps_what_the_profile_says),
		cmocka_unit_test(fixed_bits_of_dr6_and_dr7),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
