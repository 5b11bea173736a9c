/*
 * The one door to jansson. A render builds one value and hands it to json_render(). Guest
 * quantities are numbers; the 8 bytes of a descriptor are a string of hexadecimal digits,
 * because many readers of JSON cannot hold 64 bits in a number. A symbol that is not there
 * is null.
 */
#ifndef DESCRY_JSON_H
#define DESCRY_JSON_H

#include <descry/sink.h>

#include <jansson.h>

#include <stdint.h>

/* Writes the value on a line of its own and releases it. */
void json_render(const struct descry_sink *sink, json_t *value);

/* A string, or null for NULL and for an empty one. */
json_t *json_text(const char *text);

/* A number; above INT64_MAX, which JSON readers do not hold, "0x...". */
json_t *json_u64(uint64_t number);

/* "00cf93000000ffff" */
json_t *json_raw(uint64_t raw);

#endif
