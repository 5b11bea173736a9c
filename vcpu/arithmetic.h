/*
 * Shifts, multiplication, division and decimal adjustment as functions of values: operands
 * and flags in, result and flags out. Flags that the manual leaves undefined come out as
 * current Intel processors leave them, which was measured. Private to vcpu.
 */
#ifndef DESCRY_ARITHMETIC_H
#define DESCRY_ARITHMETIC_H

#include "decode.h"
#include "flags.h"

/* The value as an operand of that size. */
DESCRY_INLINE uint32_t
truncate_to(uint64_t value, unsigned size)
{
	return (uint32_t)(value & UINT64_MAX >> (64 - 8 * size));
}

DESCRY_INLINE bool
bit_of(uint64_t value, unsigned bit)
{
	return value >> bit & 1;
}

DESCRY_INLINE bool
top_bit(uint64_t value, unsigned size)
{
	return bit_of(value, 8 * size - 1);
}

/* --- rotates: CF and OF change -------------------------------------------------------- */

/*
 * OF is defined for a count of 1. For any other count it comes out as for 1 all the same:
 * from the operand as it was, not from the last of the steps. Counts here are 1 to 31.
 */
DESCRY_INLINE bool
of_to_the_left(uint32_t a, unsigned size)
{
	return top_bit(a ^ a << 1, size);
}

DESCRY_INLINE uint32_t
rotate_left(struct lazy_flags *f, unsigned size, uint32_t a, unsigned count)
{
	const unsigned width = 8 * size;
	const uint64_t twice = (uint64_t)a << width | a;
	const uint32_t r = truncate_to(twice >> (width - count % width), size);

	flags_set_cf_of(f, bit_of(r, 0), of_to_the_left(a, size));
	return r;
}

DESCRY_INLINE uint32_t
rotate_right(struct lazy_flags *f, unsigned size, uint32_t a, unsigned count)
{
	const unsigned width = 8 * size;
	const uint64_t twice = (uint64_t)a << width | a;
	const uint32_t r = truncate_to(twice >> count % width, size);

	flags_set_cf_of(f, top_bit(r, size), top_bit(a, size) != bit_of(a, 0));
	return r;
}

/* Through carry: CF is one more bit on top, and a full turn changes no flag. */
DESCRY_INLINE uint32_t
rotate_left_carry(struct lazy_flags *f, unsigned size, uint32_t a, unsigned count)
{
	const unsigned width = 8 * size;
	const unsigned n = count % (width + 1);
	const uint64_t whole = (uint64_t)flag_cf(f) << width | a;
	const uint64_t r = whole << n | whole >> (width + 1 - n);

	if (n != 0)
		flags_set_cf_of(f, bit_of(r, width), of_to_the_left(a, size));
	return truncate_to(r, size);
}

DESCRY_INLINE uint32_t
rotate_right_carry(struct lazy_flags *f, unsigned size, uint32_t a, unsigned count)
{
	const unsigned width = 8 * size;
	const unsigned n = count % (width + 1);
	const uint64_t whole = (uint64_t)flag_cf(f) << width | a;
	const uint64_t r = whole >> n | whole << (width + 1 - n);

	if (n != 0)
		flags_set_cf_of(f, bit_of(r, width), top_bit(a, size) != flag_cf(f));
	return truncate_to(r, size);
}

/* --- shifts: all flags change, AF to 0 ------------------------------------------------ */

DESCRY_INLINE uint32_t
shifted(struct lazy_flags *f, unsigned size, uint64_t value, bool cf, bool of)
{
	const uint32_t r = truncate_to(value, size);

	flags_set_result(f, r, size);
	flags_set_cf_of_af(f, cf, of, false);
	return r;
}

DESCRY_INLINE uint32_t
shift_left(struct lazy_flags *f, unsigned size, uint32_t a, unsigned count)
{
	const uint64_t r = (uint64_t)a << count;

	return shifted(f, size, r, bit_of(r, 8 * size), of_to_the_left(a, size));
}

DESCRY_INLINE uint32_t
shift_right(struct lazy_flags *f, unsigned size, uint32_t a, unsigned count)
{
	return shifted(f, size, a >> count, bit_of(a, count - 1), top_bit(a, size));
}

DESCRY_INLINE uint32_t
shift_right_signed(struct lazy_flags *f, unsigned size, uint32_t a, unsigned count)
{
	const int32_t wide = (int32_t)sign_extend(a, size);

	return shifted(f, size, (uint32_t)(wide >> count), bit_of((uint32_t)wide, count - 1),
		       false);
}

/* ROL to SAR: the count is masked to 5 bits, and 0 changes nothing. */
DESCRY_INLINE uint32_t
shift(struct lazy_flags *f, enum op op, unsigned size, uint32_t a, unsigned count)
{
	const unsigned n = count & 31;

	if (n == 0)
		return a;
	if (op == OP_ROL)
		return rotate_left(f, size, a, n);
	if (op == OP_ROR)
		return rotate_right(f, size, a, n);
	if (op == OP_RCL)
		return rotate_left_carry(f, size, a, n);
	if (op == OP_RCR)
		return rotate_right_carry(f, size, a, n);
	if (op == OP_SHL)
		return shift_left(f, size, a, n);
	if (op == OP_SHR)
		return shift_right(f, size, a, n);
	return shift_right_signed(f, size, a, n);
}

/*
 * SHLD and SHRD: two words in a row, of which one end is kept. A 16-bit shift by more than
 * 16 is undefined; it runs on into a third word, which is the destination again.
 */
DESCRY_INLINE uint32_t
shift_left_double(struct lazy_flags *f, unsigned size, uint32_t a, uint32_t fill, unsigned count)
{
	const uint64_t r = size == 2 ? ((uint64_t)a << 32 | fill << 16 | a) << count >> 32
				     : ((uint64_t)a << count) | fill >> (32 - count);

	return shifted(f, size, r, bit_of(r, 8 * size), of_to_the_left(a, size));
}

DESCRY_INLINE uint32_t
shift_right_double(struct lazy_flags *f, unsigned size, uint32_t a, uint32_t fill, unsigned count)
{
	const uint64_t words =
		size == 2 ? (uint64_t)a << 32 | fill << 16 | a : (uint64_t)fill << 32 | a;

	return shifted(f, size, words >> count, bit_of(words, count - 1),
		       top_bit(a, size) != bit_of(fill, 0));
}

DESCRY_INLINE uint32_t
shift_double(struct lazy_flags *f, enum op op, unsigned size, uint32_t a, uint32_t fill,
	     unsigned count)
{
	const unsigned n = count & 31;

	if (n == 0)
		return a;
	return op == OP_SHLD ? shift_left_double(f, size, a, fill, n)
			     : shift_right_double(f, size, a, fill, n);
}

/* --- multiplication and division ------------------------------------------------------ */

/* The product, twice as wide as its operands. SF and PF are those of its low half. */
DESCRY_INLINE uint64_t
multiply(struct lazy_flags *f, enum op op, unsigned size, uint32_t a, uint32_t b)
{
	const int64_t product =
		(int64_t)(int32_t)sign_extend(a, size) * (int32_t)sign_extend(b, size);
	const uint64_t r = op == OP_IMUL ? (uint64_t)product : (uint64_t)a * b;
	const uint32_t low = truncate_to(r, size);
	const bool overflows =
		op == OP_IMUL ? product != (int32_t)sign_extend(low, size) : low != r;

	flags_set_result(f, low, size);
	f->zero = 1;
	flags_set_cf_of_af(f, overflows, overflows, false);
	return r;
}

struct division {
	uint32_t quotient, remainder;
	bool fits; /* false: #DE */
};

DESCRY_INLINE struct division
divide_unsigned(unsigned size, uint64_t dividend, uint32_t divisor)
{
	if (divisor == 0)
		return (struct division){ .fits = false };

	const uint64_t quotient = dividend / divisor;

	return (struct division){
		.quotient = (uint32_t)quotient,
		.remainder = (uint32_t)(dividend % divisor),
		.fits = quotient == truncate_to(quotient, size),
	};
}

/* Divides magnitudes: the most negative values need no care. The remainder has the dividend's
 * sign. */
DESCRY_INLINE struct division
divide_signed(unsigned size, uint64_t dividend, uint32_t divisor)
{
	const unsigned unused = 64 - 16 * size;
	const bool below = top_bit(dividend, 2 * size);
	const bool opposite = below != top_bit(divisor, size);
	const uint64_t magnitude = (below ? 0 - dividend : dividend) << unused >> unused;
	const uint32_t by = truncate_to(top_bit(divisor, size) ? 0 - divisor : divisor, size);

	if (by == 0)
		return (struct division){ .fits = false };

	const uint64_t quotient = magnitude / by;
	const uint32_t remainder = (uint32_t)(magnitude % by);
	const uint64_t most = (UINT64_C(1) << (8 * size - 1)) - !opposite;

	return (struct division){
		.quotient = (uint32_t)(opposite ? 0 - quotient : quotient),
		.remainder = below ? 0 - remainder : remainder,
		.fits = quotient <= most,
	};
}

/* --- decimal adjustment --------------------------------------------------------------- */

/* DAA, DAS: AL after two packed digits have been added or subtracted. */
DESCRY_INLINE uint32_t
decimal_adjust(struct lazy_flags *f, enum op op, uint32_t al)
{
	const bool low = (al & 0xf) > 9 || flag_af(f);
	const bool high = al > 0x99 || flag_cf(f);
	const uint32_t by = (low ? 6u : 0) + (high ? 0x60u : 0);
	const bool borrow = op == OP_DAS && low && al < 6;
	const uint32_t r = truncate_to(op == OP_DAA ? al + by : al - by, 1);

	flags_set_result(f, r, 1);
	flags_set_cf_of_af(f, high || borrow, false, low);
	return r;
}

/* AAA, AAS: AX after one unpacked digit has been added or subtracted in AL. */
DESCRY_INLINE uint32_t
ascii_adjust(struct lazy_flags *f, enum op op, uint32_t ax)
{
	const bool adjusts = (ax & 0xf) > 9 || flag_af(f);
	const uint32_t by = adjusts ? 0x106 : 0;
	const uint32_t r = (op == OP_AAA ? ax + by : ax - by) & 0xff0f;

	flags_set_result(f, r, 1);
	flags_set_cf_of_af(f, adjusts, false, adjusts);
	return r;
}

/* AAM: AX from AL, which is split by a base other than 0. */
DESCRY_INLINE uint32_t
ascii_split(struct lazy_flags *f, uint32_t al, uint32_t base)
{
	const uint32_t r = al / base << 8 | al % base;

	flags_set_result(f, r, 1);
	flags_set_cf_of_af(f, false, false, false);
	return r;
}

/* --- sums and differences, for the flags ---------------------------------------------- */

/* CMP, as CMPS and SCAS do it. */
DESCRY_INLINE void
compare(struct lazy_flags *f, unsigned size, uint32_t a, uint32_t b)
{
	const uint32_t r = a - b;

	flags_set_result(f, r, size);
	flags_set_carries(f, borrows_of(a, b, r), size);
}

/* AAD: AX from the digits AH and AL. The flags are those of the byte addition inside. */
DESCRY_INLINE uint32_t
ascii_join(struct lazy_flags *f, uint32_t ax, uint32_t base)
{
	const uint32_t a = ax & 0xff, b = (ax >> 8) * base & 0xff;
	const uint32_t r = (a + b) & 0xff;

	flags_set_result(f, r, 1);
	flags_set_carries(f, (a & b) | ((a | b) & ~r), 1);
	return r;
}

#endif
