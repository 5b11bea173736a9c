#include "eflags.h"

/* At any privilege. */
#define OPEN_FLAGS (FLAGS_ARITHMETIC | DESCRY_FLAG_TF | DESCRY_FLAG_DF | DESCRY_FLAG_NT)

uint32_t
eflags_read(const struct cpu *c)
{
	return ((uint32_t)c->state.rflags & ~FLAGS_ARITHMETIC) | flags_read(&c->flags);
}

/* All but the arithmetic flags: what stands in their places counts for nothing. */
static void
write_others(struct cpu *c, uint32_t value)
{
	c->state.rflags = (value & c->eflags_bits) | c->eflags_ones;
	if (c->state.rflags & (DESCRY_FLAG_TF | DESCRY_FLAG_RF | DESCRY_FLAG_VIP))
		cpu_come_back(c);
	if (DESCRY_UNLIKELY(c->state.rflags & DESCRY_FLAG_AC) ||
	    DESCRY_UNLIKELY(c->rules.alignment))
		cpu_derive_alignment(c);
}

void
eflags_write(struct cpu *c, uint32_t value)
{
	flags_write(&c->flags, value);
	write_others(c, value);
}

void
eflags_clear(struct cpu *c, uint32_t flags)
{
	assert(!(flags & FLAGS_ARITHMETIC));
	write_others(c, (uint32_t)c->state.rflags & ~flags);
}

/* In V86 with less than IOPL 3, a program has VIF for IF, if it has anything. */
static bool
is_virtual(const struct cpu *c)
{
	return in_v86(c) && iopl(c) < 3;
}

/* SDM vol. 3, System Flags and Fields in the EFLAGS Register: they count with less than IOPL 3. */
bool
eflags_virtual_interrupt(const struct cpu *c)
{
	const uint32_t both = DESCRY_FLAG_VIF | DESCRY_FLAG_VIP;
	const uint32_t enabled = in_v86(c) ? DESCRY_CR4_VME : DESCRY_CR4_PVI;

	return (c->state.rflags & both) == both && c->state.cr4 & enabled &&
	       descry_cpl(&c->state) == 3 && iopl(c) < 3;
}

bool
eflags_sensitive(struct cpu *c, unsigned size)
{
	if (!is_virtual(c) || (c->state.cr4 & DESCRY_CR4_VME && size == 2))
		return true;
	return raise(c, DESCRY_VEC_GP, 0);
}

uint32_t
eflags_virtual_image(const struct cpu *c)
{
	const uint32_t flags = eflags_read(c);

	return (flags & ~DESCRY_FLAG_IF) | DESCRY_FLAG_IOPL |
	       (flags & DESCRY_FLAG_VIF ? DESCRY_FLAG_IF : 0);
}

uint32_t
eflags_image(const struct cpu *c)
{
	const uint32_t flags = is_virtual(c) ? eflags_virtual_image(c) : eflags_read(c);

	return flags & ~(DESCRY_FLAG_VM | DESCRY_FLAG_RF);
}

/* The arithmetic flags are always among them. */
static void
write_masked(struct cpu *c, uint32_t value, uint32_t mask)
{
	eflags_write(c, ((uint32_t)c->state.rflags & ~mask) | (value & mask));
}

/* IF goes into VIF; IF and IOPL stay. A monitor that has an interrupt waiting, or TF, must see. */
static bool
load_virtual(struct cpu *c, uint32_t value)
{
	const bool waits = value & DESCRY_FLAG_IF && c->state.rflags & DESCRY_FLAG_VIP;

	if (waits || value & DESCRY_FLAG_TF)
		return raise(c, DESCRY_VEC_GP, 0);
	value |= value & DESCRY_FLAG_IF ? DESCRY_FLAG_VIF : 0;
	write_masked(c, value, OPEN_FLAGS | DESCRY_FLAG_VIF);
	return true;
}

/* Which bits the current privilege may change. */
static uint32_t
changeable(const struct cpu *c, unsigned size)
{
	const unsigned cpl = descry_cpl(&c->state);
	uint32_t mask = OPEN_FLAGS;

	if (cpl == 0)
		mask |= DESCRY_FLAG_IOPL;
	if (cpl <= iopl(c))
		mask |= DESCRY_FLAG_IF;
	if (size == 4)
		mask |= DESCRY_FLAG_AC | DESCRY_FLAG_ID;
	return mask;
}

bool
eflags_load(struct cpu *c, uint32_t value, unsigned size)
{
	if (is_virtual(c))
		return load_virtual(c, value);
	write_masked(c, value, changeable(c, size));
	return true;
}

bool
eflags_return(struct cpu *c, uint32_t value, unsigned size)
{
	uint32_t mask = changeable(c, size);

	if (is_virtual(c))
		return load_virtual(c, value);
	if (size == 4)
		mask |= DESCRY_FLAG_RF;
	if (size == 4 && in_protected_mode(c) && descry_cpl(&c->state) == 0)
		mask |= DESCRY_FLAG_VIF | DESCRY_FLAG_VIP;
	write_masked(c, value, mask);
	return true;
}
