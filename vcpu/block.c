#include "block.h"

#include "cpu.h"
#include "debug.h"
#include "decode.h"
#include "lower.h"
#include "mem.h"
#include "tlb.h"
#include "wrap.h"

#include <stdlib.h>

#define HASH_COUNT 8192u
#define ARENA_BYTES (8u << 20)
#define PAGE_COUNT (1u << 20)

/* Code in one physical page: which lines of it, and the blocks that begin there. */
struct code_page {
	uint64_t lines;
	struct block *blocks;
};

/* A code context and its stamp: see block.h. */
struct context {
	uint32_t base, limit;
	uint32_t a20_mask;
	bool code32, protected_mode;
	bool paging, user;
	uint64_t stamp;
};
#define CONTEXT_WAYS 4u
#define CONTEXT_SETS 256u

struct blocks {
	struct block *hash[HASH_COUNT];
	struct context context[CONTEXT_SETS][CONTEXT_WAYS];
	uint64_t newest_stamp;
	struct code_page *page; /* by physical page number; only what is used is ever backed */
	uint8_t *arena;
	size_t used;
	uint64_t jumps[DESCRY_TLB_CODE][JUMP_COUNT / 64]; /* slots that its page may be in */
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

/* The top bits of a product depend on all bits of its factor (Fibonacci hashing). */
static uint64_t
mix(uint64_t key)
{
	return key * 0x9e3779b97f4a7c15u >> 32;
}

static struct block **
hash_slot(struct blocks *blocks, uint32_t linear, uint64_t stamp)
{
	return &blocks->hash[mix(mix(stamp) << 32 | linear) & (HASH_COUNT - 1)];
}

static struct code_page *
code_page(const struct blocks *blocks, uint32_t physical)
{
	return &blocks->page[physical >> 12];
}

/* --- throwing away -------------------------------------------------------------------- */

static void
unlink_from_hash(struct blocks *blocks, struct block *block)
{
	struct block **link = hash_slot(blocks, block->linear, block->stamp);

	while (*link != block)
		link = &(*link)->hash_next;
	*link = block->hash_next;
}

/* The block may be running: from its next instruction on it leads out. */
static void
discard(struct blocks *blocks, struct block *block)
{
	unlink_from_hash(blocks, block);
	block->stamp = STAMP_DEAD;
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
			discard(c->blocks, block);
		} else {
			page->lines |= line_mask(block->physical, block->bytes);
			link = &block->page_next;
		}
	}
}

const uint64_t *
blocks_lines(const struct blocks *blocks, uint32_t physical)
{
	return &code_page(blocks, physical)->lines;
}

bool
blocks_guard(const struct blocks *blocks, uint32_t physical)
{
	return code_page(blocks, physical)->lines != 0;
}

/* Offset 0 of the arena: what a link that has not been made leads to. */
static struct block *
nowhere(const struct cpu *c)
{
	return (struct block *)(void *)c->blocks->arena;
}

static void
make_nowhere(struct cpu *c)
{
	*nowhere(c) = (struct block){ .stamp = STAMP_DEAD };
	c->blocks->used = block_size(0);
	c->arena = c->blocks->arena;
	c->block = nowhere(c);
	blocks_forget_jumps(c);
}

void
blocks_forget_jumps(struct cpu *c)
{
	for (unsigned i = 0; i < JUMP_COUNT; i++)
		c->jump[i] = nowhere(c);
	memset(c->blocks->jumps, 0, sizeof(c->blocks->jumps));
}

void
blocks_forget_jumps_of(struct cpu *c, unsigned tlb_index)
{
	uint64_t *jumps = c->blocks->jumps[tlb_index];

	for (unsigned word = 0; word < JUMP_COUNT / 64; word++)
		for (; jumps[word]; jumps[word] &= jumps[word] - 1)
			c->jump[word * 64 + (unsigned)__builtin_ctzll(jumps[word])] = nowhere(c);
}

/* Never while a block runs. */
void
blocks_flush(struct cpu *c)
{
	struct blocks *blocks = c->blocks;

	make_nowhere(c);
	for (unsigned i = 0; i < HASH_COUNT; i++) {
		for (struct block *block = blocks->hash[i]; block; block = block->hash_next)
			*code_page(blocks, block->physical) = (struct code_page){ 0 };
		blocks->hash[i] = NULL;
	}
}

/* --- contexts ------------------------------------------------------------------------- */

static bool
is_same_context(const struct context *a, const struct context *b)
{
	return a->base == b->base && a->limit == b->limit && a->a20_mask == b->a20_mask &&
	       a->code32 == b->code32 && a->protected_mode == b->protected_mode &&
	       a->paging == b->paging && a->user == b->user;
}

static struct context
current_context(const struct cpu *c)
{
	const struct descry_segment *cs = &c->state.seg[DESCRY_CS];

	return (struct context){ .base = (uint32_t)cs->base,
				 .limit = cs->limit,
				 .a20_mask = c->a20_mask,
				 .code32 = cs->attr & DESCRY_ATTR_DB,
				 .protected_mode = in_protected_mode(c),
				 .paging = c->paging,
				 .user = c->user };
}

static struct context *
context_set(struct blocks *blocks, const struct context *context)
{
	const uint64_t where = (uint64_t)context->limit << 32 | context->base;
	const uint64_t what = (uint64_t)context->a20_mask << 2 ^ (uint64_t)context->code32 << 1 ^
			      context->protected_mode;

	return blocks->context[mix(mix(where) ^ where ^ what) & (CONTEXT_SETS - 1)];
}

/*
 * Stamps are never given twice, so whatever a lost context has left behind is unreachable.
 * The least lately made context of the set is the one to be lost.
 */
uint64_t
blocks_context(struct cpu *c)
{
	struct context now = current_context(c);
	struct context *set = context_set(c->blocks, &now);
	struct context *oldest = set;

	for (unsigned way = 0; way < CONTEXT_WAYS; way++) {
		if (set[way].stamp != STAMP_DEAD && is_same_context(&set[way], &now))
			return set[way].stamp;
		if (set[way].stamp < oldest->stamp)
			oldest = &set[way];
	}
	now.stamp = ++c->blocks->newest_stamp;
	*oldest = now;
	return now.stamp;
}

/* --- making --------------------------------------------------------------------------- */

bool
block_breakpoint(const struct cpu *c, uint32_t linear)
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

/* The user's or the guest's: both are for the loop to look at. */
static bool
stops_at(const struct cpu *c, uint32_t linear)
{
	return block_breakpoint(c, linear) || (c->debug.execute && debug_fetch(c, linear));
}

static enum decode_mode
decode_mode(const struct cpu *c)
{
	if (c->state.seg[DESCRY_CS].attr & DESCRY_ATTR_DB)
		return DECODE_32;
	return in_protected_mode(c) ? DECODE_PROTECTED16 : DECODE_REAL16;
}

/* Closes the block behind its last instruction. */
static void
close_block(struct block *block)
{
	block->insns[block->count] = (struct insn){
		.exec = exec_end,
		.offset = (uint8_t)block->bytes,
		.place = block->count,
	};
}

/* Does the branch lead over the instruction behind it, to another one of this block? */
static bool
is_skip(const struct block *block, const struct decoded *d, unsigned branch)
{
	const uint32_t over = d[branch + 1].length;

	return d[branch].op == OP_JCC && d[branch].imm == over && branch + 2u < block->count &&
	       (d[branch].size == 4 || block->ip + block->insns[branch + 2].offset <= 0xffff);
}

/* A handler for this instruction and the one behind it, if there is one. */
static exec_fn *
handler_of_two(const struct block *block, const struct decoded *d, unsigned first)
{
	if (is_skip(block, d, first))
		return lower_skip(&d[first + 1], d[first].cond);
	return d[first + 1].op == OP_JCC ? lower_fused(&d[first], d[first + 1].cond) : NULL;
}

/* Two instructions that are executed together: both stay, and the first has another handler. */
static void
fuse(struct block *block, const struct decoded *d)
{
	bool is_first = false; /* of two: the instruction behind */

	for (unsigned i = block->count; i-- > 1;) {
		exec_fn *handler = is_first ? NULL : handler_of_two(block, d, i - 1);

		if (handler)
			block->insns[i - 1].exec = handler;
		is_first = handler != NULL;
	}
}

/* Appends the instruction at bytes; false when they are not all of it. */
static bool
append(struct cpu *c, struct block *block, const uint8_t *bytes, size_t size, struct decoded *d,
       bool *ends)
{
	struct insn *in = &block->insns[block->count];

	if (!decode(c->decoder, decode_mode(c), bytes, size, d))
		return false;
	*ends = lower(d, in);
	in->offset = (uint8_t)block->bytes;
	in->place = block->count;
	block->bytes = (uint16_t)(block->bytes + d->length);
	block->count++;
	return true;
}

static void
fill(struct cpu *c, struct block *block, const uint8_t *bytes, size_t size)
{
	const unsigned most = block->stamp & STAMP_STEP ? 1 : BLOCK_INSNS_MAX;
	struct decoded decoded[BLOCK_INSNS_MAX];
	bool ends = false;

	while (!ends && block->count < most && block->bytes < BLOCK_BYTES_MAX - INSN_BYTES_MAX) {
		if (block->count && stops_at(c, block->linear + block->bytes))
			break;
		if (!append(c, block, bytes + block->bytes, size - block->bytes,
			    &decoded[block->count], &ends))
			break;
	}
	fuse(block, decoded);
	close_block(block);
}

static void
insert(struct cpu *c, struct block *block)
{
	struct block **slot = hash_slot(c->blocks, block->linear, block->stamp);
	struct code_page *page = code_page(c->blocks, block->physical);

	if (!page->lines)
		cpu_guard_page(c, block->physical);
	block->hash_next = *slot;
	*slot = block;
	block->page_next = page->blocks;
	page->blocks = block;
	page->lines |= line_mask(block->physical, block->bytes);
}

/* The bytes that CS lets the CPU fetch from IP on. */
static uint64_t
fetchable(const struct cpu *c)
{
	const uint64_t limit = c->rules.no_limits ? WRAP_MASK : c->state.seg[DESCRY_CS].limit;
	const uint64_t end = limit + 1;

	return c->state.rip < end ? end - c->state.rip : 0;
}

/* Where the next instruction begins. On false it cannot be fetched: c->fault is set. */
static bool
fetch_from(struct cpu *c, uint32_t linear, uint64_t *physical)
{
	if (!fetchable(c))
		return raise(c, DESCRY_VEC_GP, 0);
	if (c->paging)
		return tlb_code(c, linear, physical);
	*physical = physical_address(c, linear);
	return true;
}

static void
begin_block(const struct cpu *c, struct block *block, uint32_t linear, uint64_t physical,
	    uint64_t stamp)
{
	*block = (struct block){ .stamp = stamp,
				 .linear = linear,
				 .ip = (uint32_t)c->state.rip,
				 .physical = (uint32_t)physical,
				 .breakpoint = stops_at(c, linear) };
}

/* A block in the arena, for instructions that lie within one page. NULL: not one does. */
static struct block *
make(struct cpu *c, uint32_t linear, uint64_t physical, uint64_t stamp)
{
	struct blocks *blocks = c->blocks;
	const uint64_t in_page = DESCRY_PAGE_SIZE - (linear & 0xfff);
	const uint64_t in_limit = fetchable(c);
	const uint8_t *bytes = mem_code(c, physical);
	struct block *block;

	if (!bytes)
		return NULL;
	if (blocks->used + block_size(BLOCK_INSNS_MAX) > ARENA_BYTES)
		blocks_flush(c);
	block = (struct block *)(void *)(blocks->arena + blocks->used);
	begin_block(c, block, linear, physical, stamp);
	fill(c, block, bytes, in_page < in_limit ? in_page : in_limit);
	if (block->count == 0)
		return NULL;
	blocks->used += block_size(block->count);
	insert(c, block);
	return block;
}

static void
copy_code(const struct cpu *c, uint64_t physical, uint8_t *out, size_t size)
{
	const uint8_t *bytes = mem_code(c, physical);

	if (bytes)
		memcpy(out, bytes, size);
	else
		memset(out, 0xff, size);
}

/* As much of size bytes as the first page holds; all of them where they wrap. */
static size_t
fetch_first(struct cpu *c, uint32_t linear, uint64_t physical, uint8_t *bytes, size_t size)
{
	const size_t in_page = DESCRY_PAGE_SIZE - (linear & 0xfff);
	const size_t first = size < in_page ? size : in_page;

	if (wraps(c, (uint32_t)c->state.rip, size))
		return wrap_fetch(c, bytes, size);
	copy_code(c, physical, bytes, first);
	return first;
}

/*
 * One instruction that crosses pages, or lies where no memory is. It is never kept. The second
 * page is asked for only when the first does not hold all of the instruction. NULL with c->fault
 * set: it cannot be fetched, or the limit of CS cuts it off.
 */
static struct block *
make_scratch(struct cpu *c, uint32_t linear, uint64_t physical)
{
	struct block *block = c->blocks->scratch;
	const uint64_t in_limit = c->rules.no_limits ? UINT64_MAX : fetchable(c);
	uint8_t bytes[INSN_BYTES_MAX + 1];
	const size_t size = in_limit < sizeof(bytes) ? (size_t)in_limit : sizeof(bytes);
	const size_t first = fetch_first(c, linear, physical, bytes, size);

	begin_block(c, block, linear, physical, c->stamp | STAMP_STEP);
	block->unguarded = true;
	fill(c, block, bytes, first);
	if (!block->count && first < size) {
		if (!fetch_from(c, linear + (uint32_t)first, &physical))
			return NULL;
		copy_code(c, physical, bytes + first, size - first);
		fill(c, block, bytes, size);
	}
	if (block->count)
		return block;
	raise(c, DESCRY_VEC_GP, 0);
	return NULL;
}

static struct block *
find(struct cpu *c, uint32_t linear, uint64_t physical, uint64_t stamp)
{
	struct block *block = *hash_slot(c->blocks, linear, stamp);

	while (block &&
	       (block->linear != linear || block->stamp != stamp || block->physical != physical))
		block = block->hash_next;
	return block;
}

/* Where go_to() finds it: as long as its page is in the code TLB. */
static void
keep_jump(struct cpu *c, const struct block *block)
{
	const unsigned slot = block->linear & (JUMP_COUNT - 1);

	c->jump[slot] = block;
	if (c->paging)
		c->blocks->jumps[block->linear >> 12 & (DESCRY_TLB_CODE - 1)][slot / 64] |=
			1ull << slot % 64;
}

const struct block *
block_at(struct cpu *c, bool step)
{
	const uint32_t linear = c->cs_base + (uint32_t)c->state.rip;
	const uint64_t stamp = step ? c->stamp | STAMP_STEP : c->stamp;
	struct block *block;
	uint64_t physical;

	if (!fetch_from(c, linear, &physical))
		return NULL;
	block = find(c, linear, physical, stamp);
	if (!block)
		block = make(c, linear, physical, stamp);
	if (!block)
		block = make_scratch(c, linear, physical);
	if (block && block->stamp == c->stamp && !block->breakpoint)
		keep_jump(c, block);
	return block;
}

/*
 * Where a branch of the running block leads, if that needs no look at the code TLB: with paging
 * nowhere but into its own page.
 */
static bool
branch_target(const struct cpu *c, uint32_t linear, uint64_t *physical)
{
	*physical = physical_address(c, linear);
	if (!c->paging)
		return true;
	*physical = (c->block->physical & ~0xfffu) | (linear & 0xfff);
	return linear >> 12 == c->block->linear >> 12;
}

/* The branch belongs to a block, and blocks are ours to change. */
void
block_link(struct cpu *c, const struct insn *in, uint32_t ip)
{
	const uint32_t linear = c->cs_base + ip;
	struct insn *branch = (struct insn *)(uintptr_t)in;
	const struct block *to;
	uint64_t physical;

	if (!branch_target(c, linear, &physical))
		return;
	to = find(c, linear, physical, c->stamp);
	if (to && !to->breakpoint)
		branch->link = (uint32_t)((const uint8_t *)to - c->arena);
}
