/*
 * Page faults and refusals at places that few programs come to: tables of the V86 monitor, the
 * stack of an outer ring, PDPTEs, and what a TLB entry of a large page is worth. The oracle is SDM
 * vol. 2 (the instruction) and vol. 3, Paging; 8086 Virtual Machine Extensions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "paging_machine.h"

#define GP DESCRY_VEC_GP
#define PF DESCRY_VEC_PF
#define UD DESCRY_VEC_UD
#define NONE DESCRY_VEC_NONE

/* --- back to an outer ring ------------------------------------------------------------ */

static const struct { /* code, frame and its place in; fault out */
	const char *what;
	uint8_t code;
	uint32_t sp, frame[5];
	unsigned vector, error_code;
} returns[] = {
	/* clang-format off */
	{ "RETF, its outer ESP is not there", 0xcb, TESTED + 0xff8, { ORIGIN, 0x4b },                  PF, 0 },
	{ "RETF, its outer SS is not there",  0xcb, TESTED + 0xff4, { ORIGIN, 0x4b, 0x6000 },          PF, 0 },
	{ "IRET, its outer ESP is not there", 0xcf, TESTED + 0xff4, { ORIGIN, 0x4b, 2 },               PF, 0 },
	{ "RETF, a null SS",                  0xcb, TESTED + 0xf00, { ORIGIN, 0x4b, 0x6000, 0 },       GP, 0 },
	{ "RETF, a null SS with RPL 3",       0xcb, TESTED + 0xf00, { ORIGIN, 0x4b, 0x6000, 3 },       GP, 0 },
	{ "IRET, a null SS",                  0xcf, TESTED + 0xf00, { ORIGIN, 0x4b, 2, 0x6000, 0 },    GP, 0 },
	{ "RETF that arrives",                0xcb, TESTED + 0xf00, { ORIGIN, 0x4b, 0x6000, 0x43 },    NONE, 0 },
	{ "IRET that arrives",                0xcf, TESTED + 0xf00, { ORIGIN, 0x4b, 2, 0x6000, 0x43 }, NONE, 0 },
	/* clang-format on */
};

static void
an_outer_stack_is_read_before_anything_changes(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(returns); i++) {
		const uint32_t at = PAGE + (returns[i].sp & 0xfff), room = PAGE + 0x1000 - at;
		struct descry_fault fault;

		print_message("%s\n", returns[i].what);
		begin(m, 0, &returns[i].code, 1);
		memcpy(&m->ram[at], returns[i].frame,
		       room < sizeof(returns[i].frame) ? room : sizeof(returns[i].frame));
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_SP] = returns[i].sp;
		remove_page(m, TESTED + 0x1000);
		fault = run_for(m, 1);
		assert_int_equal(fault.vector, returns[i].vector);
		if (fault.vector == NONE) {
			assert_int_equal(cpu(m)->gpr[DESCRY_SP], 0x6000);
			assert_int_equal(cpu(m)->seg[DESCRY_SS].sel, 0x43);
			continue;
		}
		assert_int_equal(fault.error_code, returns[i].error_code);
		assert_int_equal(cpu(m)->seg[DESCRY_SS].sel, 0x10);
		assert_int_equal(cpu(m)->seg[DESCRY_CS].sel, 0x08);
		if (fault.vector == PF)
			assert_int_equal(cpu(m)->cr2, TESTED + 0x1000);
	}
}

/* --- virtual-8086 mode: the tables in the TSS ----------------------------------------- */

static const struct { /* code, the TSS and the page that is not there in; CR2 out */
	const char *what;
	uint8_t code[2];
	uint32_t tss;
	uint16_t io_base;
	uint32_t absent, cr2;
} tables[] = {
	/* clang-format off */
	{ "INT n, the base of the I/O map",   { 0xcd, 0x10 }, TESTED + 0xf9a, 0,     TESTED + 0x1000, TESTED + 0x1000 },
	{ "INT n, the redirection bitmap",    { 0xcd, 0x10 }, TESTED + 0xf00, 0x120, TESTED + 0x1000, TESTED + 0x1002 },
	{ "INT n redirected, its vector",     { 0xcd, 0x10 }, TESTED + 0xe00, 0x120, 0,               0x40 },
	{ "INT n redirected, its stack",      { 0xcd, 0x10 }, TESTED + 0xe00, 0x120, 0x6000,          0x6ffe },
	{ "IN, the base of the I/O map",      { 0xe4, 0x10 }, TESTED + 0xf9a, 0,     TESTED + 0x1000, TESTED + 0x1000 },
	{ "IN, the I/O map",                  { 0xe4, 0x10 }, TESTED + 0xf00, 0x100, TESTED + 0x1000, TESTED + 0x1002 },
	/* clang-format on */
};

static void
put_v86(struct machine *m, uint32_t tss, uint16_t io_base)
{
	struct descry_state *s = descry_vcpu_state_mutable(m->vcpu);
	const uint32_t at = PAGE + (tss & 0xfff);

	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		put(m, (enum descry_sreg)sreg,
		    (struct descry_segment){ 0x6000, 0xffff, 0x600, DESCRY_ATTR_V86 });
	put(m, DESCRY_CS, (struct descry_segment){ 0x7000, 0xffff, 0x700, DESCRY_ATTR_V86 });
	put(m, DESCRY_TR, (struct descry_segment){ tss, 0x1ff, 0x30, 0x8b });
	put32(m, at + 4, 0x6000);
	put32(m, at + 8, 0x10);
	if ((tss & 0xfff) + 0x68 <= 0x1000)
		memcpy(&m->ram[at + 0x66], &io_base, sizeof(io_base));
	s->rflags = DESCRY_FLAG_VM | DESCRY_FLAG_ONE;
	s->cr4 = DESCRY_CR4_VME;
	s->rip = ORIGIN - 0x7000;
	s->gpr[DESCRY_SP] = 0x1000;
	descry_vcpu_state_changed(m->vcpu);
}

static void
what_v86_reads_may_be_absent(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(tables); i++) {
		print_message("%s\n", tables[i].what);
		begin(m, 0, tables[i].code, sizeof(tables[i].code));
		put_v86(m, tables[i].tss, tables[i].io_base);
		remove_page(m, tables[i].absent);
		assert_int_equal(run_for(m, 1).vector, PF);
		assert_int_equal(cpu(m)->cr2, tables[i].cr2);
		assert_int_equal(cpu(m)->seg[DESCRY_CS].sel, 0x08);
		assert_int_equal(get32(m, 0x6000 - 36), ORIGIN - 0x7000); /* IP in the frame */
	}
}

/* --- what would refuse an access ------------------------------------------------------ */

#define READ DESCRY_READ
#define WRITE DESCRY_WRITE
#define FETCH DESCRY_FETCH

static const struct { /* CPL, CR0.WP, entry of the tested page, access in; error code, rule out */
	const char *what;
	unsigned cpl;
	bool wp;
	uint32_t entry;
	enum descry_access access;
	unsigned error_code;
	const char *why;
} rights[] = {
	/* clang-format off */
	{ "ring 3 reads its page",             3, false, ALL, READ,  0, NULL },
	{ "ring 3 writes its page",            3, false, ALL, WRITE, 0, NULL },
	{ "ring 3 reads what is not there",    3, false, 6,   READ,  4, "no page: P is clear" },
	{ "ring 0 writes what is not there",   0, false, 6,   WRITE, 2, "no page: P is clear" },
	{ "ring 3 reads the supervisor's",     3, false, 3,   READ,  5, "a page of the supervisor: U/S is clear" },
	{ "ring 3 fetches from there",         3, false, 3,   FETCH, 5, "a page of the supervisor: U/S is clear" },
	{ "ring 3 writes a read-only page",    3, false, 5,   WRITE, 7, "a read-only page: R/W is clear" },
	{ "ring 0 does so without WP",         0, false, 5,   WRITE, 0, NULL },
	{ "and with it",                       0, true,  5,   WRITE, 3, "a read-only page: R/W is clear and CR0.WP set" },
	{ "ring 0 reads it",                   0, true,  5,   READ,  0, NULL },
	/* clang-format on */
};

static void
expect_verdict(struct machine *m, uint32_t offset, enum descry_access access, unsigned vector,
	       unsigned error_code, const char *why)
{
	const enum descry_sreg sreg = access == FETCH ? DESCRY_CS : DESCRY_DS;
	const struct descry_access_verdict verdict =
		descry_vcpu_check_access(m->vcpu, sreg, offset, 4, access);

	assert_int_equal(verdict.fault.vector, vector);
	if (!why) {
		assert_null(verdict.why);
		return;
	}
	assert_string_equal(verdict.why, why);
	assert_int_equal(verdict.fault.error_code, error_code);
}

static void
a_verdict_names_the_rule_of_the_page(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(rights); i++) {
		struct descry_state before;

		print_message("%s\n", rights[i].what);
		BEGIN(m, rights[i].cpl, 0x90);
		put32(m, HIGH_TABLE, PAGE | rights[i].entry);
		if (rights[i].wp)
			descry_vcpu_state_mutable(m->vcpu)->cr0 |= DESCRY_CR0_WP;
		before = *cpu(m);
		expect_verdict(m, TESTED, rights[i].access, rights[i].why ? PF : NONE,
			       rights[i].error_code, rights[i].why);
		assert_memory_equal(&before, cpu(m), sizeof(before)); /* the TLB, too */
	}
}

/* The segment comes first, an entry of the TLB before the tables, and both pages are asked. */
static void
it_says_what_the_access_would_meet(void **state)
{
	struct machine *m = *state;

	BEGIN(m, 0, 0xa1, 0x00, 0x00, 0x40, 0x00); /* mov eax, [TESTED] */
	assert_int_equal(run_for(m, 1).vector, NONE);
	remove_page(m, TESTED);
	expect_verdict(m, TESTED, READ, NONE, 0, NULL); /* stale */
	descry_vcpu_flush_tlb(m->vcpu);
	expect_verdict(m, TESTED, READ, PF, 0, "no page: P is clear");

	BEGIN(m, 0, 0x90);
	remove_page(m, TESTED + 0x1000);
	expect_verdict(m, TESTED + 0xffc, READ, NONE, 0, NULL);
	expect_verdict(m, TESTED + 0xffe, READ, PF, 0, "no page: P is clear");
	put(m, DESCRY_DS, (struct descry_segment){ 0, 0xffff, 0x10, 0x93 });
	expect_verdict(m, TESTED + 0xffe, READ, GP, 0, "beyond the limit");

	BEGIN(m, 0, 0x90);
	put32(m, DIRECTORY + 4, 0x00410087);
	descry_vcpu_state_mutable(m->vcpu)->cr4 = DESCRY_CR4_PSE;
	expect_verdict(m, TESTED, READ, PF, 9, "reserved bits are set in the page tables");
}

/* --- control registers ---------------------------------------------------------------- */

/* SDM vol. 3, PDPTE Registers: reserved bits refuse the write that would load them. */
static void
bad_pdptes_refuse_the_register_that_loads_them(void **state)
{
	struct machine *m = *state;
	struct descry_state *s;

	BEGIN(m, 0, 0x0f, 0x22, 0xe0); /* mov cr4, eax */
	s = descry_vcpu_state_mutable(m->vcpu);
	s->gpr[DESCRY_AX] = DESCRY_CR4_PAE; /* R/W and U/S of its entries are reserved then */
	assert_int_equal(run_for(m, 1).vector, GP);
	assert_int_equal(cpu(m)->cr4, 0);

	BEGIN(m, 0, 0x0f, 0x22, 0xc0); /* mov cr0, eax */
	put32(m, POINTERS, PAE_DIRECTORY | 3);
	s = descry_vcpu_state_mutable(m->vcpu);
	s->cr0 &= ~(uint64_t)DESCRY_CR0_PG;
	s->cr3 = POINTERS;
	s->cr4 = DESCRY_CR4_PAE;
	s->gpr[DESCRY_AX] = (uint32_t)s->cr0 | DESCRY_CR0_PG;
	descry_vcpu_state_changed(m->vcpu);
	assert_int_equal(run_for(m, 1).vector, GP);
	assert_int_equal(cpu(m)->cr0 & DESCRY_CR0_PG, 0);
}

/* A state that is put in place whole keeps the PDPTEs that it came with. */
static void
bad_pdptes_of_a_state_change_nothing(void **state)
{
	struct machine *m = *state;
	struct descry_state *s;

	BEGIN(m, 0, 0x90);
	put32(m, POINTERS, PAE_DIRECTORY | 3);
	s = descry_vcpu_state_mutable(m->vcpu);
	s->cr3 = POINTERS;
	s->cr4 = DESCRY_CR4_PAE;
	s->pdpte[0] = PAE_DIRECTORY | DESCRY_PTE_P;
	descry_vcpu_state_changed(m->vcpu);
	descry_vcpu_flush_tlb(m->vcpu);
	assert_int_equal(cpu(m)->pdpte[0], PAE_DIRECTORY | DESCRY_PTE_P);
	put32(m, POINTERS, LOW_TABLE | DESCRY_PTE_P);
	descry_vcpu_flush_tlb(m->vcpu);
	assert_int_equal(cpu(m)->pdpte[0], LOW_TABLE | DESCRY_PTE_P);
}

static const struct {
	const char *what;
	uint8_t code[4];
	unsigned cpl, vector;
} refused[] = {
	{ "INVLPG in ring 3", { 0x0f, 0x01, 0x38 }, 3, GP },
	{ "INVLPG in ring 0", { 0x0f, 0x01, 0x38 }, 0, NONE },
	{ "no test registers from a Pentium on", { 0x0f, 0x26, 0xf0 }, 0, UD },
	{ "nor in ring 3", { 0x0f, 0x24, 0xf0 }, 3, UD },
};

static void
system_instructions_are_refused(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(refused); i++) {
		print_message("%s\n", refused[i].what);
		begin(m, refused[i].cpl, refused[i].code, sizeof(refused[i].code));
		assert_int_equal(run_for(m, 1).vector, refused[i].vector);
	}
}

/* --- INVLPG --------------------------------------------------------------------------- */

/* SDM vol. 3, Operations that Invalidate TLBs: any address in a large page drops all of it. */
static void
invlpg_drops_a_large_page_whole(void **state)
{
	struct machine *m = *state;

	/* mov eax, [40C010]; invlpg [400000]; mov eax, [40C010]: itself in the large page */
	BEGIN(m, 0, 0xa1, 0x10, 0xc0, 0x40, 0, 0x0f, 0x01, 0x3d, 0, 0, 0x40, 0, 0xa1, 0x10, 0xc0,
	      0x40, 0);
	put32(m, PAGE + 0x10, 0x11111111);
	put32(m, OTHER_PAGE + 0x10, 0x22222222);
	put32(m, HIGH_TABLE + 7 * 4, 0x7000 | ALL);
	put32(m, HIGH_TABLE + 12 * 4, OTHER_PAGE | ALL);
	put32(m, DIRECTORY + 4, 0x87);
	descry_vcpu_state_mutable(m->vcpu)->cr4 = DESCRY_CR4_PSE;
	descry_vcpu_state_mutable(m->vcpu)->rip = TESTED + ORIGIN;
	descry_vcpu_state_changed(m->vcpu);
	assert_int_equal(run_for(m, 1).vector, NONE);
	assert_int_equal(cpu(m)->gpr[DESCRY_AX], 0x11111111);
	put32(m, DIRECTORY + 4, HIGH_TABLE | ALL);
	assert_int_equal(run_for(m, 2).vector, NONE);
	assert_int_equal(cpu(m)->gpr[DESCRY_AX], 0x22222222);
}

static void
invlpg_drops_the_page_that_runs(void **state)
{
	static const uint8_t loop[] = { 0x40, 0x0f, 0x01, 0x3d, 0, 0, 0x40, 0, 0xeb, 0xf6 };
	struct machine *m = *state;

	BEGIN(m, 0, 0x90);
	memcpy(&m->ram[PAGE], loop, sizeof(loop)); /* inc eax; invlpg [400000]; jmp back */
	memcpy(&m->ram[OTHER_PAGE], loop, sizeof(loop));
	m->ram[OTHER_PAGE] = 0x43; /* inc ebx */
	descry_vcpu_memory_changed(m->vcpu);
	descry_vcpu_state_mutable(m->vcpu)->rip = TESTED;
	run_for(m, 4);
	assert_int_equal(cpu(m)->gpr[DESCRY_AX], 2);
	put32(m, HIGH_TABLE, OTHER_PAGE | ALL);
	run_for(m, 5);
	assert_int_equal(cpu(m)->gpr[DESCRY_AX], 2);
	assert_int_equal(cpu(m)->gpr[DESCRY_BX], 1);
}

/* --- LAR, LSL ------------------------------------------------------------------------- */

/* SDM vol. 2, LAR and LSL: which system descriptors have an answer. */
static void
system_descriptors_that_answer(void **state)
{
	const unsigned lar = 0x1a3e, lsl = 0x0a0e; /* a bit for each type */
	struct machine *m = *state;

	for (unsigned type = 0; type < 32; type++) {
		const bool is_lsl = type >= 16;
		const bool answers = (is_lsl ? lsl : lar) >> (type & 15) & 1;

		print_message("%s of type %u\n", is_lsl ? "LSL" : "LAR", type & 15);
		BEGIN(m, 0, 0x0f, is_lsl ? 0x03 : 0x02, 0xc3); /* eax, ebx */
		put32(m, GDT + 0x28, 0x20000067);
		put32(m, GDT + 0x2c, 0x00008000 | (type & 15) << 8);
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_BX] = 0x28;
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_AX] = 0x55;
		assert_int_equal(run_for(m, 1).vector, NONE);
		assert_int_equal(cpu(m)->rflags & DESCRY_FLAG_ZF, answers ? DESCRY_FLAG_ZF : 0);
		assert_int_equal(cpu(m)->gpr[DESCRY_AX], !answers ? 0x55
							 : is_lsl ? 0x67
								  : 0x8000 | (type & 15) << 8);
	}
}

static void
a_question_may_fault(void **state)
{
	struct machine *m = *state;

	BEGIN(m, 0, 0x0f, 0x02, 0xc3); /* lar eax, ebx */
	descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_BX] = 0x0c;
	put(m, DESCRY_LDTR, (struct descry_segment){ TESTED + 0x1000, 0xf, 0x38, 0x82 });
	remove_page(m, TESTED + 0x1000);
	assert_int_equal(run_for(m, 1).vector, PF);
	assert_int_equal(cpu(m)->cr2, TESTED + 0x1008);
}

/* --- MSRs ----------------------------------------------------------------------------- */

static void
a_written_msr_is_read_back(void **state)
{
	struct machine *m = *state;
	struct descry_state *s;

	BEGIN(m, 0, 0x0f, 0x30, 0x31, 0xc0, 0x0f, 0x32); /* wrmsr; xor eax, eax; rdmsr */
	s = descry_vcpu_state_mutable(m->vcpu);
	s->gpr[DESCRY_CX] = 0x175;
	s->gpr[DESCRY_AX] = 0x12345678;
	assert_int_equal(run_for(m, 3).vector, NONE);
	assert_int_equal(cpu(m)->sysenter_esp, 0x12345678);
	assert_int_equal(cpu(m)->gpr[DESCRY_AX], 0x12345678);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_outer_stack_is_read_before_anything_changes),
		cmocka_unit_test(what_v86_reads_may_be_absent),
		cmocka_unit_test(a_verdict_names_the_rule_of_the_page),
		cmocka_unit_test(it_says_what_the_access_would_meet),
		cmocka_unit_test(bad_pdptes_refuse_the_register_that_loads_them),
		cmocka_unit_test(bad_pdptes_of_a_state_change_nothing),
		cmocka_unit_test(system_instructions_are_refused),
		cmocka_unit_test(invlpg_drops_a_large_page_whole),
		cmocka_unit_test(invlpg_drops_the_page_that_runs),
		cmocka_unit_test(system_descriptors_that_answer),
		cmocka_unit_test(a_question_may_fault),
		cmocka_unit_test(a_written_msr_is_read_back),
	};

	return cmocka_run_group_tests(tests, open_machine, close_machine);
}
