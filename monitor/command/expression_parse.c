#include "command/expression.h"

#include <descry/number.h>

#include <ctype.h>
#include <string.h>

/*
 * Precedence climbing over one table of operators. A parse function returns false when it
 * has filled err; text up to .at has been consumed otherwise.
 */
struct parser {
	const char *at;
	struct expression *out;
	struct descry_error *err;
	unsigned depth;
};

#define MAX_DEPTH 64u

static bool parse_binary(struct parser *p, unsigned min_binding, uint16_t *node);

static bool
refuse(struct parser *p, const char *what)
{
	if (*p->at != '\0')
		descry_fail(p->err, DESCRY_BAD_ARGUMENT, "'%.80s', at '%.40s': %s", p->out->text,
			    p->at, what);
	else
		descry_fail(p->err, DESCRY_BAD_ARGUMENT, "'%.80s', at the end: %s", p->out->text,
			    what);
	return false;
}

static void
skip_blanks(struct parser *p)
{
	while (isblank((unsigned char)*p->at))
		p->at++;
}

static bool
accept(struct parser *p, const char *token)
{
	const size_t size = strlen(token);

	skip_blanks(p);
	if (strncmp(p->at, token, size) != 0)
		return false;
	p->at += size;
	return true;
}

static bool
expect(struct parser *p, const char *token)
{
	char what[24] = "expected '";

	if (accept(p, token))
		return true;
	strncat(what, token, 8);
	strcat(what, "'");
	return refuse(p, what);
}

static bool
new_node(struct parser *p, const struct expression_node *node, uint16_t *index)
{
	if (p->out->count == EXPRESSION_NODES)
		return refuse(p, "the expression is too long");
	*index = p->out->count++;
	p->out->node[*index] = *node;
	return true;
}

/* --- names ---------------------------------------------------------------------------- */

static bool
is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

static size_t
name_size(const char *text)
{
	size_t size = 0;

	if (!is_name_start(*text))
		return 0;
	while (is_name_start(text[size]) || isdigit((unsigned char)text[size]))
		size++;
	return size;
}

static bool
is_word(const char *word, const char *text, size_t size)
{
	return strlen(word) == size && memcmp(word, text, size) == 0;
}

/* The words of closed sets: what print shows can be typed. Longer ones first. */
/* clang-format off */
static const struct word {
	const char *name;
	enum value_kind kind;
	uint32_t number;
} words[] = {
	{ "MATCH",          VALUE_STATUS, 0 },
	{ "STALE",          VALUE_STATUS, DESCRY_CACHE_STALE },
	{ "UNREAL",         VALUE_STATUS, DESCRY_CACHE_UNREAL },
	{ "UNREAL-BASE",    VALUE_STATUS, DESCRY_CACHE_UNREAL_BASE },
	{ "UNREAL_BASE",    VALUE_STATUS, DESCRY_CACHE_UNREAL_BASE },
	{ "UNUSABLE",       VALUE_STATUS, DESCRY_CACHE_UNUSABLE },
	{ "FIXED",          VALUE_STATUS, DESCRY_CACHE_FIXED },
	{ "FORCED",         VALUE_STATUS, DESCRY_CACHE_FORCED },
	{ "REAL",           VALUE_MODE,   DESCRY_MODE_REAL },
	{ "PROTECTED",      VALUE_MODE,   DESCRY_MODE_PROTECTED },
	{ "V86",            VALUE_MODE,   DESCRY_MODE_V86 },
	{ "START",          VALUE_STOP,   DESCRY_STOP_START },
	{ "STEP",           VALUE_STOP,   DESCRY_STOP_STEP },
	{ "REACHED",        VALUE_STOP,   DESCRY_STOP_REACHED },
	{ "BREAKPOINT",     VALUE_STOP,   DESCRY_STOP_BREAKPOINT },
	{ "INTERRUPTED",    VALUE_STOP,   DESCRY_STOP_INTERRUPTED },
	{ "ACCESS",         VALUE_STOP,   DESCRY_STOP_ACCESS },
	{ "LOAD",           VALUE_STOP,   DESCRY_STOP_LOAD },
	{ "HOST_INTERRUPT", VALUE_STOP,   DESCRY_STOP_HOST_INTERRUPT },
	{ "GUEST_EXIT",     VALUE_STOP,   DESCRY_STOP_GUEST_EXIT },
	{ "HALTED",         VALUE_STOP,   DESCRY_STOP_HALTED },
	{ "UNHANDLED",      VALUE_STOP,   DESCRY_STOP_UNHANDLED },
	{ "SHUTDOWN",       VALUE_STOP,   DESCRY_STOP_SHUTDOWN },
	{ "NOT_MODELLED",   VALUE_STOP,   DESCRY_STOP_NOT_MODELLED },
	{ "INVARIANT",      VALUE_STOP,   DESCRY_STOP_INVARIANT },
	{ "NONE",           VALUE_VECTOR, DESCRY_VEC_NONE },
};
/* clang-format on */

static const struct word *
word_find(const char *text, size_t size)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (is_word(words[i].name, text, size))
			return &words[i];
	}
	return NULL;
}

/* A minus belongs to a name in one case only: UNREAL-BASE, as displays write it. */
static size_t
word_size(const char *text)
{
	static const char long_word[] = "UNREAL-BASE";
	const size_t size = sizeof(long_word) - 1;

	if (strncmp(text, long_word, size) == 0 && name_size(text + size) == 0)
		return size;
	return name_size(text);
}

/*
 * A set of status words, "UNREAL|UNREAL-BASE", is one value: it binds tighter than ==, so
 * that what a display shows can be compared as it is.
 */
static bool
parse_word(struct parser *p, const struct word *word, uint16_t *node)
{
	struct expression_node set = {
		.kind = EXPRESSION_NUMBER,
		.value = word->kind,
		.number = word->number,
	};

	while (set.value == VALUE_STATUS) {
		const char *before = p->at;
		const struct word *next = NULL;

		if (accept(p, "|") && *p->at != '|') {
			skip_blanks(p);
			next = word_find(p->at, word_size(p->at));
		}
		if (next == NULL || next->kind != VALUE_STATUS) {
			p->at = before;
			break;
		}
		set.number |= next->number;
		p->at += word_size(p->at);
	}
	return new_node(p, &set, node);
}

static bool
parse_symbol(struct parser *p, size_t size, uint16_t *node)
{
	const struct expression_node symbol = {
		.kind = EXPRESSION_SYMBOL,
		.text_at = (uint16_t)(p->at - p->out->text),
		.text_size = (uint16_t)size,
	};

	p->at += size;
	return new_node(p, &symbol, node);
}

/* gdt[5].base, after the word; false with err when it is no such thing. */
static bool
parse_table(struct parser *p, enum descry_table_kind table, uint16_t *node)
{
	struct expression_node entry = { .kind = EXPRESSION_TABLE, .table = table };
	size_t size;

	if (!expect(p, "[") || !parse_binary(p, 0, &entry.left) || !expect(p, "]") ||
	    !expect(p, "."))
		return false;
	size = name_size(p->at);
	if (!field_find(p->at, size, &entry.field) || entry.field == FIELD_STATUS ||
	    entry.field == FIELD_FAULT || entry.field == FIELD_ERROR)
		return refuse(p, "a descriptor has base, limit, attr, type, s, dpl, p, avl, db, g, "
				 "raw; a gate has sel and offset, too");
	p->at += size;
	return new_node(p, &entry, node);
}

/* The inside of [...] or dword(...): an offset, after "fs:" or "phys:" if it is in such a space. */
static bool
parse_memory(struct parser *p, unsigned size, const char *close, uint16_t *node)
{
	struct expression_node memory = { .kind = EXPRESSION_MEMORY, .size = (uint16_t)size };
	size_t prefix;

	skip_blanks(p);
	prefix = name_size(p->at);
	if (p->at[prefix] == ':') {
		if (sreg_find(p->at, prefix, &memory.sreg) && memory.sreg < DESCRY_DATA_SREG_COUNT)
			memory.space = DESCRY_SPACE_SEGMENT;
		else if (is_word("phys", p->at, prefix))
			memory.space = DESCRY_SPACE_PHYSICAL;
		else if (!is_word("linear", p->at, prefix))
			return refuse(p,
				      "an address space is es, cs, ss, ds, fs, gs, linear or phys");
		p->at += prefix + 1;
	}
	return parse_binary(p, 0, &memory.left) && expect(p, close) && new_node(p, &memory, node);
}

static const struct {
	const char *name;
	unsigned size;
} readers[] = { { "byte", 1 }, { "word", 2 }, { "dword", 4 }, { "qword", 8 } };

static const struct {
	const char *name;
	enum descry_table_kind table;
} tables[] = {
	{ "gdt", DESCRY_TABLE_GDT },
	{ "ldt", DESCRY_TABLE_LDT },
	{ "idt", DESCRY_TABLE_IDT },
};

/* byte(...), gdt[...]: the name and what has to follow it. False when it is another name. */
static bool
is_compound(const struct parser *p, size_t size, size_t *reader, size_t *table)
{
	const char follows = p->at[size];

	for (*reader = 0; *reader < sizeof(readers) / sizeof(readers[0]); ++*reader) {
		if (follows == '(' && is_word(readers[*reader].name, p->at, size))
			return true;
	}
	for (*table = 0; *table < sizeof(tables) / sizeof(tables[0]); ++*table) {
		if (follows == '[' && is_word(tables[*table].name, p->at, size))
			return true;
	}
	return false;
}

static bool
parse_compound(struct parser *p, size_t size, size_t reader, size_t table, uint16_t *node)
{
	if (p->at[size] == '(') {
		p->at += size + 1;
		return parse_memory(p, readers[reader].size, ")", node);
	}
	p->at += size;
	return parse_table(p, tables[table].table, node);
}

static bool
parse_name(struct parser *p, uint16_t *node)
{
	struct expression_node plain = { .kind = EXPRESSION_REGISTER };
	const size_t size = word_size(p->at);
	const struct word *word = word_find(p->at, size);
	size_t reader, table;

	if (word != NULL) {
		p->at += size;
		return parse_word(p, word, node);
	}
	if (is_compound(p, size, &reader, &table))
		return parse_compound(p, size, reader, table, node);

	plain.reg = register_find(p->at, size);
	if (plain.reg == NULL) {
		if (!segment_path(p->at, size, &plain.sreg, &plain.view, &plain.field))
			return parse_symbol(p, size, node);
		plain.kind = EXPRESSION_SEGMENT;
	}
	p->at += size;
	return new_node(p, &plain, node);
}

/* --- values --------------------------------------------------------------------------- */

/* Letters belong to it, whatever they mean: 7c2c is no 7 with something behind it. */
static bool
parse_number(struct parser *p, uint16_t *node)
{
	struct expression_node number = { .kind = EXPRESSION_NUMBER };
	char why[DESCRY_NUMBER_WHY];
	size_t size = 0;

	while (isalnum((unsigned char)p->at[size]))
		size++;
	if (!descry_number_parse(p->at, size, &number.number, why))
		return refuse(p, why);
	p->at += size;
	return new_node(p, &number, node);
}

/* #GP */
static bool
parse_vector(struct parser *p, uint16_t *node)
{
	struct expression_node vector = { .kind = EXPRESSION_NUMBER, .value = VALUE_VECTOR };
	const size_t size = 1 + name_size(p->at + 1);

	for (unsigned i = 0; i < 32; i++) {
		if (is_word(descry_vector_text(i), p->at, size)) {
			p->at += size;
			vector.number = i;
			return new_node(p, &vector, node);
		}
	}
	return refuse(p, "no exception has this name (#GP, #NP, #SS, ...)");
}

static bool
parse_value(struct parser *p, uint16_t *node)
{
	skip_blanks(p);
	if (accept(p, "("))
		return parse_binary(p, 0, node) && expect(p, ")");
	if (accept(p, "["))
		return parse_memory(p, 4, "]", node);
	if (*p->at == '#')
		return parse_vector(p, node);
	if (isdigit((unsigned char)*p->at))
		return parse_number(p, node);
	if (name_size(p->at) > 0)
		return parse_name(p, node);
	return refuse(p, "expected a value");
}

/* --- operators ------------------------------------------------------------------------ */

static const struct {
	char token;
	enum expression_op op;
} unary[] = {
	{ '!', OP_NOT },
	{ '~', OP_COMPLEMENT },
	{ '-', OP_NEGATE },
};

/* As C binds them. A token stands before its own beginnings. */
/* clang-format off */
static const struct {
	const char *token;
	unsigned binding;
	enum expression_op op;
} binary[] = {
	{ "||", 1,  OP_LOGICAL_OR },  { "&&", 2, OP_LOGICAL_AND },
	{ "<<", 8,  OP_SHIFT_LEFT },  { ">>", 8, OP_SHIFT_RIGHT },
	{ "<=", 7,  OP_LESS_EQUAL },  { ">=", 7, OP_GREATER_EQUAL },
	{ "==", 6,  OP_EQUAL },       { "!=", 6, OP_NOT_EQUAL },
	{ "<",  7,  OP_LESS },        { ">",  7, OP_GREATER },
	{ "|",  3,  OP_OR },          { "^",  4, OP_XOR },         { "&", 5, OP_AND },
	{ "+",  9,  OP_ADD },         { "-",  9, OP_SUBTRACT },
	{ "*",  10, OP_MULTIPLY },    { "/", 10, OP_DIVIDE },      { "%", 10, OP_REMAINDER },
};
/* clang-format on */

static bool
parse_unary(struct parser *p, uint16_t *node)
{
	struct expression_node one = { .kind = EXPRESSION_UNARY };

	skip_blanks(p);
	for (size_t i = 0; i < sizeof(unary) / sizeof(unary[0]); i++) {
		if (*p->at != unary[i].token)
			continue;
		p->at++;
		one.op = unary[i].op;
		return parse_unary(p, &one.left) && new_node(p, &one, node);
	}
	if (*p->at == '&' && name_size(p->at + 1) > 0) {
		p->at++; /* the address of a symbol, even if it is called eax */
		return parse_symbol(p, name_size(p->at), node);
	}
	return parse_value(p, node);
}

static bool
next_operator(struct parser *p, unsigned min_binding, size_t *found)
{
	skip_blanks(p);
	for (size_t i = 0; i < sizeof(binary) / sizeof(binary[0]); i++) {
		if (strncmp(p->at, binary[i].token, strlen(binary[i].token)) == 0) {
			*found = i;
			return binary[i].binding > min_binding;
		}
	}
	return false;
}

static bool
parse_binary(struct parser *p, unsigned min_binding, uint16_t *node)
{
	size_t found;

	if (++p->depth > MAX_DEPTH)
		return refuse(p, "too many brackets");
	if (!parse_unary(p, node))
		return false;
	while (next_operator(p, min_binding, &found)) {
		struct expression_node two = { .kind = EXPRESSION_BINARY, .left = *node };

		two.op = binary[found].op;
		p->at += strlen(binary[found].token);
		if (!parse_binary(p, binary[found].binding, &two.right) || !new_node(p, &two, node))
			return false;
	}
	p->depth--;
	return true;
}

enum descry_status
expression_parse(const char *text, struct expression *out, struct descry_error *err)
{
	struct parser p = { .at = out->text, .out = out, .err = err };

	out->count = 0;
	err->status = DESCRY_OK;
	if (strlen(text) >= sizeof(out->text))
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "an expression has at most %zu characters",
				   sizeof(out->text) - 1);
	strcpy(out->text, text);
	if (!parse_binary(&p, 0, &out->root))
		return err->status;
	skip_blanks(&p);
	if (*p.at != '\0') {
		refuse(&p, "expected an operator");
		return err->status;
	}
	return DESCRY_OK;
}
