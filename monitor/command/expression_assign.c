#include "command/expression.h"

#include <descry/paging.h>

/*
 * Raw writes into what an expression names. `set fs 0x10` changes the visible selector
 * and leaves the cache alone, which no instruction can do: that is its use.
 */
struct assignment {
	const struct expression *place;
	struct descry_monitor *monitor;
	uint64_t number;
	struct descry_error *err;
};

static enum descry_status
check_width(const struct assignment *a, unsigned bits)
{
	if (bits >= 64 || a->number >> bits == 0)
		return DESCRY_OK;
	return descry_fail(a->err, DESCRY_BAD_ARGUMENT,
			   "0x%llx does not fit into the %u bits of %.80s",
			   (unsigned long long)a->number, bits, a->place->text);
}

/* CR0, CR3, CR4: what the TLB holds came by way of the old value. */
static bool
controls_paging(const struct register_name *reg)
{
	return reg->offset >= offsetof(struct descry_state, cr0) &&
	       reg->offset <= offsetof(struct descry_state, cr4) &&
	       reg->offset != offsetof(struct descry_state, cr2);
}

static enum descry_status
assign_register(const struct assignment *a, const struct register_name *reg)
{
	struct descry_vcpu *vcpu = descry_monitor_vcpu(a->monitor);

	if (reg->source != REGISTER_STATE || reg->bits == 64)
		return descry_fail(a->err, DESCRY_BAD_ARGUMENT, "%s can be read and not set",
				   reg->name);
	if (check_width(a, reg->bits) != DESCRY_OK)
		return a->err->status;
	register_write(reg, descry_vcpu_state_mutable(vcpu), a->number);
	descry_vcpu_state_changed(vcpu);
	if (controls_paging(reg))
		descry_vcpu_flush_tlb(vcpu);
	return DESCRY_OK;
}

static enum descry_status
assign_segment(const struct assignment *a, const struct expression_node *node)
{
	struct descry_vcpu *vcpu = descry_monitor_vcpu(a->monitor);
	struct descry_segment seg = descry_vcpu_state(vcpu)->seg[node->sreg];
	const bool half = node->field == FIELD_SEL || node->field == FIELD_ATTR;

	if (check_width(a, half ? 16 : 32) != DESCRY_OK)
		return a->err->status;
	if (node->view != VIEW_CACHE || !field_put(&seg, node->field, a->number))
		return descry_fail(a->err, DESCRY_BAD_ARGUMENT,
				   "%.80s can be read and not set (a segment has sel, base, limit "
				   "and attr to set)",
				   a->place->text);
	descry_vcpu_put_segment(vcpu, node->sreg, &seg, DESCRY_CAUSE_DEBUGGER);
	return DESCRY_OK;
}

static enum descry_status
assign_memory(const struct assignment *a, const struct expression_node *node)
{
	struct descry_address address = { .space = node->space, .sreg = node->sreg };
	struct value offset;

	if (check_width(a, node->size * 8u) != DESCRY_OK ||
	    expression_evaluate_node(a->place, node->left, a->monitor, &offset, a->err) !=
		    DESCRY_OK)
		return a->err->status;
	address.offset = offset.number;
	if (descry_query_write(a->monitor, &address, &a->number, node->size) != node->size)
		return descry_fail(a->err, DESCRY_BAD_ADDRESS, "nothing can be written at 0x%llx",
				   (unsigned long long)descry_query_linear(a->monitor, &address));
	return DESCRY_OK;
}

enum descry_status
expression_assign(const struct expression *place, struct descry_monitor *monitor, uint64_t number,
		  struct descry_error *err)
{
	const struct expression_node *node = &place->node[place->root];
	const struct assignment a = { place, monitor, number, err };

	if (node->kind == EXPRESSION_REGISTER)
		return assign_register(&a, node->reg);
	if (node->kind == EXPRESSION_SEGMENT)
		return assign_segment(&a, node);
	if (node->kind == EXPRESSION_MEMORY)
		return assign_memory(&a, node);
	return descry_fail(err, DESCRY_BAD_ARGUMENT,
			   "%.80s is no place to write to: a register, fs.base, [ADDRESS], ...",
			   place->text);
}
