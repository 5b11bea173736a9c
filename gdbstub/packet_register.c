#include "hex.h"
#include "register_access.h"
#include "registers.h"
#include "stub.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define REGISTERS_MAX 128u

struct reply
on_read_registers(struct stub *stub, const struct request *request)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(stub->monitor);
	size_t size = 0;

	(void)request;
	for (unsigned i = 0; i < gdb_register_count; i++)
		size += register_put(stub->scratch + size, vcpu, &gdb_registers[i]);
	return (struct reply){ .text = stub->scratch, .size = size };
}

/* --- all at once ---------------------------------------------------------------------- */

/* What a G packet changes: for the others it repeats what they are, or has an 'x'. */
struct changes {
	bool changed[REGISTERS_MAX];
	uint64_t value[REGISTERS_MAX];
};

static bool
parse_changes(const struct descry_vcpu *vcpu, const struct request *request,
	      struct changes *changes)
{
	size_t at = 0;

	assert(gdb_register_count <= REGISTERS_MAX);
	*changes = (struct changes){ 0 };
	for (unsigned i = 0; i < gdb_register_count; i++) {
		const struct gdb_register *reg = &gdb_registers[i];
		const char *digits = request->text + at;

		at += register_digits(reg);
		if (at > request->size)
			return false;
		if (reg->read == NULL || *digits == 'x')
			continue;
		if (!register_parse(reg, digits, &changes->value[i]))
			return false;
		changes->changed[i] = changes->value[i] != reg->read(vcpu, reg->which);
	}
	return at == request->size;
}

/* eip last: what it can be depends on CS. */
static bool
apply_changes(struct descry_vcpu *vcpu, const struct changes *changes)
{
	for (unsigned i = 0; i < gdb_register_count; i++) {
		if (changes->changed[i] && i != REGISTER_EIP &&
		    !register_set(vcpu, &gdb_registers[i], changes->value[i]))
			return false;
	}
	return !changes->changed[REGISTER_EIP] ||
	       register_set(vcpu, &gdb_registers[REGISTER_EIP], changes->value[REGISTER_EIP]);
}

static struct reply
guest_waits(void)
{
	return reply_text("E.the host has the CPU, and the guest is what it was at X1; "
			  "thread 2 can be written");
}

/* All of them, or none. */
struct reply
on_write_registers(struct stub *stub, const struct request *request)
{
	struct descry_vcpu *vcpu = descry_monitor_vcpu(stub->monitor);
	struct descry_vcpu_image before;
	struct changes changes;

	if (stub->threads.shows_guest)
		return guest_waits();
	if (!parse_changes(vcpu, request, &changes))
		return reply_text(REPLY_MALFORMED);
	descry_vcpu_save(vcpu, &before);
	if (!apply_changes(vcpu, &changes)) {
		descry_vcpu_restore(vcpu, &before);
		return reply_text(REPLY_MALFORMED);
	}
	return reply_ok();
}

/* --- one ------------------------------------------------------------------------------ */

static const struct gdb_register *
find_register(const struct request *request)
{
	return request->number < gdb_register_count ? &gdb_registers[request->number] : NULL;
}

struct reply
on_read_register(struct stub *stub, const struct request *request)
{
	const struct gdb_register *reg = find_register(request);

	if (reg == NULL)
		return reply_text(REPLY_NO_SUCH);
	return (struct reply){
		.text = stub->scratch,
		.size = register_put(stub->scratch, descry_monitor_vcpu(stub->monitor), reg),
	};
}

/* gdb shows the text behind "E." to its user. */
static struct reply
refuse_write(struct stub *stub, const struct gdb_register *reg, uint64_t value)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(stub->monitor);
	const struct descry_segment *cs = &descry_vcpu_state(vcpu)->seg[DESCRY_CS];

	if (reg == &gdb_registers[REGISTER_EIP])
		snprintf(stub->scratch, sizeof(stub->scratch),
			 "E.eip is linear, and %08" PRIx64 " is not in cs (base %08" PRIx64
			 ", limit %08" PRIx32 "); ip is the offset",
			 value, cs->base, cs->limit);
	else if (reg->write == NULL)
		snprintf(stub->scratch, sizeof(stub->scratch), "E.%s cannot be written", reg->name);
	else
		snprintf(stub->scratch, sizeof(stub->scratch), "E.%" PRIx64 " does not fit %s",
			 value, reg->name);
	return reply_text(stub->scratch);
}

struct reply
on_write_register(struct stub *stub, const struct request *request)
{
	const struct gdb_register *reg = find_register(request);
	uint64_t value;

	if (stub->threads.shows_guest)
		return guest_waits();
	if (reg == NULL)
		return reply_text(REPLY_NO_SUCH);
	if (reg->read == NULL)
		return refuse_write(stub, reg, 0);
	if (request->data_size != register_digits(reg) ||
	    !register_parse(reg, request->data, &value))
		return reply_text(REPLY_MALFORMED);
	if (!register_set(descry_monitor_vcpu(stub->monitor), reg, value))
		return refuse_write(stub, reg, value);
	return reply_ok();
}
