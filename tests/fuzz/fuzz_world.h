/*
 * A world for one case of fuzz_cpu: memory with tables that are mostly right, code that is
 * mostly about segments, and a CPU state that is whole. Made from a seed alone.
 */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include "random.h"

#include <descry/vcpu.h>

#define RAM_SIZE 0x10000u

#define IVT_AT 0x0000u
#define GDT_AT 0x1000u
#define GDT_SLOTS 64u
#define IDT_AT 0x2000u
#define LDT_AT 0x3000u
#define LDT_SLOTS 16u
#define TSS_AT 0x4000u
#define TSS_SIZE 0x200u
#define TSS_COUNT 4u
#define DIRECTORY_AT 0x5000u
#define PAGES_AT 0x6000u
#define CODE_AT 0x8000u
#define LOADALL286_AT 0x800u

struct world {
	uint8_t ram[RAM_SIZE];
	struct descry_vcpu *vcpu;
	struct random random;
};

enum start { START_REAL, START_RING0, START_RING3, START_V86, START_COUNT };

/* Fills memory, and puts the CPU at the start of a program; paged: with CR0.PG set. */
void world_fill(struct world *world, const struct descry_profile *profile, enum start start,
		bool paged);

#endif
