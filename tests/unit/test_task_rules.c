/*
 * What may be entered through a gate or a TSS, and what a TSS may name, row by row. Oracle: SDM
 * vol. 2, JMP and CALL; vol. 3, Exception Conditions Checked During a Task Switch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expect_verdict.h"

static const struct { /* sel, attr, cpl in; rule and vector out; the code is always the selector */
	const char *what;
	uint16_t sel, attr;
	unsigned cpl;
	enum seg_rule rule;
	unsigned vector;
} gate_cases[] = {
	/* clang-format off */
	{ "ring 0 through a gate of ring 0",        0x80, 0x008c, 0, SEG_OK,          NONE },
	{ "ring 3 through a gate of ring 0",        0x80, 0x008c, 3, SEG_PRIVILEGE,   GP },
	{ "ring 3 through a gate of ring 3",        0x83, 0x00ec, 3, SEG_OK,          NONE },
	{ "RPL 3 on a gate of ring 0",              0x83, 0x0085, 0, SEG_PRIVILEGE,   GP },
	{ "RPL 0 does not help ring 3",             0x80, 0x00a5, 3, SEG_PRIVILEGE,   GP },
	{ "absent gate",                            0x80, 0x0004, 0, SEG_NOT_PRESENT, NP },
	{ "absent and too privileged: GP",          0x80, 0x0004, 3, SEG_PRIVILEGE,   GP },
	{ "whether a TSS is present comes later",   0x80, 0x0009, 0, SEG_OK,          NONE },
	{ "a TSS of ring 0 from ring 3",            0x80, 0x0089, 3, SEG_PRIVILEGE,   GP },
	/* clang-format on */
};

static void
test_gate_rule(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(gate_cases); i++) {
		const struct descry_segment desc = { .attr = gate_cases[i].attr };
		const bool ok = gate_cases[i].rule == SEG_OK;

		expect(gate_cases[i].what,
		       seg_check_gate(gate_cases[i].sel, &desc, gate_cases[i].cpl),
		       gate_cases[i].rule, gate_cases[i].vector,
		       ok ? 0 : gate_cases[i].sel & 0xfffcu);
	}
}

static const struct { /* sel, attr, limit, is_return in */
	const char *what;
	uint16_t sel, attr;
	uint32_t limit;
	bool is_return;
	enum seg_rule rule;
	unsigned vector, error_code;
} task_cases[] = {
	/* clang-format off */
	{ "available 32-bit TSS",                0x20, 0x89, 0x67, false, SEG_OK,             NONE, 0 },
	{ "available 16-bit TSS",                0x20, 0x81, 0x2b, false, SEG_OK,             NONE, 0 },
	{ "busy TSS back by IRET",               0x20, 0x8b, 0x67, true,  SEG_OK,             NONE, 0 },
	{ "busy 16-bit TSS back by IRET",        0x20, 0x83, 0x2b, true,  SEG_OK,             NONE, 0 },
	{ "null",                                0x03, 0x89, 0x67, false, SEG_NULL,           GP,   0 },
	{ "null link",                           0x03, 0x8b, 0x67, true,  SEG_NULL,           TS,   0 },
	{ "local selector",                      0x24, 0x89, 0x67, false, SEG_LOCAL_SELECTOR, GP,   0x24 },
	{ "local link",                          0x27, 0x8b, 0x67, true,  SEG_LOCAL_SELECTOR, TS,   0x24 },
	{ "data is no TSS",                      0x20, 0x93, 0x67, false, SEG_WRONG_TYPE,     GP,   0x20 },
	{ "a call gate is no TSS",               0x20, 0x8c, 0x67, false, SEG_WRONG_TYPE,     GP,   0x20 },
	{ "an LDT is no task to go back to",     0x20, 0x82, 0x67, true,  SEG_WRONG_TYPE,     TS,   0x20 },
	{ "busy: tasks do not nest in themselves", 0x20, 0x8b, 0x67, false, SEG_BUSY,         GP,   0x20 },
	{ "IRET to a task that does not wait",   0x20, 0x89, 0x67, true,  SEG_NOT_BUSY,       TS,   0x20 },
	{ "absent",                              0x23, 0x09, 0x67, false, SEG_NOT_PRESENT,    NP,   0x20 },
	{ "absent and busy: GP",                 0x20, 0x0b, 0x67, false, SEG_BUSY,           GP,   0x20 },
	{ "IRET to an absent one",               0x20, 0x0b, 0x67, true,  SEG_NOT_PRESENT,    NP,   0x20 },
	{ "32-bit TSS one byte short",           0x20, 0x89, 0x66, false, SEG_TSS_TOO_SHORT,  TS,   0x20 },
	{ "16-bit TSS one byte short",           0x20, 0x81, 0x2a, false, SEG_TSS_TOO_SHORT,  TS,   0x20 },
	{ "absent and short: NP",                0x20, 0x09, 0x10, false, SEG_NOT_PRESENT,    NP,   0x20 },
	/* clang-format on */
};

static void
test_task_rule(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(task_cases); i++) {
		const struct descry_segment desc = { .attr = task_cases[i].attr,
						     .limit = task_cases[i].limit };

		expect(task_cases[i].what,
		       seg_check_task(task_cases[i].sel, &desc, task_cases[i].is_return),
		       task_cases[i].rule, task_cases[i].vector, task_cases[i].error_code);
	}
}

static const struct { /* which, sel, attr, cpl in; rule and vector out */
	const char *what;
	enum descry_sreg sreg;
	uint16_t sel, attr;
	unsigned cpl;
	enum seg_rule rule;
	unsigned vector;
} segment_cases[] = {
	/* clang-format off */
	{ "LDT",                                 DESCRY_LDTR, 0x30, 0x0082, 0, SEG_OK,             NONE },
	{ "LDT in the LDT",                      DESCRY_LDTR, 0x34, 0x0082, 0, SEG_LOCAL_SELECTOR, TS },
	{ "data as LDT",                         DESCRY_LDTR, 0x30, 0x0093, 0, SEG_WRONG_TYPE,     TS },
	{ "absent LDT: TS, not NP",              DESCRY_LDTR, 0x30, 0x0002, 0, SEG_NOT_PRESENT,    TS },
	{ "stack",                               DESCRY_SS,   0x10, 0x0093, 0, SEG_OK,             NONE },
	{ "read-only stack",                     DESCRY_SS,   0x10, 0x0091, 0, SEG_WRONG_TYPE,     TS },
	{ "code as stack",                       DESCRY_SS,   0x10, 0x009b, 0, SEG_WRONG_TYPE,     TS },
	{ "no stack",                            DESCRY_SS,   0x00, 0x0093, 0, SEG_NULL,           TS },
	{ "absent stack",                        DESCRY_SS,   0x10, 0x0013, 0, SEG_NOT_PRESENT,    SS },
	{ "absent stack of another ring: SS",    DESCRY_SS,   0x10, 0x0013, 3, SEG_NOT_PRESENT,    SS },
	{ "stack DPL is not the CPL",            DESCRY_SS,   0x13, 0x00f3, 0, SEG_PRIVILEGE,      TS },
	{ "stack RPL is not the CPL",            DESCRY_SS,   0x13, 0x0093, 0, SEG_PRIVILEGE,      TS },
	{ "stack of ring 3",                     DESCRY_SS,   0x13, 0x00f3, 3, SEG_OK,             NONE },
	{ "data",                                DESCRY_DS,   0x10, 0x0093, 0, SEG_OK,             NONE },
	{ "execute-only code as data",           DESCRY_FS,   0x10, 0x0099, 0, SEG_WRONG_TYPE,     TS },
	{ "data of ring 0 in ring 3",            DESCRY_ES,   0x10, 0x0093, 3, SEG_PRIVILEGE,      TS },
	{ "data asked for with RPL 3",           DESCRY_GS,   0x13, 0x0093, 0, SEG_PRIVILEGE,      TS },
	{ "absent data",                         DESCRY_DS,   0x10, 0x0013, 0, SEG_NOT_PRESENT,    NP },
	{ "conforming code as data",             DESCRY_DS,   0x10, 0x009f, 3, SEG_OK,             NONE },
	{ "code",                                DESCRY_CS,   0x08, 0x009b, 0, SEG_OK,             NONE },
	{ "data as code",                        DESCRY_CS,   0x10, 0x0093, 0, SEG_WRONG_TYPE,     TS },
	{ "code DPL is not the RPL",             DESCRY_CS,   0x0b, 0x009b, 3, SEG_PRIVILEGE,      TS },
	{ "conforming code of an inner ring",    DESCRY_CS,   0x0b, 0x009f, 3, SEG_OK,             NONE },
	{ "conforming code of an outer ring",    DESCRY_CS,   0x08, 0x00ff, 0, SEG_PRIVILEGE,      TS },
	{ "absent code",                         DESCRY_CS,   0x08, 0x001b, 0, SEG_NOT_PRESENT,    NP },
	/* clang-format on */
};

static struct seg_verdict
check_segment(enum descry_sreg sreg, uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	if (sreg == DESCRY_LDTR)
		return seg_check_task_ldt(sel, desc);
	if (sreg == DESCRY_SS)
		return seg_check_task_stack(sel, desc, cpl);
	if (sreg == DESCRY_CS)
		return seg_check_task_code(sel, desc);
	return seg_check_task_data(sel, desc, cpl);
}

static void
test_segment_rules(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(segment_cases); i++) {
		const struct descry_segment desc = { .attr = segment_cases[i].attr };
		const uint16_t sel = segment_cases[i].sel;
		const bool ok = segment_cases[i].rule == SEG_OK;

		expect(segment_cases[i].what,
		       check_segment(segment_cases[i].sreg, sel, &desc, segment_cases[i].cpl),
		       segment_cases[i].rule, segment_cases[i].vector, ok ? 0 : sel & 0xfffcu);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gate_rule),
		cmocka_unit_test(test_task_rule),
		cmocka_unit_test(test_segment_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
