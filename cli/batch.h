/*
 * Commands that nobody types: -x SCRIPT and -e COMMAND. And what becomes of a failed
 * command in the exit status.
 */
#ifndef DESCRY_CLI_BATCH_H
#define DESCRY_CLI_BATCH_H

#include "options.h"
#include "terminal.h"

#include <descry/command.h>

/* Exit statuses. Odd ones belong to the guest. */
enum {
	EXIT_GOOD = 0,
	EXIT_USAGE = 2,
	EXIT_ASSERTION = 4,
	EXIT_BAD_END = 6, /* of the guest, or of input/output */
	EXIT_NOT_MODELLED = 8,
};

int batch_exit_status(enum descry_status status);

/*
 * All of them in order, up to the first that fails; its line is on standard error then.
 * quit is set when one of them was `quit`.
 */
int batch_run(const struct options *options, struct descry_session *session,
	      struct terminal *terminal, bool *quit);

#endif
