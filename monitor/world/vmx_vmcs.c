#include "world/vmx_vmcs.h"

#include <descry/exchange.h>

/* The guest's part of the places: which field of the state lies there. */
static enum descry_state_field
field_at(enum vmcs_place place)
{
	static const enum descry_state_part parts[] = { DESCRY_PART_SEL, DESCRY_PART_BASE,
							DESCRY_PART_LIMIT, DESCRY_PART_ATTR };
	static const enum descry_state_field others[] = {
		DESCRY_STATE_GDTR_BASE,       DESCRY_STATE_GDTR_LIMIT, DESCRY_STATE_IDTR_BASE,
		DESCRY_STATE_IDTR_LIMIT,      DESCRY_STATE_CR0,        DESCRY_STATE_EIP,
		DESCRY_STATE_GPR + DESCRY_SP, DESCRY_STATE_EFLAGS,     DESCRY_STATE_SHADOW,
	};

	if (place >= VMCS_GUEST_GDTR_BASE)
		return others[place - VMCS_GUEST_GDTR_BASE];
	return descry_state_segment((enum descry_sreg)(place % DESCRY_SREG_COUNT),
				    parts[place / DESCRY_SREG_COUNT]);
}

static const struct descry_exchange_row *
guest_row(enum vmcs_place place)
{
	return descry_exchange_row_of(descry_exchange_format_at(DESCRY_EXCHANGE_VMCS),
				      field_at(place));
}

/* clang-format off */
static const uint32_t host_encodings[VMCS_PLACE_COUNT - VMCS_HOST_ES] = {
	[VMCS_HOST_ES - VMCS_HOST_ES]        = 0x0c00, [VMCS_HOST_CS - VMCS_HOST_ES]        = 0x0c02,
	[VMCS_HOST_SS - VMCS_HOST_ES]        = 0x0c04, [VMCS_HOST_DS - VMCS_HOST_ES]        = 0x0c06,
	[VMCS_HOST_FS - VMCS_HOST_ES]        = 0x0c08, [VMCS_HOST_GS - VMCS_HOST_ES]        = 0x0c0a,
	[VMCS_HOST_TR - VMCS_HOST_ES]        = 0x0c0c, [VMCS_HOST_CR0 - VMCS_HOST_ES]       = 0x6c00,
	[VMCS_HOST_FS_BASE - VMCS_HOST_ES]   = 0x6c06, [VMCS_HOST_GS_BASE - VMCS_HOST_ES]   = 0x6c08,
	[VMCS_HOST_TR_BASE - VMCS_HOST_ES]   = 0x6c0a, [VMCS_HOST_GDTR_BASE - VMCS_HOST_ES] = 0x6c0c,
	[VMCS_HOST_IDTR_BASE - VMCS_HOST_ES] = 0x6c0e,
};
/* clang-format on */

uint32_t
vmcs_encoding(enum vmcs_place place)
{
	return place < VMCS_HOST_ES ? guest_row(place)->at : host_encodings[place - VMCS_HOST_ES];
}

/* --- rows ----------------------------------------------------------------------------- */

static void
put_word(struct vmcs *vmcs, unsigned place, const struct descry_state *state)
{
	vmcs->value[place] = descry_exchange_pack(guest_row((enum vmcs_place)place), state);
}

static void
get_word(const struct vmcs *vmcs, unsigned place, struct descry_state *state)
{
	descry_exchange_unpack(guest_row((enum vmcs_place)place), vmcs->value[place], state);
}

#define SEGMENT_GROUPS 4u /* selector, base, limit, rights: each indexed by enum descry_sreg */

/*
 * SDM vol. 3, Saving Segment Registers, leaves most fields of an unusable register
 * undefined. This CPU saves what it has.
 */
void
vmcs_put_segment(struct vmcs *vmcs, enum descry_sreg sreg, const struct descry_segment *seg)
{
	struct descry_state state = { 0 };

	state.seg[sreg] = *seg;
	for (unsigned group = 0; group < SEGMENT_GROUPS; group++)
		put_word(vmcs, group * DESCRY_SREG_COUNT + sreg, &state);
}

struct descry_segment
vmcs_get_segment(const struct vmcs *vmcs, enum descry_sreg sreg)
{
	struct descry_state state = { 0 };

	for (unsigned group = 0; group < SEGMENT_GROUPS; group++)
		get_word(vmcs, group * DESCRY_SREG_COUNT + sreg, &state);
	return state.seg[sreg];
}

void
vmcs_put_registers(struct vmcs *vmcs, const struct descry_state *state)
{
	for (unsigned place = VMCS_GUEST_GDTR_BASE; place < VMCS_HOST_ES; place++)
		put_word(vmcs, place, state);
}

void
vmcs_get_registers(const struct vmcs *vmcs, struct descry_state *state)
{
	for (unsigned place = VMCS_GUEST_GDTR_BASE; place < VMCS_HOST_ES; place++)
		get_word(vmcs, place, state);
}
