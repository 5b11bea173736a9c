/*
 * The breakpoints that gdb has inserted. They are the monitor's, not bytes in memory, and
 * the shell's own at the same addresses know nothing of them. Private to gdbstub.
 */
#ifndef DESCRY_GDB_POINTS_H
#define DESCRY_GDB_POINTS_H

#include <descry/monitor.h>

#define POINTS_MAX 1024u

enum point_kind {
	POINT_NONE = -1,
	POINT_SOFTWARE = 0, /* the numbers of Z0 and Z1 */
	POINT_HARDWARE = 1,
};
#define POINT_KIND_COUNT 2u

struct points {
	struct {
		uint64_t linear;
		enum point_kind kind;
	} list[POINTS_MAX];
	size_t count;
};

/* Inserting one that is there, and removing one that is not, changes nothing and is fine. */
enum descry_status points_insert(struct points *points, struct descry_monitor *monitor,
				 enum point_kind kind, uint64_t linear);
void points_remove(struct points *points, struct descry_monitor *monitor, enum point_kind kind,
		   uint64_t linear);
void points_clear(struct points *points, struct descry_monitor *monitor);

/* Of the first one at an address. */
enum point_kind points_kind_at(const struct points *points, uint64_t linear);

#endif
