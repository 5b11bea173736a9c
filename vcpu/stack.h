/*
 * The stack: PUSH and POP of one value, and frames of several that are checked whole
 * before anything is written. The width of the pointer is SS.B, from the cache. Private
 * to vcpu.
 */
#ifndef DESCRY_STACK_H
#define DESCRY_STACK_H

#include "mem.h"

DESCRY_INLINE uint32_t
sp_read(const struct cpu *c)
{
	return (uint32_t)c->state.gpr[DESCRY_SP] & c->sp_mask;
}

/* The offset so many bytes above the top of the stack, and below. */
DESCRY_INLINE uint32_t
sp_above(const struct cpu *c, uint32_t bytes)
{
	return ((uint32_t)c->state.gpr[DESCRY_SP] + bytes) & c->sp_mask;
}

DESCRY_INLINE uint32_t
sp_below(const struct cpu *c, uint32_t bytes)
{
	return sp_above(c, 0u - bytes);
}

/*
 * With B=0 the upper half of ESP stays. The host guesses B rather than wait for the mask, and for
 * ESP itself: the next PUSH or POP needs what is written here.
 */
DESCRY_INLINE void
sp_write(struct cpu *c, uint32_t sp)
{
	const uint32_t old = (uint32_t)c->state.gpr[DESCRY_SP];

	if (DESCRY_LIKELY(c->sp_mask == UINT32_MAX))
		c->state.gpr[DESCRY_SP] = sp;
	else
		c->state.gpr[DESCRY_SP] = (old & ~0xffffu) | (sp & 0xffff);
}

DESCRY_MUST_CHECK DESCRY_INLINE bool
push(struct cpu *c, unsigned size, uint32_t value)
{
	const uint32_t sp = sp_below(c, size);

	if (!mem_write(c, DESCRY_SS, sp, size, value))
		return false;
	sp_write(c, sp);
	return true;
}

/* Into c->value; the caller moves the pointer once nothing else can fault. */
DESCRY_MUST_CHECK DESCRY_INLINE bool
stack_read(struct cpu *c, unsigned size, uint32_t above_top)
{
	return mem_read(c, DESCRY_SS, sp_above(c, above_top), size);
}

/* Do these bytes from sp up pass the end of a 64 KiB stack? */
DESCRY_INLINE bool
stack_wraps(const struct cpu *c, uint32_t sp, uint32_t bytes)
{
	return sp + (uint64_t)bytes > (uint64_t)c->sp_mask + 1;
}

/*
 * Host memory behind several values from sp up; NULL when each has to be read, or checked and
 * written, by itself.
 */
DESCRY_INLINE const uint8_t *
stack_span(struct cpu *c, uint32_t sp, unsigned bytes)
{
	const uint8_t *span = mem_span(c, DESCRY_SS, sp, bytes);

	return DESCRY_UNLIKELY(stack_wraps(c, sp, bytes)) ? NULL : span;
}

DESCRY_INLINE uint8_t *
stack_room(struct cpu *c, uint32_t sp, unsigned bytes)
{
	uint8_t *room = mem_span_writable(c, DESCRY_SS, sp, bytes);

	return DESCRY_UNLIKELY(stack_wraps(c, sp, bytes)) ? NULL : room;
}

#define FRAME_MAX 35u /* a call through a gate: SS, SP, 31 parameters, CS, IP */

/*
 * Values to push on a stack that may not be in SS yet. The first is pushed first. Each
 * slot is a check of its own, as the CPU makes it.
 */
struct frame {
	struct descry_segment ss; /* the stack that takes it */
	bool is_current;          /* that is SS as it is: these are accesses through SS */
	uint32_t sp;
	unsigned size; /* of a slot: 2 or 4 */
	unsigned count;
	uint32_t value[FRAME_MAX];
};

/* On the current stack. */
static inline void
frame_on_stack(const struct cpu *c, struct frame *frame, unsigned size)
{
	frame->ss = c->state.seg[DESCRY_SS];
	frame->is_current = true;
	frame->sp = sp_read(c);
	frame->size = size;
	frame->count = 0;
}

static inline void
frame_add(struct frame *frame, uint32_t value)
{
	assert(frame->count < FRAME_MAX);
	frame->value[frame->count++] = value;
}

/* Room for values that are not known yet: where they go, the first pushed first. */
uint32_t *frame_reserve(struct frame *frame, unsigned count);

/*
 * Is there room, and may it be written? On false c->fault is #SS, with the selector of a stack
 * that is not current, or #PF.
 */
DESCRY_MUST_CHECK bool frame_check(struct cpu *c, const struct frame *frame);

/* After frame_check(): writes the values; returns the new stack pointer. */
uint32_t frame_write(struct cpu *c, const struct frame *frame);

#endif
