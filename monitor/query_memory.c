#include "handle.h"

#include <descry/query.h>

uint64_t
descry_query_linear(struct descry_monitor *monitor, const struct descry_address *address)
{
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(monitor));

	if (address->space != DESCRY_SPACE_SEGMENT)
		return address->offset;
	return (uint32_t)(state->seg[address->sreg].base + address->offset);
}

static size_t
read_bytes(struct descry_monitor *monitor, const struct descry_address *address, void *out,
	   size_t size)
{
	if (address->space == DESCRY_SPACE_PHYSICAL)
		return memory_read(&monitor->memory, address->offset, out, size);
	return descry_vcpu_peek(descry_monitor_vcpu(monitor), descry_query_linear(monitor, address),
				out, size);
}

/* One unit: every byte of it, or none. */
static bool
read_unit(struct descry_monitor *monitor, const struct descry_address *address, unsigned unit,
	  void *out, struct descry_denial *denial)
{
	size_t got;

	*denial = (struct descry_denial){
		.fault.vector = DESCRY_VEC_NONE,
		.address = *address,
		.linear = descry_query_linear(monitor, address),
	};
	if (address->space == DESCRY_SPACE_SEGMENT) {
		const struct descry_access_verdict verdict =
			descry_vcpu_check_access(descry_monitor_vcpu(monitor), address->sreg,
						 (uint32_t)address->offset, unit, DESCRY_READ);

		denial->fault = verdict.fault;
		denial->why = verdict.why;
		if (verdict.fault.vector != DESCRY_VEC_NONE)
			return false;
	}
	got = read_bytes(monitor, address, out, unit);
	denial->why = "there is no memory";
	denial->address.offset += got;
	denial->linear += got;
	return got == unit;
}

size_t
descry_query_read(struct descry_monitor *monitor, const struct descry_address *address,
		  unsigned unit, size_t count, void *out, struct descry_denial *denial)
{
	struct descry_address at = *address;
	uint8_t *bytes = out;

	for (size_t i = 0; i < count; i++) {
		at.offset = (uint32_t)(address->offset + i * unit);
		if (!read_unit(monitor, &at, unit, bytes + i * unit, denial))
			return i;
	}
	return count;
}

size_t
descry_query_write(struct descry_monitor *monitor, const struct descry_address *address,
		   const void *data, size_t size)
{
	if (address->space == DESCRY_SPACE_PHYSICAL) {
		const size_t written = memory_write(&monitor->memory, address->offset, data, size);

		descry_vcpu_memory_changed(monitor->vcpu);
		return written;
	}
	return descry_vcpu_poke(descry_monitor_vcpu(monitor), descry_query_linear(monitor, address),
				data, size);
}
