#include "rows.h"

#include <string.h>

/* TF would trap after each instruction. */
#define FLAGS_TO_POP 0x003cfed5u
#define FLAG_NT 0x4000u

/* Lays a little frame of words or doublewords where the stack pointer points. */
static void
poke_stack(struct snippet *snippet, const struct plan *plan, const uint32_t *item, unsigned count)
{
	const uint32_t sp = snippet->test.in.gpr[SP];
	uint8_t bytes[POKE_BYTES];
	const unsigned size = plan->o32 ? 4 : 2;

	for (unsigned i = 0; i < count; i++)
		for (unsigned byte = 0; byte < size; byte++)
			bytes[i * size + byte] = (uint8_t)(item[i] >> byte * 8);
	snippet_poke(snippet, snippet->slot[SS], snippet->stack32 ? sp : sp & 0xffffu, bytes,
		     count * size);
}

/* A code slot to go to: mostly one that lets us in, at times whatever a selector names. */
static unsigned
choose_code_slot(const struct snippet *snippet)
{
	return segments_pick(snippet->segments, USE_CODE, snippet->random);
}

static uint16_t
choose_code_selector(const struct snippet *snippet, unsigned slot)
{
	struct random *r = snippet->random;

	if (random_chance(r, 250))
		return choose_selector(snippet, USE_CODE);
	/* A far jump may ask for any privilege, a far return only for ours. */
	return (uint16_t)(slot_selector(slot) & ~(random_chance(r, 200) ? random_below(r, 4) : 0u));
}

/* The selector that a WORD operand holds. */
void
prepare_selector(struct snippet *snippet, struct plan *plan)
{
	struct random *r = snippet->random;
	const bool to_stack = plan->row->opcode == 0x8e && plan->reg == SS;
	const uint16_t sel = choose_selector(snippet, to_stack ? USE_STACK : USE_DATA);
	uint32_t any = random_bits(r) & 0xffff0000u;

	if (plan->memory)
		snippet_poke(snippet, plan->slot, plan->offset, &sel, sizeof(sel));
	else
		snippet_pin(snippet, (enum gpr)plan->rm, any | sel);
}

void
prepare_stack_selector(struct snippet *snippet, struct plan *plan)
{
	const bool pop_ss = plan->row->opcode == 0x07 && plan->opcode == 0x17;
	uint32_t item = choose_selector(snippet, pop_ss ? USE_STACK : USE_DATA);

	item |= random_bits(snippet->random) & 0xffff0000u;
	poke_stack(snippet, plan, &item, 1);
}

static void
poke_pointer(struct snippet *snippet, const struct plan *plan, uint32_t offset, uint16_t sel)
{
	uint8_t bytes[6];
	const unsigned size = plan->o32 ? 4 : 2;

	memcpy(bytes, &offset, size);
	memcpy(bytes + size, &sel, sizeof(sel));
	snippet_poke(snippet, plan->slot, plan->offset, bytes, size + 2);
}

void
prepare_far_data(struct snippet *snippet, struct plan *plan)
{
	const unsigned use = plan->opcode == 0xb2 ? USE_STACK : USE_DATA;

	poke_pointer(snippet, plan, choose_value(snippet->random), choose_selector(snippet, use));
}

void
prepare_far_code(struct snippet *snippet, struct plan *plan)
{
	const unsigned slot = choose_code_slot(snippet);

	poke_pointer(snippet, plan, choose_landing(snippet, slot),
		     choose_code_selector(snippet, slot));
}

void
prepare_far_pointer(struct snippet *snippet, struct plan *plan)
{
	const unsigned slot = choose_code_slot(snippet);
	const uint32_t offset = choose_landing(snippet, slot);
	const uint64_t sel = choose_code_selector(snippet, slot);

	plan->imm = plan->o32 ? offset | sel << 32 : (offset & 0xffffu) | sel << 16;
}

void
prepare_near_target(struct snippet *snippet, struct plan *plan)
{
	const uint32_t target = choose_landing(snippet, snippet->slot[CS]);

	if (plan->memory)
		snippet_poke(snippet, plan->slot, plan->offset, &target, plan->bytes);
	else
		snippet_pin(snippet, (enum gpr)plan->rm, target);
}

/* RET n: a few bytes, mostly. */
static void
shorten_release(struct snippet *snippet, struct plan *plan)
{
	if (plan->imm_size && random_chance(snippet->random, 800))
		plan->imm &= 0x3fu;
}

void
prepare_ret(struct snippet *snippet, struct plan *plan)
{
	const uint32_t target = choose_landing(snippet, snippet->slot[CS]);

	poke_stack(snippet, plan, &target, 1);
	shorten_release(snippet, plan);
}

void
prepare_retf(struct snippet *snippet, struct plan *plan)
{
	const unsigned slot = choose_code_slot(snippet);
	const uint32_t noise = random_bits(snippet->random) & 0xffff0000u;
	const uint32_t frame[2] = { choose_landing(snippet, slot),
				    noise | choose_code_selector(snippet, slot) };

	poke_stack(snippet, plan, frame, 2);
	shorten_release(snippet, plan);
}

static uint32_t
choose_flags(const struct snippet *snippet)
{
	uint32_t flags = random_bits(snippet->random) & FLAGS_TO_POP;

	/* NT: an IRET would be a task switch on a 386. It is tested, but not each time. */
	if (random_chance(snippet->random, 700))
		flags &= ~FLAG_NT;
	return flags;
}

void
prepare_iret(struct snippet *snippet, struct plan *plan)
{
	const unsigned slot = choose_code_slot(snippet);
	const uint32_t frame[3] = { choose_landing(snippet, slot),
				    choose_code_selector(snippet, slot), choose_flags(snippet) };

	poke_stack(snippet, plan, frame, 3);
}

void
prepare_popf(struct snippet *snippet, struct plan *plan)
{
	const uint32_t flags = choose_flags(snippet);

	poke_stack(snippet, plan, &flags, 1);
}
