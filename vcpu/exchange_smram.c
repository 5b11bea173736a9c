/*
 * The state save maps of system management mode, one for each family of CPUs; offsets are from
 * SMBASE + 8000h. Where the hidden part lies is undocumented by Intel and differs between
 * families: docs/smm.md has the sources.
 */
#include "exchange_rows.h"

/* Bit 17: SMBASE can be moved; bit 16, I/O restart, is clear. */
#define REVISION 0x00020000u
#define REVISION_AMD64 0x00020064u
#define REVISION_MASK 0x0000ffffu
#define SIGN_WHY "an AMD64 map ends in 0064h, the others in 0000h; is it of another format?"

/* clang-format off */
/* SDM vol. 3, SMRAM State Save Map; CR4 is where each family has it. */
#define DOCUMENTED_32(cr4_at) \
	PLAIN("cr0", 0x7ffc, 4, DESCRY_STATE_CR0), PLAIN("cr3", 0x7ff8, 4, DESCRY_STATE_CR3), \
	PACKED("eflags", 0x7ff4, 4, FLAGS, DESCRY_STATE_EFLAGS), \
	PLAIN("eip", 0x7ff0, 4, DESCRY_STATE_EIP), \
	PLAIN("edi", 0x7fec, 4, GPR(DI)), PLAIN("esi", 0x7fe8, 4, GPR(SI)), \
	PLAIN("ebp", 0x7fe4, 4, GPR(BP)), PLAIN("esp", 0x7fe0, 4, GPR(SP)), \
	PLAIN("ebx", 0x7fdc, 4, GPR(BX)), PLAIN("edx", 0x7fd8, 4, GPR(DX)), \
	PLAIN("ecx", 0x7fd4, 4, GPR(CX)), PLAIN("eax", 0x7fd0, 4, GPR(AX)), \
	PLAIN("dr6", 0x7fcc, 4, DESCRY_STATE_DR6), PLAIN("dr7", 0x7fc8, 4, DESCRY_STATE_DR7), \
	PLAIN("cr4", cr4_at, 4, DESCRY_STATE_CR4), \
	SIGN("revision", 0x7efc, 4, REVISION, REVISION_MASK, \
	     SIGN_WHY), \
	PLAIN("smbase", 0x7ef8, 4, DESCRY_STATE_SMBASE), \
	BITS("halt", 0x7f02, 1, DESCRY_STATE_HALTED, 0, 1)

#define CACHE_32(SREG, name, limit, base) \
	PLAIN(name ".limit", limit, 4, PART(SREG, LIMIT)), \
	PLAIN(name ".base", base, 4, PART(SREG, BASE))

#define TABLES_32(gdtr_limit, idtr_limit) \
	PLAIN("gdtr.limit", gdtr_limit, 4, DESCRY_STATE_GDTR_LIMIT), \
	PLAIN("gdtr.base", (gdtr_limit) + 4, 4, DESCRY_STATE_GDTR_BASE), \
	PLAIN("idtr.limit", idtr_limit, 4, DESCRY_STATE_IDTR_LIMIT), \
	PLAIN("idtr.base", (idtr_limit) + 4, 4, DESCRY_STATE_IDTR_BASE)

/* --- 386SL, 386EX, Am486, Pentium: limit, base, attributes in bits 23:8 of a dword ---------- */

#define SEGMENT_P5(SREG, name, sel, limit) \
	PLAIN(name ".selector", sel, 2, PART(SREG, SEL)), \
	CACHE_32(SREG, name, limit, (limit) + 4), \
	PACKED(name ".attr", (limit) + 8, 4, RIGHTS_P5, PART(SREG, ATTR))

static const struct descry_exchange_row rows_p5[] = {
	DOCUMENTED_32(0x7f28),
	SEGMENT_P5(ES,   "es",   0x7fa8, 0x7f30),
	SEGMENT_P5(CS,   "cs",   0x7fac, 0x7f3c),
	SEGMENT_P5(SS,   "ss",   0x7fb0, 0x7f48),
	SEGMENT_P5(DS,   "ds",   0x7fb4, 0x7f54),
	SEGMENT_P5(FS,   "fs",   0x7fb8, 0x7f60),
	SEGMENT_P5(GS,   "gs",   0x7fbc, 0x7f6c),
	SEGMENT_P5(LDTR, "ldtr", 0x7fc0, 0x7f78),
	SEGMENT_P5(TR,   "tr",   0x7fc4, 0x7f9c),
	TABLES_32(0x7f84, 0x7f90),
};

/* --- Pentium Pro and on: selector and attributes in a dword, limit, base; and a second copy of
 *     the selectors where the older maps have them --------------------------------------------- */

#define SEGMENT_P6(SREG, name, sel, copy) \
	PACKED(name ".selector.copy", copy, 4, COPY, PART(SREG, SEL)), \
	PLAIN(name ".selector", sel, 2, PART(SREG, SEL)), \
	PLAIN(name ".attr", (sel) + 2, 2, PART(SREG, ATTR)), \
	CACHE_32(SREG, name, (sel) + 4, (sel) + 8)

static const struct descry_exchange_row rows_p6[] = {
	DOCUMENTED_32(0x7f14),
	SEGMENT_P6(ES,   "es",   0x7f84, 0x7fa8),
	SEGMENT_P6(CS,   "cs",   0x7f90, 0x7fac),
	SEGMENT_P6(SS,   "ss",   0x7f9c, 0x7fb0),
	SEGMENT_P6(DS,   "ds",   0x7f2c, 0x7fb4),
	SEGMENT_P6(FS,   "fs",   0x7f38, 0x7fb8),
	SEGMENT_P6(GS,   "gs",   0x7f44, 0x7fbc),
	SEGMENT_P6(LDTR, "ldtr", 0x7f78, 0x7fc0),
	SEGMENT_P6(TR,   "tr",   0x7f5c, 0x7fc4),
	TABLES_32(0x7f70, 0x7f54),
};

/* --- AMD64: AMD APM vol. 2, SMM State-Save Area ------------------------------------------------ */

#define SEGMENT_AMD64(SREG, name, at) \
	PLAIN(name ".selector", (at), 2, PART(SREG, SEL)), \
	PLAIN(name ".attr", (at) + 2, 2, PART(SREG, ATTR)), \
	PLAIN(name ".limit", (at) + 4, 4, PART(SREG, LIMIT)), \
	PLAIN(name ".base", (at) + 8, 8, PART(SREG, BASE))

static const struct descry_exchange_row rows_amd64[] = {
	PLAIN("rax", 0x7ff8, 8, GPR(AX)), PLAIN("rcx", 0x7ff0, 8, GPR(CX)),
	PLAIN("rdx", 0x7fe8, 8, GPR(DX)), PLAIN("rbx", 0x7fe0, 8, GPR(BX)),
	PLAIN("rsp", 0x7fd8, 8, GPR(SP)), PLAIN("rbp", 0x7fd0, 8, GPR(BP)),
	PLAIN("rsi", 0x7fc8, 8, GPR(SI)), PLAIN("rdi", 0x7fc0, 8, GPR(DI)),
	PLAIN("rip", 0x7f78, 8, DESCRY_STATE_EIP),
	PACKED("rflags", 0x7f70, 8, FLAGS, DESCRY_STATE_EFLAGS),
	PLAIN("dr6", 0x7f68, 8, DESCRY_STATE_DR6), PLAIN("dr7", 0x7f60, 8, DESCRY_STATE_DR7),
	PLAIN("cr0", 0x7f58, 8, DESCRY_STATE_CR0), PLAIN("cr3", 0x7f50, 8, DESCRY_STATE_CR3),
	PLAIN("cr4", 0x7f48, 8, DESCRY_STATE_CR4),
	SIGN("efer", 0x7ed0, 8, 0, EXCHANGE_EFER_LONG, EXCHANGE_NO_LONG_MODE),
	SIGN("revision", 0x7efc, 4, REVISION_AMD64, REVISION_MASK,
	     SIGN_WHY),
	PLAIN("smbase", 0x7f00, 4, DESCRY_STATE_SMBASE),
	BITS("halt", 0x7ec9, 1, DESCRY_STATE_HALTED, 0, 1),
	SEGMENT_AMD64(ES,   "es",   0x7e00),
	SEGMENT_AMD64(CS,   "cs",   0x7e10),
	SEGMENT_AMD64(SS,   "ss",   0x7e20),
	SEGMENT_AMD64(DS,   "ds",   0x7e30),
	SEGMENT_AMD64(FS,   "fs",   0x7e40),
	SEGMENT_AMD64(GS,   "gs",   0x7e50),
	SEGMENT_AMD64(LDTR, "ldtr", 0x7e70),
	SEGMENT_AMD64(TR,   "tr",   0x7e90),
	PLAIN("gdtr.limit", 0x7e64, 2, DESCRY_STATE_GDTR_LIMIT),
	PLAIN("gdtr.base",  0x7e68, 8, DESCRY_STATE_GDTR_BASE),
	PLAIN("idtr.limit", 0x7e84, 2, DESCRY_STATE_IDTR_LIMIT),
	PLAIN("idtr.base",  0x7e88, 8, DESCRY_STATE_IDTR_BASE),
};
/* clang-format on */

#define MAP(name_, help_, rows_)                                                                   \
	{                                                                                          \
		.name = (name_), .help = (help_), .form = DESCRY_FORM_BYTES,                       \
		.first = EXCHANGE_SMRAM_FIRST, .size = EXCHANGE_SMRAM_BYTES,                       \
		.row_count = ROW_COUNT(rows_), .rows = (rows_)                                     \
	}

const struct descry_exchange_format exchange_smram_p5 =
	MAP("smram-p5", "the save map of SMM up to the Pentium, 512 bytes", rows_p5);
const struct descry_exchange_format exchange_smram_p6 =
	MAP("smram-p6", "the save map of SMM from the Pentium Pro on, 512 bytes", rows_p6);
const struct descry_exchange_format exchange_smram_amd64 =
	MAP("smram-amd64", "the save map of SMM of AMD64, 512 bytes", rows_amd64);
