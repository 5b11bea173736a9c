/*
 * What the tables of rows are written with. Private to vcpu.
 */
#ifndef DESCRY_EXCHANGE_ROWS_H
#define DESCRY_EXCHANGE_ROWS_H

#include <descry/exchange.h>

extern const struct descry_exchange_format exchange_vmcs;
extern const struct descry_exchange_format exchange_vmcb;
extern const struct descry_exchange_format exchange_kvm;
extern const struct descry_exchange_format exchange_smram_p5;
extern const struct descry_exchange_format exchange_smram_p6;
extern const struct descry_exchange_format exchange_smram_amd64;
extern const struct descry_exchange_format exchange_loadall_286;
extern const struct descry_exchange_format exchange_loadall_386;
extern const struct descry_exchange_format exchange_loadall_386_high;

#define EXCHANGE_SMRAM_FIRST 0x7e00u /* from SMBASE + 8000h */
#define EXCHANGE_SMRAM_BYTES 0x200u

#define EXCHANGE_EFER_LONG 0x500u /* LME, LMA */
#define EXCHANGE_NO_LONG_MODE                                                                      \
	"the guest is in long mode, which is not modelled; take its state before that"

#define ROW_COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define PART(SREG, PART_)                                                                          \
	(DESCRY_STATE_SEGMENT + DESCRY_PART_COUNT * DESCRY_##SREG + DESCRY_PART_##PART_)
#define GPR(REG) (DESCRY_STATE_GPR + DESCRY_##REG)

#define PACKED(text, at_, bytes_, kind, field_)                                                    \
	{                                                                                          \
		.name = (text), .at = (at_), .bytes = (bytes_), .packing = DESCRY_PACK_##kind,     \
		.field = (uint8_t)(field_)                                                         \
	}
#define PLAIN(text, at, bytes, field) PACKED(text, at, bytes, PLAIN, field)
#define BITS(text, at_, bytes_, field_, shift_, bits_)                                             \
	{                                                                                          \
		.name = (text), .at = (at_), .bytes = (bytes_), .packing = DESCRY_PACK_BITS,       \
		.field = (uint8_t)(field_), .shift = (shift_), .bits = (bits_)                     \
	}
#define FIXED(text, at_, bytes_, value)                                                            \
	{                                                                                          \
		.name = (text), .at = (at_), .bytes = (bytes_), .packing = DESCRY_PACK_FIXED,      \
		.fixed = (value)                                                                   \
	}
/* The bits of mask must be as they are in value. */
#define SIGN(text, at_, bytes_, value, mask, why)                                                  \
	{                                                                                          \
		.name = (text), .at = (at_), .bytes = (bytes_), .packing = DESCRY_PACK_FIXED,      \
		.fixed = (value), .must = (mask), .must_why = (why)                                \
	}

#endif
