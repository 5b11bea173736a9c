/*
 * Questions about a stopped machine. A query fills a struct with facts and knows no text;
 * what they look like is decided by the renders in monitor/command. Nothing here changes
 * the guest. Owned by monitor.
 */
#ifndef DESCRY_QUERY_H
#define DESCRY_QUERY_H

#include <descry/disas.h>
#include <descry/microstep.h>
#include <descry/monitor.h>
#include <descry/reload.h>

/* --- segments ------------------------------------------------------------------------- */

#define DESCRY_DIFFERS_BASE 0x1u
#define DESCRY_DIFFERS_LIMIT 0x2u
#define DESCRY_DIFFERS_ATTR 0x4u

/* What the visible selector names in the descriptor tables, whatever mode the CPU is in. */
enum descry_slot {
	DESCRY_SLOT_NULL,   /* selectors 0 to 3 name nothing */
	DESCRY_SLOT_BEYOND, /* past the limit of the table, or there is no such table */
	DESCRY_SLOT_READ,   /* there is a descriptor */
};

struct descry_segment_report {
	enum descry_sreg sreg;
	struct descry_segment cache;
	unsigned status;  /* DESCRY_CACHE_* */
	unsigned differs; /* DESCRY_DIFFERS_*: where the cache is not what the selector means now */

	enum descry_slot slot;
	uint64_t raw;                /* SLOT_READ: the descriptor */
	uint64_t raw_linear;         /* SLOT_READ: where it lies */
	struct descry_segment table; /* SLOT_READ: what it describes */

	struct descry_preview reload[DESCRY_RELOAD_MODE_COUNT];
	bool has_usual;              /* PE=0, and the cache is not as real-mode code expects: */
	struct descry_segment usual; /* what it expects behind this selector */
	struct descry_segment_provenance from;
};

void descry_query_segment(struct descry_monitor *monitor, enum descry_sreg sreg,
			  struct descry_segment_report *out);

/* All caches and their status at one moment, to tell what a run has changed. */
struct descry_segment_moment {
	struct descry_segment seg[DESCRY_SREG_COUNT];
	unsigned status[DESCRY_SREG_COUNT];
};

void descry_query_segment_moment(struct descry_monitor *monitor, struct descry_segment_moment *out);

/* --- descriptor tables ---------------------------------------------------------------- */

enum descry_table_kind { DESCRY_TABLE_GDT, DESCRY_TABLE_LDT, DESCRY_TABLE_IDT };

struct descry_table_report {
	enum descry_table_kind kind;
	uint64_t base;
	uint32_t limit;
	unsigned entry_size;  /* 8, or 4 for the vectors of real mode */
	unsigned entry_count; /* whole entries within the limit */
	bool usable;          /* false: LDTR holds no table */
};

void descry_query_table(struct descry_monitor *monitor, enum descry_table_kind kind,
			struct descry_table_report *out);

struct descry_table_entry {
	unsigned index;
	uint64_t linear;
	uint64_t raw;
	bool gate;       /* selector and offset count; else segment does */
	uint16_t sel;    /* gate */
	uint32_t offset; /* gate */
	uint16_t attr;   /* both; 0 for the vectors of real mode */
	struct descry_segment segment;
	unsigned named_by; /* 1 << sreg: visible selectors that name this entry */
};

/* False when the entry is beyond the limit or not readable. */
DESCRY_MUST_CHECK bool descry_query_table_entry(struct descry_monitor *monitor,
						const struct descry_table_report *table,
						unsigned index, struct descry_table_entry *out);

/* --- memory --------------------------------------------------------------------------- */

enum descry_space {
	DESCRY_SPACE_LINEAR,
	DESCRY_SPACE_PHYSICAL,
	DESCRY_SPACE_SEGMENT, /* through the cache of sreg: its base, limit and rights decide */
};

struct descry_address {
	enum descry_space space;
	enum descry_sreg sreg; /* SPACE_SEGMENT */
	uint64_t offset;
};

/* Why bytes could not be read. */
struct descry_denial {
	struct descry_fault fault; /* vector DESCRY_VEC_NONE: there is nothing at the address */
	const char *why;           /* the rule of a segment or page, or that there is no memory */
	struct descry_address address; /* the first byte that is not there, or the unit refused */
	uint64_t linear;               /* where the cache's base would have sent it */
};

/*
 * Reads count units of unit bytes each, as many as are allowed and present; returns how many
 * units were read. denial is filled when that is less than count.
 */
size_t descry_query_read(struct descry_monitor *monitor, const struct descry_address *address,
			 unsigned unit, size_t count, void *out, struct descry_denial *denial);

/* Raw: no rule is asked, the segment's base counts. Returns how many bytes were written. */
size_t descry_query_write(struct descry_monitor *monitor, const struct descry_address *address,
			  const void *data, size_t size);

/* Where an address leads without asking for permission: base + offset, or itself. */
uint64_t descry_query_linear(struct descry_monitor *monitor, const struct descry_address *address);

/* --- code ----------------------------------------------------------------------------- */

#define DESCRY_SYMBOL_TEXT 80u

struct descry_code_line {
	uint64_t linear;
	uint64_t ip; /* offset in CS as it is cached now */
	uint8_t bytes[DESCRY_INSN_MAX];
	unsigned length;  /* 0: nothing could be read, or the bytes are no instruction */
	unsigned present; /* how many bytes could be read, at most DESCRY_INSN_MAX */
	char text[DESCRY_DISAS_TEXT];
	char symbol[DESCRY_SYMBOL_TEXT]; /* "loop+4", or empty */
	bool current;                    /* CS:IP is here */
	int breakpoint;                  /* its number, 0: none */
};

/* One instruction as CS.D of the cache would have it decoded. */
void descry_query_code(struct descry_monitor *monitor, uint64_t linear,
		       struct descry_code_line *out);

/* "loop+4" for a linear address, or an empty string. */
void descry_query_symbol(struct descry_monitor *monitor, uint64_t linear,
			 char symbol[DESCRY_SYMBOL_TEXT]);

/* A symbol for the cs:ip of a provenance or event, in the light of what CS is now. */
void descry_query_symbol_at(struct descry_monitor *monitor, enum descry_mode mode, uint16_t cs,
			    uint64_t ip, char symbol[DESCRY_SYMBOL_TEXT]);

/* --- micro-steps ---------------------------------------------------------------------- */

/*
 * What the next instruction would do, or the interrupt that comes before it, one step at a
 * time. Not while a world switch is in flight: then the CPU does not hold the guest.
 */
enum descry_status descry_query_micro_steps(struct descry_monitor *monitor,
					    struct descry_micro_log *log);

#endif
