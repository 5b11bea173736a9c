/*
 * The translation lookaside buffer, which is state: a guest that changes its tables and does not
 * say so goes on with what is here. Filled by accesses, emptied by INVLPG, writes of control
 * registers, page faults and other pages of the same slot. Private to vcpu.
 */
#ifndef DESCRY_TLB_H
#define DESCRY_TLB_H

#include "paging.h"

/* Where a byte lies, for a data access (PAGE_WRITE, PAGE_USER). On false c->fault is #PF. */
DESCRY_MUST_CHECK bool tlb_data(struct cpu *c, uint32_t linear, unsigned access,
				uint64_t *physical);
/* The same for a fetch by the current privilege. */
DESCRY_MUST_CHECK bool tlb_code(struct cpu *c, uint32_t linear, uint64_t *physical);

/* Would the data entry of this page allow the access? It has just been used. */
bool tlb_allows(const struct cpu *c, uint32_t linear, unsigned access);

/* As tlb_data(), by whoever only looks: nothing changes. False: no page. */
DESCRY_MUST_CHECK bool tlb_peek(const struct cpu *c, uint32_t linear, uint64_t *physical);

/*
 * The rule that would refuse an access of the current privilege, as a phrase, with the error code
 * of the page fault; NULL: none. Nothing changes.
 */
const char *tlb_refuses(const struct cpu *c, uint32_t linear, enum descry_access access,
			uint16_t *error_code);

/* All entries, or all but those of global pages. */
void tlb_flush(struct cpu *c);
void tlb_flush_local(struct cpu *c);

/* All, and the PDPTEs are read again; those that no CPU would take stay as they were. */
void tlb_start_again(struct cpu *c);

/* INVLPG: the page with this address, however large. */
void tlb_flush_page(struct cpu *c, uint32_t linear);

#endif
