/*
 * The tables of LOADALL. Undocumented by Intel but for a memo on the 286; the offsets are from
 * Ralf Brown's Interrupt List and Collins' specification F2. GDTR and IDTR have a byte or
 * dword of access rights that means nothing.
 */
#include "exchange_rows.h"

/* clang-format off */

/* --- 286: 102 bytes at physical 800h; a cache is base in bytes 0 to 2, access byte, limit ----- */

#define SEGMENT_286(SREG, name, sel, cache) \
	PLAIN(name ".selector", sel, 2, PART(SREG, SEL)), \
	PLAIN(name ".base", cache, 3, PART(SREG, BASE)), \
	PACKED(name ".access", (cache) + 3, 1, RIGHTS_286, PART(SREG, ATTR)), \
	PLAIN(name ".limit", (cache) + 4, 2, PART(SREG, LIMIT))

static const struct descry_exchange_row rows_286[] = {
	PACKED("msw",  0x06, 2, MSW, DESCRY_STATE_CR0),
	PLAIN("flags", 0x18, 2, DESCRY_STATE_EFLAGS),
	PLAIN("ip",    0x1a, 2, DESCRY_STATE_EIP),
	PLAIN("di",    0x26, 2, GPR(DI)), PLAIN("si", 0x28, 2, GPR(SI)),
	PLAIN("bp",    0x2a, 2, GPR(BP)), PLAIN("sp", 0x2c, 2, GPR(SP)),
	PLAIN("bx",    0x2e, 2, GPR(BX)), PLAIN("dx", 0x30, 2, GPR(DX)),
	PLAIN("cx",    0x32, 2, GPR(CX)), PLAIN("ax", 0x34, 2, GPR(AX)),
	SEGMENT_286(TR,   "tr",   0x16, 0x60),
	SEGMENT_286(LDTR, "ldtr", 0x1c, 0x54),
	SEGMENT_286(DS,   "ds",   0x1e, 0x48),
	SEGMENT_286(SS,   "ss",   0x20, 0x42),
	SEGMENT_286(CS,   "cs",   0x22, 0x3c),
	SEGMENT_286(ES,   "es",   0x24, 0x36),
	PLAIN("gdtr.base",  0x4e, 3, DESCRY_STATE_GDTR_BASE),
	PLAIN("gdtr.limit", 0x52, 2, DESCRY_STATE_GDTR_LIMIT),
	PLAIN("idtr.base",  0x5a, 3, DESCRY_STATE_IDTR_BASE),
	PLAIN("idtr.limit", 0x5e, 2, DESCRY_STATE_IDTR_LIMIT),
};

const struct descry_exchange_format exchange_loadall_286 = {
	.name = "loadall286",
	.help = "the table of LOADALL of the 286, 102 bytes for physical 800h",
	.note = "of cr0 it has PE MP EM TS; an import clears PG and leaves the others",
	.form = DESCRY_FORM_BYTES,
	.size = DESCRY_LOADALL_286_BYTES,
	.row_count = ROW_COUNT(rows_286),
	.rows = rows_286,
};

/* --- 386: 204 bytes at ES:EDI; a cache is attributes, base, limit, a dword each --------------- */

#define SEGMENT_386(SREG, name, KIND, sel, cache) \
	PLAIN(name ".selector", sel, 2, PART(SREG, SEL)), \
	PLAIN(name ".base", (cache) + 4, 4, PART(SREG, BASE)), \
	PLAIN(name ".limit", (cache) + 8, 4, PART(SREG, LIMIT)), \
	PACKED(name ".ar", cache, 4, KIND, PART(SREG, ATTR))

#define ROWS_386(KIND) \
	PLAIN("cr0",     0x00, 4, DESCRY_STATE_CR0), \
	PACKED("eflags", 0x04, 4, FLAGS, DESCRY_STATE_EFLAGS), \
	PLAIN("eip",     0x08, 4, DESCRY_STATE_EIP), \
	PLAIN("edi",     0x0c, 4, GPR(DI)), PLAIN("esi", 0x10, 4, GPR(SI)), \
	PLAIN("ebp",     0x14, 4, GPR(BP)), PLAIN("esp", 0x18, 4, GPR(SP)), \
	PLAIN("ebx",     0x1c, 4, GPR(BX)), PLAIN("edx", 0x20, 4, GPR(DX)), \
	PLAIN("ecx",     0x24, 4, GPR(CX)), PLAIN("eax", 0x28, 4, GPR(AX)), \
	PLAIN("dr6",     0x2c, 4, DESCRY_STATE_DR6), PLAIN("dr7", 0x30, 4, DESCRY_STATE_DR7), \
	SEGMENT_386(TR,   "tr",   KIND, 0x34, 0x54), \
	SEGMENT_386(LDTR, "ldtr", KIND, 0x38, 0x78), \
	SEGMENT_386(GS,   "gs",   KIND, 0x3c, 0x84), \
	SEGMENT_386(FS,   "fs",   KIND, 0x40, 0x90), \
	SEGMENT_386(DS,   "ds",   KIND, 0x44, 0x9c), \
	SEGMENT_386(SS,   "ss",   KIND, 0x48, 0xa8), \
	SEGMENT_386(CS,   "cs",   KIND, 0x4c, 0xb4), \
	SEGMENT_386(ES,   "es",   KIND, 0x50, 0xc0), \
	PLAIN("idtr.base",  0x64, 4, DESCRY_STATE_IDTR_BASE), \
	PLAIN("idtr.limit", 0x68, 4, DESCRY_STATE_IDTR_LIMIT), \
	PLAIN("gdtr.base",  0x70, 4, DESCRY_STATE_GDTR_BASE), \
	PLAIN("gdtr.limit", 0x74, 4, DESCRY_STATE_GDTR_LIMIT)

/* Attributes where Collins found them with an in-circuit emulator ... */
static const struct descry_exchange_row rows_386[] = { ROWS_386(RIGHTS_386) };
/* ... and where 86Box has them. */
static const struct descry_exchange_row rows_386_high[] = { ROWS_386(RIGHTS_386_HIGH) };
/* clang-format on */

#define TABLE_386(name_, help_, rows_)                                                             \
	{                                                                                          \
		.name = (name_), .help = (help_), .form = DESCRY_FORM_BYTES,                       \
		.size = DESCRY_LOADALL_386_BYTES, .row_count = ROW_COUNT(rows_), .rows = (rows_)   \
	}

const struct descry_exchange_format exchange_loadall_386 = TABLE_386(
	"loadall386", "the table of LOADALL of the 386, 204 bytes, attributes as Collins has them",
	rows_386);
const struct descry_exchange_format exchange_loadall_386_high =
	TABLE_386("loadall386-high",
		  "the same with attributes as in the high dword of a descriptor", rows_386_high);
