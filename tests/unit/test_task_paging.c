/*
 * Task switches with paging on: pages that the switch itself needs, and CR3. Oracle: SDM vol. 3,
 * Task Switching; PDPTE Registers; Operations that Invalidate TLBs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "task_machine.h"

#include "eflags.h"
#include "task.h"

#include <descry/paging.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define PF DESCRY_VEC_PF
#define GP DESCRY_VEC_GP

#define DIRECTORY 0xa000u
#define PAGE_TABLE 0xb000u
#define POINTERS 0xc000u       /* PAE: the PDPTEs of the old task ... */
#define OTHER_POINTERS 0xc020u /* ... and of the new one */
#define PAE_DIRECTORY 0xd000u
#define PAE_TABLE 0xe000u
#define OLD_IP 0x5678u
#define NEW_IP 0x1234u

static struct machine machine;

static int
open_machine(void **state)
{
	*state = &machine;
	machine_open_as(&machine, "p6");
	return 0;
}

static int
close_machine(void **state)
{
	struct machine *m = *state;

	descry_vcpu_destroy(m->vcpu);
	return 0;
}

static void
fill_new_tss(struct machine *m, uint32_t at, uint32_t cr3)
{
	static const uint16_t sels[] = { DATA, CODE, DATA, DATA, 0, 0 };

	poke32(m, at + 0x1c, cr3);
	poke32(m, at + 0x20, NEW_IP);
	poke32(m, at + 0x24, DESCRY_FLAG_ONE);
	for (unsigned i = 0; i < 6; i++)
		poke16(m, at + 0x48 + 4 * i, sels[i]);
}

/* All of memory is mapped to itself; WP holds for tables, too. */
static void
set(struct machine *m)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	task_machine_set(m, 0);
	fill_new_tss(m, NEW_TSS, DIRECTORY);
	poke32(m, DIRECTORY, PAGE_TABLE | 3);
	for (uint32_t page = 0; page < RAM_SIZE; page += DESCRY_PAGE_SIZE)
		poke32(m, PAGE_TABLE + page / 1024, page | 3);
	state->cr3 = DIRECTORY;
	state->cr4 = 0;
	state->cr0 |= DESCRY_CR0_PG | DESCRY_CR0_WP;
	descry_vcpu_state_changed(m->vcpu);
	descry_vcpu_memory_changed(m->vcpu);
	descry_vcpu_flush_tlb(m->vcpu);
}

static bool
go(struct machine *m, enum task_way way)
{
	struct cpu *c = cpu_of(m);
	const struct task_request to = {
		.way = way, .sel = SEL_NEW, .return_ip = OLD_IP, .flags = eflags_read(c)
	};

	return task_switch(c, &to);
}

/* --- before the commit point ---------------------------------------------------------- */

#define ABSENT 0u
#define PAGE_READ_ONLY 1u /* present */

static const struct { /* way, where GDT and new TSS lie, page and what it allows in; fault out */
	const char *what;
	enum task_way way;
	uint32_t gdt, new_tss, page;
	uint32_t rights, cr2;
	unsigned error_code;
} early[] = {
	/* clang-format off */
	{ "the link of the new TSS is written",          TASK_BY_CALL, GDT,    0x5000, 0x5000, PAGE_READ_ONLY, 0x5000, 3 },
	{ "JMP links nothing, and marks it busy",        TASK_BY_JMP,  0x5fe0, NEW_TSS, 0x6000, PAGE_READ_ONLY, 0x6005, 3 },
	{ "the descriptor of the old one is read",       TASK_BY_JMP,  0x5fe0, NEW_TSS, 0x5000, ABSENT, 0x5ffd, 0 },
	{ "the descriptor of the old one is written",    TASK_BY_JMP,  0x5fe0, NEW_TSS, 0x5000, PAGE_READ_ONLY, 0x5ffd, 3 },
	{ "IRET writes it, too",                         TASK_BY_IRET, 0x5fe0, NEW_TSS, 0x5000, PAGE_READ_ONLY, 0x5ffd, 3 },
	/* clang-format on */
};

static void
what_will_be_written_is_asked_first(void **state)
{
	static uint8_t ram[RAM_SIZE];
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);

	for (size_t i = 0; i < COUNT(early); i++) {
		struct descry_segment before[DESCRY_SREG_COUNT];

		print_message("%s\n", early[i].what);
		set(m);
		memmove(&m->ram[early[i].gdt], &m->ram[GDT], sizeof(task_gdt));
		c->state.gdtr.base = early[i].gdt;
		poke16(m, early[i].gdt + SEL_NEW + 2, early[i].new_tss);
		if (early[i].way == TASK_BY_IRET)
			m->ram[early[i].gdt + SEL_NEW + 5] |= 2;
		fill_new_tss(m, early[i].new_tss, DIRECTORY);
		poke32(m, PAGE_TABLE + early[i].page / 1024, early[i].page | early[i].rights);
		memcpy(before, c->state.seg, sizeof(before));
		memcpy(ram, m->ram, sizeof(ram));
		assert_false(go(m, early[i].way));
		assert_false(c->switched);
		assert_int_equal(c->fault.vector, PF);
		assert_int_equal(c->fault.error_code, early[i].error_code);
		assert_int_equal(c->fault.address, early[i].cr2);
		assert_memory_equal(before, c->state.seg, sizeof(before));
		assert_memory_equal(ram, m->ram, DIRECTORY); /* above it are accessed bits */
	}
}

static void
iret_reads_the_link_of_its_own(void **state)
{
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);

	set(m);
	c->state.seg[DESCRY_TR].base = 0x5000;
	poke32(m, PAGE_TABLE + 0x5000 / 1024, 0);
	assert_false(task_return(c, OLD_IP));
	assert_false(c->switched);
	assert_int_equal(c->fault.vector, PF);
	assert_int_equal(c->fault.address, 0x5000);
}

/*
 * The old TSS lies over the page table: EIP goes where the entry of the new TSS was, and the TLB
 * has no room for both pages. What the switch has read before it wrote is what counts.
 */
static void
an_image_that_the_switch_itself_takes_away(void **state)
{
	const uint32_t new_page = 0x204000, old_page = 0x4000; /* 512 pages apart: one slot */
	const uint32_t entry = PAGE_TABLE + (new_page >> 12) * 4;
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);

	set(m);
	poke32(m, entry, (NEW_TSS & ~0xfffu) | 3);
	poke32(m, PAGE_TABLE + old_page / 1024, PAGE_TABLE | 3);
	poke16(m, GDT + SEL_NEW + 2, new_page + (NEW_TSS & 0xfff));
	m->ram[GDT + SEL_NEW + 4] = (uint8_t)(new_page >> 16);
	c->state.seg[DESCRY_TR].base = old_page + (entry & 0xfff) - 0x20;
	assert_true(go(m, TASK_BY_JMP));
	assert_int_equal(peek32(m, entry), OLD_IP);
	assert_int_equal(c->target, NEW_IP);
	assert_int_equal(c->state.seg[DESCRY_TR].base, new_page + (NEW_TSS & 0xfff));
}

/* --- CR3 ------------------------------------------------------------------------------ */

/* The same identity by PAE: two sets of PDPTEs, of which the second also maps 1 GiB and up. */
static void
set_pae(struct machine *m, uint32_t new_cr3)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	set(m);
	poke64(m, POINTERS, PAE_DIRECTORY | DESCRY_PTE_P);
	poke64(m, OTHER_POINTERS, PAE_DIRECTORY | DESCRY_PTE_P);
	poke64(m, OTHER_POINTERS + 8, PAE_DIRECTORY | DESCRY_PTE_P);
	poke64(m, PAE_DIRECTORY, PAE_TABLE | 3);
	for (uint32_t page = 0; page < RAM_SIZE; page += DESCRY_PAGE_SIZE)
		poke64(m, PAE_TABLE + page / 512, page | 3);
	fill_new_tss(m, NEW_TSS, new_cr3);
	state->cr3 = POINTERS;
	state->cr4 = DESCRY_CR4_PAE;
	descry_vcpu_state_changed(m->vcpu);
	descry_vcpu_memory_changed(m->vcpu);
	descry_vcpu_flush_tlb(m->vcpu);
}

static void
another_cr3_reads_the_pdptes(void **state)
{
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);

	set_pae(m, OTHER_POINTERS);
	assert_int_equal(c->state.pdpte[1], 0);
	assert_true(go(m, TASK_BY_JMP));
	assert_int_equal(c->state.cr3, OTHER_POINTERS);
	assert_int_equal(c->state.pdpte[1], PAE_DIRECTORY | DESCRY_PTE_P);
}

/* Only a switch that changes the value does. */
static void
the_same_cr3_does_not(void **state)
{
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);

	set_pae(m, POINTERS);
	poke64(m, POINTERS + 8, PAE_DIRECTORY | DESCRY_PTE_P);
	assert_true(go(m, TASK_BY_JMP));
	assert_int_equal(c->state.pdpte[1], 0);
}

/*
 * The manual says of MOV to CR alone that a reserved bit in a PDPTE is #GP(0). Here it is one for a
 * switch as well: behind the commit point, so the new task's, with CR3 and PDPTEs of the old one
 * and no segment loaded.
 */
static void
bad_pdptes_are_the_new_tasks_fault(void **state)
{
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);

	set_pae(m, OTHER_POINTERS);
	poke64(m, OTHER_POINTERS + 16, PAE_DIRECTORY | 3); /* R/W is reserved there */
	assert_false(go(m, TASK_BY_JMP));
	assert_true(c->switched);
	assert_int_equal(c->fault.vector, GP);
	assert_int_equal(c->fault.error_code, 0);
	assert_int_equal(c->state.rip, NEW_IP);
	assert_int_equal(c->state.cr3, POINTERS);
	assert_int_equal(c->state.pdpte[1], 0);
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		assert_false(descry_segment_usable(&c->state.seg[sreg]));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(what_will_be_written_is_asked_first),
		TEST(iret_reads_the_link_of_its_own),
		TEST(an_image_that_the_switch_itself_takes_away),
		TEST(another_cr3_reads_the_pdptes),
		TEST(the_same_cr3_does_not),
		TEST(bad_pdptes_are_the_new_tasks_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
