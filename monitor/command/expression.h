/*
 * The expression language of print, assert and of every number on a command line:
 * C operators over registers, segment caches, descriptor tables, symbols and memory.
 * Parsing knows no machine; evaluating asks the monitor and changes nothing.
 * `help expressions` is its description for users.
 */
#ifndef DESCRY_EXPRESSION_H
#define DESCRY_EXPRESSION_H

#include "command/register.h"

#include <descry/query.h>

#define EXPRESSION_NODES 96u
#define EXPRESSION_TEXT 512u

enum expression_kind {
	EXPRESSION_NUMBER, /* .number */
	EXPRESSION_SYMBOL, /* .text */
	EXPRESSION_REGISTER,
	EXPRESSION_SEGMENT, /* .sreg, .view, .field */
	EXPRESSION_TABLE,   /* .table, .field; .left is the index */
	EXPRESSION_MEMORY,  /* .space, .sreg, .size; .left is the offset */
	EXPRESSION_UNARY,   /* .op, .left */
	EXPRESSION_BINARY,  /* .op, .left, .right */
};

enum expression_op {
	OP_NOT,
	OP_COMPLEMENT,
	OP_NEGATE,
	OP_MULTIPLY,
	OP_DIVIDE,
	OP_REMAINDER,
	OP_ADD,
	OP_SUBTRACT,
	OP_SHIFT_LEFT,
	OP_SHIFT_RIGHT,
	OP_LESS,
	OP_LESS_EQUAL,
	OP_GREATER,
	OP_GREATER_EQUAL,
	OP_EQUAL,
	OP_NOT_EQUAL,
	OP_AND,
	OP_XOR,
	OP_OR,
	OP_LOGICAL_AND,
	OP_LOGICAL_OR,
};

/* What a number means: words compare with words, not with numbers. */
enum value_kind {
	VALUE_NUMBER,
	VALUE_STATUS, /* a set of DESCRY_CACHE_* */
	VALUE_MODE,   /* enum descry_mode */
	VALUE_STOP,   /* enum descry_stop_reason */
	VALUE_VECTOR, /* a vector, DESCRY_VEC_NONE; compares with numbers, too */
};

struct value {
	enum value_kind kind;
	uint64_t number;
};

struct expression_node {
	enum expression_kind kind;
	enum value_kind value; /* NUMBER */
	uint64_t number;       /* NUMBER */
	const struct register_name *reg;
	enum descry_sreg sreg;
	enum segment_view view;
	enum segment_field field;
	enum descry_table_kind table;
	enum descry_space space;
	enum expression_op op;
	uint16_t size;               /* MEMORY: in bytes */
	uint16_t left, right;        /* indices of nodes */
	uint16_t text_at, text_size; /* SYMBOL: its name in .text */
};

struct expression {
	char text[EXPRESSION_TEXT];
	uint16_t count;
	uint16_t root;
	struct expression_node node[EXPRESSION_NODES];
};

enum descry_status expression_parse(const char *text, struct expression *out,
				    struct descry_error *err);

enum descry_status expression_evaluate(const struct expression *expression,
				       struct descry_monitor *monitor, struct value *out,
				       struct descry_error *err);

/* The same for one operand of the root, to show why an assertion fails. */
enum descry_status expression_evaluate_node(const struct expression *expression, unsigned node,
					    struct descry_monitor *monitor, struct value *out,
					    struct descry_error *err);

/* Writes a value into what a place expression names: a register, a field of a segment's
 * cache, or memory. Raw: no rule of the CPU is asked. */
enum descry_status expression_assign(const struct expression *place, struct descry_monitor *monitor,
				     uint64_t number, struct descry_error *err);

/* Parse and evaluate at once; only a number (or vector) will do. */
enum descry_status expression_number(const char *text, struct descry_monitor *monitor,
				     uint64_t *out, struct descry_error *err);

/* A value as print shows it: "0x300000", "UNREAL", "#GP". */
#define VALUE_TEXT 96u
const char *value_text(const struct value *value, char buffer[VALUE_TEXT]);

bool value_is_true(const struct value *value);

#endif
