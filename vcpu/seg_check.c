#include "seg_check.h"

#include "seg_load_rules.h"

#include <assert.h>

#define DESCRIPTOR_SIZE 8u
#define SEL_ERROR 0xfffcu /* index and TI: what of a selector goes into an error code */

const char *
seg_rule_text(enum seg_rule rule)
{
	static const char *const texts[SEG_RULE_COUNT] = {
		[SEG_OK] = "allowed",
		[SEG_NULL] = "null selector",
		[SEG_BEYOND_TABLE] = "beyond the limit of the table",
		[SEG_NO_LOCAL_TABLE] = "local selector without a local table",
		[SEG_LOCAL_SELECTOR] = "local selector where only the global table will do",
		[SEG_WRONG_TYPE] = "wrong descriptor type",
		[SEG_PRIVILEGE] = "privilege",
		[SEG_NOT_PRESENT] = "not present",
		[SEG_UNUSABLE] = "segment unusable",
		[SEG_BEYOND_LIMIT] = "beyond the limit",
		[SEG_BELOW_EXPAND_DOWN] = "not above the limit of an expand-down segment",
		[SEG_WRAPS] = "wraps past FFFFFFFFh",
		[SEG_NOT_READABLE] = "not readable",
		[SEG_NOT_WRITABLE] = "not writable",
		[SEG_NOT_RECOGNIZED] = "not recognized in real and virtual-8086 mode",
		[SEG_BUSY] = "busy TSS",
		[SEG_NOT_BUSY] = "TSS that is not busy",
		[SEG_TSS_TOO_SHORT] = "TSS too short",
		[SEG_MISALIGNED] = "misaligned",
	};

	return texts[rule];
}

static struct seg_verdict
allow(void)
{
	return (struct seg_verdict){ .rule = SEG_OK, .vector = DESCRY_VEC_NONE };
}

static struct seg_verdict
deny(enum seg_rule rule, enum descry_vector vector, uint16_t sel)
{
	return (struct seg_verdict){
		.rule = rule,
		.vector = (uint8_t)vector,
		.error_code = (uint16_t)(sel & SEL_ERROR),
	};
}

static unsigned
rpl_of(uint16_t sel)
{
	return sel & DESCRY_SEL_RPL;
}

static bool
is_present(const struct descry_segment *desc)
{
	return desc->attr & DESCRY_ATTR_P;
}

static bool
is_system(const struct descry_segment *desc, enum descry_system_type type)
{
	return (desc->attr & (DESCRY_ATTR_S | DESCRY_ATTR_TYPE)) == (unsigned)type;
}

/* SDM vol. 3, Interrupt 10 - Invalid TSS Exception: whatever a TSS names wrongly. */
static struct seg_verdict
blame_tss(struct seg_verdict verdict)
{
	if (verdict.vector == DESCRY_VEC_GP)
		verdict.vector = DESCRY_VEC_TS;
	return verdict;
}

/* --- the table ------------------------------------------------------------------------ */

/* SDM vol. 3, Segment Selectors: the limit covers the last byte of the descriptor. */
struct seg_verdict
seg_check_table(uint16_t sel, uint32_t table_limit)
{
	const uint32_t last_byte = sel | (DESCRIPTOR_SIZE - 1);

	if (last_byte > table_limit)
		return deny(SEG_BEYOND_TABLE, DESCRY_VEC_GP, sel);
	return allow();
}

/* Tables of a 32-bit CPU wrap at 4 GiB. */
static uint64_t
slot_address(uint64_t table_base, uint16_t sel)
{
	return (uint32_t)(table_base + (sel & ~(DESCRIPTOR_SIZE - 1)));
}

struct seg_verdict
seg_check_slot(const struct descry_state *state, uint16_t sel, uint64_t *linear)
{
	const struct descry_segment *ldtr = &state->seg[DESCRY_LDTR];
	const bool local = sel & DESCRY_SEL_TI;
	struct seg_verdict verdict;

	/* What a null load leaves in LDTR may have any limit: ask for usable first. */
	if (local && !descry_segment_usable(ldtr))
		return deny(SEG_NO_LOCAL_TABLE, DESCRY_VEC_GP, sel);

	verdict = seg_check_table(sel, local ? ldtr->limit : state->gdtr.limit);
	if (verdict.rule == SEG_OK)
		*linear = slot_address(local ? ldtr->base : state->gdtr.base, sel);
	return verdict;
}

/* --- data and stack ------------------------------------------------------------------- */

/*
 * May a descriptor be loaded into DS, ES, FS or GS? (SDM vol. 2, MOV)
 *
 * Either of RPL and CPL above the DPL refuses; older editions of the manual said "both",
 * and software that followed them was wrong for years.
 */
struct seg_verdict
seg_check_data(uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	const unsigned dpl = descry_segment_dpl(desc);

	if (seg_is_null(sel))
		return allow();
	if (!descry_segment_is_readable(desc))
		return deny(SEG_WRONG_TYPE, DESCRY_VEC_GP, sel);
	if (!descry_segment_is_conforming(desc) && (rpl_of(sel) > dpl || cpl > dpl))
		return deny(SEG_PRIVILEGE, DESCRY_VEC_GP, sel);
	if (!is_present(desc))
		return deny(SEG_NOT_PRESENT, DESCRY_VEC_NP, sel);
	return allow();
}

/* SDM vol. 2, MOV: RPL, then type, then DPL, then presence. */
struct seg_verdict
seg_check_stack(uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	if (seg_is_null(sel))
		return deny(SEG_NULL, DESCRY_VEC_GP, 0);
	if (rpl_of(sel) != cpl)
		return deny(SEG_PRIVILEGE, DESCRY_VEC_GP, sel);
	if (!descry_segment_is_writable(desc))
		return deny(SEG_WRONG_TYPE, DESCRY_VEC_GP, sel);
	if (descry_segment_dpl(desc) != cpl)
		return deny(SEG_PRIVILEGE, DESCRY_VEC_GP, sel);
	if (!is_present(desc))
		return deny(SEG_NOT_PRESENT, DESCRY_VEC_SS, sel);
	return allow();
}

/* The stack of the ring that is returned to is judged as that ring would load it. */
struct seg_verdict
seg_check_stack_return(uint16_t sel, const struct descry_segment *desc, unsigned new_cpl)
{
	return seg_check_stack(sel, desc, new_cpl);
}

/*
 * SDM vol. 3, Interrupt 10: a stack that the TSS names wrongly is #TS, not #GP. Only one
 * that is not present stays #SS.
 */
struct seg_verdict
seg_check_stack_inner(uint16_t sel, const struct descry_segment *desc, unsigned new_cpl)
{
	return blame_tss(seg_check_stack(sel, desc, new_cpl));
}

/* --- code ----------------------------------------------------------------------------- */

/*
 * SDM vol. 2, JMP: conforming code runs at the caller's level, so that only a higher
 * ring's is refused; other code must be of this very level, and asked for by no less.
 */
struct seg_verdict
seg_check_code_jump(uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	const unsigned dpl = descry_segment_dpl(desc);

	if (seg_is_null(sel))
		return deny(SEG_NULL, DESCRY_VEC_GP, 0);
	if (!descry_segment_is_code(desc))
		return deny(SEG_WRONG_TYPE, DESCRY_VEC_GP, sel);
	if (descry_segment_is_conforming(desc) ? dpl > cpl : dpl != cpl || rpl_of(sel) > cpl)
		return deny(SEG_PRIVILEGE, DESCRY_VEC_GP, sel);
	if (!is_present(desc))
		return deny(SEG_NOT_PRESENT, DESCRY_VEC_NP, sel);
	return allow();
}

/* SDM vol. 2, RET and IRET: the same or an outer ring, which the RPL names. */
struct seg_verdict
seg_check_code_return(uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	const unsigned dpl = descry_segment_dpl(desc);
	const unsigned rpl = rpl_of(sel);

	if (seg_is_null(sel))
		return deny(SEG_NULL, DESCRY_VEC_GP, 0);
	if (!descry_segment_is_code(desc))
		return deny(SEG_WRONG_TYPE, DESCRY_VEC_GP, sel);
	if (rpl < cpl)
		return deny(SEG_PRIVILEGE, DESCRY_VEC_GP, sel);
	if (descry_segment_is_conforming(desc) ? dpl > rpl : dpl != rpl)
		return deny(SEG_PRIVILEGE, DESCRY_VEC_GP, sel);
	if (!is_present(desc))
		return deny(SEG_NOT_PRESENT, DESCRY_VEC_NP, sel);
	return allow();
}

/*
 * SDM vol. 2, INT n: the RPL is not looked at. Out of V86 only ring 0 will do, and the
 * manual asks for that after presence.
 */
struct seg_verdict
seg_check_code_gate(uint16_t sel, const struct descry_segment *desc, unsigned cpl, bool from_v86)
{
	const unsigned dpl = descry_segment_dpl(desc);

	if (seg_is_null(sel))
		return deny(SEG_NULL, DESCRY_VEC_GP, 0);
	if (!descry_segment_is_code(desc))
		return deny(SEG_WRONG_TYPE, DESCRY_VEC_GP, sel);
	if (dpl > cpl)
		return deny(SEG_PRIVILEGE, DESCRY_VEC_GP, sel);
	if (!is_present(desc))
		return deny(SEG_NOT_PRESENT, DESCRY_VEC_NP, sel);
	if (from_v86 && (dpl != 0 || descry_segment_is_conforming(desc)))
		return deny(SEG_PRIVILEGE, DESCRY_VEC_GP, sel);
	return allow();
}

bool
seg_survives_outer_return(const struct descry_segment *seg, unsigned new_cpl)
{
	return descry_segment_dpl(seg) >= new_cpl || descry_segment_is_conforming(seg);
}

/* --- LDTR and TR ---------------------------------------------------------------------- */

struct seg_verdict
seg_check_ldt(uint16_t sel, const struct descry_segment *desc)
{
	if (seg_is_null(sel))
		return allow();
	if (sel & DESCRY_SEL_TI)
		return deny(SEG_LOCAL_SELECTOR, DESCRY_VEC_GP, sel);
	if (!is_system(desc, DESCRY_TYPE_LDT))
		return deny(SEG_WRONG_TYPE, DESCRY_VEC_GP, sel);
	if (!is_present(desc))
		return deny(SEG_NOT_PRESENT, DESCRY_VEC_NP, sel);
	return allow();
}

struct seg_verdict
seg_check_tss(uint16_t sel, const struct descry_segment *desc)
{
	if (seg_is_null(sel))
		return deny(SEG_NULL, DESCRY_VEC_GP, 0);
	if (sel & DESCRY_SEL_TI)
		return deny(SEG_LOCAL_SELECTOR, DESCRY_VEC_GP, sel);
	if (!is_system(desc, DESCRY_TYPE_TSS16) && !is_system(desc, DESCRY_TYPE_TSS32))
		return deny(SEG_WRONG_TYPE, DESCRY_VEC_GP, sel);
	if (!is_present(desc))
		return deny(SEG_NOT_PRESENT, DESCRY_VEC_NP, sel);
	return allow();
}

/* --- gates and tasks ------------------------------------------------------------------ */

/* SDM vol. 2, JMP and CALL: call gate, task gate, task-state segment. */
struct seg_verdict
seg_check_gate(uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	const unsigned dpl = descry_segment_dpl(desc);

	if (dpl < cpl || dpl < rpl_of(sel))
		return deny(SEG_PRIVILEGE, DESCRY_VEC_GP, sel);
	if (!is_present(desc) && !seg_is_tss(desc))
		return deny(SEG_NOT_PRESENT, DESCRY_VEC_NP, sel);
	return allow();
}

/* SDM vol. 3, Task Switching: the last byte that a switch needs. */
static uint32_t
least_tss_limit(const struct descry_segment *desc)
{
	return (desc->attr & DESCRY_ATTR_TYPE) >= DESCRY_TYPE_TSS32 ? 0x67 : 0x2b;
}

/* What an IRET finds wrong is the fault of the TSS that named it. */
struct seg_verdict
seg_check_task(uint16_t sel, const struct descry_segment *desc, bool is_return)
{
	const enum descry_vector vector = is_return ? DESCRY_VEC_TS : DESCRY_VEC_GP;
	const bool busy = desc->attr & SEG_TSS_BUSY;

	if (seg_is_null(sel))
		return deny(SEG_NULL, vector, 0);
	if (sel & DESCRY_SEL_TI)
		return deny(SEG_LOCAL_SELECTOR, vector, sel);
	if (!seg_is_tss(desc))
		return deny(SEG_WRONG_TYPE, vector, sel);
	if (busy != is_return)
		return deny(busy ? SEG_BUSY : SEG_NOT_BUSY, vector, sel);
	if (!is_present(desc))
		return deny(SEG_NOT_PRESENT, DESCRY_VEC_NP, sel);
	if (desc->limit < least_tss_limit(desc))
		return deny(SEG_TSS_TOO_SHORT, DESCRY_VEC_TS, sel);
	return allow();
}

/* An LDT that is not present is #TS, too, and not #NP as for LLDT. */
struct seg_verdict
seg_check_task_ldt(uint16_t sel, const struct descry_segment *desc)
{
	struct seg_verdict verdict = blame_tss(seg_check_ldt(sel, desc));

	if (verdict.vector == DESCRY_VEC_NP)
		verdict.vector = DESCRY_VEC_TS;
	return verdict;
}

/*
 * The order of SDM vol. 3, Exception Conditions Checked During a Task Switch: presence comes
 * before both privileges.
 */
struct seg_verdict
seg_check_task_stack(uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	const unsigned dpl = descry_segment_dpl(desc);

	if (seg_is_null(sel))
		return deny(SEG_NULL, DESCRY_VEC_TS, 0);
	if (!descry_segment_is_writable(desc))
		return deny(SEG_WRONG_TYPE, DESCRY_VEC_TS, sel);
	if (!is_present(desc))
		return deny(SEG_NOT_PRESENT, DESCRY_VEC_SS, sel);
	if (dpl != cpl || dpl != rpl_of(sel))
		return deny(SEG_PRIVILEGE, DESCRY_VEC_TS, sel);
	return allow();
}

struct seg_verdict
seg_check_task_data(uint16_t sel, const struct descry_segment *desc, unsigned cpl)
{
	return blame_tss(seg_check_data(sel, desc, cpl));
}

/* As a return that may go to any ring would load it. */
struct seg_verdict
seg_check_task_code(uint16_t sel, const struct descry_segment *desc)
{
	return blame_tss(seg_check_code_return(sel, desc, 0));
}

/* --- one access ----------------------------------------------------------------------- */

/*
 * With PE=0 the type of CS is not enforced unless a knob says so: it can be read and
 * written even if it was loaded as execute-only code. The type of a data segment that
 * comes from protected mode holds in real mode, too (Collins, "Descriptor Cache Register
 * Anomalies").
 */
static bool
type_enforced(enum seg_route route, const struct seg_access_rules *rules)
{
	return route != SEG_THROUGH_CS || rules->protected_mode || rules->cs_write_enforced;
}

static enum seg_rule
type_rule(const struct descry_segment *seg, enum descry_access access)
{
	switch (access) {
	case DESCRY_READ:
		return descry_segment_is_readable(seg) ? SEG_OK : SEG_NOT_READABLE;
	case DESCRY_WRITE:
		return descry_segment_is_writable(seg) ? SEG_OK : SEG_NOT_WRITABLE;
	case DESCRY_FETCH:
		/* CS by its nature; V86 and early real mode have data types there. */
		return SEG_OK;
	}
	return SEG_OK;
}

/* The valid offsets lie above the limit. (SDM vol. 3, Limit Checking) */
static enum seg_rule
expand_down_rule(const struct descry_segment *seg, uint32_t first, uint64_t last)
{
	const uint32_t upper = seg->attr & DESCRY_ATTR_DB ? UINT32_MAX : UINT16_MAX;

	if (first <= seg->limit)
		return SEG_BELOW_EXPAND_DOWN;
	return last > upper ? SEG_BEYOND_LIMIT : SEG_OK;
}

/*
 * The manual leaves it open whether an access that wraps faults when the limit is
 * FFFFFFFFh: limit.wrap4g decides. Under any smaller limit the wrapped end is beyond.
 */
static enum seg_rule
limit_rule(const struct descry_segment *seg, uint32_t offset, unsigned size,
	   const struct seg_access_rules *rules)
{
	const uint64_t last = (uint64_t)offset + size - 1;

	if (descry_segment_is_expand_down(seg))
		return expand_down_rule(seg, offset, last);
	if (seg->limit == UINT32_MAX)
		return last > UINT32_MAX && rules->wrap4g_faults ? SEG_WRAPS : SEG_OK;
	return last > seg->limit ? SEG_BEYOND_LIMIT : SEG_OK;
}

/* SDM vol. 3, Interrupt 17 - Alignment Check Exception: of the linear address, and not of code. */
static bool
is_misaligned(const struct descry_segment *seg, uint32_t offset, unsigned size,
	      enum descry_access access)
{
	return access != DESCRY_FETCH && ((uint32_t)seg->base + offset) & (size - 1);
}

struct seg_verdict
seg_check_access(const struct descry_segment *seg, uint32_t offset, unsigned size,
		 enum descry_access access, enum seg_route route,
		 const struct seg_access_rules *rules)
{
	const bool is_stack_fault = route == SEG_THROUGH_SS && !rules->stack_is_gp;
	const enum descry_vector vector = is_stack_fault ? DESCRY_VEC_SS : DESCRY_VEC_GP;
	enum seg_rule rule;

	assert(size > 0);

	if (rules->no_limits)
		return allow();

	if (!descry_segment_usable(seg))
		return deny(SEG_UNUSABLE, vector, 0);
	rule = type_enforced(route, rules) ? type_rule(seg, access) : SEG_OK;
	if (rule == SEG_OK)
		rule = limit_rule(seg, offset, size, rules);
	if (rule != SEG_OK)
		return deny(rule, vector, 0);
	if (rules->alignment && is_misaligned(seg, offset, size, access))
		return deny(SEG_MISALIGNED, DESCRY_VEC_AC, 0);
	return allow();
}
