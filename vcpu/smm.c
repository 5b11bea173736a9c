#include "smm.h"

#include "eflags.h"
#include "exchange_rows.h"
#include "lower.h"
#include "microstep.h"
#include "seg_load.h"
#include "whole.h"

#include <descry/debug.h>

#define SMM_CR0_CLEARED (DESCRY_CR0_PE | DESCRY_CR0_EM | DESCRY_CR0_TS | DESCRY_CR0_PG)
#define SMM_ENTRY 0x8000u /* from SMBASE: the first instruction */
#define SMM_ATTR 0x8093u  /* writable data with a limit in pages, CS as well: big real mode */

static enum descry_smm_map
smm_map(const struct cpu *c)
{
	return (enum descry_smm_map)c->profile.knob[DESCRY_KNOB_SMM_MAP];
}

const struct descry_exchange_format *
descry_smram_format(const struct descry_profile *profile)
{
	static const struct descry_exchange_format *const maps[] = {
		[DESCRY_SMM_NONE] = NULL,
		[DESCRY_SMM_P5] = &exchange_smram_p5,
		[DESCRY_SMM_P6] = &exchange_smram_p6,
		[DESCRY_SMM_AMD64] = &exchange_smram_amd64,
	};

	return maps[profile->knob[DESCRY_KNOB_SMM_MAP]];
}

static const struct descry_exchange_format *
save_map(const struct cpu *c)
{
	return descry_smram_format(&c->profile);
}

/* --- SMRAM ---------------------------------------------------------------------------- */

/* The save map is reached by its physical address, whatever paging says. */
static uint8_t *
smram_page(const struct cpu *c, uint32_t physical, bool for_write)
{
	const struct descry_page page = c->bus.page(c->bus.owner, physical & ~0xfffu, for_write);

	return page.host && (page.writable || !for_write) ? page.host : NULL;
}

static void
smram_write(struct cpu *c, uint32_t physical, uint8_t byte)
{
	uint8_t *host = smram_page(c, physical, true);

	if (!host)
		return;
	blocks_written(c, physical, 1);
	host[physical & 0xfff] = byte;
}

static uint8_t
smram_read(const struct cpu *c, uint32_t physical)
{
	const uint8_t *host = smram_page(c, physical, false);

	return host ? host[physical & 0xfff] : 0xff;
}

static uint32_t
save_area(const struct cpu *c)
{
	return c->state.smbase + SMM_ENTRY + EXCHANGE_SMRAM_FIRST;
}

static void
read_save_area(const struct cpu *c, uint8_t bytes[EXCHANGE_SMRAM_BYTES])
{
	for (unsigned i = 0; i < EXCHANGE_SMRAM_BYTES; i++)
		bytes[i] = smram_read(c, save_area(c) + i);
}

/* What the map does not have goes back as it was read. */
static void
write_save_area(struct cpu *c, const uint8_t bytes[EXCHANGE_SMRAM_BYTES])
{
	for (unsigned i = 0; i < EXCHANGE_SMRAM_BYTES; i++)
		smram_write(c, save_area(c) + i, bytes[i]);
}

/* --- entry ---------------------------------------------------------------------------- */

static void
save(struct cpu *c)
{
	uint8_t bytes[EXCHANGE_SMRAM_BYTES];
	struct descry_state whole;

	whole_take(c, &whole);
	read_save_area(c, bytes);
	descry_exchange_pack_bytes(save_map(c), &whole, bytes);
	write_save_area(c, bytes);
}

/* CS, which before the P6 is the same wherever SMBASE is. */
static uint16_t
entry_sel(const struct cpu *c)
{
	return smm_map(c) == DESCRY_SMM_P5 ? 0x3000 : (uint16_t)(c->state.smbase >> 4);
}

static void
load_entry_segments(struct cpu *c)
{
	struct seg_loading from = {
		.seg = { .limit = UINT32_MAX, .attr = SMM_ATTR },
		.origin = DESCRY_ORIGIN_FIXED,
		.fields = SEG_FIELDS_ALL,
	};

	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
		from.seg.sel = 0;
		from.seg.base = 0;
		if (sreg == DESCRY_CS) {
			from.seg.sel = entry_sel(c);
			from.seg.base = c->state.smbase;
		}
		seg_commit(c, (enum descry_sreg)sreg, &from, DESCRY_CAUSE_SMI);
	}
}

/* SDM vol. 3, Initial SMM Execution Environment. LDTR, TR, GDTR and IDTR stay. */
static void
enter_smm(struct cpu *c)
{
	microstep(c, DESCRY_MICRO_SM1);
	save(c);
	microstep(c, DESCRY_MICRO_SM2);
	c->state.in_smm = 1;
	c->state.in_rep = 0;
	c->state.halted = 0;
	c->state.nmi_blocked |= DESCRY_NMI_BLOCKED_BY_SMI;
	c->state.dr[7] = DESCRY_DR7_RESET;
	eflags_write(c, 0);
	control_put(c, (uint32_t)c->state.cr0 & ~SMM_CR0_CLEARED, (uint32_t)c->state.cr3, 0);
	microstep(c, DESCRY_MICRO_SM3);
	load_entry_segments(c);
	c->state.rip = c->target = SMM_ENTRY;
}

/* --- SMI and INIT --------------------------------------------------------------------- */

/* SMM holds both off, and a shadow does: nothing of it would be saved. */
static bool
accepts(const struct cpu *c)
{
	return !c->state.in_smm && !c->state.shadow;
}

bool
smm_take(struct cpu *c)
{
	if (smm_map(c) == DESCRY_SMM_NONE || !accepts(c))
		return false;
	enter_smm(c);
	return true;
}

static void
post(struct cpu *c, uint8_t what)
{
	c->state.pending |= what;
	cpu_come_back(c);
}

static void
withdraw(struct cpu *c, uint8_t what)
{
	c->state.pending &= (uint8_t)~what;
	cpu_come_back(c);
}

bool
smm_take_pending(struct cpu *c)
{
	const uint8_t pending = c->state.pending & (DESCRY_PENDING_INIT | DESCRY_PENDING_SMI);

	if (!pending || !accepts(c))
		return false;
	cpu_here_stopped(c);
	if (pending & DESCRY_PENDING_INIT) {
		withdraw(c, DESCRY_PENDING_INIT);
		cpu_init(c);
	} else {
		withdraw(c, DESCRY_PENDING_SMI);
		enter_smm(c);
	}
	return true;
}

bool
descry_vcpu_smi(struct descry_vcpu *vcpu)
{
	if (smm_map(&vcpu->cpu) == DESCRY_SMM_NONE)
		return false;
	post(&vcpu->cpu, DESCRY_PENDING_SMI);
	return true;
}

void
descry_vcpu_init(struct descry_vcpu *vcpu)
{
	post(&vcpu->cpu, DESCRY_PENDING_INIT);
}

/* --- RSM ------------------------------------------------------------------------------ */

/*
 * SDM vol. 3, Exiting From SMM: what makes RSM shut the CPU down. The alignment of SMBASE is
 * asked for by the P5 map alone.
 */
static bool
is_valid(const struct cpu *c, const struct descry_state *whole)
{
	const uint32_t cr4_bits = c->profile.knob[DESCRY_KNOB_CR4_BITS];

	if (whole->cr4 & ~cr4_bits)
		return false;
	if (whole->cr0 & DESCRY_CR0_PG && !(whole->cr0 & DESCRY_CR0_PE))
		return false;
	if (whole->cr0 & DESCRY_CR0_NW && !(whole->cr0 & DESCRY_CR0_CD))
		return false;
	return smm_map(c) != DESCRY_SMM_P5 || (whole->smbase & 0x7fff) == 0;
}

bool
smm_resume(struct cpu *c)
{
	uint8_t bytes[EXCHANGE_SMRAM_BYTES];
	struct descry_state whole;

	microstep(c, DESCRY_MICRO_SR1);
	whole_take(c, &whole);
	read_save_area(c, bytes);
	descry_exchange_unpack_bytes(save_map(c), bytes, &whole);
	if (!is_valid(c, &whole))
		return false;
	microstep(c, DESCRY_MICRO_SR2);
	whole_put(c, &whole, DESCRY_CAUSE_RSM);
	c->state.smbase = whole.smbase;
	c->state.halted = whole.halted;
	c->state.in_smm = 0;
	c->state.nmi_blocked &= (uint8_t)~DESCRY_NMI_BLOCKED_BY_SMI;
	return true;
}

static DESCRY_NOINLINE bool
do_rsm(struct cpu *c, const struct insn *in)
{
	if (!c->state.in_smm)
		return raise(c, DESCRY_VEC_UD, 0);
	cpu_here(c, in);
	if (!smm_resume(c)) {
		c->state.shut_down = 1;
		c->target = insn_ip(c, in);
	}
	return true;
}

static const struct insn *
exec_rsm(struct cpu *c, const struct insn *in)
{
	return do_rsm(c, in) ? leave_to(c, in, c->target) : fault(c, in);
}

exec_fn *
lower_rsm(const struct decoded *d, struct insn *in)
{
	(void)d, (void)in;
	return exec_rsm;
}
