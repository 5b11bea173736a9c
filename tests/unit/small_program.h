/*
 * A few bytes of real-mode code in the small machine, and a run of them. Include after
 * <cmocka.h>.
 */
#ifndef DESCRY_SMALL_PROGRAM_H
#define DESCRY_SMALL_PROGRAM_H

#include "small_machine.h"

#define ORIGIN 0x7c00u

static inline void
load(struct machine *m, const uint8_t *code, size_t size)
{
	const struct descry_segment flat = { .limit = 0xffff, .attr = DESCRY_ATTR_REAL_DATA };
	struct descry_state *state;

	memcpy(&m->ram[ORIGIN], code, size);
	descry_vcpu_memory_changed(m->vcpu);
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		put(m, (enum descry_sreg)sreg, flat);
	state = descry_vcpu_state_mutable(m->vcpu);
	state->rip = ORIGIN;
	state->gpr[DESCRY_SP] = 0x7000;
	descry_vcpu_state_changed(m->vcpu);
}
#define LOAD(m, ...)                                                                               \
	do {                                                                                       \
		const uint8_t bytes[] = { __VA_ARGS__ };                                           \
		load(m, bytes, sizeof(bytes));                                                     \
	} while (0)

static inline struct descry_exit
run(struct machine *m, uint64_t budget)
{
	const struct descry_control control = { .budget = budget };
	struct descry_exit exit;

	descry_vcpu_run(m->vcpu, &control, &exit);
	return exit;
}

#endif
