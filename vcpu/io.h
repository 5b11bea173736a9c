/*
 * Who may use the ports (SDM vol. 1, Input/Output). Private to vcpu.
 */
#ifndef DESCRY_IO_H
#define DESCRY_IO_H

#include "cpu.h"

/* On false, c->fault or c->leave says why and nothing has changed. */
DESCRY_MUST_CHECK bool io_allowed(struct cpu *c, uint16_t port, unsigned size);

#endif
