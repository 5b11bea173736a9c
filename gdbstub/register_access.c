#include "register_access.h"

#include <descry/paging.h>
#include <descry/reload.h>

/* --- general, control and table registers --------------------------------------------- */

static const size_t member_offsets[MEMBER_COUNT] = {
	[MEMBER_CR0] = offsetof(struct descry_state, cr0),
	[MEMBER_CR2] = offsetof(struct descry_state, cr2),
	[MEMBER_CR3] = offsetof(struct descry_state, cr3),
	[MEMBER_CR4] = offsetof(struct descry_state, cr4),
	[MEMBER_EFLAGS] = offsetof(struct descry_state, rflags),
};

static bool
fits(uint64_t value, unsigned bits)
{
	return value >> bits == 0;
}

static bool
put(struct descry_vcpu *vcpu, uint64_t *member, uint64_t value)
{
	if (!fits(value, 32))
		return false;
	*member = value;
	descry_vcpu_state_changed(vcpu);
	return true;
}

uint64_t
read_gpr(const struct descry_vcpu *vcpu, unsigned which)
{
	return (uint32_t)descry_vcpu_state(vcpu)->gpr[which];
}

bool
write_gpr(struct descry_vcpu *vcpu, unsigned which, uint64_t value)
{
	return put(vcpu, &descry_vcpu_state_mutable(vcpu)->gpr[which], value);
}

uint64_t
read_state(const struct descry_vcpu *vcpu, unsigned which)
{
	const char *state = (const char *)descry_vcpu_state(vcpu);

	return *(const uint64_t *)(state + member_offsets[which]);
}

bool
write_state(struct descry_vcpu *vcpu, unsigned which, uint64_t value)
{
	char *state = (char *)descry_vcpu_state_mutable(vcpu);

	if (!put(vcpu, (uint64_t *)(state + member_offsets[which]), value))
		return false;
	if (which == MEMBER_CR0 || which == MEMBER_CR3 || which == MEMBER_CR4)
		descry_vcpu_flush_tlb(vcpu);
	return true;
}

uint64_t
read_gdtr_base(const struct descry_vcpu *vcpu, unsigned which)
{
	(void)which;
	return descry_vcpu_state(vcpu)->gdtr.base;
}

bool
write_gdtr_base(struct descry_vcpu *vcpu, unsigned which, uint64_t value)
{
	(void)which;
	return put(vcpu, &descry_vcpu_state_mutable(vcpu)->gdtr.base, value);
}

uint64_t
read_idtr_base(const struct descry_vcpu *vcpu, unsigned which)
{
	(void)which;
	return descry_vcpu_state(vcpu)->idtr.base;
}

bool
write_idtr_base(struct descry_vcpu *vcpu, unsigned which, uint64_t value)
{
	(void)which;
	return put(vcpu, &descry_vcpu_state_mutable(vcpu)->idtr.base, value);
}

static bool
put_table_limit(struct descry_vcpu *vcpu, struct descry_table *table, uint64_t value)
{
	if (!fits(value, 16))
		return false;
	table->limit = (uint32_t)value;
	descry_vcpu_state_changed(vcpu);
	return true;
}

uint64_t
read_gdtr_limit(const struct descry_vcpu *vcpu, unsigned which)
{
	(void)which;
	return descry_vcpu_state(vcpu)->gdtr.limit;
}

bool
write_gdtr_limit(struct descry_vcpu *vcpu, unsigned which, uint64_t value)
{
	(void)which;
	return put_table_limit(vcpu, &descry_vcpu_state_mutable(vcpu)->gdtr, value);
}

uint64_t
read_idtr_limit(const struct descry_vcpu *vcpu, unsigned which)
{
	(void)which;
	return descry_vcpu_state(vcpu)->idtr.limit;
}

bool
write_idtr_limit(struct descry_vcpu *vcpu, unsigned which, uint64_t value)
{
	(void)which;
	return put_table_limit(vcpu, &descry_vcpu_state_mutable(vcpu)->idtr, value);
}

/* These CPUs have none; nothing is enabled in it. */
uint64_t
read_efer(const struct descry_vcpu *vcpu, unsigned which)
{
	(void)vcpu, (void)which;
	return 0;
}

/* --- where the CPU is ----------------------------------------------------------------- */

uint64_t
read_eip(const struct descry_vcpu *vcpu, unsigned which)
{
	(void)which;
	return descry_vcpu_linear_ip(vcpu);
}

uint64_t
read_ip(const struct descry_vcpu *vcpu, unsigned which)
{
	(void)which;
	return (uint32_t)descry_vcpu_state(vcpu)->rip;
}

/* A CPU that is sent somewhere else waits no longer in the HLT where it was. */
bool
write_ip(struct descry_vcpu *vcpu, unsigned which, uint64_t value)
{
	struct descry_state *state = descry_vcpu_state_mutable(vcpu);

	(void)which;
	if (!put(vcpu, &state->rip, value))
		return false;
	state->halted = 0;
	return true;
}

/* gdb's PC is linear: what lies before the base of CS or beyond its limit has no IP. */
bool
write_eip(struct descry_vcpu *vcpu, unsigned which, uint64_t value)
{
	const struct descry_segment *cs = &descry_vcpu_state(vcpu)->seg[DESCRY_CS];
	const uint32_t ip = (uint32_t)(value - cs->base);

	return fits(value, 32) && ip <= cs->limit && write_ip(vcpu, which, ip);
}

uint64_t
read_mode(const struct descry_vcpu *vcpu, unsigned which)
{
	(void)which;
	switch (descry_vcpu_mode(vcpu)) {
	case DESCRY_MODE_REAL:
		return MODE_REAL16;
	case DESCRY_MODE_V86:
		return MODE_V86;
	case DESCRY_MODE_PROTECTED:
	case DESCRY_MODE_COUNT:
		break;
	}
	return descry_vcpu_state(vcpu)->seg[DESCRY_CS].attr & DESCRY_ATTR_DB ? MODE_PROT32
									     : MODE_PROT16;
}

/* --- segments ----------------------------------------------------------------------------------
 */

static struct descry_segment
segment(const struct descry_vcpu *vcpu, unsigned which)
{
	return descry_vcpu_state(vcpu)->seg[which];
}

static bool
poke(struct descry_vcpu *vcpu, unsigned which, const struct descry_segment *seg)
{
	descry_vcpu_put_segment(vcpu, (enum descry_sreg)which, seg, DESCRY_CAUSE_DEBUGGER);
	return true;
}

uint64_t
read_sel(const struct descry_vcpu *vcpu, unsigned which)
{
	return segment(vcpu, which).sel;
}

uint64_t
read_base(const struct descry_vcpu *vcpu, unsigned which)
{
	return (uint32_t)segment(vcpu, which).base;
}

uint64_t
read_limit(const struct descry_vcpu *vcpu, unsigned which)
{
	return segment(vcpu, which).limit;
}

uint64_t
read_attr(const struct descry_vcpu *vcpu, unsigned which)
{
	return segment(vcpu, which).attr;
}

uint64_t
read_status(const struct descry_vcpu *vcpu, unsigned which)
{
	return descry_cache_status(vcpu, (enum descry_sreg)which);
}

/* The visible half alone: the cache stays, as no instruction would leave it. */
bool
write_sel(struct descry_vcpu *vcpu, unsigned which, uint64_t value)
{
	struct descry_segment seg = segment(vcpu, which);

	seg.sel = (uint16_t)value;
	return fits(value, 16) && poke(vcpu, which, &seg);
}

bool
write_base(struct descry_vcpu *vcpu, unsigned which, uint64_t value)
{
	struct descry_segment seg = segment(vcpu, which);

	seg.base = value;
	return fits(value, 32) && poke(vcpu, which, &seg);
}

bool
write_limit(struct descry_vcpu *vcpu, unsigned which, uint64_t value)
{
	struct descry_segment seg = segment(vcpu, which);

	seg.limit = (uint32_t)value;
	return fits(value, 32) && poke(vcpu, which, &seg);
}

bool
write_attr(struct descry_vcpu *vcpu, unsigned which, uint64_t value)
{
	struct descry_segment seg = segment(vcpu, which);

	seg.attr = (uint16_t)value;
	return fits(value, 16) && poke(vcpu, which, &seg);
}
