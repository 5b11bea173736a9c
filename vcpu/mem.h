/*
 * Data accesses through a segment: one limit comparison, one page lookup, one host access
 * when nothing is in the way; the rules are in the long way round. On false, c->fault
 * is set and nothing has changed. Private to vcpu.
 */
#ifndef DESCRY_MEM_H
#define DESCRY_MEM_H

#include "cpu.h"

DESCRY_MUST_CHECK bool mem_read_slow(struct cpu *c, unsigned seg, uint32_t off, unsigned size);
DESCRY_MUST_CHECK bool mem_write_slow(struct cpu *c, unsigned seg, uint32_t off, unsigned size,
				      uint32_t value);
DESCRY_MUST_CHECK bool mem_rmw_slow(struct cpu *c, unsigned seg, uint32_t off, unsigned size);
void mem_rmw_commit_slow(struct cpu *c, unsigned size, uint32_t value);

/* All checks of a write, the page's included; nothing is written. */
DESCRY_MUST_CHECK bool mem_check_write(struct cpu *c, unsigned seg, uint32_t off, unsigned size);

/* The rules of the segment alone: would it allow the access? Nothing is read or written. */
DESCRY_MUST_CHECK bool mem_check(struct cpu *c, unsigned seg, uint32_t off, unsigned size,
				 enum descry_access access);

/*
 * A page entry answers for an access only when the page of its last byte is the page that
 * is kept there: an access across pages finds the neighbour's slot and takes the long way.
 */
DESCRY_INLINE struct page_fast *
page_slot(struct cpu *c, uint32_t linear)
{
	return &c->page[linear >> 12 & (PAGE_FAST_COUNT - 1)];
}

/* Reads into c->value. */
DESCRY_MUST_CHECK DESCRY_INLINE bool
mem_read(struct cpu *c, unsigned seg, uint32_t off, unsigned size)
{
	const struct seg_fast *fast = &c->fast[seg];
	const uint32_t linear = fast->base + off;
	const struct page_fast *page = page_slot(c, linear);

	if (DESCRY_UNLIKELY((uint64_t)off + size > fast->read_end ||
			    page->read_page != (linear + size - 1) >> 12))
		return mem_read_slow(c, seg, off, size);
	c->value = host_read(page->host + (linear & 0xfff), size);
	return true;
}

DESCRY_MUST_CHECK DESCRY_INLINE bool
mem_write(struct cpu *c, unsigned seg, uint32_t off, unsigned size, uint32_t value)
{
	const struct seg_fast *fast = &c->fast[seg];
	const uint32_t linear = fast->base + off;
	const struct page_fast *page = page_slot(c, linear);

	if (DESCRY_UNLIKELY((uint64_t)off + size > fast->write_end ||
			    page->write_page != (linear + size - 1) >> 12))
		return mem_write_slow(c, seg, off, size, value);
	host_write(page->host + (linear & 0xfff), size, value);
	return true;
}

/* Reads into c->value an operand that will be written back: all checks of both are made. */
DESCRY_MUST_CHECK DESCRY_INLINE bool
mem_rmw(struct cpu *c, unsigned seg, uint32_t off, unsigned size)
{
	const struct seg_fast *fast = &c->fast[seg];
	const uint32_t linear = fast->base + off;
	const struct page_fast *page = page_slot(c, linear);

	if (DESCRY_UNLIKELY((uint64_t)off + size > fast->write_end ||
			    page->write_page != (linear + size - 1) >> 12))
		return mem_rmw_slow(c, seg, off, size);
	c->rmw.host = page->host + (linear & 0xfff);
	c->value = host_read(c->rmw.host, size);
	return true;
}

DESCRY_INLINE void
mem_rmw_commit(struct cpu *c, unsigned size, uint32_t value)
{
	if (DESCRY_LIKELY(c->rmw.host != NULL))
		host_write(c->rmw.host, size, value);
	else
		mem_rmw_commit_slow(c, size, value);
}

/*
 * Host memory behind bytes that lie together in one page and within the limit; NULL when
 * they have to be taken one by one.
 */
DESCRY_INLINE const uint8_t *
mem_span(struct cpu *c, unsigned seg, uint32_t off, unsigned bytes)
{
	const struct seg_fast *fast = &c->fast[seg];
	const uint32_t linear = fast->base + off;
	const struct page_fast *page = page_slot(c, linear);

	if ((uint64_t)off + bytes > fast->read_end || page->read_page != (linear + bytes - 1) >> 12)
		return NULL;
	return page->host + (linear & 0xfff);
}

DESCRY_INLINE uint8_t *
mem_span_writable(struct cpu *c, unsigned seg, uint32_t off, unsigned bytes)
{
	const struct seg_fast *fast = &c->fast[seg];
	const uint32_t linear = fast->base + off;
	const struct page_fast *page = page_slot(c, linear);

	if ((uint64_t)off + bytes > fast->write_end ||
	    page->write_page != (linear + bytes - 1) >> 12)
		return NULL;
	return page->host + (linear & 0xfff);
}

/* --- without a segment: tables, TSS, IVT; never the user's accesses ------------------- */

DESCRY_MUST_CHECK bool mem_read_linear_slow(struct cpu *c, uint32_t linear, void *out, size_t size);
void mem_write_linear_slow(struct cpu *c, uint32_t linear, const void *data, size_t size);

/* size is a constant at most places: then this is one comparison and one load. */
DESCRY_MUST_CHECK DESCRY_INLINE bool
mem_read_linear(struct cpu *c, uint32_t linear, void *out, size_t size)
{
	const struct page_fast *page = page_slot(c, linear);

	if (DESCRY_UNLIKELY(page->read_page != (linear + (uint32_t)size - 1) >> 12))
		return mem_read_linear_slow(c, linear, out, size);
	memcpy(out, page->host + (linear & 0xfff), size);
	return true;
}

/* What mem_probe_write() has allowed, or what cannot be refused. */
DESCRY_INLINE void
mem_write_linear(struct cpu *c, uint32_t linear, const void *data, size_t size)
{
	const struct page_fast *page = page_slot(c, linear);

	if (DESCRY_LIKELY(page->write_page == (linear + (uint32_t)size - 1) >> 12))
		memcpy(page->host + (linear & 0xfff), data, size);
	else
		mem_write_linear_slow(c, linear, data, size);
}

/*
 * May these bytes be written? So that a commit which writes them cannot fault any more. The
 * second one asks for an ordinary access by the current privilege.
 */
DESCRY_MUST_CHECK bool mem_probe_write(struct cpu *c, uint32_t linear, size_t size);
DESCRY_MUST_CHECK bool mem_probe_write_ordinary(struct cpu *c, uint32_t linear, size_t size);

/* The page that holds code, from this byte on; NULL when nothing is there. */
const uint8_t *mem_code(const struct cpu *c, uint64_t physical);

/* For a debugger: nothing is marked, filled or invalidated but code that is overwritten. */
size_t mem_peek(const struct cpu *c, uint32_t linear, void *out, size_t size);
size_t mem_poke(struct cpu *c, uint32_t linear, const void *data, size_t size);

#endif
