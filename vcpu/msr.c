#include "msr.h"

#include <stddef.h>

/* SDM vol. 4, MSRs in the P6 Family Processors, MSRs in Pentium Processors. */
enum msr_index {
	MSR_P5_MC_ADDR = 0x00,
	MSR_P5_MC_TYPE = 0x01,
	MSR_TIME_STAMP_COUNTER = 0x10,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP = 0x175,
	MSR_SYSENTER_EIP = 0x176,
};

enum msr_kind {
	MSR_STORED, /* a member of the state */
	MSR_TIME,
	MSR_ZERO, /* a report of machine checks: none has ever happened */
};

struct msr {
	uint32_t index;
	uint32_t feature; /* the CPUID bit that says it is there */
	enum msr_kind kind;
	size_t member; /* of struct descry_state, 32 bits wide */
};

#define STORED(name) MSR_STORED, offsetof(struct descry_state, name)

/* clang-format off */
static const struct msr msrs[] = {
	{ MSR_P5_MC_ADDR,         CPUID_MCE, MSR_ZERO, 0 },
	{ MSR_P5_MC_TYPE,         CPUID_MCE, MSR_ZERO, 0 },
	{ MSR_TIME_STAMP_COUNTER, CPUID_TSC, MSR_TIME, 0 },
	{ MSR_SYSENTER_CS,        CPUID_SEP, STORED(sysenter_cs) },
	{ MSR_SYSENTER_ESP,       CPUID_SEP, STORED(sysenter_esp) },
	{ MSR_SYSENTER_EIP,       CPUID_SEP, STORED(sysenter_eip) },
};
/* clang-format on */

static const struct msr *
find(const struct cpu *c, uint32_t index)
{
	for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
		if (msrs[i].index == index &&
		    c->profile.knob[DESCRY_KNOB_CPUID_FEATURES] & msrs[i].feature)
			return &msrs[i];
	}
	return NULL;
}

bool
msr_read(struct cpu *c, uint32_t index, uint64_t retired, uint64_t *value)
{
	const struct msr *msr = find(c, index);
	uint32_t stored;

	if (!msr)
		return raise(c, DESCRY_VEC_GP, 0);
	switch (msr->kind) {
	case MSR_STORED:
		memcpy(&stored, (const uint8_t *)&c->state + msr->member, sizeof(stored));
		*value = stored;
		break;
	case MSR_TIME:
		*value = time_stamp(c, retired);
		break;
	case MSR_ZERO:
		*value = 0;
		break;
	}
	return true;
}

/* A write of the time stamp counter reaches its low half and clears the other (SDM vol. 3, TSC). */
bool
msr_write(struct cpu *c, uint32_t index, uint64_t retired, uint64_t value)
{
	const struct msr *msr = find(c, index);
	const uint32_t low = (uint32_t)value;

	if (!msr)
		return raise(c, DESCRY_VEC_GP, 0);
	switch (msr->kind) {
	case MSR_STORED:
		memcpy((uint8_t *)&c->state + msr->member, &low, sizeof(low));
		break;
	case MSR_TIME:
		c->state.tsc_offset = low - retired;
		break;
	case MSR_ZERO:
		break;
	}
	return true;
}
