#include "far.h"

#include "call_gate.h"
#include "microstep.h"
#include "seg_load.h"
#include "stack.h"

bool
far_pointer_read(struct cpu *c, const struct insn *in, struct far_pointer *out)
{
	const uint32_t at = ea(c, in);

	if (!mem_read(c, in->seg, at, in->size))
		return false;
	out->offset = c->value;
	if (!mem_read(c, in->seg, (at + in->size) & in->ea_mask, 2))
		return false;
	out->sel = (uint16_t)c->value;
	return true;
}

/* Real mode and V86 look up nothing. */
static void
mark_lookup(struct cpu *c)
{
	if (microstep_records(c) && uses_descriptors(c))
		microstep_open_pair(c, DESCRY_MICRO_FT1, DESCRY_MICRO_FT2);
}

bool
far_jump(struct cpu *c, uint16_t sel, uint32_t ip, uint32_t return_ip)
{
	struct seg_loading cs;

	mark_lookup(c);
	if (!seg_resolve_code(c, sel, SEG_PATH_JUMP, &cs))
		return gate_transfer(c, sel, false, return_ip);
	if (!far_ip_allowed(c, &cs, ip))
		return false;
	microstep(c, DESCRY_MICRO_FT4);
	far_commit(c, &cs, ip, DESCRY_CAUSE_FAR_JMP);
	return true;
}

/* Each slot is a check of its own. */
static DESCRY_NOINLINE bool
push_return_slowly(struct cpu *c, const struct seg_loading *cs, uint32_t ip, unsigned size,
		   uint32_t return_ip)
{
	struct frame frame;

	frame_on_stack(c, &frame, size);
	frame_add(&frame, c->state.seg[DESCRY_CS].sel);
	frame_add(&frame, return_ip);
	if (!frame_check(c, &frame) || !far_ip_allowed(c, cs, ip))
		return false;
	sp_write(c, frame_write(c, &frame));
	return true;
}

/* CS and IP, unless the target lies beyond the limit. */
static bool
push_return(struct cpu *c, const struct seg_loading *cs, uint32_t ip, unsigned size,
	    uint32_t return_ip)
{
	const uint32_t sp = sp_below(c, 2 * size);
	uint8_t *room = stack_room(c, sp, 2 * size);

	if (DESCRY_UNLIKELY(!room))
		return push_return_slowly(c, cs, ip, size, return_ip);
	if (!far_ip_allowed(c, cs, ip))
		return false;
	host_write(room + size, size, c->state.seg[DESCRY_CS].sel);
	host_write(room, size, return_ip);
	sp_write(c, sp);
	return true;
}

/* SDM vol. 2, CALL: the code segment, room on the stack, EIP against the limit. */
bool
far_call(struct cpu *c, uint16_t sel, uint32_t ip, unsigned size, uint32_t return_ip)
{
	struct seg_loading cs;

	mark_lookup(c);
	if (!seg_resolve_code(c, sel, SEG_PATH_JUMP, &cs))
		return gate_transfer(c, sel, true, return_ip);
	microstep(c, DESCRY_MICRO_FT3);
	if (!push_return(c, &cs, ip, size, return_ip))
		return false;

	/* Nothing below can fault. */
	microstep(c, DESCRY_MICRO_FT4);
	far_commit(c, &cs, ip, DESCRY_CAUSE_FAR_CALL);
	return true;
}
