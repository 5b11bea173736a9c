/*
 * The interactive shell: readline with history and completion on a terminal, plain lines
 * from a pipe. The only header that hides readline.
 */
#ifndef DESCRY_CLI_SHELL_H
#define DESCRY_CLI_SHELL_H

#include "terminal.h"
#include "turn.h"

#include <descry/command.h>

/*
 * Until `quit` or the end of the input. On a terminal a command that fails is told and
 * forgotten; from a pipe it is told too, and the first one makes the exit status. The shell
 * has its turn while a command is executed.
 */
int shell_run(struct descry_session *session, struct descry_monitor *monitor,
	      struct terminal *terminal, struct turn *turn);

#endif
