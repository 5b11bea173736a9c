/*
 * Disassembly in Intel syntax. Owned by vcpu.
 */
#ifndef DESCRY_DISAS_H
#define DESCRY_DISAS_H

#include <descry/profile.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DESCRY_DISAS_TEXT 96u
#define DESCRY_INSN_MAX 15u

/* Names an address: false when there is no symbol near. ip is an offset in CS. */
typedef bool descry_symbolize_fn(void *owner, uint64_t ip, char *buffer, size_t size);

struct descry_disas_options {
	bool code32; /* CS.D */
	const struct descry_profile *profile; /* may be NULL: no LOADALL */
	uint64_t ip;
	descry_symbolize_fn *symbolize; /* may be NULL */
	void *owner;
};

/* Length of the instruction; 0 when the bytes are none (text is then "(bad)"). */
unsigned descry_disassemble(const struct descry_disas_options *options, const uint8_t *bytes,
			    size_t size, char text[DESCRY_DISAS_TEXT]);

#endif
