/*
 * The least that a CPU needs around it: 64 KiB of memory with a GDT and an LDT in it, and
 * no devices. Include after <cmocka.h>.
 */
#ifndef DESCRY_SMALL_MACHINE_H
#define DESCRY_SMALL_MACHINE_H

#include <descry/vcpu.h>

#include <string.h>

#define RAM_SIZE 0x10000u
#define GDT 0x1000u
#define LDT 0x3000u

struct machine {
	uint8_t ram[RAM_SIZE];
	struct descry_vcpu *vcpu;
};

static const uint64_t gdt[] = {
	/* clang-format off */
	0xffffffffffffffff, /* 00 never read */
	0x00cf9b000000ffff, /* 08 flat code */
	0x00cf93000000ffff, /* 10 flat data */
	0x00cf9f000000ffff, /* 18 conforming code */
	0x00cf13000000ffff, /* 20 data, not present */
	0x0040930010001000, /* 28 data at 1000h, limit 1000h */
	0x00008b0020000067, /* 30 TSS, busy */
	0x000082003000000f, /* 38 LDT: two slots */
	0x00cff3000000ffff, /* 40 ring 3 data */
	0x00cffb000000ffff, /* 48 ring 3 code */
	0x000092000000ffff, /* 50 16-bit data, not accessed yet */
	0x0000890020000067, /* 58 TSS, available */
	0x00cf99000000ffff, /* 60 execute-only code */
	0x00409600000007ff, /* 68 expand-down */
	0x00cf1b000000ffff, /* 70 code, not present */
	0x0000020000000000, /* 78 LDT, not present */
	/* clang-format on */
};
static const uint64_t ldt[] = { 0x0040930040000fff, 0x0040f30050000fff };

static inline struct descry_page
page_of(void *owner, uint64_t physical, bool for_write)
{
	struct machine *m = owner;

	(void)for_write;
	if (physical >= RAM_SIZE)
		return (struct descry_page){ 0 };
	return (struct descry_page){ .host = &m->ram[physical & ~(uint64_t)(DESCRY_PAGE_SIZE - 1)],
				     .writable = true };
}

static inline uint32_t
no_port(void *owner, uint16_t port, unsigned size)
{
	(void)owner, (void)port, (void)size;
	return UINT32_MAX;
}

static inline void
drop_port(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	(void)owner, (void)port, (void)size, (void)value;
}

/* Host and guest are both little-endian wherever these tests run. */
static inline void
write_tables(struct machine *m)
{
	memcpy(&m->ram[GDT], gdt, sizeof(gdt));
	memcpy(&m->ram[LDT], ldt, sizeof(ldt));
	descry_vcpu_memory_changed(m->vcpu);
}

static inline void
machine_open_as(struct machine *m, const char *profile)
{
	const struct descry_bus bus = {
		.owner = m, .page = page_of, .port_in = no_port, .port_out = drop_port
	};
	struct descry_state *state;

	memset(m->ram, 0, sizeof(m->ram));
	assert_int_equal(descry_vcpu_create(descry_profile_find(profile), &bus, &m->vcpu),
			 DESCRY_OK);
	write_tables(m);
	state = descry_vcpu_state_mutable(m->vcpu);
	state->gdtr.base = GDT;
	state->gdtr.limit = sizeof(gdt) - 1;
	descry_vcpu_state_changed(m->vcpu);
}

static inline void
machine_open(struct machine *m)
{
	machine_open_as(m, "386");
}

static inline void
set_mode(struct machine *m, enum descry_mode mode)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	state->cr0 &= ~(uint64_t)DESCRY_CR0_PE;
	state->rflags &= ~(uint64_t)DESCRY_FLAG_VM;
	if (mode != DESCRY_MODE_REAL)
		state->cr0 |= DESCRY_CR0_PE;
	if (mode == DESCRY_MODE_V86)
		state->rflags |= DESCRY_FLAG_VM;
	descry_vcpu_state_changed(m->vcpu);
	assert_int_equal(descry_vcpu_mode(m->vcpu), mode);
}

/* A cache as if it had always been there. */
static inline void
put(struct machine *m, enum descry_sreg sreg, struct descry_segment seg)
{
	descry_vcpu_put_segment(m->vcpu, sreg, &seg, DESCRY_CAUSE_VM_ENTRY);
}

/* The SS that makes the CPL so, once the mode is protected. */
static inline void
put_cpl(struct machine *m, unsigned cpl)
{
	const uint16_t attr = cpl == 3 ? 0xc0f3 : 0xc093;

	put(m, DESCRY_SS, (struct descry_segment){ 0, UINT32_MAX, cpl == 3 ? 0x43 : 0x10, attr });
}

#endif
