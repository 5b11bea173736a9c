/*
 * Where a cached base, limit or attr came from. Kept beside the state, one record for
 * each of the three fields of each segment: a load in real mode writes the base and
 * leaves the limit that something else loaded long before. Owned by vcpu.
 */
#ifndef DESCRY_PROVENANCE_H
#define DESCRY_PROVENANCE_H

#include <stdint.h>

enum descry_cause {
	DESCRY_CAUSE_RESET,
	DESCRY_CAUSE_START, /* the start state that an image gets */
	DESCRY_CAUSE_MOV,
	DESCRY_CAUSE_POP,
	DESCRY_CAUSE_FAR_LOAD, /* LDS LES LFS LGS LSS */
	DESCRY_CAUSE_FAR_JMP,
	DESCRY_CAUSE_FAR_CALL,
	DESCRY_CAUSE_FAR_RET,
	DESCRY_CAUSE_INTERRUPT, /* delivery of an interrupt or exception */
	DESCRY_CAUSE_IRET,
	DESCRY_CAUSE_LLDT,
	DESCRY_CAUSE_LTR,
	DESCRY_CAUSE_SYSENTER,
	DESCRY_CAUSE_SYSEXIT,
	DESCRY_CAUSE_WRMSR, /* of FS.base or GS.base, or WRFSBASE and the like: the base alone */
	DESCRY_CAUSE_LOADALL,
	DESCRY_CAUSE_SMI,
	DESCRY_CAUSE_RSM,
	DESCRY_CAUSE_INIT,
	DESCRY_CAUSE_TASK_SWITCH, /* by hardware, through a TSS */
	DESCRY_CAUSE_VM_EXIT,     /* host state forced by a VMX or SVM exit */
	DESCRY_CAUSE_VM_ENTRY,    /* guest state given back by VMLAUNCH, VMRUN or VMLOAD */
	DESCRY_CAUSE_DEBUGGER,
	DESCRY_CAUSE_IMPORT, /* from a file that another program may have written */
	DESCRY_CAUSE_COUNT
};

enum descry_mode { DESCRY_MODE_REAL, DESCRY_MODE_PROTECTED, DESCRY_MODE_V86, DESCRY_MODE_COUNT };

/* What the value was read from. */
enum descry_origin {
	DESCRY_ORIGIN_FIXED,    /* constants of the architecture */
	DESCRY_ORIGIN_SELECTOR, /* selector * 16, or the null selector */
	DESCRY_ORIGIN_GDT,
	DESCRY_ORIGIN_LDT,
	DESCRY_ORIGIN_RECORD, /* a VMCS, VMCB or other saved image of the cache itself */
	DESCRY_ORIGIN_COUNT
};

struct descry_provenance {
	uint64_t retired; /* state.retired when it happened */
	uint64_t ip;      /* of the instruction that did it */
	uint64_t raw;     /* the descriptor that was read; 0 when none was */
	uint64_t table;   /* linear base of the table it was read from; 0 when none was */
	uint16_t cs;
	uint16_t sel;   /* the selector that was loaded: the table slot, with TI and RPL */
	uint8_t cause;  /* enum descry_cause */
	uint8_t mode;   /* enum descry_mode */
	uint8_t origin; /* enum descry_origin */
	/*
	 * Who did it: DESCRY_STEP_*, or the host: 2 to 7 at X2 to X7 of a switch, 9 at a change of
	 * mode (DESCRY_WORLD_MODE).
	 */
	uint8_t step;
};

#define DESCRY_STEP_GUEST 0u
#define DESCRY_STEP_PERSON                                                                         \
	255u /* who typed `load`: by the rules of an instruction, and not forced */

_Static_assert(sizeof(struct descry_provenance) == 40, "snapshots depend on it");

struct descry_segment_provenance {
	struct descry_provenance base, limit, attr;
};

const char *descry_cause_text(enum descry_cause cause); /* "mov", "pop", "iret", ... */
const char *descry_mode_text(enum descry_mode mode);    /* "real", "protected", "v86" */
const char *descry_origin_text(enum descry_origin origin);

#endif
