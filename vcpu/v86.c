#include "v86.h"

#include "eflags.h"
#include "microstep.h"
#include "seg_load.h"
#include "stack.h"

bool
v86_is_return(const struct cpu *c, uint32_t flags, unsigned size)
{
	return DESCRY_UNLIKELY(flags & DESCRY_FLAG_VM) && size == 4 && uses_descriptors(c) &&
	       descry_cpl(&c->state) == 0;
}

/* VM goes first: what is loaded below belongs to virtual-8086 mode. */
bool
v86_enter(struct cpu *c, const struct v86_frame *frame)
{
	const enum descry_cause cause = DESCRY_CAUSE_IRET;

	if (frame->ip > 0xffff && knob_is(c, DESCRY_KNOB_V86_IRET_EIP, 1))
		return raise(c, DESCRY_VEC_GP, 0);

	/* Nothing below can fault. */
	microstep(c, DESCRY_MICRO_VR2);
	eflags_write(c, frame->flags);
	microstep(c, DESCRY_MICRO_VR3);
	seg_load_fixed(c, DESCRY_SS, (uint16_t)frame->ss, cause);
	seg_load_fixed(c, DESCRY_ES, (uint16_t)frame->es, cause);
	seg_load_fixed(c, DESCRY_DS, (uint16_t)frame->ds, cause);
	seg_load_fixed(c, DESCRY_FS, (uint16_t)frame->fs, cause);
	seg_load_fixed(c, DESCRY_GS, (uint16_t)frame->gs, cause);
	seg_load_fixed(c, DESCRY_CS, (uint16_t)frame->cs, cause);
	c->state.gpr[DESCRY_SP] = frame->sp;
	c->target = frame->ip & 0xffff;
	return true;
}

/* Each slot is a read of its own. */
bool
v86_return(struct cpu *c, uint32_t ip, uint16_t cs, uint32_t flags)
{
	uint32_t slot[6];

	microstep(c, DESCRY_MICRO_VR1);
	for (unsigned i = 0; i < 6; i++) {
		if (!stack_read(c, 4, 4 * (3 + i)))
			return false;
		slot[i] = c->value;
	}
	return v86_enter(c, &(struct v86_frame){ ip, cs, flags, slot[0], slot[1], slot[2], slot[3],
						 slot[4], slot[5] });
}
