/*
 * The commands that every front end shares. A line goes in; text or JSON goes to a sink;
 * a result says how it went. A command knows neither terminal nor transport: the shell,
 * a script and `monitor COMMAND` of a debugger are the same rows. Owned by monitor.
 */
#ifndef DESCRY_COMMAND_H
#define DESCRY_COMMAND_H

#include <descry/monitor.h>
#include <descry/sink.h>
#include <descry/world.h>

/*
 * One conversation with a monitor: what commands remember from one line to the next, such
 * as where `x` goes on. Monitor and world must outlive it.
 */
struct descry_session;

enum descry_status descry_session_create(struct descry_monitor *monitor, struct descry_world *world,
					 struct descry_session **out);
void descry_session_destroy(struct descry_session *session);

enum descry_command_result {
	DESCRY_COMMAND_OK,
	DESCRY_COMMAND_QUIT,        /* the user wants to leave */
	DESCRY_COMMAND_INTERRUPTED, /* Ctrl-C has stopped the guest: what was to follow does not */
	DESCRY_COMMAND_ERROR,       /* err says what, where and what to do */
	DESCRY_COMMAND_ASSERTION,   /* an assertion does not hold; err names it and its values */
};

/* An empty line and a comment (# ...) are fine and do nothing. */
enum descry_command_result descry_command_execute(struct descry_session *session, const char *line,
						  const struct descry_sink *sink,
						  struct descry_error *err);

/*
 * Executes the lines of a file and stops at the first that fails, or that a Ctrl-C
 * interrupts. err then begins with FILE:LINE.
 */
enum descry_command_result descry_command_script(struct descry_session *session, const char *path,
						 const struct descry_sink *sink,
						 struct descry_error *err);

/*
 * What an empty line after this one means: the line to execute again ("x/4xw" goes on
 * where the last one ended). False when the command is not one to repeat.
 */
DESCRY_MUST_CHECK bool descry_command_repeat(const char *line, char *buffer, size_t size);

/* A line with its end; a longer one is refused. */
#define DESCRY_LINE_MAX 1024u

/* --- completion ----------------------------------------------------------------------- */

enum descry_completion {
	DESCRY_COMPLETE_WORDS, /* each candidate has been handed to add() */
	DESCRY_COMPLETE_FILES, /* the word is a file name: the front end knows how */
};

/* What ends a word for the purposes of completion. */
#define DESCRY_COMPLETION_BREAKS " \t\n()[]+*%<>=!&|^~,:"

typedef void descry_completion_fn(void *owner, const char *candidate);

/* Candidates for the last word of a line, up to the cursor; a line that ends in a blank has an
 * empty last word. */
enum descry_completion descry_command_complete(struct descry_session *session, const char *line,
					       descry_completion_fn *add, void *owner);

/* --- the end of a run ----------------------------------------------------------------- */

/* {"error", "status"} on a sink for JSON, so that each command gives one value; else nothing. */
void descry_error_render(const struct descry_error *err, const struct descry_sink *sink);

/* On a sink for JSON: what has stopped the guest, after so many seconds, and the rate. */
void descry_run_render(struct descry_monitor *monitor, const struct descry_stop *stop,
		       double seconds, const struct descry_sink *sink);

/* --- the table, for whoever writes the reference -------------------------------------- */

/* The command reference as Markdown, from the table that is executed. */
void descry_command_reference(const struct descry_sink *sink);

#endif
