/*
 * A world switch in flight, and what a strategy is made of. A step is a function that does
 * to the CPU what the host does at that point, notes it in the trace, and keeps the
 * record of saved fields true.
 */
#ifndef DESCRY_WORLD_SWITCH_H
#define DESCRY_WORLD_SWITCH_H

#include "world/svm_vmcb.h"
#include "world/vmx_vmcs.h"

#include <descry/operation.h>
#include <descry/world.h>

#define WORLD_GPRS 8u

/* What host software writes down in its own memory. */
struct world_frame {
	uint32_t gpr[WORLD_GPRS];
	uint32_t flags, ip, cr0;
	uint16_t sel[DESCRY_DATA_SREG_COUNT];
	struct descry_table gdtr, idtr;
};

struct world_switch {
	struct descry_monitor *monitor;
	struct descry_vcpu *vcpu;
	const struct world_strategy *strategy;
	struct descry_world_trace *trace;
	struct descry_world_step *step; /* the one being carried out */
	struct descry_world_record record;
	struct world_frame frame;
	struct vmcs vmcs;
	struct vmcb vmcb;
};

/* False: the switch has ended here, by world_refuse() or world_host_fault(). */
typedef bool world_step_fn(struct world_switch *sw);

struct world_strategy {
	struct descry_strategy row;              /* first: the public face of the same row */
	const struct descry_segment *host_fs;    /* NULL: no host code runs on the guest's CPU */
	world_step_fn *accept;                   /* at X1: will it take this guest? */
	world_step_fn *step[DESCRY_WORLD_STEPS]; /* by number, X2 to X7; NULL: nothing to do */
};

const struct world_strategy *world_strategy_of(const struct descry_strategy *row);

/* Carries a host interrupt through X1 to X7. The CPU stands at an instruction boundary. */
void world_switch_run(struct descry_monitor *monitor, const struct descry_strategy *strategy,
		      struct descry_world_trace *trace);

/* Starts a step of a trace, and ends it with the state of the CPU. */
struct descry_world_step *world_step_begin(struct descry_world_trace *trace, unsigned number);
void world_step_capture(struct descry_world_step *step, const struct descry_vcpu *vcpu);

/* --- for the steps -------------------------------------------------------------------- */

const struct descry_state *world_state(const struct world_switch *sw);

void world_step_note(struct descry_world_step *step, const char *format, ...) DESCRY_PRINTF(2, 3);

/* Both return false, so that a step ends with: return world_refuse(sw, ...). */
bool world_refuse(struct world_switch *sw, const char *format, ...) DESCRY_PRINTF(2, 3);
bool world_host_fault(struct world_switch *sw, const struct descry_fault *fault, const char *what);

/* The record holds these fields of sreg, as the guest has them at this moment. */
void world_hold(struct world_switch *sw, enum descry_sreg sreg, unsigned fields);

/* --- steps that families share -------------------------------------------------------- */

/* X3: the general registers, for hosts whose hardware saves the rest. */
bool world_save_gprs(struct world_switch *sw);
/* X5: the host computes. It clobbers every general register and no segment. */
bool world_monitor_body(struct world_switch *sw);
/* X6: the general registers from the frame. */
bool world_restore_gprs(struct world_switch *sw);

/* --- the steps of each family --------------------------------------------------------- */

world_step_fn selector_accept_real, selector_accept_ring0;
world_step_fn selector_x2, selector_x3, selector_x4, selector_x6_real, selector_x6_guest_gdt,
	selector_x7;

world_step_fn vmx_x2, vmx_x4, vmx_x7;

world_step_fn svm_x2, svm_x3_vmsave, svm_x4, svm_x6_vmload, svm_x7;

world_step_fn refuse_accept;

#endif
