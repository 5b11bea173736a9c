/*
 * The page tables: the walk through them, what it allows, and the marks that it leaves. SDM vol. 3,
 * Paging. Private to vcpu.
 */
#ifndef DESCRY_VCPU_PAGING_H
#define DESCRY_VCPU_PAGING_H

#include "cpu.h"

#include <descry/paging.h>

/* What an access is, at the places that these have in the error code of a page fault. */
#define PAGE_WRITE 0x02u
#define PAGE_USER 0x04u

/* The A20 gate, and how many address lines there are. */
static inline uint64_t
physical_address(const struct cpu *c, uint64_t address)
{
	return address & ((uint64_t)UINT32_MAX << 32 | c->a20_mask);
}

/*
 * SDM vol. 3, Determination of Access Rights: rights as in struct descry_page_walk. Without CR0.WP
 * ring 0 to 2 may write to any page.
 */
static inline bool
page_allows(unsigned rights, unsigned access, bool wp)
{
	if (access & PAGE_USER && !(rights & DESCRY_PTE_US))
		return false;
	if (!(access & PAGE_WRITE) || rights & DESCRY_PTE_RW)
		return true;
	return !(access & PAGE_USER) && !wp;
}

/* SDM vol. 3, Interrupt 14 - Page-Fault Exception: P, W/R, U/S, RSVD. */
uint16_t page_error_code(const struct descry_page_walk *walk, unsigned access);

void page_walk(const struct cpu *c, uint32_t linear, struct descry_page_walk *out);

/* Sets A in every entry of a walk, and D in the last one when the access is a write. */
void page_mark(struct cpu *c, struct descry_page_walk *walk, unsigned access);

/*
 * Reads the four entries that CR3 names into registers: on writes of CR3, and of CR0 and CR4 where
 * they change how paging works. On false c->fault is #GP(0) and nothing has changed.
 */
DESCRY_MUST_CHECK bool page_load_pdptes(struct cpu *c, uint32_t cr3);

#endif
