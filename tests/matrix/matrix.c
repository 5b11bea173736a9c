/*
 * Who writes which cache: every event that loads a segment register, in every profile that
 * has it, held against all eight registers and not only those it is about. What is there
 * before comes from no table, so a register that is read again shows. Oracle: the write matrix
 * of docs/hidden-caches.md (SDM vol. 3; 386 data sheet; Collins 1995, 1998).
 */
#include <descry/vcpu.h>

#include <stdio.h>
#include <string.h>

#define RAM_SIZE 0x40000u
#define GDT_AT 0x1000u
#define IDT_AT 0x2000u
#define LDT_AT 0x3000u
#define TSS_AT 0x5000u
#define NEW_TSS_AT 0x5100u
#define STACK_AT 0x6000u /* SP of every start */
#define CODE_AT 0x7c00u
#define HANDLER 0x9000u
#define SMBASE 0x30000u

/* --- tables that a 286 can read, too ---------------------------------------------------- */

#define DESCRIPTOR(base, limit, access)                                                            \
	((uint64_t)(access) << 40 | (uint64_t)(base) << 16 | (uint64_t)(limit))
#define GATE(access, sel, offset)                                                                  \
	((uint64_t)(access) << 40 | (uint64_t)(sel) << 16 | (uint64_t)(offset))

enum {
	CODE0 = 0x08,
	DATA0 = 0x10,
	CODE3 = 0x1b,
	DATA3 = 0x23,
	STACK0 = 0x28,
	TSS = 0x30,
	LDT = 0x38,
	CALL_GATE = 0x43,
	NEW_TSS = 0x48,
	NEW_LDT = 0x50,
	STACK3 = 0x5b,
};

static const uint64_t gdt[] = {
	0,
	DESCRIPTOR(0, 0xffff, 0x9b),
	DESCRIPTOR(0x2340, 0x1234, 0x93),
	DESCRIPTOR(0, 0xfff0, 0xfb),
	DESCRIPTOR(0x3450, 0x2345, 0xf3),
	DESCRIPTOR(0x100, 0xeeee, 0x93),
	DESCRIPTOR(TSS_AT, 0x2b, 0x83),
	DESCRIPTOR(LDT_AT, 0x1f, 0x82),
	GATE(0xe4, CODE0, HANDLER),
	DESCRIPTOR(NEW_TSS_AT, 0x2b, 0x81),
	DESCRIPTOR(LDT_AT, 0x0f, 0x82),
	DESCRIPTOR(0x200, 0xdddd, 0xf3),
};

struct machine {
	uint8_t ram[RAM_SIZE];
	struct descry_vcpu *vcpu;
};

static void
put_word(struct machine *m, uint32_t at, unsigned value)
{
	m->ram[at] = (uint8_t)value;
	m->ram[at + 1] = (uint8_t)(value >> 8);
}

static void
fill_memory(struct machine *m)
{
	/* A 286 TSS: IP, FLAGS, eight registers, ES CS SS DS, LDT from 0Eh on. */
	static const uint16_t task[] = { HANDLER, 2, 0,     0,     0,      0,     STACK_AT, 0,
					 0,       0, DATA0, CODE0, STACK0, DATA0, NEW_LDT };

	memset(m->ram, 0, sizeof(m->ram));
	memcpy(&m->ram[GDT_AT], gdt, sizeof(gdt));
	for (unsigned vector = 0; vector < 256; vector++) {
		const uint64_t gate = GATE(0xe6, CODE0, HANDLER);

		memcpy(&m->ram[IDT_AT + vector * 8], &gate, sizeof(gate));
		put_word(m, vector * 4, HANDLER & 15);
		put_word(m, vector * 4 + 2, HANDLER >> 4);
	}
	put_word(m, TSS_AT + 2, 0x5f00);
	put_word(m, TSS_AT + 4, STACK0);
	for (unsigned i = 0; i < sizeof(task) / sizeof(task[0]); i++)
		put_word(m, NEW_TSS_AT + 0x0e + i * 2, task[i]);
}

/* --- the rows --------------------------------------------------------------------------- */

enum mode { REAL, RING0, RING3, V86 };
enum event { RUN, SMI_AND_RSM, RSM_OF_ANOTHER, SMI, INIT, RESET };

/*
 * Registers in the order ES CS SS DS FS GS LDTR TR: k kept, w written from the table, b base
 * alone, c CS with PE=0 as the profile says, n null, v fixed as in V86, f flat and fixed, r as
 * after reset, s as in SMM, o null for an outer ring, l as in the tables of LOADALL. The letters w
 * b c v f take the selector.
 */
struct row {
	const char *what;
	enum descry_insn_set first;
	enum mode mode;
	uint8_t code[8];
	uint16_t stack[20]; /* from SS:SP upwards */
	const char *writes;
	uint16_t es, cs, ss, ds, fs, gs, ldtr, tr;
	enum event event;
	enum descry_insn_set last; /* 0: there is none */
};

/* clang-format off */
#define I86 DESCRY_INSN_8086
#define I286 DESCRY_INSN_286
#define I386 DESCRY_INSN_386
static const struct row rows[] = {
	{ "MOV DS, real",            I86,  REAL,  { 0x8e, 0xd8 }, { 0 },                "kkkbkkkk", .ds = 0x1234 },
	{ "MOV SS, real",            I86,  REAL,  { 0x8e, 0xd0 }, { 0 },                "kkbkkkkk", .ss = 0x1234 },
	{ "MOV FS, real",            I386, REAL,  { 0x8e, 0xe0 }, { 0 },                "kkkkbkkk", .fs = 0x1234 },
	{ "MOV GS, real",            I386, REAL,  { 0x8e, 0xe8 }, { 0 },                "kkkkkbkk", .gs = 0x1234 },
	{ "POP ES, real",            I86,  REAL,  { 0x07 }, { 0x4321 },                 "bkkkkkkk", .es = 0x4321 },
	{ "LES, real",               I86,  REAL,  { 0xc4, 0x46, 0x00 }, { 0, 0x4321 },  "bkkkkkkk", .es = 0x4321 },
	{ "LDS, real",               I86,  REAL,  { 0xc5, 0x46, 0x00 }, { 0, 0x4321 },  "kkkbkkkk", .ds = 0x4321 },
	{ "far JMP, real",           I86,  REAL,  { 0xea, 0x34, 0x12, 0x78, 0x06 }, { 0 }, "kckkkkkk", .cs = 0x678 },
	{ "far CALL, real",          I86,  REAL,  { 0x9a, 0x34, 0x12, 0x78, 0x06 }, { 0 }, "kckkkkkk", .cs = 0x678 },
	{ "RETF, real",              I86,  REAL,  { 0xcb }, { 0x1234, 0x678 },          "kckkkkkk", .cs = 0x678 },
	{ "INT, real",               I86,  REAL,  { 0xcd, 0x40 }, { 0 },                "kckkkkkk", .cs = HANDLER >> 4 },
	{ "IRET, real",              I86,  REAL,  { 0xcf }, { 0x1234, 0x678, 2 },       "kckkkkkk", .cs = 0x678 },
	{ "LMSW sets PE",            I286, REAL,  { 0x0f, 0x01, 0xf1 }, { 0 },          "kkkkkkkk", .es = 0 },
	{ "MOV CR0 sets PE",         I386, REAL,  { 0x0f, 0x22, 0xc1 }, { 0 },          "kkkkkkkk", .es = 0 },
	{ "MOV CR0 clears PE",       I386, RING0, { 0x0f, 0x22, 0xc2 }, { 0 },          "kkkkkkkk", .es = 0 },
	{ "LGDT, real",              I286, REAL,  { 0x0f, 0x01, 0x56, 0x00 }, { 0x7f },  "kkkkkkkk", .es = 0 },
	{ "LIDT, real",              I286, REAL,  { 0x0f, 0x01, 0x5e, 0x00 }, { 0x7f },  "kkkkkkkk", .es = 0 },
	{ "LGDT, protected",         I286, RING0, { 0x0f, 0x01, 0x56, 0x00 }, { 0x7f },  "kkkkkkkk", .es = 0 },
	{ "a store into the GDT",    I286, RING0, { 0x36, 0xa3, 0x12, 0x10 }, { 0 },    "kkkkkkkk", .es = 0 },
	{ "MOV DS, protected",       I286, RING0, { 0x8e, 0xdb }, { 0 },                "kkkwkkkk", .ds = DATA0 },
	{ "MOV ES null",             I286, RING0, { 0x8e, 0xc2 }, { 0 },                "nkkkkkkk", .es = 0 },
	{ "MOV DS null",             I286, RING3, { 0x8e, 0xda }, { 0 },                "kkknkkkk", .es = 0 },
	{ "MOV FS null",             I386, RING0, { 0x8e, 0xe2 }, { 0 },                "kkkknkkk", .es = 0 },
	{ "POP ES, protected",       I286, RING0, { 0x07 }, { DATA3 },                  "wkkkkkkk", .es = DATA3 },
	{ "LDS, ring 3",             I286, RING3, { 0xc5, 0x46, 0x00 }, { 0, DATA3 },   "kkkwkkkk", .ds = DATA3 },
	{ "POP GS, protected",       I386, RING0, { 0x0f, 0xa9 }, { DATA0 },            "kkkkkwkk", .gs = DATA0 },
	{ "MOV SS, protected",       I286, RING0, { 0x8e, 0xd3 }, { 0 },                "kkwkkkkk", .ss = DATA0 },
	{ "far JMP, same ring",      I286, RING0, { 0xea, 0x00, 0x90, CODE0, 0 }, { 0 }, "kwkkkkkk", .cs = CODE0 },
	{ "far CALL, same ring",     I286, RING0, { 0x9a, 0x00, 0x90, CODE0, 0 }, { 0 }, "kwkkkkkk", .cs = CODE0 },
	{ "RETF, same ring",         I286, RING0, { 0xcb }, { HANDLER, CODE0 },         "kwkkkkkk", .cs = CODE0 },
	{ "INT, same ring",          I286, RING0, { 0xcd, 0x40 }, { 0 },                "kwkkkkkk", .cs = CODE0 },
	{ "IRET, same ring",         I286, RING0, { 0xcf }, { HANDLER, CODE0, 2 },      "kwkkkkkk", .cs = CODE0 },
	{ "CALL gate, inner ring",   I286, RING3, { 0x9a, 0, 0, CALL_GATE, 0 }, { 0 },  "kwwkkkkk", .cs = CODE0, .ss = STACK0 },
	{ "INT, inner ring",         I286, RING3, { 0xcd, 0x40 }, { 0 },                "kwwkkkkk", .cs = CODE0, .ss = STACK0 },
	{ "a fault, inner ring",     I286, RING3, { 0xf4 }, { 0 },                      "kwwkkkkk", .cs = CODE0, .ss = STACK0 },
	{ "RETF, outer ring",        I286, RING0, { 0xcb }, { HANDLER, CODE3, 0x5000, STACK3 }, "owwoookk", .cs = CODE3, .ss = STACK3 },
	{ "IRET, outer ring",        I286, RING0, { 0xcf }, { HANDLER, CODE3, 2, 0x5000, STACK3 }, "owwoookk", .cs = CODE3, .ss = STACK3 },
	{ "LLDT",                    I286, RING0, { 0x0f, 0x00, 0xd7 }, { 0 },          "kkkkkkwk", .ldtr = NEW_LDT },
	{ "LLDT null",               I286, RING0, { 0x0f, 0x00, 0xd2 }, { 0 },          "kkkkkknk", .es = 0 },
	{ "LTR",                     I286, RING0, { 0x0f, 0x00, 0xde }, { 0 },          "kkkkkkkw", .tr = NEW_TSS },
	{ "JMP to a TSS",            I286, RING0, { 0xea, 0, 0, NEW_TSS, 0 }, { 0 },    "wwwwnnww", .es = DATA0, .cs = CODE0, .ss = STACK0, .ds = DATA0, .ldtr = NEW_LDT, .tr = NEW_TSS },
	{ "CALL to a TSS",           I286, RING0, { 0x9a, 0, 0, NEW_TSS, 0 }, { 0 },    "wwwwnnww", .es = DATA0, .cs = CODE0, .ss = STACK0, .ds = DATA0, .ldtr = NEW_LDT, .tr = NEW_TSS },
	{ "MOV DS, V86",             I386, V86,   { 0x8e, 0xd8 }, { 0 },                "kkkvkkkk", .ds = 0x1234 },
	{ "MOV SS, V86",             I386, V86,   { 0x8e, 0xd0 }, { 0 },                "kkvkkkkk", .ss = 0x1234 },
	{ "POP FS, V86",             I386, V86,   { 0x0f, 0xa1 }, { 0x4321 },           "kkkkvkkk", .fs = 0x4321 },
	{ "far JMP, V86",            I386, V86,   { 0xea, 0x34, 0x12, 0x78, 0x06 }, { 0 }, "kvkkkkkk", .cs = 0x678 },
	{ "RETF, V86",               I386, V86,   { 0xcb }, { 0x1234, 0x678 },          "kvkkkkkk", .cs = 0x678 },
	{ "INT, V86",                I386, V86,   { 0xcd, 0x40 }, { 0 },                "nwwnnnkk", .cs = CODE0, .ss = STACK0 },
	{ "a fault, V86",            I386, V86,   { 0xf4 }, { 0 },                      "nwwnnnkk", .cs = CODE0, .ss = STACK0 },
	{ "IRET to V86",             I386, RING0, { 0x66, 0xcf }, { 0x1234, 0, 0x678, 0, 2, 2, 0x5000, 0, 0x111, 0, 0x222, 0, 0x333, 0, 0x444, 0, 0x555, 0 },
	                                                                                "vvvvvvkk", .es = 0x222, .cs = 0x678, .ss = 0x111, .ds = 0x333, .fs = 0x444, .gs = 0x555 },
	{ "SYSENTER",                DESCRY_INSN_P6, RING3, { 0x0f, 0x34 }, { 0 },      "kffkkkkk", .cs = 0x100, .ss = 0x108 },
	{ "SYSEXIT",                 DESCRY_INSN_P6, RING0, { 0x0f, 0x35 }, { 0 },      "kffkkkkk", .cs = 0x113, .ss = 0x11b },
	{ "SMI",                     DESCRY_INSN_PENTIUM, RING0, { 0x90 }, { 0 },       "sssssskk", .event = SMI },
	{ "SMI and RSM",             DESCRY_INSN_PENTIUM, RING0, { 0x90 }, { 0 },       "kkkkkkkk", .event = SMI_AND_RSM },
	{ "RSM over other caches",   DESCRY_INSN_PENTIUM, RING0, { 0x90 }, { 0 },       "kkkkkkkk", .event = RSM_OF_ANOTHER },
	{ "LOADALL of a 286",        I286, RING0, { 0x0f, 0x05 }, { 0 },                "llllkkll", .last = I286 },
	{ "LOADALL of a 386",        I386, RING0, { 0x0f, 0x07 }, { 0 },                "llllllll", .last = I386 },
	{ "INIT",                    I286, RING0, { 0x90 }, { 0 },                      "rrrrrrrr", .event = INIT },
	{ "RESET",                   I86,  REAL,  { 0x90 }, { 0 },                      "rrrrrrrr", .event = RESET },
};
/* clang-format on */
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* --- LOADALL ---------------------------------------------------------------------------- */

#define LOADALL286_AT 0x800u
#define LOADALL386_AT 0x150u /* ES:EDI of every start */

/* What neither a table nor a start has. */
static struct descry_segment
in_loadall(unsigned sreg)
{
	const uint16_t attr[DESCRY_SREG_COUNT] = { 0x93, 0x9b, 0x93, 0x93, 0x93, 0x93, 0x82, 0x83 };

	return (struct descry_segment){ 0x12300 + sreg * 0x10, 0x3000 + sreg,
					(uint16_t)(0x700 + 8 * sreg), attr[sreg] };
}

/* Undocumented iAPX 286 Test Instruction: three bytes of base, access rights, a word of limit. */
static void
fill_loadall286(struct machine *m)
{
	static const struct {
		uint16_t sel, cache;
	} at[DESCRY_SREG_COUNT] = {
		[DESCRY_ES] = { 0x24, 0x36 },   [DESCRY_CS] = { 0x22, 0x3c },
		[DESCRY_SS] = { 0x20, 0x42 },   [DESCRY_DS] = { 0x1e, 0x48 },
		[DESCRY_LDTR] = { 0x1c, 0x54 }, [DESCRY_TR] = { 0x16, 0x60 },
	};

	put_word(m, LOADALL286_AT + 0x06, 1); /* MSW: PE */
	put_word(m, LOADALL286_AT + 0x18, 2);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_segment seg = in_loadall(sreg);
		const uint32_t cache = LOADALL286_AT + at[sreg].cache;

		if (!at[sreg].cache)
			continue;
		put_word(m, LOADALL286_AT + at[sreg].sel, seg.sel);
		put_word(m, cache, (unsigned)seg.base & 0xffff);
		put_word(m, cache + 2, (unsigned)(seg.base >> 16) | (unsigned)seg.attr << 8);
		put_word(m, cache + 4, seg.limit);
	}
}

/* Collins, LOADALL specification: access rights in bits 23:16, base, limit. */
static void
fill_loadall386(struct machine *m)
{
	static const struct {
		uint16_t sel, cache;
	} at[DESCRY_SREG_COUNT] = {
		[DESCRY_ES] = { 0x50, 0xc0 },   [DESCRY_CS] = { 0x4c, 0xb4 },
		[DESCRY_SS] = { 0x48, 0xa8 },   [DESCRY_DS] = { 0x44, 0x9c },
		[DESCRY_FS] = { 0x40, 0x90 },   [DESCRY_GS] = { 0x3c, 0x84 },
		[DESCRY_LDTR] = { 0x38, 0x78 }, [DESCRY_TR] = { 0x34, 0x54 },
	};

	memset(&m->ram[LOADALL386_AT], 0, 0xcc);
	put_word(m, LOADALL386_AT, 0x11); /* CR0: PE, ET */
	put_word(m, LOADALL386_AT + 4, 2);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_segment seg = in_loadall(sreg);
		const uint32_t cache = LOADALL386_AT + at[sreg].cache;

		put_word(m, LOADALL386_AT + at[sreg].sel, seg.sel);
		put_word(m, cache + 2, seg.attr);
		put_word(m, cache + 4, (unsigned)seg.base & 0xffff);
		put_word(m, cache + 6, (unsigned)(seg.base >> 16));
		put_word(m, cache + 8, seg.limit);
	}
}

/* --- before ----------------------------------------------------------------------------- */

/* What no table holds: base, limit and selector of each register differ from all others. */
static struct descry_segment
before_of(const struct row *row, unsigned sreg)
{
	const uint16_t dpl = row->mode == RING3 ? 0x60 : 0;
	const uint16_t paragraph = (uint16_t)(0x100 + sreg * 0x10);

	if (sreg == DESCRY_LDTR)
		return (struct descry_segment){ LDT_AT, 0x17, LDT, 0x82 };
	if (sreg == DESCRY_TR)
		return (struct descry_segment){ TSS_AT, 0x2a, TSS, 0x83 };
	if (row->mode == V86 && sreg == DESCRY_CS)
		return (struct descry_segment){ CODE_AT, 0xffff, CODE_AT >> 4, 0xf3 };
	if (row->mode == V86)
		return (struct descry_segment){ (uint64_t)paragraph << 4, 0xffff, paragraph, 0xf3 };
	if (sreg == DESCRY_CS)
		return (struct descry_segment){ 0, 0xfffe, row->mode == RING3 ? 0x1f : 0x0c,
						(uint16_t)(0x9b | dpl) };
	if (sreg == DESCRY_SS)
		return (struct descry_segment){ 0, 0xfffc, row->mode == RING3 ? 0x27 : 0x14,
						(uint16_t)(0x93 | dpl) };
	return (struct descry_segment){ 0x100 + sreg, 0xff00 + sreg, (uint16_t)(0x60 + 8 * sreg),
					(uint16_t)(0x93 | dpl) };
}

static void
put_registers(struct machine *m, const struct row *row)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);
	const bool is_mode = row->mode == V86 || row->mode == REAL;

	state->gpr[DESCRY_AX] = is_mode ? 0x1234 : 0;
	state->gpr[DESCRY_CX] = row->event == RUN && row->mode == REAL ? 0x11 : 0x5000;
	state->gpr[DESCRY_DX] = row->code[1] == 0x35 ? HANDLER : row->code[1] == 0x22 ? 0x10 : 0;
	state->gpr[DESCRY_BX] = DATA0;
	state->gpr[DESCRY_SP] = state->gpr[DESCRY_BP] = STACK_AT;
	state->gpr[DESCRY_SI] = NEW_TSS;
	state->gpr[DESCRY_DI] = NEW_LDT;
	state->rip = row->mode == V86 ? 0 : CODE_AT;
	state->rflags = DESCRY_FLAG_ONE;
	if (row->mode != REAL)
		state->cr0 |= DESCRY_CR0_PE;
	if (row->mode == V86)
		state->rflags |= DESCRY_FLAG_VM | DESCRY_FLAG_IOPL;
	state->gdtr = (struct descry_table){ .base = GDT_AT, .limit = sizeof(gdt) - 1 };
	state->idtr =
		(struct descry_table){ .base = row->mode == REAL ? 0 : IDT_AT, .limit = 0x7ff };
	state->sysenter_cs = 0x100;
	state->sysenter_eip = HANDLER;
	state->sysenter_esp = 0x5000;
	state->smbase = SMBASE;
}

static void
prepare(struct machine *m, const struct row *row)
{
	const uint32_t stack =
		STACK_AT + (row->mode == V86 ? (uint32_t)before_of(row, DESCRY_SS).base : 0);

	fill_memory(m);
	memcpy(&m->ram[CODE_AT], row->code, sizeof(row->code));
	memcpy(&m->ram[stack], row->stack, sizeof(row->stack));
	memcpy(&m->ram[SMBASE + 0x8000], "\x0f\xaa", 2); /* RSM */
	if (row->code[0] == 0x0f && row->code[1] == 0x05)
		fill_loadall286(m);
	if (row->code[0] == 0x0f && row->code[1] == 0x07)
		fill_loadall386(m);
	descry_vcpu_reset(m->vcpu);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_segment seg = before_of(row, sreg);

		descry_vcpu_put_segment(m->vcpu, (enum descry_sreg)sreg, &seg,
					DESCRY_CAUSE_VM_ENTRY);
	}
	put_registers(m, row);
	descry_vcpu_state_changed(m->vcpu);
	descry_vcpu_memory_changed(m->vcpu);
}

/* --- what has to be there --------------------------------------------------------------- */

/* XSA-191 (Intel); 80286 Programmer's Reference Manual. */
static struct descry_segment
null_of(const struct descry_profile *profile, struct descry_segment was)
{
	switch ((enum descry_null_load)profile->knob[DESCRY_KNOB_NULL_LOAD]) {
	case DESCRY_NULL_INTEL:
		return (struct descry_segment){ 0, UINT32_MAX, 0, 0xc100 };
	case DESCRY_NULL_KEEP:
		was.sel = 0;
		was.attr |= DESCRY_ATTR_UNUSABLE;
		return was;
	case DESCRY_NULL_AMD_OLD:
		was.sel = 0;
		was.attr = DESCRY_ATTR_UNUSABLE;
		return was;
	case DESCRY_NULL_ZERO:
		break;
	}
	return (struct descry_segment){ .attr = DESCRY_ATTR_UNUSABLE };
}

static struct descry_segment
from_table(uint16_t sel)
{
	struct descry_segment seg = descry_segment_from_descriptor(sel, gdt[sel >> 3]);

	if (sel == NEW_TSS)
		seg.attr |= 2; /* busy */
	return seg;
}

static struct descry_segment
after_reset(const struct descry_profile *profile, unsigned sreg)
{
	const uint32_t entry = profile->knob[DESCRY_KNOB_RESET_ENTRY];
	struct descry_segment seg = { .limit = 0xffff, .attr = 0x93 };

	if (sreg == DESCRY_LDTR)
		seg.attr = 0x82;
	if (sreg == DESCRY_TR)
		seg.attr = (uint16_t)profile->knob[DESCRY_KNOB_RESET_TR_ATTR];
	if (sreg != DESCRY_CS)
		return seg;
	seg.sel = (uint16_t)(entry >> 16);
	seg.base = profile->knob[DESCRY_KNOB_INSN_SET] == DESCRY_INSN_8086  ? 0xffff0
		   : profile->knob[DESCRY_KNOB_INSN_SET] == DESCRY_INSN_286 ? 0xff0000
									    : 0xffff0000;
	seg.attr = (uint16_t)profile->knob[DESCRY_KNOB_RESET_CS_ATTR];
	return seg;
}

static struct descry_segment
in_smm(unsigned sreg)
{
	struct descry_segment seg = { 0, UINT32_MAX, 0, 0x8093 };

	if (sreg == DESCRY_CS) {
		seg.sel = SMBASE >> 4;
		seg.base = SMBASE;
	}
	return seg;
}

static struct descry_segment
expected(const struct row *row, const struct descry_profile *profile, unsigned sreg)
{
	const uint16_t sels[DESCRY_SREG_COUNT] = { row->es, row->cs, row->ss,   row->ds,
						   row->fs, row->gs, row->ldtr, row->tr };
	const uint16_t sel = sels[sreg];
	struct descry_segment seg = before_of(row, sreg);

	switch (row->writes[sreg]) {
	case 'w':
		return from_table(sel);
	case 'n':
		return null_of(profile, seg);
	case 'o': /* Bochs, AMD: no longer usable, and the rest is left alone */
		seg.sel = 0;
		seg.attr |= DESCRY_ATTR_UNUSABLE;
		return seg;
	case 'v':
		return (struct descry_segment){ (uint64_t)sel << 4, 0xffff, sel, 0xf3 };
	case 'f':
		return (struct descry_segment){ 0, UINT32_MAX, sel,
						(uint16_t)((sreg == DESCRY_CS ? 0xc09b : 0xc093) |
							   (sel & 3) << 5) };
	case 'r':
		return after_reset(profile, sreg);
	case 's':
		return in_smm(sreg);
	case 'l':
		return in_loadall(sreg);
	case 'c':
		if (profile->knob[DESCRY_KNOB_REAL_CS_LOAD] == DESCRY_REAL_CS_FIXED) {
			seg.limit = 0xffff;
			seg.attr = 0x93;
		}
		break;
	case 'b':
		break;
	default:
		return seg;
	}
	seg.sel = sel;
	seg.base = (uint64_t)sel << 4;
	return seg;
}

/* --- one cell --------------------------------------------------------------------------- */

/*
 * In SMM the map of the state before is put in place of one that was taken with other segments: all
 * eight have to come from there.
 */
static void
return_to_another(struct machine *m, const struct descry_control *control)
{
	static uint8_t map[0x200];
	uint8_t *save_area = &m->ram[SMBASE + 0xfe00];
	struct descry_exit exit;

	memcpy(&m->ram[SMBASE + 0x8000], "\x90\x0f\xaa", 3);
	descry_vcpu_smi(m->vcpu);
	descry_vcpu_run(m->vcpu, control, &exit);
	memcpy(map, save_area, sizeof(map));
	descry_vcpu_run(m->vcpu, control, &exit);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_segment seg = in_loadall(sreg);

		descry_vcpu_put_segment(m->vcpu, (enum descry_sreg)sreg, &seg,
					DESCRY_CAUSE_VM_ENTRY);
	}
	descry_vcpu_smi(m->vcpu);
	descry_vcpu_run(m->vcpu, control, &exit);
	memcpy(save_area, map, sizeof(map));
	descry_vcpu_memory_changed(m->vcpu);
	descry_vcpu_run(m->vcpu, control, &exit);
}

static void
happen(struct machine *m, const struct row *row)
{
	/* INIT takes no time: the instruction behind it must not run. */
	static const uint64_t entries[] = { 0xfffff0, 0xfffffff0 };
	const struct descry_control control = { .budget = row->event == SMI_AND_RSM ? 2 : 1,
						.breakpoints = entries,
						.breakpoint_count = 2 };
	struct descry_exit exit;

	if (row->event == RESET) {
		descry_vcpu_reset(m->vcpu);
		return;
	}
	if (row->event == RSM_OF_ANOTHER) {
		return_to_another(m, &control);
		return;
	}
	if (row->event == SMI || row->event == SMI_AND_RSM)
		descry_vcpu_smi(m->vcpu);
	if (row->event == SMI)
		memcpy(&m->ram[SMBASE + 0x8000], "\x90\x90", 2);
	if (row->event == INIT)
		descry_vcpu_init(m->vcpu);
	descry_vcpu_run(m->vcpu, &control, &exit);
}

static unsigned
check_row(struct machine *m, const struct row *row)
{
	const struct descry_profile *profile = descry_vcpu_profile(m->vcpu);
	unsigned wrong = 0;

	prepare(m, row);
	happen(m, row);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_segment want = expected(row, profile, sreg);
		const struct descry_segment *is = &descry_vcpu_state(m->vcpu)->seg[sreg];

		if (memcmp(&want, is, sizeof(want)) == 0)
			continue;
		wrong++;
		printf("%s, %s: %s is %04X/%llX/%X/%04X, not %04X/%llX/%X/%04X\n", row->what,
		       profile->name, descry_sreg_name((enum descry_sreg)sreg), is->sel,
		       (unsigned long long)is->base, is->limit, is->attr, want.sel,
		       (unsigned long long)want.base, want.limit, want.attr);
	}
	return wrong;
}

static bool
exists(const struct row *row, uint32_t insn_set)
{
	return row->first <= insn_set && (!row->last || insn_set <= row->last);
}

static struct descry_page
page(void *owner, uint64_t physical, bool for_write)
{
	struct machine *m = owner;

	(void)for_write;
	if (physical >= RAM_SIZE)
		return (struct descry_page){ 0 };
	return (struct descry_page){ .host = &m->ram[physical & ~(uint64_t)0xfff],
				     .writable = true };
}

static uint32_t
port_in(void *owner, uint16_t port, unsigned size)
{
	(void)owner, (void)port, (void)size;
	return 0;
}

static void
port_out(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	(void)owner, (void)port, (void)size, (void)value;
}

int
main(void)
{
	static struct machine m;
	const struct descry_bus bus = {
		.owner = &m, .page = page, .port_in = port_in, .port_out = port_out
	};
	unsigned cells = 0, wrong = 0, profiles = 0;

	for (; descry_profile_at(profiles); profiles++) {
		const struct descry_profile *profile = descry_profile_at(profiles);

		if (descry_vcpu_create(profile, &bus, &m.vcpu) != DESCRY_OK)
			return 2;
		for (unsigned i = 0; i < ROW_COUNT; i++) {
			if (!exists(&rows[i], profile->knob[DESCRY_KNOB_INSN_SET]))
				continue;
			wrong += check_row(&m, &rows[i]);
			cells++;
		}
		descry_vcpu_destroy(m.vcpu);
	}
	printf("matrix: %zu rows, %u profiles, %u pairs that exist, 8 registers each: %u wrong\n",
	       ROW_COUNT, profiles, cells, wrong);
	return wrong ? 1 : 0;
}
