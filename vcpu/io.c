#include "io.h"

#include "eflags.h"
#include "mem.h"

/* SDM vol. 3, 32-Bit Task-State Segment: the word that says where the bitmap begins. */
#define TSS_BITMAP_OFFSET 0x66u

/*
 * With less privilege than IOPL asks for, and always in V86, the bitmap in the TSS decides port by
 * port: SDM vol. 1, I/O Permission Bit Map. Two bytes of it are always read, so both must be inside
 * the limit.
 */
static bool
bitmap_allows(struct cpu *c, uint16_t port, unsigned size)
{
	const struct descry_segment *tr = &c->state.seg[DESCRY_TR];
	const uint32_t base = (uint32_t)tr->base, wanted = ((1u << size) - 1) << (port & 7u);
	uint8_t word[2];

	if (!descry_segment_usable(tr) || (tr->attr & DESCRY_ATTR_TYPE) < DESCRY_TYPE_TSS32 ||
	    tr->limit < TSS_BITMAP_OFFSET + 1)
		return raise(c, DESCRY_VEC_GP, 0);
	if (!mem_read_linear(c, base + TSS_BITMAP_OFFSET, word, sizeof(word)))
		return false;

	const uint32_t at = (uint32_t)(word[0] | word[1] << 8) + port / 8u;

	if (at + 1 > tr->limit)
		return raise(c, DESCRY_VEC_GP, 0);
	if (!mem_read_linear(c, base + at, word, sizeof(word)))
		return false;
	return (uint32_t)(word[0] | word[1] << 8) & wanted ? raise(c, DESCRY_VEC_GP, 0) : true;
}

bool
io_allowed(struct cpu *c, uint16_t port, unsigned size)
{
	if (!in_protected_mode(c) || (!in_v86(c) && descry_cpl(&c->state) <= iopl(c)))
		return true;
	return bitmap_allows(c, port, size);
}
