/*
 * Where CPU generations differ: the same bytes on one and on the next. Oracle: SDM vol. 3,
 * Architecture Compatibility; the manuals of the 8086, 80286 and 386; AP-485.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <descry/operation.h>
#include <descry/reload.h>

#include "small_program.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define CODE_MAX 12u
#define AX_BEFORE 0xff80u
#define HANDLER 0x0600u

/* --- one program, two generations ----------------------------------------------------- */

enum { NONE = DESCRY_VEC_NONE };

/*
 * Registers before: AX FF80, BX 0001, CX 0021, SP as given. Every vector leads to HANDLER.
 * What is checked: the vector that was delivered, and AX, SP and IP after so many steps.
 */
static const struct {
	const char *what;
	const char *profile;
	uint8_t code[CODE_MAX];
	unsigned steps;
	uint16_t sp;
	unsigned vector;
	uint16_t ax, sp_after, ip;
} rows[] = {
	/* clang-format off */
	{ "PUSH SP stores the new value",    "8086", { 0x54, 0x58 }, 2, 0x7000, NONE, 0x6ffe, 0x7000, 0x7c02 },
	{ "PUSH SP stores the old value",    "286",  { 0x54, 0x58 }, 2, 0x7000, NONE, 0x7000, 0x7000, 0x7c02 },
	{ "PUSH SP, FF /6",                  "8086", { 0xff, 0xf4, 0x58 }, 2, 0x7000, NONE, 0x6ffe, 0x7000, 0x7c03 },
	{ "a count of 33 shifts it all out", "8086", { 0xd3, 0xe0 }, 1, 0x7000, NONE, 0, 0x7000, 0x7c02 },
	{ "a count of 33 shifts by one",     "286",  { 0xd3, 0xe0 }, 1, 0x7000, NONE, 0xff00, 0x7000, 0x7c02 },
	{ "quotient -128 does not fit",      "8086", { 0xf6, 0xfb }, 1, 0x7000, 0, AX_BEFORE, 0x6ffa, HANDLER },
	{ "quotient -128 fits",              "286",  { 0xf6, 0xfb }, 1, 0x7000, NONE, 0x0080, 0x7000, 0x7c02 },
	{ "FLAGS 15:12 are ones",            "8086", { 0xb8, 0x00, 0x00, 0x50, 0x9d, 0x9c, 0x58 }, 5, 0x7000, NONE, 0xf002, 0x7000, 0x7c07 },
	{ "FLAGS 15:12 are zeros",           "286",  { 0xb8, 0x00, 0xf0, 0x50, 0x9d, 0x9c, 0x58 }, 5, 0x7000, NONE, 0x0002, 0x7000, 0x7c07 },
	{ "FLAGS 14:12 are IOPL and NT",     "386",  { 0xb8, 0x00, 0xf0, 0x50, 0x9d, 0x9c, 0x58 }, 5, 0x7000, NONE, 0x7002, 0x7000, 0x7c07 },
	{ "60 is JO",                        "8086", { 0x60, 0x10 }, 1, 0x7000, NONE, AX_BEFORE, 0x7000, 0x7c02 },
	{ "60 is PUSHA",                     "286",  { 0x60 }, 1, 0x7000, NONE, AX_BEFORE, 0x6ff0, 0x7c01 },
	{ "C9 is RETF",                      "8086", { 0x0e, 0x50, 0xc9 }, 3, 0x7000, NONE, AX_BEFORE, 0x7000, 0xff80 },
	{ "F1 is LOCK",                      "8086", { 0xf1, 0x90 }, 1, 0x7000, NONE, AX_BEFORE, 0x7000, 0x7c02 },
	{ "SALC is there, as in all",        "8086", { 0xf9, 0xd6 }, 2, 0x7000, NONE, 0xffff, 0x7000, 0x7c02 },
	{ "66 is JBE",                       "8086", { 0x66, 0x10 }, 1, 0x7000, NONE, AX_BEFORE, 0x7000, 0x7c02 },
	{ "66 is undefined",                 "286",  { 0x66, 0x90 }, 1, 0x7000, 6, AX_BEFORE, 0x6ffa, HANDLER },
	{ "66 is a prefix",                  "386",  { 0x66, 0x90 }, 1, 0x7000, NONE, AX_BEFORE, 0x7000, 0x7c02 },
	{ "SHL AL, 1 with C0",               "286",  { 0xc0, 0xe0, 0x01 }, 1, 0x7000, NONE, 0xff00, 0x7000, 0x7c03 },
	{ "MOV CS is undefined",             "286",  { 0x8e, 0xc8 }, 1, 0x7000, 6, AX_BEFORE, 0x6ffa, HANDLER },
	{ "MOV FS is undefined",             "286",  { 0x8e, 0xe0 }, 1, 0x7000, 6, AX_BEFORE, 0x6ffa, HANDLER },
	{ "MOV EAX, CR0 is undefined",       "286",  { 0x0f, 0x20, 0xc0 }, 1, 0x7000, 6, AX_BEFORE, 0x6ffa, HANDLER },
	{ "MOV EAX, CR0",                    "386",  { 0x0f, 0x20, 0xc0 }, 1, 0x7000, NONE, 0x0010, 0x7000, 0x7c03 },
	{ "SMSW: the upper bits are ones",   "286",  { 0x0f, 0x01, 0xe0 }, 1, 0x7000, NONE, 0xfff0, 0x7000, 0x7c03 },
	{ "BSWAP is undefined",              "386",  { 0x0f, 0xc8 }, 1, 0x7000, 6, AX_BEFORE, 0x6ffa, HANDLER },
	{ "CPUID is undefined",              "486",  { 0x0f, 0xa2 }, 1, 0x7000, 6, AX_BEFORE, 0x6ffa, HANDLER },
	{ "CMOVZ AX, BX is undefined",       "pentium", { 0x0f, 0x44, 0xc3 }, 1, 0x7000, 6, AX_BEFORE, 0x6ffa, HANDLER },
	{ "CMOVNZ AX, BX",                   "p6",   { 0x0f, 0x45, 0xc3 }, 1, 0x7000, NONE, 1, 0x7000, 0x7c03 },
	{ "test registers are gone",         "pentium", { 0x0f, 0x24, 0xc0 }, 1, 0x7000, 6, AX_BEFORE, 0x6ffa, HANDLER },
	{ "ESC with EM is #NM",              "286",  { 0xb8, 0x04, 0x00, 0x0f, 0x01, 0xf0, 0xd9, 0xc0 }, 3, 0x7000, 7, 0x0004, 0x6ffa, HANDLER },
	{ "a shift of a word at FFFFh",      "286",  { 0xd3, 0x26, 0xff, 0xff }, 1, 0x7000, 13, AX_BEFORE, 0x6ffa, HANDLER },
	{ "a word at FFFFh wraps",           "8086", { 0xa1, 0xff, 0xff }, 1, 0x7000, NONE, 0x00ab, 0x7000, 0x7c03 },
	{ "a word at FFFFh is #GP",          "286",  { 0xa1, 0xff, 0xff }, 1, 0x7000, 13, AX_BEFORE, 0x6ffa, HANDLER },
	{ "POP at FFFFh wraps",              "8086", { 0x58 }, 1, 0xffff, NONE, 0x00ab, 0x0001, 0x7c01 },
	{ "POP at FFFFh is #GP",             "286",  { 0x58 }, 1, 0xffff, 13, AX_BEFORE, 0xfff9, HANDLER },
	{ "POP at FFFFh is #SS",             "386",  { 0x58 }, 1, 0xffff, 12, AX_BEFORE, 0xfff9, HANDLER },
	{ "an interrupt frame wraps",        "8086", { 0xcc }, 1, 0x0003, 3, AX_BEFORE, 0xfffd, HANDLER },
	{ "LOCK NOP",                        "286",  { 0xf0, 0x90 }, 1, 0x7000, NONE, AX_BEFORE, 0x7000, 0x7c02 },
	{ "LOCK NOP is undefined",           "386",  { 0xf0, 0x90 }, 1, 0x7000, 6, AX_BEFORE, 0x6ffa, HANDLER },
	{ "eleven bytes are too many",       "286",  { 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x90 }, 1, 0x7000, 13, AX_BEFORE, 0x6ffa, HANDLER },
	{ "ten bytes are not",               "286",  { 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x90 }, 1, 0x7000, NONE, AX_BEFORE, 0x7000, 0x7c0a },
	{ "eleven bytes are not",            "386",  { 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x90 }, 1, 0x7000, NONE, AX_BEFORE, 0x7000, 0x7c0b },
	{ "ESC is nothing",                  "8086", { 0xd8, 0x06, 0xff, 0xff }, 1, 0x7000, NONE, AX_BEFORE, 0x7000, 0x7c04 },
	/* clang-format on */
};

static void
set_registers(struct machine *m, uint16_t sp)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	state->gpr[DESCRY_AX] = AX_BEFORE;
	state->gpr[DESCRY_BX] = 1;
	state->gpr[DESCRY_CX] = 0x21;
	state->gpr[DESCRY_SP] = sp;
	state->idtr = (struct descry_table){ .limit = 0x3ff };
	descry_vcpu_state_changed(m->vcpu);
}

/* An IVT whose entries all lead to HANDLER, but for its first byte: it is AB - and FFFFh is 0. */
static void
write_ivt(struct machine *m)
{
	for (unsigned vector = 0; vector < 32; vector++)
		memcpy(&m->ram[vector * 4], &(const uint32_t){ HANDLER }, 4);
}

static unsigned
run_steps(struct machine *m, unsigned steps)
{
	const struct descry_control control = { .budget = steps,
						.events = DESCRY_EVENT_BIT(DESCRY_EVENT_DELIVERY) };
	struct descry_exit exit;

	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_BUDGET);
	return descry_vcpu_event_count(m->vcpu) ? descry_vcpu_event(m->vcpu, 0)->fault.vector
						: NONE;
}

static void
test_rows(void **unused)
{
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct descry_state *state;
		unsigned vector;

		machine_open_as(&machine, rows[i].profile);
		load(&machine, rows[i].code, CODE_MAX);
		write_ivt(&machine);
		machine.ram[0xffff] = 0xab;
		set_registers(&machine, rows[i].sp);
		vector = run_steps(&machine, rows[i].steps);
		state = descry_vcpu_state(machine.vcpu);
		if (vector != rows[i].vector || (uint16_t)state->gpr[DESCRY_AX] != rows[i].ax ||
		    state->gpr[DESCRY_SP] != rows[i].sp_after || state->rip != rows[i].ip)
			fail_msg("%s (%s): vector %u ax %04x sp %04x ip %04x", rows[i].what,
				 rows[i].profile, vector, (unsigned)state->gpr[DESCRY_AX],
				 (unsigned)state->gpr[DESCRY_SP], (unsigned)state->rip);
		descry_vcpu_destroy(machine.vcpu);
	}
}

/* --- what a row cannot say ------------------------------------------------------------ */

static uint16_t
word_at(const struct machine *m, uint32_t address)
{
	return (uint16_t)(m->ram[address] | m->ram[address + 1] << 8);
}

static void
test_divide_ip(void **unused)
{
	static const struct {
		const char *profile;
		uint16_t ip;
	} cases[] = { { "8086", ORIGIN + 2 }, { "286", ORIGIN }, { "p6", ORIGIN } };
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		machine_open_as(&machine, cases[i].profile);
		LOAD(&machine, 0xd4, 0x00); /* AAM 0 */
		write_ivt(&machine);
		set_registers(&machine, 0x7000);
		assert_int_equal(run_steps(&machine, 1), DESCRY_VEC_DE);
		assert_int_equal(word_at(&machine, 0x6ffa), cases[i].ip);
		descry_vcpu_destroy(machine.vcpu);
	}
}

static void
test_8086_cs_by_pop_and_mov(void **unused)
{
	static struct machine machine;
	const struct descry_state *state;

	(void)unused;
	machine_open_as(&machine, "8086");
	LOAD(&machine, 0x53, 0x0f); /* PUSH BX, POP CS */
	set_registers(&machine, 0x7000);
	machine.ram[0x7c12] = 0x8e; /* 0001:7C02: MOV CS, AX */
	machine.ram[0x7c13] = 0xc8;
	assert_int_equal(run_steps(&machine, 2), NONE);
	state = descry_vcpu_state(machine.vcpu);
	assert_int_equal(state->seg[DESCRY_CS].base, 0x10);
	assert_int_equal(state->rip, 0x7c02);
	assert_int_equal(run_steps(&machine, 1), NONE);
	assert_int_equal(state->seg[DESCRY_CS].sel, AX_BEFORE);
	assert_int_equal(state->rip, 0x7c04);
	descry_vcpu_destroy(machine.vcpu);
}

/* MOV AL, imm8 whose last byte is at offset 0 of CS. */
static void
test_8086_code_wraps(void **unused)
{
	static struct machine machine;
	const struct descry_state *state;

	(void)unused;
	machine_open_as(&machine, "8086");
	LOAD(&machine, 0x90);
	machine.ram[0xffff] = 0xb0;
	machine.ram[0] = 0x5a;
	machine.ram[1] = 0x40; /* INC AX */
	set_registers(&machine, 0x7000);
	descry_vcpu_state_mutable(machine.vcpu)->rip = 0xffff;
	descry_vcpu_state_changed(machine.vcpu);
	assert_int_equal(run_steps(&machine, 2), NONE);
	state = descry_vcpu_state(machine.vcpu);
	assert_int_equal(state->gpr[DESCRY_AX], 0xff5b);
	assert_int_equal(state->rip, 2);
	descry_vcpu_destroy(machine.vcpu);
}

/* FFFF:0010 is 100000h: 0 with 20 address lines, and no memory here with more. */
static void
test_address_lines(void **unused)
{
	static const struct {
		const char *profile;
		uint8_t al;
	} cases[] = { { "8086", 0x77 }, { "286", 0xff }, { "p6", 0xff } };
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct descry_segment top = { .base = 0xffff0,
						    .limit = 0xffff,
						    .sel = 0xffff,
						    .attr = DESCRY_ATTR_REAL_DATA };

		machine_open_as(&machine, cases[i].profile);
		LOAD(&machine, 0xa0, 0x10, 0x00); /* MOV AL, [0010] */
		put(&machine, DESCRY_DS, top);
		machine.ram[0] = 0x77;
		assert_int_equal(run_steps(&machine, 1), NONE);
		assert_int_equal(descry_vcpu_state(machine.vcpu)->gpr[DESCRY_AX] & 0xff,
				 cases[i].al);
		descry_vcpu_destroy(machine.vcpu);
	}
}

static void
test_lmsw_cannot_leave_protected_mode(void **unused)
{
	static struct machine machine;

	(void)unused;
	machine_open_as(&machine, "286");
	LOAD(&machine, 0x0f, 0x01, 0xf3, 0x31, 0xdb, 0x0f, 0x01, 0xf3); /* LMSW BX, twice */
	set_registers(&machine, 0x7000);
	assert_int_equal(run_steps(&machine, 3), NONE);
	assert_int_equal(descry_vcpu_state(machine.vcpu)->cr0, 0xfff1);
	descry_vcpu_destroy(machine.vcpu);
}

static void
test_8086_has_no_protected_mode(void **unused)
{
	static struct machine machine;
	struct descry_fault fault;

	(void)unused;
	machine_open_as(&machine, "8086");
	assert_true(descry_op_write_cr0(machine.vcpu, 1, &fault));
	assert_int_equal(descry_vcpu_mode(machine.vcpu), DESCRY_MODE_REAL);
	descry_vcpu_destroy(machine.vcpu);
}

/* SETMO, LEA AX, AX: nobody has written down what an 8086 computes. */
static void
test_8086_refuses_by_name(void **unused)
{
	static const uint8_t codes[][2] = { { 0xd0, 0xf0 }, { 0x8d, 0xc0 }, { 0xfe, 0xd0 } };
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(codes); i++) {
		struct descry_exit exit;

		machine_open_as(&machine, "8086");
		load(&machine, codes[i], 2);
		exit = run(&machine, 1);
		assert_int_equal(exit.reason, DESCRY_EXIT_NOT_MODELLED);
		assert_non_null(strstr(exit.text, "8086"));
		descry_vcpu_destroy(machine.vcpu);
	}
}

static void
test_shadow_of_any_load(void **unused)
{
	static const struct {
		const char *profile;
		uint8_t shadow;
	} cases[] = { { "8086", DESCRY_SHADOW_MOV_SS }, { "286", 0 } };
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		machine_open_as(&machine, cases[i].profile);
		LOAD(&machine, 0x8e, 0xd8, 0x90); /* MOV DS, AX */
		assert_int_equal(run_steps(&machine, 1), NONE);
		assert_int_equal(descry_vcpu_state(machine.vcpu)->shadow, cases[i].shadow);
		descry_vcpu_destroy(machine.vcpu);
	}
}

static const struct {
	const char *profile;
	uint16_t cs;
	uint32_t base;
	uint16_t ip;
	uint32_t dx, cr0, eflags;
	uint16_t idt_limit;
} resets[] = {
	/* clang-format off */
	{ "8086",    0xffff, 0x000ffff0, 0x0000, 0x0000, 0x00000000, 0xf002, 0x03ff },
	{ "286",     0xf000, 0x00ff0000, 0xfff0, 0x0000, 0x0000fff0, 0x0002, 0x03ff },
	{ "386",     0xf000, 0xffff0000, 0xfff0, 0x0308, 0x00000010, 0x0002, 0x03ff },
	{ "486",     0xf000, 0xffff0000, 0xfff0, 0x0423, 0x60000010, 0x0002, 0x03ff },
	{ "pentium", 0xf000, 0xffff0000, 0xfff0, 0x0525, 0x60000010, 0x0002, 0xffff },
	{ "p6",      0xf000, 0xffff0000, 0xfff0, 0x0633, 0x60000010, 0x0002, 0xffff },
	/* clang-format on */
};

static void
test_reset(void **unused)
{
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(resets); i++) {
		const struct descry_state *state;

		machine_open_as(&machine, resets[i].profile);
		descry_vcpu_reset(machine.vcpu);
		state = descry_vcpu_state(machine.vcpu);
		assert_int_equal(state->seg[DESCRY_CS].sel, resets[i].cs);
		assert_int_equal(state->seg[DESCRY_CS].base, resets[i].base);
		assert_int_equal(state->rip, resets[i].ip);
		assert_int_equal(state->gpr[DESCRY_DX], resets[i].dx);
		assert_int_equal(state->cr0, resets[i].cr0);
		assert_int_equal(state->rflags, resets[i].eflags);
		assert_int_equal(state->idtr.limit, resets[i].idt_limit);
		descry_vcpu_destroy(machine.vcpu);
	}
}

/* --- descriptors of six bytes and of eight -------------------------------------------- */

enum { LAR = 1, LSL = 2, VERR = 4 };

/*
 * The same eight bytes on a 286 and on a 386: what a load leaves or raises, and which of LAR, LSL
 * and VERR set ZF. Oracle: 80286 Programmer's Reference Manual, Descriptors and System Descriptor
 * Types; 386 Programmer's Reference Manual, the same.
 */
static const struct {
	const char *what;
	const char *profile;
	uint64_t raw;
	enum descry_sreg sreg;
	unsigned vector;
	uint32_t base, limit;
	uint16_t attr;
	unsigned answers;
} descriptors[] = {
	/* clang-format off */
	{ "base 31:24 is not read",          "286", 0x1200923456781000, DESCRY_DS, NONE, 0x345678, 0x1000, 0x93, LAR | LSL | VERR },
	{ "base 31:24",                      "386", 0x1200923456781000, DESCRY_DS, NONE, 0x12345678, 0x1000, 0x93, LAR | LSL | VERR },
	{ "limit 19:16 is not read",         "286", 0x000f920000001000, DESCRY_DS, NONE, 0, 0x1000, 0x93, LAR | LSL | VERR },
	{ "limit 19:16",                     "386", 0x000f920000001000, DESCRY_DS, NONE, 0, 0xf1000, 0x93, LAR | LSL | VERR },
	{ "G, D and AVL are not read",       "286", 0x00d0920000001000, DESCRY_DS, NONE, 0, 0x1000, 0x93, LAR | LSL | VERR },
	{ "G, D and AVL",                    "386", 0x00d0920000001000, DESCRY_DS, NONE, 0, 0x1000fff, 0xd093, LAR | LSL | VERR },
	{ "expand-down: B is not read",      "286", 0x0040960000001000, DESCRY_DS, NONE, 0, 0x1000, 0x97, LAR | LSL | VERR },
	{ "the upper word of an LDT",        "286", 0xffff820000000fff, DESCRY_LDTR, NONE, 0, 0xfff, 0x82, LAR | LSL },
	{ "a TSS of a 286",                  "286", 0xffff810000000fff, DESCRY_TR, NONE, 0, 0xfff, 0x83, LAR | LSL },
	{ "TSS of a 386 (9)",                "286", 0x0000890000000fff, DESCRY_TR, 13, 0, 0, 0, 0 },
	{ "TSS of a 386 (9)",                "386", 0x0000890000000fff, DESCRY_TR, NONE, 0, 0xfff, 0x8b, LAR | LSL },
	{ "busy TSS of a 386 (B)",           "286", 0x00008b0000000fff, DESCRY_TR, 13, 0, 0, 0, 0 },
	{ "busy TSS of a 386 (B)",           "386", 0x00008b0000000fff, DESCRY_DS, 13, 0, 0, 0, LAR | LSL },
	{ "call gate of a 286 (4)",          "286", 0x0000840000080000, DESCRY_DS, 13, 0, 0, 0, LAR },
	{ "call gate of a 386 (C)",          "286", 0x00008c0000080000, DESCRY_DS, 13, 0, 0, 0, 0 },
	{ "call gate of a 386 (C)",          "386", 0x00008c0000080000, DESCRY_DS, 13, 0, 0, 0, LAR },
	/* clang-format on */
};

/* At IP and on: LAR AX, CX; LSL BX, CX; VERR CX. */
static const uint8_t asks[] = { 0x0f, 0x02, 0xc1, 0x0f, 0x03, 0xd9, 0x0f, 0x00, 0xe1 };

static unsigned
answers_to_asks(struct machine *m)
{
	unsigned answers = 0;

	for (unsigned ask = LAR; ask <= VERR; ask <<= 1) {
		assert_int_equal(run_steps(m, 1), NONE);
		if (descry_vcpu_state(m->vcpu)->rflags & 0x40)
			answers |= ask;
	}
	return answers;
}

static void
open_protected(struct machine *m, const char *profile, const uint8_t *code, size_t size)
{
	machine_open_as(m, profile);
	load(m, code, size);
	set_registers(m, 0x7000);
	set_mode(m, DESCRY_MODE_PROTECTED);
	put_cpl(m, 0);
	put(m, DESCRY_CS, (struct descry_segment){ .limit = 0xffff, .sel = 8, .attr = 0x9b });
}

static void
test_descriptors(void **unused)
{
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(descriptors); i++) {
		const struct descry_segment *seg;
		struct descry_preview preview;
		struct descry_fault fault = { .vector = NONE };
		unsigned answers;

		open_protected(&machine, descriptors[i].profile, asks, sizeof(asks));
		memcpy(&machine.ram[GDT + 0x28], &descriptors[i].raw, 8);
		descry_vcpu_state_mutable(machine.vcpu)->gpr[DESCRY_CX] = 0x28;
		answers = answers_to_asks(&machine);
		descry_load_preview(machine.vcpu, descriptors[i].sreg, 0x28,
				    DESCRY_RELOAD_PROTECTED, &preview);
		if (!descry_op_load_segment(machine.vcpu, descriptors[i].sreg, 0x28,
					    DESCRY_CAUSE_MOV, &fault))
			assert_int_equal(fault.error_code, 0x28);
		seg = &descry_vcpu_state(machine.vcpu)->seg[descriptors[i].sreg];
		if (answers != descriptors[i].answers || fault.vector != descriptors[i].vector)
			fail_msg("%s (%s): answers %x, vector %u", descriptors[i].what,
				 descriptors[i].profile, answers, fault.vector);
		if (fault.vector == NONE &&
		    (seg->base != descriptors[i].base || seg->limit != descriptors[i].limit ||
		     seg->attr != descriptors[i].attr))
			fail_msg("%s (%s): base %08x limit %08x attr %04x", descriptors[i].what,
				 descriptors[i].profile, (unsigned)seg->base, seg->limit,
				 seg->attr);
		assert_int_equal(preview.fault.vector, descriptors[i].vector);
		if (fault.vector == NONE)
			assert_true(descry_segment_same_cache(&preview.segment, seg));
		descry_vcpu_destroy(machine.vcpu);
	}
}

/* INT 20h; the gate is the only one, so a refusal ends in shutdown and says what came first. */
static void
test_gates(void **unused)
{
	static const struct {
		const char *profile;
		uint64_t gate;
		bool is_taken;
	} cases[] = {
		{ "286", 0xffff860000080000 | HANDLER, true },
		{ "286", 0x00008e0000080000 | HANDLER, false },
		{ "286", 0x00008f0000080000 | HANDLER, false },
		{ "386", 0x00008e0000080000 | HANDLER, true },
		{ "386", 0x00008f0000080000 | HANDLER, true },
	};
	static const uint8_t code[] = { 0xcd, 0x20 };
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct descry_exit exit;

		open_protected(&machine, cases[i].profile, code, sizeof(code));
		memcpy(&machine.ram[0x100], &cases[i].gate, 8);
		exit = run(&machine, 1);
		assert_int_equal(exit.reason,
				 cases[i].is_taken ? DESCRY_EXIT_BUDGET : DESCRY_EXIT_SHUTDOWN);
		if (cases[i].is_taken)
			assert_int_equal(descry_vcpu_state(machine.vcpu)->rip, HANDLER);
		else
			assert_int_equal(exit.fault.error_code, 0x102);
		descry_vcpu_destroy(machine.vcpu);
	}
}

/* --- knobs on top of a profile -------------------------------------------------------- */

static void
open_with(struct machine *m, const char *knob)
{
	struct descry_profile profile = *descry_profile_find("p6");
	const struct descry_bus bus = {
		.owner = m, .page = page_of, .port_in = no_port, .port_out = drop_port
	};
	struct descry_error err;
	struct descry_state *state;

	memset(m->ram, 0, sizeof(m->ram));
	assert_int_equal(descry_profile_set(&profile, knob, &err), DESCRY_OK);
	assert_int_equal(descry_vcpu_create(&profile, &bus, &m->vcpu), DESCRY_OK);
	write_tables(m);
	state = descry_vcpu_state_mutable(m->vcpu);
	state->gdtr = (struct descry_table){ .base = GDT, .limit = sizeof(gdt) - 1 };
	descry_vcpu_state_changed(m->vcpu);
}

static uint64_t
base_after_load(struct machine *m, enum descry_sreg sreg, uint16_t sel)
{
	struct descry_fault fault;

	assert_true(descry_op_load_segment(m->vcpu, sreg, sel, DESCRY_CAUSE_MOV, &fault));
	return descry_vcpu_state(m->vcpu)->seg[sreg].base;
}

/* Between a change of PE and the load of CS, data segments load as before it. */
static void
test_pe_window(void **unused)
{
	static const struct {
		const char *knob;
		uint64_t in_window;
	} cases[] = { { "pe_window.load_needs_jump=no", 0x1000 },
		      { "pe_window.load_needs_jump=yes", 0x280 } };
	static struct machine machine;
	struct descry_fault fault;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		open_with(&machine, cases[i].knob);
		assert_true(descry_op_write_cr0(machine.vcpu, DESCRY_CR0_PE, &fault));
		assert_int_equal(base_after_load(&machine, DESCRY_DS, 0x28), cases[i].in_window);
		assert_int_equal(base_after_load(&machine, DESCRY_CS, 0x08), 0);
		assert_int_equal(base_after_load(&machine, DESCRY_DS, 0x28), 0x1000);
		assert_true(descry_op_write_cr0(machine.vcpu, 0, &fault));
		assert_int_equal(base_after_load(&machine, DESCRY_DS, 0x28),
				 cases[i].in_window ^ 0x1000 ^ 0x280);
		descry_vcpu_destroy(machine.vcpu);
	}
}

static void
test_accessed_not_forced(void **unused)
{
	static const struct {
		const char *knob;
		uint16_t attr;
	} cases[] = { { "ring.accessed_forced=yes", 0x93 }, { "ring.accessed_forced=no", 0x92 } };
	static struct machine machine;
	struct descry_fault fault;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		open_with(&machine, cases[i].knob);
		assert_true(descry_op_write_cr0(machine.vcpu, DESCRY_CR0_PE, &fault));
		base_after_load(&machine, DESCRY_DS, 0x50);
		assert_int_equal(descry_vcpu_state(machine.vcpu)->seg[DESCRY_DS].attr,
				 cases[i].attr);
		assert_int_equal(machine.ram[GDT + 0x55], 0x93);
		descry_vcpu_destroy(machine.vcpu);
	}
}

/* RETF to ring 3 makes an FS of ring 0 null: with what is left in it, or as MOV FS, 0 does. */
static void
test_null_by_return(void **unused)
{
	static const struct {
		const char *knob;
		uint64_t base;
		uint32_t limit;
	} cases[] = { { "iret.null_keeps_base=on", 0x1000, 0x1000 },
		      { "iret.null_keeps_base=off", 0, UINT32_MAX } };
	static const uint32_t frame[] = { ORIGIN, 0x4b, 0x6000, 0x43 };
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct descry_segment *fs;

		open_with(&machine, cases[i].knob);
		LOAD(&machine, 0xcb);
		memcpy(&machine.ram[0x7000], frame, sizeof(frame));
		set_mode(&machine, DESCRY_MODE_PROTECTED);
		put_cpl(&machine, 0);
		put(&machine, DESCRY_CS,
		    (struct descry_segment){ .limit = UINT32_MAX, .sel = 8, .attr = 0xc09b });
		put(&machine, DESCRY_FS, (struct descry_segment){ 0x1000, 0x1000, 0x28, 0x4093 });
		assert_int_equal(run_steps(&machine, 1), NONE);
		fs = &descry_vcpu_state(machine.vcpu)->seg[DESCRY_FS];
		assert_int_equal(descry_vcpu_state(machine.vcpu)->seg[DESCRY_SS].sel, 0x43);
		assert_int_equal(fs->sel, 0);
		assert_false(descry_segment_usable(fs));
		assert_int_equal(fs->base, cases[i].base);
		assert_int_equal(fs->limit, cases[i].limit);
		descry_vcpu_destroy(machine.vcpu);
	}
}

/* RETF to ring 3: is an FS too privileged by what it holds, or by what the table says now? */
static void
test_null_by_table(void **unused)
{
	static const struct {
		const char *knob;
		uint16_t sel, attr, sel_after;
	} cases[] = { { "iret.null_rule=cached", 0x40, 0x4093, 0 },
		      { "iret.null_rule=table", 0x40, 0x4093, 0x40 },
		      { "iret.null_rule=cached", 0x28, 0x40f3, 0x28 },
		      { "iret.null_rule=table", 0x28, 0x40f3, 0 },
		      { "iret.null_rule=table", 0x200, 0x40f3, 0 } };
	static const uint32_t frame[] = { ORIGIN, 0x4b, 0x6000, 0x43 };
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		open_with(&machine, cases[i].knob);
		LOAD(&machine, 0xcb);
		memcpy(&machine.ram[0x7000], frame, sizeof(frame));
		set_mode(&machine, DESCRY_MODE_PROTECTED);
		put_cpl(&machine, 0);
		put(&machine, DESCRY_CS,
		    (struct descry_segment){ .limit = UINT32_MAX, .sel = 8, .attr = 0xc09b });
		put(&machine, DESCRY_FS,
		    (struct descry_segment){ 0x1000, 0x1000, cases[i].sel, cases[i].attr });
		assert_int_equal(run_steps(&machine, 1), NONE);
		assert_int_equal(descry_vcpu_state(machine.vcpu)->seg[DESCRY_FS].sel,
				 cases[i].sel_after);
		descry_vcpu_destroy(machine.vcpu);
	}
}

/* IRET to V86 with an EIP beyond 64 KiB: the upper bits do not count, or refuse it. */
static void
test_v86_iret_eip(void **unused)
{
	static const struct {
		const char *knob;
		unsigned vector;
	} cases[] = { { "v86.iret_eip_high=ignored", NONE }, { "v86.iret_eip_high=gp", 13 } };
	static const uint32_t frame[] = {
		0x00010000 | ORIGIN, 0, 0x00020002, 0x6000, 0, 0, 0, 0, 0
	};
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct descry_control control = {
			.budget = 1, .events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT)
		};
		struct descry_exit exit;

		open_with(&machine, cases[i].knob);
		LOAD(&machine, 0xcf);
		memcpy(&machine.ram[0x7000], frame, sizeof(frame));
		set_mode(&machine, DESCRY_MODE_PROTECTED);
		put_cpl(&machine, 0);
		put(&machine, DESCRY_CS,
		    (struct descry_segment){ .limit = UINT32_MAX, .sel = 8, .attr = 0xc09b });
		descry_vcpu_run(machine.vcpu, &control, &exit);
		if (cases[i].vector == NONE) {
			assert_int_equal(descry_vcpu_mode(machine.vcpu), DESCRY_MODE_V86);
			assert_int_equal(descry_vcpu_state(machine.vcpu)->rip, ORIGIN);
		} else {
			assert_int_equal(descry_vcpu_event(machine.vcpu, 0)->fault.vector,
					 cases[i].vector);
			assert_int_equal(descry_vcpu_mode(machine.vcpu), DESCRY_MODE_PROTECTED);
		}
		descry_vcpu_destroy(machine.vcpu);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_divide_ip),
		cmocka_unit_test(test_8086_cs_by_pop_and_mov),
		cmocka_unit_test(test_8086_code_wraps),
		cmocka_unit_test(test_address_lines),
		cmocka_unit_test(test_lmsw_cannot_leave_protected_mode),
		cmocka_unit_test(test_8086_has_no_protected_mode),
		cmocka_unit_test(test_8086_refuses_by_name),
		cmocka_unit_test(test_shadow_of_any_load),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_gates),
		cmocka_unit_test(test_pe_window),
		cmocka_unit_test(test_accessed_not_forced),
		cmocka_unit_test(test_null_by_return),
		cmocka_unit_test(test_null_by_table),
		cmocka_unit_test(test_v86_iret_eip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
