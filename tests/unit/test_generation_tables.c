/*
 * Descriptors and gates as a 286 reads them and as a 386 does: six bytes or eight, and which types
 * there are. Oracle: 80286 Programmer's Reference Manual; 386 Programmer's Reference Manual.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "generation_machine.h"

#include <descry/operation.h>
#include <descry/reload.h>

enum { LAR = 1, LSL = 2, VERR = 4 };

/*
 * The same eight bytes on a 286 and on a 386: what a load leaves or raises, and which of LAR, LSL
 * and VERR set ZF. Oracle: 80286 Programmer's Reference Manual, Descriptors and System Descriptor
 * Types; 386 Programmer's Reference Manual, the same.
 */
static const struct {
	const char *what;
	const char *profile;
	uint64_t raw;
	enum descry_sreg sreg;
	unsigned vector;
	uint32_t base, limit;
	uint16_t attr;
	unsigned answers;
} descriptors[] = {
	/* clang-format off */
	{ "base 31:24 is not read",          "286", 0x1200923456781000, DESCRY_DS, NONE, 0x345678, 0x1000, 0x93, LAR | LSL | VERR },
	{ "base 31:24",                      "386", 0x1200923456781000, DESCRY_DS, NONE, 0x12345678, 0x1000, 0x93, LAR | LSL | VERR },
	{ "limit 19:16 is not read",         "286", 0x000f920000001000, DESCRY_DS, NONE, 0, 0x1000, 0x93, LAR | LSL | VERR },
	{ "limit 19:16",                     "386", 0x000f920000001000, DESCRY_DS, NONE, 0, 0xf1000, 0x93, LAR | LSL | VERR },
	{ "G, D and AVL are not read",       "286", 0x00d0920000001000, DESCRY_DS, NONE, 0, 0x1000, 0x93, LAR | LSL | VERR },
	{ "G, D and AVL",                    "386", 0x00d0920000001000, DESCRY_DS, NONE, 0, 0x1000fff, 0xd093, LAR | LSL | VERR },
	{ "expand-down: B is not read",      "286", 0x0040960000001000, DESCRY_DS, NONE, 0, 0x1000, 0x97, LAR | LSL | VERR },
	{ "the upper word of an LDT",        "286", 0xffff820000000fff, DESCRY_LDTR, NONE, 0, 0xfff, 0x82, LAR | LSL },
	{ "a TSS of a 286",                  "286", 0xffff810000000fff, DESCRY_TR, NONE, 0, 0xfff, 0x83, LAR | LSL },
	{ "TSS of a 386 (9)",                "286", 0x0000890000000fff, DESCRY_TR, 13, 0, 0, 0, 0 },
	{ "TSS of a 386 (9)",                "386", 0x0000890000000fff, DESCRY_TR, NONE, 0, 0xfff, 0x8b, LAR | LSL },
	{ "busy TSS of a 386 (B)",           "286", 0x00008b0000000fff, DESCRY_TR, 13, 0, 0, 0, 0 },
	{ "busy TSS of a 386 (B)",           "386", 0x00008b0000000fff, DESCRY_DS, 13, 0, 0, 0, LAR | LSL },
	{ "call gate of a 286 (4)",          "286", 0x0000840000080000, DESCRY_DS, 13, 0, 0, 0, LAR },
	{ "call gate of a 386 (C)",          "286", 0x00008c0000080000, DESCRY_DS, 13, 0, 0, 0, 0 },
	{ "call gate of a 386 (C)",          "386", 0x00008c0000080000, DESCRY_DS, 13, 0, 0, 0, LAR },
	/* clang-format on */
};

/* At IP and on: LAR AX, CX; LSL BX, CX; VERR CX. */
static const uint8_t asks[] = { 0x0f, 0x02, 0xc1, 0x0f, 0x03, 0xd9, 0x0f, 0x00, 0xe1 };

static unsigned
answers_to_asks(struct machine *m)
{
	unsigned answers = 0;

	for (unsigned ask = LAR; ask <= VERR; ask <<= 1) {
		assert_int_equal(run_steps(m, 1), NONE);
		if (descry_vcpu_state(m->vcpu)->rflags & 0x40)
			answers |= ask;
	}
	return answers;
}

static void
open_protected(struct machine *m, const char *profile, const uint8_t *code, size_t size)
{
	machine_open_as(m, profile);
	load(m, code, size);
	set_registers(m, 0x7000);
	set_mode(m, DESCRY_MODE_PROTECTED);
	put_cpl(m, 0);
	put(m, DESCRY_CS, (struct descry_segment){ .limit = 0xffff, .sel = 8, .attr = 0x9b });
}

static void
test_descriptors(void **unused)
{
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(descriptors); i++) {
		const struct descry_segment *seg;
		struct descry_preview preview;
		struct descry_fault fault = { .vector = NONE };
		unsigned answers;

		open_protected(&machine, descriptors[i].profile, asks, sizeof(asks));
		memcpy(&machine.ram[GDT + 0x28], &descriptors[i].raw, 8);
		descry_vcpu_state_mutable(machine.vcpu)->gpr[DESCRY_CX] = 0x28;
		answers = answers_to_asks(&machine);
		descry_load_preview(machine.vcpu, descriptors[i].sreg, 0x28,
				    DESCRY_RELOAD_PROTECTED, &preview);
		if (!descry_op_load_segment(machine.vcpu, descriptors[i].sreg, 0x28,
					    DESCRY_CAUSE_MOV, &fault))
			assert_int_equal(fault.error_code, 0x28);
		seg = &descry_vcpu_state(machine.vcpu)->seg[descriptors[i].sreg];
		if (answers != descriptors[i].answers || fault.vector != descriptors[i].vector)
			fail_msg("%s (%s): answers %x, vector %u", descriptors[i].what,
				 descriptors[i].profile, answers, fault.vector);
		if (fault.vector == NONE &&
		    (seg->base != descriptors[i].base || seg->limit != descriptors[i].limit ||
		     seg->attr != descriptors[i].attr))
			fail_msg("%s (%s): base %08x limit %08x attr %04x", descriptors[i].what,
				 descriptors[i].profile, (unsigned)seg->base, seg->limit,
				 seg->attr);
		assert_int_equal(preview.fault.vector, descriptors[i].vector);
		if (fault.vector == NONE)
			assert_true(descry_segment_same_cache(&preview.segment, seg));
		descry_vcpu_destroy(machine.vcpu);
	}
}

/* INT 20h; the gate is the only one, so a refusal ends in shutdown and says what came first. */
static void
test_gates(void **unused)
{
	static const struct {
		const char *profile;
		uint64_t gate;
		bool is_taken;
	} cases[] = {
		{ "286", 0xffff860000080000 | HANDLER, true },
		{ "286", 0x00008e0000080000 | HANDLER, false },
		{ "286", 0x00008f0000080000 | HANDLER, false },
		{ "386", 0x00008e0000080000 | HANDLER, true },
		{ "386", 0x00008f0000080000 | HANDLER, true },
	};
	static const uint8_t code[] = { 0xcd, 0x20 };
	static struct machine machine;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct descry_exit exit;

		open_protected(&machine, cases[i].profile, code, sizeof(code));
		memcpy(&machine.ram[0x100], &cases[i].gate, 8);
		exit = run(&machine, 1);
		assert_int_equal(exit.reason,
				 cases[i].is_taken ? DESCRY_EXIT_BUDGET : DESCRY_EXIT_SHUTDOWN);
		if (cases[i].is_taken)
			assert_int_equal(descry_vcpu_state(machine.vcpu)->rip, HANDLER);
		else
			assert_int_equal(exit.fault.error_code, 0x102);
		descry_vcpu_destroy(machine.vcpu);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_gates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
