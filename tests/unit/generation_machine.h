/*
 * The small machine as the tests of generations begin: registers with known values, and an IVT
 * whose entries all lead to one place. Include after <cmocka.h>.
 */
#ifndef DESCRY_GENERATION_MACHINE_H
#define DESCRY_GENERATION_MACHINE_H

#include "small_program.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define AX_BEFORE 0xff80u
#define HANDLER 0x0600u

enum { NONE = DESCRY_VEC_NONE };

static inline void
set_registers(struct machine *m, uint16_t sp)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	state->gpr[DESCRY_AX] = AX_BEFORE;
	state->gpr[DESCRY_BX] = 1;
	state->gpr[DESCRY_CX] = 0x21;
	state->gpr[DESCRY_SP] = sp;
	state->idtr = (struct descry_table){ .limit = 0x3ff };
	descry_vcpu_state_changed(m->vcpu);
}

/* An IVT whose entries all lead to HANDLER, but for its first byte: it is AB - and FFFFh is 0. */
static inline void
write_ivt(struct machine *m)
{
	for (unsigned vector = 0; vector < 32; vector++)
		memcpy(&m->ram[vector * 4], &(const uint32_t){ HANDLER }, 4);
}

/* The vector that was delivered first, or NONE. */
static inline unsigned
run_steps(struct machine *m, unsigned steps)
{
	const struct descry_control control = { .budget = steps,
						.events = DESCRY_EVENT_BIT(DESCRY_EVENT_DELIVERY) };
	struct descry_exit exit;

	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_BUDGET);
	return descry_vcpu_event_count(m->vcpu) ? descry_vcpu_event(m->vcpu, 0)->fault.vector
						: NONE;
}

#endif
