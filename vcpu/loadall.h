/*
 * LOADALL of the 286 and of the 386, for the instruction and for descry_op_loadall(). Private to
 * vcpu.
 */
#ifndef DESCRY_LOADALL_PRIVATE_H
#define DESCRY_LOADALL_PRIVATE_H

#include "cpu.h"

#include <descry/exchange.h>

/* Has this CPU that one, #UD, and is it CPL 0, #GP(0)? */
DESCRY_MUST_CHECK bool loadall_allowed(struct cpu *c, enum descry_loadall which);

/* Every register that the table has. IP comes to c->target. */
void loadall_commit(struct cpu *c, enum descry_loadall which, const uint8_t *table);

#endif
