#include "fuzz_bus.h"

static struct descry_page
page(void *owner, uint64_t physical, bool for_write)
{
	struct world *world = owner;

	(void)for_write;
	if (physical >= RAM_SIZE)
		return (struct descry_page){ 0 };
	return (struct descry_page){ .host = &world->ram[physical & ~(uint64_t)0xfff],
				     .writable = true };
}

static uint32_t
port_in(void *owner, uint16_t port, unsigned size)
{
	struct world *world = owner;

	(void)port, (void)size;
	return random_bits(&world->random);
}

static void
port_out(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	struct world *world = owner;

	(void)size, (void)value;
	if ((port & 0xff) == 0x92)
		descry_vcpu_mask_a20(world->vcpu, value & 1);
}

struct descry_bus
world_bus(struct world *world)
{
	return (struct descry_bus){
		.owner = world, .page = page, .port_in = port_in, .port_out = port_out
	};
}

static enum start
choose_start(struct world *world, uint32_t insn_set)
{
	const enum start start = (enum start)random_below(&world->random, START_COUNT);

	if (insn_set < DESCRY_INSN_286)
		return START_REAL;
	return insn_set < DESCRY_INSN_386 && start == START_V86 ? START_RING0 : start;
}

void
world_begin(struct world *world)
{
	const struct descry_profile *profile = descry_vcpu_profile(world->vcpu);
	const uint32_t insn_set = profile->knob[DESCRY_KNOB_INSN_SET];
	const enum start start = choose_start(world, insn_set);
	const bool paged = insn_set >= DESCRY_INSN_386 && start != START_REAL &&
			   random_chance(&world->random, 400);

	world_fill(world, profile, start, paged);
}

void
world_happen(struct world *world)
{
	switch (random_below(&world->random, 12)) {
	case 0:
	case 1:
		descry_vcpu_interrupt(world->vcpu, (uint8_t)random_between(&world->random, 1, 255));
		break;
	case 2:
		descry_vcpu_nmi(world->vcpu);
		break;
	case 3:
		(void)descry_vcpu_smi(world->vcpu);
		break;
	case 4:
		if (random_chance(&world->random, 100))
			descry_vcpu_init(world->vcpu);
		break;
	default:
		break;
	}
}
