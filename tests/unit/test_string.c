/*
 * String instructions, alone and under REP, at their edges: budget, faults, overlap, wrap,
 * pages, and code that writes over itself. Oracle: SDM vol. 2, REP and MOVS to OUTS; that
 * an iteration is one instruction of time is the rule of this project.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "small_machine.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define CODE_AT 0x100u
#define TEXT_AT 0x8000u
#define UNHANDLED 0xf0001234u /* what every vector of the IVT says */

struct registers {
	uint32_t eax, ecx, esi, edi;
};

/* clang-format off */
static const struct string_case {
	const char *what;
	const char *code; unsigned code_size;
	uint32_t flags; struct registers before; const char *text;
	uint64_t retired; uint32_t ip; struct registers after; const char *expected;
} cases[] = {
#define CODE(bytes) bytes, sizeof(bytes) - 1
#define UP 0
#define DOWN DESCRY_FLAG_DF
#define ZF DESCRY_FLAG_ZF
	{ "MOVSB alone", CODE("\xa4"),
	  UP, { 0, 7, 0x8000, 0x8004 }, "abcdefgh", 1, 0x101, { 0, 7, 0x8001, 0x8005 }, "abcdafgh" },
	{ "MOVSW downwards", CODE("\xa5"),
	  DOWN, { 0, 7, 0x8000, 0x8004 }, "abcdefgh", 1, 0x101, { 0, 7, 0x7ffe, 0x8002 }, "abcdabgh" },
	{ "LODSB keeps the rest of EAX", CODE("\xac"),
	  UP, { 0x11223344, 7, 0x8001, 0 }, "abcdefgh", 1, 0x101, { 0x11223362, 7, 0x8002, 0 }, "abcdefgh" },
	{ "REP STOSB", CODE("\xf3\xaa"),
	  UP, { 'x', 4, 0, 0x8001 }, "abcdefgh", 4, 0x102, { 'x', 0, 0, 0x8005 }, "axxxxfgh" },
	{ "the budget ends between iterations", CODE("\xf3\xaa"),
	  UP, { 'x', 4, 0, 0x8001 }, "abcdefgh", 3, 0x100, { 'x', 1, 0, 0x8004 }, "axxxefgh" },
	{ "no iteration at all takes one instruction of time", CODE("\xf3\xaa"),
	  UP, { 'x', 0, 0, 0x8001 }, "abcdefgh", 1, 0x102, { 'x', 0, 0, 0x8001 }, "abcdefgh" },
	{ "REPNE is REP to STOS", CODE("\xf2\xaa"),
	  ZF, { 'x', 3, 0, 0x8001 }, "abcdefgh", 3, 0x102, { 'x', 0, 0, 0x8004 }, "axxxefgh" },
	{ "REP STOSW downwards", CODE("\xf3\xab"),
	  DOWN, { 'x' << 8 | 'y', 2, 0, 0x8004 }, "abcdefgh", 2, 0x102,
	  { 'x' << 8 | 'y', 0, 0, 0x8000 }, "abyxyxgh" },
	{ "REP MOVSB in front of its source repeats", CODE("\xf3\xa4"),
	  UP, { 0, 6, 0x8000, 0x8002 }, "abcdefgh", 6, 0x102, { 0, 0, 0x8006, 0x8008 }, "abababab" },
	{ "REP MOVSW one byte in front of its source", CODE("\xf3\xa5"),
	  UP, { 0, 3, 0x8000, 0x8001 }, "abcdefgh", 3, 0x102, { 0, 0, 0x8006, 0x8007 }, "aabbddfh" },
	{ "REP MOVSB behind its source moves", CODE("\xf3\xa4"),
	  UP, { 0, 6, 0x8002, 0x8000 }, "abcdefgh", 6, 0x102, { 0, 0, 0x8008, 0x8006 }, "cdefghgh" },
	{ "REP MOVSB downwards", CODE("\xf3\xa4"),
	  DOWN, { 0, 6, 0x8005, 0x8007 }, "abcdefgh", 6, 0x102, { 0, 0, 0x7fff, 0x8001 }, "ababcdef" },
	{ "REP MOVSD across a page", CODE("\xf3\x66\xa5"),
	  UP, { 0, 3, 0x8000, 0x8ffe }, "abcdefghijklmno", 3, 0x103,
	  { 0, 0, 0x800c, 0x900a }, "abcdefghijklmno" },
	{ "16-bit DI wraps, the upper halves stay", CODE("\xf3\xaa"),
	  UP, { 'x', 0x56780003, 0, 0x1234ffff }, "abcdefgh", 3, 0x102,
	  { 'x', 0x56780000, 0, 0x12340002 }, "abcdefgh" },
	{ "32-bit addresses count in ECX", CODE("\x67\xf3\xaa"),
	  UP, { 'x', 0x00010000, 0, 0x8002 }, "abcdefgh", 4, 0x100,
	  { 'x', 0x0000fffc, 0, 0x8006 }, "abxxxxgh" },
	{ "REP LODSB ends with the last one", CODE("\xf3\xac"),
	  UP, { 0, 3, 0x8000, 0 }, "abcdefgh", 3, 0x102, { 'c', 0, 0x8003, 0 }, "abcdefgh" },
	{ "REPE CMPSB stops behind a difference", CODE("\xf3\xa6"),
	  UP, { 0, 4, 0x8000, 0x8004 }, "abxdabcd", 3, 0x102, { 0, 1, 0x8003, 0x8007 }, "abxdabcd" },
	{ "REPNE SCASB stops behind the one it finds", CODE("\xf2\xae"),
	  UP, { 'c', 9, 0, 0x8000 }, "abcdefgh", 3, 0x102, { 'c', 6, 0, 0x8003 }, "abcdefgh" },
	{ "REPE SCASB stops at once", CODE("\xf3\xae"),
	  ZF, { 'c', 9, 0, 0x8000 }, "abcdefgh", 1, 0x102, { 'c', 8, 0, 0x8001 }, "abcdefgh" },
	{ "INSB from a port that nobody has", CODE("\x6c"),
	  UP, { 0, 7, 0, 0x8001 }, "abcdefgh", 1, 0x101, { 0, 7, 0, 0x8002 }, "a\xff" "cdefgh" },
	{ "REP STOSB over itself: the new bytes are fetched", CODE("\xf3\xaa"),
	  UP, { 0x90, 3, 0, 0x101 }, "abcdefgh", 2, 0x102, { 0x90, 2, 0, 0x102 }, "abcdefgh" },
};
/* clang-format on */

/* --- a real-mode machine with one instruction in it ----------------------------------- */

static struct descry_segment
real_segment(void)
{
	return (struct descry_segment){ .limit = 0xffff, .attr = DESCRY_ATTR_REAL_DATA };
}

static void
open_real(struct machine *m, const char *code, size_t code_size, const char *text)
{
	machine_open(m);
	set_mode(m, DESCRY_MODE_REAL);
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		put(m, (enum descry_sreg)sreg, real_segment());
	for (uint32_t at = 0; at < 0x100; at += 4)
		memcpy(&m->ram[at], &(uint32_t){ UNHANDLED }, 4);
	memcpy(&m->ram[CODE_AT], code, code_size);
	m->ram[CODE_AT + code_size] = 0xf4; /* HLT */
	memcpy(&m->ram[TEXT_AT], text, strlen(text));
	descry_vcpu_memory_changed(m->vcpu);
}

static void
set_registers(struct machine *m, const struct registers *r, uint32_t flags)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	state->gpr[DESCRY_AX] = r->eax;
	state->gpr[DESCRY_CX] = r->ecx;
	state->gpr[DESCRY_SI] = r->esi;
	state->gpr[DESCRY_DI] = r->edi;
	state->gpr[DESCRY_SP] = 0x7000;
	state->rflags = DESCRY_FLAG_ONE | flags;
	state->rip = CODE_AT;
	state->retired = 0;
	descry_vcpu_state_changed(m->vcpu);
}

static struct descry_exit
run(struct machine *m, uint64_t budget)
{
	const struct descry_control control = { .budget = budget, .unhandled = UNHANDLED };
	struct descry_exit exit = { .reason = DESCRY_EXIT_REASON_COUNT };

	descry_vcpu_run(m->vcpu, &control, &exit);
	return exit;
}

static void
assert_registers(const struct machine *m, const struct registers *expected)
{
	const struct descry_state *state = descry_vcpu_state(m->vcpu);

	assert_int_equal(state->gpr[DESCRY_AX], expected->eax);
	assert_int_equal(state->gpr[DESCRY_CX], expected->ecx);
	assert_int_equal(state->gpr[DESCRY_SI], expected->esi);
	assert_int_equal(state->gpr[DESCRY_DI], expected->edi);
}

static void
close_machine(struct machine *m)
{
	descry_vcpu_destroy(m->vcpu);
	free(m);
}

/* Given just the time that it is to take, it stands where it says: behind itself, if done. */
static void
check_case(const struct string_case *row)
{
	struct machine *m = malloc(sizeof(*m));
	const struct descry_state *state;

	assert_non_null(m);
	open_real(m, row->code, row->code_size, row->text);
	set_registers(m, &row->before, row->flags);
	run(m, row->retired);
	state = descry_vcpu_state(m->vcpu);
	print_message("%s\n", row->what);
	assert_int_equal(state->retired, row->retired);
	assert_int_equal(state->rip, row->ip);
	assert_registers(m, &row->after);
	assert_memory_equal(&m->ram[TEXT_AT], row->expected, strlen(row->expected));
	close_machine(m);
}

static void
test_cases(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check_case(&cases[i]);
}

/* --- faults --------------------------------------------------------------------------- */

/* clang-format off */
static const struct fault_case {
	const char *what;
	const char *code; unsigned code_size;
	struct registers before; unsigned vector; struct registers after;
} fault_cases[] = {
	{ "what is done before a fault stays done", CODE("\xf3\xab"),
	  { 'x', 8, 0, 0xfffb }, DESCRY_VEC_GP, { 'x', 6, 0, 0xffff } },
	{ "the source is checked first", CODE("\x36\xa5"),
	  { 0, 7, 0xffff, 0xffff }, DESCRY_VEC_SS, { 0, 7, 0xffff, 0xffff } },
	{ "the destination has no prefix", CODE("\x36\xab"),
	  { 0, 7, 0, 0xffff }, DESCRY_VEC_GP, { 0, 7, 0, 0xffff } },
	{ "REPE CMPSW: flags as before the first iteration", CODE("\xf3\xa7"),
	  { 0, 8, 0x9000, 0xfffd }, DESCRY_VEC_GP, { 0, 7, 0x9002, 0xffff } },
	{ "a port is not read for a bad destination", CODE("\x6d"),
	  { 0, 7, 0, 0xffff }, DESCRY_VEC_GP, { 0, 7, 0, 0xffff } },
};
/* clang-format on */

#define ARITHMETIC                                                                                 \
	(DESCRY_FLAG_CF | DESCRY_FLAG_PF | DESCRY_FLAG_AF | DESCRY_FLAG_ZF | DESCRY_FLAG_SF |      \
	 DESCRY_FLAG_OF)

static void
test_faults(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(fault_cases); i++) {
		const struct fault_case *row = &fault_cases[i];
		struct machine *m = malloc(sizeof(*m));
		struct descry_exit exit;

		assert_non_null(m);
		open_real(m, row->code, row->code_size, "");
		set_registers(m, &row->before, DESCRY_FLAG_CF | DESCRY_FLAG_SF);
		exit = run(m, 100);
		print_message("%s\n", row->what);
		assert_int_equal(exit.reason, DESCRY_EXIT_UNHANDLED);
		assert_int_equal(exit.fault.vector, row->vector);
		assert_int_equal(descry_vcpu_state(m->vcpu)->rip, CODE_AT);
		assert_int_equal(descry_vcpu_state(m->vcpu)->rflags & ARITHMETIC,
				 DESCRY_FLAG_CF | DESCRY_FLAG_SF);
		assert_registers(m, &row->after);
		close_machine(m);
	}
}

/* --- what only more than one run can show --------------------------------------------- */

/* MOVSW by the book. */
static void
copy_words(uint8_t *ram, uint32_t from, uint32_t to, uint32_t count)
{
	for (uint32_t i = 0; i < 2 * count; i += 2) {
		const uint8_t low = ram[from + i], high = ram[from + i + 1];

		ram[to + i] = low;
		ram[to + i + 1] = high;
	}
}

/* Odd addresses, many pages, an overlap: cut into pieces it is the copy in one piece. */
static void
test_any_budget(void **unused)
{
	const struct registers before = { 'q', 0x1803, 0x2001, 0x2c02 };
	struct machine *whole = malloc(sizeof(*whole));
	struct machine *cut = malloc(sizeof(*cut));
	static uint8_t expected[RAM_SIZE];

	(void)unused;
	assert_non_null(whole);
	assert_non_null(cut);
	open_real(whole, "\xf3\xa5", 2, "");
	open_real(cut, "\xf3\xa5", 2, "");
	for (uint32_t i = 0x2000; i < 0x7000; i++)
		whole->ram[i] = cut->ram[i] = (uint8_t)(i * 37 >> 3);
	memcpy(expected, whole->ram, RAM_SIZE);
	copy_words(expected, before.esi, before.edi, before.ecx);
	set_registers(whole, &before, 0);
	set_registers(cut, &before, 0);
	run(whole, before.ecx);
	for (uint64_t done = 0, budget; done < before.ecx; done += budget) {
		budget = 1 + done % 977;
		if (budget > before.ecx - done)
			budget = before.ecx - done;
		run(cut, budget);
	}
	assert_memory_equal(whole->ram, expected, RAM_SIZE);
	assert_memory_equal(cut->ram, expected, RAM_SIZE);
	assert_int_equal(descry_vcpu_state(whole->vcpu)->rip, CODE_AT + 2);
	assert_memory_equal(descry_vcpu_state(whole->vcpu), descry_vcpu_state(cut->vcpu),
			    sizeof(struct descry_state));
	close_machine(whole);
	close_machine(cut);
}

/*
 * With less privilege than IOPL the bitmap in the TSS decides: here there is none, and so it is,
 * an Intel Xeon says, even when CX is 0. With no IDT for it the #GP shuts the CPU down.
 */
static void
test_ports_below_iopl(void **unused)
{
	const struct descry_segment code = { .limit = 0xffff, .sel = 0x4b, .attr = 0x40fb };
	struct machine *m = malloc(sizeof(*m));
	struct descry_exit exit;

	(void)unused;
	assert_non_null(m);
	open_real(m, "\xf3\x6c", 2, "");
	set_registers(m, &(struct registers){ .edi = TEXT_AT }, 0);
	set_mode(m, DESCRY_MODE_PROTECTED);
	put(m, DESCRY_CS, code);
	put_cpl(m, 3);
	put(m, DESCRY_TR, (struct descry_segment){ .limit = 0x66, .attr = 0x8b });
	exit = run(m, 1);
	assert_int_equal(exit.reason, DESCRY_EXIT_SHUTDOWN);
	assert_int_equal(exit.fault.vector, DESCRY_VEC_GP);
	assert_int_equal(descry_vcpu_state(m->vcpu)->rip, CODE_AT);
	close_machine(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_any_budget),
		cmocka_unit_test(test_ports_below_iopl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
