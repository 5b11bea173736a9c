#include "snippet.h"

#include "rows.h"

#include <assert.h>
#include <string.h>

#define FLAG_IF 0x200u
#define FLAG_AC 0x40000u
#define FLAGS_AT_RANDOM 0xcd5u /* OF DF SF ZF AF PF CF */

bool
snippet_pin(struct snippet *snippet, enum gpr reg, uint32_t value)
{
	if (snippet->pinned & 1u << reg)
		return false;
	snippet->pinned |= 1u << reg;
	snippet->test.in.gpr[reg] = value;
	return true;
}

void
snippet_poke(struct snippet *snippet, unsigned slot, uint32_t offset, const void *bytes,
	     unsigned size)
{
	struct test_case *test = &snippet->test;
	uint32_t at;

	assert(size <= POKE_BYTES);
	if (slot == SLOT_NONE || test->poke_count == POKE_MAX)
		return;
	at = snippet->segments->slot[slot].descriptor.base + offset - ARENA_BASE;
	if (at < ARENA_CODE_SIZE + ARENA_PAD_SIZE || at > ARENA_SIZE - size)
		return;
	test->poke[test->poke_count].at = (uint16_t)at;
	test->poke[test->poke_count].size = (uint16_t)size;
	memcpy(test->poke[test->poke_count].bytes, bytes, size);
	test->poke_count++;
}

/* --- what a case begins with ---------------------------------------------------------- */

static void
choose_segments(struct snippet *snippet)
{
	static const struct {
		enum sreg sreg;
		unsigned use;
		unsigned null; /* per mille */
	} wanted[] = {
		{ CS, USE_CODE, 0 },  { SS, USE_STACK, 0 },  { DS, USE_DATA, 20 },
		{ ES, USE_DATA, 20 }, { FS, USE_DATA, 100 }, { GS, USE_DATA, 100 },
	};
	struct random *r = snippet->random;

	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const enum sreg sreg = wanted[i].sreg;
		const unsigned slot = segments_pick(snippet->segments, wanted[i].use, r);
		const bool null = random_chance(r, wanted[i].null);

		snippet->slot[sreg] = null ? SLOT_NONE : (uint8_t)slot;
		snippet->test.in.sreg[sreg] = null ? 0 : slot_selector(slot);
	}
	snippet->code32 = snippet->segments->slot[snippet->slot[CS]].descriptor.big;
	snippet->stack32 = snippet->segments->slot[snippet->slot[SS]].descriptor.big;
}

static void
choose_stack_pointer(struct snippet *snippet)
{
	struct random *r = snippet->random;
	const struct slot *stack = &snippet->segments->slot[snippet->slot[SS]];
	uint32_t sp = choose_offset(snippet, snippet->slot[SS], 4, false);

	/* Room for frames on either side, most of the time. */
	if (stack->last - stack->first > 0x100 && random_chance(r, 750))
		sp = random_between(r, stack->first + 0x40, stack->last - 0x40);
	if (random_chance(r, 800))
		sp &= ~3u;
	if (!snippet->stack32)
		sp = (sp & 0xffffu) | (random_bits(r) & 0xffff0000u);
	snippet_pin(snippet, SP, sp);
}

/* Mostly anywhere with room for the longest snippet; at times right before the limit. */
static void
choose_place(struct snippet *snippet)
{
	struct random *r = snippet->random;
	const struct slot *code = &snippet->segments->slot[snippet->slot[CS]];
	uint32_t eip = random_between(r, code->first, code->last - SNIPPET_MAX - 1);

	if (random_chance(r, 30))
		eip = code->last - random_below(r, 16);
	snippet->test.in.eip = eip;
	snippet->test.code_at = (uint16_t)(code->descriptor.base + eip - ARENA_BASE);
}

static void
begin(struct snippet *snippet)
{
	for (unsigned i = 0; i < 8; i++)
		snippet->test.in.gpr[i] = choose_value(snippet->random);
	snippet->test.in.eflags = (random_bits(snippet->random) & FLAGS_AT_RANDOM) | FLAG_IF | 2u;
	if (random_chance(snippet->random, 120))
		snippet->test.in.eflags |= FLAG_AC;
	choose_segments(snippet);
	choose_stack_pointer(snippet);
	choose_place(snippet);
}

/* --- one instruction ------------------------------------------------------------------ */

static const struct row *
choose_row(struct random *random)
{
	uint32_t total = 0;
	uint32_t at;

	for (size_t i = 0; i < row_count; i++)
		total += rows[i].weight;
	at = random_below(random, total);
	for (const struct row *row = rows;; row++) {
		if (at < row->weight)
			return row;
		at -= row->weight;
	}
}

/* May the row follow what the snippet has so far? */
static bool
fits(const struct snippet *snippet, const struct row *row)
{
	if (row->reads & snippet->undefined)
		return false;
	return snippet->insn_count == 0 || !(row->traits & (T_FIRST | T_ALIGN));
}

static uint8_t
choose_member(struct random *random, unsigned set)
{
	uint8_t value;

	do
		value = (uint8_t)random_below(random, 8);
	while (!(set & 1u << value));
	return value;
}

static unsigned
operand_bytes(const struct plan *plan)
{
	const unsigned vary = plan->o32 ? 4 : 2;

	switch (plan->row->width) {
	case BYTE:
		return 1;
	case WORD:
		return 2;
	case VARY:
		return (plan->row->traits & T_REP) && !(plan->opcode & 1u) ? 1 : vary;
	case FAR:
		return vary + 2;
	case PAIR:
		return vary * 2;
	case TABLE:
		return 6;
	case QUAD:
		return 8;
	}
	return 0;
}

static void
choose_opcode(struct random *r, struct plan *plan)
{
	const struct row *row = plan->row;

	plan->opcode = (uint8_t)row->opcode;
	plan->opcode |= (uint8_t)(random_bits(r) & row->vary);
	if (row->ops)
		plan->opcode |= (uint8_t)(choose_member(r, row->ops) << 3);
	if (row->reg)
		plan->reg = choose_member(r, row->reg);
}

static void
choose_prefixes(const struct snippet *snippet, struct plan *plan)
{
	struct random *r = snippet->random;
	const unsigned traits = plan->row->traits;

	plan->o32 = snippet->code32 != random_chance(r, 250);
	plan->a32 = snippet->code32 != random_chance(r, 200);
	if (traits & T_O16)
		plan->o32 = false;
	plan->override_seg = random_chance(r, 200) ? (int)random_below(r, 6) : -1;
	/* A lock across two cache lines may be trapped, or made slow, by the host. */
	plan->lock = (traits & T_LOCK) && snippet->insn_count == 0 && random_chance(r, 60);
	if ((traits & T_REP) && random_chance(r, 600))
		plan->rep = random_chance(r, 700) ? 0xf3 : 0xf2;
}

static void
choose_operand(struct snippet *snippet, struct plan *plan)
{
	const enum operand rm = plan->row->rm;

	if (rm == MEM || (rm == ANY && random_chance(snippet->random, 550))) {
		operand_choose_memory(snippet, plan);
		return;
	}
	if (rm == NO_RM)
		return;
	plan->mod = 3;
	plan->rm = (uint8_t)random_below(snippet->random, 8);
	if (plan->row->traits & T_O16_REG)
		plan->o32 = false;
}

static void
choose_immediate(struct snippet *snippet, struct plan *plan)
{
	const unsigned vary = plan->o32 ? 4 : 2;
	static const unsigned fixed[] = { [NO_IMM] = 0, [IB] = 1, [IW] = 2, [IW_IB] = 3, [JB] = 1 };

	plan->imm = choose_value(snippet->random);
	switch (plan->row->imm) {
	case NO_IMM:
	case IB:
	case IW:
	case IW_IB:
	case JB:
		plan->imm_size = fixed[plan->row->imm];
		return;
	case IZ:
	case JZ:
		plan->imm_size = vary;
		return;
	case PTR:
		plan->imm_size = vary + 2;
		return;
	case MOFFS:
		plan->imm_size = plan->a32 ? 4 : 2;
		plan->imm =
			choose_offset(snippet, operand_slot(snippet, plan, DS), plan->bytes, false);
		return;
	}
}

/* --- to bytes ------------------------------------------------------------------------- */

struct bytes {
	uint8_t at[48];
	unsigned count;
};

static void
put(struct bytes *bytes, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		bytes->at[bytes->count++] = (uint8_t)(value >> i * 8);
}

/* In any order, and at times so many that the instruction is longer than 15 bytes. */
static void
put_prefixes(struct snippet *snippet, const struct plan *plan, struct bytes *bytes)
{
	static const uint8_t override[6] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	struct random *r = snippet->random;
	const unsigned again = random_chance(r, 8) ? random_below(r, 14) : 0;
	uint8_t prefix[5 + 14];
	unsigned count = 0;

	if (plan->o32 != snippet->code32)
		prefix[count++] = 0x66;
	if (plan->a32 != snippet->code32)
		prefix[count++] = 0x67;
	if (plan->override_seg >= 0)
		prefix[count++] = override[plan->override_seg];
	if (plan->lock)
		prefix[count++] = 0xf0;
	if (plan->rep)
		prefix[count++] = plan->rep;
	for (unsigned i = 0; i < again && count; i++, count++)
		prefix[count] = prefix[0];
	while (count) {
		const uint32_t pick = random_below(r, count);

		put(bytes, prefix[pick], 1);
		prefix[pick] = prefix[--count];
	}
}

static struct bytes
encode(struct snippet *snippet, const struct plan *plan)
{
	struct bytes bytes = { .count = 0 };

	put_prefixes(snippet, plan, &bytes);
	if (plan->row->opcode > 0xff)
		put(&bytes, 0x0f, 1);
	put(&bytes, plan->opcode, 1);
	if (plan->row->reg) {
		put(&bytes, (uint64_t)(plan->mod << 6 | plan->reg << 3 | plan->rm), 1);
		if (plan->has_sib)
			put(&bytes, plan->sib, 1);
		put(&bytes, plan->disp, plan->disp_size);
	}
	put(&bytes, plan->imm, plan->imm_size);
	return bytes;
}

/* --- jumps ---------------------------------------------------------------------------- */

struct jump {
	uint8_t at; /* of the displacement, in the code */
	uint8_t size;
	bool self; /* LOOP: may go back to itself */
	uint8_t insn;
};

/* Relative to the first byte of the snippet: an instruction further on, or filler, or far. */
static int32_t
choose_jump_target(const struct snippet *snippet, const struct jump *jump)
{
	struct random *r = snippet->random;
	const uint32_t kind = random_below(r, 100);
	const int32_t end = snippet->start[snippet->insn_count];

	if (jump->self && kind < 25)
		return snippet->start[jump->insn];
	if (kind < 65)
		return snippet->start[random_between(r, jump->insn + 1u, snippet->insn_count)];
	if (kind < 82)
		return end + (int32_t)random_below(r, 60);
	if (kind < 96 || jump->size == 1)
		return -1 - (int32_t)random_below(r, 60);
	return (int32_t)choose_value(r);
}

static void
resolve_jumps(struct snippet *snippet, const struct jump *jumps, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct jump *jump = &jumps[i];
		const int32_t target = choose_jump_target(snippet, jump);
		const uint32_t disp = (uint32_t)target - (jump->at + jump->size);

		for (unsigned byte = 0; byte < jump->size; byte++)
			snippet->test.code[jump->at + byte] = (uint8_t)(disp >> byte * 8);
	}
}

/* --- together ------------------------------------------------------------------------- */

/* Adds an instruction; false if there is no room for it. */
static bool
add(struct snippet *snippet, const struct row *row, struct jump *jump)
{
	struct plan plan = { .row = row, .undefined = row->undefined };
	struct bytes bytes;

	choose_opcode(snippet->random, &plan);
	choose_prefixes(snippet, &plan);
	plan.bytes = operand_bytes(&plan);
	choose_operand(snippet, &plan);
	plan.bytes = operand_bytes(&plan);
	choose_immediate(snippet, &plan);
	if (row->prepare)
		row->prepare(snippet, &plan);
	bytes = encode(snippet, &plan);
	if (snippet->test.code_size + bytes.count > SNIPPET_MAX)
		return false;
	memcpy(snippet->test.code + snippet->test.code_size, bytes.at, bytes.count);
	snippet->test.code_size = (uint8_t)(snippet->test.code_size + bytes.count);
	snippet->row[snippet->insn_count] = row;
	snippet->start[++snippet->insn_count] = snippet->test.code_size;
	snippet->undefined |= plan.undefined;
	jump->size = (uint8_t)plan.imm_size;
	jump->at = (uint8_t)(snippet->test.code_size - plan.imm_size);
	jump->self = row->prepare == prepare_loop;
	jump->insn = (uint8_t)(snippet->insn_count - 1);
	return true;
}

static unsigned
choose_length(struct random *random)
{
	const uint32_t kind = random_below(random, 100);

	return kind < 55 ? 1 : kind < 75 ? 2 : kind < 90 ? 3 : INSN_MAX;
}

/* Code that would lie beyond the code pages is not written: nothing can fetch it. */
static void
clip(struct test_case *test)
{
	if (test->code_at + test->code_size > ARENA_CODE_SIZE)
		test->code_size = (uint8_t)(ARENA_CODE_SIZE - test->code_at);
}

void
snippet_build(struct snippet *snippet, const struct segments *segments, struct random *random)
{
	struct jump jumps[INSN_MAX] = { 0 };
	unsigned jump_count = 0;
	unsigned length;

	*snippet = (struct snippet){ .segments = segments, .random = random };
	begin(snippet);
	length = choose_length(random);
	while (snippet->insn_count < length) {
		const struct row *row = choose_row(random);

		if (!fits(snippet, row))
			continue;
		if (!add(snippet, row, &jumps[jump_count]))
			break;
		if (row->traits & T_JUMP)
			jump_count++;
		if (row->traits & T_LAST)
			break;
	}
	resolve_jumps(snippet, jumps, jump_count);
	clip(&snippet->test);
}

/* --- afterwards ----------------------------------------------------------------------- */

const struct row *
snippet_row_at(const struct snippet *snippet, uint32_t eip)
{
	for (unsigned i = 0; i < snippet->insn_count; i++)
		if (snippet->test.in.eip + snippet->start[i] == eip)
			return snippet->row[i];
	return NULL;
}

static void
leave_out(struct test_case *test, unsigned window, uint32_t linear, uint32_t size)
{
	const uint32_t at = linear - ARENA_BASE;

	if (at > ARENA_SIZE - size)
		return;
	test->blind_at[window] = (uint16_t)at;
	test->blind_size[window] = (uint16_t)size;
}

/* The most that one instruction pushes, which is ENTER with 31 levels; it may wrap at 64 KiB. */
static void
leave_out_below_stack(struct snippet *snippet, const struct registers *out)
{
	enum { MOST = 33 * 4 };
	const struct slot_descriptor *stack =
		&snippet->segments->slot[(out->sreg[SS] >> 3) % SLOT_COUNT].descriptor;
	const uint32_t sp = stack->big ? out->gpr[SP] : out->gpr[SP] & 0xffffu;
	const uint32_t below = stack->big || sp > MOST ? MOST : sp;

	leave_out(&snippet->test, 0, stack->base + sp - below, below);
	leave_out(&snippet->test, 1, stack->base + 0x10000u - (MOST - below), MOST - below);
}

/*
 * An instruction that pushes or pops several items and faults can be restarted: the stack
 * pointer has not moved. Whether the items before the fault have been written below it
 * already, or loaded into registers, no manual says; and CPUs differ.
 */
void
snippet_leave_out(struct snippet *snippet, const struct test_result *result)
{
	const struct row *row = snippet_row_at(snippet, result->out.eip);

	if (!row)
		return;
	if (row->traits & T_PUSHES)
		leave_out_below_stack(snippet, &result->out);
	if (row->traits & T_POPS)
		snippet->undefined_gpr = 0xffu & ~(1u << SP);
}
