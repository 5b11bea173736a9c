/*
 * Standard output as two things share it: what the guest's console writes, and what
 * commands say. A command's text begins on a line of its own.
 */
#ifndef DESCRY_CLI_TERMINAL_H
#define DESCRY_CLI_TERMINAL_H

#include <descry/sink.h>
#include <descry/status.h>

struct terminal {
	bool is_terminal;
	bool json; /* standard output holds JSON alone, the guest's console is on standard error */
	bool line_is_open; /* the guest has written a line that has no end yet */
};

void terminal_init(struct terminal *terminal);

/* For struct descry_options: the guest's console. */
void terminal_console(void *owner, const char *text, size_t size);

/* For what commands say. */
struct descry_sink terminal_sink(struct terminal *terminal);

/* What has failed: a line on standard error, and an object where JSON is asked for. */
void terminal_fail(struct terminal *terminal, const struct descry_error *err);

/* A line, "descry: ...", "descry: ...", on standard error. */
void terminal_error(struct terminal *terminal, const char *text);

/* False, and the reason has been told, when something could not be written. */
DESCRY_MUST_CHECK bool terminal_close(struct terminal *terminal);

#endif
