/*
 * LGDT LIDT SGDT SIDT LLDT SLDT LTR STR, LMSW SMSW CLTS, MOV CRn, INVLPG, IN OUT, HLT, and what is
 * no instruction: SDM vol. 2, one entry each.
 */
#include "control.h"
#include "exec_mov.h"
#include "io.h"
#include "mem.h"
#include "seg_load.h"
#include "tlb.h"

static bool
need_cpl0(struct cpu *c)
{
	return descry_cpl(&c->state) == 0 ? true : raise(c, DESCRY_VEC_GP, 0);
}

/* LDTR and TR are not recognized in real and virtual-8086 mode. */
static bool
need_protected_mode(struct cpu *c)
{
	return uses_descriptors(c) ? true : raise(c, DESCRY_VEC_UD, 0);
}

/* --- GDTR, IDTR ----------------------------------------------------------------------- */

/* With a 16-bit operand size the base has 24 bits. */
static uint32_t
base_mask(const struct insn *in)
{
	return in->size == 2 ? 0x00ffffff : 0xffffffff;
}

static bool
do_load_table(struct cpu *c, const struct insn *in, struct descry_table *table)
{
	const uint32_t at = ea(c, in);
	uint32_t limit;

	if (!need_cpl0(c) || !mem_read(c, in->seg, at, 2))
		return false;
	limit = c->value;
	if (!mem_read(c, in->seg, (at + 2) & in->ea_mask, 4))
		return false;
	*table = (struct descry_table){ .base = c->value & base_mask(in), .limit = limit };
	return true;
}

static bool
do_store_table(struct cpu *c, const struct insn *in, const struct descry_table *table)
{
	const uint32_t at = ea(c, in);

	if (!mem_check_write(c, in->seg, at, 2) ||
	    !mem_check_write(c, in->seg, (at + 2) & in->ea_mask, 4))
		return false;
	return mem_write(c, in->seg, at, 2, table->limit) &&
	       mem_write(c, in->seg, (at + 2) & in->ea_mask, 4, (uint32_t)table->base);
}

static const struct insn *
exec_lgdt(struct cpu *c, const struct insn *in)
{
	return do_load_table(c, in, &c->state.gdtr) ? next(c, in) : fault(c, in);
}

static const struct insn *
exec_lidt(struct cpu *c, const struct insn *in)
{
	return do_load_table(c, in, &c->state.idtr) ? next(c, in) : fault(c, in);
}

static const struct insn *
exec_sgdt(struct cpu *c, const struct insn *in)
{
	return do_store_table(c, in, &c->state.gdtr) ? next(c, in) : fault(c, in);
}

static const struct insn *
exec_sidt(struct cpu *c, const struct insn *in)
{
	return do_store_table(c, in, &c->state.idtr) ? next(c, in) : fault(c, in);
}

/* --- LDTR, TR ------------------------------------------------------------------------- */

/* The 16-bit operand: cond says whether it is in memory. */
static bool
read_word(struct cpu *c, const struct insn *in)
{
	if (in->cond)
		return mem_read(c, in->seg, ea(c, in), 2);
	c->value = reg_read(c, in->dst, 2);
	return true;
}

/* A word in memory; a register gets it zero-extended to the operand size. */
static bool
write_word(struct cpu *c, const struct insn *in, uint32_t value)
{
	if (in->cond)
		return mem_write(c, in->seg, ea(c, in), 2, value);
	reg_write(c, in->dst, in->size, value);
	return true;
}

static bool
do_lldt(struct cpu *c, const struct insn *in)
{
	if (!need_protected_mode(c) || !need_cpl0(c) || !read_word(c, in))
		return false;
	cpu_here(c, in);
	if (!seg_resolve_ldt(c, (uint16_t)c->value, &c->loading))
		return false;
	seg_commit(c, DESCRY_LDTR, &c->loading, DESCRY_CAUSE_LLDT);
	return true;
}

static const struct insn *
exec_lldt(struct cpu *c, const struct insn *in)
{
	return do_lldt(c, in) ? next(c, in) : fault(c, in);
}

static bool
do_ltr(struct cpu *c, const struct insn *in)
{
	if (!need_protected_mode(c) || !need_cpl0(c) || !read_word(c, in))
		return false;
	cpu_here(c, in);
	if (!seg_resolve_tss(c, (uint16_t)c->value, &c->loading))
		return false;
	seg_commit(c, DESCRY_TR, &c->loading, DESCRY_CAUSE_LTR);
	return true;
}

static const struct insn *
exec_ltr(struct cpu *c, const struct insn *in)
{
	return do_ltr(c, in) ? next(c, in) : fault(c, in);
}

static const struct insn *
exec_sldt(struct cpu *c, const struct insn *in)
{
	if (!need_protected_mode(c) || !write_word(c, in, c->state.seg[DESCRY_LDTR].sel))
		return fault(c, in);
	return next(c, in);
}

static const struct insn *
exec_str(struct cpu *c, const struct insn *in)
{
	if (!need_protected_mode(c) || !write_word(c, in, c->state.seg[DESCRY_TR].sel))
		return fault(c, in);
	return next(c, in);
}

exec_fn *
lower_table(const struct decoded *d, struct insn *in)
{
	static exec_fn *const handlers[OP_STR - OP_LGDT + 1] = {
		exec_lgdt, exec_lidt, exec_sgdt, exec_sidt,
		exec_lldt, exec_sldt, exec_ltr,  exec_str,
	};

	in->cond = d->operand[0].kind == OPERAND_MEM;
	return handlers[d->op - OP_LGDT];
}

/* --- CR0 ------------------------------------------------------------------------------ */

/* LMSW sets PE and never clears it. */
static bool
do_lmsw(struct cpu *c, const struct insn *in)
{
	const uint32_t low = DESCRY_CR0_PE | DESCRY_CR0_MP | DESCRY_CR0_EM | DESCRY_CR0_TS;
	const uint32_t cr0 = (uint32_t)c->state.cr0;

	if (!need_cpl0(c) || !read_word(c, in))
		return false;
	cpu_here(c, in);
	return cr0_write(c, (cr0 & ~low) | (c->value & low) | (cr0 & DESCRY_CR0_PE));
}

static const struct insn *
exec_lmsw(struct cpu *c, const struct insn *in)
{
	return do_lmsw(c, in) ? leave_after(c, in) : fault(c, in);
}

static const struct insn *
exec_smsw(struct cpu *c, const struct insn *in)
{
	return write_word(c, in, (uint32_t)c->state.cr0) ? next(c, in) : fault(c, in);
}

static const struct insn *
exec_clts(struct cpu *c, const struct insn *in)
{
	if (!need_cpl0(c))
		return fault(c, in);
	c->state.cr0 &= ~(uint64_t)DESCRY_CR0_TS;
	return leave_after(c, in);
}

static bool
do_mov_to_cr(struct cpu *c, const struct insn *in)
{
	if (!cr_exists(c, in->dst))
		return raise(c, DESCRY_VEC_UD, 0);
	if (!need_cpl0(c))
		return false;
	cpu_here(c, in);
	return cr_write(c, in->dst, reg_read(c, in->src, 4));
}

static const struct insn *
exec_mov_to_cr(struct cpu *c, const struct insn *in)
{
	return do_mov_to_cr(c, in) ? leave_after(c, in) : fault(c, in);
}

static bool
do_mov_from_cr(struct cpu *c, const struct insn *in)
{
	if (!cr_exists(c, in->src))
		return raise(c, DESCRY_VEC_UD, 0);
	if (!need_cpl0(c))
		return false;
	reg_write(c, in->dst, 4, cr_read(c, in->src));
	return true;
}

static const struct insn *
exec_mov_from_cr(struct cpu *c, const struct insn *in)
{
	return do_mov_from_cr(c, in) ? next(c, in) : fault(c, in);
}

exec_fn *
lower_mov_creg(const struct decoded *d, struct insn *in)
{
	(void)in;
	return d->operand[0].kind == OPERAND_CREG ? exec_mov_to_cr : exec_mov_from_cr;
}

/* No limit is looked at, and no page: the address is all that counts. */
static const struct insn *
exec_invlpg(struct cpu *c, const struct insn *in)
{
	if (!need_cpl0(c))
		return fault(c, in);
	tlb_flush_page(c, (uint32_t)c->state.seg[in->seg].base + ea(c, in));
	return leave_after(c, in);
}

/* --- HLT, and what is no instruction -------------------------------------------------- */

static const struct insn *
exec_hlt(struct cpu *c, const struct insn *in)
{
	if (!need_cpl0(c))
		return fault(c, in);
	c->state.halted = 1;
	return leave_after(c, in);
}

static const struct insn *
exec_not_modelled(struct cpu *c, const struct insn *in)
{
	static const char *const texts[] = {
		[FEATURE_TEST_REGISTERS] = "test registers are not part of this model",
		[FEATURE_8086_OPCODE] = "no manual says what an 8086 makes of these bytes",
	};

	/* Test registers are for ring 0 alone, modelled or not. */
	if (need_cpl0(c))
		not_modelled(c, texts[in->cond]);
	return fault(c, in);
}

static const struct insn *
exec_undefined(struct cpu *c, const struct insn *in)
{
	raise(c, DESCRY_VEC_UD, 0);
	return fault(c, in);
}

/* More than 15 bytes (SDM vol. 3, Interrupt 13 - General Protection Exception). */
static const struct insn *
exec_too_long(struct cpu *c, const struct insn *in)
{
	raise(c, DESCRY_VEC_GP, 0);
	return fault(c, in);
}

exec_fn *
lower_system(const struct decoded *d, struct insn *in)
{
	in->cond = d->op == OP_NOT_MODELLED ? d->feature : d->operand[0].kind == OPERAND_MEM;
	switch ((int)d->op) {
	case OP_LMSW:
		return exec_lmsw;
	case OP_SMSW:
		return exec_smsw;
	case OP_CLTS:
		return exec_clts;
	case OP_INVLPG:
		return exec_invlpg;
	case OP_HLT:
		return exec_hlt;
	case OP_NOT_MODELLED:
		return exec_not_modelled;
	case OP_TOO_LONG:
		return exec_too_long;
	default:
		return exec_undefined;
	}
}

/* --- IN, OUT -------------------------------------------------------------------------- */

/* cond says whether the port number is in DX. */
DESCRY_INLINE uint16_t
port_number(const struct cpu *c, const struct insn *in)
{
	return (uint16_t)(in->cond ? reg_read(c, DESCRY_DX, 2) : in->imm & 0xff);
}

static const struct insn *
exec_in(struct cpu *c, const struct insn *in)
{
	const uint16_t port = port_number(c, in);

	if (!io_allowed(c, port, in->size))
		return fault(c, in);
	reg_write(c, DESCRY_AX, in->size, io_in(c, port, in->size));
	return leave_after(c, in);
}

static const struct insn *
exec_out(struct cpu *c, const struct insn *in)
{
	const uint16_t port = port_number(c, in);

	if (!io_allowed(c, port, in->size))
		return fault(c, in);
	io_out(c, port, in->size, reg_read(c, DESCRY_AX, in->size));
	return leave_after(c, in);
}

exec_fn *
lower_io(const struct decoded *d, struct insn *in)
{
	in->cond = d->operand[d->op == OP_IN].kind != OPERAND_IMM;
	return d->op == OP_IN ? exec_in : exec_out;
}
