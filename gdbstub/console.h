/*
 * Text on its way to gdb's terminal. It is collected for a moment, because each O packet
 * costs gdb a line of its own. Two threads write: the one that runs the guest, and the one
 * that watches the socket meanwhile. Private to gdbstub.
 */
#ifndef DESCRY_GDB_CONSOLE_H
#define DESCRY_GDB_CONSOLE_H

#include "connection.h"

#include <pthread.h>

struct console {
	pthread_mutex_t lock; /* also of the connection's out-going side, while the guest runs */
	struct connection *connection;
	size_t size;
	char text[OUTPUT_MAX];
};

void console_init(struct console *console, struct connection *connection);
void console_destroy(struct console *console);

void console_write(struct console *console, const char *text, size_t size);
void console_flush(struct console *console);

#endif
