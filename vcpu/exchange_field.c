#include <descry/exchange.h>

#include <stddef.h>
#include <string.h>

#define SIZE_OF(member) sizeof(((const struct descry_state *)NULL)->member)

/* clang-format off */
#define FIELD(member, text, bits, absent) \
	{ text, offsetof(struct descry_state, member), SIZE_OF(member), bits, DESCRY_ABSENT_##absent }

#define SEGMENT(SREG, name) \
	FIELD(seg[DESCRY_##SREG].sel,   name ".sel",   16, STAYS), \
	FIELD(seg[DESCRY_##SREG].base,  name ".base",  32, STAYS), \
	FIELD(seg[DESCRY_##SREG].limit, name ".limit", 32, STAYS), \
	FIELD(seg[DESCRY_##SREG].attr,  name ".attr",  16, STAYS)

/* In the order of enum descry_state_field. */
static const struct descry_state_field_info fields[] = {
	FIELD(gpr[DESCRY_AX], "eax", 32, STAYS), FIELD(gpr[DESCRY_CX], "ecx", 32, STAYS),
	FIELD(gpr[DESCRY_DX], "edx", 32, STAYS), FIELD(gpr[DESCRY_BX], "ebx", 32, STAYS),
	FIELD(gpr[DESCRY_SP], "esp", 32, STAYS), FIELD(gpr[DESCRY_BP], "ebp", 32, STAYS),
	FIELD(gpr[DESCRY_SI], "esi", 32, STAYS), FIELD(gpr[DESCRY_DI], "edi", 32, STAYS),
	FIELD(rip,            "eip", 32, STAYS), FIELD(rflags,      "eflags", 32, STAYS),
	FIELD(cr0,            "cr0", 32, STAYS), FIELD(cr2,            "cr2", 32, STAYS),
	FIELD(cr3,            "cr3", 32, STAYS), FIELD(cr4,            "cr4", 32, STAYS),
	FIELD(dr[0],          "dr0", 32, STAYS), FIELD(dr[1],          "dr1", 32, STAYS),
	FIELD(dr[2],          "dr2", 32, STAYS), FIELD(dr[3],          "dr3", 32, STAYS),
	FIELD(dr[6],          "dr6", 32, STAYS), FIELD(dr[7],          "dr7", 32, STAYS),
	SEGMENT(ES, "es"), SEGMENT(CS, "cs"), SEGMENT(SS, "ss"), SEGMENT(DS, "ds"),
	SEGMENT(FS, "fs"), SEGMENT(GS, "gs"), SEGMENT(LDTR, "ldtr"), SEGMENT(TR, "tr"),
	FIELD(gdtr.base,      "gdtr.base",    32, STAYS),
	FIELD(gdtr.limit,     "gdtr.limit",   16, STAYS),
	FIELD(idtr.base,      "idtr.base",    32, STAYS),
	FIELD(idtr.limit,     "idtr.limit",   16, STAYS),
	FIELD(smbase,         "smbase",       32, STAYS),
	FIELD(tsc_offset,     "tsc",          64, STAYS),
	FIELD(sysenter_cs,    "sysenter_cs",  32, STAYS),
	FIELD(sysenter_esp,   "sysenter_esp", 32, STAYS),
	FIELD(sysenter_eip,   "sysenter_eip", 32, STAYS),
	FIELD(a20_masked,     "a20_masked",    1, STAYS),
	FIELD(pending,        "pending",       8, STAYS),
	FIELD(interrupt,      "interrupt",     8, STAYS),
	FIELD(shadow,         "shadow",        2, CLEARED),
	FIELD(halted,         "halted",        1, CLEARED),
	FIELD(shut_down,      "shut_down",     1, CLEARED),
	FIELD(nmi_blocked,    "nmi_blocked",   2, CLEARED),
	FIELD(in_rep,         "in_rep",        1, CLEARED),
	FIELD(pending_db,     "pending_db",   16, CLEARED),
	FIELD(pe_window,      "pe_window",     1, CLEARED),
	FIELD(in_smm,         "in_smm",        1, CLEARED),
};
/* clang-format on */
_Static_assert(sizeof(fields) / sizeof(fields[0]) == DESCRY_STATE_FIELD_COUNT,
	       "a row for each field");

const struct descry_state_field_info *
descry_state_field(enum descry_state_field field)
{
	return &fields[field];
}

uint64_t
descry_state_get(const struct descry_state *state, enum descry_state_field field)
{
	const struct descry_state_field_info *info = &fields[field];
	uint64_t value = 0;

	memcpy(&value, (const uint8_t *)state + info->at, info->bytes);
	return value;
}

void
descry_state_set(struct descry_state *state, enum descry_state_field field, uint64_t value)
{
	const struct descry_state_field_info *info = &fields[field];
	const uint64_t kept = info->bits < 64 ? value & ((UINT64_C(1) << info->bits) - 1) : value;

	memcpy((uint8_t *)state + info->at, &kept, info->bytes);
}
