#include "rows.h"

#include <string.h>

/*
 * A memory operand is aimed: first a form is chosen, then where it shall point, then
 * either its base register (if the case is still free to set it) or its displacement is
 * made to fit.
 */

struct form {
	bool has_base, has_index;
	enum gpr base, index;
	unsigned scale; /* as a shift */
};

/* The forms of 16-bit addressing by ModRM.rm (SDM vol. 2, table 2-1). */
static const struct form forms16[8] = {
	{ true, true, BX, SI, 0 },  { true, true, BX, DI, 0 },  { true, true, BP, SI, 0 },
	{ true, true, BP, DI, 0 },  { true, false, SI, AX, 0 }, { true, false, DI, AX, 0 },
	{ true, false, BP, AX, 0 }, { true, false, BX, AX, 0 },
};

unsigned
operand_slot(const struct snippet *snippet, const struct plan *plan, enum sreg usual)
{
	return snippet->slot[plan->override_seg >= 0 ? (enum sreg)plan->override_seg : usual];
}

static unsigned
disp_size(uint8_t mod, unsigned full)
{
	return mod == 1 ? 1 : mod == 2 ? full : 0;
}

static struct form
choose_form16(struct snippet *snippet, struct plan *plan)
{
	const struct form nothing = { false, false, AX, AX, 0 };

	plan->mod = (uint8_t)random_below(snippet->random, 3);
	plan->rm = (uint8_t)random_below(snippet->random, 8);
	plan->disp_size = disp_size(plan->mod, 2);
	if (plan->mod == 0 && plan->rm == 6) {
		plan->disp_size = 2;
		return nothing;
	}
	return forms16[plan->rm];
}

static struct form
choose_sib(struct snippet *snippet, struct plan *plan)
{
	struct random *r = snippet->random;
	struct form form = { .has_base = true, .base = (enum gpr)random_below(r, 8) };

	form.index = (enum gpr)random_below(r, 8);
	form.scale = random_below(r, 4);
	form.has_index = form.index != SP;
	plan->has_sib = true;
	plan->sib = (uint8_t)(form.scale << 6 | form.index << 3 | form.base);
	if (plan->mod == 0 && form.base == BP) {
		form.has_base = false;
		plan->disp_size = 4;
	}
	return form;
}

static struct form
choose_form32(struct snippet *snippet, struct plan *plan)
{
	const struct form nothing = { false, false, AX, AX, 0 };

	plan->mod = (uint8_t)random_below(snippet->random, 3);
	plan->rm = (uint8_t)random_below(snippet->random, 8);
	plan->disp_size = disp_size(plan->mod, 4);
	if (plan->rm == SP)
		return choose_sib(snippet, plan);
	if (plan->mod == 0 && plan->rm == BP) {
		plan->disp_size = 4;
		return nothing;
	}
	return (struct form){ .has_base = true, .base = (enum gpr)plan->rm };
}

/* What the registers of the form add up to, the base left out. */
static uint32_t
index_part(const struct snippet *snippet, const struct form *form)
{
	return form->has_index ? snippet->test.in.gpr[form->index] << form->scale : 0;
}

static uint32_t
sign_extended(uint32_t disp, unsigned size)
{
	return size == 1 ? (uint32_t)(int32_t)(int8_t)disp : disp;
}

/* Sets the base so that the form gives .offset; false when it is not free. */
static bool
aim_base(struct snippet *snippet, struct plan *plan, const struct form *form)
{
	uint32_t value;

	if (!form->has_base || (form->has_index && form->index == form->base))
		return false;
	plan->disp = plan->disp_size ? random_bits(snippet->random) : 0;
	if (plan->disp_size == 1)
		plan->disp &= 0xffu;
	value = plan->offset - index_part(snippet, form) -
		sign_extended(plan->disp, plan->disp_size);
	if (!plan->a32)
		value = (value & 0xffffu) | (random_bits(snippet->random) & 0xffff0000u);
	return snippet_pin(snippet, form->base, value);
}

/* Takes a form with a whole displacement, which can always be made to fit. */
static void
aim_disp(const struct snippet *snippet, struct plan *plan, const struct form *form)
{
	const uint32_t base = form->has_base ? snippet->test.in.gpr[form->base] : 0;

	plan->disp_size = plan->a32 ? 4 : 2;
	if (form->has_base)
		plan->mod = 2;
	plan->disp = plan->offset - base - index_part(snippet, form);
}

static enum sreg
usual_segment(const struct plan *plan, const struct form *form)
{
	const bool stack = form->has_base && (form->base == BP || (plan->a32 && form->base == SP));

	return stack ? SS : DS;
}

static void
pin_form(struct snippet *snippet, const struct form *form)
{
	if (form->has_base)
		snippet->pinned |= 1u << form->base;
	if (form->has_index)
		snippet->pinned |= 1u << form->index;
}

void
operand_choose_memory(struct snippet *snippet, struct plan *plan)
{
	const bool aligned = plan->lock || (plan->row->traits & T_ALIGN);
	struct form form = plan->a32 ? choose_form32(snippet, plan) : choose_form16(snippet, plan);

	plan->memory = true;
	plan->slot = operand_slot(snippet, plan, usual_segment(plan, &form));
	plan->offset = choose_offset(snippet, plan->slot, plan->bytes, aligned);
	if (!plan->a32)
		plan->offset &= 0xffffu;
	if (!aim_base(snippet, plan, &form))
		aim_disp(snippet, plan, &form);
	pin_form(snippet, &form);
}
