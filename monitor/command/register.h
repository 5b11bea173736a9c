/*
 * The names that expressions know: registers and flags, and the fields of a segment in
 * each of the ways to look at it. One table each, for reading, writing and completion.
 */
#ifndef DESCRY_REGISTER_H
#define DESCRY_REGISTER_H

#include <descry/state.h>

#include <stddef.h>

/* --- registers and flags -------------------------------------------------------------- */

enum register_source {
	REGISTER_STATE, /* bits of struct descry_state */
	REGISTER_PC,    /* CS.base + IP */
	REGISTER_CPL,
	REGISTER_MODE,
	REGISTER_STOP,        /* the reason of the last stop */
	REGISTER_EXIT_STATUS, /* of the guest, once it has ended */
};

struct register_name {
	const char *name;
	enum register_source source;
	uint16_t offset; /* in struct descry_state */
	uint8_t storage; /* bytes there */
	uint8_t shift;
	uint8_t bits;
};

/* NULL when there is none. */
const struct register_name *register_find(const char *name, size_t size);

/* All of them, for completion: index 0 .. until NULL. */
const struct register_name *register_at(size_t index);

/* REGISTER_STATE only. */
uint64_t register_read(const struct register_name *reg, const struct descry_state *state);
void register_write(const struct register_name *reg, struct descry_state *state, uint64_t value);

/* --- segments ------------------------------------------------------------------------- */

enum segment_view {
	VIEW_CACHE,  /* fs.base */
	VIEW_TABLE,  /* fs.table.base: the descriptor that the selector names */
	VIEW_RELOAD, /* fs.reload.base: what a load of the selector would give now */
	VIEW_REAL,   /* fs.reload.real.base, and so on: in that mode */
	VIEW_PROTECTED,
	VIEW_V86,
};

enum segment_field {
	FIELD_SEL,
	FIELD_BASE,
	FIELD_LIMIT,
	FIELD_ATTR,
	FIELD_TYPE,
	FIELD_S,
	FIELD_DPL,
	FIELD_P,
	FIELD_UNUSABLE,
	FIELD_AVL,
	FIELD_DB,
	FIELD_G,
	FIELD_STATUS, /* of a cache */
	FIELD_FAULT,  /* of a reload: its vector */
	FIELD_ERROR,  /* of a reload: the error code */
	FIELD_RAW,    /* of a descriptor */
	FIELD_OFFSET, /* of a gate */
	FIELD_COUNT,
};

/* "fs", "fs.base", "fs.reload.real.fault": false when it is none of these. */
bool segment_path(const char *path, size_t size, enum descry_sreg *sreg, enum segment_view *view,
		  enum segment_field *field);

/* "es" to "tr"; false when it is none. */
bool sreg_find(const char *name, size_t size, enum descry_sreg *sreg);

/* "base", "g": false when it is none. */
bool field_find(const char *name, size_t size, enum segment_field *field);
const char *field_name(enum segment_field field);

/* SEL to G of a segment. */
uint64_t field_of(const struct descry_segment *seg, enum segment_field field);

/* Puts SEL, BASE, LIMIT or ATTR in place; false for any other field. */
bool field_put(struct descry_segment *seg, enum segment_field field, uint64_t value);

#endif
