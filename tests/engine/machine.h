/*
 * What a random program runs on: a CPU, memory with a hole, a ROM page and a part above
 * 1 MiB, and ports that answer by what has happened on them before. Whatever a run does to
 * the world outside the CPU can be seen here afterwards.
 */
#ifndef ENGINE_MACHINE_H
#define ENGINE_MACHINE_H

#include <descry/vcpu.h>

#define LOW_SIZE 0x10000u
#define ROM_BASE 0xf000u /* the last page of low memory; the CPU's writes to it are dropped */
#define HIGH_BASE 0x103000u
#define HIGH_SIZE 0x4000u

struct memory {
	uint8_t low[LOW_SIZE];
	uint8_t high[HIGH_SIZE];
};

/* Where a byte of physical memory is; NULL in the holes. */
uint8_t *memory_at(struct memory *memory, uint64_t physical);

#define PORT_A20 0x92u     /* bit 1 opens the gate, as port 92h of a PC */
#define PORT_REQUEST 0xf4u /* a write leaves the run, which then goes on */

#define REQUEST_PORT 1u
#define REQUEST_END 2u /* the program has made all the port accesses that it may make */

struct port_access {
	uint32_t value;
	uint16_t port;
	uint8_t size;
	uint8_t out;
};

#define TRACE_MAX 64u

struct trace {
	unsigned count;
	struct port_access access[TRACE_MAX];
};

struct machine {
	struct memory memory;
	struct trace trace;
	unsigned accesses_max; /* at most TRACE_MAX */
	unsigned kick_every;   /* so many port accesses; 0: never */
	struct descry_vcpu *vcpu;
};

/*
 * A fresh CPU as after reset, which checks its invariants or does not, whatever the build
 * says; false: no memory for it. .memory is the caller's to fill.
 */
bool machine_open(struct machine *machine, bool checked, unsigned accesses_max,
		  unsigned kick_every);
void machine_close(struct machine *machine);

#endif
