/*
 * Delivery of interrupts and exceptions (SDM vol. 3, Interrupt and Exception Handling;
 * real-address mode: Interrupt and Exception Handling there). Private to vcpu.
 */
#ifndef DESCRY_INTERRUPT_H
#define DESCRY_INTERRUPT_H

#include "cpu.h"
#include "interrupt_rules.h"

/*
 * INT n: a transfer that may fault like any other. return_ip is the offset behind the
 * instruction. On true c->target is where it goes. In virtual-8086 mode IOPL and the
 * redirection bitmap say first whether it is one.
 */
DESCRY_MUST_CHECK bool interrupt_int_n(struct cpu *c, unsigned vector, uint32_t return_ip);

/* INT3, INTO: the same without those two. */
DESCRY_MUST_CHECK bool interrupt_software(struct cpu *c, unsigned vector, uint32_t return_ip);

/* INT1, the one-byte opcode F1: #DB behind the instruction, whatever the gate's DPL. */
DESCRY_MUST_CHECK bool interrupt_icebp(struct cpu *c, uint32_t return_ip);

/* Is c->fault one that the control block wants to see before it is delivered? Then c->leave is set.
 */
DESCRY_MUST_CHECK bool interrupt_is_intercepted(struct cpu *c);

/*
 * Delivers c->fault at state.rip, with what follows when that faults too: double fault,
 * then shutdown. Counts as the end of the instruction that faulted.
 */
void interrupt_deliver_fault(struct cpu *c);

/*
 * The way out of a handler that has switched tasks (task.h): on in the new one, or (not done) with
 * c->fault, which is its own and is delivered there.
 */
const struct insn *interrupt_in_new_task(struct cpu *c, const struct insn *in, bool done);

/* RF of the image that an interrupt at a boundary pushes: set only in the middle of a repeat. */
static inline uint32_t
interrupt_rf_of_boundary(const struct cpu *c)
{
	return c->state.in_rep ? DESCRY_FLAG_RF : 0;
}

/*
 * Delivers the debug traps that wait in the state, at the boundary where the CPU stands. It
 * belongs to the instruction before and takes no time of its own.
 */
void interrupt_deliver_trap(struct cpu *c);

/*
 * The same for an interrupt from outside, NMI included. False: c->leave is set, and but for a
 * shutdown nothing has changed.
 */
DESCRY_MUST_CHECK bool interrupt_deliver_external(struct cpu *c, unsigned vector);

/* Is the CPU in a shutdown that nothing which is pending ends? */
bool interrupt_shuts_down(struct cpu *c);

/*
 * Takes one event that is pending and may be taken at this boundary: an NMI before an interrupt.
 * False: there is none, or c->leave is set.
 */
DESCRY_MUST_CHECK bool interrupt_take_pending(struct cpu *c);

#endif
