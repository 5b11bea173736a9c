/*
 * Knobs on top of a profile, each value of one against the other: what a running CPU makes of it.
 * The sources are those of `descry -c help`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "generation_machine.h"

#include <descry/operation.h>

static void
open_with(struct machine *m, const char *knob)
{
	struct descry_profile profile = *descry_profile_find("p6");
	const struct descry_bus bus = {
		.owner = m, .page = page_of, .port_in = no_port, .port_out = drop_port
	};
	struct descry_error err;
	struct descry_state *state;

	memset(m->ram, 0, sizeof(m->ram));
	assert_int_equal(descry_profile_set(&profile, knob, &err), DESCRY_OK);
	assert_int_equal(descry_vcpu_create(&profile, &bus, &m->vcpu), DESCRY_OK);
	write_tables(m);
	state = descry_vcpu_state_mutable(m->vcpu);
	state->gdtr = (struct descry_table){ .base = GDT, .limit = sizeof(gdt) - 1 };
	descry_vcpu_state_changed(m->vcpu);
}

static uint64_t
base_after_load(struct machine *m, enum descry_sreg sreg, uint16_t sel)
{
	struct descry_fault fault;

	assert_true(descry_op_load_segment(m->vcpu, sreg, sel, DESCRY_CAUSE_MOV, &fault));
	return descry_vcpu_state(m->vcpu)->seg[sreg].base;
}

/* Between a change of PE and the load of CS, data segments load as before it. */
static void
test_pe_window(void **unused)
{
	static const struct {
		const char *knob;
		uint64_t in_window;
	} cases[] = { { "pe_window.load_needs_jump=no", 0x1000 },
		      { "pe_window.load_needs_jump=yes", 0x280 } };
	static struct machine machine;
	struct descry_fault fault;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		open_with(&machine, cases[i].knob);
		assert_true(descry_op_write_cr0(machine.vcpu, DESCRY_CR0_PE, &fault));
		assert_int_equal(base_after_load(&machine, DESCRY_DS, 0x28), cases[i].in_window);
		assert_int_equal(base_after_load(&machine, DESCRY_CS, 0x08), 0);
		assert_int_equal(base_after_load(&machine, DESCRY_DS, 0x28), 0x1000);
		assert_true(descry_op_write_cr0(machine.vcpu, 0, &fault));
		assert_int_equal(base_after_load(&machine, DESCRY_DS, 0x28),
				 cases[i].in_window ^ 0x1000 ^ 0x280);
		descry_vcpu_destroy(machine.vcpu);
	}
}

static void
test_accessed_not_forced(void **unused)
{
	static const struct {
		const char *knob;
		uint16_t attr;
	} cases[] = { { "ring.accessed_forced=yes", 0x93 }, { "ring.accessed_forced=no", 0x92 } };
	static struct machine machine;
	struct descry_fault fault;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		open_with(&machine, cases[i].knob);
		assert_true(descry_op_write_cr0(machine.vcpu, DESCRY_CR0_PE, &fault));
		base_after_load(&machine, DESCRY_DS, 0x50);
		assert_int_equal(descry_vcpu_state(machine.vcpu)->seg[DESCRY_DS].attr,
				 cases[i].attr);
		assert_int_equal(machine.ram[GDT + 0x55], 0x93);
		descry_vcpu_destroy(machine.vcpu);
	}
}

/* RETF to ring 3 makes an FS of ring 0 null: with what is left in it, or as MOV FS, 0 does. */
static void
test_null_by_return(void **unused)
{
	static const struct {
		const char *knob;
		uint64_t base;
		uint32_t limit;
	} cases[] = { { "iret.null_keeps_base=on", 0x1000, 0x1000 },
		      { "iret.null_keeps_base=off", 0, UINT32_MAX } };
	static const uint32_t frame[] = { ORIGIN, 0x4b, 0x6000, 0x43 };
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct descry_segment *fs;

		open_with(&machine, cases[i].knob);
		LOAD(&machine, 0xcb);
		memcpy(&machine.ram[0x7000], frame, sizeof(frame));
		set_mode(&machine, DESCRY_MODE_PROTECTED);
		put_cpl(&machine, 0);
		put(&machine, DESCRY_CS,
		    (struct descry_segment){ .limit = UINT32_MAX, .sel = 8, .attr = 0xc09b });
		put(&machine, DESCRY_FS, (struct descry_segment){ 0x1000, 0x1000, 0x28, 0x4093 });
		assert_int_equal(run_steps(&machine, 1), NONE);
		fs = &descry_vcpu_state(machine.vcpu)->seg[DESCRY_FS];
		assert_int_equal(descry_vcpu_state(machine.vcpu)->seg[DESCRY_SS].sel, 0x43);
		assert_int_equal(fs->sel, 0);
		assert_false(descry_segment_usable(fs));
		assert_int_equal(fs->base, cases[i].base);
		assert_int_equal(fs->limit, cases[i].limit);
		descry_vcpu_destroy(machine.vcpu);
	}
}

/* RETF to ring 3: is an FS too privileged by what it holds, or by what the table says now? */
static void
test_null_by_table(void **unused)
{
	static const struct {
		const char *knob;
		uint16_t sel, attr, sel_after;
	} cases[] = { { "iret.null_rule=cached", 0x40, 0x4093, 0 },
		      { "iret.null_rule=table", 0x40, 0x4093, 0x40 },
		      { "iret.null_rule=cached", 0x28, 0x40f3, 0x28 },
		      { "iret.null_rule=table", 0x28, 0x40f3, 0 },
		      { "iret.null_rule=table", 0x200, 0x40f3, 0 } };
	static const uint32_t frame[] = { ORIGIN, 0x4b, 0x6000, 0x43 };
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		open_with(&machine, cases[i].knob);
		LOAD(&machine, 0xcb);
		memcpy(&machine.ram[0x7000], frame, sizeof(frame));
		set_mode(&machine, DESCRY_MODE_PROTECTED);
		put_cpl(&machine, 0);
		put(&machine, DESCRY_CS,
		    (struct descry_segment){ .limit = UINT32_MAX, .sel = 8, .attr = 0xc09b });
		put(&machine, DESCRY_FS,
		    (struct descry_segment){ 0x1000, 0x1000, cases[i].sel, cases[i].attr });
		assert_int_equal(run_steps(&machine, 1), NONE);
		assert_int_equal(descry_vcpu_state(machine.vcpu)->seg[DESCRY_FS].sel,
				 cases[i].sel_after);
		descry_vcpu_destroy(machine.vcpu);
	}
}

/* IRET to V86 with an EIP beyond 64 KiB: the upper bits do not count, or refuse it. */
static void
test_v86_iret_eip(void **unused)
{
	static const struct {
		const char *knob;
		unsigned vector;
	} cases[] = { { "v86.iret_eip_high=ignored", NONE }, { "v86.iret_eip_high=gp", 13 } };
	static const uint32_t frame[] = {
		0x00010000 | ORIGIN, 0, 0x00020002, 0x6000, 0, 0, 0, 0, 0
	};
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct descry_control control = {
			.budget = 1, .events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT)
		};
		struct descry_exit exit;

		open_with(&machine, cases[i].knob);
		LOAD(&machine, 0xcf);
		memcpy(&machine.ram[0x7000], frame, sizeof(frame));
		set_mode(&machine, DESCRY_MODE_PROTECTED);
		put_cpl(&machine, 0);
		put(&machine, DESCRY_CS,
		    (struct descry_segment){ .limit = UINT32_MAX, .sel = 8, .attr = 0xc09b });
		descry_vcpu_run(machine.vcpu, &control, &exit);
		if (cases[i].vector == NONE) {
			assert_int_equal(descry_vcpu_mode(machine.vcpu), DESCRY_MODE_V86);
			assert_int_equal(descry_vcpu_state(machine.vcpu)->rip, ORIGIN);
		} else {
			assert_int_equal(descry_vcpu_event(machine.vcpu, 0)->fault.vector,
					 cases[i].vector);
			assert_int_equal(descry_vcpu_mode(machine.vcpu), DESCRY_MODE_PROTECTED);
		}
		descry_vcpu_destroy(machine.vcpu);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pe_window),      cmocka_unit_test(test_accessed_not_forced),
		cmocka_unit_test(test_null_by_return), cmocka_unit_test(test_null_by_table),
		cmocka_unit_test(test_v86_iret_eip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
