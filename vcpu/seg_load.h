/*
 * Loading a segment register: find the next content and check it (resolve), then put
 * it in place with its provenance (commit). Between the two an instruction makes the
 * rest of its checks; nothing after a commit may fault. Private to vcpu.
 */
#ifndef DESCRY_SEG_LOAD_H
#define DESCRY_SEG_LOAD_H

#include "cpu.h"

/* On which way a descriptor gets into a register: which check of seg_check.h applies. */
enum seg_path {
	SEG_PATH_DATA = 1,
	SEG_PATH_STACK,
	SEG_PATH_STACK_RETURN, /* RETF, IRET to an outer ring */
	SEG_PATH_STACK_INNER,  /* from the TSS */
	SEG_PATH_JUMP,         /* direct far JMP, CALL */
	SEG_PATH_RETURN,       /* RETF, IRET */
	SEG_PATH_GATE,         /* interrupt or trap gate */
	SEG_PATH_GATE_V86,     /* the same, out of virtual-8086 mode */
	SEG_PATH_LDT,
	SEG_PATH_TSS,
	SEG_PATH_TASK_LDT, /* out of the TSS, by a task switch */
	SEG_PATH_TASK_STACK,
	SEG_PATH_TASK_DATA,
	SEG_PATH_TASK_CODE,
};

/* On false c->fault is set. DS ES FS GS, and SS by MOV, POP, LSS. */
DESCRY_MUST_CHECK bool seg_resolve(struct cpu *c, enum descry_sreg sreg, uint16_t sel,
				   struct seg_loading *out);

/* CS by JUMP or RETURN, with RPL as the CPU leaves it in the selector. */
DESCRY_MUST_CHECK bool seg_resolve_code(struct cpu *c, uint16_t sel, enum seg_path path,
					struct seg_loading *out);

/* CS out of an interrupt or trap gate: always a descriptor, in V86 too. */
DESCRY_MUST_CHECK bool seg_resolve_gate_code(struct cpu *c, uint16_t sel, struct seg_loading *out);

/* Any of the six as virtual-8086 mode loads it: nothing is asked and nothing can fault. */
void seg_load_fixed(struct cpu *c, enum descry_sreg sreg, uint16_t sel, enum descry_cause cause);

/* The null selector into DS, ES, FS or GS. */
void seg_make_null(struct cpu *c, enum descry_sreg sreg, enum descry_cause cause);

/* SS on the way to another ring, protected mode. */
DESCRY_MUST_CHECK bool seg_resolve_stack_return(struct cpu *c, uint16_t sel, unsigned new_cpl,
						struct seg_loading *out);
DESCRY_MUST_CHECK bool seg_resolve_stack_inner(struct cpu *c, uint16_t sel, unsigned new_cpl,
					       struct seg_loading *out);

DESCRY_MUST_CHECK bool seg_resolve_ldt(struct cpu *c, uint16_t sel, struct seg_loading *out);
DESCRY_MUST_CHECK bool seg_resolve_tss(struct cpu *c, uint16_t sel, struct seg_loading *out);

/* Any but TR by a task switch, in the new task, whose CPL the RPL of its CS gives. */
DESCRY_MUST_CHECK bool seg_resolve_task(struct cpu *c, enum descry_sreg sreg, uint16_t sel,
					unsigned cpl, struct seg_loading *out);

/*
 * A load sets accessed, or busy, in the cache and in the table (SDM vol. 3, Segment
 * Descriptors, TSS Descriptor). Is the byte of the descriptor that holds type, S, DPL and P
 * not yet as the cache will have it? Then the commit writes it.
 */
static inline bool
seg_settle_marks(struct seg_loading *loading)
{
	if ((uint8_t)loading->seg.attr == (uint8_t)(loading->raw >> 40))
		return false;
	loading->fields |= SEG_MARKS;
	return true;
}

/* Sets the accessed bit (a TSS: the busy bit) in the table, then writes the register. */
void seg_commit(struct cpu *c, enum descry_sreg sreg, const struct seg_loading *from,
		enum descry_cause cause);

/*
 * Both in one, for DS ES FS GS SS by an instruction that checks nothing in between. The
 * descriptor is read; if it is the one that the register was last loaded from, that is all.
 */
DESCRY_MUST_CHECK bool seg_load(struct cpu *c, enum descry_sreg sreg, uint16_t sel,
				enum descry_cause cause);

/* The event of a load, while such are recorded: cpu_records(). */
void seg_record_load(struct cpu *c, enum descry_sreg sreg, uint16_t sel);

/* DS ES FS GS on a return to an outer ring (SDM vol. 2, RET): what the new CPL may not use. */
void seg_null_for_outer_ring(struct cpu *c, unsigned new_cpl, enum descry_cause cause);

/* Reads the descriptor of a non-null selector. On false c->fault is set. */
DESCRY_MUST_CHECK bool seg_fetch(struct cpu *c, uint16_t sel, struct seg_loading *out);

#endif
