/*
 * Far transfers: JMP, CALL, RET and IRET through CS, in real and protected mode. Each does
 * the whole transfer but for the instruction pointer, which it leaves in c->target. On
 * false nothing has changed and c->fault is set; but see task_switch() for what JMP, CALL
 * and IRET may become. Private to vcpu.
 */
#ifndef DESCRY_FAR_H
#define DESCRY_FAR_H

#include "interrupt.h"
#include "seg_load.h"

#include <descry/operation.h>

/* A far pointer in memory: the offset, then the selector. */
struct far_pointer {
	uint32_t offset;
	uint16_t sel;
};
DESCRY_MUST_CHECK bool far_pointer_read(struct cpu *c, const struct insn *in,
					struct far_pointer *out);

/* return_ip is the offset behind the instruction. */
DESCRY_MUST_CHECK bool far_jump(struct cpu *c, uint16_t sel, uint32_t ip, uint32_t return_ip);
DESCRY_MUST_CHECK bool far_call(struct cpu *c, uint16_t sel, uint32_t ip, unsigned size,
				uint32_t return_ip);
DESCRY_MUST_CHECK bool far_return(struct cpu *c, unsigned size, uint32_t drop);
DESCRY_MUST_CHECK bool far_iret(struct cpu *c, unsigned size, uint32_t return_ip);

/*
 * IRETD with a frame that does not come from the stack (descry_op_iret()). NT is not looked at: the
 * delivery that it returns from has cleared it. ESP stays on the way to the same ring.
 */
DESCRY_MUST_CHECK bool far_iret_from(struct cpu *c, const struct descry_frame *frame);

/* The last two steps of every far transfer: IP against the new limit, and the load of CS. */
DESCRY_MUST_CHECK static inline bool
far_ip_allowed(struct cpu *c, const struct seg_loading *cs, uint32_t ip)
{
	return ip <= cs->seg.limit ? true : raise(c, DESCRY_VEC_GP, 0);
}

static inline void
far_commit(struct cpu *c, const struct seg_loading *cs, uint32_t ip, enum descry_cause cause)
{
	seg_commit(c, DESCRY_CS, cs, cause);
	c->target = ip;
}

/* The way out of every handler whose transfer is done, refused, or has become a task switch. */
DESCRY_INLINE const struct insn *
transferred(struct cpu *c, const struct insn *in, bool done)
{
	if (DESCRY_UNLIKELY(c->switched))
		return interrupt_in_new_task(c, in, done);
	return done ? go_to(c, in, c->target) : fault(c, in);
}

#endif
