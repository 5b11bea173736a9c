#include "rows.h"

#define FLAG_CF 0x001u
#define FLAG_AF 0x010u
#define FLAG_DF 0x400u
#define FLAG_OF 0x800u

static unsigned
operand_bits(const struct plan *plan)
{
	return plan->bytes * 8;
}

/* CL as it will be, or -1 when nobody knows. */
static int
known_cl(struct snippet *snippet)
{
	const uint32_t value = random_chance(snippet->random, 700)
				       ? random_below(snippet->random, 34)
				       : random_below(snippet->random, 256);

	if (snippet->insn_count != 0)
		return -1;
	snippet_pin(snippet, CX, (snippet->test.in.gpr[CX] & ~0xffu) | value);
	return (int)(snippet->test.in.gpr[CX] & 0xffu);
}

static int
shift_count(struct snippet *snippet, struct plan *plan)
{
	if (!plan->imm_size)
		return known_cl(snippet);
	if (random_chance(snippet->random, 700))
		plan->imm = random_below(snippet->random, 34);
	return (int)(plan->imm & 0xffu);
}

/*
 * SDM vol. 2, SAL/SAR/SHL/SHR and RCL/RCR/ROL/ROR: OF is defined for a count of 1, CF of
 * SHL and SHR for a count that is below the size; a count of 0 leaves all flags alone.
 */
void
prepare_shift(struct snippet *snippet, struct plan *plan)
{
	const int count = shift_count(snippet, plan);
	const unsigned masked = (unsigned)count & 31u;

	if (count < 0)
		return; /* the row's mask is the worst case */
	if (masked == 0)
		plan->undefined = 0;
	if (masked == 1)
		plan->undefined &= ~FLAG_OF;
	if (masked < operand_bits(plan) || plan->reg == 7)
		plan->undefined &= ~FLAG_CF;
}

/* SHLD and SHRD of 16 bits by more than 16 give an undefined result: not tried. */
void
prepare_double_shift(struct snippet *snippet, struct plan *plan)
{
	unsigned masked = (unsigned)shift_count(snippet, plan) & 31u;

	if (masked > operand_bits(plan)) {
		masked = random_between(snippet->random, 1, operand_bits(plan));
		if (plan->imm_size)
			plan->imm = masked;
		else
			snippet->test.in.gpr[CX] = (snippet->test.in.gpr[CX] & ~0xffu) | masked;
	}
	if (masked == 0)
		plan->undefined = 0;
	if (masked == 1)
		plan->undefined &= ~FLAG_OF;
}

/* A high half that is small, so that not every division overflows. */
void
prepare_divide(struct snippet *snippet, struct plan *plan)
{
	struct random *r = snippet->random;
	const uint32_t ax = snippet->test.in.gpr[AX];
	const bool minus = (plan->reg & 1u) && random_chance(r, 500);

	if (random_chance(r, 250))
		return;
	if (plan->bytes == 1)
		snippet_pin(snippet, AX,
			    (ax & 0xffff00ffu) | (minus ? 0xff00u : random_below(r, 64) << 8));
	else
		snippet_pin(snippet, DX, minus ? 0xffffffffu : random_below(r, 0x1000));
}

/* BT and its kin with a register reach memory beside the operand: a little, mostly. */
void
prepare_bit(struct snippet *snippet, struct plan *plan)
{
	const uint32_t near = random_below(snippet->random, 512) - 256u;

	if (plan->memory && random_chance(snippet->random, 850))
		snippet_pin(snippet, (enum gpr)plan->reg, near);
}

static void
aim_index_register(struct snippet *snippet, const struct plan *plan, enum gpr reg, unsigned slot)
{
	uint32_t offset = choose_offset(snippet, slot, plan->bytes, false);

	if (!plan->a32)
		offset = (offset & 0xffffu) | (random_bits(snippet->random) & 0xffff0000u);
	snippet_pin(snippet, reg, offset);
}

void
prepare_string(struct snippet *snippet, struct plan *plan)
{
	struct random *r = snippet->random;
	uint32_t count = random_below(r, 14);

	aim_index_register(snippet, plan, SI, operand_slot(snippet, plan, DS));
	aim_index_register(snippet, plan, DI, snippet->slot[ES]);
	if (random_chance(r, 30))
		count = choose_value(r);
	if (!plan->a32)
		count |= random_bits(r) & 0xffff0000u;
	snippet_pin(snippet, CX, count);
}

/*
 * Not with a count of 0: some CPUs ask whether the port is allowed before they look at the
 * count, others do nothing.
 */
void
prepare_io_string(struct snippet *snippet, struct plan *plan)
{
	const uint32_t count = random_between(snippet->random, 1, 14);

	snippet_pin(snippet, CX, count);
	prepare_string(snippet, plan);
}

void
prepare_xlat(struct snippet *snippet, struct plan *plan)
{
	uint32_t offset = choose_offset(snippet, operand_slot(snippet, plan, DS), 1, false);

	offset -= snippet->test.in.gpr[AX] & 0xffu;
	if (!plan->a32)
		offset = (offset & 0xffffu) | (random_bits(snippet->random) & 0xffff0000u);
	snippet_pin(snippet, BX, offset);
	snippet->pinned |= 1u << AX;
}

void
prepare_loop(struct snippet *snippet, struct plan *plan)
{
	const uint32_t high = plan->a32 ? 0 : random_bits(snippet->random) & 0xffff0000u;

	snippet_pin(snippet, CX, high | random_below(snippet->random, 4));
}

/* Bounds that let the index pass as often as not. */
void
prepare_bound(struct snippet *snippet, struct plan *plan)
{
	struct random *r = snippet->random;
	const uint32_t index = snippet->test.in.gpr[plan->reg];
	const uint32_t lower = index - random_below(r, 40) + 3;
	const uint32_t upper = index + random_below(r, 40) - 3;
	const uint32_t wide[2] = { lower, upper };
	const uint16_t narrow[2] = { (uint16_t)lower, (uint16_t)upper };

	if (plan->o32)
		snippet_poke(snippet, plan->slot, plan->offset, wide, sizeof(wide));
	else
		snippet_poke(snippet, plan->slot, plan->offset, narrow, sizeof(narrow));
}

/* Every other time the operand in memory is equal to EDX:EAX, as far as it goes. */
void
prepare_exchange(struct snippet *snippet, struct plan *plan)
{
	const uint32_t *gpr = snippet->test.in.gpr;
	const uint32_t equal[2] = { gpr[AX], gpr[DX] };

	if (plan->memory && random_chance(snippet->random, 500))
		snippet_poke(snippet, plan->slot, plan->offset, equal, plan->bytes);
}

/* INT 80h is a call of the host's system. */
void
prepare_int(struct snippet *snippet, struct plan *plan)
{
	static const uint8_t likely[] = { 3, 4, 0, 1, 2, 13, 0x20, 0x21 };

	if (random_chance(snippet->random, 500))
		plan->imm = likely[random_below(snippet->random, sizeof(likely))];
	if ((plan->imm & 0xffu) == 0x80)
		plan->imm = 0x81;
}

static void
aim_frame_pointer(struct snippet *snippet)
{
	uint32_t offset = choose_offset(snippet, snippet->slot[SS], 4, false);

	if (!snippet->stack32)
		offset = (offset & 0xffffu) | (random_bits(snippet->random) & 0xffff0000u);
	snippet_pin(snippet, BP, offset);
}

void
prepare_enter(struct snippet *snippet, struct plan *plan)
{
	struct random *r = snippet->random;
	const uint32_t size = random_chance(r, 800) ? random_below(r, 64) : plan->imm & 0xffffu;
	const uint32_t level = random_chance(r, 600) ? 0 : random_below(r, 256);

	plan->imm = size | level << 16;
	/* What the upper half of EBP becomes when SP wraps on a 16-bit stack, no manual says. */
	if (!snippet->stack32)
		plan->o32 = false;
	aim_frame_pointer(snippet);
}

void
prepare_leave(struct snippet *snippet, struct plan *plan)
{
	(void)plan;
	aim_frame_pointer(snippet);
}
