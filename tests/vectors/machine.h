/*
 * The machine of the vectors: a CPU, RAM without an A20 gate, and ports that read as FFh. It
 * remembers which pages were handed out for writing, so that a test cleans up after itself.
 */
#ifndef SST_MACHINE_H
#define SST_MACHINE_H

#include "test.h"

#include <descry/vcpu.h>

/* 16 MiB, and the 64 KiB that FFFF:FFFF reaches beyond a megabyte are inside. */
#define MACHINE_PAGES 4096u

struct machine {
	struct descry_vcpu *vcpu;
	uint8_t *memory;
	bool dirty[MACHINE_PAGES];
	uint16_t dirty_list[MACHINE_PAGES];
	size_t dirty_count;
	struct test_ports ports; /* what has been done in this test; count stops at the maximum */
};

enum descry_status machine_create(struct machine *machine, const struct descry_profile *profile);
void machine_destroy(struct machine *machine);

/* Registers, memory and nothing else: the start of a test. */
void machine_load(struct machine *machine, const struct test *test);

/* Memory, for a test to look at and to clear. NULL outside RAM. */
uint8_t *machine_byte(struct machine *machine, uint32_t address);

/* Address of a byte that is not zero, in the pages that were written; false if there is none. */
bool machine_find_nonzero(struct machine *machine, uint32_t *address);

/* All of memory is zero again. */
void machine_clear(struct machine *machine);

/* The register as 64 bits, and what it should be before a test: upper halves hold a pattern. */
uint64_t machine_register(const struct machine *machine, enum test_register reg);
uint64_t machine_expected(enum test_register reg, uint16_t value);
const char *machine_register_name(enum test_register reg);

#endif
