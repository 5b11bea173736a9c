#include "paging.h"

#include "block.h"

#define FRAME_BITS 0x0000000ffffff000ull /* 36 address bits, as a P6 has them */

/* Bits that must be 0, checked once CR4.PSE or CR4.PAE gives them that meaning. */
#define RESERVED_PDE_4M 0x003ff000ull /* neither PSE-36 nor PAT */
#define RESERVED_PAE 0xfffffff000000000ull
#define RESERVED_PDE_2M (RESERVED_PAE | 0x001ff000ull)
#define RESERVED_PDPTE (RESERVED_PAE | 0x1e6ull)

/* --- entries in memory ---------------------------------------------------------------- */

static uint64_t
read_entry(const struct cpu *c, uint64_t at, unsigned size)
{
	const uint64_t physical = physical_address(c, at);
	const struct descry_page page =
		c->bus.page(c->bus.owner, physical & ~(uint64_t)(DESCRY_PAGE_SIZE - 1), false);
	uint64_t entry = 0;

	if (!page.host)
		return size == 4 ? UINT32_MAX : UINT64_MAX;
	memcpy(&entry, page.host + (physical & (DESCRY_PAGE_SIZE - 1)), size);
	return entry;
}

static void
write_entry(struct cpu *c, const struct descry_page_level *level)
{
	const uint64_t physical = physical_address(c, level->at);
	const struct descry_page page =
		c->bus.page(c->bus.owner, physical & ~(uint64_t)(DESCRY_PAGE_SIZE - 1), true);

	if (!page.host || !page.writable)
		return;
	blocks_written(c, (uint32_t)physical, level->size);
	memcpy(page.host + (physical & (DESCRY_PAGE_SIZE - 1)), &level->entry, level->size);
}

/* --- the walk ------------------------------------------------------------------------- */

/* Takes one more entry; false where the walk ends without a page. */
static bool
take(struct descry_page_walk *walk, const struct descry_page_level *level, uint64_t reserved)
{
	walk->level[walk->count] = *level;
	walk->level[walk->count++].reserved_bits = level->entry & reserved ? 1 : 0;
	return level->entry & DESCRY_PTE_P && !(level->entry & reserved);
}

static void
arrive(struct descry_page_walk *walk, uint32_t linear, uint64_t entry, unsigned shift)
{
	walk->present = true;
	walk->page_size = 1u << shift;
	walk->rights |= (uint16_t)(entry & (DESCRY_PTE_D | DESCRY_PTE_G));
	if (shift > 12)
		walk->rights |= DESCRY_PTE_PS;
	walk->physical = (entry & FRAME_BITS & ~(uint64_t)(walk->page_size - 1)) |
			 (linear & (walk->page_size - 1));
}

/* The last two levels: a directory and perhaps a table, with entries of 4 or of 8 bytes. */
static void
walk_directory(const struct cpu *c, uint64_t directory, uint32_t linear,
	       struct descry_page_walk *walk)
{
	const bool pae = c->state.cr4 & DESCRY_CR4_PAE;
	const unsigned size = pae ? 8 : 4, shift = pae ? 21 : 22;
	const uint32_t mask = DESCRY_PAGE_SIZE / size - 1;
	struct descry_page_level pde = { "PDE", directory + (linear >> shift & mask) * size, 0,
					 size, 0 };
	struct descry_page_level pte = { "PTE", (linear >> 12 & mask) * size, 0, size, 0 };
	uint64_t reserved = pae ? RESERVED_PAE : 0;
	bool large;

	pde.entry = read_entry(c, pde.at, size);
	large = pde.entry & DESCRY_PTE_PS && (pae || c->state.cr4 & DESCRY_CR4_PSE);
	if (large)
		reserved = pae ? RESERVED_PDE_2M : RESERVED_PDE_4M;
	if (!take(walk, &pde, reserved))
		return;
	walk->rights = (uint16_t)(pde.entry & (DESCRY_PTE_RW | DESCRY_PTE_US));
	if (large) {
		arrive(walk, linear, pde.entry, shift);
		return;
	}
	pte.at += pde.entry & FRAME_BITS;
	pte.entry = read_entry(c, pte.at, size);
	if (!take(walk, &pte, pae ? RESERVED_PAE : 0))
		return;
	walk->rights &= (uint16_t)pte.entry;
	arrive(walk, linear, pte.entry, 12);
}

/* No table is read, and none could be marked. */
static void
arrive_in_window(uint32_t linear, struct descry_page_walk *walk)
{
	walk->rights = DESCRY_PTE_RW | DESCRY_PTE_US;
	arrive(walk, linear, (linear & ~0xfffu) | DESCRY_PTE_D, 12);
}

void
page_walk(const struct cpu *c, uint32_t linear, struct descry_page_walk *out)
{
	*out = (struct descry_page_walk){ 0 };
	if (DESCRY_UNLIKELY(linear - c->window < c->window_size)) {
		arrive_in_window(linear, out);
		return;
	}
	if (c->state.cr4 & DESCRY_CR4_PAE) {
		const struct descry_page_level pdpte = { "PDPTE", 0, c->state.pdpte[linear >> 30],
							 8, 0 };

		if (take(out, &pdpte, 0))
			walk_directory(c, pdpte.entry & FRAME_BITS, linear, out);
	} else {
		walk_directory(c, c->state.cr3 & 0xfffff000, linear, out);
	}
}

uint16_t
page_error_code(const struct descry_page_walk *walk, unsigned access)
{
	const struct descry_page_level *last = &walk->level[walk->count - 1];

	if (!(last->entry & DESCRY_PTE_P))
		return (uint16_t)access;
	return (uint16_t)(access | 0x01u | (last->reserved_bits ? 0x08u : 0));
}

/* PDPTEs have no marks. */
void
page_mark(struct cpu *c, struct descry_page_walk *walk, unsigned access)
{
	const bool write = access & PAGE_WRITE;

	for (unsigned i = c->state.cr4 & DESCRY_CR4_PAE ? 1 : 0; i < walk->count; i++) {
		struct descry_page_level *level = &walk->level[i];
		uint64_t marked = level->entry | DESCRY_PTE_A;

		if (write && i == walk->count - 1)
			marked |= DESCRY_PTE_D;
		if (marked == level->entry)
			continue;
		level->entry = marked;
		write_entry(c, level);
	}
	if (write)
		walk->rights |= DESCRY_PTE_D;
}

/* SDM vol. 3, PDPTE Registers. */
bool
page_load_pdptes(struct cpu *c, uint32_t cr3)
{
	uint64_t pdpte[4];

	for (unsigned i = 0; i < 4; i++) {
		pdpte[i] = read_entry(c, (cr3 & 0xffffffe0) + i * 8, 8);
		if (pdpte[i] & DESCRY_PTE_P && pdpte[i] & RESERVED_PDPTE)
			return raise(c, DESCRY_VEC_GP, 0);
	}
	memcpy(c->state.pdpte, pdpte, sizeof(pdpte));
	return true;
}

void
descry_vcpu_walk(const struct descry_vcpu *vcpu, uint32_t linear, struct descry_page_walk *out)
{
	page_walk(&vcpu->cpu, linear, out);
}
