/*
 * A world switch in flight, and what a strategy is made of. A strategy is two lists of
 * operations, for a guest with PE=0 and one with PE=1. An operation is one thing that the
 * host does to the CPU, or the CPU for it: it notes it in one line and keeps the record of
 * saved fields true. Between two of them the switch can stand still.
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
	struct descry_frame delivery;
	uint32_t gpr[WORLD_GPRS];
	uint32_t cr0;
	uint16_t sel[DESCRY_SREG_COUNT];
	struct descry_table gdtr, idtr;
};

/* How a user wants the host to be. */
struct world_settings {
	unsigned flaws; /* DESCRY_FLAW_BIT()s */
	size_t edit_count, slot_count;
	struct descry_world_edit edit[DESCRY_WORLD_EDITS];
	struct descry_world_slot slot[DESCRY_WORLD_SLOTS];
};

/* From now on the guest runs under this world; NULL: under none. */
void world_attach(struct descry_monitor *monitor, struct descry_world *world);

/* What the host keeps from one event to the next, to go with a snapshot. */
struct world_memory *world_memory_of(struct descry_world *world);

/* Those of a world; of NULL: none at all. */
const struct world_settings *world_settings_of(const struct descry_world *world);
void world_set_settings(struct descry_world *world, const struct world_settings *settings);

struct descry_monitor *world_monitor_of(const struct descry_world *world);

/* What it takes to carry the last switch out again. */
struct world_kept {
	struct descry_snapshot *guest; /* at X1; NULL: nothing was kept */
	struct world_settings settings;
};
const struct world_kept *world_kept_of(const struct descry_world *world);

/* What a host with a view of its own keeps from one event to the next. */
struct world_memory {
	struct descry_world_record copies;
	struct descry_segment held[DESCRY_SREG_COUNT]; /* while an instruction is interpreted: the
							* hardware's segments, */
	struct descry_segment lent[DESCRY_SREG_COUNT]; /* and those in their place */
};

struct world_switch {
	struct descry_monitor *monitor;
	struct descry_vcpu *vcpu;
	const struct world_strategy *strategy;
	const struct world_settings *settings;
	struct world_memory *memory;
	struct descry_world_trace *trace;
	const struct world_op *next;    /* the operation that is next */
	unsigned step;                  /* of the operation being carried out */
	char text[DESCRY_WORLD_TEXT];   /* its line; empty: it has done nothing */
	struct descry_vcpu_image guest; /* as it was at X1 */
	struct descry_world_record record;
	struct world_frame frame;
	uint32_t shadow_bytes; /* of the GDT that the host makes for the guest */
	struct vmcs vmcs;
	struct vmcb vmcb;
};

/*
 * False: the switch ends here, by world_refuse() or world_host_fault(). One that notes nothing has
 * had nothing to do, and is not in the trace.
 */
typedef bool world_op_fn(struct world_switch *sw, unsigned arg);

struct world_op {
	unsigned step; /* 2 to 7, ascending in a list */
	world_op_fn *run;
	unsigned arg;
};
/* clang-format off */
#define WORLD_OPS_END { 0, NULL, 0 }
/* clang-format on */

/*
 * A strategy whose hardware does not hold what the guest believes, from the moment at which the
 * guest changes CR0.PE.
 */
struct world_view {
	const struct world_op *leaves_pe; /* when the guest clears PE; NULL: nothing */
	const struct world_op *enters_pe;
	uint32_t vectors;       /* 1 << vector: with PE=0 the host interprets what raises these */
	world_op_fn *interpret; /* puts the segments in place for that; NULL: no vectors */
};

struct world_strategy {
	struct descry_strategy row;           /* first: the public face of the same row */
	const struct descry_segment *host_fs; /* NULL: no host code runs on the guest's CPU */
	bool on_386;         /* its host code, or its view, asks for segments and modes of a 386 */
	unsigned flaws;      /* mistakes that make this row what it is */
	world_op_fn *accept; /* at X1: does it take this guest? NULL: yes */
	const struct world_op *with_pe_clear; /* X2 to X7; NULL: it needs a guest with PE=1 */
	const struct world_op *with_pe_set;   /* the same; NULL: it needs one with PE=0 */
	const struct world_view *view;        /* NULL: the hardware holds the guest */
};

/* Does the profile have what its host needs? */
bool world_cpu_suffices(const struct world_strategy *strategy, const struct descry_vcpu *vcpu);

const struct world_strategy *world_strategy_of(const struct descry_strategy *row);

/* What all of these begin with. */
void world_switch_init(struct world_switch *sw, struct descry_monitor *monitor,
		       const struct descry_strategy *strategy,
		       const struct world_settings *settings, struct world_memory *memory,
		       struct descry_world_trace *trace);

/*
 * X1, at an instruction boundary. trace->end says whether the switch is in flight then. A trace
 * that ends with a change of mode goes on.
 */
void world_switch_begin(struct world_switch *sw);

/* The guest has just changed CR0.PE, or else a strategy with a view takes hold of it. */
void world_switch_mode(struct world_switch *sw, bool by_guest);

/* The host interprets one instruction of a guest with PE=0: before it, and behind it. */
void world_switch_lend(struct world_switch *sw);
void world_switch_take_back(struct world_switch *sw);

/* The next operation, while the switch is in flight. */
void world_switch_next(struct world_switch *sw);

/* All that are left. */
void world_switch_finish(struct world_switch *sw);

/* Is a change of mode all that it shows? */
bool world_trace_ends_with_mode(const struct descry_world_trace *trace);

/* Adds the CPU as it is now to a trace. */
void world_trace_add(struct descry_world_trace *trace, unsigned step, const char *text,
		     const struct descry_world_record *record, const struct descry_vcpu *vcpu);

/* --- for the operations --------------------------------------------------------------- */

const struct descry_state *world_state(const struct world_switch *sw);

/* The one line that says what the operation has done. */
void world_note(struct world_switch *sw, const char *format, ...) DESCRY_PRINTF(2, 3);

/* Both return false, so that an operation ends with: return world_refuse(sw, ...). */
bool world_refuse(struct world_switch *sw, const char *format, ...) DESCRY_PRINTF(2, 3);
bool world_host_fault(struct world_switch *sw, const struct descry_fault *fault, const char *what);

/* The record holds these fields of sreg, as the guest has them at this moment. */
void world_hold(struct world_switch *sw, enum descry_sreg sreg, unsigned fields);

bool world_has_flaw(const struct world_switch *sw, enum descry_flaw flaw);

/* --- operations that families share: frame.c ------------------------------------------ */

/* X2: FLAGS, CS and IP into host memory, and whatever else the mode of the guest asks for. */
world_op_fn op_deliver;
/* X3 and X6: the general registers. */
world_op_fn op_save_gprs, op_restore_gprs;
/* X5: the host computes. It clobbers every general register and no segment. */
world_op_fn op_body;
/* X5: what the user wants it to write. */
world_op_fn op_edit;

/* clang-format off */
/* X5 of any host whose code runs on the guest's CPU. */
#define WORLD_BODY         \
	{ 5, op_body, 0 }, \
	{ 5, op_edit, 0 }

/* The same for each of several registers. */
#define WORLD_SIX(step, run)      \
	{ step, run, DESCRY_ES }, \
	{ step, run, DESCRY_CS }, \
	{ step, run, DESCRY_SS }, \
	{ step, run, DESCRY_DS }, \
	{ step, run, DESCRY_FS }, \
	{ step, run, DESCRY_GS }

#define WORLD_EIGHT(step, run)      \
	WORLD_SIX(step, run),       \
	{ step, run, DESCRY_LDTR }, \
	{ step, run, DESCRY_TR }
/* clang-format on */

/* --- the lists of each family --------------------------------------------------------- */

extern const struct world_op selector_real_ops[];
extern const struct world_op selector_table_ops[], selector_table_protected_ops[];

extern const struct world_op shadow_table_ops[], shadow_real_ops[], shadow_protected_ops[];
world_op_fn shadow_accept_unless_stale;

extern const struct world_op scratch_ops[], scratch_protected_ops[];
extern const struct world_view scratch_missed_view;

extern const struct world_op os_switch_fsgsbase_ops[], os_switch_legacy_ops[];
world_op_fn os_switch_accept;

extern const struct world_op task_gate_ops[];
world_op_fn task_gate_accept;

extern const struct world_op smm_ops[];
world_op_fn smm_accept;

extern const struct world_op loadall_ops[], loadall_protected_ops[];
world_op_fn loadall_accept;

extern const struct world_op vmx_ops[], vmx_emulate_ops[];
extern const struct world_op vmx_v86_ops[], vmx_restricted_ops[];
extern const struct world_op svm_ops[];

extern const struct world_op selector_v86_ops[];
extern const struct world_view selector_v86_view;
extern const struct world_view vmx_v86_bare_view, vmx_v86_emulator_view, vmx_v86_copy_view;

extern const struct world_op software_ops[];
world_op_fn refuse_accept;

#endif
