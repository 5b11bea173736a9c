/*
 * MOV between general registers, memory and immediates; MOVZX MOVSX XCHG LEA XLAT, CBW and
 * CWD, LAHF SAHF SALC, the flag instructions, NOP WAIT ESC: SDM vol. 2, one entry each.
 * Segment and control registers: exec_segment.c, exec_system.c.
 */
#include "exec_mov.h"

#include "eflags.h"
#include "mem.h"

/* --- MOV ------------------------------------------------------------------------------ */

DESCRY_INLINE const struct insn *
mov_rr(struct cpu *c, const struct insn *in, unsigned size)
{
	reg_write(c, in->dst, size, reg_read(c, in->src, size));
	return next(c, in);
}

DESCRY_INLINE const struct insn *
mov_ri(struct cpu *c, const struct insn *in, unsigned size)
{
	reg_write(c, in->dst, size, in->imm);
	return next(c, in);
}

DESCRY_INLINE const struct insn *
mov_rm(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_read(c, in->seg, ea(c, in), size))
		return fault(c, in);
	reg_write(c, in->dst, size, c->value);
	return next(c, in);
}

DESCRY_INLINE const struct insn *
mov_mr(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_write(c, in->seg, ea(c, in), size, reg_read(c, in->src, size)))
		return fault(c, in);
	return next(c, in);
}

DESCRY_INLINE const struct insn *
mov_mi(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_write(c, in->seg, ea(c, in), size, in->imm))
		return fault(c, in);
	return next(c, in);
}

/* --- XCHG ----------------------------------------------------------------------------- */

DESCRY_INLINE const struct insn *
xchg_rr(struct cpu *c, const struct insn *in, unsigned size)
{
	const uint32_t dst = reg_read(c, in->dst, size);

	reg_write(c, in->dst, size, reg_read(c, in->src, size));
	reg_write(c, in->src, size, dst);
	return next(c, in);
}

/* The register is dst or src: the order of the operands means nothing. */
DESCRY_INLINE const struct insn *
xchg_mr(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_rmw(c, in->seg, ea(c, in), size))
		return fault(c, in);

	const uint32_t memory = c->value;

	mem_rmw_commit(c, size, reg_read(c, in->src, size));
	reg_write(c, in->src, size, memory);
	return next(c, in);
}

#define MOV_HANDLER(name, size)                                                                    \
	static const struct insn *exec_##name##size(struct cpu *c, const struct insn *in)          \
	{                                                                                          \
		return name(c, in, size);                                                          \
	}
#define MOV_SIZES(name) MOV_HANDLER(name, 1) MOV_HANDLER(name, 2) MOV_HANDLER(name, 4)
#define MOV_ROW(name)                                                                              \
	{                                                                                          \
		exec_##name##1, exec_##name##2, exec_##name##4                                     \
	}

MOV_SIZES(mov_rr)
MOV_SIZES(mov_ri)
MOV_SIZES(mov_rm)
MOV_SIZES(mov_mr)
MOV_SIZES(mov_mi)
MOV_SIZES(xchg_rr)
MOV_SIZES(xchg_mr)

exec_fn *
lower_mov(const struct decoded *d, struct insn *in)
{
	static exec_fn *const rr[3] = MOV_ROW(mov_rr), *const ri[3] = MOV_ROW(mov_ri),
			      *const rm[3] = MOV_ROW(mov_rm), *const mr[3] = MOV_ROW(mov_mr),
			      *const mi[3] = MOV_ROW(mov_mi);
	const struct operand *to = &d->operand[0], *from = &d->operand[1];
	const unsigned size = size_index(to->size);

	if (to->kind == OPERAND_SREG || from->kind == OPERAND_SREG)
		return lower_mov_sreg(d, in);
	if (to->kind == OPERAND_CREG || from->kind == OPERAND_CREG)
		return lower_mov_creg(d, in);
	if (to->kind == OPERAND_MEM)
		return from->kind == OPERAND_IMM ? mi[size] : mr[size];
	if (from->kind == OPERAND_MEM)
		return rm[size];
	return from->kind == OPERAND_IMM ? ri[size] : rr[size];
}

/* What can be memory is the first operand. */
exec_fn *
lower_xchg(const struct decoded *d, struct insn *in)
{
	static exec_fn *const rr[3] = MOV_ROW(xchg_rr), *const mr[3] = MOV_ROW(xchg_mr);
	const unsigned size = size_index(d->operand[0].size);

	(void)in;
	return d->operand[0].kind == OPERAND_MEM ? mr[size] : rr[size];
}

/* --- MOVZX, MOVSX: from 1 or 2 bytes to 2 or 4 ---------------------------------------- */

DESCRY_INLINE uint32_t
extend(uint32_t value, unsigned from, bool sign)
{
	return sign ? sign_extend(value, from) : value;
}

DESCRY_INLINE const struct insn *
extend_r(struct cpu *c, const struct insn *in, unsigned from, unsigned to, bool sign)
{
	reg_write(c, in->dst, to, extend(reg_read(c, in->src, from), from, sign));
	return next(c, in);
}

DESCRY_INLINE const struct insn *
extend_m(struct cpu *c, const struct insn *in, unsigned from, unsigned to, bool sign)
{
	if (!mem_read(c, in->seg, ea(c, in), from))
		return fault(c, in);
	reg_write(c, in->dst, to, extend(c->value, from, sign));
	return next(c, in);
}

#define EXTEND_HANDLER(name, form, from, to, sign)                                                 \
	static const struct insn *exec_##name##_##form##from##to(struct cpu *c,                    \
								 const struct insn *in)            \
	{                                                                                          \
		return extend_##form(c, in, from, to, sign);                                       \
	}
#define EXTEND_FORM(name, form, sign)                                                              \
	EXTEND_HANDLER(name, form, 1, 2, sign)                                                     \
	EXTEND_HANDLER(name, form, 1, 4, sign)                                                     \
	EXTEND_HANDLER(name, form, 2, 2, sign) EXTEND_HANDLER(name, form, 2, 4, sign)
#define EXTEND_ROW(name, form)                                                                     \
	{                                                                                          \
		{ exec_##name##_##form##12, exec_##name##_##form##14 },                            \
		{                                                                                  \
			exec_##name##_##form##22, exec_##name##_##form##24                         \
		}                                                                                  \
	}

EXTEND_FORM(movzx, r, false)
EXTEND_FORM(movzx, m, false)
EXTEND_FORM(movsx, r, true)
EXTEND_FORM(movsx, m, true)

exec_fn *
lower_extend(const struct decoded *d, struct insn *in)
{
	/* [sign][memory][from 2 bytes][to 4 bytes] */
	static exec_fn *const handlers[2][2][2][2] = {
		{ EXTEND_ROW(movzx, r), EXTEND_ROW(movzx, m) },
		{ EXTEND_ROW(movsx, r), EXTEND_ROW(movsx, m) },
	};
	const struct operand *to = &d->operand[0], *from = &d->operand[1];

	(void)in;
	return handlers[d->op == OP_MOVSX][from->kind == OPERAND_MEM][from->size == 2]
		       [to->size == 4];
}

/* --- one handler each ----------------------------------------------------------------- */

static const struct insn *
exec_lea(struct cpu *c, const struct insn *in)
{
	reg_write(c, in->dst, in->size, ea(c, in));
	return next(c, in);
}

static const struct insn *
exec_xlat(struct cpu *c, const struct insn *in)
{
	const uint32_t offset = reg_read(c, DESCRY_BX, 4) + reg_read(c, REG_AL, 1);

	if (!mem_read(c, in->seg, offset & in->ea_mask, 1))
		return fault(c, in);
	reg_write(c, REG_AL, 1, c->value);
	return next(c, in);
}

/* CBW and CWDE: AL into AX, AX into EAX. */
static const struct insn *
exec_cbw(struct cpu *c, const struct insn *in)
{
	const unsigned from = in->size / 2u;

	reg_write(c, DESCRY_AX, in->size, sign_extend(reg_read(c, DESCRY_AX, from), from));
	return next(c, in);
}

/* CWD and CDQ: the sign of the accumulator into DX or EDX. */
static const struct insn *
exec_cwd(struct cpu *c, const struct insn *in)
{
	const uint32_t sign = sign_extend(reg_read(c, DESCRY_AX, in->size), in->size) >> 31;

	reg_write(c, DESCRY_DX, in->size, 0u - sign);
	return next(c, in);
}

static const struct insn *
exec_lahf(struct cpu *c, const struct insn *in)
{
	reg_write(c, REG_AH, 1, (flags_read(&c->flags) & 0xd5) | DESCRY_FLAG_ONE);
	return next(c, in);
}

static const struct insn *
exec_sahf(struct cpu *c, const struct insn *in)
{
	flags_write(&c->flags, (flags_read(&c->flags) & DESCRY_FLAG_OF) | reg_read(c, REG_AH, 1));
	return next(c, in);
}

/* D6, undocumented on Intel: AL = CF ? FFh : 0. */
static const struct insn *
exec_salc(struct cpu *c, const struct insn *in)
{
	reg_write(c, REG_AL, 1, flag_cf(&c->flags) ? 0xff : 0);
	return next(c, in);
}

static const struct insn *
exec_nop(struct cpu *c, const struct insn *in)
{
	return next(c, in);
}

static bool
do_wait(struct cpu *c)
{
	const uint64_t waits = DESCRY_CR0_MP | DESCRY_CR0_TS;

	return (c->state.cr0 & waits) == waits ? raise(c, DESCRY_VEC_NM, 0) : true;
}

static const struct insn *
exec_wait(struct cpu *c, const struct insn *in)
{
	return do_wait(c) ? next(c, in) : fault(c, in);
}

/*
 * x87 opcodes. SDM vol. 3, Interrupt 7: EM or TS asks for emulation. Without it they go to a
 * coprocessor, and there is none to answer: no register and no memory changes. That is what
 * FNINIT and FNSTSW look for to find one (AP-485, Detecting the Floating-Point Unit).
 */
static const struct insn *
exec_esc(struct cpu *c, const struct insn *in)
{
	if (!(c->state.cr0 & (DESCRY_CR0_EM | DESCRY_CR0_TS)))
		return next(c, in);
	raise(c, DESCRY_VEC_NM, 0);
	return fault(c, in);
}

exec_fn *
lower_simple(const struct decoded *d, struct insn *in)
{
	(void)in;
	switch ((int)d->op) {
	case OP_LEA:
		return exec_lea;
	case OP_XLAT:
		return exec_xlat;
	case OP_CBW:
		return exec_cbw;
	case OP_CWD:
		return exec_cwd;
	case OP_LAHF:
		return exec_lahf;
	case OP_SAHF:
		return exec_sahf;
	case OP_SALC:
		return exec_salc;
	case OP_WAIT:
		return exec_wait;
	case OP_ESC:
		return exec_esc;
	default:
		return exec_nop;
	}
}

/* --- flags ---------------------------------------------------------------------------- */

DESCRY_INLINE const struct insn *
carry(struct cpu *c, const struct insn *in, bool cf)
{
	flags_set_cf_of(&c->flags, cf, flag_of(&c->flags));
	return next(c, in);
}

static const struct insn *
exec_clc(struct cpu *c, const struct insn *in)
{
	return carry(c, in, false);
}

static const struct insn *
exec_stc(struct cpu *c, const struct insn *in)
{
	return carry(c, in, true);
}

static const struct insn *
exec_cmc(struct cpu *c, const struct insn *in)
{
	return carry(c, in, !flag_cf(&c->flags));
}

static const struct insn *
exec_cld(struct cpu *c, const struct insn *in)
{
	c->state.rflags &= ~(uint64_t)DESCRY_FLAG_DF;
	return next(c, in);
}

static const struct insn *
exec_std(struct cpu *c, const struct insn *in)
{
	c->state.rflags |= DESCRY_FLAG_DF;
	return next(c, in);
}

/*
 * CLI and STI: which flag they change. With too little IOPL that is VIF, in virtual-8086
 * mode under CR4.VME and in ring 3 under CR4.PVI. (SDM vol. 3, Protected-Mode Virtual
 * Interrupts.) 0: #GP(0).
 */
static uint32_t
interrupt_flag(struct cpu *c)
{
	const unsigned cpl = descry_cpl(&c->state);
	const uint32_t how = in_v86(c) ? DESCRY_CR4_VME : DESCRY_CR4_PVI;

	if (cpl <= iopl(c))
		return DESCRY_FLAG_IF;
	if (cpl == 3 && c->state.cr4 & how)
		return DESCRY_FLAG_VIF;
	raise(c, DESCRY_VEC_GP, 0);
	return 0;
}

static const struct insn *
exec_cli(struct cpu *c, const struct insn *in)
{
	const uint32_t flag = interrupt_flag(c);

	if (!flag)
		return fault(c, in);
	c->state.rflags &= ~(uint64_t)flag;
	return next(c, in);
}

/* The shadow: an interrupt waits for one more instruction if IF was clear. */
static const struct insn *
exec_sti(struct cpu *c, const struct insn *in)
{
	const uint32_t flag = interrupt_flag(c);

	if (!flag)
		return fault(c, in);
	if (flag == DESCRY_FLAG_VIF && c->state.rflags & DESCRY_FLAG_VIP) {
		raise(c, DESCRY_VEC_GP, 0); /* the monitor has one waiting */
		return fault(c, in);
	}
	if (flag == DESCRY_FLAG_IF && !(c->state.rflags & DESCRY_FLAG_IF))
		c->state.shadow = DESCRY_SHADOW_STI;
	c->state.rflags |= flag;
	return leave_after(c, in);
}

exec_fn *
lower_flag(const struct decoded *d, struct insn *in)
{
	static exec_fn *const handlers[OP_STI - OP_CLC + 1] = {
		exec_clc, exec_stc, exec_cmc, exec_cld, exec_std, exec_cli, exec_sti,
	};

	(void)in;
	return handlers[d->op - OP_CLC];
}
