/*
 * Instructions that load, store or ask about segment registers: MOV PUSH POP Sreg, LDS LES
 * LFS LGS LSS, LAR LSL VERR VERW ARPL: SDM vol. 2, one entry each.
 */
#include "exec_mov.h"
#include "far.h"
#include "seg_load.h"
#include "seg_load_rules.h"
#include "stack.h"

static bool
load_sreg(struct cpu *c, const struct insn *in, unsigned sreg, uint16_t sel,
	  enum descry_cause cause)
{
	cpu_here(c, in);
	return seg_load(c, (enum descry_sreg)sreg, sel, cause);
}

/*
 * Interrupts wait until the instruction behind a load of SS has been executed, but for LSS. Such a
 * load ends its block, and so does that of CS on an 8086.
 */
DESCRY_INLINE const struct insn *
after_load(struct cpu *c, const struct insn *in, unsigned sreg)
{
	if (DESCRY_LIKELY(!(c->shadow_sregs >> sreg & 1)))
		return next(c, in);
	c->state.shadow = DESCRY_SHADOW_MOV_SS;
	return leave_after(c, in);
}

/* --- MOV ------------------------------------------------------------------------------ */

static const struct insn *
exec_mov_sreg_r(struct cpu *c, const struct insn *in)
{
	if (!load_sreg(c, in, in->dst, (uint16_t)reg_read(c, in->src, 2), DESCRY_CAUSE_MOV))
		return fault(c, in);
	return after_load(c, in, in->dst);
}

static const struct insn *
exec_mov_sreg_m(struct cpu *c, const struct insn *in)
{
	if (!mem_read(c, in->seg, ea(c, in), 2) ||
	    !load_sreg(c, in, in->dst, (uint16_t)c->value, DESCRY_CAUSE_MOV))
		return fault(c, in);
	return after_load(c, in, in->dst);
}

/* To a 32-bit register: zero-extended. */
static const struct insn *
exec_mov_r_sreg(struct cpu *c, const struct insn *in)
{
	reg_write(c, in->dst, in->size, c->state.seg[in->src].sel);
	return next(c, in);
}

static const struct insn *
exec_mov_m_sreg(struct cpu *c, const struct insn *in)
{
	if (!mem_write(c, in->seg, ea(c, in), 2, c->state.seg[in->src].sel))
		return fault(c, in);
	return next(c, in);
}

exec_fn *
lower_mov_sreg(const struct decoded *d, struct insn *in)
{
	(void)in;
	if (d->operand[0].kind == OPERAND_SREG)
		return d->operand[1].kind == OPERAND_MEM ? exec_mov_sreg_m : exec_mov_sreg_r;
	return d->operand[0].kind == OPERAND_MEM ? exec_mov_m_sreg : exec_mov_r_sreg;
}

/* --- PUSH, POP ------------------------------------------------------------------------ */

/* With a 32-bit operand only the low word of the slot is written, as silicon does it. */
static const struct insn *
exec_push_sreg(struct cpu *c, const struct insn *in)
{
	const uint32_t sp = sp_below(c, in->size);

	if (!mem_write(c, DESCRY_SS, sp, 2, c->state.seg[in->dst].sel))
		return fault(c, in);
	sp_write(c, sp);
	return next(c, in);
}

/* POP SS moves the pointer by the width of the stack that it pops from, not of the new one. */
static bool
do_pop_sreg(struct cpu *c, const struct insn *in)
{
	const uint32_t mask = c->sp_mask;
	const uint32_t esp = (uint32_t)c->state.gpr[DESCRY_SP];

	if (!mem_read(c, DESCRY_SS, esp & mask, 2))
		return false;
	if (!load_sreg(c, in, in->dst, (uint16_t)c->value, DESCRY_CAUSE_POP))
		return false;
	c->state.gpr[DESCRY_SP] = (esp & ~mask) | ((esp + in->size) & mask);
	return true;
}

static const struct insn *
exec_pop_sreg(struct cpu *c, const struct insn *in)
{
	return do_pop_sreg(c, in) ? after_load(c, in, in->dst) : fault(c, in);
}

exec_fn *
lower_push_sreg(const struct decoded *d, struct insn *in)
{
	(void)d;
	(void)in;
	return exec_push_sreg;
}

exec_fn *
lower_pop_sreg(const struct decoded *d, struct insn *in)
{
	(void)d;
	(void)in;
	return exec_pop_sreg;
}

/* --- far pointers into a segment and a register --------------------------------------- */

static DESCRY_NOINLINE bool
do_far_load(struct cpu *c, const struct insn *in)
{
	struct far_pointer from;

	if (!far_pointer_read(c, in, &from))
		return false;
	cpu_here(c, in);
	if (!seg_load(c, (enum descry_sreg)in->cond, from.sel, DESCRY_CAUSE_FAR_LOAD))
		return false;
	reg_write(c, in->dst, in->size, from.offset);
	return true;
}

static const struct insn *
exec_far_load(struct cpu *c, const struct insn *in)
{
	return do_far_load(c, in) ? next(c, in) : fault(c, in);
}

static const struct insn *
exec_lss(struct cpu *c, const struct insn *in)
{
	return do_far_load(c, in) ? leave_after(c, in) : fault(c, in);
}

/* cond carries the segment register. */
exec_fn *
lower_far_load(const struct decoded *d, struct insn *in)
{
	static const uint8_t sreg[OP_LSS - OP_LDS + 1] = {
		DESCRY_DS, DESCRY_ES, DESCRY_FS, DESCRY_GS, DESCRY_SS,
	};

	in->cond = sreg[d->op - OP_LDS];
	return d->op == OP_LSS ? exec_lss : exec_far_load;
}

/* --- questions about a selector: the table answers, never the cache ------------------- */

/* The selector operand, register or memory, into c->value. */
DESCRY_INLINE bool
selector_operand(struct cpu *c, const struct insn *in, unsigned reg, bool memory)
{
	if (memory)
		return mem_read(c, in->seg, ea(c, in), 2);
	c->value = reg_read(c, reg, 2);
	return true;
}

/* A descriptor that the current privilege may see. A refusal is ZF=0, no fault but #PF. */
static bool
visible(struct cpu *c, uint16_t sel, struct seg_loading *out)
{
	const unsigned rpl = sel & DESCRY_SEL_RPL;
	const unsigned cpl = descry_cpl(&c->state);
	bool found;

	if (seg_is_null(sel))
		return false;
	found = seg_fetch(c, sel, out);
	if (!found && c->fault.vector != DESCRY_VEC_PF)
		c->fault.vector = DESCRY_VEC_NONE;
	if (!found)
		return false;
	if (descry_segment_is_conforming(&out->seg))
		return true;
	return descry_segment_dpl(&out->seg) >= (rpl > cpl ? rpl : cpl);
}

/* SDM vol. 2, LAR and LSL: valid system types. */
static bool
answers(enum op op, const struct descry_segment *desc)
{
	const unsigned lar = 1u << DESCRY_TYPE_TSS16 | 1u << DESCRY_TYPE_LDT |
			     1u << DESCRY_TYPE_TSS16_BUSY | 1u << DESCRY_TYPE_CALL_GATE16 |
			     1u << DESCRY_TYPE_TASK_GATE | 1u << DESCRY_TYPE_TSS32 |
			     1u << DESCRY_TYPE_TSS32_BUSY | 1u << DESCRY_TYPE_CALL_GATE32;
	const unsigned lsl = 1u << DESCRY_TYPE_TSS16 | 1u << DESCRY_TYPE_LDT |
			     1u << DESCRY_TYPE_TSS16_BUSY | 1u << DESCRY_TYPE_TSS32 |
			     1u << DESCRY_TYPE_TSS32_BUSY;

	if (op == OP_VERR)
		return descry_segment_is_readable(desc);
	if (op == OP_VERW)
		return descry_segment_is_writable(desc);
	return (desc->attr & DESCRY_ATTR_S) ||
	       ((op == OP_LAR ? lar : lsl) >> (desc->attr & DESCRY_ATTR_TYPE) & 1);
}

static void
set_zf(struct cpu *c, bool zf)
{
	flags_write(&c->flags,
		    (flags_read(&c->flags) & ~DESCRY_FLAG_ZF) | (zf ? DESCRY_FLAG_ZF : 0));
}

static void
write_answer(struct cpu *c, const struct insn *in, enum op op, const struct seg_loading *from)
{
	if (op == OP_LAR)
		reg_write(c, in->dst, in->size,
			  (uint32_t)(seg_table_bytes(from->raw, &c->profile) >> 32) & 0x00ffff00);
	else if (op == OP_LSL)
		reg_write(c, in->dst, in->size, from->seg.limit);
}

static bool
do_ask(struct cpu *c, const struct insn *in)
{
	const enum op op = (enum op)in->cond;
	const bool memory = in->rep;
	const unsigned reg = op == OP_LAR || op == OP_LSL ? in->src : in->dst;
	bool yes;

	if (!uses_descriptors(c))
		return raise(c, DESCRY_VEC_UD, 0);
	if (!selector_operand(c, in, reg, memory))
		return false;
	yes = visible(c, (uint16_t)c->value, &c->loading) && answers(op, &c->loading.seg);
	if (c->fault.vector != DESCRY_VEC_NONE)
		return false;
	if (yes)
		write_answer(c, in, op, &c->loading);
	set_zf(c, yes);
	return true;
}

static const struct insn *
exec_ask(struct cpu *c, const struct insn *in)
{
	return do_ask(c, in) ? next(c, in) : fault(c, in);
}

/* --- ARPL ----------------------------------------------------------------------------- */

/* A destination that cannot be written faults only when it would be: so silicon has it. */
static bool
do_arpl(struct cpu *c, const struct insn *in)
{
	const bool memory = in->rep;
	const unsigned rpl = reg_read(c, in->src, 2) & DESCRY_SEL_RPL;
	uint32_t sel;

	if (!uses_descriptors(c))
		return raise(c, DESCRY_VEC_UD, 0);
	if (memory && !mem_read(c, in->seg, ea(c, in), 2))
		return false;
	sel = memory ? c->value : reg_read(c, in->dst, 2);

	const bool raised = (sel & DESCRY_SEL_RPL) < rpl;

	if (raised && memory && !mem_rmw(c, in->seg, ea(c, in), 2))
		return false;
	set_zf(c, raised);
	if (!raised)
		return true;
	sel = (sel & ~DESCRY_SEL_RPL) | rpl;
	if (memory)
		mem_rmw_commit(c, 2, sel);
	else
		reg_write(c, in->dst, 2, sel);
	return true;
}

static const struct insn *
exec_arpl(struct cpu *c, const struct insn *in)
{
	return do_arpl(c, in) ? next(c, in) : fault(c, in);
}

/* cond carries the operation, rep whether the selector is in memory. */
exec_fn *
lower_descriptor(const struct decoded *d, struct insn *in)
{
	const bool two = d->op == OP_LAR || d->op == OP_LSL;

	in->cond = (uint8_t)d->op;
	in->rep = d->operand[two].kind == OPERAND_MEM;
	return d->op == OP_ARPL ? exec_arpl : exec_ask;
}
