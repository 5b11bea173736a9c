/*
 * From a decoded instruction to a handler and its operands. One lower_* function for each
 * exec_*.c: it picks the handler that is specialised for the operands. Private to vcpu.
 */
#ifndef DESCRY_LOWER_H
#define DESCRY_LOWER_H

#include "decode.h"
#include "insn.h"

/* Fills in, all but offset. True when the instruction ends its block. */
bool lower(const struct decoded *d, struct insn *in);

/*
 * The handler that executes a first instruction and the Jcc behind it in its block; NULL:
 * there is none.
 */
exec_fn *lower_fused(const struct decoded *first, unsigned cond);

/* The same for a Jcc and the instruction behind it, over which the Jcc leads. */
exec_fn *lower_skip(const struct decoded *over, unsigned cond);

typedef exec_fn *lower_fn(const struct decoded *d, struct insn *in);

lower_fn lower_alu, lower_unary, lower_shift, lower_double_shift, lower_multiply, lower_divide;
lower_fn lower_bit_test, lower_bit_scan, lower_setcc, lower_bcd;
lower_fn lower_mov, lower_extend, lower_xchg, lower_simple, lower_flag;
lower_fn lower_push, lower_pop, lower_frame;
lower_fn lower_string;
lower_fn lower_jcc, lower_near, lower_loop, lower_far;
lower_fn lower_far_load, lower_descriptor, lower_table, lower_system, lower_io, lower_debug;

/* Of an instruction whose d->older says that an older CPU does it in its own way. */
lower_fn lower_older;

/* Index of an operand size in a table of handlers: 1, 2, 4 bytes. */
static inline unsigned
size_index(unsigned size)
{
	return size >> 1;
}

exec_fn divide_error; /* the way out of a handler that raises #DE */

lower_fn lower_later, lower_msr, lower_sysenter, lower_rsm, lower_loadall;

exec_fn exec_end; /* closes every block: execution falls through its end */

#endif
