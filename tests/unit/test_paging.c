/*
 * Paging: what each combination of bits allows, what a fault says and leaves alone, and what the
 * TLB remembers. The oracle is SDM vol. 3, Paging, and Interrupt 14 - Page-Fault Exception.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "paging_machine.h"

/* --- rights --------------------------------------------------------------------------- */

#define OK (-1)

static const struct {
	const char *what;
	uint32_t pde, pte; /* the low bits */
	bool wp;
	unsigned cpl;
	bool write;
	int error; /* code of the page fault */
	uint32_t pde_after, pte_after;
} rights[] = {
	/* clang-format off */
	{ "ring 0 reads its page",              0x03, 0x03, 0, 0, 0, OK, 0x23, 0x23 },
	{ "ring 0 writes its page",             0x03, 0x03, 0, 0, 1, OK, 0x23, 0x63 },
	{ "a read leaves D as it was",          0x23, 0x63, 0, 0, 0, OK, 0x23, 0x63 },
	{ "no directory entry",                 0x06, 0x07, 0, 0, 0,  0, 0x06, 0x07 },
	{ "no table entry",                     0x07, 0x06, 0, 0, 0,  0, 0x07, 0x06 },
	{ "no page to write to",                0x07, 0x06, 0, 0, 1,  2, 0x07, 0x06 },
	{ "no page, from ring 3",               0x07, 0x06, 0, 3, 1,  6, 0x07, 0x06 },
	{ "ring 0 writes what is read-only",    0x05, 0x05, 0, 0, 1, OK, 0x25, 0x65 },
	{ "not with WP",                        0x07, 0x05, 1, 0, 1,  3, 0x07, 0x05 },
	{ "nor when the directory says so",     0x05, 0x07, 1, 0, 1,  3, 0x05, 0x07 },
	{ "WP lets ring 0 read",                0x05, 0x05, 1, 0, 0, OK, 0x25, 0x25 },
	{ "ring 3 reads a user page",           0x05, 0x05, 0, 3, 0, OK, 0x25, 0x25 },
	{ "ring 3 writes a user page",          0x07, 0x07, 0, 3, 1, OK, 0x27, 0x67 },
	{ "read-only for ring 3, by the table", 0x07, 0x05, 0, 3, 1,  7, 0x07, 0x05 },
	{ "or by the directory",                0x05, 0x07, 0, 3, 1,  7, 0x05, 0x07 },
	{ "a supervisor's page, by the table",  0x07, 0x03, 0, 3, 0,  5, 0x07, 0x03 },
	{ "or by the directory",                0x03, 0x07, 0, 3, 0,  5, 0x03, 0x07 },
	{ "a supervisor's page, written",       0x07, 0x03, 0, 3, 1,  7, 0x07, 0x03 },
	{ "PS means nothing without PSE",       0x87, 0x07, 0, 0, 0, OK, 0xa7, 0x27 },
	{ "ring 1 is a supervisor",             0x03, 0x03, 0, 1, 1, OK, 0x23, 0x63 },
	/* clang-format on */
};

static void
set_wp(struct machine *m, bool wp)
{
	if (wp)
		descry_vcpu_state_mutable(m->vcpu)->cr0 |= DESCRY_CR0_WP;
	descry_vcpu_state_changed(m->vcpu);
	descry_vcpu_flush_tlb(m->vcpu);
}

static void
both_levels_decide(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(rights); i++) {
		struct descry_fault fault;

		print_message("%s\n", rights[i].what);
		BEGIN(m, rights[i].cpl == 3 ? 3 : 0, rights[i].write ? 0xa3 : 0xa1, 0x10, 0x00,
		      0x40, 0x00);
		if (rights[i].cpl == 1) {
			put(m, DESCRY_CS, (struct descry_segment){ 0, UINT32_MAX, 0x09, 0xc0bb });
			put(m, DESCRY_SS, (struct descry_segment){ 0, UINT32_MAX, 0x11, 0xc0b3 });
		}
		set_wp(m, rights[i].wp);
		put32(m, DIRECTORY + 4, HIGH_TABLE | rights[i].pde);
		put32(m, HIGH_TABLE, PAGE | rights[i].pte);
		fault = run_for(m, 1);
		assert_int_equal(fault.vector,
				 rights[i].error == OK ? DESCRY_VEC_NONE : DESCRY_VEC_PF);
		assert_int_equal(get32(m, DIRECTORY + 4), HIGH_TABLE | rights[i].pde_after);
		assert_int_equal(get32(m, HIGH_TABLE), PAGE | rights[i].pte_after);
		if (rights[i].error == OK)
			continue;
		assert_int_equal(fault.error_code, rights[i].error);
		assert_int_equal(cpu(m)->cr2, TESTED + 0x10);
		assert_int_equal(cpu(m)->rip, HANDLER);
	}
}

/* --- large pages, PAE ----------------------------------------------------------------- */

static void
set_cr4(struct machine *m, uint32_t cr4, uint32_t cr3)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	state->cr4 = cr4;
	state->cr3 = cr3;
	descry_vcpu_state_changed(m->vcpu);
	descry_vcpu_flush_tlb(m->vcpu);
}

static const struct {
	const char *what;
	uint32_t pde;
	int error;
	uint32_t after;
} large[] = {
	{ "4 MiB at 0", 0x087, OK, 0x0e7 },
	{ "a reserved bit", 0x1087, 0x0b, 0x1087 },
	{ "another one", 0x200087, 0x0b, 0x200087 },
	{ "not present: reserved bits are free", 0x1086, 0x02, 0x1086 },
};

static void
a_large_page_has_no_table(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(large); i++) {
		struct descry_fault fault;

		print_message("%s\n", large[i].what);
		BEGIN(m, 0, 0xa3, 0x10, 0xc0, 0x40, 0x00); /* mov [40C010], eax */
		set_cr4(m, DESCRY_CR4_PSE, DIRECTORY);
		put32(m, DIRECTORY + 4, large[i].pde);
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_AX] = 0x12345678;
		fault = run_for(m, 1);
		assert_int_equal(get32(m, DIRECTORY + 4), large[i].after);
		assert_int_equal(fault.vector,
				 large[i].error == OK ? DESCRY_VEC_NONE : DESCRY_VEC_PF);
		if (large[i].error == OK)
			assert_int_equal(get32(m, PAGE + 0x10), 0x12345678);
		else
			assert_int_equal(fault.error_code, large[i].error);
	}
}

static const struct {
	const char *what;
	uint64_t pde, pte;
	bool large;
	int error;
	uint64_t pde_after, pte_after;
} pae[] = {
	/* clang-format off */
	{ "4 KiB",                    0x07, 0x07,                 0, OK, 0x27, 0x67 },
	{ "beyond 36 bits",           0x07, 0x0000001000000007,   0, 0x0b, 0x07, 0x0000001000000007 },
	{ "no execute-disable here",  0x07, 0x8000000000000007,   0, 0x0b, 0x07, 0x8000000000000007 },
	{ "not there",                0x07, 0x06,                 0, 0x02, 0x07, 0x06 },
	{ "2 MiB, and without PSE",   0x87, 0x00,                 1, OK, 0xe7, 0x00 },
	{ "2 MiB, a reserved bit",    0x2087, 0x00,               1, 0x0b, 0x2087, 0x00 },
	/* clang-format on */
};

/* The directory of the first GiB maps the low 2 MiB to itself with one large page. */
static void
begin_pae(struct machine *m, uint64_t pde, uint64_t pte)
{
	const uint64_t pointer = PAE_DIRECTORY | 1, low = 0x87;

	BEGIN(m, 0, 0xa3, 0x10, 0xc0, 0x40, 0x00);
	memcpy(&m->ram[POINTERS], &pointer, 8);
	memcpy(&m->ram[PAE_DIRECTORY], &low, 8);
	memcpy(&m->ram[PAE_DIRECTORY + 16], &pde, 8); /* linear 4 MiB */
	memcpy(&m->ram[HIGH_TABLE + 12 * 8], &pte, 8);
	set_cr4(m, DESCRY_CR4_PAE, POINTERS);
}

static void
pae_has_three_levels(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(pae); i++) {
		const uint64_t table = pae[i].large ? 0 : HIGH_TABLE;
		const uint64_t page = pae[i].large ? 0 : PAGE;
		struct descry_fault fault;
		uint64_t after;

		print_message("%s\n", pae[i].what);
		begin_pae(m, table | pae[i].pde, page | pae[i].pte);
		fault = run_for(m, 1);
		memcpy(&after, &m->ram[PAE_DIRECTORY + 16], 8);
		assert_true(after == (table | pae[i].pde_after));
		memcpy(&after, &m->ram[HIGH_TABLE + 12 * 8], 8);
		assert_true(after == (page | pae[i].pte_after));
		assert_int_equal(fault.vector,
				 pae[i].error == OK ? DESCRY_VEC_NONE : DESCRY_VEC_PF);
		if (pae[i].error != OK)
			assert_int_equal(fault.error_code, pae[i].error);
	}
}

static void
pdptes_are_registers(void **state)
{
	struct machine *m = *state;

	begin_pae(m, HIGH_TABLE | ALL, PAGE | ALL);
	memset(&m->ram[POINTERS], 0, 32); /* nobody looks there before CR3 is written */
	assert_int_equal(run_for(m, 1).vector, DESCRY_VEC_NONE);
}

static void
a_bad_pdpte_refuses_cr3(void **state)
{
	const uint64_t bad = PAE_DIRECTORY | 0x21;
	struct machine *m = *state;

	begin_pae(m, HIGH_TABLE | ALL, PAGE | ALL);
	memcpy(&m->ram[ORIGIN], (const uint8_t[]){ 0x0f, 0x22, 0xd8 }, 3); /* mov cr3, eax */
	memcpy(&m->ram[POINTERS + 0x20], &bad, 8);
	descry_vcpu_memory_changed(m->vcpu);
	descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_AX] = POINTERS + 0x20;
	assert_int_equal(run_for(m, 1).vector, DESCRY_VEC_GP);
	assert_int_equal(cpu(m)->cr3, POINTERS);
}

static const struct {
	const char *what;
	uint32_t flipped; /* of CR0 */
	uint8_t vector;
} rereadings[] = {
	{ "WP says nothing about the tables", DESCRY_CR0_WP, DESCRY_VEC_NONE },
	{ "CD and NW: the PDPTEs are read again", DESCRY_CR0_CD | DESCRY_CR0_NW, DESCRY_VEC_GP },
};

/* SDM vol. 3, PDPTE Registers: which writes of CR0 find a PDPTE that has become a bad one. */
static void
some_writes_of_cr0_read_the_pdptes(void **state)
{
	const uint64_t bad = PAE_DIRECTORY | 0x21;
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(rereadings); i++) {
		print_message("%s\n", rereadings[i].what);
		begin_pae(m, HIGH_TABLE | ALL, PAGE | ALL);
		memcpy(&m->ram[ORIGIN], (const uint8_t[]){ 0x0f, 0x22, 0xc0 },
		       3); /* mov cr0, eax */
		memcpy(&m->ram[POINTERS + 24], &bad, 8);
		descry_vcpu_memory_changed(m->vcpu);
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_AX] =
			cpu(m)->cr0 ^ rereadings[i].flipped;
		assert_int_equal(run_for(m, 1).vector, rereadings[i].vector);
	}
}

/* --- what the TLB remembers ----------------------------------------------------------- */

/* mov eax, [TESTED]; an instruction; mov ebx, [TESTED]: which page did the second read find? */
static const struct {
	const char *what;
	uint8_t between[8], size;
	uint32_t cr4, pte;
	bool stale;
} memories[] = {
	/* clang-format off */
	{ "nobody says that the table has changed", { 0x90 }, 1,                               0,    ALL, true },
	{ "INVLPG",                                 { 0x0f, 0x01, 0x3d, 0x10, 0, 0x40, 0 }, 7, 0,    ALL, false },
	{ "INVLPG of the next page",                { 0x0f, 0x01, 0x3d, 0, 0x10, 0x40, 0 }, 7, 0,    ALL, true },
	{ "CR3 is written",                         { 0x0f, 0x22, 0xd9 }, 3,                   0,    ALL, false },
	{ "CR3, but the page is global",            { 0x0f, 0x22, 0xd9 }, 3,                   0x80, ALL | 0x100, true },
	{ "G counts only with PGE",                 { 0x0f, 0x22, 0xd9 }, 3,                   0,    ALL | 0x100, false },
	{ "INVLPG takes a global page, too",        { 0x0f, 0x01, 0x3d, 0x10, 0, 0x40, 0 }, 7, 0x80, ALL | 0x100, false },
	{ "CR4.PGE is cleared",                     { 0x0f, 0x22, 0xe2 }, 3,                   0x80, ALL | 0x100, false },
	{ "CR4 is written with the same value",     { 0x0f, 0x22, 0xe6 }, 3,                   0x80, ALL | 0x100, true },
	{ "another page of the same slot",          { 0xa1, 0, 0, 0x60, 0 }, 5,               0,    ALL, false },
	/* clang-format on */
};

static void
the_tlb_remembers(void **state)
{
	static const uint8_t read[] = { 0xa1, 0x00, 0x00, 0x40, 0x00 };
	static const uint8_t again[] = { 0x8b, 0x1d, 0x00, 0x00, 0x40, 0x00 };
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(memories); i++) {
		uint8_t code[32];
		struct descry_state *s;

		print_message("%s\n", memories[i].what);
		memset(code, 0x90, sizeof(code));
		memcpy(code, read, sizeof(read));
		memcpy(code + 5, memories[i].between, memories[i].size);
		memcpy(code + 13, again, sizeof(again));
		begin(m, 0, code, sizeof(code));
		put32(m, PAGE, 1);
		put32(m, OTHER_PAGE, 2);
		put32(m, HIGH_TABLE, PAGE | memories[i].pte);
		put32(m, HIGH_TABLE + 0x200 * 4, OTHER_PAGE | ALL); /* 600000h: the same slot */
		set_cr4(m, memories[i].cr4, DIRECTORY);
		s = descry_vcpu_state_mutable(m->vcpu);
		s->gpr[DESCRY_CX] = DIRECTORY;
		s->gpr[DESCRY_DX] = 0;
		s->gpr[DESCRY_SI] = memories[i].cr4;
		run_for(m, 1);
		assert_int_equal(cpu(m)->gpr[DESCRY_AX], 1);
		put32(m, HIGH_TABLE, OTHER_PAGE | memories[i].pte);
		while (cpu(m)->rip < ORIGIN + 13)
			assert_int_equal(run_for(m, 1).vector, DESCRY_VEC_NONE);
		run_for(m, 1);
		assert_int_equal(cpu(m)->gpr[DESCRY_BX], memories[i].stale ? 1 : 2);
	}
}

/* A debugger sees what the guest would, and asking changes nothing. */
static void
a_look_changes_nothing(void **state)
{
	struct machine *m = *state;
	struct descry_state before;
	struct descry_page_walk walk;
	uint64_t physical;

	BEGIN(m, 0, 0x90);
	before = *cpu(m);
	assert_true(descry_vcpu_translate(m->vcpu, TESTED + 0x1234, &physical));
	assert_int_equal(physical, OTHER_PAGE + 0x234);
	descry_vcpu_walk(m->vcpu, TESTED, &walk);
	assert_int_equal(walk.count, 2);
	assert_int_equal(walk.level[1].at, HIGH_TABLE);
	assert_false(descry_vcpu_translate(m->vcpu, 0x00800000, &physical));
	assert_int_equal(get32(m, HIGH_TABLE + 4), OTHER_PAGE | ALL);
	assert_memory_equal(&before, cpu(m), sizeof(before));
}

/* --- faults in the middle leave registers alone --------------------------------------- */

static const struct {
	const char *what;
	uint8_t code[10];
	uint32_t sp, absent; /* the linear page that is not there */
	uint32_t cr2;
	unsigned error;
} middles[] = {
	/* clang-format off */
	{ "a read across pages",     { 0xa1, 0xfe, 0x0f, 0x40 },       0x6f00, 0x401000, 0x401000, 0 },
	{ "a write across pages",    { 0xa3, 0xfe, 0x0f, 0x40 },       0x6f00, 0x401000, 0x401000, 2 },
	{ "the first of both",       { 0xa3, 0xfe, 0x0f, 0x40 },       0x6f00, 0x400000, 0x400ffe, 2 },
	{ "INC across pages",        { 0xff, 0x05, 0xfe, 0x0f, 0x40 }, 0x6f00, 0x401000, 0x401000, 2 },
	{ "PUSH",                    { 0x50 },                            0x401000, 0x400000, 0x400ffc, 2 },
	{ "PUSHA across pages",      { 0x60 },                            0x401010, 0x400000, 0x400ffc, 2 },
	{ "POPA across pages",       { 0x61 },                            0x400ff0, 0x401000, 0x401000, 0 },
	{ "ENTER 32, 0",             { 0xc8, 0x20, 0x00, 0x00 },          0x401010, 0x400000, 0x400fec, 2 },
	{ "CALL",                    { 0xe8, 0, 0, 0 },                0x401000, 0x400000, 0x400ffc, 2 },
	{ "far CALL, second slot",   { 0x9a, 0, 0x7f, 0, 0, 8 },       0x401004, 0x400000, 0x400ffc, 2 },
	{ "far RET, the selector",   { 0xcb },                            0x400ffc, 0x401000, 0x401000, 0 },
	{ "IRET, the flags",         { 0xcf },                            0x400ff8, 0x401000, 0x401000, 0 },
	{ "SGDT across pages",       { 0x0f, 0x01, 0x05, 0xfc, 0x0f, 0x40 }, 0x6f00, 0x401000, 0x401000, 2 },
	{ "LES, the selector",       { 0xc4, 0x05, 0xfc, 0x0f, 0x40 }, 0x6f00, 0x401000, 0x401000, 0 },
	{ "ENTER 0, 1, the frame pointer", { 0xc8, 0, 0, 1 },          0x401004, 0x400000, 0x400ffc, 2 },
	{ "LGDT, the base",          { 0x0f, 0x01, 0x15, 0xfe, 0x0f, 0x40 }, 0x6f00, 0x401000, 0x401000, 0 },
	{ "CMP with memory and JZ",  { 0x3b, 0x05, 0, 0, 0x40, 0, 0x74, 0 }, 0x6f00, 0x400000, 0x400000, 0 },
	{ "CMP of memory and JZ",    { 0x39, 0x05, 0, 0, 0x40, 0, 0x74, 0 }, 0x6f00, 0x400000, 0x400000, 0 },
	{ "CMP with a number, JZ",   { 0x83, 0x3d, 0, 0, 0x40, 0, 1, 0x74, 0 }, 0x6f00, 0x400000, 0x400000, 0 },
	{ "INT n, its gate, and at last that of #DF", { 0xcd, 0x10 },     0x6f00, IDT, IDT + 0x40, 0 },
	/* clang-format on */
};

static void
expect_registers(const struct machine *m, const struct descry_state *before)
{
	for (unsigned reg = 0; reg < 8; reg++)
		if (reg != DESCRY_SP)
			assert_int_equal(cpu(m)->gpr[reg], before->gpr[reg]);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		if (sreg != DESCRY_CS)
			assert_memory_equal(&cpu(m)->seg[sreg], &before->seg[sreg], 16);
}

static void
a_fault_in_the_middle_leaves_registers(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(middles); i++) {
		/* Room for a whole block: a CMP and its jump are one. */
		const struct descry_control control = {
			.budget = 16, .events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT)
		};
		struct descry_state before;
		struct descry_exit exit;

		print_message("%s\n", middles[i].what);
		begin(m, 0, middles[i].code, sizeof(middles[i].code));
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_SP] = middles[i].sp;
		for (unsigned reg = 0; reg < 8; reg++)
			if (reg != DESCRY_SP)
				descry_vcpu_state_mutable(m->vcpu)->gpr[reg] = 0x1000 + reg;
		remove_page(m, middles[i].absent);
		before = *cpu(m);
		descry_vcpu_run(m->vcpu, &control, &exit);
		assert_int_equal(descry_vcpu_event(m->vcpu, 0)->fault.vector, DESCRY_VEC_PF);
		assert_int_equal(descry_vcpu_event(m->vcpu, 0)->fault.error_code, middles[i].error);
		assert_int_equal(cpu(m)->cr2, middles[i].cr2);
		expect_registers(m, &before);
	}
}

/*
 * SDM vol. 3, Interrupt 14 - Page-Fault Exception: the address of a page fault met while another
 * is delivered replaces that of the first, though what follows is a double fault.
 */
static void
the_second_page_fault_has_cr2(void **state)
{
	const uint32_t idt = 0xafb0; /* vector 8 in this page, vector 14 in the next one */
	struct machine *m = *state;

	BEGIN(m, 0, 0xa1, 0x00, 0x50, 0x40, 0x00); /* mov eax, [TESTED + 5000h] */
	put32(m, idt + 8 * 8, 0x00080000 | HANDLER);
	put32(m, idt + 8 * 8 + 4, 0x00008e00);
	descry_vcpu_state_mutable(m->vcpu)->idtr.base = idt;
	remove_page(m, 0xb000);
	assert_int_equal(run_for(m, 1).vector, DESCRY_VEC_PF);
	assert_int_equal(cpu(m)->rip, HANDLER);
	assert_int_equal(descry_vcpu_event_count(m->vcpu), 2);
	assert_int_equal(descry_vcpu_event(m->vcpu, 1)->fault.vector, DESCRY_VEC_DF);
	assert_int_equal(cpu(m)->cr2, idt + 14 * 8);
}

/* The registers stand at the iteration that faults, and the first one has been done. */
static void
a_repeat_faults_between_iterations(void **state)
{
	struct machine *m = *state;
	struct descry_state *s;

	BEGIN(m, 0, 0xf3, 0xab); /* rep stosd */
	s = descry_vcpu_state_mutable(m->vcpu);
	s->gpr[DESCRY_CX] = 5;
	s->gpr[DESCRY_DI] = TESTED + 0xff8;
	s->gpr[DESCRY_AX] = 0x55555555;
	remove_page(m, TESTED + 0x1000);
	assert_int_equal(run_for(m, 3).vector, DESCRY_VEC_PF);
	assert_int_equal(cpu(m)->cr2, TESTED + 0x1000);
	assert_int_equal(cpu(m)->gpr[DESCRY_CX], 3);
	assert_int_equal(cpu(m)->gpr[DESCRY_DI], TESTED + 0x1000);
	assert_int_equal(get32(m, 0x6f00 - 12), ORIGIN); /* of the handler's frame: EIP */
}

/* --- tables that are pages, too ------------------------------------------------------- */

/* Reads of descriptors are the supervisor's, in ring 3 as well; marks need a writable page. */
static const struct {
	const char *what;
	unsigned cpl;
	uint8_t sel;
	bool wp;
	uint32_t pte; /* of the page with the GDT */
	int error;
	uint16_t ds;
} loads[] = {
	{ "ring 3 loads from a supervisor's GDT", 3, 0x43, true, 0x03, OK, 0x43 },
	{ "an accessed descriptor may be read-only", 0, 0x10, true, 0x01, OK, 0x10 },
	{ "one to be marked may not", 0, 0x50, true, 0x01, 0x03, 0x10 },
	{ "but without WP", 0, 0x50, false, 0x01, OK, 0x50 },
	{ "a GDT that is not there", 0, 0x50, false, 0x00, 0x00, 0x10 },
};

static void
descriptors_are_the_supervisors(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(loads); i++) {
		const struct descry_control control = {
			.budget = 1, .events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT)
		};
		struct descry_exit exit;

		print_message("%s\n", loads[i].what);
		BEGIN(m, loads[i].cpl, 0x8e, 0xd8); /* mov ds, ax */
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_AX] = loads[i].sel;
		set_wp(m, loads[i].wp);
		put32(m, LOW_TABLE + 4, GDT | loads[i].pte);
		descry_vcpu_run(m->vcpu, &control, &exit);
		assert_int_equal(cpu(m)->seg[DESCRY_DS].sel, loads[i].ds);
		if (loads[i].error == OK) {
			assert_int_equal(descry_vcpu_event_count(m->vcpu), 0);
			continue;
		}
		assert_int_equal(descry_vcpu_event(m->vcpu, 0)->fault.vector, DESCRY_VEC_PF);
		assert_int_equal(descry_vcpu_event(m->vcpu, 0)->fault.error_code, loads[i].error);
	}
}

/* --- code ----------------------------------------------------------------------------- */

/* The second page is asked for only when the instruction needs it. */
static void
code_across_pages(void **state)
{
	struct machine *m = *state;

	BEGIN(m, 0, 0x90);
	memset(&m->ram[PAGE + 0xffe], 0x90, 2);
	descry_vcpu_state_mutable(m->vcpu)->rip = TESTED + 0xffe;
	remove_page(m, TESTED + 0x1000);
	assert_int_equal(run_for(m, 2).vector, DESCRY_VEC_NONE);
	assert_int_equal(cpu(m)->rip, TESTED + 0x1000);

	BEGIN(m, 0, 0x90);
	m->ram[PAGE + 0xfff] = 0xb8; /* mov eax, imm32 */
	descry_vcpu_state_mutable(m->vcpu)->rip = TESTED + 0xfff;
	remove_page(m, TESTED + 0x1000);
	assert_int_equal(run_for(m, 1).vector, DESCRY_VEC_PF);
	assert_int_equal(cpu(m)->cr2, TESTED + 0x1000);
}

/* The code that runs is that of the old page until somebody says INVLPG. */
static void
code_is_stale_too(void **state)
{
	struct machine *m = *state;

	BEGIN(m, 0, 0x90);
	m->ram[PAGE] = 0x40;     /* inc eax */
	m->ram[PAGE + 1] = 0xeb; /* jmp back */
	m->ram[PAGE + 2] = 0xfd;
	memcpy(&m->ram[OTHER_PAGE], &m->ram[PAGE], 3);
	m->ram[OTHER_PAGE] = 0x43; /* inc ebx */
	descry_vcpu_memory_changed(m->vcpu);
	descry_vcpu_state_mutable(m->vcpu)->rip = TESTED;
	run_for(m, 20);
	assert_int_equal(cpu(m)->gpr[DESCRY_AX], 10);
	put32(m, HIGH_TABLE, OTHER_PAGE | ALL);
	run_for(m, 20);
	assert_int_equal(cpu(m)->gpr[DESCRY_AX], 20);
	descry_vcpu_flush_tlb(m->vcpu);
	run_for(m, 20);
	assert_int_equal(cpu(m)->gpr[DESCRY_AX], 20);
	assert_int_equal(cpu(m)->gpr[DESCRY_BX], 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_levels_decide),
		cmocka_unit_test(a_large_page_has_no_table),
		cmocka_unit_test(pae_has_three_levels),
		cmocka_unit_test(pdptes_are_registers),
		cmocka_unit_test(a_bad_pdpte_refuses_cr3),
		cmocka_unit_test(some_writes_of_cr0_read_the_pdptes),
		cmocka_unit_test(the_tlb_remembers),
		cmocka_unit_test(a_look_changes_nothing),
		cmocka_unit_test(a_fault_in_the_middle_leaves_registers),
		cmocka_unit_test(the_second_page_fault_has_cr2),
		cmocka_unit_test(a_repeat_faults_between_iterations),
		cmocka_unit_test(descriptors_are_the_supervisors),
		cmocka_unit_test(code_across_pages),
		cmocka_unit_test(code_is_stale_too),
	};

	return cmocka_run_group_tests(tests, open_machine, close_machine);
}
