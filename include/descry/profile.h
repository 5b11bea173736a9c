/*
 * A profile is a CPU generation as data: one value for each knob. The rules ask the
 * knob and never the generation. Knob names, values and sources: vcpu/profile.c, the
 * table that `-c help` prints and `-k KNOB=VALUE` changes. Owned by vcpu.
 */
#ifndef DESCRY_PROFILE_H
#define DESCRY_PROFILE_H

#include <descry/status.h>

#include <stdint.h>

enum descry_knob {
	DESCRY_KNOB_REAL_CS_LOAD,    /* enum descry_real_cs_load */
	DESCRY_KNOB_REAL_DATA_LOAD,  /* enum descry_real_data_load */
	DESCRY_KNOB_REAL_FORCE_P_S,  /* 0, 1 */
	DESCRY_KNOB_REAL_CS_WRITE,   /* 1: write protection of CS is enforced with PE=0 */
	DESCRY_KNOB_NULL_LOAD,       /* enum descry_null_load */
	DESCRY_KNOB_IRET_NULL_RULE,  /* enum descry_iret_null_rule */
	DESCRY_KNOB_LIMIT_WRAP4G,    /* 1: an access that wraps past FFFFFFFFh faults */
	DESCRY_KNOB_RM_INT_LIMIT,    /* enum descry_rm_int_limit */
	DESCRY_KNOB_RESET_TR_ATTR,   /* the attr itself: 82h or 8Bh */
	DESCRY_KNOB_RESET_IDT_LIMIT, /* 3FFh or FFFFh */
	DESCRY_KNOB_RESET_CS_ATTR,   /* 93h or 9Bh */
	DESCRY_KNOB_COUNT
};

enum descry_real_cs_load { DESCRY_REAL_CS_KEEP, DESCRY_REAL_CS_FIXED };
enum descry_real_data_load { DESCRY_REAL_DATA_BASE, DESCRY_REAL_DATA_BASE_LIMIT };
enum descry_null_load {
	DESCRY_NULL_INTEL,   /* base 0, limit FFFFFFFF, attr C100 */
	DESCRY_NULL_KEEP,    /* 286: only the valid bit goes */
	DESCRY_NULL_AMD_OLD, /* base and limit kept, attr 0 */
	DESCRY_NULL_ZERO,    /* all zero */
};
enum descry_iret_null_rule { DESCRY_IRET_NULL_CACHED, DESCRY_IRET_NULL_TABLE };
enum descry_rm_int_limit { DESCRY_RM_INT_OLD_CS, DESCRY_RM_INT_NEW_CS };

struct descry_profile {
	const char *name;
	uint32_t knob[DESCRY_KNOB_COUNT];
};

/* The profile called name; NULL if there is none. NULL asks for the default. */
const struct descry_profile *descry_profile_find(const char *name);

/* The same with a sentence that lists what there is: err is filled when it returns NULL. */
const struct descry_profile *descry_profile_choose(const char *name, struct descry_error *err);

/* Every profile in turn, the default first; NULL past the end. */
const struct descry_profile *descry_profile_at(unsigned index);

/* Applies one "real.cs_load=keep" to a copy of a profile. */
enum descry_status descry_profile_set(struct descry_profile *profile, const char *assignment,
				      struct descry_error *err);

/* A row of the knob table, for help. NULL past the end. */
struct descry_knob_info {
	const char *name;
	const char *values; /* "keep, fixed": what descry_profile_set() takes */
	const char *source;
};
const struct descry_knob_info *descry_knob_info(enum descry_knob knob);
const char *descry_knob_value_text(enum descry_knob knob, uint32_t value, char *buffer,
				   unsigned size);

#endif
