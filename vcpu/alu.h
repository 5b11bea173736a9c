/*
 * What ADD to TEST, INC and DEC compute, and their operand forms. Private to vcpu.
 */
#ifndef DESCRY_ALU_H
#define DESCRY_ALU_H

#include "decode.h"
#include "flags.h"

/* The result of a op b, with all its flags. AF after a logical operation is 0, as silicon has it.
 */
DESCRY_INLINE uint32_t
alu(struct lazy_flags *f, enum op op, unsigned size, uint32_t a, uint32_t b)
{
	const bool adds = op == OP_ADD || op == OP_ADC;
	const bool subtracts = op == OP_SUB || op == OP_SBB || op == OP_CMP;
	const uint32_t carry_in = (op == OP_ADC || op == OP_SBB) && flag_cf(f);
	uint32_t r;

	if (adds)
		r = a + b + carry_in;
	else if (subtracts)
		r = a - b - carry_in;
	else if (op == OP_OR)
		r = a | b;
	else if (op == OP_XOR)
		r = a ^ b;
	else
		r = a & b;

	flags_set_result(f, r, size);
	if (adds)
		flags_set_carries(f, carries_of(a, b, r), size);
	else if (subtracts)
		flags_set_carries(f, borrows_of(a, b, r), size);
	else
		f->carries = 0;
	return r;
}

/* By one a carry goes through the ones that it clears, a borrow through the zeros that it sets. */
DESCRY_INLINE uint32_t
step_by_one(struct lazy_flags *f, enum op op, unsigned size, uint32_t a)
{
	const uint32_t r = op == OP_INC ? a + 1 : a - 1, before = f->carries;

	flags_set_result(f, r, size);
	flags_set_carries(f, op == OP_INC ? a & ~r : ~a & r, size);
	flags_keep_cf(f, before);
	return r;
}

enum alu_form { FORM_RR, FORM_RI, FORM_RM, FORM_MR, FORM_MI, FORM_COUNT };

static inline enum alu_form
alu_form_of(const struct decoded *d)
{
	const struct operand *first = &d->operand[0], *second = &d->operand[1];
	enum alu_form form;

	if (first->kind == OPERAND_MEM)
		form = second->kind == OPERAND_IMM ? FORM_MI : FORM_MR;
	else if (second->kind == OPERAND_MEM)
		form = FORM_RM;
	else
		form = second->kind == OPERAND_IMM ? FORM_RI : FORM_RR;
	return form;
}

#endif
