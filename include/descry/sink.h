/*
 * Where text goes: a terminal, a pipe, a string, a gdb O packet. A render writes to a
 * sink and knows no transport. Owned by monitor.
 */
#ifndef DESCRY_SINK_H
#define DESCRY_SINK_H

#include <descry/compiler.h>

#include <stdbool.h>
#include <stddef.h>

struct descry_sink {
	void *owner;
	void (*write)(void *owner, const char *text, size_t size);
	bool colour;    /* escape sequences are welcome */
	bool json;      /* the same facts as one JSON value a command */
	unsigned width; /* columns that sentences are wrapped at; 0: not known, and 100 is taken */
};

void descry_sink_text(const struct descry_sink *sink, const char *text);
void descry_sink_printf(const struct descry_sink *sink, const char *format, ...)
	DESCRY_PRINTF(2, 3);

/* A sink that grows a string; free() it. */
struct descry_sink_buffer {
	char *text; /* NUL-terminated, or NULL while nothing has been written */
	size_t size;
};
struct descry_sink descry_sink_to_buffer(struct descry_sink_buffer *buffer);

#endif
