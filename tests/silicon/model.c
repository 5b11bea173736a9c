#include "model.h"

#include "arena.h"

#include <descry/vcpu.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * The system's part of memory, which no snippet can reach. The entries 1 to 15 of the
 * global table, which on the host belong to its system, have a page of their own: the CPU
 * asks the bus for that page when a selector names one of them.
 */
enum {
	SYSTEM_BASE = 0x00100000,
	SYSTEM_SIZE = 0x5000,
	GDT = SYSTEM_BASE + 0x1000 - 16 * 8,
	OWN_GDT = SYSTEM_BASE + 0x1000, /* the entries from 16 on */
	LDT = SYSTEM_BASE + 0x1100,
	TSS = SYSTEM_BASE + 0x1200,
	TSS_SIZE = 0x68,
	IDT = SYSTEM_BASE + 0x1800,
	KERNEL_STACK = SYSTEM_BASE + 0x3000,
	HANDLER = SYSTEM_BASE + 0x3000, /* of vector n: at byte n; never executed */
};

enum { KERNEL_CS = 16 * 8, KERNEL_SS = 17 * 8, GDT_ENTRIES = 18, VECTORS = 256 };

enum { BUDGET = 4000 };

struct model {
	struct descry_profile profile;
	struct descry_vcpu *vcpu;
	struct arena arena;
	uint8_t arena_memory[ARENA_SIZE];
	uint8_t system[SYSTEM_SIZE];
	struct slot_descriptor slot[SLOT_COUNT];

	/* What the bus was asked for since the case began. */
	bool outside; /* or to write to code: what it would then say was never meant to run */
	bool system_table;

	/* Handlers of all vectors, then the bytes of the snippet that start no instruction. */
	uint64_t breakpoints[VECTORS + SNIPPET_MAX];
	size_t breakpoint_count;
	const char *text;
};

/* --- the bus -------------------------------------------------------------------------- */

static struct descry_page
bus_page(void *owner, uint64_t physical, bool for_write)
{
	struct model *model = owner;
	const uint64_t page = physical & ~(uint64_t)(DESCRY_PAGE_SIZE - 1);

	if (page >= ARENA_BASE && page < ARENA_END) {
		model->outside |= for_write && page < ARENA_DATA;
		return (struct descry_page){ model->arena_memory + (page - ARENA_BASE), true };
	}
	if (page >= SYSTEM_BASE && page < SYSTEM_BASE + SYSTEM_SIZE) {
		model->system_table |= page == SYSTEM_BASE;
		return (struct descry_page){ model->system + (page - SYSTEM_BASE), true };
	}
	model->outside = true;
	return (struct descry_page){ NULL, false };
}

static uint32_t
bus_port_in(void *owner, uint16_t port, unsigned size)
{
	(void)owner;
	(void)port;
	(void)size;
	return 0xffffffffu;
}

static void
bus_port_out(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	(void)owner;
	(void)port;
	(void)size;
	(void)value;
}

/* --- the system's tables -------------------------------------------------------------- */

static void
put(struct model *model, uint32_t at, uint64_t value, unsigned size)
{
	assert(at >= SYSTEM_BASE && at + size <= SYSTEM_BASE + SYSTEM_SIZE);
	memcpy(model->system + (at - SYSTEM_BASE), &value, size);
}

static uint32_t
get32(const struct model *model, uint32_t at)
{
	uint32_t value;

	assert(at >= SYSTEM_BASE && at + 4 <= SYSTEM_BASE + SYSTEM_SIZE);
	memcpy(&value, model->system + (at - SYSTEM_BASE), sizeof(value));
	return value;
}

/*
 * 32-bit interrupt gates into ring 0. INT 3 and INT 4 are for everybody, the others for
 * nobody at CPL 3, as on the host.
 */
static void
build_idt(struct model *model)
{
	for (unsigned vector = 0; vector < VECTORS; vector++) {
		const uint64_t dpl = vector == DESCRY_VEC_BP || vector == DESCRY_VEC_OF ? 3 : 0;
		const uint64_t handler = HANDLER + vector;

		put(model, IDT + vector * 8,
		    (handler & 0xffffu) | (uint64_t)KERNEL_CS << 16 |
			    (UINT64_C(0x8e00) | dpl << 13) << 32 | (handler >> 16) << 48,
		    8);
		model->breakpoints[vector] = handler;
	}
}

static void
build_system(struct model *model)
{
	/* A DPL 0 entry looks to CPL 3 like any other that it may not use. */
	for (unsigned entry = 1; entry < 16; entry++)
		put(model, GDT + entry * 8, UINT64_C(0x00cf93000000ffff), 8);
	put(model, OWN_GDT, UINT64_C(0x00cf9b000000ffff), 8);
	put(model, OWN_GDT + 8, UINT64_C(0x00cf93000000ffff), 8);
	put(model, TSS + 4, KERNEL_STACK, 4);
	put(model, TSS + 8, KERNEL_SS, 2);
	/* The I/O permission map lies beyond the limit: no port is allowed. */
	put(model, TSS + 0x66, TSS_SIZE, 2);
	build_idt(model);
}

static void
put_system_segments(struct model *model)
{
	const struct descry_segment ldtr = { .base = LDT,
					     .limit = SLOT_COUNT * 8 - 1,
					     .attr = 0x82 };
	const struct descry_segment tr = { .base = TSS, .limit = TSS_SIZE - 1, .attr = 0x8b };

	descry_vcpu_put_segment(model->vcpu, DESCRY_LDTR, &ldtr, DESCRY_CAUSE_DEBUGGER);
	descry_vcpu_put_segment(model->vcpu, DESCRY_TR, &tr, DESCRY_CAUSE_DEBUGGER);
}

struct model *
model_create(bool wrap_faults)
{
	struct model *model = calloc(1, sizeof(*model));
	struct descry_bus bus = { model, bus_page, bus_port_in, bus_port_out };

	if (!model)
		return NULL;
	model->arena.live = model->arena_memory;
	model->profile = *descry_profile_find("p6");
	model->profile.knob[DESCRY_KNOB_LIMIT_WRAP4G] = wrap_faults;
	build_system(model);
	if (descry_vcpu_create(&model->profile, &bus, &model->vcpu) != DESCRY_OK) {
		free(model);
		return NULL;
	}
	return model;
}

void
model_destroy(struct model *model)
{
	if (!model)
		return;
	descry_vcpu_destroy(model->vcpu);
	free(model);
}

void
model_begin(struct model *model, const struct batch *batch)
{
	arena_fill(&model->arena, batch->fill);
	memcpy(model->slot, batch->slot, sizeof(model->slot));
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		put(model, LDT + i * 8, slot_raw(&batch->slot[i]), 8);
}

/* --- one case ------------------------------------------------------------------------- */

static void
load_segment(struct model *model, enum descry_sreg sreg, const struct snippet *snippet)
{
	const uint16_t sel = snippet->test.in.sreg[sreg];
	struct descry_segment seg = { .sel = sel, .attr = DESCRY_ATTR_UNUSABLE };

	if (snippet->slot[sreg] != SLOT_NONE)
		seg = descry_segment_from_descriptor(sel, slot_raw(&model->slot[sel >> 3]));
	descry_vcpu_put_segment(model->vcpu, sreg, &seg, DESCRY_CAUSE_DEBUGGER);
}

static void
load_state(struct model *model, const struct snippet *snippet)
{
	const struct registers *in = &snippet->test.in;
	struct descry_state *state;

	descry_vcpu_reset(model->vcpu);
	put_system_segments(model);
	state = descry_vcpu_state_mutable(model->vcpu);
	state->cr0 = DESCRY_CR0_PE | DESCRY_CR0_ET | DESCRY_CR0_AM;
	state->gdtr = (struct descry_table){ .base = GDT, .limit = GDT_ENTRIES * 8 - 1 };
	state->idtr = (struct descry_table){ .base = IDT, .limit = VECTORS * 8 - 1 };
	for (unsigned i = 0; i < 8; i++)
		state->gpr[i] = in->gpr[i];
	state->rip = in->eip;
	state->rflags = in->eflags;
	for (unsigned i = 0; i < DESCRY_DATA_SREG_COUNT; i++)
		load_segment(model, (enum descry_sreg)i, snippet);
	descry_vcpu_state_changed(model->vcpu);
	descry_vcpu_memory_changed(model->vcpu);
}

/* Nowhere inside an instruction: what its middle says was never meant to run. */
static void
guard_middles(struct model *model, const struct snippet *snippet)
{
	uint64_t starts = 0;

	for (unsigned i = 0; i <= snippet->insn_count; i++)
		if (snippet->start[i] < SNIPPET_MAX)
			starts |= UINT64_C(1) << snippet->start[i];
	model->breakpoint_count = VECTORS;
	for (unsigned at = 0; at < snippet->test.code_size; at++)
		if (!(starts >> at & 1u))
			model->breakpoints[model->breakpoint_count++] =
				(uint64_t)ARENA_BASE + snippet->test.code_at + at;
}

static bool
has_error_code(uint32_t vector)
{
	return vector == DESCRY_VEC_DF || vector == DESCRY_VEC_AC ||
	       (vector >= DESCRY_VEC_TS && vector <= DESCRY_VEC_PF);
}

/* From the frame on the ring 0 stack, which is what a system would see. */
static void
read_frame(const struct model *model, uint32_t vector, struct test_result *result)
{
	const struct descry_state *state = descry_vcpu_state(model->vcpu);
	uint32_t frame = (uint32_t)state->gpr[SP];

	for (unsigned i = 0; i < 8; i++)
		result->out.gpr[i] = (uint32_t)state->gpr[i];
	for (unsigned i = 0; i < 6; i++)
		result->out.sreg[i] = state->seg[i].sel;
	result->trap = vector;
	result->error = 0;
	if (has_error_code(vector)) {
		result->error = get32(model, frame);
		frame += 4;
	}
	result->out.eip = get32(model, frame);
	result->out.sreg[CS] = (uint16_t)get32(model, frame + 4);
	result->out.eflags = get32(model, frame + 8);
	result->out.gpr[SP] = get32(model, frame + 12);
	result->out.sreg[SS] = (uint16_t)get32(model, frame + 16);
}

static enum model_outcome
outcome_of(struct model *model, const struct descry_exit *exit, struct snippet *snippet,
	   struct test_result *result)
{
	const uint64_t ip = descry_vcpu_linear_ip(model->vcpu);

	model->text = exit->text;
	if (model->outside)
		return MODEL_OUTSIDE;
	if (model->system_table)
		return MODEL_SYSTEM_TABLE;
	if (exit->reason == DESCRY_EXIT_BUDGET)
		return MODEL_ENDLESS;
	if (exit->reason == DESCRY_EXIT_NOT_MODELLED)
		return MODEL_NOT_MODELLED;
	if (exit->reason != DESCRY_EXIT_BREAKPOINT) {
		model->text = exit->reason == DESCRY_EXIT_SHUTDOWN ? "triple fault"
								   : "an exit nobody asked for";
		return MODEL_BROKEN;
	}
	if (ip < HANDLER || ip >= HANDLER + VECTORS)
		return MODEL_ASTRAY;
	read_frame(model, (uint32_t)(ip - HANDLER), result);
	snippet_leave_out(snippet, result);
	arena_collect(&model->arena, &snippet->test, result);
	return MODEL_ENDED;
}

enum model_outcome
model_run(struct model *model, struct snippet *snippet, struct test_result *result)
{
	struct descry_control control = { .budget = BUDGET };
	struct descry_exit exit;

	arena_prepare(&model->arena, &snippet->test);
	load_state(model, snippet);
	guard_middles(model, snippet);
	model->outside = false;
	model->system_table = false;
	control.breakpoints = model->breakpoints;
	control.breakpoint_count = model->breakpoint_count;
	descry_vcpu_run(model->vcpu, &control, &exit);
	return outcome_of(model, &exit, snippet, result);
}

const char *
model_text(const struct model *model)
{
	return model->text ? model->text : "";
}
