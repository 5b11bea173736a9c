#include "control.h"

bool
cr0_write(struct cpu *c, uint32_t value)
{
	const uint32_t old = (uint32_t)c->state.cr0, bits = c->profile.knob[DESCRY_KNOB_CR0_BITS];

	value = (old & ~bits) | (value & bits);
	if (value & DESCRY_CR0_PG)
		return value & DESCRY_CR0_PE ? not_modelled(c, "paging")
					     : raise(c, DESCRY_VEC_GP, 0);
	c->state.cr0 = value;
	cpu_derive(c);
	if ((old ^ value) & DESCRY_CR0_PE)
		c->state.pe_window ^= (uint8_t)c->profile.knob[DESCRY_KNOB_PE_WINDOW];
	if ((old ^ value) & DESCRY_CR0_PE && cpu_records(c, DESCRY_EVENT_MODE))
		cpu_record(c, DESCRY_EVENT_MODE)->cr0 = value;
	return true;
}
