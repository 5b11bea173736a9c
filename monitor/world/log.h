/*
 * What a guest does that a lost segment could show: its accesses through some segments, its
 * faults, every load of a segment register, and how it ends. Two logs from the same boundary,
 * with a switch and without, tell where the runs part.
 */
#ifndef DESCRY_WORLD_LOG_H
#define DESCRY_WORLD_LOG_H

#include "world/probe.h"

enum log_kind {
	LOG_ACCESS,
	LOG_FAULT,
	LOG_SEGMENT, /* from here on the register holds .seg */
	LOG_END,     /* the last entry: .stop says why */
};

struct log_entry {
	uint64_t retired; /* boundary before the instruction */
	uint64_t digest;  /* of the registers where the CPU stopped behind it */
	uint8_t kind;
	uint8_t sreg;
	uint8_t vector; /* ACCESS, FAULT */
	uint8_t stop;   /* END: enum descry_stop_reason */
	uint8_t access; /* ACCESS: enum descry_access */
	uint8_t size;
	uint32_t offset;
	uint32_t linear;
	struct descry_segment seg;
};

struct log {
	struct log_entry *entry;
	size_t count, room;
	struct descry_segment seg[DESCRY_SREG_COUNT]; /* where it ends, */
	struct descry_stop stop;                      /* and how: STEP, or the end of the guest */
};

/*
 * Logs the guest from where it stands to a boundary, with accesses through the segments of
 * mask, in place of what the log held before. False: out of memory.
 */
DESCRY_MUST_CHECK bool log_run(struct probe *probe, unsigned mask, uint64_t until, struct log *log);
void log_free(struct log *log);

/* The next entry at this boundary that is no LOG_SEGMENT, from *index on; NULL: none. */
const struct log_entry *log_effect(const struct log *log, uint64_t retired, size_t *index);

/* Does the guest do the same? What it loads is not a question here. */
bool log_same_effect(const struct log_entry *a, const struct log_entry *b);

/* Registers that a program computes with, and where it goes on, in one number. */
uint64_t log_digest(const struct descry_vcpu *vcpu);

/* The flags that a program computes with. */
#define LOG_FLAGS                                                                                  \
	(DESCRY_FLAG_CF | DESCRY_FLAG_PF | DESCRY_FLAG_AF | DESCRY_FLAG_ZF | DESCRY_FLAG_SF |      \
	 DESCRY_FLAG_DF | DESCRY_FLAG_OF)

#endif
