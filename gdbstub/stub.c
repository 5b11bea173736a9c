#include "stub.h"

#include "target_xml.h"

#include <descry/sink.h>

#include <stdlib.h>
#include <string.h>

/* --- life ----------------------------------------------------------------------------- */

struct stub *
stub_create(struct descry_monitor *monitor, struct descry_world *world,
	    struct descry_session *session, const struct stub_outlet *outlet)
{
	struct descry_sink_buffer xml;
	const struct descry_sink sink = descry_sink_to_buffer(&xml);
	struct stub *stub = calloc(1, sizeof(*stub));

	if (stub == NULL)
		return NULL;
	target_xml_write(&sink);
	stub->monitor = monitor;
	stub->session = session;
	stub->threads.vcpu = descry_monitor_vcpu(monitor);
	stub->threads.world = world;
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
	threads_forget(&stub->threads);
	stub->takes_swbreak = false;
	stub->takes_hwbreak = false;
	stub->takes_no_resumed = false;
}

void
stub_say(struct stub *stub, const char *line)
{
	stub->outlet.output(stub->outlet.owner, line, strlen(line));
	stub->outlet.output(stub->outlet.owner, "\n", 1);
}

/* --- packets -------------------------------------------------------------------------- */

/* A packet without arguments is its name; any other one begins with it. */
struct packet {
	const char *name;
	enum arguments arguments;
	packet_fn *handle;
};

static const struct packet packets[] = {
	/* clang-format off */
	{ "?",        ARGUMENTS_NONE,       on_why },
	{ "c",        ARGUMENTS_RESUME,     on_continue },
	{ "s",        ARGUMENTS_RESUME,     on_step },
	{ "C",        ARGUMENTS_SIGNAL,     on_continue_signal },
	{ "S",        ARGUMENTS_SIGNAL,     on_step_signal },
	{ "vCont?",   ARGUMENTS_NONE,       on_resume_query },
	{ "vCont;",   ARGUMENTS_TEXT,       on_resume },

	{ "Z",        ARGUMENTS_POINT,      on_insert_point },
	{ "z",        ARGUMENTS_POINT,      on_remove_point },

	{ "qSupported",           ARGUMENTS_TEXT,   on_supported },
	{ "QStartNoAckMode",      ARGUMENTS_NONE,   on_no_ack },
	{ "qXfer:features:read:", ARGUMENTS_OBJECT, on_read_features },
	{ "qHostInfo",            ARGUMENTS_NONE,   on_host_info },
	{ "qRcmd,",               ARGUMENTS_TEXT,   on_monitor },

	{ "Hg",                ARGUMENTS_THREAD, on_look_at },
	{ "Hc",                ARGUMENTS_THREAD, on_choose_resumed },
	{ "T",                 ARGUMENTS_THREAD, on_is_alive },
	{ "qC",                ARGUMENTS_NONE,   on_current_thread },
	{ "qfThreadInfo",      ARGUMENTS_NONE,   on_threads },
	{ "qsThreadInfo",      ARGUMENTS_NONE,   on_no_more_threads },
	{ "qThreadExtraInfo,", ARGUMENTS_THREAD, on_thread_info },
	{ "qXfer:threads:read:", ARGUMENTS_OBJECT, on_read_threads },

	{ "qAttached", ARGUMENTS_TEXT, on_attached },
	{ "D",         ARGUMENTS_TEXT, on_detach },
	{ "k",         ARGUMENTS_TEXT, on_kill },
	{ "vKill;",    ARGUMENTS_TEXT, on_kill_process },
	/* clang-format on */
};

/* Those about the thread that gdb looks at. */
static const struct packet thread_packets[] = {
	/* clang-format off */
	{ "g", ARGUMENTS_NONE,       on_read_registers },
	{ "G", ARGUMENTS_TEXT,       on_write_registers },
	{ "p", ARGUMENTS_REGISTER,   on_read_register },
	{ "P", ARGUMENTS_ASSIGNMENT, on_write_register },
	{ "m", ARGUMENTS_RANGE,      on_read_memory },
	{ "M", ARGUMENTS_STORE,      on_write_memory },
	{ "X", ARGUMENTS_STORE,      on_write_binary },
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
find_packet(const struct packet *table, size_t count, const char *text, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		if (is_named(&table[i], text, size))
			return &table[i];
	}
	return NULL;
}

static struct reply
answer(struct stub *stub, const struct packet *row, const char *packet, size_t size)
{
	const size_t length = strlen(row->name);
	struct request request;

	if (!request_parse(row->arguments, packet + length, size - length, &request))
		return reply_text(REPLY_MALFORMED);
	return row->handle(stub, &request);
}

static struct reply
answer_for_thread(struct stub *stub, const struct packet *row, const char *packet, size_t size)
{
	struct reply reply;

	if (!threads_has(&stub->threads, stub->threads.looked_at))
		return reply_text(REPLY_MALFORMED);
	threads_show(&stub->threads, stub->threads.looked_at);
	reply = answer(stub, row, packet, size);
	threads_hide(&stub->threads);
	return reply;
}

#define FIND(table, text, size) find_packet(table, sizeof(table) / sizeof((table)[0]), text, size)

/* What is in neither table is not supported: vMustReplyEmpty asks whether we say so. */
struct reply
stub_handle(struct stub *stub, const char *packet, size_t size)
{
	const struct packet *row = FIND(packets, packet, size);

	if (row != NULL)
		return answer(stub, row, packet, size);
	row = FIND(thread_packets, packet, size);
	if (row != NULL)
		return answer_for_thread(stub, row, packet, size);
	return reply_unsupported();
}
