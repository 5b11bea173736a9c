/*
 * Near transfers: JMP CALL RET Jcc LOOP JCXZ (SDM vol. 2). A target beyond the limit of CS
 * faults at the transfer, before anything is changed.
 */
#include "jump.h"
#include "lower.h"
#include "stack.h"

/* A 16-bit operand size cuts the target to 16 bits. */
DESCRY_INLINE uint32_t
cut(uint32_t ip, unsigned size)
{
	return size == 2 ? ip & 0xffff : ip;
}

DESCRY_INLINE bool
target_in_limit(struct cpu *c, uint32_t ip)
{
	return DESCRY_LIKELY(ip <= c->state.seg[DESCRY_CS].limit) ? true
								  : raise(c, DESCRY_VEC_GP, 0);
}

DESCRY_INLINE const struct insn *
jump(struct cpu *c, const struct insn *in, uint32_t ip)
{
	return target_in_limit(c, ip) ? go_to(c, in, ip) : fault(c, in);
}

DESCRY_INLINE uint32_t
relative(const struct cpu *c, const struct insn *in)
{
	return cut(insn_next_ip(c, in) + in->imm, in->size);
}

/* --- direct branches ------------------------------------------------------------------- */

/* The link is not made yet or leads nowhere any more, or the budget ends here. */
const struct insn *
go_unlinked(struct cpu *c, const struct insn *in)
{
	const uint32_t ip = relative(c, in);

	if (!target_in_limit(c, ip))
		return fault(c, in);
	block_link(c, in, ip);
	return go_to(c, in, ip);
}

/* The offset of a memory operand makes way for the link; LOOP keeps its address size in cond. */
static void
clear_link(struct insn *in)
{
	in->cond = in->ea_mask == 0xffff ? 2 : 4;
	in->link = 0;
}

/* --- Jcc, LOOP, JCXZ ------------------------------------------------------------------- */

#define JCC_HANDLER(cond)                                                                          \
	static const struct insn *exec_jcc_##cond(struct cpu *c, const struct insn *in)            \
	{                                                                                          \
		return branch(c, in, flags_condition(&c->flags, 0x##cond));                        \
	}

JCC_HANDLER(0)
JCC_HANDLER(1)
JCC_HANDLER(2)
JCC_HANDLER(3)
JCC_HANDLER(4)
JCC_HANDLER(5)
JCC_HANDLER(6)
JCC_HANDLER(7)
JCC_HANDLER(8)
JCC_HANDLER(9)
JCC_HANDLER(a)
JCC_HANDLER(b)
JCC_HANDLER(c)
JCC_HANDLER(d)
JCC_HANDLER(e)
JCC_HANDLER(f)

exec_fn *
lower_jcc(const struct decoded *d, struct insn *in)
{
	static exec_fn *const handlers[16] = {
		exec_jcc_0, exec_jcc_1, exec_jcc_2, exec_jcc_3, exec_jcc_4, exec_jcc_5,
		exec_jcc_6, exec_jcc_7, exec_jcc_8, exec_jcc_9, exec_jcc_a, exec_jcc_b,
		exec_jcc_c, exec_jcc_d, exec_jcc_e, exec_jcc_f,
	};

	clear_link(in);
	return handlers[d->cond];
}

/* CX or ECX by the address size; written only when the jump does not fault. */
DESCRY_INLINE const struct insn *
loop_if(struct cpu *c, const struct insn *in, bool condition)
{
	const unsigned size = in->cond;
	const uint32_t count = cut(reg_read(c, DESCRY_CX, size) - 1, size);
	const bool taken = count != 0 && condition;

	if (taken && !target_in_limit(c, relative(c, in)))
		return fault(c, in);
	reg_write(c, DESCRY_CX, size, count);
	return branch(c, in, taken);
}

static const struct insn *
exec_loop(struct cpu *c, const struct insn *in)
{
	return loop_if(c, in, true);
}

static const struct insn *
exec_loope(struct cpu *c, const struct insn *in)
{
	return loop_if(c, in, flag_zf(&c->flags));
}

static const struct insn *
exec_loopne(struct cpu *c, const struct insn *in)
{
	return loop_if(c, in, !flag_zf(&c->flags));
}

static const struct insn *
exec_jcxz(struct cpu *c, const struct insn *in)
{
	return branch(c, in, reg_read(c, DESCRY_CX, in->cond) == 0);
}

exec_fn *
lower_loop(const struct decoded *d, struct insn *in)
{
	static exec_fn *const handlers[OP_JCXZ - OP_LOOP + 1] = {
		exec_loop,
		exec_loope,
		exec_loopne,
		exec_jcxz,
	};

	clear_link(in);
	return handlers[d->op - OP_LOOP];
}

/* --- JMP, CALL, RET ------------------------------------------------------------------- */

static const struct insn *
exec_jmp_rel(struct cpu *c, const struct insn *in)
{
	return go_direct(c, in);
}

DESCRY_INLINE const struct insn *
jmp_r(struct cpu *c, const struct insn *in, unsigned size)
{
	return jump(c, in, reg_read(c, in->dst, size));
}

DESCRY_INLINE const struct insn *
jmp_m(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_read(c, in->seg, ea(c, in), size))
		return fault(c, in);
	return jump(c, in, c->value);
}

/* The return address is on the stack before the target is checked; SP follows only then. */
DESCRY_INLINE bool
push_return(struct cpu *c, const struct insn *in, uint32_t ip, unsigned size)
{
	const uint32_t sp = sp_below(c, size);

	if (!mem_write(c, DESCRY_SS, sp, size, insn_next_ip(c, in)) || !target_in_limit(c, ip))
		return false;
	sp_write(c, sp);
	return true;
}

DESCRY_INLINE const struct insn *
call_rel(struct cpu *c, const struct insn *in, unsigned size)
{
	return push_return(c, in, relative(c, in), size) ? go_direct(c, in) : fault(c, in);
}

DESCRY_INLINE const struct insn *
call(struct cpu *c, const struct insn *in, uint32_t ip, unsigned size)
{
	return push_return(c, in, ip, size) ? go_to(c, in, ip) : fault(c, in);
}

DESCRY_INLINE const struct insn *
call_r(struct cpu *c, const struct insn *in, unsigned size)
{
	return call(c, in, reg_read(c, in->dst, size), size);
}

DESCRY_INLINE const struct insn *
call_m(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_read(c, in->seg, ea(c, in), size))
		return fault(c, in);
	return call(c, in, c->value, size);
}

/* imm: bytes of parameters to drop. */
DESCRY_INLINE const struct insn *
ret(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!stack_read(c, size, 0) || !target_in_limit(c, c->value))
		return fault(c, in);
	sp_write(c, sp_above(c, size + (in->imm & 0xffff)));
	return go_to(c, in, c->value);
}

#define NEAR_HANDLER(name, size)                                                                   \
	static const struct insn *exec_##name##size(struct cpu *c, const struct insn *in)          \
	{                                                                                          \
		return name(c, in, size);                                                          \
	}
#define NEAR_SIZES(name) NEAR_HANDLER(name, 2) NEAR_HANDLER(name, 4)
#define NEAR_ROW(name)                                                                             \
	{                                                                                          \
		exec_##name##2, exec_##name##4                                                     \
	}

NEAR_SIZES(jmp_r)
NEAR_SIZES(jmp_m)
NEAR_SIZES(call_rel)
NEAR_SIZES(call_r)
NEAR_SIZES(call_m)
NEAR_SIZES(ret)

exec_fn *
lower_near(const struct decoded *d, struct insn *in)
{
	/* [form][to 4 bytes] */
	static exec_fn *const jmp[3][2] = { { exec_jmp_rel, exec_jmp_rel },
					    NEAR_ROW(jmp_r),
					    NEAR_ROW(jmp_m) };
	static exec_fn *const calls[3][2] = { NEAR_ROW(call_rel), NEAR_ROW(call_r),
					      NEAR_ROW(call_m) };
	static exec_fn *const rets[2] = NEAR_ROW(ret);
	const bool wide = d->size == 4;
	unsigned form = 0;

	if (d->op == OP_RET)
		return rets[wide];
	if (d->operand[0].kind == OPERAND_REG)
		form = 1;
	else if (d->operand[0].kind == OPERAND_MEM)
		form = 2;
	else
		clear_link(in);
	return d->op == OP_JMP ? jmp[form][wide] : calls[form][wide];
}
