/*
 * How a field of the state becomes a word of a format, and back. Two functions for each
 * packing: they drop what does not fit, as a CPU does, and judge nothing.
 */
#include "exchange_packing.h"

#include <descry/debug.h>

typedef uint64_t pack_fn(const struct descry_exchange_row *row, const struct descry_state *state);
typedef void unpack_fn(const struct descry_exchange_row *row, uint64_t value,
		       struct descry_state *state);

static uint64_t
field_of(const struct descry_exchange_row *row, const struct descry_state *state)
{
	return descry_state_get(state, (enum descry_state_field)row->field);
}

static void
set_field(const struct descry_exchange_row *row, uint64_t value, struct descry_state *state)
{
	descry_state_set(state, (enum descry_state_field)row->field, value);
}

/* --- numbers -------------------------------------------------------------------------- */

static void
ignore(const struct descry_exchange_row *row, uint64_t value, struct descry_state *state)
{
	(void)row, (void)value, (void)state;
}

static uint64_t
pack_fixed(const struct descry_exchange_row *row, const struct descry_state *state)
{
	(void)state;
	return row->fixed;
}

static uint64_t
row_mask(const struct descry_exchange_row *row)
{
	return (UINT64_C(1) << row->bits) - 1;
}

static uint64_t
pack_bits(const struct descry_exchange_row *row, const struct descry_state *state)
{
	return field_of(row, state) >> row->shift & row_mask(row);
}

static void
unpack_bits(const struct descry_exchange_row *row, uint64_t value, struct descry_state *state)
{
	const uint64_t others = field_of(row, state) & ~(row_mask(row) << row->shift);

	set_field(row, others | (value & row_mask(row)) << row->shift, state);
}

/* --- flags, control, privilege -------------------------------------------------------- */

static uint64_t
pack_flags(const struct descry_exchange_row *row, const struct descry_state *state)
{
	return field_of(row, state) | (state->in_rep ? DESCRY_FLAG_RF : 0);
}

#define MSW (DESCRY_CR0_PE | DESCRY_CR0_MP | DESCRY_CR0_EM | DESCRY_CR0_TS)

/* With paging on there is more to CR0 than a machine status word can say; with it, there is none.
 */
static uint64_t
pack_msw(const struct descry_exchange_row *row, const struct descry_state *state)
{
	return field_of(row, state) & (MSW | DESCRY_CR0_PG);
}

static void
unpack_msw(const struct descry_exchange_row *row, uint64_t value, struct descry_state *state)
{
	const uint64_t others = field_of(row, state) & ~(uint64_t)(MSW | DESCRY_CR0_PG);

	set_field(row, others | (value & MSW), state);
}

static uint64_t
pack_cpl(const struct descry_exchange_row *row, const struct descry_state *state)
{
	(void)row;
	return descry_cpl(state);
}

/* Real and virtual-8086 mode have theirs by being what they are. */
static void
unpack_cpl(const struct descry_exchange_row *row, uint64_t value, struct descry_state *state)
{
	uint16_t *attr = &state->seg[DESCRY_SS].attr;

	(void)row;
	if (state->cr0 & DESCRY_CR0_PE && !(state->rflags & DESCRY_FLAG_VM))
		*attr = (uint16_t)((*attr & ~DESCRY_ATTR_DPL) |
				   (value << DESCRY_ATTR_DPL_SHIFT & DESCRY_ATTR_DPL));
}

/* --- access rights -------------------------------------------------------------------- */

/* The row that holds the attributes names them; the segment is what they are a part of. */
static unsigned
sreg_of(const struct descry_exchange_row *row)
{
	return (row->field - (unsigned)DESCRY_STATE_SEGMENT) / DESCRY_PART_COUNT;
}

static const struct descry_segment *
segment_of(const struct descry_exchange_row *row, const struct descry_state *state)
{
	return &state->seg[sreg_of(row)];
}

static void
set_attr(const struct descry_exchange_row *row, uint64_t attr, struct descry_state *state)
{
	state->seg[sreg_of(row)].attr = (uint16_t)attr;
}

#define VMX_UNUSABLE 0x00010000u

static uint64_t
pack_rights_vmx(const struct descry_exchange_row *row, const struct descry_state *state)
{
	const struct descry_segment *seg = segment_of(row, state);
	const uint64_t rights = seg->attr & DESCRY_ATTR_DESCRIPTOR;

	return descry_segment_usable(seg) ? rights : rights | VMX_UNUSABLE;
}

static void
unpack_rights_vmx(const struct descry_exchange_row *row, uint64_t value, struct descry_state *state)
{
	const unsigned unusable = value & VMX_UNUSABLE ? DESCRY_ATTR_UNUSABLE : 0;

	set_attr(row, (value & DESCRY_ATTR_DESCRIPTOR) | unusable, state);
}

/* The attributes that a descriptor gives; without an unusable bit P=0 has to say it. */
static unsigned
usable_by_p(const struct descry_segment *seg)
{
	const unsigned attr = seg->attr & DESCRY_ATTR_DESCRIPTOR;

	return descry_segment_usable(seg) ? attr : attr & ~DESCRY_ATTR_P;
}

static uint64_t
pack_rights_svm(const struct descry_exchange_row *row, const struct descry_state *state)
{
	const unsigned attr = usable_by_p(segment_of(row, state));

	return (attr & 0xffu) | (attr >> 4 & 0xf00u);
}

static void
unpack_rights_svm(const struct descry_exchange_row *row, uint64_t value, struct descry_state *state)
{
	const uint64_t attr = (value & 0xff) | (value & 0xf00) << 4;

	set_attr(row, attr & DESCRY_ATTR_P ? attr : attr | DESCRY_ATTR_UNUSABLE, state);
}

static uint64_t
pack_rights_p5(const struct descry_exchange_row *row, const struct descry_state *state)
{
	return (uint64_t)segment_of(row, state)->attr << 8;
}

static void
unpack_rights_p5(const struct descry_exchange_row *row, uint64_t value, struct descry_state *state)
{
	set_attr(row, value >> 8, state);
}

static uint64_t
pack_rights_286(const struct descry_exchange_row *row, const struct descry_state *state)
{
	return usable_by_p(segment_of(row, state));
}

static void
unpack_rights_286(const struct descry_exchange_row *row, uint64_t value, struct descry_state *state)
{
	set_attr(row, value & 0xff, state);
}

/* The 386 keeps a limit in bytes and no G, so G follows from the limit: its row comes first. */
static unsigned
g_of_limit(const struct descry_segment *seg)
{
	return seg->limit > 0xfffff ? DESCRY_ATTR_G : 0;
}

static uint64_t
pack_rights_386(const struct descry_exchange_row *row, const struct descry_state *state)
{
	const unsigned attr = usable_by_p(segment_of(row, state));

	return (uint64_t)(attr & 0xff) << 16 | (attr & DESCRY_ATTR_DB);
}

static void
unpack_rights_386(const struct descry_exchange_row *row, uint64_t value, struct descry_state *state)
{
	set_attr(row,
		 (value >> 16 & 0xff) | (value & DESCRY_ATTR_DB) |
			 g_of_limit(segment_of(row, state)),
		 state);
}

static uint64_t
pack_rights_386_high(const struct descry_exchange_row *row, const struct descry_state *state)
{
	const unsigned attr = usable_by_p(segment_of(row, state));

	return (uint64_t)(attr & (DESCRY_ATTR_DB | 0xff)) << 8;
}

static void
unpack_rights_386_high(const struct descry_exchange_row *row, uint64_t value,
		       struct descry_state *state)
{
	set_attr(row, (value >> 8 & (DESCRY_ATTR_DB | 0xff)) | g_of_limit(segment_of(row, state)),
		 state);
}

/* --- what is under way ---------------------------------------------------------------- */

#define VMX_BLOCKED_BY_SMI 0x4u
#define VMX_BLOCKED_BY_NMI 0x8u

/* SDM vol. 3, Guest Non-Register State. In SMM, NMIs count as held back. */
static uint64_t
pack_interruptibility(const struct descry_exchange_row *row, const struct descry_state *state)
{
	(void)row;
	return state->shadow | (state->in_smm ? VMX_BLOCKED_BY_SMI : 0u) |
	       (state->nmi_blocked & DESCRY_NMI_BLOCKED_BY_NMI ? VMX_BLOCKED_BY_NMI : 0u);
}

static void
unpack_interruptibility(const struct descry_exchange_row *row, uint64_t value,
			struct descry_state *state)
{
	(void)row;
	state->shadow = value & (DESCRY_SHADOW_STI | DESCRY_SHADOW_MOV_SS);
	state->in_smm = (value & VMX_BLOCKED_BY_SMI) != 0;
	state->nmi_blocked =
		(uint8_t)((value & VMX_BLOCKED_BY_NMI ? DESCRY_NMI_BLOCKED_BY_NMI : 0u) |
			  (state->in_smm ? DESCRY_NMI_BLOCKED_BY_SMI : 0u));
}

#define ACTIVITY_HLT 1u
#define ACTIVITY_SHUTDOWN 2u

static uint64_t
pack_activity(const struct descry_exchange_row *row, const struct descry_state *state)
{
	(void)row;
	return state->shut_down ? ACTIVITY_SHUTDOWN : state->halted ? ACTIVITY_HLT : 0u;
}

static void
unpack_activity(const struct descry_exchange_row *row, uint64_t value, struct descry_state *state)
{
	(void)row;
	state->halted = value == ACTIVITY_HLT;
	state->shut_down = value == ACTIVITY_SHUTDOWN;
}

#define PENDING_ENABLED_BREAKPOINT 0x1000u
#define PENDING_BITS (DESCRY_DR6_B | DESCRY_DR6_BS)

static uint64_t
pack_pending_debug(const struct descry_exchange_row *row, const struct descry_state *state)
{
	const uint64_t bits = state->pending_db & PENDING_BITS;

	(void)row;
	return bits & DESCRY_DR6_B ? bits | PENDING_ENABLED_BREAKPOINT : bits;
}

static void
unpack_pending_debug(const struct descry_exchange_row *row, uint64_t value,
		     struct descry_state *state)
{
	(void)row;
	state->pending_db = value & PENDING_BITS;
}

static uint64_t
pack_shadow_svm(const struct descry_exchange_row *row, const struct descry_state *state)
{
	return field_of(row, state) != 0;
}

/* As KVM reads it: the one bit holds back what either shadow does. */
static void
unpack_shadow_svm(const struct descry_exchange_row *row, uint64_t value, struct descry_state *state)
{
	set_field(row, value & 1 ? DESCRY_SHADOW_STI | DESCRY_SHADOW_MOV_SS : 0, state);
}

/* --- the table ------------------------------------------------------------------------ */

/* clang-format off */
static const struct {
	pack_fn *pack;
	unpack_fn *unpack;
	bool drops;      /* an import drops what the model lacks instead of refusing it */
	const char *why; /* what comes back may not be what was there */
} packings[DESCRY_PACK_COUNT] = {
	[DESCRY_PACK_PLAIN]       = { field_of, set_field, false, "it has fewer bits" },
	[DESCRY_PACK_BITS]        = { pack_bits, unpack_bits, false, "it has fewer bits" },
	[DESCRY_PACK_FLAGS]       = { pack_flags, set_field, false,
				      "RF stands for a repeat that goes on" },
	[DESCRY_PACK_MSW]         = { pack_msw, unpack_msw, true, "a machine status word has no PG" },
	[DESCRY_PACK_CPL]         = { pack_cpl, unpack_cpl, false, "SS.DPL is the CPL" },
	[DESCRY_PACK_RIGHTS_VMX]  = { pack_rights_vmx, unpack_rights_vmx, false,
				      "what P=0 makes unusable is marked so" },
	[DESCRY_PACK_RIGHTS_SVM]  = { pack_rights_svm, unpack_rights_svm, false,
				      "there is no unusable bit, P=0 stands for it" },
	[DESCRY_PACK_RIGHTS_P5]   = { pack_rights_p5, unpack_rights_p5, true,
				      "it has bits 23:8 alone" },
	[DESCRY_PACK_RIGHTS_286]  = { pack_rights_286, unpack_rights_286, false,
				      "an access byte has no unusable bit, P=0 stands for it" },
	[DESCRY_PACK_RIGHTS_386]  = { pack_rights_386, unpack_rights_386, true,
				      "a 386 has no G (it follows from the limit), AVL or unusable bit" },
	[DESCRY_PACK_RIGHTS_386_HIGH] = { pack_rights_386_high, unpack_rights_386_high, true,
				      "a 386 has no G (it follows from the limit), AVL or unusable bit" },
	[DESCRY_PACK_INTERRUPTIBILITY] = { pack_interruptibility, unpack_interruptibility, false,
				      "in SMM, NMIs count as blocked" },
	[DESCRY_PACK_ACTIVITY]    = { pack_activity, unpack_activity, false,
				      "it is halted or shut down, not both" },
	[DESCRY_PACK_PENDING_DEBUG] = { pack_pending_debug, unpack_pending_debug, true,
				      "it has breakpoints and single steps alone" },
	[DESCRY_PACK_SHADOW_SVM]  = { pack_shadow_svm, unpack_shadow_svm, true,
				      "one bit stands for both shadows" },
	[DESCRY_PACK_COPY]        = { field_of, ignore, true, "a second copy, which nobody reads" },
	[DESCRY_PACK_FIXED]       = { pack_fixed, ignore, true, "the model has nothing for it" },
};
/* clang-format on */

uint64_t
descry_exchange_pack(const struct descry_exchange_row *row, const struct descry_state *state)
{
	return packings[row->packing].pack(row, state);
}

void
descry_exchange_unpack(const struct descry_exchange_row *row, uint64_t value,
		       struct descry_state *state)
{
	packings[row->packing].unpack(row, value, state);
}

bool
packing_drops(const struct descry_exchange_row *row)
{
	return packings[row->packing].drops;
}

const char *
packing_why(const struct descry_exchange_row *row)
{
	return packings[row->packing].why;
}
