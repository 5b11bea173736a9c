/*
 * What may be loaded, row by row. Oracle: SDM vol. 2 (MOV, JMP, RET, INT n, LLDT, LTR) and
 * vol. 3 (Segment Selectors, Interrupt 10, Error Code).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expect_verdict.h"

#include <stdio.h>

/* --- the table ------------------------------------------------------------------------ */

static const struct { /* sel, table limit in; rule out */
	const char *what;
	uint16_t sel;
	uint32_t limit;
	enum seg_rule rule;
} table_cases[] = {
	/* clang-format off */
	{ "last byte on the limit",             0x0010, 0x17,   SEG_OK },
	{ "last byte one beyond",               0x0010, 0x16,   SEG_BEYOND_TABLE },
	{ "RPL does not move the slot",         0x0013, 0x17,   SEG_OK },
	{ "TI does not move the slot",          0x0017, 0x17,   SEG_OK },
	{ "only the first half is inside",      0x0010, 0x13,   SEG_BEYOND_TABLE },
	{ "empty table",                        0x0008, 0,      SEG_BEYOND_TABLE },
	{ "last slot of a full table",          0xfff8, 0xffff, SEG_OK },
	{ "last slot, one byte short",          0xffff, 0xfffe, SEG_BEYOND_TABLE },
	{ "a local table may be 4 GiB long",    0xffff, UINT32_MAX, SEG_OK },
	/* clang-format on */
};

static void
test_table(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(table_cases); i++) {
		const bool ok = table_cases[i].rule == SEG_OK;

		expect(table_cases[i].what,
		       seg_check_table(table_cases[i].sel, table_cases[i].limit),
		       table_cases[i].rule, ok ? NONE : GP, ok ? 0 : table_cases[i].sel & 0xfffcu);
	}
}

static const struct { /* GDT at 1000h, 3 slots; LDT as given, at FFFFFFF0h */
	const char *what;
	uint16_t sel;
	uint32_t ldt_limit;
	uint16_t ldt_attr;
	enum seg_rule rule;
	uint16_t error_code;
	uint64_t linear;
} slot_cases[] = {
	/* clang-format off */
	{ "GDT slot 2",                         0x13, 0xf,        0x0082, SEG_OK,             0,    0x1010 },
	{ "beyond the GDT",                     0x1b, 0xffff,     0x0082, SEG_BEYOND_TABLE,   0x18, 0 },
	{ "LDT slot 0 is a slot",               0x07, 0xf,        0x0082, SEG_OK,             0,    0xfffffff0 },
	{ "the LDT wraps at 4 GiB",             0x17, 0xff,       0x0082, SEG_OK,             0,    0 },
	{ "beyond the LDT, TI in the code",     0x17, 0xf,        0x0082, SEG_BEYOND_TABLE,   0x14, 0 },
	{ "null LDTR whatever its limit",       0x0f, UINT32_MAX, 0xc100, SEG_NO_LOCAL_TABLE, 0x0c, 0 },
	{ "LDTR without P is null as well",     0x0f, 0xff,       0x0002, SEG_NO_LOCAL_TABLE, 0x0c, 0 },
	{ "null LDTR does not hurt the GDT",    0x10, 0,          0xc100, SEG_OK,             0,    0x1010 },
	/* clang-format on */
};

static void
test_slot(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(slot_cases); i++) {
		struct descry_state state = { .gdtr = { .base = 0x1000, .limit = 0x17 } };
		const bool ok = slot_cases[i].rule == SEG_OK;
		uint64_t linear = 0x5a5a;

		state.seg[DESCRY_LDTR] = (struct descry_segment){
			.base = 0xfffffff0,
			.limit = slot_cases[i].ldt_limit,
			.attr = slot_cases[i].ldt_attr,
		};
		expect(slot_cases[i].what, seg_check_slot(&state, slot_cases[i].sel, &linear),
		       slot_cases[i].rule, ok ? NONE : GP, slot_cases[i].error_code);
		assert_int_equal(linear, ok ? slot_cases[i].linear : 0x5a5a);
	}
}

/* --- loads ---------------------------------------------------------------------------- */

/* The checks with one signature; cpl is the new one for the stacks of other rings. */
typedef struct seg_verdict check_fn(uint16_t sel, const struct descry_segment *desc, unsigned cpl);

static struct seg_verdict
check_gate(uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	return seg_check_code_gate(sel, desc, cpl, false);
}

static struct seg_verdict
check_gate_v86(uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	return seg_check_code_gate(sel, desc, cpl, true);
}

static struct seg_verdict
check_ldt(uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	(void)cpl;
	return seg_check_ldt(sel, desc);
}

static struct seg_verdict
check_tss(uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	(void)cpl;
	return seg_check_tss(sel, desc);
}

struct load_case { /* sel, attr, cpl in; first rule broken, vector, error code out */
	const char *what;
	check_fn *check;
	uint16_t sel, attr;
	unsigned cpl;
	enum seg_rule rule;
	uint8_t vector;
	uint16_t error_code;
};

static void
run_loads(const struct load_case *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct descry_segment desc = { .sel = rows[i].sel, .attr = rows[i].attr };

		expect(rows[i].what, rows[i].check(rows[i].sel, &desc, rows[i].cpl), rows[i].rule,
		       rows[i].vector, rows[i].error_code);
	}
}

/* clang-format off */
static const struct load_case data_cases[] = {
	{ "null is allowed, RPL or not",        seg_check_data, 0x03, 0x000, 0, SEG_OK,          NONE, 0 },
	{ "0007 is not null but LDT slot 0",    seg_check_data, 0x07, 0x000, 0, SEG_WRONG_TYPE,  GP, 0x04 },
	{ "ring 0 loads ring 0 data",           seg_check_data, 0x10, 0x093, 0, SEG_OK,          NONE, 0 },
	{ "ring 0 loads ring 3 data",           seg_check_data, 0x10, 0x0f3, 0, SEG_OK,          NONE, 0 },
	{ "RPL 3 into DPL 0 data, CPL 0",       seg_check_data, 0x13, 0x093, 0, SEG_PRIVILEGE,   GP, 0x10 },
	{ "CPL 3 into DPL 0 data, RPL 0",       seg_check_data, 0x10, 0x093, 3, SEG_PRIVILEGE,   GP, 0x10 },
	{ "CPL 1 with RPL 2 into DPL 2",        seg_check_data, 0x12, 0x0d3, 1, SEG_OK,          NONE, 0 },
	{ "CPL 1 with RPL 3 into DPL 2",        seg_check_data, 0x13, 0x0d3, 1, SEG_PRIVILEGE,   GP, 0x10 },
	{ "readable code obeys DPL",            seg_check_data, 0x1b, 0x09b, 3, SEG_PRIVILEGE,   GP, 0x18 },
	{ "conforming code ignores DPL",        seg_check_data, 0x1b, 0x09f, 3, SEG_OK,          NONE, 0 },
	{ "absent: NP",                         seg_check_data, 0x10, 0x013, 0, SEG_NOT_PRESENT, NP, 0x10 },
	{ "absent, local: TI in the code",      seg_check_data, 0x17, 0x073, 0, SEG_NOT_PRESENT, NP, 0x14 },
	{ "absent conforming code: NP",         seg_check_data, 0x1b, 0x01f, 3, SEG_NOT_PRESENT, NP, 0x18 },
	{ "absent and too privileged: GP",      seg_check_data, 0x13, 0x013, 0, SEG_PRIVILEGE,   GP, 0x10 },
	{ "absent and a TSS: GP",               seg_check_data, 0x10, 0x009, 0, SEG_WRONG_TYPE,  GP, 0x10 },
	{ "too privileged and unreadable: type", seg_check_data, 0x13, 0x099, 3, SEG_WRONG_TYPE, GP, 0x10 },
};

static const struct load_case stack_cases[] = {
	{ "null stack",                         seg_check_stack, 0x00, 0x093, 0, SEG_NULL,        GP, 0 },
	{ "null with RPL: error code 0",        seg_check_stack, 0x03, 0x0f3, 3, SEG_NULL,        GP, 0 },
	{ "ring 0 stack",                       seg_check_stack, 0x10, 0x093, 0, SEG_OK,          NONE, 0 },
	{ "ring 3 stack",                       seg_check_stack, 0x23, 0x0f3, 3, SEG_OK,          NONE, 0 },
	{ "expand-down stack",                  seg_check_stack, 0x10, 0x097, 0, SEG_OK,          NONE, 0 },
	{ "RPL above CPL",                      seg_check_stack, 0x13, 0x093, 0, SEG_PRIVILEGE,   GP, 0x10 },
	{ "RPL below CPL",                      seg_check_stack, 0x20, 0x0f3, 3, SEG_PRIVILEGE,   GP, 0x20 },
	{ "DPL above CPL",                      seg_check_stack, 0x10, 0x0f3, 0, SEG_PRIVILEGE,   GP, 0x10 },
	{ "DPL below CPL",                      seg_check_stack, 0x23, 0x093, 3, SEG_PRIVILEGE,   GP, 0x20 },
	{ "read-only",                          seg_check_stack, 0x10, 0x091, 0, SEG_WRONG_TYPE,  GP, 0x10 },
	{ "absent: SS",                         seg_check_stack, 0x17, 0x073, 3, SEG_NOT_PRESENT, SS, 0x14 },
	{ "wrong RPL and read-only: RPL first", seg_check_stack, 0x13, 0x091, 0, SEG_PRIVILEGE,   GP, 0x10 },
	{ "read-only and wrong DPL: type first", seg_check_stack, 0x10, 0x0f1, 0, SEG_WRONG_TYPE, GP, 0x10 },
	{ "absent and read-only: GP",           seg_check_stack, 0x10, 0x011, 0, SEG_WRONG_TYPE,  GP, 0x10 },
	{ "absent and wrong DPL: GP",           seg_check_stack, 0x10, 0x073, 0, SEG_PRIVILEGE,   GP, 0x10 },

	{ "return: null stack",                 seg_check_stack_return, 0x00, 0x0f3, 3, SEG_NULL,        GP, 0 },
	{ "return: ring 3 stack",               seg_check_stack_return, 0x23, 0x0f3, 3, SEG_OK,          NONE, 0 },
	{ "return: RPL of another ring",        seg_check_stack_return, 0x22, 0x0f3, 3, SEG_PRIVILEGE,   GP, 0x20 },
	{ "return: DPL of another ring",        seg_check_stack_return, 0x23, 0x0d3, 3, SEG_PRIVILEGE,   GP, 0x20 },
	{ "return: code",                       seg_check_stack_return, 0x23, 0x0fb, 3, SEG_WRONG_TYPE,  GP, 0x20 },
	{ "return: absent",                     seg_check_stack_return, 0x23, 0x073, 3, SEG_NOT_PRESENT, SS, 0x20 },

	{ "inner: null stack",                  seg_check_stack_inner, 0x00, 0x093, 0, SEG_NULL,        TS, 0 },
	{ "inner: ring 0 stack",                seg_check_stack_inner, 0x10, 0x093, 0, SEG_OK,          NONE, 0 },
	{ "inner: RPL of another ring",         seg_check_stack_inner, 0x11, 0x093, 0, SEG_PRIVILEGE,   TS, 0x10 },
	{ "inner: DPL of another ring",         seg_check_stack_inner, 0x10, 0x0b3, 0, SEG_PRIVILEGE,   TS, 0x10 },
	{ "inner: read-only",                   seg_check_stack_inner, 0x10, 0x091, 0, SEG_WRONG_TYPE,  TS, 0x10 },
	{ "inner: absent",                      seg_check_stack_inner, 0x14, 0x013, 0, SEG_NOT_PRESENT, SS, 0x14 },
};

static const struct load_case code_cases[] = {
	{ "jump: null",                         seg_check_code_jump, 0x01, 0x09b, 0, SEG_NULL,        GP, 0 },
	{ "jump: same level",                   seg_check_code_jump, 0x08, 0x09b, 0, SEG_OK,          NONE, 0 },
	{ "jump: execute-only will do",         seg_check_code_jump, 0x08, 0x099, 0, SEG_OK,          NONE, 0 },
	{ "jump: lower RPL than CPL",           seg_check_code_jump, 0x08, 0x0fb, 3, SEG_OK,          NONE, 0 },
	{ "jump: RPL above CPL",                seg_check_code_jump, 0x0b, 0x09b, 0, SEG_PRIVILEGE,   GP, 0x08 },
	{ "jump: to an inner ring",             seg_check_code_jump, 0x0b, 0x09b, 3, SEG_PRIVILEGE,   GP, 0x08 },
	{ "jump: to an outer ring",             seg_check_code_jump, 0x08, 0x0fb, 0, SEG_PRIVILEGE,   GP, 0x08 },
	{ "jump: conforming of an inner ring",  seg_check_code_jump, 0x0b, 0x09f, 3, SEG_OK,          NONE, 0 },
	{ "jump: conforming, RPL ignored",      seg_check_code_jump, 0x0b, 0x09f, 0, SEG_OK,          NONE, 0 },
	{ "jump: conforming of an outer ring",  seg_check_code_jump, 0x08, 0x0ff, 0, SEG_PRIVILEGE,   GP, 0x08 },
	{ "jump: data",                         seg_check_code_jump, 0x10, 0x093, 0, SEG_WRONG_TYPE,  GP, 0x10 },
	{ "jump: absent",                       seg_check_code_jump, 0x0c, 0x01b, 0, SEG_NOT_PRESENT, NP, 0x0c },
	{ "jump: absent and of another ring",   seg_check_code_jump, 0x08, 0x07b, 0, SEG_PRIVILEGE,   GP, 0x08 },
	{ "jump: absent data",                  seg_check_code_jump, 0x10, 0x013, 0, SEG_WRONG_TYPE,  GP, 0x10 },

	{ "return: null",                       seg_check_code_return, 0x03, 0x0fb, 3, SEG_NULL,        GP, 0 },
	{ "return: same ring",                  seg_check_code_return, 0x08, 0x09b, 0, SEG_OK,          NONE, 0 },
	{ "return: outer ring",                 seg_check_code_return, 0x1b, 0x0fb, 0, SEG_OK,          NONE, 0 },
	{ "return: inner ring",                 seg_check_code_return, 0x08, 0x09b, 3, SEG_PRIVILEGE,   GP, 0x08 },
	{ "return: RPL below CPL, DPL right",   seg_check_code_return, 0x1a, 0x0db, 3, SEG_PRIVILEGE,   GP, 0x18 },
	{ "return: RPL above DPL",              seg_check_code_return, 0x0b, 0x09b, 0, SEG_PRIVILEGE,   GP, 0x08 },
	{ "return: RPL below DPL",              seg_check_code_return, 0x08, 0x0fb, 0, SEG_PRIVILEGE,   GP, 0x08 },
	{ "return: conforming, DPL below RPL",  seg_check_code_return, 0x0b, 0x09f, 0, SEG_OK,          NONE, 0 },
	{ "return: conforming, DPL above RPL",  seg_check_code_return, 0x09, 0x0df, 0, SEG_PRIVILEGE,   GP, 0x08 },
	{ "return: conforming, RPL below CPL",  seg_check_code_return, 0x08, 0x09f, 3, SEG_PRIVILEGE,   GP, 0x08 },
	{ "return: data",                       seg_check_code_return, 0x10, 0x093, 0, SEG_WRONG_TYPE,  GP, 0x10 },
	{ "return: absent",                     seg_check_code_return, 0x0b, 0x07b, 0, SEG_NOT_PRESENT, NP, 0x08 },
	{ "return: absent and RPL below CPL",   seg_check_code_return, 0x08, 0x01b, 3, SEG_PRIVILEGE,   GP, 0x08 },

	{ "gate: null target",                  check_gate, 0x00, 0x09b, 0, SEG_NULL,        GP, 0 },
	{ "gate: same ring, RPL ignored",       check_gate, 0x0b, 0x09b, 0, SEG_OK,          NONE, 0 },
	{ "gate: inner ring",                   check_gate, 0x08, 0x09b, 3, SEG_OK,          NONE, 0 },
	{ "gate: conforming, inner DPL",        check_gate, 0x08, 0x09f, 3, SEG_OK,          NONE, 0 },
	{ "gate: outer ring",                   check_gate, 0x18, 0x0fb, 0, SEG_PRIVILEGE,   GP, 0x18 },
	{ "gate: conforming, outer DPL",        check_gate, 0x18, 0x0ff, 2, SEG_PRIVILEGE,   GP, 0x18 },
	{ "gate: data",                         check_gate, 0x10, 0x093, 0, SEG_WRONG_TYPE,  GP, 0x10 },
	{ "gate: absent",                       check_gate, 0x08, 0x01b, 0, SEG_NOT_PRESENT, NP, 0x08 },
	{ "gate: absent and of an outer ring",  check_gate, 0x18, 0x07b, 0, SEG_PRIVILEGE,   GP, 0x18 },
	{ "out of V86: ring 0",                 check_gate_v86, 0x08, 0x09b, 3, SEG_OK,          NONE, 0 },
	{ "out of V86: ring 3",                 check_gate_v86, 0x18, 0x0fb, 3, SEG_PRIVILEGE,   GP, 0x18 },
	{ "out of V86: ring 1",                 check_gate_v86, 0x18, 0x0bb, 3, SEG_PRIVILEGE,   GP, 0x18 },
	{ "out of V86: conforming",             check_gate_v86, 0x08, 0x09f, 3, SEG_PRIVILEGE,   GP, 0x08 },
	{ "out of V86: absent before ring",     check_gate_v86, 0x18, 0x07b, 3, SEG_NOT_PRESENT, NP, 0x18 },
};

static const struct load_case system_cases[] = {
	{ "LLDT null",                          check_ldt, 0x00, 0x000, 0, SEG_OK,             NONE, 0 },
	{ "LLDT null with RPL",                 check_ldt, 0x03, 0x000, 0, SEG_OK,             NONE, 0 },
	{ "LLDT of an LDT",                     check_ldt, 0x28, 0x082, 0, SEG_OK,             NONE, 0 },
	{ "LLDT: DPL plays no part",            check_ldt, 0x2b, 0x0e2, 0, SEG_OK,             NONE, 0 },
	{ "LLDT, local",                        check_ldt, 0x2c, 0x082, 0, SEG_LOCAL_SELECTOR, GP, 0x2c },
	{ "LLDT, local slot 0",                 check_ldt, 0x04, 0x082, 0, SEG_LOCAL_SELECTOR, GP, 0x04 },
	{ "LLDT of writable data (type 2 too)", check_ldt, 0x28, 0x092, 0, SEG_WRONG_TYPE,     GP, 0x28 },
	{ "LLDT, absent",                       check_ldt, 0x28, 0x002, 0, SEG_NOT_PRESENT,    NP, 0x28 },
	{ "LLDT of an absent TSS",              check_ldt, 0x28, 0x009, 0, SEG_WRONG_TYPE,     GP, 0x28 },

	{ "LTR null",                           check_tss, 0x00, 0x089, 0, SEG_NULL,           GP, 0 },
	{ "LTR of a 32-bit TSS",                check_tss, 0x30, 0x089, 0, SEG_OK,             NONE, 0 },
	{ "LTR of a 16-bit TSS",                check_tss, 0x30, 0x081, 0, SEG_OK,             NONE, 0 },
	{ "LTR, local",                         check_tss, 0x34, 0x089, 0, SEG_LOCAL_SELECTOR, GP, 0x34 },
	{ "LTR of a busy TSS",                  check_tss, 0x30, 0x08b, 0, SEG_WRONG_TYPE,     GP, 0x30 },
	{ "LTR, absent",                        check_tss, 0x30, 0x009, 0, SEG_NOT_PRESENT,    NP, 0x30 },
	{ "LTR, absent and busy",               check_tss, 0x30, 0x00b, 0, SEG_WRONG_TYPE,     GP, 0x30 },
};
/* clang-format on */

static void
test_data(void **unused)
{
	(void)unused;
	run_loads(data_cases, COUNT(data_cases));
}

static void
test_stack(void **unused)
{
	(void)unused;
	run_loads(stack_cases, COUNT(stack_cases));
}

static void
test_code(void **unused)
{
	(void)unused;
	run_loads(code_cases, COUNT(code_cases));
}

static void
test_system(void **unused)
{
	(void)unused;
	run_loads(system_cases, COUNT(system_cases));
}

/* --- every type ----------------------------------------------------------------------- */

/*
 * Which loads take a present ring 0 descriptor of a type (SDM vol. 3, Code- and
 * Data-Segment Descriptor Types, System Descriptor Types).
 */
static const struct {
	const char *what;
	uint16_t attr;
	const char *loads; /* D data, S stack, C code, L LDT, T TSS */
} types[] = {
	/* clang-format off */
	{ "data read-only",                     0x90, "D" },
	{ "data read-only, accessed",           0x91, "D" },
	{ "data writable",                      0x92, "DS" },
	{ "data writable, accessed",            0x93, "DS" },
	{ "expand-down read-only",              0x94, "D" },
	{ "expand-down read-only, accessed",    0x95, "D" },
	{ "expand-down writable",               0x96, "DS" },
	{ "expand-down writable, accessed",     0x97, "DS" },
	{ "code execute-only",                  0x98, "C" },
	{ "code execute-only, accessed",        0x99, "C" },
	{ "code readable",                      0x9a, "DC" },
	{ "code readable, accessed",            0x9b, "DC" },
	{ "conforming execute-only",            0x9c, "C" },
	{ "conforming execute-only, accessed",  0x9d, "C" },
	{ "conforming readable",                0x9e, "DC" },
	{ "conforming readable, accessed",      0x9f, "DC" },
	{ "system type 0",                      0x80, "" },
	{ "16-bit TSS",                         0x81, "T" },
	{ "LDT",                                0x82, "L" },
	{ "16-bit TSS, busy",                   0x83, "" },
	{ "16-bit call gate",                   0x84, "" },
	{ "task gate",                          0x85, "" },
	{ "16-bit interrupt gate",              0x86, "" },
	{ "16-bit trap gate",                   0x87, "" },
	{ "system type 8",                      0x88, "" },
	{ "32-bit TSS",                         0x89, "T" },
	{ "system type 10",                     0x8a, "" },
	{ "32-bit TSS, busy",                   0x8b, "" },
	{ "32-bit call gate",                   0x8c, "" },
	{ "system type 13",                     0x8d, "" },
	{ "32-bit interrupt gate",              0x8e, "" },
	{ "32-bit trap gate",                   0x8f, "" },
	/* clang-format on */
};

static const struct {
	char letter;
	check_fn *check;
	unsigned refusal;
} type_checks[] = {
	/* clang-format off */
	{ 'D', seg_check_data,         GP },
	{ 'S', seg_check_stack,        GP },
	{ 'S', seg_check_stack_return, GP },
	{ 'S', seg_check_stack_inner,  TS },
	{ 'C', seg_check_code_jump,    GP },
	{ 'C', seg_check_code_return,  GP },
	{ 'C', check_gate,             GP },
	{ 'L', check_ldt,              GP },
	{ 'T', check_tss,              GP },
	/* clang-format on */
};

static bool
has(const char *letters, char letter)
{
	for (; *letters != '\0'; letters++) {
		if (*letters == letter)
			return true;
	}
	return false;
}

static void
test_every_type_loads(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(types); i++) {
		const struct descry_segment desc = { .sel = 0x10, .attr = types[i].attr };

		for (size_t k = 0; k < COUNT(type_checks); k++) {
			const bool ok = has(types[i].loads, type_checks[k].letter);
			char what[64];

			snprintf(what, sizeof(what), "%s, check %zu", types[i].what, k);
			expect(what, type_checks[k].check(0x10, &desc, 0),
			       ok ? SEG_OK : SEG_WRONG_TYPE, ok ? NONE : type_checks[k].refusal,
			       ok ? 0 : 0x10);
		}
	}
}

static void
test_every_rule_has_text(void **unused)
{
	(void)unused;
	for (unsigned rule = 0; rule < SEG_RULE_COUNT; rule++)
		assert_non_null(seg_rule_text((enum seg_rule)rule));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_slot),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_every_type_loads),
		cmocka_unit_test(test_every_rule_has_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
