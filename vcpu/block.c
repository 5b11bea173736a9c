#include "block.h"

#include "cpu.h"
#include "decode.h"
#include "lower.h"
#include "mem.h"

#include <stdlib.h>

#define HASH_COUNT 8192u
#define ARENA_BYTES (8u << 20)
#define INSN_BYTES_MAX 15u
#define LINE_SHIFT 6 /* 64 bytes: one bit of code_page.lines */
#define PAGE_COUNT (1u << 20)

/* Code in one physical page: which lines of it, and the blocks that begin there. */
struct code_page {
	uint64_t lines;
	struct block *blocks;
};

struct blocks {
	struct block *hash[HASH_COUNT];
	struct code_page *page; /* by physical page number; only what is used is ever backed */
	uint8_t *arena;
	size_t used;
	struct block *scratch; /* one instruction across pages, made anew each time */
};

static size_t
block_size(unsigned count)
{
	return sizeof(struct block) + (count + 1) * sizeof(struct insn);
}

struct blocks *
blocks_create(void)
{
	struct blocks *blocks = calloc(1, sizeof(*blocks));

	if (!blocks)
		return NULL;
	blocks->page = calloc(PAGE_COUNT, sizeof(*blocks->page));
	blocks->arena = malloc(ARENA_BYTES);
	blocks->scratch = malloc(block_size(1));
	if (!blocks->page || !blocks->arena || !blocks->scratch) {
		blocks_destroy(blocks);
		return NULL;
	}
	return blocks;
}

void
blocks_destroy(struct blocks *blocks)
{
	if (!blocks)
		return;
	free(blocks->page);
	free(blocks->arena);
	free(blocks->scratch);
	free(blocks);
}

static struct block **
hash_slot(struct blocks *blocks, uint64_t entry)
{
	const uint64_t hash = entry ^ entry >> 13 ^ entry >> 23;

	return &blocks->hash[hash & (HASH_COUNT - 1)];
}

static struct code_page *
code_page(const struct blocks *blocks, uint32_t physical)
{
	return &blocks->page[physical >> 12];
}

/* --- throwing away -------------------------------------------------------------------- */

/* The bits of the lines that hold bytes [physical, physical + size) of one page. */
static uint64_t
line_mask(uint32_t physical, size_t size)
{
	const unsigned first = (physical & 0xfff) >> LINE_SHIFT;
	const unsigned last = (unsigned)((physical & 0xfff) + size - 1) >> LINE_SHIFT;

	return (~0ull >> (63 - last)) & (~0ull << first);
}

static void
unlink_from_hash(struct blocks *blocks, struct block *block)
{
	struct block **link = hash_slot(blocks, block->entry);

	while (*link != block)
		link = &(*link)->hash_next;
	*link = block->hash_next;
}

/* The block may be running: from its next instruction on it leads out. */
static void
retire(struct blocks *blocks, struct block *block)
{
	unlink_from_hash(blocks, block);
	block->entry = BLOCK_DEAD;
	for (unsigned i = 0; i < block->count; i++)
		block->insns[i].exec = exec_end;
}

static bool
overlaps(const struct block *block, uint32_t physical, size_t size)
{
	return physical < block->physical + block->bytes && block->physical < physical + size;
}

void
blocks_written(struct cpu *c, uint32_t physical, size_t size)
{
	struct code_page *page = code_page(c->blocks, physical);
	struct block **link = &page->blocks;

	if (DESCRY_LIKELY(!(page->lines & line_mask(physical, size))))
		return;
	page->lines = 0;
	while (*link) {
		struct block *block = *link;

		if (overlaps(block, physical, size)) {
			*link = block->page_next;
			retire(c->blocks, block);
		} else {
			page->lines |= line_mask(block->physical, block->bytes);
			link = &block->page_next;
		}
	}
}

bool
blocks_guard(const struct blocks *blocks, uint32_t physical)
{
	return code_page(blocks, physical)->lines != 0;
}

void
blocks_forget_jumps(struct cpu *c)
{
	static const struct block nowhere = { .entry = BLOCK_DEAD };

	for (unsigned i = 0; i < JUMP_COUNT; i++)
		c->jump[i] = &nowhere;
}

/* Never while a block runs. */
void
blocks_flush(struct cpu *c)
{
	struct blocks *blocks = c->blocks;

	blocks_forget_jumps(c);
	for (unsigned i = 0; i < HASH_COUNT; i++) {
		for (struct block *block = blocks->hash[i]; block; block = block->hash_next)
			*code_page(blocks, block->physical) = (struct code_page){ 0 };
		blocks->hash[i] = NULL;
	}
	blocks->used = 0;
}

/* --- making --------------------------------------------------------------------------- */

static bool
is_breakpoint(const struct cpu *c, uint32_t linear)
{
	const struct descry_control *control = c->control;
	size_t low = 0, high = control ? control->breakpoint_count : 0;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (control->breakpoints[middle] == linear)
			return true;
		if (control->breakpoints[middle] < linear)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static enum decode_mode
decode_mode(uint32_t key)
{
	if (key & BLOCK_KEY_CODE32)
		return DECODE_32;
	return key & BLOCK_KEY_PROTECTED ? DECODE_PROTECTED16 : DECODE_REAL16;
}

/* Closes the block behind its last instruction. */
static void
close_block(struct block *block)
{
	block->insns[block->count] = (struct insn){
		.exec = exec_end,
		.offset = (uint8_t)block->bytes,
	};
}

/* Appends the instruction at bytes; false when they are not all of it. */
static bool
append(struct cpu *c, struct block *block, const uint8_t *bytes, size_t size, bool *ends)
{
	struct insn *in = &block->insns[block->count];
	struct decoded d;

	if (!decode(c->decoder, decode_mode(block_key(block)), bytes, size, &d))
		return false;
	*ends = lower(&d, in);
	in->offset = (uint8_t)block->bytes;
	block->bytes = (uint16_t)(block->bytes + d.length);
	block->count++;
	return true;
}

static void
fill(struct cpu *c, struct block *block, const uint8_t *bytes, size_t size)
{
	const unsigned most = block_key(block) & BLOCK_KEY_STEP ? 1 : BLOCK_INSNS_MAX;
	bool ends = false;

	while (!ends && block->count < most && block->bytes < BLOCK_BYTES_MAX - INSN_BYTES_MAX) {
		if (block->count && is_breakpoint(c, block_linear(block) + block->bytes))
			break;
		if (!append(c, block, bytes + block->bytes, size - block->bytes, &ends))
			break;
	}
	close_block(block);
}

static void
insert(struct cpu *c, struct block *block)
{
	struct block **slot = hash_slot(c->blocks, block->entry);
	struct code_page *page = code_page(c->blocks, block->physical);

	if (!page->lines)
		cpu_guard_page(c, block->physical);
	block->hash_next = *slot;
	*slot = block;
	block->page_next = page->blocks;
	page->blocks = block;
	page->lines |= line_mask(block->physical, block->bytes);
}

/* A block in the arena, for instructions that lie within one page. NULL: not one does. */
static struct block *
make(struct cpu *c, uint32_t linear, uint32_t key)
{
	struct blocks *blocks = c->blocks;
	const size_t rest = DESCRY_PAGE_SIZE - (linear & 0xfff);
	const uint8_t *bytes = mem_code(c, linear);
	struct block *block;

	if (!bytes)
		return NULL;
	if (blocks->used + block_size(BLOCK_INSNS_MAX) > ARENA_BYTES)
		blocks_flush(c);
	block = (struct block *)(void *)(blocks->arena + blocks->used);
	*block = (struct block){ .entry = block_entry(linear, key),
				 .physical = mem_physical(c, linear),
				 .breakpoint = is_breakpoint(c, linear) };
	fill(c, block, bytes, rest);
	if (block->count == 0)
		return NULL;
	blocks->used += block_size(block->count);
	insert(c, block);
	return block;
}

/* The bytes that CS lets the CPU fetch for one instruction: at most the one that is too many. */
static size_t
fetchable(const struct cpu *c)
{
	const uint64_t end = (uint64_t)c->state.seg[DESCRY_CS].limit + 1;
	const uint64_t rest = c->state.rip < end ? end - c->state.rip : 0;

	return rest < INSN_BYTES_MAX + 1 ? (size_t)rest : INSN_BYTES_MAX + 1;
}

/*
 * One instruction that crosses pages, or lies where no memory is. It is never kept. NULL:
 * the limit of CS cuts it off.
 */
static struct block *
make_scratch(struct cpu *c, uint32_t linear, uint32_t key)
{
	struct block *block = c->blocks->scratch;
	uint8_t bytes[INSN_BYTES_MAX + 1];
	const size_t size = fetchable(c);

	mem_read_linear_slow(c, linear, bytes, size);
	*block = (struct block){ .entry = block_entry(linear, key | BLOCK_KEY_STEP),
				 .physical = mem_physical(c, linear),
				 .breakpoint = is_breakpoint(c, linear) };
	fill(c, block, bytes, size);
	return block->count ? block : NULL;
}

static struct block *
find(struct cpu *c, uint32_t linear, uint32_t key)
{
	const uint32_t physical = mem_physical(c, linear);
	const uint64_t entry = block_entry(linear, key);
	struct block *block = *hash_slot(c->blocks, entry);

	while (block && (block->entry != entry || block->physical != physical))
		block = block->hash_next;
	return block;
}

static const struct block *
find_or_make(struct cpu *c, uint32_t linear, uint32_t key)
{
	struct block *block = find(c, linear, key);

	if (!block)
		block = make(c, linear, key);
	return block ? block : make_scratch(c, linear, key);
}

static bool
is_within_limit(const struct cpu *c, const struct block *block)
{
	return block && c->state.rip + block->bytes - 1 <= c->state.seg[DESCRY_CS].limit;
}

/* The last byte of the block, or of its first instruction, against the limit of CS. */
const struct block *
block_at(struct cpu *c, uint32_t extra_key)
{
	const uint32_t linear = (uint32_t)(c->state.seg[DESCRY_CS].base + c->state.rip);
	const struct block *block = find_or_make(c, linear, c->mode_key | extra_key);

	if (DESCRY_LIKELY(is_within_limit(c, block))) {
		if (!block->breakpoint)
			c->jump[linear & (JUMP_COUNT - 1)] = block;
		return block;
	}
	if (block && block->count > 1)
		block = find_or_make(c, linear, c->mode_key | BLOCK_KEY_STEP);
	if (is_within_limit(c, block))
		return block;
	raise(c, DESCRY_VEC_GP, 0);
	return NULL;
}
