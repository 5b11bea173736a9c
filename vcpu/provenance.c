/*
 * The records of who loaded what, and their words.
 */
#include "provenance.h"

const char *
descry_cause_text(enum descry_cause cause)
{
	static const char *const texts[DESCRY_CAUSE_COUNT] = {
		[DESCRY_CAUSE_RESET] = "reset",
		[DESCRY_CAUSE_START] = "start",
		[DESCRY_CAUSE_MOV] = "mov",
		[DESCRY_CAUSE_POP] = "pop",
		[DESCRY_CAUSE_FAR_LOAD] = "far load",
		[DESCRY_CAUSE_FAR_JMP] = "far jmp",
		[DESCRY_CAUSE_FAR_CALL] = "far call",
		[DESCRY_CAUSE_FAR_RET] = "far ret",
		[DESCRY_CAUSE_INTERRUPT] = "interrupt",
		[DESCRY_CAUSE_IRET] = "iret",
		[DESCRY_CAUSE_LLDT] = "lldt",
		[DESCRY_CAUSE_LTR] = "ltr",
		[DESCRY_CAUSE_SYSENTER] = "sysenter",
		[DESCRY_CAUSE_SYSEXIT] = "sysexit",
		[DESCRY_CAUSE_WRMSR] = "wrmsr",
		[DESCRY_CAUSE_LOADALL] = "loadall",
		[DESCRY_CAUSE_SMI] = "smi",
		[DESCRY_CAUSE_RSM] = "rsm",
		[DESCRY_CAUSE_INIT] = "init",
		[DESCRY_CAUSE_TASK_SWITCH] = "task switch",
		[DESCRY_CAUSE_VM_EXIT] = "vm exit",
		[DESCRY_CAUSE_VM_ENTRY] = "vm entry",
		[DESCRY_CAUSE_DEBUGGER] = "debugger",
		[DESCRY_CAUSE_IMPORT] = "import",
	};

	return texts[cause];
}

const char *
descry_mode_text(enum descry_mode mode)
{
	static const char *const texts[DESCRY_MODE_COUNT] = {
		[DESCRY_MODE_REAL] = "real",
		[DESCRY_MODE_PROTECTED] = "protected",
		[DESCRY_MODE_V86] = "v86",
	};

	return texts[mode];
}

const char *
descry_origin_text(enum descry_origin origin)
{
	static const char *const texts[DESCRY_ORIGIN_COUNT] = {
		[DESCRY_ORIGIN_FIXED] = "fixed",   [DESCRY_ORIGIN_SELECTOR] = "selector",
		[DESCRY_ORIGIN_GDT] = "gdt",       [DESCRY_ORIGIN_LDT] = "ldt",
		[DESCRY_ORIGIN_RECORD] = "record",
	};

	return texts[origin];
}

/* --- records --------------------------------------------------------------------------- */

void
cpu_note_load(struct cpu *c, enum descry_sreg sreg, const struct seg_loading *from,
	      enum descry_cause cause)
{
	struct descry_segment_provenance *to = &c->provenance[sreg];

	if ((from->fields & SEG_FIELDS_ALL) == SEG_FIELDS_ALL) {
		cpu_note_whole_load(c, sreg, from, cause);
		return;
	}
	cpu_settle_provenance(c);
	if (from->fields & SEG_FIELD_BASE)
		write_record(c, &to->base, from, cause);
	if (from->fields & SEG_FIELD_LIMIT)
		write_record(c, &to->limit, from, cause);
	if (from->fields & SEG_FIELD_ATTR)
		write_record(c, &to->attr, from, cause);
}

void
cpu_settle_provenance(struct cpu *c)
{
	for (unsigned sreg = 0; c->unsettled; sreg++, c->unsettled >>= 1)
		if (c->unsettled & 1)
			c->provenance[sreg].base = c->provenance[sreg].limit =
				c->provenance[sreg].attr = c->newest_load[sreg];
}
