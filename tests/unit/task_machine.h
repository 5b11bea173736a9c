/*
 * The small machine in protected mode, with tables for tasks and gates: what test_task.c and
 * test_call_gate.c share. Include after <cmocka.h>.
 */
#ifndef DESCRY_TASK_MACHINE_H
#define DESCRY_TASK_MACHINE_H

#include "small_machine.h"

#include "cpu.h"

#define OLD_TSS 0x4000u
#define NEW_TSS 0x4100u
#define TSS16 0x4200u

enum {
	CODE = 0x08,
	DATA = 0x10,
	SEL_OLD = 0x18,
	SEL_NEW = 0x20,
	SEL_16 = 0x28,
	SEL_LDT = 0x30,
	USER_CODE = 0x3b, /* with RPL 3 */
	USER_DATA = 0x43,
	CONFORMING = 0x48,
	DATA_ABSENT = 0x50,
	CODE_ABSENT = 0x58,
	EXECUTE_ONLY = 0x60,
	LDT_ABSENT = 0x68,
	SHORT_CODE = 0x70,
	SHORT_STACK = 0x78,
	GATE = 0x80, /* for a row to fill */
	USER_DATA_ABSENT = 0x8b,
	READ_ONLY = 0x90,
	STACK16 = 0x98,
	BEYOND = 0xa0,
};

static const uint64_t task_gdt[BEYOND / 8] = {
	/* clang-format off */
	[CODE / 8]             = 0x00cf9b000000ffff,
	[DATA / 8]             = 0x00cf93000000ffff,
	[SEL_OLD / 8]          = 0x00008b0040000067,
	[SEL_NEW / 8]          = 0x0000890041000067,
	[SEL_16 / 8]           = 0x000081004200002b,
	[SEL_LDT / 8]          = 0x000082003000000f,
	[USER_CODE / 8]        = 0x00cffb000000ffff,
	[USER_DATA / 8]        = 0x00cff3000000ffff,
	[CONFORMING / 8]       = 0x00cf9f000000ffff,
	[DATA_ABSENT / 8]      = 0x00cf13000000ffff,
	[CODE_ABSENT / 8]      = 0x00cf1b000000ffff,
	[EXECUTE_ONLY / 8]     = 0x00cf99000000ffff,
	[LDT_ABSENT / 8]       = 0x000002003000000f,
	[SHORT_CODE / 8]       = 0x00409b0000000fff,
	[SHORT_STACK / 8]      = 0x0040930000000007,
	[USER_DATA_ABSENT / 8] = 0x00cf73000000ffff,
	[READ_ONLY / 8]        = 0x00cf91000000ffff,
	[STACK16 / 8]          = 0x000093000000ffff,
	/* clang-format on */
};

static inline struct cpu *
cpu_of(struct machine *m)
{
	return &m->vcpu->cpu;
}

static inline uint32_t
peek32(const struct machine *m, uint32_t at)
{
	uint32_t value;

	memcpy(&value, &m->ram[at], sizeof(value));
	return value;
}

static inline uint16_t
peek16(const struct machine *m, uint32_t at)
{
	uint16_t value;

	memcpy(&value, &m->ram[at], sizeof(value));
	return value;
}

static inline void
poke16(struct machine *m, uint32_t at, uint32_t value)
{
	memcpy(&m->ram[at], &value, 2);
}

static inline void
poke32(struct machine *m, uint32_t at, uint32_t value)
{
	memcpy(&m->ram[at], &value, 4);
}

static inline void
poke64(struct machine *m, uint32_t at, uint64_t value)
{
	memcpy(&m->ram[at], &value, 8);
}

static inline uint8_t
access_byte(const struct machine *m, uint16_t sel)
{
	return m->ram[GDT + (sel & ~7u) + 5];
}

static inline struct descry_segment
from_gdt(uint16_t sel)
{
	return descry_segment_from_descriptor(sel, task_gdt[sel / 8]);
}

/* Protected mode in ring 0 or 3, in the task of OLD_TSS. */
static inline void
task_machine_set(struct machine *m, unsigned cpl)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	memset(m->ram, 0, sizeof(m->ram));
	memcpy(&m->ram[GDT], task_gdt, sizeof(task_gdt));
	memcpy(&m->ram[LDT], ldt, sizeof(ldt));
	descry_vcpu_memory_changed(m->vcpu);
	state->gdtr.limit = sizeof(task_gdt) - 1;
	set_mode(m, DESCRY_MODE_PROTECTED);
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		put(m, (enum descry_sreg)sreg, from_gdt(cpl == 3 ? USER_DATA : DATA));
	put(m, DESCRY_CS, from_gdt(cpl == 3 ? USER_CODE : CODE));
	put(m, DESCRY_TR, from_gdt(SEL_OLD));
	put(m, DESCRY_LDTR, from_gdt(SEL_LDT));
	state->cr0 = DESCRY_CR0_PE | DESCRY_CR0_ET;
	state->rflags = DESCRY_FLAG_ONE | DESCRY_FLAG_CF;
	state->dr[7] = 0x7ff;
	for (unsigned i = 0; i < 8; i++)
		state->gpr[i] = 0xa0a0b000 + i;
	state->gpr[DESCRY_SP] = 0x7000;
	descry_vcpu_state_changed(m->vcpu);
	cpu_of(m)->fault = (struct pending_fault){ .vector = DESCRY_VEC_NONE };
	cpu_of(m)->switched = false;
}

#endif
