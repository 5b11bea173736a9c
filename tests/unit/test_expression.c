/*
 * The expression language of print and assert. Oracle: C for the operators, DESIGN
 * (status, provenance) and the descriptors of command_machine.h for the rest.
 */
#include "command/expression.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "command_machine.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int
open_machine(void **state)
{
	static struct command_machine m;
	struct descry_state *cpu;

	command_machine_open(&m);
	command_machine_protect(&m);
	cpu = descry_vcpu_state_mutable(descry_monitor_vcpu(m.monitor));
	cpu->gpr[DESCRY_AX] = 0x11223344;
	cpu->gpr[DESCRY_BX] = 0xffffffff;
	cpu->rflags = DESCRY_FLAG_ONE | DESCRY_FLAG_ZF | 3u << DESCRY_FLAG_IOPL_SHIFT;
	descry_vcpu_state_changed(descry_monitor_vcpu(m.monitor));
	*state = &m;
	return 0;
}

static int
close_machine(void **state)
{
	command_machine_close(*state);
	return 0;
}

/* --- values --------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *what, *text, *value;
} values[] = {
	{ "decimal",                              "42",                       "0x2a" },
	{ "hexadecimal, as C writes it",          "0x2A",                     "0x2a" },
	{ "hexadecimal, as manuals write it",     "0FFFFh",                   "0xffff" },
	{ "binary",                               "0b101",                    "0x5" },
	{ "0b1h is hexadecimal",                  "0b1h",                     "0xb1" },
	{ "the widest number",                    "0xffffffffffffffff",       "0xffffffffffffffff" },
	{ "multiplication before addition",       "1 + 2 * 3",                "0x7" },
	{ "brackets",                             "(1 + 2) * 3",              "0x9" },
	{ "subtraction from the left",            "10 - 4 - 3",               "0x3" },
	{ "shift before comparison",              "1 << 4 == 16",             "0x1" },
	{ "comparison before and",                "3 & 2 == 2",               "0x1" },
	{ "and, xor, or in this order",           "1 | 2 ^ 3 & 1",            "0x3" },
	{ "a shift of all bits leaves none",      "1 << 64",                  "0x0" },
	{ "unsigned: minus one is large",         "-1 > 1",                   "0x1" },
	{ "not",                                  "!0 + !5",                  "0x1" },
	{ "complement",                           "~0 & 0xff",                "0xff" },
	{ "and stops at the first that is false", "0 && 1 / 0",               "0x0" },
	{ "or stops at the first that is true",   "2 || 1 / 0",               "0x1" },
	{ "a 32-bit register",                    "eax",                      "0x11223344" },
	{ "its low half",                         "ax",                       "0x3344" },
	{ "its bytes",                            "ah << 8 | al",             "0x3344" },
	{ "a flag",                               "zf && !cf",                "0x1" },
	{ "a field of the flags",                 "iopl",                     "0x3" },
	{ "a bit of CR0",                         "pe",                       "0x1" },
	{ "a table register",                     "gdtr.base + gdtr.limit",   "0x102f" },
	{ "the linear address of CS:IP",          "pc",                       "0x7c00" },
	{ "the privilege level",                  "cpl",                      "0x0" },
	{ "the mode is a word",                   "mode",                     "PROTECTED" },
	{ "and compares with one",                "mode == PROTECTED",        "0x1" },
	{ "the last stop is a word",              "stop",                     "START" },
	{ "a selector",                           "fs",                       "0x28" },
	{ "the cache",                            "fs.base",                  "0x1000" },
	{ "its attributes",                       "fs.attr",                  "0x4093" },
	{ "one of them",                          "fs.db + fs.g",             "0x1" },
	{ "the descriptor in the table now",      "fs.table.base",            "0x2000" },
	{ "and its bytes",                        "fs.table.raw",             "0x40930020001000" },
	{ "a reload now",                         "fs.reload.base",           "0x2000" },
	{ "a reload with PE=0",                   "fs.reload.real.base",      "0x280" },
	{ "a reload that would work",             "fs.reload.fault",          "NONE" },
	{ "a reload that would not: vector",      "tr.reload.fault",          "#GP" },
	{ "which compares with a number, too",    "tr.reload.fault == 13",    "0x1" },
	{ "and with its name",                    "tr.reload.fault == #GP",   "0x1" },
	{ "a status is a set of words",           "fs.status",                "STALE" },
	{ "equal means exactly these",            "fs.status == STALE",       "0x1" },
	{ "not these and others",                 "fs.status == STALE|FORCED", "0x0" },
	{ "and asks for one of them",             "fs.status & STALE",        "STALE" },
	{ "none of them is MATCH",                "fs.status & UNREAL",       "MATCH" },
	{ "a word with a minus",                  "UNREAL|UNREAL-BASE",       "UNREAL|UNREAL-BASE" },
	{ "or with an underline",                 "UNREAL_BASE",              "UNREAL-BASE" },
	{ "a minus stays one elsewhere",          "eax-eax",                  "0x0" },
	{ "a descriptor by index",                "gdt[2].limit",             "0xffffffff" },
	{ "the index may be an expression",       "gdt[fs >> 3].base",        "0x2000" },
	{ "brackets read a dword",                "[0x7c00]",                 "0xa264" },
	{ "a word",                               "word(0x7c00)",             "0xa264" },
	{ "a byte",                               "byte(pc + 1)",             "0xa2" },
	{ "a descriptor as a qword",              "qword(gdtr.base + 28h)",   "0x40930020001000" },
	{ "memory through a cache",               "qword(fs:8) == gdt[1].raw", "0x1" },
	{ "physical memory",                      "byte(phys:0x7c01)",        "0xa2" },
	{ "blanks where one likes",               " [ 0x7c00 ] == 0xa264 ",   "0x1" },
};
/* clang-format on */

static void
test_values(void **state)
{
	const struct command_machine *m = *state;

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		struct expression expression;
		char text[VALUE_TEXT];
		struct descry_error err;
		struct value value;

		if (expression_parse(values[i].text, &expression, &err) != DESCRY_OK ||
		    expression_evaluate(&expression, m->monitor, &value, &err) != DESCRY_OK)
			fail_msg("%s: %s", values[i].what, err.text);
		if (strcmp(value_text(&value, text), values[i].value) != 0)
			fail_msg("%s: %s is %s, not %s", values[i].what, values[i].text, text,
				 values[i].value);
	}
}

/* --- refusals ------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *what, *text, *says;
} refusals[] = {
	{ "nothing",                           "",                   "at the end: expected a value" },
	{ "an operator without its right",     "1 +",                "at the end: expected a value" },
	{ "two values",                        "1 2",                "at '2': expected an operator" },
	{ "an open bracket",                   "(1",                 "at the end: expected ')'" },
	{ "letters in a number",               "12zz",               "at '12zz': not a number" },
	{ "an address as displays write it",   "00007100",           "hexadecimal is 0x7100 or 7100h" },
	{ "and one with letters",              "7c2c",               "hexadecimal is 0x7c2c or 7c2ch" },
	{ "which may begin with one",          "c000",               "hexadecimal is 0xc000 or 0c000h" },
	{ "no digits",                         "0x",                 "no digits" },
	{ "too wide",                          "0x10000000000000000", "wider than 64 bits" },
	{ "no such name",                      "nosuch",             "no register or symbol" },
	{ "no such field",                     "fs.bas",             "fs has sel base limit" },
	{ "a field of another view",           "fs.raw",             "fs has sel base limit" },
	{ "no such field of a descriptor",     "gdt[1].foo",         "a descriptor has base" },
	{ "an index beyond the table",         "gdt[6].base",        "gdt has 6 entries" },
	{ "a table that is not there",         "ldt[0].base",        "ldt has 0 entries" },
	{ "no such address space",             "[io:1]",             "an address space is" },
	{ "no such exception",                 "#XX",                "no exception" },
	{ "a status is no number",             "fs.status == 1",     "do not go together" },
	{ "a mode is no status",               "mode == STALE",      "do not go together" },
	{ "a status adds to nothing",          "fs.status + STALE",  "do not go together" },
	{ "division by zero",                  "1 / (2 - 2)",        "division by zero" },
	{ "a reload that faults has no base",  "tr.reload.base",     "would give no base but #GP" },
	{ "a null selector has no descriptor", "gs.table.base",      "is null" },
	{ "the cache refuses",                 "[fs:0x1001]",        "#GP" },
	{ "no memory there",                   "[0xffffe000]",       "no memory" },
	{ "above 4 GiB",                       "[0x100000000]",      "above 4 GiB" },
	{ "the guest runs yet",                "exit_status",        "has not ended" },
};
/* clang-format on */

static void
test_refusals(void **state)
{
	const struct command_machine *m = *state;

	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		struct expression expression;
		struct descry_error err;
		struct value value;

		if (expression_parse(refusals[i].text, &expression, &err) == DESCRY_OK &&
		    expression_evaluate(&expression, m->monitor, &value, &err) == DESCRY_OK)
			fail_msg("%s: '%s' is accepted", refusals[i].what, refusals[i].text);
		if (strstr(err.text, refusals[i].says) == NULL)
			fail_msg("%s: '%s' does not say '%s'", refusals[i].what, err.text,
				 refusals[i].says);
	}
}

/* However long or deep, the answer is a sentence. */
static void
test_excess(void **state)
{
	struct expression expression;
	struct descry_error err;
	char text[2 * EXPRESSION_TEXT];

	(void)state;
	memset(text, '(', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(expression_parse(text, &expression, &err), DESCRY_BAD_ARGUMENT);
	text[200] = '\0';
	assert_int_equal(expression_parse(text, &expression, &err), DESCRY_BAD_ARGUMENT);
	assert_non_null(strstr(err.text, "too many brackets"));
	memset(text, '!', sizeof(text));
	text[300] = '\0';
	text[299] = '1';
	assert_int_equal(expression_parse(text, &expression, &err), DESCRY_BAD_ARGUMENT);
	assert_non_null(strstr(err.text, "too long"));
}

/* --- places --------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *what, *place; uint64_t number; const char *then, *says;
} places[] = {
	{ "a byte of a register leaves the rest", "ah", 0xff,   "eax == 0x1122ff44", NULL },
	{ "a flag",                               "cf", 1,      "flags == 0x3043", NULL },
	{ "a base, and only that",  "fs.base", 0x5000, "fs.base == 0x5000 && fs.limit == 0x1000", NULL },
	{ "a selector leaves the cache",          "fs", 0x10,   "fs == 0x10 && fs.base == 0x5000", NULL },
	{ "the cache is FORCED then",             "fs.attr", 0x93, "fs.status & FORCED", NULL },
	{ "memory",                               "word(0x500)", 0xbeef, "[0x500] == 0xbeef", NULL },
	{ "memory through a base", "byte(fs:1)", 7, "byte(linear:0x5001) == 7", NULL },
	{ "too wide for a register",              "al", 0x100,  "al == 0x44", "does not fit" },
	{ "too wide for a selector",              "fs", 0x10000, "fs == 0x10", "does not fit" },
	{ "a number is no place",                 "5", 1,       "1", "no place" },
	{ "a preview is no place",         "fs.reload.base", 1, "1", "can be read and not set" },
	{ "a part of attr is no place",           "fs.dpl", 3,  "fs.dpl == 0", "can be read and not set" },
	{ "time is no place",                     "retired", 0, "1", "can be read and not set" },
};
/* clang-format on */

static void
test_places(void **state)
{
	const struct command_machine *m = *state;

	for (size_t i = 0; i < COUNT_OF(places); i++) {
		struct expression place, then;
		struct descry_error err = { 0 };
		struct value value;

		assert_int_equal(expression_parse(places[i].place, &place, &err), DESCRY_OK);
		if ((expression_assign(&place, m->monitor, places[i].number, &err) == DESCRY_OK) !=
		    (places[i].says == NULL))
			fail_msg("%s: '%s'", places[i].what, err.text);
		if (places[i].says != NULL && strstr(err.text, places[i].says) == NULL)
			fail_msg("%s: '%s'", places[i].what, err.text);
		assert_int_equal(expression_parse(places[i].then, &then, &err), DESCRY_OK);
		assert_int_equal(expression_evaluate(&then, m->monitor, &value, &err), DESCRY_OK);
		if (!value_is_true(&value))
			fail_msg("%s: not %s", places[i].what, places[i].then);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, open_machine, close_machine),
		cmocka_unit_test_setup_teardown(test_refusals, open_machine, close_machine),
		cmocka_unit_test(test_excess),
		cmocka_unit_test_setup_teardown(test_places, open_machine, close_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
