/*
 * What an 8086 and a 286 do in another way: PUSH SP, shifts by as many places as CL says
 * (SDM vol. 3, Architecture Compatibility, Intel 8086 Processor), ESC.
 */
#include "arithmetic.h"
#include "exec_mov.h"
#include "lower.h"
#include "stack.h"

/* SP is counted down first and stored then. */
static const struct insn *
exec_push_sp(struct cpu *c, const struct insn *in)
{
	return push(c, in->size, sp_read(c) - in->size) ? next(c, in) : fault(c, in);
}

/* --- shifts --------------------------------------------------------------------------- */

static uint32_t
count_of(const struct cpu *c, const struct insn *in)
{
	const uint32_t count = in->rep ? reg_read(c, REG_CL, 1) : in->imm;

	return count & c->profile.knob[DESCRY_KNOB_SHIFT_COUNT];
}

/* One place after the other, as its microcode does. */
static uint32_t
shift_by_steps(struct cpu *c, const struct insn *in, uint32_t value)
{
	for (uint32_t left = count_of(c, in); left; left--)
		value = shift(&c->flags, (enum op)in->cond, in->size, value, 1);
	return value;
}

static const struct insn *
exec_shift_reg(struct cpu *c, const struct insn *in)
{
	reg_write(c, in->dst, in->size, shift_by_steps(c, in, reg_read(c, in->dst, in->size)));
	return next(c, in);
}

static const struct insn *
exec_shift_mem(struct cpu *c, const struct insn *in)
{
	if (!mem_rmw(c, in->seg, ea(c, in), in->size))
		return fault(c, in);
	mem_rmw_commit(c, in->size, shift_by_steps(c, in, c->value));
	return next(c, in);
}

/* cond carries the operation, rep that the count is in CL. */
static exec_fn *
lower_older_shift(const struct decoded *d, struct insn *in)
{
	in->cond = (uint8_t)d->op;
	in->size = d->operand[0].size;
	in->rep = d->operand[1].kind != OPERAND_IMM;
	return d->operand[0].kind == OPERAND_MEM ? exec_shift_mem : exec_shift_reg;
}

/* --- ESC ------------------------------------------------------------------------------ */

#define PORT_OPCODE 0xf8u
#define PORT_POINTERS 0xfcu

static void
tell(struct cpu *c, uint16_t port, uint32_t word)
{
	c->bus.port_out(c->bus.owner, port, 2, word & 0xffff);
}

/* What a 286 sends to a coprocessor, which is not there to answer (SingleStepTests). */
static void
tell_coprocessor(struct cpu *c, const struct insn *in)
{
	tell(c, PORT_OPCODE, in->imm);
	tell(c, PORT_POINTERS, insn_ip(c, in));
	tell(c, PORT_POINTERS, c->state.seg[DESCRY_CS].sel);
	if (!in->cond)
		return;
	tell(c, PORT_POINTERS, ea(c, in));
	tell(c, PORT_POINTERS, c->state.seg[in->seg].sel);
}

static const struct insn *
exec_esc(struct cpu *c, const struct insn *in)
{
	if (c->state.cr0 & (DESCRY_CR0_EM | DESCRY_CR0_TS)) {
		raise(c, DESCRY_VEC_NM, 0);
		return fault(c, in);
	}
	if (knob_is(c, DESCRY_KNOB_X87, DESCRY_X87_PORTS))
		tell_coprocessor(c, in);
	return leave_after(c, in);
}

/* cond carries that there is a memory operand. */
static exec_fn *
lower_older_esc(const struct decoded *d, struct insn *in)
{
	in->cond = d->operand[0].kind == OPERAND_MEM;
	return exec_esc;
}

exec_fn *
lower_older(const struct decoded *d, struct insn *in)
{
	switch ((enum older_form)d->older) {
	case OLDER_PUSH_SP:
		return exec_push_sp;
	case OLDER_ESC:
		return lower_older_esc(d, in);
	case OLDER_SHIFT:
	case OLDER_NOT:
	case OLDER_ENDS_BLOCK:
		break;
	}
	return lower_older_shift(d, in);
}
