#include "hex.h"
#include "stub.h"

#include <stdio.h>
#include <string.h>

/* --- what both sides can -------------------------------------------------------------- */

/* Is a feature in the list that follows qSupported, ":multiprocess+;swbreak+;..."? */
static bool
announces(const struct request *request, const char *feature)
{
	const size_t length = strlen(feature);
	const char *at = request->text, *end = at + request->size;

	while (at < end) {
		const char *next = memchr(at + 1, ';', (size_t)(end - at - 1));
		const char *last = next != NULL ? next : end;

		if ((size_t)(last - at - 1) == length && memcmp(at + 1, feature, length) == 0)
			return true;
		at = last;
	}
	return false;
}

struct reply
on_supported(struct stub *stub, const struct request *request)
{
	stub->takes_swbreak = announces(request, "swbreak+");
	stub->takes_hwbreak = announces(request, "hwbreak+");
	stub->takes_no_resumed = announces(request, "no-resumed+");
	snprintf(stub->scratch, sizeof(stub->scratch),
		 "PacketSize=%x;QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+;"
		 "no-resumed+;"
		 "qXfer:features:read+;qXfer:threads:read+",
		 PACKET_MAX);
	return reply_text(stub->scratch);
}

struct reply
on_no_ack(struct stub *stub, const struct request *request)
{
	struct reply reply = reply_ok();

	(void)stub, (void)request;
	reply.after = AFTER_NO_ACK;
	return reply;
}

/* --- the target ----------------------------------------------------------------------- */

struct reply
stub_object(struct stub *stub, const struct request *request, const char *annex, const char *text,
	    size_t size)
{
	size_t left, wanted, taken, used;

	if (request->annex_size != strlen(annex) ||
	    memcmp(request->text, annex, request->annex_size) != 0)
		return reply_text("E00");
	if (request->address > size)
		return reply_text(REPLY_MALFORMED);
	left = size - (size_t)request->address;
	wanted = request->length < left ? (size_t)request->length : left;
	used = frame_escape(stub->scratch + 1, PACKET_MAX - 1, text + request->address, wanted,
			    &taken);
	stub->scratch[0] = taken < left ? 'm' : 'l';
	return (struct reply){ .text = stub->scratch, .size = used + 1 };
}

struct reply
on_read_features(struct stub *stub, const struct request *request)
{
	return stub_object(stub, request, "target.xml", stub->target_xml, stub->target_xml_size);
}

static size_t
put_hex_text(char *out, const char *text)
{
	return hex_encode(out, text, strlen(text));
}

/* What lldb wants to know before it believes the target description. */
struct reply
on_host_info(struct stub *stub, const struct request *request)
{
	static const char before[] = "triple:", behind[] = ";endian:little;ptrsize:4;";
	char *at = stub->scratch;

	(void)request;
	memcpy(at, before, sizeof(before) - 1);
	at += sizeof(before) - 1;
	at += put_hex_text(at, "i386-unknown-unknown");
	memcpy(at, behind, sizeof(behind));
	return reply_text(stub->scratch);
}

/* --- the end -------------------------------------------------------------------------- */

/* Attached, not started: gdb's quit detaches, and does not kill. */
struct reply
on_attached(struct stub *stub, const struct request *request)
{
	(void)stub, (void)request;
	return reply_text("1");
}

struct reply
on_detach(struct stub *stub, const struct request *request)
{
	struct reply reply = reply_ok();

	(void)request;
	stub_forget_client(stub);
	reply.after = AFTER_DETACH;
	return reply;
}

struct reply
on_kill(struct stub *stub, const struct request *request)
{
	(void)stub, (void)request;
	return (struct reply){ .after = AFTER_KILL };
}

struct reply
on_kill_process(struct stub *stub, const struct request *request)
{
	struct reply reply = reply_ok();

	(void)stub, (void)request;
	reply.after = AFTER_KILL;
	return reply;
}
