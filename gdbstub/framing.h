/*
 * Packets on the wire: $BODY#CHECKSUM, and the single bytes between them. Bytes go in,
 * packets come out, and the other way round; nothing here knows a socket or what a packet
 * means. (GDB manual, "Remote Serial Protocol", Overview.) Private to gdbstub.
 */
#ifndef DESCRY_GDB_FRAMING_H
#define DESCRY_GDB_FRAMING_H

#include <descry/compiler.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest body of a packet in either direction, what PacketSize announces. */
#define PACKET_MAX 0x10000u

/* What a frame adds to its body: '$', '#' and two digits. */
#define FRAME_EXTRA 4u

enum frame_event {
	FRAME_MORE,      /* all bytes have been used; nothing is complete */
	FRAME_PACKET,    /* .body and .size are a packet */
	FRAME_ACK,       /* '+' */
	FRAME_NAK,       /* '-': the last reply did not arrive well */
	FRAME_INTERRUPT, /* 03: Ctrl-C */
	FRAME_BROKEN,    /* a packet whose checksum is wrong or whose last escape has no end */
	FRAME_TOO_LONG,  /* a packet whose body is longer than PACKET_MAX */
};

enum framer_state {
	FRAMER_BETWEEN, /* packets: what is not one of the single bytes is noise */
	FRAMER_BODY,
	FRAMER_ESCAPED, /* behind '}' */
	FRAMER_FIRST_DIGIT,
	FRAMER_SECOND_DIGIT,
};

/* Bytes into packets. All zero is a good start. */
struct framer {
	enum framer_state state;
	bool broken;
	bool too_long;
	uint8_t sum;   /* of the body's bytes as they came */
	uint8_t given; /* first digit of the checksum, shifted into place */
	size_t size;
	char body[PACKET_MAX + 1]; /* without escapes; ends in NUL when it is complete */
};

/*
 * Takes bytes up to the end of the next event and says how many in used. Run-length
 * encoding is for replies: a '*' of a request stands for itself, as in the data of X.
 */
enum frame_event framer_push(struct framer *framer, const char *bytes, size_t size, size_t *used);

/* The frame around a body; out has room for size + FRAME_EXTRA, which is returned. */
size_t frame_encode(char *out, const char *body, size_t size);

/*
 * Binary data as it may stand in the body of a reply. Takes as many bytes as fit into
 * room and says how many in taken; returns the size of what has been written.
 */
size_t frame_escape(char *out, size_t room, const char *data, size_t size, size_t *taken);

#endif
