#include "world/follow.h"

#include "world/fields.h"

#include <descry/query.h>

#include <stdio.h>
#include <string.h>

/* A stretch of both runs is logged whole before the two logs are compared. */
#define STRETCH_FIRST 1024u
#define STRETCH_LAST 65536u

/* --- the two runs --------------------------------------------------------------------- */

static const struct descry_state *
state_of(const struct follow *f)
{
	return descry_vcpu_state(f->probe->vcpu);
}

static enum descry_status
go_to_start(struct follow *f, enum follow_which which)
{
	const struct follow_start *start = &f->side[which].start;

	f->probe->under = start->under;
	if (start->under)
		*world_memory_of(start->under) = start->memory;
	return descry_snapshot_restore(f->probe->monitor, start->at);
}

enum descry_status
follow_go_to(struct follow *f, enum follow_which which, uint64_t retired)
{
	const enum descry_status status = go_to_start(f, which);

	if (status != DESCRY_OK)
		return status;
	probe_run_to(f->probe, retired);
	return f->probe->interrupted ? DESCRY_IO_ERROR : DESCRY_OK;
}

void
follow_name_place(const struct probe *probe, struct descry_world_place *place)
{
	const struct descry_state *state = descry_vcpu_state(probe->vcpu);
	const uint64_t linear = descry_vcpu_linear_ip(probe->vcpu);
	struct descry_code_line line;

	descry_query_code(probe->monitor, linear, &line);
	*place = (struct descry_world_place){ .retired = state->retired,
					      .ip = state->rip,
					      .cs = state->seg[DESCRY_CS].sel };
	snprintf(place->text, sizeof(place->text), "%s", line.text);
	if (!descry_monitor_symbolize(probe->monitor, linear, place->symbol, sizeof(place->symbol)))
		place->symbol[0] = '\0';
}

/* The snapshot from which the next stretch goes on: the CPU stands there. */
static enum descry_status
take_next(struct follow *f, struct follow_side *side)
{
	const enum descry_status status = descry_snapshot_take(f->probe->monitor, &side->next_own);

	if (status != DESCRY_OK)
		return status;
	side->next = side->start;
	side->next.at = side->next_own;
	if (side->next.under)
		side->next.memory = *world_memory_of(side->next.under);
	return DESCRY_OK;
}

static void
drop_next(struct follow_side *side)
{
	descry_snapshot_free(side->next_own);
	side->next_own = NULL;
	side->next.at = NULL;
}

static void
advance(struct follow_side *side)
{
	descry_snapshot_free(side->own);
	side->own = side->next_own;
	side->start = side->next;
	memcpy(side->seg, side->log.seg, sizeof(side->seg));
	side->next_own = NULL;
	side->next.at = NULL;
}

static enum descry_status
log_side(struct follow *f, enum follow_which which, uint64_t until)
{
	struct follow_side *side = &f->side[which];
	enum descry_status status = go_to_start(f, which);

	drop_next(side);
	if (status != DESCRY_OK)
		return status;
	if (!log_run(f->probe, f->mask, until, &side->log))
		return DESCRY_NO_MEMORY;
	if (f->probe->interrupted)
		return DESCRY_IO_ERROR;
	return take_next(f, side);
}

/* --- one stretch ---------------------------------------------------------------------- */

enum verdict { THROUGH, HEALS, PARTS, SPREADS, ENDS };

/* Both logs of a stretch, side by side. */
struct walk {
	struct follow *f;
	size_t index[FOLLOW_SIDES];
	struct descry_segment seg[FOLLOW_SIDES][DESCRY_SREG_COUNT];
	uint64_t retired; /* the boundary that is looked at */
	bool ended;
};

static const struct log_entry *
entry_at(const struct walk *w, enum follow_which which)
{
	const struct log *log = &w->f->side[which].log;

	return w->index[which] < log->count ? &log->entry[w->index[which]] : NULL;
}

/* The earlier of the two next entries. Neither log is at its end before the other unnoticed. */
static uint64_t
next_boundary(const struct walk *w)
{
	const struct log_entry *a = entry_at(w, FOLLOW_SWITCHED), *b = entry_at(w, FOLLOW_TRUTH);

	if (!a || !b)
		return a ? a->retired : b->retired;
	return a->retired < b->retired ? a->retired : b->retired;
}

/* The registers behind what happens at the boundary, by the log; 0: it does not say. */
static uint64_t
digest_behind(const struct walk *w, enum follow_which which)
{
	const struct log *log = &w->f->side[which].log;
	uint64_t digest = 0;

	for (size_t i = w->index[which]; i < log->count && log->entry[i].retired == w->retired; i++)
		digest = log->entry[i].digest;
	return digest;
}

static bool
same_effects(struct walk *w)
{
	const struct log *a = &w->f->side[FOLLOW_SWITCHED].log;
	const struct log *b = &w->f->side[FOLLOW_TRUTH].log;
	const uint64_t digest_a = digest_behind(w, FOLLOW_SWITCHED);
	const uint64_t digest_b = digest_behind(w, FOLLOW_TRUTH);
	size_t at_a = w->index[FOLLOW_SWITCHED], at_b = w->index[FOLLOW_TRUTH];
	const struct log_entry *effect;

	do {
		effect = log_effect(a, w->retired, &at_a);
		if (!log_same_effect(effect, log_effect(b, w->retired, &at_b)))
			return false;
		w->ended |= effect && effect->kind == LOG_END;
	} while (effect);
	return !digest_a || !digest_b || digest_a == digest_b;
}

/* What has been loaded at this boundary is in place. */
static void
pass_boundary(struct walk *w)
{
	for (unsigned which = 0; which < FOLLOW_SIDES; which++) {
		const struct log_entry *entry;

		while ((entry = entry_at(w, which)) != NULL && entry->retired == w->retired) {
			if (entry->kind == LOG_SEGMENT)
				w->seg[which][entry->sreg] = entry->seg;
			w->index[which]++;
		}
	}
}

/* Segments that are as they should be behind this boundary, and were not before it. */
static void
note_healed(struct walk *w, unsigned lost)
{
	struct descry_follow *out = w->f->out;
	const unsigned healed = w->f->lost & ~lost;

	if (healed == 0 || out->heal_count == DESCRY_SREG_COUNT)
		return;
	out->heal[out->heal_count++] =
		(struct descry_follow_heal){ .sregs = healed, .at.retired = w->retired };
}

/* A segment that was healed is lost again. */
static void
forget_healed(struct descry_follow *out, unsigned lost)
{
	size_t kept = 0;

	for (size_t i = 0; i < out->heal_count; i++) {
		out->heal[i].sregs &= ~lost;
		if (out->heal[i].sregs)
			out->heal[kept++] = out->heal[i];
	}
	out->heal_count = kept;
}

static enum verdict
look_at_segments(struct walk *w)
{
	const struct descry_fields diff =
		fields_diff(w->seg[FOLLOW_SWITCHED], w->seg[FOLLOW_TRUTH]);
	const unsigned lost = fields_sregs(&diff);

	if (lost & PROBE_DATA_SREGS & ~w->f->mask) {
		w->f->mask |= lost & PROBE_DATA_SREGS;
		return SPREADS;
	}
	forget_healed(w->f->out, lost);
	note_healed(w, lost);
	w->f->lost = lost;
	return lost ? THROUGH : HEALS;
}

static enum verdict
walk_boundary(struct walk *w)
{
	enum verdict verdict;

	w->retired = next_boundary(w);
	if (!same_effects(w))
		return PARTS;
	pass_boundary(w);
	verdict = look_at_segments(w);
	if (verdict == THROUGH || verdict == HEALS)
		w->f->agree = w->retired;
	return verdict;
}

static void
walk_begin(struct walk *w, struct follow *f)
{
	*w = (struct walk){ .f = f };
	for (unsigned which = 0; which < FOLLOW_SIDES; which++)
		memcpy(w->seg[which], f->side[which].seg, sizeof(w->seg[which]));
}

/* Up to the end of both logs, or to what decides before it. */
static enum verdict
walk_stretch(struct follow *f, uint64_t *at)
{
	const enum descry_stop_reason reason = f->side[FOLLOW_SWITCHED].log.stop.reason;
	enum verdict verdict = THROUGH;
	struct walk w;

	walk_begin(&w, f);
	while (verdict == THROUGH && !w.ended)
		verdict = walk_boundary(&w);
	*at = w.retired;
	return verdict == THROUGH && reason != DESCRY_STOP_STEP ? ENDS : verdict;
}

/* --- what it comes to ----------------------------------------------------------------- */

/* The places of what has healed in this stretch, in the truth. */
static enum descry_status
name_healed(struct follow *f)
{
	for (size_t i = 0; i < f->out->heal_count; i++) {
		enum descry_status status;

		if (f->out->heal[i].at.text[0] != '\0')
			continue;
		status = follow_go_to(f, FOLLOW_TRUTH, f->out->heal[i].at.retired);
		if (status != DESCRY_OK)
			return status;
		follow_name_place(f->probe, &f->out->heal[i].at);
	}
	return DESCRY_OK;
}

/* Both stand there. */
static void
name_end(struct follow *f, enum descry_follow_kind kind)
{
	const struct descry_stop *stop = &f->side[FOLLOW_SWITCHED].log.stop;

	f->out->kind = kind;
	f->out->at = (struct descry_world_place){ .retired = stop->retired,
						  .ip = stop->ip,
						  .cs = stop->cs };
	if (kind == DESCRY_FOLLOW_ENDS)
		snprintf(f->out->what, sizeof(f->out->what), "%.200s", stop->text);
}

static enum descry_status
conclude(struct follow *f, enum verdict verdict, uint64_t at)
{
	switch (verdict) {
	case HEALS:
		f->out->kind = DESCRY_FOLLOW_HEALS;
		f->out->at = f->out->heal[f->out->heal_count - 1].at;
		return DESCRY_OK;
	case PARTS:
		f->out->kind = DESCRY_FOLLOW_MANIFESTS;
		return follow_part(f, at);
	case ENDS:
		name_end(f, DESCRY_FOLLOW_ENDS);
		break;
	case THROUGH:
	case SPREADS:
		break;
	}
	return DESCRY_OK;
}

/* --- together ------------------------------------------------------------------------- */

/* One stretch; decided: there is nothing more to follow. */
static enum descry_status
follow_stretch(struct follow *f, uint64_t until, bool *decided)
{
	const struct descry_follow before = *f->out;
	const unsigned lost = f->lost;
	enum descry_status status = DESCRY_OK;
	enum verdict verdict = SPREADS;
	uint64_t at = 0;

	while (status == DESCRY_OK && verdict == SPREADS) {
		*f->out = before;
		f->lost = lost;
		status = log_side(f, FOLLOW_SWITCHED, until);
		if (status == DESCRY_OK)
			status = log_side(f, FOLLOW_TRUTH, until);
		if (status == DESCRY_OK)
			verdict = walk_stretch(f, &at);
	}
	*decided = verdict != THROUGH;
	if (status == DESCRY_OK)
		status = name_healed(f);
	if (status == DESCRY_OK)
		status = conclude(f, verdict, at);
	return status;
}

static enum descry_status
follow_to(struct follow *f, uint64_t end)
{
	uint64_t now = f->out->begin, stretch = STRETCH_FIRST;
	enum descry_status status = DESCRY_OK;
	bool decided = false;

	while (status == DESCRY_OK && !decided && now < end) {
		const uint64_t until = end - now > stretch ? now + stretch : end;

		status = follow_stretch(f, until, &decided);
		if (status != DESCRY_OK || decided)
			break;
		if (until == end)
			name_end(f, DESCRY_FOLLOW_LASTS);
		advance(&f->side[FOLLOW_SWITCHED]);
		advance(&f->side[FOLLOW_TRUTH]);
		now = until;
		if (stretch < STRETCH_LAST)
			stretch *= 2;
	}
	return status;
}

static enum descry_status
begin(struct follow *f, const struct follow_start start[FOLLOW_SIDES])
{
	enum descry_status status = DESCRY_OK;

	for (unsigned which = 0; which < FOLLOW_SIDES && status == DESCRY_OK; which++) {
		f->side[which].start = start[which];
		status = go_to_start(f, which);
		memcpy(f->side[which].seg, state_of(f)->seg, sizeof(f->side[which].seg));
	}
	f->out->begin = f->agree = state_of(f)->retired;
	f->out->lost = fields_diff(f->side[FOLLOW_SWITCHED].seg, f->side[FOLLOW_TRUTH].seg);
	f->lost = fields_sregs(&f->out->lost);
	f->mask = f->lost & PROBE_DATA_SREGS;
	return status;
}

enum descry_status
follow_run(struct probe *probe, const struct follow_start start[FOLLOW_SIDES], uint64_t end,
	   struct descry_follow *out)
{
	struct follow f = { .probe = probe, .out = out };
	enum descry_status status;

	*out = (struct descry_follow){ .kind = DESCRY_FOLLOW_NOTHING };
	status = begin(&f, start);
	if (status == DESCRY_OK && f.lost)
		status = follow_to(&f, end);
	for (unsigned which = 0; which < FOLLOW_SIDES; which++) {
		drop_next(&f.side[which]);
		descry_snapshot_free(f.side[which].own);
		log_free(&f.side[which].log);
	}
	return probe->interrupted ? DESCRY_IO_ERROR : status;
}
