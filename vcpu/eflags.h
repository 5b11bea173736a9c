/*
 * EFLAGS as a whole: what PUSHF shows and what POPF and IRET may change. Private to vcpu.
 */
#ifndef DESCRY_EFLAGS_H
#define DESCRY_EFLAGS_H

#include "cpu.h"

/* All of it, the arithmetic flags included. */
uint32_t eflags_read(const struct cpu *c);

/* Raw, whole: resets, restores and deliveries. */
void eflags_write(struct cpu *c, uint32_t value);

/* The image that PUSHF pushes: without VM and RF. */
uint32_t eflags_image(const struct cpu *c);

/*
 * POPF and IRET: what CPL and IOPL let pass (SDM vol. 2, POPF). RF stays clear but for a
 * 32-bit IRET, which takes it from the image: eflags_resume().
 */
void eflags_load(struct cpu *c, uint32_t value);
void eflags_resume(struct cpu *c, uint32_t value);

static inline unsigned
iopl(const struct cpu *c)
{
	return (unsigned)(c->state.rflags & DESCRY_FLAG_IOPL) >> DESCRY_FLAG_IOPL_SHIFT;
}

#endif
