/*
 * Accesses of an 8086 that pass offset FFFFh: the next byte is that at offset 0 of the same
 * segment (iAPX 86,88 User's Manual, Logical and Physical Addresses). Knob seg.limits.
 */
#include "wrap.h"

#include "mem.h"

static uint32_t
linear_of_byte(uint32_t base, uint32_t off)
{
	return base + (off & WRAP_MASK);
}

bool
wrap_read(struct cpu *c, uint32_t base, uint32_t off, unsigned size)
{
	uint8_t bytes[4] = { 0 };

	for (unsigned i = 0; i < size; i++) {
		if (!mem_read_linear(c, linear_of_byte(base, off + i), &bytes[i], 1))
			return false;
	}
	c->value = host_read(bytes, sizeof(bytes));
	return true;
}

bool
wrap_probe_write(struct cpu *c, uint32_t base, uint32_t off, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		if (!mem_probe_write(c, linear_of_byte(base, off + i), 1))
			return false;
	}
	return true;
}

void
wrap_write(struct cpu *c, uint32_t base, uint32_t off, unsigned size, uint32_t value)
{
	for (unsigned i = 0; i < size; i++) {
		const uint8_t byte = (uint8_t)(value >> 8 * i);

		mem_write_linear(c, linear_of_byte(base, off + i), &byte, 1);
	}
}

size_t
wrap_fetch(struct cpu *c, uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const uint32_t ip = (uint32_t)(c->state.rip + i);

		if (!mem_read_linear(c, linear_of_byte(c->cs_base, ip), &bytes[i], 1))
			return i;
	}
	return size;
}
