/*
 * The host's way in and out: an interrupt whose frame host memory takes, and IRET from it, in
 * every mode. The oracle is SDM vol. 2, INT n, IRET, and vol. 3, 8086 Emulation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "v86_machine.h"

#include <descry/operation.h>

#define NT DESCRY_FLAG_NT
#define RF DESCRY_FLAG_RF
#define VM DESCRY_FLAG_VM
#define AC DESCRY_FLAG_AC
#define HOST_STEP 5u

/* --- guests --------------------------------------------------------------------------- */

enum guest { REAL, RING0, RING3, V86, GUESTS };

/* The six, ES CS SS DS FS GS; what the tables say but for FS, whose cache nothing describes. */
static const struct descry_segment caches[GUESTS][DESCRY_DATA_SREG_COUNT] = {
	/* clang-format off */
	[REAL] = { { 0x11000, 0xffff, 0x1100, 0x0093 }, { 0x12340, 0xffff, 0x1234, 0x009b },
		   { 0x13000, 0xffff, 0x1300, 0x0093 }, { 0x14000, 0xffff, 0x1400, 0x0093 },
		   { 0, UINT32_MAX, 0x0010, 0xc093 },   { 0x15000, 0xffff, 0x1500, 0x0093 } },
	[RING0] = { { 0, UINT32_MAX, 0x10, 0xc093 }, { 0, UINT32_MAX, 0x08, 0xc09b },
		    { 0, UINT32_MAX, 0x10, 0xc093 }, { 0, UINT32_MAX, 0x43, 0xc0f3 },
		    { 0x7000, 0x7fff, 0x28, 0x4093 }, { 0, UINT32_MAX, 0, 0xc100 } },
	[RING3] = { { 0, UINT32_MAX, 0x43, 0xc0f3 }, { 0, UINT32_MAX, 0x4b, 0xc0fb },
		    { 0, UINT32_MAX, 0x43, 0xc0f3 }, { 0, UINT32_MAX, 0x43, 0xc0f3 },
		    { 0x7000, 0x7fff, 0x43, 0x40f3 }, { 0, UINT32_MAX, 0, 0xc100 } },
	[V86] = { { 0x11000, 0xffff, 0x1100, 0x00f3 }, { 0x7000, 0xffff, 0x0700, 0x00f3 },
		  { 0x6000, 0xffff, 0x0600, 0x00f3 },  { 0x14000, 0xffff, 0x1400, 0x00f3 },
		  { 0x15000, 0xffff, 0x1500, 0x00f3 }, { 0x16000, 0xffff, 0x1600, 0x00f3 } },
	/* clang-format on */
};
static const struct descry_segment host_stack = { 0, UINT32_MAX, 0x10, 0xc093 };
static const struct descry_segment null = { 0, UINT32_MAX, 0, 0xc100 };

#define GUEST_FLAGS (IF | TF | NT | AC | IOPL | DESCRY_FLAG_ONE | DESCRY_FLAG_ZF)
#define GUEST_IP 0x0c00u
#define GUEST_SP 0xabcd0ff0u

static void
begin(struct machine *m, enum guest guest)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	write_tables(m);
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		put(m, (enum descry_sreg)sreg, caches[guest][sreg]);
	state->cr0 &= ~(uint64_t)DESCRY_CR0_PE;
	state->cr0 |= guest == REAL ? 0 : DESCRY_CR0_PE;
	state->rflags = GUEST_FLAGS | (guest == V86 ? VM : 0);
	state->rip = GUEST_IP;
	state->gpr[DESCRY_SP] = GUEST_SP;
	state->in_rep = 0;
	descry_vcpu_state_changed(m->vcpu);
	descry_op_set_step(m->vcpu, HOST_STEP);
}

static void
assert_caches(const struct machine *m, const struct descry_segment *expected)
{
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
		if (memcmp(&cpu(m)->seg[sreg], &expected[sreg], sizeof(expected[0])))
			fail_msg("%s is %04x %08x %08x %04x", descry_sreg_name(sreg),
				 cpu(m)->seg[sreg].sel, (unsigned)cpu(m)->seg[sreg].base,
				 cpu(m)->seg[sreg].limit, cpu(m)->seg[sreg].attr);
	}
}

static void
assert_loaded_by(const struct machine *m, enum descry_sreg sreg, enum descry_cause cause)
{
	const struct descry_provenance *from = &descry_vcpu_provenance(m->vcpu, sreg)->base;

	assert_int_equal(from->cause, cause);
	assert_int_equal(from->step, HOST_STEP);
}

/* --- the way in ----------------------------------------------------------------------- */

#define ES_FS_GS_DS (1u << DESCRY_ES | 1u << DESCRY_FS | 1u << DESCRY_GS | 1u << DESCRY_DS)

static const struct {
	const char *what;
	enum guest guest;
	uint16_t cs;
	struct descry_segment cs_after;
	bool outer;
	unsigned nulls; /* 1 << sreg */
	uint32_t cleared;
} ways_in[] = {
	/* clang-format off */
	{ "real mode: the base of CS alone", REAL, 0x5000, { 0x50000, 0xffff, 0x5000, 0x009b },
	  false, 0, IF | TF | AC },
	{ "the same ring: CS alone", RING0, 0x08, { 0, UINT32_MAX, 0x08, 0xc09b },
	  false, 0, IF | TF | NT },
	{ "conforming code keeps the ring", RING3, 0x18, { 0, UINT32_MAX, 0x1b, 0xc09f },
	  false, 0, IF | TF | NT },
	{ "from ring 3: SS as well", RING3, 0x08, { 0, UINT32_MAX, 0x08, 0xc09b },
	  true, 0, IF | TF | NT },
	{ "out of V86: nulls", V86, 0x08, { 0, UINT32_MAX, 0x08, 0xc09b },
	  true, ES_FS_GS_DS, IF | TF | NT | VM },
	/* clang-format on */
};

static void
an_interrupt_loads_what_delivery_loads(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(ways_in); i++) {
		struct descry_segment after[DESCRY_DATA_SREG_COUNT];
		struct descry_frame frame;
		struct descry_fault fault;
		uint64_t flags;

		print_message("%s\n", ways_in[i].what);
		begin(m, ways_in[i].guest);
		flags = cpu(m)->rflags;
		memcpy(after, caches[ways_in[i].guest], sizeof(after));
		after[DESCRY_CS] = ways_in[i].cs_after;
		if (ways_in[i].outer)
			after[DESCRY_SS] = host_stack;
		for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
			after[sreg] = ways_in[i].nulls >> sreg & 1 ? null : after[sreg];

		assert_true(descry_op_interrupt(m->vcpu, ways_in[i].cs, 0x10, &frame, &fault));
		assert_caches(m, after);
		assert_int_equal(cpu(m)->rip, 0);
		assert_int_equal(cpu(m)->rflags, flags & ~(uint64_t)ways_in[i].cleared);
		assert_int_equal(cpu(m)->gpr[DESCRY_SP], GUEST_SP);
		assert_int_equal(frame.outer, ways_in[i].outer);
		assert_loaded_by(m, DESCRY_CS, DESCRY_CAUSE_INTERRUPT);
		for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
			if (ways_in[i].nulls >> sreg & 1)
				assert_loaded_by(m, sreg, DESCRY_CAUSE_INTERRUPT);
		}
	}
}

static void
the_frame_has_what_is_pushed(void **state)
{
	struct machine *m = *state;
	struct descry_frame frame;
	struct descry_fault fault;

	begin(m, V86);
	assert_true(descry_op_interrupt(m->vcpu, 0x08, 0x10, &frame, &fault));
	assert_int_equal(frame.ip, GUEST_IP);
	assert_int_equal(frame.cs, 0x0700);
	assert_int_equal(frame.flags, GUEST_FLAGS | VM);
	assert_int_equal(frame.ss, 0x0600);
	assert_int_equal(frame.sp, GUEST_SP);
	assert_int_equal(frame.es, 0x1100);
	assert_int_equal(frame.ds, 0x1400);
	assert_int_equal(frame.fs, 0x1500);
	assert_int_equal(frame.gs, 0x1600);
}

static void
in_a_repeat_the_image_has_rf(void **state)
{
	struct machine *m = *state;
	struct descry_frame frame;
	struct descry_fault fault;

	begin(m, RING0);
	descry_vcpu_state_mutable(m->vcpu)->in_rep = 1;
	assert_true(descry_op_interrupt(m->vcpu, 0x08, 0x10, &frame, &fault));
	assert_int_equal(frame.flags, GUEST_FLAGS | RF);
	assert_int_equal(cpu(m)->in_rep, 1);
}

/* Writing the tables anew makes them not accessed, as far as they were: 50h is not. */
static void
a_table_is_marked(void **state)
{
	struct machine *m = *state;
	struct descry_frame frame;
	struct descry_fault fault;

	begin(m, RING3);
	assert_true(descry_op_interrupt(m->vcpu, 0x08, 0x50, &frame, &fault));
	assert_int_equal(m->ram[GDT + 0x50 + 5], 0x93);
	assert_int_equal(cpu(m)->seg[DESCRY_SS].attr, 0x93);
}

static const struct {
	const char *what;
	enum guest guest;
	uint16_t cs, ss;
	uint8_t vector;
	uint16_t error;
} refusals_in[] = {
	/* clang-format off */
	{ "null CS",                      RING0, 0x00,   0x10,   DESCRY_VEC_GP, 0x01 },
	{ "CS is data",                   RING0, 0x10,   0x10,   DESCRY_VEC_GP, 0x11 },
	{ "CS beyond the GDT",            RING0, 0x2000, 0x10,   DESCRY_VEC_GP, 0x2001 },
	{ "CS not present",               RING0, 0x70,   0x10,   DESCRY_VEC_NP, 0x71 },
	{ "CS of an outer ring",          RING0, 0x48,   0x10,   DESCRY_VEC_GP, 0x49 },
	{ "conforming CS, out of V86",    V86,   0x18,   0x10,   DESCRY_VEC_GP, 0x19 },
	{ "null SS",                      RING3, 0x08,   0x00,   DESCRY_VEC_TS, 0x01 },
	{ "SS beyond the GDT",            RING3, 0x08,   0x2000, DESCRY_VEC_TS, 0x2001 },
	{ "SS is code",                   RING3, 0x08,   0x08,   DESCRY_VEC_TS, 0x09 },
	{ "SS of ring 3",                 V86,   0x08,   0x43,   DESCRY_VEC_TS, 0x41 },
	{ "SS not present",               V86,   0x08,   0x20,   DESCRY_VEC_SS, 0x21 },
	/* clang-format on */
};

static void
a_refused_interrupt_changes_nothing(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(refusals_in); i++) {
		struct descry_frame frame;
		struct descry_fault fault;
		struct descry_vcpu_image before, after;

		print_message("%s\n", refusals_in[i].what);
		begin(m, refusals_in[i].guest);
		descry_vcpu_save(m->vcpu, &before);
		assert_false(descry_op_interrupt(m->vcpu, refusals_in[i].cs, refusals_in[i].ss,
						 &frame, &fault));
		descry_vcpu_save(m->vcpu, &after);
		assert_int_equal(fault.vector, refusals_in[i].vector);
		assert_int_equal(fault.error_code, refusals_in[i].error);
		assert_memory_equal(&before, &after, sizeof(before));
	}
}

/* --- the way out ---------------------------------------------------------------------- */

/* The host does not touch FS; what the frame has no selector of is left as it was. */
static void
iret_gives_back_what_the_tables_say(void **state)
{
	struct machine *m = *state;

	for (unsigned guest = 0; guest < GUESTS; guest++) {
		struct descry_frame frame;
		struct descry_fault fault;
		uint64_t flags;

		begin(m, guest);
		flags = cpu(m)->rflags;
		assert_true(descry_op_interrupt(m->vcpu, 0x08, 0x10, &frame, &fault));
		assert_true(descry_op_iret(m->vcpu, &frame, &fault));
		assert_caches(m, caches[guest]);
		assert_int_equal(cpu(m)->rip, GUEST_IP);
		assert_int_equal(cpu(m)->rflags, flags);
		assert_int_equal(cpu(m)->gpr[DESCRY_SP], GUEST_SP);
		assert_loaded_by(m, DESCRY_CS, DESCRY_CAUSE_IRET);
	}
}

/* A big CS is not interrupted and given back: with PE=1 its descriptor says what it is. */
static void
iret_loads_cs_as_the_table_is_now(void **state)
{
	const uint64_t small = 0x00409b000000ffff;
	struct machine *m = *state;
	struct descry_frame frame;
	struct descry_fault fault;

	begin(m, RING0);
	assert_true(descry_op_interrupt(m->vcpu, 0x08, 0x10, &frame, &fault));
	memcpy(&m->ram[GDT + 8], &small, sizeof(small));
	assert_true(descry_op_iret(m->vcpu, &frame, &fault));
	assert_segment(m, DESCRY_CS, (struct descry_segment){ 0, 0xffff, 0x08, 0x409b });
}

/* What the host has left in DS and ES: the first is not for ring 3, the second is. */
static void
an_outer_ring_finds_no_segment_of_an_inner_one(void **state)
{
	struct machine *m = *state;
	struct descry_frame frame;
	struct descry_fault fault;

	begin(m, RING3);
	assert_true(descry_op_interrupt(m->vcpu, 0x08, 0x10, &frame, &fault));
	put(m, DESCRY_DS, host_stack);
	assert_true(descry_op_iret(m->vcpu, &frame, &fault));
	assert_int_equal(cpu(m)->seg[DESCRY_DS].sel, 0);
	assert_true(cpu(m)->seg[DESCRY_DS].attr & DESCRY_ATTR_UNUSABLE);
	assert_segment(m, DESCRY_ES, caches[RING3][DESCRY_ES]);
	assert_segment(m, DESCRY_SS, caches[RING3][DESCRY_SS]);
	assert_loaded_by(m, DESCRY_SS, DESCRY_CAUSE_IRET);
	assert_int_equal(descry_vcpu_provenance(m->vcpu, DESCRY_DS)->attr.cause, DESCRY_CAUSE_IRET);
}

/* In real mode VM of the image means nothing; at CPL 0 of protected mode it does. */
static void
vm_counts_with_pe_alone(void **state)
{
	const struct descry_frame frame = { .cs = 0x08, .flags = VM | DESCRY_FLAG_ONE };
	struct machine *m = *state;
	struct descry_fault fault;

	begin(m, REAL);
	assert_true(descry_op_iret(m->vcpu, &frame, &fault));
	assert_int_equal(descry_vcpu_mode(m->vcpu), DESCRY_MODE_REAL);
	assert_int_equal(cpu(m)->rflags & VM, 0);
}

static const struct {
	const char *what;
	enum guest host; /* in whose place the host is */
	struct descry_frame frame;
	uint8_t vector;
	uint16_t error;
} refusals_out[] = {
	/* clang-format off */
	{ "IP beyond the limit, real mode", REAL, { .ip = 0x10000 }, DESCRY_VEC_GP, 0 },
	{ "null CS",           RING0, { .cs = 3 },             DESCRY_VEC_GP, 0 },
	{ "CS is data",        RING0, { .cs = 0x10 },          DESCRY_VEC_GP, 0x10 },
	{ "CS not present",    RING0, { .cs = 0x70 },          DESCRY_VEC_NP, 0x70 },
	{ "CS beyond the GDT", RING0, { .cs = 0x2000 },        DESCRY_VEC_GP, 0x2000 },
	{ "an inner ring",     RING3, { .cs = 0x08 },          DESCRY_VEC_GP, 0x08 },
	{ "ring 3, no stack in the frame", RING0, { .cs = 0x4b }, DESCRY_VEC_GP, 0x48 },
	{ "ring 3, null SS",   RING0, { .cs = 0x4b, .outer = true },            DESCRY_VEC_GP, 0 },
	{ "ring 3, SS of ring 0", RING0, { .cs = 0x4b, .outer = true, .ss = 0x10 }, DESCRY_VEC_GP,
	  0x10 },
	{ "V86, no stack in the frame", RING0, { .cs = 0x0700, .flags = VM }, DESCRY_VEC_GP, 0x0700 },
	/* clang-format on */
};

static void
a_refused_iret_changes_nothing(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(refusals_out); i++) {
		struct descry_fault fault;
		struct descry_vcpu_image before, after;

		print_message("%s\n", refusals_out[i].what);
		begin(m, refusals_out[i].host);
		descry_vcpu_save(m->vcpu, &before);
		assert_false(descry_op_iret(m->vcpu, &refusals_out[i].frame, &fault));
		descry_vcpu_save(m->vcpu, &after);
		assert_int_equal(fault.vector, refusals_out[i].vector);
		assert_int_equal(fault.error_code, refusals_out[i].error);
		assert_memory_equal(&before, &after, sizeof(before));
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(an_interrupt_loads_what_delivery_loads),
		TEST(the_frame_has_what_is_pushed),
		TEST(in_a_repeat_the_image_has_rf),
		TEST(a_table_is_marked),
		TEST(a_refused_interrupt_changes_nothing),
		TEST(iret_gives_back_what_the_tables_say),
		TEST(iret_loads_cs_as_the_table_is_now),
		TEST(an_outer_ring_finds_no_segment_of_an_inner_one),
		TEST(vm_counts_with_pe_alone),
		TEST(a_refused_iret_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
