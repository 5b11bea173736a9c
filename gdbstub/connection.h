/*
 * The socket of one debugger: bytes in and out, acknowledgements, and the last reply in
 * case it has to be sent again. Private to gdbstub.
 */
#ifndef DESCRY_GDB_CONNECTION_H
#define DESCRY_GDB_CONNECTION_H

#include "framing.h"
#include "reply.h"

#include <stdatomic.h>

struct connection {
	int fd;
	int wake_fd; /* readable: whoever waits for the client has to give up */
	bool no_ack;
	atomic_bool lost; /* nothing more can be said or heard */

	size_t in_at, in_end;
	char in[PACKET_MAX];
	struct framer framer;

	size_t out_size;
	char out[PACKET_MAX + FRAME_EXTRA]; /* the last reply */
};

void connection_open(struct connection *connection, int fd, int wake_fd);
void connection_close(struct connection *connection);

/*
 * The next packet among the bytes that have come, in .framer. False: there is none yet.
 * What is no good is answered here.
 */
DESCRY_MUST_CHECK bool connection_take(struct connection *connection);

/* Takes in what has come, once the socket is readable. May set lost. */
void connection_receive(struct connection *connection);

/* Stays awake for a moment until something has come. False: nothing has. May set lost. */
DESCRY_MUST_CHECK bool connection_receive_soon(struct connection *connection);

/* Has the client, behind acknowledgements, said anything that has not been taken yet? */
DESCRY_MUST_CHECK bool connection_has_input(struct connection *connection);

/* A Ctrl-C in front of all that waits to be taken is used up. False: there is none. */
bool connection_skip_interrupt(struct connection *connection);

void connection_reply(struct connection *connection, const struct reply *reply);

/* Can an O packet be sent without waiting? */
DESCRY_MUST_CHECK bool connection_has_room(const struct connection *connection);

/* An O packet: text for the user's terminal. At most OUTPUT_MAX bytes. */
#define OUTPUT_MAX 1024u
void connection_output(struct connection *connection, const char *text, size_t size);

#endif
