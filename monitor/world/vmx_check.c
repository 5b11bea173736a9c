#include "world/vmx_check.h"

#include "world/vmx_vmcs.h"

#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define RIGHTS_RESERVED 0x00000f00u
#define RIGHTS_RESERVED_HIGH 0xfffe0000u

#define CS_ONLY (1u << DESCRY_CS)
#define SS_ONLY (1u << DESCRY_SS)
#define DATA (1u << DESCRY_DS | 1u << DESCRY_ES | 1u << DESCRY_FS | 1u << DESCRY_GS)
#define SIX (CS_ONLY | SS_ONLY | DATA)
#define LDTR_ONLY (1u << DESCRY_LDTR)
#define TR_ONLY (1u << DESCRY_TR)

static unsigned
type_of(const struct vmx_segment *seg)
{
	return seg->rights & DESCRY_ATTR_TYPE;
}

static unsigned
dpl_of(const struct vmx_segment *seg)
{
	return (seg->rights & DESCRY_ATTR_DPL) >> DESCRY_ATTR_DPL_SHIFT;
}

static unsigned
rpl_of(const struct vmx_segment *seg)
{
	return seg->sel & DESCRY_SEL_RPL;
}

static bool
is_conforming(unsigned type)
{
	return type >= 12;
}

/* --- each predicate: does the check hold? --------------------------------------------- */

static bool
ti_clear(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return !(guest->seg[sreg].sel & DESCRY_SEL_TI);
}

static bool
ss_rpl_is_cs_rpl(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return guest->unrestricted || rpl_of(&guest->seg[sreg]) == rpl_of(&guest->seg[DESCRY_CS]);
}

static bool
base_in_32_bits(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return guest->seg[sreg].base >> 32 == 0;
}

static bool
base_canonical(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	const uint64_t high = guest->seg[sreg].base >> 47;

	return high == 0 || high == 0x1ffff;
}

static bool
cs_type(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	const unsigned type = type_of(&guest->seg[sreg]);

	if (type == 3)
		return guest->unrestricted;
	return type == 9 || type == 11 || type == 13 || type == 15;
}

static bool
ss_type(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	const unsigned type = type_of(&guest->seg[sreg]);

	return type == 3 || type == 7;
}

static bool
data_accessed(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return type_of(&guest->seg[sreg]) & DESCRY_ATTR_A;
}

static bool
data_readable(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	const unsigned type = type_of(&guest->seg[sreg]);

	return !(type & DESCRY_ATTR_CODE) || (type & DESCRY_ATTR_RW);
}

static bool
s_set(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return guest->seg[sreg].rights & DESCRY_ATTR_S;
}

static bool
s_clear(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return !s_set(guest, sreg);
}

static bool
cs_dpl(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	const struct vmx_segment *cs = &guest->seg[sreg];
	const unsigned ss_dpl = dpl_of(&guest->seg[DESCRY_SS]);

	if (type_of(cs) == 3)
		return dpl_of(cs) == 0;
	if (is_conforming(type_of(cs)))
		return dpl_of(cs) <= ss_dpl;
	return dpl_of(cs) == ss_dpl;
}

static bool
ss_dpl_is_rpl(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return guest->unrestricted || dpl_of(&guest->seg[sreg]) == rpl_of(&guest->seg[sreg]);
}

static bool
ss_dpl_is_zero(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	if (guest->pe && type_of(&guest->seg[DESCRY_CS]) != 3)
		return true;
	return dpl_of(&guest->seg[sreg]) == 0;
}

static bool
data_dpl(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	const struct vmx_segment *seg = &guest->seg[sreg];

	return guest->unrestricted || is_conforming(type_of(seg)) || dpl_of(seg) >= rpl_of(seg);
}

static bool
present(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return guest->seg[sreg].rights & DESCRY_ATTR_P;
}

static bool
reserved_clear(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return !(guest->seg[sreg].rights & (RIGHTS_RESERVED | RIGHTS_RESERVED_HIGH));
}

static bool
granularity_low(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	const struct vmx_segment *seg = &guest->seg[sreg];

	return (seg->limit & 0xfffu) == 0xfffu || !(seg->rights & DESCRY_ATTR_G);
}

static bool
granularity_high(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	const struct vmx_segment *seg = &guest->seg[sreg];

	return !(seg->limit & 0xfff00000u) || (seg->rights & DESCRY_ATTR_G);
}

static bool
is_usable(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return !(guest->seg[sreg].rights & VMCS_RIGHTS_UNUSABLE);
}

static bool
tr_type(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	const unsigned type = type_of(&guest->seg[sreg]);

	return type == DESCRY_TYPE_TSS16_BUSY || type == DESCRY_TYPE_TSS32_BUSY;
}

static bool
ldtr_type(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return type_of(&guest->seg[sreg]) == DESCRY_TYPE_LDT;
}

static bool
v86_base(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return guest->seg[sreg].base == (uint64_t)guest->seg[sreg].sel << 4;
}

static bool
v86_limit(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return guest->seg[sreg].limit == 0xffff;
}

static bool
v86_rights(const struct vmx_guest *guest, enum descry_sreg sreg)
{
	return guest->seg[sreg].rights == DESCRY_ATTR_V86;
}

/* --- the checks, in the order of the manual ------------------------------------------- */

struct vmx_check {
	const char *text;
	unsigned sregs;  /* 1 << sreg that it applies to */
	unsigned always; /* those of them that are checked even if unusable */
	bool (*holds)(const struct vmx_guest *guest, enum descry_sreg sreg);
};

/* clang-format off */
static const struct vmx_check common_checks[] = {
	{ "selector TI must be 0",               TR_ONLY | LDTR_ONLY, TR_ONLY,           ti_clear },
	{ "base must be canonical",              TR_ONLY | LDTR_ONLY | 1u << DESCRY_FS | 1u << DESCRY_GS,
	                                         TR_ONLY | 1u << DESCRY_FS | 1u << DESCRY_GS,
	                                                                                 base_canonical },
	{ "base bits 63:32 must be 0",           CS_ONLY | SS_ONLY | 1u << DESCRY_DS | 1u << DESCRY_ES,
	                                                              CS_ONLY,           base_in_32_bits },
};

static const struct vmx_check v86_checks[] = {
	{ "base must be selector * 16",          SIX,                 SIX,               v86_base },
	{ "limit must be FFFF",                  SIX,                 SIX,               v86_limit },
	{ "access rights must be F3",            SIX,                 SIX,               v86_rights },
};

static const struct vmx_check segment_checks[] = {
	{ "RPL of SS must be that of CS",        SS_ONLY,             SS_ONLY,           ss_rpl_is_cs_rpl },
	{ "type must be accessed code, or 3 with unrestricted guest", CS_ONLY,             CS_ONLY,           cs_type },
	{ "type must be 3 or 7",                 SS_ONLY,             0,                 ss_type },
	{ "type must be accessed",               DATA,                0,                 data_accessed },
	{ "code must be readable",               DATA,                0,                 data_readable },
	{ "S must be 1",                         SIX,                 CS_ONLY,           s_set },
	{ "DPL must fit the type and DPL of SS", CS_ONLY,             CS_ONLY,           cs_dpl },
	{ "DPL must be the RPL",                 SS_ONLY,             SS_ONLY,           ss_dpl_is_rpl },
	{ "DPL must be 0 with PE=0 or CS type 3", SS_ONLY,            SS_ONLY,           ss_dpl_is_zero },
	{ "DPL must not be below the RPL",       DATA,                0,                 data_dpl },
	{ "P must be 1",                         SIX,                 CS_ONLY,           present },
	{ "reserved rights must be 0",           SIX,                 CS_ONLY,           reserved_clear },
	{ "G must be 0: limit bits 11:0 are not all 1", SIX,          CS_ONLY,           granularity_low },
	{ "G must be 1: a limit bit of 31:20 is 1", SIX,              CS_ONLY,           granularity_high },
};

static const struct vmx_check system_checks[] = {
	{ "type must be a busy TSS",             TR_ONLY,             TR_ONLY,           tr_type },
	{ "type must be LDT",                    LDTR_ONLY,           0,                 ldtr_type },
	{ "S must be 0",                         TR_ONLY | LDTR_ONLY, TR_ONLY,           s_clear },
	{ "P must be 1",                         TR_ONLY | LDTR_ONLY, TR_ONLY,           present },
	{ "reserved rights must be 0",           TR_ONLY | LDTR_ONLY, TR_ONLY,           reserved_clear },
	{ "G must be 0: limit bits 11:0 are not all 1", TR_ONLY | LDTR_ONLY, TR_ONLY,    granularity_low },
	{ "G must be 1: a limit bit of 31:20 is 1", TR_ONLY | LDTR_ONLY, TR_ONLY,        granularity_high },
	{ "must be usable",                      TR_ONLY,             TR_ONLY,           is_usable },
};
/* clang-format on */

static bool
check_fails(const struct vmx_check *check, const struct vmx_guest *guest, enum descry_sreg sreg)
{
	const unsigned bit = 1u << sreg;

	if (!(check->sregs & bit))
		return false;
	if (!(check->always & bit) && !is_usable(guest, sreg))
		return false;
	return !check->holds(guest, sreg);
}

static struct vmx_verdict
run_checks(const struct vmx_guest *guest, const struct vmx_check *checks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
			if (check_fails(&checks[i], guest, sreg))
				return (struct vmx_verdict){ checks[i].text, sreg };
		}
	}
	return (struct vmx_verdict){ NULL, DESCRY_ES };
}

struct vmx_verdict
vmx_check_guest_segments(const struct vmx_guest *guest)
{
	struct vmx_verdict verdict = run_checks(guest, common_checks, COUNT(common_checks));

	if (!verdict.check && guest->v86)
		verdict = run_checks(guest, v86_checks, COUNT(v86_checks));
	if (!verdict.check && !guest->v86)
		verdict = run_checks(guest, segment_checks, COUNT(segment_checks));
	if (!verdict.check)
		verdict = run_checks(guest, system_checks, COUNT(system_checks));
	return verdict;
}
