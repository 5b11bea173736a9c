/*
 * MOVS STOS LODS CMPS SCAS INS OUTS, REP REPE REPNE: SDM vol. 2, one entry each.
 *
 * An iteration of a REP is an instruction of its own to time, budget and faults: registers
 * are stepped, IP stays until the last one.
 */
#include "arithmetic.h"
#include "io.h"
#include "lower.h"
#include "mem.h"

/* --- SI, DI and CX, or the 32-bit ones, by the address size --------------------------- */

DESCRY_INLINE uint32_t
counter_read(const struct cpu *c, const struct insn *in, enum descry_gpr reg)
{
	return reg_read(c, reg, 4) & in->ea_mask;
}

DESCRY_INLINE void
counter_add(struct cpu *c, const struct insn *in, enum descry_gpr reg, uint32_t value)
{
	const uint32_t r = reg_read(c, reg, 4) + value;

	if (in->ea_mask == 0xffff)
		reg_write(c, reg, 2, r);
	else
		reg_write(c, reg, 4, r);
}

DESCRY_INLINE bool
goes_down(const struct cpu *c)
{
	return c->state.rflags & DESCRY_FLAG_DF;
}

DESCRY_INLINE bool
has_source(enum op op)
{
	return op == OP_MOVS || op == OP_LODS || op == OP_CMPS || op == OP_OUTS;
}

DESCRY_INLINE bool
has_destination(enum op op)
{
	return op != OP_LODS && op != OP_OUTS;
}

/* Up or down by so many bytes. */
DESCRY_INLINE void
advance(struct cpu *c, const struct insn *in, enum op op, uint32_t bytes)
{
	const uint32_t step = goes_down(c) ? 0 - bytes : bytes;

	if (has_source(op))
		counter_add(c, in, DESCRY_SI, step);
	if (has_destination(op))
		counter_add(c, in, DESCRY_DI, step);
}

/* --- what is done with one element: checks first, then the work ----------------------- */

DESCRY_INLINE bool
movs(struct cpu *c, const struct insn *in, unsigned size)
{
	return mem_read(c, in->seg, counter_read(c, in, DESCRY_SI), size) &&
	       mem_write(c, DESCRY_ES, counter_read(c, in, DESCRY_DI), size, c->value);
}

DESCRY_INLINE bool
stos(struct cpu *c, const struct insn *in, unsigned size)
{
	return mem_write(c, DESCRY_ES, counter_read(c, in, DESCRY_DI), size,
			 reg_read(c, DESCRY_AX, size));
}

DESCRY_INLINE bool
lods(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_read(c, in->seg, counter_read(c, in, DESCRY_SI), size))
		return false;
	reg_write(c, DESCRY_AX, size, c->value);
	return true;
}

DESCRY_INLINE bool
cmps(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_read(c, in->seg, counter_read(c, in, DESCRY_SI), size))
		return false;

	const uint32_t source = c->value;

	if (!mem_read(c, DESCRY_ES, counter_read(c, in, DESCRY_DI), size))
		return false;
	compare(&c->flags, size, source, c->value);
	return true;
}

DESCRY_INLINE bool
scas(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_read(c, DESCRY_ES, counter_read(c, in, DESCRY_DI), size))
		return false;
	compare(&c->flags, size, reg_read(c, DESCRY_AX, size), c->value);
	return true;
}

DESCRY_INLINE uint16_t
port_of(const struct cpu *c)
{
	return (uint16_t)reg_read(c, DESCRY_DX, 2);
}

/* INS and OUTS ask once, and even when there is nothing to repeat. */
DESCRY_INLINE bool
string_allowed(struct cpu *c, enum op op, unsigned size)
{
	return (op != OP_INS && op != OP_OUTS) || io_allowed(c, port_of(c), size);
}

/* A port is not read before the place for its value is known to be good. */
DESCRY_INLINE bool
ins(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_rmw(c, DESCRY_ES, counter_read(c, in, DESCRY_DI), size))
		return false;
	mem_rmw_commit(c, size, io_in(c, port_of(c), size));
	return true;
}

DESCRY_INLINE bool
outs(struct cpu *c, const struct insn *in, unsigned size)
{
	if (!mem_read(c, in->seg, counter_read(c, in, DESCRY_SI), size))
		return false;
	io_out(c, port_of(c), size, c->value);
	return true;
}

DESCRY_INLINE bool
string_work(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	if (op == OP_MOVS)
		return movs(c, in, size);
	if (op == OP_STOS)
		return stos(c, in, size);
	if (op == OP_LODS)
		return lods(c, in, size);
	if (op == OP_CMPS)
		return cmps(c, in, size);
	if (op == OP_SCAS)
		return scas(c, in, size);
	if (op == OP_INS)
		return ins(c, in, size);
	return outs(c, in, size);
}

/* --- what a fault leaves -------------------------------------------------------------- */

static bool
source_faults(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return has_source(op) &&
	       !mem_check(c, in->seg, counter_read(c, in, DESCRY_SI), size, DESCRY_READ);
}

/* CMPS reads its destination first. */
static bool
gets_to_source(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return has_source(op) &&
	       (op != OP_CMPS ||
		mem_check(c, DESCRY_ES, counter_read(c, in, DESCRY_DI), size, DESCRY_READ));
}

static bool
gets_to_destination(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	return has_destination(op) && (op == OP_CMPS || !source_faults(c, in, op, size));
}

/*
 * A 286 steps SI and DI with each access that it begins, counts the iteration, reads the port
 * before it looks where to put the value, and takes nothing of it back (SingleStepTests).
 */
static DESCRY_NOINLINE void
step_faulting(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	const struct pending_fault found = c->fault;
	const uint32_t step = goes_down(c) ? 0u - size : size;
	const bool source = gets_to_source(c, in, op, size);
	const bool destination = gets_to_destination(c, in, op, size);

	c->fault = found;
	if (op == OP_INS)
		c->bus.port_in(c->bus.owner, port_of(c), size);
	if (source)
		counter_add(c, in, DESCRY_SI, step);
	if (destination)
		counter_add(c, in, DESCRY_DI, step);
	if (in->rep)
		counter_add(c, in, DESCRY_CX, ~0u);
}

static DESCRY_NOINLINE void
string_faulted(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	if (knob_is(c, DESCRY_KNOB_STRING_FAULT, DESCRY_STRING_STEPPED) &&
	    c->fault.vector != DESCRY_VEC_PF)
		step_faulting(c, in, op, size);
}

DESCRY_INLINE bool
string_once(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	if (!string_work(c, in, op, size)) {
		string_faulted(c, in, op, size);
		return false;
	}
	advance(c, in, op, size);
	return true;
}

DESCRY_INLINE const struct insn *
string_single(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	if (!string_allowed(c, op, size) || !string_once(c, in, op, size))
		return fault(c, in);
	/* A port may have asked for something. */
	return op == OP_INS || op == OP_OUTS ? leave_after(c, in) : next(c, in);
}

/* --- many elements at once ------------------------------------------------------------ */

/* Host memory for elements upwards from an offset: within the segment, within a page. */
struct span {
	uint8_t *host;
	uint32_t bytes; /* 0: the next element has to go the long way */
};

/* The page has been found; end is the segment's limit for this kind of access. */
static struct span
span_upwards(const struct cpu *c, const struct insn *in, unsigned seg, uint32_t off, uint64_t end,
	     const struct page_fast *page)
{
	const uint32_t in_page = (c->fast[seg].base + off) & 0xfff;
	const uint64_t wrap = (uint64_t)in->ea_mask + 1;
	const uint64_t stop = end < wrap ? end : wrap;
	uint32_t bytes = DESCRY_PAGE_SIZE - in_page;

	if (off >= stop)
		return (struct span){ .bytes = 0 };
	if (stop - off < bytes)
		bytes = (uint32_t)(stop - off);
	return (struct span){ .host = page->host + in_page, .bytes = bytes };
}

static struct span
span_for_read(struct cpu *c, const struct insn *in, unsigned seg, uint32_t off)
{
	const uint32_t linear = c->fast[seg].base + off;
	const struct page_fast *page = page_slot(c, linear);

	if (page->read_page != linear >> 12)
		return (struct span){ .bytes = 0 };
	return span_upwards(c, in, seg, off, c->fast[seg].read_end, page);
}

static struct span
span_for_write(struct cpu *c, const struct insn *in, unsigned seg, uint32_t off)
{
	const uint32_t linear = c->fast[seg].base + off;
	const struct page_fast *page = page_slot(c, linear);

	if (page->write_page != linear >> 12)
		return (struct span){ .bytes = 0 };
	return span_upwards(c, in, seg, off, c->fast[seg].write_end, page);
}

/* Whole elements of that many bytes. */
static uint32_t
whole(uint32_t most, uint32_t bytes, unsigned size)
{
	return most < bytes / size ? most : bytes / size;
}

static void
fill(uint8_t *host, uint32_t value, unsigned size, uint32_t bytes)
{
	uint32_t done = size;

	host_write(host, size, value);
	while (done < bytes) {
		const uint32_t part = done < bytes - done ? done : bytes - done;

		memcpy(host + done, host, part);
		done += part;
	}
}

/* Element by element upwards: an overlap in front of the source repeats what is behind. */
static void
copy(uint8_t *to, const uint8_t *from, unsigned size, uint32_t bytes)
{
	if ((uintptr_t)to - (uintptr_t)from >= bytes) {
		memmove(to, from, bytes);
		return;
	}
	for (uint32_t i = 0; i < bytes; i += size)
		host_write(to + i, size, host_read(from + i, size));
}

DESCRY_INLINE uint32_t
stos_many(struct cpu *c, const struct insn *in, unsigned size, uint32_t most)
{
	const struct span to = span_for_write(c, in, DESCRY_ES, counter_read(c, in, DESCRY_DI));
	const uint32_t count = whole(most, to.bytes, size);

	if (count)
		fill(to.host, reg_read(c, DESCRY_AX, size), size, count * size);
	return count;
}

DESCRY_INLINE uint32_t
movs_many(struct cpu *c, const struct insn *in, unsigned size, uint32_t most)
{
	const struct span from = span_for_read(c, in, in->seg, counter_read(c, in, DESCRY_SI));
	const struct span to = span_for_write(c, in, DESCRY_ES, counter_read(c, in, DESCRY_DI));
	const uint32_t count = whole(whole(most, from.bytes, size), to.bytes, size);

	if (count)
		copy(to.host, from.host, size, count * size);
	return count;
}

/* How many elements were done at once; 0: none can be. */
DESCRY_INLINE uint32_t
string_many(struct cpu *c, const struct insn *in, enum op op, unsigned size, uint32_t most)
{
	uint32_t count;

	if ((op != OP_STOS && op != OP_MOVS) || goes_down(c))
		return 0;
	count = op == OP_STOS ? stos_many(c, in, size, most) : movs_many(c, in, size, most);
	advance(c, in, op, count * size);
	return count;
}

/* --- REP ------------------------------------------------------------------------------ */

/* REPE and REPNE end early; to the others every prefix means REP. */
DESCRY_INLINE bool
ends_early(const struct cpu *c, const struct insn *in, enum op op)
{
	return (op == OP_CMPS || op == OP_SCAS) && flag_zf(&c->flags) != (in->rep == 0xf3);
}

/*
 * Somebody wants to look at the boundary behind this iteration, or the iteration has written
 * over its own instruction, or may have, and the next one has to be fetched anew.
 */
DESCRY_INLINE bool
must_pause(const struct cpu *c, const struct insn *in)
{
	return c->leave || c->accessed || c->state.pending || c->state.pending_db ||
	       in->exec == exec_end || c->block->unguarded ||
	       atomic_load_explicit(&c->kick, memory_order_relaxed);
}

DESCRY_INLINE uint64_t
budget_left(const struct cpu *c, const struct insn *in)
{
	const uint64_t retired = insn_retired(c, in);

	return c->stop_at > retired ? c->stop_at - retired : 1;
}

static const struct insn *
leave_rep(struct cpu *c, const struct insn *in, uint64_t iterations, bool finished)
{
	c->state.retired = insn_retired(c, in) + iterations;
	c->state.rip = finished ? insn_next_ip(c, in) : insn_ip(c, in);
	c->state.in_rep = !finished && iterations > 0;
	return NULL;
}

/*
 * The flags change with the last iteration: a fault of CMPS or SCAS before it leaves those
 * from before the first, and so does a pause, or a run would depend on how it is cut.
 */
DESCRY_INLINE const struct insn *
string_repeated(struct cpu *c, const struct insn *in, enum op op, unsigned size)
{
	const struct lazy_flags before = c->flags;
	const uint64_t budget = budget_left(c, in);
	uint64_t done = 0;

	if (!string_allowed(c, op, size))
		return fault(c, in);
	if (counter_read(c, in, DESCRY_CX) == 0)
		return leave_rep(c, in, 1, true);
	while (done < budget) {
		const uint32_t left = counter_read(c, in, DESCRY_CX);
		const uint32_t most = budget - done < left ? (uint32_t)(budget - done) : left;
		uint32_t count = string_many(c, in, op, size, most);

		if (count == 0) {
			if (!string_once(c, in, op, size))
				break;
			count = 1;
		}
		counter_add(c, in, DESCRY_CX, 0 - count);
		done += count;
		if (count == left || ends_early(c, in, op))
			return leave_rep(c, in, done, true);
		if (must_pause(c, in))
			break;
	}
	c->flags = before;
	return leave_rep(c, in, done, false);
}

/* --- one handler for each operation and size ------------------------------------------ */

#define STRING_HANDLER(op, size)                                                                   \
	static const struct insn *exec_##op##size(struct cpu *c, const struct insn *in)            \
	{                                                                                          \
		return string_single(c, in, OP_##op, size);                                        \
	}                                                                                          \
	static const struct insn *exec_rep_##op##size(struct cpu *c, const struct insn *in)        \
	{                                                                                          \
		return string_repeated(c, in, OP_##op, size);                                      \
	}
#define STRING_OPERATION(op) STRING_HANDLER(op, 1) STRING_HANDLER(op, 2) STRING_HANDLER(op, 4)

STRING_OPERATION(MOVS)
STRING_OPERATION(STOS)
STRING_OPERATION(LODS)
STRING_OPERATION(CMPS)
STRING_OPERATION(SCAS)
STRING_OPERATION(INS)
STRING_OPERATION(OUTS)

#define STRING_ROW(op)                                                                             \
	[OP_##op - OP_MOVS] = { { exec_##op##1, exec_##op##2, exec_##op##4 },                      \
				{ exec_rep_##op##1, exec_rep_##op##2, exec_rep_##op##4 } }

exec_fn *
lower_string(const struct decoded *d, struct insn *in)
{
	/* By operation, with and without REP, size. */
	static exec_fn *const handlers[OP_OUTS - OP_MOVS + 1][2][3] = {
		STRING_ROW(MOVS), STRING_ROW(STOS), STRING_ROW(LODS), STRING_ROW(CMPS),
		STRING_ROW(SCAS), STRING_ROW(INS),  STRING_ROW(OUTS),
	};

	(void)in;
	return handlers[d->op - OP_MOVS][d->rep != 0][size_index(d->size)];
}
