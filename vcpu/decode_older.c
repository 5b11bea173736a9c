/*
 * What an 8086 and a 286 decode in another way than a 386: LOCK before anything, the length
 * of an instruction, and on an 8086 opcodes that are others, since it looks at fewer bits of
 * them (iAPX 86,88 User's Manual, machine instruction decoding; the aliases were found with
 * the chip). The bytes are rewritten into those of a 386 and go through its decoder.
 */
#include "decode_older.h"

#include "insn.h"

#include <descry/state.h>

#include <string.h>

struct older {
	uint8_t bytes[INSN_BYTES_MAX]; /* as a 386 writes it */
	size_t size;
	size_t locks; /* prefixes that have been left out */
	bool to_cs;   /* MOV CS, POP CS */
	bool refused; /* what it does is not known */
	uint16_t esc; /* opcode and ModR/M of an ESC; 0: it is none */
};

bool
decodes_older(const struct descry_profile *profile)
{
	const uint32_t *knob = profile->knob;

	return knob[DESCRY_KNOB_INSN_SET] < DESCRY_INSN_386 ||
	       knob[DESCRY_KNOB_X87] != DESCRY_X87_NONE ||
	       knob[DESCRY_KNOB_LOCK_RULE] != DESCRY_LOCK_CHECKED ||
	       knob[DESCRY_KNOB_INSN_LENGTH] != INSN_BYTES_MAX ||
	       knob[DESCRY_KNOB_PUSH_SP] != DESCRY_PUSH_SP_OLD ||
	       knob[DESCRY_KNOB_SHIFT_COUNT] != 0x1f || knob[DESCRY_KNOB_SHADOW_SREG] != 0;
}

static bool
is_8086(const struct descry_profile *profile)
{
	return profile->knob[DESCRY_KNOB_INSN_SET] == DESCRY_INSN_8086;
}

/* --- prefixes ------------------------------------------------------------------------- */

/* F1 is LOCK to an 8086. */
static bool
is_lock(const struct descry_profile *profile, uint8_t byte)
{
	return byte == 0xf0 || (byte == 0xf1 && is_8086(profile));
}

static bool
is_prefix(const struct descry_profile *profile, uint8_t byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0xf2:
	case 0xf3:
		return true;
	case 0x64:
	case 0x65:
	case 0x66:
	case 0x67:
		return profile->knob[DESCRY_KNOB_INSN_SET] >= DESCRY_INSN_386;
	default:
		return false;
	}
}

/* Number of prefixes; those that stay are copied. */
static size_t
take_prefixes(const struct descry_profile *profile, const uint8_t *bytes, size_t size,
	      struct older *older)
{
	size_t i = 0;

	for (; i < size; i++) {
		if (is_lock(profile, bytes[i]) &&
		    profile->knob[DESCRY_KNOB_LOCK_RULE] == DESCRY_LOCK_ANY)
			older->locks++;
		else if (is_prefix(profile, bytes[i]) || bytes[i] == 0xf0)
			older->bytes[older->size++] = bytes[i];
		else
			break;
	}
	return i;
}

/* --- the opcodes of an 8086 ----------------------------------------------------------- */

static uint8_t
opcode_of_8086(uint8_t opcode)
{
	if ((opcode & 0xf0) == 0x60) /* bit 4 is not looked at */
		return opcode | 0x10;
	switch (opcode) {
	case 0x0f:
		return 0x07; /* POP CS: as POP ES, and mended afterwards */
	case 0xc0:
	case 0xc1:
	case 0xc8:
	case 0xc9: /* nor is bit 1 */
		return opcode | 0x02;
	default:
		return opcode;
	}
}

static unsigned
reg_field(uint8_t modrm)
{
	return modrm >> 3 & 7;
}

static uint8_t
with_reg_field(uint8_t modrm, unsigned reg)
{
	return (uint8_t)((modrm & 0xc7) | reg << 3);
}

/* Forms in which the 8086 computes something that no manual gives. */
static bool
is_unknown_form(uint8_t opcode, uint8_t modrm)
{
	const bool is_register = modrm >> 6 == 3;

	switch (opcode) {
	case 0x8d:
	case 0xc4:
	case 0xc5:
		return is_register;
	case 0xd0:
	case 0xd1:
	case 0xd2:
	case 0xd3:
		return reg_field(modrm) == 6;
	case 0xfe:
		return reg_field(modrm) >= 2;
	case 0xff:
		return is_register && (reg_field(modrm) == 3 || reg_field(modrm) == 5);
	default:
		return false;
	}
}

static uint8_t
modrm_of_8086(uint8_t opcode, uint8_t modrm, struct older *older)
{
	older->refused = is_unknown_form(opcode, modrm);
	switch (opcode) {
	case 0x8e:
		older->to_cs = (reg_field(modrm) & 3) == DESCRY_CS;
		return with_reg_field(modrm, older->to_cs ? DESCRY_ES : reg_field(modrm) & 3);
	case 0x8c:
		return with_reg_field(modrm, reg_field(modrm) & 3);
	case 0x8f:
	case 0xc6:
	case 0xc7:
		return with_reg_field(modrm, 0);
	case 0xff:
		return reg_field(modrm) == 7 ? with_reg_field(modrm, 6) : modrm;
	default:
		return modrm;
	}
}

static void
rewrite_8086(struct older *older, size_t opcode_at)
{
	uint8_t *opcode = older->bytes + opcode_at;

	if (opcode_at >= older->size)
		return;
	older->to_cs = *opcode == 0x0f;
	*opcode = opcode_of_8086(*opcode);
	if (opcode_at + 1 < older->size)
		opcode[1] = modrm_of_8086(*opcode, opcode[1], older);
}

/* --- ESC ------------------------------------------------------------------------------ */

/* The operand is read by a MOV with the same ModR/M byte. */
static void
rewrite_esc(const struct descry_profile *profile, struct older *older, size_t opcode_at)
{
	uint8_t *opcode = older->bytes + opcode_at;

	if (opcode_at + 1 >= older->size || (*opcode & 0xf8) != 0xd8 ||
	    profile->knob[DESCRY_KNOB_X87] == DESCRY_X87_NONE)
		return;
	older->esc = (uint16_t)(opcode[0] | opcode[1] << 8);
	*opcode = 0x8b;
}

static void
mend_esc(const struct older *older, struct decoded *out)
{
	out->op = OP_ESC;
	out->older = OLDER_ESC;
	out->imm = older->esc;
	out->operand[0] = out->operand[1];
}

/* --- what comes out of the decoder of a 386 ------------------------------------------- */

static bool
is_segment_load(const struct decoded *d)
{
	return (d->op == OP_MOV || d->op == OP_POP) && d->operand[0].kind == OPERAND_SREG;
}

static bool
names_later_sreg(const struct decoded *d)
{
	for (unsigned i = 0; i < 2; i++) {
		if (d->operand[i].kind == OPERAND_SREG && d->operand[i].reg > DESCRY_DS)
			return true;
	}
	return false;
}

static void
mend(const struct descry_profile *profile, const struct older *older, struct decoded *out)
{
	const uint32_t *knob = profile->knob;

	if (older->esc)
		mend_esc(older, out);
	if (is_segment_load(out) && older->to_cs)
		out->operand[0].reg = DESCRY_CS;
	if (knob[DESCRY_KNOB_INSN_SET] < DESCRY_INSN_386 && names_later_sreg(out))
		out->op = OP_UNDEFINED;
	if (is_segment_load(out) && (older->to_cs || knob[DESCRY_KNOB_SHADOW_SREG]))
		out->older = OLDER_ENDS_BLOCK;
	if (out->op == OP_PUSH && out->operand[0].kind == OPERAND_REG &&
	    out->operand[0].reg == DESCRY_SP && knob[DESCRY_KNOB_PUSH_SP] == DESCRY_PUSH_SP_NEW)
		out->older = OLDER_PUSH_SP;
	if (out->op >= OP_ROL && out->op <= OP_SAR && knob[DESCRY_KNOB_SHIFT_COUNT] != 0x1f)
		out->older = OLDER_SHIFT;
}

/* An 8086 knows no undefined opcode, and no instruction is too long for it. */
static bool
refuse(const struct descry_profile *profile, enum op op, size_t length, struct decoded *out)
{
	*out = (struct decoded){
		.op = op, .length = (uint8_t)length, .base = REG_ZERO, .index = REG_ZERO
	};
	if (is_8086(profile)) {
		out->op = OP_NOT_MODELLED;
		out->feature = FEATURE_8086_OPCODE;
	}
	return true;
}

bool
decode_older(const struct decoder *decoder, const struct descry_profile *profile,
	     enum decode_mode mode, const uint8_t *bytes, size_t size, struct decoded *out)
{
	const size_t longest = profile->knob[DESCRY_KNOB_INSN_LENGTH];
	const size_t seen = size < longest ? size : longest;
	struct older older = { .size = 0 };
	const size_t prefixes = take_prefixes(profile, bytes, seen, &older);
	const size_t opcode_at = older.size;

	memcpy(older.bytes + opcode_at, bytes + prefixes, seen - prefixes);
	older.size += seen - prefixes;
	if (is_8086(profile))
		rewrite_8086(&older, opcode_at);
	rewrite_esc(profile, &older, opcode_at);
	if (!decode_as_386(decoder, mode, older.bytes, older.size, out))
		return size >= longest && refuse(profile, OP_TOO_LONG, longest, out);

	out->length = (uint8_t)(out->length + older.locks);
	mend(profile, &older, out);
	if (out->op == OP_UNDEFINED || older.refused)
		return refuse(profile, OP_UNDEFINED, out->length, out);
	return true;
}
