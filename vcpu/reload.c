#include <descry/reload.h>

#include "seg_check.h"
#include "seg_load_rules.h"

#include <stdio.h>
#include <string.h>

static bool
is_system_register(enum descry_sreg sreg)
{
	return sreg == DESCRY_LDTR || sreg == DESCRY_TR;
}

/* --- descriptors ---------------------------------------------------------------------- */

/* Where there is no memory the CPU reads FFh; so does a look. */
static uint64_t
read_raw(const struct descry_vcpu *vcpu, uint64_t linear)
{
	uint8_t bytes[8];
	uint64_t raw = 0;

	memset(bytes, 0xff, sizeof(bytes));
	descry_vcpu_peek(vcpu, linear, bytes, sizeof(bytes));
	for (unsigned i = 0; i < sizeof(bytes); i++)
		raw |= (uint64_t)bytes[i] << (8 * i);
	return raw;
}

bool
descry_read_descriptor(const struct descry_vcpu *vcpu, uint16_t sel, uint64_t *raw,
		       uint64_t *linear)
{
	uint64_t slot;

	if (seg_check_slot(descry_vcpu_state(vcpu), sel, &slot).rule != SEG_OK)
		return false;

	*raw = read_raw(vcpu, slot);
	*linear = slot;
	return true;
}

struct descry_segment
descry_descriptor_segment(const struct descry_vcpu *vcpu, uint16_t sel, uint64_t raw)
{
	return seg_from_table(sel, raw, descry_vcpu_profile(vcpu));
}

/* --- preview -------------------------------------------------------------------------- */

static void
refuse(struct descry_preview *out, struct seg_verdict verdict)
{
	out->fault.vector = verdict.vector;
	out->fault.error_code = verdict.error_code;
	out->why = seg_rule_text(verdict.rule);
}

/* The TSS that TR holds is busy by that very fact: for a reload it counts as available. */
static struct seg_verdict
check_tss_again(uint16_t sel, const struct descry_segment *desc)
{
	struct descry_segment available = *desc;

	if (seg_is_tss(desc))
		available.attr &= (uint16_t)~SEG_TSS_BUSY;
	return seg_check_tss(sel, &available);
}

/*
 * CS is judged as a far jump would load it, `load cs` does no other. A return would agree
 * on every CS that a load has left behind, since that has RPL = CPL; where RPL is above
 * CPL (a real-mode selector, just after PE was set) a return would leave for another ring
 * and load SS with it, which is no longer a reload of CS.
 */
static struct seg_verdict
check_load(enum descry_sreg sreg, uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	switch (sreg) {
	case DESCRY_CS:
		return seg_check_code_jump(sel, desc, cpl);
	case DESCRY_SS:
		return seg_check_stack(sel, desc, cpl);
	case DESCRY_LDTR:
		return seg_check_ldt(sel, desc);
	case DESCRY_TR:
		return check_tss_again(sel, desc);
	case DESCRY_ES:
	case DESCRY_DS:
	case DESCRY_FS:
	case DESCRY_GS:
	case DESCRY_SREG_COUNT:
		break;
	}
	return seg_check_data(sel, desc, cpl);
}

/* Is a refusal, or a null load, settled before any descriptor is read? */
static bool
needs_descriptor(enum descry_sreg sreg, uint16_t sel)
{
	if (seg_is_null(sel))
		return false;
	return !(is_system_register(sreg) && (sel & DESCRY_SEL_TI));
}

/* Code that comes from real or virtual-8086 mode arrives in protected mode in ring 0. */
static unsigned
protected_cpl(const struct descry_vcpu *vcpu)
{
	if (descry_vcpu_mode(vcpu) == DESCRY_MODE_PROTECTED)
		return descry_cpl(descry_vcpu_state(vcpu));
	return 0;
}

static void
preview_protected(const struct descry_vcpu *vcpu, enum descry_sreg sreg, uint16_t sel,
		  struct descry_preview *out)
{
	const unsigned cpl = protected_cpl(vcpu);
	struct descry_segment desc = { .sel = sel };
	struct seg_verdict verdict;
	uint64_t slot;

	if (needs_descriptor(sreg, sel)) {
		verdict = seg_check_slot(descry_vcpu_state(vcpu), sel, &slot);
		if (verdict.rule != SEG_OK) {
			refuse(out, verdict);
			return;
		}
		out->from_table = true;
		out->raw = read_raw(vcpu, slot);
		desc = descry_descriptor_segment(vcpu, sel, out->raw);
	}

	verdict = check_load(sreg, sel, &desc, cpl);
	if (verdict.rule != SEG_OK)
		refuse(out, verdict);
	else if (seg_is_null(sel))
		seg_load_null(&out->segment, sel, descry_vcpu_profile(vcpu));
	else
		seg_load_descriptor(&out->segment, &desc);

	/* The RPL that CS shows is always the CPL. */
	if (verdict.rule == SEG_OK && sreg == DESCRY_CS)
		out->segment.sel = (uint16_t)((sel & ~DESCRY_SEL_RPL) | cpl);
}

static enum descry_reload_mode
mode_now(const struct descry_vcpu *vcpu)
{
	static const enum descry_reload_mode modes[DESCRY_MODE_COUNT] = {
		[DESCRY_MODE_REAL] = DESCRY_RELOAD_REAL,
		[DESCRY_MODE_PROTECTED] = DESCRY_RELOAD_PROTECTED,
		[DESCRY_MODE_V86] = DESCRY_RELOAD_V86,
	};

	/* The window behind a change of CR0.PE: knob pe_window.load_needs_jump. */
	if (descry_vcpu_state(vcpu)->pe_window)
		return descry_vcpu_mode(vcpu) == DESCRY_MODE_REAL ? DESCRY_RELOAD_PROTECTED
								  : DESCRY_RELOAD_REAL;
	return modes[descry_vcpu_mode(vcpu)];
}

void
descry_load_preview(const struct descry_vcpu *vcpu, enum descry_sreg sreg, uint16_t sel,
		    enum descry_reload_mode mode, struct descry_preview *out)
{
	if (mode == DESCRY_RELOAD_NOW)
		mode = mode_now(vcpu);

	*out = (struct descry_preview){
		.fault.vector = DESCRY_VEC_NONE,
		.segment = descry_vcpu_state(vcpu)->seg[sreg],
	};
	if (mode == DESCRY_RELOAD_PROTECTED)
		preview_protected(vcpu, sreg, sel, out);
	else if (is_system_register(sreg))
		refuse(out, (struct seg_verdict){ SEG_NOT_RECOGNIZED, DESCRY_VEC_UD, 0 });
	else if (mode == DESCRY_RELOAD_V86)
		seg_load_v86(&out->segment, sel);
	else
		seg_load_real(&out->segment, sreg, sel, descry_vcpu_profile(vcpu));
}

void
descry_reload_preview(const struct descry_vcpu *vcpu, enum descry_sreg sreg,
		      enum descry_reload_mode mode, struct descry_preview *out)
{
	descry_load_preview(vcpu, sreg, descry_vcpu_state(vcpu)->seg[sreg].sel, mode, out);
}

/* --- status --------------------------------------------------------------------------- */

/* Any load may set the accessed and the busy bit: they are no difference. */
static struct descry_segment
without_marks(const struct descry_segment *seg)
{
	struct descry_segment bare = *seg;

	if (seg->attr & DESCRY_ATTR_S)
		bare.attr &= (uint16_t)~DESCRY_ATTR_A;
	else if (seg_is_tss(seg))
		bare.attr &= (uint16_t)~SEG_TSS_BUSY;
	return bare;
}

/* LDTR and TR are loaded by protected-mode rules even while a V86 task runs. */
static bool
is_stale(const struct descry_vcpu *vcpu, enum descry_sreg sreg)
{
	const struct descry_segment held = without_marks(&descry_vcpu_state(vcpu)->seg[sreg]);
	struct descry_segment fresh;
	struct descry_preview now;

	descry_reload_preview(
		vcpu, sreg, is_system_register(sreg) ? DESCRY_RELOAD_PROTECTED : DESCRY_RELOAD_NOW,
		&now);
	if (now.fault.vector != DESCRY_VEC_NONE)
		return true;
	fresh = without_marks(&now.segment);
	return !descry_segment_same_cache(&held, &fresh);
}

/* What software written for real mode takes for granted. G, A and AVL make no difference. */
static bool
is_real_like(const struct descry_segment *seg, enum descry_sreg sreg)
{
	const bool data = descry_segment_is_writable(seg) && !descry_segment_is_expand_down(seg);
	const bool code = descry_segment_is_code(seg) && descry_segment_is_readable(seg);

	return seg->limit == UINT16_MAX && descry_segment_usable(seg) &&
	       descry_segment_dpl(seg) == 0 && !(seg->attr & DESCRY_ATTR_DB) &&
	       (data || (sreg == DESCRY_CS && code));
}

static unsigned
real_mode_status(const struct descry_segment *seg, enum descry_sreg sreg)
{
	unsigned status = 0;

	if (is_system_register(sreg))
		return 0;
	if (!is_real_like(seg, sreg))
		status |= DESCRY_CACHE_UNREAL;
	if (seg->base != (uint64_t)seg->sel << 4)
		status |= DESCRY_CACHE_UNREAL_BASE;
	return status;
}

static bool
by_monitor(const struct descry_provenance *field)
{
	return field->cause == DESCRY_CAUSE_DEBUGGER || field->cause == DESCRY_CAUSE_VM_EXIT;
}

/*
 * Only a base that is a constant tells SYSENTER and its like: a load with PE=0 or VM=1
 * may write a constant limit or attr, but takes the base from the selector.
 */
static unsigned
provenance_status(const struct descry_segment_provenance *from)
{
	if (by_monitor(&from->base) || by_monitor(&from->limit) || by_monitor(&from->attr))
		return DESCRY_CACHE_FORCED;
	if (from->base.origin == DESCRY_ORIGIN_FIXED && from->base.cause != DESCRY_CAUSE_RESET &&
	    from->base.cause != DESCRY_CAUSE_INIT && from->base.cause != DESCRY_CAUSE_START)
		return DESCRY_CACHE_FIXED;
	return 0;
}

unsigned
descry_cache_status(const struct descry_vcpu *vcpu, enum descry_sreg sreg)
{
	const struct descry_state *state = descry_vcpu_state(vcpu);
	const struct descry_segment *seg = &state->seg[sreg];
	unsigned status = provenance_status(descry_vcpu_provenance(vcpu, sreg));

	if (!descry_segment_usable(seg))
		status |= DESCRY_CACHE_UNUSABLE;
	if (!(state->cr0 & DESCRY_CR0_PE))
		status |= real_mode_status(seg, sreg);
	else if (is_stale(vcpu, sreg))
		status |= DESCRY_CACHE_STALE;
	return status;
}

const char *
descry_cache_status_text(unsigned status, char buffer[DESCRY_CACHE_STATUS_TEXT])
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {
		/* clang-format off */
		{ DESCRY_CACHE_STALE,       "STALE" },
		{ DESCRY_CACHE_UNREAL,      "UNREAL" },
		{ DESCRY_CACHE_UNREAL_BASE, "UNREAL-BASE" },
		{ DESCRY_CACHE_UNUSABLE,    "UNUSABLE" },
		{ DESCRY_CACHE_FIXED,       "FIXED" },
		{ DESCRY_CACHE_FORCED,      "FORCED" },
		/* clang-format on */
	};
	size_t used = 0;

	snprintf(buffer, DESCRY_CACHE_STATUS_TEXT, "MATCH");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(status & names[i].bit))
			continue;
		used += (size_t)snprintf(buffer + used, DESCRY_CACHE_STATUS_TEXT - used, "%s%s",
					 used > 0 ? "|" : "", names[i].name);
	}
	return buffer;
}
