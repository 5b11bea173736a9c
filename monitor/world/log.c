#include "world/log.h"

#include <stdlib.h>
#include <string.h>

#define ALL_SREGS ((1u << DESCRY_SREG_COUNT) - 1u)

/* --- entries -------------------------------------------------------------------------- */

/* FNV-1a, a word at a time. */
static uint64_t
add_word(uint64_t digest, uint64_t word)
{
	return (digest ^ word) * 0x100000001b3u;
}

uint64_t
log_digest(const struct descry_vcpu *vcpu)
{
	const struct descry_state *state = descry_vcpu_state(vcpu);
	uint64_t digest = 0xcbf29ce484222325u;

	for (unsigned i = 0; i <= DESCRY_DI; i++)
		digest = add_word(digest, state->gpr[i]);
	digest = add_word(digest, state->rflags & LOG_FLAGS);
	return add_word(digest, descry_vcpu_linear_ip(vcpu));
}

static bool
append(struct log *log, const struct log_entry *entry)
{
	if (log->count == log->room) {
		const size_t room = log->room ? log->room * 2 : 256;
		struct log_entry *grown = realloc(log->entry, room * sizeof(*grown));

		if (!grown)
			return false;
		log->entry = grown;
		log->room = room;
	}
	log->entry[log->count++] = *entry;
	return true;
}

static bool
append_segment(struct log *log, const struct probe *probe, unsigned sreg, uint64_t retired)
{
	log->seg[sreg] = descry_vcpu_state(probe->vcpu)->seg[sreg];
	return append(log, &(struct log_entry){ .retired = retired,
						.kind = LOG_SEGMENT,
						.sreg = (uint8_t)sreg,
						.seg = log->seg[sreg] });
}

static bool
append_event(struct log *log, const struct probe *probe, const struct descry_event *event)
{
	if (event->kind == DESCRY_EVENT_SEGMENT_LOAD)
		return append_segment(log, probe, event->sreg, event->retired);
	if (event->kind != DESCRY_EVENT_ACCESS && event->kind != DESCRY_EVENT_FAULT)
		return true;
	return append(log,
		      &(struct log_entry){
			      .retired = event->retired,
			      .kind = event->kind == DESCRY_EVENT_ACCESS ? LOG_ACCESS : LOG_FAULT,
			      .sreg = event->sreg,
			      .vector = event->fault.vector,
			      .access = event->access,
			      .size = event->size,
			      .offset = event->offset,
			      .linear = event->linear,
		      });
}

/* --- one stop ------------------------------------------------------------------------- */

static const struct descry_event *
newest_event(const struct probe *probe)
{
	const size_t count = descry_vcpu_event_count(probe->vcpu);

	return count ? descry_vcpu_event(probe->vcpu, count - 1) : NULL;
}

/* Segments that have changed without an event: by the host, behind a change of mode. */
static bool
append_changed(struct log *log, const struct probe *probe)
{
	const struct descry_state *state = descry_vcpu_state(probe->vcpu);
	const struct descry_event *newest = newest_event(probe);

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		if (memcmp(&log->seg[sreg], &state->seg[sreg], sizeof(log->seg[sreg])) != 0 &&
		    !append_segment(log, probe, sreg, newest ? newest->retired : state->retired))
			return false;
	}
	return true;
}

/* Everything that the last run has left in the ring. */
static bool
append_stop(struct log *log, const struct probe *probe)
{
	const size_t first = log->count;
	const uint64_t digest = log_digest(probe->vcpu);

	for (size_t i = 0; i < descry_vcpu_event_count(probe->vcpu); i++) {
		if (!append_event(log, probe, descry_vcpu_event(probe->vcpu, i)))
			return false;
	}
	if (!append_changed(log, probe))
		return false;
	for (size_t i = first; i < log->count; i++)
		log->entry[i].digest = digest;
	return true;
}

/* Not an end of the guest, but of a run of the probe. */
static bool
is_on_its_way(enum descry_stop_reason reason)
{
	return reason == DESCRY_STOP_STEP || reason == DESCRY_STOP_ACCESS ||
	       reason == DESCRY_STOP_LOAD || reason == DESCRY_STOP_HOST_INTERRUPT;
}

static bool
append_end(struct log *log, const struct probe *probe)
{
	log->stop = probe->stop;
	if (is_on_its_way(log->stop.reason))
		log->stop.reason = DESCRY_STOP_STEP;
	return append(log, &(struct log_entry){
				   .retired = descry_vcpu_state(probe->vcpu)->retired,
				   .digest = log_digest(probe->vcpu),
				   .kind = LOG_END,
				   .stop = (uint8_t)log->stop.reason,
			   });
}

/* --- the run -------------------------------------------------------------------------- */

/*
 * An access that the CPU refuses has stopped the run before anything happened, and would do so
 * again: it is made now, with nobody watching.
 */
static bool
is_refused(const struct probe *probe)
{
	const struct descry_event *newest = newest_event(probe);

	return probe->stop.reason == DESCRY_STOP_ACCESS &&
	       newest->retired == descry_vcpu_state(probe->vcpu)->retired;
}

static bool
goes_on(const struct probe *probe, uint64_t until)
{
	return is_on_its_way(probe->stop.reason) && descry_vcpu_state(probe->vcpu)->retired < until;
}

bool
log_run(struct probe *probe, unsigned mask, uint64_t until, struct log *log)
{
	const struct descry_state *state = descry_vcpu_state(probe->vcpu);
	bool refused = false;

	log->count = 0;
	memcpy(log->seg, state->seg, sizeof(log->seg));
	do {
		probe_watch(probe, refused ? 0 : mask, ALL_SREGS,
			    refused ? state->retired + 1 : until);
		if (!append_stop(log, probe))
			return false;
		refused = is_refused(probe);
	} while (goes_on(probe, until));
	return append_end(log, probe);
}

void
log_free(struct log *log)
{
	free(log->entry);
	*log = (struct log){ 0 };
}

/* --- two of them ---------------------------------------------------------------------- */

const struct log_entry *
log_effect(const struct log *log, uint64_t retired, size_t *index)
{
	while (*index < log->count && log->entry[*index].retired == retired) {
		const struct log_entry *entry = &log->entry[(*index)++];

		if (entry->kind != LOG_SEGMENT)
			return entry;
	}
	return NULL;
}

static bool
same_access(const struct log_entry *a, const struct log_entry *b)
{
	return a->sreg == b->sreg && a->access == b->access && a->size == b->size &&
	       a->vector == b->vector && (a->vector != DESCRY_VEC_NONE || a->linear == b->linear);
}

bool
log_same_effect(const struct log_entry *a, const struct log_entry *b)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind)
		return false;
	switch ((enum log_kind)a->kind) {
	case LOG_ACCESS:
		return same_access(a, b);
	case LOG_FAULT:
		return a->vector == b->vector;
	case LOG_END:
		return a->stop == b->stop;
	case LOG_SEGMENT:
		break;
	}
	return true;
}
