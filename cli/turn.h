/*
 * Whose turn it is: the shell's, or that of the debugger beside it. Whoever has it may
 * touch the monitor, the session and the terminal.
 */
#ifndef DESCRY_CLI_TURN_H
#define DESCRY_CLI_TURN_H

#include <descry/compiler.h>

#include <pthread.h>
#include <stdbool.h>

struct turn {
	pthread_mutex_t mutex;
};

void turn_init(struct turn *turn);
void turn_destroy(struct turn *turn);

void turn_take(struct turn *turn);
void turn_give(struct turn *turn);

/* Waits a moment only; false: somebody else goes on having it. */
DESCRY_MUST_CHECK bool turn_take_soon(struct turn *turn);

#endif
