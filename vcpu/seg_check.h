/*
 * The rules of segmentation as pure functions: values in, verdict out, no state touched.
 * The executor, the reload preview, `why`, the audit and the tests call these and nothing
 * else decides. The tests run in the order in which the CPU makes them.
 *
 * Error codes are formed as SDM vol. 3, Error Code says, without EXT: whoever delivers an
 * external event adds it. A selector that needs no descriptor (null, or a local one where
 * only the global table will do) is judged without looking at desc.
 */
#ifndef DESCRY_SEG_CHECK_H
#define DESCRY_SEG_CHECK_H

#include <descry/vcpu.h>

enum seg_rule {
	SEG_OK,
	SEG_NULL,
	SEG_BEYOND_TABLE,
	SEG_NO_LOCAL_TABLE, /* TI set and LDTR unusable */
	SEG_LOCAL_SELECTOR, /* TI set where only the GDT will do: LLDT, LTR */
	SEG_WRONG_TYPE,
	SEG_PRIVILEGE,
	SEG_NOT_PRESENT,
	SEG_UNUSABLE,
	SEG_BEYOND_LIMIT,
	SEG_BELOW_EXPAND_DOWN, /* at or below the limit of an expand-down segment */
	SEG_WRAPS,             /* past FFFFFFFFh, where limit.wrap4g says that faults */
	SEG_NOT_READABLE,
	SEG_NOT_WRITABLE,
	SEG_NOT_RECOGNIZED, /* LLDT and LTR outside protected mode */
	SEG_BUSY,           /* a TSS that a task switch may not enter again */
	SEG_NOT_BUSY,       /* a TSS that IRET cannot go back to */
	SEG_TSS_TOO_SHORT,
	SEG_MISALIGNED,
	SEG_RULE_COUNT
};

struct seg_verdict {
	enum seg_rule rule;
	uint8_t vector; /* DESCRY_VEC_NONE with SEG_OK */
	uint16_t error_code;
};

/* A phrase that follows a colon: "beyond the limit", "null selector". */
const char *seg_rule_text(enum seg_rule rule);

static inline bool
seg_is_null(uint16_t sel)
{
	return (sel & (uint16_t)~DESCRY_SEL_RPL) == 0;
}

/* --- the table ------------------------------------------------------------------------ */

struct seg_verdict seg_check_table(uint16_t sel, uint32_t table_limit);

/*
 * Where the descriptor of a non-null selector lies: in the GDT, or in the LDT as LDTR
 * caches it. linear is written only with SEG_OK. For a stack taken from the TSS the
 * caller turns #GP into #TS.
 */
struct seg_verdict seg_check_slot(const struct descry_state *state, uint16_t sel, uint64_t *linear);

/* --- loads: desc as descry_segment_from_descriptor() gives it ------------------------- */

/* DS, ES, FS, GS. A null selector is allowed. */
struct seg_verdict seg_check_data(uint16_t sel, const struct descry_segment *desc, unsigned cpl);

/* SS by MOV, POP, LSS. */
struct seg_verdict seg_check_stack(uint16_t sel, const struct descry_segment *desc, unsigned cpl);

/* SS popped by RETF or IRET to an outer ring. */
struct seg_verdict seg_check_stack_return(uint16_t sel, const struct descry_segment *desc,
					  unsigned new_cpl);

/* SS from the TSS on the way to an inner ring. */
struct seg_verdict seg_check_stack_inner(uint16_t sel, const struct descry_segment *desc,
					 unsigned new_cpl);

/* CS by a direct far JMP or CALL; a gate is SEG_WRONG_TYPE here. */
struct seg_verdict seg_check_code_jump(uint16_t sel, const struct descry_segment *desc,
				       unsigned cpl);

/* CS popped by RETF or IRET; the new CPL is the RPL. */
struct seg_verdict seg_check_code_return(uint16_t sel, const struct descry_segment *desc,
					 unsigned cpl);

/* CS out of an interrupt or trap gate. */
struct seg_verdict seg_check_code_gate(uint16_t sel, const struct descry_segment *desc,
				       unsigned cpl, bool from_v86);

/*
 * Does a register keep its segment when RETF or IRET goes to an outer ring? (SDM vol. 2, RET:
 * data and non-conforming code with less DPL than the new CPL are emptied.)
 */
bool seg_survives_outer_return(const struct descry_segment *seg, unsigned new_cpl);

/* LLDT. A null selector is allowed. */
struct seg_verdict seg_check_ldt(uint16_t sel, const struct descry_segment *desc);

/* LTR: an available TSS. */
struct seg_verdict seg_check_tss(uint16_t sel, const struct descry_segment *desc);

/* --- gates and tasks ------------------------------------------------------------------ */

/*
 * A call gate, a task gate or a TSS that a far JMP or CALL names. Whether a TSS is present is asked
 * later, by seg_check_task(): busy comes first there.
 */
struct seg_verdict seg_check_gate(uint16_t sel, const struct descry_segment *desc, unsigned cpl);

/* The TSS of a task to enter, or (is_return) to go back to by IRET. */
struct seg_verdict seg_check_task(uint16_t sel, const struct descry_segment *desc, bool is_return);

/*
 * The segments that a TSS names, judged in the new task; cpl is the RPL of its CS. Beyond
 * the table is for the caller to turn from #GP into #TS. Null: allowed in LDTR and data.
 */
struct seg_verdict seg_check_task_ldt(uint16_t sel, const struct descry_segment *desc);
struct seg_verdict seg_check_task_stack(uint16_t sel, const struct descry_segment *desc,
					unsigned cpl);
struct seg_verdict seg_check_task_data(uint16_t sel, const struct descry_segment *desc,
				       unsigned cpl);
struct seg_verdict seg_check_task_code(uint16_t sel, const struct descry_segment *desc);

/* --- one access, with the cache only -------------------------------------------------- */

struct seg_access_rules {
	bool protected_mode;    /* CR0.PE */
	bool cs_write_enforced; /* knob real.cs_write */
	bool wrap4g_faults;     /* knob limit.wrap4g */
	bool no_limits;         /* knob seg.limits: offsets wrap, and nothing is refused */
	bool stack_is_gp;       /* knob rm.stack_vector: through SS, too, a refusal is #GP */
	bool alignment;         /* CR0.AM, EFLAGS.AC, CPL 3: #AC where the address is no multiple */
};

/*
 * Through which kind of register an access goes. The first two have the values of a
 * `stack` truth value: sreg == DESCRY_SS is right wherever CS cannot occur.
 */
enum seg_route { SEG_THROUGH_DATA = false, SEG_THROUGH_SS = true, SEG_THROUGH_CS };

static inline enum seg_route
seg_route(enum descry_sreg sreg)
{
	return sreg == DESCRY_SS   ? SEG_THROUGH_SS
	       : sreg == DESCRY_CS ? SEG_THROUGH_CS
				   : SEG_THROUGH_DATA;
}

/*
 * size >= 1, and a power of two where alignment counts. A refusal through SS is #SS(0), through
 * any other #GP(0); one for alignment, which is looked at last, #AC(0).
 */
struct seg_verdict seg_check_access(const struct descry_segment *seg, uint32_t offset,
				    unsigned size, enum descry_access access, enum seg_route route,
				    const struct seg_access_rules *rules);

#endif
