/*
 * What the page tables and the TLB say about a linear address, for whoever wants to know:
 * nothing is marked, filled or forgotten by asking. Owned by vcpu.
 */
#ifndef DESCRY_PAGING_H
#define DESCRY_PAGING_H

#include <descry/vcpu.h>

/* Bits of a page-table or page-directory entry; those of the TLB's tags have the same places. */
#define DESCRY_PTE_P 0x001u
#define DESCRY_PTE_RW 0x002u
#define DESCRY_PTE_US 0x004u
#define DESCRY_PTE_A 0x020u
#define DESCRY_PTE_D 0x040u
#define DESCRY_PTE_PS 0x080u
#define DESCRY_PTE_G 0x100u

/* One entry on the way. */
struct descry_page_level {
	const char *name; /* "PDPTE", "PDE", "PTE" */
	uint64_t at;      /* physical address; a PDPTE: 0, it is a register */
	uint64_t entry;
	uint32_t size;          /* in bytes: 4 or 8 */
	uint32_t reserved_bits; /* 1: one that must be 0 is set */
};
#define DESCRY_PAGE_LEVELS 3u

/* SDM vol. 3, Paging: the walk that a TLB miss would make now. */
struct descry_page_walk {
	struct descry_page_level level[DESCRY_PAGE_LEVELS];
	unsigned count;     /* entries that were read; the last one ends the walk */
	bool present;       /* the walk has come to a page */
	uint16_t rights;    /* RW and US of all levels together, D PS G of the last */
	uint32_t page_size; /* 4 KiB, 2 MiB or 4 MiB */
	uint64_t physical;  /* of the byte */
};
void descry_vcpu_walk(const struct descry_vcpu *vcpu, uint32_t linear,
		      struct descry_page_walk *out);

/*
 * Where a byte lies: as the TLB has it, else as the tables do; without paging at the same address.
 * False when there is no page.
 */
bool descry_vcpu_translate(const struct descry_vcpu *vcpu, uint32_t linear, uint64_t *physical);

/*
 * After a raw change of CR0, CR3 or CR4: nothing of the old tables is kept. PDPTEs are read again;
 * those that no CPU would take are left as they were.
 */
void descry_vcpu_flush_tlb(struct descry_vcpu *vcpu);

#endif
