#define _GNU_SOURCE /* sched_getcpu() */
#include "connection.h"

#include "hex.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * How long the next packet is looked for before we sleep. An idle CPU wakes up late, in a
 * virtual machine later than a step takes, and a debugger tends to ask again at once.
 */
#define AWAKE_NS 100000

/* A client that takes nothing for so long has gone, even if its socket has not. */
#define SEND_TIMEOUT_MS 10000

#define CTRL_C 0x03

void
connection_open(struct connection *connection, int fd, int wake_fd)
{
	const int on = 1;

	connection->fd = fd;
	connection->wake_fd = wake_fd;
	connection->no_ack = false;
	connection->lost = false;
	connection->in_at = connection->in_end = 0;
	connection->framer.state = FRAMER_BETWEEN;
	connection->out_size = 0;
	/* A socket of a file system has no such option, and needs none. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void
connection_close(struct connection *connection)
{
	close(connection->fd);
	connection->fd = -1;
	connection->lost = true;
}

/* --- out ------------------------------------------------------------------------------ */

static bool
wait_for_room(const struct connection *connection)
{
	struct pollfd fds[] = {
		{ .fd = connection->fd, .events = POLLOUT },
		{ .fd = connection->wake_fd, .events = POLLIN },
	};
	int ready;

	do
		ready = poll(fds, 2, SEND_TIMEOUT_MS);
	while (ready < 0 && errno == EINTR);
	return ready > 0 && fds[1].revents == 0;
}

static void
send_all(struct connection *connection, const char *bytes, size_t size)
{
	while (size > 0 && !connection->lost) {
		const ssize_t sent = send(connection->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent >= 0) {
			bytes += sent;
			size -= (size_t)sent;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			connection->lost = !wait_for_room(connection);
		} else if (errno != EINTR) {
			connection->lost = true;
		}
	}
}

void
connection_reply(struct connection *connection, const struct reply *reply)
{
	if (reply->text == NULL)
		return;
	assert(reply->size <= PACKET_MAX);
	connection->out_size = frame_encode(connection->out, reply->text, reply->size);
	send_all(connection, connection->out, connection->out_size);
	if (reply->after == AFTER_NO_ACK)
		connection->no_ack = true;
}

/* A socket with room has room for much more than an O packet. */
bool
connection_has_room(const struct connection *connection)
{
	struct pollfd fd = { .fd = connection->fd, .events = POLLOUT };

	return poll(&fd, 1, 0) > 0;
}

void
connection_output(struct connection *connection, const char *text, size_t size)
{
	char body[1 + 2 * OUTPUT_MAX], frame[sizeof(body) + FRAME_EXTRA];

	assert(size <= OUTPUT_MAX);
	body[0] = 'O';
	send_all(connection, frame,
		 frame_encode(frame, body, 1 + hex_encode(body + 1, text, size)));
}

static void
acknowledge(struct connection *connection, bool good)
{
	if (!connection->no_ack)
		send_all(connection, good ? "+" : "-", 1);
}

/* --- in ------------------------------------------------------------------------------- */

void
connection_receive(struct connection *connection)
{
	ssize_t size;

	if (connection->in_at == connection->in_end)
		connection->in_at = connection->in_end = 0;
	size = recv(connection->fd, connection->in + connection->in_end,
		    sizeof(connection->in) - connection->in_end, MSG_DONTWAIT);
	if (size > 0)
		connection->in_end += (size_t)size;
	else if (size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		connection->lost = true;
}

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* One that has spoken from our own CPU cannot speak again before we sleep. */
static bool
client_is_elsewhere(const struct connection *connection)
{
	int cpu = -1;
	socklen_t size = sizeof(cpu);

	(void)getsockopt(connection->fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &size);
	return cpu != sched_getcpu();
}

bool
connection_receive_soon(struct connection *connection)
{
	const int64_t end = now_ns() + (client_is_elsewhere(connection) ? AWAKE_NS : 0);

	do {
		connection_receive(connection);
		if (connection->in_at < connection->in_end || connection->lost)
			return true;
	} while (now_ns() < end);
	return false;
}

bool
connection_has_input(struct connection *connection)
{
	while (connection->in_at < connection->in_end &&
	       (connection->in[connection->in_at] == '+' ||
		connection->in[connection->in_at] == '-'))
		connection->in_at++;
	return connection->in_at < connection->in_end;
}

bool
connection_skip_interrupt(struct connection *connection)
{
	if (!connection_has_input(connection) || connection->in[connection->in_at] != CTRL_C)
		return false;
	connection->in_at++;
	return true;
}

/* Without acknowledgements nobody would send a broken packet again: it gets an error. */
static void
refuse(struct connection *connection, bool broken)
{
	const struct reply reply = reply_text(broken ? REPLY_MALFORMED : REPLY_TOO_LARGE);

	if (broken && !connection->no_ack) {
		acknowledge(connection, false);
		return;
	}
	acknowledge(connection, true);
	connection_reply(connection, &reply);
}

static enum frame_event
next_event(struct connection *connection)
{
	size_t used;
	const enum frame_event event =
		framer_push(&connection->framer, connection->in + connection->in_at,
			    connection->in_end - connection->in_at, &used);

	connection->in_at += used;
	return event;
}

bool
connection_take(struct connection *connection)
{
	while (!connection->lost) {
		switch (next_event(connection)) {
		case FRAME_MORE:
			return false;
		case FRAME_PACKET:
			acknowledge(connection, true);
			return true;
		case FRAME_ACK:
			break;
		case FRAME_NAK:
			send_all(connection, connection->out, connection->out_size);
			break;
		case FRAME_INTERRUPT: /* the guest stands already, and gdb knows why */
			break;
		case FRAME_BROKEN:
			refuse(connection, true);
			break;
		case FRAME_TOO_LONG:
			refuse(connection, false);
			break;
		}
	}
	return false;
}
