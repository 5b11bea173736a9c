/*
 * What a session remembers between commands. Private to the command folder.
 */
#ifndef DESCRY_SESSION_H
#define DESCRY_SESSION_H

#include <descry/command.h>
#include <descry/query.h>

/* Through the micro-steps of one instruction. */
struct micro_walk {
	struct descry_state at; /* of the CPU, before the instruction */
	size_t shown;           /* steps; 0: no walk is under way */
};

#define SCRIPT_DEPTH_MAX 16u

struct descry_session {
	struct descry_monitor *monitor;
	struct descry_world *world; /* may be NULL */
	struct descry_address next; /* what the address "." means: after what x, disas showed */
	bool has_next;
	char format[16]; /* of the last x */
	unsigned script_depth;
	struct micro_walk walk;
	bool failure_is_placed; /* the error on its way out names a script and a line already */
};

#endif
