/*
 * Marks the micro-steps in the rules: microstep(c, DESCRY_MICRO_PM8) stands where PM8
 * begins, so that a fault raised behind it belongs to PM8. Costs one test when nobody
 * records. While somebody does no page is kept for fast access: every access to memory
 * takes the long way, and is recorded there. Private to vcpu.
 */
#ifndef DESCRY_MICROSTEP_PRIVATE_H
#define DESCRY_MICROSTEP_PRIVATE_H

#include "cpu.h"

#include <descry/microstep.h>

void microstep_open(struct cpu *c, enum descry_micro id);
void microstep_open_pair(struct cpu *c, enum descry_micro id, enum descry_micro then);
void microstep_open_then(struct cpu *c);
void microstep_note_vector(struct cpu *c, unsigned vector);
void microstep_close_with_fault(struct cpu *c);
void microstep_note_access(struct cpu *c, uint32_t linear, const void *data, size_t size,
			   bool write);

static inline bool
microstep_records(const struct cpu *c)
{
	return DESCRY_UNLIKELY(c->micro != NULL);
}

/* A step begins; the one before it has ended. */
static inline void
microstep(struct cpu *c, enum descry_micro id)
{
	if (microstep_records(c))
		microstep_open(c, id);
}

/* Before a descriptor is read, which is one step, and judged, which is another. */
static inline void
microstep_pair(struct cpu *c, enum descry_micro id, enum descry_micro then)
{
	if (microstep_records(c))
		microstep_open_pair(c, id, then);
}

/* The descriptor has been read. */
static inline void
microstep_then(struct cpu *c)
{
	if (microstep_records(c))
		microstep_open_then(c);
}

/* What follows delivers this vector. */
static inline void
microstep_vector(struct cpu *c, unsigned vector)
{
	if (microstep_records(c))
		microstep_note_vector(c, vector);
}

/* The step that is open ends with c->fault. */
static inline void
microstep_fault(struct cpu *c)
{
	if (microstep_records(c))
		microstep_close_with_fault(c);
}

/* In the long way of every access. */
static inline void
microstep_access(struct cpu *c, uint32_t linear, const void *data, size_t size, bool write)
{
	if (microstep_records(c))
		microstep_note_access(c, linear, data, size, write);
}

/* The run: at its begin, when an instruction has been fetched, and when the state is exact again. */
void microstep_begin(struct cpu *c, struct descry_micro_log *log);
void microstep_instruction(struct cpu *c);
void microstep_end(struct cpu *c);

#endif
