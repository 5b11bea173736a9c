#include "machine.h"

uint8_t *
memory_at(struct memory *memory, uint64_t physical)
{
	if (physical < LOW_SIZE)
		return &memory->low[physical];
	if (physical >= HIGH_BASE && physical < HIGH_BASE + HIGH_SIZE)
		return &memory->high[physical - HIGH_BASE];
	return NULL;
}

static struct descry_page
page(void *owner, uint64_t physical, bool for_write)
{
	struct machine *machine = owner;
	const uint64_t base = physical & ~(uint64_t)(DESCRY_PAGE_SIZE - 1);

	(void)for_write;
	return (struct descry_page){ .host = memory_at(&machine->memory, base),
				     .writable = base != ROM_BASE };
}

/* --- ports ---------------------------------------------------------------------------- */

static void
note(struct machine *machine, struct port_access access)
{
	struct trace *trace = &machine->trace;

	if (trace->count < TRACE_MAX)
		trace->access[trace->count] = access;
	trace->count++;
	if (machine->kick_every && trace->count % machine->kick_every == 0)
		descry_vcpu_kick(machine->vcpu);
	if (trace->count >= machine->accesses_max)
		descry_vcpu_request(machine->vcpu, REQUEST_END);
}

/* What is read depends on the number of the access: one that is made twice shows. */
static uint32_t
port_in(void *owner, uint16_t port, unsigned size)
{
	struct machine *machine = owner;
	const uint32_t value = (machine->trace.count + 1) * 0x9e3779b1u + port;

	note(machine, (struct port_access){ .value = value, .port = port, .size = (uint8_t)size });
	return value;
}

static void
port_out(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	struct machine *machine = owner;

	if (port == PORT_A20)
		descry_vcpu_mask_a20(machine->vcpu, !(value & 2));
	if (port == PORT_REQUEST)
		descry_vcpu_request(machine->vcpu, REQUEST_PORT);
	note(machine,
	     (struct port_access){ .value = value, .port = port, .size = (uint8_t)size, .out = 1 });
}

/* --- life ----------------------------------------------------------------------------- */

bool
machine_open(struct machine *machine, bool checked, unsigned accesses_max, unsigned kick_every)
{
	struct descry_profile profile = *descry_profile_find(NULL);
	const struct descry_bus bus = {
		.owner = machine, .page = page, .port_in = port_in, .port_out = port_out
	};

	machine->trace = (struct trace){ 0 };
	machine->accesses_max = accesses_max;
	machine->kick_every = kick_every;
	profile.knob[DESCRY_KNOB_CHECK_INVARIANTS] = checked ? DESCRY_CHECK_ON : DESCRY_CHECK_OFF;
	return descry_vcpu_create(&profile, &bus, &machine->vcpu) == DESCRY_OK;
}

void
machine_close(struct machine *machine)
{
	descry_vcpu_destroy(machine->vcpu);
	machine->vcpu = NULL;
}
