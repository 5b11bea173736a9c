/*
 * Arithmetic flags, kept as values from which they are read (SDM vol. 1, EFLAGS Register).
 * Any combination can be expressed, so the same three words also hold what POPF loads.
 * Private to vcpu.
 */
#ifndef DESCRY_FLAGS_H
#define DESCRY_FLAGS_H

#include <descry/compiler.h>
#include <descry/state.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * carries is the carry (or borrow) out of each bit: bit 31 is the carry out of the
 * operand's top bit, bit 30 the one into it, bit 3 the one out of bit 3. So CF is bit 31,
 * OF is bit 31 xor bit 30, AF is bit 3.
 */
struct lazy_flags {
	uint32_t zero; /* ZF is set when this is 0 */
	uint32_t sign; /* SF is bit 31; PF is the parity of bits 7:0 */
	uint32_t carries;
};

#define FLAGS_ARITHMETIC                                                                           \
	(DESCRY_FLAG_CF | DESCRY_FLAG_PF | DESCRY_FLAG_AF | DESCRY_FLAG_ZF | DESCRY_FLAG_SF |      \
	 DESCRY_FLAG_OF)

DESCRY_INLINE bool
flag_cf(const struct lazy_flags *f)
{
	return f->carries >> 31;
}

DESCRY_INLINE bool
flag_of(const struct lazy_flags *f)
{
	return (f->carries ^ f->carries << 1) >> 31;
}

DESCRY_INLINE bool
flag_af(const struct lazy_flags *f)
{
	return f->carries >> 3 & 1;
}

DESCRY_INLINE bool
flag_zf(const struct lazy_flags *f)
{
	return f->zero == 0;
}

DESCRY_INLINE bool
flag_sf(const struct lazy_flags *f)
{
	return f->sign >> 31;
}

DESCRY_INLINE bool
flag_pf(const struct lazy_flags *f)
{
	return !__builtin_parity(f->sign & 0xff);
}

/* The operand's value with its sign bit moved to bit 31 and bits 7:0 in place. */
DESCRY_INLINE uint32_t
sign_extend(uint32_t value, unsigned size)
{
	switch (size) {
	case 1:
		return (uint32_t)(int8_t)value;
	case 2:
		return (uint32_t)(int16_t)value;
	default:
		return value;
	}
}

/* ZF, SF and PF of a result. */
DESCRY_INLINE void
flags_set_result(struct lazy_flags *f, uint32_t result, unsigned size)
{
	f->zero = f->sign = sign_extend(result, size);
}

/* CF, OF and AF from the carries of an addition or the borrows of a subtraction. */
DESCRY_INLINE void
flags_set_carries(struct lazy_flags *f, uint32_t carries, unsigned size)
{
	const unsigned up = 32 - 8 * size;

	f->carries = up ? carries << up | (carries & 8) : carries;
}

DESCRY_INLINE void
flags_set_cf_of_af(struct lazy_flags *f, bool cf, bool of, bool af)
{
	f->carries = (uint32_t)cf << 31 | (uint32_t)(cf ^ of) << 30 | (uint32_t)af << 3;
}

/* Carry out of every bit of a + b (+ carry in) = r. */
DESCRY_INLINE uint32_t
carries_of(uint32_t a, uint32_t b, uint32_t r)
{
	return (a & b) | ((a | b) & ~r);
}

/* Borrow into every bit of a - b (- borrow in) = r. */
DESCRY_INLINE uint32_t
borrows_of(uint32_t a, uint32_t b, uint32_t r)
{
	return (~a & b) | ((~a | b) & r);
}

/* CF as it was before; OF stays, which is bit 31 against bit 30. */
DESCRY_INLINE void
flags_keep_cf(struct lazy_flags *f, uint32_t carries_before)
{
	const uint32_t differs = (f->carries ^ carries_before) & 0x80000000u;

	f->carries ^= differs | differs >> 1;
}

/* Change ZF alone. */
DESCRY_INLINE void
flags_set_zf(struct lazy_flags *f, bool zf)
{
	f->zero = !zf;
}

/* Change CF and OF, leave AF. */
DESCRY_INLINE void
flags_set_cf_of(struct lazy_flags *f, bool cf, bool of)
{
	flags_set_cf_of_af(f, cf, of, flag_af(f));
}

/* The arithmetic flags at their places in EFLAGS. */
uint32_t flags_read(const struct lazy_flags *f);
void flags_write(struct lazy_flags *f, uint32_t eflags);

/* The sixteen conditions of Jcc and SETcc, by the low four bits of the opcode. */
DESCRY_INLINE bool
flags_condition(const struct lazy_flags *f, unsigned cond)
{
	bool holds = false;

	switch (cond >> 1) {
	case 0:
		holds = flag_of(f);
		break;
	case 1:
		holds = flag_cf(f);
		break;
	case 2:
		holds = flag_zf(f);
		break;
	case 3:
		holds = flag_cf(f) || flag_zf(f);
		break;
	case 4:
		holds = flag_sf(f);
		break;
	case 5:
		holds = flag_pf(f);
		break;
	case 6:
		holds = flag_sf(f) != flag_of(f);
		break;
	case 7:
		holds = flag_zf(f) || flag_sf(f) != flag_of(f);
		break;
	}
	return holds != (bool)(cond & 1);
}

#endif
