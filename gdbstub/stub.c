#include "stub.h"

#include "target_xml.h"

#include <descry/sink.h>

#include <stdlib.h>
#include <string.h>

/* --- life ----------------------------------------------------------------------------- */

struct stub *
stub_create(struct descry_monitor *monitor, struct descry_session *session,
	    const struct stub_outlet *outlet)
{
	struct descry_sink_buffer xml;
	const struct descry_sink sink = descry_sink_to_buffer(&xml);
	struct stub *stub = calloc(1, sizeof(*stub));

	if (stub == NULL)
		return NULL;
	target_xml_write(&sink);
	stub->monitor = monitor;
	stub->session = session;
	stub->outlet = *outlet;
	stub->target_xml = xml.text;
	stub->target_xml_size = xml.size;
	if (xml.text == NULL) {
		stub_destroy(stub);
		return NULL;
	}
	return stub;
}

void
stub_destroy(struct stub *stub)
{
	if (stub == NULL)
		return;
	stub_forget_client(stub);
	free(stub->target_xml);
	free(stub);
}

void
stub_forget_client(struct stub *stub)
{
	points_clear(&stub->points, stub->monitor);
	stub->takes_swbreak = false;
	stub->takes_hwbreak = false;
}

void
stub_say(struct stub *stub, const char *line)
{
	stub->outlet.output(stub->outlet.owner, line, strlen(line));
	stub->outlet.output(stub->outlet.owner, "\n", 1);
}

/* --- packets -------------------------------------------------------------------------- */

/* A packet without arguments is its name; any other one begins with it. */
static const struct packet {
	const char *name;
	enum arguments arguments;
	packet_fn *handle;
} packets[] = {
	/* clang-format off */
	{ "?",        ARGUMENTS_NONE,       on_why },
	{ "c",        ARGUMENTS_RESUME,     on_continue },
	{ "s",        ARGUMENTS_RESUME,     on_step },
	{ "C",        ARGUMENTS_SIGNAL,     on_continue_signal },
	{ "S",        ARGUMENTS_SIGNAL,     on_step_signal },
	{ "vCont?",   ARGUMENTS_NONE,       on_resume_query },
	{ "vCont;",   ARGUMENTS_TEXT,       on_resume },

	{ "g",        ARGUMENTS_NONE,       on_read_registers },
	{ "G",        ARGUMENTS_TEXT,       on_write_registers },
	{ "p",        ARGUMENTS_REGISTER,   on_read_register },
	{ "P",        ARGUMENTS_ASSIGNMENT, on_write_register },
	{ "m",        ARGUMENTS_RANGE,      on_read_memory },
	{ "M",        ARGUMENTS_STORE,      on_write_memory },
	{ "X",        ARGUMENTS_STORE,      on_write_binary },
	{ "Z",        ARGUMENTS_POINT,      on_insert_point },
	{ "z",        ARGUMENTS_POINT,      on_remove_point },

	{ "qSupported",           ARGUMENTS_TEXT,   on_supported },
	{ "QStartNoAckMode",      ARGUMENTS_NONE,   on_no_ack },
	{ "qXfer:features:read:", ARGUMENTS_OBJECT, on_read_features },
	{ "qHostInfo",            ARGUMENTS_NONE,   on_host_info },
	{ "qRcmd,",               ARGUMENTS_TEXT,   on_monitor },

	{ "Hg",                ARGUMENTS_THREAD, on_thread },
	{ "Hc",                ARGUMENTS_THREAD, on_thread },
	{ "T",                 ARGUMENTS_THREAD, on_thread },
	{ "qC",                ARGUMENTS_NONE,   on_current_thread },
	{ "qfThreadInfo",      ARGUMENTS_NONE,   on_threads },
	{ "qsThreadInfo",      ARGUMENTS_NONE,   on_no_more_threads },
	{ "qThreadExtraInfo,", ARGUMENTS_THREAD, on_thread_info },

	{ "qAttached", ARGUMENTS_TEXT, on_attached },
	{ "D",         ARGUMENTS_TEXT, on_detach },
	{ "k",         ARGUMENTS_TEXT, on_kill },
	{ "vKill;",    ARGUMENTS_TEXT, on_kill_process },
	/* clang-format on */
};

static bool
is_named(const struct packet *packet, const char *text, size_t size)
{
	const size_t length = strlen(packet->name);

	if (packet->arguments == ARGUMENTS_NONE && size != length)
		return false;
	return size >= length && memcmp(text, packet->name, length) == 0;
}

static const struct packet *
find_packet(const char *text, size_t size)
{
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		if (is_named(&packets[i], text, size))
			return &packets[i];
	}
	return NULL;
}

/* What is not in the table is not supported: vMustReplyEmpty asks whether we say so. */
struct reply
stub_handle(struct stub *stub, const char *packet, size_t size)
{
	const struct packet *row = find_packet(packet, size);
	struct request request;
	size_t length;

	if (row == NULL)
		return reply_unsupported();
	length = strlen(row->name);
	if (!request_parse(row->arguments, packet + length, size - length, &request))
		return reply_text(REPLY_MALFORMED);
	return row->handle(stub, &request);
}
