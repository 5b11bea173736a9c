/*
 * Instructions that came after the 386, as tables: what they do, from when on they exist, and
 * who may use them. The oracle is SDM vol. 2, one entry each, and vol. 3, Fast System Calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "small_program.h"

#include <descry/reload.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEST(f) cmocka_unit_test(f)
#define OPERAND 0x500u /* where memory operands are: [0500h] with 16-bit addresses */

static struct machine machine;

static void
open_as(const char *profile)
{
	const struct descry_bus bus = {
		.owner = &machine, .page = page_of, .port_in = no_port, .port_out = drop_port
	};

	memset(machine.ram, 0, sizeof(machine.ram));
	assert_int_equal(descry_vcpu_create(descry_profile_find(profile), &bus, &machine.vcpu),
			 DESCRY_OK);
	write_tables(&machine);
}

static void
close_machine(void)
{
	descry_vcpu_destroy(machine.vcpu);
}

static const struct descry_state *
cpu(void)
{
	return descry_vcpu_state(machine.vcpu);
}

/* One instruction; the vector that it raised, or DESCRY_VEC_NONE. */
static unsigned
step(struct descry_fault *fault)
{
	const struct descry_control control = { .budget = 1,
						.events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT) };
	struct descry_exit exit;

	descry_vcpu_run(machine.vcpu, &control, &exit);
	if (descry_vcpu_event_count(machine.vcpu) == 0)
		return DESCRY_VEC_NONE;
	*fault = descry_vcpu_event(machine.vcpu, 0)->fault;
	return fault->vector;
}

/* --- values --------------------------------------------------------------------------- */

struct values {
	uint32_t ax, cx, dx, bx;
	uint64_t memory;
	uint32_t flags; /* the arithmetic ones */
};

#define CF DESCRY_FLAG_CF
#define PF DESCRY_FLAG_PF
#define AF DESCRY_FLAG_AF
#define ZF DESCRY_FLAG_ZF
#define SF DESCRY_FLAG_SF
#define OF DESCRY_FLAG_OF
#define ARITHMETIC (CF | PF | AF | ZF | SF | OF)

/* clang-format off */
static const struct {
	const char *what;
	uint8_t code[8];
	struct values in, out;
} computations[] = {
	{ "BSWAP EBX", { 0x66, 0x0f, 0xcb },
	  { .bx = 0x12345678, .flags = CF | ZF }, { .bx = 0x78563412, .flags = CF | ZF } },
	{ "XADD EAX, EBX: the old value comes to the source", { 0x66, 0x0f, 0xc1, 0xd8 },
	  { .ax = 5, .bx = 7 }, { .ax = 12, .bx = 5, .flags = PF } },
	{ "XADD AL, BL with a carry", { 0x0f, 0xc0, 0xd8 },
	  { .ax = 0x1ff, .bx = 0x201 }, { .ax = 0x100, .bx = 0x2ff, .flags = CF | PF | AF | ZF } },
	{ "XADD AX, AX: the sum stays", { 0x0f, 0xc1, 0xc0 },
	  { .ax = 0x4000 }, { .ax = 0x8000, .flags = PF | SF | OF } },
	{ "XADD [m], EBX", { 0x66, 0x0f, 0xc1, 0x1e, 0x00, 0x05 },
	  { .bx = 1, .memory = 0x1ffffffff }, { .bx = UINT32_MAX, .memory = 0x100000000,
	    .flags = CF | PF | AF | ZF } },
	{ "CMPXCHG BX, CX when AX is equal", { 0x0f, 0xb1, 0xcb },
	  { .ax = 3, .bx = 3, .cx = 9 }, { .ax = 3, .bx = 9, .cx = 9, .flags = ZF | PF } },
	{ "CMPXCHG BX, CX when it is not: AX gets BX", { 0x0f, 0xb1, 0xcb },
	  { .ax = 2, .bx = 3, .cx = 9 },
	  { .ax = 3, .bx = 3, .cx = 9, .flags = CF | PF | AF | SF } },
	{ "CMPXCHG [m], CL when AL is equal", { 0x0f, 0xb0, 0x0e, 0x00, 0x05 },
	  { .ax = 0xff7f, .cx = 0x80, .memory = 0x117f },
	  { .ax = 0xff7f, .cx = 0x80, .memory = 0x1180, .flags = ZF | PF } },
	{ "CMPXCHG [m], ECX when EAX is not", { 0x66, 0x0f, 0xb1, 0x0e, 0x00, 0x05 },
	  { .ax = 8, .cx = 1, .memory = 7 }, { .ax = 7, .cx = 1, .memory = 7 } },
	{ "LOCK CMPXCHG [m], ECX", { 0xf0, 0x66, 0x0f, 0xb1, 0x0e, 0x00, 0x05 },
	  { .ax = 7, .cx = 1, .memory = 7 },
	  { .ax = 7, .cx = 1, .memory = 1, .flags = ZF | PF } },
	{ "CMPXCHG8B when EDX:EAX is equal: ZF alone changes", { 0x0f, 0xc7, 0x0e, 0x00, 0x05 },
	  { 1, 4, 2, 3, 0x0000000200000001, CF | SF },
	  { 1, 4, 2, 3, 0x0000000400000003, CF | SF | ZF } },
	{ "CMPXCHG8B when the high halves differ", { 0x0f, 0xc7, 0x0e, 0x00, 0x05 },
	  { 1, 4, 9, 3, 0x0000000200000001, CF | ZF },
	  { 1, 4, 2, 3, 0x0000000200000001, CF } },
	{ "CMOVC EAX, EBX that moves", { 0x66, 0x0f, 0x42, 0xc3 },
	  { .ax = 1, .bx = 0x12345678, .flags = CF },
	  { .ax = 0x12345678, .bx = 0x12345678, .flags = CF } },
	{ "CMOVC EAX, EBX that does not", { 0x66, 0x0f, 0x42, 0xc3 },
	  { .ax = 1, .bx = 0x12345678 }, { .ax = 1, .bx = 0x12345678 } },
	{ "CMOVNLE AX, [m]", { 0x0f, 0x4f, 0x06, 0x00, 0x05 },
	  { .ax = 0xaaaa0000, .memory = 0x5555, .flags = SF | OF },
	  { .ax = 0xaaaa5555, .memory = 0x5555, .flags = SF | OF } },
	{ "CMOVNLE AX, [m] that does not", { 0x0f, 0x4f, 0x06, 0x00, 0x05 },
	  { .ax = 0xaaaa0000, .memory = 0x5555, .flags = SF },
	  { .ax = 0xaaaa0000, .memory = 0x5555, .flags = SF } },
	{ "RDTSC: one instruction has ended", { 0x0f, 0x31 },
	  { .ax = 9, .dx = 9 }, { .ax = 0, .dx = 0 } },
	{ "CPUID of leaf 0", { 0x0f, 0xa2 },
	  { 0 }, { .ax = 1, .bx = 0x756e6547, .dx = 0x49656e69, .cx = 0x6c65746e } },
	{ "RDPMC", { 0x0f, 0x33 }, { .ax = 9, .dx = 9, .cx = 1 }, { .cx = 1 } },
	{ "RDMSR of SYSENTER_EIP after reset", { 0x0f, 0x32 },
	  { .ax = 9, .dx = 9, .cx = 0x176 }, { .cx = 0x176 } },
	{ "an ESC that nobody ever defined does nothing", { 0xd9, 0x0e, 0x00, 0x05 },
	  { .ax = 1, .memory = 5 }, { .ax = 1, .memory = 5 } },
	{ "INVD", { 0x0f, 0x08 }, { .ax = 1 }, { .ax = 1 } },
	{ "WBINVD", { 0x0f, 0x09 }, { .ax = 1 }, { .ax = 1 } },
};
/* clang-format on */

static void
put_values(const struct values *values)
{
	struct descry_state *state = descry_vcpu_state_mutable(machine.vcpu);

	state->gpr[DESCRY_AX] = values->ax;
	state->gpr[DESCRY_CX] = values->cx;
	state->gpr[DESCRY_DX] = values->dx;
	state->gpr[DESCRY_BX] = values->bx;
	state->rflags = values->flags;
	descry_vcpu_state_changed(machine.vcpu);
	memcpy(&machine.ram[OPERAND], &values->memory, sizeof(values->memory));
}

static void
expect_values(const struct values *values)
{
	assert_int_equal(cpu()->gpr[DESCRY_AX], values->ax);
	assert_int_equal(cpu()->gpr[DESCRY_CX], values->cx);
	assert_int_equal(cpu()->gpr[DESCRY_DX], values->dx);
	assert_int_equal(cpu()->gpr[DESCRY_BX], values->bx);
	assert_int_equal(cpu()->rflags & ARITHMETIC, values->flags);
	assert_memory_equal(&machine.ram[OPERAND], &values->memory, sizeof(values->memory));
}

static void
later_instructions_compute(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(computations); i++) {
		struct descry_fault fault;

		print_message("%s\n", computations[i].what);
		open_as("p6");
		load(&machine, computations[i].code, sizeof(computations[i].code));
		put_values(&computations[i].in);
		assert_int_equal(step(&fault), DESCRY_VEC_NONE);
		expect_values(&computations[i].out);
		close_machine();
	}
}

/* All sixteen conditions against SETcc, which vectors and silicon hold down. */
static void
cmov_moves_when_setcc_sets(void **state)
{
	struct descry_fault fault;

	(void)state;
	open_as("p6");
	for (unsigned flags = 0; flags < 64; flags++) {
		const struct values in = { .ax = 0x100,
					   .bx = 1,
					   .flags = (flags & 1 ? CF : 0) | (flags & 2 ? PF : 0) |
						    (flags & 4 ? AF : 0) | (flags & 8 ? ZF : 0) |
						    (flags & 16 ? SF : 0) | (flags & 32 ? OF : 0) };

		for (unsigned cond = 0; cond < 16; cond++) {
			const uint8_t code[] = { 0x0f, (uint8_t)(0x90 | cond), 0xc1, /* cl */
						 0x0f, (uint8_t)(0x40 | cond), 0xc3 /* ax, bx */ };

			load(&machine, code, sizeof(code));
			put_values(&in);
			assert_int_equal(step(&fault), DESCRY_VEC_NONE);
			assert_int_equal(step(&fault), DESCRY_VEC_NONE);
			assert_int_equal(cpu()->gpr[DESCRY_AX], cpu()->gpr[DESCRY_CX] ? 1 : 0x100);
		}
	}
	close_machine();
}

/* --- refusals ------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *what;
	const char *profile;
	uint8_t code[6];
	uint32_t cx, cr0;
	unsigned vector;
} refusals[] = {
	{ "BSWAP on a 386",          "386",     { 0x0f, 0xc8 },             0, 0, DESCRY_VEC_UD },
	{ "BSWAP on a 486",          "486",     { 0x0f, 0xc8 },             0, 0, DESCRY_VEC_NONE },
	{ "XADD on a 386",           "386",     { 0x0f, 0xc1, 0xc0 },       0, 0, DESCRY_VEC_UD },
	{ "CMPXCHG on a 386",        "386",     { 0x0f, 0xb1, 0xcb },       0, 0, DESCRY_VEC_UD },
	{ "CMPXCHG on a 486",        "486",     { 0x0f, 0xb1, 0xcb },       0, 0, DESCRY_VEC_NONE },
	{ "INVD on a 386",           "386",     { 0x0f, 0x08 },             0, 0, DESCRY_VEC_UD },
	{ "CMPXCHG8B on a 486",      "486",     { 0x0f, 0xc7, 0x0e, 0, 5 }, 0, 0, DESCRY_VEC_UD },
	{ "CMPXCHG8B on a Pentium",  "pentium", { 0x0f, 0xc7, 0x0e, 0, 5 }, 0, 0, DESCRY_VEC_NONE },
	{ "CMPXCHG8B of a register", "p6",      { 0x0f, 0xc7, 0xc8 },       0, 0, DESCRY_VEC_UD },
	{ "CPUID on a 486",          "486",     { 0x0f, 0xa2 },             0, 0, DESCRY_VEC_UD },
	{ "RDTSC on a 486",          "486",     { 0x0f, 0x31 },             0, 0, DESCRY_VEC_UD },
	{ "RDMSR on a 486",          "486",     { 0x0f, 0x32 },          0x10, 0, DESCRY_VEC_UD },
	{ "RDMSR of the TSC",        "pentium", { 0x0f, 0x32 },          0x10, 0, DESCRY_VEC_NONE },
	{ "RDMSR of nothing",        "p6",      { 0x0f, 0x32 },        0x1234, 0, DESCRY_VEC_GP },
	{ "WRMSR of nothing",        "p6",      { 0x0f, 0x30 },        0x1234, 0, DESCRY_VEC_GP },
	{ "SYSENTER_CS on a Pentium", "pentium", { 0x0f, 0x32 },        0x174, 0, DESCRY_VEC_GP },
	{ "CMOVcc on a Pentium",     "pentium", { 0x0f, 0x42, 0xc3 },       0, 0, DESCRY_VEC_UD },
	{ "RDPMC on a Pentium",      "pentium", { 0x0f, 0x33 },             0, 0, DESCRY_VEC_UD },
	{ "RDPMC of a third counter", "p6",     { 0x0f, 0x33 },             2, 0, DESCRY_VEC_GP },
	{ "SYSENTER on a Pentium",   "pentium", { 0x0f, 0x34 },             0, 0, DESCRY_VEC_UD },
	{ "SYSENTER with PE=0",      "p6",      { 0x0f, 0x34 },             0, 0, DESCRY_VEC_GP },
	{ "SYSEXIT with PE=0",       "p6",      { 0x0f, 0x35 },             0, 0, DESCRY_VEC_GP },
	{ "UD2",                     "p6",      { 0x0f, 0x0b },             0, 0, DESCRY_VEC_UD },
	{ "MOV EAX, TR6 on a Pentium", "pentium", { 0x0f, 0x24, 0xf0 },     0, 0, DESCRY_VEC_UD },
	{ "UD2 on a 386",            "386",     { 0x0f, 0x0b },             0, 0, DESCRY_VEC_UD },
	{ "RSM outside of SMM",      "p6",      { 0x0f, 0xaa },             0, 0, DESCRY_VEC_UD },
	{ "LOADALL on a P6",         "p6",      { 0x0f, 0x05 },             0, 0, DESCRY_VEC_UD },
	{ "the other on a P6",       "p6",      { 0x0f, 0x07 },             0, 0, DESCRY_VEC_UD },
	{ "the 286's on a 386",      "386",     { 0x0f, 0x05 },             0, 0, DESCRY_VEC_UD },
	{ "the 386's on a 486",      "486",     { 0x0f, 0x07 },             0, 0, DESCRY_VEC_UD },
	{ "FLD with EM",             "p6",      { 0xd9, 0xc0 }, 0, DESCRY_CR0_EM, DESCRY_VEC_NM },
	{ "FLD with TS",             "p6",      { 0xd9, 0xc0 }, 0, DESCRY_CR0_TS, DESCRY_VEC_NM },
	{ "WAIT with TS and not MP", "p6",      { 0x9b },       0, DESCRY_CR0_TS, DESCRY_VEC_NONE },
	{ "WAIT with TS and MP",     "p6",      { 0x9b },       0, DESCRY_CR0_TS | DESCRY_CR0_MP,
	  DESCRY_VEC_NM },
	{ "MMX: no profile has it",  "p6",      { 0x0f, 0x6f, 0xc0 },       0, 0, DESCRY_VEC_UD },
	{ "MMX with TS",             "p6",      { 0x0f, 0x6f, 0xc0 }, 0, DESCRY_CR0_TS, DESCRY_VEC_UD },
	{ "EMMS",                    "p6",      { 0x0f, 0x77 },             0, 0, DESCRY_VEC_UD },
	{ "SSE: no profile has it",  "p6",      { 0x0f, 0x28, 0xc0 },       0, 0, DESCRY_VEC_UD },
	{ "FXSAVE",                  "p6",      { 0x0f, 0xae, 0x06, 0, 5 }, 0, 0, DESCRY_VEC_UD },
	{ "SYSCALL",                 "p6",      { 0x0f, 0x05 },             0, 0, DESCRY_VEC_UD },
};
/* clang-format on */

static void
what_is_not_there_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		struct descry_fault fault;

		print_message("%s\n", refusals[i].what);
		open_as(refusals[i].profile);
		load(&machine, refusals[i].code, sizeof(refusals[i].code));
		descry_vcpu_state_mutable(machine.vcpu)->cr0 |= refusals[i].cr0;
		descry_vcpu_state_mutable(machine.vcpu)->gpr[DESCRY_CX] = refusals[i].cx;
		descry_vcpu_state_changed(machine.vcpu);
		assert_int_equal(step(&fault), refusals[i].vector);
		close_machine();
	}
}

/* --- privilege ------------------------------------------------------------------------ */

/* Flat 32-bit protected mode at this CPL, over these bytes. */
static void
open_flat(const char *profile, unsigned cpl, const uint8_t *code, size_t size)
{
	const uint16_t attr = cpl == 3 ? 0xc0fb : 0xc09b;
	struct descry_state *state;

	open_as(profile);
	load(&machine, code, size);
	state = descry_vcpu_state_mutable(machine.vcpu);
	state->gdtr.base = GDT;
	state->gdtr.limit = sizeof(gdt) - 1;
	state->idtr.limit = 0;
	state->cr0 |= DESCRY_CR0_PE;
	put(&machine, DESCRY_CS,
	    (struct descry_segment){ 0, UINT32_MAX, cpl == 3 ? 0x4b : 0x08, attr });
	put_cpl(&machine, cpl);
	descry_vcpu_state_changed(machine.vcpu);
}

/* clang-format off */
static const struct {
	const char *what;
	uint8_t code[2];
	uint32_t cr4;
	unsigned vector; /* at CPL 3 */
} privileges[] = {
	{ "INVD",               { 0x0f, 0x08 }, 0,              DESCRY_VEC_GP },
	{ "WBINVD",             { 0x0f, 0x09 }, 0,              DESCRY_VEC_GP },
	{ "RDMSR",              { 0x0f, 0x32 }, 0,              DESCRY_VEC_GP },
	{ "WRMSR",              { 0x0f, 0x30 }, 0,              DESCRY_VEC_GP },
	{ "RDTSC",              { 0x0f, 0x31 }, 0,              DESCRY_VEC_NONE },
	{ "RDTSC with CR4.TSD", { 0x0f, 0x31 }, DESCRY_CR4_TSD, DESCRY_VEC_GP },
	{ "RDPMC",              { 0x0f, 0x33 }, 0,              DESCRY_VEC_GP },
	{ "RDPMC with CR4.PCE", { 0x0f, 0x33 }, DESCRY_CR4_PCE, DESCRY_VEC_NONE },
	{ "CPUID",              { 0x0f, 0xa2 }, 0,              DESCRY_VEC_NONE },
	{ "SYSEXIT",            { 0x0f, 0x35 }, 0,              DESCRY_VEC_GP },
};
/* clang-format on */

static void
ring_3_is_kept_away(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(privileges); i++) {
		for (unsigned cpl = 0; cpl <= 3; cpl += 3) {
			const unsigned expected = cpl ? privileges[i].vector : DESCRY_VEC_NONE;
			struct descry_fault fault;
			struct descry_state *s;

			print_message("%s at CPL %u\n", privileges[i].what, cpl);
			open_flat("p6", cpl, privileges[i].code, 2);
			s = descry_vcpu_state_mutable(machine.vcpu);
			s->cr4 = privileges[i].cr4;
			s->sysenter_cs = 0x40;
			/* counter 1 for RDPMC, P5_MC_TYPE for the others */
			s->gpr[DESCRY_CX] = 1;
			descry_vcpu_state_changed(machine.vcpu);
			assert_int_equal(step(&fault), expected);
			if (expected != DESCRY_VEC_NONE)
				assert_int_equal(fault.error_code, 0);
			close_machine();
		}
	}
}

/* --- time ----------------------------------------------------------------------------- */

static void
the_time_stamp_counts_instructions_from_where_it_was_set(void **state)
{
	/* wrmsr; nop; nop; rdtsc */
	static const uint8_t code[] = { 0x0f, 0x30, 0x90, 0x90, 0x0f, 0x31 };
	struct descry_state *s;

	(void)state;
	open_as("pentium");
	load(&machine, code, sizeof(code));
	s = descry_vcpu_state_mutable(machine.vcpu);
	s->gpr[DESCRY_CX] = 0x10;
	s->gpr[DESCRY_AX] = 1000;
	s->gpr[DESCRY_DX] = 5; /* cannot be written: the high half becomes 0 */
	descry_vcpu_state_changed(machine.vcpu);
	run(&machine, 4);
	assert_int_equal(cpu()->gpr[DESCRY_AX], 1003);
	assert_int_equal(cpu()->gpr[DESCRY_DX], 0);
	close_machine();
}

/* --- SYSENTER, SYSEXIT ---------------------------------------------------------------- */

static void
expect_segment(enum descry_sreg sreg, uint16_t sel, uint16_t attr)
{
	const struct descry_segment *seg = &cpu()->seg[sreg];

	assert_int_equal(seg->sel, sel);
	assert_int_equal(seg->base, 0);
	assert_int_equal(seg->limit, UINT32_MAX);
	assert_int_equal(seg->attr, attr);
	assert_true(descry_cache_status(machine.vcpu, sreg) & DESCRY_CACHE_FIXED);
}

static void
sysenter_loads_constants(void **state)
{
	struct descry_segment before[DESCRY_SREG_COUNT];
	struct descry_fault fault;
	struct descry_state *s;

	(void)state;
	open_flat("p6", 3, (const uint8_t[]){ 0x0f, 0x34 }, 2);
	s = descry_vcpu_state_mutable(machine.vcpu);
	s->sysenter_cs = 0x123; /* RPL is dropped; there is no such slot in the table */
	s->sysenter_esp = 0x12345678;
	s->sysenter_eip = 0x9000;
	s->rflags |= DESCRY_FLAG_IF;
	descry_vcpu_state_changed(machine.vcpu);
	memcpy(before, cpu()->seg, sizeof(before));
	assert_int_equal(step(&fault), DESCRY_VEC_NONE);
	expect_segment(DESCRY_CS, 0x120, 0xc09b);
	expect_segment(DESCRY_SS, 0x128, 0xc093);
	assert_int_equal(descry_cpl(cpu()), 0);
	assert_int_equal(cpu()->rip, 0x9000);
	assert_int_equal(cpu()->gpr[DESCRY_SP], 0x12345678);
	assert_int_equal(cpu()->rflags & DESCRY_FLAG_IF, 0);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		if (sreg != DESCRY_CS && sreg != DESCRY_SS)
			assert_memory_equal(&cpu()->seg[sreg], &before[sreg], sizeof(before[0]));
	}
	close_machine();
}

static void
sysexit_loads_constants(void **state)
{
	struct descry_fault fault;
	struct descry_state *s;

	(void)state;
	open_flat("p6", 0, (const uint8_t[]){ 0x0f, 0x35 }, 2);
	s = descry_vcpu_state_mutable(machine.vcpu);
	s->sysenter_cs = 0x120;
	s->gpr[DESCRY_CX] = 0x5000;
	s->gpr[DESCRY_DX] = 0x9000;
	descry_vcpu_state_changed(machine.vcpu);
	assert_int_equal(step(&fault), DESCRY_VEC_NONE);
	expect_segment(DESCRY_CS, 0x133, 0xc0fb);
	expect_segment(DESCRY_SS, 0x13b, 0xc0f3);
	assert_int_equal(descry_cpl(cpu()), 3);
	assert_int_equal(cpu()->rip, 0x9000);
	assert_int_equal(cpu()->gpr[DESCRY_SP], 0x5000);
	close_machine();
}

static void
sysenter_needs_a_segment_to_enter(void **state)
{
	struct descry_fault fault;

	(void)state;
	open_flat("p6", 3, (const uint8_t[]){ 0x0f, 0x34 }, 2);
	descry_vcpu_state_mutable(machine.vcpu)->sysenter_cs = 3;
	assert_int_equal(step(&fault), DESCRY_VEC_GP);
	close_machine();
}

/* --- faults change nothing ------------------------------------------------------------ */

/* An m64 whose second half lies beyond the limit. */
/* At offset FFFCh of a segment with 128 KiB: the high half lies at 10000h (seen on silicon). */
static void
cmpxchg8b_does_not_wrap_in_the_middle(void **state)
{
	static const uint8_t code[] = { 0x66, 0x0f, 0xc7, 0x0f }; /* [bx] */
	const struct descry_segment large = { 0xffff8000, 0x1ffff, 0, 0x93 };
	struct descry_state *s;
	struct descry_fault fault;

	(void)state;
	open_as("p6");
	load(&machine, code, sizeof(code));
	put(&machine, DESCRY_DS, large);
	memset(&machine.ram[0x7ffc], 0x11, 8);
	s = descry_vcpu_state_mutable(machine.vcpu);
	s->gpr[DESCRY_AX] = s->gpr[DESCRY_DX] = 0x11111111;
	s->gpr[DESCRY_BX] = 0xfffc;
	s->gpr[DESCRY_CX] = 0x22222222;
	assert_int_equal(step(&fault), DESCRY_VEC_NONE);
	assert_true(cpu()->rflags & ZF);
	assert_memory_equal(&machine.ram[0x7ffc], "\xfc\xff\x00\x00\x22\x22\x22\x22", 8);
	close_machine();
}

static void
cmpxchg8b_that_faults_writes_no_half(void **state)
{
	static const uint8_t code[] = { 0x66, 0x0f, 0xc7, 0x0f }; /* [bx] */
	const struct values in = { 1, 4, 2, 0x600, 0, CF };
	const struct descry_segment small = { .limit = 0x605, .attr = DESCRY_ATTR_REAL_DATA };
	struct descry_fault fault;

	(void)state;
	open_as("p6");
	load(&machine, code, sizeof(code));
	put(&machine, DESCRY_DS, small);
	put_values(&in);
	memset(&machine.ram[0x600], 0x11, 8);
	assert_int_equal(step(&fault), DESCRY_VEC_GP);
	assert_int_equal(machine.ram[0x600], 0x11);
	expect_values(&in);
	close_machine();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(later_instructions_compute),
		TEST(cmov_moves_when_setcc_sets),
		TEST(what_is_not_there_is_refused),
		TEST(ring_3_is_kept_away),
		TEST(the_time_stamp_counts_instructions_from_where_it_was_set),
		TEST(sysenter_loads_constants),
		TEST(sysexit_loads_constants),
		TEST(sysenter_needs_a_segment_to_enter),
		TEST(cmpxchg8b_does_not_wrap_in_the_middle),
		TEST(cmpxchg8b_that_faults_writes_no_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
