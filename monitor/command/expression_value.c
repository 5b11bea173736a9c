#include "command/expression.h"
#include "command/render.h"

#include <descry/number.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct evaluation {
	const struct expression *expression;
	struct descry_monitor *monitor;
	struct descry_error *err;
};

static bool evaluate(const struct evaluation *e, unsigned index, struct value *out);

static bool
give(struct value *out, enum value_kind kind, uint64_t number)
{
	*out = (struct value){ .kind = kind, .number = number };
	return true;
}

bool
value_is_true(const struct value *value)
{
	return value->number != (value->kind == VALUE_VECTOR ? (uint64_t)DESCRY_VEC_NONE : 0u);
}

/* --- leaves --------------------------------------------------------------------------- */

/* "fs.foo": no symbol was meant. Names the fields that a cache has. */
static bool
is_wrong_field(const struct evaluation *e, const char *name)
{
	const size_t size = strcspn(name, ".");
	char list[160] = "", path[40];
	enum segment_field field;
	enum segment_view view;
	enum descry_sreg sreg;
	size_t used = 0;

	if (name[size] != '.' || !sreg_find(name, size, &sreg))
		return false;
	for (unsigned i = 0; i < FIELD_COUNT && used < sizeof(list); i++) {
		const char *text = field_name((enum segment_field)i);
		const int length = snprintf(path, sizeof(path), "fs.%s", text);

		if (segment_path(path, (size_t)length, &sreg, &view, &field))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s ", text);
	}
	descry_fail(e->err, DESCRY_NOT_FOUND,
		    "'%.40s': %.*s has %stable.FIELD reload.FIELD (see `help expressions`)", name,
		    (int)size, name, list);
	return true;
}

static bool
evaluate_symbol(const struct evaluation *e, const struct expression_node *node, struct value *out)
{
	const char *text = e->expression->text + node->text_at;
	char name[EXPRESSION_TEXT], hint[DESCRY_NUMBER_WHY];
	uint64_t linear;

	memcpy(name, text, node->text_size);
	name[node->text_size] = '\0';
	if (!descry_monitor_symbol(e->monitor, name, &linear)) {
		if (is_wrong_field(e, name))
			return false;
		descry_number_hint(name, node->text_size, hint);
		descry_fail(e->err, DESCRY_NOT_FOUND,
			    "no register or symbol is called '%.80s' (%s)", name,
			    *hint != '\0' ? hint : "see `help expressions`, `info symbols`");
		return false;
	}
	return give(out, VALUE_NUMBER, linear);
}

static bool
evaluate_exit_status(const struct evaluation *e, struct value *out)
{
	const struct descry_stop *stop = descry_monitor_last_stop(e->monitor);

	if (stop->reason != DESCRY_STOP_GUEST_EXIT) {
		descry_fail(e->err, DESCRY_BAD_ARGUMENT, "the guest has not ended: %s", stop->text);
		return false;
	}
	return give(out, VALUE_NUMBER, (unsigned)stop->exit_status);
}

static bool
evaluate_register(const struct evaluation *e, const struct register_name *reg, struct value *out)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(e->monitor);
	const struct descry_state *state = descry_vcpu_state(vcpu);

	switch (reg->source) {
	case REGISTER_STATE:
		return give(out, VALUE_NUMBER, register_read(reg, state));
	case REGISTER_PC:
		return give(out, VALUE_NUMBER, descry_vcpu_linear_ip(vcpu));
	case REGISTER_CPL:
		return give(out, VALUE_NUMBER, descry_cpl(state));
	case REGISTER_MODE:
		return give(out, VALUE_MODE, descry_vcpu_mode(vcpu));
	case REGISTER_STOP:
		return give(out, VALUE_STOP, descry_monitor_last_stop(e->monitor)->reason);
	case REGISTER_EXIT_STATUS:
		return evaluate_exit_status(e, out);
	}
	assert(false && "a register comes from one of these");
	return false;
}

static enum descry_reload_mode
reload_mode(enum segment_view view)
{
	if (view == VIEW_REAL)
		return DESCRY_RELOAD_REAL;
	if (view == VIEW_PROTECTED)
		return DESCRY_RELOAD_PROTECTED;
	if (view == VIEW_V86)
		return DESCRY_RELOAD_V86;
	return DESCRY_RELOAD_NOW;
}

static bool
evaluate_reload(const struct evaluation *e, const struct expression_node *node, struct value *out)
{
	struct descry_preview preview;

	descry_reload_preview(descry_monitor_vcpu(e->monitor), node->sreg, reload_mode(node->view),
			      &preview);
	if (node->field == FIELD_FAULT)
		return give(out, VALUE_VECTOR, preview.fault.vector);
	if (node->field == FIELD_ERROR)
		return give(out, VALUE_NUMBER, preview.fault.error_code);
	if (preview.fault.vector != DESCRY_VEC_NONE) {
		descry_fail(e->err, DESCRY_BAD_ARGUMENT,
			    "a reload of %s would give no %s but %s(%04x): %s (ask .fault first)",
			    descry_sreg_name(node->sreg), field_name(node->field),
			    descry_vector_text(preview.fault.vector), preview.fault.error_code,
			    preview.why);
		return false;
	}
	return give(out, VALUE_NUMBER, field_of(&preview.segment, node->field));
}

static bool
evaluate_table_of(const struct evaluation *e, const struct expression_node *node, struct value *out)
{
	struct descry_segment_report report;

	descry_query_segment(e->monitor, node->sreg, &report);
	if (report.slot != DESCRY_SLOT_READ) {
		descry_fail(e->err, DESCRY_BAD_ARGUMENT, "selector %04x of %s %s", report.cache.sel,
			    descry_sreg_name(node->sreg),
			    report.slot == DESCRY_SLOT_NULL ? "is null: it names no descriptor"
							    : "is beyond the limit of its table");
		return false;
	}
	if (node->field == FIELD_RAW)
		return give(out, VALUE_NUMBER, report.raw);
	return give(out, VALUE_NUMBER, field_of(&report.table, node->field));
}

static bool
evaluate_segment(const struct evaluation *e, const struct expression_node *node, struct value *out)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(e->monitor);

	if (node->view == VIEW_TABLE)
		return evaluate_table_of(e, node, out);
	if (node->view != VIEW_CACHE)
		return evaluate_reload(e, node, out);
	if (node->field == FIELD_STATUS)
		return give(out, VALUE_STATUS, descry_cache_status(vcpu, node->sreg));
	return give(out, VALUE_NUMBER,
		    field_of(&descry_vcpu_state(vcpu)->seg[node->sreg], node->field));
}

/* --- tables and memory ---------------------------------------------------------------- */

static bool
number_of(const struct evaluation *e, unsigned index, uint64_t *number)
{
	struct value value;

	if (!evaluate(e, index, &value))
		return false;
	if (value.kind != VALUE_NUMBER && value.kind != VALUE_VECTOR) {
		char text[VALUE_TEXT];

		descry_fail(e->err, DESCRY_BAD_ARGUMENT, "'%.80s': %s is a word, not a number",
			    e->expression->text, value_text(&value, text));
		return false;
	}
	*number = value.number;
	return true;
}

static uint64_t
entry_field(const struct descry_table_entry *entry, enum segment_field field)
{
	if (field == FIELD_RAW)
		return entry->raw;
	if (!entry->gate)
		return field == FIELD_OFFSET ? 0 : field_of(&entry->segment, field);
	if (field == FIELD_OFFSET)
		return entry->offset;

	const struct descry_segment gate = { .sel = entry->sel, .attr = entry->attr };

	return field_of(&gate, field);
}

static bool
evaluate_table(const struct evaluation *e, const struct expression_node *node, struct value *out)
{
	static const char *const names[] = { "gdt", "ldt", "idt" };
	struct descry_table_report table;
	struct descry_table_entry entry;
	uint64_t index;

	if (!number_of(e, node->left, &index))
		return false;
	descry_query_table(e->monitor, node->table, &table);
	if (index >= table.entry_count) {
		descry_fail(e->err, DESCRY_BAD_ADDRESS,
			    "%s has %u entries (base %08llx, limit %x): "
			    "there is no %s[%llu]",
			    names[node->table], table.entry_count, (unsigned long long)table.base,
			    table.limit, names[node->table], (unsigned long long)index);
		return false;
	}
	if (!descry_query_table_entry(e->monitor, &table, (unsigned)index, &entry)) {
		descry_fail(e->err, DESCRY_BAD_ADDRESS, "%s[%llu] lies outside memory",
			    names[node->table], (unsigned long long)index);
		return false;
	}
	return give(out, VALUE_NUMBER, entry_field(&entry, node->field));
}

static bool
memory_address(const struct evaluation *e, const struct expression_node *node,
	       struct descry_address *address)
{
	address->space = node->space;
	address->sreg = node->sreg;
	if (!number_of(e, node->left, &address->offset))
		return false;
	if (address->offset > UINT32_MAX) {
		descry_fail(e->err, DESCRY_BAD_ADDRESS, "'%.80s': address %llx is above 4 GiB",
			    e->expression->text, (unsigned long long)address->offset);
		return false;
	}
	return true;
}

static bool
evaluate_memory(const struct evaluation *e, const struct expression_node *node, struct value *out)
{
	struct descry_address address;
	struct descry_denial denial;
	uint64_t number = 0;

	if (!memory_address(e, node, &address))
		return false;
	if (descry_query_read(e->monitor, &address, node->size, 1, &number, &denial) == 1)
		return give(out, VALUE_NUMBER, number);
	if (denial.fault.vector != DESCRY_VEC_NONE)
		descry_fail(e->err, DESCRY_BAD_ADDRESS,
			    "%s:%llx cannot be read: %s, %s (linear:0x%llx asks no %s)",
			    descry_sreg_name(address.sreg), (unsigned long long)address.offset,
			    descry_vector_text(denial.fault.vector), denial.why,
			    (unsigned long long)denial.linear, denied_by(&denial));
	else
		descry_fail(e->err, DESCRY_BAD_ADDRESS, "%s 0x%llx", no_memory_text(e->monitor),
			    (unsigned long long)denial.linear);
	return false;
}

/* --- operators ------------------------------------------------------------------------ */

static bool
evaluate_unary(const struct evaluation *e, const struct expression_node *node, struct value *out)
{
	uint64_t number;

	if (node->op == OP_NOT) {
		if (!evaluate(e, node->left, out))
			return false;
		return give(out, VALUE_NUMBER, !value_is_true(out));
	}
	if (!number_of(e, node->left, &number))
		return false;
	return give(out, VALUE_NUMBER, node->op == OP_NEGATE ? 0 - number : ~number);
}

static uint64_t
shift(enum expression_op op, uint64_t left, uint64_t right)
{
	if (right > 63)
		return 0;
	return op == OP_SHIFT_LEFT ? left << right : left >> right;
}

static uint64_t
apply(enum expression_op op, uint64_t left, uint64_t right)
{
	switch (op) {
	case OP_MULTIPLY:
		return left * right;
	case OP_DIVIDE:
		return left / right;
	case OP_REMAINDER:
		return left % right;
	case OP_ADD:
		return left + right;
	case OP_SUBTRACT:
		return left - right;
	case OP_SHIFT_LEFT:
	case OP_SHIFT_RIGHT:
		return shift(op, left, right);
	case OP_LESS:
		return left < right;
	case OP_LESS_EQUAL:
		return left <= right;
	case OP_GREATER:
		return left > right;
	case OP_GREATER_EQUAL:
		return left >= right;
	case OP_EQUAL:
		return left == right;
	case OP_NOT_EQUAL:
		return left != right;
	case OP_AND:
		return left & right;
	case OP_XOR:
		return left ^ right;
	case OP_OR:
		return left | right;
	case OP_NOT:
	case OP_COMPLEMENT:
	case OP_NEGATE:
	case OP_LOGICAL_AND:
	case OP_LOGICAL_OR:
		break;
	}
	assert(false && "a binary operator that looks at both sides");
	return 0;
}

/* Numbers (and vectors) mix; a word goes only with words of its own set. */
static bool
is_number(const struct value *value)
{
	return value->kind == VALUE_NUMBER || value->kind == VALUE_VECTOR;
}

static bool
check_kinds(const struct evaluation *e, enum expression_op op, const struct value *left,
	    const struct value *right)
{
	const bool equality = op == OP_EQUAL || op == OP_NOT_EQUAL;
	const bool set = op == OP_AND || op == OP_OR || op == OP_XOR;
	char a[VALUE_TEXT], b[VALUE_TEXT];

	if (is_number(left) && is_number(right))
		return true;
	if (left->kind == right->kind && (equality || (set && left->kind == VALUE_STATUS)))
		return true;
	descry_fail(e->err, DESCRY_BAD_ARGUMENT,
		    "'%.80s': %s and %s do not go together (a status, mode or stop compares with "
		    "its own words by == and !=, a status tests by &)",
		    e->expression->text, value_text(left, a), value_text(right, b));
	return false;
}

static bool
evaluate_logical(const struct evaluation *e, const struct expression_node *node, struct value *out)
{
	if (!evaluate(e, node->left, out))
		return false;
	if (value_is_true(out) == (node->op == OP_LOGICAL_OR))
		return give(out, VALUE_NUMBER, value_is_true(out));
	if (!evaluate(e, node->right, out))
		return false;
	return give(out, VALUE_NUMBER, value_is_true(out));
}

static bool
evaluate_binary(const struct evaluation *e, const struct expression_node *node, struct value *out)
{
	struct value left, right;
	enum value_kind kind = VALUE_NUMBER;

	if (node->op == OP_LOGICAL_AND || node->op == OP_LOGICAL_OR)
		return evaluate_logical(e, node, out);
	if (!evaluate(e, node->left, &left) || !evaluate(e, node->right, &right))
		return false;
	if (!check_kinds(e, node->op, &left, &right))
		return false;
	if ((node->op == OP_DIVIDE || node->op == OP_REMAINDER) && right.number == 0) {
		descry_fail(e->err, DESCRY_BAD_ARGUMENT, "'%.80s': division by zero",
			    e->expression->text);
		return false;
	}
	if (left.kind == VALUE_STATUS && node->op != OP_EQUAL && node->op != OP_NOT_EQUAL)
		kind = VALUE_STATUS;
	return give(out, kind, apply(node->op, left.number, right.number));
}

static bool
evaluate(const struct evaluation *e, unsigned index, struct value *out)
{
	const struct expression_node *node = &e->expression->node[index];

	switch (node->kind) {
	case EXPRESSION_NUMBER:
		return give(out, node->value, node->number);
	case EXPRESSION_SYMBOL:
		return evaluate_symbol(e, node, out);
	case EXPRESSION_REGISTER:
		return evaluate_register(e, node->reg, out);
	case EXPRESSION_SEGMENT:
		return evaluate_segment(e, node, out);
	case EXPRESSION_TABLE:
		return evaluate_table(e, node, out);
	case EXPRESSION_MEMORY:
		return evaluate_memory(e, node, out);
	case EXPRESSION_UNARY:
		return evaluate_unary(e, node, out);
	case EXPRESSION_BINARY:
		return evaluate_binary(e, node, out);
	}
	assert(false && "a node is one of these");
	return false;
}

/* --- from outside --------------------------------------------------------------------- */

enum descry_status
expression_evaluate_node(const struct expression *expression, unsigned node,
			 struct descry_monitor *monitor, struct value *out,
			 struct descry_error *err)
{
	const struct evaluation e = { expression, monitor, err };
	struct value value;

	if (!evaluate(&e, node, &value))
		return err->status;
	*out = value;
	return DESCRY_OK;
}

enum descry_status
expression_evaluate(const struct expression *expression, struct descry_monitor *monitor,
		    struct value *out, struct descry_error *err)
{
	return expression_evaluate_node(expression, expression->root, monitor, out, err);
}

enum descry_status
expression_number(const char *text, struct descry_monitor *monitor, uint64_t *out,
		  struct descry_error *err)
{
	struct expression expression;
	const struct evaluation e = { &expression, monitor, err };

	if (expression_parse(text, &expression, err) != DESCRY_OK)
		return err->status;
	return number_of(&e, expression.root, out) ? DESCRY_OK : err->status;
}

static const char *
stop_word(enum descry_stop_reason reason)
{
	static const char *const words[DESCRY_STOP_REASON_COUNT] = {
		[DESCRY_STOP_START] = "START",
		[DESCRY_STOP_STEP] = "STEP",
		[DESCRY_STOP_REACHED] = "REACHED",
		[DESCRY_STOP_BREAKPOINT] = "BREAKPOINT",
		[DESCRY_STOP_INTERRUPTED] = "INTERRUPTED",
		[DESCRY_STOP_ACCESS] = "ACCESS",
		[DESCRY_STOP_LOAD] = "LOAD",
		[DESCRY_STOP_HOST_INTERRUPT] = "HOST_INTERRUPT",
		[DESCRY_STOP_GUEST_EXIT] = "GUEST_EXIT",
		[DESCRY_STOP_HALTED] = "HALTED",
		[DESCRY_STOP_UNHANDLED] = "UNHANDLED",
		[DESCRY_STOP_SHUTDOWN] = "SHUTDOWN",
		[DESCRY_STOP_NOT_MODELLED] = "NOT_MODELLED",
		[DESCRY_STOP_INVARIANT] = "INVARIANT",
	};

	return words[reason];
}

const char *
value_text(const struct value *value, char buffer[VALUE_TEXT])
{
	static const char *const modes[DESCRY_MODE_COUNT] = { "REAL", "PROTECTED", "V86" };

	switch (value->kind) {
	case VALUE_NUMBER:
		snprintf(buffer, VALUE_TEXT, "0x%llx", (unsigned long long)value->number);
		return buffer;
	case VALUE_STATUS:
		return descry_cache_status_text((unsigned)value->number, buffer);
	case VALUE_MODE:
		return modes[value->number];
	case VALUE_STOP:
		return stop_word((enum descry_stop_reason)value->number);
	case VALUE_VECTOR:
		return value->number == DESCRY_VEC_NONE
			       ? "NONE"
			       : descry_vector_text((unsigned)value->number);
	}
	assert(false && "a value is one of these");
	return "";
}
