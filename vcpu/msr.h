/*
 * Model-specific registers: which there are, and what reads and writes of them do. Private to
 * vcpu.
 */
#ifndef DESCRY_MSR_H
#define DESCRY_MSR_H

#include "cpu.h"

/* CPUID leaf 1, EDX. */
#define CPUID_TSC 0x00000010u
#define CPUID_MCE 0x00000080u
#define CPUID_SEP 0x00000800u

/* The time stamp counter at that time: time is the count of instructions. */
static inline uint64_t
time_stamp(const struct cpu *c, uint64_t retired)
{
	return retired + c->state.tsc_offset;
}

/* SDM vol. 2, RDMSR and WRMSR. #GP(0): there is no such register, or the value is none for it. */
DESCRY_MUST_CHECK bool msr_read(struct cpu *c, uint32_t index, uint64_t retired, uint64_t *value);
DESCRY_MUST_CHECK bool msr_write(struct cpu *c, uint32_t index, uint64_t retired, uint64_t value);

#endif
