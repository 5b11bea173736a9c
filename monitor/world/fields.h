/*
 * Sets of segment fields: what differs between two states of the eight segments, and what
 * a record holds.
 */
#ifndef DESCRY_WORLD_FIELDS_H
#define DESCRY_WORLD_FIELDS_H

#include <descry/world.h>

/* One field, widened: what it takes to compare it. */
uint64_t field_value(const struct descry_segment *seg, enum descry_field field);
void field_copy(struct descry_segment *to, enum descry_field field,
		const struct descry_segment *from);

/* The fields in which the eight segments at a and at b differ. */
struct descry_fields fields_diff(const struct descry_segment *a, const struct descry_segment *b);

bool fields_empty(const struct descry_fields *set);

/* 1 << sreg for every segment that has a field in the set. */
unsigned fields_sregs(const struct descry_fields *set);

#endif
