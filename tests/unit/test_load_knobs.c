/*
 * Loads that a knob decides about, by instructions of a running CPU: all of the register and who
 * wrote which field, what a preview says before, and that the invariants agree. The rules alone
 * have rows in test_profile.c; the sources are those of `descry -c help`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "small_program.h"

#include <descry/reload.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct machine machine;

static void
open_with(const char *assignment)
{
	struct descry_profile profile = *descry_profile_find("386");
	const struct descry_bus bus = {
		.owner = &machine, .page = page_of, .port_in = no_port, .port_out = drop_port
	};
	struct descry_state *state;

	assert_int_equal(descry_profile_set(&profile, assignment, NULL), DESCRY_OK);
	assert_int_equal(descry_profile_set(&profile, "check.invariants=on", NULL), DESCRY_OK);
	assert_int_equal(descry_vcpu_create(&profile, &bus, &machine.vcpu), DESCRY_OK);
	write_tables(&machine);
	state = descry_vcpu_state_mutable(machine.vcpu);
	state->gdtr = (struct descry_table){ .base = GDT, .limit = sizeof(gdt) - 1 };
	descry_vcpu_state_changed(machine.vcpu);
}

static const struct descry_segment *
segment(enum descry_sreg sreg)
{
	return &descry_vcpu_state(machine.vcpu)->seg[sreg];
}

static const struct { /* knob, register and what it holds in; what it holds out, and who wrote what
		       */
	const char *what, *assignment;
	uint8_t code[5];
	enum descry_sreg sreg;
	struct descry_segment before, after;
	bool limit_written, attr_written;
} rows[] = {
	/* clang-format off */
	{ "MOV FS, base alone",  "real.data_load=base",       { 0x8e, 0xe0 }, DESCRY_FS,
	  { 0, 0xfffff, 0x10, 0x93 }, { 0x1230, 0xfffff, 0x123, 0x93 }, false, false },
	{ "MOV FS, and a limit", "real.data_load=base+limit", { 0x8e, 0xe0 }, DESCRY_FS,
	  { 0, 0xfffff, 0x10, 0x93 }, { 0x1230, 0xffff, 0x123, 0x93 },  true,  false },
	{ "MOV FS makes it whole", "real.force_p_s=on",       { 0x8e, 0xe0 }, DESCRY_FS,
	  { 0, 0xffff, 0, 0x103 },    { 0x1230, 0xffff, 0x123, 0x93 },  false, true },
	{ "far JMP, fixed",      "real.cs_load=fixed",        { 0xea, 0, 0, 0x23, 0x01 }, DESCRY_CS,
	  { 0, 0xfffff, 0, 0x9b },  { 0x1230, 0xffff, 0x123, 0x93 },  true,  true },
	{ "far JMP, kept",       "real.cs_load=keep",         { 0xea, 0, 0, 0x23, 0x01 }, DESCRY_CS,
	  { 0, 0xfffff, 0, 0x9b },    { 0x1230, 0xfffff, 0x123, 0x9b }, false, false },
	/* clang-format on */
};

static void
a_load_writes_what_the_knob_says(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct descry_segment_provenance *from;
		struct descry_preview preview;

		print_message("%s\n", rows[i].what);
		open_with(rows[i].assignment);
		load(&machine, rows[i].code, sizeof(rows[i].code));
		put(&machine, rows[i].sreg, rows[i].before);
		descry_vcpu_state_mutable(machine.vcpu)->gpr[DESCRY_AX] = 0x123;
		descry_load_preview(machine.vcpu, rows[i].sreg, 0x123, DESCRY_RELOAD_NOW, &preview);
		assert_memory_equal(&preview.segment, &rows[i].after, sizeof(rows[i].after));
		assert_int_equal(run(&machine, 1).reason, DESCRY_EXIT_BUDGET);
		assert_memory_equal(segment(rows[i].sreg), &rows[i].after, sizeof(rows[i].after));
		from = descry_vcpu_provenance(machine.vcpu, rows[i].sreg);
		assert_int_not_equal(from->base.cause, DESCRY_CAUSE_VM_ENTRY);
		assert_int_equal(from->limit.cause != DESCRY_CAUSE_VM_ENTRY, rows[i].limit_written);
		assert_int_equal(from->attr.cause != DESCRY_CAUSE_VM_ENTRY, rows[i].attr_written);
		descry_vcpu_destroy(machine.vcpu);
	}
}

/* Part of the attributes is made anew and the limit stays. */
static void
a_partial_load_of_cs_keeps_the_limit(void **unused)
{
	(void)unused;
	open_with("real.cs_load=partial");
	LOAD(&machine, 0xea, 0x00, 0x00, 0x23, 0x01);
	put(&machine, DESCRY_CS, (struct descry_segment){ 0, 0xfffff, 0, 0x9b });
	assert_int_equal(run(&machine, 1).reason, DESCRY_EXIT_BUDGET);
	assert_int_equal(segment(DESCRY_CS)->base, 0x1230);
	assert_int_equal(segment(DESCRY_CS)->limit, 0xfffff);
	assert_int_equal(descry_vcpu_provenance(machine.vcpu, DESCRY_CS)->limit.cause,
			 DESCRY_CAUSE_VM_ENTRY);
	assert_int_equal(descry_vcpu_provenance(machine.vcpu, DESCRY_CS)->attr.cause,
			 DESCRY_CAUSE_FAR_JMP);
	descry_vcpu_destroy(machine.vcpu);
}

/* Until a far jump, loads go by the mode from before the change; the preview does the same. */
static void
the_window_of_pe_lasts_until_a_jump(void **unused)
{
	struct descry_preview preview;
	struct descry_state *state;

	(void)unused;
	open_with("pe_window.load_needs_jump=yes");
	LOAD(&machine, 0x0f, 0x22, 0xc1, 0x8e, 0xe0,    /* mov cr0, ecx; mov fs, ax */
	     0xea, 0x0a, 0x7c, 0x08, 0x00,              /* jmp 8:7c0a */
	     0x8e, 0xe0, 0x0f, 0x22, 0xc2, 0x8e, 0xe8); /* mov fs, ax; mov cr0, edx; mov gs, ax */
	state = descry_vcpu_state_mutable(machine.vcpu);
	state->gpr[DESCRY_AX] = 0x10;
	state->gpr[DESCRY_CX] = DESCRY_CR0_PE | DESCRY_CR0_ET;
	state->gpr[DESCRY_DX] = DESCRY_CR0_ET;
	run(&machine, 1);
	assert_int_equal(state->pe_window, 1);
	descry_load_preview(machine.vcpu, DESCRY_FS, 0x10, DESCRY_RELOAD_NOW, &preview);
	assert_int_equal(preview.segment.base, 0x100);
	run(&machine, 1);
	assert_int_equal(segment(DESCRY_FS)->base, 0x100);
	run(&machine, 2);
	assert_int_equal(state->pe_window, 0);
	assert_int_equal(segment(DESCRY_FS)->limit, UINT32_MAX); /* by the table at last */
	run(&machine, 1);
	assert_int_equal(state->pe_window, 1); /* and the other way round */
	descry_load_preview(machine.vcpu, DESCRY_GS, 0x10, DESCRY_RELOAD_NOW, &preview);
	assert_int_equal(preview.segment.limit, UINT32_MAX);
	run(&machine, 1);
	assert_int_equal(segment(DESCRY_GS)->limit, UINT32_MAX);
	descry_vcpu_destroy(machine.vcpu);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_load_writes_what_the_knob_says),
		cmocka_unit_test(a_partial_load_of_cs_keeps_the_limit),
		cmocka_unit_test(the_window_of_pe_lasts_until_a_jump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
