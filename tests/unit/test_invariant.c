/*
 * The rules that the model holds itself to: each broken by one instruction that might have
 * been, and not by what a debugger had put there before. Oracle: SDM vol. 3, Guest Register
 * State (the checks on segments) and the write matrix of docs/hidden-caches.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "invariant.h"
#include "small_program.h"

#include <stdio.h>

#define NOBODY DESCRY_CAUSE_COUNT /* nothing was loaded */

static const struct descry_segment flat_code = { 0, UINT32_MAX, 0x08, 0xc09b };
static const struct descry_segment flat_data = { 0, UINT32_MAX, 0x10, 0xc093 };
static const struct descry_segment user_code = { 0, UINT32_MAX, 0x4b, 0xc0fb };
static const struct descry_segment user_data = { 0, UINT32_MAX, 0x43, 0xc0f3 };

/* A whole state of protected mode in ring 0 or 3, real mode, V86. */
static struct descry_state
whole_state(enum descry_mode mode, unsigned cpl)
{
	struct descry_state s = { .rflags = DESCRY_FLAG_ONE, .cr0 = DESCRY_CR0_ET };

	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		s.seg[sreg] = (struct descry_segment){ 0x1000, 0xffff, 0x100, 0x93 };
	s.seg[DESCRY_TR] = (struct descry_segment){ 0x2000, 0x67, 0x30, 0x8b };
	s.seg[DESCRY_LDTR] = (struct descry_segment){ 0x3000, 0xf, 0x38, 0x82 };
	if (mode == DESCRY_MODE_REAL)
		return s;
	s.cr0 |= DESCRY_CR0_PE;
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
		s.seg[sreg] = cpl ? user_data : flat_data;
		if (sreg == DESCRY_CS)
			s.seg[sreg] = cpl ? user_code : flat_code;
		if (mode == DESCRY_MODE_V86)
			s.seg[sreg] = (struct descry_segment){ 0x1000, 0xffff, 0x100, 0xf3 };
	}
	if (mode == DESCRY_MODE_V86)
		s.rflags |= DESCRY_FLAG_VM;
	return s;
}

/* --- a segment ------------------------------------------------------------------------ */

static const struct { /* mode, cpl, register, cause, content in; does a rule break? */
	const char *what;
	enum descry_mode mode;
	unsigned cpl;
	enum descry_sreg sreg;
	enum descry_cause cause;
	struct descry_segment seg;
	bool breaks;
} segments[] = {
	/* clang-format off */
	{ "MOV loads FS with flat data",        DESCRY_MODE_PROTECTED, 0, DESCRY_FS, DESCRY_CAUSE_MOV, { 0, UINT32_MAX, 0x10, 0xc093 }, false },
	{ "FS changes and nothing was loaded",  DESCRY_MODE_PROTECTED, 0, DESCRY_FS, NOBODY,           { 0, UINT32_MAX, 0x18, 0xc093 }, true },
	{ "MOV loads CS",                       DESCRY_MODE_PROTECTED, 0, DESCRY_CS, DESCRY_CAUSE_MOV, { 0, UINT32_MAX, 0x18, 0xc09b }, true },
	{ "a far jump loads SS",                DESCRY_MODE_PROTECTED, 0, DESCRY_SS, DESCRY_CAUSE_FAR_JMP, { 0, UINT32_MAX, 0x10, 0xc093 }, true },
	{ "LLDT loads TR",                      DESCRY_MODE_PROTECTED, 0, DESCRY_TR, DESCRY_CAUSE_LLDT, { 0, 0x67, 0x30, 0x8b }, true },
	{ "LTR leaves TR not busy",             DESCRY_MODE_PROTECTED, 0, DESCRY_TR, DESCRY_CAUSE_LTR, { 0, 0x67, 0x30, 0x89 }, true },
	{ "delivery writes DS",                 DESCRY_MODE_PROTECTED, 0, DESCRY_DS, DESCRY_CAUSE_INTERRUPT, { 0, UINT32_MAX, 0x10, 0xc093 }, true },
	{ "delivery makes DS null, not in V86", DESCRY_MODE_PROTECTED, 0, DESCRY_DS, DESCRY_CAUSE_INTERRUPT, { 0, UINT32_MAX, 0, 0xc100 }, true },
	{ "IRET writes DS",                     DESCRY_MODE_PROTECTED, 0, DESCRY_DS, DESCRY_CAUSE_IRET, { 0, UINT32_MAX, 0x10, 0xc093 }, true },
	{ "IRET makes DS null in the same ring", DESCRY_MODE_PROTECTED, 0, DESCRY_DS, DESCRY_CAUSE_IRET, { 0, UINT32_MAX, 0, 0xc100 }, true },
	{ "a loaded segment is not accessed",   DESCRY_MODE_PROTECTED, 0, DESCRY_ES, DESCRY_CAUSE_POP, { 0, UINT32_MAX, 0x10, 0xc092 }, true },
	{ "limit of 4 GiB without G",           DESCRY_MODE_PROTECTED, 0, DESCRY_ES, DESCRY_CAUSE_POP, { 0, UINT32_MAX, 0x10, 0x4093 }, true },
	{ "limit FFFEh with G",                 DESCRY_MODE_PROTECTED, 0, DESCRY_ES, DESCRY_CAUSE_POP, { 0, 0xfffe, 0x10, 0xc093 }, true },
	{ "attributes that no descriptor has",  DESCRY_MODE_PROTECTED, 0, DESCRY_ES, DESCRY_CAUSE_POP, { 0, UINT32_MAX, 0x10, 0xc293 }, true },
	{ "execute-only code in GS",            DESCRY_MODE_PROTECTED, 0, DESCRY_GS, DESCRY_CAUSE_MOV, { 0, UINT32_MAX, 0x60, 0xc099 }, true },
	{ "a null GS",                          DESCRY_MODE_PROTECTED, 0, DESCRY_GS, DESCRY_CAUSE_MOV, { 0, UINT32_MAX, 0, 0xc100 }, false },
	{ "SS that cannot be written",          DESCRY_MODE_PROTECTED, 0, DESCRY_SS, DESCRY_CAUSE_MOV, { 0, UINT32_MAX, 0x10, 0xc091 }, true },
	{ "SS with RPL 3 and DPL 0",            DESCRY_MODE_PROTECTED, 0, DESCRY_SS, DESCRY_CAUSE_MOV, { 0, UINT32_MAX, 0x13, 0xc093 }, true },
	{ "SS of ring 3 under CS of ring 0",    DESCRY_MODE_PROTECTED, 0, DESCRY_SS, DESCRY_CAUSE_MOV, { 0, UINT32_MAX, 0x43, 0xc0f3 }, true },
	{ "CPL falls with a MOV",               DESCRY_MODE_PROTECTED, 3, DESCRY_SS, DESCRY_CAUSE_MOV, { 0, UINT32_MAX, 0x10, 0xc093 }, true },
	{ "LDTR loaded in ring 3",              DESCRY_MODE_PROTECTED, 3, DESCRY_LDTR, DESCRY_CAUSE_LLDT, { 0, 0xf, 0x38, 0x82 }, true },
	{ "real: base alone",                   DESCRY_MODE_REAL,      0, DESCRY_FS, DESCRY_CAUSE_MOV, { 0x2340, 0xffff, 0x234, 0x93 }, false },
	{ "real: base is not selector * 16",    DESCRY_MODE_REAL,      0, DESCRY_FS, DESCRY_CAUSE_MOV, { 0x2341, 0xffff, 0x234, 0x93 }, true },
	{ "real: the limit changes",            DESCRY_MODE_REAL,      0, DESCRY_FS, DESCRY_CAUSE_MOV, { 0x2340, 0xfffff, 0x234, 0x93 }, true },
	{ "real: the attributes change",        DESCRY_MODE_REAL,      0, DESCRY_FS, DESCRY_CAUSE_POP, { 0x2340, 0xffff, 0x234, 0xf3 }, true },
	{ "real: CS of a far jump",             DESCRY_MODE_REAL,      0, DESCRY_CS, DESCRY_CAUSE_FAR_JMP, { 0x2340, 0xffff, 0x234, 0x93 }, false },
	{ "real: CS with D/B",                  DESCRY_MODE_REAL,      0, DESCRY_CS, DESCRY_CAUSE_FAR_JMP, { 0x2340, 0xffff, 0x234, 0x4093 }, true },
	{ "V86: selector * 16, FFFF, F3",       DESCRY_MODE_V86,       3, DESCRY_ES, DESCRY_CAUSE_MOV, { 0x2340, 0xffff, 0x234, 0xf3 }, false },
	{ "V86: attributes 93",                 DESCRY_MODE_V86,       3, DESCRY_ES, DESCRY_CAUSE_MOV, { 0x2340, 0xffff, 0x234, 0x93 }, true },
	{ "V86: the limit is kept",             DESCRY_MODE_V86,       3, DESCRY_ES, DESCRY_CAUSE_MOV, { 0x2340, 0xfffff, 0x234, 0xf3 }, true },
	{ "V86: the base is kept",              DESCRY_MODE_V86,       3, DESCRY_CS, DESCRY_CAUSE_FAR_JMP, { 0, 0xffff, 0x234, 0xf3 }, true },
	/* clang-format on */
};

static struct invariant_verdict
check(const struct descry_state *before, const struct descry_state *after, unsigned sreg,
      enum descry_cause cause)
{
	struct invariant_step step = { .before = before,
				       .after = after,
				       .profile = descry_profile_find("386") };

	if (cause != NOBODY) {
		step.loaded = 1u << sreg;
		step.cause[sreg] = (uint8_t)cause;
		step.mode[sreg] =
			(uint8_t)(!(before->cr0 & DESCRY_CR0_PE)    ? DESCRY_MODE_REAL
				  : before->rflags & DESCRY_FLAG_VM ? DESCRY_MODE_V86
								    : DESCRY_MODE_PROTECTED);
	}
	return invariant_check(&step);
}

static void
segments_break_or_hold(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
		const struct descry_state before = whole_state(segments[i].mode, segments[i].cpl);
		struct descry_state after = before;
		struct invariant_verdict verdict;

		after.seg[segments[i].sreg] = segments[i].seg;
		verdict = check(&before, &after, segments[i].sreg, segments[i].cause);
		if ((verdict.rule != NULL) != segments[i].breaks)
			fail_msg("%s: %s", segments[i].what, verdict.rule ? verdict.rule : "holds");
	}
}

/* What stood there broken, and was not touched, is the business of whoever put it there. */
static void
what_was_put_there_stays(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
		struct descry_state state = whole_state(segments[i].mode, segments[i].cpl);

		state.seg[segments[i].sreg] = segments[i].seg;
		if (check(&state, &state, 0, NOBODY).rule)
			fail_msg("%s", segments[i].what);
	}
}

/* --- other registers ------------------------------------------------------------------ */

static void
set_cr3(struct descry_state *s)
{
	s->cr3 = 0x1000;
}
static void
set_paging_alone(struct descry_state *s)
{
	s->cr0 = DESCRY_CR0_PG;
}
static void
set_gdtr(struct descry_state *s)
{
	s->gdtr.limit = 0x1f;
}
static void
set_long_table(struct descry_state *s)
{
	s->idtr.limit = 0x10000;
}
static void
set_iopl(struct descry_state *s)
{
	s->rflags |= DESCRY_FLAG_IOPL;
}
static void
set_if(struct descry_state *s)
{
	s->rflags |= DESCRY_FLAG_IF;
}
static void
clear_one(struct descry_state *s)
{
	s->rflags = 0;
}
static void
set_bit_15(struct descry_state *s)
{
	s->rflags |= 0x8000;
}
static void
widen(struct descry_state *s)
{
	s->gpr[DESCRY_SI] = 1ull << 32;
}
static void
set_zero(struct descry_state *s)
{
	s->zero = 1;
}
static void
go_back(struct descry_state *s)
{
	s->retired = 0;
}

static const struct { /* cpl, change in; does a rule break? */
	const char *what;
	unsigned cpl;
	void (*change)(struct descry_state *);
	bool breaks;
} registers[] = {
	/* clang-format off */
	{ "ring 0 writes CR3",            0, set_cr3,          false },
	{ "ring 3 writes CR3",            3, set_cr3,          true },
	{ "paging without protection",    0, set_paging_alone, true },
	{ "ring 0 writes GDTR",           0, set_gdtr,         false },
	{ "ring 3 writes GDTR",           3, set_gdtr,         true },
	{ "a table of over 64 KiB",       0, set_long_table,   true },
	{ "ring 0 sets IOPL",             0, set_iopl,         false },
	{ "ring 3 sets IOPL",             3, set_iopl,         true },
	{ "ring 0 sets IF",               0, set_if,           false },
	{ "ring 3 sets IF under IOPL 0",  3, set_if,           true },
	{ "bit 1 of EFLAGS is 0",         0, clear_one,        true },
	{ "bit 15 of EFLAGS is 1",        0, set_bit_15,       true },
	{ "a register of 33 bits",        0, widen,            true },
	{ "the register that reads as 0", 0, set_zero,         true },
	{ "time goes back",               0, go_back,          true },
	/* clang-format on */
};

static void
registers_break_or_hold(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		struct descry_state before = whole_state(DESCRY_MODE_PROTECTED, registers[i].cpl);
		struct descry_state after;
		struct invariant_verdict verdict;

		before.retired = 10;
		after = before;
		registers[i].change(&after);
		verdict = check(&before, &after, 0, NOBODY);
		if ((verdict.rule != NULL) != registers[i].breaks)
			fail_msg("%s: %s", registers[i].what,
				 verdict.rule ? verdict.rule : "holds");
	}
}

/* --- the TLB -------------------------------------------------------------------------- */

#define CODE_SLOT DESCRY_TLB_DATA /* slots from here on are those for code */
#define PGE DESCRY_CR4_PGE

static const struct { /* CR4, slot and entry in; does a rule break? */
	const char *what;
	uint32_t cr4;
	unsigned slot;
	struct descry_tlb_entry entry;
	bool breaks;
} entries[] = {
	/* clang-format off */
	{ "page 5 in its slot",             0,   5,             { 0x00005007, 0x123 },     false },
	{ "page 205h in the same slot",     0,   5,             { 0x00205007, 0x123 },     false },
	{ "page 6 in slot 5",               0,   5,             { 0x00006007, 0x123 },     true },
	{ "not present",                    0,   5,             { 0x00005006, 0x123 },     true },
	{ "a bit that is no right",         0,   5,             { 0x00005027, 0x123 },     true },
	{ "a frame beyond 36 bits",         0,   5,             { 0x00005007, 0x1000000 }, true },
	{ "global with PGE",                PGE, 5,             { 0x00005107, 0x123 },     false },
	{ "global without it",              0,   5,             { 0x00005107, 0x123 },     true },
	{ "of a large page",                DESCRY_CR4_PSE, 5,  { 0x00005087, 0x123 },     false },
	{ "of a large page without PSE",    0,   5,             { 0x00005087, 0x123 },     true },
	{ "code: page 45h is in slot 5",    0,   CODE_SLOT + 5, { 0x00045005, 0x123 },     false },
	{ "code: page 46h is not",          0,   CODE_SLOT + 5, { 0x00046005, 0x123 },     true },
	/* clang-format on */
};

static struct descry_tlb_entry *
entry_of(struct descry_state *s, unsigned slot)
{
	return slot < CODE_SLOT ? &s->tlb_data[slot] : &s->tlb_code[slot - CODE_SLOT];
}

static void
tlb_entries_break_or_hold(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		struct descry_state before = whole_state(DESCRY_MODE_PROTECTED, 0);
		struct descry_state after;
		struct invariant_verdict verdict;

		before.cr0 |= DESCRY_CR0_PG;
		before.cr4 = entries[i].cr4;
		after = before;
		*entry_of(&after, entries[i].slot) = entries[i].entry;
		verdict = check(&before, &after, 0, NOBODY);
		if ((verdict.rule != NULL) != entries[i].breaks)
			fail_msg("%s: %s", entries[i].what, verdict.rule ? verdict.rule : "holds");
		if (check(&after, &after, 0, NOBODY).rule) /* somebody has put it there */
			fail_msg("%s", entries[i].what);
	}
}

static const struct { /* bits of CR0 and CR4 that change; does the TLB have to be empty? */
	const char *what;
	uint32_t cr0, cr4;
	bool empties;
} changes[] = {
	{ "paging ends", DESCRY_CR0_PG, 0, true }, { "CR4.PSE", 0, DESCRY_CR4_PSE, true },
	{ "CR4.PAE", 0, DESCRY_CR4_PAE, true },    { "CR4.PGE", 0, DESCRY_CR4_PGE, true },
	{ "CR4.TSD", 0, DESCRY_CR4_TSD, false },   { "CR0.WP", DESCRY_CR0_WP, 0, false },
};

static void
other_paging_empties_the_tlb(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		for (unsigned slot = 0; slot <= CODE_SLOT; slot += CODE_SLOT) {
			struct descry_state before = whole_state(DESCRY_MODE_PROTECTED, 0);
			struct descry_state after;

			before.cr0 |= DESCRY_CR0_PG;
			*entry_of(&before, slot) = (struct descry_tlb_entry){ 0x007, 0x123 };
			after = before;
			after.cr0 ^= changes[i].cr0;
			after.cr4 ^= changes[i].cr4;
			if ((check(&before, &after, 0, NOBODY).rule != NULL) != changes[i].empties)
				fail_msg("%s", changes[i].what);
			*entry_of(&after, slot) = (struct descry_tlb_entry){ 0 };
			assert_null(check(&before, &after, 0, NOBODY).rule);
		}
	}
}

static void
a_fault_has_changed_nothing(void **unused)
{
	const struct descry_state before = whole_state(DESCRY_MODE_PROTECTED, 0);
	struct descry_state now = before;
	struct invariant_step step = { .before = &before,
				       .after = &now,
				       .profile = descry_profile_find("386") };

	(void)unused;
	now.cr2 = 0x1234; /* a page fault's own */
	assert_null(invariant_check_fault(&step).rule);
	for (unsigned i = 0; i < 8; i++) {
		now.gpr[i]++;
		assert_non_null(invariant_check_fault(&step).rule);
		now = before;
	}
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		now.seg[sreg].limit ^= 1;
		assert_int_equal(invariant_check_fault(&step).sreg, (int)sreg);
		now = before;
	}
	now.rflags ^= DESCRY_FLAG_DF;
	assert_non_null(invariant_check_fault(&step).rule);
	now.rflags = before.rflags;

	/* A 286 steps SI, DI and CX first. */
	step.profile = descry_profile_find("286");
	now.gpr[DESCRY_SI]++;
	assert_null(invariant_check_fault(&step).rule);
	now.gpr[DESCRY_AX]++;
	assert_non_null(invariant_check_fault(&step).rule);
}

/* --- in a run ------------------------------------------------------------------------- */

/* A device that changes a cache behind the CPU's back, while an OUT runs. */
static void
meddle(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	struct machine *m = owner;

	(void)port, (void)size, (void)value;
	descry_vcpu_state_mutable(m->vcpu)->seg[DESCRY_FS].limit = 0x1234;
}

static struct machine machine;

static void
open_with(struct machine *m, const char *assignment)
{
	struct descry_profile profile = *descry_profile_find("386");
	const struct descry_bus bus = {
		.owner = m, .page = page_of, .port_in = no_port, .port_out = meddle
	};

	assert_int_equal(descry_profile_set(&profile, assignment, NULL), DESCRY_OK);
	assert_int_equal(descry_vcpu_create(&profile, &bus, &m->vcpu), DESCRY_OK);
	LOAD(m, 0x40, 0xe6, 0x10, 0x40, 0xf4); /* inc ax; out 10h, al; inc ax; hlt */
}

static void
a_run_stops_at_what_breaks_a_rule(void **unused)
{
	struct descry_exit exit;

	(void)unused;
	open_with(&machine, "check.invariants=on");
	exit = run(&machine, 0);
	assert_int_equal(exit.reason, DESCRY_EXIT_INVARIANT);
	assert_string_equal(exit.text,
			    "a segment register changes only by a load: at 0000:00007C01 "
			    "fs was 0000/0/FFFF/0093, is 0000/0/1234/0093");
	assert_int_equal(descry_vcpu_state(machine.vcpu)->gpr[DESCRY_AX], 1);

	/* Now it stands there, and the run goes on. */
	assert_int_equal(run(&machine, 0).reason, DESCRY_EXIT_HALTED);
	assert_int_equal(descry_vcpu_state(machine.vcpu)->gpr[DESCRY_AX], 2);
	descry_vcpu_destroy(machine.vcpu);
}

static void
without_the_check_it_does_not(void **unused)
{
	(void)unused;
	open_with(&machine, "check.invariants=off");
	assert_int_equal(run(&machine, 0).reason, DESCRY_EXIT_HALTED);
	assert_int_equal(descry_vcpu_state(machine.vcpu)->gpr[DESCRY_AX], 2);
	descry_vcpu_destroy(machine.vcpu);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_break_or_hold),
		cmocka_unit_test(what_was_put_there_stays),
		cmocka_unit_test(registers_break_or_hold),
		cmocka_unit_test(tlb_entries_break_or_hold),
		cmocka_unit_test(other_paging_empties_the_tlb),
		cmocka_unit_test(a_fault_has_changed_nothing),
		cmocka_unit_test(a_run_stops_at_what_breaks_a_rule),
		cmocka_unit_test(without_the_check_it_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
