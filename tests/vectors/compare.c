#include "compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

DESCRY_PRINTF(2, 3)
static void
differ(struct mismatch *out, const char *format, ...)
{
	va_list args;
	const size_t room = sizeof out->text - out->used;

	va_start(args, format);
	const int length = vsnprintf(out->text + out->used, room, format, args);
	va_end(args);

	if (length > 0)
		out->used += (size_t)length < room ? (size_t)length : room - 1;
}

static void
compare_end(const struct descry_exit *end, struct mismatch *out)
{
	static const char *const names[DESCRY_EXIT_REASON_COUNT] = {
		[DESCRY_EXIT_BUDGET] = "runs on without HLT",
		[DESCRY_EXIT_BREAKPOINT] = "breakpoint",
		[DESCRY_EXIT_KICK] = "kick",
		[DESCRY_EXIT_REQUEST] = "request",
		[DESCRY_EXIT_ACCESS] = "watched access",
		[DESCRY_EXIT_LOAD] = "watched load",
		[DESCRY_EXIT_UNHANDLED] = "unhandled vector",
		[DESCRY_EXIT_SHUTDOWN] = "shutdown",
		[DESCRY_EXIT_NOT_MODELLED] = "not modelled",
	};

	if (end->reason == DESCRY_EXIT_HALTED)
		return;
	differ(out, " ends with: %s", names[end->reason]);
	if (end->reason == DESCRY_EXIT_NOT_MODELLED)
		differ(out, " (%s)", end->text);
}

/* A 386 that has executed the HLT at FFFFh has EIP=10000h; the 286 has 16 bits to say so. */
static uint64_t
register_mask(const struct test *test, enum test_register reg)
{
	if (reg == REG_FLAGS)
		return test->flags_mask;
	return reg == REG_IP ? 0xffffu : UINT64_MAX;
}

static void
compare_registers(const struct machine *machine, const struct test *test, struct mismatch *out)
{
	for (enum test_register reg = 0; reg < REG_COUNT; reg++) {
		const uint64_t mask = register_mask(test, reg);
		const uint64_t is = machine_register(machine, reg) & mask;
		const uint64_t expected = machine_expected(reg, test->after[reg]) & mask;

		if (is != expected)
			differ(out, " %s=%04" PRIx64 " not %04" PRIx64 ";",
			       machine_register_name(reg), is, expected);
	}
}

/* In real mode, without unreal limits, every cache follows from its selector. */
static void
compare_caches(const struct machine *machine, struct mismatch *out)
{
	const struct descry_state *state = descry_vcpu_state(machine->vcpu);

	for (enum descry_sreg sreg = DESCRY_ES; sreg <= DESCRY_GS; sreg++) {
		const struct descry_segment *seg = &state->seg[sreg];

		if (seg->base != (uint64_t)seg->sel << 4 || seg->limit != 0xffffu)
			differ(out, " cache of %s is %" PRIx64 "/%" PRIx32 ";",
			       descry_sreg_name(sreg), seg->base, seg->limit);
	}
}

static void
compare_vector(const struct machine *machine, const struct test *test, struct mismatch *out)
{
	const size_t count = descry_vcpu_event_count(machine->vcpu);
	const size_t expected = test->interrupts ? 1 : 0;

	if (count != expected)
		differ(out, " %zu interrupts, not %zu;", count, expected);
	for (size_t i = 0; i < count; i++) {
		const struct descry_event *event = descry_vcpu_event(machine->vcpu, i);

		if (!test->interrupts || event->fault.vector != test->vector)
			differ(out, " vector %u;", event->fault.vector);
	}
}

static void
compare_ports(const struct machine *machine, const struct test *test, struct mismatch *out)
{
	const struct test_ports *is = &machine->ports, *expected = &test->ports;

	if (is->count != expected->count) {
		differ(out, " %zu bytes through ports, not %zu;", is->count, expected->count);
		return;
	}
	for (size_t i = 0; i < is->count; i++) {
		const struct test_port_byte *a = &is->access[i], *b = &expected->access[i];

		if (a->port != b->port || a->is_out != b->is_out ||
		    (a->is_out && a->value != b->value))
			differ(out, " %s %04x %02x not %s %04x %02x;", a->is_out ? "out" : "in",
			       a->port, a->value, b->is_out ? "out" : "in", b->port, b->value);
	}
}

/* All bits, but in the FLAGS word that an interrupt pushes. */
static uint8_t
mask_at(const struct test *test, uint32_t address)
{
	if (!test->interrupts)
		return 0xff;
	if (address == test->flags_at)
		return (uint8_t)test->flags_mask;
	if (address == test->flags_at + 1)
		return (uint8_t)(test->flags_mask >> 8);
	return 0xff;
}

/* Compares one byte under its mask and clears it: what is left over has no business there. */
static void
settle(struct machine *machine, const struct test *test, struct test_byte expected,
       struct mismatch *out)
{
	uint8_t *is = machine_byte(machine, expected.address);

	if (!is) {
		differ(out, " [%06" PRIx32 "] is no memory;", expected.address);
		return;
	}
	if ((*is ^ expected.value) & mask_at(test, expected.address))
		differ(out, " [%06" PRIx32 "]=%02x not %02x;", expected.address, *is,
		       expected.value);
	*is = 0;
}

/* The pushed FLAGS may be in no list: their defined bits then equal what was there before. */
static void
settle_flags(struct machine *machine, const struct test *test, struct mismatch *out)
{
	for (uint32_t address = test->flags_at; address < test->flags_at + 2; address++) {
		if (!test_find(&test->memory_after, address) &&
		    !test_find(&test->memory_before, address))
			settle(machine, test, (struct test_byte){ address, 0 }, out);
	}
}

static void
compare_memory(struct machine *machine, const struct test *test, struct mismatch *out)
{
	const struct test_memory *before = &test->memory_before, *after = &test->memory_after;
	uint32_t stray;

	for (size_t i = 0; i < after->count; i++)
		settle(machine, test, after->byte[i], out);
	for (size_t i = 0; i < before->count; i++)
		if (!test_find(after, before->byte[i].address))
			settle(machine, test, before->byte[i], out);
	if (test->interrupts)
		settle_flags(machine, test, out);
	if (machine_find_nonzero(machine, &stray))
		differ(out, " [%06" PRIx32 "] should not have been written;", stray);
}

void
compare(struct machine *machine, const struct test *test, const struct descry_exit *end,
	struct mismatch *out)
{
	*out = (struct mismatch){ .used = 0 };
	compare_end(end, out);
	compare_registers(machine, test, out);
	compare_caches(machine, out);
	compare_vector(machine, test, out);
	compare_ports(machine, test, out);
	compare_memory(machine, test, out);
}
