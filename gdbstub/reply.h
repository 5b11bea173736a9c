/*
 * What a packet is answered with. A handler returns one of these and sends nothing, so
 * that each packet gets exactly one answer and a test needs no socket. Private to gdbstub.
 */
#ifndef DESCRY_GDB_REPLY_H
#define DESCRY_GDB_REPLY_H

#include <stddef.h>

enum reply_after {
	AFTER_NOTHING,
	AFTER_NO_ACK, /* from now on neither side acknowledges */
	AFTER_DETACH, /* the connection ends, the guest stays stopped */
	AFTER_KILL,   /* the debugger has ended the guest */
};

struct reply {
	const char *text; /* the body; NULL: the packet has no answer */
	size_t size;
	enum reply_after after;
};

/* Errors, as numbers of the protocol (errno, in hexadecimal). */
#define REPLY_FAILED "E01"    /* a command that went wrong; its words have gone before */
#define REPLY_NO_SUCH "E02"   /* no such register, thread or point */
#define REPLY_FAULT "E0e"     /* no memory at that address, or not writable */
#define REPLY_MALFORMED "E16" /* arguments that make no sense */
#define REPLY_TOO_LARGE "E1b" /* more than PacketSize */
#define REPLY_NO_ROOM "E1c"   /* too many breakpoints */

struct reply reply_text(const char *text);
struct reply reply_ok(void);
struct reply reply_unsupported(void); /* the empty one */
struct reply reply_none(void);        /* nothing is sent at all */

#endif
