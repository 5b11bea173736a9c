/*
 * Operations on one register. The oracle is the rule that each of them cites.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "v86_machine.h"

#include <descry/operation.h>

#define HOST_STEP 6u

static void
a_v86_load_is_fixed_in_every_mode(void **state)
{
	static const enum descry_mode modes[] = { DESCRY_MODE_REAL, DESCRY_MODE_PROTECTED,
						  DESCRY_MODE_V86 };
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(modes); i++) {
		set_mode(m, modes[i]);
		for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
			const uint16_t sel = (uint16_t)(0x1230 + sreg);

			descry_op_set_step(m->vcpu, HOST_STEP);
			descry_op_load_v86(m->vcpu, sreg, sel);
			assert_segment(m, sreg, fixed(sel));
			assert_int_equal(descry_vcpu_provenance(m->vcpu, sreg)->limit.step,
					 HOST_STEP);
		}
	}
}

/* The rest of the register, and where it came from, stay: usable or not. */
static void
a_written_base_is_a_base(void **state)
{
	static const struct descry_segment rows[] = {
		{ 0x2000, 0x1000, 0x28, 0x4093 },
		{ 0, UINT32_MAX, 0, 0xc100 },
	};
	struct machine *m = *state;

	set_mode(m, DESCRY_MODE_PROTECTED);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct descry_segment_provenance *from =
			descry_vcpu_provenance(m->vcpu, DESCRY_FS);
		struct descry_segment after = rows[i];

		after.base = 0x12345678;
		put(m, DESCRY_FS, rows[i]);
		descry_op_set_step(m->vcpu, HOST_STEP);
		descry_op_write_base(m->vcpu, DESCRY_FS, after.base);
		assert_segment(m, DESCRY_FS, after);
		assert_int_equal(from->base.cause, DESCRY_CAUSE_WRMSR);
		assert_int_equal(from->base.step, HOST_STEP);
		assert_int_equal(from->limit.cause, DESCRY_CAUSE_VM_ENTRY);
		assert_int_equal(from->attr.cause, DESCRY_CAUSE_VM_ENTRY);
	}
}

/* --- translations --------------------------------------------------------------------- */

#define DIRECTORY 0x4000u
#define TABLE 0x5000u
#define PAGE_THERE 0x3u
#define GLOBAL 0x100u

static void
put_entry(struct machine *m, uint32_t at, uint32_t value)
{
	memcpy(&m->ram[at], &value, sizeof(value));
}

/* Each linear page is its own physical one, but for the last: page 15 is at 8000h. */
static void
begin_paging(struct machine *m)
{
	struct descry_fault fault;

	put_entry(m, DIRECTORY, TABLE | PAGE_THERE);
	for (uint32_t page = 0; page < 16; page++)
		put_entry(m, TABLE + page * 4, page << 12 | PAGE_THERE);
	put_entry(m, TABLE + 15 * 4, 0x8000 | PAGE_THERE | GLOBAL);
	descry_vcpu_state_mutable(m->vcpu)->cr4 = DESCRY_CR4_PGE;
	set_mode(m, DESCRY_MODE_PROTECTED);
	assert_true(descry_op_write_cr3(m->vcpu, DIRECTORY, &fault));
	assert_true(descry_op_write_cr0(
		m->vcpu, (uint32_t)cpu(m)->cr0 | DESCRY_CR0_PG | DESCRY_CR0_PE, &fault));
}

/* Reads through page 15, by loading a descriptor that lies in it. */
static uint32_t
base_through_last_page(struct machine *m)
{
	struct descry_fault fault;

	descry_op_load_gdtr(m->vcpu, 0xf000, 0xfff);
	assert_true(descry_op_load_segment(m->vcpu, DESCRY_FS, 0x08, DESCRY_CAUSE_MOV, &fault));
	return (uint32_t)cpu(m)->seg[DESCRY_FS].base;
}

static void
a_flush_takes_global_pages_and_a_write_of_cr3_does_not(void **state)
{
	const uint64_t at_8000 = 0x00cf93010000ffff, at_9000 = 0x00cf93020000ffff;
	struct machine *m = *state;
	struct descry_fault fault;

	memcpy(&m->ram[0x8008], &at_8000, sizeof(at_8000));
	memcpy(&m->ram[0x9008], &at_9000, sizeof(at_9000));
	begin_paging(m);
	assert_int_equal(base_through_last_page(m), 0x10000);
	put_entry(m, TABLE + 15 * 4, 0x9000 | PAGE_THERE | GLOBAL);
	assert_int_equal(base_through_last_page(m), 0x10000);
	assert_true(descry_op_write_cr3(m->vcpu, DIRECTORY, &fault));
	assert_int_equal(base_through_last_page(m), 0x10000);
	descry_op_flush_tlb(m->vcpu);
	assert_int_equal(base_through_last_page(m), 0x20000);
}

/* SDM vol. 3, PDPTE Registers: a reserved bit of one is #GP(0), and CR3 stays. */
static void
cr3_with_pae_reads_its_directories(void **state)
{
	struct machine *m = *state;
	struct descry_fault fault;

	begin_paging(m);
	put_entry(m, 0x6000, 0);
	put_entry(m, 0x6020, 0x1 | 0x2); /* bit 1 is reserved */
	assert_true(descry_op_write_cr0(m->vcpu, (uint32_t)cpu(m)->cr0 & ~DESCRY_CR0_PG, &fault));
	descry_vcpu_state_mutable(m->vcpu)->cr4 = DESCRY_CR4_PAE;
	assert_true(descry_op_write_cr3(m->vcpu, 0x6000, &fault));
	assert_true(descry_op_write_cr0(m->vcpu, (uint32_t)cpu(m)->cr0 | DESCRY_CR0_PG, &fault));
	assert_false(descry_op_write_cr3(m->vcpu, 0x6020, &fault));
	assert_int_equal(fault.vector, DESCRY_VEC_GP);
	assert_int_equal(fault.error_code, 0);
	assert_int_equal(cpu(m)->cr3, 0x6000);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(a_v86_load_is_fixed_in_every_mode),
		TEST(a_written_base_is_a_base),
		TEST(a_flush_takes_global_pages_and_a_write_of_cr3_does_not),
		TEST(cr3_with_pae_reads_its_directories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
