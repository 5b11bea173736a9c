#include <descry/profile.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define KNOB_VALUES 4u

struct knob_value {
	const char *text;
	uint32_t value;
};

struct knob {
	struct descry_knob_info info;
	struct knob_value values[KNOB_VALUES]; /* ends early at a NULL text */
};

/* clang-format off */
static const struct knob knobs[DESCRY_KNOB_COUNT] = {
	[DESCRY_KNOB_REAL_CS_LOAD] = {
		{ "real.cs_load", "fixed, keep",
		  "limit and attributes of CS after a load with PE=0; Collins 1995, 1998: fixed "
		  "up to the 486, kept since" },
		{ { "fixed", DESCRY_REAL_CS_FIXED }, { "keep", DESCRY_REAL_CS_KEEP } } },
	[DESCRY_KNOB_REAL_DATA_LOAD] = {
		{ "real.data_load", "base, base+limit",
		  "what a load of a data segment with PE=0 writes; 386 data sheet: base" },
		{ { "base", DESCRY_REAL_DATA_BASE }, { "base+limit", DESCRY_REAL_DATA_BASE_LIMIT } } },
	[DESCRY_KNOB_REAL_FORCE_P_S] = {
		{ "real.force_p_s", "off, on",
		  "a load with PE=0 sets P and S and makes usable; Bochs does, Collins 1995 says kept" },
		{ { "off", 0 }, { "on", 1 } } },
	[DESCRY_KNOB_REAL_CS_WRITE] = {
		{ "real.cs_write", "ignored, enforced",
		  "the type of CS on data accesses with PE=0; Collins 1998: ignored" },
		{ { "ignored", 0 }, { "enforced", 1 } } },
	[DESCRY_KNOB_NULL_LOAD] = {
		{ "null.load", "intel, keep-all, amd-old, zero",
		  "the cache after a null load with PE=1; XSA-191: intel, amd-old; 80286 manual: "
		  "keep-all; AMD Zen 2 and later: zero" },
		{ { "intel", DESCRY_NULL_INTEL }, { "keep-all", DESCRY_NULL_KEEP },
		  { "amd-old", DESCRY_NULL_AMD_OLD }, { "zero", DESCRY_NULL_ZERO } } },
	[DESCRY_KNOB_IRET_NULL_RULE] = {
		{ "iret.null_rule", "cached, table",
		  "whose DPL decides which data segments a return to an outer ring makes null; "
		  "Bochs, AMD: cached; older SDM pseudo-code: table" },
		{ { "cached", DESCRY_IRET_NULL_CACHED }, { "table", DESCRY_IRET_NULL_TABLE } } },
	[DESCRY_KNOB_LIMIT_WRAP4G] = {
		{ "limit.wrap4g", "off, on",
		  "an access that wraps past FFFFFFFFh faults even with limit FFFFFFFFh; SDM vol. 3, "
		  "Limit Checking: up to the implementation" },
		{ { "off", 0 }, { "on", 1 } } },
	[DESCRY_KNOB_RM_INT_LIMIT] = {
		{ "rm.int_limit", "old, new",
		  "the CS limit that an interrupt with PE=0 checks the new IP against; Bochs: old" },
		{ { "old", DESCRY_RM_INT_OLD_CS }, { "new", DESCRY_RM_INT_NEW_CS } } },
	[DESCRY_KNOB_RESET_TR_ATTR] = {
		{ "reset.tr_ar", "8B, 82",
		  "TR attributes after reset; VMX needs a busy TSS, SDM vol. 3 says present, "
		  "read/write" },
		{ { "8B", 0x8b }, { "82", 0x82 } } },
	[DESCRY_KNOB_RESET_IDT_LIMIT] = {
		{ "reset.idt_limit", "3FF, FFFF",
		  "IDTR limit after reset; 386 and 486 manuals: 3FF, later ones FFFF" },
		{ { "3FF", 0x3ff }, { "FFFF", 0xffff } } },
	[DESCRY_KNOB_RESET_CS_ATTR] = {
		{ "reset.cs_ar", "93, 9B",
		  "CS attributes after reset; sandpile: 93, KVM has used both" },
		{ { "93", 0x93 }, { "9B", 0x9b } } },
};

static const struct descry_profile profiles[] = {
	{ "386", {
		[DESCRY_KNOB_REAL_CS_LOAD]    = DESCRY_REAL_CS_FIXED,
		[DESCRY_KNOB_REAL_DATA_LOAD]  = DESCRY_REAL_DATA_BASE,
		[DESCRY_KNOB_REAL_FORCE_P_S]  = 0,
		[DESCRY_KNOB_REAL_CS_WRITE]   = 0,
		[DESCRY_KNOB_NULL_LOAD]       = DESCRY_NULL_INTEL,
		[DESCRY_KNOB_IRET_NULL_RULE]  = DESCRY_IRET_NULL_CACHED,
		[DESCRY_KNOB_LIMIT_WRAP4G]    = 0,
		[DESCRY_KNOB_RM_INT_LIMIT]    = DESCRY_RM_INT_OLD_CS,
		[DESCRY_KNOB_RESET_TR_ATTR]   = 0x8b,
		[DESCRY_KNOB_RESET_IDT_LIMIT] = 0x3ff,
		[DESCRY_KNOB_RESET_CS_ATTR]   = 0x93 } },
};
/* clang-format on */

#define PROFILE_COUNT (sizeof(profiles) / sizeof(profiles[0]))
#define LIST_TEXT 256u

/* --- profiles ------------------------------------------------------------------------- */

const struct descry_profile *
descry_profile_at(unsigned index)
{
	return index < PROFILE_COUNT ? &profiles[index] : NULL;
}

const struct descry_profile *
descry_profile_find(const char *name)
{
	if (name == NULL)
		return &profiles[0];

	for (size_t i = 0; i < PROFILE_COUNT; i++) {
		if (strcasecmp(profiles[i].name, name) == 0)
			return &profiles[i];
	}
	return NULL;
}

/* Appends ", word" or the first word; a list that is too long ends cut off. */
static void
list_add(char list[LIST_TEXT], const char *word)
{
	const size_t used = strlen(list);

	snprintf(list + used, LIST_TEXT - used, "%s%s", used > 0 ? ", " : "", word);
}

const struct descry_profile *
descry_profile_choose(const char *name, struct descry_error *err)
{
	const struct descry_profile *profile = descry_profile_find(name);
	char list[LIST_TEXT] = "";

	if (profile != NULL)
		return profile;

	for (size_t i = 0; i < PROFILE_COUNT; i++)
		list_add(list, profiles[i].name);
	descry_fail(err, DESCRY_NOT_FOUND, "no profile '%.40s'; there is: %s", name, list);
	return NULL;
}

/* --- knobs ---------------------------------------------------------------------------- */

const struct descry_knob_info *
descry_knob_info(enum descry_knob knob)
{
	return (unsigned)knob < DESCRY_KNOB_COUNT ? &knobs[knob].info : NULL;
}

static const struct knob *
find_knob(const char *name, size_t length)
{
	for (size_t i = 0; i < DESCRY_KNOB_COUNT; i++) {
		const char *candidate = knobs[i].info.name;

		if (strlen(candidate) == length && strncasecmp(candidate, name, length) == 0)
			return &knobs[i];
	}
	return NULL;
}

static const struct knob_value *
find_value(const struct knob *knob, const char *text)
{
	for (size_t i = 0; i < KNOB_VALUES && knob->values[i].text != NULL; i++) {
		if (strcasecmp(knob->values[i].text, text) == 0)
			return &knob->values[i];
	}
	return NULL;
}

static enum descry_status
no_such_knob(const char *name, size_t length, struct descry_error *err)
{
	char list[LIST_TEXT] = "";

	for (size_t i = 0; i < DESCRY_KNOB_COUNT; i++)
		list_add(list, knobs[i].info.name);
	return descry_fail(err, DESCRY_NOT_FOUND, "no knob '%.*s'; there are: %s",
			   (int)(length < 40 ? length : 40), name, list);
}

enum descry_status
descry_profile_set(struct descry_profile *profile, const char *assignment, struct descry_error *err)
{
	const char *equals = strchr(assignment, '=');
	const size_t length = equals != NULL ? (size_t)(equals - assignment) : strlen(assignment);
	const struct knob *knob = find_knob(assignment, length);
	const struct knob_value *value;

	if (knob == NULL)
		return no_such_knob(assignment, length, err);
	if (equals == NULL)
		return descry_fail(err, DESCRY_BAD_ARGUMENT, "'%s' needs a value: %s=one of %s",
				   knob->info.name, knob->info.name, knob->info.values);

	value = find_value(knob, equals + 1);
	if (value == NULL)
		return descry_fail(err, DESCRY_BAD_ARGUMENT, "'%.40s' is no value of %s: one of %s",
				   equals + 1, knob->info.name, knob->info.values);

	profile->knob[knob - knobs] = value->value;
	return DESCRY_OK;
}

const char *
descry_knob_value_text(enum descry_knob knob, uint32_t value, char *buffer, unsigned size)
{
	assert((unsigned)knob < DESCRY_KNOB_COUNT);

	for (size_t i = 0; i < KNOB_VALUES && knobs[knob].values[i].text != NULL; i++) {
		if (knobs[knob].values[i].value == value) {
			snprintf(buffer, size, "%s", knobs[knob].values[i].text);
			return buffer;
		}
	}
	snprintf(buffer, size, "%X", (unsigned)value);
	return buffer;
}
