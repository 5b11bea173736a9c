/*
 * Where debuggers connect: a TCP port or a socket in the file system. Private to gdbstub.
 */
#ifndef DESCRY_GDB_LISTENER_H
#define DESCRY_GDB_LISTENER_H

#include <descry/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

#define LISTENER_NAME 160u

struct listener {
	int fd;
	char name[LISTENER_NAME]; /* what gdb's `target remote` takes */
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* to remove; empty: none */
};

/* ":PORT" (loopback only), "HOST:PORT" or "unix:PATH". Port 0 is one that is free. */
enum descry_status listener_open(struct listener *listener, const char *address,
				 struct descry_error *err);
void listener_close(struct listener *listener);

/* A socket; -1: whoever wanted to connect has gone again, or errno says why not. */
int listener_accept(struct listener *listener);

/* Takes whoever wants to connect, says that another debugger is there, and ends it. False: there
 * was nobody. */
bool listener_refuse(struct listener *listener);

#endif
