#include <descry/gdbstub.h>

#include "connection.h"
#include "console.h"
#include "listener.h"
#include "stub.h"
#include "watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACCEPT_AGAIN_MS 50

struct descry_gdb {
	struct descry_gdb_options options;
	struct listener listener;
	struct connection connection;
	struct console console;
	struct watcher watcher;
	struct stub *stub;
	bool runs; /* the guest, for the debugger; read and written under the lock */
	int stop_fds[2];
	atomic_bool stopping;
};

static void
lock(struct descry_gdb *gdb)
{
	if (gdb->options.lock != NULL)
		gdb->options.lock(gdb->options.owner);
}

static void
unlock(struct descry_gdb *gdb)
{
	if (gdb->options.unlock != NULL)
		gdb->options.unlock(gdb->options.owner);
}

static void
tell(struct descry_gdb *gdb, const char *line)
{
	if (gdb->options.tell != NULL)
		gdb->options.tell(gdb->options.owner, line);
}

static void
tell_refused(struct descry_gdb *gdb)
{
	tell(gdb, "gdb: a second debugger was refused; there can be one at a time");
}

/* --- what the stub needs -------------------------------------------------------------- */

static void
output(void *owner, const char *text, size_t size)
{
	struct descry_gdb *gdb = owner;

	console_write(&gdb->console, text, size);
}

static void
run_begins(void *owner, enum stub_run kind)
{
	struct descry_gdb *gdb = owner;

	gdb->runs = true;
	if (kind != RUN_STEP)
		watcher_begin(&gdb->watcher, kind == RUN_COMMAND);
	if (atomic_load(&gdb->stopping))
		descry_monitor_interrupt(gdb->options.monitor);
}

static bool
run_ends(void *owner)
{
	struct descry_gdb *gdb = owner;

	watcher_end(&gdb->watcher);
	console_flush(&gdb->console);
	gdb->runs = false;
	return !console_unmute(&gdb->console);
}

void
descry_gdb_console(struct descry_gdb *gdb, const char *text, size_t size)
{
	if (gdb->runs)
		console_write(&gdb->console, text, size);
}

/* --- life ----------------------------------------------------------------------------- */

static bool
open_parts(struct descry_gdb *gdb)
{
	const struct stub_outlet outlet = { gdb, output, run_begins, run_ends };

	gdb->stub = stub_create(gdb->options.monitor, gdb->options.world, gdb->options.session,
				&outlet);
	gdb->watcher = (struct watcher){
		.monitor = gdb->options.monitor,
		.connection = &gdb->connection,
		.console = &gdb->console,
		.listener = &gdb->listener,
	};
	if (gdb->stub == NULL || pipe(gdb->stop_fds) != 0)
		return false;
	if (watcher_init(&gdb->watcher))
		return true;
	close(gdb->stop_fds[0]);
	close(gdb->stop_fds[1]);
	return false;
}

enum descry_status
descry_gdb_create(const struct descry_gdb_options *options, struct descry_gdb **out,
		  struct descry_error *err)
{
	struct descry_gdb *gdb = calloc(1, sizeof(*gdb));

	if (gdb == NULL)
		return descry_fail(err, DESCRY_NO_MEMORY, "no memory for a server for gdb");
	gdb->options = *options;
	if (listener_open(&gdb->listener, options->address, err) != DESCRY_OK) {
		free(gdb);
		return err->status;
	}
	if (!open_parts(gdb)) {
		stub_destroy(gdb->stub);
		listener_close(&gdb->listener);
		free(gdb);
		return descry_fail(err, DESCRY_NO_MEMORY, "no memory for a server for gdb");
	}
	console_init(&gdb->console, &gdb->connection);
	*out = gdb;
	return DESCRY_OK;
}

void
descry_gdb_destroy(struct descry_gdb *gdb)
{
	if (gdb == NULL)
		return;
	listener_close(&gdb->listener);
	watcher_destroy(&gdb->watcher);
	console_destroy(&gdb->console);
	stub_destroy(gdb->stub);
	close(gdb->stop_fds[0]);
	close(gdb->stop_fds[1]);
	free(gdb);
}

const char *
descry_gdb_address(const struct descry_gdb *gdb)
{
	return gdb->listener.name;
}

/* The byte stays in the pipe: whoever waits sees it, now and later. */
void
descry_gdb_stop(struct descry_gdb *gdb)
{
	const char byte = 0;
	const int error = errno;

	if (atomic_exchange(&gdb->stopping, true))
		return;
	descry_monitor_interrupt(gdb->options.monitor);
	if (write(gdb->stop_fds[1], &byte, 1) < 0)
		abort();
	errno = error;
}

/* --- one client ----------------------------------------------------------------------- */

/*
 * Until the client has said something, or has gone. Others wait until it is quiet: maybe it
 * is about to turn out that it has gone, and then the next one is welcome.
 */
static void
wait_for_client(struct descry_gdb *gdb)
{
	struct pollfd fds[] = {
		{ .fd = gdb->connection.fd, .events = POLLIN },
		{ .fd = gdb->listener.fd, .events = POLLIN },
		{ .fd = gdb->stop_fds[0], .events = POLLIN },
	};

	if (connection_receive_soon(&gdb->connection))
		return;
	if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0)
		return;
	if (fds[0].revents != 0)
		connection_receive(&gdb->connection);
	else if (fds[1].revents != 0 && listener_refuse(&gdb->listener))
		tell_refused(gdb);
}

static enum reply_after
handle_packet(struct descry_gdb *gdb)
{
	struct connection *connection = &gdb->connection;
	struct reply reply;

	lock(gdb);
	reply = stub_handle(gdb->stub, connection->framer.body, connection->framer.size);
	unlock(gdb);
	for (; gdb->watcher.refused > 0; gdb->watcher.refused--)
		tell_refused(gdb);
	connection_reply(connection, &reply);
	return reply.after;
}

/* What ended it. */
static enum reply_after
converse(struct descry_gdb *gdb)
{
	enum reply_after after = AFTER_NOTHING;

	while (after != AFTER_DETACH && after != AFTER_KILL && !gdb->connection.lost &&
	       !atomic_load(&gdb->stopping)) {
		if (connection_take(&gdb->connection))
			after = handle_packet(gdb);
		else if (!gdb->connection.lost)
			wait_for_client(gdb);
	}
	return after;
}

static void
tell_end(struct descry_gdb *gdb, enum reply_after after)
{
	if (after == AFTER_DETACH)
		tell(gdb, "gdb: detached; the guest stands still");
	else if (after == AFTER_KILL)
		tell(gdb, "gdb: the debugger has ended the guest");
	else if (gdb->connection.lost)
		tell(gdb, "gdb: the connection is lost; the guest stands still");
}

static enum reply_after
serve_client(struct descry_gdb *gdb, int fd)
{
	enum reply_after after;

	connection_open(&gdb->connection, fd, gdb->stop_fds[0]);
	tell(gdb, "gdb: attached");
	after = converse(gdb);
	tell_end(gdb, after);
	connection_close(&gdb->connection);
	lock(gdb);
	stub_forget_client(gdb->stub);
	unlock(gdb);
	return after;
}

/* --- one after the other -------------------------------------------------------------- */

/* A socket; -1: try again, or stop. */
static int
wait_for_connection(struct descry_gdb *gdb)
{
	struct pollfd fds[] = {
		{ .fd = gdb->listener.fd, .events = POLLIN },
		{ .fd = gdb->stop_fds[0], .events = POLLIN },
	};

	if (poll(fds, 2, -1) < 0 || fds[1].revents != 0) {
		errno = EINTR;
		return -1;
	}
	return listener_accept(&gdb->listener);
}

static bool
is_passing(int error)
{
	switch (error) {
	case EINTR:
	case EAGAIN:
	case ECONNABORTED:
	case EMFILE:
	case ENFILE:
	case EPROTO:
	case ENETDOWN:
	case EHOSTUNREACH:
		return true;
	default:
		return false;
	}
}

/* Whoever could not be taken is still there: asking again at once would only keep us busy. */
static void
wait_a_little(struct descry_gdb *gdb)
{
	struct pollfd fd = { .fd = gdb->stop_fds[0], .events = POLLIN };

	(void)poll(&fd, 1, ACCEPT_AGAIN_MS);
}

enum descry_gdb_end
descry_gdb_serve(struct descry_gdb *gdb)
{
	char line[160];

	while (!atomic_load(&gdb->stopping)) {
		const int fd = wait_for_connection(gdb);

		if (fd >= 0) {
			if (serve_client(gdb, fd) == AFTER_KILL)
				return DESCRY_GDB_KILLED;
		} else if (is_passing(errno)) {
			wait_a_little(gdb);
		} else {
			snprintf(line, sizeof(line), "gdb: no more connections: %s",
				 strerror(errno));
			tell(gdb, line);
			return DESCRY_GDB_BROKEN;
		}
	}
	return DESCRY_GDB_STOPPED;
}
