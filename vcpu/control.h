/*
 * Writes of CR0, CR3 and CR4, by instruction, task switch or descry_op_write_cr(): one rule
 * each. SDM vol. 2, MOV - Move to/from Control Registers; vol. 3, Control Registers, and Operations
 * that Invalidate TLBs. None touches a segment cache. On false c->fault is set and nothing has
 * changed. Private to vcpu.
 */
#ifndef DESCRY_CONTROL_H
#define DESCRY_CONTROL_H

#include "cpu.h"

DESCRY_MUST_CHECK bool cr0_write(struct cpu *c, uint32_t value);
DESCRY_MUST_CHECK bool cr3_write(struct cpu *c, uint32_t value);
DESCRY_MUST_CHECK bool cr4_write(struct cpu *c, uint32_t value);

/* Is there such a register in this CPU? */
bool cr_exists(const struct cpu *c, unsigned number);

/* Any of them, CR2 included. */
DESCRY_MUST_CHECK bool cr_write(struct cpu *c, unsigned number, uint32_t value);
uint32_t cr_read(const struct cpu *c, unsigned number);

#endif
