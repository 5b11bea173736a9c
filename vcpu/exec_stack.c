/*
 * PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE: SDM vol. 2, one entry each. Segment
 * registers: exec_segment.c.
 */
#include "eflags.h"
#include "exec_mov.h"
#include "stack.h"

/* --- PUSH, POP ------------------------------------------------------------------------ */

/* PUSH SP pushes the value before. */
DESCRY_INLINE const struct insn *
push_r(struct cpu *c, const struct insn *in, unsigned size)
{
	return push(c, size, reg_read(c, in->dst, size)) ? next(c, in) : fault(c, in);
}

DESCRY_INLINE const struct insn *
push_i(struct cpu *c, const struct insn *in, unsigned size)
{
	return push(c, size, in->imm) ? next(c, in) : fault(c, in);
}

DESCRY_INLINE const struct insn *
push_m(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_read(c, in->seg, ea(c, in), size) || !push(c, size, c->value))
		return fault(c, in);
	return next(c, in);
}

/* POP SP leaves what was popped. */
DESCRY_INLINE const struct insn *
pop_r(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!stack_read(c, size, 0))
		return fault(c, in);
	sp_write(c, sp_above(c, size));
	reg_write(c, in->dst, size, c->value);
	return next(c, in);
}

/* An address formed with ESP uses the value after the pop. */
DESCRY_INLINE const struct insn *
pop_m(struct cpu *c, const struct insn *in, unsigned size)
{
	const uint32_t esp = (uint32_t)c->state.gpr[DESCRY_SP];

	if (!stack_read(c, size, 0))
		return fault(c, in);
	sp_write(c, sp_above(c, size));
	if (!mem_write(c, in->seg, ea(c, in), size, c->value)) {
		c->state.gpr[DESCRY_SP] = esp;
		return fault(c, in);
	}
	return next(c, in);
}

#define STACK_HANDLER(name, size)                                                                  \
	static const struct insn *exec_##name##size(struct cpu *c, const struct insn *in)          \
	{                                                                                          \
		return name(c, in, size);                                                          \
	}
#define STACK_SIZES(name) STACK_HANDLER(name, 2) STACK_HANDLER(name, 4)

STACK_SIZES(push_r)
STACK_SIZES(push_i)
STACK_SIZES(push_m)
STACK_SIZES(pop_r)
STACK_SIZES(pop_m)

exec_fn *
lower_push(const struct decoded *d, struct insn *in)
{
	const bool wide = d->size == 4;

	switch (d->operand[0].kind) {
	case OPERAND_SREG:
		return lower_push_sreg(d, in);
	case OPERAND_IMM:
		return wide ? exec_push_i4 : exec_push_i2;
	case OPERAND_MEM:
		return wide ? exec_push_m4 : exec_push_m2;
	default:
		return wide ? exec_push_r4 : exec_push_r2;
	}
}

exec_fn *
lower_pop(const struct decoded *d, struct insn *in)
{
	const bool wide = d->size == 4;

	switch (d->operand[0].kind) {
	case OPERAND_SREG:
		return lower_pop_sreg(d, in);
	case OPERAND_MEM:
		return wide ? exec_pop_m4 : exec_pop_m2;
	default:
		return wide ? exec_pop_r4 : exec_pop_r2;
	}
}

/* --- PUSHA, POPA: AX CX DX BX SP BP SI DI --------------------------------------------- */

static DESCRY_NOINLINE bool
pusha_slowly(struct cpu *c, unsigned size)
{
	struct frame frame;

	frame_on_stack(c, &frame, size);
	for (unsigned reg = DESCRY_AX; reg <= DESCRY_DI; reg++)
		frame_add(&frame, reg_read(c, reg, size));
	if (!frame_check(c, &frame))
		return false;
	sp_write(c, frame_write(c, &frame));
	return true;
}

DESCRY_INLINE const struct insn *
pusha(struct cpu *c, const struct insn *in, unsigned size)
{
	const uint32_t sp = sp_below(c, 8 * size);
	uint8_t *room = stack_room(c, sp, 8 * size);

	if (!room)
		return pusha_slowly(c, size) ? next(c, in) : fault(c, in);
	for (unsigned reg = DESCRY_AX; reg <= DESCRY_DI; reg++)
		host_write(room + (DESCRY_DI - reg) * size, size, reg_read(c, reg, size));
	sp_write(c, sp);
	return next(c, in);
}

/* The saved SP is skipped. */
static DESCRY_NOINLINE bool
popa_slowly(struct cpu *c, unsigned size)
{
	uint32_t value[8];

	for (unsigned i = 0; i < 8; i++) {
		if (!stack_read(c, size, i * size))
			return false;
		value[i] = c->value;
	}
	for (unsigned reg = DESCRY_AX; reg <= DESCRY_DI; reg++)
		if (reg != DESCRY_SP)
			reg_write(c, reg, size, value[DESCRY_DI - reg]);
	sp_write(c, sp_above(c, 8 * size));
	return true;
}

DESCRY_INLINE const struct insn *
popa(struct cpu *c, const struct insn *in, unsigned size)
{
	const uint8_t *span = stack_span(c, sp_read(c), 8 * size);

	if (!span)
		return popa_slowly(c, size) ? next(c, in) : fault(c, in);
	for (unsigned reg = DESCRY_AX; reg <= DESCRY_DI; reg++)
		if (reg != DESCRY_SP)
			reg_write(c, reg, size, host_read(span + (DESCRY_DI - reg) * size, size));
	sp_write(c, sp_above(c, 8 * size));
	return next(c, in);
}

STACK_SIZES(pusha)
STACK_SIZES(popa)

/* --- PUSHF, POPF ---------------------------------------------------------------------- */

static const struct insn *
exec_pushf(struct cpu *c, const struct insn *in)
{
	if (!eflags_sensitive(c, in->size) || !push(c, in->size, eflags_image(c)))
		return fault(c, in);
	return next(c, in);
}

static bool
do_popf(struct cpu *c, unsigned size)
{
	if (!eflags_sensitive(c, size) || !stack_read(c, size, 0) ||
	    !eflags_load(c, c->value, size))
		return false;
	sp_write(c, sp_above(c, size));
	return true;
}

static const struct insn *
exec_popf(struct cpu *c, const struct insn *in)
{
	return do_popf(c, in->size) ? leave_after(c, in) : fault(c, in);
}

/* --- ENTER, LEAVE --------------------------------------------------------------------- */

static uint32_t
bp_read(const struct cpu *c)
{
	return (uint32_t)c->state.gpr[DESCRY_BP] & c->sp_mask;
}

/* Pushes as it reads: a level may come from a slot that has just been written. */
static bool
enter_push_frame(struct cpu *c, unsigned size, unsigned level)
{
	uint32_t from = bp_read(c);
	uint32_t frame_pointer;

	if (!push(c, size, (uint32_t)c->state.gpr[DESCRY_BP]))
		return false;
	frame_pointer = (uint32_t)c->state.gpr[DESCRY_SP];
	for (unsigned i = 1; i < level; i++) {
		from = (from - size) & c->sp_mask;
		if (!mem_read(c, DESCRY_SS, from, size) || !push(c, size, c->value))
			return false;
	}
	if (level && !push(c, size, frame_pointer))
		return false;
	c->value = frame_pointer;
	return true;
}

/* The stack must be writable where the new frame ends (SDM vol. 2, ENTER, #SS(0)). */
static bool
do_enter(struct cpu *c, const struct insn *in)
{
	const uint32_t esp = (uint32_t)c->state.gpr[DESCRY_SP];
	const unsigned level = in->disp & 31;
	uint32_t sp, frame_pointer;

	if (!enter_push_frame(c, in->size, level)) {
		c->state.gpr[DESCRY_SP] = esp;
		return false;
	}
	frame_pointer = c->value;
	sp = sp_below(c, in->imm & 0xffff);
	if (!mem_check_write(c, DESCRY_SS, sp, in->size)) {
		c->state.gpr[DESCRY_SP] = esp;
		return false;
	}
	sp_write(c, sp);
	reg_write(c, DESCRY_BP, in->size, frame_pointer);
	return true;
}

static const struct insn *
exec_enter(struct cpu *c, const struct insn *in)
{
	return do_enter(c, in) ? next(c, in) : fault(c, in);
}

DESCRY_INLINE const struct insn *
leave(struct cpu *c, const struct insn *in, unsigned size)
{
	const uint32_t bp = bp_read(c);

	if (!mem_read(c, DESCRY_SS, bp, size))
		return fault(c, in);
	sp_write(c, bp + size);
	reg_write(c, DESCRY_BP, size, c->value);
	return next(c, in);
}

STACK_SIZES(leave)

exec_fn *
lower_frame(const struct decoded *d, struct insn *in)
{
	in->disp = d->imm2; /* ENTER: the level */
	switch ((int)d->op) {
	case OP_PUSHA:
		return d->size == 4 ? exec_pusha4 : exec_pusha2;
	case OP_POPA:
		return d->size == 4 ? exec_popa4 : exec_popa2;
	case OP_PUSHF:
		return exec_pushf;
	case OP_POPF:
		return exec_popf;
	case OP_ENTER:
		return exec_enter;
	default:
		return d->size == 4 ? exec_leave4 : exec_leave2;
	}
}
