#include "trip_oracle.h"

#include <string.h>

/* --- what a format has beside SP, IP, flags, CR0, the table registers and six segments -------- */

enum group {
	HAS_AX = 1 << 0,
	HAS_GPRS = 1 << 1,
	HAS_CR2 = 1 << 2,
	HAS_CR3_CR4 = 1 << 3,
	HAS_DR6 = 1 << 4,
	HAS_DR7 = 1 << 5,
	HAS_FS_GS = 1 << 6,
	HAS_SMBASE = 1 << 7,
	HAS_SYSENTER = 1 << 8,
};
#define SMRAM (HAS_GPRS | HAS_CR3_CR4 | HAS_DR6 | HAS_DR7 | HAS_FS_GS | HAS_SMBASE)
#define LOADALL_386 (HAS_GPRS | HAS_DR6 | HAS_DR7 | HAS_FS_GS)

static const unsigned groups[DESCRY_EXCHANGE_COUNT] = {
	[DESCRY_EXCHANGE_VMCS] = HAS_CR3_CR4 | HAS_DR7 | HAS_FS_GS | HAS_SMBASE | HAS_SYSENTER,
	[DESCRY_EXCHANGE_VMCB] =
		HAS_AX | HAS_CR2 | HAS_CR3_CR4 | HAS_DR6 | HAS_DR7 | HAS_FS_GS | HAS_SYSENTER,
	[DESCRY_EXCHANGE_KVM] = HAS_GPRS | HAS_CR2 | HAS_CR3_CR4 | HAS_FS_GS,
	[DESCRY_EXCHANGE_SMRAM_P5] = SMRAM,
	[DESCRY_EXCHANGE_SMRAM_P6] = SMRAM,
	[DESCRY_EXCHANGE_SMRAM_AMD64] = SMRAM,
	[DESCRY_EXCHANGE_LOADALL_286] = HAS_GPRS,
	[DESCRY_EXCHANGE_LOADALL_386] = LOADALL_386,
	[DESCRY_EXCHANGE_LOADALL_386_HIGH] = LOADALL_386,
};

static bool
has(enum descry_exchange format, unsigned group)
{
	return groups[format] & group;
}

static bool
has_segment(enum descry_exchange format, unsigned sreg)
{
	return (sreg != DESCRY_FS && sreg != DESCRY_GS) || has(format, HAS_FS_GS);
}

static bool
has_gpr(enum descry_exchange format, unsigned gpr)
{
	return gpr == DESCRY_SP || has(format, HAS_GPRS) ||
	       (gpr == DESCRY_AX && has(format, HAS_AX));
}

bool
trip_lacks(enum descry_exchange format, enum descry_state_field field)
{
	if (field < DESCRY_STATE_GPR + 8)
		return !has_gpr(format, field - (unsigned)DESCRY_STATE_GPR);
	if (field >= DESCRY_STATE_SEGMENT && field < DESCRY_STATE_GDTR_BASE)
		return !has_segment(format,
				    (field - (unsigned)DESCRY_STATE_SEGMENT) / DESCRY_PART_COUNT);
	if (field == DESCRY_STATE_CR2)
		return !has(format, HAS_CR2);
	if (field == DESCRY_STATE_CR3 || field == DESCRY_STATE_CR4)
		return !has(format, HAS_CR3_CR4);
	if (field == DESCRY_STATE_DR6)
		return !has(format, HAS_DR6);
	if (field == DESCRY_STATE_DR7)
		return !has(format, HAS_DR7);
	if (field == DESCRY_STATE_SMBASE)
		return !has(format, HAS_SMBASE);
	if (field >= DESCRY_STATE_SYSENTER_CS && field <= DESCRY_STATE_SYSENTER_EIP)
		return !has(format, HAS_SYSENTER);
	return (field >= DESCRY_STATE_DR0 && field <= DESCRY_STATE_DR3) ||
	       field == DESCRY_STATE_TSC_OFFSET ||
	       (field >= DESCRY_STATE_A20_MASKED && field <= DESCRY_STATE_INTERRUPT);
}

/* --- attributes ----------------------------------------------------------------------- */

#define P 0x0080u
#define UNUSABLE 0x0100u
#define G 0x8000u

static uint16_t
attr_back(enum descry_exchange format, const struct descry_segment *seg)
{
	const bool usable = (seg->attr & (P | UNUSABLE)) == P;
	const unsigned plain = seg->attr & 0xf0ffu, absent = usable ? plain : plain & ~P;

	switch (format) {
	case DESCRY_EXCHANGE_VMCS:
		return (uint16_t)(usable ? plain : plain | UNUSABLE);
	case DESCRY_EXCHANGE_VMCB:
		return (uint16_t)(usable ? plain : absent | UNUSABLE);
	case DESCRY_EXCHANGE_KVM:
	case DESCRY_EXCHANGE_SMRAM_P5:
	case DESCRY_EXCHANGE_SMRAM_P6:
	case DESCRY_EXCHANGE_SMRAM_AMD64:
	case DESCRY_EXCHANGE_COUNT:
		return seg->attr;
	case DESCRY_EXCHANGE_LOADALL_286:
		return (uint16_t)absent;
	case DESCRY_EXCHANGE_LOADALL_386:
	case DESCRY_EXCHANGE_LOADALL_386_HIGH:
		return (uint16_t)((absent & 0x40ff) | (seg->limit > 0xfffff ? G : 0));
	}
	return 0;
}

/* --- what fits ------------------------------------------------------------------------ */

static bool
segment_fits_286(const struct descry_segment *seg)
{
	return seg->base <= 0xffffff && seg->limit <= 0xffff &&
	       attr_back(DESCRY_EXCHANGE_LOADALL_286, seg) <= 0xff;
}

bool
trip_fits(enum descry_exchange format, const struct descry_state *s)
{
	if (format != DESCRY_EXCHANGE_LOADALL_286)
		return true;
	for (unsigned i = 0; i < 8; i++)
		if (s->gpr[i] > 0xffff)
			return false;
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		if (has_segment(format, sreg) && !segment_fits_286(&s->seg[sreg]))
			return false;
	return s->rip <= 0xffff && s->rflags <= 0xffff && !(s->cr0 & DESCRY_CR0_PG) &&
	       s->gdtr.base <= 0xffffff && s->idtr.base <= 0xffffff;
}

/* --- what comes back ------------------------------------------------------------------ */

static void
expect_registers(enum descry_exchange format, const struct descry_state *from,
		 struct descry_state *to)
{
	for (unsigned i = 0; i < 8; i++)
		if (has_gpr(format, i))
			to->gpr[i] = from->gpr[i];
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		if (!has_segment(format, sreg))
			continue;
		to->seg[sreg] = from->seg[sreg];
		to->seg[sreg].attr = attr_back(format, &from->seg[sreg]);
	}
	to->rip = from->rip;
	to->gdtr = from->gdtr;
	to->idtr = from->idtr;
	if (has(format, HAS_CR2))
		to->cr2 = from->cr2;
	if (has(format, HAS_CR3_CR4)) {
		to->cr3 = from->cr3;
		to->cr4 = from->cr4;
	}
	if (has(format, HAS_DR6))
		to->dr[6] = from->dr[6];
	if (has(format, HAS_DR7))
		to->dr[7] = from->dr[7];
	if (has(format, HAS_SMBASE))
		to->smbase = from->smbase;
	if (has(format, HAS_SYSENTER)) {
		to->sysenter_cs = from->sysenter_cs;
		to->sysenter_esp = from->sysenter_esp;
		to->sysenter_eip = from->sysenter_eip;
	}
}

static void
expect_flags(enum descry_exchange format, const struct descry_state *from, struct descry_state *to,
	     const struct descry_profile *profile)
{
	const uint64_t has_rf = profile->knob[DESCRY_KNOB_EFLAGS_BITS] & DESCRY_FLAG_RF;

	to->rflags = from->rflags;
	if (format == DESCRY_EXCHANGE_LOADALL_286) {
		to->cr0 = (to->cr0 & ~UINT64_C(0x8000000f)) | (from->cr0 & 0xf);
		return;
	}
	to->cr0 = from->cr0;
	if (from->in_rep)
		to->rflags |= has_rf;
}

static void
expect_events(enum descry_exchange format, const struct descry_state *from, struct descry_state *to)
{
	to->shadow = to->halted = to->shut_down = to->nmi_blocked = 0;
	to->in_rep = to->pe_window = to->in_smm = 0;
	to->pending_db = 0;
	if (has(format, HAS_SMBASE) && format != DESCRY_EXCHANGE_VMCS)
		to->halted = from->halted;
	if (format == DESCRY_EXCHANGE_VMCB)
		to->shadow = from->shadow ? 3 : 0;
	if (format != DESCRY_EXCHANGE_VMCS)
		return;
	to->shadow = from->shadow;
	to->shut_down = from->shut_down;
	to->halted = from->halted && !from->shut_down;
	to->pending_db = from->pending_db & 0x400f;
	to->in_smm = from->in_smm;
	to->nmi_blocked = (uint8_t)((from->nmi_blocked & DESCRY_NMI_BLOCKED_BY_NMI) |
				    (from->in_smm ? DESCRY_NMI_BLOCKED_BY_SMI : 0));
}

struct descry_state
trip_expected(enum descry_exchange format, const struct descry_state *from,
	      const struct descry_state *over, const struct descry_profile *profile)
{
	struct descry_state to = *over;

	expect_registers(format, from, &to);
	expect_flags(format, from, &to, profile);
	expect_events(format, from, &to);
	memset(to.tlb_data, 0, sizeof(to.tlb_data));
	memset(to.tlb_code, 0, sizeof(to.tlb_code));
	return to;
}
