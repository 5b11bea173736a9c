/*
 * Numbers and bytes as the protocol writes them: hexadecimal digits without a prefix.
 * Private to gdbstub.
 */
#ifndef DESCRY_GDB_HEX_H
#define DESCRY_GDB_HEX_H

#include <descry/compiler.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 to 15, or -1. */
int hex_digit(char digit);

/* 1 to 16 digits at *at, which moves behind them. False, and nothing moves: there are none, or
 * too many. */
DESCRY_MUST_CHECK bool hex_number(const char **at, const char *end, uint64_t *value);

/* Two digits a byte; out has room for 2 * size, which is returned. */
size_t hex_encode(char *out, const void *data, size_t size);

/* size bytes from 2 * size digits; false: one of them is no digit. */
DESCRY_MUST_CHECK bool hex_decode(void *out, const char *digits, size_t size);

#endif
