#include "system.h"

#include <string.h>

static void
put(struct program *program, uint32_t at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		program->memory.low[at + i] = (uint8_t)(value >> i * 8);
}

/* --- descriptors ---------------------------------------------------------------------- */

/* access: bits 15:8 of the high dword; flags: bits 23:20 (G, D/B, L, AVL). */
static uint64_t
descriptor(uint32_t base, uint32_t limit, unsigned access, unsigned flags)
{
	const uint32_t low = (base << 16) | (limit & 0xffffu);
	const uint32_t high = (base & 0xff000000u) | (limit & 0xf0000u) | (base >> 16 & 0xffu) |
			      access << 8 | flags << 20;

	return (uint64_t)high << 32 | low;
}

static const struct {
	uint16_t sel;
	uint32_t base, limit;
	uint8_t access, flags;
} fixed[] = {
	/* clang-format off */
	{ 0,               0,            0,                0,    0 },
	{ SEL_HANDLER16,   HANDLER_BASE, 0xffff,           0x9b, 0 },
	{ SEL_HANDLER32,   HANDLER_BASE, 0xffff,           0x9b, 4 },
	{ SEL_CODE16,      0x3000,       0xffff,           0x9b, 0 },
	{ SEL_CODE32,      0x5000,       0xffff,           0x9b, 4 },
	{ SEL_DATA,        0x7000,       0xffff,           0x93, 0 },
	{ SEL_FLAT,        0,            0xfffff,          0x93, 12 },
	{ SEL_DATA_CODE,   0x7000,       0xffff,           0x9b, 0 },
	{ SEL_DOWN,        0x6000,       0x07ff,           0x97, 0 },
	{ SEL_STACK32,     0x7000,       0xffff,           0x93, 4 },
	{ SEL_TSS,         TSS_BASE,     TSS_SIZE - 1,     0x89, 0 },
	{ SEL_LDT,         LDT_BASE,     LDT_SIZE - 1,     0x82, 0 },
	{ SEL_USER_CODE16, 0x3000,       0xffff,           0xfb, 0 },
	{ SEL_USER_DATA,   0x7000,       0xffff,           0xf3, 0 },
	{ SEL_USER_CODE32, 0x5000,       0xffff,           0xfb, 4 },
	{ SEL_CODE_ALIAS,  0x3000,       0xffff,           0x93, 0 },
	/* clang-format on */
};

/* The other slots: mostly good for something, with a base of selector * 16. */
static uint64_t
random_descriptor(uint16_t sel, struct random *r)
{
	static const uint8_t access[] = {
		0x9b, 0x9b, 0x9a, 0x9b, 0x93, 0x93, 0x92, 0x93, /* code, data, not accessed yet */
		0x91, 0x97, 0x96, 0x99, 0x9f, 0x13, 0x1b, 0xf3, /* odd ones, absent, ring 3 */
	};
	static const uint32_t limits[] = { 0xffff, 0xffff, 0xffff, 0xfff, 0x103f, 0x7fff };
	const unsigned flags = random_chance(r, 850) ? 0 : random_below(r, 16) & ~2u;
	const uint32_t limit = limits[random_below(r, sizeof(limits) / sizeof(limits[0]))];

	return descriptor((uint32_t)sel * 16, limit, access[random_below(r, sizeof(access))],
			  flags);
}

static void
build_descriptors(struct program *program, struct random *r)
{
	for (uint16_t sel = 0; sel < GDT_SIZE; sel = (uint16_t)(sel + 8))
		put(program, GDT_BASE + sel, random_descriptor(sel, r), 8);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		put(program, GDT_BASE + (fixed[i].sel & ~7u),
		    descriptor(fixed[i].base, fixed[i].limit, fixed[i].access, fixed[i].flags), 8);
	for (unsigned i = 0; i < EDGE_COUNT; i++) {
		const uint32_t limit = program->start[program->edge[i]] + random_below(r, 4) - 1;

		put(program, LDT_BASE + i * 8, descriptor(0x3000, limit, 0x9b, 0), 8);
	}
	put(program, TSS_BASE + 4, STACK_TOP, 4);
	put(program, TSS_BASE + 8, random_chance(r, 500) ? SEL_DATA : SEL_STACK32, 2);
	put(program, TSS_BASE + 0x66, TSS_SIZE, 2);
}

/* --- gates and tasks ------------------------------------------------------------------ */

/* An instruction of a cluster that both modes know by the same selector. */
static uint32_t
any_start(const struct program *program, const struct cluster *cluster, struct random *r)
{
	return program->start[cluster->first + random_below(r, cluster->count)];
}

static const struct cluster *
any_cluster(const struct program *program, struct random *r)
{
	return &program->cluster[random_below(r, CLUSTER_COUNT)];
}

static void
build_far_gate(struct program *program, uint16_t sel, struct random *r)
{
	static const uint8_t types[] = { 0xec, 0xec, 0xe4, 0xe5, 0x8c };
	const uint8_t access = types[random_below(r, sizeof(types))];
	const struct cluster *to = any_cluster(program, r);
	const bool to_task = (access & 0xf) == DESCRY_TYPE_TASK_GATE;
	const uint32_t target = to_task ? SEL_TASK + random_below(r, TASK_COUNT) * 8 : to->sel;

	put(program, GDT_BASE + sel, any_start(program, to, r), 2);
	put(program, GDT_BASE + sel + 2, target, 2);
	put(program, GDT_BASE + sel + 4, random_below(r, 4), 1);
	put(program, GDT_BASE + sel + 5, access, 1);
	put(program, GDT_BASE + sel + 6, 0, 2);
}

/* ES CS SS DS, and of a 32-bit TSS FS GS; at times one that cannot be loaded. */
static void
build_task_selectors(struct program *program, uint32_t at, unsigned size, uint16_t cs,
		     struct random *r)
{
	const uint16_t sels[] = { SEL_DATA, cs, SEL_DATA, SEL_DATA, SEL_FLAT, 0 };

	for (unsigned i = 0; i < (size == 4 ? 6u : 4u); i++)
		put(program, at + i * size, random_chance(r, 970) ? sels[i] : random_bits(r), 2);
}

static void
build_task(struct program *program, unsigned index, struct random *r)
{
	const uint32_t base = TASK_BASE + index * 0x80;
	const bool wide = random_chance(r, 600);
	const unsigned size = wide ? 4 : 2;
	const uint32_t registers = base + (wide ? 0x20 : 0x0e);
	const struct cluster *cluster = any_cluster(program, r);

	put(program, base, random_chance(r, 500) ? SEL_TSS : SEL_TASK + random_below(r, 4) * 8, 2);
	put(program, base + (wide ? 4 : 2), STACK_TOP, size);
	put(program, base + (wide ? 8 : 4), SEL_DATA, 2);
	put(program, registers, any_start(program, cluster, r), size);
	put(program, registers + size, (random_bits(r) & 0x4ed5u) | 2u, size);
	for (unsigned i = 0; i < 8; i++)
		put(program, registers + (2 + i) * size, random_below(r, 0x2000), size);
	put(program, registers + 6 * size, STACK_TOP, size);
	build_task_selectors(program, base + (wide ? 0x48 : 0x22), size, cluster->sel, r);
	put(program, base + (wide ? 0x60 : 0x2a), random_chance(r, 500) ? SEL_LDT : 0, 2);
	put(program, GDT_BASE + SEL_TASK + index * 8,
	    descriptor(base, wide ? 0x67 : 0x2b, wide ? 0xe9 : 0xe1, 0), 8);
}

static void
build_far_gates_and_tasks(struct program *program, struct random *r)
{
	for (unsigned i = 0; i < GATE_COUNT; i++)
		build_far_gate(program, (uint16_t)(SEL_GATE + i * 8), r);
	for (unsigned i = 0; i < TASK_COUNT; i++)
		build_task(program, i, r);
}

/* --- tables --------------------------------------------------------------------------- */

static void
build_tables(uint8_t *at)
{
	static const struct {
		unsigned at;
		uint16_t limit;
		uint32_t base;
	} tables[] = {
		{ TABLES_REAL_IDT, 0x3ff, 0 },
		{ TABLES_IDT, IDT_VECTORS * 8 - 1, IDT_BASE },
		{ TABLES_GDT, GDT_SIZE - 1, GDT_BASE },
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		memcpy(at + tables[i].at, &tables[i].limit, 2);
		memcpy(at + tables[i].at + 2, &tables[i].base, 4);
	}
}

/* --- handlers ------------------------------------------------------------------------- */

/*
 * What a handler does: go back to where it came from, go back a few bytes further on, which
 * may be the middle of an instruction, or set up the segments and land anywhere.
 */
enum handler { AGAIN, SKIP, SKIP_ERROR_CODE, LAND, HANDLER_COUNT };
#define VARIANTS 4u

struct handlers {
	uint32_t at[2][HANDLER_COUNT][VARIANTS]; /* offset, by width and kind */
	uint32_t end;
};

/* 00: filled in. push bp; mov bp, sp; add word [bp + 2 or 4], N; pop bp; ...; iret */
static const uint8_t skip16[] = { 0x55, 0x89, 0xe5, 0x83, 0x46, 0x02, 0x00, 0x5d, 0xcf };
static const uint8_t skip16_error[] = { 0x55, 0x89, 0xe5, 0x83, 0x46, 0x04,
					0x00, 0x5d, 0x83, 0xc4, 0x02, 0xcf };
static const uint8_t skip32[] = { 0x55, 0x89, 0xe5, 0x83, 0x45, 0x04, 0x00, 0x5d, 0xcf };
static const uint8_t skip32_error[] = { 0x55, 0x89, 0xe5, 0x83, 0x45, 0x08,
					0x00, 0x5d, 0x83, 0xc4, 0x04, 0xcf };
#define SKIP_BYTES_AT 6u

static uint32_t
add_bytes(struct program *program, struct handlers *handlers, const void *bytes, unsigned size)
{
	const uint32_t at = handlers->end;

	memcpy(&program->memory.low[HANDLER_BASE + at], bytes, size);
	handlers->end += size;
	return at;
}

static uint32_t
add_skip(struct program *program, struct handlers *handlers, bool wide, bool error_code,
	 unsigned bytes)
{
	const uint8_t *code =
		wide ? (error_code ? skip32_error : skip32) : (error_code ? skip16_error : skip16);
	const unsigned size = error_code ? sizeof(skip16_error) : sizeof(skip16);
	const uint32_t at = add_bytes(program, handlers, code, size);

	program->memory.low[HANDLER_BASE + at + SKIP_BYTES_AT] = (uint8_t)bytes;
	return at;
}

/*
 * mov ax, DATA; mov ss, ax; mov sp, TOP; mov ds, ax; mov es, ax; sti or nop; add word
 * [COUNTER], 4; mov bx, [COUNTER]; and bx, FCh; jmp far [bx + LANDINGS]: each time elsewhere.
 */
static const uint8_t land16[] = {
	0xb8,
	SEL_DATA & 0xff,
	SEL_DATA >> 8,
	0x8e,
	0xd0,
	0xbc,
	STACK_TOP & 0xff,
	STACK_TOP >> 8,
	0x8e,
	0xd8,
	0x8e,
	0xc0,
	0x90,
	0x83,
	0x06,
	COUNTER & 0xff,
	COUNTER >> 8,
	0x04,
	0x8b,
	0x1e,
	COUNTER & 0xff,
	COUNTER >> 8,
	0x81,
	0xe3,
	0xfc,
	0x00,
	0xff,
	0xaf,
	LANDINGS & 0xff,
	LANDINGS >> 8,
};
static const uint8_t land32[] = {
	0x66,
	0xb8,
	SEL_DATA & 0xff,
	SEL_DATA >> 8,
	0x8e,
	0xd0,
	0xbc,
	STACK_TOP & 0xff,
	STACK_TOP >> 8,
	0,
	0,
	0x8e,
	0xd8,
	0x8e,
	0xc0,
	0x90,
	0x66,
	0x83,
	0x05,
	COUNTER & 0xff,
	COUNTER >> 8,
	0,
	0,
	0x04,
	0x0f,
	0xb7,
	0x1d,
	COUNTER & 0xff,
	COUNTER >> 8,
	0,
	0,
	0x81,
	0xe3,
	0xfc,
	0,
	0,
	0,
	0x66,
	0xff,
	0xab,
	LANDINGS & 0xff,
	LANDINGS >> 8,
	0,
	0,
};
#define LAND16_STI_AT 12u
#define LAND32_STI_AT 15u

static uint32_t
add_landing(struct program *program, struct handlers *handlers, bool wide, struct random *r)
{
	const uint32_t at = wide ? add_bytes(program, handlers, land32, sizeof(land32))
				 : add_bytes(program, handlers, land16, sizeof(land16));
	uint8_t *sti = &program->memory.low[HANDLER_BASE + at];

	if (random_chance(r, 500))
		sti[wide ? LAND32_STI_AT : LAND16_STI_AT] = 0xfb;
	return at;
}

/* Offset and selector of an instruction. */
static void
build_landing(struct program *program, uint32_t at, struct random *r)
{
	const struct cluster *cluster = &program->cluster[random_below(r, CLUSTER_COUNT)];
	const unsigned index = random_below(r, cluster->count), edge = random_below(r, EDGE_COUNT);
	uint32_t ip = program->start[cluster->first + index];
	uint32_t sel = cluster->sel;

	if (program->protected_mode && random_chance(r, 200)) {
		ip = program_before_edge(program, edge, r);
		sel = SEL_EDGE + edge * 8;
	}
	put(program, at, ip, 2);
	put(program, at + 2, sel, 2);
}

static void
build_landings(struct program *program, struct random *r)
{
	for (unsigned i = 0; i < 0x100; i += 4)
		build_landing(program, 0x7000 + LANDINGS + i, r);
}

static void
build_handlers(struct program *program, struct handlers *handlers, struct random *r)
{
	static const uint8_t again = 0xcf;

	handlers->end = 0;
	for (unsigned wide = 0; wide < 2; wide++) {
		for (unsigned i = 0; i < VARIANTS; i++) {
			uint32_t(*at)[VARIANTS] = handlers->at[wide];

			at[AGAIN][i] = add_bytes(program, handlers, &again, 1);
			at[SKIP][i] = add_skip(program, handlers, wide, false, i + 1);
			at[SKIP_ERROR_CODE][i] = add_skip(program, handlers, wide, true, i + 1);
			at[LAND][i] = add_landing(program, handlers, wide, r);
		}
	}
}

/* An interrupt of software is returned from; a fault would only come again. */
static enum handler
choose_handler(unsigned vector, bool error_code, struct random *r)
{
	if (vector == DESCRY_VEC_BP)
		return random_chance(r, 700) ? LAND : AGAIN;
	if (vector >= 0x20 || vector == DESCRY_VEC_OF)
		return random_chance(r, 850) ? AGAIN : LAND;
	if (random_chance(r, 500))
		return LAND;
	return error_code ? SKIP_ERROR_CODE : SKIP;
}

static bool
has_error_code(unsigned vector)
{
	return vector == DESCRY_VEC_DF || (vector >= DESCRY_VEC_TS && vector <= DESCRY_VEC_PF);
}

static uint32_t
choose_offset(const struct handlers *handlers, bool wide, enum handler handler, struct random *r)
{
	return handlers->at[wide][handler][random_below(r, VARIANTS)];
}

static void
build_vectors(struct program *program, const struct handlers *handlers, struct random *r)
{
	for (unsigned vector = 0; vector < 256; vector++) {
		const enum handler handler = choose_handler(vector, false, r);

		put(program, vector * 4, choose_offset(handlers, false, handler, r), 2);
		put(program, vector * 4 + 2, SEL_HANDLER16, 2);
	}
}

/* Interrupt and trap gates of 16 and 32 bits; a few are absent or no gate at all. */
static void
build_gates(struct program *program, const struct handlers *handlers, struct random *r)
{
	for (unsigned vector = 0; vector < IDT_VECTORS; vector++) {
		const bool wide = random_chance(r, 400);
		const enum handler handler = choose_handler(vector, has_error_code(vector), r);
		const uint32_t offset = choose_offset(handlers, wide, handler, r);
		const unsigned type = (wide ? 14u : 6u) + random_below(r, 2);
		const unsigned dpl = vector >= 0x20 && random_chance(r, 600) ? 0x60u : 0u;
		unsigned access = 0x80u | dpl | type;

		if (vector >= 0x20 && random_chance(r, 80))
			access = random_bits(r) & 0xffu;
		put(program, IDT_BASE + vector * 8, offset, 2);
		put(program, IDT_BASE + vector * 8 + 2, wide ? SEL_HANDLER32 : SEL_HANDLER16, 2);
		if (random_chance(r, 40)) {
			put(program, IDT_BASE + vector * 8 + 2,
			    SEL_TASK + random_below(r, TASK_COUNT) * 8, 2);
			access = 0xe0u | DESCRY_TYPE_TASK_GATE;
		}
		put(program, IDT_BASE + vector * 8 + 4, access << 8, 2);
	}
}

void
system_build(struct program *program, struct random *r)
{
	struct handlers handlers;

	build_descriptors(program, r);
	build_far_gates_and_tasks(program, r);
	build_tables(&program->memory.low[0x3000]);
	build_tables(&program->memory.low[0x5000]);
	build_tables(program->memory.high);
	build_landings(program, r);
	build_handlers(program, &handlers, r);
	build_vectors(program, &handlers, r);
	build_gates(program, &handlers, r);
}
