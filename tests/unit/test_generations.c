/*
 * Where CPU generations differ: the same bytes on one and on the next. Oracle: SDM vol. 3,
 * Architecture Compatibility; the manuals of the 8086, 80286 and 386; AP-485.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "generation_machine.h"

#include <descry/operation.h>

#define CODE_MAX 12u

/* --- one program, two generations ----------------------------------------------------- */

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
