#include "interrupt.h"

#include "debug.h"
#include "deliver.h"
#include "eflags.h"
#include "mem.h"
#include "microstep.h"

#include <descry/debug.h>

/* --- delivery ------------------------------------------------------------------------- */

static void
record(struct cpu *c, enum descry_event_kind kind, const struct interruption *i)
{
	struct descry_event *event;

	if (!cpu_records(c, kind))
		return;
	event = cpu_record(c, kind);
	event->fault.vector = (uint8_t)i->vector;
	event->fault.error_code = i->error_code;
}

static bool
delivered(struct cpu *c, const struct interruption *i, bool done)
{
	if (done)
		record(c, DESCRY_EVENT_DELIVERY, i);
	return done;
}

static bool
deliver(struct cpu *c, const struct interruption *i)
{
	microstep_vector(c, i->vector);
	return delivered(c, i, in_protected_mode(c) ? deliver_protected(c, i) : deliver_real(c, i));
}

/* --- asked for by the program --------------------------------------------------------- */

/* It has cleared TF, and is itself not followed by a single-step trap. */
static bool
not_stepped(struct cpu *c, bool done)
{
	if (done)
		c->state.pending_db &= (uint16_t)~DESCRY_DR6_BS;
	return done;
}

bool
interrupt_software(struct cpu *c, unsigned vector, uint32_t return_ip)
{
	const struct interruption i = { .vector = vector,
					.return_ip = return_ip,
					.kind = INTERRUPTION_SOFTWARE };

	return not_stepped(c, deliver(c, &i));
}

/* Not software as far as privilege and error codes go: the DPL of the gate means nothing. */
bool
interrupt_icebp(struct cpu *c, uint32_t return_ip)
{
	const struct interruption i = { .vector = DESCRY_VEC_DB,
					.return_ip = return_ip,
					.kind = INTERRUPTION_TRAP };

	if (!not_stepped(c, deliver(c, &i)))
		return false;
	debug_enter(c, 0);
	return true;
}

#define TSS_IO_BASE 0x66u
#define REDIRECTION_BYTES 32u /* below the I/O permission bit map */

/*
 * SDM vol. 3, Interrupt Redirection Bitmap: the bit of this vector, into c->value. It is looked for
 * through TR as it is cached, which must be a 32-bit TSS that holds the I/O map base.
 */
static bool
read_redirection(struct cpu *c, unsigned vector)
{
	const struct descry_segment *tr = &c->state.seg[DESCRY_TR];
	const uint32_t base = (uint32_t)tr->base;
	uint16_t io_base;
	uint32_t at;
	uint8_t byte;

	if (!descry_segment_usable(tr) || (tr->attr & DESCRY_ATTR_TYPE) < DESCRY_TYPE_TSS32 ||
	    tr->limit < TSS_IO_BASE + 1)
		return raise(c, DESCRY_VEC_GP, 0);
	if (!mem_read_linear(c, base + TSS_IO_BASE, &io_base, sizeof(io_base)))
		return false;
	at = io_base - REDIRECTION_BYTES + vector / 8;
	if (at > tr->limit)
		return raise(c, DESCRY_VEC_GP, 0);
	if (!mem_read_linear(c, base + at, &byte, sizeof(byte)))
		return false;
	c->value = byte >> (vector & 7) & 1;
	return true;
}

static bool
int_n_in_v86(struct cpu *c, const struct interruption *i)
{
	const bool vme = c->state.cr4 & DESCRY_CR4_VME;

	microstep_vector(c, i->vector);
	if (vme)
		microstep(c, DESCRY_MICRO_VM1);
	if (vme && !read_redirection(c, i->vector))
		return false;
	switch (v86_int_rule(vme, iopl(c), vme && c->value)) {
	case V86_INT_GATE:
		return deliver(c, i);
	case V86_INT_REDIRECTED:
		return delivered(c, i, deliver_redirected(c, i));
	case V86_INT_REFUSED:
		break;
	}
	return raise(c, DESCRY_VEC_GP, 0);
}

bool
interrupt_int_n(struct cpu *c, unsigned vector, uint32_t return_ip)
{
	const struct interruption i = { .vector = vector,
					.return_ip = return_ip,
					.kind = INTERRUPTION_SOFTWARE };

	return not_stepped(c, in_v86(c) ? int_n_in_v86(c, &i) : deliver(c, &i));
}

/*
 * SDM vol. 3, Instruction-Breakpoint Exception Condition: the image of every fault has RF set
 * but that of an instruction breakpoint, whose handler has to do it; early manuals do not
 * make that exception. A double fault is an abort.
 */
static uint32_t
rf_of_fault(const struct cpu *c, unsigned vector, uint16_t dr6)
{
	const bool is_break = vector == DESCRY_VEC_DB && !(dr6 & DESCRY_DR6_BD);

	if (vector == DESCRY_VEC_DF)
		return 0;
	return !is_break || c->profile.knob[DESCRY_KNOB_DEBUG_BREAK_RF] ? DESCRY_FLAG_RF : 0;
}

static struct interruption
exception(const struct cpu *c, struct pending_fault fault)
{
	const bool has_error_code = interruption_has_error_code(INTERRUPTION_FAULT, fault.vector);

	return (struct interruption){ .vector = fault.vector,
				      .return_ip = (uint32_t)c->state.rip,
				      .kind = INTERRUPTION_FAULT,
				      .error_code = has_error_code ? fault.error_code : 0,
				      .rf = rf_of_fault(c, fault.vector, fault.dr6),
				      .dr6 = fault.dr6 };
}

static void
shut_down(struct cpu *c, const struct interruption *first)
{
	c->state.shut_down = 1;
	c->state.shadow = 0;
	c->exit->reason = DESCRY_EXIT_SHUTDOWN;
	c->exit->fault.vector = (uint8_t)first->vector;
	c->exit->fault.error_code = first->error_code;
	c->leave = true;
}

/* The exception that follows when delivery of i has found another fault. False: shutdown. */
static bool
escalate(const struct cpu *c, struct interruption *i)
{
	switch (interruption_escalates(i->kind, i->vector, c->fault.vector)) {
	case ESCALATION_SERIAL:
		*i = exception(c, c->fault);
		return true;
	case ESCALATION_DOUBLE_FAULT:
		*i = exception(c, (struct pending_fault){ .vector = DESCRY_VEC_DF });
		return true;
	case ESCALATION_SHUTDOWN:
		break;
	}
	return false;
}

/* Once it is delivered, or another exception takes its place; not when the run ends before. */
static void
note_debug_exception(struct cpu *c, const struct interruption *i)
{
	if (i->vector == DESCRY_VEC_DB)
		debug_enter(c, i->dr6);
}

/* Also when another exception takes its place (SDM vol. 3, Page-Fault Exception). */
static void
note_page_fault(struct cpu *c, unsigned vector)
{
	if (vector == DESCRY_VEC_PF)
		c->state.cr2 = c->fault.address;
}

/*
 * #AC is benign: its delivery to a handler in ring 3 may raise it again, or raise what has raised
 * it. Then a CPU delivers for ever, without an instruction between (CVE-2015-5307), and a run
 * could not end. vectors: of the exceptions whose delivery has failed in this task.
 */
static bool
is_endless(struct cpu *c, const struct interruption *i, uint32_t *vectors)
{
	if (*vectors >> i->vector & 1)
		return !not_modelled(c,
				     "the delivery of an exception raises it again, without end");
	*vectors |= 1u << i->vector;
	return false;
}

/*
 * With what follows when delivery faults too: double fault, then shutdown. False when the
 * run ends first.
 */
static bool
deliver_to_the_end(struct cpu *c, struct interruption i)
{
	const struct interruption first = i;
	uint32_t tried = i.kind == INTERRUPTION_FAULT ? 1u << i.vector : 0;
	bool done = false;

	cpu_here_stopped(c);
	if (i.kind == INTERRUPTION_FAULT)
		note_page_fault(c, i.vector);
	while (!done) {
		c->fault.vector = DESCRY_VEC_NONE;
		if (i.kind != INTERRUPTION_EXTERNAL)
			record(c, DESCRY_EVENT_FAULT, &i);
		done = deliver(c, &i);
		tried = c->switched ? 0 : tried;
		c->switched = false; /* state.rip is right in either task */
		if (c->leave)
			return false;
		if (i.kind != INTERRUPTION_EXTERNAL)
			note_debug_exception(c, &i);
		if (!done) {
			note_page_fault(c, c->fault.vector);
			microstep_fault(c);
		}
		if (!done && !escalate(c, &i)) {
			shut_down(c, &first);
			return false;
		}
		if (!done && is_endless(c, &i, &tried))
			return false;
	}
	c->state.rip = c->target;
	c->state.shadow = 0;
	c->state.halted = 0;
	c->state.in_rep = 0;
	return true;
}

bool
interrupt_is_intercepted(struct cpu *c)
{
	if (DESCRY_LIKELY(!c->control || !(c->control->intercept >> (c->fault.vector & 31u) & 1u)))
		return false;
	c->exit->reason = DESCRY_EXIT_INTERCEPT;
	c->exit->fault.vector = c->fault.vector;
	c->exit->fault.error_code = c->fault.error_code;
	c->fault.vector = DESCRY_VEC_NONE;
	c->state.pending_db = 0;
	c->leave = true;
	return true;
}

/* The instruction has not been executed: what it has met on the way is forgotten. */
void
interrupt_deliver_fault(struct cpu *c)
{
	if (interrupt_is_intercepted(c))
		return;
	c->state.pending_db = 0;
	microstep_fault(c);
	if (deliver_to_the_end(c, exception(c, c->fault)))
		c->state.retired++;
}

const struct insn *
interrupt_in_new_task(struct cpu *c, const struct insn *in, bool done)
{
	c->switched = false;
	if (done)
		return leave_to(c, in, c->target);
	leave_at(c, insn_retired(c, in), c->target);
	interrupt_deliver_fault(c);
	return NULL;
}

/*
 * Data breakpoints that the delivery itself meets are dropped: a machine whose vector is watched
 * delivers for ever, without an instruction between (CVE-2015-8104), and a run could not end.
 */
void
interrupt_deliver_trap(struct cpu *c)
{
	const uint16_t pending = c->state.pending_db;
	const struct interruption i = { .vector = DESCRY_VEC_DB,
					.return_ip = (uint32_t)c->state.rip,
					.kind = INTERRUPTION_TRAP,
					.rf = interrupt_rf_of_boundary(c),
					.dr6 = pending };

	c->state.pending_db = 0;
	if (deliver_to_the_end(c, i))
		c->state.pending_db &= (uint16_t)~DESCRY_DR6_B;
	else if (!c->state.shut_down)
		c->state.pending_db = pending;
}

bool
interrupt_deliver_external(struct cpu *c, unsigned vector)
{
	return deliver_to_the_end(c, (struct interruption){ .vector = vector,
							    .return_ip = (uint32_t)c->state.rip,
							    .kind = INTERRUPTION_EXTERNAL,
							    .rf = interrupt_rf_of_boundary(c) });
}
