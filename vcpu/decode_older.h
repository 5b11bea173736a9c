/*
 * The decoder in front of the decoder: instructions as an 8086 and a 286 read them. Private
 * to vcpu.
 */
#ifndef DESCRY_DECODE_OLDER_H
#define DESCRY_DECODE_OLDER_H

#include "decode.h"

/* Does any knob ask for it? */
bool decodes_older(const struct descry_profile *profile);

/* As decode(). */
bool decode_older(const struct decoder *decoder, const struct descry_profile *profile,
		  enum decode_mode mode, const uint8_t *bytes, size_t size, struct decoded *out);

/* decode.c: as decode(), whatever older CPUs did. */
bool decode_as_386(const struct decoder *decoder, enum decode_mode mode, const uint8_t *bytes,
		   size_t size, struct decoded *out);

#endif
