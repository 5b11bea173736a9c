/*
 * Injections: what comes to the guest from outside, at points in time that are fixed
 * beforehand. Time is the count of retired instructions, so the same injections give the same
 * run, however it is cut into steps. Owned by monitor.
 */
#ifndef DESCRY_SCHEDULE_H
#define DESCRY_SCHEDULE_H

#include <descry/monitor.h>

enum descry_injection_kind {
	DESCRY_INJECT_HOST,      /* as a write to port EDh */
	DESCRY_INJECT_INTERRUPT, /* the rest are asked for, and wait until they may be taken */
	DESCRY_INJECT_NMI,
	DESCRY_INJECT_SMI,
	DESCRY_INJECT_INIT,
	DESCRY_INJECT_KIND_COUNT
};

/* "host", "interrupt", ... */
const char *descry_injection_kind_text(enum descry_injection_kind kind);

enum descry_when_kind {
	DESCRY_WHEN_COUNT,   /* once, at .count */
	DESCRY_WHEN_ADDRESS, /* once, before .linear is executed for the .count-th time */
	DESCRY_WHEN_EVERY,   /* at each multiple of .count */
	DESCRY_WHEN_RANDOM,  /* .count apart in the mean; .seed says how far each time */
};

struct descry_when {
	enum descry_when_kind kind;
	uint64_t count;
	uint64_t linear;
	uint64_t seed;
};

#define DESCRY_NEVER UINT64_MAX

struct descry_injection {
	int number; /* 1, 2, ... */
	enum descry_injection_kind kind;
	uint8_t vector; /* INTERRUPT */
	struct descry_when when;
	uint64_t since; /* nothing comes before this count */

	/* How far it has come: part of every snapshot. */
	uint64_t next;   /* the count at which it comes; DESCRY_NEVER: not known, or no more */
	uint64_t fired;  /* how often it has come */
	uint64_t hits;   /* ADDRESS: so far */
	uint64_t hit_at; /* ADDRESS: the count at the last one */
	uint64_t random; /* RANDOM: where its generator is */
};

#define DESCRY_INJECTIONS 32u /* at most */

/*
 * From this boundary on; after descry_monitor_reset() from the start on. Of the injection its
 * kind, vector and when are asked for. Several that are due at one boundary come in the order
 * of their numbers. number: where its number goes.
 */
enum descry_status descry_monitor_inject(struct descry_monitor *monitor,
					 const struct descry_injection *injection, int *number,
					 struct descry_error *err);
enum descry_status descry_monitor_delete_injection(struct descry_monitor *monitor, int number);
size_t descry_monitor_injections(const struct descry_monitor *monitor,
				 const struct descry_injection **out);

/* --- as text -------------------------------------------------------------------------- */

/*
 * "host at 12345", "nmi at store_loop 3", "interrupt 20h every 1000", "smi random 5000 seed 7".
 * Addresses are resolved as the guest stands now.
 */
enum descry_status descry_injection_parse(struct descry_monitor *monitor, const char *text,
					  struct descry_injection *out, struct descry_error *err);

/* What follows `at`: "12345" is a count, "store_loop 3", "0:7c2c" and "linear:7c2ch" are places. */
enum descry_status descry_boundary_parse(struct descry_monitor *monitor, const char *text,
					 struct descry_when *out, struct descry_error *err);

/* The same again; it parses to the same injection. */
#define DESCRY_INJECTION_TEXT 160u
const char *descry_injection_text(const struct descry_monitor *monitor,
				  const struct descry_injection *injection,
				  char text[DESCRY_INJECTION_TEXT]);

#endif
