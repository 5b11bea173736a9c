/*
 * LOADALL of the 286 and of the 386: every field of the table reaches its register, in an
 * image where no two fields are alike. The offsets are written here a second time, as
 * Ralf Brown's Interrupt List (286) and Collins' specification F2 (386) give them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "small_program.h"

#include <descry/exchange.h>
#include <descry/operation.h>
#include <descry/reload.h>

#define TEST(f) cmocka_unit_test_teardown(f, close_machine)
#define TABLE_286 0x800u
#define TABLE_386 0x2000u

static struct machine machine;

static void
open_as(const char *profile, const char *knob)
{
	const struct descry_bus bus = {
		.owner = &machine, .page = page_of, .port_in = no_port, .port_out = drop_port
	};
	struct descry_profile chosen = *descry_profile_find(profile);
	struct descry_error err;

	if (knob)
		assert_int_equal(descry_profile_set(&chosen, knob, &err), DESCRY_OK);
	memset(machine.ram, 0, sizeof(machine.ram));
	assert_int_equal(descry_vcpu_create(&chosen, &bus, &machine.vcpu), DESCRY_OK);
	write_tables(&machine);
}

static int
close_machine(void **state)
{
	(void)state;
	descry_vcpu_destroy(machine.vcpu);
	return 0;
}

static const struct descry_state *
cpu(void)
{
	return descry_vcpu_state(machine.vcpu);
}

static void
poke(uint32_t at, uint64_t value, unsigned size)
{
	memcpy(&machine.ram[at], &value, size);
}

/* --- the 286 -------------------------------------------------------------------------- */

static const struct {
	enum descry_sreg sreg;
	uint16_t sel, cache; /* physical addresses */
} caches_286[] = {
	{ DESCRY_ES, 0x824, 0x836 }, { DESCRY_CS, 0x822, 0x83c },   { DESCRY_SS, 0x820, 0x842 },
	{ DESCRY_DS, 0x81e, 0x848 }, { DESCRY_LDTR, 0x81c, 0x854 }, { DESCRY_TR, 0x816, 0x860 },
};

static const struct {
	enum descry_gpr gpr;
	uint16_t at;
} gprs_286[] = {
	{ DESCRY_DI, 0x826 }, { DESCRY_SI, 0x828 }, { DESCRY_BP, 0x82a }, { DESCRY_SP, 0x82c },
	{ DESCRY_BX, 0x82e }, { DESCRY_DX, 0x830 }, { DESCRY_CX, 0x832 }, { DESCRY_AX, 0x834 },
};

static uint8_t
access_286(enum descry_sreg sreg)
{
	return sreg == DESCRY_CS     ? 0x9b
	       : sreg == DESCRY_LDTR ? 0x82
	       : sreg == DESCRY_TR   ? 0x83
				     : 0x93;
}

static void
fill_286(uint16_t msw)
{
	poke(0x806, msw, 2);
	poke(0x818, 0x7246, 2);
	poke(0x81a, 0x9abc, 2);
	for (unsigned i = 0; i < 8; i++)
		poke(gprs_286[i].at, 0x1111u * (gprs_286[i].gpr + 1), 2);
	for (unsigned i = 0; i < 6; i++) {
		const uint32_t base = 0x120000u + i * 0x1010u;

		poke(caches_286[i].sel, 0x4008u + i * 8, 2);
		poke(caches_286[i].cache, base, 3);
		poke(caches_286[i].cache + 3u, access_286(caches_286[i].sreg), 1);
		poke(caches_286[i].cache + 4u, 0x7000u + i, 2);
	}
	poke(0x84e, 0xff345678, 4); /* the access byte means nothing */
	poke(0x852, 0x1234, 2);
	poke(0x85a, 0x00654321, 4);
	poke(0x85e, 0x03ff, 2);
}

static void
loadall_286_loads_every_field(void **state)
{
	const struct descry_segment *seg;

	(void)state;
	open_as("286", NULL);
	fill_286(DESCRY_CR0_PE | DESCRY_CR0_TS);
	LOAD(&machine, 0x0f, 0x05);
	assert_int_equal(run(&machine, 1).reason, DESCRY_EXIT_BUDGET);
	seg = cpu()->seg;
	assert_int_equal(cpu()->cr0 & 0xf, DESCRY_CR0_PE | DESCRY_CR0_TS);
	assert_int_equal(cpu()->rflags, 0x7246); /* with IOPL and NT, which real mode has not */
	assert_int_equal(cpu()->rip, 0x9abc);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(cpu()->gpr[gprs_286[i].gpr], 0x1111u * (gprs_286[i].gpr + 1));
	for (unsigned i = 0; i < 6; i++) {
		const enum descry_sreg sreg = caches_286[i].sreg;

		assert_int_equal(seg[sreg].sel, 0x4008u + i * 8);
		assert_int_equal(seg[sreg].base, 0x120000u + i * 0x1010u);
		assert_int_equal(seg[sreg].attr, access_286(sreg));
		assert_int_equal(seg[sreg].limit, 0x7000u + i);
		assert_int_equal(descry_vcpu_provenance(machine.vcpu, sreg)->limit.cause,
				 DESCRY_CAUSE_LOADALL);
	}
	assert_int_equal(cpu()->gdtr.base, 0x345678);
	assert_int_equal(cpu()->gdtr.limit, 0x1234);
	assert_int_equal(cpu()->idtr.base, 0x654321);
	assert_int_equal(cpu()->idtr.limit, 0x03ff);
}

static void
loadall_286_cannot_clear_pe(void **state)
{
	(void)state;
	open_as("286", NULL);
	fill_286(DESCRY_CR0_TS);
	LOAD(&machine, 0x0f, 0x04); /* the alias */
	descry_vcpu_state_mutable(machine.vcpu)->cr0 |= DESCRY_CR0_PE | DESCRY_CR0_MP;
	descry_vcpu_state_changed(machine.vcpu);
	run(&machine, 1);
	assert_int_equal(cpu()->rip, 0x9abc);
	assert_int_equal(cpu()->cr0 & 0xf, DESCRY_CR0_PE | DESCRY_CR0_TS);
}

/* Real mode with a base beyond 1 MiB: what the BIOS used it for. */
static void
loadall_286_reaches_extended_memory_in_real_mode(void **state)
{
	(void)state;
	open_as("286", NULL);
	fill_286(0);
	poke(0x848, 0x93004000, 4); /* DS: base 4000h, far from selector * 16 */
	poke(0x84c, 0xffff, 2);
	poke(0x83c, 0x93000000, 4); /* CS: base 0 */
	poke(0x840, 0xffff, 2);
	poke(0x81a, ORIGIN + 2, 2);
	LOAD(&machine, 0x0f, 0x05, 0xa0, 0x10, 0x00); /* loadall; mov al, [10h] */
	machine.ram[0x4010] = 0x5a;
	run(&machine, 2);
	assert_int_equal(cpu()->gpr[DESCRY_AX] & 0xff, 0x5a);
	assert_true(descry_cache_status(machine.vcpu, DESCRY_DS) & DESCRY_CACHE_UNREAL_BASE);
}

/* --- the 386 -------------------------------------------------------------------------- */

static const struct {
	enum descry_sreg sreg;
	uint16_t sel, cache; /* offsets */
	uint16_t attr;
} caches_386[] = {
	{ DESCRY_TR, 0x34, 0x54, 0x008b }, { DESCRY_LDTR, 0x38, 0x78, 0x0082 },
	{ DESCRY_GS, 0x3c, 0x84, 0x0093 }, { DESCRY_FS, 0x40, 0x90, 0x4097 },
	{ DESCRY_DS, 0x44, 0x9c, 0xc0f3 }, { DESCRY_SS, 0x48, 0xa8, 0x4093 },
	{ DESCRY_CS, 0x4c, 0xb4, 0xc09b }, { DESCRY_ES, 0x50, 0xc0, 0x0013 },
};

static const struct {
	enum descry_gpr gpr;
	uint16_t at;
} gprs_386[] = {
	{ DESCRY_DI, 0x0c }, { DESCRY_SI, 0x10 }, { DESCRY_BP, 0x14 }, { DESCRY_SP, 0x18 },
	{ DESCRY_BX, 0x1c }, { DESCRY_DX, 0x20 }, { DESCRY_CX, 0x24 }, { DESCRY_AX, 0x28 },
};

/* Attributes as the table has them: Collins' layout, or that of a descriptor's high dword. */
static uint32_t
ar_386(uint16_t attr, bool collins)
{
	return collins ? (uint32_t)(attr & 0xff) << 16 | (attr & 0x4000) : (uint32_t)attr << 8;
}

static uint32_t
limit_386(unsigned i)
{
	return caches_386[i].attr & 0x8000 ? 0xfffff000u + i : 0x8000u + i;
}

static void
fill_386(uint32_t cr0, bool collins)
{
	poke(TABLE_386 + 0x00, cr0, 4);
	poke(TABLE_386 + 0x04, 0x246, 4);
	poke(TABLE_386 + 0x08, 0x12345678, 4);
	for (unsigned i = 0; i < 8; i++)
		poke(TABLE_386 + gprs_386[i].at, 0x11111111u * (gprs_386[i].gpr + 1), 4);
	poke(TABLE_386 + 0x2c, 0xffff0ff1, 4);
	poke(TABLE_386 + 0x30, 0x00000400, 4);
	for (unsigned i = 0; i < 8; i++) {
		const uint32_t at = TABLE_386 + caches_386[i].cache;

		poke(TABLE_386 + caches_386[i].sel, 0xabcd4008u + i * 8, 4);
		poke(at, ar_386(caches_386[i].attr, collins), 4);
		poke(at + 4, 0x12340000u + i * 0x1010u, 4);
		poke(at + 8, limit_386(i), 4);
	}
	poke(TABLE_386 + 0x64, 0x10203040, 4);
	poke(TABLE_386 + 0x68, 0x07ff, 4);
	poke(TABLE_386 + 0x70, 0x50607080, 4);
	poke(TABLE_386 + 0x74, 0x1fff, 4);
}

static void
expect_386(void)
{
	for (unsigned i = 0; i < 8; i++) {
		const enum descry_sreg sreg = caches_386[i].sreg;
		const struct descry_segment *seg = &cpu()->seg[sreg];

		print_message("%s\n", descry_sreg_name(sreg));
		assert_int_equal(seg->sel, 0x4008u + i * 8);
		assert_int_equal(seg->base, 0x12340000u + i * 0x1010u);
		assert_int_equal(seg->limit, limit_386(i));
		assert_int_equal(seg->attr, caches_386[i].attr);
		assert_int_equal(descry_vcpu_provenance(machine.vcpu, sreg)->attr.cause,
				 DESCRY_CAUSE_LOADALL);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(cpu()->gpr[gprs_386[i].gpr], 0x11111111u * (gprs_386[i].gpr + 1));
	assert_int_equal(cpu()->rip, 0x12345678);
	assert_int_equal(cpu()->rflags, 0x246);
	assert_int_equal(cpu()->dr[6], 0xffff0ff1);
	assert_int_equal(cpu()->dr[7], 0x400);
	assert_int_equal(cpu()->idtr.base, 0x10203040);
	assert_int_equal(cpu()->idtr.limit, 0x7ff);
	assert_int_equal(cpu()->gdtr.base, 0x50607080);
	assert_int_equal(cpu()->gdtr.limit, 0x1fff);
}

static void
run_loadall_386(void)
{
	LOAD(&machine, 0x0f, 0x07);
	descry_vcpu_state_mutable(machine.vcpu)->gpr[DESCRY_DI] = TABLE_386;
	descry_vcpu_state_mutable(machine.vcpu)->cr3 = 0x5000;
	assert_int_equal(run(&machine, 1).reason, DESCRY_EXIT_BUDGET);
}

static void
loadall_386_loads_every_field(void **state)
{
	(void)state;
	open_as("386", NULL);
	fill_386(DESCRY_CR0_PE | DESCRY_CR0_ET, true);
	run_loadall_386();
	expect_386();
	assert_int_equal(cpu()->cr0, DESCRY_CR0_PE | DESCRY_CR0_ET);
	assert_int_equal(cpu()->cr3, 0x5000); /* not in the table */
	assert_int_equal(descry_cpl(cpu()), 0);
}

static void
the_other_layout_is_a_knob(void **state)
{
	(void)state;
	open_as("386", "loadall386.ar=hi-dword");
	fill_386(DESCRY_CR0_PE | DESCRY_CR0_ET, false);
	run_loadall_386();
	expect_386();
}

/* Into ring 3 by the DPL of SS alone: no selector is looked at. */
static void
loadall_takes_cpl_from_ss(void **state)
{
	(void)state;
	open_as("386", NULL);
	fill_386(DESCRY_CR0_PE, true);
	poke(TABLE_386 + 0xa8, ar_386(0xc0f3, true), 4);
	poke(TABLE_386 + 0xb0, UINT32_MAX, 4);
	run_loadall_386();
	assert_int_equal(descry_cpl(cpu()), 3);
	assert_int_equal(cpu()->seg[DESCRY_SS].sel & 3, 0);
}

static void
loadall_386_can_clear_pe(void **state)
{
	(void)state;
	open_as("386", NULL);
	fill_386(DESCRY_CR0_ET, true);
	LOAD(&machine, 0x0f, 0x07);
	descry_vcpu_state_mutable(machine.vcpu)->gpr[DESCRY_DI] = TABLE_386;
	descry_vcpu_state_mutable(machine.vcpu)->cr0 |= DESCRY_CR0_PE;
	descry_vcpu_state_changed(machine.vcpu);
	run(&machine, 1);
	assert_int_equal(descry_vcpu_mode(machine.vcpu), DESCRY_MODE_REAL);
	assert_int_equal(cpu()->seg[DESCRY_DS].attr, 0xc0f3);
}

/* --- refusals ------------------------------------------------------------------------- */

static unsigned
refused_with(const uint8_t code[2], unsigned cpl)
{
	const struct descry_control control = { .budget = 1,
						.events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT) };
	struct descry_exit exit;

	load(&machine, code, 2);
	if (cpl) {
		descry_vcpu_state_mutable(machine.vcpu)->cr0 |= DESCRY_CR0_PE;
		put(&machine, DESCRY_CS, (struct descry_segment){ 0, 0xffff, 0x4b, 0x00fb });
		put(&machine, DESCRY_SS, (struct descry_segment){ 0, 0xffff, 0x43, 0x00f3 });
		descry_vcpu_state_changed(machine.vcpu);
	}
	descry_vcpu_run(machine.vcpu, &control, &exit);
	assert_true(descry_vcpu_event_count(machine.vcpu) > 0);
	return descry_vcpu_event(machine.vcpu, 0)->fault.vector;
}

static void
loadall_is_for_ring_0(void **state)
{
	(void)state;
	open_as("286", NULL);
	assert_int_equal(refused_with((const uint8_t[]){ 0x0f, 0x05 }, 3), DESCRY_VEC_GP);
	close_machine(NULL);
	open_as("386", NULL);
	assert_int_equal(refused_with((const uint8_t[]){ 0x0f, 0x07 }, 3), DESCRY_VEC_GP);
}

/* The table ends beyond the limit of ES: nothing is loaded. */
static void
a_table_that_cannot_be_read_loads_nothing(void **state)
{
	struct descry_state before;

	(void)state;
	open_as("386", NULL);
	fill_386(DESCRY_CR0_PE, true);
	LOAD(&machine, 0x0f, 0x07);
	put(&machine, DESCRY_ES,
	    (struct descry_segment){ 0, TABLE_386 + 0xca, 0, DESCRY_ATTR_REAL_DATA });
	descry_vcpu_state_mutable(machine.vcpu)->gpr[DESCRY_DI] = TABLE_386;
	poke(DESCRY_VEC_GP * 4, 0x00008000, 4);
	before = *cpu();
	run(&machine, 1);
	assert_int_equal(cpu()->rip, 0x8000);
	assert_memory_equal(&cpu()->seg[DESCRY_ES], &before.seg[DESCRY_ES], sizeof(before.seg[0]));
	assert_memory_equal(&cpu()->seg[DESCRY_DS], &before.seg[DESCRY_DS], sizeof(before.seg[0]));
	assert_int_equal(cpu()->cr0, before.cr0);
	assert_int_equal(cpu()->gpr[DESCRY_AX], before.gpr[DESCRY_AX]);
}

/* --- the same as an operation --------------------------------------------------------- */

static struct descry_state
after_instruction(enum descry_loadall which)
{
	struct descry_state after;

	if (which == DESCRY_LOADALL_286) {
		LOAD(&machine, 0x0f, 0x05);
		run(&machine, 1);
	} else {
		run_loadall_386();
	}
	after = *cpu();
	after.retired = 0;
	return after;
}

static void
the_operation_does_what_the_instruction_does(void **state)
{
	static const struct {
		const char *profile, *knob;
		enum descry_loadall which;
		uint32_t table;
	} rows[] = {
		{ "286", NULL, DESCRY_LOADALL_286, TABLE_286 },
		{ "386", NULL, DESCRY_LOADALL_386, TABLE_386 },
		{ "386", "loadall386.ar=hi-dword", DESCRY_LOADALL_386, TABLE_386 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct descry_state expected;
		struct descry_fault fault;

		open_as(rows[i].profile, rows[i].knob);
		fill_286(DESCRY_CR0_PE | DESCRY_CR0_TS);
		fill_386(DESCRY_CR0_PE | DESCRY_CR0_ET, rows[i].knob == NULL);
		expected = after_instruction(rows[i].which);
		descry_vcpu_reset(machine.vcpu);
		descry_vcpu_state_mutable(machine.vcpu)->cr3 = expected.cr3;
		descry_op_set_step(machine.vcpu, 7);
		assert_true(descry_op_loadall(machine.vcpu, rows[i].which,
					      &machine.ram[rows[i].table], &fault));
		if (rows[i].which == DESCRY_LOADALL_286) /* it has neither */
			memcpy(&expected.seg[DESCRY_FS], &cpu()->seg[DESCRY_FS],
			       2 * sizeof(expected.seg[0]));
		assert_memory_equal(&expected, cpu(), sizeof(expected));
		assert_int_equal(descry_vcpu_provenance(machine.vcpu, DESCRY_DS)->base.step, 7);
		if (i + 1 < sizeof(rows) / sizeof(rows[0]))
			close_machine(NULL);
	}
}

static void
a_refused_operation_changes_nothing(void **state)
{
	static const struct {
		const char *what, *profile;
		enum descry_loadall which;
		unsigned cpl;
		uint8_t vector;
	} rows[] = {
		{ "a P6 has none", "p6", DESCRY_LOADALL_386, 0, DESCRY_VEC_UD },
		{ "a 386 has its own", "386", DESCRY_LOADALL_286, 0, DESCRY_VEC_UD },
		{ "a 286 has its own", "286", DESCRY_LOADALL_386, 0, DESCRY_VEC_UD },
		{ "ring 3", "386", DESCRY_LOADALL_386, 3, DESCRY_VEC_GP },
	};
	static const uint8_t table[DESCRY_LOADALL_386_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct descry_state before;
		struct descry_fault fault;

		print_message("%s\n", rows[i].what);
		open_as(rows[i].profile, NULL);
		set_mode(&machine, DESCRY_MODE_PROTECTED);
		put_cpl(&machine, rows[i].cpl);
		before = *cpu();
		assert_false(descry_op_loadall(machine.vcpu, rows[i].which, table, &fault));
		assert_int_equal(fault.vector, rows[i].vector);
		assert_int_equal(fault.error_code, 0);
		assert_memory_equal(&before, cpu(), sizeof(before));
		if (i + 1 < sizeof(rows) / sizeof(rows[0]))
			close_machine(NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(loadall_286_loads_every_field),
		TEST(loadall_286_cannot_clear_pe),
		TEST(loadall_286_reaches_extended_memory_in_real_mode),
		TEST(loadall_386_loads_every_field),
		TEST(the_other_layout_is_a_knob),
		TEST(loadall_takes_cpl_from_ss),
		TEST(loadall_386_can_clear_pe),
		TEST(loadall_is_for_ring_0),
		TEST(a_table_that_cannot_be_read_loads_nothing),
		TEST(the_operation_does_what_the_instruction_does),
		TEST(a_refused_operation_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
