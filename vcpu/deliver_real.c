/*
 * SDM vol. 3, Interrupt and Exception Handling (8086 emulation), and Class 3 - Software
 * Interrupt Handling in Virtual-8086 Mode, methods 5 and 6.
 */
#include "deliver.h"

#include "eflags.h"
#include "microstep.h"
#include "seg_load.h"
#include "stack.h"

#define REAL_CLEARED (DESCRY_FLAG_IF | DESCRY_FLAG_TF | DESCRY_FLAG_RF | DESCRY_FLAG_AC)

/* An entry of a vector table, and what the handler's frame and flags are to be. */
struct vector_call {
	uint32_t entry;   /* IP, CS */
	uint32_t image;   /* of FLAGS, to be pushed */
	uint32_t cleared; /* flags that the handler does not find set */
	enum descry_micro check, enter, clear;
};

/* The monitor wants to hear of vectors that nobody has claimed. */
static bool
is_unhandled(struct cpu *c, const struct interruption *i, uint32_t entry)
{
	if (!c->control || !c->control->unhandled || entry != c->control->unhandled)
		return false;
	c->exit->reason = DESCRY_EXIT_UNHANDLED;
	c->exit->fault.vector = (uint8_t)i->vector;
	c->exit->fault.error_code = i->error_code;
	c->leave = true;
	return true;
}

/* RM4: which limit the new IP must not pass. */
static bool
ip_allowed(struct cpu *c, const struct seg_loading *cs, uint32_t ip)
{
	const bool old = knob_is(c, DESCRY_KNOB_RM_INT_LIMIT, DESCRY_RM_INT_OLD_CS);
	const uint32_t limit = old ? c->state.seg[DESCRY_CS].limit : cs->seg.limit;

	return ip <= limit ? true : raise(c, DESCRY_VEC_GP, 0);
}

/* RM4. */
DESCRY_INLINE bool
resolve_vector(struct cpu *c, const struct vector_call *call, struct seg_loading *cs)
{
	microstep(c, call->check);
	return seg_resolve_code(c, (uint16_t)(call->entry >> 16), SEG_PATH_JUMP, cs) &&
	       ip_allowed(c, cs, call->entry & 0xffff);
}

/* RM5 and RM6, but for the stack. */
DESCRY_INLINE void
commit_vector(struct cpu *c, const struct vector_call *call, const struct seg_loading *cs)
{
	seg_commit(c, DESCRY_CS, cs, DESCRY_CAUSE_INTERRUPT);
	c->target = call->entry & 0xffff;
	microstep(c, call->clear);
	eflags_clear(c, call->cleared);
}

/* RM4 to RM6, and the writing of what RM2 has found room for. */
static bool
call_vector(struct cpu *c, const struct vector_call *call, const struct frame *frame)
{
	struct seg_loading cs;

	if (!resolve_vector(c, call, &cs))
		return false;

	/* Nothing below can fault. */
	microstep(c, call->enter);
	sp_write(c, frame_write(c, frame));
	commit_vector(c, call, &cs);
	return true;
}

/* RM2. */
static bool
frame_real(struct cpu *c, const struct interruption *i, uint32_t image, struct frame *frame)
{
	frame_on_stack(c, frame, 2);
	frame_add(frame, image);
	frame_add(frame, c->state.seg[DESCRY_CS].sel);
	frame_add(frame, i->return_ip);
	return frame_check(c, frame);
}

/* RM1. An 8086 has no limit; then, generations disagree about the vector. */
static bool
is_in_table(struct cpu *c, const struct interruption *i)
{
	const uint32_t vector = c->profile.knob[DESCRY_KNOB_RM_IDT_LIMIT];

	if (!vector || i->vector * 4 + 3 <= c->state.idtr.limit)
		return true;
	return raise(c, vector,
		     vector == DESCRY_VEC_DF ? 0 : interruption_vector_error(i->kind, i->vector));
}

bool
deliver_real(struct cpu *c, const struct interruption *i)
{
	const uint32_t slot = i->vector * 4;
	struct vector_call call = { .image = eflags_read(c) | i->rf,
				    .cleared = REAL_CLEARED,
				    .check = DESCRY_MICRO_RM4,
				    .enter = DESCRY_MICRO_RM5,
				    .clear = DESCRY_MICRO_RM6 };
	struct frame frame;

	microstep(c, DESCRY_MICRO_RM1);
	if (!is_in_table(c, i))
		return false;
	microstep(c, DESCRY_MICRO_RM2);
	if (!frame_real(c, i, call.image, &frame))
		return false;
	microstep(c, DESCRY_MICRO_RM3);
	if (!mem_read_linear(c, (uint32_t)c->state.idtr.base + slot, &call.entry, 4) ||
	    is_unhandled(c, i, call.entry))
		return false;
	return call_vector(c, &call, &frame);
}

bool
deliver_real_unpushed(struct cpu *c, uint16_t cs)
{
	const struct vector_call call = { .entry = (uint32_t)cs << 16,
					  .cleared = REAL_CLEARED,
					  .check = DESCRY_MICRO_RM4,
					  .clear = DESCRY_MICRO_RM6 };
	struct seg_loading loading;

	if (!resolve_vector(c, &call, &loading))
		return false;

	/* Nothing below can fault. */
	commit_vector(c, &call, &loading);
	return true;
}

/*
 * With less than IOPL 3 the program has a virtual interrupt flag: it is pushed where IF
 * would be, and it is the one that is cleared.
 */
bool
deliver_redirected(struct cpu *c, const struct interruption *i)
{
	const bool is_virtual = iopl(c) < 3;
	struct vector_call call = { .image = is_virtual ? eflags_virtual_image(c) : eflags_read(c),
				    .cleared = DESCRY_FLAG_TF | DESCRY_FLAG_RF,
				    .check = DESCRY_MICRO_VM4,
				    .enter = DESCRY_MICRO_VM5,
				    .clear = DESCRY_MICRO_VM6 };
	struct frame frame;

	call.cleared |= is_virtual ? DESCRY_FLAG_VIF : DESCRY_FLAG_IF;
	microstep(c, DESCRY_MICRO_VM2);
	if (!frame_real(c, i, call.image, &frame))
		return false;
	microstep(c, DESCRY_MICRO_VM3);
	if (!mem_read_linear(c, i->vector * 4, &call.entry, 4))
		return false;
	return call_vector(c, &call, &frame);
}
