/*
 * One access, checked with the cache alone. Oracle: SDM vol. 3, Limit Checking and Type
 * Checking; for real mode Collins, "Descriptor Cache Register Anomalies".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expect_verdict.h"

/* --- every type ----------------------------------------------------------------------- */

/* SDM vol. 3, Code- and Data-Segment Descriptor Types; a system segment serves nothing. */
static const struct {
	const char *what;
	uint16_t attr;
	const char *accesses; /* R read, W write */
} types[] = {
	/* clang-format off */
	{ "data read-only",                     0x90, "R" },
	{ "data read-only, accessed",           0x91, "R" },
	{ "data writable",                      0x92, "RW" },
	{ "data writable, accessed",            0x93, "RW" },
	{ "expand-down read-only",              0x94, "R" },
	{ "expand-down read-only, accessed",    0x95, "R" },
	{ "expand-down writable",               0x96, "RW" },
	{ "expand-down writable, accessed",     0x97, "RW" },
	{ "code execute-only",                  0x98, "" },
	{ "code execute-only, accessed",        0x99, "" },
	{ "code readable",                      0x9a, "R" },
	{ "code readable, accessed",            0x9b, "R" },
	{ "conforming execute-only",            0x9c, "" },
	{ "conforming execute-only, accessed",  0x9d, "" },
	{ "conforming readable",                0x9e, "R" },
	{ "conforming readable, accessed",      0x9f, "R" },
	{ "system type 0",                      0x80, "" },
	{ "16-bit TSS",                         0x81, "" },
	{ "LDT",                                0x82, "" },
	{ "16-bit TSS, busy",                   0x83, "" },
	{ "16-bit call gate",                   0x84, "" },
	{ "task gate",                          0x85, "" },
	{ "16-bit interrupt gate",              0x86, "" },
	{ "16-bit trap gate",                   0x87, "" },
	{ "system type 8",                      0x88, "" },
	{ "32-bit TSS",                         0x89, "" },
	{ "system type 10",                     0x8a, "" },
	{ "32-bit TSS, busy",                   0x8b, "" },
	{ "32-bit call gate",                   0x8c, "" },
	{ "system type 13",                     0x8d, "" },
	{ "32-bit interrupt gate",              0x8e, "" },
	{ "32-bit trap gate",                   0x8f, "" },
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
test_every_type_access(void **unused)
{
	static const struct seg_access_rules rules[] = {
		{ .protected_mode = true },
		{ .protected_mode = false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(types); i++) {
		/* Valid at 8000h whichever way it expands: above 7FFFh, or below FFFFh. */
		const bool down = (types[i].attr & 0x1cu) == 0x14u;
		const struct descry_segment seg = { .limit = down ? 0x7fff : 0xffff,
						    .attr = types[i].attr };
		const bool r = has(types[i].accesses, 'R'), w = has(types[i].accesses, 'W');

		for (size_t k = 0; k < COUNT(rules); k++) {
			expect(types[i].what,
			       seg_check_access(&seg, 0x8000, 4, DESCRY_READ, SEG_THROUGH_DATA,
						&rules[k]),
			       r ? SEG_OK : SEG_NOT_READABLE, r ? NONE : GP, 0);
			expect(types[i].what,
			       seg_check_access(&seg, 0x8000, 4, DESCRY_WRITE, SEG_THROUGH_SS,
						&rules[k]),
			       w ? SEG_OK : SEG_NOT_WRITABLE, w ? NONE : SS, 0);
			expect(types[i].what,
			       seg_check_access(&seg, 0x8000, 1, DESCRY_FETCH, SEG_THROUGH_CS,
						&rules[k]),
			       SEG_OK, NONE, 0);
		}
	}
}

/* Real mode looks at the type of CS only where the knob says so; other registers keep it. */
static const struct {
	const char *what;
	uint16_t attr;
	enum descry_access access;
	enum seg_route route;
	struct seg_access_rules rules;
	enum seg_rule rule;
} cs_cases[] = {
	/* clang-format off */
	{ "write to code CS, PE=0",          0x9b, DESCRY_WRITE, SEG_THROUGH_CS,   { .protected_mode = false }, SEG_OK },
	{ "write to read-only CS, PE=0",     0x91, DESCRY_WRITE, SEG_THROUGH_CS,   { .protected_mode = false }, SEG_OK },
	{ "read of execute-only CS, PE=0",   0x99, DESCRY_READ,  SEG_THROUGH_CS,   { .protected_mode = false }, SEG_OK },
	{ "write to code CS, knob",          0x9b, DESCRY_WRITE, SEG_THROUGH_CS,   { .protected_mode = false, .cs_write_enforced = true }, SEG_NOT_WRITABLE },
	{ "read of execute-only CS, knob",   0x99, DESCRY_READ,  SEG_THROUGH_CS,   { .protected_mode = false, .cs_write_enforced = true }, SEG_NOT_READABLE },
	{ "write to code CS, PE=1",          0x9b, DESCRY_WRITE, SEG_THROUGH_CS,   { .protected_mode = true }, SEG_NOT_WRITABLE },
	{ "write to data CS, PE=1 window",   0x93, DESCRY_WRITE, SEG_THROUGH_CS,   { .protected_mode = true }, SEG_OK },
	{ "write to code DS, PE=0",          0x9b, DESCRY_WRITE, SEG_THROUGH_DATA, { .protected_mode = false }, SEG_NOT_WRITABLE },
	{ "write to read-only DS, PE=0",     0x91, DESCRY_WRITE, SEG_THROUGH_DATA, { .protected_mode = false }, SEG_NOT_WRITABLE },
	{ "fetch from execute-only CS, PE=0", 0x99, DESCRY_FETCH, SEG_THROUGH_CS,  { .protected_mode = false, .cs_write_enforced = true }, SEG_OK },
	{ "fetch from data CS, PE=0",        0x93, DESCRY_FETCH, SEG_THROUGH_CS,   { .protected_mode = false, .cs_write_enforced = true }, SEG_OK },
	{ "fetch from data CS, V86",         0xf3, DESCRY_FETCH, SEG_THROUGH_CS,   { .protected_mode = true }, SEG_OK },
	{ "fetch from unusable CS",          0x1b, DESCRY_FETCH, SEG_THROUGH_CS,   { .protected_mode = false }, SEG_UNUSABLE },
	/* clang-format on */
};

static void
test_cs(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(cs_cases); i++) {
		const struct descry_segment seg = { .limit = 0xffff, .attr = cs_cases[i].attr };

		expect(cs_cases[i].what,
		       seg_check_access(&seg, 0x100, 1, cs_cases[i].access, cs_cases[i].route,
					&cs_cases[i].rules),
		       cs_cases[i].rule, cs_cases[i].rule == SEG_OK ? NONE : GP, 0);
	}
	assert_int_equal(seg_route(DESCRY_CS), SEG_THROUGH_CS);
	assert_int_equal(seg_route(DESCRY_SS), SEG_THROUGH_SS);
	assert_int_equal(seg_route(DESCRY_ES), SEG_THROUGH_DATA);
	assert_int_equal(seg_route(DESCRY_GS), SEG_THROUGH_DATA);
}

/* --- limits --------------------------------------------------------------------------- */

#define MAX UINT32_MAX

static const struct {
	const char *what;
	uint32_t limit;
	uint16_t attr;
	uint32_t offset;
	unsigned size;
	enum seg_rule rule;
} limit_cases[] = {
	/* clang-format off */
	{ "limit 0 holds one byte",          0,      0x0093, 0,          1,  SEG_OK },
	{ "limit 0 holds no word",           0,      0x0093, 0,          2,  SEG_BEYOND_LIMIT },
	{ "limit 0, second byte",            0,      0x0093, 1,          1,  SEG_BEYOND_LIMIT },
	{ "dword that just fits",            3,      0x0093, 0,          4,  SEG_OK },
	{ "dword one too long",              2,      0x0093, 0,          4,  SEG_BEYOND_LIMIT },
	{ "byte at FFFF",                    0xffff, 0x0093, 0xffff,     1,  SEG_OK },
	{ "word at FFFE",                    0xffff, 0x0093, 0xfffe,     2,  SEG_OK },
	{ "word at FFFF",                    0xffff, 0x0093, 0xffff,     2,  SEG_BEYOND_LIMIT },
	{ "offset 10000",                    0xffff, 0x0093, 0x10000,    1,  SEG_BEYOND_LIMIT },
	{ "D/B of expand-up is no limit",    0xffff, 0x4093, 0x10000,    1,  SEG_BEYOND_LIMIT },
	{ "last offset below a 4G limit",    MAX-1,  0xc093, MAX-1,      1,  SEG_OK },
	{ "past a limit of FFFFFFFE",        MAX-1,  0xc093, MAX,        1,  SEG_BEYOND_LIMIT },
	{ "wrap under a smaller limit",      MAX-1,  0xc093, MAX,        2,  SEG_BEYOND_LIMIT },
	{ "wrap far beyond a small limit",   0xffff, 0x0093, MAX,        16, SEG_BEYOND_LIMIT },
	{ "4G limit, last byte",             MAX,    0xc093, MAX,        1,  SEG_OK },
	{ "4G limit, last dword",            MAX,    0xc093, MAX-3,      4,  SEG_OK },
	{ "code obeys its limit",            0xfff,  0x409b, 0xffe,      4,  SEG_BEYOND_LIMIT },
	{ "conforming code is not down",     0xfff,  0x409f, 0xffc,      4,  SEG_OK },

	{ "down: at the limit",              0x0fff, 0x0097, 0x0fff,     1,  SEG_BELOW_EXPAND_DOWN },
	{ "down: just above the limit",      0x0fff, 0x0097, 0x1000,     1,  SEG_OK },
	{ "down: starts below, ends above",  0x0fff, 0x0097, 0x0fff,     2,  SEG_BELOW_EXPAND_DOWN },
	{ "down: offset 0",                  0x0fff, 0x0097, 0,          1,  SEG_BELOW_EXPAND_DOWN },
	{ "down, B=0: up to FFFF",           0x0fff, 0x0097, 0xfffe,     2,  SEG_OK },
	{ "down, B=0: word at FFFF",         0x0fff, 0x0097, 0xffff,     2,  SEG_BEYOND_LIMIT },
	{ "down, B=0: 10000",                0x0fff, 0x0097, 0x10000,    1,  SEG_BEYOND_LIMIT },
	{ "down, B=1: 10000",                0x0fff, 0x4097, 0x10000,    1,  SEG_OK },
	{ "down, B=1: last dword",           0x0fff, 0x4097, MAX-3,      4,  SEG_OK },
	{ "down, B=1: wrap ends at 0",       0x0fff, 0x4097, MAX,        2,  SEG_BEYOND_LIMIT },
	{ "down, B=0, limit FFFF: nothing",  0xffff, 0x0097, 0xffff,     1,  SEG_BELOW_EXPAND_DOWN },
	{ "down, B=0, limit FFFF: above",    0xffff, 0x0097, 0x10000,    1,  SEG_BEYOND_LIMIT },
	{ "down, limit FFFFFFFF: nothing",   MAX,    0xc097, MAX,        1,  SEG_BELOW_EXPAND_DOWN },
	{ "down, limit 0: offset 0 is out",  0,      0x4097, 0,          1,  SEG_BELOW_EXPAND_DOWN },
	{ "down, limit 0: offset 1 is in",   0,      0x4097, 1,          4,  SEG_OK },

	{ "null load wins over its limit",   MAX,    0xc100, 0,          1,  SEG_UNUSABLE },
	{ "bit 8 wins over P",               0xffff, 0x0193, 0,          1,  SEG_UNUSABLE },
	{ "P clear",                         0xffff, 0x0013, 0,          1,  SEG_UNUSABLE },
	/* clang-format on */
};

static void
test_limits(void **unused)
{
	static const struct seg_access_rules rules[] = {
		{ .protected_mode = true },
		{ .protected_mode = false },
		{ .protected_mode = true, .wrap4g_faults = true },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(limit_cases); i++) {
		const struct descry_segment seg = { .limit = limit_cases[i].limit,
						    .attr = limit_cases[i].attr };
		const bool ok = limit_cases[i].rule == SEG_OK;

		for (size_t k = 0; k < COUNT(rules); k++) {
			expect(limit_cases[i].what,
			       seg_check_access(&seg, limit_cases[i].offset, limit_cases[i].size,
						DESCRY_READ, SEG_THROUGH_DATA, &rules[k]),
			       limit_cases[i].rule, ok ? NONE : GP, 0);
			expect(limit_cases[i].what,
			       seg_check_access(&seg, limit_cases[i].offset, limit_cases[i].size,
						DESCRY_READ, SEG_THROUGH_SS, &rules[k]),
			       limit_cases[i].rule, ok ? NONE : SS, 0);
		}
	}
}

static void
test_wrap_knob(void **unused)
{
	const struct descry_segment flat = { .limit = MAX, .attr = 0xc093 };
	const struct seg_access_rules off = { .protected_mode = true };
	const struct seg_access_rules on = { .protected_mode = true, .wrap4g_faults = true };

	(void)unused;
	expect("wraps, knob off",
	       seg_check_access(&flat, MAX, 2, DESCRY_WRITE, SEG_THROUGH_DATA, &off), SEG_OK, NONE,
	       0);
	expect("wraps, knob on",
	       seg_check_access(&flat, MAX, 2, DESCRY_WRITE, SEG_THROUGH_DATA, &on), SEG_WRAPS, GP,
	       0);
	expect("wraps through SS, knob on",
	       seg_check_access(&flat, MAX - 2, 4, DESCRY_WRITE, SEG_THROUGH_SS, &on), SEG_WRAPS,
	       SS, 0);
	expect("does not wrap, knob on",
	       seg_check_access(&flat, MAX - 3, 4, DESCRY_WRITE, SEG_THROUGH_DATA, &on), SEG_OK,
	       NONE, 0);
}

static void
test_older_knobs(void **unused)
{
	const struct descry_segment real = { .limit = 0xffff, .attr = 0x93 };
	const struct descry_segment dead = { .limit = 0, .attr = 0x191 };
	const struct seg_access_rules no_limits = { .no_limits = true };
	const struct seg_access_rules gp = { .stack_is_gp = true };

	(void)unused;
	expect("8086: a word at FFFFh",
	       seg_check_access(&real, 0xffff, 2, DESCRY_WRITE, SEG_THROUGH_DATA, &no_limits),
	       SEG_OK, NONE, 0);
	expect("8086: nothing is unusable",
	       seg_check_access(&dead, 8, 1, DESCRY_WRITE, SEG_THROUGH_SS, &no_limits), SEG_OK,
	       NONE, 0);
	expect("286: a word at FFFFh of the stack",
	       seg_check_access(&real, 0xffff, 2, DESCRY_WRITE, SEG_THROUGH_SS, &gp),
	       SEG_BEYOND_LIMIT, GP, 0);
	expect("286: within the stack",
	       seg_check_access(&real, 0xfffe, 2, DESCRY_WRITE, SEG_THROUGH_SS, &gp), SEG_OK, NONE,
	       0);
}

static void
test_type_before_limit(void **unused)
{
	const struct seg_access_rules rules = { .protected_mode = true };
	const struct descry_segment read_only = { .limit = 0, .attr = 0x91 };
	const struct descry_segment dead = { .limit = 0, .attr = 0x191 };

	(void)unused;
	expect("read-only and beyond the limit",
	       seg_check_access(&read_only, 8, 1, DESCRY_WRITE, SEG_THROUGH_DATA, &rules),
	       SEG_NOT_WRITABLE, GP, 0);
	expect("unusable, read-only and beyond the limit",
	       seg_check_access(&dead, 8, 1, DESCRY_WRITE, SEG_THROUGH_SS, &rules), SEG_UNUSABLE,
	       SS, 0);
}

/* The sum of base and offset counts, and only once the segment has allowed the access. */
static void
test_alignment(void **unused)
{
	const struct seg_access_rules rules = { .protected_mode = true, .alignment = true };
	const struct descry_segment odd = { .base = 1, .limit = 0xff, .attr = 0xf3 };

	(void)unused;
	expect("base and offset make a multiple of 4",
	       seg_check_access(&odd, 3, 4, DESCRY_READ, SEG_THROUGH_DATA, &rules), SEG_OK, NONE,
	       0);
	expect("they make 4n+2", seg_check_access(&odd, 5, 4, DESCRY_READ, SEG_THROUGH_SS, &rules),
	       SEG_MISALIGNED, DESCRY_VEC_AC, 0);
	expect("a byte", seg_check_access(&odd, 4, 1, DESCRY_WRITE, SEG_THROUGH_DATA, &rules),
	       SEG_OK, NONE, 0);
	expect("code lies where it likes",
	       seg_check_access(&odd, 4, 4, DESCRY_FETCH, SEG_THROUGH_CS, &rules), SEG_OK, NONE, 0);
	expect("misaligned, and beyond the limit",
	       seg_check_access(&odd, 0xfe, 4, DESCRY_READ, SEG_THROUGH_DATA, &rules),
	       SEG_BEYOND_LIMIT, GP, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type_access),
		cmocka_unit_test(test_cs),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_wrap_knob),
		cmocka_unit_test(test_older_knobs),
		cmocka_unit_test(test_type_before_limit),
		cmocka_unit_test(test_alignment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
