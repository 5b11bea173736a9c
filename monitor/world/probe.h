/*
 * Running a guest to look at what it does: to a boundary, or to the next access through some
 * segments. Breakpoints and host interrupts on the way are passed over: a probe asks what the
 * guest does, not what the user wants to see.
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
 * One run that ends behind an access through a segment of one mask, or a load of one of the
 * other, or at a boundary, or at a host interrupt that the guest or a schedule asks for.
 */
void probe_watch(struct probe *probe, unsigned accesses, unsigned loads, uint64_t until);

/*
 * Runs to the next data access through one of the segments of mask; the CPU then stands
 * behind its instruction. False: there was none up to the boundary.
 */
bool probe_next_access(struct probe *probe, unsigned mask, uint64_t until,
		       struct descry_world_access *out);

/* The fetch that the CPU is about to make: an access through CS. */
void probe_fetch(const struct descry_vcpu *vcpu, struct descry_world_access *out);

#endif
