/*
 * Accesses that wrap at 64 KiB, in a CPU without limits: the long way round of mem.c, stack.c
 * and block.c asks here. Private to vcpu.
 */
#ifndef DESCRY_WRAP_H
#define DESCRY_WRAP_H

#include "cpu.h"

#define WRAP_MASK 0xffffu

/* Does an access pass FFFFh in a CPU that does not mind? */
DESCRY_INLINE bool
wraps(const struct cpu *c, uint32_t off, size_t size)
{
	return DESCRY_UNLIKELY(c->rules.no_limits) && (off & WRAP_MASK) + size > WRAP_MASK + 1;
}

/* Into c->value. */
DESCRY_MUST_CHECK bool wrap_read(struct cpu *c, uint32_t base, uint32_t off, unsigned size);

DESCRY_MUST_CHECK bool wrap_probe_write(struct cpu *c, uint32_t base, uint32_t off, unsigned size);

/* What wrap_probe_write() has allowed. */
void wrap_write(struct cpu *c, uint32_t base, uint32_t off, unsigned size, uint32_t value);

/* Code from IP on; how many bytes could be read. */
size_t wrap_fetch(struct cpu *c, uint8_t *bytes, size_t size);

#endif
