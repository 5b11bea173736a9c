/*
 * Ctrl-C. While the guest runs it stops the guest; at the prompt it drops the line; where
 * neither is the case it ends the program with a line.
 */
#ifndef DESCRY_CLI_INTERRUPT_H
#define DESCRY_CLI_INTERRUPT_H

#include <descry/monitor.h>

void interrupt_install(void);

/* From here on Ctrl-C stops the guest of this monitor. */
void interrupt_guest(struct descry_monitor *monitor);

/* From here on it is noted and does nothing else; one that came too late for a run is
 * forgotten. */
void interrupt_prompt(struct descry_monitor *monitor);

/* From here on it calls this, in the signal handler, and does nothing else; NULL: no more. */
void interrupt_end(void (*fn)(void *owner), void *owner);

/* Has it been pressed since interrupt_prompt() or the last time somebody asked? */
bool interrupt_pressed(void);

#endif
