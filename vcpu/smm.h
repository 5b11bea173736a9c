/*
 * System management mode, and the two events that only a boundary outside of it takes: SMI and
 * INIT (SDM vol. 3, System Management Mode; Priority Among Simultaneous Exceptions and
 * Interrupts). Private to vcpu.
 */
#ifndef DESCRY_SMM_H
#define DESCRY_SMM_H

#include "cpu.h"

#define SMBASE_RESET 0x30000u

/* Takes INIT, or else an SMI, if it may be taken at this boundary. */
DESCRY_MUST_CHECK bool smm_take_pending(struct cpu *c);

/* Takes an SMI that nobody has posted. False: this CPU has no SMM, or not at this boundary. */
DESCRY_MUST_CHECK bool smm_take(struct cpu *c);

/* RSM, in SMM. False: a map that the CPU shuts down on, and nothing has changed. */
DESCRY_MUST_CHECK bool smm_resume(struct cpu *c);

/* reset.c */
void cpu_init(struct cpu *c);

#endif
