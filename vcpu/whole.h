/*
 * The registers as LOADALL and RSM bring them back: whole, from a record, without a check and
 * without a look at any table (SDM vol. 3, SMRAM State Save Map). Private to vcpu.
 */
#ifndef DESCRY_WHOLE_H
#define DESCRY_WHOLE_H

#include "cpu.h"

struct whole {
	uint32_t gpr[8];
	uint32_t eip, eflags;
	uint32_t cr0, cr3, cr4;
	uint32_t dr6, dr7;
	struct descry_segment seg[DESCRY_SREG_COUNT];
	struct descry_table gdtr, idtr;
};

/* CR0, CR3 and CR4 as they come: no rule of MOV CRn is asked. */
void control_put(struct cpu *c, uint32_t cr0, uint32_t cr3, uint32_t cr4);

/* As they are, at a boundary. */
void whole_take(const struct cpu *c, struct whole *whole);

/* All of it but IP, which comes to c->target: the caller knows whether an instruction ends. */
void whole_put(struct cpu *c, const struct whole *whole, enum descry_cause cause);

#endif
