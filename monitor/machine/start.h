/*
 * The state in which a guest begins: what a PC's firmware would have left, or reset.
 * Private to monitor.
 */
#ifndef DESCRY_MACHINE_START_H
#define DESCRY_MACHINE_START_H

#include "image.h"

/* Every interrupt vector leads here; it is an IRET where there is RAM. */
#define START_VECTOR_CS 0xf000u
#define START_VECTOR_IP 0xff53u
#define START_VECTOR (START_VECTOR_CS << 16 | START_VECTOR_IP)

/* Before images are loaded: they may bring vectors of their own. */
void start_fill_vectors(struct memory *memory);

/* Real mode at an entry, as a boot loader would find it. */
void start_cpu(struct descry_vcpu *vcpu, const struct image_entry *entry);

#endif
