/*
 * From a descriptor or a selector to the cache. Oracle: SDM vol. 3, Segment Descriptors;
 * 386 data sheet, Addressing in Real Mode; Collins, "Descriptor Cache Register Anomalies";
 * for null loads XSA-191 and the 80286 manual, MOV.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seg_load_rules.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
expect(const char *what, const struct descry_segment *got, const struct descry_segment *want)
{
	if (got->sel == want->sel && descry_segment_same_cache(got, want))
		return;
	fail_msg("%s: got %04x %08lx %08x %04x, want %04x %08lx %08x %04x", what, got->sel,
		 (unsigned long)got->base, (unsigned)got->limit, got->attr, want->sel,
		 (unsigned long)want->base, (unsigned)want->limit, want->attr);
}

/* --- descriptors ---------------------------------------------------------------------- */

static const struct {
	const char *what;
	uint64_t raw;
	uint64_t base;
	uint32_t limit;
	uint16_t attr;
} descriptors[] = {
	/* clang-format off */
	{ "flat data",                     0x00cf93000000ffff, 0,          UINT32_MAX, 0xc093 },
	{ "flat code, not yet accessed",   0x00cf9a000000ffff, 0,          UINT32_MAX, 0xc09a },
	{ "all parts of the base",         0x1200933456789abc, 0x12345678, 0x9abc,     0x0093 },
	{ "high base bit is no sign",      0xff0093ffffff0000, UINT32_MAX, 0,          0x0093 },
	{ "all parts of the limit",        0x000f930000001234, 0,          0xf1234,    0x0093 },
	{ "limit 0 in pages",              0x0080930000000000, 0,          0xfff,      0x8093 },
	{ "limit 1 in pages, expand-down", 0x00c0960000000001, 0,          0x1fff,     0xc096 },
	{ "every flag",                    0x00f0ff0000000000, 0,          0xfff,      0xf0ff },
	{ "bytes, B set: 1000h + 1000h",   0x0040930010001000, 0x1000,     0x1000,     0x4093 },
	{ "zero",                          0,                  0,          0,          0 },
	/* clang-format on */
};

static void
test_descriptor(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(descriptors); i++) {
		const struct descry_segment got =
			descry_segment_from_descriptor(0x2b, descriptors[i].raw);
		const struct descry_segment want = {
			.base = descriptors[i].base,
			.limit = descriptors[i].limit,
			.sel = 0x2b,
			.attr = descriptors[i].attr,
		};

		expect(descriptors[i].what, &got, &want);
	}
}

static const struct {
	const char *what;
	uint16_t before, after;
} marks[] = {
	/* clang-format off */
	{ "data becomes accessed",         0xc092, 0xc093 },
	{ "code becomes accessed",         0x409c, 0x409d },
	{ "accessed stays so",             0x00f3, 0x00f3 },
	{ "32-bit TSS becomes busy",       0x0089, 0x008b },
	{ "16-bit TSS becomes busy",       0x0081, 0x0083 },
	{ "busy TSS stays so",             0x008b, 0x008b },
	{ "LDT is left alone",             0x0082, 0x0082 },
	/* clang-format on */
};

static void
test_marks(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(marks); i++) {
		const struct descry_segment desc = {
			.base = 0x1000, .limit = 0x67, .sel = 0x30, .attr = marks[i].before
		};
		struct descry_segment seg = { .base = 5, .limit = 5, .sel = 5, .attr = 5 };
		struct descry_segment want = desc;

		want.attr = marks[i].after;
		seg_load_descriptor(&seg, &desc);
		expect(marks[i].what, &seg, &want);
	}
}

/* --- real mode, null, V86 ------------------------------------------------------------- */

enum load { REAL, NULL_LOAD, V86 };

static const struct { /* before: sel 0010 and the cache given; after: sel as loaded */
	const char *what;
	const char *knob; /* on top of profile 386; NULL: none */
	enum load load;
	enum descry_sreg sreg;
	uint16_t sel;
	struct descry_segment before, after;
} loads[] = {
	/* clang-format off */
	{ "real FS: base only", NULL, REAL, DESCRY_FS, 0x0010,
	  { 0, UINT32_MAX, 0x10, 0xc093 },  { 0x100, UINT32_MAX, 0x10, 0xc093 } },
	{ "real DS: read-only survives", NULL, REAL, DESCRY_DS, 0xffff,
	  { 0, 0xfff, 0x10, 0x4091 },       { 0xffff0, 0xfff, 0xffff, 0x4091 } },
	{ "real SS: no exception", NULL, REAL, DESCRY_SS, 0x0003,
	  { 0, UINT32_MAX, 0x10, 0xc097 },  { 0x30, UINT32_MAX, 3, 0xc097 } },
	{ "real FS after null: stays dead", NULL, REAL, DESCRY_FS, 0x2000,
	  { 0, UINT32_MAX, 0, 0xc100 },     { 0x20000, UINT32_MAX, 0x2000, 0xc100 } },
	{ "real FS after null, P and S forced", "real.force_p_s=on", REAL, DESCRY_FS, 0x2000,
	  { 0, UINT32_MAX, 0, 0xc100 },     { 0x20000, UINT32_MAX, 0x2000, 0xc090 } },
	{ "real FS, limit too", "real.data_load=base+limit", REAL, DESCRY_FS, 0x0010,
	  { 0, UINT32_MAX, 0x10, 0xc093 },  { 0x100, 0xffff, 0x10, 0xc093 } },
	{ "real CS: fixed limit and attr", NULL, REAL, DESCRY_CS, 0xf000,
	  { 0, UINT32_MAX, 8, 0xc09b },     { 0xf0000, 0xffff, 0xf000, 0x0093 } },
	{ "real CS: kept", "real.cs_load=keep", REAL, DESCRY_CS, 0xf000,
	  { 0, UINT32_MAX, 8, 0xc09b },     { 0xf0000, UINT32_MAX, 0xf000, 0xc09b } },
	{ "real CS: type fixed, limit and G kept", "real.cs_load=partial", REAL, DESCRY_CS, 0xf000,
	  { 0, UINT32_MAX, 8, 0xc09b },     { 0xf0000, UINT32_MAX, 0xf000, 0x8093 } },
	{ "real CS does not follow data_load", "real.data_load=base+limit", REAL, DESCRY_CS, 0,
	  { 0, 5, 8, 0x0093 },              { 0, 0xffff, 0, 0x0093 } },
	{ "null, Intel", NULL, NULL_LOAD, DESCRY_FS, 0x0003,
	  { 0x1000, 0x1000, 0x28, 0x4093 }, { 0, UINT32_MAX, 3, 0xc100 } },
	{ "null, 286", "null.load=keep-all", NULL_LOAD, DESCRY_FS, 0,
	  { 0x1000, 0x1000, 0x28, 0x4093 }, { 0x1000, 0x1000, 0, 0x4193 } },
	{ "null, old AMD", "null.load=amd-old", NULL_LOAD, DESCRY_FS, 0,
	  { 0x1000, 0x1000, 0x28, 0x4093 }, { 0x1000, 0x1000, 0, 0 } },
	{ "null, all zero", "null.load=zero", NULL_LOAD, DESCRY_FS, 0,
	  { 0x1000, 0x1000, 0x28, 0x4093 }, { 0, 0, 0, 0 } },
	{ "V86: everything fixed", NULL, V86, DESCRY_SS, 0x0010,
	  { 0, UINT32_MAX, 0x10, 0xc097 },  { 0x100, 0xffff, 0x10, 0x00f3 } },
	/* clang-format on */
};

static void
test_loads(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(loads); i++) {
		struct descry_profile profile = *descry_profile_find("386");
		struct descry_segment seg = loads[i].before;
		struct descry_error err;

		if (loads[i].knob != NULL)
			assert_int_equal(descry_profile_set(&profile, loads[i].knob, &err),
					 DESCRY_OK);
		if (loads[i].load == REAL)
			seg_load_real(&seg, loads[i].sreg, loads[i].sel, &profile);
		else if (loads[i].load == NULL_LOAD)
			seg_load_null(&seg, loads[i].sel, &profile);
		else
			seg_load_v86(&seg, loads[i].sel);
		expect(loads[i].what, &seg, &loads[i].after);
	}
}

static void
test_null_is_unusable_everywhere(void **unused)
{
	static const char *const knobs[] = { "null.load=intel", "null.load=keep-all",
					     "null.load=amd-old", "null.load=zero" };

	(void)unused;
	for (size_t i = 0; i < COUNT(knobs); i++) {
		struct descry_profile profile = *descry_profile_find(NULL);
		struct descry_segment seg = { .limit = UINT32_MAX, .sel = 0x10, .attr = 0xc093 };
		struct descry_error err;

		assert_int_equal(descry_profile_set(&profile, knobs[i], &err), DESCRY_OK);
		assert_true(descry_segment_usable(&seg));
		seg_load_null(&seg, 0, &profile);
		assert_false(descry_segment_usable(&seg));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptor),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_loads),
		cmocka_unit_test(test_null_is_unusable_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
