/*
 * The way on over a direct branch. Private to vcpu.
 */
#ifndef DESCRY_JUMP_H
#define DESCRY_JUMP_H

#include "cpu.h"

/* The link is not made yet or leads nowhere any more, or the budget ends here. */
const struct insn *go_unlinked(struct cpu *c, const struct insn *in);

/* A linked block needs no look at its address: in this code context it can be no other. */
DESCRY_INLINE const struct insn *
go_direct(struct cpu *c, const struct insn *in)
{
	const struct block *to = block_linked(c, in->link);
	const uint64_t retired = insn_retired(c, in) + 1;

	if (may_chain(c, to, retired))
		return enter_block(c, to, retired);
	return go_unlinked(c, in);
}

DESCRY_INLINE const struct insn *
branch(struct cpu *c, const struct insn *in, bool taken)
{
	return taken ? go_direct(c, in) : next(c, in);
}

#endif
