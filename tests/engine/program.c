#include "program.h"

#include "system.h"
#include "writer.h"

#include <string.h>

/* --- clusters ------------------------------------------------------------------------- */

/* Within the last bytes before a page edge. */
static uint32_t
at_page_edge(uint32_t edge, struct random *r)
{
	return edge - 4 - random_below(r, 0x70);
}

/* 0 and 1 in 16 bits, 2 and 3 in 32, each pair in one segment; ROM up to FFFFh; above 1 MiB. */
static void
place_clusters(struct program *program, struct random *r)
{
	const struct cluster clusters[CLUSTER_COUNT] = {
		{ .sel = SEL_CODE16, .base = 0x3000, .at = 0x20 + random_below(r, 0x200) },
		{ .sel = SEL_CODE16, .base = 0x3000, .at = at_page_edge(0x1000, r) },
		{ .sel = SEL_CODE32, .base = 0x5000, .at = 0x20 + random_below(r, 0x200) },
		{ .sel = SEL_CODE32, .base = 0x5000, .at = at_page_edge(0x1000, r) },
		{ .sel = 0, .base = 0, .at = at_page_edge(0x10000, r), .tables = 0x3000 },
		{ .sel = 0xffff, .base = 0xffff0, .at = 0x3010 + TABLES_SIZE, .tables = 0x3010 },
	};

	memcpy(program->cluster, clusters, sizeof(clusters));
	program->cluster[2].code32 = program->cluster[3].code32 = true;
}

/* In protected mode in 16 or 32 bits, at times in ring 3; in real mode in 16. */
static void
choose_entry(struct program *program, struct random *r)
{
	unsigned entry = random_below(r, 2);

	program->protected_mode = random_chance(r, 500);
	program->ring3 = program->protected_mode && random_chance(r, 150);
	if (program->protected_mode)
		entry = random_below(r, 4);
	else if (random_chance(r, 200))
		entry += 4;
	program->entry = &program->cluster[entry];
}

static void
write_cluster(struct writer *w, struct cluster *cluster)
{
	unsigned count = 8 + random_below(w->random, 32);

	cluster->first = w->program->start_count;
	w->cluster = cluster;
	w->at = cluster->at;
	while (count--)
		item_write(w);
	item_leave(w);
}

static void
choose_edges(struct program *program, struct random *r)
{
	for (unsigned i = 0; i < EDGE_COUNT; i++) {
		const struct cluster *cluster = &program->cluster[random_below(r, 2)];

		program->edge_in[i] = cluster;
		program->edge[i] = cluster->first + random_below(r, cluster->count);
	}
}

uint32_t
program_before_edge(const struct program *program, unsigned edge, struct random *r)
{
	const unsigned first = program->edge_in[edge]->first, back = random_below(r, 4);
	const unsigned index = program->edge[edge];

	return program->start[index - first > back ? index - back : first];
}

/*
 * With the A20 gate shut the code above 1 MiB is the code in the first cluster: at times it is
 * nearly the same, so that execution goes on there when the gate moves.
 */
static void
copy_to_high(struct program *program, struct random *r)
{
	const struct cluster *from = &program->cluster[0];
	struct cluster *to = &program->cluster[5];
	const uint32_t shift = to->at - TABLES_SIZE;

	if (random_chance(r, 500))
		return;
	memcpy(program->memory.high, program->memory.low + 0x3000, HIGH_SIZE);
	to->count = to->count < from->count ? to->count : from->count;
	for (unsigned i = 0; i < to->count; i++) {
		const uint32_t start = program->start[from->first + i];

		program->start[to->first + i] = start + shift;
		if (random_chance(r, 300))
			program->memory.high[start] = (uint8_t)(0x40 + random_below(r, 16));
	}
}

/* --- memory around them --------------------------------------------------------------- */

/* Where there is no code yet: breakpoints, whose handler leads back, and small instructions. */
static void
fill_code(uint8_t *at, size_t size, struct random *r)
{
	static const uint8_t small[] = { 0x90, 0x40, 0x4b, 0x42, 0xf8, 0x98, 0x9c, 0x06 };

	memset(at, 0xcc, size);
	for (size_t i = 0; i < size / 4; i++)
		at[random_below(r, (uint32_t)size)] = small[random_below(r, sizeof(small))];
}

/* Words that make good offsets, selectors and flags: never with TF or NT. */
static void
fill_data(uint8_t *at, size_t size, struct random *r)
{
	for (size_t i = 0; i < size; i += 2) {
		uint32_t word = random_below(r, 0x1e00);

		if (random_chance(r, 300))
			word = random_below(r, GDT_SIZE / 8) * 8;
		if (random_chance(r, 300))
			word = random_bits(r);
		word &= 0xbeffu;
		at[i] = (uint8_t)word;
		at[i + 1] = (uint8_t)(word >> 8);
	}
}

static void
fill_memory(struct memory *memory, struct random *r)
{
	memset(memory, 0, sizeof(*memory));
	fill_code(memory->low + HANDLER_BASE, 0x5000, r);
	fill_data(memory->low + 0x7000, 0x3000, r);
	fill_code(memory->low + ROM_BASE, 0x1000, r);
	fill_code(memory->high, HIGH_SIZE, r);
}

static void
choose_registers(struct program *program, struct random *r)
{
	for (unsigned i = 0; i < 8; i++)
		program->gpr[i] = operand_offset(r);
	program->gpr[DESCRY_SP] = STACK_TOP - random_below(r, 0x40) * 2;
	program->flags = (random_bits(r) & 0xed5u) | 2u;
}

void
program_build(struct program *program, uint64_t seed, uint64_t number)
{
	struct random r = { .state = seed * UINT64_C(0x2545f4914f6cdd1d) + number };
	struct writer writer = { .program = program, .random = &r };

	*program = (struct program){ .accesses_max = 2 + random_below(&r, 16) };
	fill_memory(&program->memory, &r);
	choose_registers(program, &r);
	place_clusters(program, &r);
	choose_entry(program, &r);
	for (unsigned i = 0; i < CLUSTER_COUNT; i++)
		write_cluster(&writer, &program->cluster[i]);
	choose_edges(program, &r);
	writer_resolve(&writer);
	copy_to_high(program, &r);
	system_build(program, &r);
}

/* --- loading -------------------------------------------------------------------------- */

/* In real mode the attributes stay what reset leaves, in protected mode they are the table's. */
static void
put_segments(const struct program *program, struct descry_vcpu *vcpu)
{
	const unsigned rpl = program->ring3 ? 3 : 0;
	const uint16_t type = program->protected_mode ? 0x9b : DESCRY_ATTR_REAL_DATA;
	const uint16_t dpl = (uint16_t)(rpl << DESCRY_ATTR_DPL_SHIFT);
	const struct descry_segment data = { .base = 0x7000,
					     .limit = 0xffff,
					     .sel = rpl ? SEL_USER_DATA : SEL_DATA,
					     .attr = DESCRY_ATTR_REAL_DATA | dpl };
	struct descry_segment code = { .base = program->entry->base,
				       .limit = 0xffff,
				       .sel = program->entry->sel,
				       .attr = type | dpl };

	if (program->protected_mode && program->entry->code32)
		code.attr |= DESCRY_ATTR_DB;
	if (rpl)
		code.sel = program->entry->code32 ? SEL_USER_CODE32 : SEL_USER_CODE16;
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		descry_vcpu_put_segment(vcpu, (enum descry_sreg)sreg,
					sreg == DESCRY_CS ? &code : &data, DESCRY_CAUSE_START);
}

static void
put_system_segments(struct descry_vcpu *vcpu)
{
	const struct descry_segment task = { .base = TSS_BASE,
					     .limit = TSS_SIZE - 1,
					     .sel = SEL_TSS,
					     .attr = DESCRY_ATTR_P | DESCRY_TYPE_TSS32_BUSY };
	const struct descry_segment local = { .base = LDT_BASE,
					      .limit = LDT_SIZE - 1,
					      .sel = SEL_LDT,
					      .attr = DESCRY_ATTR_P | DESCRY_TYPE_LDT };

	descry_vcpu_put_segment(vcpu, DESCRY_LDTR, &local, DESCRY_CAUSE_START);
	descry_vcpu_put_segment(vcpu, DESCRY_TR, &task, DESCRY_CAUSE_START);
}

/* EM: x87 instructions fault, where the model would end the run. */
static void
put_registers(const struct program *program, struct descry_state *state)
{
	for (unsigned i = 0; i < 8; i++)
		state->gpr[i] = program->gpr[i];
	state->rip = program->entry->at;
	state->rflags = program->flags;
	state->cr0 |= DESCRY_CR0_EM;
	state->gdtr = (struct descry_table){ .base = GDT_BASE, .limit = GDT_SIZE - 1 };
	state->idtr = (struct descry_table){ .base = 0, .limit = 0x3ff };
	if (!program->protected_mode)
		return;
	state->cr0 |= DESCRY_CR0_PE;
	state->idtr = (struct descry_table){ .base = IDT_BASE, .limit = IDT_VECTORS * 8 - 1 };
}

void
program_load(const struct program *program, struct machine *machine)
{
	machine->memory = program->memory;
	descry_vcpu_memory_changed(machine->vcpu);
	put_segments(program, machine->vcpu);
	put_system_segments(machine->vcpu);
	put_registers(program, descry_vcpu_state_mutable(machine->vcpu));
	descry_vcpu_state_changed(machine->vcpu);
}

uint32_t
program_address(const struct program *program, struct random *r)
{
	const struct cluster *cluster = &program->cluster[random_below(r, CLUSTER_COUNT)];
	const uint32_t start = program->start[cluster->first + random_below(r, cluster->count)];

	return cluster->base + start + (random_chance(r, 100) ? random_below(r, 6) : 0);
}
