/*
 * Finding the boundary of a comparison: the place where a host interrupt is to come. What
 * else stops the guest for a user's sake on its way is passed over.
 */
#ifndef DESCRY_WORLD_BOUNDARY_H
#define DESCRY_WORLD_BOUNDARY_H

#include <descry/schedule.h>

/*
 * Runs to the next time that when comes, not counting one behind the guest; when NULL, to the next
 * host interrupt, whoever asks for it. BAD_ARGUMENT: the guest ends before, or goes on for
 * too long.
 */
enum descry_status boundary_find(struct descry_monitor *monitor, const struct descry_when *when,
				 struct descry_error *err);

#endif
