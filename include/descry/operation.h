/*
 * Architectural operations without an instruction in guest memory: what host code does
 * to the CPU during a world switch, and what a person asks for with `load fs 0x10`.
 * Each goes through the very rules that instructions go through, touches the guest's or
 * the host's tables as they would, and either takes effect whole or returns false with
 * the fault and no register changed. Owned by vcpu.
 */
#ifndef DESCRY_OPERATION_H
#define DESCRY_OPERATION_H

#include <descry/vcpu.h>

/*
 * Who does the operations that follow: DESCRY_STEP_GUEST, DESCRY_STEP_PERSON, or a step of a world
 * switch: the host. It becomes .step of the provenance that they write.
 */
void descry_op_set_step(struct descry_vcpu *vcpu, unsigned step);

/* MOV Sreg, or LLDT / LTR for those two. CS by far jump. */
DESCRY_MUST_CHECK bool descry_op_load_segment(struct descry_vcpu *vcpu, enum descry_sreg sreg,
					      uint16_t sel, enum descry_cause cause,
					      struct descry_fault *fault);

/* MOV CR0 at CPL 0. Touches no segment. */
DESCRY_MUST_CHECK bool descry_op_write_cr0(struct descry_vcpu *vcpu, uint32_t value,
					   struct descry_fault *fault);

void descry_op_load_gdtr(struct descry_vcpu *vcpu, uint64_t base, uint32_t limit);
void descry_op_load_idtr(struct descry_vcpu *vcpu, uint64_t base, uint32_t limit);

/* MOV CR3 at CPL 0. With PAE its page directories are read: #GP(0). */
DESCRY_MUST_CHECK bool descry_op_write_cr3(struct descry_vcpu *vcpu, uint32_t value,
					   struct descry_fault *fault);

/*
 * What a VM entry or exit does that has no tag for its translations: all of them go, those of
 * global pages too. (SDM vol. 3, Operations that Invalidate Cached Mappings; APM vol. 2, TLB
 * Control.)
 */
void descry_op_flush_tlb(struct descry_vcpu *vcpu);

/*
 * ES to GS as virtual-8086 mode loads it, in whatever mode: base sel * 16, limit FFFFh,
 * attr 00F3h (SDM vol. 3, Segment Registers in virtual-8086 mode; VM entry asks for the same).
 */
void descry_op_load_v86(struct descry_vcpu *vcpu, enum descry_sreg sreg, uint16_t sel);

/*
 * WRMSR of FS_BASE or GS_BASE, or WRFSBASE: the base of FS or GS and nothing else (APM vol. 2, FS
 * and GS Registers in 64-Bit Mode). A cause of its own: wrmsr.
 */
void descry_op_write_base(struct descry_vcpu *vcpu, enum descry_sreg sreg, uint64_t base);

/* --- interrupt and return --------------------------------------------------------------- */

/*
 * What an interrupt leaves for the way back, kept in host memory and 32 bits wide in every mode:
 * in the middle of a repeat flags has RF set, as a pushed image has.
 */
struct descry_frame {
	uint32_t ip, flags;
	uint16_t cs;
	bool outer; /* from an outer ring or virtual-8086 mode: ss and sp are part of it */
	uint16_t ss;
	uint32_t sp;
	uint16_t es, ds, fs, gs; /* part of it if flags has VM set */
};

/*
 * An interrupt to a handler of the host at cs:0, as far as it needs no IDT and no stack: the
 * frame goes to the caller, ESP stays, and so do halt, shadow and NMI blocking. With PE=0
 * CS is loaded by the rule of real mode; ss is not looked at. With PE=1 cs goes by the rules of an
 * interrupt gate, from an outer ring and from virtual-8086 mode ss by those of the stack that a TSS
 * names, and out of the latter DS ES FS GS become null. IF TF RF, with PE=0 AC, with PE=1 NT and
 * VM are cleared; rip is 0. A fault is formed as in delivery of an external interrupt: EXT set.
 * (SDM vol. 3, Exception- or Interrupt-Handler Procedures; Real-Address Mode, Interrupt and
 * Exception Handling; Interrupt and Exception Handling in virtual-8086 mode.)
 */
DESCRY_MUST_CHECK bool descry_op_interrupt(struct descry_vcpu *vcpu, uint16_t cs, uint16_t ss,
					   struct descry_frame *frame, struct descry_fault *fault);

/*
 * IRETD to such a frame: CS is loaded again by the rules of the current mode, and as the tables are
 * now; so is SS on the way to an outer ring, where DS ES FS GS that it may not use become null;
 * into virtual-8086 mode all six are. NT is not looked at, and NMI blocking stays. A frame that is
 * not outer leads to the same ring or ends in #GP(cs). (SDM vol. 2, IRET; vol. 3, Entering
 * Virtual-8086 Mode.)
 */
DESCRY_MUST_CHECK bool descry_op_iret(struct descry_vcpu *vcpu, const struct descry_frame *frame,
				      struct descry_fault *fault);

/* --- a task switch by hardware ---------------------------------------------------------- */

/*
 * An interrupt through a task gate that names this TSS; and IRET with NT set out of the task that
 * it has started, back along the link of that one's TSS (SDM vol. 3, Task Switching; Nested
 * Tasks). The old task's registers go into the TSS that TR caches, its segments as selectors, but
 * not LDTR; the new task's come out of its own. With PE=0 it is #UD, and so is the IRET with VM=1.
 * A fault of the old task has changed nothing. One of the new task is found behind the point of no
 * return: *in_new_task is set, the registers are the new task's, and what could not be loaded is
 * unusable.
 */
DESCRY_MUST_CHECK bool descry_op_task_interrupt(struct descry_vcpu *vcpu, uint16_t tss,
						bool *in_new_task, struct descry_fault *fault);
DESCRY_MUST_CHECK bool descry_op_task_return(struct descry_vcpu *vcpu, bool *in_new_task,
					     struct descry_fault *fault);

/* --- all registers at once -------------------------------------------------------------- */

/*
 * An SMI, taken at this boundary: the save map of the profile is written to SMRAM at state.smbase,
 * which the caller may set before, and ES to GS become those of SMM. False, with nothing changed:
 * the CPU has no SMM (knob smm.map), is in it, or an interrupt shadow holds the SMI off. (SDM vol.
 * 3, Entering SMM; Initial SMM Execution Environment.)
 */
DESCRY_MUST_CHECK bool descry_op_smi(struct descry_vcpu *vcpu);

/*
 * RSM: every register from the save map, SMBASE too; no table is read. False: #UD outside SMM, or,
 * with DESCRY_VEC_NONE, a map on which the CPU would shut down; nothing has changed. (SDM
 * vol. 3, Exiting From SMM.)
 */
DESCRY_MUST_CHECK bool descry_op_rsm(struct descry_vcpu *vcpu, struct descry_fault *fault);

/*
 * LOADALL from a table in host memory, of the layout of descry_loadall_format(): every register
 * that it has, and no table is read. False: #UD, the CPU has not this one (knob loadall), or
 * #GP(0), CPL is not 0. (Undocumented: vcpu/exchange_loadall.c names the sources.)
 */
DESCRY_MUST_CHECK bool descry_op_loadall(struct descry_vcpu *vcpu, enum descry_loadall which,
					 const uint8_t *table, struct descry_fault *fault);

#endif
