#include "control.h"

#include "tlb.h"

/* With PAE the page directories are read as soon as paging begins, or begins to be like that. */
static bool
load_pdptes_for(struct cpu *c, uint32_t cr0, uint32_t cr4)
{
	if (!(cr0 & DESCRY_CR0_PG) || !(cr4 & DESCRY_CR4_PAE))
		return true;
	return page_load_pdptes(c, (uint32_t)c->state.cr3);
}

/* WP has no part in what the TLB holds, only in what is made of it. */
static void
after_cr0(struct cpu *c, uint32_t changed)
{
	if (changed & (DESCRY_CR0_PG | DESCRY_CR0_PE))
		tlb_flush(c);
	if (changed & DESCRY_CR0_WP)
		cpu_forget_pages(c);
	cpu_derive(c);
}

static void
tell_of_mode(struct cpu *c, uint32_t cr0)
{
	if (cpu_records(c, DESCRY_EVENT_MODE))
		cpu_record(c, DESCRY_EVENT_MODE)->cr0 = cr0;
	if (c->control && c->control->stop_at_mode) {
		c->exit->reason = DESCRY_EXIT_MODE;
		c->leave = true;
	}
}

/* SDM vol. 3, PDPTE Registers: the bits of CR0 whose change has them read. */
#define CR0_READS_PDPTES (DESCRY_CR0_PG | DESCRY_CR0_CD | DESCRY_CR0_NW)

bool
cr0_write(struct cpu *c, uint32_t value)
{
	const uint32_t old = (uint32_t)c->state.cr0, bits = c->profile.knob[DESCRY_KNOB_CR0_BITS];
	const uint32_t now = (old & ~bits) | (value & bits);

	if ((now & DESCRY_CR0_PG && !(now & DESCRY_CR0_PE)) ||
	    (now & DESCRY_CR0_NW && !(now & DESCRY_CR0_CD)))
		return raise(c, DESCRY_VEC_GP, 0);
	if ((old ^ now) & CR0_READS_PDPTES && !load_pdptes_for(c, now, (uint32_t)c->state.cr4))
		return false;
	c->state.cr0 = now;
	after_cr0(c, old ^ now);
	if ((old ^ now) & DESCRY_CR0_PE)
		c->state.pe_window ^= (uint8_t)c->profile.knob[DESCRY_KNOB_PE_WINDOW];
	if ((old ^ now) & DESCRY_CR0_PE)
		tell_of_mode(c, now);
	return true;
}

/* The low bits, but for PWT and PCD, mean nothing and are kept. */
bool
cr3_write(struct cpu *c, uint32_t value)
{
	if (c->paging && c->state.cr4 & DESCRY_CR4_PAE && !page_load_pdptes(c, value))
		return false;
	c->state.cr3 = value;
	tlb_flush_local(c);
	return true;
}

bool
cr4_write(struct cpu *c, uint32_t value)
{
	const uint32_t flushing = DESCRY_CR4_PSE | DESCRY_CR4_PAE | DESCRY_CR4_PGE;
	const uint32_t changed = (uint32_t)c->state.cr4 ^ value;

	if (value & ~c->profile.knob[DESCRY_KNOB_CR4_BITS])
		return raise(c, DESCRY_VEC_GP, 0);
	if (changed & flushing && !load_pdptes_for(c, (uint32_t)c->state.cr0, value))
		return false;
	c->state.cr4 = value;
	if (changed & flushing)
		tlb_flush(c);
	cpu_derive(c);
	return true;
}

bool
cr_exists(const struct cpu *c, unsigned number)
{
	return number == 0 || number == 2 || number == 3 ||
	       (number == 4 && c->profile.knob[DESCRY_KNOB_CR4_BITS]);
}

bool
cr_write(struct cpu *c, unsigned number, uint32_t value)
{
	switch (number) {
	case 0:
		return cr0_write(c, value);
	case 3:
		return cr3_write(c, value);
	case 4:
		return cr4_write(c, value);
	default:
		c->state.cr2 = value;
		return true;
	}
}

uint32_t
cr_read(const struct cpu *c, unsigned number)
{
	switch (number) {
	case 0:
		return (uint32_t)c->state.cr0;
	case 3:
		return (uint32_t)c->state.cr3;
	case 4:
		return (uint32_t)c->state.cr4;
	default:
		return (uint32_t)c->state.cr2;
	}
}
