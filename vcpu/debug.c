#include "debug.h"

#include <descry/debug.h>

/* --- what is armed -------------------------------------------------------------------- */

static struct descry_debug_point
breakpoint(const struct cpu *c, unsigned n)
{
	return descry_debug_point((uint32_t)c->state.dr[n], (uint32_t)c->state.dr[7], n);
}

static bool
has_io_breakpoints(const struct cpu *c)
{
	return c->state.cr4 & DESCRY_CR4_DE;
}

static struct debug
armed_now(const struct cpu *c)
{
	struct debug debug = { .dr7 = (uint32_t)c->state.dr[7] };

	for (unsigned n = 0; n < DESCRY_DEBUG_POINT_COUNT; n++) {
		const struct descry_debug_point b = breakpoint(c, n);
		const uint8_t bit = (uint8_t)(1u << n);

		debug.address[n] = (uint32_t)c->state.dr[n];
		if (!b.enabled)
			continue;
		if (b.kind == DESCRY_BREAK_EXECUTE)
			debug.execute |= bit;
		else if (b.kind != DESCRY_BREAK_IO)
			debug.data |= bit;
		else if (has_io_breakpoints(c))
			debug.io |= bit;
	}
	return debug;
}

/*
 * Pages are forgotten, because those with data breakpoints must not be kept; the loop is to
 * look at the blocks, which end before code breakpoints.
 */
void
debug_derive(struct cpu *c)
{
	const struct debug now = armed_now(c), before = c->debug;

	if (memcmp(&now, &before, sizeof(now)) == 0)
		return;
	c->debug = now;
	if (now.data || before.data)
		cpu_forget_pages(c);
	if (now.execute || before.execute)
		cpu_come_back(c);
}

/* --- what is met ---------------------------------------------------------------------- */

/*
 * The conditions of these kinds that hold for an access, enabled or not: once an enabled one
 * is met, the CPU reports all of them (80386 data sheet, Debug Status Register).
 */
static uint16_t
met(const struct cpu *c, uint32_t address, uint32_t size, unsigned kinds)
{
	uint16_t bits = 0;

	for (unsigned n = 0; n < DESCRY_DEBUG_POINT_COUNT; n++) {
		const struct descry_debug_point b = breakpoint(c, n);

		if (kinds >> b.kind & 1 && descry_debug_point_touches(&b, address, size))
			bits |= (uint16_t)(1u << n);
	}
	return bits;
}

uint16_t
debug_fetch(const struct cpu *c, uint32_t linear)
{
	const uint16_t bits = met(c, linear, 1, 1u << DESCRY_BREAK_EXECUTE);

	return bits & c->debug.execute ? bits : 0;
}

/* The block that is running ends behind its instruction, so that the loop sees the trap. */
static void
trap_behind(struct cpu *c, uint16_t bits)
{
	c->state.pending_db |= bits;
	cpu_come_back(c);
	if (c->block->count > 1)
		blocks_written(c, c->block->physical, c->block->bytes);
}

/* Nothing is running when a monitor's operation makes the access. */
void
debug_data_slow(struct cpu *c, uint32_t linear, uint32_t size, bool write)
{
	const unsigned kinds = 1u << DESCRY_BREAK_ACCESS | (unsigned)write << DESCRY_BREAK_WRITE;
	const uint16_t bits = met(c, linear, size, kinds);

	if (c->control && bits & c->debug.data)
		trap_behind(c, bits);
}

void
debug_port_slow(struct cpu *c, uint16_t port, unsigned size)
{
	const uint16_t bits = met(c, port, size, 1u << DESCRY_BREAK_IO);

	if (bits & c->debug.io)
		trap_behind(c, bits);
}

bool
debug_page_slow(const struct cpu *c, uint32_t linear)
{
	const unsigned kinds = 1u << DESCRY_BREAK_WRITE | 1u << DESCRY_BREAK_ACCESS;

	return met(c, linear & ~0xfffu, DESCRY_PAGE_SIZE, kinds) & c->debug.data;
}

/* --- the exception -------------------------------------------------------------------- */

bool
debug_raise(struct cpu *c, uint16_t dr6)
{
	c->fault = (struct pending_fault){ .vector = DESCRY_VEC_DB, .dr6 = dr6 };
	return false;
}

void
debug_enter(struct cpu *c, uint16_t dr6)
{
	const bool keeps = c->profile.knob[DESCRY_KNOB_DEBUG_KEEP_B];

	if (!keeps)
		c->state.dr[6] &= ~(uint64_t)DESCRY_DR6_B;
	c->state.dr[6] |= dr6;
	c->state.dr[7] &= ~(uint64_t)DESCRY_DR7_GD;
	debug_derive(c);
}

void
debug_task_switch(struct cpu *c, bool trap)
{
	c->state.pending_db = trap ? DESCRY_DR6_BT : 0;
	c->state.dr[7] &= ~(uint64_t)(DESCRY_DR7_LOCAL | DESCRY_DR7_LE);
	debug_derive(c);
	if (trap)
		cpu_come_back(c);
}

/* --- the registers -------------------------------------------------------------------- */

static uint32_t
bit12(const struct cpu *c)
{
	return c->profile.knob[DESCRY_KNOB_DEBUG_BIT12] ? DESCRY_DR_BIT12 : 0;
}

uint32_t
debug_dr6_image(const struct cpu *c, uint32_t value)
{
	return DESCRY_DR6_RESET | (value & (DESCRY_DR6_CAUSES | bit12(c)));
}

/* Bits 11, 14 and 15 are 0, bit 10 is 1. */
uint32_t
debug_dr7_image(const struct cpu *c, uint32_t value)
{
	return DESCRY_DR7_ONE | (value & (0xffff23ffu | bit12(c)));
}
