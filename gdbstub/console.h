/*
 * Text on its way to gdb's terminal. It is collected for a moment, because each O packet
 * costs gdb a line of its own. Two threads write: the one that runs the guest, and the one
 * that watches the socket meanwhile. Private to gdbstub.
 */
#ifndef DESCRY_GDB_CONSOLE_H
#define DESCRY_GDB_CONSOLE_H

#include "connection.h"

#include <pthread.h>
#include <stdatomic.h>

struct console {
	pthread_mutex_t lock; /* also of the connection's out-going side, while the guest runs */
	struct connection *connection;
	atomic_bool muted; /* nobody waits for the text any more: it is dropped */
	size_t size;
	char text[OUTPUT_MAX];
};

void console_init(struct console *console, struct connection *connection);
void console_destroy(struct console *console);

void console_write(struct console *console, const char *text, size_t size);
void console_flush(struct console *console);

/* Only if that takes no time: nobody else is sending, and there is room. */
void console_try_flush(struct console *console);

void console_mute(struct console *console);

/* Was it muted? */
bool console_unmute(struct console *console);

#endif
