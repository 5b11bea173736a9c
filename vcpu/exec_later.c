/*
 * What came after the 386 and asks for no privilege: BSWAP XADD CMPXCHG (486), CMPXCHG8B
 * (Pentium), CMOVcc (P6). SDM vol. 2, one entry each.
 */
#include "arithmetic.h"
#include "lower.h"
#include "mem.h"

/* --- BSWAP ---------------------------------------------------------------------------- */

/* With a 16-bit operand size the result is undefined: silicon leaves 0. */
static const struct insn *
exec_bswap(struct cpu *c, const struct insn *in)
{
	const uint32_t swapped = __builtin_bswap32(reg_read(c, in->dst, 4));

	reg_write(c, in->dst, in->size, in->size == 4 ? swapped : 0);
	return next(c, in);
}

/* --- CMOVcc --------------------------------------------------------------------------- */

DESCRY_INLINE const struct insn *
cmov(struct cpu *c, const struct insn *in, unsigned size, uint32_t value)
{
	if (flags_condition(&c->flags, in->cond))
		reg_write(c, in->dst, size, value);
	return next(c, in);
}

DESCRY_INLINE const struct insn *
cmov_r(struct cpu *c, const struct insn *in, unsigned size)
{
	return cmov(c, in, size, reg_read(c, in->src, size));
}

/* The operand is read, and may fault, whether or not the condition holds. */
DESCRY_INLINE const struct insn *
cmov_m(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_read(c, in->seg, ea(c, in), size))
		return fault(c, in);
	return cmov(c, in, size, c->value);
}

/* --- XADD ----------------------------------------------------------------------------- */

DESCRY_INLINE uint32_t
add(struct cpu *c, unsigned size, uint32_t a, uint32_t b)
{
	const uint32_t r = a + b;

	flags_set_result(&c->flags, r, size);
	flags_set_carries(&c->flags, carries_of(a, b, r), size);
	return r;
}

/* The sum is written last: it stays when both operands are one register. */
DESCRY_INLINE const struct insn *
xadd_r(struct cpu *c, const struct insn *in, unsigned size)
{
	const uint32_t before = reg_read(c, in->dst, size);
	const uint32_t sum = add(c, size, before, reg_read(c, in->src, size));

	reg_write(c, in->src, size, before);
	reg_write(c, in->dst, size, sum);
	return next(c, in);
}

DESCRY_INLINE const struct insn *
xadd_m(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_rmw(c, in->seg, ea(c, in), size))
		return fault(c, in);

	const uint32_t before = c->value;

	mem_rmw_commit(c, size, add(c, size, before, reg_read(c, in->src, size)));
	reg_write(c, in->src, size, before);
	return next(c, in);
}

/* --- CMPXCHG -------------------------------------------------------------------------- */

/* Is the accumulator equal to the destination? All flags are those of comparing them. */
DESCRY_INLINE bool
accumulator_equals(struct cpu *c, unsigned size, uint32_t destination)
{
	compare(&c->flags, size, reg_read(c, DESCRY_AX, size), destination);
	return flag_zf(&c->flags);
}

DESCRY_INLINE const struct insn *
cmpxchg_r(struct cpu *c, const struct insn *in, unsigned size)
{
	const uint32_t before = reg_read(c, in->dst, size);

	if (accumulator_equals(c, size, before))
		reg_write(c, in->dst, size, reg_read(c, in->src, size));
	else
		reg_write(c, DESCRY_AX, size, before);
	return next(c, in);
}

/* The destination is written in any case, with what it held when it is not equal. */
DESCRY_INLINE const struct insn *
cmpxchg_m(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_rmw(c, in->seg, ea(c, in), size))
		return fault(c, in);

	const uint32_t before = c->value;
	const bool equal = accumulator_equals(c, size, before);

	mem_rmw_commit(c, size, equal ? reg_read(c, in->src, size) : before);
	if (!equal)
		reg_write(c, DESCRY_AX, size, before);
	return next(c, in);
}

/* --- one handler for each operation, form and size ------------------------------------ */

#define LATER_HANDLER(name, form, size)                                                            \
	static const struct insn *exec_##name##_##form##size(struct cpu *c, const struct insn *in) \
	{                                                                                          \
		return name##_##form(c, in, size);                                                 \
	}
#define LATER_WIDE(name, form) LATER_HANDLER(name, form, 2) LATER_HANDLER(name, form, 4)
#define LATER_SIZES(name, form) LATER_HANDLER(name, form, 1) LATER_WIDE(name, form)

LATER_WIDE(cmov, r)
LATER_WIDE(cmov, m)
LATER_SIZES(xadd, r)
LATER_SIZES(xadd, m)
LATER_SIZES(cmpxchg, r)
LATER_SIZES(cmpxchg, m)

/* --- CMPXCHG8B ------------------------------------------------------------------------ */

DESCRY_INLINE uint64_t
pair(const struct cpu *c, unsigned high, unsigned low)
{
	return (uint64_t)reg_read(c, high, 4) << 32 | reg_read(c, low, 4);
}

/*
 * The two halves are one operand to alignment and to the address: with 16 bits of it, too, the high
 * half is behind the low one and not at offset 0. So silicon has it.
 */
DESCRY_INLINE bool
operand_allowed(struct cpu *c, const struct insn *in, uint32_t at)
{
	const struct seg_verdict verdict =
		seg_check_access(&c->state.seg[in->seg], at, 8, DESCRY_WRITE,
				 seg_route((enum descry_sreg)in->seg), &c->rules);

	return verdict.rule == SEG_OK || mem_check(c, in->seg, at, 8, DESCRY_WRITE);
}

/*
 * Both halves pass the checks of a write before either is written; the low one is asked
 * first, since the lower address is the one that a fault names.
 */
static DESCRY_NOINLINE bool
do_cmpxchg8b(struct cpu *c, const struct insn *in)
{
	const uint64_t expected = pair(c, DESCRY_DX, DESCRY_AX);
	const uint32_t at = ea(c, in);
	uint64_t before, after;
	bool written;

	if (!operand_allowed(c, in, at) || !mem_rmw(c, in->seg, at, 4))
		return false;
	before = c->value;
	if (!mem_rmw(c, in->seg, at + 4, 4))
		return false;
	before |= (uint64_t)c->value << 32;

	/* Nothing below can fault. */
	after = before == expected ? pair(c, DESCRY_CX, DESCRY_BX) : before;
	mem_rmw_commit(c, 4, (uint32_t)(after >> 32));
	written = mem_write(c, in->seg, at, 4, (uint32_t)after);
	assert(written);
	if (before != expected) {
		reg_write(c, DESCRY_AX, 4, (uint32_t)before);
		reg_write(c, DESCRY_DX, 4, (uint32_t)(before >> 32));
	}
	flags_set_zf(&c->flags, before == expected);
	return true;
}

static const struct insn *
exec_cmpxchg8b(struct cpu *c, const struct insn *in)
{
	return do_cmpxchg8b(c, in) ? next(c, in) : fault(c, in);
}

exec_fn *
lower_later(const struct decoded *d, struct insn *in)
{
	static exec_fn *const cmov[2][3] = { { NULL, exec_cmov_r2, exec_cmov_r4 },
					     { NULL, exec_cmov_m2, exec_cmov_m4 } };
	static exec_fn *const xadd[2][3] = { { exec_xadd_r1, exec_xadd_r2, exec_xadd_r4 },
					     { exec_xadd_m1, exec_xadd_m2, exec_xadd_m4 } };
	static exec_fn *const cmpxchg[2][3] = {
		{ exec_cmpxchg_r1, exec_cmpxchg_r2, exec_cmpxchg_r4 },
		{ exec_cmpxchg_m1, exec_cmpxchg_m2, exec_cmpxchg_m4 },
	};
	const bool memory = d->operand[0].kind == OPERAND_MEM || d->operand[1].kind == OPERAND_MEM;
	const unsigned size = size_index(d->operand[0].size);

	(void)in;
	switch ((int)d->op) {
	case OP_BSWAP:
		return exec_bswap;
	case OP_CMOVCC:
		return cmov[memory][size];
	case OP_XADD:
		return xadd[memory][size];
	case OP_CMPXCHG:
		return cmpxchg[memory][size];
	default:
		return exec_cmpxchg8b;
	}
}
