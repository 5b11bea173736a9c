#include "mem.h"

#include "wrap.h"

#include "debug.h"
#include "microstep.h"

/* --- pages ---------------------------------------------------------------------------- */

uint32_t
mem_physical(const struct cpu *c, uint32_t linear)
{
	return linear & c->a20_mask;
}

static struct descry_page
bus_page(const struct cpu *c, uint32_t linear, bool for_write)
{
	return c->bus.page(c->bus.owner, mem_physical(c, linear) & ~0xfffu, for_write);
}

static struct page_guarded *
guarded_slot(struct cpu *c, uint32_t linear)
{
	return &c->guarded[linear >> 12 & (PAGE_FAST_COUNT - 1)];
}

static void
keep_page(struct cpu *c, uint32_t linear, uint8_t *host)
{
	struct page_fast *slot = page_slot(c, linear);

	if (slot->read_page == linear >> 12)
		return;
	guarded_slot(c, linear)->page = PAGE_NONE;
	*slot = (struct page_fast){ .read_page = linear >> 12,
				    .write_page = PAGE_NONE,
				    .host = host };
}

/* Host address of a byte, for reading; NULL when nothing is there. */
static const uint8_t *
host_for_read(struct cpu *c, uint32_t linear)
{
	const struct page_fast *slot = page_slot(c, linear);

	if (slot->read_page != linear >> 12) {
		const struct descry_page page = bus_page(c, linear, false);

		if (!page.host)
			return NULL;
		if (debug_page(c, linear))
			return page.host + (linear & 0xfff);
		keep_page(c, linear, page.host);
	}
	return slot->host + (linear & 0xfff);
}

/*
 * Host address of a byte, for writing; NULL when the write goes nowhere. A page with
 * code in it is never kept for writing, so that each store into it comes by here.
 */
static uint8_t *
host_for_write(struct cpu *c, uint32_t linear)
{
	const struct page_fast *slot = page_slot(c, linear);

	if (slot->write_page != linear >> 12) {
		const struct descry_page page = bus_page(c, linear, true);

		if (!page.host || !page.writable)
			return NULL;
		if (debug_page(c, linear))
			return page.host + (linear & 0xfff);
		keep_page(c, linear, page.host);
		if (blocks_guard(c->blocks, mem_physical(c, linear)))
			*guarded_slot(c, linear) = (struct page_guarded){
				linear >> 12, blocks_lines(c->blocks, mem_physical(c, linear))
			};
		else
			page_slot(c, linear)->write_page = linear >> 12;
	}
	return slot->host + (linear & 0xfff);
}

const uint8_t *
mem_code(struct cpu *c, uint32_t linear)
{
	return host_for_read(c, linear);
}

/* From now on stores into this page take the long way. */
void
cpu_guard_page(struct cpu *c, uint32_t physical)
{
	for (unsigned i = 0; i < PAGE_FAST_COUNT; i++) {
		struct page_fast *slot = &c->page[i];

		if (slot->write_page != PAGE_NONE &&
		    mem_physical(c, slot->write_page << 12) >> 12 == physical >> 12)
			slot->write_page = PAGE_NONE;
	}
}

void
cpu_forget_pages(struct cpu *c)
{
	for (unsigned i = 0; i < PAGE_FAST_COUNT; i++) {
		c->page[i] = (struct page_fast){ .read_page = PAGE_NONE, .write_page = PAGE_NONE };
		c->guarded[i].page = PAGE_NONE;
	}
}

static size_t
within_page(uint32_t linear, size_t size)
{
	const size_t rest = DESCRY_PAGE_SIZE - (linear & 0xfff);

	return size < rest ? size : rest;
}

bool
mem_fetch(struct cpu *c, uint32_t linear, void *out, size_t size)
{
	uint8_t *to = out;

	while (size) {
		const size_t part = within_page(linear, size);
		const uint8_t *host = host_for_read(c, linear);

		if (host)
			memcpy(to, host, part);
		else
			memset(to, 0xff, part);
		to += part;
		linear += (uint32_t)part;
		size -= part;
	}
	microstep_access(c, linear - (uint32_t)(to - (uint8_t *)out), out,
			 (size_t)(to - (uint8_t *)out), false);
	return true;
}

bool
mem_read_linear_slow(struct cpu *c, uint32_t linear, void *out, size_t size)
{
	if (!mem_fetch(c, linear, out, size))
		return false;
	debug_data(c, linear, (uint32_t)size, false);
	return true;
}

/* Without paging there is nothing that could refuse. */
bool
mem_probe_write(struct cpu *c, uint32_t linear, size_t size)
{
	(void)c, (void)linear, (void)size;
	return true;
}

void
mem_write_linear_slow(struct cpu *c, uint32_t linear, const void *data, size_t size)
{
	const uint8_t *from = data;

	debug_data(c, linear, (uint32_t)size, true);
	microstep_access(c, linear, data, size, true);
	while (size) {
		const size_t part = within_page(linear, size);
		uint8_t *host = host_for_write(c, linear);

		if (host) {
			blocks_written(c, mem_physical(c, linear), part);
			memcpy(host, from, part);
		}
		from += part;
		linear += (uint32_t)part;
		size -= part;
	}
}

size_t
mem_peek(const struct cpu *c, uint32_t linear, void *out, size_t size)
{
	uint8_t *to = out;
	size_t done = 0;

	while (done < size) {
		const size_t part = within_page(linear, size - done);
		const struct descry_page page = bus_page(c, linear, false);

		if (!page.host)
			break;
		memcpy(to + done, page.host + (linear & 0xfff), part);
		linear += (uint32_t)part;
		done += part;
	}
	return done;
}

size_t
mem_poke(struct cpu *c, uint32_t linear, const void *data, size_t size)
{
	const uint8_t *from = data;
	size_t done = 0;

	while (done < size) {
		const size_t part = within_page(linear, size - done);
		uint8_t *host = host_for_write(c, linear);

		if (!host)
			break;
		blocks_written(c, mem_physical(c, linear), part);
		memcpy(host, from + done, part);
		linear += (uint32_t)part;
		done += part;
	}
	return done;
}

/* --- accesses through a segment ------------------------------------------------------- */

static void
record_access(struct cpu *c, unsigned seg, uint32_t off, unsigned size, enum descry_access access,
	      struct seg_verdict verdict)
{
	struct descry_event *event = cpu_record(c, DESCRY_EVENT_ACCESS);

	event->sreg = (uint8_t)seg;
	event->offset = off;
	event->size = (uint8_t)size;
	event->access = (uint8_t)access;
	event->fault.vector = verdict.vector;
	event->fault.error_code = verdict.error_code;
	event->linear = (uint32_t)c->state.seg[seg].base + off;
	c->accessed = true;
}

bool
mem_check(struct cpu *c, unsigned seg, uint32_t off, unsigned size, enum descry_access access)
{
	const struct seg_verdict verdict = seg_check_access(
		&c->state.seg[seg], off, size, access, seg_route((enum descry_sreg)seg), &c->rules);

	if (DESCRY_UNLIKELY(c->control && c->control->watch_access >> seg & 1 && !c->accessed))
		record_access(c, seg, off, size, access, verdict);
	return verdict.rule == SEG_OK ? true : raise_verdict(c, verdict);
}

static uint32_t
linear_of(const struct cpu *c, unsigned seg, uint32_t off)
{
	return (uint32_t)c->state.seg[seg].base + off;
}

/*
 * Where a store lands that is allowed, lies in one page and only shares that page with
 * code: boot sectors keep code, tables and data together. NULL: it is not as simple, or
 * the code is gone and the page may be kept for writing again.
 */
DESCRY_INLINE uint8_t *
host_beside_code(struct cpu *c, unsigned seg, uint32_t off, unsigned size)
{
	const struct seg_fast *fast = &c->fast[seg];
	const uint32_t linear = fast->base + off;
	const struct page_guarded *guarded = guarded_slot(c, linear);

	if (off + (uint64_t)size > fast->write_end || guarded->page != (linear + size - 1) >> 12 ||
	    !*guarded->lines || *guarded->lines & line_mask(linear, size))
		return NULL;
	return page_slot(c, linear)->host + (linear & 0xfff);
}

bool
mem_read_slow(struct cpu *c, unsigned seg, uint32_t off, unsigned size)
{
	if (!mem_check(c, seg, off, size, DESCRY_READ))
		return false;
	if (wraps(c, off, size))
		return wrap_read(c, (uint32_t)c->state.seg[seg].base, off, size);
	c->value = 0;
	return mem_read_linear_slow(c, linear_of(c, seg, off), &c->value, size);
}

static bool
write_around(struct cpu *c, unsigned seg, uint32_t off, unsigned size, uint32_t value)
{
	const uint32_t base = (uint32_t)c->state.seg[seg].base;

	if (!wrap_probe_write(c, base, off, size))
		return false;
	wrap_write(c, base, off, size, value);
	return true;
}

static DESCRY_NOINLINE bool
write_by_rule(struct cpu *c, unsigned seg, uint32_t off, unsigned size, uint32_t value)
{
	if (!mem_check(c, seg, off, size, DESCRY_WRITE))
		return false;
	if (wraps(c, off, size))
		return write_around(c, seg, off, size, value);
	if (!mem_probe_write(c, linear_of(c, seg, off), size))
		return false;
	mem_write_linear_slow(c, linear_of(c, seg, off), &value, size);
	return true;
}

bool
mem_write_slow(struct cpu *c, unsigned seg, uint32_t off, unsigned size, uint32_t value)
{
	uint8_t *host = host_beside_code(c, seg, off, size);

	if (!host)
		return write_by_rule(c, seg, off, size, value);
	if (size == 4)
		host_write(host, 4, value);
	else if (size == 2)
		host_write(host, 2, value);
	else
		host_write(host, 1, value);
	return true;
}

static bool
rmw_around(struct cpu *c, unsigned seg, uint32_t off, unsigned size)
{
	const uint32_t base = (uint32_t)c->state.seg[seg].base;

	c->rmw = (struct pending_write){ .linear = base, .off = off, .wraps = true };
	return wrap_probe_write(c, base, off, size) && wrap_read(c, base, off, size);
}

bool
mem_rmw_slow(struct cpu *c, unsigned seg, uint32_t off, unsigned size)
{
	c->rmw.host = host_beside_code(c, seg, off, size);
	if (c->rmw.host) {
		c->value = host_read(c->rmw.host, size);
		return true;
	}
	if (!mem_check(c, seg, off, size, DESCRY_WRITE))
		return false;
	if (wraps(c, off, size))
		return rmw_around(c, seg, off, size);
	c->rmw = (struct pending_write){ .linear = linear_of(c, seg, off) };
	c->value = 0;
	return mem_probe_write(c, c->rmw.linear, size) &&
	       mem_read_linear_slow(c, c->rmw.linear, &c->value, size);
}

void
mem_rmw_commit_slow(struct cpu *c, unsigned size, uint32_t value)
{
	if (c->rmw.wraps)
		wrap_write(c, c->rmw.linear, c->rmw.off, size, value);
	else
		mem_write_linear_slow(c, c->rmw.linear, &value, size);
}
