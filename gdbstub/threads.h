/*
 * The threads that gdb sees. The guest is always there. The host is while a world switch
 * is in flight: then the CPU is the host's, and the guest is what it was at X1. They are
 * coroutines, never more than one runs. Private to gdbstub.
 */
#ifndef DESCRY_GDB_THREADS_H
#define DESCRY_GDB_THREADS_H

#include <descry/world.h>

/* What a packet may name; other numbers name nothing. */
#define THREAD_ALL (-1)
#define THREAD_ANY 0
#define THREAD_GUEST 1
#define THREAD_HOST 2

struct threads {
	struct descry_vcpu *vcpu;
	struct descry_world *world; /* NULL: there is never a host */
	int looked_at;              /* as Hg has said, or the last stop reply */
	int resumed;                /* as Hc has said, for packets older than vCont */
	bool shows_guest;           /* from threads_show() to threads_hide(), in the host's place */
	struct descry_vcpu_image hardware;
};

/* Nobody has chosen any. */
void threads_forget(struct threads *threads);

/* Which one has the CPU. */
int threads_current(const struct threads *threads);

/* Is there such a thread? */
DESCRY_MUST_CHECK bool threads_has(const struct threads *threads, int thread);

/* "guest", "host" */
const char *threads_name(int thread);

/* "X6 software restore"; of the guest, nothing. */
#define THREAD_TEXT 64u
const char *threads_words(const struct threads *threads, int thread, char text[THREAD_TEXT]);

/*
 * From show to hide the CPU holds what it holds for a thread: the guest, too, while the
 * host has it.
 */
void threads_show(struct threads *threads, int thread);
void threads_hide(struct threads *threads);

#endif
