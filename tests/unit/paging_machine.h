/*
 * The small machine with paging on: its memory is mapped to itself, and two pages of it are
 * mapped again at 4 MiB. Include after <cmocka.h>.
 */
#ifndef DESCRY_PAGING_MACHINE_H
#define DESCRY_PAGING_MACHINE_H

#include "small_program.h"

#include <descry/paging.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Physical memory beside what the small machine has. */
#define TSS 0x2000u
#define HANDLER 0x7f00u
#define DIRECTORY 0x8000u
#define LOW_TABLE 0x9000u /* of linear 0 to 4 MiB: itself, 64 KiB of it */
#define IDT 0xa000u
#define HIGH_TABLE 0xb000u /* of linear 4 MiB and up */
#define PAGE 0xc000u
#define OTHER_PAGE 0xd000u
#define POINTERS 0xe000u /* PAE: the four PDPTEs, and a directory behind them */
#define PAE_DIRECTORY 0xf000u

#define TESTED 0x00400000u /* the linear page */
#define ALL 0x07u          /* P R/W U/S */

static struct machine machine;

static inline void
put32(struct machine *m, uint32_t at, uint32_t value)
{
	memcpy(&m->ram[at], &value, 4);
	descry_vcpu_memory_changed(m->vcpu);
}

static inline uint32_t
get32(const struct machine *m, uint32_t at)
{
	uint32_t value;

	memcpy(&value, &m->ram[at], 4);
	return value;
}

static inline const struct descry_state *
cpu(const struct machine *m)
{
	return descry_vcpu_state(m->vcpu);
}

static inline void
write_paging_tables(struct machine *m)
{
	put32(m, DIRECTORY, LOW_TABLE | ALL);
	put32(m, DIRECTORY + 4, HIGH_TABLE | ALL);
	for (uint32_t page = 0; page < RAM_SIZE / DESCRY_PAGE_SIZE; page++)
		put32(m, LOW_TABLE + page * 4, page << 12 | ALL);
	put32(m, HIGH_TABLE, PAGE | ALL);
	put32(m, HIGH_TABLE + 4, OTHER_PAGE | ALL);
	for (uint32_t vector = 0; vector < 32; vector++) {
		put32(m, IDT + vector * 8, 0x00080000 | HANDLER);
		put32(m, IDT + vector * 8 + 4, 0x00008e00);
	}
	put32(m, TSS + 4, 0x6000);
	put32(m, TSS + 8, 0x10);
}

static inline void
put_caches(struct machine *m, unsigned cpl)
{
	const uint16_t data = cpl == 3 ? 0xc0f3 : 0xc093, code = cpl == 3 ? 0xc0fb : 0xc09b;
	const uint16_t data_sel = cpl == 3 ? 0x43 : 0x10, code_sel = cpl == 3 ? 0x4b : 0x08;

	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		put(m, (enum descry_sreg)sreg,
		    (struct descry_segment){ 0, UINT32_MAX, data_sel, data });
	put(m, DESCRY_CS, (struct descry_segment){ 0, UINT32_MAX, code_sel, code });
	put(m, DESCRY_TR, (struct descry_segment){ TSS, 0x67, 0x30, 0x8b });
}

/* 32-bit code in a flat segment, with paging on. */
static inline void
begin(struct machine *m, unsigned cpl, const uint8_t *code, size_t size)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	memset(m->ram, 0, sizeof(m->ram));
	descry_vcpu_reset(m->vcpu);
	write_tables(m);
	write_paging_tables(m);
	memcpy(&m->ram[ORIGIN], code, size);
	state->cr0 |= DESCRY_CR0_PE | DESCRY_CR0_PG;
	state->cr3 = DIRECTORY;
	state->gdtr = (struct descry_table){ .base = GDT, .limit = sizeof(gdt) - 1 };
	state->idtr = (struct descry_table){ .base = IDT, .limit = 0xff };
	state->rip = ORIGIN;
	state->gpr[DESCRY_SP] = 0x6f00;
	descry_vcpu_state_changed(m->vcpu);
	put_caches(m, cpl);
	descry_vcpu_flush_tlb(m->vcpu);
}
#define BEGIN(m, cpl, ...)                                                                         \
	do {                                                                                       \
		const uint8_t bytes[] = { __VA_ARGS__ };                                           \
		begin(m, cpl, bytes, sizeof(bytes));                                               \
	} while (0)

/* Runs so many instructions; what the first fault was, if there was one. */
static inline struct descry_fault
run_for(struct machine *m, uint64_t budget)
{
	const struct descry_control control = { .budget = budget,
						.events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT) };
	struct descry_exit exit;

	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_BUDGET);
	return descry_vcpu_event_count(m->vcpu)
		       ? descry_vcpu_event(m->vcpu, 0)->fault
		       : (struct descry_fault){ .vector = DESCRY_VEC_NONE };
}

static inline void
remove_page(struct machine *m, uint32_t linear)
{
	const uint32_t table = linear < TESTED ? LOW_TABLE : HIGH_TABLE;

	put32(m, table + (linear >> 12 & 0x3ff) * 4,
	      get32(m, table + (linear >> 12 & 0x3ff) * 4) & ~1u);
}

static inline int
open_machine(void **state)
{
	const struct descry_bus bus = {
		.owner = &machine, .page = page_of, .port_in = no_port, .port_out = drop_port
	};

	*state = &machine;
	return descry_vcpu_create(descry_profile_find("p6"), &bus, &machine.vcpu) != DESCRY_OK;
}

static inline int
close_machine(void **state)
{
	struct machine *m = *state;

	descry_vcpu_destroy(m->vcpu);
	return 0;
}

#endif
