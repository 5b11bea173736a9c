/*
 * The guest's own debugging: DR0 to DR7, single step, and the debug exceptions that wait in
 * the state for their boundary. The user's breakpoints and steps are the control block's and
 * know nothing of it. SDM vol. 3, Debug Registers and Debug Exceptions. Private to vcpu.
 */
#ifndef DESCRY_VCPU_DEBUG_H
#define DESCRY_VCPU_DEBUG_H

#include "cpu.h"

/* After any change of DR0 to DR3, DR7 or CR4.DE. */
void debug_derive(struct cpu *c);

/* B0 to B3 for the instruction at this address; 0 unless one that is enabled is met. */
uint16_t debug_fetch(const struct cpu *c, uint32_t linear);

/* --- data and ports: seen by the accesses themselves ---------------------------------- */

void debug_data_slow(struct cpu *c, uint32_t linear, uint32_t size, bool write);
void debug_port_slow(struct cpu *c, uint16_t port, unsigned size);

/* An access that is allowed. A trap comes behind the instruction. */
static inline void
debug_data(struct cpu *c, uint32_t linear, uint32_t size, bool write)
{
	if (DESCRY_UNLIKELY(c->debug.data))
		debug_data_slow(c, linear, size, write);
}

static inline void
debug_port(struct cpu *c, uint16_t port, unsigned size)
{
	if (DESCRY_UNLIKELY(c->debug.io))
		debug_port_slow(c, port, size);
}

/* Such a page is not kept for fast accesses: every access to it has to come by debug_data(). */
bool debug_page_slow(const struct cpu *c, uint32_t linear);

static inline bool
debug_page(const struct cpu *c, uint32_t linear)
{
	return DESCRY_UNLIKELY(c->debug.data) && debug_page_slow(c, linear);
}

/* --- the exception -------------------------------------------------------------------- */

/* Refuses an instruction with a debug fault: these bits of DR6 say why. Returns false. */
bool debug_raise(struct cpu *c, uint16_t dr6);

/* What the CPU writes when it enters the handler of a debug exception. */
void debug_enter(struct cpu *c, uint16_t dr6);

/* SDM vol. 3, Task Switching: old traps are dropped, local breakpoints off; trap: T of the TSS. */
void debug_task_switch(struct cpu *c, bool trap);

/* What a guest may leave in DR6 and DR7. */
uint32_t debug_dr6_image(const struct cpu *c, uint32_t value);
uint32_t debug_dr7_image(const struct cpu *c, uint32_t value);

#endif
