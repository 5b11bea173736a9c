/*
 * A stop as one line: reason, cs:ip, symbol, instruction, and the segments involved with
 * their caches. Private to monitor.
 */
#ifndef DESCRY_STOP_H
#define DESCRY_STOP_H

#include <descry/monitor.h>

/*
 * Fills stop from the state of the machine, all but the text. exit may be NULL for reasons
 * that do not come from the CPU.
 */
void stop_fill(struct descry_monitor *monitor, enum descry_stop_reason reason,
	       const struct descry_exit *exit, struct descry_stop *stop);

/* The text, and what comes with it: the exit status or the number of a breakpoint. */
void stop_write_text(struct descry_monitor *monitor, const struct descry_exit *exit,
		     struct descry_stop *stop);

/* Both. */
void stop_describe(struct descry_monitor *monitor, enum descry_stop_reason reason,
		   const struct descry_exit *exit, struct descry_stop *stop);

/* More text, as far as it fits. */
void stop_append(struct descry_stop *stop, const char *format, ...) DESCRY_PRINTF(2, 3);

/* The segments that an instruction names or implies, by its text and prefixes: 1 << sreg. */
unsigned stop_segments_of(const char *instruction, const uint8_t *bytes, unsigned length);

#endif
