/*
 * Far JMP and CALL to what is not code: call gates, task gates and TSSs (SDM vol. 3, Call Gates,
 * Task Switching). Private to vcpu.
 */
#ifndef DESCRY_CALL_GATE_H
#define DESCRY_CALL_GATE_H

#include "cpu.h"

/*
 * sel has been refused as a code segment, and c->fault says so. If it names a gate or a TSS the
 * transfer goes on through that, and the offset of the pointer does not matter; if not, the
 * refusal stands. On false as far_jump().
 */
DESCRY_MUST_CHECK bool gate_transfer(struct cpu *c, uint16_t sel, bool is_call, uint32_t return_ip);

#endif
