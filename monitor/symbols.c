#include "handle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
symbols_add(struct symbols *symbols, const struct symbol *symbol, const char *name)
{
	struct symbol copy = *symbol;

	if (symbols->count == symbols->room) {
		const size_t room = symbols->room ? symbols->room * 2 : 64;
		struct symbol *list = realloc(symbols->list, room * sizeof(*list));

		if (!list)
			return false;
		symbols->list = list;
		symbols->room = room;
	}
	copy.name = strdup(name);
	if (!copy.name)
		return false;
	symbols->list[symbols->count++] = copy;
	return true;
}

static int
by_address(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return strcmp(a->name, b->name);
}

void
symbols_sort(struct symbols *symbols)
{
	if (symbols->count)
		qsort(symbols->list, symbols->count, sizeof(symbols->list[0]), by_address);
}

void
symbols_free(struct symbols *symbols)
{
	for (size_t i = 0; i < symbols->count; i++)
		free(symbols->list[i].name);
	free(symbols->list);
	*symbols = (struct symbols){ 0 };
}

const struct symbol *
symbols_find(const struct symbols *symbols, const char *name)
{
	for (size_t i = 0; i < symbols->count; i++)
		if (strcmp(symbols->list[i].name, name) == 0)
			return &symbols->list[i];
	return NULL;
}

static bool
covers(const struct symbol *symbol, uint64_t address)
{
	const uint64_t reach = symbol->size ? symbol->size : SYMBOL_REACH;

	return address - symbol->address < reach;
}

/* How many begin at or below an address. */
static size_t
count_up_to(const struct symbols *symbols, uint64_t address)
{
	size_t low = 0, high = symbols->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (symbols->list[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct symbol *
symbols_at(const struct symbols *symbols, uint64_t address)
{
	size_t i = count_up_to(symbols, address);

	while (i > 0 && symbols->list[i - 1].name_only)
		i--;
	return i > 0 && covers(&symbols->list[i - 1], address) ? &symbols->list[i - 1] : NULL;
}

/* --- the monitor's side --------------------------------------------------------------- */

bool
descry_monitor_symbol(const struct descry_monitor *monitor, const char *name, uint64_t *linear)
{
	const struct symbol *symbol = symbols_find(&monitor->symbols, name);

	if (symbol)
		*linear = symbol->address;
	return symbol != NULL;
}

bool
descry_monitor_symbolize(const struct descry_monitor *monitor, uint64_t linear, char *buffer,
			 size_t size)
{
	const struct symbol *symbol = symbols_at(&monitor->symbols, linear);

	if (!symbol)
		return false;
	if (linear == symbol->address)
		snprintf(buffer, size, "%s", symbol->name);
	else
		snprintf(buffer, size, "%s+%" PRIu64, symbol->name, linear - symbol->address);
	return true;
}

const char *
descry_monitor_symbol_name(const struct descry_monitor *monitor, size_t index)
{
	return index < monitor->symbols.count ? monitor->symbols.list[index].name : NULL;
}
