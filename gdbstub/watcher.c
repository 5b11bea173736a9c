#include "watcher.h"

#include <assert.h>
#include <poll.h>
#include <unistd.h>

/* How long text of the guest may wait for more before gdb sees it. */
#define FLUSH_EVERY_MS 50

enum { FD_END, FD_CLIENT, FD_LISTENER, FD_COUNT };

bool
watcher_init(struct watcher *watcher)
{
	watcher->active = false;
	return pipe(watcher->end_fds) == 0;
}

void
watcher_destroy(struct watcher *watcher)
{
	close(watcher->end_fds[0]);
	close(watcher->end_fds[1]);
}

/*
 * Does what the client has said stop the guest? Any byte that is no acknowledgement does:
 * a packet has to be answered, and cannot be while the guest runs.
 */
static bool
stops_guest(struct watcher *watcher)
{
	struct connection *connection = watcher->connection;

	if (!connection_has_input(connection) && !connection->lost)
		return false;
	if (!connection_skip_interrupt(connection) && watcher->mutes)
		console_mute(watcher->console);
	descry_monitor_interrupt(watcher->monitor);
	return true;
}

static void
take(struct watcher *watcher, const struct pollfd fds[FD_COUNT])
{
	if (fds[FD_CLIENT].revents != 0)
		connection_receive(watcher->connection);
	else if (fds[FD_LISTENER].revents != 0 && listener_refuse(watcher->listener))
		watcher->refused++;
}

/*
 * Once the guest has been stopped, only the end of the run is of interest. A client can
 * also be lost without a word: whoever sends to it finds out.
 */
static void *
watch(void *owner)
{
	struct watcher *watcher = owner;
	struct pollfd fds[FD_COUNT] = {
		[FD_END] = { .fd = watcher->end_fds[0], .events = POLLIN },
		[FD_CLIENT] = { .fd = watcher->connection->fd, .events = POLLIN },
		[FD_LISTENER] = { .fd = watcher->listener->fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, FD_COUNT, FLUSH_EVERY_MS) > 0) {
			if (fds[FD_END].revents != 0)
				return NULL;
			take(watcher, fds);
		} else {
			console_try_flush(watcher->console);
		}
		if (fds[FD_CLIENT].fd >= 0 && stops_guest(watcher))
			fds[FD_CLIENT].fd = fds[FD_LISTENER].fd = -1;
	}
}

/* Without a thread, which hardly ever happens, the guest cannot be stopped: it does not start. */
void
watcher_begin(struct watcher *watcher, bool mutes)
{
	watcher->mutes = mutes;
	watcher->refused = 0;
	if (stops_guest(watcher))
		return;
	if (pthread_create(&watcher->thread, NULL, watch, watcher) == 0)
		watcher->active = true;
	else
		descry_monitor_interrupt(watcher->monitor);
}

/* An interrupt that came when the guest had stopped by itself is not for the next run. */
void
watcher_end(struct watcher *watcher)
{
	char byte = 0;

	if (watcher->active) {
		ssize_t moved = write(watcher->end_fds[1], &byte, 1);

		assert(moved == 1);
		pthread_join(watcher->thread, NULL);
		moved = read(watcher->end_fds[0], &byte, 1);
		assert(moved == 1);
	}
	watcher->active = false;
	descry_monitor_clear_interrupt(watcher->monitor);
}
