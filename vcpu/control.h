/*
 * Writes of CR0, by instruction or by descry_op_write_cr0(): one rule. Private to vcpu.
 */
#ifndef DESCRY_CONTROL_H
#define DESCRY_CONTROL_H

#include "cpu.h"

/* SDM vol. 2, MOV - Move to/from Control Registers. Touches no segment cache. */
DESCRY_MUST_CHECK bool cr0_write(struct cpu *c, uint32_t value);

#endif
