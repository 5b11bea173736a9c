#include "listener.h"

#include "framing.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 4
#define PORT_MAX 65535

/* How long one that is refused may take to say what it wants. */
#define REFUSE_WAIT_MS 100

/* And in how many pieces. */
#define REFUSE_TURNS 10

static enum descry_status
fail(struct descry_error *err, const char *address)
{
	if (errno == EADDRINUSE)
		return descry_fail(err, DESCRY_IO_ERROR,
				   "gdb: %.100s is in use by another program; choose another "
				   "address",
				   address);
	return descry_fail(err, DESCRY_IO_ERROR, "gdb: cannot listen on %.100s: %s", address,
			   strerror(errno));
}

static enum descry_status
start(struct listener *listener, const char *address, struct descry_error *err)
{
	if (listen(listener->fd, BACKLOG) != 0 || fcntl(listener->fd, F_SETFL, O_NONBLOCK) != 0) {
		fail(err, address);
		close(listener->fd);
		listener->fd = -1;
		return err->status;
	}
	return DESCRY_OK;
}

/* --- TCP ------------------------------------------------------------------------------ */

/* The first of the addresses that can be had. */
static int
bind_first(const struct addrinfo *all)
{
	const int on = 1;

	for (const struct addrinfo *at = all; at != NULL; at = at->ai_next) {
		const int fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
		int error;

		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, at->ai_addr, at->ai_addrlen) == 0)
			return fd;
		error = errno;
		close(fd);
		errno = error;
	}
	return -1;
}

/* The name that a free port has got, too. */
static void
name_tcp(struct listener *listener)
{
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);
	char host[64], port[8];

	if (getsockname(listener->fd, (struct sockaddr *)&bound, &size) != 0 ||
	    getnameinfo((struct sockaddr *)&bound, size, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	snprintf(listener->name, sizeof(listener->name),
		 bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static bool
is_port(const char *text)
{
	const size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits <= 5 && text[digits] == '\0' && atoi(text) <= PORT_MAX;
}

static enum descry_status
open_tcp(struct listener *listener, const char *address, struct descry_error *err)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(address, ':');
	struct addrinfo *found;
	char host[LISTENER_NAME];
	int error;

	if (colon == NULL || !is_port(colon + 1) || colon - address >= (int)sizeof(host))
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "gdb: '%.100s' is no address; give :PORT, HOST:PORT or "
				   "unix:PATH",
				   address);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
	error = getaddrinfo(*host != '\0' ? host : "127.0.0.1", colon + 1, &hints, &found);
	if (error != 0)
		return descry_fail(err, DESCRY_BAD_ARGUMENT, "gdb: cannot listen on %.100s: %s",
				   address, gai_strerror(error));
	listener->fd = bind_first(found);
	freeaddrinfo(found);
	if (listener->fd < 0)
		return fail(err, address);
	name_tcp(listener);
	return start(listener, address, err);
}

/* --- a socket in the file system ------------------------------------------------------ */

/* One that nobody listens on was left behind by a program that has gone. */
static bool
is_left_behind(const struct sockaddr_un *name)
{
	struct stat file;
	int fd, error;

	if (lstat(name->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return false;
	error = connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0 ? 0 : errno;
	close(fd);
	return error == ECONNREFUSED;
}

static enum descry_status
fail_unix(struct descry_error *err, const char *path)
{
	const int error = errno;
	struct stat file;

	if (error == EADDRINUSE && lstat(path, &file) == 0 && !S_ISSOCK(file.st_mode))
		return descry_fail(err, DESCRY_IO_ERROR,
				   "gdb: %.100s exists and is no socket; remove it or choose "
				   "another path",
				   path);
	errno = error;
	return fail(err, path);
}

static enum descry_status
open_unix(struct listener *listener, const char *path, struct descry_error *err)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	if (*path == '\0' || strlen(path) >= sizeof(name.sun_path))
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "gdb: 'unix:%.100s': the path of a socket has 1 to %zu "
				   "characters",
				   path, sizeof(name.sun_path) - 1);
	strcpy(name.sun_path, path);
	if (is_left_behind(&name))
		unlink(path);
	listener->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (listener->fd < 0)
		return fail(err, path);
	if (bind(listener->fd, (const struct sockaddr *)&name, sizeof(name)) != 0) {
		fail_unix(err, path);
		close(listener->fd);
		return err->status;
	}
	strcpy(listener->path, path);
	snprintf(listener->name, sizeof(listener->name), "%s", path);
	return start(listener, path, err);
}

enum descry_status
listener_open(struct listener *listener, const char *address, struct descry_error *err)
{
	static const char prefix[] = "unix:";

	*listener = (struct listener){ .fd = -1 };
	if (strncmp(address, prefix, sizeof(prefix) - 1) == 0)
		return open_unix(listener, address + sizeof(prefix) - 1, err);
	return open_tcp(listener, address, err);
}

void
listener_close(struct listener *listener)
{
	if (listener->fd >= 0)
		close(listener->fd);
	if (*listener->path != '\0')
		unlink(listener->path);
	listener->fd = -1;
}

/* --- whoever connects ----------------------------------------------------------------- */

int
listener_accept(struct listener *listener)
{
	return accept(listener->fd, NULL, NULL);
}

/* Is the frame that began in earlier bytes complete, up to '#' and two digits? */
static bool
ends_packet(const char *bytes, size_t size, unsigned *to_come)
{
	for (size_t i = 0; i < size; i++) {
		if (*to_come == 0)
			*to_come = bytes[i] == '#' ? 2 : 0;
		else if (--*to_come == 0)
			return true;
	}
	return false;
}

/* Reads up to the end of a packet, or of all that comes soon. */
static void
read_away(int fd, bool one_packet)
{
	struct pollfd client = { .fd = fd, .events = POLLIN };
	unsigned to_come = 0;
	char bytes[4096];

	for (unsigned turn = 0; turn < REFUSE_TURNS; turn++) {
		ssize_t size;

		if (poll(&client, 1, REFUSE_WAIT_MS / REFUSE_TURNS) < 0)
			return;
		size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (size == 0 || (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
			return;
		if (size > 0 && one_packet && ends_packet(bytes, (size_t)size, &to_come))
			return;
	}
}

/*
 * The refusal waits for the first question, which gdb sends behind a '+' of its own: it
 * shows the words as the answer to that. Bytes that nobody has read when a socket closes
 * would take them back again, so the other side is to close first.
 */
bool
listener_refuse(struct listener *listener)
{
	static const char words[] = "E.descry serves another debugger already";
	char frame[sizeof(words) + FRAME_EXTRA];
	const int fd = listener_accept(listener);
	size_t size;

	if (fd < 0) { /* maybe still there, when descriptors are short: not again at once */
		(void)poll(NULL, 0, REFUSE_WAIT_MS / REFUSE_TURNS);
		return false;
	}
	read_away(fd, true);
	frame[0] = '+';
	size = 1 + frame_encode(frame + 1, words, sizeof(words) - 1);
	(void)send(fd, frame, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
	read_away(fd, false);
	close(fd);
	return true;
}
