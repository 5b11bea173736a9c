/*
 * The public face of the CPU while it is stopped: life, state, memory as a debugger sees
 * it, and the verdict on one access.
 */
#include "eflags.h"
#include "mem.h"
#include "provenance.h"
#include "seg_load.h"
#include "tlb.h"

#include "decode.h"

#include <stdlib.h>

/* --- life ----------------------------------------------------------------------------- */

enum descry_status
descry_vcpu_create(const struct descry_profile *profile, const struct descry_bus *bus,
		   struct descry_vcpu **out)
{
	struct descry_vcpu *vcpu = calloc(1, sizeof(*vcpu));
	struct cpu *c;

	if (!vcpu)
		return DESCRY_NO_MEMORY;
	c = &vcpu->cpu;
	c->bus = *bus;
	c->profile = *profile;
	c->exit = &c->no_exit;
	c->kept_count = PAGE_FAST_COUNT + 1; /* no page slot holds what an empty one does */
	c->blocks = blocks_create();
	c->decoder = decoder_create(profile);
	if (!c->blocks || !c->decoder) {
		descry_vcpu_destroy(vcpu);
		return DESCRY_NO_MEMORY;
	}
	descry_vcpu_reset(vcpu);
	*out = vcpu;
	return DESCRY_OK;
}

void
descry_vcpu_destroy(struct descry_vcpu *vcpu)
{
	if (!vcpu)
		return;
	blocks_destroy(vcpu->cpu.blocks);
	decoder_destroy(vcpu->cpu.decoder);
	free(vcpu);
}

const struct descry_profile *
descry_vcpu_profile(const struct descry_vcpu *vcpu)
{
	return &vcpu->cpu.profile;
}

/* --- state ---------------------------------------------------------------------------- */

const struct descry_state *
descry_vcpu_state(const struct descry_vcpu *vcpu)
{
	return &vcpu->cpu.state;
}

struct descry_state *
descry_vcpu_state_mutable(struct descry_vcpu *vcpu)
{
	return &vcpu->cpu.state;
}

void
descry_vcpu_state_changed(struct descry_vcpu *vcpu)
{
	struct cpu *c = &vcpu->cpu;

	cpu_derive_eflags(c);
	eflags_write(c, (uint32_t)c->state.rflags);
	c->state.rflags = eflags_read(c);
	c->state.zero = 0;
	/* The TLB may be another one now. */
	cpu_forget_pages(c);
	blocks_forget_jumps(c);
	cpu_derive(c);
}

const struct descry_segment_provenance *
descry_vcpu_provenance(const struct descry_vcpu *vcpu, enum descry_sreg sreg)
{
	return &vcpu->cpu.provenance[sreg];
}

static uint8_t
changed_fields(const struct descry_segment *from, const struct descry_segment *to)
{
	return (uint8_t)((from->base != to->base ? SEG_FIELD_BASE : 0) |
			 (from->limit != to->limit ? SEG_FIELD_LIMIT : 0) |
			 (from->attr != to->attr ? SEG_FIELD_ATTR : 0));
}

void
descry_vcpu_put_segment(struct descry_vcpu *vcpu, enum descry_sreg sreg,
			const struct descry_segment *seg, enum descry_cause cause)
{
	struct cpu *c = &vcpu->cpu;
	const bool is_record = cause == DESCRY_CAUSE_VM_ENTRY || cause == DESCRY_CAUSE_VM_EXIT;
	const struct seg_loading from = {
		.seg = *seg,
		.origin = is_record ? DESCRY_ORIGIN_RECORD : DESCRY_ORIGIN_FIXED,
		.fields = is_record || cause == DESCRY_CAUSE_START
				  ? SEG_FIELDS_ALL
				  : changed_fields(&c->state.seg[sreg], seg),
	};

	cpu_here_stopped(c);
	cpu_note_load(c, sreg, &from, cause);
	cpu_settle_provenance(c);
	c->state.seg[sreg] = *seg;
	cpu_derive_segment(c, sreg);
}

void
descry_vcpu_save(const struct descry_vcpu *vcpu, struct descry_vcpu_image *image)
{
	image->state = vcpu->cpu.state;
	memcpy(image->provenance, vcpu->cpu.provenance, sizeof(image->provenance));
}

void
descry_vcpu_restore(struct descry_vcpu *vcpu, const struct descry_vcpu_image *image)
{
	vcpu->cpu.state = image->state;
	memcpy(vcpu->cpu.provenance, image->provenance, sizeof(image->provenance));
	descry_vcpu_state_changed(vcpu);
}

void
descry_vcpu_memory_changed(struct descry_vcpu *vcpu)
{
	cpu_forget_pages(&vcpu->cpu);
	blocks_flush(&vcpu->cpu);
}

void
descry_vcpu_mask_a20(struct descry_vcpu *vcpu, bool masked)
{
	vcpu->cpu.state.a20_masked = masked;
	cpu_derive(&vcpu->cpu);
}

enum descry_mode
descry_vcpu_mode(const struct descry_vcpu *vcpu)
{
	return cpu_mode(&vcpu->cpu);
}

uint64_t
descry_vcpu_linear_ip(const struct descry_vcpu *vcpu)
{
	const struct descry_state *state = &vcpu->cpu.state;

	return (uint32_t)(state->seg[DESCRY_CS].base + state->rip);
}

/* --- memory --------------------------------------------------------------------------- */

size_t
descry_vcpu_peek(const struct descry_vcpu *vcpu, uint64_t linear, void *out, size_t size)
{
	return mem_peek(&vcpu->cpu, (uint32_t)linear, out, size);
}

size_t
descry_vcpu_poke(struct descry_vcpu *vcpu, uint64_t linear, const void *data, size_t size)
{
	return mem_poke(&vcpu->cpu, (uint32_t)linear, data, size);
}

/* The page of the first byte, and that of the last one. */
static void
check_pages(const struct cpu *c, unsigned size, enum descry_access access,
	    struct descry_access_verdict *verdict)
{
	const uint32_t last = verdict->linear + size - 1;

	verdict->why = tlb_refuses(c, verdict->linear, access, &verdict->fault.error_code);
	if (!verdict->why && last >> 12 != verdict->linear >> 12)
		verdict->why = tlb_refuses(c, last, access, &verdict->fault.error_code);
	if (verdict->why)
		verdict->fault.vector = DESCRY_VEC_PF;
}

struct descry_access_verdict
descry_vcpu_check_access(const struct descry_vcpu *vcpu, enum descry_sreg sreg, uint32_t offset,
			 unsigned size, enum descry_access access)
{
	const struct cpu *c = &vcpu->cpu;
	const struct descry_segment *seg = &c->state.seg[sreg];
	const struct seg_verdict by_segment =
		seg_check_access(seg, offset, size, access, seg_route(sreg), &c->rules);
	struct descry_access_verdict verdict = {
		.fault = { .vector = by_segment.vector, .error_code = by_segment.error_code },
		.linear = (uint32_t)seg->base + offset,
	};

	if (by_segment.rule != SEG_OK)
		verdict.why = seg_rule_text(by_segment.rule);
	else
		check_pages(c, size, access, &verdict);
	return verdict;
}
