#include "writer.h"

/* --- values --------------------------------------------------------------------------- */

uint32_t
operand_offset(struct random *r)
{
	const uint32_t kind = random_below(r, 100);

	if (kind < 80)
		return random_below(r, 0x1e00);
	if (kind < 88)
		return 0xff8 + random_below(r, 16); /* across a page */
	if (kind < 94)
		return 0xfff0 + random_below(r, 16); /* at the limit */
	return random_bits(r);
}

static uint32_t
choose_value(struct random *r)
{
	static const uint32_t edges[] = { 0,      1,      0x7f,       0x80,       0xff,
					  0x7fff, 0x8000, 0xffff,     0x7fffffff, 0x80000000,
					  2,      3,      0xffffffff, 0x10,       0x20 };

	if (random_chance(r, 350))
		return edges[random_below(r, sizeof(edges) / sizeof(edges[0]))];
	return random_chance(r, 600) ? random_below(r, 0x1e00) : random_bits(r);
}

/* SP last: without a stack a program soon comes to its end. */
static uint8_t
choose_register(struct random *r)
{
	const uint8_t reg = (uint8_t)random_below(r, 8);

	return reg == 4 && random_chance(r, 850) ? 0 : reg;
}

static uint8_t
choose_member(struct random *r, unsigned set)
{
	uint8_t value;

	do
		value = (uint8_t)random_below(r, 8);
	while (!(set & 1u << value));
	return value;
}

/* --- the memory operand --------------------------------------------------------------- */

static void
choose_displacement(struct random *r, struct encoding *e)
{
	const unsigned full = e->wide_address ? 4 : 2;

	e->disp_size = e->mod == 1 ? 1 : e->mod == 2 ? full : 0;
	if (e->mod == 0 && !e->has_sib && e->rm == (e->wide_address ? 5 : 6))
		e->disp_size = full;
	if (e->mod == 0 && e->has_sib && (e->sib & 7) == 5)
		e->disp_size = full;
	e->disp = operand_offset(r);
}

static void
choose_memory(struct random *r, struct encoding *e)
{
	static const uint8_t overrides[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };

	if (random_chance(r, 250))
		e->override = overrides[random_below(r, sizeof(overrides))];
	if (random_chance(r, 600)) {
		encoding_aim(e, operand_offset(r));
		return;
	}
	e->mod = (uint8_t)random_below(r, 3);
	e->rm = (uint8_t)random_below(r, 8);
	e->has_sib = e->wide_address && e->rm == 4;
	e->sib = (uint8_t)random_bits(r);
	choose_displacement(r, e);
}

static void
choose_rm(struct random *r, struct encoding *e)
{
	const enum form_rm rm = e->form->rm;

	e->reg = e->form->digits ? choose_member(r, e->form->digits) : choose_register(r);
	if (rm == RM_MEMORY || (rm == RM_ANY && random_chance(r, 550))) {
		choose_memory(r, e);
		return;
	}
	e->mod = 3;
	e->rm = choose_register(r);
}

/* --- the instruction ------------------------------------------------------------------ */

static uint8_t
choose_opcode(struct random *r, const struct form *form)
{
	unsigned opcode = form->opcode & 0xffu;

	opcode |= random_bits(r) & form->vary;
	if (form->ops)
		opcode |= (unsigned)choose_member(r, form->ops) << 3;
	if (form->low)
		opcode |= choose_register(r);
	return (uint8_t)opcode;
}

static uint64_t
choose_immediate(struct random *r, const struct form *form)
{
	if (form->imm == IMM_ADDRESS)
		return operand_offset(r);
	if (form->imm == IMM_ENTER)
		return random_below(r, 64) | random_below(r, 4) << 16;
	if (form->imm == IMM_WORD)
		return random_below(r, 8) * 2;
	return choose_value(r);
}

void
operand_instruction(struct writer *w, const struct form *form)
{
	struct random *r = w->random;
	const bool code32 = w->cluster->code32;
	struct encoding e = { .form = form };
	uint8_t bytes[ENCODING_MAX];
	unsigned size;

	e.opcode = choose_opcode(r, form);
	e.wide_operand = code32 != random_chance(r, 200);
	e.wide_address = code32 != random_chance(r, 120);
	/* A 16-bit target would cut one of 32 bits, and few have as much. */
	if (form->kind == BRANCH)
		e.wide_operand = code32 != random_chance(r, 20);
	if (form->kind == STRING && random_chance(r, 500))
		e.rep = random_chance(r, 700) ? 0xf3 : 0xf2;
	if (form->rm != RM_NONE)
		choose_rm(r, &e);
	e.imm = choose_immediate(r, form);
	size = encoding_write(&e, code32, bytes);
	if (form->kind != BRANCH) {
		writer_bytes(w, bytes, size);
		return;
	}
	writer_bytes(w, bytes, size - encoding_imm_size(&e));
	writer_branch(w, encoding_imm_size(&e));
}
