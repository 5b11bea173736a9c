/*
 * The generations as rows over the knobs. What a knob means, and who says so: knob.c.
 */
#include <descry/profile.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

/*
 * One row a knob, one column a generation, read down for a profile. Signature and features
 * are those of a CPU without an FPU, which is what the model is: the 486 is a 486SX.
 */
/* clang-format off */
#define GENERATIONS(NUMBER, ENUM) \
	/*     knob             values        8086        286         386         486         pentium     p6         */ \
	ENUM(INSN_SET,        INSN_,       8086,       286,        386,        486,        PENTIUM,    P6) \
	NUMBER(ADDRESS_LINES,              20,         24,         32,         32,         32,         36) \
	NUMBER(EFLAGS_BITS,                0x000fd5,   0x007fd5,   0x037fd5,   0x077fd5,   0x3f7fd5,   0x3f7fd5) \
	NUMBER(CR0_BITS,                   0,          0xf,        0x8000001f, 0xe005002f, 0xe005002f, 0xe005002f) \
	NUMBER(CR4_BITS,                   0,          0,          0,          0,          0x5f,       0x1ff) \
	NUMBER(CPU_SIGNATURE,              0,          0,          0x308,      0x423,      0x525,      0x633) \
	NUMBER(CPUID_FEATURES,             0,          0,          0,          0,          0x1be,      0xa9fe) \
	ENUM(X87,             X87_,        IGNORED,    PORTS,      NONE,       NONE,       NONE,       NONE) \
	ENUM(LOADALL,         LOADALL_,    NONE,       286,        386,        NONE,       NONE,       NONE) \
	ENUM(LOADALL386_AR,   LOADALL386_, COLLINS,    COLLINS,    COLLINS,    COLLINS,    COLLINS,    COLLINS) \
	ENUM(SMM_MAP,         SMM_,        NONE,       NONE,       NONE,       NONE,       P5,         P6) \
	\
	NUMBER(SEG_LIMITS,                 0,          1,          1,          1,          1,          1) \
	NUMBER(DESCRIPTOR_BYTES,           6,          6,          8,          8,          8,          8) \
	ENUM(REAL_CS_LOAD,    REAL_CS_,    FIXED,      FIXED,      FIXED,      FIXED,      KEEP,       KEEP) \
	ENUM(REAL_DATA_LOAD,  REAL_DATA_,  BASE,       BASE,       BASE,       BASE,       BASE,       BASE) \
	NUMBER(REAL_FORCE_P_S,             0,          0,          0,          0,          0,          0) \
	NUMBER(REAL_CS_WRITE,              0,          0,          0,          0,          0,          0) \
	ENUM(NULL_LOAD,       NULL_,       KEEP,       KEEP,       INTEL,      INTEL,      INTEL,      INTEL) \
	ENUM(IRET_NULL_RULE,  IRET_NULL_,  CACHED,     CACHED,     CACHED,     CACHED,     CACHED,     CACHED) \
	NUMBER(IRET_NULL_BASE,             1,          1,          1,          1,          1,          1) \
	NUMBER(LIMIT_WRAP4G,               0,          0,          0,          0,          0,          0) \
	NUMBER(PE_WINDOW,                  0,          0,          0,          0,          0,          0) \
	NUMBER(ACCESSED_FORCED,            1,          1,          1,          1,          1,          1) \
	\
	ENUM(RM_INT_LIMIT,    RM_INT_,     OLD_CS,     OLD_CS,     OLD_CS,     OLD_CS,     OLD_CS,     OLD_CS) \
	NUMBER(RM_IDT_LIMIT,               0,          8,          8,          8,          13,         13) \
	NUMBER(RM_STACK_VECTOR,            12,         13,         12,         12,         12,         12) \
	ENUM(DIVIDE_IP,       DIVIDE_IP_,  NEXT,       THIS,       THIS,       THIS,       THIS,       THIS) \
	ENUM(STRING_FAULT,    STRING_,     RESTORED,   STEPPED,    RESTORED,   RESTORED,   RESTORED,   RESTORED) \
	NUMBER(V86_IRET_EIP,               0,          0,          0,          0,          0,          0) \
	\
	NUMBER(INSN_LENGTH,                15,         10,         15,         15,         15,         15) \
	ENUM(LOCK_RULE,       LOCK_,       ANY,        ANY,        CHECKED,    CHECKED,    CHECKED,    CHECKED) \
	ENUM(PUSH_SP,         PUSH_SP_,    NEW,        OLD,        OLD,        OLD,        OLD,        OLD) \
	NUMBER(SHIFT_COUNT,                0xff,       0x1f,       0x1f,       0x1f,       0x1f,       0x1f) \
	NUMBER(IDIV_MIN,                   1,          0,          0,          0,          0,          0) \
	ENUM(FLAGS_TOP,       FLAGS_TOP_,  ONES,       ZEROS,      BITS,       BITS,       BITS,       BITS) \
	NUMBER(SHADOW_SREG,                1,          0,          0,          0,          0,          0) \
	\
	NUMBER(RESET_ENTRY,                0xffff0000, 0xf000fff0, 0xf000fff0, 0xf000fff0, 0xf000fff0, 0xf000fff0) \
	NUMBER(RESET_CR0,                  0,          0xfff0,     0x10,       0x60000010, 0x60000010, 0x60000010) \
	NUMBER(RESET_TR_ATTR,              0x8b,       0x8b,       0x8b,       0x8b,       0x8b,       0x8b) \
	NUMBER(RESET_IDT_LIMIT,            0x3ff,      0x3ff,      0x3ff,      0x3ff,      0xffff,     0xffff) \
	NUMBER(RESET_CS_ATTR,              0x93,       0x93,       0x93,       0x93,       0x93,       0x93) \
	NUMBER(DEBUG_BIT12,                1,          1,          1,          1,          0,          0) \
	NUMBER(DEBUG_KEEP_B,               1,          1,          1,          1,          0,          0) \
	NUMBER(DEBUG_BREAK_RF,             1,          1,          1,          1,          0,          0) \
	ENUM(CHECK_INVARIANTS, CHECK_,     BUILD,      BUILD,      BUILD,      BUILD,      BUILD,      BUILD)

/* One column of it as the initializers of a profile. */
#define N_8086(knob, a, b, c, d, e, f) [DESCRY_KNOB_##knob] = a,
#define E_8086(knob, values, a, b, c, d, e, f) [DESCRY_KNOB_##knob] = DESCRY_##values##a,
#define N_286(knob, a, b, c, d, e, f) [DESCRY_KNOB_##knob] = b,
#define E_286(knob, values, a, b, c, d, e, f) [DESCRY_KNOB_##knob] = DESCRY_##values##b,
#define N_386(knob, a, b, c, d, e, f) [DESCRY_KNOB_##knob] = c,
#define E_386(knob, values, a, b, c, d, e, f) [DESCRY_KNOB_##knob] = DESCRY_##values##c,
#define N_486(knob, a, b, c, d, e, f) [DESCRY_KNOB_##knob] = d,
#define E_486(knob, values, a, b, c, d, e, f) [DESCRY_KNOB_##knob] = DESCRY_##values##d,
#define N_PENTIUM(knob, a, b, c, d, e, f) [DESCRY_KNOB_##knob] = e,
#define E_PENTIUM(knob, values, a, b, c, d, e, f) [DESCRY_KNOB_##knob] = DESCRY_##values##e,
#define N_P6(knob, a, b, c, d, e, f) [DESCRY_KNOB_##knob] = f,
#define E_P6(knob, values, a, b, c, d, e, f) [DESCRY_KNOB_##knob] = DESCRY_##values##f,

static const struct descry_profile profiles[] = {
	{ "8086",    { GENERATIONS(N_8086, E_8086) } },
	{ "286",     { GENERATIONS(N_286, E_286) } },
	{ "386",     { GENERATIONS(N_386, E_386) } },
	{ "486",     { GENERATIONS(N_486, E_486) } },
	{ "pentium", { GENERATIONS(N_PENTIUM, E_PENTIUM) } },
	{ "p6",      { GENERATIONS(N_P6, E_P6) } },
};
/* clang-format on */

#define PROFILE_COUNT (sizeof(profiles) / sizeof(profiles[0]))
#define DEFAULT_NAME "p6"
#define LIST_TEXT 64u

const struct descry_profile *
descry_profile_at(unsigned index)
{
	return index < PROFILE_COUNT ? &profiles[index] : NULL;
}

const struct descry_profile *
descry_profile_find(const char *name)
{
	if (name == NULL)
		name = DEFAULT_NAME;

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
