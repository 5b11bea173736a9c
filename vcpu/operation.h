/*
 * What every operation of <descry/operation.h> begins and ends with. Private to vcpu.
 */
#ifndef DESCRY_OPERATION_PRIVATE_H
#define DESCRY_OPERATION_PRIVATE_H

#include "cpu.h"

#include <descry/operation.h>

/* No fault yet; what is loaded is loaded here. */
void op_begin(struct cpu *c);

/* The state is exact again. Returns done; if that is false the fault goes out. */
DESCRY_MUST_CHECK bool op_end(struct cpu *c, bool done, struct descry_fault *fault);

#endif
