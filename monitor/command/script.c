#include <descry/command.h>

#include "command/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* Puts FILE:LINE before what went wrong. Of scripts that call scripts the innermost counts. */
static void
name_place(struct descry_session *session, struct descry_error *err, const char *path,
	   unsigned line)
{
	const struct descry_error inner = *err;

	if (session->failure_is_placed)
		return;
	session->failure_is_placed = true;
	descry_fail(err, inner.status, "%.120s:%u: %.180s", path, line, inner.text);
}

static enum descry_command_result
execute_lines(struct descry_session *session, FILE *file, const char *path,
	      const struct descry_sink *sink, struct descry_error *err)
{
	enum descry_command_result result = DESCRY_COMMAND_OK;
	char *text = NULL;
	size_t room = 0;
	unsigned line = 0;

	while (result == DESCRY_COMMAND_OK && getline(&text, &room, file) >= 0) {
		line++;
		result = descry_command_execute(session, text, sink, err);
		if (result == DESCRY_COMMAND_INTERRUPTED && err->status == DESCRY_OK)
			descry_fail(err, DESCRY_IO_ERROR, "interrupted");
		if (result != DESCRY_COMMAND_OK && result != DESCRY_COMMAND_QUIT)
			name_place(session, err, path, line);
	}
	if (result == DESCRY_COMMAND_OK && ferror(file)) {
		descry_fail(err, DESCRY_IO_ERROR, "%.120s: %s", path, strerror(errno));
		result = DESCRY_COMMAND_ERROR;
	}
	free(text);
	return result;
}

enum descry_command_result
descry_command_script(struct descry_session *session, const char *path,
		      const struct descry_sink *sink, struct descry_error *err)
{
	enum descry_command_result result;
	FILE *file;

	*err = (struct descry_error){ 0 };
	if (session->script_depth == SCRIPT_DEPTH_MAX) {
		descry_fail(err, DESCRY_BAD_ARGUMENT,
			    "%.120s: scripts that call scripts end after %u levels: does it call "
			    "itself?",
			    path, SCRIPT_DEPTH_MAX);
		return DESCRY_COMMAND_ERROR;
	}
	file = fopen(path, "re");
	if (file == NULL) {
		descry_fail(err, errno == ENOENT ? DESCRY_NOT_FOUND : DESCRY_IO_ERROR, "%.120s: %s",
			    path, strerror(errno));
		return DESCRY_COMMAND_ERROR;
	}
	if (session->script_depth++ == 0)
		session->failure_is_placed = false;
	result = execute_lines(session, file, path, sink, err);
	session->script_depth--;
	fclose(file);
	return result;
}
