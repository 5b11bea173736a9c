#include "smm_map.h"

#include <stddef.h>

/* A register of 32 bits in struct whole, and how many bytes the map gives it. */
struct register_place {
	uint16_t at;
	uint8_t bytes;
	uint16_t member;
};

/* A segment register: 0 is a field that the map does not have. */
struct segment_place {
	uint16_t sel, attr, limit, base;
};

struct map {
	uint32_t revision; /* bit 17: SMBASE can be moved; bit 16, I/O restart, is clear */
	uint16_t revision_at, smbase_at, halt_at;
	const struct register_place *registers;
	size_t register_count;
	struct segment_place seg[DESCRY_SREG_COUNT];
	struct segment_place gdtr, idtr;       /* limit and base alone */
	uint16_t shown_sel[DESCRY_SREG_COUNT]; /* a second copy of the selectors, never read */
	uint8_t attr_bytes, attr_shift;
	uint8_t base_bytes;
	uint8_t table_limit_bytes;
	bool fixed_sel; /* CS is 3000h in SMM, wherever SMBASE is */
};

#define REVISION 0x00020000u
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PLACE(at, bytes, name)                                                                     \
	{                                                                                          \
		at, bytes, (uint16_t)offsetof(struct whole, name)                                  \
	}

/* clang-format off */

/* SDM vol. 3, SMRAM State Save Map; CR4 is where each family has it. */
#define DOCUMENTED_32                                                                              \
	PLACE(0x7ffc, 4, cr0), PLACE(0x7ff8, 4, cr3), PLACE(0x7ff4, 4, eflags),                    \
	PLACE(0x7ff0, 4, eip),                                                                     \
	PLACE(0x7fec, 4, gpr[DESCRY_DI]), PLACE(0x7fe8, 4, gpr[DESCRY_SI]),                        \
	PLACE(0x7fe4, 4, gpr[DESCRY_BP]), PLACE(0x7fe0, 4, gpr[DESCRY_SP]),                        \
	PLACE(0x7fdc, 4, gpr[DESCRY_BX]), PLACE(0x7fd8, 4, gpr[DESCRY_DX]),                        \
	PLACE(0x7fd4, 4, gpr[DESCRY_CX]), PLACE(0x7fd0, 4, gpr[DESCRY_AX]),                        \
	PLACE(0x7fcc, 4, dr6), PLACE(0x7fc8, 4, dr7)

static const struct register_place p5_registers[] = { DOCUMENTED_32, PLACE(0x7f28, 4, cr4) };
static const struct register_place p6_registers[] = { DOCUMENTED_32, PLACE(0x7f14, 4, cr4) };

/* AMD APM vol. 2, SMM State-Save Area. */
static const struct register_place amd64_registers[] = {
	PLACE(0x7ff8, 8, gpr[DESCRY_AX]), PLACE(0x7ff0, 8, gpr[DESCRY_CX]),
	PLACE(0x7fe8, 8, gpr[DESCRY_DX]), PLACE(0x7fe0, 8, gpr[DESCRY_BX]),
	PLACE(0x7fd8, 8, gpr[DESCRY_SP]), PLACE(0x7fd0, 8, gpr[DESCRY_BP]),
	PLACE(0x7fc8, 8, gpr[DESCRY_SI]), PLACE(0x7fc0, 8, gpr[DESCRY_DI]),
	PLACE(0x7f78, 8, eip), PLACE(0x7f70, 8, eflags), PLACE(0x7f68, 8, dr6),
	PLACE(0x7f60, 8, dr7), PLACE(0x7f58, 8, cr0), PLACE(0x7f50, 8, cr3), PLACE(0x7f48, 8, cr4),
};

static const struct map maps[] = {
	/* 386SL, 386EX, Am486, Pentium: limit, base, attributes (bits 23:8 of a dword) */
	[DESCRY_SMM_P5] = {
		.revision = REVISION, .revision_at = 0x7efc, .smbase_at = 0x7ef8, .halt_at = 0x7f02,
		.registers = p5_registers, .register_count = COUNT_OF(p5_registers),
		.attr_bytes = 4, .attr_shift = 8, .base_bytes = 4, .table_limit_bytes = 4,
		.fixed_sel = true,
		.seg = {
			/*                sel     attr    limit   base */
			[DESCRY_ES]   = { 0x7fa8, 0x7f38, 0x7f30, 0x7f34 },
			[DESCRY_CS]   = { 0x7fac, 0x7f44, 0x7f3c, 0x7f40 },
			[DESCRY_SS]   = { 0x7fb0, 0x7f50, 0x7f48, 0x7f4c },
			[DESCRY_DS]   = { 0x7fb4, 0x7f5c, 0x7f54, 0x7f58 },
			[DESCRY_FS]   = { 0x7fb8, 0x7f68, 0x7f60, 0x7f64 },
			[DESCRY_GS]   = { 0x7fbc, 0x7f74, 0x7f6c, 0x7f70 },
			[DESCRY_LDTR] = { 0x7fc0, 0x7f80, 0x7f78, 0x7f7c },
			[DESCRY_TR]   = { 0x7fc4, 0x7fa4, 0x7f9c, 0x7fa0 },
		},
		.gdtr = { .limit = 0x7f84, .base = 0x7f88 },
		.idtr = { .limit = 0x7f90, .base = 0x7f94 },
	},
	/* Pentium Pro and on: selector and attributes in one dword, limit, base */
	[DESCRY_SMM_P6] = {
		.revision = REVISION, .revision_at = 0x7efc, .smbase_at = 0x7ef8, .halt_at = 0x7f02,
		.registers = p6_registers, .register_count = COUNT_OF(p6_registers),
		.attr_bytes = 2, .attr_shift = 0, .base_bytes = 4, .table_limit_bytes = 4,
		.seg = {
			[DESCRY_ES]   = { 0x7f84, 0x7f86, 0x7f88, 0x7f8c },
			[DESCRY_CS]   = { 0x7f90, 0x7f92, 0x7f94, 0x7f98 },
			[DESCRY_SS]   = { 0x7f9c, 0x7f9e, 0x7fa0, 0x7fa4 },
			[DESCRY_DS]   = { 0x7f2c, 0x7f2e, 0x7f30, 0x7f34 },
			[DESCRY_FS]   = { 0x7f38, 0x7f3a, 0x7f3c, 0x7f40 },
			[DESCRY_GS]   = { 0x7f44, 0x7f46, 0x7f48, 0x7f4c },
			[DESCRY_LDTR] = { 0x7f78, 0x7f7a, 0x7f7c, 0x7f80 },
			[DESCRY_TR]   = { 0x7f5c, 0x7f5e, 0x7f60, 0x7f64 },
		},
		.gdtr = { .limit = 0x7f70, .base = 0x7f74 },
		.idtr = { .limit = 0x7f54, .base = 0x7f58 },
		.shown_sel = {
			[DESCRY_ES] = 0x7fa8, [DESCRY_CS] = 0x7fac, [DESCRY_SS] = 0x7fb0,
			[DESCRY_DS] = 0x7fb4, [DESCRY_FS] = 0x7fb8, [DESCRY_GS] = 0x7fbc,
			[DESCRY_LDTR] = 0x7fc0, [DESCRY_TR] = 0x7fc4,
		},
	},
	/* AMD64: selector, attributes, limit and a base of 64 bits, 16 bytes each */
	[DESCRY_SMM_AMD64] = {
		.revision = REVISION | 0x64, .revision_at = 0x7efc, .smbase_at = 0x7f00,
		.halt_at = 0x7ec9,
		.registers = amd64_registers, .register_count = COUNT_OF(amd64_registers),
		.attr_bytes = 2, .attr_shift = 0, .base_bytes = 8, .table_limit_bytes = 2,
		.seg = {
			[DESCRY_ES]   = { 0x7e00, 0x7e02, 0x7e04, 0x7e08 },
			[DESCRY_CS]   = { 0x7e10, 0x7e12, 0x7e14, 0x7e18 },
			[DESCRY_SS]   = { 0x7e20, 0x7e22, 0x7e24, 0x7e28 },
			[DESCRY_DS]   = { 0x7e30, 0x7e32, 0x7e34, 0x7e38 },
			[DESCRY_FS]   = { 0x7e40, 0x7e42, 0x7e44, 0x7e48 },
			[DESCRY_GS]   = { 0x7e50, 0x7e52, 0x7e54, 0x7e58 },
			[DESCRY_LDTR] = { 0x7e70, 0x7e72, 0x7e74, 0x7e78 },
			[DESCRY_TR]   = { 0x7e90, 0x7e92, 0x7e94, 0x7e98 },
		},
		.gdtr = { .limit = 0x7e64, .base = 0x7e68 },
		.idtr = { .limit = 0x7e84, .base = 0x7e88 },
	},
};
/* clang-format on */

/* --- fields --------------------------------------------------------------------------- */

static void
put(uint8_t *bytes, unsigned at, uint64_t value, unsigned size)
{
	memcpy(bytes + at - SMM_SAVE_FIRST, &value, size);
}

static uint64_t
get(const uint8_t *bytes, unsigned at, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, bytes + at - SMM_SAVE_FIRST, size);
	return value;
}

static void
put_segment(const struct map *map, const struct segment_place *place,
	    const struct descry_segment *seg, uint8_t *bytes)
{
	put(bytes, place->sel, seg->sel, 2);
	put(bytes, place->attr, (uint64_t)seg->attr << map->attr_shift, map->attr_bytes);
	put(bytes, place->limit, seg->limit, 4);
	put(bytes, place->base, seg->base, map->base_bytes);
}

static struct descry_segment
get_segment(const struct map *map, const struct segment_place *place, const uint8_t *bytes)
{
	return (struct descry_segment){
		.base = (uint32_t)get(bytes, place->base, map->base_bytes),
		.limit = (uint32_t)get(bytes, place->limit, 4),
		.sel = (uint16_t)get(bytes, place->sel, 2),
		.attr = (uint16_t)(get(bytes, place->attr, map->attr_bytes) >> map->attr_shift),
	};
}

static void
put_table(const struct map *map, const struct segment_place *place,
	  const struct descry_table *table, uint8_t *bytes)
{
	put(bytes, place->limit, table->limit, map->table_limit_bytes);
	put(bytes, place->base, table->base, map->base_bytes);
}

static struct descry_table
get_table(const struct map *map, const struct segment_place *place, const uint8_t *bytes)
{
	return (struct descry_table){
		.base = (uint32_t)get(bytes, place->base, map->base_bytes),
		.limit = (uint32_t)get(bytes, place->limit, map->table_limit_bytes) & 0xffff,
	};
}

/* --- the whole map -------------------------------------------------------------------- */

void
smm_save(enum descry_smm_map which, const struct whole *whole, const struct smm_extra *extra,
	 uint8_t bytes[SMM_SAVE_BYTES])
{
	const struct map *map = &maps[which];

	for (size_t i = 0; i < map->register_count; i++) {
		const struct register_place *place = &map->registers[i];
		uint32_t value;

		memcpy(&value, (const uint8_t *)whole + place->member, sizeof(value));
		put(bytes, place->at, value, place->bytes);
	}
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		if (map->shown_sel[sreg])
			put(bytes, map->shown_sel[sreg], whole->seg[sreg].sel, 4);
		put_segment(map, &map->seg[sreg], &whole->seg[sreg], bytes);
	}
	put_table(map, &map->gdtr, &whole->gdtr, bytes);
	put_table(map, &map->idtr, &whole->idtr, bytes);
	put(bytes, map->revision_at, map->revision, 4);
	put(bytes, map->smbase_at, extra->smbase, 4);
	put(bytes, map->halt_at, extra->halted, 1);
}

void
smm_restore(enum descry_smm_map which, const uint8_t bytes[SMM_SAVE_BYTES], struct whole *whole,
	    struct smm_extra *extra)
{
	const struct map *map = &maps[which];

	for (size_t i = 0; i < map->register_count; i++) {
		const struct register_place *place = &map->registers[i];
		const uint32_t value = (uint32_t)get(bytes, place->at, 4);

		memcpy((uint8_t *)whole + place->member, &value, sizeof(value));
	}
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		whole->seg[sreg] = get_segment(map, &map->seg[sreg], bytes);
	whole->gdtr = get_table(map, &map->gdtr, bytes);
	whole->idtr = get_table(map, &map->idtr, bytes);
	extra->smbase = (uint32_t)get(bytes, map->smbase_at, 4);
	extra->halted = get(bytes, map->halt_at, 1) & 1;
}

uint16_t
smm_entry_sel(enum descry_smm_map which, uint32_t smbase)
{
	return maps[which].fixed_sel ? 0x3000 : (uint16_t)(smbase >> 4);
}
