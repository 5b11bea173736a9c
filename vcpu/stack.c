#include "stack.h"

#include "wrap.h"

uint32_t *
frame_reserve(struct frame *frame, unsigned count)
{
	uint32_t *values = &frame->value[frame->count];

	assert(frame->count + count <= FRAME_MAX);
	frame->count += count;
	return values;
}

static uint32_t
slot_offset(const struct frame *frame, unsigned index)
{
	const uint32_t mask = frame->ss.attr & DESCRY_ATTR_DB ? 0xffffffff : 0xffff;

	return (frame->sp - (index + 1) * frame->size) & mask;
}

/* A stack that is not in SS yet belongs to an inner ring, where alignment does not count. */
static struct seg_access_rules
inner_rules(const struct cpu *c)
{
	struct seg_access_rules rules = c->rules;

	rules.alignment = false;
	return rules;
}

static bool
check_slot(struct cpu *c, const struct frame *frame, unsigned index)
{
	const uint32_t offset = slot_offset(frame, index);
	const struct seg_access_rules rules = inner_rules(c);
	struct seg_verdict verdict;

	if (frame->is_current)
		return mem_check(c, DESCRY_SS, offset, frame->size, DESCRY_WRITE);
	verdict = seg_check_access(&frame->ss, offset, frame->size, DESCRY_WRITE, SEG_THROUGH_SS,
				   &rules);
	return verdict.rule == SEG_OK ? true
				      : raise(c, verdict.vector, frame->ss.sel & ~DESCRY_SEL_RPL);
}

static bool
probe_slot(struct cpu *c, const struct frame *frame, unsigned index)
{
	const uint32_t linear = (uint32_t)frame->ss.base + slot_offset(frame, index);

	return frame->is_current ? mem_probe_write_ordinary(c, linear, frame->size)
				 : mem_probe_write(c, linear, frame->size);
}

/* In the order of the pushes: the first page that refuses is the one to be reported. */
static DESCRY_NOINLINE bool
probe_slots(struct cpu *c, const struct frame *frame)
{
	for (unsigned i = 0; i < frame->count; i++)
		if (!probe_slot(c, frame, i))
			return false;
	return true;
}

/*
 * One comparison that mostly settles it: of the highest byte with the end of what SS allows.
 * An inner stack has been checked to be writable data when it was resolved.
 */
static bool
lies_below_end(const struct cpu *c, const struct frame *frame)
{
	const uint64_t end = slot_offset(frame, 0) + (uint64_t)frame->size;

	if (frame->is_current)
		return end <= c->fast[DESCRY_SS].write_end;
	return !descry_segment_is_expand_down(&frame->ss) && end <= (uint64_t)frame->ss.limit + 1;
}

/* What a segment allows is one range: where a frame does not wrap, its ends speak for all of it. */
static bool
segment_allows(struct cpu *c, const struct frame *frame)
{
	const unsigned last = frame->count - 1;
	const bool wraps = slot_offset(frame, last) > slot_offset(frame, 0);

	if (!wraps && lies_below_end(c, frame))
		return true;
	if (!wraps)
		return check_slot(c, frame, 0) && check_slot(c, frame, last);
	for (unsigned i = 0; i < frame->count; i++)
		if (!check_slot(c, frame, i))
			return false;
	return true;
}

bool
frame_check(struct cpu *c, const struct frame *frame)
{
	return segment_allows(c, frame) && (!c->paging || probe_slots(c, frame));
}

static void
write_slots(uint8_t *lowest, const struct frame *frame, unsigned size)
{
	for (unsigned i = 0; i < frame->count; i++)
		host_write(lowest + (frame->count - 1 - i) * size, size, frame->value[i]);
}

static void
write_one_by_one(struct cpu *c, const struct frame *frame)
{
	const uint32_t base = (uint32_t)frame->ss.base;

	for (unsigned i = 0; i < frame->count; i++) {
		const uint32_t offset = slot_offset(frame, i);

		if (wraps(c, offset, frame->size))
			wrap_write(c, base, offset, frame->size, frame->value[i]);
		else
			mem_write_linear_slow(c, base + offset, &frame->value[i], frame->size);
	}
}

uint32_t
frame_write(struct cpu *c, const struct frame *frame)
{
	const uint32_t sp = slot_offset(frame, frame->count - 1);
	const uint32_t linear = (uint32_t)frame->ss.base + sp;
	const uint32_t bytes = frame->count * frame->size;
	const struct page_fast *page = page_slot(c, linear);

	if (sp > slot_offset(frame, 0) || wraps(c, sp, bytes) ||
	    page->write_page != (linear + bytes - 1) >> 12)
		write_one_by_one(c, frame);
	else if (frame->size == 4)
		write_slots(page->host + (linear & 0xfff), frame, 4);
	else
		write_slots(page->host + (linear & 0xfff), frame, 2);
	return sp;
}
