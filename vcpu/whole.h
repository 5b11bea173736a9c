/*
 * The registers as LOADALL and RSM bring them back: whole, from a record, without a check and
 * without a look at any table (SDM vol. 3, SMRAM State Save Map). Private to vcpu.
 */
#ifndef DESCRY_WHOLE_H
#define DESCRY_WHOLE_H

#include "cpu.h"

/* CR0, CR3 and CR4 as they come: no rule of MOV CRn is asked. */
void control_put(struct cpu *c, uint32_t cr0, uint32_t cr3, uint32_t cr4);

/* As they are, at a boundary. */
void whole_take(const struct cpu *c, struct descry_state *whole);

/*
 * The registers that LOADALL and RSM know, out of a whole state: GPRs, flags, segments, table
 * registers, CR0, CR3, CR4, DR6 and DR7. IP comes to c->target: the caller knows whether an
 * instruction ends.
 */
void whole_put(struct cpu *c, const struct descry_state *whole, enum descry_cause cause);

#endif
