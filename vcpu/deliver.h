/*
 * The ways of an interrupt into its handler: through the vector table of real mode,
 * through the IDT of protected mode, and back into a virtual-8086 program. Each leaves the new
 * IP in c->target; on false nothing has changed and c->fault, or c->leave, says why. Private
 * to vcpu, for interrupt.c.
 */
#ifndef DESCRY_DELIVER_H
#define DESCRY_DELIVER_H

#include "cpu.h"
#include "interrupt_rules.h"

struct interruption {
	unsigned vector;
	uint32_t return_ip;
	enum interruption_kind kind;
	uint32_t rf;         /* RF, if the pushed image has it whatever EFLAGS has */
	uint16_t dr6;        /* #DB: what it reports */
	uint16_t error_code; /* pushed if interruption_has_error_code() */
};

/* PE=0: RM1 to RM6. */
DESCRY_MUST_CHECK bool deliver_real(struct cpu *c, const struct interruption *i);

/* PE=1: PM1 to PM15. */
DESCRY_MUST_CHECK bool deliver_protected(struct cpu *c, const struct interruption *i);

/*
 * An interrupt to a handler that has neither a slot in a table nor a stack of this CPU: the caller
 * keeps what would be pushed (descry_op_interrupt()). The rest goes by the rules of the two
 * above: CS:0, SS when the ring changes, flags, and out of V86 the null selectors. ESP stays.
 */
DESCRY_MUST_CHECK bool deliver_real_unpushed(struct cpu *c, uint16_t cs);
DESCRY_MUST_CHECK bool deliver_protected_unpushed(struct cpu *c, uint16_t cs, uint16_t ss);

/* VM=1, VME=1: INT n to the 8086 program's own handler. */
DESCRY_MUST_CHECK bool deliver_redirected(struct cpu *c, const struct interruption *i);

#endif
