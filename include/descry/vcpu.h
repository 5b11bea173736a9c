/*
 * One virtual CPU and the contract under which it runs: the monitor fills a control
 * block, calls run, reads an exit and a ring of events. The CPU reaches outwards only
 * through the bus handed in at creation. Owned by vcpu.
 */
#ifndef DESCRY_VCPU_H
#define DESCRY_VCPU_H

#include <descry/profile.h>
#include <descry/provenance.h>
#include <descry/state.h>
#include <descry/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct descry_vcpu;

#define DESCRY_PAGE_SIZE 4096u

/* --- outwards: the bus ---------------------------------------------------------------- */

/* 4 KiB of guest-physical memory. No host pointer: nothing there, reads give FFh. */
struct descry_page {
	uint8_t *host;
	bool writable; /* false: writes are dropped (ROM) */
};

struct descry_bus {
	void *owner;
	/*
	 * The page that holds a physical address. The CPU keeps the answer until
	 * descry_vcpu_memory_changed(). for_write announces that the page is about to be
	 * written through the pointer: the owner's dirty tracking.
	 */
	struct descry_page (*page)(void *owner, uint64_t physical, bool for_write);
	uint32_t (*port_in)(void *owner, uint16_t port, unsigned size);
	void (*port_out)(void *owner, uint16_t port, unsigned size, uint32_t value);
};

/* --- life ----------------------------------------------------------------------------- */

enum descry_status descry_vcpu_create(const struct descry_profile *profile,
				      const struct descry_bus *bus, struct descry_vcpu **out);
void descry_vcpu_destroy(struct descry_vcpu *vcpu);

/* SDM vol. 3, Processor State After Reset, with the knobs reset.* of the profile. */
void descry_vcpu_reset(struct descry_vcpu *vcpu);

const struct descry_profile *descry_vcpu_profile(const struct descry_vcpu *vcpu);

/* --- state, while stopped ------------------------------------------------------------- */

const struct descry_state *descry_vcpu_state(const struct descry_vcpu *vcpu);

/*
 * For raw changes of anything but the segments. Call descry_vcpu_state_changed()
 * afterwards: things are derived from the state.
 */
struct descry_state *descry_vcpu_state_mutable(struct descry_vcpu *vcpu);
void descry_vcpu_state_changed(struct descry_vcpu *vcpu);

const struct descry_segment_provenance *descry_vcpu_provenance(const struct descry_vcpu *vcpu,
							       enum descry_sreg sreg);

/*
 * Puts a whole segment in place, as a debugger's poke or a VM entry does: no table is
 * read, nothing is checked. Provenance of the fields that change gets this cause;
 * DESCRY_CAUSE_VM_ENTRY and _VM_EXIT mark all three.
 */
void descry_vcpu_put_segment(struct descry_vcpu *vcpu, enum descry_sreg sreg,
			     const struct descry_segment *seg, enum descry_cause cause);

/* State and provenance together, for snapshots: copied out and put back whole. */
struct descry_vcpu_image {
	struct descry_state state;
	struct descry_segment_provenance provenance[DESCRY_SREG_COUNT];
};
void descry_vcpu_save(const struct descry_vcpu *vcpu, struct descry_vcpu_image *image);
void descry_vcpu_restore(struct descry_vcpu *vcpu, const struct descry_vcpu_image *image);

/* Physical memory, or the map of it, has changed behind the CPU's back (bus page() answers
 * and cached code are forgotten). */
void descry_vcpu_memory_changed(struct descry_vcpu *vcpu);

/*
 * Pages of a host that are in every address space while it handles an interrupt: linear is
 * physical there, whatever the guest's page tables say. size 0: no more. It is not in the state.
 */
void descry_vcpu_map_window(struct descry_vcpu *vcpu, uint32_t linear, uint32_t size);

enum descry_mode descry_vcpu_mode(const struct descry_vcpu *vcpu);

/* CS.base + IP, 32 bits outside long mode. */
uint64_t descry_vcpu_linear_ip(const struct descry_vcpu *vcpu);

/* --- a debugger's view of memory: no fault, no access mark, nothing filled ------------ */

/* How many of size bytes could be read or written; fewer at the end of what is mapped. */
size_t descry_vcpu_peek(const struct descry_vcpu *vcpu, uint64_t linear, void *out, size_t size);
size_t descry_vcpu_poke(struct descry_vcpu *vcpu, uint64_t linear, const void *data, size_t size);

/* --- faults --------------------------------------------------------------------------- */

enum descry_vector {
	DESCRY_VEC_DE = 0,
	DESCRY_VEC_DB = 1,
	DESCRY_VEC_NMI = 2,
	DESCRY_VEC_BP = 3,
	DESCRY_VEC_OF = 4,
	DESCRY_VEC_BR = 5,
	DESCRY_VEC_UD = 6,
	DESCRY_VEC_NM = 7,
	DESCRY_VEC_DF = 8,
	DESCRY_VEC_TS = 10,
	DESCRY_VEC_NP = 11,
	DESCRY_VEC_SS = 12,
	DESCRY_VEC_GP = 13,
	DESCRY_VEC_PF = 14,
	DESCRY_VEC_MF = 16,
	DESCRY_VEC_AC = 17,
	DESCRY_VEC_NONE = 255, /* no fault */
};

const char *descry_vector_text(unsigned vector); /* "#GP", "#SS", ..., "vector 48" */

struct descry_fault {
	uint8_t vector; /* enum descry_vector */
	uint8_t reserved;
	uint16_t error_code; /* in real mode it is formed and not pushed */
};

/* --- one access through a segment: the rule that decides it, for whoever wants to know --- */

enum descry_access { DESCRY_READ, DESCRY_WRITE, DESCRY_FETCH };

struct descry_access_verdict {
	struct descry_fault fault; /* vector DESCRY_VEC_NONE: allowed */
	uint32_t linear;           /* where it goes, when allowed */
	const char *why;           /* the rule that refuses it, as a phrase; NULL when allowed */
};

/*
 * Would an access of size bytes at sreg:offset, by the current privilege, be allowed now, and where
 * would it go? The segment is asked first, then the page as the TLB or else the tables have it.
 */
struct descry_access_verdict descry_vcpu_check_access(const struct descry_vcpu *vcpu,
						      enum descry_sreg sreg, uint32_t offset,
						      unsigned size, enum descry_access access);

/* --- running -------------------------------------------------------------------------- */

enum descry_event_kind {
	DESCRY_EVENT_ACCESS,       /* a data access through a segment in watch_access */
	DESCRY_EVENT_FAULT,        /* a fault was raised, whether or not it could be delivered */
	DESCRY_EVENT_DELIVERY,     /* an interrupt or exception was delivered */
	DESCRY_EVENT_SEGMENT_LOAD, /* a segment register was loaded by the guest */
	DESCRY_EVENT_MODE,         /* CR0.PE has changed */
	DESCRY_EVENT_KIND_COUNT
};
#define DESCRY_EVENT_BIT(kind) (1u << (kind))

struct descry_event {
	uint64_t retired;
	uint64_t ip; /* cs:ip of the instruction, before it */
	uint16_t cs;
	uint8_t kind;
	uint8_t sreg;              /* ACCESS, SEGMENT_LOAD */
	struct descry_fault fault; /* ACCESS: its verdict; FAULT, DELIVERY: which */
	uint32_t offset;           /* ACCESS */
	uint32_t linear;           /* ACCESS, when allowed; SEGMENT_LOAD: of the instruction */
	uint8_t size;              /* ACCESS, in bytes */
	uint8_t access;            /* ACCESS: enum descry_access */
	uint16_t sel;              /* SEGMENT_LOAD: the new selector */
	uint32_t cr0;              /* MODE: the new value */
};

#define DESCRY_EVENT_RING 64u

struct descry_micro_log; /* <descry/microstep.h> */

struct descry_control {
	uint64_t budget;             /* stop after so many instructions; 0 means no limit */
	const uint64_t *breakpoints; /* linear addresses, ascending; checked before execution, but
				      * not at the very first instruction of a run */
	size_t breakpoint_count;
	bool break_at_first;   /* there, too */
	unsigned events;       /* DESCRY_EVENT_BIT()s to put in the ring */
	unsigned watch_access; /* 1 << sreg: leave after an instruction that made, or tried, a data
				* access through one of these (implicit stack accesses count) */
	unsigned watch_load;   /* 1 << sreg: leave after an instruction that loaded one of these, or
				* an interrupt that did. SEGMENT_LOAD must be among the events */
	bool unchained;        /* come back to the loop behind every block: a check of the engine */
	struct descry_micro_log *micro; /* record micro-steps here; NULL: do not */
	bool stop_at_mode;              /* leave after a write of CR0 that changes PE */
	uint32_t intercept; /* 1 << vector of exceptions: leave before they are delivered */
	uint32_t unhandled; /* a real-mode vector whose IVT entry has this seg:off value leaves the
			     * loop before delivery; 0: none has */
};

enum descry_exit_reason {
	DESCRY_EXIT_BUDGET,
	DESCRY_EXIT_BREAKPOINT,
	DESCRY_EXIT_KICK,      /* descry_vcpu_kick() */
	DESCRY_EXIT_REQUEST,   /* descry_vcpu_request(), after the instruction that led to it */
	DESCRY_EXIT_ACCESS,    /* watch_access: the accesses of the instruction are in the ring */
	DESCRY_EXIT_LOAD,      /* watch_load, and no such access: the loads are in the ring */
	DESCRY_EXIT_MODE,      /* stop_at_mode */
	DESCRY_EXIT_INTERCEPT, /* fault holds the exception; CS:IP at its instruction, which has
				  done nothing */
	DESCRY_EXIT_HALTED,    /* HLT and nothing can ever wake it */
	DESCRY_EXIT_UNHANDLED, /* fault holds the vector; CS:IP still at the culprit if it is a
				  fault */
	DESCRY_EXIT_SHUTDOWN,  /* triple fault; fault holds the first of the chain */
	DESCRY_EXIT_NOT_MODELLED, /* text says what; nothing has been changed by it */
	DESCRY_EXIT_INVARIANT,    /* the model has broken a rule of its own: text says which,
				   * where and with what values (knob check.invariants) */
	DESCRY_EXIT_REASON_COUNT
};

struct descry_exit {
	enum descry_exit_reason reason;
	struct descry_fault fault;
	uint32_t request;
	const char *text; /* NOT_MODELLED: a sentence; INVARIANT: until the next run */
};

void descry_vcpu_run(struct descry_vcpu *vcpu, const struct descry_control *control,
		     struct descry_exit *exit);

/* From a signal handler or another thread: leave at the next boundary that is looked at. */
void descry_vcpu_kick(struct descry_vcpu *vcpu);

/* From a bus handler, or while stopped: the A20 gate. */
void descry_vcpu_mask_a20(struct descry_vcpu *vcpu, bool masked);

/* From a bus handler: leave at the end of the instruction, with EXIT_REQUEST and this value. */
void descry_vcpu_request(struct descry_vcpu *vcpu, uint32_t request);

/*
 * Interrupts from outside, while stopped or from a bus handler. Each waits in the state
 * until a boundary at which it may be taken, and is: a maskable one until IF is set and
 * no shadow holds it off, an NMI until the last one has returned. Both wake HLT. An NMI, an
 * SMI and INIT end a shutdown, if it was not met in the handler of an NMI or in SMM.
 */
void descry_vcpu_interrupt(struct descry_vcpu *vcpu, uint8_t vector); /* replaces one that waits */
void descry_vcpu_withdraw_interrupt(struct descry_vcpu *vcpu);
void descry_vcpu_nmi(struct descry_vcpu *vcpu);

/* Would a maskable interrupt be taken at this boundary? */
bool descry_vcpu_accepts_interrupt(const struct descry_vcpu *vcpu);

/*
 * System management interrupt and INIT, while stopped or from a bus handler. Each waits until
 * a boundary outside SMM at which no shadow is in force, and is taken there before the
 * others. They take no time. The answer is false when the CPU has no SMM
 * (knob smm.map).
 */
bool descry_vcpu_smi(struct descry_vcpu *vcpu);
void descry_vcpu_init(struct descry_vcpu *vcpu);

/* Recorded events, oldest first: index 0 .. count-1. A run begins with an empty ring. */
size_t descry_vcpu_event_count(const struct descry_vcpu *vcpu);
const struct descry_event *descry_vcpu_event(const struct descry_vcpu *vcpu, size_t index);

#endif
