/*
 * A server for gdb and lldb: one debugger at a time looks at the guest of a monitor and
 * runs it, over TCP or a socket in the file system (docs/gdb.md). The guest runs only while
 * a debugger asks for it, and stands still when none is there. Owned by gdbstub.
 */
#ifndef DESCRY_GDBSTUB_H
#define DESCRY_GDBSTUB_H

#include <descry/command.h>
#include <descry/monitor.h>

struct descry_gdb;

struct descry_gdb_options {
	struct descry_monitor *monitor;
	struct descry_world *world;     /* whose host is a thread; NULL: none */
	struct descry_session *session; /* for `monitor COMMAND` */
	const char *address;            /* ":PORT" on loopback, "HOST:PORT", "unix:PATH" */

	/* Around all that touches monitor and session. NULL: nobody else does. */
	void (*lock)(void *owner);
	void (*unlock)(void *owner);
	/* A line for whoever sits at the server: that a debugger came or went. Not under lock. */
	void (*tell)(void *owner, const char *line);
	void *owner;
};

/* Listens from here on. Monitor, world and session must outlive it. */
enum descry_status descry_gdb_create(const struct descry_gdb_options *options,
				     struct descry_gdb **out, struct descry_error *err);
void descry_gdb_destroy(struct descry_gdb *gdb);

/* Where it listens, as gdb's `target remote` takes it; with the port that was free for port 0. */
const char *descry_gdb_address(const struct descry_gdb *gdb);

enum descry_gdb_end {
	DESCRY_GDB_KILLED,  /* a debugger has ended the guest; serve may be called again */
	DESCRY_GDB_STOPPED, /* descry_gdb_stop() */
	DESCRY_GDB_BROKEN,  /* no more connections can be accepted; tell has said why */
};

/* Serves one debugger after the other. */
enum descry_gdb_end descry_gdb_serve(struct descry_gdb *gdb);

/* From a signal handler or another thread: serve returns soon, also when the guest runs. */
void descry_gdb_stop(struct descry_gdb *gdb);

/* For struct descry_options: console output of the guest also goes to the debugger that runs it.
 */
void descry_gdb_console(struct descry_gdb *gdb, const char *text, size_t size);

#endif
