/*
 * One strategy at one boundary: the switch, the first access after it, and the same access
 * without the switch.
 */
#ifndef DESCRY_WORLD_COMPARE_H
#define DESCRY_WORLD_COMPARE_H

#include "world/probe.h"
#include "world/switch.h"

/* "Nothing shows" means: not within so many instructions. */
#define COMPARE_WINDOW 1000000u

/* What every row starts from. */
struct comparison {
	struct probe probe;
	const struct descry_snapshot *begin;          /* of the guest */
	const struct descry_snapshot *start;          /* the boundary, in the truth */
	struct descry_segment seg[DESCRY_SREG_COUNT]; /* there */
	struct descry_state state;                    /* there */
	const struct world_settings *settings;
	uint64_t end; /* of the window, as a count */
	struct descry_compare *result;

	/* Of the row at hand: */
	struct descry_world *under;
	struct world_memory memory; /* that goes with the snapshot of the switched side */
};

/* The next access through the segment that the image is about, without a switch. The CPU
 * stands at the boundary when it is called. */
enum descry_status compare_truth(struct comparison *comparison);

/* Fills a row. The monitor is left anywhere. */
enum descry_status compare_strategy(struct comparison *comparison,
				    const struct descry_strategy *strategy,
				    struct descry_compare_row *row);

/* --- for the rows --------------------------------------------------------------------- */

/* To a snapshot of the truth (.start, .begin) or else of the switched side. */
enum descry_status compare_go_to(struct comparison *comparison,
				 const struct descry_snapshot *snapshot);

/* The CPU, and the snapshot, stand where the guest runs again with what the strategy has left it.
 */
enum descry_status compare_conclude(struct comparison *comparison,
				    const struct descry_snapshot *resumed,
				    struct descry_compare_row *row);

/*
 * For strategies with a view: runs the guest under the strategy from its beginning, to the
 * boundary. done: something of what the last change of mode has lost shows before that, and the row
 * is filled.
 */
enum descry_status compare_view(struct comparison *comparison, struct descry_compare_row *row,
				bool *done);

/* The switch did not bring the guest back, as row->trace tells: there is no X8. */
void compare_conclude_without_x8(struct comparison *comparison, struct descry_compare_row *row);

/* An access in words; no text is longer. */
#define COMPARE_ACCESS_TEXT 64u

/* "4-byte store at fs:00020000" */
void compare_describe_place(const struct descry_world_access *access, char *text, size_t size);

/* "goes to 00020100", "faults with #GP (13)" */
void compare_describe_end(const struct descry_world_access *access, char *text, size_t size);

/* What it does and, when that differs, what it should do. why: the rule that refuses it; may be
 * NULL.
 */
void compare_describe_difference(const struct descry_world_access *access,
				 const struct descry_world_access *truth, const char *why,
				 char *text, size_t size);

#endif
