/*
 * Error codes, double-fault classes and who handles INT n in virtual-8086 mode. The oracle is
 * SDM vol. 3: Error Code; Interrupt 8 - Double Fault Exception, with its two tables; Software
 * Interrupt Handling Methods While in Virtual-8086 Mode.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interrupt_rules.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define FAULT INTERRUPTION_FAULT
#define TRAP INTERRUPTION_TRAP
#define SOFTWARE INTERRUPTION_SOFTWARE
#define EXTERNAL INTERRUPTION_EXTERNAL
#define DE DESCRY_VEC_DE
#define DB DESCRY_VEC_DB
#define NMI DESCRY_VEC_NMI
#define BP DESCRY_VEC_BP
#define UD DESCRY_VEC_UD
#define NM DESCRY_VEC_NM
#define DF DESCRY_VEC_DF
#define TS DESCRY_VEC_TS
#define NP DESCRY_VEC_NP
#define SS DESCRY_VEC_SS
#define GP DESCRY_VEC_GP
#define PF DESCRY_VEC_PF
#define AC DESCRY_VEC_AC

static void
only_some_exceptions_have_an_error_code(void **state)
{
	static const uint8_t with[] = { DF, TS, NP, SS, GP, PF, AC };
	bool expected[256] = { false };

	(void)state;
	for (size_t i = 0; i < COUNT(with); i++)
		expected[with[i]] = true;
	for (unsigned vector = 0; vector < 256; vector++) {
		assert_int_equal(interruption_has_error_code(FAULT, vector), expected[vector]);
		assert_false(interruption_has_error_code(TRAP, vector));
		assert_false(interruption_has_error_code(SOFTWARE, vector));
		assert_false(interruption_has_error_code(EXTERNAL, vector));
	}
}

static void
error_codes_that_name_a_vector(void **state)
{
	static const struct { /* IDT is bit 1, EXT bit 0 */
		const char *what;
		enum interruption_kind kind;
		uint8_t vector;
		uint16_t error;
	} rows[] = {
		{ "INT 30h: the program's own doing", SOFTWARE, 0x30, 0x182 },
		{ "INT3", SOFTWARE, BP, 0x1a },
		{ "an interrupt from outside", EXTERNAL, 0x30, 0x183 },
		{ "NMI", EXTERNAL, NMI, 0x13 },
		{ "a fault, whose handler cannot be reached", FAULT, GP, 0x6b },
		{ "ICEBP is no INT 1", TRAP, DB, 0x0b },
		{ "the last vector", SOFTWARE, 0xff, 0x7fa },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (interruption_vector_error(rows[i].kind, rows[i].vector) != rows[i].error)
			fail_msg("%s: %x", rows[i].what,
				 interruption_vector_error(rows[i].kind, rows[i].vector));
}

static void
ext_goes_into_what_delivery_raises_but_not_into_a_page_fault(void **state)
{
	static const struct {
		const char *what;
		enum interruption_kind kind;
		uint8_t vector;
		uint16_t error, says;
	} rows[] = {
		{ "INT n: absent handler segment", SOFTWARE, NP, 0x48, 0x48 },
		{ "from outside: the same", EXTERNAL, NP, 0x48, 0x49 },
		{ "of a fault: null selector in the gate", FAULT, GP, 0, 1 },
		{ "of a trap: bad stack in the TSS", TRAP, TS, 0x50, 0x51 },
		{ "page fault: bit 0 is P", EXTERNAL, PF, 2, 2 },
		{ "page fault: and stays", SOFTWARE, PF, 7, 7 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (interruption_nested_error(rows[i].kind, rows[i].vector, rows[i].error) !=
		    rows[i].says)
			fail_msg("%s", rows[i].what);
}

#define SERIAL ESCALATION_SERIAL
#define DOUBLE ESCALATION_DOUBLE_FAULT
#define SHUTDOWN ESCALATION_SHUTDOWN

static void
double_faults(void **state)
{
	static const struct {
		const char *what;
		enum interruption_kind kind;
		uint8_t first, second;
		enum escalation then;
	} rows[] = {
		{ "benign, then contributory", FAULT, UD, GP, SERIAL },
		{ "benign, then page fault", FAULT, NM, PF, SERIAL },
		{ "benign, then benign", FAULT, UD, DB, SERIAL },
		{ "alignment is benign", FAULT, AC, SS, SERIAL },
		{ "contributory, then benign", FAULT, GP, DB, SERIAL },
		{ "contributory twice", FAULT, GP, NP, DOUBLE },
		{ "divide error is contributory", FAULT, DE, TS, DOUBLE },
		{ "stack fault is", FAULT, SS, SS, DOUBLE },
		{ "contributory, then page fault", FAULT, TS, PF, SERIAL },
		{ "page fault, then benign", FAULT, PF, DB, SERIAL },
		{ "page fault, then contributory", FAULT, PF, GP, DOUBLE },
		{ "page fault twice", FAULT, PF, PF, DOUBLE },
		{ "double fault, then contributory", FAULT, DF, NP, SHUTDOWN },
		{ "double fault, then page fault", FAULT, DF, PF, SHUTDOWN },
		{ "INT 13 is no general protection", SOFTWARE, GP, GP, SERIAL },
		{ "INT 8 is no double fault", SOFTWARE, DF, GP, SERIAL },
		{ "an interrupt with vector 14 is no page fault", EXTERNAL, PF, PF, SERIAL },
		{ "NMI", EXTERNAL, NMI, NP, SERIAL },
		{ "debug trap", TRAP, DB, GP, SERIAL },
		{ "table limit too small (486): INT n", SOFTWARE, 0x80, DF, SERIAL },
		{ "the same for the double fault itself", FAULT, DF, DF, SHUTDOWN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (interruption_escalates(rows[i].kind, rows[i].first, rows[i].second) !=
		    rows[i].then)
			fail_msg("%s", rows[i].what);
}

static void
int_n_in_v86(void **state)
{
	static const struct {
		const char *what;
		bool vme;
		unsigned iopl;
		bool in_bitmap;
		enum v86_int who;
	} rows[] = {
		{ "method 1", false, 3, false, V86_INT_GATE },
		{ "method 2", false, 2, false, V86_INT_REFUSED },
		{ "method 2, IOPL 0", false, 0, false, V86_INT_REFUSED },
		{ "method 3", true, 0, true, V86_INT_REFUSED },
		{ "method 4", true, 3, true, V86_INT_GATE },
		{ "method 5", true, 3, false, V86_INT_REDIRECTED },
		{ "method 6", true, 2, false, V86_INT_REDIRECTED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (v86_int_rule(rows[i].vme, rows[i].iopl, rows[i].in_bitmap) != rows[i].who)
			fail_msg("%s", rows[i].what);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_some_exceptions_have_an_error_code),
		cmocka_unit_test(error_codes_that_name_a_vector),
		cmocka_unit_test(ext_goes_into_what_delivery_raises_but_not_into_a_page_fault),
		cmocka_unit_test(double_faults),
		cmocka_unit_test(int_n_in_v86),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
