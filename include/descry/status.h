/*
 * Errors: what goes wrong for a caller of the library or on the host. What goes
 * wrong for the guest is a fault (<descry/vcpu.h>), never one of these. A function
 * that can fail for a reason worth a sentence takes a struct descry_error; the
 * sentence says what is wrong, where, and what to do. Owned by vcpu.
 */
#ifndef DESCRY_STATUS_H
#define DESCRY_STATUS_H

#include <descry/compiler.h>

enum descry_status {
	DESCRY_OK,
	DESCRY_NO_MEMORY,
	DESCRY_IO_ERROR,      /* the host could not read, write or map something */
	DESCRY_BAD_IMAGE,     /* a guest image that is not what it claims to be */
	DESCRY_BAD_ARGUMENT,  /* an option, word or number that makes no sense */
	DESCRY_BAD_ADDRESS,   /* outside memory, or not reachable through that segment */
	DESCRY_NOT_FOUND,     /* no such symbol, command, breakpoint, file */
	DESCRY_NOT_SUPPORTED, /* known, and this engine or profile cannot do it */
	DESCRY_FAILED,        /* an assertion or expectation of the user does not hold */
	DESCRY_STATUS_COUNT
};

struct descry_error {
	enum descry_status status;
	char text[320]; /* one line, no final full stop, no newline; empty when DESCRY_OK */
};

const char *descry_status_text(enum descry_status status);

/* Fills err and returns status, so that a refusal is one line: return descry_fail(err, ...). */
enum descry_status descry_fail(struct descry_error *err, enum descry_status status,
			       const char *format, ...) DESCRY_PRINTF(3, 4);

#endif
