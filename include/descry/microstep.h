/*
 * Micro-steps: what the CPU does, one thing at a time, on the way into an interrupt handler
 * and back, through a gate, or from task to task. A run records them when its control block
 * hands in a log. A step that faults is the last of its way; what follows delivers the
 * fault. Owned by vcpu.
 */
#ifndef DESCRY_MICROSTEP_H
#define DESCRY_MICROSTEP_H

#include <descry/vcpu.h>

/* In the order of their numbers within a group; microstep.c has their names and phrases. */
enum descry_micro {
	DESCRY_MICRO_I1, /* what an instruction does that has no micro-steps of its own */

	/* Interrupt delivery in real mode, and IRET there. */
	DESCRY_MICRO_RM1,
	DESCRY_MICRO_RM2,
	DESCRY_MICRO_RM3,
	DESCRY_MICRO_RM4,
	DESCRY_MICRO_RM5,
	DESCRY_MICRO_RM6,
	DESCRY_MICRO_RR1,
	DESCRY_MICRO_RR2,
	DESCRY_MICRO_RR3,

	/* Interrupt delivery in protected and virtual-8086 mode. */
	DESCRY_MICRO_PM1,
	DESCRY_MICRO_PM2,
	DESCRY_MICRO_PM3,
	DESCRY_MICRO_PM4,
	DESCRY_MICRO_PM5,
	DESCRY_MICRO_PM6,
	DESCRY_MICRO_PM7,
	DESCRY_MICRO_PM8,
	DESCRY_MICRO_PM9,
	DESCRY_MICRO_PM10,
	DESCRY_MICRO_PM11,
	DESCRY_MICRO_PM12,
	DESCRY_MICRO_PM13,
	DESCRY_MICRO_PM14,
	DESCRY_MICRO_PM15,

	/* IRET in protected mode. */
	DESCRY_MICRO_PI1,
	DESCRY_MICRO_PI2,
	DESCRY_MICRO_PI3,
	DESCRY_MICRO_PI4,
	DESCRY_MICRO_PI5,
	DESCRY_MICRO_PI6,
	DESCRY_MICRO_PI7,

	/* IRET to virtual-8086 mode, behind PI2. */
	DESCRY_MICRO_VR1,
	DESCRY_MICRO_VR2,
	DESCRY_MICRO_VR3,

	/* INT n in virtual-8086 mode through the redirection bitmap (CR4.VME). */
	DESCRY_MICRO_VM1,
	DESCRY_MICRO_VM2,
	DESCRY_MICRO_VM3,
	DESCRY_MICRO_VM4,
	DESCRY_MICRO_VM5,
	DESCRY_MICRO_VM6,

	/* Far JMP and CALL to a code segment. */
	DESCRY_MICRO_FT1,
	DESCRY_MICRO_FT2,
	DESCRY_MICRO_FT3,
	DESCRY_MICRO_FT4,

	/* Far RET. */
	DESCRY_MICRO_FR1,
	DESCRY_MICRO_FR2,
	DESCRY_MICRO_FR3,
	DESCRY_MICRO_FR4,
	DESCRY_MICRO_FR5,

	/* Call gate, behind FT1. */
	DESCRY_MICRO_CG1,
	DESCRY_MICRO_CG2,
	DESCRY_MICRO_CG3,
	DESCRY_MICRO_CG4,
	DESCRY_MICRO_CG5,
	DESCRY_MICRO_CG6,
	DESCRY_MICRO_CG7,
	DESCRY_MICRO_CG8,
	DESCRY_MICRO_CG9,

	/* Task switch. */
	DESCRY_MICRO_TS1,
	DESCRY_MICRO_TS2,
	DESCRY_MICRO_TS3,
	DESCRY_MICRO_TS4,
	DESCRY_MICRO_TS5,
	DESCRY_MICRO_TS6,
	DESCRY_MICRO_TS7,
	DESCRY_MICRO_TS8,
	DESCRY_MICRO_TS9,
	DESCRY_MICRO_TS10,
	DESCRY_MICRO_TS11,
	DESCRY_MICRO_TS12,

	/* Entry to system management mode, and RSM. */
	DESCRY_MICRO_SM1,
	DESCRY_MICRO_SM2,
	DESCRY_MICRO_SM3,
	DESCRY_MICRO_SR1,
	DESCRY_MICRO_SR2,

	DESCRY_MICRO_COUNT
};

const char *descry_micro_name(enum descry_micro id); /* "PM8" */
const char *descry_micro_text(enum descry_micro id); /* "the inner stack from the TSS" */

/* Memory that a step has read or written, by linear address; not the fetch of instructions. */
struct descry_micro_access {
	uint64_t value;
	uint32_t linear;
	uint8_t size; /* 1 to 8 bytes */
	bool write;
};

struct descry_micro_step {
	struct descry_state state; /* after it */
	enum descry_micro id;
	uint8_t vector;            /* that is being delivered; DESCRY_VEC_NONE: none is */
	struct descry_fault fault; /* that it has ended with; vector DESCRY_VEC_NONE: with none */
	size_t first_access, access_count;
};

#define DESCRY_MICRO_STEPS 128u
#define DESCRY_MICRO_ACCESSES 1024u

/*
 * Of one run, which should be of one instruction: its budget is 1. What does not fit is
 * left out and makes lost true.
 */
struct descry_micro_log {
	struct descry_state before;
	struct descry_micro_step step[DESCRY_MICRO_STEPS];
	struct descry_micro_access access[DESCRY_MICRO_ACCESSES];
	size_t count, access_count;
	bool lost;

	/* While it is being written: */
	bool is_open;           /* the newest step has not ended yet */
	enum descry_micro then; /* follows when the descriptor has been read, or I1 */
	uint8_t vector;
	uint32_t ip;
};

#endif
