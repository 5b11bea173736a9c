#include "machine.h"

#include <stdlib.h>
#include <string.h>

/* 16-bit code must leave the upper halves of the registers alone. */
#define UPPER_PATTERN 0xa5a50000u

enum register_kind { KIND_GPR, KIND_SREG, KIND_IP, KIND_FLAGS };

/* clang-format off */
static const struct {
	const char *name;
	enum register_kind kind;
	unsigned number;
} registers[REG_COUNT] = {
	[REG_AX]    = { "ax",    KIND_GPR,   DESCRY_AX },
	[REG_BX]    = { "bx",    KIND_GPR,   DESCRY_BX },
	[REG_CX]    = { "cx",    KIND_GPR,   DESCRY_CX },
	[REG_DX]    = { "dx",    KIND_GPR,   DESCRY_DX },
	[REG_CS]    = { "cs",    KIND_SREG,  DESCRY_CS },
	[REG_SS]    = { "ss",    KIND_SREG,  DESCRY_SS },
	[REG_DS]    = { "ds",    KIND_SREG,  DESCRY_DS },
	[REG_ES]    = { "es",    KIND_SREG,  DESCRY_ES },
	[REG_SP]    = { "sp",    KIND_GPR,   DESCRY_SP },
	[REG_BP]    = { "bp",    KIND_GPR,   DESCRY_BP },
	[REG_SI]    = { "si",    KIND_GPR,   DESCRY_SI },
	[REG_DI]    = { "di",    KIND_GPR,   DESCRY_DI },
	[REG_IP]    = { "ip",    KIND_IP,    0 },
	[REG_FLAGS] = { "flags", KIND_FLAGS, 0 },
	[REG_FS]    = { "fs",    KIND_SREG,  DESCRY_FS },
	[REG_GS]    = { "gs",    KIND_SREG,  DESCRY_GS },
};
/* clang-format on */

static void
mark_dirty(struct machine *machine, size_t page)
{
	if (machine->dirty[page])
		return;
	machine->dirty[page] = true;
	machine->dirty_list[machine->dirty_count++] = (uint16_t)page;
}

static struct descry_page
bus_page(void *owner, uint64_t physical, bool for_write)
{
	struct machine *machine = owner;
	const uint64_t page = physical / DESCRY_PAGE_SIZE;

	if (page >= MACHINE_PAGES)
		return (struct descry_page){ .host = NULL };
	if (for_write)
		mark_dirty(machine, (size_t)page);
	return (struct descry_page){ machine->memory + page * DESCRY_PAGE_SIZE, true };
}

static void
note_access(struct machine *machine, struct test_port_byte access)
{
	if (machine->ports.count < TEST_BYTES_MAX)
		machine->ports.access[machine->ports.count++] = access;
}

static uint32_t
bus_in(void *owner, uint16_t port, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		note_access(owner, (struct test_port_byte){ (uint16_t)(port + i), 0xff, false });
	return 0xffffffffu;
}

static void
bus_out(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	for (unsigned i = 0; i < size; i++)
		note_access(owner, (struct test_port_byte){ (uint16_t)(port + i),
							    (uint8_t)(value >> 8 * i), true });
}

enum descry_status
machine_create(struct machine *machine, const struct descry_profile *profile)
{
	const struct descry_bus bus = {
		.owner = machine,
		.page = bus_page,
		.port_in = bus_in,
		.port_out = bus_out,
	};

	memset(machine, 0, sizeof *machine);
	machine->memory = calloc(MACHINE_PAGES, DESCRY_PAGE_SIZE);
	if (!machine->memory)
		return DESCRY_NO_MEMORY;
	return descry_vcpu_create(profile, &bus, &machine->vcpu);
}

void
machine_destroy(struct machine *machine)
{
	if (machine->vcpu)
		descry_vcpu_destroy(machine->vcpu);
	free(machine->memory);
}

static void
load_segment(struct machine *machine, enum descry_sreg sreg, uint16_t sel)
{
	const struct descry_segment seg = {
		.base = (uint64_t)sel << 4,
		.limit = 0xffffu,
		.sel = sel,
		.attr = DESCRY_ATTR_REAL_DATA,
	};

	descry_vcpu_put_segment(machine->vcpu, sreg, &seg, DESCRY_CAUSE_START);
}

static void
load_registers(struct machine *machine, const uint16_t value[REG_COUNT])
{
	struct descry_state *state = descry_vcpu_state_mutable(machine->vcpu);

	for (enum test_register reg = 0; reg < REG_COUNT; reg++) {
		const uint64_t wide = machine_expected(reg, value[reg]);

		switch (registers[reg].kind) {
		case KIND_GPR:
			state->gpr[registers[reg].number] = wide;
			break;
		case KIND_SREG:
			load_segment(machine, (enum descry_sreg)registers[reg].number, value[reg]);
			break;
		case KIND_IP:
			state->rip = wide;
			break;
		case KIND_FLAGS:
			state->rflags = wide;
			break;
		}
	}
	descry_vcpu_state_changed(machine->vcpu);
}

void
machine_load(struct machine *machine, const struct test *test)
{
	const struct test_memory *memory = &test->memory_before;

	machine->ports.count = 0;
	for (size_t i = 0; i < memory->count; i++) {
		mark_dirty(machine, memory->byte[i].address / DESCRY_PAGE_SIZE);
		machine->memory[memory->byte[i].address] = memory->byte[i].value;
	}
	descry_vcpu_reset(machine->vcpu);
	descry_vcpu_memory_changed(machine->vcpu);
	load_registers(machine, test->before);
}

uint8_t *
machine_byte(struct machine *machine, uint32_t address)
{
	if (address >= MACHINE_PAGES * DESCRY_PAGE_SIZE)
		return NULL;
	return &machine->memory[address];
}

bool
machine_find_nonzero(struct machine *machine, uint32_t *address)
{
	for (size_t i = 0; i < machine->dirty_count; i++) {
		const uint32_t page = machine->dirty_list[i] * DESCRY_PAGE_SIZE;

		for (uint32_t at = page; at < page + DESCRY_PAGE_SIZE; at++) {
			if (machine->memory[at]) {
				*address = at;
				return true;
			}
		}
	}
	return false;
}

void
machine_clear(struct machine *machine)
{
	for (size_t i = 0; i < machine->dirty_count; i++) {
		const size_t page = machine->dirty_list[i];

		memset(machine->memory + page * DESCRY_PAGE_SIZE, 0, DESCRY_PAGE_SIZE);
		machine->dirty[page] = false;
	}
	machine->dirty_count = 0;
}

uint64_t
machine_register(const struct machine *machine, enum test_register reg)
{
	const struct descry_state *state = descry_vcpu_state(machine->vcpu);

	switch (registers[reg].kind) {
	case KIND_GPR:
		return state->gpr[registers[reg].number];
	case KIND_SREG:
		return state->seg[registers[reg].number].sel;
	case KIND_IP:
		return state->rip;
	case KIND_FLAGS:
		break;
	}
	return state->rflags;
}

uint64_t
machine_expected(enum test_register reg, uint16_t value)
{
	return registers[reg].kind == KIND_GPR ? UPPER_PATTERN | value : value;
}

const char *
machine_register_name(enum test_register reg)
{
	return registers[reg].name;
}
