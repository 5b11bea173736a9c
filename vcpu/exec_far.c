/*
 * JMP CALL RET through CS, INT INT3 INTO IRET BOUND: SDM vol. 2, one entry each. The
 * transfers themselves: far.c, interrupt.c.
 */
#include "far.h"
#include "lower.h"
#include "mem.h"

DESCRY_INLINE bool
do_far(struct cpu *c, const struct insn *in, const struct far_pointer *to, bool is_call)
{
	cpu_here(c, in);
	if (is_call)
		return far_call(c, to->sel, to->offset, in->size, insn_next_ip(c, in));
	return far_jump(c, to->sel, to->offset, insn_next_ip(c, in));
}

DESCRY_INLINE bool
do_far_direct(struct cpu *c, const struct insn *in, bool is_call)
{
	const struct far_pointer to = { .offset = in->imm, .sel = (uint16_t)in->disp };

	return do_far(c, in, &to, is_call);
}

static DESCRY_NOINLINE bool
do_far_indirect(struct cpu *c, const struct insn *in, bool is_call)
{
	struct far_pointer to;

	return far_pointer_read(c, in, &to) && do_far(c, in, &to, is_call);
}

static const struct insn *
exec_jmp_far_direct(struct cpu *c, const struct insn *in)
{
	return transferred(c, in, do_far_direct(c, in, false));
}

static const struct insn *
exec_jmp_far_indirect(struct cpu *c, const struct insn *in)
{
	return transferred(c, in, do_far_indirect(c, in, false));
}

static const struct insn *
exec_call_far_direct(struct cpu *c, const struct insn *in)
{
	return transferred(c, in, do_far_direct(c, in, true));
}

static const struct insn *
exec_call_far_indirect(struct cpu *c, const struct insn *in)
{
	return transferred(c, in, do_far_indirect(c, in, true));
}

static const struct insn *
exec_ret_far(struct cpu *c, const struct insn *in)
{
	cpu_here(c, in);
	return transferred(c, in, far_return(c, in->size, in->imm & 0xffff));
}

static const struct insn *
exec_iret(struct cpu *c, const struct insn *in)
{
	cpu_here(c, in);
	return transferred(c, in, far_iret(c, in->size, insn_next_ip(c, in)));
}

static const struct insn *
exec_int(struct cpu *c, const struct insn *in)
{
	cpu_here(c, in);
	return transferred(c, in, interrupt_int_n(c, in->imm & 0xff, insn_next_ip(c, in)));
}

/* INT3 and INTO ask for no IOPL in virtual-8086 mode. */
static bool
do_int(struct cpu *c, const struct insn *in, unsigned vector)
{
	cpu_here(c, in);
	return interrupt_software(c, vector, insn_next_ip(c, in));
}

static const struct insn *
exec_int3(struct cpu *c, const struct insn *in)
{
	return transferred(c, in, do_int(c, in, DESCRY_VEC_BP));
}

static const struct insn *
exec_into(struct cpu *c, const struct insn *in)
{
	if (!flag_of(&c->flags))
		return go_to(c, in, insn_next_ip(c, in));
	return transferred(c, in, do_int(c, in, DESCRY_VEC_OF));
}

/* Both bounds are signed and inclusive; the upper one is read only when the lower one holds. */
static bool
do_bound(struct cpu *c, const struct insn *in)
{
	const uint32_t at = ea(c, in);
	const int32_t index = (int32_t)sign_extend(reg_read(c, in->dst, in->size), in->size);

	if (!mem_read(c, in->seg, at, in->size))
		return false;
	if (index < (int32_t)sign_extend(c->value, in->size))
		return raise(c, DESCRY_VEC_BR, 0);
	if (!mem_read(c, in->seg, (at + in->size) & in->ea_mask, in->size))
		return false;
	if (index > (int32_t)sign_extend(c->value, in->size))
		return raise(c, DESCRY_VEC_BR, 0);
	return true;
}

static const struct insn *
exec_bound(struct cpu *c, const struct insn *in)
{
	return do_bound(c, in) ? next(c, in) : fault(c, in);
}

exec_fn *
lower_far(const struct decoded *d, struct insn *in)
{
	const bool direct = d->operand[0].kind == OPERAND_IMM;

	if (direct)
		in->disp = d->imm2; /* the selector */
	switch ((int)d->op) {
	case OP_JMP_FAR:
		return direct ? exec_jmp_far_direct : exec_jmp_far_indirect;
	case OP_CALL_FAR:
		return direct ? exec_call_far_direct : exec_call_far_indirect;
	case OP_RET_FAR:
		return exec_ret_far;
	case OP_INT:
		return exec_int;
	case OP_INT3:
		return exec_int3;
	case OP_INTO:
		return exec_into;
	case OP_IRET:
		return exec_iret;
	default:
		return exec_bound;
	}
}
