/*
 * The debug registers read as data: what DR7 makes of DR0 to DR3, and the bits of DR6.
 * Pure: the executor, the display and the tests ask the same functions (SDM vol. 3, Debug
 * Registers). Owned by vcpu.
 */
#ifndef DESCRY_DEBUG_H
#define DESCRY_DEBUG_H

#include <stdbool.h>
#include <stdint.h>

#define DESCRY_DEBUG_POINT_COUNT 4u

#define DESCRY_DR6_B 0x000fu  /* B0 to B3: the condition of DRn was met */
#define DESCRY_DR6_BD 0x2000u /* a debug register was touched while DR7.GD was set */
#define DESCRY_DR6_BS 0x4000u /* single step */
#define DESCRY_DR6_BT 0x8000u /* the TSS of the new task has T set */
#define DESCRY_DR6_CAUSES (DESCRY_DR6_B | DESCRY_DR6_BD | DESCRY_DR6_BS | DESCRY_DR6_BT)

#define DESCRY_DR7_LOCAL 0x0055u /* L0 to L3 */
#define DESCRY_DR7_LE 0x0100u
#define DESCRY_DR7_GE 0x0200u
#define DESCRY_DR7_ONE 0x0400u
#define DESCRY_DR7_GD 0x2000u

#define DESCRY_DR6_RESET 0xffff0ff0u
#define DESCRY_DR7_RESET DESCRY_DR7_ONE
#define DESCRY_DR_BIT12 0x1000u /* of DR6 and DR7: up to the 486 it can be set */

/* R/Wn of DR7. */
enum descry_break_kind {
	DESCRY_BREAK_EXECUTE,
	DESCRY_BREAK_WRITE,
	DESCRY_BREAK_IO, /* with CR4.DE; without it nothing */
	DESCRY_BREAK_ACCESS,
};

struct descry_debug_point {
	uint32_t address; /* with the low bits that LENn makes meaningless cleared */
	uint8_t kind;     /* enum descry_break_kind */
	uint8_t length;   /* 1, 2, 4 or 8 bytes */
	bool enabled;     /* locally or globally */
};

/*
 * Breakpoint n. LENn 10b is 8 bytes on the CPUs that give it a meaning and undefined before;
 * an instruction has one byte whatever LENn says.
 */
static inline struct descry_debug_point
descry_debug_point(uint32_t address, uint32_t dr7, unsigned n)
{
	static const uint8_t lengths[4] = { 1, 2, 8, 4 };
	const unsigned control = dr7 >> (16 + 4 * n);
	const uint8_t kind = control & 3;
	const uint8_t length = kind == DESCRY_BREAK_EXECUTE ? 1 : lengths[control >> 2 & 3];

	return (struct descry_debug_point){ .address = address & ~(length - 1u),
					    .kind = kind,
					    .length = length,
					    .enabled = dr7 >> (2 * n) & 3 };
}

/* Do size bytes from an address on touch it? Addresses wrap. */
static inline bool
descry_debug_point_touches(const struct descry_debug_point *b, uint32_t address, uint32_t size)
{
	return b->address - address < size || address - b->address < b->length;
}

#endif
