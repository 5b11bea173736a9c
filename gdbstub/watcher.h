/*
 * Looks at the client's socket while the guest runs, on a thread of its own, so that
 * running costs nothing. Ctrl-C, anything else that a client says out of turn, and its
 * disappearance stop the guest. Private to gdbstub.
 */
#ifndef DESCRY_GDB_WATCHER_H
#define DESCRY_GDB_WATCHER_H

#include "connection.h"
#include "console.h"
#include "listener.h"

#include <descry/monitor.h>

struct watcher {
	struct descry_monitor *monitor;
	struct connection *connection; /* its in-coming side is ours between begin and end */
	struct console *console;
	struct listener *listener;
	int end_fds[2]; /* a byte in this pipe sends the thread home */
	bool active;
	bool mutes; /* a client that says anything but ^C wants no more text */
	pthread_t thread;
	unsigned refused; /* others that wanted to connect meanwhile */
};

/* False: no pipe. */
DESCRY_MUST_CHECK bool watcher_init(struct watcher *watcher);
void watcher_destroy(struct watcher *watcher);

void watcher_begin(struct watcher *watcher, bool mutes);
void watcher_end(struct watcher *watcher);

#endif
