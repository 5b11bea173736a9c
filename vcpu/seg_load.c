#include "seg_load.h"

#include "mem.h"
#include "microstep.h"
#include "provenance.h"
#include "seg_load_rules.h"

#define ACCESS_BYTE 5u /* of a descriptor: type, S, DPL, P */

/* --- finding -------------------------------------------------------------------------- */

/* The eight bytes that a non-null selector names. */
static bool
find_descriptor(struct cpu *c, uint16_t sel, struct seg_loading *out)
{
	const bool is_local = sel & DESCRY_SEL_TI;
	uint64_t linear;
	const struct seg_verdict verdict = seg_check_slot(&c->state, sel, &linear);

	if (verdict.rule != SEG_OK)
		return raise_verdict(c, verdict);
	if (!mem_read_linear(c, (uint32_t)linear, &out->raw, sizeof(out->raw)))
		return false;
	out->linear = (uint32_t)linear;
	out->table = is_local ? c->state.seg[DESCRY_LDTR].base : c->state.gdtr.base;
	out->origin = is_local ? DESCRY_ORIGIN_LDT : DESCRY_ORIGIN_GDT;
	out->fields = SEG_FIELDS_ALL;
	return true;
}

bool
seg_fetch(struct cpu *c, uint16_t sel, struct seg_loading *out)
{
	if (!find_descriptor(c, sel, out))
		return false;
	out->seg = seg_from_table(sel, out->raw, &c->profile);
	return true;
}

/* --- checking ------------------------------------------------------------------------- */

static struct seg_verdict
check(enum seg_path path, uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	switch (path) {
	case SEG_PATH_DATA:
		return seg_check_data(sel, desc, cpl);
	case SEG_PATH_STACK:
		return seg_check_stack(sel, desc, cpl);
	case SEG_PATH_STACK_RETURN:
		return seg_check_stack_return(sel, desc, cpl);
	case SEG_PATH_STACK_INNER:
		return seg_check_stack_inner(sel, desc, cpl);
	case SEG_PATH_JUMP:
		return seg_check_code_jump(sel, desc, cpl);
	case SEG_PATH_RETURN:
		return seg_check_code_return(sel, desc, cpl);
	case SEG_PATH_GATE:
		return seg_check_code_gate(sel, desc, cpl, false);
	case SEG_PATH_GATE_V86:
		return seg_check_code_gate(sel, desc, cpl, true);
	case SEG_PATH_LDT:
		return seg_check_ldt(sel, desc);
	case SEG_PATH_TSS:
		return seg_check_tss(sel, desc);
	case SEG_PATH_TASK_LDT:
		return seg_check_task_ldt(sel, desc);
	case SEG_PATH_TASK_STACK:
		return seg_check_task_stack(sel, desc, cpl);
	case SEG_PATH_TASK_DATA:
		return seg_check_task_data(sel, desc, cpl);
	case SEG_PATH_TASK_CODE:
		return seg_check_task_code(sel, desc);
	}
	assert(false);
	return (struct seg_verdict){ .rule = SEG_OK };
}

/* RPL of CS is the CPL after the transfer. */
static uint16_t
sel_after(enum seg_path path, uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	const unsigned index = sel & ~DESCRY_SEL_RPL;

	if (path == SEG_PATH_JUMP || (path == SEG_PATH_GATE && descry_segment_is_conforming(desc)))
		return (uint16_t)(index | cpl);
	if (path == SEG_PATH_GATE || path == SEG_PATH_GATE_V86)
		return (uint16_t)(index | descry_segment_dpl(desc));
	return sel;
}

static DESCRY_NOINLINE bool
judge(struct cpu *c, enum seg_path path, uint16_t sel, unsigned cpl, struct seg_loading *out)
{
	const struct descry_segment desc = seg_from_table(sel, out->raw, &c->profile);
	const struct seg_verdict verdict = check(path, sel, &desc, cpl);

	if (verdict.rule != SEG_OK)
		return raise_verdict(c, verdict);
	seg_load_descriptor(&out->seg, &desc);
	out->seg.sel = sel_after(path, sel, &desc, cpl);
	return true;
}

static struct seg_memo *
memo_slot(struct cpu *c, enum seg_path path, uint16_t sel)
{
	return &c->memo[(sel >> 3 ^ (unsigned)path << 2) & (SEG_MEMO_COUNT - 1)];
}

static uint32_t
memo_key(enum seg_path path, uint16_t sel, unsigned cpl)
{
	return (uint32_t)path << 24 | cpl << 16 | sel;
}

/* A descriptor that is to be marked must be writable; once it is marked it is another one. */
static DESCRY_NOINLINE bool
resolve_by_rule(struct cpu *c, enum seg_path path, uint16_t sel, unsigned cpl,
		struct seg_loading *out)
{
	if (!find_descriptor(c, sel, out))
		return false;
	microstep_then(c);
	if (!judge(c, path, sel, cpl, out))
		return false;
	if (seg_settle_marks(out))
		return mem_probe_write(c, out->linear + ACCESS_BYTE, 1);
	if (out->origin == DESCRY_ORIGIN_GDT)
		*memo_slot(c, path, sel) = (struct seg_memo){ *out, memo_key(path, sel, cpl) };
	return true;
}

/*
 * The judgement depends on path, selector, CPL and the eight bytes alone, so the last ones are
 * remembered; a slot of the GDT that lies within its limit and in a page that is known has
 * nothing more to be asked. NULL: it has.
 */
DESCRY_INLINE const struct seg_loading *
remembered(struct cpu *c, enum seg_path path, uint16_t sel, unsigned cpl)
{
	const struct seg_memo *memo = memo_slot(c, path, sel);
	const uint32_t linear = (uint32_t)c->state.gdtr.base + (sel & ~7u);
	const struct page_fast *page = page_slot(c, linear);
	uint64_t raw;

	if (DESCRY_UNLIKELY(memo->key != memo_key(path, sel, cpl) ||
			    memo->loading.table != c->state.gdtr.base ||
			    (sel | 7u) > c->state.gdtr.limit ||
			    page->read_page != (linear + 7) >> 12))
		return NULL;
	memcpy(&raw, page->host + (linear & 0xfff), sizeof(raw));
	return DESCRY_LIKELY(memo->loading.raw == raw) ? &memo->loading : NULL;
}

/* Finds and checks the descriptor of a non-null selector. */
DESCRY_INLINE bool
resolve(struct cpu *c, enum seg_path path, uint16_t sel, unsigned cpl, struct seg_loading *out)
{
	const struct seg_loading *known = remembered(c, path, sel, cpl);

	if (DESCRY_UNLIKELY(!known))
		return resolve_by_rule(c, path, sel, cpl, out);
	*out = *known;
	return true;
}

/* --- loads of data and stack registers ------------------------------------------------ */

static void
resolve_real(struct cpu *c, enum descry_sreg sreg, uint16_t sel, struct seg_loading *out)
{
	const struct descry_segment *old = &c->state.seg[sreg];

	*out = (struct seg_loading){ .seg = *old, .origin = DESCRY_ORIGIN_SELECTOR };
	seg_load_real(&out->seg, sreg, sel, &c->profile);
	out->fields = SEG_FIELD_BASE;
	if (sreg == DESCRY_CS && knob_is(c, DESCRY_KNOB_REAL_CS_LOAD, DESCRY_REAL_CS_FIXED))
		out->fields = SEG_FIELDS_ALL;
	if (sreg != DESCRY_CS &&
	    knob_is(c, DESCRY_KNOB_REAL_DATA_LOAD, DESCRY_REAL_DATA_BASE_LIMIT))
		out->fields |= SEG_FIELD_LIMIT;
	if (sreg == DESCRY_CS && knob_is(c, DESCRY_KNOB_REAL_CS_LOAD, DESCRY_REAL_CS_PARTIAL))
		out->fields |= SEG_FIELD_ATTR;
	if (out->seg.attr != old->attr)
		out->fields |= SEG_FIELD_ATTR;
}

static void
resolve_null(struct cpu *c, enum descry_sreg sreg, uint16_t sel, struct seg_loading *out)
{
	*out = (struct seg_loading){ .seg = c->state.seg[sreg],
				     .origin = DESCRY_ORIGIN_SELECTOR,
				     .fields = SEG_FIELDS_ALL };
	seg_load_null(&out->seg, sel, &c->profile);
}

static void
resolve_v86(uint16_t sel, struct seg_loading *out)
{
	*out = (struct seg_loading){ .origin = DESCRY_ORIGIN_SELECTOR, .fields = SEG_FIELDS_ALL };
	seg_load_v86(&out->seg, sel);
}

/* Real and virtual-8086 mode: the selector is all there is. */
static DESCRY_NOINLINE bool
resolve_without_table(struct cpu *c, enum descry_sreg sreg, uint16_t sel, struct seg_loading *out)
{
	if (in_v86(c))
		resolve_v86(sel, out);
	else
		resolve_real(c, sreg, sel, out);
	return true;
}

/* PE=1, VM=0, and no change of CR0.PE behind which another rule may hold: CPL is SS.DPL. */
DESCRY_INLINE bool
is_settled_protected_mode(const struct cpu *c)
{
	return in_protected_mode(c) && !(c->state.rflags & DESCRY_FLAG_VM) && !c->state.pe_window;
}

/* Behind a change of CR0.PE the other rule may still hold: knob pe_window.load_needs_jump. */
DESCRY_INLINE bool
loads_by_table(const struct cpu *c)
{
	return uses_descriptors(c) != c->state.pe_window;
}

bool
seg_resolve(struct cpu *c, enum descry_sreg sreg, uint16_t sel, struct seg_loading *out)
{
	if (!loads_by_table(c))
		return resolve_without_table(c, sreg, sel, out);
	if (!seg_is_null(sel))
		return resolve(c, sreg == DESCRY_SS ? SEG_PATH_STACK : SEG_PATH_DATA, sel,
			       descry_cpl(&c->state), out);
	if (sreg == DESCRY_SS)
		return raise(c, DESCRY_VEC_GP, 0);
	resolve_null(c, sreg, sel, out);
	return true;
}

/* --- code, and stacks of other rings -------------------------------------------------- */

bool
seg_resolve_code(struct cpu *c, uint16_t sel, enum seg_path path, struct seg_loading *out)
{
	if (!uses_descriptors(c))
		return resolve_without_table(c, DESCRY_CS, sel, out);
	if (seg_is_null(sel))
		return raise(c, DESCRY_VEC_GP, 0);
	return resolve(c, path, sel, descry_segment_dpl(&c->state.seg[DESCRY_SS]), out);
}

bool
seg_resolve_gate_code(struct cpu *c, uint16_t sel, struct seg_loading *out)
{
	if (seg_is_null(sel))
		return raise(c, DESCRY_VEC_GP, 0);
	return resolve(c, in_v86(c) ? SEG_PATH_GATE_V86 : SEG_PATH_GATE, sel, descry_cpl(&c->state),
		       out);
}

bool
seg_resolve_stack_return(struct cpu *c, uint16_t sel, unsigned new_cpl, struct seg_loading *out)
{
	if (seg_is_null(sel))
		return raise(c, DESCRY_VEC_GP, 0);
	return resolve(c, SEG_PATH_STACK_RETURN, sel, new_cpl, out);
}

/* A selector that names nothing is the fault of the TSS. */
bool
seg_resolve_stack_inner(struct cpu *c, uint16_t sel, unsigned new_cpl, struct seg_loading *out)
{
	uint64_t linear;

	if (seg_is_null(sel))
		return raise(c, DESCRY_VEC_TS, 0);
	if (seg_check_slot(&c->state, sel, &linear).rule != SEG_OK)
		return raise(c, DESCRY_VEC_TS, sel & ~DESCRY_SEL_RPL);
	return resolve(c, SEG_PATH_STACK_INNER, sel, new_cpl, out);
}

/* --- system segments ------------------------------------------------------------------ */

bool
seg_resolve_ldt(struct cpu *c, uint16_t sel, struct seg_loading *out)
{
	if (seg_is_null(sel)) {
		resolve_null(c, DESCRY_LDTR, sel, out);
		return true;
	}
	if (sel & DESCRY_SEL_TI)
		return raise(c, DESCRY_VEC_GP, sel & ~DESCRY_SEL_RPL);
	return resolve(c, SEG_PATH_LDT, sel, 0, out);
}

bool
seg_resolve_tss(struct cpu *c, uint16_t sel, struct seg_loading *out)
{
	if (seg_is_null(sel))
		return raise(c, DESCRY_VEC_GP, 0);
	if (sel & DESCRY_SEL_TI)
		return raise(c, DESCRY_VEC_GP, sel & ~DESCRY_SEL_RPL);
	return resolve(c, SEG_PATH_TSS, sel, 0, out);
}

/* --- out of a TSS --------------------------------------------------------------------- */

static enum seg_path
task_path(enum descry_sreg sreg)
{
	switch ((int)sreg) {
	case DESCRY_LDTR:
		return SEG_PATH_TASK_LDT;
	case DESCRY_SS:
		return SEG_PATH_TASK_STACK;
	case DESCRY_CS:
		return SEG_PATH_TASK_CODE;
	default:
		return SEG_PATH_TASK_DATA;
	}
}

/* Whatever the selector names wrongly, the TSS is to blame. LDTR is no part of V86. */
bool
seg_resolve_task(struct cpu *c, enum descry_sreg sreg, uint16_t sel, unsigned cpl,
		 struct seg_loading *out)
{
	const bool is_local_ldt = sreg == DESCRY_LDTR && sel & DESCRY_SEL_TI;
	uint64_t linear;

	if (in_v86(c) && sreg != DESCRY_LDTR) {
		resolve_v86(sel, out);
		return true;
	}
	if (seg_is_null(sel)) {
		if (sreg == DESCRY_SS || sreg == DESCRY_CS)
			return raise(c, DESCRY_VEC_TS, 0);
		resolve_null(c, sreg, sel, out);
		return true;
	}
	if (is_local_ldt || seg_check_slot(&c->state, sel, &linear).rule != SEG_OK)
		return raise(c, DESCRY_VEC_TS, sel & ~DESCRY_SEL_RPL);
	return resolve(c, task_path(sreg), sel, cpl, out);
}

/* --- putting in place ----------------------------------------------------------------- */

static void
mark_descriptor(struct cpu *c, const struct seg_loading *from)
{
	const uint8_t access_byte = (uint8_t)from->seg.attr;

	mem_write_linear(c, from->linear + ACCESS_BYTE, &access_byte, 1);
}

/* Knob ring.accessed_forced: the cache can keep what the table said. */
static void
unforce_accessed(const struct cpu *c, struct descry_segment *seg, const struct seg_loading *from)
{
	if (knob_is(c, DESCRY_KNOB_ACCESSED_FORCED, 0) && seg->attr & DESCRY_ATTR_S)
		seg->attr = (uint16_t)((seg->attr & ~DESCRY_ATTR_A) |
				       (from->raw >> 40 & DESCRY_ATTR_A));
}

/* Do both caches give the same answers to every access? */
static bool
is_same_to_accesses(const struct cpu *c, const struct descry_segment *a,
		    const struct descry_segment *b)
{
	return a->base == b->base && a->limit == b->limit &&
	       !((a->attr ^ b->attr) & c->access_attr);
}

/* Where the instruction is that makes this load. One that has loaded CS before has said so then. */
static uint32_t
linear_of_load(const struct cpu *c)
{
	const struct descry_event *last = &c->events[(c->event_count - 1) % DESCRY_EVENT_RING];
	const bool goes_on = c->event_count > 0 && last->kind == DESCRY_EVENT_SEGMENT_LOAD &&
			     last->retired == c->here.retired && last->ip == c->here.ip &&
			     last->cs == c->here.cs;

	return goes_on ? last->linear : c->cs_base + c->here.ip;
}

void
seg_record_load(struct cpu *c, enum descry_sreg sreg, uint16_t sel)
{
	const uint32_t linear = linear_of_load(c);
	struct descry_event *event = cpu_record(c, DESCRY_EVENT_SEGMENT_LOAD);

	event->sreg = (uint8_t)sreg;
	event->sel = sel;
	event->linear = linear;
	if (!(c->control->watch_load >> sreg & 1))
		return;
	c->loaded = true;
	cpu_come_back(c);
}

static DESCRY_NOINLINE void
commit_change(struct cpu *c, enum descry_sreg sreg, const struct seg_loading *from,
	      enum descry_cause cause)
{
	struct descry_segment *seg = &c->state.seg[sreg];

	cpu_note_load(c, sreg, from, cause);
	if (cpu_records(c, DESCRY_EVENT_SEGMENT_LOAD))
		seg_record_load(c, sreg, from->seg.sel);
	*seg = from->seg;
	if (from->fields & SEG_MARKS) {
		mark_descriptor(c, from);
		unforce_accessed(c, seg, from);
	}
	if (sreg == DESCRY_CS)
		c->state.pe_window = 0;
	cpu_derive_segment(c, sreg);
}

/* Nothing but the selector and its history changes when the same cache is loaded again. */
DESCRY_INLINE bool
is_loaded(const struct cpu *c, enum descry_sreg sreg, const struct seg_loading *from)
{
	return from->fields == SEG_FIELDS_ALL && !c->state.pe_window &&
	       is_same_to_accesses(c, &c->state.seg[sreg], &from->seg) &&
	       !cpu_records(c, DESCRY_EVENT_SEGMENT_LOAD);
}

DESCRY_INLINE void
commit_again(struct cpu *c, enum descry_sreg sreg, const struct seg_loading *from,
	     enum descry_cause cause)
{
	cpu_note_whole_load(c, sreg, from, cause);
	c->state.seg[sreg] = from->seg;
}

void
seg_commit(struct cpu *c, enum descry_sreg sreg, const struct seg_loading *from,
	   enum descry_cause cause)
{
	if (DESCRY_LIKELY(is_loaded(c, sreg, from)))
		commit_again(c, sreg, from, cause);
	else
		commit_change(c, sreg, from, cause);
}

/* --- both in one ---------------------------------------------------------------------- */

static DESCRY_NOINLINE bool
load_by_rule(struct cpu *c, enum descry_sreg sreg, uint16_t sel, enum descry_cause cause)
{
	if (!seg_resolve(c, sreg, sel, &c->loading))
		return false;
	seg_commit(c, sreg, &c->loading, cause);
	return true;
}

bool
seg_load(struct cpu *c, enum descry_sreg sreg, uint16_t sel, enum descry_cause cause)
{
	const struct seg_loading *known;

	if (DESCRY_UNLIKELY(!is_settled_protected_mode(c) || sreg == DESCRY_SS))
		return load_by_rule(c, sreg, sel, cause);
	known = remembered(c, SEG_PATH_DATA, sel, descry_segment_dpl(&c->state.seg[DESCRY_SS]));
	if (DESCRY_UNLIKELY(!known || !is_loaded(c, sreg, known)))
		return load_by_rule(c, sreg, sel, cause);
	commit_again(c, sreg, known, cause);
	return true;
}

/* --- constants ------------------------------------------------------------------------ */

void
seg_load_fixed(struct cpu *c, enum descry_sreg sreg, uint16_t sel, enum descry_cause cause)
{
	struct seg_loading fixed;

	resolve_v86(sel, &fixed);
	seg_commit(c, sreg, &fixed, cause);
}

void
seg_make_null(struct cpu *c, enum descry_sreg sreg, enum descry_cause cause)
{
	struct seg_loading null;

	resolve_null(c, sreg, 0, &null);
	seg_commit(c, sreg, &null, cause);
}

/* --- returns to an outer ring --------------------------------------------------------- */

/* What the table says now: knob iret.null_rule. */
static struct descry_segment
descriptor_now(const struct cpu *c, uint16_t sel)
{
	const struct descry_segment absent = { .attr = DESCRY_ATTR_S };
	uint64_t linear, raw;

	if (seg_is_null(sel) || seg_check_slot(&c->state, sel, &linear).rule != SEG_OK ||
	    mem_peek(c, (uint32_t)linear, &raw, sizeof(raw)) != sizeof(raw))
		return absent;
	return seg_from_table(sel, raw, &c->profile);
}

static bool
stays(const struct cpu *c, const struct descry_segment *seg, unsigned new_cpl)
{
	if (seg->sel == 0 && seg->attr & DESCRY_ATTR_UNUSABLE)
		return true;
	if (DESCRY_LIKELY(knob_is(c, DESCRY_KNOB_IRET_NULL_RULE, DESCRY_IRET_NULL_CACHED)))
		return seg_survives_outer_return(seg, new_cpl);

	const struct descry_segment now = descriptor_now(c, seg->sel);

	return seg_survives_outer_return(&now, new_cpl);
}

/*
 * The base stays, as silicon has it for FS and GS: the selector goes and the cache is
 * unusable. Knob iret.null_keeps_base: off makes it what a load of null makes.
 */
static void
make_null(struct cpu *c, enum descry_sreg sreg, enum descry_cause cause)
{
	struct seg_loading null = { .seg = c->state.seg[sreg],
				    .origin = DESCRY_ORIGIN_SELECTOR,
				    .fields = SEG_FIELD_ATTR };

	if (knob_is(c, DESCRY_KNOB_IRET_NULL_BASE, 0))
		resolve_null(c, sreg, 0, &null);
	null.seg.sel = 0;
	null.seg.attr |= DESCRY_ATTR_UNUSABLE;
	seg_commit(c, sreg, &null, cause);
}

void
seg_null_for_outer_ring(struct cpu *c, unsigned new_cpl, enum descry_cause cause)
{
	static const enum descry_sreg data[] = { DESCRY_ES, DESCRY_DS, DESCRY_FS, DESCRY_GS };

	for (unsigned i = 0; i < sizeof(data) / sizeof(data[0]); i++)
		if (!stays(c, &c->state.seg[data[i]], new_cpl))
			make_null(c, data[i], cause);
}
