/*
 * The loop: one block after the other until the control block, the outside world or the
 * guest itself ends the run.
 */
#include "eflags.h"
#include "interrupt.h"
#include "lower.h"
#include "mem.h"
#include "provenance.h"
#include "seg_load.h"

/* --- leaving -------------------------------------------------------------------------- */

static void
leave_run(struct cpu *c, enum descry_exit_reason reason)
{
	c->exit->reason = reason;
	c->leave = true;
}

bool
not_modelled(struct cpu *c, const char *what)
{
	c->fault.vector = DESCRY_VEC_NONE;
	c->exit->text = what;
	leave_run(c, DESCRY_EXIT_NOT_MODELLED);
	return false;
}

void
descry_vcpu_kick(struct descry_vcpu *vcpu)
{
	atomic_store(&vcpu->cpu.kick, true);
	atomic_store(&vcpu->cpu.chain_until, 0);
}

void
descry_vcpu_request(struct descry_vcpu *vcpu, uint32_t request)
{
	vcpu->cpu.exit->request = request;
	leave_run(&vcpu->cpu, DESCRY_EXIT_REQUEST);
}

/* Execution has come to the end of its block. */
const struct insn *
exec_end(struct cpu *c, const struct insn *in)
{
	return chain(c, insn_retired(c, in), insn_ip(c, in));
}

/* --- one block ------------------------------------------------------------------------ */

static void
execute(struct cpu *c, const struct block *block)
{
	const struct insn *in = block->insns;

	c->block = block;
	c->block_begin = c->state.retired;
	cpu_here(c, in);
	do
		in = in->exec(c, in);
	while (in);
}

/*
 * A fault goes to the guest, but not when the run is to end at the instruction that has
 * it: then no register has changed yet, and the next run meets it again.
 */
static void
after_block(struct cpu *c)
{
	if (c->leave) {
		c->fault.vector = DESCRY_VEC_NONE;
	} else if (c->accessed) {
		c->fault.vector = DESCRY_VEC_NONE;
		leave_run(c, DESCRY_EXIT_ACCESS);
	} else if (c->fault.vector != DESCRY_VEC_NONE) {
		interrupt_deliver_fault(c);
	}
}

/* An interrupt shadow covers one instruction. */
static void
execute_in_shadow(struct cpu *c, const struct block *block)
{
	const uint8_t shadow = c->state.shadow;
	const uint64_t before = c->state.retired;

	c->state.shadow = 0;
	execute(c, block);
	after_block(c);
	if (c->leave && c->state.retired == before)
		c->state.shadow = shadow;
}

/* A block must fit into the budget; then, and whenever boundaries matter, one instruction. */
static const struct block *
next_block(struct cpu *c)
{
	const bool stepwise = c->state.shadow || c->control->watch_access;
	const struct block *block = block_at(c, stepwise);

	if (block && block->count > c->stop_at - c->state.retired)
		block = block_at(c, true);
	return block;
}

/* Before the instruction, even if it cannot be fetched, but not in the middle of a repeat. */
static bool
is_at_breakpoint(const struct cpu *c, const struct block *block)
{
	if (c->in_rep)
		return false;
	return block ? block->breakpoint : block_breakpoint(c, c->cs_base + (uint32_t)c->state.rip);
}

static void
run_block(struct cpu *c, bool first)
{
	const struct block *block = next_block(c);
	const bool stops = !first && is_at_breakpoint(c, block);

	c->in_rep = false;
	if (stops) {
		c->fault.vector = DESCRY_VEC_NONE;
		leave_run(c, DESCRY_EXIT_BREAKPOINT);
	} else if (!block) {
		interrupt_deliver_fault(c);
	} else if (c->state.shadow) {
		execute_in_shadow(c, block);
	} else {
		execute(c, block);
		after_block(c);
	}
}

/* --- the run -------------------------------------------------------------------------- */

/* FNV-1a: blocks end before breakpoints, so another set of them needs other blocks. */
static uint64_t
hash_breakpoints(const struct descry_control *control)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < control->breakpoint_count; i++)
		hash = (hash ^ control->breakpoints[i]) * 0x100000001b3u;
	return hash;
}

/* What a person may have put into the state, and these rules do not hold yet. */
static void
refuse_unmodelled_state(struct cpu *c)
{
	const uint64_t flags = c->state.rflags;

	if (c->state.cr0 & DESCRY_CR0_PG)
		not_modelled(c, "paging");
	else if (in_protected_mode(c) && flags & DESCRY_FLAG_VM)
		not_modelled(c, "virtual-8086 mode");
	else if (flags & DESCRY_FLAG_TF)
		not_modelled(c, "single-step trap (TF)");
}

static void
begin_run(struct cpu *c, const struct descry_control *control, struct descry_exit *exit)
{
	const uint64_t hash = hash_breakpoints(control);

	*exit = (struct descry_exit){ .fault.vector = DESCRY_VEC_NONE };
	c->control = control;
	c->exit = exit;
	c->leave = false;
	c->accessed = false;
	c->in_rep = false;
	c->event_count = 0;
	c->op_step = 0;
	c->fault.vector = DESCRY_VEC_NONE;
	c->stop_at = UINT64_MAX;
	if (control->budget && control->budget < UINT64_MAX - c->state.retired)
		c->stop_at = c->state.retired + control->budget;
	if (hash != c->breakpoints_hash)
		blocks_flush(c);
	c->breakpoints_hash = hash;
	/* Before the loop looks at kick: whoever kicks from now on makes this 0. */
	atomic_store(&c->chain_until, control->watch_access || control->unchained ? 0 : c->stop_at);
	cpu_derive(c);
	refuse_unmodelled_state(c);
}

static void
end_run(struct cpu *c)
{
	c->control = NULL;
	c->exit = &c->no_exit;
	c->state.rflags = eflags_read(c);
	cpu_settle_provenance(c);
	cpu_derive(c);
}

/* What ends a run before the next instruction; looked at between blocks. */
static bool
has_to_leave(struct cpu *c)
{
	if (c->leave)
		return true;
	if (c->state.shut_down)
		leave_run(c, DESCRY_EXIT_SHUTDOWN);
	else if (atomic_load_explicit(&c->kick, memory_order_relaxed) &&
		 atomic_exchange(&c->kick, false))
		leave_run(c, DESCRY_EXIT_KICK);
	else if (c->state.retired >= c->stop_at)
		leave_run(c, DESCRY_EXIT_BUDGET);
	else if (c->state.halted)
		leave_run(c, DESCRY_EXIT_HALTED);
	return c->leave;
}

void
descry_vcpu_run(struct descry_vcpu *vcpu, const struct descry_control *control,
		struct descry_exit *exit)
{
	struct cpu *c = &vcpu->cpu;
	bool first = true;

	begin_run(c, control, exit);
	while (!has_to_leave(c)) {
		run_block(c, first);
		first = false;
	}
	end_run(c);
}
