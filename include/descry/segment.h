/*
 * A segment register as the CPU holds it, and the descriptor it came from.
 *
 * Words: the *selector* is the 16 visible bits, the *descriptor* lies in a table in
 * memory, the *cache* (base, limit, attr) is what the last load left in the CPU. Every
 * address is formed and checked with the cache. Owned by vcpu.
 */
#ifndef DESCRY_SEGMENT_H
#define DESCRY_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

/* The first six are in the order of the Sreg field of an instruction. */
enum descry_sreg {
	DESCRY_ES,
	DESCRY_CS,
	DESCRY_SS,
	DESCRY_DS,
	DESCRY_FS,
	DESCRY_GS,
	DESCRY_LDTR,
	DESCRY_TR,
	DESCRY_SREG_COUNT
};

#define DESCRY_DATA_SREG_COUNT 6u /* ES to GS: those that real mode knows */

/*
 * attr: the VMX access-rights layout (SDM vol. 3, Guest Register State) in 16 bits.
 * Bit 8 is ours and means what bit 16 means there: unusable.
 */
#define DESCRY_ATTR_TYPE 0x000fu
#define DESCRY_ATTR_A 0x0001u    /* accessed (code and data) */
#define DESCRY_ATTR_RW 0x0002u   /* data: writable; code: readable */
#define DESCRY_ATTR_EC 0x0004u   /* data: expand-down; code: conforming */
#define DESCRY_ATTR_CODE 0x0008u /* code, not data */
#define DESCRY_ATTR_S 0x0010u    /* code or data, not a system descriptor */
#define DESCRY_ATTR_DPL 0x0060u
#define DESCRY_ATTR_DPL_SHIFT 5
#define DESCRY_ATTR_P 0x0080u
#define DESCRY_ATTR_UNUSABLE 0x0100u
#define DESCRY_ATTR_AVL 0x1000u
#define DESCRY_ATTR_L 0x2000u
#define DESCRY_ATTR_DB 0x4000u
#define DESCRY_ATTR_G 0x8000u
#define DESCRY_ATTR_DESCRIPTOR 0xf0ffu /* the bits that a descriptor can give */

#define DESCRY_ATTR_REAL_DATA 0x0093u /* what reset leaves: present, writable, accessed */
#define DESCRY_ATTR_V86 0x00f3u

/* System descriptor types (SDM vol. 3, System Descriptor Types). */
enum descry_system_type {
	DESCRY_TYPE_TSS16 = 1,
	DESCRY_TYPE_LDT = 2,
	DESCRY_TYPE_TSS16_BUSY = 3,
	DESCRY_TYPE_CALL_GATE16 = 4,
	DESCRY_TYPE_TASK_GATE = 5,
	DESCRY_TYPE_INTERRUPT_GATE16 = 6,
	DESCRY_TYPE_TRAP_GATE16 = 7,
	DESCRY_TYPE_TSS32 = 9,
	DESCRY_TYPE_TSS32_BUSY = 11,
	DESCRY_TYPE_CALL_GATE32 = 12,
	DESCRY_TYPE_INTERRUPT_GATE32 = 14,
	DESCRY_TYPE_TRAP_GATE32 = 15,
};

#define DESCRY_SEL_RPL 0x0003u
#define DESCRY_SEL_TI 0x0004u /* local table */

struct descry_segment {
	uint64_t base;
	uint32_t
		limit; /* in bytes, granularity already applied: the last valid offset, expand-up */
	uint16_t sel;
	uint16_t attr;
};
_Static_assert(sizeof(struct descry_segment) == 16, "snapshots depend on it");

/* One predicate says usable: bit 8 clear and P set. */
static inline bool
descry_segment_usable(const struct descry_segment *seg)
{
	return (seg->attr & (DESCRY_ATTR_UNUSABLE | DESCRY_ATTR_P)) == DESCRY_ATTR_P;
}

static inline unsigned
descry_segment_dpl(const struct descry_segment *seg)
{
	return (unsigned)(seg->attr & DESCRY_ATTR_DPL) >> DESCRY_ATTR_DPL_SHIFT;
}

static inline bool
descry_segment_is_code(const struct descry_segment *seg)
{
	return (seg->attr & (DESCRY_ATTR_S | DESCRY_ATTR_CODE)) ==
	       (DESCRY_ATTR_S | DESCRY_ATTR_CODE);
}

static inline bool
descry_segment_is_data(const struct descry_segment *seg)
{
	return (seg->attr & (DESCRY_ATTR_S | DESCRY_ATTR_CODE)) == DESCRY_ATTR_S;
}

static inline bool
descry_segment_is_conforming(const struct descry_segment *seg)
{
	return descry_segment_is_code(seg) && (seg->attr & DESCRY_ATTR_EC);
}

static inline bool
descry_segment_is_expand_down(const struct descry_segment *seg)
{
	return descry_segment_is_data(seg) && (seg->attr & DESCRY_ATTR_EC);
}

/* Data, or code with the read bit. */
static inline bool
descry_segment_is_readable(const struct descry_segment *seg)
{
	return descry_segment_is_data(seg) ||
	       (descry_segment_is_code(seg) && (seg->attr & DESCRY_ATTR_RW));
}

static inline bool
descry_segment_is_writable(const struct descry_segment *seg)
{
	return descry_segment_is_data(seg) && (seg->attr & DESCRY_ATTR_RW);
}

static inline bool
descry_segment_same_cache(const struct descry_segment *a, const struct descry_segment *b)
{
	return a->base == b->base && a->limit == b->limit && a->attr == b->attr;
}

/* SDM vol. 3, Segment Descriptors: what a load of sel takes from the 8 bytes of a descriptor. */
struct descry_segment descry_segment_from_descriptor(uint16_t sel, uint64_t raw);

/* "es" .. "gs", "ldtr", "tr". */
const char *descry_sreg_name(enum descry_sreg sreg);

#endif
