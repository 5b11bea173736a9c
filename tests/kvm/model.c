#include "sides.h"

#include <stdlib.h>
#include <string.h>

enum { BUDGET = 4000 };

static struct descry_page
bus_page(void *owner, uint64_t physical, bool for_write)
{
	struct model *model = owner;
	const uint64_t page = physical & ~(uint64_t)(DESCRY_PAGE_SIZE - 1);

	model->outside |= page >= MEMORY_SIZE || (for_write && page < FIRST_DATA);
	if (page >= MEMORY_SIZE)
		return (struct descry_page){ NULL, false };
	model->written[page / DESCRY_PAGE_SIZE] |= for_write;
	return (struct descry_page){ model->memory + page, true };
}

static uint32_t
bus_port_in(void *owner, uint16_t port, unsigned size)
{
	(void)owner, (void)port, (void)size;
	return UINT32_MAX;
}

static void
bus_port_out(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	(void)owner, (void)port, (void)size, (void)value;
}

struct outcome
model_run(struct model *model, const struct kvm_case *test)
{
	const struct descry_control control = { .budget = BUDGET };
	struct descry_exit exit;
	struct descry_state *state;
	struct outcome out = { .text = NULL };

	descry_vcpu_reset(model->vcpu);
	state = descry_vcpu_state_mutable(model->vcpu);
	state->cr0 = DESCRY_CR0_ET | (test->protected_mode ? DESCRY_CR0_PE : 0);
	state->gdtr = (struct descry_table){ .base = GDT, .limit = GDT_ENTRIES * 8 - 1 };
	for (unsigned i = 0; i < 8; i++)
		state->gpr[i] = test->gpr[i];
	state->rip = 0;
	state->rflags = test->eflags;
	for (unsigned i = 0; i < DESCRY_DATA_SREG_COUNT; i++)
		descry_vcpu_put_segment(model->vcpu, (enum descry_sreg)i, &test->seg[i],
					DESCRY_CAUSE_DEBUGGER);
	descry_vcpu_state_changed(model->vcpu);
	descry_vcpu_memory_changed(model->vcpu);
	model->outside = false;
	descry_vcpu_run(model->vcpu, &control, &exit);
	for (unsigned i = 0; i < 8; i++)
		out.gpr[i] = (uint32_t)state->gpr[i];
	out.eip = (uint32_t)state->rip;
	out.eflags = (uint32_t)state->rflags;
	memcpy(out.seg, state->seg, sizeof(out.seg));
	if (exit.reason == DESCRY_EXIT_SHUTDOWN)
		out.text = "shutdown";
	else if (exit.reason != DESCRY_EXIT_HALTED)
		out.text = "no end";
	return out;
}

bool
model_open(struct model *model)
{
	const struct descry_bus bus = { model, bus_page, bus_port_in, bus_port_out };

	model->memory = malloc(MEMORY_SIZE);
	return model->memory &&
	       descry_vcpu_create(descry_profile_find("p6"), &bus, &model->vcpu) == DESCRY_OK;
}

void
model_close(struct model *model)
{
	descry_vcpu_destroy(model->vcpu);
	free(model->memory);
}
