#include "tlb.h"

#include "block.h"

#define PAGE_MASK 0xfffff000u

static unsigned
data_index(uint32_t linear)
{
	return linear >> 12 & (DESCRY_TLB_DATA - 1);
}
_Static_assert(DESCRY_TLB_DATA == PAGE_FAST_COUNT, "a host pointer belongs to the entry");

static unsigned
code_index(uint32_t linear)
{
	return linear >> 12 & (DESCRY_TLB_CODE - 1);
}

static bool
has_page(const struct descry_tlb_entry *entry, uint32_t linear)
{
	return (entry->tag & (PAGE_MASK | DESCRY_PTE_P)) == ((linear & PAGE_MASK) | DESCRY_PTE_P);
}

static bool
write_protect(const struct cpu *c)
{
	return c->state.cr0 & DESCRY_CR0_WP;
}

/* The first write to a page looks at the tables, to set D there. */
static bool
allows(const struct cpu *c, const struct descry_tlb_entry *entry, unsigned access)
{
	if (access & PAGE_WRITE && !(entry->tag & DESCRY_PTE_D))
		return false;
	return page_allows(entry->tag, access, write_protect(c));
}

static uint64_t
address_in(const struct cpu *c, const struct descry_tlb_entry *entry, uint32_t linear)
{
	return physical_address(c, (uint64_t)entry->frame << 12 | (linear & ~PAGE_MASK));
}

/* --- emptying ------------------------------------------------------------------------- */

static void
drop_data(struct cpu *c, unsigned index)
{
	cpu_forget_page(c, c->state.tlb_data[index].tag);
	c->state.tlb_data[index] = (struct descry_tlb_entry){ 0 };
}

static void
drop_code(struct cpu *c, unsigned index)
{
	blocks_forget_jumps_of(c, index);
	c->state.tlb_code[index] = (struct descry_tlb_entry){ 0 };
}

static void
drop_page(struct cpu *c, uint32_t linear)
{
	if (has_page(&c->state.tlb_data[data_index(linear)], linear))
		drop_data(c, data_index(linear));
	if (has_page(&c->state.tlb_code[code_index(linear)], linear))
		drop_code(c, code_index(linear));
}

void
tlb_flush(struct cpu *c)
{
	memset(c->state.tlb_data, 0, sizeof(c->state.tlb_data));
	memset(c->state.tlb_code, 0, sizeof(c->state.tlb_code));
	cpu_forget_pages(c);
	blocks_forget_jumps(c);
}

static void
drop_local(struct descry_tlb_entry *entry, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!(entry[i].tag & DESCRY_PTE_G))
			entry[i] = (struct descry_tlb_entry){ 0 };
}

void
tlb_flush_local(struct cpu *c)
{
	drop_local(c->state.tlb_data, DESCRY_TLB_DATA);
	drop_local(c->state.tlb_code, DESCRY_TLB_CODE);
	cpu_forget_pages(c);
	blocks_forget_jumps(c);
}

/* Is this a part of the large page that the address is in? */
static bool
is_in_large_page(const struct cpu *c, const struct descry_tlb_entry *entry, uint32_t linear)
{
	const unsigned shift = c->state.cr4 & DESCRY_CR4_PAE ? 21 : 22;

	return entry->tag & DESCRY_PTE_PS && entry->tag >> shift == linear >> shift;
}

/* A large page fills an entry for each 4 KiB of it that are used. */
void
tlb_flush_page(struct cpu *c, uint32_t linear)
{
	drop_page(c, linear);
	for (unsigned i = 0; i < DESCRY_TLB_DATA; i++)
		if (is_in_large_page(c, &c->state.tlb_data[i], linear))
			drop_data(c, i);
	for (unsigned i = 0; i < DESCRY_TLB_CODE; i++)
		if (is_in_large_page(c, &c->state.tlb_code[i], linear))
			drop_code(c, i);
}

void
tlb_start_again(struct cpu *c)
{
	if (c->paging && c->state.cr4 & DESCRY_CR4_PAE &&
	    !page_load_pdptes(c, (uint32_t)c->state.cr3))
		c->fault.vector = DESCRY_VEC_NONE;
	tlb_flush(c);
}

/* Entries of pages that were in the window, or are now, say something else. */
void
descry_vcpu_map_window(struct descry_vcpu *vcpu, uint32_t linear, uint32_t size)
{
	struct cpu *c = &vcpu->cpu;
	const uint32_t base = size ? linear : c->window;
	const uint32_t end = size ? size : c->window_size;

	c->window = linear;
	c->window_size = size;
	for (uint32_t offset = 0; offset < end; offset += DESCRY_PAGE_SIZE)
		drop_page(c, base + offset);
}

void
descry_vcpu_flush_tlb(struct descry_vcpu *vcpu)
{
	tlb_start_again(&vcpu->cpu);
}

/* --- filling -------------------------------------------------------------------------- */

/* SDM vol. 3, Operations that Invalidate TLBs: a page fault does, too. */
static bool
raise_page_fault(struct cpu *c, uint32_t linear, const struct descry_page_walk *walk,
		 unsigned access)
{
	drop_page(c, linear);
	c->fault.address = linear;
	return raise(c, DESCRY_VEC_PF, page_error_code(walk, access));
}

/* Entries are marked once the access is known to be good: a fault leaves the tables alone. */
static bool
fill(struct cpu *c, struct descry_tlb_entry *entry, uint32_t linear, unsigned access)
{
	struct descry_page_walk walk;
	uint32_t rights;

	page_walk(c, linear, &walk);
	if (!walk.present || !page_allows(walk.rights, access, write_protect(c)))
		return raise_page_fault(c, linear, &walk, access);
	page_mark(c, &walk, access);
	rights = walk.rights | DESCRY_PTE_P;
	if (!(c->state.cr4 & DESCRY_CR4_PGE))
		rights &= ~DESCRY_PTE_G;
	*entry = (struct descry_tlb_entry){ (linear & PAGE_MASK) | rights,
					    (uint32_t)(walk.physical >> 12) };
	return true;
}

bool
tlb_data(struct cpu *c, uint32_t linear, unsigned access, uint64_t *physical)
{
	struct descry_tlb_entry *entry = &c->state.tlb_data[data_index(linear)];

	if (!has_page(entry, linear) || !allows(c, entry, access)) {
		const uint32_t old = entry->tag;

		if (!fill(c, entry, linear, access))
			return false;
		cpu_forget_page(c, old);
	}
	*physical = address_in(c, entry, linear);
	return true;
}

bool
tlb_code(struct cpu *c, uint32_t linear, uint64_t *physical)
{
	struct descry_tlb_entry *entry = &c->state.tlb_code[code_index(linear)];
	const unsigned access = c->user ? PAGE_USER : 0;

	if (!has_page(entry, linear) || !allows(c, entry, access)) {
		if (!fill(c, entry, linear, access))
			return false;
		blocks_forget_jumps_of(c, code_index(linear));
	}
	*physical = address_in(c, entry, linear);
	return true;
}

bool
tlb_allows(const struct cpu *c, uint32_t linear, unsigned access)
{
	return allows(c, &c->state.tlb_data[data_index(linear)], access);
}

/* --- looking -------------------------------------------------------------------------- */

bool
tlb_peek(const struct cpu *c, uint32_t linear, uint64_t *physical)
{
	const struct descry_tlb_entry *data = &c->state.tlb_data[data_index(linear)];
	const struct descry_tlb_entry *code = &c->state.tlb_code[code_index(linear)];
	struct descry_page_walk walk;

	if (!c->paging) {
		*physical = physical_address(c, linear);
		return true;
	}
	if (has_page(data, linear) || has_page(code, linear)) {
		*physical = address_in(c, has_page(data, linear) ? data : code, linear);
		return true;
	}
	page_walk(c, linear, &walk);
	*physical = physical_address(c, walk.physical);
	return walk.present;
}

static const char *
refused_by(const struct descry_page_walk *walk, unsigned access)
{
	const struct descry_page_level *last = &walk->level[walk->count - 1];

	if (!(last->entry & DESCRY_PTE_P))
		return "no page: P is clear";
	if (last->reserved_bits)
		return "reserved bits are set in the page tables";
	if (access & PAGE_USER && !(walk->rights & DESCRY_PTE_US))
		return "a page of the supervisor: U/S is clear";
	return access & PAGE_USER ? "a read-only page: R/W is clear"
				  : "a read-only page: R/W is clear and CR0.WP set";
}

const char *
tlb_refuses(const struct cpu *c, uint32_t linear, enum descry_access access, uint16_t *error_code)
{
	const struct descry_tlb_entry *entry = access == DESCRY_FETCH
						       ? &c->state.tlb_code[code_index(linear)]
						       : &c->state.tlb_data[data_index(linear)];
	const unsigned how = (c->user ? PAGE_USER : 0) | (access == DESCRY_WRITE ? PAGE_WRITE : 0);
	struct descry_page_walk walk;

	if (!c->paging || (has_page(entry, linear) && allows(c, entry, how)))
		return NULL;
	page_walk(c, linear, &walk);
	if (walk.present && page_allows(walk.rights, how, write_protect(c)))
		return NULL;
	*error_code = page_error_code(&walk, how);
	return refused_by(&walk, how);
}

bool
descry_vcpu_translate(const struct descry_vcpu *vcpu, uint32_t linear, uint64_t *physical)
{
	return tlb_peek(&vcpu->cpu, linear, physical);
}
