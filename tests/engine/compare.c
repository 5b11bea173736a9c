#include "compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool
differ(char text[DIFFERENCE_TEXT], const char *what, uint64_t is, uint64_t should_be)
{
	if (is != should_be)
		snprintf(text, DIFFERENCE_TEXT, "%s is %" PRIX64 "h, not %" PRIX64 "h", what, is,
			 should_be);
	return is != should_be;
}

/* --- state ---------------------------------------------------------------------------- */

#define WORD(name, member)                                                                         \
	{                                                                                          \
		name, offsetof(struct descry_state, member)                                        \
	}

static const struct {
	const char *name;
	size_t at;
} words[] = {
	WORD("retired", retired),
	WORD("rip", rip),
	WORD("rax", gpr[0]),
	WORD("rcx", gpr[1]),
	WORD("rdx", gpr[2]),
	WORD("rbx", gpr[3]),
	WORD("rsp", gpr[4]),
	WORD("rbp", gpr[5]),
	WORD("rsi", gpr[6]),
	WORD("rdi", gpr[7]),
	WORD("rflags", rflags),
	WORD("cr0", cr0),
	WORD("cr2", cr2),
	WORD("cr3", cr3),
	WORD("es.base", seg[0].base),
	WORD("cs.base", seg[1].base),
	WORD("ss.base", seg[2].base),
	WORD("ds.base", seg[3].base),
	WORD("fs.base", seg[4].base),
	WORD("gs.base", seg[5].base),
	WORD("gdtr.base", gdtr.base),
	WORD("idtr.base", idtr.base),
};

static bool
compare_state(const struct descry_state *steps, const struct descry_state *other,
	      char text[DIFFERENCE_TEXT])
{
	const uint8_t *should_be = (const uint8_t *)steps, *is = (const uint8_t *)other;

	if (memcmp(steps, other, sizeof(*steps)) == 0)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		uint64_t a, b;

		memcpy(&a, is + words[i].at, sizeof(a));
		memcpy(&b, should_be + words[i].at, sizeof(b));
		if (differ(text, words[i].name, a, b))
			return true;
	}
	for (size_t i = 0; i < sizeof(*steps); i++) {
		char name[40];

		snprintf(name, sizeof(name), "byte %zu of the state", i);
		if (differ(text, name, is[i], should_be[i]))
			return true;
	}
	return false;
}

static bool
compare_provenance(const struct outcome *steps, const struct outcome *other,
		   char text[DIFFERENCE_TEXT])
{
	static const char *const fields[] = { "base", "limit", "attr" };

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_provenance *a = &other->image.provenance[sreg].base;
		const struct descry_provenance *b = &steps->image.provenance[sreg].base;

		for (unsigned field = 0; field < 3; field++, a++, b++) {
			if (memcmp(a, b, sizeof(*a)) == 0)
				continue;
			snprintf(text, DIFFERENCE_TEXT,
				 "%s.%s is from instruction %" PRIu64 " at %04X:%08" PRIX64
				 ", not %" PRIu64 " at %04X:%08" PRIX64,
				 descry_sreg_name((enum descry_sreg)sreg), fields[field],
				 a->retired, a->cs, a->ip, b->retired, b->cs, b->ip);
			return true;
		}
	}
	return false;
}

/* --- memory, ports -------------------------------------------------------------------- */

static bool
compare_bytes(const uint8_t *steps, const uint8_t *other, size_t size, uint32_t base,
	      char text[DIFFERENCE_TEXT])
{
	if (memcmp(steps, other, size) == 0)
		return false;
	for (size_t i = 0; i < size; i++) {
		char name[40];

		snprintf(name, sizeof(name), "memory at %zXh", base + i);
		if (differ(text, name, other[i], steps[i]))
			return true;
	}
	return false;
}

static bool
compare_memory(const struct memory *steps, const struct memory *other, char text[DIFFERENCE_TEXT])
{
	return compare_bytes(steps->low, other->low, LOW_SIZE, 0, text) ||
	       compare_bytes(steps->high, other->high, HIGH_SIZE, HIGH_BASE, text);
}

static uint32_t
pack_access(const struct port_access *access)
{
	return access->port | (uint32_t)access->size << 16 | (uint32_t)access->out << 24;
}

static bool
compare_ports(const struct trace *steps, const struct trace *other, char text[DIFFERENCE_TEXT])
{
	for (unsigned i = 0; i < TRACE_MAX && i < steps->count && i < other->count; i++) {
		const struct port_access *a = &other->access[i], *b = &steps->access[i];
		char name[40];

		if (memcmp(a, b, sizeof(*a)) == 0)
			continue;
		snprintf(name, sizeof(name), "port access %u (port, size, out)", i);
		return differ(text, name, pack_access(a), pack_access(b)) ||
		       differ(text, "value of a port access", a->value, b->value);
	}
	return differ(text, "number of port accesses", other->count, steps->count);
}

/* --- events --------------------------------------------------------------------------- */

/* Event i from the end, with its kind and moment in words. */
static bool
compare_event(const struct descry_event *a, const struct descry_event *b, unsigned i,
	      char text[DIFFERENCE_TEXT])
{
	if (memcmp(a, b, sizeof(*a)) == 0)
		return false;
	snprintf(text, DIFFERENCE_TEXT,
		 "event %u from the end is kind %u, vector %u, selector %X at instruction %" PRIu64
		 ", not %u, %u, %X at %" PRIu64,
		 i, a->kind, a->fault.vector, a->sel, a->retired, b->kind, b->fault.vector, b->sel,
		 b->retired);
	return true;
}

/* From the end, as far as both are whole. */
static bool
compare_events(const struct event_log *steps, const struct event_log *other,
	       char text[DIFFERENCE_TEXT])
{
	const unsigned count = steps->count < other->count ? steps->count : other->count;

	for (unsigned i = 1; i <= count; i++)
		if (compare_event(&other->event[other->count - i], &steps->event[steps->count - i],
				  i, text))
			return true;
	if (steps->cut || other->cut)
		return false;
	return differ(text, "number of events", other->count, steps->count);
}

/* --- together ------------------------------------------------------------------------- */

static bool
compare_end(const struct outcome *steps, const struct outcome *other, char text[DIFFERENCE_TEXT])
{
	if (differ(text, "the program's own end", other->ended, steps->ended))
		return true;
	return steps->ended &&
	       (differ(text, "the reason of its end", other->exit.reason, steps->exit.reason) ||
		differ(text, "the vector of its end", other->exit.fault.vector,
		       steps->exit.fault.vector));
}

bool
compare_outcomes(const struct outcome *steps, const struct outcome *other,
		 char text[DIFFERENCE_TEXT])
{
	const char *wrong = steps->wrong ? steps->wrong : other->wrong;

	if (wrong)
		snprintf(text, DIFFERENCE_TEXT, "%s", wrong);
	return wrong || compare_end(steps, other, text) ||
	       compare_state(&steps->image.state, &other->image.state, text) ||
	       compare_memory(&steps->machine.memory, &other->machine.memory, text) ||
	       compare_ports(&steps->machine.trace, &other->machine.trace, text) ||
	       compare_provenance(steps, other, text) ||
	       compare_events(&steps->log, &other->log, text);
}

bool
compare_arrivals(const struct outcome *steps, const struct outcome *other,
		 char text[DIFFERENCE_TEXT])
{
	const struct arrivals *came = &steps->arrivals, *stopped = &other->arrivals;
	unsigned next = 0;

	for (unsigned i = 0; i < came->count; i++) {
		const bool stops =
			next < stopped->count && stopped->at[next].retired == came->at[i].retired;

		if (stops)
			next++;
		else if (came->at[i].must_stop)
			return differ(text, "moments of stops for a breakpoint: the next one",
				      next < stopped->count ? stopped->at[next].retired : 0,
				      came->at[i].retired);
	}
	return differ(text, "stops for a breakpoint", stopped->count, next);
}
