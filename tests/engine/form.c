#include "form.h"

/* Sets of values of a three-bit field. */
#define D(n) (1u << (n))
#define EACH 0xffu
#define SREGS (D(0) | D(2) | D(3) | D(4) | D(5)) /* that MOV loads */
#define CREGS (D(0) | D(2) | D(3))

/* clang-format off */
const struct form forms[] = {
	/* name          opcode  vary  ops   digits             low    rm           imm          kind              weight */
	{ "alu",         0x0000, 0x03, EACH, 0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            60 },
	{ "alu",         0x0004, 0,    EACH, 0,                 false, RM_NONE,     IMM_BYTE,    PLAIN,            8 },
	{ "alu",         0x0005, 0,    EACH, 0,                 false, RM_NONE,     IMM_SIZE,    PLAIN,            8 },
	{ "alu",         0x0080, 0,    0,    EACH,              false, RM_ANY,      IMM_BYTE,    PLAIN,            12 },
	{ "alu",         0x0081, 0,    0,    EACH,              false, RM_ANY,      IMM_SIZE,    PLAIN,            12 },
	{ "alu",         0x0083, 0,    0,    EACH,              false, RM_ANY,      IMM_BYTE,    PLAIN,            12 },
	{ "test",        0x0084, 0x01, 0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            6 },
	{ "test",        0x00a8, 0,    0,    0,                 false, RM_NONE,     IMM_BYTE,    PLAIN,            2 },
	{ "test",        0x00a9, 0,    0,    0,                 false, RM_NONE,     IMM_SIZE,    PLAIN,            2 },
	{ "test",        0x00f6, 0,    0,    D(0),              false, RM_ANY,      IMM_BYTE,    PLAIN,            3 },
	{ "test",        0x00f7, 0,    0,    D(0),              false, RM_ANY,      IMM_SIZE,    PLAIN,            3 },
	{ "inc dec",     0x0040, 0x08, 0,    0,                 true,  RM_NONE,     IMM_NONE,    PLAIN,            12 },
	{ "inc dec",     0x00fe, 0x01, 0,    D(0)|D(1),         false, RM_ANY,      IMM_NONE,    PLAIN,            8 },
	{ "unary",       0x00f6, 0x01, 0,    D(2)|D(3)|D(4)|D(5), false, RM_ANY,    IMM_NONE,    PLAIN,            10 },
	{ "divide",      0x00f6, 0x01, 0,    D(6)|D(7),         false, RM_ANY,      IMM_NONE,    PLAIN,            3 },
	{ "imul",        0x0faf, 0,    0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            3 },
	{ "imul",        0x0069, 0,    0,    0,                 false, RM_ANY,      IMM_SIZE,    PLAIN,            3 },
	{ "imul",        0x006b, 0,    0,    0,                 false, RM_ANY,      IMM_BYTE,    PLAIN,            3 },
	{ "shift",       0x00d0, 0x03, 0,    EACH,              false, RM_ANY,      IMM_NONE,    PLAIN,            10 },
	{ "shift",       0x00c0, 0x01, 0,    EACH,              false, RM_ANY,      IMM_BYTE,    PLAIN,            8 },
	{ "shld shrd",   0x0fa4, 0x08, 0,    0,                 false, RM_ANY,      IMM_BYTE,    PLAIN,            3 },
	{ "shld shrd",   0x0fa5, 0x08, 0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            3 },
	{ "bit",         0x0fa3, 0x18, 0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            5 },
	{ "bit",         0x0fba, 0,    0,    D(4)|D(5)|D(6)|D(7), false, RM_ANY,    IMM_BYTE,    PLAIN,            5 },
	{ "bsf bsr",     0x0fbc, 0x01, 0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            3 },
	{ "setcc",       0x0f90, 0x0f, 0,    D(0),              false, RM_ANY,      IMM_NONE,    PLAIN,            6 },
	{ "bcd",         0x0027, 0x18, 0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            3 },
	{ "aam aad",     0x00d4, 0x01, 0,    0,                 false, RM_NONE,     IMM_BYTE,    PLAIN,            2 },

	{ "mov",         0x0088, 0x03, 0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            40 },
	{ "mov",         0x00a0, 0x03, 0,    0,                 false, RM_NONE,     IMM_ADDRESS, PLAIN,            8 },
	{ "mov",         0x00b0, 0,    0,    0,                 true,  RM_NONE,     IMM_BYTE,    PLAIN,            8 },
	{ "mov",         0x00b8, 0,    0,    0,                 true,  RM_NONE,     IMM_SIZE,    PLAIN,            8 },
	{ "mov",         0x00c6, 0,    0,    D(0),              false, RM_ANY,      IMM_BYTE,    PLAIN,            8 },
	{ "mov",         0x00c7, 0,    0,    D(0),              false, RM_ANY,      IMM_SIZE,    PLAIN,            10 },
	{ "movzx movsx", 0x0fb6, 0x09, 0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            8 },
	{ "xchg",        0x0086, 0x01, 0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            6 },
	{ "xchg",        0x0090, 0,    0,    0,                 true,  RM_NONE,     IMM_NONE,    PLAIN,            4 },
	{ "lea",         0x008d, 0,    0,    0,                 false, RM_MEMORY,   IMM_NONE,    PLAIN,            8 },
	{ "xlat",        0x00d7, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            2 },
	{ "cbw cwd",     0x0098, 0x01, 0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            4 },
	{ "sahf lahf",   0x009e, 0x01, 0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            4 },
	{ "salc",        0x00d6, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            2 },
	{ "wait",        0x009b, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            1 },
	{ "cmc",         0x00f5, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            2 },
	{ "clc stc",     0x00f8, 0x01, 0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            3 },
	{ "cli sti",     0x00fa, 0x01, 0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            8 },
	{ "cld std",     0x00fc, 0x01, 0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            3 },

	{ "push",        0x0050, 0,    0,    0,                 true,  RM_NONE,     IMM_NONE,    PLAIN,            10 },
	{ "push",        0x0068, 0,    0,    0,                 false, RM_NONE,     IMM_SIZE,    PLAIN,            4 },
	{ "push",        0x006a, 0,    0,    0,                 false, RM_NONE,     IMM_BYTE,    PLAIN,            4 },
	{ "push",        0x00ff, 0,    0,    D(6),              false, RM_ANY,      IMM_NONE,    PLAIN,            5 },
	{ "pop",         0x0058, 0,    0,    0,                 true,  RM_NONE,     IMM_NONE,    PLAIN,            10 },
	{ "pop",         0x008f, 0,    0,    D(0),              false, RM_ANY,      IMM_NONE,    PLAIN,            4 },
	{ "pusha",       0x0060, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            2 },
	{ "popa",        0x0061, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            1 },
	{ "pushf",       0x009c, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            4 },
	{ "popf",        0x009d, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            0 },
	{ "enter",       0x00c8, 0,    0,    0,                 false, RM_NONE,     IMM_ENTER,   PLAIN,            1 },
	{ "leave",       0x00c9, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    UNDO_ENTER,       1 },

	{ "movs",        0x00a4, 0x01, 0,    0,                 false, RM_NONE,     IMM_NONE,    STRING,           4 },
	{ "cmps",        0x00a6, 0x01, 0,    0,                 false, RM_NONE,     IMM_NONE,    STRING,           3 },
	{ "stos",        0x00aa, 0x01, 0,    0,                 false, RM_NONE,     IMM_NONE,    STRING,           4 },
	{ "lods",        0x00ac, 0x01, 0,    0,                 false, RM_NONE,     IMM_NONE,    STRING,           3 },
	{ "scas",        0x00ae, 0x01, 0,    0,                 false, RM_NONE,     IMM_NONE,    STRING,           3 },
	{ "ins outs",    0x006c, 0x03, 0,    0,                 false, RM_NONE,     IMM_NONE,    STRING,           2 },

	{ "jcc",         0x0070, 0x0f, 0,    0,                 false, RM_NONE,     IMM_REL8,    BRANCH,           50 },
	{ "jcc",         0x0f80, 0x0f, 0,    0,                 false, RM_NONE,     IMM_REL,     BRANCH,           15 },
	{ "loop jcxz",   0x00e0, 0x03, 0,    0,                 false, RM_NONE,     IMM_REL8,    BRANCH,           20 },
	{ "jmp",         0x00e9, 0,    0,    0,                 false, RM_NONE,     IMM_REL,     BRANCH,           6 },
	{ "jmp",         0x00eb, 0,    0,    0,                 false, RM_NONE,     IMM_REL8,    BRANCH,           6 },
	{ "call",        0x00e8, 0,    0,    0,                 false, RM_NONE,     IMM_REL,     BRANCH,           8 },
	{ "call jmp",    0x00ff, 0,    0,    D(2)|D(4),         false, RM_ANY,      IMM_NONE,    JUMP_NEAR,        2 },
	{ "ret",         0x00c3, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    RETURN_NEAR,      8 },
	{ "ret",         0x00c2, 0,    0,    0,                 false, RM_NONE,     IMM_WORD,    RETURN_NEAR,      1 },
	{ "call jmp far", 0x00ff, 0,   0,    D(3)|D(5),         false, RM_MEMORY,   IMM_NONE,    JUMP_FAR,         2 },
	{ "call far",    0x009a, 0,    0,    0,                 false, RM_NONE,     IMM_POINTER, POINTER,          0 },
	{ "jmp far",     0x00ea, 0,    0,    0,                 false, RM_NONE,     IMM_POINTER, POINTER,          0 },
	{ "retf",        0x00cb, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    RETURN_FAR,       1 },
	{ "retf",        0x00ca, 0,    0,    0,                 false, RM_NONE,     IMM_WORD,    RETURN_FAR,       1 },
	{ "iret",        0x00cf, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    RETURN_INTERRUPT, 1 },
	{ "bound",       0x0062, 0,    0,    0,                 false, RM_MEMORY,   IMM_NONE,    PLAIN,            1 },
	{ "into",        0x00ce, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            2 },
	{ "int3",        0x00cc, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            2 },
	{ "int",         0x00cd, 0,    0,    0,                 false, RM_NONE,     IMM_BYTE,    PLAIN,            0 },

	{ "mov sreg",    0x008e, 0,    0,    SREGS,             false, RM_ANY,      IMM_NONE,    PLAIN,            3 },
	{ "mov sreg",    0x008c, 0,    0,    0x3f,              false, RM_ANY,      IMM_NONE,    PLAIN,            4 },
	{ "push sreg",   0x0006, 0x18, 0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            4 },
	{ "push sreg",   0x0fa0, 0x08, 0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            3 },
	{ "pop sreg",    0x0007, 0x10, 0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            2 },
	{ "pop sreg",    0x001f, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            2 },
	{ "pop sreg",    0x0fa1, 0x08, 0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            2 },
	{ "les lds",     0x00c4, 0x01, 0,    0,                 false, RM_MEMORY,   IMM_NONE,    PLAIN,            3 },
	{ "lss",         0x0fb2, 0,    0,    0,                 false, RM_MEMORY,   IMM_NONE,    PLAIN,            1 },
	{ "lfs lgs",     0x0fb4, 0x01, 0,    0,                 false, RM_MEMORY,   IMM_NONE,    PLAIN,            3 },
	{ "lar lsl",     0x0f02, 0x01, 0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            2 },
	{ "verr verw",   0x0f00, 0,    0,    D(4)|D(5),         false, RM_ANY,      IMM_NONE,    PLAIN,            2 },
	{ "arpl",        0x0063, 0,    0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            2 },
	{ "sldt str",    0x0f00, 0,    0,    D(0)|D(1),         false, RM_ANY,      IMM_NONE,    PLAIN,            2 },
	{ "lldt",        0x0f00, 0,    0,    D(2),              false, RM_ANY,      IMM_NONE,    LOAD_LDT,         1 },
	{ "ltr",         0x0f00, 0,    0,    D(3),              false, RM_ANY,      IMM_NONE,    LOAD_TASK,        1 },
	{ "sgdt sidt",   0x0f01, 0,    0,    D(0)|D(1),         false, RM_MEMORY,   IMM_NONE,    PLAIN,            2 },
	{ "lgdt lidt",   0x0f01, 0,    0,    D(2)|D(3),         false, RM_MEMORY,   IMM_NONE,    PLAIN,            0 },
	{ "smsw",        0x0f01, 0,    0,    D(4),              false, RM_ANY,      IMM_NONE,    PLAIN,            2 },
	{ "lmsw",        0x0f01, 0,    0,    D(6),              false, RM_ANY,      IMM_NONE,    PLAIN,            1 },
	{ "clts",        0x0f06, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            2 },
	{ "mov from cr", 0x0f20, 0,    0,    CREGS,             false, RM_REGISTER, IMM_NONE,    PLAIN,            2 },
	{ "mov to cr",   0x0f22, 0,    0,    CREGS,             false, RM_REGISTER, IMM_NONE,    WRITE_CONTROL,    0 },
	{ "in out",      0x00e4, 0x03, 0,    0,                 false, RM_NONE,     IMM_BYTE,    PLAIN,            3 },
	{ "in out",      0x00ec, 0x03, 0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            3 },
	{ "undefined",   0x0f0b, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            2 },
	{ "hlt",         0x00f4, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    ENDS_RUN,         0 },
	{ "x87",         0x00d8, 0x07, 0,    EACH,              false, RM_ANY,      IMM_NONE,    PLAIN,            1 },

	{ "bswap",       0x0fc8, 0,    0,    0,                 true,  RM_NONE,     IMM_NONE,    PLAIN,            3 },
	{ "cmov",        0x0f40, 0x0f, 0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            10 },
	{ "xadd",        0x0fc0, 0x01, 0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            4 },
	{ "cmpxchg",     0x0fb0, 0x01, 0,    0,                 false, RM_ANY,      IMM_NONE,    PLAIN,            5 },
	{ "cmpxchg8b",   0x0fc7, 0,    0,    D(1),              false, RM_MEMORY,   IMM_NONE,    PLAIN,            4 },
	{ "cpuid",       0x0fa2, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            1 },
	{ "rdtsc",       0x0f31, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            3 },
	{ "rdpmc",       0x0f33, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    NAMED_BY_CX,      1 },
	{ "msr",         0x0f30, 0x02, 0,    0,                 false, RM_NONE,     IMM_NONE,    NAMED_BY_CX,      2 },
	{ "invd",        0x0f08, 0x01, 0,    0,                 false, RM_NONE,     IMM_NONE,    PLAIN,            2 },
	{ "sysenter",    0x0f34, 0x01, 0,    0,                 false, RM_NONE,     IMM_NONE,    REFUSED,          1 },
	{ "rsm",         0x0faa, 0,    0,    0,                 false, RM_NONE,     IMM_NONE,    REFUSED,          1 },
};
/* clang-format on */

const size_t form_count = sizeof(forms) / sizeof(forms[0]);

/* --- to bytes ------------------------------------------------------------------------- */

unsigned
encoding_imm_size(const struct encoding *encoding)
{
	const unsigned operand = encoding->wide_operand ? 4 : 2;
	const unsigned address = encoding->wide_address ? 4 : 2;
	const unsigned size[IMM_KIND_COUNT] = {
		[IMM_NONE] = 0,       [IMM_BYTE] = 1,      [IMM_WORD] = 2,
		[IMM_SIZE] = operand, [IMM_ENTER] = 3,     [IMM_ADDRESS] = address,
		[IMM_REL8] = 1,       [IMM_REL] = operand, [IMM_POINTER] = operand + 2,
	};

	return size[encoding->form->imm];
}

static unsigned
put(uint8_t *at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> i * 8);
	return size;
}

static unsigned
put_prefixes(const struct encoding *encoding, bool code32, uint8_t *at)
{
	unsigned count = 0;

	if (encoding->rep)
		at[count++] = encoding->rep;
	if (encoding->override)
		at[count++] = encoding->override;
	if (encoding->wide_operand != code32)
		at[count++] = 0x66;
	if (encoding->wide_address != code32)
		at[count++] = 0x67;
	return count;
}

unsigned
encoding_write(const struct encoding *encoding, bool code32, uint8_t out[ENCODING_MAX])
{
	unsigned count = put_prefixes(encoding, code32, out);

	if (encoding->form->opcode > 0xff)
		out[count++] = 0x0f;
	out[count++] = encoding->opcode;
	if (encoding->form->rm != RM_NONE) {
		out[count++] = (uint8_t)(encoding->mod << 6 | encoding->reg << 3 | encoding->rm);
		if (encoding->has_sib)
			out[count++] = encoding->sib;
		count += put(out + count, encoding->disp, encoding->disp_size);
	}
	return count + put(out + count, encoding->imm, encoding_imm_size(encoding));
}

/* SDM vol. 2, tables 2-1 and 2-2: mod 0 with rm 6 in 16 bits, rm 5 in 32. */
void
encoding_aim(struct encoding *encoding, uint32_t address)
{
	encoding->mod = 0;
	encoding->rm = encoding->wide_address ? 5 : 6;
	encoding->has_sib = false;
	encoding->disp = address;
	encoding->disp_size = encoding->wide_address ? 4 : 2;
}
