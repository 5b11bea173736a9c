/*
 * A packet as a value: its arguments have been parsed and checked for form before anybody
 * acts on them. Private to gdbstub.
 */
#ifndef DESCRY_GDB_REQUEST_H
#define DESCRY_GDB_REQUEST_H

#include <descry/compiler.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What may follow the name of a packet. */
enum arguments {
	ARGUMENTS_NONE,
	ARGUMENTS_TEXT,       /* anything; the packet looks at it itself */
	ARGUMENTS_RESUME,     /* [ADDRESS] */
	ARGUMENTS_SIGNAL,     /* SIGNAL[;ADDRESS] */
	ARGUMENTS_REGISTER,   /* NUMBER */
	ARGUMENTS_ASSIGNMENT, /* NUMBER=DIGITS */
	ARGUMENTS_RANGE,      /* ADDRESS,LENGTH */
	ARGUMENTS_STORE,      /* ADDRESS,LENGTH:DATA */
	ARGUMENTS_POINT,      /* KIND,ADDRESS,SIZE */
	ARGUMENTS_THREAD,     /* THREAD */
	ARGUMENTS_OBJECT,     /* ANNEX:OFFSET,LENGTH */
	ARGUMENTS_COUNT
};

/* Which members are filled depends on the arguments of the packet. */
struct request {
	const char *text; /* behind the name; NUL-terminated, but may hold NULs */
	size_t size;
	const char *data; /* behind ':' or '=' */
	size_t data_size;
	uint64_t number;  /* register, kind or signal */
	uint64_t address; /* or offset */
	uint64_t length;
	size_t annex_size; /* the annex begins at text */
	bool has_address;
	int thread; /* -1: all, 0: any */
};

/* A THREAD at *at, which moves behind it. */
DESCRY_MUST_CHECK bool request_thread(const char **at, const char *end, int *thread);

/* False: the arguments have not the form that they should. */
DESCRY_MUST_CHECK bool request_parse(enum arguments arguments, const char *text, size_t size,
				     struct request *request);

#endif
