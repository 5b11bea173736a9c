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

/* Some of the others, as a delivery does. */
void eflags_clear(struct cpu *c, uint32_t flags);

/*
 * PUSHF, POPF and IRET in virtual-8086 mode: with IOPL 3 as anywhere else; with less, on the
 * virtual interrupt flag, if CR4.VME is set and the operand has 16 bits; else #GP(0). (SDM
 * vol. 3, Class 3; vol. 2, PUSHF and POPF.)
 */
DESCRY_MUST_CHECK bool eflags_sensitive(struct cpu *c, unsigned size);

/* The image that PUSHF pushes: without VM and RF, and with VIF for IF where that is what counts. */
uint32_t eflags_image(const struct cpu *c);

/* The same with VIF for IF, and IOPL 3: what a program in V86 sees with less than IOPL 3. */
uint32_t eflags_virtual_image(const struct cpu *c);

/*
 * POPF: what CPL and IOPL let pass (SDM vol. 2, POPF). RF stays clear. False, with c->fault set, on
 * the virtual interrupt flag alone: when a virtual interrupt waits, or TF would be set.
 */
DESCRY_MUST_CHECK bool eflags_load(struct cpu *c, uint32_t value, unsigned size);

/* IRET, to the same or an outer ring: the same; 32 bits wide with RF, and at CPL 0 VIF and VIP. */
DESCRY_MUST_CHECK bool eflags_return(struct cpu *c, uint32_t value, unsigned size);

/*
 * Does a program that has set VIF find an interrupt waiting for it (VIP)? Then its next
 * instruction is #GP(0) (SDM vol. 3, Class 2 - Maskable Hardware Interrupt Handling in
 * Virtual-8086 Mode; Protected-Mode Virtual Interrupts).
 */
bool eflags_virtual_interrupt(const struct cpu *c);

static inline unsigned
iopl(const struct cpu *c)
{
	return (unsigned)(c->state.rflags & DESCRY_FLAG_IOPL) >> DESCRY_FLAG_IOPL_SHIFT;
}

#endif
