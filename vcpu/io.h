/*
 * Who may use the ports (SDM vol. 1, Input/Output). Private to vcpu.
 */
#ifndef DESCRY_IO_H
#define DESCRY_IO_H

#include "debug.h"

/* On false, c->fault or c->leave says why and nothing has changed. */
DESCRY_MUST_CHECK bool io_allowed(struct cpu *c, uint16_t port, unsigned size);

/* What has been allowed. */
static inline uint32_t
io_in(struct cpu *c, uint16_t port, unsigned size)
{
	debug_port(c, port, size);
	return c->bus.port_in(c->bus.owner, port, size);
}

static inline void
io_out(struct cpu *c, uint16_t port, unsigned size, uint32_t value)
{
	debug_port(c, port, size);
	c->bus.port_out(c->bus.owner, port, size, value);
}

#endif
