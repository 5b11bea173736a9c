/*
 * Packets that no debugger would send, to a stub with a live guest behind it. Inputs are made
 * from good packets by mutation, framed well or badly, and go in by the byte; whatever
 * comes, each packet gets one answer that can be sent, and the session stays intact.
 *
 *	fuzz_packets [-s SEED] [-f FIRST] [-n EPOCHS] [-v] IMAGE
 *
 * An epoch is EPOCH_INPUTS inputs from a fresh start; it depends on nothing but SEED and its
 * number. To find a failure again: -v names each epoch before it begins, -f N -n 1 runs it
 * alone.
 */
#include "framing.h"
#include "registers.h"
#include "stub.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EPOCH_INPUTS 256u
#define BODY_MAX 0x800u
#define INPUT_MAX 0x20000u

/* What one run may last: by now the guest may well be endless. */
#define RUN_MAX 500u

struct fuzz {
	struct descry_monitor *monitor;
	struct descry_world *world;
	struct descry_session *session;
	struct stub *stub;
	struct framer framer, check;
	uint64_t random;
	uint64_t packets, events; /* how many came out, in all */
	size_t register_digits;   /* of g */
};

/* --- chance ------------------------------------------------------------------------------------
 */

/* xorshift64* (Vigna): good enough to choose mutations, and the same everywhere. */
static uint64_t
next_random(struct fuzz *fuzz)
{
	fuzz->random ^= fuzz->random >> 12;
	fuzz->random ^= fuzz->random << 25;
	fuzz->random ^= fuzz->random >> 27;
	return fuzz->random * 0x2545f4914f6cdd1du;
}

static size_t
below(struct fuzz *fuzz, size_t limit)
{
	return limit == 0 ? 0 : (size_t)((next_random(fuzz) >> 32) % limit);
}

static bool
one_in(struct fuzz *fuzz, size_t count)
{
	return below(fuzz, count) == 0;
}

/* --- good packets, and what to do to them --------------------------------------------- */

struct body {
	char text[BODY_MAX];
	size_t size;
};

static const char *const seeds[] = {
	"?",
	"c",
	"s",
	"s7c00",
	"c7c05",
	"C0b",
	"S05;7c00",
	"vCont?",
	"vCont;c",
	"vCont;s:1;c",
	"vCont;s:2;c",
	"vCont;s:2",
	"vCont;s:1",
	"vCont;c:2",
	"vCont;C05:-1",
	"g",
	"p8",
	"p5d",
	"P8=007c0000",
	"P0=efbeadde",
	"Pa=10000000",
	"P4c=ffff0000",
	"P4d=93000000",
	"P29=11000000",
	"P9=02020300",
	"P2e=00000000",
	"m7c00,40",
	"mfffffff0,20",
	"m0,8000",
	"M500,4:90909090",
	"M7c00,2:ebfe",
	"X500,4:\x90\x01}\x03",
	"X500,0:",
	"M7c05,1:f4",
	"M7c05,3:0f0b90",
	"Z0,7c05,1",
	"Z1,7c1f,1",
	"Z2,7c1f,1",
	"z0,7c05,1",
	"z1,7c1f,1",
	"qSupported:multiprocess+;swbreak+;hwbreak+;xmlRegisters=i386",
	"QStartNoAckMode",
	"qXfer:features:read:target.xml:0,ffb",
	"qXfer:features:read:target.xml:1000,100",
	"qXfer:threads:read::0,fff",
	"qHostInfo",
	"qRcmd,73726567",                                       /* sreg */
	"qRcmd,72656773",                                       /* regs */
	"qRcmd,782f34206373",                                   /* x/4 cs */
	"qRcmd,737465702033",                                   /* step 3 */
	"qRcmd,68656c70",                                       /* help */
	"qRcmd,726573657420",                                   /* reset */
	"qRcmd,776f726c6420626567696e",                         /* world begin */
	"qRcmd,776f726c642073746570",                           /* world step */
	"qRcmd,776f726c642066696e697368",                       /* world finish */
	"qRcmd,776f726c64207573652073656c6563746f722d7265616c", /* world use selector-real */
	"qRcmd,776f726c642075736520766d78",                     /* world use vmx */
	"Hg0",
	"Hg1",
	"Hg2",
	"Hc-1",
	"Hc2",
	"T1",
	"T2",
	"qC",
	"qfThreadInfo",
	"qsThreadInfo",
	"qThreadExtraInfo,1",
	"qThreadExtraInfo,2",
	"qAttached:1",
	"D;1",
	"k",
	"vKill;1",
	"vMustReplyEmpty",
	"vFile:open:61,0,0",
	"!",
};

static const char *const numbers[] = {
	"0",
	"1",
	"-1",
	"7fffffff",
	"80000000",
	"ffffffff",
	"100000000",
	"7fffffffffffffff",
	"ffffffffffffffff",
	"10000000000000000",
	"8001",
	"10001",
	"00000000000000000000000000000001",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
set_text(struct body *body, const char *text)
{
	body->size = strlen(text);
	memcpy(body->text, text, body->size);
}

/* Puts bytes in place of those from at to end. */
static void
replace(struct body *body, size_t at, size_t end, const char *bytes, size_t size)
{
	if (body->size - (end - at) + size > BODY_MAX)
		return;
	memmove(body->text + at + size, body->text + end, body->size - end);
	memcpy(body->text + at, bytes, size);
	body->size = body->size - (end - at) + size;
}

static void
change_byte(struct fuzz *fuzz, struct body *body)
{
	if (body->size > 0)
		body->text[below(fuzz, body->size)] = (char)next_random(fuzz);
}

static void
flip_bit(struct fuzz *fuzz, struct body *body)
{
	if (body->size > 0)
		body->text[below(fuzz, body->size)] ^= (char)(1u << below(fuzz, 7));
}

static void
cut(struct fuzz *fuzz, struct body *body)
{
	const size_t at = below(fuzz, body->size + 1);

	replace(body, at, at + below(fuzz, body->size - at + 1), "", 0);
}

static void
insert_noise(struct fuzz *fuzz, struct body *body)
{
	char noise[16];
	const size_t at = below(fuzz, body->size + 1), size = below(fuzz, sizeof(noise));

	for (size_t i = 0; i < size; i++)
		noise[i] = (char)next_random(fuzz);
	replace(body, at, at, noise, size);
}

static void
repeat_part(struct fuzz *fuzz, struct body *body)
{
	char part[BODY_MAX];
	const size_t at = below(fuzz, body->size + 1), size = below(fuzz, body->size - at + 1);

	memcpy(part, body->text + at, size);
	for (size_t i = below(fuzz, 8); i > 0; i--)
		replace(body, at, at, part, size);
}

/* A number of the packet becomes one at the edge of something. */
static void
change_number(struct fuzz *fuzz, struct body *body)
{
	const char *number = numbers[below(fuzz, COUNT(numbers))];
	const size_t at = below(fuzz, body->size + 1);
	size_t end = at;

	while (end < body->size && strchr("0123456789abcdef", body->text[end]) != NULL)
		end++;
	replace(body, at, end, number, strlen(number));
}

static void
splice(struct fuzz *fuzz, struct body *body)
{
	const char *other = seeds[below(fuzz, COUNT(seeds))];
	const size_t at = below(fuzz, body->size + 1), from = below(fuzz, strlen(other) + 1);

	replace(body, at, body->size, other + from, strlen(other) - from);
}

static void (*const mutations[])(struct fuzz *, struct body *) = {
	change_byte, flip_bit, cut, insert_noise, repeat_part, change_number, splice,
};

/* P with as many digits as the register has. */
static void
make_assignment(struct fuzz *fuzz, struct body *body)
{
	const unsigned number = (unsigned)below(fuzz, gdb_register_count);
	const unsigned digits = register_digits(&gdb_registers[number]);

	body->size = (size_t)snprintf(body->text, BODY_MAX, "P%x=", number);
	for (unsigned i = 0; i < digits; i++)
		body->text[body->size++] =
			one_in(fuzz, 2) ? '0' : "0123456789abcdef"[below(fuzz, 16)];
}

/* G with what g says, but for some digits. */
static void
make_all_assignments(struct fuzz *fuzz, struct body *body)
{
	const struct reply reply = stub_handle(fuzz->stub, "g", 1);

	assert(reply.size < BODY_MAX);
	body->size = 1 + reply.size;
	body->text[0] = 'G';
	memcpy(body->text + 1, reply.text, reply.size);
	for (size_t i = below(fuzz, 4); i > 0; i--)
		body->text[1 + below(fuzz, reply.size)] = "0123456789abcdefx"[below(fuzz, 17)];
}

static void
make_body(struct fuzz *fuzz, struct body *body)
{
	if (one_in(fuzz, 8))
		make_assignment(fuzz, body);
	else if (one_in(fuzz, 16))
		make_all_assignments(fuzz, body);
	else
		set_text(body, seeds[below(fuzz, COUNT(seeds))]);
	for (size_t i = below(fuzz, 5); i > 0; i--)
		mutations[below(fuzz, COUNT(mutations))](fuzz, body);
}

/* --- inputs ------------------------------------------------------------------------------------
 */

struct input {
	char bytes[INPUT_MAX];
	size_t size;
};

static void
append(struct input *input, const char *bytes, size_t size)
{
	if (size > INPUT_MAX - input->size)
		size = INPUT_MAX - input->size;
	memcpy(input->bytes + input->size, bytes, size);
	input->size += size;
}

/* The body as a client would escape it. Now and then not, and with another checksum. */
static void
append_frame(struct fuzz *fuzz, struct input *input, const struct body *body)
{
	char escaped[2 * BODY_MAX], frame[2 * BODY_MAX + FRAME_EXTRA];
	const bool raw = one_in(fuzz, 16);
	size_t taken, size;

	if (raw)
		memcpy(escaped, body->text, body->size);
	size = raw ? body->size
		   : frame_escape(escaped, sizeof(escaped), body->text, body->size, &taken);
	size = frame_encode(frame, escaped, size);
	if (one_in(fuzz, 16))
		frame[size - 1 - below(fuzz, 2)] = (char)next_random(fuzz);
	append(input, frame, one_in(fuzz, 32) ? below(fuzz, size) : size);
}

static void
append_noise(struct fuzz *fuzz, struct input *input)
{
	static const char between[] = "+-\x03$#}*";
	char noise[32];
	const size_t size = below(fuzz, sizeof(noise));

	for (size_t i = 0; i < size; i++)
		noise[i] = one_in(fuzz, 2) ? between[below(fuzz, sizeof(between) - 1)]
					   : (char)next_random(fuzz);
	append(input, noise, size);
}

/* A body that never seems to end: longer than any buffer, at times, by coming again and again. */
static void
append_endless(struct fuzz *fuzz, struct input *input)
{
	char block[0x1000];

	memset(block, 'a' + (int)below(fuzz, 6), sizeof(block));
	append(input, "$m", 2);
	for (size_t i = below(fuzz, 24); i > 0; i--)
		append(input, block, sizeof(block));
}

static void
make_input(struct fuzz *fuzz, struct input *input)
{
	struct body body;

	input->size = 0;
	for (size_t i = 1 + below(fuzz, 3); i > 0; i--) {
		if (one_in(fuzz, 16))
			append_noise(fuzz, input);
		if (one_in(fuzz, 256))
			append_endless(fuzz, input);
		make_body(fuzz, &body);
		append_frame(fuzz, input, &body);
	}
}

/* --- what must hold ------------------------------------------------------------------------------
 */

/* A reply travels in one frame, and arrives as what it was. */
static void
check_reply(struct fuzz *fuzz, const struct reply *reply)
{
	static char frame[PACKET_MAX + FRAME_EXTRA];
	size_t size, used;

	if (reply->text == NULL) {
		assert(reply->after == AFTER_KILL);
		return;
	}
	assert(reply->size <= PACKET_MAX);
	size = frame_encode(frame, reply->text, reply->size);
	assert(framer_push(&fuzz->check, frame, size, &used) == FRAME_PACKET);
	assert(used == size);
	if (memchr(reply->text, '}', reply->size) == NULL) {
		assert(fuzz->check.size == reply->size);
		assert(memcmp(fuzz->check.body, reply->text, reply->size) == 0);
	}
}

static struct reply
handle(struct fuzz *fuzz)
{
	const struct reply reply = stub_handle(fuzz->stub, fuzz->framer.body, fuzz->framer.size);

	fuzz->packets++;
	check_reply(fuzz, &reply);
	if (reply.after == AFTER_DETACH || reply.after == AFTER_KILL)
		stub_forget_client(fuzz->stub);
	return reply;
}

static void
feed(struct fuzz *fuzz, const char *bytes, size_t size)
{
	while (size > 0) {
		size_t used;
		const enum frame_event event = framer_push(&fuzz->framer, bytes, size, &used);

		assert(used > 0 && used <= size);
		fuzz->events += event != FRAME_MORE;
		if (event == FRAME_PACKET)
			handle(fuzz);
		bytes += used;
		size -= used;
	}
}

/* The next question gets its answer, whatever has come before. */
static void
check_intact(struct fuzz *fuzz)
{
	static const char question[] = "$qC#b4";
	struct reply reply;
	size_t used;

	fuzz->framer.state = FRAMER_BETWEEN;
	assert(framer_push(&fuzz->framer, question, sizeof(question) - 1, &used) == FRAME_PACKET);
	reply = handle(fuzz);
	assert(reply.size == 3 && memcmp(reply.text, "QC", 2) == 0);
	reply = stub_handle(fuzz->stub, "Hg0", 3);
	assert(reply.size == 2 && memcmp(reply.text, "OK", 2) == 0);
	reply = stub_handle(fuzz->stub, "g", 1);
	assert(reply.size == fuzz->register_digits);
}

static void
run_epoch(struct fuzz *fuzz, uint64_t seed, uint64_t epoch)
{
	static struct input input;

	fuzz->random = (seed * 0x9e3779b97f4a7c15u) ^ (epoch + 1) * 0xbf58476d1ce4e5b9u;
	if (fuzz->random == 0)
		fuzz->random = 1;
	assert(descry_monitor_reset(fuzz->monitor) == DESCRY_OK);
	stub_forget_client(fuzz->stub);
	fuzz->framer.state = FRAMER_BETWEEN;
	for (unsigned i = 0; i < EPOCH_INPUTS; i++) {
		make_input(fuzz, &input);
		feed(fuzz, input.bytes, input.size);
		if (one_in(fuzz, 8))
			check_intact(fuzz);
	}
}

/* --- around it ------------------------------------------------------------------------ */

static void
output(void *owner, const char *text, size_t size)
{
	(void)owner, (void)text;
	assert(size < 0x100000);
}

static void
run_begins(void *owner, enum stub_run kind)
{
	(void)owner, (void)kind;
}

static bool
run_ends(void *owner)
{
	(void)owner;
	return true;
}

/* The linker puts this in place of descry_monitor_run(), which is __real_... then. */
void __real_descry_monitor_run(struct descry_monitor *monitor,
			       const struct descry_run_request *request, struct descry_stop *stop);
void __wrap_descry_monitor_run(struct descry_monitor *monitor,
			       const struct descry_run_request *request, struct descry_stop *stop);

void
__wrap_descry_monitor_run(struct descry_monitor *monitor, const struct descry_run_request *request,
			  struct descry_stop *stop)
{
	struct descry_run_request shorter = *request;

	if (shorter.count == 0 || shorter.count > RUN_MAX)
		shorter.count = RUN_MAX;
	__real_descry_monitor_run(monitor, &shorter, stop);
}

static void
open_fuzz(struct fuzz *fuzz, const char *image)
{
	const struct descry_options options = { .ram_mib = 2, .image = image };
	const struct stub_outlet outlet = { fuzz, output, run_begins, run_ends };
	struct descry_error err;

	if (descry_monitor_create(&options, &fuzz->monitor, &err) != DESCRY_OK) {
		fprintf(stderr, "fuzz_packets: %s\n", err.text);
		exit(2);
	}
	assert(descry_world_create(fuzz->monitor, &fuzz->world) == DESCRY_OK);
	assert(descry_session_create(fuzz->monitor, fuzz->world, &fuzz->session) == DESCRY_OK);
	fuzz->stub = stub_create(fuzz->monitor, fuzz->world, fuzz->session, &outlet);
	assert(fuzz->stub != NULL);
	for (unsigned i = 0; i < gdb_register_count; i++)
		fuzz->register_digits += register_digits(&gdb_registers[i]);
}

static void
close_fuzz(struct fuzz *fuzz)
{
	stub_destroy(fuzz->stub);
	descry_session_destroy(fuzz->session);
	descry_world_destroy(fuzz->world);
	descry_monitor_destroy(fuzz->monitor);
}

int
main(int argc, char **argv)
{
	static struct fuzz fuzz;
	uint64_t seed = 1, first = 0, epochs = 80;
	bool verbose = false;
	int option;

	while ((option = getopt(argc, argv, "s:f:n:v")) != -1) {
		if (option == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (option == 'f')
			first = strtoull(optarg, NULL, 0);
		else if (option == 'n')
			epochs = strtoull(optarg, NULL, 0);
		else if (option == 'v')
			verbose = true;
		else
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr,
			"usage: fuzz_packets [-s SEED] [-f FIRST] [-n EPOCHS] [-v] IMAGE\n");
		return 2;
	}
	open_fuzz(&fuzz, argv[optind]);
	for (uint64_t epoch = first; epoch < first + epochs; epoch++) {
		if (verbose)
			fprintf(stderr, "epoch %" PRIu64 "\n", epoch);
		run_epoch(&fuzz, seed, epoch);
	}
	printf("%" PRIu64 " inputs, %" PRIu64 " events, %" PRIu64 " packets answered\n",
	       epochs * EPOCH_INPUTS, fuzz.events, fuzz.packets);
	close_fuzz(&fuzz);
	return 0;
}
