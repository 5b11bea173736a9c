#include "framing.h"

#include "hex.h"

#include <string.h>

#define ESCAPE '}'
#define ESCAPE_MASK 0x20
#define INTERRUPT 0x03

static void
begin_packet(struct framer *framer)
{
	framer->state = FRAMER_BODY;
	framer->broken = false;
	framer->too_long = false;
	framer->sum = 0;
	framer->size = 0;
}

static enum frame_event
push_between(struct framer *framer, char byte)
{
	switch (byte) {
	case '$':
		begin_packet(framer);
		return FRAME_MORE;
	case '+':
		return FRAME_ACK;
	case '-':
		return FRAME_NAK;
	case INTERRUPT:
		return FRAME_INTERRUPT;
	default:
		return FRAME_MORE;
	}
}

static void
append(struct framer *framer, char byte)
{
	if (framer->size < PACKET_MAX)
		framer->body[framer->size++] = byte;
	else
		framer->too_long = true;
}

/* '#' ends a body and '$' begins another one, wherever they stand. */
static void
push_body(struct framer *framer, char byte)
{
	const bool escaped = framer->state == FRAMER_ESCAPED;

	if (byte == '$') {
		begin_packet(framer);
		return;
	}
	if (byte == '#') {
		framer->broken = escaped;
		framer->state = FRAMER_FIRST_DIGIT;
		return;
	}
	framer->sum = (uint8_t)(framer->sum + (uint8_t)byte);
	framer->state = FRAMER_BODY;
	if (escaped)
		append(framer, (char)(byte ^ ESCAPE_MASK));
	else if (byte == ESCAPE)
		framer->state = FRAMER_ESCAPED;
	else
		append(framer, byte);
}

static uint8_t
checksum_digit(struct framer *framer, char byte)
{
	const int digit = hex_digit(byte);

	if (digit < 0)
		framer->broken = true;
	return (uint8_t)(digit & 15);
}

static enum frame_event
end_packet(struct framer *framer, char byte)
{
	const uint8_t given = (uint8_t)(framer->given | checksum_digit(framer, byte));

	framer->state = FRAMER_BETWEEN;
	framer->body[framer->size] = '\0';
	if (framer->broken || given != framer->sum)
		return FRAME_BROKEN;
	return framer->too_long ? FRAME_TOO_LONG : FRAME_PACKET;
}

static enum frame_event
push_byte(struct framer *framer, char byte)
{
	switch (framer->state) {
	case FRAMER_BETWEEN:
		return push_between(framer, byte);
	case FRAMER_BODY:
	case FRAMER_ESCAPED:
		push_body(framer, byte);
		break;
	case FRAMER_FIRST_DIGIT:
		framer->given = (uint8_t)(checksum_digit(framer, byte) << 4);
		framer->state = FRAMER_SECOND_DIGIT;
		break;
	case FRAMER_SECOND_DIGIT:
		return end_packet(framer, byte);
	}
	return FRAME_MORE;
}

enum frame_event
framer_push(struct framer *framer, const char *bytes, size_t size, size_t *used)
{
	enum frame_event event = FRAME_MORE;
	size_t at = 0;

	while (at < size && event == FRAME_MORE)
		event = push_byte(framer, bytes[at++]);
	*used = at;
	return event;
}

size_t
frame_encode(char *out, const char *body, size_t size)
{
	uint8_t sum = 0;

	out[0] = '$';
	memcpy(out + 1, body, size);
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + (uint8_t)body[i]);
	out[size + 1] = '#';
	hex_encode(out + size + 2, &sum, 1);
	return size + FRAME_EXTRA;
}

static bool
needs_escape(char byte)
{
	return byte == '$' || byte == '#' || byte == ESCAPE || byte == '*';
}

size_t
frame_escape(char *out, size_t room, const char *data, size_t size, size_t *taken)
{
	size_t used = 0, i;

	for (i = 0; i < size; i++) {
		const size_t wanted = needs_escape(data[i]) ? 2 : 1;

		if (used + wanted > room)
			break;
		if (wanted == 2)
			out[used++] = ESCAPE;
		out[used++] = (char)(wanted == 2 ? data[i] ^ ESCAPE_MASK : data[i]);
	}
	*taken = i;
	return used;
}
