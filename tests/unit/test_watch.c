/*
 * Watched segments: a run ends behind the instruction that used one, or loaded one. The
 * oracle is the run contract of <descry/vcpu.h>, and what SDM vol. 2 says each instruction
 * loads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "small_program.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct machine machine;

static int
open_machine(void **state)
{
	*state = &machine;
	machine_open(&machine);
	return 0;
}

static int
close_machine(void **state)
{
	struct machine *m = *state;

	descry_vcpu_destroy(m->vcpu);
	return 0;
}

/* 1 << sreg for each event of this kind. */
static unsigned
sregs_in_ring(const struct descry_vcpu *vcpu, enum descry_event_kind kind)
{
	unsigned set = 0;

	for (size_t i = 0; i < descry_vcpu_event_count(vcpu); i++) {
		const struct descry_event *event = descry_vcpu_event(vcpu, i);

		if (event->kind == kind)
			set |= 1u << event->sreg;
	}
	return set;
}

/* --- accesses ------------------------------------------------------------------------- */

/* SDM vol. 2, MOVS: it reads through DS and writes through ES. */
static void
every_access_of_an_instruction_is_seen(void **state)
{
	const struct descry_control control = { .watch_access = 1u << DESCRY_DS | 1u << DESCRY_ES };
	struct machine *m = *state;
	struct descry_exit exit;

	LOAD(m, 0xa4); /* movsb */
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_ACCESS);
	assert_int_equal(sregs_in_ring(m->vcpu, DESCRY_EVENT_ACCESS), control.watch_access);
}

/* --- loads ---------------------------------------------------------------------------- */

#define CS 1u << DESCRY_CS
#define ES 1u << DESCRY_ES
#define FS 1u << DESCRY_FS
#define GS 1u << DESCRY_GS
#define SS 1u << DESCRY_SS
#define ALL 0xffu
#define HANDLER 0x4321u

/* What is loaded, and where the CPU stands then; nothing: it runs on to HLT. */
static const struct {
	const char *what;
	uint8_t code[5];
	unsigned watched, loaded;
	uint64_t retired;
	uint32_t rip;
} loads[] = {
	/* clang-format off */
	{ "MOV FS",                 { 0x40, 0x8e, 0xe0, 0xf4 },       FS,  FS, 2, ORIGIN + 3 },
	{ "MOV FS, and GS watched", { 0x40, 0x8e, 0xe0, 0xf4 },       GS,  0,  3, ORIGIN + 4 },
	{ "MOV AX, FS",             { 0x8c, 0xe0, 0xf4 },             ALL, 0,  2, ORIGIN + 3 },
	{ "POP ES",                 { 0x07, 0xf4 },                   ES,  ES, 1, ORIGIN + 1 },
	{ "MOV SS",                 { 0x8e, 0xd0, 0x40, 0xf4 },       ALL, SS, 1, ORIGIN + 2 },
	{ "LES",                    { 0xc4, 0x06, 0x00, 0x05, 0xf4 }, ALL, ES, 1, ORIGIN + 4 },
	{ "far JMP",                { 0xea, 0x34, 0x12, 0x00, 0x00 }, ALL, CS, 1, 0x1234 },
	{ "far CALL",               { 0x9a, 0x34, 0x12, 0x00, 0x00 }, ALL, CS, 1, 0x1234 },
	{ "IRET",                   { 0xcf },                         ALL, CS, 1, 0 },
	{ "INT",                    { 0xcd, 0x21 },                   ALL, CS, 1, HANDLER },
	{ "a fault",                { 0x0f, 0xff },                   ALL, CS, 1, HANDLER },
	/* clang-format on */
};

static void
claim_vector(struct machine *m, unsigned vector)
{
	const uint8_t entry[4] = { HANDLER & 0xff, HANDLER >> 8, 0, 0 };

	memcpy(&m->ram[vector * 4], entry, sizeof(entry));
}

static void
a_load_ends_the_run_behind_it(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT_OF(loads); i++) {
		const struct descry_control control = {
			.watch_load = loads[i].watched,
			.events = DESCRY_EVENT_BIT(DESCRY_EVENT_SEGMENT_LOAD),
		};
		struct descry_exit exit;

		print_message("%s\n", loads[i].what);
		memset(m->ram, 0, sizeof(m->ram));
		load(m, loads[i].code, sizeof(loads[i].code));
		descry_vcpu_state_mutable(m->vcpu)->halted = 0;
		descry_vcpu_state_mutable(m->vcpu)->retired = 0;
		claim_vector(m, 0x21);
		claim_vector(m, DESCRY_VEC_UD);
		descry_vcpu_run(m->vcpu, &control, &exit);
		assert_int_equal(exit.reason,
				 loads[i].loaded ? DESCRY_EXIT_LOAD : DESCRY_EXIT_HALTED);
		if (loads[i].loaded)
			assert_int_equal(sregs_in_ring(m->vcpu, DESCRY_EVENT_SEGMENT_LOAD),
					 loads[i].loaded);
		assert_int_equal(descry_vcpu_state(m->vcpu)->retired, loads[i].retired);
		assert_int_equal(descry_vcpu_state(m->vcpu)->rip, loads[i].rip);
	}
}

/* SDM vol. 3, Processor State After Reset: INIT loads them all. What comes from outside loads CS.
 */
static void
what_comes_from_outside_loads_too(void **state)
{
	const struct descry_control control = {
		.watch_load = ALL,
		.events = DESCRY_EVENT_BIT(DESCRY_EVENT_SEGMENT_LOAD),
	};
	struct machine *m = *state;
	struct descry_exit exit;

	LOAD(m, 0x40, 0xf4); /* inc ax; hlt */
	claim_vector(m, DESCRY_VEC_NMI);
	descry_vcpu_nmi(m->vcpu);
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_LOAD);
	assert_int_equal(sregs_in_ring(m->vcpu, DESCRY_EVENT_SEGMENT_LOAD), CS);
	assert_int_equal(descry_vcpu_state(m->vcpu)->rip, HANDLER);
	descry_vcpu_init(m->vcpu);
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_LOAD);
	assert_int_equal(sregs_in_ring(m->vcpu, DESCRY_EVENT_SEGMENT_LOAD), ALL);
}

/* The same selector again is a load, too; and the next run goes on where this one stands. */
static void
each_load_ends_a_run(void **state)
{
	const struct descry_control control = {
		.watch_load = FS,
		.events = DESCRY_EVENT_BIT(DESCRY_EVENT_SEGMENT_LOAD),
	};
	struct machine *m = *state;
	struct descry_exit exit;

	LOAD(m, 0x8e, 0xe0, 0x8e, 0xe0, 0x8e, 0xe8, 0xf4); /* mov fs, ax; again; mov gs, ax; hlt */
	for (unsigned done = 1; done <= 2; done++) {
		descry_vcpu_run(m->vcpu, &control, &exit);
		assert_int_equal(exit.reason, DESCRY_EXIT_LOAD);
		assert_int_equal(descry_vcpu_state(m->vcpu)->rip, ORIGIN + 2 * done);
	}
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_HALTED);
}

/* An instruction can do both. Its access names the exit, and both are in the ring. */
static void
an_access_and_a_load_in_one(void **state)
{
	const struct descry_control control = {
		.watch_access = SS,
		.watch_load = ES,
		.events = DESCRY_EVENT_BIT(DESCRY_EVENT_SEGMENT_LOAD),
	};
	struct machine *m = *state;
	struct descry_exit exit;

	LOAD(m, 0x07); /* pop es */
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_ACCESS);
	assert_int_equal(sregs_in_ring(m->vcpu, DESCRY_EVENT_ACCESS), SS);
	assert_int_equal(sregs_in_ring(m->vcpu, DESCRY_EVENT_SEGMENT_LOAD), ES);
}

/* The event names the instruction by where it was, though CS is another one by then. */
static void
a_load_of_cs_says_where_it_was_made(void **state)
{
	const struct descry_control control = {
		.watch_load = CS,
		.events = DESCRY_EVENT_BIT(DESCRY_EVENT_SEGMENT_LOAD),
	};
	struct machine *m = *state;
	struct descry_exit exit;

	LOAD(m, 0xea, 0x00, 0x00, 0x34, 0x02); /* jmp 0234h:0 */
	put(m, DESCRY_CS, (struct descry_segment){ 0x1000, 0xffff, 0x100, 0x93 });
	descry_vcpu_state_mutable(m->vcpu)->rip = ORIGIN - 0x1000;
	descry_vcpu_state_changed(m->vcpu);
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_int_equal(exit.reason, DESCRY_EXIT_LOAD);
	assert_int_equal(descry_vcpu_event(m->vcpu, 0)->linear, ORIGIN);
	assert_int_equal(descry_vcpu_event(m->vcpu, 0)->cs, 0x100);
	assert_int_equal(descry_vcpu_event(m->vcpu, 0)->sel, 0x234);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(every_access_of_an_instruction_is_seen),
		TEST(a_load_ends_the_run_behind_it),
		TEST(what_comes_from_outside_loads_too),
		TEST(each_load_ends_a_run),
		TEST(an_access_and_a_load_in_one),
		TEST(a_load_of_cs_says_where_it_was_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
