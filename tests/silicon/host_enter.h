/*
 * Into a snippet and back, on the CPU under us. All registers of the thread, segments
 * included, are exchanged through the frame of a signal; whatever ends the snippet is a
 * signal again, with the vector and error code of the CPU in its frame.
 */
#ifndef SILICON_HOST_ENTER_H
#define SILICON_HOST_ENTER_H

#include "protocol.h"

#include <stdbool.h>

/* Handlers, their stack and the watch over endless snippets. False: the system refuses. */
bool host_enter_setup(void);

/* Runs what lies at in->sreg[CS]:in->eip; fills .out, .trap and .error of the result. */
void host_enter(const struct registers *in, struct test_result *result);

#endif
