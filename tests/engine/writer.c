#include "writer.h"

#include <assert.h>

static uint8_t *
byte_at(struct writer *w, const struct cluster *cluster, uint32_t offset)
{
	return memory_at(&w->program->memory, cluster->base + offset);
}

void
writer_put(struct writer *w, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++, w->at++) {
		uint8_t *byte = byte_at(w, w->cluster, w->at);

		if (byte)
			*byte = (uint8_t)(value >> i * 8);
	}
}

void
writer_bytes(struct writer *w, const void *bytes, unsigned size)
{
	const uint8_t *from = bytes;

	for (unsigned i = 0; i < size; i++)
		writer_put(w, from[i], 1);
}

void
writer_start(struct writer *w)
{
	struct program *program = w->program;

	assert(program->start_count < START_MAX);
	program->start[program->start_count++] = w->at;
	w->cluster->count++;
}

/* --- targets -------------------------------------------------------------------------- */

static void
add_fixup(struct writer *w, struct fixup fixup)
{
	assert(w->fixup_count < FIXUP_MAX);
	fixup.at = w->at;
	fixup.near_to = w->cluster->count - 1;
	fixup.from = w->cluster;
	w->fixup[w->fixup_count++] = fixup;
	writer_put(w, 0, fixup.size);
}

void
writer_target(struct writer *w, unsigned size, const struct cluster *to, int32_t plus)
{
	add_fixup(w, (struct fixup){ .size = (uint8_t)size, .to = to, .plus = plus });
}

void
writer_target_again(struct writer *w, unsigned size, int32_t plus)
{
	const struct fixup *last = &w->fixup[w->fixup_count - 1];

	add_fixup(w, (struct fixup){ .like = w->fixup_count,
				     .size = (uint8_t)size,
				     .to = last->to,
				     .plus = plus });
}

void
writer_target_edge(struct writer *w, unsigned size, unsigned edge)
{
	add_fixup(w, (struct fixup){ .edge = edge + 1, .size = (uint8_t)size, .to = w->cluster });
}

void
writer_branch(struct writer *w, unsigned size)
{
	add_fixup(w, (struct fixup){ .size = (uint8_t)size, .relative = true, .to = w->cluster });
}

/* Mostly a little further on, often back, so that there are loops that end. */
static unsigned
choose_near(const struct fixup *fixup, struct random *r)
{
	const unsigned count = fixup->to->count, here = fixup->near_to;
	const unsigned ahead = here + 1 + random_below(r, 6), back = random_below(r, 8);

	if (random_chance(r, 650))
		return ahead < count ? ahead : count - 1;
	return back < here ? here - back : 0;
}

static uint32_t
choose_target(const struct writer *w, const struct fixup *fixup)
{
	struct random *r = w->random;
	unsigned index;

	if (fixup->like)
		return w->fixup[fixup->like - 1].start;
	if (fixup->edge)
		return program_before_edge(w->program, fixup->edge - 1, r);
	index = fixup->relative ? choose_near(fixup, r) : random_below(r, fixup->to->count);
	/* The middle of an instruction is a target like any other. */
	return w->program->start[fixup->to->first + index] +
	       (random_chance(r, 20) ? random_below(r, 4) : 0);
}

static void
resolve(struct writer *w, struct fixup *fixup)
{
	const uint32_t target = choose_target(w, fixup);
	uint32_t value = target + (uint32_t)fixup->plus;

	fixup->start = target;
	if (fixup->relative)
		value = target - (fixup->at + fixup->size);
	if (fixup->size == 1 && value + 0x80 > 0xff)
		value = 0;
	for (unsigned i = 0; i < fixup->size; i++) {
		uint8_t *byte = byte_at(w, fixup->from, fixup->at + i);

		if (byte)
			*byte = (uint8_t)(value >> i * 8);
	}
}

void
writer_resolve(struct writer *w)
{
	for (unsigned i = 0; i < w->fixup_count; i++)
		resolve(w, &w->fixup[i]);
}
