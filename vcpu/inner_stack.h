/*
 * The stack of an inner ring, as an interrupt or a call through a gate finds it: SDM vol. 3,
 * Stack Switching. The TSS is the one that TR caches. Private to vcpu.
 */
#ifndef DESCRY_INNER_STACK_H
#define DESCRY_INNER_STACK_H

#include "seg_load.h"

/* Reads and checks SS:ESP of the ring. On false c->fault is set and nothing has changed. */
DESCRY_MUST_CHECK bool inner_stack_resolve(struct cpu *c, unsigned ring, struct seg_loading *ss,
					   uint32_t *sp);

#endif
