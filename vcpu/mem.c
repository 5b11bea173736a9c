#include "mem.h"

#include "wrap.h"

#include "debug.h"
#include "microstep.h"
#include "tlb.h"

/* --- pages ---------------------------------------------------------------------------- */

/* What ordinary accesses are now; those to tables and the TSS are never the user's. */
static unsigned
ordinary(const struct cpu *c)
{
	return c->user ? PAGE_USER : 0;
}

static bool
translate(struct cpu *c, uint32_t linear, unsigned access, uint64_t *physical)
{
	if (c->paging)
		return tlb_data(c, linear, access, physical);
	*physical = physical_address(c, linear);
	return true;
}

/* Beyond 4 GiB there is nothing. */
static struct descry_page
bus_page(const struct cpu *c, uint64_t physical, bool for_write)
{
	if (physical > UINT32_MAX)
		return (struct descry_page){ 0 };
	return c->bus.page(c->bus.owner, physical & ~(uint64_t)0xfff, for_write);
}

static struct page_guarded *
guarded_slot(struct cpu *c, uint32_t linear)
{
	return &c->guarded[linear >> 12 & (PAGE_FAST_COUNT - 1)];
}

static void
note_kept(struct cpu *c, unsigned index)
{
	if (c->kept_count < PAGE_FAST_COUNT)
		c->kept[c->kept_count] = (uint16_t)index;
	if (c->kept_count <= PAGE_FAST_COUNT)
		c->kept_count++;
}

static void
keep_page(struct cpu *c, uint32_t linear, uint8_t *host)
{
	struct page_fast *slot = page_slot(c, linear);

	if (slot->read_page == linear >> 12)
		return;
	if (slot->read_page == PAGE_NONE)
		note_kept(c, linear >> 12 & (PAGE_FAST_COUNT - 1));
	guarded_slot(c, linear)->page = PAGE_NONE;
	*slot = (struct page_fast){ .read_page = linear >> 12,
				    .write_page = PAGE_NONE,
				    .host = host };
}

/* A host pointer serves ordinary accesses that no breakpoint waits for and nobody records. */
static bool
may_keep(const struct cpu *c, uint32_t linear, unsigned write)
{
	if (c->micro || debug_page(c, linear))
		return false;
	return !c->paging || tlb_allows(c, linear, ordinary(c) | write);
}

/*
 * Where a byte lies: host memory, or (NULL) nowhere, so that reads give FFh and writes are
 * dropped. On false c->fault is #PF.
 */
struct place {
	uint8_t *host;
	uint32_t physical; /* of a place for writing */
};

static bool
place_for_read(struct cpu *c, uint32_t linear, unsigned access, struct place *out)
{
	const struct page_fast *slot = page_slot(c, linear);
	struct descry_page page;
	uint64_t physical;

	if (slot->read_page == linear >> 12) {
		out->host = slot->host + (linear & 0xfff);
		return true;
	}
	if (!translate(c, linear, access, &physical))
		return false;
	page = bus_page(c, physical, false);
	if (page.host && may_keep(c, linear, 0))
		keep_page(c, linear, page.host);
	out->host = page.host ? page.host + (physical & 0xfff) : NULL;
	return true;
}

/*
 * Now stores into this page need not come by here again: but those into a page with code in it
 * do, all of them.
 */
static void
keep_for_write(struct cpu *c, uint32_t linear, const struct place *place)
{
	keep_page(c, linear, place->host - (linear & 0xfff));
	if (blocks_guard(c->blocks, place->physical))
		*guarded_slot(c, linear) =
			(struct page_guarded){ linear >> 12,
					       blocks_lines(c->blocks, place->physical) };
	else
		page_slot(c, linear)->write_page = linear >> 12;
}

static bool
place_for_write(struct cpu *c, uint32_t linear, unsigned access, struct place *out)
{
	struct descry_page page;
	uint64_t physical;

	*out = (struct place){ NULL, 0 };
	if (!translate(c, linear, access | PAGE_WRITE, &physical))
		return false;
	page = bus_page(c, physical, true);
	if (!page.host || !page.writable)
		return true;
	*out = (struct place){ page.host + (physical & 0xfff), (uint32_t)physical };
	if (may_keep(c, linear, PAGE_WRITE))
		keep_for_write(c, linear, out);
	return true;
}

const uint8_t *
mem_code(const struct cpu *c, uint64_t physical)
{
	const struct descry_page page = bus_page(c, physical, false);

	return page.host ? page.host + (physical & 0xfff) : NULL;
}

static uint64_t
slot_physical(const struct cpu *c, unsigned index)
{
	return physical_address(c, c->paging ? (uint64_t)c->state.tlb_data[index].frame << 12
					     : c->page[index].write_page << 12);
}

/* From now on stores into this page take the long way. */
void
cpu_guard_page(struct cpu *c, uint32_t physical)
{
	for (unsigned i = 0; i < PAGE_FAST_COUNT; i++) {
		struct page_fast *slot = &c->page[i];

		if (slot->write_page != PAGE_NONE && slot_physical(c, i) >> 12 == physical >> 12)
			slot->write_page = PAGE_NONE;
	}
}

static void
forget_slot(struct cpu *c, unsigned index)
{
	c->page[index] = (struct page_fast){ .read_page = PAGE_NONE, .write_page = PAGE_NONE };
	c->guarded[index].page = PAGE_NONE;
}

void
cpu_forget_pages(struct cpu *c)
{
	const bool all = c->kept_count > PAGE_FAST_COUNT;
	const unsigned count = all ? PAGE_FAST_COUNT : c->kept_count;

	for (unsigned i = 0; i < count; i++)
		forget_slot(c, all ? i : c->kept[i]);
	c->kept_count = 0;
}

void
cpu_forget_page(struct cpu *c, uint32_t linear)
{
	if (page_slot(c, linear)->read_page == linear >> 12)
		forget_slot(c, linear >> 12 & (PAGE_FAST_COUNT - 1));
}

/* --- bytes ---------------------------------------------------------------------------- */

static size_t
within_page(uint32_t linear, size_t size)
{
	const size_t rest = DESCRY_PAGE_SIZE - (linear & 0xfff);

	return size < rest ? size : rest;
}

static bool
read_bytes(struct cpu *c, uint32_t linear, void *out, size_t size, unsigned access)
{
	const uint32_t from = linear, bytes = (uint32_t)size;
	uint8_t *to = out;

	while (size) {
		const size_t part = within_page(linear, size);
		struct place place;

		if (!place_for_read(c, linear, access, &place))
			return false;
		if (place.host)
			memcpy(to, place.host, part);
		else
			memset(to, 0xff, part);
		to += part;
		linear += (uint32_t)part;
		size -= part;
	}
	microstep_access(c, from, out, bytes, false);
	debug_data(c, from, bytes, false);
	return true;
}

bool
mem_read_linear_slow(struct cpu *c, uint32_t linear, void *out, size_t size)
{
	return read_bytes(c, linear, out, size, 0);
}

static bool
probe_bytes(struct cpu *c, uint32_t linear, size_t size, unsigned access)
{
	while (size) {
		const size_t part = within_page(linear, size);
		uint64_t physical;

		if (page_slot(c, linear)->write_page != linear >> 12 &&
		    !translate(c, linear, access | PAGE_WRITE, &physical))
			return false;
		linear += (uint32_t)part;
		size -= part;
	}
	return true;
}

bool
mem_probe_write(struct cpu *c, uint32_t linear, size_t size)
{
	return !c->paging || probe_bytes(c, linear, size, 0);
}

bool
mem_probe_write_ordinary(struct cpu *c, uint32_t linear, size_t size)
{
	return !c->paging || probe_bytes(c, linear, size, ordinary(c));
}

/* Only tables that have changed since the probe can refuse now: then the bytes go nowhere. */
void
mem_write_linear_slow(struct cpu *c, uint32_t linear, const void *data, size_t size)
{
	const uint8_t *from = data;

	debug_data(c, linear, (uint32_t)size, true);
	microstep_access(c, linear, data, size, true);
	while (size) {
		const size_t part = within_page(linear, size);
		struct place place;

		if (!place_for_write(c, linear, 0, &place)) {
			c->fault.vector = DESCRY_VEC_NONE;
		} else if (place.host) {
			blocks_written(c, place.physical, part);
			memcpy(place.host, from, part);
		}
		from += part;
		linear += (uint32_t)part;
		size -= part;
	}
}

/* --- for a debugger ------------------------------------------------------------------- */

size_t
mem_peek(const struct cpu *c, uint32_t linear, void *out, size_t size)
{
	uint8_t *to = out;
	size_t done = 0;

	while (done < size) {
		const size_t part = within_page(linear, size - done);
		struct descry_page page;
		uint64_t physical;

		if (!tlb_peek(c, linear, &physical))
			break;
		page = bus_page(c, physical, false);
		if (!page.host)
			break;
		memcpy(to + done, page.host + (physical & 0xfff), part);
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
		struct descry_page page;
		uint64_t physical;

		if (!tlb_peek(c, linear, &physical))
			break;
		page = bus_page(c, physical, true);
		if (!page.host || !page.writable)
			break;
		blocks_written(c, (uint32_t)physical, part);
		memcpy(page.host + (physical & 0xfff), from + done, part);
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

	if (DESCRY_UNLIKELY(c->control && c->control->watch_access >> seg & 1))
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
	return read_bytes(c, linear_of(c, seg, off), &c->value, size, ordinary(c));
}

bool
mem_check_write(struct cpu *c, unsigned seg, uint32_t off, unsigned size)
{
	return mem_check(c, seg, off, size, DESCRY_WRITE) &&
	       mem_probe_write_ordinary(c, linear_of(c, seg, off), size);
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
	if (!mem_check_write(c, seg, off, size))
		return false;
	if (wraps(c, off, size))
		return write_around(c, seg, off, size, value);
	mem_write_linear_slow(c, linear_of(c, seg, off), &value, size);
	return true;
}

bool
mem_write_slow(struct cpu *c, unsigned seg, uint32_t off, unsigned size, uint32_t value)
{
	uint8_t *host = host_beside_code(c, seg, off, size);

	if (!host)
		return write_by_rule(c, seg, off, size, value);
	host_write(host, size, value);
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
	if (!mem_check_write(c, seg, off, size))
		return false;
	if (wraps(c, off, size))
		return rmw_around(c, seg, off, size);
	c->rmw = (struct pending_write){ .linear = linear_of(c, seg, off) };
	c->value = 0;
	return read_bytes(c, c->rmw.linear, &c->value, size, ordinary(c));
}

void
mem_rmw_commit_slow(struct cpu *c, unsigned size, uint32_t value)
{
	if (c->rmw.wraps)
		wrap_write(c, c->rmw.linear, c->rmw.off, size, value);
	else
		mem_write_linear_slow(c, c->rmw.linear, &value, size);
}
