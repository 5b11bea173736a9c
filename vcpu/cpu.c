/*
 * What is derived from the state, and the ring of events.
 */
#include "wrap.h"

#include "debug.h"

/* --- derived -------------------------------------------------------------------------- */

static bool
is_watched(const struct cpu *c, enum descry_sreg sreg)
{
	return c->control && c->control->watch_access >> sreg & 1;
}

/* One comparison can stand for the rules only where they allow all of 0 .. limit. */
static uint64_t
fast_end(const struct cpu *c, enum descry_sreg sreg, enum descry_access access)
{
	const struct descry_segment *seg = &c->state.seg[sreg];

	if (c->rules.no_limits && !is_watched(c, sreg))
		return WRAP_MASK + 1;
	if (is_watched(c, sreg) || c->rules.alignment || descry_segment_is_expand_down(seg))
		return 0;
	if (seg_check_access(seg, 0, 1, access, seg_route(sreg), &c->rules).rule != SEG_OK)
		return 0;
	return (uint64_t)seg->limit + 1;
}

static void
derive_fast(struct cpu *c, enum descry_sreg sreg)
{
	c->fast[sreg] = (struct seg_fast){ .read_end = fast_end(c, sreg, DESCRY_READ),
					   .write_end = fast_end(c, sreg, DESCRY_WRITE),
					   .base = (uint32_t)c->state.seg[sreg].base };
}

void
cpu_derive_segment(struct cpu *c, enum descry_sreg sreg)
{
	const struct descry_segment *seg = &c->state.seg[sreg];

	if (sreg >= DESCRY_DATA_SREG_COUNT)
		return;
	derive_fast(c, sreg);
	if (sreg == DESCRY_SS) {
		c->sp_mask = seg->attr & DESCRY_ATTR_DB ? 0xffffffff : 0xffff;
		cpu_derive_privilege(c);
	}
	if (sreg == DESCRY_CS) {
		c->cs_base = (uint32_t)seg->base;
		c->stamp = blocks_context(c);
	}
}

/* An 8086 has no A20 to mask. */
static uint32_t
address_mask(const struct cpu *c)
{
	const uint32_t lines = c->profile.knob[DESCRY_KNOB_ADDRESS_LINES];
	const uint32_t pins = lines < 32 ? (1u << lines) - 1 : ~0u;

	return c->state.a20_masked ? pins & ~(1u << 20) : pins;
}

static void
derive_a20(struct cpu *c)
{
	const uint32_t a20_mask = address_mask(c);

	if (a20_mask != c->a20_mask)
		cpu_forget_pages(c);
	c->a20_mask = a20_mask;
}

/* Bits 15:12 are what tells an 8086 and a 286 from a 386. */
void
cpu_derive_eflags(struct cpu *c)
{
	const uint32_t top = 0xf000, bits = c->profile.knob[DESCRY_KNOB_EFLAGS_BITS];

	c->eflags_bits = bits;
	c->eflags_ones = DESCRY_FLAG_ONE;
	switch ((enum descry_flags_top)c->profile.knob[DESCRY_KNOB_FLAGS_TOP]) {
	case DESCRY_FLAGS_TOP_BITS:
		return;
	case DESCRY_FLAGS_TOP_ZEROS:
		c->eflags_bits = in_protected_mode(c) ? bits : bits & ~top;
		return;
	case DESCRY_FLAGS_TOP_ONES:
		c->eflags_ones = DESCRY_FLAG_ONE | top;
		return;
	}
}

/* SDM vol. 3, Interrupt 17 - Alignment Check Exception. */
static bool
checks_alignment(const struct cpu *c)
{
	return c->state.rflags & DESCRY_FLAG_AC && c->state.cr0 & DESCRY_CR0_AM &&
	       descry_cpl(&c->state) == 3;
}

/* While alignment counts, every access takes the long way, and so it costs nobody else a thing. */
void
cpu_derive_alignment(struct cpu *c)
{
	const bool alignment = checks_alignment(c);

	if (alignment == c->rules.alignment)
		return;
	c->rules.alignment = alignment;
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		derive_fast(c, (enum descry_sreg)sreg);
}

/* What counts in ring 3 alone: alignment, and a virtual interrupt before the next instruction. */
static void
look_at_ring_3(struct cpu *c)
{
	cpu_derive_alignment(c);
	cpu_come_back(c);
}

/* Host pointers are kept for what the current privilege may do; so is code for fetches. */
void
cpu_derive_privilege(struct cpu *c)
{
	const bool user = c->paging && descry_cpl(&c->state) == 3;

	if (DESCRY_UNLIKELY(c->state.rflags & (DESCRY_FLAG_AC | DESCRY_FLAG_VIP)))
		look_at_ring_3(c);
	if (user == c->user)
		return;
	c->user = user;
	cpu_forget_pages(c);
	c->stamp = blocks_context(c);
}

static void
derive_paging(struct cpu *c)
{
	const uint32_t needed = DESCRY_CR0_PE | DESCRY_CR0_PG;
	const bool paging = (c->state.cr0 & needed) == needed;

	if (paging != c->paging)
		cpu_forget_pages(c);
	c->paging = paging;
	cpu_derive_privilege(c);
}

/* Privilege matters to pages, to alignment and to virtual interrupts alone. */
static void
derive_access_attr(struct cpu *c)
{
	const bool privilege =
		c->paging || c->state.cr0 & DESCRY_CR0_AM || c->state.cr4 & DESCRY_CR4_PVI;

	c->access_attr =
		(uint16_t) ~(DESCRY_ATTR_AVL | DESCRY_ATTR_A | (privilege ? 0u : DESCRY_ATTR_DPL));
}

void
cpu_derive(struct cpu *c)
{
	c->rules = (struct seg_access_rules){
		.protected_mode = in_protected_mode(c),
		.cs_write_enforced = c->profile.knob[DESCRY_KNOB_REAL_CS_WRITE],
		.wrap4g_faults = c->profile.knob[DESCRY_KNOB_LIMIT_WRAP4G],
		.no_limits = !c->profile.knob[DESCRY_KNOB_SEG_LIMITS],
		.stack_is_gp = !in_protected_mode(c) &&
			       knob_is(c, DESCRY_KNOB_RM_STACK_VECTOR, DESCRY_VEC_GP),
		.alignment = checks_alignment(c),
	};
	c->shadow_sregs =
		c->profile.knob[DESCRY_KNOB_SHADOW_SREG] ? ~0u : 1u << DESCRY_SS | 1u << DESCRY_CS;
	derive_a20(c);
	cpu_derive_eflags(c);
	derive_paging(c);
	derive_access_attr(c);
	debug_derive(c);
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		cpu_derive_segment(c, (enum descry_sreg)sreg);
}

/* --- events --------------------------------------------------------------------------- */

struct descry_event *
cpu_record(struct cpu *c, enum descry_event_kind kind)
{
	struct descry_event *event = &c->events[c->event_count++ % DESCRY_EVENT_RING];

	*event = (struct descry_event){ .retired = c->here.retired,
					.ip = c->here.ip,
					.cs = c->here.cs,
					.kind = (uint8_t)kind,
					.fault.vector = DESCRY_VEC_NONE };
	return event;
}

size_t
descry_vcpu_event_count(const struct descry_vcpu *vcpu)
{
	const size_t count = vcpu->cpu.event_count;

	return count < DESCRY_EVENT_RING ? count : DESCRY_EVENT_RING;
}

const struct descry_event *
descry_vcpu_event(const struct descry_vcpu *vcpu, size_t index)
{
	const struct cpu *c = &vcpu->cpu;
	const size_t oldest = c->event_count - descry_vcpu_event_count(vcpu);

	assert(index < descry_vcpu_event_count(vcpu));
	return &c->events[(oldest + index) % DESCRY_EVENT_RING];
}
