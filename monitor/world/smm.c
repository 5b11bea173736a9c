/*
 * System management mode: the CPU itself saves every cache in SMRAM, and RSM brings it back without
 * a look at any table. Before there was VT nothing else did (SDM vol. 3, SMRAM State Save Map;
 * Exiting From SMM). The host's SMRAM is its window, SMBASE being where that begins.
 */
#include "world/image.h"

#define SAVE_AREA 0x8000u /* offsets in the save map count from SMBASE + 8000h */

static const struct descry_exchange_format *
save_map(const struct world_switch *sw)
{
	return descry_smram_format(descry_vcpu_profile(sw->vcpu));
}

bool
smm_accept(struct world_switch *sw, unsigned arg)
{
	const struct descry_state *state = world_state(sw);

	(void)arg;
	if (!save_map(sw))
		return image_refuse_cpu(sw, DESCRY_KNOB_SMM_MAP, "SMM");
	if (state->in_smm)
		return world_refuse(sw, "the guest is in SMM, which holds an SMI off until RSM");
	if (state->shadow)
		return world_refuse(sw, "an interrupt shadow holds the SMI off until the next "
					"instruction has ended");
	return true;
}

static void
set_smbase(struct world_switch *sw, uint32_t smbase)
{
	descry_vcpu_state_mutable(sw->vcpu)->smbase = smbase;
	descry_vcpu_state_changed(sw->vcpu);
}

/* --- X2 ------------------------------------------------------------------------------- */

static bool
op_smi(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		world_hold(sw, sreg, DESCRY_FIELD_ALL);
	set_smbase(sw, HOST_SMBASE);
	if (!descry_op_smi(sw->vcpu))
		return world_refuse(sw, "the CPU does not take an SMI here");
	world_note(sw, "SMI: every register into the save map at %08x; ES to GS are those of SMM",
		   HOST_SMBASE + SAVE_AREA + save_map(sw)->first);
	return true;
}

static bool
op_show_saved(struct world_switch *sw, unsigned sreg)
{
	const struct descry_exchange_format *map = save_map(sw);
	const uint8_t *bytes = host_bytes(sw, HOST_SMBASE + SAVE_AREA + map->first);

	image_note_segment(sw, "SMRAM", map, bytes, sreg);
	return true;
}

/* --- X7 ------------------------------------------------------------------------------- */

static bool
op_rsm(struct world_switch *sw, unsigned arg)
{
	struct descry_fault fault;

	(void)arg;
	if (!descry_op_rsm(sw->vcpu, &fault))
		return world_host_fault(sw, &fault, "RSM");
	set_smbase(sw, sw->guest.state.smbase);
	world_note(sw, "RSM: every register out of the save map; no table is read");
	return true;
}

/* SMM is real mode with limits of 4 GiB: the host's FS is as the handler loads it there. */
const struct world_op smm_ops[] = {
	{ 2, op_smi, 0 },
	WORLD_EIGHT(2, op_show_saved),
	{ 4, op_mov_real, DESCRY_DS },
	{ 4, op_mov_real, DESCRY_FS },
	WORLD_BODY,
	{ 7, op_rsm, 0 },
	WORLD_OPS_END,
};
