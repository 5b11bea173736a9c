/*
 * A monitor of virtual-8086 programs around the small machine: a TSS, an IDT whose gates lead to
 * handlers in ring 0, and an 8086 program in the middle of its life. Include after <cmocka.h>.
 */
#ifndef DESCRY_V86_MACHINE_H
#define DESCRY_V86_MACHINE_H

#include "small_program.h"

#define TSS 0x2000u
#define IDT 0x2400u
#define IDT_VECTORS 0x40u
#define RING0_STACK 0x3800u
#define HANDLERS 0x9000u /* linear: one byte for each vector */
#define V86_CS 0x0700u
#define V86_IP 0x0c00u /* linear 7C00h */
#define V86_SS 0x0600u
#define V86_SP 0x0ff0u

#define IO_BASE 0x88u /* the redirection bitmap lies below, from 68h on */
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define IF DESCRY_FLAG_IF
#define TF DESCRY_FLAG_TF
#define VIF DESCRY_FLAG_VIF
#define VIP DESCRY_FLAG_VIP
#define IOPL DESCRY_FLAG_IOPL
#define VME DESCRY_CR4_VME
#define PVI DESCRY_CR4_PVI
#define GP DESCRY_VEC_GP
#define NONE DESCRY_VEC_NONE

static struct machine machine;

static inline const struct descry_state *
cpu(const struct machine *m)
{
	return descry_vcpu_state(m->vcpu);
}

static inline void
put_gate(struct machine *m, unsigned vector, uint16_t sel, unsigned access)
{
	const uint32_t offset = HANDLERS + vector;
	const uint64_t gate = (offset & 0xffffu) | (uint64_t)sel << 16 | (uint64_t)access << 40;

	memcpy(&m->ram[IDT + vector * 8], &gate, sizeof(gate));
}

/* Interrupt gates to ring 0, DPL 3, whose handlers halt. */
static inline void
put_monitor(struct machine *m)
{
	const uint32_t sp0 = RING0_STACK;
	const uint16_t ss0 = 0x10, io_base = IO_BASE;

	for (unsigned vector = 0; vector < IDT_VECTORS; vector++) {
		put_gate(m, vector, 0x08, 0xee);
		m->ram[HANDLERS + vector] = 0xf4;
	}
	memcpy(&m->ram[TSS + 4], &sp0, sizeof(sp0));
	memcpy(&m->ram[TSS + 8], &ss0, sizeof(ss0));
	memcpy(&m->ram[TSS + 0x66], &io_base, sizeof(io_base));
	put(m, DESCRY_TR,
	    (struct descry_segment){ .base = TSS, .limit = 0x1ff, .sel = 0x30, .attr = 0x8b });
	put(m, DESCRY_LDTR,
	    (struct descry_segment){ .base = LDT, .limit = 0xf, .sel = 0x38, .attr = 0x82 });
}

static inline int
open_machine(void **state)
{
	struct descry_state *to;

	*state = &machine;
	machine_open_as(&machine, "p6");
	put_monitor(&machine);
	to = descry_vcpu_state_mutable(machine.vcpu);
	to->idtr = (struct descry_table){ .base = IDT, .limit = IDT_VECTORS * 8 - 1 };
	descry_vcpu_state_changed(machine.vcpu);
	return 0;
}

static inline int
close_machine(void **state)
{
	struct machine *m = *state;

	descry_vcpu_destroy(m->vcpu);
	return 0;
}

static inline struct descry_segment
fixed(uint16_t sel)
{
	return (struct descry_segment){
		.base = (uint64_t)sel << 4, .limit = 0xffff, .sel = sel, .attr = 0x00f3
	};
}

/* The CPU in the middle of an 8086 program. */
static inline void
begin_v86(struct machine *m, const uint8_t *code, size_t size, uint32_t flags, uint32_t cr4)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	memcpy(&m->ram[ORIGIN], code, size);
	descry_vcpu_memory_changed(m->vcpu);
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		put(m, (enum descry_sreg)sreg, fixed((uint16_t)(0x100 + sreg)));
	put(m, DESCRY_CS, fixed(V86_CS));
	put(m, DESCRY_SS, fixed(V86_SS));
	state->cr0 |= DESCRY_CR0_PE;
	state->cr4 = cr4;
	state->rflags = DESCRY_FLAG_VM | flags;
	state->rip = V86_IP;
	state->gpr[DESCRY_SP] = 0xabcd0000u | V86_SP;
	state->halted = 0;
	descry_vcpu_state_changed(m->vcpu);
}
#define BEGIN_V86(m, flags, cr4, ...)                                                              \
	do {                                                                                       \
		const uint8_t bytes[] = { __VA_ARGS__ };                                           \
		begin_v86(m, bytes, sizeof(bytes), flags, cr4);                                    \
	} while (0)

/* One instruction; the first fault that it has. */
static inline struct descry_fault
step(struct machine *m)
{
	const struct descry_control control = { .budget = 1,
						.events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT) };
	struct descry_exit exit;

	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_BUDGET);
	if (!descry_vcpu_event_count(m->vcpu))
		return (struct descry_fault){ .vector = NONE };
	return descry_vcpu_event(m->vcpu, 0)->fault;
}

static inline void
assert_segment(const struct machine *m, enum descry_sreg sreg, struct descry_segment expected)
{
	assert_memory_equal(&cpu(m)->seg[sreg], &expected, sizeof(expected));
}

static inline uint16_t
word_at(const struct machine *m, uint32_t linear)
{
	return (uint16_t)(m->ram[linear] | m->ram[linear + 1] << 8);
}

static inline uint32_t
dword_at(const struct machine *m, uint32_t linear)
{
	return word_at(m, linear) | (uint32_t)word_at(m, linear + 2) << 16;
}

/* --- in ring 0, before an IRETD ------------------------------------------------------- */

static const uint32_t frame_in[] = { 0x00010c00, V86_CS, 0x000b3202, 0x12345678, 0x0600,
				     0x1111,     0x2222, 0x3333,     0x4444 };

/* In ring 0 with this frame on the stack, before an IRETD. */
static inline void
begin_ring0(struct machine *m, const uint32_t *frame, size_t size)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	m->ram[0x8000] = 0xcf;
	memcpy(&m->ram[0x3700], frame, size);
	descry_vcpu_memory_changed(m->vcpu);
	put(m, DESCRY_CS,
	    (struct descry_segment){ .limit = UINT32_MAX, .sel = 0x08, .attr = 0xc09b });
	put_cpl(m, 0);
	state->cr0 |= DESCRY_CR0_PE;
	state->rflags = 0;
	state->rip = 0x8000;
	state->gpr[DESCRY_SP] = 0x3700;
	descry_vcpu_state_changed(m->vcpu);
}

#endif
