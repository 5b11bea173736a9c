/*
 * Frames of the remote serial protocol: bytes in, events and bodies out. Oracle: GDB
 * manual, "Remote Serial Protocol", Overview.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "framing.h"

#include <string.h>

#define EVENTS_MAX 6u

struct expected {
	enum frame_event event;
	const char *body; /* of a packet */
	size_t size;
};

#define PACKET(body)                                                                               \
	{                                                                                          \
		FRAME_PACKET, body, sizeof(body) - 1                                               \
	}
#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *what;
	const char *bytes;
	size_t size;
	struct expected events[EVENTS_MAX]; /* up to the first FRAME_MORE */
} cases[] = {
	/* clang-format off */
	{ "a packet", BYTES("$g#67"), { PACKET("g") } },
	{ "an empty packet", BYTES("$#00"), { PACKET("") } },
	{ "digits of the checksum in capitals", BYTES("$OK,#C6"), { PACKET("OK,") } },
	{ "two packets in a row", BYTES("$g#67$s#73"), { PACKET("g"), PACKET("s") } },
	{ "acknowledgements around a packet", BYTES("+$g#67-"),
	  { { FRAME_ACK, NULL, 0 }, PACKET("g"), { FRAME_NAK, NULL, 0 } } },
	{ "Ctrl-C between packets", BYTES("\003$g#67"),
	  { { FRAME_INTERRUPT, NULL, 0 }, PACKET("g") } },
	{ "03 in a packet is data", BYTES("$X\003#5b"), { PACKET("X\003") } },
	{ "noise between packets is nothing", BYTES("hello #7$g#67"), { PACKET("g") } },
	{ "an escape", BYTES("$X}\003#d8"), { PACKET("X#") } },
	{ "an escaped escape", BYTES("$X}]#32"), { PACKET("X}") } },
	{ "an asterisk of a request is no run length", BYTES("$Xa*b#45"), { PACKET("Xa*b") } },
	{ "a NUL is data", BYTES("$X\0#58"), { PACKET("X\0") } },
	{ "'$' begins another packet", BYTES("$m12$g#67"), { PACKET("g") } },
	{ "a wrong checksum", BYTES("$g#68$g#67"), { { FRAME_BROKEN, NULL, 0 }, PACKET("g") } },
	{ "a checksum that is none", BYTES("$g#6x$g#67"),
	  { { FRAME_BROKEN, NULL, 0 }, PACKET("g") } },
	{ "an escape without an end", BYTES("$X}#d5$g#67"),
	  { { FRAME_BROKEN, NULL, 0 }, PACKET("g") } },
	{ "half a packet", BYTES("$m7c00,"), { { FRAME_MORE, NULL, 0 } } },
	{ "a packet without its last digit", BYTES("$g#6"), { { FRAME_MORE, NULL, 0 } } },
	/* clang-format on */
};

static struct framer framer;

static void
assert_event(const struct expected *expected, enum frame_event event)
{
	assert_int_equal(event, expected->event);
	if (event != FRAME_PACKET)
		return;
	assert_int_equal(framer.size, expected->size);
	assert_memory_equal(framer.body, expected->body, expected->size);
	assert_int_equal(framer.body[framer.size], '\0');
}

/* All events of some bytes that come in parts of so many. */
static void
push_in_parts(const char *bytes, size_t size, size_t part, const struct expected *expected)
{
	while (size > 0) {
		const size_t now = size < part ? size : part;
		size_t used;
		const enum frame_event event = framer_push(&framer, bytes, now, &used);

		assert_in_range(used, 1, now);
		if (event != FRAME_MORE)
			assert_event(expected++, event);
		bytes += used;
		size -= used;
	}
	assert_int_equal(expected->event, FRAME_MORE);
}

static void
test_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t part = 1; part <= cases[i].size; part++) {
			print_message("%s, %zu bytes at a time\n", cases[i].what, part);
			memset(&framer, 0, sizeof(framer));
			push_in_parts(cases[i].bytes, cases[i].size, part, cases[i].events);
		}
	}
}

/* The longest body that is announced comes through; a longer one is dropped to its end. */
static void
test_long_bodies(void **state)
{
	static char body[2 * PACKET_MAX], frame[sizeof(body) + FRAME_EXTRA];
	size_t size, used;

	(void)state;
	memset(&framer, 0, sizeof(framer));
	memset(body, 'a', sizeof(body));
	size = frame_encode(frame, body, PACKET_MAX);
	assert_int_equal(framer_push(&framer, frame, size, &used), FRAME_PACKET);
	assert_int_equal(used, size);
	assert_int_equal(framer.size, PACKET_MAX);

	size = frame_encode(frame, body, PACKET_MAX + 1);
	assert_int_equal(framer_push(&framer, frame, size, &used), FRAME_TOO_LONG);
	assert_int_equal(used, size);
	size = frame_encode(frame, body, sizeof(body));
	assert_int_equal(framer_push(&framer, frame, size, &used), FRAME_TOO_LONG);
	assert_int_equal(framer_push(&framer, "$g#67", 5, &used), FRAME_PACKET);
	assert_int_equal(framer.size, 1);
}

static void
test_encode(void **state)
{
	char frame[16];

	(void)state;
	assert_int_equal(frame_encode(frame, "OK", 2), 6);
	assert_memory_equal(frame, "$OK#9a", 6);
	assert_int_equal(frame_encode(frame, "", 0), 4);
	assert_memory_equal(frame, "$#00", 4);
}

static const struct {
	const char *what;
	const char *data;
	size_t size, room, taken;
	const char *out;
} escapes[] = {
	{ "nothing to escape", BYTES("abc"), 8, 3, "abc" },
	{ "'#', '$', '}' and '*'", BYTES("#$}*"), 8, 4, "}\003}\004}]}\n" },
	{ "only what fits is taken", BYTES("abc"), 2, 2, "ab" },
	{ "an escape is not torn apart", BYTES("a#"), 2, 1, "a" },
};

static void
test_escape(void **state)
{
	char out[16];
	size_t taken;

	(void)state;
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		print_message("%s\n", escapes[i].what);
		assert_int_equal(frame_escape(out, escapes[i].room, escapes[i].data,
					      escapes[i].size, &taken),
				 strlen(escapes[i].out));
		assert_int_equal(taken, escapes[i].taken);
		assert_memory_equal(out, escapes[i].out, strlen(escapes[i].out));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_long_bodies),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
