/*
 * What a session remembers between commands. Private to the command folder.
 */
#ifndef DESCRY_SESSION_H
#define DESCRY_SESSION_H

#include <descry/command.h>
#include <descry/query.h>

#define SCRIPT_DEPTH_MAX 16u

struct descry_session {
	struct descry_monitor *monitor;
	struct descry_world *world; /* may be NULL */
	struct descry_address next; /* what the address "." means: after what x, disas showed */
	bool has_next;
	char format[16]; /* of the last x */
	unsigned script_depth;
	bool failure_is_placed; /* the error on its way out names a script and a line already */
};

#endif
