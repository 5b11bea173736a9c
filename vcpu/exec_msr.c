/*
 * CPUID RDTSC RDPMC RDMSR WRMSR, INVD WBINVD: SDM vol. 2, one entry each.
 */
#include "lower.h"
#include "msr.h"

static bool
need_cpl0(struct cpu *c)
{
	return descry_cpl(&c->state) == 0 ? true : raise(c, DESCRY_VEC_GP, 0);
}

static void
write_edx_eax(struct cpu *c, uint64_t value)
{
	reg_write(c, DESCRY_AX, 4, (uint32_t)value);
	reg_write(c, DESCRY_DX, 4, (uint32_t)(value >> 32));
}

/* --- CPUID ---------------------------------------------------------------------------- */

#define CPUID_MAX_LEAF 1u

/* A leaf beyond the last one answers as the last one does. */
static const struct insn *
exec_cpuid(struct cpu *c, const struct insn *in)
{
	static const char vendor[] = "GenuineIntel"; /* EBX, EDX, ECX */
	uint32_t ebx = 0, ecx = 0, edx = c->profile.knob[DESCRY_KNOB_CPUID_FEATURES];
	uint32_t eax = c->profile.knob[DESCRY_KNOB_CPU_SIGNATURE];

	if (reg_read(c, DESCRY_AX, 4) == 0) {
		eax = CPUID_MAX_LEAF;
		memcpy(&ebx, vendor, 4);
		memcpy(&edx, vendor + 4, 4);
		memcpy(&ecx, vendor + 8, 4);
	}
	reg_write(c, DESCRY_AX, 4, eax);
	reg_write(c, DESCRY_BX, 4, ebx);
	reg_write(c, DESCRY_CX, 4, ecx);
	reg_write(c, DESCRY_DX, 4, edx);
	return next(c, in);
}

/* --- counters ------------------------------------------------------------------------- */

/* CR4.TSD keeps it from all but CPL 0; time is the count of instructions. */
static const struct insn *
exec_rdtsc(struct cpu *c, const struct insn *in)
{
	if (c->state.cr4 & DESCRY_CR4_TSD && !need_cpl0(c))
		return fault(c, in);
	write_edx_eax(c, time_stamp(c, insn_retired(c, in)));
	return next(c, in);
}

/* Two counters, which nothing can be told to count: the event selectors are not there. */
#define PERFORMANCE_COUNTERS 2u

/* CR4.PCE gives it to all. */
static bool
do_rdpmc(struct cpu *c)
{
	if (!(c->state.cr4 & DESCRY_CR4_PCE) && !need_cpl0(c))
		return false;
	if (reg_read(c, DESCRY_CX, 4) >= PERFORMANCE_COUNTERS)
		return raise(c, DESCRY_VEC_GP, 0);
	write_edx_eax(c, 0);
	return true;
}

static const struct insn *
exec_rdpmc(struct cpu *c, const struct insn *in)
{
	return do_rdpmc(c) ? next(c, in) : fault(c, in);
}

/* --- RDMSR, WRMSR --------------------------------------------------------------------- */

static DESCRY_NOINLINE bool
do_rdmsr(struct cpu *c, const struct insn *in)
{
	uint64_t value;

	if (!need_cpl0(c) || !msr_read(c, reg_read(c, DESCRY_CX, 4), insn_retired(c, in), &value))
		return false;
	write_edx_eax(c, value);
	return true;
}

static const struct insn *
exec_rdmsr(struct cpu *c, const struct insn *in)
{
	return do_rdmsr(c, in) ? next(c, in) : fault(c, in);
}

static bool
do_wrmsr(struct cpu *c, const struct insn *in)
{
	const uint64_t value =
		(uint64_t)reg_read(c, DESCRY_DX, 4) << 32 | reg_read(c, DESCRY_AX, 4);

	return need_cpl0(c) && msr_write(c, reg_read(c, DESCRY_CX, 4), insn_retired(c, in), value);
}

static const struct insn *
exec_wrmsr(struct cpu *c, const struct insn *in)
{
	return do_wrmsr(c, in) ? leave_after(c, in) : fault(c, in);
}

/* --- caches --------------------------------------------------------------------------- */

/* INVD, WBINVD: there is no cache between the CPU and memory. */
static const struct insn *
exec_invalidate(struct cpu *c, const struct insn *in)
{
	return need_cpl0(c) ? next(c, in) : fault(c, in);
}

exec_fn *
lower_msr(const struct decoded *d, struct insn *in)
{
	(void)in;
	switch ((int)d->op) {
	case OP_CPUID:
		return exec_cpuid;
	case OP_RDTSC:
		return exec_rdtsc;
	case OP_RDPMC:
		return exec_rdpmc;
	case OP_RDMSR:
		return exec_rdmsr;
	case OP_WRMSR:
		return exec_wrmsr;
	default:
		return exec_invalidate;
	}
}
