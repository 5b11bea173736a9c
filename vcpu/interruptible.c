/*
 * Interrupts from outside: what waits, and when it may be taken (SDM vol. 3, Enabling and
 * Disabling Interrupts; Priority Among Simultaneous Exceptions and Interrupts).
 */
#include "interrupt.h"

/* Whenever something comes or goes: while it waits, the loop looks at each boundary. */
static void
post(struct cpu *c, uint8_t what)
{
	c->state.pending |= what;
	cpu_come_back(c);
}

static void
withdraw(struct cpu *c)
{
	c->state.pending &= (uint8_t)~DESCRY_PENDING_INTERRUPT;
	c->state.interrupt = 0;
	cpu_come_back(c);
}

void
descry_vcpu_interrupt(struct descry_vcpu *vcpu, uint8_t vector)
{
	vcpu->cpu.state.interrupt = vector;
	post(&vcpu->cpu, DESCRY_PENDING_INTERRUPT);
}

void
descry_vcpu_withdraw_interrupt(struct descry_vcpu *vcpu)
{
	withdraw(&vcpu->cpu);
}

void
descry_vcpu_nmi(struct descry_vcpu *vcpu)
{
	post(&vcpu->cpu, DESCRY_PENDING_NMI);
}

/* Both shadows hold maskable interrupts off. */
static bool
accepts_interrupt(const struct cpu *c)
{
	return c->state.rflags & DESCRY_FLAG_IF && !c->state.shadow && !c->state.shut_down;
}

/* The shadow of STI need not hold an NMI off, and here it does not (SDM vol. 2, STI). */
static bool
accepts_nmi(const struct cpu *c)
{
	return !c->state.nmi_blocked && !(c->state.shadow & DESCRY_SHADOW_MOV_SS) &&
	       !c->state.shut_down;
}

bool
descry_vcpu_accepts_interrupt(const struct descry_vcpu *vcpu)
{
	return accepts_interrupt(&vcpu->cpu);
}

/* An event whose delivery shuts the CPU down is gone as well. */
static bool
is_taken(struct cpu *c, unsigned vector)
{
	return interrupt_deliver_external(c, vector) || c->state.shut_down;
}

static bool
take_nmi(struct cpu *c)
{
	if (!is_taken(c, DESCRY_VEC_NMI))
		return false;
	c->state.nmi_blocked = 1;
	c->state.pending &= (uint8_t)~DESCRY_PENDING_NMI;
	cpu_come_back(c);
	return true;
}

static bool
take_interrupt(struct cpu *c)
{
	if (!is_taken(c, c->state.interrupt))
		return false;
	withdraw(c);
	return true;
}

/*
 * SDM vol. 3, Interrupt 8 - Double Fault Exception: an NMI, an SMI, INIT or RESET ends a shutdown,
 * but RESET alone one in the handler of an NMI or in SMM.
 */
bool
interrupt_shuts_down(struct cpu *c)
{
	const uint8_t ends = DESCRY_PENDING_NMI | DESCRY_PENDING_SMI | DESCRY_PENDING_INIT;

	if (c->state.pending & ends && !c->state.nmi_blocked && !c->state.in_smm)
		c->state.shut_down = 0;
	return c->state.shut_down;
}

bool
interrupt_take_pending(struct cpu *c)
{
	if (c->state.pending & DESCRY_PENDING_NMI && accepts_nmi(c))
		return take_nmi(c);
	if (c->state.pending & DESCRY_PENDING_INTERRUPT && accepts_interrupt(c))
		return take_interrupt(c);
	return false;
}
