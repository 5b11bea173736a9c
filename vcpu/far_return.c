/*
 * RETF and IRET: SDM vol. 2, RET and IRET/IRETD.
 */
#include "eflags.h"
#include "far.h"
#include "microstep.h"
#include "seg_load.h"
#include "stack.h"
#include "task.h"
#include "v86.h"

/*
 * What RETF and IRET find on the stack; sp and ss only on the way to an outer ring. The others are
 * read from the highest address down: so silicon has it where two of them fault.
 */
struct return_frame {
	uint32_t ip, flags, sp;
	uint16_t cs, ss;
};

static bool
pop_at(struct cpu *c, unsigned size, uint32_t above_top, uint32_t *out)
{
	if (size == 4 ? !stack_read(c, 4, above_top) : !stack_read(c, 2, above_top))
		return false;
	*out = c->value;
	return true;
}

/* Selectors are read as words. */
static bool
pop_selector_at(struct cpu *c, uint32_t above_top, uint16_t *out)
{
	if (!stack_read(c, 2, above_top))
		return false;
	*out = (uint16_t)c->value;
	return true;
}

static DESCRY_NOINLINE bool
pop_return_slowly(struct cpu *c, unsigned size, bool with_flags, struct return_frame *frame)
{
	return (!with_flags || pop_at(c, size, 2 * size, &frame->flags)) &&
	       pop_selector_at(c, size, &frame->cs) && pop_at(c, size, 0, &frame->ip);
}

/* The stack pointer stays. */
static bool
pop_return(struct cpu *c, unsigned size, bool with_flags, struct return_frame *frame)
{
	const unsigned bytes = with_flags ? 3 * size : size + 2;
	const uint8_t *span = stack_span(c, sp_read(c), bytes);

	if (DESCRY_UNLIKELY(!span))
		return pop_return_slowly(c, size, with_flags, frame);
	frame->ip = host_read(span, size);
	frame->cs = (uint16_t)host_read(span + size, 2);
	if (with_flags)
		frame->flags = host_read(span + 2 * size, size);
	return true;
}

static bool
is_outer_ring(const struct cpu *c, const struct seg_loading *cs)
{
	return uses_descriptors(c) && (cs->seg.sel & DESCRY_SEL_RPL) > descry_cpl(&c->state);
}

/* To an outer ring: the stack pointer lies above the frame and the dropped parameters. */
static bool
resolve_outer_stack(struct cpu *c, unsigned size, uint32_t above_top, unsigned new_cpl,
		    struct return_frame *frame, struct seg_loading *ss)
{
	return pop_at(c, size, above_top, &frame->sp) &&
	       pop_selector_at(c, above_top + size, &frame->ss) &&
	       seg_resolve_stack_return(c, frame->ss, new_cpl, ss);
}

static void
commit_outer_ring(struct cpu *c, const struct seg_loading *ss, uint32_t sp, enum descry_cause cause,
		  enum descry_micro emptying)
{
	seg_commit(c, DESCRY_SS, ss, cause);
	sp_write(c, sp);
	microstep(c, emptying);
	seg_null_for_outer_ring(c, descry_cpl(&c->state), cause);
}

bool
far_return(struct cpu *c, unsigned size, uint32_t drop)
{
	struct return_frame frame = { 0 };
	struct seg_loading cs, ss;
	bool outer;

	microstep(c, DESCRY_MICRO_FR1);
	if (!pop_return(c, size, false, &frame))
		return false;
	microstep(c, DESCRY_MICRO_FR2);
	if (!seg_resolve_code(c, frame.cs, SEG_PATH_RETURN, &cs))
		return false;
	outer = is_outer_ring(c, &cs);
	if (outer)
		microstep(c, DESCRY_MICRO_FR3);
	if (outer && !resolve_outer_stack(c, size, 2 * size + drop, cs.seg.sel & DESCRY_SEL_RPL,
					  &frame, &ss))
		return false;
	if (!far_ip_allowed(c, &cs, frame.ip))
		return false;

	/* Nothing below can fault. */
	microstep(c, DESCRY_MICRO_FR4);
	far_commit(c, &cs, frame.ip, DESCRY_CAUSE_FAR_RET);
	if (outer)
		commit_outer_ring(c, &ss, frame.sp + drop, DESCRY_CAUSE_FAR_RET, DESCRY_MICRO_FR5);
	else
		sp_write(c, sp_above(c, 2 * size + drop));
	return true;
}

/* Real mode has names of its own. */
static void
mark(struct cpu *c, enum descry_micro real, enum descry_micro protected)
{
	microstep(c, in_protected_mode(c) ? protected : real);
}

DESCRY_INLINE bool
iret_same_ring(struct cpu *c, const struct return_frame *frame, const struct seg_loading *cs,
	       unsigned size)
{
	if (!far_ip_allowed(c, cs, frame->ip))
		return false;
	mark(c, DESCRY_MICRO_RR3, DESCRY_MICRO_PI7);
	if (!eflags_return(c, frame->flags, size))
		return false;
	mark(c, DESCRY_MICRO_RR2, DESCRY_MICRO_PI5);
	far_commit(c, cs, frame->ip, DESCRY_CAUSE_IRET);
	return true;
}

static bool
iret_outer_ring(struct cpu *c, const struct return_frame *frame, const struct seg_loading *cs,
		const struct seg_loading *ss, unsigned size)
{
	if (!far_ip_allowed(c, cs, frame->ip))
		return false;
	microstep(c, DESCRY_MICRO_PI7);
	if (!eflags_return(c, frame->flags, size))
		return false;
	microstep(c, DESCRY_MICRO_PI5);
	far_commit(c, cs, frame->ip, DESCRY_CAUSE_IRET);
	commit_outer_ring(c, ss, frame->sp, DESCRY_CAUSE_IRET, DESCRY_MICRO_PI6);
	return true;
}

static bool
pop_outer_ring(struct cpu *c, struct return_frame *frame, const struct seg_loading *cs,
	       unsigned size)
{
	struct seg_loading ss;

	microstep(c, DESCRY_MICRO_PI4);
	return resolve_outer_stack(c, size, 3 * size, cs->seg.sel & DESCRY_SEL_RPL, frame, &ss) &&
	       iret_outer_ring(c, frame, cs, &ss, size);
}

/* An IRET that faults has let NMIs in again, too: the handler of the fault may be interrupted. */
bool
far_iret(struct cpu *c, unsigned size, uint32_t return_ip)
{
	struct return_frame frame = { 0 };
	struct seg_loading cs;

	if (uses_descriptors(c) && c->state.rflags & DESCRY_FLAG_NT)
		return task_return(c, return_ip);
	mark(c, DESCRY_MICRO_RR1, DESCRY_MICRO_PI2);
	c->state.nmi_blocked = 0;
	if (!eflags_sensitive(c, size) || !pop_return(c, size, true, &frame))
		return false;
	if (v86_is_return(c, frame.flags, size))
		return v86_return(c, frame.ip, frame.cs, frame.flags);
	if (uses_descriptors(c))
		microstep(c, DESCRY_MICRO_PI3);
	if (!seg_resolve_code(c, frame.cs, SEG_PATH_RETURN, &cs))
		return false;
	if (is_outer_ring(c, &cs))
		return pop_outer_ring(c, &frame, &cs, size);
	if (!iret_same_ring(c, &frame, &cs, size))
		return false;
	sp_write(c, sp_above(c, 3 * size));
	return true;
}

/* --- with a frame that the caller holds ----------------------------------------------- */

static bool
enter_v86_from(struct cpu *c, const struct descry_frame *frame)
{
	return v86_enter(c, &(struct v86_frame){ .ip = frame->ip,
						 .cs = frame->cs,
						 .flags = frame->flags,
						 .sp = frame->sp,
						 .ss = frame->ss,
						 .es = frame->es,
						 .ds = frame->ds,
						 .fs = frame->fs,
						 .gs = frame->gs });
}

static bool
return_from(struct cpu *c, const struct descry_frame *from, const struct seg_loading *cs)
{
	const struct return_frame frame = { from->ip, from->flags, from->sp, from->cs, from->ss };
	struct seg_loading ss;

	if (!is_outer_ring(c, cs))
		return iret_same_ring(c, &frame, cs, 4);
	microstep(c, DESCRY_MICRO_PI4);
	return seg_resolve_stack_return(c, frame.ss, cs->seg.sel & DESCRY_SEL_RPL, &ss) &&
	       iret_outer_ring(c, &frame, cs, &ss, 4);
}

static bool
lacks_stack(struct cpu *c, const struct descry_frame *frame)
{
	return raise(c, DESCRY_VEC_GP, frame->cs & ~DESCRY_SEL_RPL);
}

bool
far_iret_from(struct cpu *c, const struct descry_frame *frame)
{
	struct seg_loading cs;

	if (v86_is_return(c, frame->flags, 4))
		return frame->outer ? enter_v86_from(c, frame) : lacks_stack(c, frame);
	if (!seg_resolve_code(c, frame->cs, SEG_PATH_RETURN, &cs))
		return false;
	if (is_outer_ring(c, &cs) && !frame->outer)
		return lacks_stack(c, frame);
	return return_from(c, frame, &cs);
}
