/*
 * A guest's registers as an image in the host's window: the save map of SMM, the table of
 * LOADALL. Both depend on the CPU.
 */
#ifndef DESCRY_WORLD_IMAGE_H
#define DESCRY_WORLD_IMAGE_H

#include "world/frame.h"

#include <descry/exchange.h>

/* Refuses, since this CPU has no such thing; the profiles that have it are named. */
bool image_refuse_cpu(struct world_switch *sw, enum descry_knob knob, const char *thing);

/* Notes the words that hold a segment register: "SMRAM 7f38=0010 ...: fs". None: nothing. */
void image_note_segment(struct world_switch *sw, const char *place,
			const struct descry_exchange_format *format, const uint8_t *bytes,
			enum descry_sreg sreg);

#endif
