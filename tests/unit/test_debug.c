/*
 * The guest's own debugging: what DR7 says, when #DB comes, what it pushes and what DR6 says
 * then. The oracle is SDM vol. 3, Debug Registers, Debug Exceptions, and Masking Exceptions
 * and Interrupts When Switching Stacks; where it leaves a choice, the row says whose it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "small_program.h"

#include <descry/debug.h>

#include <stdio.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

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

/* --- programs ------------------------------------------------------------------------- */

#define AT_DB 0x8000u    /* 0000:8000, a HLT: where #DB leads */
#define AT_OTHER 0x9000u /* another HLT: #DE, #BP, #UD, #GP */

#define X0 0x00000402u /* DR7: an instruction at DR0 */
#define W0 0x00010402u /* a byte written */
#define A0 0x00030402u /* a byte accessed */
#define IO0 0x00020402u
#define NONE 0xffffffffu

/* Real mode at 0000:7C00, all segments 0, AX = 0, CX = 3, SI = 600h, DI = 500h, SP = 7000h. */
static const struct program {
	const char *what;
	uint8_t code[16];
	uint32_t flags; /* to begin with */
	uint32_t dr0, dr7;
	uint32_t cr4;
	uint32_t ends;   /* EIP of the HLT */
	uint32_t pushed; /* the IP on top of the stack, or NONE */
	uint32_t dr6;    /* what has been added to it */
} programs[] = {
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
lead_vector(struct machine *m, unsigned vector, uint32_t to)
{
	memcpy(&m->ram[vector * 4], &to, 4);
}

static void
open_profile(struct machine *m, const char *profile)
{
	const struct descry_bus bus = {
		.owner = m, .page = page_of, .port_in = no_port, .port_out = drop_port
	};
	static const uint8_t others[] = { DESCRY_VEC_DE, DESCRY_VEC_BP, DESCRY_VEC_UD,
					  DESCRY_VEC_GP };

	memset(m->ram, 0, sizeof(m->ram));
	lead_vector(m, DESCRY_VEC_DB, AT_DB);
	for (size_t i = 0; i < COUNT(others); i++)
		lead_vector(m, others[i], AT_OTHER);
	m->ram[AT_DB] = m->ram[AT_OTHER] = 0xf4;
	assert_int_equal(descry_vcpu_create(descry_profile_find(profile), &bus, &m->vcpu),
			 DESCRY_OK);
}

static const struct descry_state *
cpu(const struct machine *m)
{
	return descry_vcpu_state(m->vcpu);
}

static void
open_program(struct machine *m, const struct program *p, const char *profile)
{
	struct descry_state *state;

	open_profile(m, profile);
	load(m, p->code, sizeof(p->code));
	state = descry_vcpu_state_mutable(m->vcpu);
	state->gpr[DESCRY_AX] = 0;
	state->gpr[DESCRY_CX] = 3;
	state->gpr[DESCRY_DX] = 0;
	state->gpr[DESCRY_SI] = 0x600;
	state->gpr[DESCRY_DI] = 0x500;
	state->rflags |= p->flags;
	state->dr[0] = p->dr0;
	state->dr[7] = p->dr7 | DESCRY_DR7_RESET;
	state->cr4 = p->cr4;
	descry_vcpu_state_changed(m->vcpu);
}

static uint32_t
top_of_stack(const struct machine *m)
{
	const size_t sp = cpu(m)->gpr[DESCRY_SP] & 0xffff;

	return m->ram[sp] | (uint32_t)m->ram[sp + 1] << 8;
}

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

/* --- the user's stops and the guest's -------------------------------------------------- */

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

#define TEST(name) cmocka_unit_test(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(dr7_says_what_a_breakpoint_is),
		TEST(an_access_touches_what_it_overlaps),
		TEST(a_debug_exception_comes_when_it_should),
		TEST(a_guest_does_not_see_how_it_is_stepped),
		TEST(tf_is_pushed_and_then_cleared),
		TEST(a_met_condition_that_is_not_enabled_is_said_with_another),
		TEST(dr6_keeps_what_the_profile_says),
		TEST(fixed_bits_of_dr6_and_dr7),
		TEST(a_users_breakpoint_comes_before_the_guests),
		TEST(a_stop_behind_an_instruction_is_behind_its_trap),
		TEST(a_trap_that_cannot_be_delivered_waits),
		TEST(a_breakpoint_is_seen_in_what_has_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
