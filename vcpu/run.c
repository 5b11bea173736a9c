/*
 * The loop: one block after the other until the control block, the outside world or the
 * guest itself ends the run.
 */
#include "debug.h"
#include "eflags.h"
#include "interrupt.h"
#include "invariant.h"
#include "lower.h"
#include "mem.h"
#include "microstep.h"
#include "provenance.h"
#include "seg_load.h"
#include "smm.h"
#include "wrap.h"

#include <descry/debug.h>

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
	const uint64_t before = c->state.retired;
	const uint8_t in_rep = c->state.in_rep;

	c->block = block;
	c->block_begin = before;
	c->state.in_rep = 0;
	cpu_here(c, in);
	do
		in = in->exec(c, in);
	while (in);
	if (c->state.retired == before) /* refused: a repeat is where it was */
		c->state.in_rep = in_rep;
}

/* A load of SS holds debug traps off until the instruction behind it is done. */
static bool
is_trap_due(const struct cpu *c)
{
	return c->state.pending_db && !(c->state.shadow & DESCRY_SHADOW_MOV_SS);
}

/* A request is not forgotten over what the trap meets; a watched access is. */
static void
trap_before_leaving(struct cpu *c)
{
	const bool is_request = c->leave;
	const struct descry_exit request = *c->exit;

	c->leave = false;
	interrupt_deliver_trap(c);
	if (is_request) {
		*c->exit = request;
		c->leave = true;
	}
}

/*
 * The run is to end at this instruction. If it has been refused, no register has changed yet,
 * and the next run meets it again; if it has been done, its trap is a part of it.
 */
static void
leave_at_instruction(struct cpu *c)
{
	const bool is_done = c->fault.vector == DESCRY_VEC_NONE &&
			     (!c->leave || c->exit->reason == DESCRY_EXIT_REQUEST ||
			      c->exit->reason == DESCRY_EXIT_MODE);

	c->fault.vector = DESCRY_VEC_NONE;
	if (!is_done)
		c->state.pending_db = 0;
	else if (is_trap_due(c))
		trap_before_leaving(c);
	if (!c->leave)
		leave_run(c, DESCRY_EXIT_ACCESS);
}

static void
after_block(struct cpu *c)
{
	if (c->leave || c->accessed) {
		if (!c->leave && interrupt_is_intercepted(c))
			return;
		leave_at_instruction(c);
		return;
	}
	if (c->fault.vector != DESCRY_VEC_NONE) {
		if (DESCRY_UNLIKELY(c->checked.on) && !invariants_at_fault(c))
			return;
		interrupt_deliver_fault(c);
	}
	if (DESCRY_LIKELY(!is_trap_due(c)) || c->leave)
		return;
	if (c->checked.on && !invariants_between(c))
		return;
	interrupt_deliver_trap(c);
}

/* --- one instruction ------------------------------------------------------------------ */

/* What lasts for one instruction, or comes behind each. */
static bool
is_special(const struct cpu *c)
{
	return c->checked.on || c->state.shadow || c->state.pending_db ||
	       c->state.rflags & (DESCRY_FLAG_TF | DESCRY_FLAG_RF);
}

struct once {
	uint64_t retired;
	uint64_t rf;
	uint16_t pending_db;
	uint8_t shadow;
};

/* A shadow and RF cover this instruction; what starts with TF set is trapped behind. */
static struct once
begin_once(struct cpu *c)
{
	const struct once before = { .retired = c->state.retired,
				     .rf = c->state.rflags & DESCRY_FLAG_RF,
				     .pending_db = c->state.pending_db,
				     .shadow = c->state.shadow };

	c->state.shadow = 0;
	c->state.rflags &= ~(uint64_t)DESCRY_FLAG_RF;
	if (c->state.rflags & DESCRY_FLAG_TF)
		c->state.pending_db |= DESCRY_DR6_BS;
	return before;
}

/* The run has ended before the instruction: the next one finds everything again. */
static void
undo_once(struct cpu *c, const struct once *before)
{
	c->state.rflags |= before->rf;
	c->state.pending_db = before->pending_db;
	c->state.shadow = before->shadow;
}

/*
 * One instruction, or one iteration of a repeat, and back. Of loads of SS in a row only the
 * first is sure to cast a shadow (SDM vol. 2, MOV); here no other does.
 */
static void
execute_once(struct cpu *c, const struct block *block)
{
	const uint64_t stop_at = c->stop_at;
	const struct once before = begin_once(c);

	c->stop_at = before.retired + 1;
	cpu_come_back(c);
	execute(c, block);
	c->stop_at = stop_at;
	c->state.shadow &= (uint8_t)~before.shadow;
	after_block(c);
	if (c->leave && c->state.retired == before.retired)
		undo_once(c, &before);
}

/* --- many ----------------------------------------------------------------------------- */

/* A block must fit into the budget; then, and whenever boundaries matter, one instruction. */
static const struct block *
next_block(struct cpu *c)
{
	const bool stepwise = is_special(c) || c->control->watch_access || c->control->watch_load;
	const struct block *block = block_at(c, stepwise);

	if (block && block->count > c->stop_at - c->state.retired)
		block = block_at(c, true);
	return block;
}

/* Before the instruction, even if it cannot be fetched, but not in the middle of a repeat. */
static bool
is_at_breakpoint(const struct cpu *c, const struct block *block)
{
	if (c->state.in_rep || (block && !block->breakpoint))
		return false;
	return block_breakpoint(c, c->cs_base + (uint32_t)c->state.rip);
}

/*
 * The guest's own: before anything that the fetch may find wrong, unless RF or the shadow of
 * a load of SS says no (SDM vol. 3, Instruction-Breakpoint Exception Condition).
 */
static uint16_t
guest_breakpoints(const struct cpu *c)
{
	if (DESCRY_LIKELY(!c->debug.execute) || c->state.in_rep ||
	    c->state.rflags & DESCRY_FLAG_RF || c->state.shadow & DESCRY_SHADOW_MOV_SS)
		return 0;
	return debug_fetch(c, c->cs_base + (uint32_t)c->state.rip);
}

static void
stop_at_breakpoint(struct cpu *c)
{
	c->fault.vector = DESCRY_VEC_NONE;
	leave_run(c, DESCRY_EXIT_BREAKPOINT);
}

/*
 * c->fault, which the guest meets before the instruction. The user's breakpoint comes first: the
 * guest has not noticed anything yet.
 */
static void
fault_before(struct cpu *c, bool first)
{
	if (!first && is_at_breakpoint(c, NULL))
		stop_at_breakpoint(c);
	else
		interrupt_deliver_fault(c);
}

/* False, with c->fault set: at a breakpoint of the guest, or when a virtual interrupt waits. */
static bool
may_begin(struct cpu *c, uint16_t dr6)
{
	if (DESCRY_UNLIKELY(dr6))
		return debug_raise(c, dr6);
	if (DESCRY_LIKELY(!(c->state.rflags & DESCRY_FLAG_VIP)) || !eflags_virtual_interrupt(c))
		return true;
	return raise(c, DESCRY_VEC_GP, 0);
}

/* first: the user's breakpoint here has been seen. */
static void
run_block(struct cpu *c, bool first)
{
	const struct block *block = next_block(c);

	if (microstep_records(c))
		microstep_instruction(c);
	if (!first && is_at_breakpoint(c, block)) {
		stop_at_breakpoint(c);
	} else if (!block) {
		interrupt_deliver_fault(c);
	} else if (is_special(c)) {
		execute_once(c, block);
	} else {
		execute(c, block);
		after_block(c);
	}
}

static void
run_on(struct cpu *c, bool first)
{
	const uint16_t dr6 = guest_breakpoints(c);

	if (DESCRY_UNLIKELY(is_trap_due(c)))
		interrupt_deliver_trap(c);
	else if (DESCRY_UNLIKELY(c->state.pending) &&
		 (smm_take_pending(c) || interrupt_take_pending(c)))
		return;
	else if (c->leave)
		return;
	else if (c->state.halted)
		leave_run(c, DESCRY_EXIT_HALTED);
	else if (DESCRY_UNLIKELY(!may_begin(c, dr6)))
		fault_before(c, first);
	else
		run_block(c, first);
}

/* --- the run -------------------------------------------------------------------------- */

/* FNV-1a */
static uint64_t
hash_add(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x100000001b3u;
}

static uint64_t
hash_breakpoints(const struct cpu *c)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < c->control->breakpoint_count; i++)
		hash = hash_add(hash, c->control->breakpoints[i]);
	for (unsigned n = 0; n < DESCRY_DEBUG_POINT_COUNT; n++)
		if (c->debug.execute >> n & 1)
			hash = hash_add(hash, 1ull << 32 | c->debug.address[n]);
	return hash;
}

/* Blocks end before breakpoints, so another set of them needs other blocks. */
static void
sync_breakpoints(struct cpu *c)
{
	const uint64_t hash = hash_breakpoints(c);

	if (hash != c->breakpoints_hash)
		blocks_flush(c);
	c->breakpoints_hash = hash;
}

/*
 * Before the loop looks at kick: whoever kicks from now on makes this 0. What is pending waits for
 * a boundary, so each must be looked at.
 */
static void
allow_chaining(struct cpu *c)
{
	const bool comes_back = c->control->watch_access || c->control->watch_load ||
				c->control->unchained || c->state.pending;

	c->come_back = false;
	atomic_store(&c->chain_until, comes_back ? 0 : c->stop_at);
}

/* Somebody has asked the loop to look: cpu_come_back(). False: that ends the run. */
static bool
look_around(struct cpu *c)
{
	sync_breakpoints(c);
	allow_chaining(c);
	if (c->loaded)
		leave_run(c, DESCRY_EXIT_LOAD);
	return !c->loaded;
}

static void
begin_run(struct cpu *c, const struct descry_control *control, struct descry_exit *exit)
{
	assert(!control->watch_load ||
	       control->events & DESCRY_EVENT_BIT(DESCRY_EVENT_SEGMENT_LOAD));
	*exit = (struct descry_exit){ .fault.vector = DESCRY_VEC_NONE };
	c->control = control;
	c->exit = exit;
	c->leave = false;
	c->accessed = false;
	c->loaded = false;
	c->event_count = 0;
	c->op_step = 0;
	c->fault.vector = DESCRY_VEC_NONE;
	c->checked.on = invariants_wanted(&c->profile);
	c->stop_at = UINT64_MAX;
	if (control->budget && control->budget < UINT64_MAX - c->state.retired)
		c->stop_at = c->state.retired + control->budget;
	cpu_derive(c);
	look_around(c);
	if (control->micro)
		microstep_begin(c, control->micro);
}

static void
end_run(struct cpu *c)
{
	c->control = NULL;
	c->exit = &c->no_exit;
	c->state.rflags = eflags_read(c);
	cpu_settle_provenance(c);
	cpu_derive(c);
	if (microstep_records(c))
		microstep_end(c);
}

/* What ends a run before the next instruction; looked at between blocks. */
static bool
has_to_leave(struct cpu *c)
{
	if (c->rules.no_limits) /* behind FFFFh comes 0 */
		c->state.rip &= WRAP_MASK;
	if (c->leave)
		return true;
	if (DESCRY_UNLIKELY(c->come_back) && !look_around(c))
		return true;
	if (DESCRY_UNLIKELY(c->state.shut_down) && interrupt_shuts_down(c))
		leave_run(c, DESCRY_EXIT_SHUTDOWN);
	else if (atomic_load_explicit(&c->kick, memory_order_relaxed) &&
		 atomic_exchange(&c->kick, false))
		leave_run(c, DESCRY_EXIT_KICK);
	else if (c->state.retired >= c->stop_at)
		leave_run(c, DESCRY_EXIT_BUDGET);
	return c->leave;
}

/* Two loops: the one that checks nothing pays nothing. */
static void
run_checked(struct cpu *c)
{
	bool first = !c->control->break_at_first, whole = true;

	while (whole && !has_to_leave(c)) {
		invariants_before(c);
		run_on(c, first);
		first = false;
		whole = c->exit->reason != DESCRY_EXIT_INVARIANT && invariants_after(c);
	}
}

static void
run_plain(struct cpu *c)
{
	bool first = !c->control->break_at_first;

	while (!has_to_leave(c)) {
		run_on(c, first);
		first = false;
	}
}

void
descry_vcpu_run(struct descry_vcpu *vcpu, const struct descry_control *control,
		struct descry_exit *exit)
{
	struct cpu *c = &vcpu->cpu;

	begin_run(c, control, exit);
	if (c->checked.on)
		run_checked(c);
	else
		run_plain(c);
	end_run(c);
}
