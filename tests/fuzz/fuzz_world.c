#include "fuzz_world.h"

#include <string.h>

/* --- code ----------------------------------------------------------------------------- */

/* What touches caches, tables, modes and rings; the bytes behind it are random. */
/* clang-format off */
static const struct {
	uint8_t length, bytes[3];
} openings[] = {
	{ 1, { 0xea } }, { 1, { 0x9a } }, { 1, { 0xca } }, { 1, { 0xcb } }, { 1, { 0xcf } },
	{ 1, { 0xcd } }, { 1, { 0xcc } }, { 1, { 0xce } }, { 1, { 0xf1 } }, { 1, { 0x8e } },
	{ 1, { 0x8c } }, { 1, { 0x07 } }, { 1, { 0x17 } }, { 1, { 0x1f } }, { 2, { 0x0f, 0xa1 } },
	{ 2, { 0x0f, 0xa9 } }, { 1, { 0x06 } }, { 1, { 0x0e } }, { 1, { 0x16 } }, { 1, { 0x1e } },
	{ 1, { 0xc4 } }, { 1, { 0xc5 } }, { 2, { 0x0f, 0xb2 } }, { 2, { 0x0f, 0xb4 } },
	{ 2, { 0x0f, 0xb5 } }, { 2, { 0x0f, 0x00 } }, { 2, { 0x0f, 0x01 } }, { 2, { 0x0f, 0x02 } },
	{ 2, { 0x0f, 0x03 } }, { 1, { 0x63 } }, { 2, { 0x0f, 0x20 } }, { 2, { 0x0f, 0x22 } },
	{ 3, { 0x0f, 0x22, 0xc0 } }, { 3, { 0x0f, 0x22, 0xd8 } }, { 3, { 0x0f, 0x22, 0xe0 } },
	{ 2, { 0x0f, 0x21 } }, { 2, { 0x0f, 0x23 } }, { 2, { 0x0f, 0x06 } }, { 1, { 0x9c } },
	{ 1, { 0x9d } }, { 1, { 0xfa } }, { 1, { 0xfb } }, { 1, { 0xf4 } }, { 1, { 0x60 } },
	{ 1, { 0x61 } }, { 1, { 0xc8 } }, { 1, { 0xc9 } }, { 1, { 0x62 } }, { 1, { 0xe4 } },
	{ 1, { 0xe6 } }, { 1, { 0xec } }, { 1, { 0xef } }, { 1, { 0x6c } }, { 1, { 0x6f } },
	{ 1, { 0xa4 } }, { 1, { 0xa5 } }, { 1, { 0xaa } }, { 1, { 0xab } }, { 1, { 0xad } },
	{ 1, { 0xa7 } }, { 1, { 0xae } }, { 2, { 0xf3, 0xa5 } }, { 2, { 0xf3, 0xab } },
	{ 2, { 0xf3, 0xa6 } }, { 2, { 0xf2, 0xaf } }, { 2, { 0xf3, 0x6d } }, { 2, { 0xf3, 0x6f } },
	{ 1, { 0xff } }, { 1, { 0x8f } }, { 1, { 0xe8 } }, { 1, { 0xeb } }, { 1, { 0xe2 } },
	{ 2, { 0x0f, 0x05 } }, { 2, { 0x0f, 0x07 } }, { 2, { 0x0f, 0xaa } }, { 2, { 0x0f, 0x34 } },
	{ 2, { 0x0f, 0x35 } }, { 2, { 0x0f, 0x30 } }, { 2, { 0x0f, 0x32 } }, { 2, { 0x0f, 0x31 } },
	{ 2, { 0x0f, 0xa2 } }, { 2, { 0x0f, 0xc7 } }, { 2, { 0x0f, 0xb1 } }, { 2, { 0x0f, 0xc1 } },
	{ 2, { 0x0f, 0x08 } }, { 2, { 0x0f, 0xc8 } }, { 2, { 0x0f, 0x44 } }, { 2, { 0x0f, 0xba } },
	{ 2, { 0x0f, 0xa5 } }, { 1, { 0xf7 } }, { 1, { 0xd3 } }, { 1, { 0xd4 } }, { 1, { 0x27 } },
	{ 1, { 0xd7 } }, { 1, { 0x9e } }, { 1, { 0xd9 } }, { 2, { 0x66, 0xcf } }, { 2, { 0x66, 0xcb } },
	{ 2, { 0x66, 0x9d } }, { 2, { 0x67, 0x8b } }, { 2, { 0x66, 0xea } }, { 2, { 0x64, 0x89 } },
};
/* clang-format on */
#define OPENING_COUNT (sizeof(openings) / sizeof(openings[0]))

static void
fill_code(struct world *w)
{
	uint32_t at = CODE_AT;

	for (uint32_t i = CODE_AT; i < RAM_SIZE; i += 8) {
		const uint64_t bytes = random_next(&w->random);

		memcpy(&w->ram[i], &bytes, sizeof(bytes));
	}
	while (at + 16 < RAM_SIZE) {
		const unsigned row = random_below(&w->random, OPENING_COUNT);

		memcpy(&w->ram[at], openings[row].bytes, openings[row].length);
		at += openings[row].length + random_below(&w->random, 6);
	}
}

/* --- tables --------------------------------------------------------------------------- */

static uint16_t
random_selector(struct world *w)
{
	const uint32_t slot = random_below(&w->random, GDT_SLOTS);

	return (uint16_t)(slot * 8 + random_below(&w->random, 8));
}

static uint32_t
random_base(struct world *w)
{
	return random_chance(&w->random, 500) ? 0 : random_below(&w->random, RAM_SIZE) & ~15u;
}

/* Code and data that can be used, mostly; now and then anything. */
static uint64_t
segment_descriptor(struct world *w)
{
	const uint32_t base = random_base(w);
	const uint32_t limit =
		random_chance(&w->random, 600) ? 0xfffff : random_below(&w->random, 0x20000);
	uint32_t access = 0x90 | random_below(&w->random, 16);

	if (random_chance(&w->random, 500))
		access |= 0x60;
	if (random_chance(&w->random, 100))
		access = random_bits(&w->random) & 0xff;
	return (uint64_t)(base & 0xff000000) << 32 |
	       (uint64_t)(random_bits(&w->random) & 0xd) << 52 | (uint64_t)(limit & 0xf0000) << 32 |
	       (uint64_t)access << 40 | (uint64_t)(base & 0xffffff) << 16 | (limit & 0xffff);
}

static uint64_t
gate_descriptor(struct world *w, unsigned type, unsigned parameters)
{
	const uint32_t offset = CODE_AT + random_below(&w->random, RAM_SIZE - CODE_AT);
	const uint32_t access = 0x80 | type | (random_chance(&w->random, 500) ? 0x60 : 0);

	return (uint64_t)(offset & 0xffff0000) << 32 | (uint64_t)access << 40 |
	       (uint64_t)(parameters & 31) << 32 | (uint64_t)random_selector(w) << 16 |
	       (offset & 0xffff);
}

static uint64_t
tss_descriptor(struct world *w, unsigned number)
{
	const uint32_t base = TSS_AT + number * TSS_SIZE;
	const uint32_t type = random_chance(&w->random, 500) ? 9 : 1;
	const uint32_t limit =
		random_chance(&w->random, 900) ? TSS_SIZE - 1 : random_below(&w->random, TSS_SIZE);

	return (uint64_t)(0x80 | type | (random_chance(&w->random, 500) ? 0x60 : 0)) << 40 |
	       (uint64_t)base << 16 | limit;
}

/* The first slots are what the start needs: flat code and data of rings 0 and 3. */
static const uint64_t fixed_slots[] = {
	0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff,
};
#define SEL_CODE0 0x08u
#define SEL_DATA0 0x10u
#define SEL_CODE3 0x1bu
#define SEL_DATA3 0x23u
#define SEL_LDT 0x28u
#define SEL_TSS 0x30u

static uint64_t
random_descriptor(struct world *w)
{
	static const uint8_t gates[] = { 4, 12, 5 };
	const uint32_t kind = random_below(&w->random, 10);

	if (kind < 6)
		return segment_descriptor(w);
	if (kind < 8)
		return gate_descriptor(w, gates[random_below(&w->random, sizeof(gates))],
				       random_bits(&w->random));
	return tss_descriptor(w, random_below(&w->random, TSS_COUNT));
}

static void
put_descriptor(struct world *w, uint32_t table, unsigned slot, uint64_t raw)
{
	memcpy(&w->ram[table + slot * 8], &raw, sizeof(raw));
}

static void
fill_tables(struct world *w)
{
	static const uint8_t gates[] = { 6, 7, 14, 15, 14, 5 };

	for (unsigned slot = 0; slot < GDT_SLOTS; slot++)
		put_descriptor(w, GDT_AT, slot,
			       slot < sizeof(fixed_slots) / sizeof(fixed_slots[0])
				       ? fixed_slots[slot]
				       : random_descriptor(w));
	put_descriptor(w, GDT_AT, SEL_LDT / 8,
		       0x82ull << 40 | (uint64_t)LDT_AT << 16 | (LDT_SLOTS * 8 - 1));
	put_descriptor(w, GDT_AT, SEL_TSS / 8,
		       0x8bull << 40 | (uint64_t)TSS_AT << 16 | (TSS_SIZE - 1));
	for (unsigned slot = 0; slot < LDT_SLOTS; slot++)
		put_descriptor(w, LDT_AT, slot, random_descriptor(w));
	for (unsigned vector = 0; vector < 256; vector++)
		put_descriptor(
			w, IDT_AT, vector,
			gate_descriptor(w, gates[random_below(&w->random, sizeof(gates))], 0));
}

static void
fill_ivt(struct world *w)
{
	for (unsigned vector = 0; vector < 256; vector++) {
		const uint32_t linear = CODE_AT + random_below(&w->random, RAM_SIZE - CODE_AT);
		const uint32_t entry = (linear & ~15u) << 12 | (linear & 15);

		memcpy(&w->ram[IVT_AT + vector * 4], &entry, sizeof(entry));
	}
}

/* Random words, most of them selectors; what decides about stacks and code is likely. */
static void
fill_tss(struct world *w)
{
	for (uint32_t at = TSS_AT; at < TSS_AT + TSS_COUNT * TSS_SIZE; at += 4) {
		const uint32_t offset = CODE_AT + random_below(&w->random, RAM_SIZE - CODE_AT);
		const uint32_t value = random_chance(&w->random, 500) ? random_selector(w) : offset;

		memcpy(&w->ram[at], &value, sizeof(value));
	}
	for (unsigned number = 0; number < TSS_COUNT; number++) {
		uint8_t *tss = &w->ram[TSS_AT + number * TSS_SIZE];
		const uint32_t sp0 = RAM_SIZE - 0x100, ss0 = SEL_DATA0, cr3 = DIRECTORY_AT;
		const uint32_t flags = random_bits(&w->random) & 0x37fd7;

		memcpy(tss + 4, &sp0, 4);
		memcpy(tss + 8, &ss0, 4);
		memcpy(tss + 28, &cr3, 4);
		memcpy(tss + 0x24, &flags, 4);
	}
}

/* Two tables over the first 8 MiB: pages of RAM and some beyond, with random rights. */
static void
fill_pages(struct world *w)
{
	for (unsigned i = 0; i < 1024; i++) {
		const uint32_t large = random_chance(&w->random, 20) ? 0x80 : 0;
		uint32_t entry = large ? large : PAGES_AT + (i & 1) * DESCRY_PAGE_SIZE;

		entry |= 7;
		if (i > 1 && random_chance(&w->random, 100))
			entry = random_bits(&w->random) & 0x1ffff;
		if (i < 1)
			entry = PAGES_AT | 7;
		memcpy(&w->ram[DIRECTORY_AT + i * 4], &entry, sizeof(entry));
	}
	for (unsigned i = 0; i < 2048; i++) {
		const uint32_t page = random_chance(&w->random, 800)
					      ? i % (RAM_SIZE / DESCRY_PAGE_SIZE)
					      : random_below(&w->random, 40);
		uint32_t entry = page << 12 | 7;

		if (random_chance(&w->random, 200))
			entry = page << 12 | (random_bits(&w->random) & 0x1ff);
		memcpy(&w->ram[PAGES_AT + i * 4], &entry, sizeof(entry));
	}
}

/* --- state ---------------------------------------------------------------------------- */

static void
put(struct world *w, enum descry_sreg sreg, struct descry_segment seg)
{
	descry_vcpu_put_segment(w->vcpu, sreg, &seg, DESCRY_CAUSE_START);
}

static void
put_from_table(struct world *w, enum descry_sreg sreg, uint16_t sel)
{
	const struct descry_profile *profile = descry_vcpu_profile(w->vcpu);
	uint64_t raw;

	memcpy(&raw, &w->ram[GDT_AT + (sel & ~7u)], sizeof(raw));
	if (profile->knob[DESCRY_KNOB_INSN_SET] < DESCRY_INSN_386)
		raw &= UINT64_C(0x0000ffffffffffff);
	put(w, sreg, descry_segment_from_descriptor(sel, raw));
}

/* PE=0 with caches as a trip through protected mode may leave them. */
static void
put_real(struct world *w, enum descry_sreg sreg, uint16_t sel)
{
	struct descry_segment seg = { (uint64_t)sel << 4, 0xffff, sel, 0x93 };

	if (sreg != DESCRY_CS && random_chance(&w->random, 300)) {
		seg.limit = UINT32_MAX;
		seg.attr = 0x8093;
	}
	put(w, sreg, seg);
}

static uint16_t
data_paragraph(struct world *w)
{
	return (uint16_t)(random_below(&w->random, RAM_SIZE) >> 4);
}

static void
put_segments(struct world *w, enum start start)
{
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
		const enum descry_sreg s = (enum descry_sreg)sreg;
		const uint16_t paragraph = s == DESCRY_CS ? CODE_AT >> 4 : data_paragraph(w);

		if (start == START_REAL)
			put_real(w, s, paragraph);
		else if (start == START_V86)
			put(w, s,
			    (struct descry_segment){ (uint64_t)paragraph << 4, 0xffff, paragraph,
						     DESCRY_ATTR_V86 });
		else if (s == DESCRY_CS)
			put_from_table(w, s, start == START_RING3 ? SEL_CODE3 : SEL_CODE0);
		else
			put_from_table(w, s, start == START_RING3 ? SEL_DATA3 : SEL_DATA0);
	}
	put_from_table(w, DESCRY_LDTR, SEL_LDT);
	put_from_table(w, DESCRY_TR, SEL_TSS);
}

/* What most programs never set: TF, a virtual interrupt flag, alignment checks. */
static void
put_flags(struct world *w, struct descry_state *state, const uint32_t *knob)
{
	uint32_t flags = 0x7ed5;

	if (random_chance(&w->random, 900))
		flags &= ~DESCRY_FLAG_TF;
	if (random_chance(&w->random, 200))
		flags |= DESCRY_FLAG_VIF | DESCRY_FLAG_VIP;
	state->rflags = random_bits(&w->random) & knob[DESCRY_KNOB_EFLAGS_BITS] & flags;
	if (random_chance(&w->random, 100)) {
		state->rflags |= knob[DESCRY_KNOB_EFLAGS_BITS] & DESCRY_FLAG_AC;
		state->cr0 |= knob[DESCRY_KNOB_CR0_BITS] & DESCRY_CR0_AM;
	}
}

static void
put_registers(struct world *w, struct descry_state *state, const struct descry_profile *profile)
{
	for (unsigned i = 0; i < 8; i++) {
		state->gpr[i] = random_chance(&w->random, 300) ? random_bits(&w->random)
							       : random_below(&w->random, RAM_SIZE);
		if (random_chance(&w->random, 200))
			state->gpr[i] = random_selector(w);
	}
	state->gpr[DESCRY_SP] = random_below(&w->random, RAM_SIZE);
	put_flags(w, state, profile->knob);
	if (profile->knob[DESCRY_KNOB_CR4_BITS])
		state->cr4 = random_bits(&w->random) & profile->knob[DESCRY_KNOB_CR4_BITS] & ~0x20u;
	state->gdtr = (struct descry_table){ .base = GDT_AT, .limit = GDT_SLOTS * 8 - 1 };
	for (unsigned i = 0; i < 4; i++)
		state->dr[i] = random_below(&w->random, RAM_SIZE);
	if (profile->knob[DESCRY_KNOB_INSN_SET] >= DESCRY_INSN_386 &&
	    random_chance(&w->random, 100))
		state->dr[7] = (random_bits(&w->random) & 0xffff00ff) | 0x400;
	state->smbase = 0xc000;
}

void
world_fill(struct world *w, const struct descry_profile *profile, enum start start, bool paged)
{
	struct descry_state *state;

	memset(w->ram, 0, CODE_AT);
	fill_code(w);
	fill_ivt(w);
	fill_tables(w);
	fill_tss(w);
	if (paged)
		fill_pages(w);
	descry_vcpu_reset(w->vcpu);
	put_segments(w, start);
	state = descry_vcpu_state_mutable(w->vcpu);
	put_registers(w, state, profile);
	state->idtr = (struct descry_table){ .base = start == START_REAL ? IVT_AT : IDT_AT,
					     .limit = start == START_REAL ? 0x3ff : 0x7ff };
	state->rip = start == START_REAL || start == START_V86
			     ? random_below(&w->random, 0x8000)
			     : CODE_AT + random_below(&w->random, RAM_SIZE - CODE_AT);
	if (start != START_REAL)
		state->cr0 |= DESCRY_CR0_PE;
	if (start == START_V86)
		state->rflags |= DESCRY_FLAG_VM;
	if (paged) {
		state->cr0 |= DESCRY_CR0_PG;
		state->cr3 = DIRECTORY_AT;
	}
	state->retired = 0;
	descry_vcpu_state_changed(w->vcpu);
	descry_vcpu_memory_changed(w->vcpu);
}
