/*
 * The symbols of an image: names to addresses and back. Filled once, then sorted, then
 * only read. Private to monitor.
 */
#ifndef DESCRY_SYMBOLS_H
#define DESCRY_SYMBOLS_H

#include <descry/compiler.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_REACH 0x10000u /* how far one names addresses when nothing says its size */

struct symbol {
	char *name;
	uint64_t address;
	uint64_t size;  /* 0: not known */
	unsigned rank;  /* of several at one address, the highest names it */
	bool name_only; /* covers no address: a number (--defsym), or the end of a section */
};

struct symbols {
	struct symbol *list; /* ascending by address, then rank */
	size_t count, room;
};

/* Copies the name. False: no memory. */
DESCRY_MUST_CHECK bool symbols_add(struct symbols *symbols, const struct symbol *symbol,
				   const char *name);
void symbols_sort(struct symbols *symbols);
void symbols_free(struct symbols *symbols);

/* NULL: there is none. */
const struct symbol *symbols_find(const struct symbols *symbols, const char *name);

/* The nearest at or below an address, if it covers it. */
const struct symbol *symbols_at(const struct symbols *symbols, uint64_t address);

#endif
