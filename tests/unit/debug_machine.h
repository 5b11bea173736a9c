/*
 * The small machine for programs that debug themselves: where #DB and other exceptions lead, debug
 * registers to begin with. Include after <cmocka.h>.
 */
#ifndef DESCRY_DEBUG_MACHINE_H
#define DESCRY_DEBUG_MACHINE_H

#include "small_program.h"

#include <descry/debug.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define AT_DB 0x8000u    /* 0000:8000, a HLT: where #DB leads */
#define AT_OTHER 0x9000u /* another HLT: #DE, #BP, #UD, #GP */

#define X0 0x00000402u /* DR7: an instruction at DR0 */
#define W0 0x00010402u /* a byte written */
#define A0 0x00030402u /* a byte accessed */
#define IO0 0x00020402u
#define NONE 0xffffffffu

/* Real mode at 0000:7C00, all segments 0, AX = 0, CX = 3, SI = 600h, DI = 500h, SP = 7000h. */
struct program {
	const char *what;
	uint8_t code[16];
	uint32_t flags; /* to begin with */
	uint32_t dr0, dr7;
	uint32_t cr4;
	uint32_t ends;   /* EIP of the HLT */
	uint32_t pushed; /* the IP on top of the stack, or NONE */
	uint32_t dr6;    /* what has been added to it */
};

static inline void
lead_vector(struct machine *m, unsigned vector, uint32_t to)
{
	memcpy(&m->ram[vector * 4], &to, 4);
}

static inline void
open_profile(struct machine *m, const char *profile)
{
	const struct descry_bus bus = {
		.owner = m, .page = page_of, .port_in = no_port, .port_out = drop_port
	};
	static const uint8_t others[] = { DESCRY_VEC_DE, DESCRY_VEC_BP, DESCRY_VEC_UD,
					  DESCRY_VEC_GP };

	memset(m->ram, 0, sizeof(m->ram));
	lead_vector(m, DESCRY_VEC_DB, AT_DB);
	for (size_t i = 0; i < COUNT(others); i++)
		lead_vector(m, others[i], AT_OTHER);
	m->ram[AT_DB] = m->ram[AT_OTHER] = 0xf4;
	assert_int_equal(descry_vcpu_create(descry_profile_find(profile), &bus, &m->vcpu),
			 DESCRY_OK);
}

static inline const struct descry_state *
cpu(const struct machine *m)
{
	return descry_vcpu_state(m->vcpu);
}

static inline void
open_program(struct machine *m, const struct program *p, const char *profile)
{
	struct descry_state *state;

	open_profile(m, profile);
	load(m, p->code, sizeof(p->code));
	state = descry_vcpu_state_mutable(m->vcpu);
	state->gpr[DESCRY_AX] = 0;
	state->gpr[DESCRY_CX] = 3;
	state->gpr[DESCRY_DX] = 0;
	state->gpr[DESCRY_SI] = 0x600;
	state->gpr[DESCRY_DI] = 0x500;
	state->rflags |= p->flags;
	state->dr[0] = p->dr0;
	state->dr[7] = p->dr7 | DESCRY_DR7_RESET;
	state->cr4 = p->cr4;
	descry_vcpu_state_changed(m->vcpu);
}

static inline uint32_t
top_of_stack(const struct machine *m)
{
	const size_t sp = cpu(m)->gpr[DESCRY_SP] & 0xffff;

	return m->ram[sp] | (uint32_t)m->ram[sp + 1] << 8;
}

#endif
