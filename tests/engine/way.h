/*
 * The ways of running a program, and what comes of one: all ways must come to the same.
 */
#ifndef ENGINE_WAY_H
#define ENGINE_WAY_H

#include "program.h"

enum way {
	/* What the others are held against: the first for short runs, the second for long ones. */
	WAY_FRESH_STEPS,
	WAY_STEPS,
	WAY_WHOLE,
	WAY_UNCHAINED,
	WAY_PIECES,
	WAY_UNCHAINED_PIECES,
	WAY_MILLION,
	WAY_NO_BUDGET,
	WAY_BREAKPOINTS,
	WAY_NEW_BREAKPOINTS,
	WAY_WATCH,
	WAY_KICKS,
	WAY_CHECKED,
	WAY_RECORDED,
	WAY_COUNT
};

const char *way_name(enum way way);

#define BREAKPOINT_MAX 6u
#define LOG_MAX 4096u

/* What the pieces of a run have left in the ring, one behind the other. */
struct event_log {
	unsigned count;
	bool cut; /* earlier ones are missing: a ring was full */
	struct descry_event event[LOG_MAX];
};

/*
 * Moments, as values of state.retired, at which execution came to the breakpoints: where it
 * stopped for one, or in single steps could be seen to. There is no need to stop where it
 * comes to the same instruction again (REP), or where the run has another reason to end.
 */
struct arrival {
	uint64_t retired;
	bool must_stop;
};
struct arrivals {
	unsigned count;
	struct arrival at[LOG_MAX];
};

struct outcome {
	struct machine machine; /* .vcpu is gone */
	struct descry_vcpu_image image;
	struct event_log log;
	struct arrivals arrivals;
	bool ended; /* by itself, before the count */
	struct descry_exit exit;
	const char *wrong; /* a promise of the run contract that was not kept; NULL */
};

struct request {
	const struct program *program;
	enum way way;
	uint64_t count;  /* of instructions, at most */
	bool ends;       /* it is known to end by itself before that */
	uint64_t random; /* seed of what the way chooses for itself; breakpoints first */
};

/* False: no memory for a CPU. */
bool way_run(const struct request *request, struct outcome *out);

#endif
