/*
 * Profiles and knobs, and the tables of words that other layers print. Oracle: the values
 * that docs promise for a 386, each with its source in the knob table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <descry/profile.h>
#include <descry/provenance.h>
#include <descry/segment.h>
#include <descry/vcpu.h>

#include <stdio.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct {
	const char *assignment;
	enum descry_knob knob;
	uint32_t value, by_default; /* of profile 386 */
} values[] = {
	/* clang-format off */
	{ "real.cs_load=fixed",        DESCRY_KNOB_REAL_CS_LOAD,    DESCRY_REAL_CS_FIXED,        DESCRY_REAL_CS_FIXED },
	{ "real.cs_load=keep",         DESCRY_KNOB_REAL_CS_LOAD,    DESCRY_REAL_CS_KEEP,         DESCRY_REAL_CS_FIXED },
	{ "real.data_load=base",       DESCRY_KNOB_REAL_DATA_LOAD,  DESCRY_REAL_DATA_BASE,       DESCRY_REAL_DATA_BASE },
	{ "real.data_load=base+limit", DESCRY_KNOB_REAL_DATA_LOAD,  DESCRY_REAL_DATA_BASE_LIMIT, DESCRY_REAL_DATA_BASE },
	{ "real.force_p_s=off",        DESCRY_KNOB_REAL_FORCE_P_S,  0,                           0 },
	{ "real.force_p_s=on",         DESCRY_KNOB_REAL_FORCE_P_S,  1,                           0 },
	{ "real.cs_write=ignored",     DESCRY_KNOB_REAL_CS_WRITE,   0,                           0 },
	{ "real.cs_write=enforced",    DESCRY_KNOB_REAL_CS_WRITE,   1,                           0 },
	{ "null.load=intel",           DESCRY_KNOB_NULL_LOAD,       DESCRY_NULL_INTEL,           DESCRY_NULL_INTEL },
	{ "null.load=keep-all",        DESCRY_KNOB_NULL_LOAD,       DESCRY_NULL_KEEP,            DESCRY_NULL_INTEL },
	{ "null.load=amd-old",         DESCRY_KNOB_NULL_LOAD,       DESCRY_NULL_AMD_OLD,         DESCRY_NULL_INTEL },
	{ "null.load=zero",            DESCRY_KNOB_NULL_LOAD,       DESCRY_NULL_ZERO,            DESCRY_NULL_INTEL },
	{ "iret.null_rule=cached",     DESCRY_KNOB_IRET_NULL_RULE,  DESCRY_IRET_NULL_CACHED,     DESCRY_IRET_NULL_CACHED },
	{ "iret.null_rule=table",      DESCRY_KNOB_IRET_NULL_RULE,  DESCRY_IRET_NULL_TABLE,      DESCRY_IRET_NULL_CACHED },
	{ "limit.wrap4g=off",          DESCRY_KNOB_LIMIT_WRAP4G,    0,                           0 },
	{ "limit.wrap4g=on",           DESCRY_KNOB_LIMIT_WRAP4G,    1,                           0 },
	{ "rm.int_limit=old",          DESCRY_KNOB_RM_INT_LIMIT,    DESCRY_RM_INT_OLD_CS,        DESCRY_RM_INT_OLD_CS },
	{ "rm.int_limit=new",          DESCRY_KNOB_RM_INT_LIMIT,    DESCRY_RM_INT_NEW_CS,        DESCRY_RM_INT_OLD_CS },
	{ "reset.tr_ar=8B",            DESCRY_KNOB_RESET_TR_ATTR,   0x8b,                        0x8b },
	{ "reset.tr_ar=82",            DESCRY_KNOB_RESET_TR_ATTR,   0x82,                        0x8b },
	{ "reset.idt_limit=3FF",       DESCRY_KNOB_RESET_IDT_LIMIT, 0x3ff,                       0x3ff },
	{ "reset.idt_limit=FFFF",      DESCRY_KNOB_RESET_IDT_LIMIT, 0xffff,                      0x3ff },
	{ "reset.cs_ar=93",            DESCRY_KNOB_RESET_CS_ATTR,   0x93,                        0x93 },
	{ "reset.cs_ar=9B",            DESCRY_KNOB_RESET_CS_ATTR,   0x9b,                        0x93 },
	{ "debug.bit12=settable",      DESCRY_KNOB_DEBUG_BIT12,     1,                           1 },
	{ "debug.bit12=zero",          DESCRY_KNOB_DEBUG_BIT12,     0,                           1 },
	{ "debug.dr6_b=kept",          DESCRY_KNOB_DEBUG_KEEP_B,    1,                           1 },
	{ "debug.dr6_b=cleared",       DESCRY_KNOB_DEBUG_KEEP_B,    0,                           1 },
	{ "debug.break_rf=set",        DESCRY_KNOB_DEBUG_BREAK_RF,  1,                           1 },
	{ "debug.break_rf=clear",      DESCRY_KNOB_DEBUG_BREAK_RF,  0,                           1 },
	{ "Reset.CS_AR=9b",            DESCRY_KNOB_RESET_CS_ATTR,   0x9b,                        0x93 },
	{ "cr4.bits=7f",               DESCRY_KNOB_CR4_BITS,        0x7f,                        0 },
	{ "cpu.signature=0633",        DESCRY_KNOB_CPU_SIGNATURE,   0x633,                       0x308 },
	/* clang-format on */
};

static void
test_every_value(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(values); i++) {
		struct descry_profile profile = *descry_profile_find("386");
		struct descry_profile want = profile;
		struct descry_error err;

		assert_int_equal(profile.knob[values[i].knob], values[i].by_default);
		want.knob[values[i].knob] = values[i].value;
		assert_int_equal(descry_profile_set(&profile, values[i].assignment, &err),
				 DESCRY_OK);
		assert_memory_equal(&profile, &want, sizeof(profile));
	}
}

/* Every value that a row lists can be set, and is spelled that way again. */
static void
test_lists_are_true(void **unused)
{
	(void)unused;
	for (unsigned k = 0; k < DESCRY_KNOB_COUNT; k++) {
		const enum descry_knob knob = (enum descry_knob)k;
		const struct descry_knob_info *info = descry_knob_info(knob);
		char list[64], assignment[96], text[16];

		assert_true(info->source[0] != '\0');
		if (strcmp(info->values, "a hex number") == 0)
			continue;
		snprintf(list, sizeof(list), "%s", info->values);
		for (char *value = strtok(list, ", "); value; value = strtok(NULL, ", ")) {
			struct descry_profile profile = *descry_profile_find(NULL);
			struct descry_error err;

			snprintf(assignment, sizeof(assignment), "%s=%s", info->name, value);
			assert_int_equal(descry_profile_set(&profile, assignment, &err), DESCRY_OK);
			assert_string_equal(
				descry_knob_value_text(knob, profile.knob[k], text, sizeof(text)),
				value);
		}
	}
	assert_null(descry_knob_info(DESCRY_KNOB_COUNT));
}

static const struct {
	const char *assignment;
	enum descry_status status;
	const char *text; /* somewhere in the sentence */
} refusals[] = {
	/* clang-format off */
	{ "real.cs_lode=keep",     DESCRY_NOT_FOUND,    "no knob 'real.cs_lode'; there are: real.cs_load, " },
	{ "real.cs_lode=keep",     DESCRY_NOT_FOUND,    "real.cs_write" },
	{ "reset.tr=8B",           DESCRY_NOT_FOUND,    "reset.cs_ar" },
	{ "unreal.cs_load=keep",   DESCRY_NOT_FOUND,    "no knob 'unreal.cs_load'; -c help lists them" },
	{ "cr4.bits=",             DESCRY_BAD_ARGUMENT, "'' is no value of cr4.bits: a hex number" },
	{ "cr4.bits=1g",           DESCRY_BAD_ARGUMENT, "a hex number" },
	{ "cr4.bits=-1",           DESCRY_BAD_ARGUMENT, "a hex number" },
	{ "cr4.bits=100000000",    DESCRY_BAD_ARGUMENT, "a hex number" },
	{ "cr4.bits",              DESCRY_BAD_ARGUMENT, "cr4.bits=a hex number" },
	{ "real.cs_loa=keep",      DESCRY_NOT_FOUND,    "no knob" },
	{ "real.cs_load2",         DESCRY_NOT_FOUND,    "no knob" },
	{ "",                      DESCRY_NOT_FOUND,    "no knob ''" },
	{ "=keep",                 DESCRY_NOT_FOUND,    "no knob ''" },
	{ "real.cs_load",          DESCRY_BAD_ARGUMENT, "real.cs_load=one of fixed, keep" },
	{ "real.cs_load=",         DESCRY_BAD_ARGUMENT, "'' is no value of real.cs_load: one of fixed, keep" },
	{ "real.cs_load=kept",     DESCRY_BAD_ARGUMENT, "'kept' is no value" },
	{ "reset.idt_limit=1234",  DESCRY_BAD_ARGUMENT, "3FF, FFFF" },
	/* clang-format on */
};

static void
test_refusals(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct descry_profile profile = *descry_profile_find(NULL);
		const struct descry_profile before = profile;
		struct descry_error err = { 0 };

		assert_int_equal(descry_profile_set(&profile, refusals[i].assignment, &err),
				 refusals[i].status);
		assert_int_equal(err.status, refusals[i].status);
		if (strstr(err.text, refusals[i].text) == NULL)
			fail_msg("'%s': \"%s\" lacks \"%s\"", refusals[i].assignment, err.text,
				 refusals[i].text);
		assert_memory_equal(&profile, &before, sizeof(profile));
	}
}

static void
test_long_names_are_cut(void **unused)
{
	struct descry_profile profile = *descry_profile_find(NULL);
	struct descry_error err = { 0 };
	char assignment[1024];

	(void)unused;
	memset(assignment, 'k', sizeof(assignment));
	assignment[sizeof(assignment) - 1] = '\0';
	assert_int_equal(descry_profile_set(&profile, assignment, &err), DESCRY_NOT_FOUND);
	assert_non_null(strstr(err.text, "-c help"));
	memcpy(assignment, "null.load=", 10);
	assert_int_equal(descry_profile_set(&profile, assignment, &err), DESCRY_BAD_ARGUMENT);
	assert_non_null(strstr(err.text, "zero"));
	assert_null(descry_profile_choose(assignment, &err));
	assert_non_null(strstr(err.text, "386"));
}

static void
test_profiles(void **unused)
{
	struct descry_error err = { 0 };

	(void)unused;
	assert_string_equal(descry_profile_find(NULL)->name, "p6");
	assert_string_equal(descry_profile_at(0)->name, "8086");
	assert_null(descry_profile_find("8087"));
	assert_null(descry_profile_find(""));
	assert_ptr_equal(descry_profile_choose("386", &err), descry_profile_find("386"));
	assert_null(descry_profile_choose("8087", &err));
	assert_int_equal(err.status, DESCRY_NOT_FOUND);
	assert_string_equal(err.text,
			    "no profile '8087'; there is: 8086, 286, 386, 486, pentium, p6");
	for (unsigned i = 0; descry_profile_at(i) != NULL; i++)
		assert_ptr_equal(descry_profile_find(descry_profile_at(i)->name),
				 descry_profile_at(i));
}

static void
test_unlisted_value(void **unused)
{
	char text[16];

	(void)unused;
	assert_string_equal(
		descry_knob_value_text(DESCRY_KNOB_RESET_TR_ATTR, 0x1234, text, sizeof(text)),
		"1234");
}

static void
test_words(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < DESCRY_CAUSE_COUNT; i++)
		assert_non_null(descry_cause_text((enum descry_cause)i));
	for (unsigned i = 0; i < DESCRY_MODE_COUNT; i++)
		assert_non_null(descry_mode_text((enum descry_mode)i));
	for (unsigned i = 0; i < DESCRY_ORIGIN_COUNT; i++)
		assert_non_null(descry_origin_text((enum descry_origin)i));
	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++)
		assert_non_null(descry_sreg_name((enum descry_sreg)i));
	assert_string_equal(descry_sreg_name(DESCRY_GS), "gs");
	assert_string_equal(descry_sreg_name(DESCRY_TR), "tr");
	assert_string_equal(descry_cause_text(DESCRY_CAUSE_FAR_JMP), "far jmp");
}

static void
test_vectors(void **unused)
{
	char text[16];

	(void)unused;
	assert_string_equal(descry_vector_text(DESCRY_VEC_DE), "#DE");
	assert_string_equal(descry_vector_text(DESCRY_VEC_NMI), "NMI");
	assert_string_equal(descry_vector_text(DESCRY_VEC_DF), "#DF");
	assert_string_equal(descry_vector_text(DESCRY_VEC_TS), "#TS");
	assert_string_equal(descry_vector_text(DESCRY_VEC_SS), "#SS");
	assert_string_equal(descry_vector_text(DESCRY_VEC_GP), "#GP");
	assert_string_equal(descry_vector_text(DESCRY_VEC_PF), "#PF");
	for (unsigned vector = 15; vector < 256; vector++) {
		snprintf(text, sizeof(text), "vector %u", vector);
		assert_string_equal(descry_vector_text(vector), text);
	}
	assert_string_equal(descry_vector_text(256), "no such vector");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_value), cmocka_unit_test(test_lists_are_true),
		cmocka_unit_test(test_refusals),    cmocka_unit_test(test_long_names_are_cut),
		cmocka_unit_test(test_profiles),    cmocka_unit_test(test_unlisted_value),
		cmocka_unit_test(test_words),       cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
