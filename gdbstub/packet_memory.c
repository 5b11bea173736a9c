#include "hex.h"
#include "stub.h"

#include <string.h>

/* gdb's addresses are linear, and there are 4 GiB of them. */
#define ADDRESS_END (UINT64_C(1) << 32)

/* How much one reply can hold. */
#define READ_MAX (PACKET_MAX / 2)

static bool
is_linear(const struct request *request)
{
	return request->address < ADDRESS_END && request->length <= ADDRESS_END - request->address;
}

/* Fewer bytes than were asked for are a good answer, none are not. */
struct reply
on_read_memory(struct stub *stub, const struct request *request)
{
	uint8_t bytes[READ_MAX];
	size_t size;

	if (request->length > READ_MAX)
		return reply_text(REPLY_TOO_LARGE);
	if (!is_linear(request))
		return reply_text(REPLY_FAULT);
	size = descry_vcpu_peek(descry_monitor_vcpu(stub->monitor), request->address, bytes,
				(size_t)request->length);
	if (size == 0)
		return reply_text(REPLY_FAULT);
	return (struct reply){
		.text = stub->scratch,
		.size = hex_encode(stub->scratch, bytes, size),
	};
}

static struct reply
write_memory(struct stub *stub, const struct request *request, const void *bytes)
{
	const size_t size = (size_t)request->length;

	if (!is_linear(request) || descry_vcpu_poke(descry_monitor_vcpu(stub->monitor),
						    request->address, bytes, size) != size)
		return reply_text(REPLY_FAULT);
	return reply_ok();
}

struct reply
on_write_memory(struct stub *stub, const struct request *request)
{
	uint8_t bytes[READ_MAX];

	if (request->length > READ_MAX || request->data_size != 2 * request->length ||
	    !hex_decode(bytes, request->data, (size_t)request->length))
		return reply_text(REPLY_MALFORMED);
	return write_memory(stub, request, bytes);
}

/* Without any data, gdb asks whether we know the packet. */
struct reply
on_write_binary(struct stub *stub, const struct request *request)
{
	if (request->data_size != request->length)
		return reply_text(REPLY_MALFORMED);
	return write_memory(stub, request, request->data);
}

/* --- breakpoints ---------------------------------------------------------------------- */

/* Watchpoints, kinds 2 to 4, are not supported: gdb steps and compares instead. */
static bool
is_supported(const struct request *request)
{
	return request->number < POINT_KIND_COUNT;
}

struct reply
on_insert_point(struct stub *stub, const struct request *request)
{
	if (!is_supported(request))
		return reply_unsupported();
	if (request->address >= ADDRESS_END)
		return reply_text(REPLY_FAULT);
	if (points_insert(&stub->points, stub->monitor, (enum point_kind)request->number,
			  request->address) != DESCRY_OK)
		return reply_text(REPLY_NO_ROOM);
	return reply_ok();
}

struct reply
on_remove_point(struct stub *stub, const struct request *request)
{
	if (!is_supported(request))
		return reply_unsupported();
	points_remove(&stub->points, stub->monitor, (enum point_kind)request->number,
		      request->address);
	return reply_ok();
}
