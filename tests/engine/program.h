/*
 * A random program: memory, the registers it begins with, and where its instructions are.
 * It is made from a seed and a number alone. The memory holds code in clusters (in 16 and
 * 32 bits, across page edges, in ROM, above 1 MiB), handlers for its faults that mostly
 * lead back into it, and tables for real and for protected mode.
 */
#ifndef ENGINE_PROGRAM_H
#define ENGINE_PROGRAM_H

#include "machine.h"
#include "random.h"

#define START_MAX 640u

/* Code under one selector, which means the same in both modes. */
struct cluster {
	uint16_t sel;
	uint32_t base;
	uint32_t at;     /* offset of its first instruction */
	uint32_t tables; /* offset of the operands for LIDT and LGDT */
	bool code32;
	unsigned first, count; /* its instructions in program.start */
};
#define CLUSTER_COUNT 6u

/* An instruction that the limit of a code segment cuts through, or that lies right behind it. */
#define EDGE_COUNT 4u

struct program {
	struct memory memory;
	uint32_t gpr[8];
	uint32_t flags;
	struct cluster cluster[CLUSTER_COUNT];
	const struct cluster *entry;
	bool protected_mode, ring3; /* what it begins in */
	unsigned accesses_max;

	uint32_t start[START_MAX]; /* offset of each instruction in its cluster's segment */
	unsigned start_count;
	const struct cluster *edge_in[EDGE_COUNT];
	unsigned edge[EDGE_COUNT]; /* in .start */
};

void program_build(struct program *program, uint64_t seed, uint64_t number);

/* Puts it into a machine that has just been opened. */
void program_load(const struct program *program, struct machine *machine);

/* Where an instruction begins that is the edge, or a little before it. */
uint32_t program_before_edge(const struct program *program, unsigned edge, struct random *r);

/* A linear address at which an instruction begins; at times just any in the code. */
uint32_t program_address(const struct program *program, struct random *r);

#endif
