/*
 * The numbers that a person types: one grammar for options, commands and expressions.
 * Displays write addresses in hexadecimal and without a mark; typed back as they stand
 * they would mean something else, so what could be one is refused and never guessed.
 * Owned by monitor.
 */
#ifndef DESCRY_NUMBER_H
#define DESCRY_NUMBER_H

#include <descry/compiler.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DESCRY_NUMBER_WHY 96u

/*
 * 10, 0x10, 10h or 0b10, in 64 bits; size characters, all of them. False: why is a phrase
 * that says what is wrong and how to write it.
 */
DESCRY_MUST_CHECK bool descry_number_parse(const char *text, size_t size, uint64_t *out,
					   char why[DESCRY_NUMBER_WHY]);

/* Where hexadecimal goes without saying, as in SEG:OFF: 7c00, 0x7c00 or 7c00h. */
DESCRY_MUST_CHECK bool descry_number_parse_hex(const char *text, size_t size, uint64_t *out);

/* "hexadecimal is 0x7c2c or 7c2ch" when the text could be that; else an empty string. */
const char *descry_number_hint(const char *text, size_t size, char hint[DESCRY_NUMBER_WHY]);

#endif
