/*
 * The command table. A row binds a word to its arguments, its help and its handler;
 * usage lines, completion and the command reference come from the row. Arguments are
 * parsed and checked before the handler is called, so a handler only does the work.
 */
#ifndef DESCRY_COMMAND_TABLE_H
#define DESCRY_COMMAND_TABLE_H

#include "command/expression.h"

#include <descry/command.h>
#include <descry/query.h>

/* --- arguments ------------------------------------------------------------------------ */

enum argument_type {
	ARG_NONE,       /* ends the list */
	ARG_NUMBER,     /* an expression without blanks: .number */
	ARG_ADDRESS,    /* linear number, symbol, fs:OFF, phys:N, SEG:OFF: .address */
	ARG_SEGMENT,    /* a segment register: .sreg */
	ARG_CHOICE,     /* one of .choices: .number is its index */
	ARG_WORD,       /* any word: .text */
	ARG_PLACE,      /* something that can be written, such as fs.base: .expression */
	ARG_EXPRESSION, /* the rest of the line: .expression, .text as it was written */
	ARG_TEXT,       /* the rest of the line as it is: .text */
	ARG_FILE,       /* the rest of the line: .text */
};

/* line: as far as it has been typed. */
typedef void candidates_fn(struct descry_session *session, const char *line,
			   descry_completion_fn *add, void *owner);

struct argument_spec {
	const char *name; /* as the usage line says it: "SREG" */
	enum argument_type type;
	bool optional;
	bool repeated;              /* the last one may be given many times */
	const char *const *choices; /* ARG_CHOICE: ends with NULL */
	candidates_fn
		*candidates; /* ARG_WORD, ARG_TEXT, ARG_NUMBER: what may stand here; or NULL */
};

#define COMMAND_ARGUMENTS 4u /* in a row */

struct argument {
	const char *text; /* as it was written */
	uint64_t number;
	enum descry_sreg sreg;
	struct descry_address address;
};

/* --- a call --------------------------------------------------------------------------- */

struct command;

struct command_call {
	const struct command *command;
	struct descry_session *session;
	struct descry_monitor *monitor;
	struct descry_world *world; /* may be NULL: a front end without world switches */
	const struct descry_sink *sink;
	struct descry_error *err;
	const char *suffix; /* what followed the slash: "8xb" of x/8xb; empty: none */
	size_t count;       /* arguments that were given */
	struct argument *argument;
	struct expression expression; /* of the ARG_EXPRESSION or ARG_PLACE, if there is one */
};

typedef enum descry_command_result command_fn(struct command_call *call);

enum command_topic {
	TOPIC_RUN,
	TOPIC_SEGMENT,
	TOPIC_STATE,
	TOPIC_MEMORY,
	TOPIC_WORLD,
	TOPIC_SCRIPT,
	TOPIC_COUNT
};

enum command_repeat {
	REPEAT_NEVER,
	REPEAT_SAME,     /* an empty line does the same again */
	REPEAT_CONTINUE, /* ... without arguments: go on after the last one */
};

struct command {
	const char *name;
	const char *aliases; /* "s si", or NULL */
	enum command_topic topic;
	const char *suffix; /* name of what may follow a slash: "FMT"; NULL: nothing may */
	struct argument_spec arguments[COMMAND_ARGUMENTS];
	command_fn *run;
	enum command_repeat repeat;
	const char *summary; /* one line, no full stop */
	const char *help;    /* paragraphs, lines of at most 80 columns; may be NULL */
};

/* Rows of one topic; each list ends with a row without a name. */
extern const struct command run_commands[];
extern const struct command inject_commands[];
extern const struct command micro_commands[];
extern const struct command segment_commands[];
extern const struct command state_commands[];
extern const struct command exchange_commands[];
extern const struct command memory_commands[];
extern const struct command page_commands[];
extern const struct command world_commands[];
extern const struct command script_commands[];

const char *command_topic_title(enum command_topic topic);

/* All rows in the order of the topics: index 0 .. until NULL. */
const struct command *command_at(size_t index);

/* By name, alias or unambiguous beginning; err says what is wrong with the word otherwise. */
const struct command *command_find(const char *word, struct descry_error *err);

/* "x[/FMT] [ADDR]" */
#define COMMAND_USAGE_TEXT 120u
void command_usage(const struct command *command, char usage[COMMAND_USAGE_TEXT]);

/* An error result: return command_error(call, DESCRY_BAD_ARGUMENT, "...", ...). */
enum descry_command_result command_error(struct command_call *call, enum descry_status status,
					 const char *format, ...) DESCRY_PRINTF(3, 4);

/* A guest that has ended does not go on; only reset begins again. True: the error is written. */
bool command_guest_has_ended(struct command_call *call);

#endif
