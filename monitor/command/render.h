/*
 * From facts to text, or to one JSON value when the sink asks for that. A render knows the
 * layout and nothing else: not who asks, not where the text goes.
 */
#ifndef DESCRY_RENDER_H
#define DESCRY_RENDER_H

#include "command/expression.h"
#include "command/json.h"

#include <descry/query.h>
#include <descry/sink.h>

/* --- style ---------------------------------------------------------------------------- */

enum style {
	STYLE_PLAIN,   /* ends any other */
	STYLE_STRONG,  /* what a line is about */
	STYLE_DIFFERS, /* not what the selector means */
	STYLE_STATUS,  /* a status other than MATCH */
	STYLE_QUIET,   /* of less interest */
	STYLE_COUNT
};

/* The escape sequence for a style, or nothing on a sink without colour. */
const char *style(const struct descry_sink *sink, enum style which);

/* --- layout --------------------------------------------------------------------------- */

/*
 * A sentence, from a column on that has been written up to, and its newline. What does not
 * fit the width goes on in lines of its own behind an indent. Tables are not wrapped.
 */
void put_wrapped(const struct descry_sink *sink, unsigned column, unsigned indent,
		 const char *text);

/* --- words ---------------------------------------------------------------------------- */

/* "4K 32 0 data rw a", in columns: granularity, default size, DPL, type. */
#define ATTR_TEXT 32u
void attr_columns(uint16_t attr, char text[ATTR_TEXT]);

/* "data rw a", "code r", "LDT", "unusable", ... */
const char *type_text(uint16_t attr, char text[ATTR_TEXT]);

/* "gdt[2]", "ldt[1]" */
#define SLOT_TEXT 12u
const char *slot_text(uint16_t sel, char text[SLOT_TEXT]);

/* 'A' or '\xc1': the low byte of a number, nothing that moves a cursor */
#define CHARACTER_TEXT 8u
const char *character_text(uint64_t number, char text[CHARACTER_TEXT]);

json_t *json_status(unsigned status);                   /* ["STALE"] */
json_t *json_segment(const struct descry_segment *seg); /* selector, base, limit, attr, decoded */
json_t *json_fault(const struct descry_fault *fault);   /* null when there is none */

/* --- one function a command ----------------------------------------------------------- */

void render_segments(const struct descry_sink *sink, struct descry_monitor *monitor,
		     const struct descry_segment_report *reports, size_t count);
void render_segment_detail(const struct descry_sink *sink, struct descry_monitor *monitor,
			   const struct descry_segment_report *report);

/* What has stopped the guest, and what has become of the caches since before. */
void render_stop(const struct descry_sink *sink, struct descry_monitor *monitor,
		 const struct descry_stop *stop, const struct descry_segment_moment *before);
/* Its line alone. */
void render_stop_text(const struct descry_sink *sink, const struct descry_stop *stop);
json_t *json_stop(struct descry_monitor *monitor, const struct descry_stop *stop);
/* The instruction that is next. */
void render_code_at_ip(const struct descry_sink *sink, struct descry_monitor *monitor);
void render_where(const struct descry_sink *sink, struct descry_monitor *monitor);

void render_registers(const struct descry_sink *sink, struct descry_monitor *monitor);

void render_table_entries(const struct descry_sink *sink, struct descry_monitor *monitor,
			  const struct descry_table_report *table,
			  const struct descry_table_entry *entries, size_t count);

/* asked: where the first line is, as it was typed; NULL: at CS:IP. */
void render_code(const struct descry_sink *sink, struct descry_monitor *monitor,
		 const struct descry_address *asked, const struct descry_code_line *lines,
		 size_t count);

/* The way of a linear address through the page tables, and the TLB beside them. */
void render_page(const struct descry_sink *sink, struct descry_monitor *monitor, uint32_t linear);

/* "there is no memory at", or, with paging on, "no page leads to memory at". */
const char *no_memory_text(struct descry_monitor *monitor);

/* How x shows memory. */
struct memory_format {
	size_t count;
	char format;   /* x, d, u, o, c, s, i */
	unsigned unit; /* 1, 2, 4, 8 bytes */
};

/* count units, of which read could be read; denial says why not all. */
/* What an address is asked for that a denial has met: "segment", or "rights" of a page. */
const char *denied_by(const struct descry_denial *denial);

void render_memory(const struct descry_sink *sink, struct descry_monitor *monitor,
		   const struct memory_format *format, const struct descry_address *address,
		   const void *data, size_t read, const struct descry_denial *denial);

void render_value(const struct descry_sink *sink, struct descry_monitor *monitor,
		  const struct value *value, char format);
/* old: NULL when the place could not be read, as memory beyond a limit */
void render_set(const struct descry_sink *sink, const char *place, const struct value *old,
		const struct value *now);
void render_breakpoints(const struct descry_sink *sink, struct descry_monitor *monitor);
void render_image(const struct descry_sink *sink, struct descry_monitor *monitor);
void render_profile(const struct descry_sink *sink, struct descry_monitor *monitor);
void render_symbols(const struct descry_sink *sink, struct descry_monitor *monitor);

/* Micro-steps first to first + count - 1 of an instruction. */
struct micro_report {
	const struct descry_micro_log *log;
	size_t first, count;
	const struct descry_code_line *line; /* the instruction */
	const struct descry_stop *stop;      /* JSON: it has been executed now; NULL: not yet */
};
void render_micro_steps(const struct descry_sink *sink, struct descry_monitor *monitor,
			const struct micro_report *report);
/* Text: where the CPU is behind them. */
void render_micro_end(const struct descry_sink *sink, struct descry_monitor *monitor,
		      const struct descry_stop *stop);

#endif
