/*
 * Shifts, multiplication, division and decimal adjustment, with all six flags. Oracle: an
 * Intel Xeon of family 6, model 207, which has executed every row; where SDM vol. 2 defines
 * a flag it says the same.
 */
#include "arithmetic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- flags as letters ----------------------------------------------------------------- */

static const struct {
	char letter;
	uint32_t flag;
} letters[] = {
	{ 'O', DESCRY_FLAG_OF }, { 'S', DESCRY_FLAG_SF }, { 'Z', DESCRY_FLAG_ZF },
	{ 'A', DESCRY_FLAG_AF }, { 'P', DESCRY_FLAG_PF }, { 'C', DESCRY_FLAG_CF },
};
#define LETTERS_SIZE (COUNT_OF(letters) + 1)

static struct lazy_flags
flags_from(const char *text)
{
	struct lazy_flags f;
	uint32_t eflags = 0;

	for (size_t i = 0; i < COUNT_OF(letters); i++) {
		if (strchr(text, letters[i].letter))
			eflags |= letters[i].flag;
	}
	flags_write(&f, eflags);
	return f;
}

static void
assert_flags(const char *what, const struct lazy_flags *f, const char *expected)
{
	const uint32_t eflags = flags_read(f);
	char text[LETTERS_SIZE] = "";
	size_t length = 0;

	for (size_t i = 0; i < COUNT_OF(letters); i++) {
		if (eflags & letters[i].flag)
			text[length++] = letters[i].letter;
	}
	if (strcmp(text, expected) != 0)
		fail_msg("%s: flags are \"%s\", not \"%s\"", what, text, expected);
}

static void
assert_result(const char *what, uint64_t result, uint64_t expected)
{
	if (result != expected)
		fail_msg("%s: %llXh, not %llXh", what, (unsigned long long)result,
			 (unsigned long long)expected);
}

/* --- shifts and rotates --------------------------------------------------------------- */

/* clang-format off */
static const struct { /* operand, count, flags in; result and flags out */
	const char *what;
	enum op op; unsigned size; uint32_t a; unsigned count; const char *before;
	uint32_t result; const char *after;
} shift_cases[] = {
	{ "ROL by 1",                 OP_ROL, 1, 0x81,       1,  "",       0x03,       "OC" },
	{ "longer: OF is as by 1",    OP_ROL, 1, 0x40,       3,  "",       0x02,       "O" },
	{ "ROL: a full turn sets CF", OP_ROL, 1, 0x81,       8,  "",       0x81,       "OC" },
	{ "ROL leaves SF ZF AF PF",   OP_ROL, 2, 0x8000,     1,  "SZAP",   0x0001,     "OSZAPC" },
	{ "by 32 is by 0",            OP_ROL, 4, 0x80000001, 32, "OC",     0x80000001, "OC" },
	{ "by 0: all flags stay",     OP_SHL, 4, 0x80000001, 0,  "OSZAPC", 0x80000001, "OSZAPC" },
	{ "by 33 is by 1",            OP_SHL, 4, 0xc0000001, 33, "",       0x80000002, "SC" },
	{ "ROR by 1",                 OP_ROR, 4, 0x00000001, 1,  "",       0x80000000, "OC" },
	{ "ROR: a full turn sets CF", OP_ROR, 2, 0x8000,     16, "",       0x8000,     "OC" },
	{ "ROR by 12 is by 4",        OP_ROR, 1, 0x12,       12, "",       0x21,       "" },
	{ "RCL takes CF in",          OP_RCL, 1, 0x80,       1,  "C",      0x01,       "OC" },
	{ "RCL by 9: a full turn",    OP_RCL, 1, 0x5a,       9,  "OC",     0x5a,       "OC" },
	{ "RCL by 17: a full turn",   OP_RCL, 2, 0x1234,     17, "C",      0x1234,     "C" },
	{ "RCL by 31",                OP_RCL, 4, 0x12345678, 31, "C",      0x448d159e, "" },
	{ "RCR takes CF in",          OP_RCR, 4, 0x00000002, 1,  "C",      0x80000001, "O" },
	{ "RCR: OF is as by 1",       OP_RCR, 4, 0x80000000, 5,  "",       0x04000000, "O" },
	{ "RCR by 10 is by 1",        OP_RCR, 1, 0x01,       10, "",       0x00,       "C" },
	{ "SHL to nothing",           OP_SHL, 1, 0x80,       1,  "",       0x00,       "OZPC" },
	{ "SHL by 8: CF is bit 0",    OP_SHL, 1, 0x01,       8,  "",       0x00,       "ZPC" },
	{ "SHL by 9: CF is 0",        OP_SHL, 1, 0xff,       9,  "AC",     0x00,       "ZP" },
	{ "SHL: OF is as by 1",       OP_SHL, 2, 0x4000,     4,  "",       0x0000,     "OZP" },
	{ "SHR: OF was the top bit",  OP_SHR, 4, 0x80000001, 1,  "",       0x40000000, "OPC" },
	{ "SHR by 16: CF is bit 15",  OP_SHR, 2, 0x8000,     16, "",       0x0000,     "OZPC" },
	{ "SHR by 17: CF is 0",       OP_SHR, 2, 0xffff,     17, "C",      0x0000,     "OZP" },
	{ "shifts clear AF",          OP_SHR, 4, 0x00000010, 2,  "A",      0x00000004, "" },
	{ "SAR keeps the sign",       OP_SAR, 4, 0x80000000, 31, "",       0xffffffff, "SP" },
	{ "SAR of a byte by 31",      OP_SAR, 1, 0x80,       31, "",       0xff,       "SPC" },
	{ "SAR clears OF",            OP_SAR, 2, 0x7fff,     1,  "O",      0x3fff,     "PC" },
};

static const struct { /* the same, and what is shifted in */
	const char *what;
	enum op op; unsigned size; uint32_t a, fill; unsigned count; const char *before;
	uint32_t result; const char *after;
} double_cases[] = {
	{ "from the left",   OP_SHLD, 4, 0x12345678, 0x9abcdef0, 12, "",       0x456789ab, "C" },
	{ "no flag changes", OP_SHLD, 4, 0x00000001, 0x00000002, 32, "OSZAPC", 0x1,        "OSZAPC" },
	{ "a third word",    OP_SHLD, 2, 0x1234,     0x5678,     20, "",       0x6781,     "PC" },
	{ "from the right",  OP_SHRD, 4, 0x12345678, 0x9abcdef0, 12, "",       0xef012345, "S" },
	{ "OF is as by 1",   OP_SHRD, 4, 0x7fffffff, 0x00000001, 7,  "",       0x02ffffff, "OPC" },
	{ "a third word",    OP_SHRD, 2, 0x1234,     0x5678,     20, "",       0x4567,     "C" },
};
/* clang-format on */

static void
test_shift(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(shift_cases); i++) {
		struct lazy_flags f = flags_from(shift_cases[i].before);
		const uint32_t r = shift(&f, shift_cases[i].op, shift_cases[i].size,
					 shift_cases[i].a, shift_cases[i].count);

		assert_result(shift_cases[i].what, r, shift_cases[i].result);
		assert_flags(shift_cases[i].what, &f, shift_cases[i].after);
	}
}

static void
test_double_shift(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(double_cases); i++) {
		struct lazy_flags f = flags_from(double_cases[i].before);
		const uint32_t r = shift_double(&f, double_cases[i].op, double_cases[i].size,
						double_cases[i].a, double_cases[i].fill,
						double_cases[i].count);

		assert_result(double_cases[i].what, r, double_cases[i].result);
		assert_flags(double_cases[i].what, &f, double_cases[i].after);
	}
}

/* --- multiplication ------------------------------------------------------------------- */

/* clang-format off */
static const struct { /* operands, flags in; product and flags out */
	const char *what;
	enum op op; unsigned size; uint32_t a, b; const char *before;
	uint64_t product; const char *after;
} multiply_cases[] = {
	{ "MUL, bytes",        OP_MUL,  1, 0xff,       0xff,       "",   0xfe01,             "OC" },
	{ "MUL that fits",     OP_MUL,  1, 0x0f,       0x11,       "OC", 0x00ff,             "SP" },
	{ "MUL, words",        OP_MUL,  2, 0x8000,     0x0002,     "",   0x00010000,         "OPC" },
	{ "MUL, doublewords",  OP_MUL,  4, 0xffffffff, 0xffffffff, "",   0xfffffffe00000001, "OC" },
	{ "ZF is clear for 0", OP_MUL,  4, 0x00000000, 0x00000005, "Z",  0x0,                "P" },
	{ "IMUL of negatives", OP_IMUL, 1, 0xff,       0xff,       "",   0x0001,             "" },
	{ "IMUL: 128 is wide", OP_IMUL, 1, 0x80,       0xff,       "",   0x0080,             "OSC" },
	{ "IMUL, words",       OP_IMUL, 2, 0x7fff,     0x0002,     "",   0x0000fffe,         "OSC" },
	{ "IMUL, doublewords", OP_IMUL, 4, 0x80000000, 0x80000000, "",   0x4000000000000000, "OPC" },
	{ "IMUL: -2^31 fits",  OP_IMUL, 4, 0xfffffffe, 0x40000000, "",   0xffffffff80000000, "SP" },
};
/* clang-format on */

static void
test_multiply(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(multiply_cases); i++) {
		const unsigned size = multiply_cases[i].size;
		struct lazy_flags f = flags_from(multiply_cases[i].before);
		const uint64_t r = multiply(&f, multiply_cases[i].op, size, multiply_cases[i].a,
					    multiply_cases[i].b);
		const uint64_t in_registers = UINT64_MAX >> (64 - 16 * size);

		assert_result(multiply_cases[i].what, r & in_registers, multiply_cases[i].product);
		assert_flags(multiply_cases[i].what, &f, multiply_cases[i].after);
	}
}

/* --- division ------------------------------------------------------------------------- */

/* clang-format off */
static const struct { /* dividend, divisor; does it fit, quotient, remainder */
	const char *what;
	enum op op; unsigned size; uint64_t dividend; uint32_t divisor;
	bool fits; uint32_t quotient, remainder;
} divide_cases[] = {
	{ "DIV by a byte",       OP_DIV,  1, 0x1234,             0x56,       true,  0x36,       0x10 },
	{ "DIV by 0",            OP_DIV,  1, 0x1234,             0x00,       false, 0,          0 },
	{ "DIV: just fits",      OP_DIV,  1, 0xfeff,             0xff,       true,  0xff,       0xfe },
	{ "DIV: one too large",  OP_DIV,  1, 0xff00,             0xff,       false, 0,          0 },
	{ "DIV by doubleword",   OP_DIV,  4, 0x0123456789abcdef, 0x89abcdef, true,  0x021d9ead, 0x4565216c },
	{ "DIV: 33 bits",        OP_DIV,  4, 0x0000000500000000, 0x00000005, false, 0,          0 },
	{ "IDIV rounds to 0",    OP_IDIV, 2, 0xfffffff9,         0x0002,     true,  0xfffd,     0xffff },
	{ "IDIV: remainder > 0", OP_IDIV, 2, 0x00000007,         0xfffe,     true,  0xfffd,     0x0001 },
	{ "IDIV: -128 fits",     OP_IDIV, 1, 0xff80,             0x01,       true,  0x80,       0x00 },
	{ "IDIV: 128 does not",  OP_IDIV, 1, 0x0080,             0x01,       false, 0,          0 },
	{ "IDIV: 33 bits",       OP_IDIV, 4, 0xffffffff80000000, 0xffffffff, false, 0,          0 },
	{ "IDIV: 65 bits",       OP_IDIV, 4, 0x8000000000000000, 0xffffffff, false, 0,          0 },
	{ "IDIV by itself",      OP_IDIV, 2, 0xffff8000,         0x8000,     true,  0x0001,     0x0000 },
	{ "IDIV by 0",           OP_IDIV, 4, 0x0000000000000005, 0x00000000, false, 0,          0 },
};
/* clang-format on */

static void
test_divide(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(divide_cases); i++) {
		const char *what = divide_cases[i].what;
		const unsigned size = divide_cases[i].size;
		const uint64_t dividend = divide_cases[i].dividend;
		const uint32_t divisor = divide_cases[i].divisor;
		const struct division r = divide_cases[i].op == OP_DIV
						  ? divide_unsigned(size, dividend, divisor)
						  : divide_signed(size, dividend, divisor);

		assert_result(what, r.fits, divide_cases[i].fits);
		if (!r.fits)
			continue;
		assert_result(what, truncate_to(r.quotient, size), divide_cases[i].quotient);
		assert_result(what, truncate_to(r.remainder, size), divide_cases[i].remainder);
	}
}

/* --- decimal adjustment --------------------------------------------------------------- */

/* clang-format off */
static const struct { /* AL or AX, base, flags in; AL or AX and flags out */
	const char *what;
	enum op op; uint32_t a, base; const char *before;
	uint32_t result; const char *after;
} decimal_cases[] = {
	{ "DAA: nothing to do",        OP_DAA, 0x42,   0,  "",   0x42,   "P" },
	{ "DAA: a digit over 9",       OP_DAA, 0x3b,   0,  "",   0x41,   "AP" },
	{ "DAA: AF was a carry",       OP_DAA, 0x12,   0,  "A",  0x18,   "AP" },
	{ "DAA: past 99",              OP_DAA, 0x9a,   0,  "",   0x00,   "ZAPC" },
	{ "DAA: CF was a carry",       OP_DAA, 0x12,   0,  "C",  0x72,   "PC" },
	{ "DAS: a digit over 9",       OP_DAS, 0x3b,   0,  "",   0x35,   "AP" },
	{ "DAS: a borrow sets CF",     OP_DAS, 0x03,   0,  "A",  0xfd,   "SAC" },
	{ "DAS: CF",                   OP_DAS, 0x73,   0,  "C",  0x13,   "C" },
	{ "DAS: both digits",          OP_DAS, 0x9b,   0,  "A",  0x35,   "APC" },
	{ "AAA: the upper digit goes", OP_AAA, 0x0135, 0,  "SZ", 0x0105, "P" },
	{ "AAA: over 9",               OP_AAA, 0x010b, 0,  "",   0x0201, "AC" },
	{ "AAA: the carry out of AL",  OP_AAA, 0x01fb, 0,  "",   0x0301, "AC" },
	{ "AAS: over 9",               OP_AAS, 0x020c, 0,  "",   0x0106, "APC" },
	{ "AAS: the borrow of AL",     OP_AAS, 0x0203, 0,  "A",  0x000d, "AC" },
	{ "AAM: 97 is 9 and 7",        OP_AAM, 0x61,   10, "OC", 0x0907, "" },
	{ "AAM: flags of AL alone",    OP_AAM, 0x50,   10, "",   0x0800, "ZP" },
	{ "AAD: 9 and 7 are 97",       OP_AAD, 0x0907, 10, "",   0x0061, "A" },
	{ "AAD: flags of its ADD",     OP_AAD, 0xfff8, 16, "",   0x00e8, "SPC" },
};
/* clang-format on */

static uint32_t
adjust(struct lazy_flags *f, enum op op, uint32_t a, uint32_t base)
{
	if (op == OP_DAA || op == OP_DAS)
		return decimal_adjust(f, op, a);
	if (op == OP_AAA || op == OP_AAS)
		return ascii_adjust(f, op, a);
	return op == OP_AAM ? ascii_split(f, a, base) : ascii_join(f, a, base);
}

static void
test_decimal(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(decimal_cases); i++) {
		struct lazy_flags f = flags_from(decimal_cases[i].before);
		const uint32_t r =
			adjust(&f, decimal_cases[i].op, decimal_cases[i].a, decimal_cases[i].base);

		assert_result(decimal_cases[i].what, r, decimal_cases[i].result);
		assert_flags(decimal_cases[i].what, &f, decimal_cases[i].after);
	}
}

/* --- comparison ----------------------------------------------------------------------- */

/* clang-format off */
static const struct { /* operands; flags out */
	const char *what;
	unsigned size; uint32_t a, b; const char *after;
} compare_cases[] = {
	{ "equal",                           1, 0x5a,       0x5a,       "ZP" },
	{ "0 less 1 borrows from all sides", 2, 0x0000,     0x0001,     "SAPC" },
	{ "most negative less 1 overflows",  4, 0x80000000, 0x00000001, "OAP" },
	{ "only the operand's bytes count",  1, 0x80,       0x01,       "OA" },
};
/* clang-format on */

static void
test_compare(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(compare_cases); i++) {
		struct lazy_flags f = flags_from("");

		compare(&f, compare_cases[i].size, compare_cases[i].a, compare_cases[i].b);
		assert_flags(compare_cases[i].what, &f, compare_cases[i].after);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shift),    cmocka_unit_test(test_double_shift),
		cmocka_unit_test(test_multiply), cmocka_unit_test(test_divide),
		cmocka_unit_test(test_decimal),  cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
