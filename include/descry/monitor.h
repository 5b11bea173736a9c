/*
 * The monitor: a machine with one CPU, an image in it, breakpoints, and the reasons why
 * it stops. One handle, no globals. Queries about it: <descry/query.h>. Commands:
 * <descry/command.h>. World switch: <descry/world.h>. Owned by monitor.
 */
#ifndef DESCRY_MONITOR_H
#define DESCRY_MONITOR_H

#include <descry/vcpu.h>

struct descry_monitor;

struct descry_raw_load {
	const char *file;
	uint64_t address; /* physical */
};

struct descry_options {
	uint32_t ram_mib;         /* 0: the default, 16 */
	const char *profile;      /* NULL: the default */
	const char *const *knobs; /* "real.cs_load=keep" */
	size_t knob_count;
	const char *image; /* NULL: none */
	const struct descry_raw_load *loads;
	size_t load_count;
	const char *entry; /* "SEG:OFF", NULL: as the image says */
	const char *rom;   /* NULL: none */
	const char
		*state; /* "FORMAT:FILE": the CPU begins in that state; NULL: as the image says */
	bool show_post; /* POST codes written to port 80h go to the console */
	/* Console output of the guest (ports E9h and COM1); NULL: dropped. */
	void (*console)(void *owner, const char *text, size_t size);
	void *console_owner;
};

enum descry_status descry_monitor_create(const struct descry_options *options,
					 struct descry_monitor **out, struct descry_error *err);
void descry_monitor_destroy(struct descry_monitor *monitor);

struct descry_vcpu *descry_monitor_vcpu(struct descry_monitor *monitor);

/* The file that the machine starts from, without its folder: IMAGE, else the first -L, else --rom.
 */
const char *descry_monitor_image_name(const struct descry_monitor *monitor);

/* One line that the user should see about how the image was loaded; NULL: there is none. */
const char *descry_monitor_note(const struct descry_monitor *monitor);

/* Back to the start: memory, devices and CPU as after create; injections begin anew. */
enum descry_status descry_monitor_reset(struct descry_monitor *monitor);

/* --- running -------------------------------------------------------------------------- */

enum descry_stop_reason {
	DESCRY_STOP_START,   /* nothing has run yet */
	DESCRY_STOP_STEP,    /* the instructions that were asked for have been executed */
	DESCRY_STOP_REACHED, /* the target of the run */
	DESCRY_STOP_BREAKPOINT,
	DESCRY_STOP_INTERRUPTED,    /* Ctrl-C */
	DESCRY_STOP_ACCESS,         /* a watched segment was used */
	DESCRY_STOP_LOAD,           /* a watched segment register was loaded */
	DESCRY_STOP_HOST_INTERRUPT, /* the guest wrote port EDh and intercept_host_interrupt is set
				     */
	DESCRY_STOP_GUEST_EXIT,     /* debug exit port */
	DESCRY_STOP_HALTED,
	DESCRY_STOP_UNHANDLED,
	DESCRY_STOP_SHUTDOWN,
	DESCRY_STOP_NOT_MODELLED,
	DESCRY_STOP_INVARIANT, /* the model has broken a rule of its own */
	DESCRY_STOP_REASON_COUNT
};

/* "breakpoint", "guest exit", ... */
const char *descry_stop_reason_text(enum descry_stop_reason reason);

/* "read", "store", "fetch" */
const char *descry_access_text(enum descry_access access);

/* "0008:7c23", eight digits after the colon when ip does not fit four: CS:IP on every display. */
#define DESCRY_FAR_TEXT 20u
const char *descry_far_text(uint16_t cs, uint64_t ip, char text[DESCRY_FAR_TEXT]);

/* What devices ask of the monitor, as the .request of a DESCRY_EXIT_REQUEST. */
enum descry_request {
	DESCRY_REQUEST_GUEST_EXIT = 1,
	DESCRY_REQUEST_HOST_INTERRUPT,
};

struct descry_stop {
	enum descry_stop_reason reason;
	uint64_t retired;
	uint64_t ip;
	uint16_t cs;
	int exit_status;           /* GUEST_EXIT: (value * 2 + 1) & 255 */
	int breakpoint;            /* BREAKPOINT: its number; 0: of a debugger */
	int injection;             /* the one that led to it (<descry/schedule.h>); 0: none */
	struct descry_fault fault; /* UNHANDLED, SHUTDOWN */
	char text[512]; /* one line that says it all: reason, cs:ip, the instruction, segments */
};

struct descry_run_request {
	uint64_t count;        /* instructions; 0: until something stops it */
	bool to_target;        /* stop where the instruction at target is next, with REACHED */
	uint64_t target;       /* linear; a breakpoint that is there, too, counts its hit */
	unsigned watch_access; /* as struct descry_control */
	unsigned watch_load;   /* the same */
	bool probe; /* asks what the guest does, and nobody looks on: breakpoints are passed over,
		     * the console stays as it is, and stops that were asked for have no text */
	bool stop_at_host_interrupt; /* stop at EDh instead of taking the switch there */
};

/* Runs the guest. Breakpoints of the monitor apply. */
void descry_monitor_run(struct descry_monitor *monitor, const struct descry_run_request *request,
			struct descry_stop *stop);
const struct descry_stop *descry_monitor_last_stop(const struct descry_monitor *monitor);

/*
 * From a signal handler: the run that goes on, or else the next one, stops with
 * DESCRY_STOP_INTERRUPTED. Whatever ends a run uses the interrupt up; a probe that ends
 * otherwise leaves it to the next run. One that came while
 * nothing was asked of the guest (at a prompt) is dropped by clear, which a front end
 * calls where Ctrl-C begins to mean "stop this": before a command, or a whole script.
 */
void descry_monitor_interrupt(struct descry_monitor *monitor);
void descry_monitor_clear_interrupt(struct descry_monitor *monitor);

/*
 * What world/ does for descry_monitor_run(); each returns false when the run has to stop, having
 * filled stop.
 */
struct descry_host_hooks {
	/* The guest asks for a host interrupt (port EDh), and stop_at_host_interrupt is not set. */
	bool (*interrupt)(void *owner, struct descry_monitor *monitor, struct descry_stop *stop);
	/* A run begins: the CPU must hold the guest. */
	bool (*run)(void *owner, struct descry_monitor *monitor, struct descry_stop *stop);
	/* The guest has changed CR0.PE, and descry_monitor_watch_guest() asks for that. */
	bool (*mode)(void *owner, struct descry_monitor *monitor, struct descry_stop *stop);
	/*
	 * An exception that is watched is about to be delivered: the host interprets the
	 * instruction instead, with the segments that it puts in place for it. interpreted()
	 * follows.
	 */
	bool (*exception)(void *owner, struct descry_monitor *monitor, struct descry_stop *stop);
	void (*interpreted)(void *owner, struct descry_monitor *monitor);
	/* The machine has become another one, by a reset or a snapshot. */
	void (*replaced)(void *owner, struct descry_monitor *monitor);
	/* After replaced(): it was a reset. */
	void (*restarted)(void *owner, struct descry_monitor *monitor);
};
void descry_monitor_on_host(struct descry_monitor *monitor, const struct descry_host_hooks *hooks,
			    void *owner);

/* vectors: 1 << vector of the exceptions that hooks are called for. */
void descry_monitor_watch_guest(struct descry_monitor *monitor, bool mode, uint32_t vectors);

/* --- breakpoints ---------------------------------------------------------------------- */

struct descry_breakpoint {
	int number; /* 1, 2, ... */
	uint64_t linear;
	uint64_t hits;
};

/* Its number, also when there is one at that address already; 0: no memory. */
int descry_monitor_add_breakpoint(struct descry_monitor *monitor, uint64_t linear);
enum descry_status descry_monitor_delete_breakpoint(struct descry_monitor *monitor, int number);
size_t descry_monitor_breakpoints(const struct descry_monitor *monitor,
				  const struct descry_breakpoint **out);

/*
 * Breakpoints of a debugger: they stop the guest as the others do, but have no number
 * and are in no list. An address that is held twice has to be released twice.
 */
enum descry_status descry_monitor_hold_point(struct descry_monitor *monitor, uint64_t linear);
enum descry_status descry_monitor_release_point(struct descry_monitor *monitor, uint64_t linear);

/* --- segment watches ------------------------------------------------------------------ */

/*
 * A run stops after an instruction that has loaded one of these, by whatever cause, and behind a
 * host interrupt that has changed one. mask: 1 << sreg. While one is watched the CPU runs one
 * instruction at a time.
 */
void descry_monitor_watch_segments(struct descry_monitor *monitor, unsigned mask);
unsigned descry_monitor_watched_segments(const struct descry_monitor *monitor);

/* --- symbols -------------------------------------------------------------------------- */

/* Linear address of a symbol of the image. */
DESCRY_MUST_CHECK bool descry_monitor_symbol(const struct descry_monitor *monitor, const char *name,
					     uint64_t *linear);

/* "loop+4" for a linear address; false when no symbol covers it. */
DESCRY_MUST_CHECK bool descry_monitor_symbolize(const struct descry_monitor *monitor,
						uint64_t linear, char *buffer, size_t size);

/* All names, for completion: index 0 .. until NULL. */
const char *descry_monitor_symbol_name(const struct descry_monitor *monitor, size_t index);

/* --- host window ---------------------------------------------------------------------- */

#define DESCRY_HOST_WINDOW 0xffe00000u
#define DESCRY_HOST_WINDOW_SIZE 0x10000u

/* 64 KiB of the host's own memory, visible to the CPU only while mapped (X2 to X7). */
uint8_t *descry_monitor_host_window(struct descry_monitor *monitor);
void descry_monitor_map_host_window(struct descry_monitor *monitor, bool mapped);

/* --- snapshots ------------------------------------------------------------------------ */

struct descry_snapshot;

/*
 * CPU, provenance, devices, memory and the host window. Taking one costs a copy of the
 * pages written since the last one, restoring one a copy of the pages that differ. Any
 * number may exist, and be restored in any order and any number of times. Restoring
 * leaves breakpoints alone; of injections (<descry/schedule.h>) the list stays, and each
 * is again where it was.
 */
enum descry_status descry_snapshot_take(struct descry_monitor *monitor,
					struct descry_snapshot **out);
enum descry_status descry_snapshot_restore(struct descry_monitor *monitor,
					   const struct descry_snapshot *snapshot);
void descry_snapshot_free(struct descry_snapshot *snapshot);

#endif
