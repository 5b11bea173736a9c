/*
 * The same work for many indices, by several processes. Each begins as a copy of this one, so
 * that what it does to the monitor is its own, and takes the next index that nobody has taken.
 * Results are plain data and come back through shared memory: they do not depend on how many
 * processes there are, or on which of them did what.
 */
#ifndef DESCRY_WORLD_POOL_H
#define DESCRY_WORLD_POOL_H

#include <descry/monitor.h>

struct pool_work {
	size_t count;
	size_t size; /* of one result, in bytes */
	/* IO_ERROR: the user has interrupted it. */
	enum descry_status (*run)(void *owner, size_t index, void *result);
	void *owner;
	const char *(*name)(void *owner, size_t index); /* for the line about one that died */
};

/*
 * Results go to out, which is zero. jobs: how many processes; with 0 and 1 this one does it all.
 * The first status by index that is not DESCRY_OK is the answer; err: what has become of a process
 * that died, or that the user has interrupted it.
 */
enum descry_status pool_run(struct descry_monitor *monitor, const struct pool_work *work,
			    unsigned jobs, void *out, struct descry_error *err);

/* The line for what .run can give back. */
enum descry_status pool_fail(struct descry_error *err, enum descry_status status);

#endif
