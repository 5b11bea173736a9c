/*
 * The world switch: what a host interrupt does to the guest's hidden segment state under
 * a chosen save/restore strategy (docs/world-switch.md). Every step is carried out on
 * the CPU model, so what is lost follows from its rules. A handle, no globals; it must
 * not outlive its monitor. Owned by monitor.
 */
#ifndef DESCRY_WORLD_H
#define DESCRY_WORLD_H

#include <descry/disas.h>
#include <descry/monitor.h>
#include <descry/reload.h>
#include <descry/schedule.h>
#include <descry/sink.h>

/* --- strategies ----------------------------------------------------------------------- */

/* One way to save and restore, in one variant: what -w names. */
struct descry_strategy {
	const char *name;    /* "selector-real" */
	const char *variant; /* "small", "big"; NULL when there is only one */
	const char *family;  /* "selector", "shadow", "vmx", "svm", "software", ... */
	const char *help;    /* one line */
	const char *needs;   /* of the guest, as a phrase; NULL: nothing */
};

/* Rows in the order in which they are compared; NULL past the end. */
const struct descry_strategy *descry_strategy_at(size_t index);

/* "vmx", "selector-real/big"; "selector-real" is its first variant. NULL: the default, interpret.
 */
enum descry_status descry_strategy_find(const char *text, const struct descry_strategy **out,
					struct descry_error *err);

/* "selector-real/big" */
#define DESCRY_STRATEGY_TEXT 40u
const char *descry_strategy_text(const struct descry_strategy *strategy,
				 char buffer[DESCRY_STRATEGY_TEXT]);

/* --- fields: the unit of loss --------------------------------------------------------- */

enum descry_field {
	DESCRY_FIELD_SEL,
	DESCRY_FIELD_BASE,
	DESCRY_FIELD_LIMIT,
	DESCRY_FIELD_ATTR,
	DESCRY_FIELD_COUNT
};
#define DESCRY_FIELD_ALL 0x0fu

const char *descry_field_name(enum descry_field field); /* "selector", "base", "limit", "attr" */

/* A set of fields of the eight segments: bit 1 << field of sreg. */
struct descry_fields {
	uint8_t of[DESCRY_SREG_COUNT];
};

static inline bool
descry_fields_has(const struct descry_fields *set, enum descry_sreg sreg, enum descry_field field)
{
	return set->of[sreg] >> field & 1u;
}

/* --- the trace of one switch ---------------------------------------------------------- */

#define DESCRY_WORLD_X1 1u   /* the event in the guest */
#define DESCRY_WORLD_X7 7u   /* the hardware gives the guest back */
#define DESCRY_WORLD_X8 8u   /* the first guest access */
#define DESCRY_WORLD_MODE 9u /* before all of them: the guest changes CR0.PE */
#define DESCRY_WORLD_OPS 72u
#define DESCRY_WORLD_TEXT 224u /* holds all of a reason why */

/* In their order in time, the change of mode before X1: index 0 on; 0 past the end. */
unsigned descry_world_step_at(unsigned index);

const char *descry_world_step_title(unsigned step); /* "hardware save", ... */

/* "X4", "mode-change" */
#define DESCRY_WORLD_STEP_TEXT 12u
const char *descry_world_step_text(unsigned step, char buffer[DESCRY_WORLD_STEP_TEXT]);

/* What the strategy has saved: the fields in .held, with their values in .seg. */
struct descry_world_record {
	struct descry_fields held;
	struct descry_segment seg[DESCRY_SREG_COUNT];
};

/* One thing that the host does, or the CPU for it, and the CPU after it. */
struct descry_world_op {
	unsigned step; /* 1 to 8, or DESCRY_WORLD_MODE */
	char text[DESCRY_WORLD_TEXT];
	uint32_t cr0;
	struct descry_table gdtr;
	struct descry_segment seg[DESCRY_SREG_COUNT];
	struct descry_preview preview[DESCRY_SREG_COUNT]; /* what a reload would give now */
	unsigned status[DESCRY_SREG_COUNT];               /* DESCRY_CACHE_* */
	struct descry_world_record record;
};

enum descry_world_end {
	DESCRY_WORLD_IN_FLIGHT, /* it stands between two operations */
	DESCRY_WORLD_RESUMED,   /* the guest runs again */
	DESCRY_WORLD_REFUSED, /* the strategy does not do this; the guest stands as it was at X1 */
	DESCRY_WORLD_HOST_FAULT, /* the host faulted; the guest has been put back as it was at X1 */
};

struct descry_world_trace {
	const struct descry_strategy *strategy;
	enum descry_world_end end;
	unsigned ended_at; /* the step at which it was refused or faulted; X7 if the guest runs
			    * again */
	struct descry_fault fault; /* HOST_FAULT */
	char why[200];             /* REFUSED, HOST_FAULT: a sentence */
	uint64_t retired;          /* when it happened */
	uint64_t ip;
	uint16_t cs;
	unsigned op_count; /* each step from X1 to where it stands has at least one */
	struct descry_world_op op[DESCRY_WORLD_OPS];
};

/* The last operation of a step: the CPU after it. NULL when the trace has no such step. */
const struct descry_world_op *descry_world_after(const struct descry_world_trace *trace,
						 unsigned step);

/* --- the world of one monitor --------------------------------------------------------- */

struct descry_world;

/* From now on the guest's writes to port EDh are switches under the chosen strategy. */
enum descry_status descry_world_create(struct descry_monitor *monitor, struct descry_world **out);
void descry_world_destroy(struct descry_world *world);

/*
 * From now on. A strategy under which real mode is not what the guest believes takes hold of a
 * guest with PE=0 at once.
 */
void descry_world_choose(struct descry_world *world, const struct descry_strategy *strategy);
const struct descry_strategy *descry_world_chosen(const struct descry_world *world);

/* One host interrupt, now, under the chosen strategy. The trace is also descry_world_last(). */
const struct descry_world_trace *descry_world_interrupt(struct descry_world *world);

/*
 * The same one operation at a time. begin carries out X1; unless that refuses, the switch is
 * then in flight: the CPU holds what the hardware holds, and the guest is in descry_world_truth().
 * next carries out one operation, and finish all that are left. Whatever runs the guest
 * finishes it first. One that is in flight already goes on.
 */
const struct descry_world_trace *descry_world_begin(struct descry_world *world);
const struct descry_world_op *descry_world_next(struct descry_world *world); /* NULL: none left */
const struct descry_world_trace *descry_world_finish(struct descry_world *world);
bool descry_world_in_flight(const struct descry_world *world);

/*
 * Whether a run stops at X1 of each switch that the guest or an injection asks for, instead
 * of going through it. It stops with DESCRY_STOP_HOST_INTERRUPT.
 */
void descry_world_hold(struct descry_world *world, bool holds);
bool descry_world_holds(const struct descry_world *world);

/* The guest as it was at X1, while a switch is in flight; NULL when none is. */
const struct descry_vcpu_image *descry_world_truth(const struct descry_world *world);

/* The last switch, or the one in flight; NULL when there was none. Valid until the next one. */
const struct descry_world_trace *descry_world_last(const struct descry_world *world);

/* Walking the last trace: the next operation and on; NULL past its end, and then from X1 again. */
const struct descry_world_op *descry_world_walk(struct descry_world *world);

/* --- fault injection: what a host can do wrong ---------------------------------------- */

enum descry_flaw {
	DESCRY_FLAW_FORGET_VMLOAD,      /* SVM: neither VMSAVE nor VMLOAD */
	DESCRY_FLAW_RESTORE_BEFORE_LDT, /* segments are loaded before the guest's LDTR */
	DESCRY_FLAW_FOREIGN_GDT,        /* segments are loaded while the host's GDT is live */
	DESCRY_FLAW_KEEP_NULL_BASE,     /* a null selector is loaded over the host's base */
	DESCRY_FLAW_DROP_UNUSABLE,      /* the record loses the mark of an unusable segment */
	DESCRY_FLAW_EAGER_RESYNC,       /* saved caches are read again from the guest's table */
	DESCRY_FLAW_COUNT
};
#define DESCRY_FLAW_BIT(flaw) (1u << (flaw))

const char *descry_flaw_name(enum descry_flaw flaw); /* "forget-vmload", ... */
const char *descry_flaw_help(enum descry_flaw flaw); /* one line */

/* Flaws that every strategy has from now on, besides its own; each matters to some only. */
void descry_world_set_flaws(struct descry_world *world, unsigned flaws);
unsigned descry_world_flaws(const struct descry_world *world);

/* What the host writes into guest memory at X5, each time: 1 to 16 bytes at a place. */
#define DESCRY_WORLD_EDITS 8u
#define DESCRY_WORLD_EDIT_BYTES 16u
struct descry_world_edit {
	uint64_t physical;
	unsigned size;
	uint8_t byte[DESCRY_WORLD_EDIT_BYTES];
};
/* In their order, all of them or none. count 0: no more edits. BAD_ARGUMENT: too many, or a size.
 */
enum descry_status descry_world_set_edits(struct descry_world *world,
					  const struct descry_world_edit *edit, size_t count);
const struct descry_world_edit *descry_world_edits(const struct descry_world *world, size_t *count);

/*
 * Entries of the host's GDT beside its own, by selector; they may hide its own. BAD_ARGUMENT: more
 * than there is room for, entry 0, or one beyond 01F8.
 */
#define DESCRY_WORLD_SLOTS 8u
struct descry_world_slot {
	uint16_t sel;
	uint64_t descriptor;
};
enum descry_status descry_world_set_slots(struct descry_world *world,
					  const struct descry_world_slot *slot, size_t count);
const struct descry_world_slot *descry_world_slots(const struct descry_world *world, size_t *count);

/* --- follow: what becomes of a loss --------------------------------------------------- */

/* The access at X8, or another. happened is false when there was none in the window. */
struct descry_world_access {
	bool happened;
	enum descry_sreg sreg;
	enum descry_access access;
	unsigned size;
	uint32_t offset;
	uint32_t linear;           /* when it does not fault */
	struct descry_fault fault; /* vector DESCRY_VEC_NONE: none */
	uint64_t retired;          /* boundary before the instruction that makes it */
	uint64_t ip;
	uint16_t cs;
	char symbol[40]; /* "store+4", of that instruction; empty: none */
};

/* An instruction of the guest. */
struct descry_world_place {
	uint64_t retired; /* boundary before it */
	uint64_t ip;
	uint16_t cs;
	char symbol[40]; /* "store+4"; empty: none */
	char text[DESCRY_DISAS_TEXT];
};

enum descry_follow_kind {
	DESCRY_FOLLOW_NOTHING,   /* nothing is lost */
	DESCRY_FOLLOW_HEALS,     /* the guest has loaded again whatever was lost */
	DESCRY_FOLLOW_MANIFESTS, /* it does something else than it would have */
	DESCRY_FOLLOW_ENDS,      /* it ends before either */
	DESCRY_FOLLOW_LASTS,     /* neither within the window */
	DESCRY_FOLLOW_KIND_COUNT
};
const char *descry_follow_kind_text(enum descry_follow_kind kind); /* "heals", ... */

/* How a loss first shows. */
enum descry_manifest {
	DESCRY_MANIFEST_FAULT,   /* a fault that should not be */
	DESCRY_MANIFEST_ADDRESS, /* an access elsewhere, or one that should fault and does not */
	DESCRY_MANIFEST_PATH,    /* another instruction is next */
	DESCRY_MANIFEST_VALUE,   /* a register gets another value: of a lost selector, say */
	DESCRY_MANIFEST_COUNT
};
const char *descry_manifest_text(enum descry_manifest manifest); /* "fault", ... */

/* Segments that are as they should be again, and what has loaded them. */
struct descry_follow_heal {
	unsigned sregs; /* 1 << sreg */
	struct descry_world_place at;
};

struct descry_follow {
	enum descry_follow_kind kind;
	enum descry_manifest manifest;
	struct descry_fields lost;    /* at X7 */
	uint64_t begin;               /* X7, as a count of instructions */
	struct descry_world_place at; /* HEALS, MANIFESTS: the instruction; else where it stands */
	/* MANIFESTS: what it does and what it should do; ENDS: how */
	char what[240];
	struct descry_world_access access, truth; /* the access that shows it, on both sides */
	size_t heal_count;
	struct descry_follow_heal heal[DESCRY_SREG_COUNT]; /* in their order */
};

/* "heals at reload+4 (0008:7c8a) after 212 instructions: mov fs, ax" */
#define DESCRY_FOLLOW_TEXT 320u
const char *descry_follow_text(const struct descry_follow *follow, char text[DESCRY_FOLLOW_TEXT]);

/* "reload+4 (0008:7c8a) after 212 instructions: mov fs, ax" */
const char *descry_place_text(const struct descry_world_place *place, uint64_t begin,
			      char text[DESCRY_FOLLOW_TEXT]);

/*
 * From where the last switch was begun, for so many instructions. The machine is left as it is.
 */
#define DESCRY_FOLLOW_WINDOW 1000000u
enum descry_status descry_world_follow(struct descry_world *world, uint64_t count,
				       struct descry_follow *out, struct descry_error *err);

/* What that takes is kept of each switch, as long as this is on: a snapshot. It is at first. */
void descry_world_keep(struct descry_world *world, bool keep);

/* --- compare: one boundary under every strategy --------------------------------------- */

/* What came of it (DESIGN: outcomes). */
enum descry_outcome {
	DESCRY_OUTCOME_SAME,
	DESCRY_OUTCOME_FAULT,  /* the guest faults where it would not have */
	DESCRY_OUTCOME_SILENT, /* no fault, and another linear address */
	DESCRY_OUTCOME_LATENT, /* a field differs, and nothing shows in a million instructions */
	DESCRY_OUTCOME_HOST_FAULT,
	DESCRY_OUTCOME_REFUSED,
	DESCRY_OUTCOME_COUNT
};
const char *descry_outcome_text(enum descry_outcome outcome); /* "same", "host-fault", ... */

/* Why a field that was overwritten came out equal all the same. */
enum descry_regained {
	DESCRY_NOT_OVERWRITTEN, /* or given back out of the record */
	DESCRY_BY_CHANCE,       /* the host's own value happens to be the guest's */
	DESCRY_BY_TABLE, /* read again from a table that still says so, the guest's or a shadow of
			    it */
	DESCRY_BY_RULE,  /* formed again: selector * 16, constants of the CPU */
};
const char *descry_regained_text(enum descry_regained regained); /* "by-chance", ... */

struct descry_compare_row {
	const struct descry_strategy *strategy;
	enum descry_outcome outcome;
	unsigned lost_at; /* a step; 0: nothing is lost */
	unsigned lost_by; /* the operation of that step, as an index into trace.op */
	struct descry_fields lost;
	enum descry_regained equal[DESCRY_SREG_COUNT][DESCRY_FIELD_COUNT];
	struct descry_segment seg[DESCRY_SREG_COUNT]; /* at X8; where it ended, if there is none */
	struct descry_world_access access;
	struct descry_world_access truth; /* the same access without the switch */
	char detail[480];
	struct descry_follow follow;
	struct descry_world_trace trace;
};

struct descry_compare {
	const char *image;
	uint64_t retired; /* the boundary */
	uint64_t ip;
	uint16_t cs;
	enum descry_sreg about;    /* the segment the image is about */
	struct descry_segment seg; /* that one, at X1 */
	struct descry_preview preview;
	unsigned status;
	struct descry_world_access truth; /* the next access through it without a switch */
	size_t row_count;
	struct descry_compare_row *row;
	char where[96]; /* "store+9", the boundary by symbol; empty: none */
};

/*
 * Runs the image to each boundary, and there every strategy. The monitor is left at the last
 * boundary. What comes of one goes to receive, which frees it with descry_compare_free().
 */
struct descry_compare_request {
	const struct descry_when *at; /* in this order; each is looked for from the beginning */
	size_t at_count;
	uint64_t every;      /* and then at each multiple of this count; 0: none */
	uint64_t every_most; /* so many of them; 0: as many as there are */
	/* Neither: the guest's first write to port EDh, or the first that is injected. */

	const struct descry_strategy *only; /* NULL: every strategy */
	const struct descry_world *world;   /* its flaws, edits and slots; NULL: none */
	unsigned jobs; /* processes that share the rows; 0 and 1: none but this one */
};
typedef void descry_compare_fn(void *owner, struct descry_compare *compare);
enum descry_status descry_compare_run(struct descry_monitor *monitor,
				      const struct descry_compare_request *request,
				      descry_compare_fn *receive, void *owner,
				      struct descry_error *err);

void descry_compare_free(struct descry_compare *compare);

/* A table, or one JSON object when the sink asks for it. */
void descry_compare_render(const struct descry_compare *compare, const struct descry_sink *sink);

/* --- compare: several boundaries at a glance ------------------------------------------ */

struct descry_points;

/* For text or for JSON. */
enum descry_status descry_points_create(bool json, struct descry_points **out);
void descry_points_free(struct descry_points *points);

/* Each with as many rows as the first. */
enum descry_status descry_points_add(struct descry_points *points,
				     const struct descry_compare *compare);

/*
 * How often each strategy has come to each outcome, and where; or one JSON object with a list
 * points, of what descry_compare_render() gives for each.
 */
void descry_points_render(const struct descry_points *points, const struct descry_sink *sink);

#endif
