/*
 * The guest's own debugging: when #DB comes, what it pushes and what DR6 says then. The oracle is
 * SDM vol. 3, Debug Registers, Debug Exceptions, and Masking Exceptions and Interrupts When
 * Switching Stacks; where it leaves a choice, the row says whose it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "debug_machine.h"

static struct machine machine;

static const struct program programs[] = {
/* clang-format off */
#define TF DESCRY_FLAG_TF
#define RF DESCRY_FLAG_RF
#define DE DESCRY_CR4_DE
#define BS DESCRY_DR6_BS
	{ "TF: behind the instruction",
	  { 0x90, 0x90, 0xf4 }, TF, 0, 0, 0,                           AT_DB, 0x7c01, BS },
	{ "push 100h; popf; nop: not behind the POPF that sets TF",
	  { 0x68, 0x00, 0x01, 0x9d, 0x90, 0xf4 }, 0, 0, 0, 0,          AT_DB, 0x7c05, BS },
	{ "popf of 0: behind the POPF that clears TF",
	  { 0x9d, 0x90, 0xf4 }, TF, 0, 0, 0,                           AT_DB, 0x7c01, BS },
	{ "a branch is trapped where it goes",
	  { 0xeb, 0x02, 0xf4, 0xf4, 0xf4 }, TF, 0, 0, 0,               AT_DB, 0x7c04, BS },
	{ "mov ss, ax: the trap waits for the next one",
	  { 0x8e, 0xd0, 0x90, 0x90, 0xf4 }, TF, 0, 0, 0,               AT_DB, 0x7c03, BS },
	{ "mov ss, ax twice: only the first holds it off",
	  { 0x8e, 0xd0, 0x8e, 0xd0, 0x90, 0xf4 }, TF, 0, 0, 0,         AT_DB, 0x7c04, BS },
	{ "sti holds no trap off",
	  { 0xfb, 0x90, 0xf4 }, TF, 0, 0, 0,                           AT_DB, 0x7c01, BS },
	{ "int3 clears TF and is not trapped",
	  { 0xcc, 0x90, 0xf4 }, TF, 0, 0, 0,                           AT_OTHER, 0x7c01, 0 },
	{ "mov ss, ax; int3: neither is",
	  { 0x8e, 0xd0, 0xcc, 0xf4 }, TF, 0, 0, 0,                     AT_OTHER, 0x7c03, 0 },
	{ "div al: the handler of a fault is not stepped",
	  { 0xf6, 0xf0, 0xf4 }, TF, 0, 0, 0,                           AT_OTHER, 0x7c00, 0 },
	{ "rep stosb: after the first iteration",
	  { 0xf3, 0xaa, 0xf4 }, TF, 0, 0, 0,                           AT_DB, 0x7c00, BS },
	{ "hlt: the trap wakes the CPU",
	  { 0xf4, 0x90, 0xf4 }, TF, 0, 0, 0,                           AT_DB, 0x7c01, BS },
	{ "icebp: behind it, and DR6 says nothing",
	  { 0xf1, 0xf4 }, 0, 0, 0, 0,                                  AT_DB, 0x7c01, 0 },
	{ "icebp is not trapped",
	  { 0xf1, 0xf4 }, TF, 0, 0, 0,                                 AT_DB, 0x7c01, 0 },

	{ "an instruction: before it",
	  { 0x40, 0x40, 0x40, 0xf4 }, 0, 0x7c02, X0, 0,                AT_DB, 0x7c02, 1 },
	{ "the first instruction of the run",
	  { 0x40, 0x40, 0xf4 }, 0, 0x7c00, X0, 0,                      AT_DB, 0x7c00, 1 },
	{ "its second byte is no instruction",
	  { 0xb8, 0x00, 0x00, 0xf4 }, 0, 0x7c01, X0, 0,                0x7c03, NONE, 0 },
	{ "RF: not before the first",
	  { 0x40, 0x40, 0xf4 }, RF, 0x7c00, X0, 0,                     0x7c02, NONE, 0 },
	{ "RF is gone before the second",
	  { 0x40, 0x40, 0xf4 }, RF, 0x7c01, X0, 0,                     AT_DB, 0x7c01, 1 },
	{ "behind mov ss, ax it is suppressed, as if RF were set",
	  { 0x8e, 0xd0, 0x90, 0xf4 }, 0, 0x7c02, X0, 0,                0x7c03, NONE, 0 },
	{ "not enabled",
	  { 0x40, 0x40, 0xf4 }, 0, 0x7c01, 0x400, 0,                   0x7c02, NONE, 0 },
	{ "before what is no instruction: ud2",
	  { 0x0f, 0x0b }, 0, 0x7c00, X0, 0,                            AT_DB, 0x7c00, 1 },
	{ "the trap before the breakpoint of the next instruction",
	  { 0x90, 0x90, 0xf4 }, TF, 0x7c01, X0, 0,                     AT_DB, 0x7c01, BS },
	{ "mov dr7, eax arms it: mov eax, X0; mov dr7, eax; nop; nop",
	  { 0x66, 0xb8, 0x02, 0x04, 0x00, 0x00, 0x0f, 0x23, 0xf8, 0x90, 0x90, 0xf4 },
	  0, 0x7c0a, 0, 0,                                             AT_DB, 0x7c0a, 1 },
	{ "inside a loop: dec cx; jnz",
	  { 0x49, 0x75, 0xfd, 0xf4 }, 0, 0x7c03, X0, 0,                AT_DB, 0x7c03, 1 },
	{ "rep stosb: before it, and not between its iterations",
	  { 0xf3, 0xaa, 0xf4 }, RF, 0x7c00, X0, 0,                     0x7c02, NONE, 0 },

	{ "mov [500h], al: behind it",
	  { 0xa2, 0x00, 0x05, 0x90, 0xf4 }, 0, 0x500, W0, 0,           AT_DB, 0x7c03, 1 },
	{ "the middle of a block",
	  { 0x90, 0xa2, 0x00, 0x05, 0x90, 0x90, 0xf4 }, 0, 0x500, W0, 0, AT_DB, 0x7c04, 1 },
	{ "with TF both are said",
	  { 0xa2, 0x00, 0x05, 0x90, 0xf4 }, TF, 0x500, W0, 0,          AT_DB, 0x7c03, BS | 1 },
	{ "mov al, [500h] writes nothing",
	  { 0xa0, 0x00, 0x05, 0xf4 }, 0, 0x500, W0, 0,                 0x7c03, NONE, 0 },
	{ "mov al, [500h] accesses it",
	  { 0xa0, 0x00, 0x05, 0x90, 0xf4 }, 0, 0x500, A0, 0,           AT_DB, 0x7c03, 1 },
	{ "mov [4ffh], ax reaches into it",
	  { 0xa3, 0xff, 0x04, 0x90, 0xf4 }, 0, 0x500, W0, 0,           AT_DB, 0x7c03, 1 },
	{ "mov [501h], al is beside it",
	  { 0xa2, 0x01, 0x05, 0xf4 }, 0, 0x500, W0, 0,                 0x7c03, NONE, 0 },
	{ "mov [501h], al is in the word at 500h, whatever the low bit of DR0",
	  { 0xa2, 0x01, 0x05, 0x90, 0xf4 }, 0, 0x501, 0x50402, 0,      AT_DB, 0x7c03, 1 },
	{ "inc byte [500h] writes",
	  { 0xfe, 0x06, 0x00, 0x05, 0x90, 0xf4 }, 0, 0x500, W0, 0,     AT_DB, 0x7c04, 1 },
	{ "cmp byte [500h], 0 does not",
	  { 0x80, 0x3e, 0x00, 0x05, 0x00, 0xf4 }, 0, 0x500, W0, 0,     0x7c05, NONE, 0 },
	{ "push ax: the stack is data",
	  { 0x50, 0x90, 0xf4 }, 0, 0x6ffe, W0, 0,                      AT_DB, 0x7c01, 1 },
	{ "call: trapped where it goes",
	  { 0xe8, 0x01, 0x00, 0xf4, 0x90, 0xf4 }, 0, 0x6ffe, W0, 0,    AT_DB, 0x7c04, 1 },
	{ "pusha writes it in the middle",
	  { 0x60, 0x90, 0xf4 }, 0, 0x6ff4, W0, 0,                      AT_DB, 0x7c01, 1 },
	{ "popa reads it",
	  { 0x61, 0x90, 0xf4 }, 0, 0x7006, A0, 0,                      AT_DB, 0x7c01, 1 },
	{ "int3: its frame, trapped at the first instruction of the handler",
	  { 0xcc, 0xf4 }, 0, 0x6ffe, W0, 0,                            AT_DB, AT_OTHER, 1 },
	{ "icebp with its own vector watched: reported once, and not again by that report",
	  { 0xf1, 0xf4 }, 0, 4, A0, 0,                                 AT_DB, AT_DB, 1 },
	{ "fetching is no data access",
	  { 0x90, 0x90, 0xf4 }, 0, 0x7c01, A0, 0,                      0x7c02, NONE, 0 },
	{ "rep stosb: behind the iteration that writes it",
	  { 0xf3, 0xaa, 0xf4 }, 0, 0x501, W0, 0,                       AT_DB, 0x7c00, 1 },
	{ "rep movsb: behind the iteration that reads it, the last one",
	  { 0xf3, 0xa4, 0xf4 }, 0, 0x602, A0, 0,                       AT_DB, 0x7c02, 1 },
	{ "rep movsb: a page of its own is not kept fast for anybody",
	  { 0xa2, 0x10, 0x05, 0xf3, 0xa4, 0xf4 }, 0, 0x502, W0, 0,     AT_DB, 0x7c05, 1 },
	{ "mov ss, [600h]; nop: held off for one",
	  { 0x8e, 0x16, 0x00, 0x06, 0x90, 0x90, 0xf4 }, 0, 0x600, A0, 0, AT_DB, 0x7c05, 1 },
	{ "mov ss, [600h]; int3: behind the transfer (CVE-2018-8897)",
	  { 0x8e, 0x16, 0x00, 0x06, 0xcc, 0xf4 }, 0, 0x600, A0, 0,     AT_DB, AT_OTHER, 1 },
	{ "mov ss, [600h]; div al: a fault drops it, as Bochs does",
	  { 0x8e, 0x16, 0x00, 0x06, 0xf6, 0xf0, 0xf4 }, 0, 0x600, A0, 0, AT_OTHER, 0x7c04, 0 },
	{ "pop ss; popa: the same as mov",
	  { 0x17, 0x61, 0x90, 0xf4 }, 0, 0x7001, A0, 0,                AT_DB, 0x7c02, 1 },
	{ "lss sp, [600h] casts no shadow",
	  { 0x0f, 0xb2, 0x26, 0x00, 0x06, 0x90, 0xf4 }, 0, 0x600, A0, 0, AT_DB, 0x7c05, 1 },
	{ "pop word [0ffffh]: what faults has not accessed",
	  { 0x8f, 0x06, 0xff, 0xff, 0xf4 }, 0, 0x7000, A0, 0,          AT_OTHER, 0x7c00, 0 },

	{ "out 80h, al: behind it",
	  { 0xe6, 0x80, 0x90, 0xf4 }, 0, 0x80, IO0, DE,                AT_DB, 0x7c02, 1 },
	{ "in ax, 7fh reaches into it",
	  { 0xe5, 0x7f, 0x90, 0xf4 }, 0, 0x80, IO0, DE,                AT_DB, 0x7c02, 1 },
	{ "out 81h, al does not",
	  { 0xe6, 0x81, 0xf4 }, 0, 0x80, IO0, DE,                      0x7c02, NONE, 0 },
	{ "without CR4.DE there are none",
	  { 0xe6, 0x80, 0xf4 }, 0, 0x80, IO0, 0,                       0x7c02, NONE, 0 },
	{ "a port is not memory",
	  { 0xa2, 0x80, 0x00, 0xf4 }, 0, 0x80, IO0, DE,                0x7c03, NONE, 0 },
	{ "rep insb from port 0: behind each iteration",
	  { 0xf3, 0x6c, 0xf4 }, 0, 0, IO0, DE,                         AT_DB, 0x7c00, 1 },

	{ "mov eax, dr0 with GD: before it",
	  { 0x0f, 0x21, 0xc0, 0xf4 }, 0, 0, 0x2400, 0,                 AT_DB, 0x7c00, DESCRY_DR6_BD },
	{ "mov dr6, eax with GD",
	  { 0x0f, 0x23, 0xf0, 0xf4 }, 0, 0, 0x2400, 0,                 AT_DB, 0x7c00, DESCRY_DR6_BD },
	{ "mov dr4, eax with DE is no instruction, GD or not",
	  { 0x0f, 0x23, 0xe0, 0xf4 }, 0, 0, 0x2400, DE,                AT_OTHER, 0x7c00, 0 },
	{ "mov dr7, eax is: DR5 alone is gone",
	  { 0x0f, 0x23, 0xf8, 0xf4 }, 0, 0, 0x400, DE,                 0x7c03, NONE, 0 },
#undef TF
#undef RF
#undef DE
#undef BS
	/* clang-format on */
};

static void
expect_end(const struct machine *m, const struct program *p)
{
	assert_int_equal(cpu(m)->rip, p->ends + 1);
	if (p->pushed != NONE)
		assert_int_equal(top_of_stack(m), p->pushed);
	assert_int_equal(cpu(m)->dr[6], DESCRY_DR6_RESET | p->dr6);
	assert_int_equal(cpu(m)->dr[7] & DESCRY_DR7_GD,
			 p->dr6 & DESCRY_DR6_BD ? 0 : p->dr7 & DESCRY_DR7_GD);
	assert_int_equal(cpu(m)->pending_db, 0);
}

static void
a_debug_exception_comes_when_it_should(void **state)
{
	struct machine *m = &machine;

	(void)state;
	for (size_t i = 0; i < COUNT(programs); i++) {
		print_message("%s\n", programs[i].what);
		open_program(m, &programs[i], "p6");
		assert_int_equal(run(m, 100).reason, DESCRY_EXIT_HALTED);
		expect_end(m, &programs[i]);
		descry_vcpu_destroy(m->vcpu);
	}
}

/* A debugger's steps are no business of the guest's. */
static void
a_guest_does_not_see_how_it_is_stepped(void **state)
{
	struct machine *m = &machine;
	struct descry_state whole;

	(void)state;
	for (size_t i = 0; i < COUNT(programs); i++) {
		unsigned steps = 0;

		print_message("%s\n", programs[i].what);
		open_program(m, &programs[i], "p6");
		run(m, 100);
		whole = *cpu(m);
		descry_vcpu_destroy(m->vcpu);

		open_program(m, &programs[i], "p6");
		while (run(m, 1).reason == DESCRY_EXIT_BUDGET)
			assert_true(++steps < 100);
		assert_memory_equal(cpu(m), &whole, sizeof(whole));
		descry_vcpu_destroy(m->vcpu);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_debug_exception_comes_when_it_should),
		cmocka_unit_test(a_guest_does_not_see_how_it_is_stepped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
