/*
 * LOADALL of the 286 and of the 386: every register from a table in memory, the caches
 * included, and no check between selector and cache. Undocumented by Intel but for a memo on
 * the 286; the offsets are from Ralf Brown's Interrupt List and Collins' specification F2.
 */
#include "lower.h"
#include "mem.h"
#include "whole.h"

#define NO_CACHE 0xffu /* a register that the table does not have */

/* Where the table has the selector and the cache of each segment register. */
struct segment_place {
	uint8_t sel, cache;
};

static uint32_t
field(const uint8_t *table, unsigned at, unsigned size)
{
	uint32_t value = 0;

	memcpy(&value, table + at, size);
	return value;
}

static bool
may_load_all(struct cpu *c, enum descry_loadall which)
{
	if (!knob_is(c, DESCRY_KNOB_LOADALL, which))
		return raise(c, DESCRY_VEC_UD, 0);
	return descry_cpl(&c->state) == 0 ? true : raise(c, DESCRY_VEC_GP, 0);
}

/* --- 286: 102 bytes at physical 800h -------------------------------------------------- */

#define TABLE_286 0x800u
#define TABLE_286_BYTES 102u
#define MSW_286 (DESCRY_CR0_PE | DESCRY_CR0_MP | DESCRY_CR0_EM | DESCRY_CR0_TS)

/* A cache: base in bytes 0 to 2, access byte, limit. */
static struct descry_segment
cache_286(const uint8_t *table, struct segment_place place)
{
	return (struct descry_segment){
		.base = field(table, place.cache, 3),
		.limit = field(table, place.cache + 4u, 2),
		.sel = (uint16_t)field(table, place.sel, 2),
		.attr = (uint16_t)field(table, place.cache + 3u, 1),
	};
}

static struct descry_table
table_286(const uint8_t *table, unsigned at)
{
	return (struct descry_table){ .base = field(table, at, 3),
				      .limit = field(table, at + 4, 2) };
}

static void
take_286(const uint8_t *table, struct whole *whole)
{
	static const uint8_t gpr[8] = {
		[DESCRY_DI] = 0x26, [DESCRY_SI] = 0x28, [DESCRY_BP] = 0x2a, [DESCRY_SP] = 0x2c,
		[DESCRY_BX] = 0x2e, [DESCRY_DX] = 0x30, [DESCRY_CX] = 0x32, [DESCRY_AX] = 0x34,
	};
	static const struct segment_place segs[DESCRY_SREG_COUNT] = {
		[DESCRY_ES] = { 0x24, 0x36 },        [DESCRY_CS] = { 0x22, 0x3c },
		[DESCRY_SS] = { 0x20, 0x42 },        [DESCRY_DS] = { 0x1e, 0x48 },
		[DESCRY_LDTR] = { 0x1c, 0x54 },      [DESCRY_TR] = { 0x16, 0x60 },
		[DESCRY_FS] = { .cache = NO_CACHE }, [DESCRY_GS] = { .cache = NO_CACHE },
	};

	/* PE cannot be cleared. */
	whole->cr0 = (whole->cr0 & (~MSW_286 | DESCRY_CR0_PE)) | (field(table, 0x06, 2) & MSW_286);
	whole->eflags = field(table, 0x18, 2);
	whole->eip = field(table, 0x1a, 2);
	for (unsigned i = 0; i < 8; i++)
		whole->gpr[i] = field(table, gpr[i], 2);
	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++) {
		if (segs[i].cache != NO_CACHE)
			whole->seg[i] = cache_286(table, segs[i]);
	}
	whole->gdtr = table_286(table, 0x4e);
	whole->idtr = table_286(table, 0x5a);
}

static DESCRY_NOINLINE bool
do_loadall_286(struct cpu *c, const struct insn *in)
{
	uint8_t table[TABLE_286_BYTES];
	struct whole whole;

	if (!may_load_all(c, DESCRY_LOADALL_286) ||
	    !mem_read_linear_slow(c, TABLE_286, table, sizeof(table)))
		return false;

	/* Nothing below can fault. */
	cpu_here(c, in);
	whole_take(c, &whole);
	take_286(table, &whole);
	whole_put(c, &whole, DESCRY_CAUSE_LOADALL);
	return true;
}

/* --- 386: 204 bytes at ES:EDI --------------------------------------------------------- */

#define TABLE_386_BYTES 0xccu

/*
 * The attributes of a cache, where Collins found them with an in-circuit emulator (access byte
 * in bits 23:16, D in bit 14) or where 86Box has them (as in the high dword of a descriptor): knob
 * loadall386.ar. The 386 keeps a limit in bytes and no G, so G follows from the limit.
 */
static uint16_t
attr_386(const struct cpu *c, uint32_t ar, uint32_t limit)
{
	const bool collins = knob_is(c, DESCRY_KNOB_LOADALL386_AR, DESCRY_LOADALL386_COLLINS);
	const uint32_t attr = collins ? (ar >> 16 & 0xff) | (ar & DESCRY_ATTR_DB)
				      : ar >> 8 & (DESCRY_ATTR_DB | 0xff);

	return (uint16_t)(attr | (limit > 0xfffff ? DESCRY_ATTR_G : 0));
}

static struct descry_segment
cache_386(const struct cpu *c, const uint8_t *table, struct segment_place place)
{
	const uint32_t limit = field(table, place.cache + 8u, 4);

	return (struct descry_segment){
		.base = field(table, place.cache + 4u, 4),
		.limit = limit,
		.sel = (uint16_t)field(table, place.sel, 2),
		.attr = attr_386(c, field(table, place.cache, 4), limit),
	};
}

static struct descry_table
table_386(const uint8_t *table, unsigned at)
{
	return (struct descry_table){ .base = field(table, at + 4, 4),
				      .limit = field(table, at + 8, 4) & 0xffff };
}

static void
take_386(const struct cpu *c, const uint8_t *table, struct whole *whole)
{
	static const uint8_t gpr[8] = {
		[DESCRY_DI] = 0x0c, [DESCRY_SI] = 0x10, [DESCRY_BP] = 0x14, [DESCRY_SP] = 0x18,
		[DESCRY_BX] = 0x1c, [DESCRY_DX] = 0x20, [DESCRY_CX] = 0x24, [DESCRY_AX] = 0x28,
	};
	static const struct segment_place segs[DESCRY_SREG_COUNT] = {
		[DESCRY_TR] = { 0x34, 0x54 }, [DESCRY_LDTR] = { 0x38, 0x78 },
		[DESCRY_GS] = { 0x3c, 0x84 }, [DESCRY_FS] = { 0x40, 0x90 },
		[DESCRY_DS] = { 0x44, 0x9c }, [DESCRY_SS] = { 0x48, 0xa8 },
		[DESCRY_CS] = { 0x4c, 0xb4 }, [DESCRY_ES] = { 0x50, 0xc0 },
	};

	whole->cr0 = field(table, 0x00, 4);
	whole->eflags = field(table, 0x04, 4);
	whole->eip = field(table, 0x08, 4);
	for (unsigned i = 0; i < 8; i++)
		whole->gpr[i] = field(table, gpr[i], 4);
	whole->dr6 = field(table, 0x2c, 4);
	whole->dr7 = field(table, 0x30, 4);
	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++)
		whole->seg[i] = cache_386(c, table, segs[i]);
	whole->idtr = table_386(table, 0x60);
	whole->gdtr = table_386(table, 0x6c);
}

static bool
read_table_386(struct cpu *c, uint8_t table[TABLE_386_BYTES])
{
	const uint32_t edi = reg_read(c, DESCRY_DI, 4);

	for (unsigned at = 0; at < TABLE_386_BYTES; at += 4) {
		if (!mem_read(c, DESCRY_ES, edi + at, 4))
			return false;
		memcpy(table + at, &c->value, 4);
	}
	return true;
}

static DESCRY_NOINLINE bool
do_loadall_386(struct cpu *c, const struct insn *in)
{
	uint8_t table[TABLE_386_BYTES];
	struct whole whole;

	if (!may_load_all(c, DESCRY_LOADALL_386) || !read_table_386(c, table))
		return false;

	/* Nothing below can fault. */
	cpu_here(c, in);
	whole_take(c, &whole);
	take_386(c, table, &whole);
	whole_put(c, &whole, DESCRY_CAUSE_LOADALL);
	return true;
}

/* --- handlers ------------------------------------------------------------------------- */

static const struct insn *
exec_loadall_286(struct cpu *c, const struct insn *in)
{
	return do_loadall_286(c, in) ? leave_to(c, in, c->target) : fault(c, in);
}

static const struct insn *
exec_loadall_386(struct cpu *c, const struct insn *in)
{
	return do_loadall_386(c, in) ? leave_to(c, in, c->target) : fault(c, in);
}

exec_fn *
lower_loadall(const struct decoded *d, struct insn *in)
{
	(void)in;
	return d->op == OP_LOADALL286 ? exec_loadall_286 : exec_loadall_386;
}
