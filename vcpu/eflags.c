#include "eflags.h"

uint32_t
eflags_read(const struct cpu *c)
{
	return ((uint32_t)c->state.rflags & ~FLAGS_ARITHMETIC) | flags_read(&c->flags);
}

void
eflags_write(struct cpu *c, uint32_t value)
{
	c->state.rflags = (value & c->eflags_bits) | c->eflags_ones;
	flags_write(&c->flags, value);
	if (c->state.rflags & (DESCRY_FLAG_TF | DESCRY_FLAG_RF))
		cpu_come_back(c);
}

uint32_t
eflags_image(const struct cpu *c)
{
	return eflags_read(c) & ~(DESCRY_FLAG_VM | DESCRY_FLAG_RF);
}

/* Which bits the current privilege may change. */
static uint32_t
changeable(const struct cpu *c)
{
	const unsigned cpl = descry_cpl(&c->state);
	uint32_t mask = FLAGS_ARITHMETIC | DESCRY_FLAG_TF | DESCRY_FLAG_DF | DESCRY_FLAG_NT;

	if (cpl == 0)
		mask |= DESCRY_FLAG_IOPL;
	if (cpl <= iopl(c))
		mask |= DESCRY_FLAG_IF;
	return mask;
}

void
eflags_load(struct cpu *c, uint32_t value)
{
	const uint32_t mask = changeable(c);
	const uint32_t flags = (eflags_read(c) & ~mask) | (value & mask);

	eflags_write(c, flags);
}

void
eflags_resume(struct cpu *c, uint32_t value)
{
	eflags_load(c, value);
	eflags_write(c, eflags_read(c) | (value & DESCRY_FLAG_RF));
}
