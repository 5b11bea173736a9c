/*
 * Running a guest to look at one access: to a boundary, to the next access through some
 * segments, or logging all of them. Breakpoints and host interrupts on the way are passed
 * over: a probe asks what the guest does, not what the user wants to see.
 */
#ifndef DESCRY_WORLD_PROBE_H
#define DESCRY_WORLD_PROBE_H

#include <descry/world.h>

/* Segments that data accesses go through: what a mask may hold. */
#define PROBE_DATA_SREGS ((1u << DESCRY_DATA_SREG_COUNT) - 1u)

struct probe {
	struct descry_monitor *monitor;
	const struct descry_vcpu *vcpu;
	struct descry_world *under; /* whose strategy the guest runs under; NULL: none, the truth */
	struct descry_stop stop;    /* of the last run */
	bool interrupted;           /* by the user; everything is off then */
};

/* Runs to a boundary, or to whatever ends the guest before it. */
void probe_run_to(struct probe *probe, uint64_t retired);

/*
 * Runs to the next data access through one of the segments of mask; the CPU then stands
 * behind its instruction. False: there was none up to the boundary.
 */
bool probe_next_access(struct probe *probe, unsigned mask, uint64_t until,
		       struct descry_world_access *out);

/* The fetch that the CPU is about to make: an access through CS. */
void probe_fetch(const struct descry_vcpu *vcpu, struct descry_world_access *out);

/* One entry for each access: enough to find the first that differs between two runs. */
struct probe_entry {
	uint64_t retired;
	uint32_t linear;
	uint8_t sreg;
	uint8_t vector;
};

struct probe_log {
	struct probe_entry *entry;
	size_t count, room;
};

/* Logs all data accesses through mask up to a boundary. False: out of memory. */
DESCRY_MUST_CHECK bool probe_log_accesses(struct probe *probe, unsigned mask, uint64_t until,
					  struct probe_log *log);
void probe_log_free(struct probe_log *log);

/* Index of the first entry that differs; the shorter length if none does. */
size_t probe_log_part(const struct probe_log *a, const struct probe_log *b);

#endif
