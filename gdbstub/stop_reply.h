/*
 * How a stop of the guest is told to gdb. Private to gdbstub.
 */
#ifndef DESCRY_GDB_STOP_REPLY_H
#define DESCRY_GDB_STOP_REPLY_H

#include "stub.h"

/* Fills stub->stop_reply for a run that has ended now. */
void stop_reply(struct stub *stub, const struct descry_stop *stop);

/* The same for a host that has made a step and keeps the CPU. */
void stop_reply_step(struct stub *stub);

/* The same for a guest that stands and has not been stepped: "Thread 1 stopped", says gdb. */
void stop_reply_no_step(struct stub *stub);

/* The same for a client that asks why the guest stands. One that has ended can still be looked at.
 */
void stop_reply_attach(struct stub *stub, const struct descry_stop *stop);

/* Does the user need the line of the stop, because a signal does not say enough? */
DESCRY_MUST_CHECK bool stop_needs_words(enum descry_stop_reason reason);

#endif
