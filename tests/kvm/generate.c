#include "generate.h"

#include "rows.h"

#include <string.h>

/*
 * Rows that are not tried. The flaws are those of KVM's instruction emulator
 * (arch/x86/kvm/emulate.c); the manual's word is SDM vol. 2, the instruction's page.
 */
static const struct left_out left_out[] = {
	/* flaws of the oracle */
	{ "aam", "KVM takes SF ZF PF from AX; the manual says AL" },
	{ "daa", "KVM's emulator does not know DAA and has DAS alone" },
	{ "aaa", "KVM's emulator does not know AAA, AAS" },
	{ "bound", "KVM's emulator does not know BOUND" },
	{ "enter",
	  "KVM knows level 0 alone and pushes by stack size; the manual says operand size" },
	{ "lar lsl", "KVM's emulator does not know them: no #UD with PE=0" },
	{ "verr", "KVM's emulator does not know VERR, VERW: no #UD with PE=0" },
	{ "arpl", "KVM's emulator does not know it: no #UD with PE=0" },
	{ "ud", "KVM gives up where there is no instruction; the manual says #UD" },
	{ "undefined", "the same: UD2 and what is no instruction (0F BA /0-3 too)" },
	/* what a snippet here cannot aim, or the host answers in its own way */
	{ "call jmp", "the target is at random: tests/silicon has it" },
	{ "in out", "leaves KVM_RUN: there is no device" },
	{ "ins outs", "leaves KVM_RUN: there is no device" },
	{ "hlt", "ends the snippet" },
	{ "mov cr", "only in the unreal sequence, where the value is known" },
	{ "lmsw", "only MOV CR0 changes the mode here" },
	{ "mov dr", "breakpoints at random" },
	{ "lgdt", "tables at random" },
	{ "lldt ltr", "tables at random" },
	{ "msr", "the registers of the host's choice" },
	{ "sysexit", "the vendor decides in which modes it exists" },
	{ "invd", "nothing to compare" },
	{ "popf", "TF at random: iret sets the other flags" },
};

/*
 * Flaws that leave a part of their row: INT 80h and up hangs in KVM, and an INT, INT3 or INTO
 * with operand size 32 pushes three double words. SDM vol. 2, INT n, real-address-mode: FLAGS,
 * CS and IP, 16 bits each. A far pointer whose 16-bit offset passes FFFFh goes on behind 64 KiB in
 * KVM; on silicon its second part is at 0. So it has a 32-bit address here.
 */
#define INT_MASK 0x7fu

const struct left_out *
kvm_left_out(size_t index)
{
	return index < sizeof(left_out) / sizeof(left_out[0]) ? &left_out[index] : NULL;
}

static bool
is(const struct row *row, const char *name)
{
	return strcmp(row->name, name) == 0;
}

/* Loads of segments, frames and faults in protected mode are the matrix's and silicon's. */
static bool
is_real_only(const struct row *row)
{
	return row->width == FAR || row->imm == PTR || strstr(row->name, "sreg") ||
	       is(row, "retf") || is(row, "iret") || is(row, "int") || is(row, "int3") ||
	       is(row, "into") || is(row, "lar lsl") || is(row, "verr") || is(row, "arpl") ||
	       is(row, "ud") || is(row, "undefined");
}

static bool
is_interrupt(const struct row *row)
{
	return is(row, "int") || is(row, "int3") || is(row, "into");
}

static bool
fits(const struct kvm_case *test, const struct row *row)
{
	for (size_t i = 0; kvm_left_out(i); i++)
		if (is(row, left_out[i].name))
			return false;
	if (test->protected_mode && is_real_only(row))
		return false;
	if (row->opcode == 0x0fba && !row->undefined)
		return false; /* BT /0 to /3: see "undefined" */
	if ((row->traits & T_LAST) && row->rm != NO_RM)
		return false;
	if (test->name_count && (row->traits & T_FIRST))
		return false;
	return !(row->reads & test->undefined);
}

static const struct row *
choose_row(const struct kvm_case *test, struct random *r)
{
	for (;;) {
		const struct row *row = &rows[random_below(r, (uint32_t)row_count)];

		if (random_below(r, 24) < row->weight && fits(test, row))
			return row;
	}
}

static uint8_t
choose_member(struct random *r, unsigned set)
{
	uint8_t value;

	do
		value = (uint8_t)random_below(r, 8);
	while (!(set & 1u << value));
	return value;
}

static void
put(struct kvm_case *test, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		test->code[test->code_size++] = (uint8_t)(value >> i * 8);
}

/* Any form; a displacement of 32 bits stays small, so that most accesses are allowed. */
static void
put_modrm(struct kvm_case *test, struct random *r, const struct row *row, uint8_t reg, bool a32)
{
	const bool memory = row->rm == MEM || (row->rm == ANY && random_chance(r, 550));
	const uint8_t mod = memory ? (uint8_t)random_below(r, 3) : 3;
	const uint8_t rm = (uint8_t)random_below(r, 8);
	const uint8_t sib = (uint8_t)random_bits(r);
	const bool absolute = mod == 0 && (a32 ? rm == 5 || (rm == 4 && (sib & 7) == 5) : rm == 6);

	put(test, (uint64_t)(mod << 6 | reg << 3 | rm), 1);
	if (!memory)
		return;
	if (a32 && rm == 4)
		put(test, sib, 1);
	if (mod == 1)
		put(test, random_bits(r), 1);
	if (mod == 2 || absolute)
		put(test, random_below(r, 0x10000), a32 ? 4 : 2);
}

static void
put_immediate(struct kvm_case *test, struct random *r, const struct row *row, bool o32, bool a32)
{
	const unsigned vary = o32 ? 4 : 2;

	switch (row->imm) {
	case NO_IMM:
		return;
	case IB:
		put(test,
		    is(row, "shld")  ? random_below(r, 16)
		    : is(row, "int") ? random_bits(r) & INT_MASK
				     : random_bits(r),
		    1);
		return;
	case IW:
		put(test, random_below(r, 0x100), 2);
		return;
	case IZ:
		put(test, random_bits(r), vary);
		return;
	case IW_IB:
		put(test, random_below(r, 0x100), 2);
		put(test, random_below(r, 4), 1);
		return;
	case JB:
	case JZ: /* only at the end: what follows are HLTs */
		put(test, random_below(r, 16), row->imm == JB ? 1 : vary);
		return;
	case MOFFS:
		put(test, random_below(r, 0x10000), a32 ? 4 : 2);
		return;
	case PTR:
		put(test, random_below(r, 0x100), vary);
		put(test, HANDLER_CS, 2);
		return;
	}
}

/* The frame that RET, RETF and IRET find; other rows find it too. */
static void
make_frame(struct kvm_case *test, struct random *r, const struct row *row, bool o32)
{
	const uint32_t flags = (random_bits(r) & 0xcd5u) | 2u;
	const uint32_t frame[3] = { is(row, "ret") ? 0x100 + random_below(r, 0x100)
						   : random_below(r, 0x100),
				    HANDLER_CS, flags };

	for (unsigned i = 0; i < 3; i++)
		memcpy(test->stack + i * (o32 ? 4 : 2), &frame[i], o32 ? 4 : 2);
}

static void
put_prefixes(struct kvm_case *test, struct random *r, const struct row *row, bool o32, bool a32)
{
	static const uint8_t override[] = { 0x26, 0x36, 0x3e, 0x64, 0x65 }; /* not CS */

	if (o32 != test->protected_mode)
		put(test, 0x66, 1);
	if (a32 != test->protected_mode)
		put(test, 0x67, 1);
	if (random_chance(r, 250))
		put(test, override[random_below(r, sizeof(override))], 1);
	if ((row->traits & T_REP) && test->name_count == 0 && random_chance(r, 600)) {
		test->gpr[DESCRY_CX] = random_below(r, 14);
		put(test, random_chance(r, 700) ? 0xf3 : 0xf2, 1);
	}
}

/* One instruction; true when none may follow. */
static bool
put_instruction(struct kvm_case *test, struct random *r)
{
	const struct row *row = choose_row(test, r);
	const bool o32 = (is(row, "bswap") || test->protected_mode != random_chance(r, 250)) &&
			 !(row->traits & (T_O16 | T_O16_REG)) && !is_interrupt(row);
	const bool other_size = random_chance(r, 200);
	const bool a32 = row->width == FAR || test->protected_mode != other_size;
	uint8_t opcode = (uint8_t)(row->opcode | (random_bits(r) & row->vary));

	if (row->ops)
		opcode |= (uint8_t)(choose_member(r, row->ops) << 3);
	if (is(row, "shld"))
		test->gpr[DESCRY_CX] = random_below(r, 16);
	put_prefixes(test, r, row, o32, a32);
	if (row->opcode > 0xff)
		put(test, 0x0f, 1);
	put(test, opcode, 1);
	if (row->reg)
		put_modrm(test, r, row, choose_member(r, row->reg), a32);
	put_immediate(test, r, row, o32, a32);
	if (test->name_count == 0)
		make_frame(test, r, row, o32);
	test->undefined |= row->undefined;
	test->names[test->name_count++] = row->name;
	return row->traits & (T_LAST | T_JUMP);
}

/* Into protected mode, one segment register loaded, and back: its cache stays. */
static void
put_unreal(struct kvm_case *test, struct random *r)
{
	static const uint8_t enter[] = {
		0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0xeb, 0x00
	};
	static const uint8_t leave[] = { 0x24, 0xfe, 0x0f, 0x22, 0xc0, 0xeb, 0x00 };
	static const uint8_t load[] = { 0xc3, 0xd3, 0xdb, 0xe3, 0xeb }; /* es ss ds fs gs, bx */
	const unsigned size = test->code_size;

	memcpy(test->code + size, enter, sizeof(enter));
	test->code_size += sizeof(enter);
	put(test, 0xbb, 1);
	put(test, (1 + random_below(r, GDT_ENTRIES - 1)) * 8, 2);
	put(test, 0x8e, 1);
	put(test, load[random_below(r, sizeof(load))], 1);
	memcpy(test->code + test->code_size, leave, sizeof(leave));
	test->code_size += sizeof(leave);
	test->undefined |= DESCRY_FLAG_AF;
	test->names[test->name_count++] = "unreal";
}

/* Present writable data of ring 0 with any base below 640 KiB, limit, G, D/B and direction. */
static uint64_t
choose_descriptor(struct random *r)
{
	const uint64_t limit = random_chance(r, 400) ? 0xfffff : random_below(r, 0x100000);
	const uint64_t base = FIRST_DATA + random_below(r, 0x9e000);
	const uint64_t access = 0x92 | (random_bits(r) & (random_chance(r, 200) ? 5u : 1u));

	return (limit & 0xffff) | (base & 0xffffff) << 16 | access << 40 | (limit >> 16) << 48 |
	       (uint64_t)(random_bits(r) & 0xd) << 52;
}

static void
choose_segments(struct kvm_case *test, struct random *r)
{
	for (unsigned i = 0; i < DESCRY_DATA_SREG_COUNT; i++) {
		const uint16_t sel = (uint16_t)random_between(r, FIRST_DATA >> 4, 0x9000);
		struct descry_segment *seg = &test->seg[i];

		*seg = (struct descry_segment){ (uint64_t)sel << 4, 0xffff, sel, 0x93 };
		if (i == DESCRY_CS)
			*seg = (struct descry_segment){ CODE, 0xffff, CODE >> 4, 0x9b };
		else if (i != DESCRY_SS && random_chance(r, 200))
			seg->limit = random_below(r, 0x10000);
		else if (i != DESCRY_SS && random_chance(r, 200)) {
			seg->limit = UINT32_MAX;
			seg->attr = 0xc093;
		}
		if (test->protected_mode) {
			seg->attr |= DESCRY_ATTR_DB;
			seg->sel = i == DESCRY_CS ? 8 : 16;
		}
	}
}

void
kvm_generate(struct kvm_case *test, struct random *r)
{
	memset(test, 0, sizeof(*test));
	test->protected_mode = random_chance(r, 250);
	for (unsigned i = 0; i < 8; i++)
		test->gpr[i] = random_bits(r) & (random_chance(r, 700) ? 0xffffu : UINT32_MAX);
	test->gpr[DESCRY_SP] = random_between(r, 0x100, 0xff00);
	if (!test->protected_mode && random_chance(r, 300))
		test->gpr[DESCRY_SP] |= random_bits(r) & 0xffff0000u;
	test->eflags = (random_bits(r) & 0xcd5u) | 2u;
	for (unsigned i = 1; i < GDT_ENTRIES; i++)
		test->gdt[i] = choose_descriptor(r);
	choose_segments(test, r);
	if (!test->protected_mode && random_chance(r, 200))
		put_unreal(test, r);
	for (unsigned left = 1 + random_below(r, 4); left; left--)
		if (put_instruction(test, r))
			break;
}
