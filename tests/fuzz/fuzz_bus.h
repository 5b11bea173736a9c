/*
 * What lies around the CPU of a random world, and how a case in it begins.
 */
#ifndef FUZZ_BUS_H
#define FUZZ_BUS_H

#include "fuzz_world.h"

/* The memory of the world, ports that answer anything, and the A20 gate. */
struct descry_bus world_bus(struct world *world);

/* A world of its own for world->vcpu, in a mode that its profile has. */
void world_begin(struct world *world);

/* Perhaps an interrupt, an NMI, an SMI or INIT. */
void world_happen(struct world *world);

#endif
