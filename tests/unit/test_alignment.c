/*
 * #AC: which accesses must be aligned, and when. The oracle is SDM vol. 3, Interrupt 17 - Alignment
 * Check Exception; that it comes behind the segment and before the page is what silicon does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "paging_machine.h"

#define AC DESCRY_VEC_AC
#define GP DESCRY_VEC_GP
#define PF DESCRY_VEC_PF
#define NONE DESCRY_VEC_NONE

static void
check_alignment(struct machine *m)
{
	struct descry_state *s = descry_vcpu_state_mutable(m->vcpu);

	s->cr0 |= DESCRY_CR0_AM;
	s->rflags |= DESCRY_FLAG_AC;
	descry_vcpu_state_changed(m->vcpu);
}

static void
put_gate_to_ring3(struct machine *m, unsigned vector)
{
	put32(m, IDT + vector * 8, 0x00480000 | HANDLER);
	put32(m, IDT + vector * 8 + 4, 0x0000ee00);
}

/* --- by size -------------------------------------------------------------------------- */

static const struct { /* code and EBX in; vector out */
	const char *what;
	uint8_t code[4];
	uint32_t ebx;
	unsigned vector;
} sizes[] = {
	/* clang-format off */
	{ "a byte anywhere",                     { 0x8a, 0x03 },       TESTED + 1, NONE },
	{ "a word at an even address",           { 0x66, 0x8b, 0x03 }, TESTED + 2, NONE },
	{ "a word at an odd one",                { 0x66, 0x8b, 0x03 }, TESTED + 1, AC },
	{ "a doubleword at a multiple of 4",     { 0x8b, 0x03 },       TESTED + 4, NONE },
	{ "a doubleword at an even address",     { 0x8b, 0x03 },       TESTED + 2, AC },
	{ "a store",                             { 0x89, 0x03 },       TESTED + 2, AC },
	{ "a read and a write",                  { 0x01, 0x03 },       TESTED + 2, AC },
	{ "CMPXCHG8B at a multiple of 8",        { 0x0f, 0xc7, 0x0b }, TESTED + 8, NONE },
	{ "CMPXCHG8B at a multiple of 4",        { 0x0f, 0xc7, 0x0b }, TESTED + 4, AC },
	{ "a far pointer is 4 bytes and 2",      { 0xc4, 0x03 },       TESTED + 4, NONE },
	{ "a far pointer at an even address",    { 0xc4, 0x03 },       TESTED + 2, AC },
	{ "a selector at an even address",       { 0x8e, 0x03 },       TESTED + 2, NONE },
	{ "a selector at an odd one",            { 0x8e, 0x03 },       TESTED + 1, AC },
	{ "across two pages",                    { 0x8b, 0x03 },       TESTED + 0xffe, AC },
	{ "SGDT at 4n+2: a word and 4 bytes",    { 0x0f, 0x01, 0x03 }, TESTED + 2, NONE },
	{ "SGDT at 4n",                          { 0x0f, 0x01, 0x03 }, TESTED + 4, AC },
	{ "a page that is not there",            { 0x8b, 0x03 },       TESTED + 0x2000, PF },
	{ "misaligned, too: that comes first",   { 0x8b, 0x03 },       TESTED + 0x2001, AC },
	{ "beyond the limit: that comes before", { 0x8b, 0x03 },       TESTED + 0x10001, GP },
	/* clang-format on */
};

static void
each_size_has_its_alignment(void **state)
{
	const struct descry_segment data = { 0, TESTED + 0xffff, 0x43, 0xc0f3 };
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct descry_fault fault;

		print_message("%s\n", sizes[i].what);
		begin(m, 3, sizes[i].code, sizeof(sizes[i].code));
		put(m, DESCRY_DS, data);
		check_alignment(m);
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_BX] = sizes[i].ebx;
		fault = run_for(m, 1);
		assert_int_equal(fault.vector, sizes[i].vector);
		if (fault.vector == AC)
			assert_int_equal(fault.error_code, 0);
	}
}

/* --- when ----------------------------------------------------------------------------- */

static const struct { /* CPL and what is clear in; vector out, for a doubleword at 4n+2 */
	const char *what;
	unsigned cpl;
	uint32_t no_cr0, no_eflags;
	unsigned vector;
} conditions[] = {
	{ "ring 3 with AM and AC", 3, 0, 0, AC },
	{ "ring 0", 0, 0, 0, NONE },
	{ "CR0.AM clear", 3, DESCRY_CR0_AM, 0, NONE },
	{ "EFLAGS.AC clear", 3, 0, DESCRY_FLAG_AC, NONE },
	{ "without paging", 3, DESCRY_CR0_PG, 0, AC },
};

static void
it_takes_am_ac_and_ring_3(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(conditions); i++) {
		struct descry_state *s;

		print_message("%s\n", conditions[i].what);
		BEGIN(m, conditions[i].cpl, 0x8b, 0x05, 0x02, 0x60, 0x00,
		      0x00); /* mov eax, [6002h] */
		check_alignment(m);
		s = descry_vcpu_state_mutable(m->vcpu);
		s->cr0 &= ~(uint64_t)conditions[i].no_cr0;
		s->rflags &= ~(uint64_t)conditions[i].no_eflags;
		descry_vcpu_state_changed(m->vcpu);
		assert_int_equal(run_for(m, 1).vector, conditions[i].vector);
	}
}

/* POPF, and then a doubleword at 6002h: the flag counts from the next instruction on. */
static void
popf_begins_and_ends_it(void **state)
{
	struct machine *m = *state;
	struct descry_state *s;

	for (unsigned on = 0; on < 2; on++) {
		BEGIN(m, 3, 0x9d, 0x8b, 0x05, 0x02, 0x60, 0x00, 0x00);
		if (!on)
			check_alignment(m);
		s = descry_vcpu_state_mutable(m->vcpu);
		s->cr0 |= DESCRY_CR0_AM;
		descry_vcpu_state_changed(m->vcpu);
		put32(m, 0x6f00, on ? DESCRY_FLAG_AC : 0);
		assert_int_equal(run_for(m, 2).vector, on ? AC : NONE);
	}
}

/* The same, with the flag and the ring out of the frame of IRET, with paging and without. */
static void
iret_begins_it(void **state)
{
	static const uint32_t frame[] = { ORIGIN + 1, 0x4b, DESCRY_FLAG_AC, 0x6000, 0x43 };
	struct machine *m = *state;
	struct descry_state *s;

	for (unsigned paging = 0; paging < 2; paging++) {
		BEGIN(m, 0, 0xcf, 0xff, 0x35, 0x02, 0x60, 0x00, 0x00); /* push dword [6002h] */
		memcpy(&m->ram[0x6f01], frame, sizeof(frame));
		s = descry_vcpu_state_mutable(m->vcpu);
		s->cr0 |= DESCRY_CR0_AM;
		s->cr0 &= paging ? UINT64_MAX : ~(uint64_t)DESCRY_CR0_PG;
		s->gpr[DESCRY_SP] = 0x6f01; /* ring 0 may read it as it lies */
		descry_vcpu_state_changed(m->vcpu);
		put(m, DESCRY_DS, (struct descry_segment){ 0, UINT32_MAX, 0x43, 0xc0f3 });
		assert_int_equal(run_for(m, 2).vector, AC);
	}
}

/* The handler finds a zero on its stack, and is ring 0: it reads and writes what it likes. */
static void
the_handler_gets_an_error_code(void **state)
{
	struct machine *m = *state;

	BEGIN(m, 3, 0x8b, 0x05, 0x02, 0x60, 0x00, 0x00);
	memcpy(&m->ram[HANDLER], (const uint8_t[]){ 0x8b, 0x05, 0x02, 0x60, 0x00, 0x00 }, 6);
	check_alignment(m);
	put32(m, 0x6002, 0x12345678);
	put32(m, TSS + 4, 0x5ffe); /* its stack need not be aligned either */
	assert_int_equal(run_for(m, 2).vector, AC);
	assert_int_equal(cpu(m)->gpr[DESCRY_SP], 0x5ffe - 24);
	assert_int_equal(get32(m, 0x5ffe - 24), 0);
	assert_int_equal(get32(m, 0x5ffe - 20), ORIGIN);
	assert_true(get32(m, 0x5ffe - 12) & DESCRY_FLAG_AC);
	assert_int_equal(cpu(m)->gpr[DESCRY_AX], 0x12345678);
}

/* --- which accesses ------------------------------------------------------------------- */

/* The linear address counts: a segment at an odd base makes odd offsets even. */
static void
the_base_counts(void **state)
{
	struct machine *m = *state;

	for (uint32_t offset = 0; offset < 4; offset++) {
		BEGIN(m, 3, 0x8b, 0x03);
		put(m, DESCRY_DS, (struct descry_segment){ 0x6001, 0xffff, 0x43, 0x40f3 });
		check_alignment(m);
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_BX] = offset;
		assert_int_equal(run_for(m, 1).vector, offset == 3 ? NONE : AC);
	}
}

/* Tables are read by the CPU itself. */
static void
descriptors_may_lie_anywhere(void **state)
{
	struct machine *m = *state;
	struct descry_state *s;

	BEGIN(m, 3, 0x8e, 0xd8); /* mov ds, ax */
	memmove(&m->ram[GDT + 1], &m->ram[GDT], sizeof(gdt));
	check_alignment(m);
	s = descry_vcpu_state_mutable(m->vcpu);
	s->gdtr.base = GDT + 1;
	s->gpr[DESCRY_AX] = 0x43;
	assert_int_equal(run_for(m, 1).vector, NONE);
	assert_int_equal(cpu(m)->seg[DESCRY_DS].sel, 0x43);
}

static const struct { /* code and ESP in; vector and ESP out */
	const char *what;
	uint8_t code[4];
	uint32_t esp;
	unsigned vector;
} stacks[] = {
	/* clang-format off */
	{ "PUSH on an aligned stack",            { 0x50 },             0x6f00, NONE },
	{ "PUSH on a stack at 4n+2",             { 0x50 },             0x6f02, AC },
	{ "PUSH of 16 bits there",               { 0x66, 0x50 },       0x6f02, NONE },
	{ "POP",                                 { 0x58 },             0x6f02, AC },
	{ "PUSHA",                               { 0x60 },             0x6f02, AC },
	{ "POPA",                                { 0x61 },             0x6f02, AC },
	{ "ENTER",                               { 0xc8, 4, 0, 0 },    0x6f02, AC },
	{ "CALL",                                { 0xe8, 0, 0, 0 },    0x6f02, AC },
	{ "RET",                                 { 0xc3 },             0x6f02, AC },
	{ "INT 3 through a gate of ring 3",      { 0xcc },             0x6f02, AC },
	{ "INT 4 to ring 0 has another stack",   { 0xce },             0x6f02, NONE },
	/* clang-format on */
};

static void
stacks_are_memory(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(stacks); i++) {
		struct descry_fault fault;

		print_message("%s\n", stacks[i].what);
		begin(m, 3, stacks[i].code, sizeof(stacks[i].code));
		put_gate_to_ring3(m, DESCRY_VEC_BP);
		put32(m, IDT + DESCRY_VEC_OF * 8 + 4, 0x0000ee00);
		descry_vcpu_state_mutable(m->vcpu)->rflags |= DESCRY_FLAG_OF;
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_SP] = stacks[i].esp;
		check_alignment(m);
		fault = run_for(m, 1);
		assert_int_equal(fault.vector, stacks[i].vector);
		if (fault.vector == AC)
			assert_int_equal(get32(m, 0x6000 - 8), stacks[i].esp);
	}
}

/* The first iteration that is not aligned; those before it are done. */
static void
a_repeat_stops_where_it_faults(void **state)
{
	struct machine *m = *state;
	struct descry_state *s;

	BEGIN(m, 3, 0xf3, 0xab); /* rep stosd */
	check_alignment(m);
	s = descry_vcpu_state_mutable(m->vcpu);
	s->gpr[DESCRY_CX] = 4;
	s->gpr[DESCRY_DI] = TESTED + 2;
	assert_int_equal(run_for(m, 1).vector, AC);
	assert_int_equal(cpu(m)->gpr[DESCRY_CX], 4);

	BEGIN(m, 3, 0xf3, 0xab);
	check_alignment(m);
	s = descry_vcpu_state_mutable(m->vcpu);
	s->gpr[DESCRY_CX] = 4;
	s->gpr[DESCRY_DI] = TESTED + 8;
	assert_int_equal(run_for(m, 4).vector, NONE);
	assert_int_equal(cpu(m)->gpr[DESCRY_DI], TESTED + 24);
}

static void
a_program_in_v86_is_in_ring_3(void **state)
{
	struct machine *m = *state;
	struct descry_state *s;

	BEGIN(m, 0, 0xa1, 0x01, 0x00); /* mov ax, [1] */
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		put(m, (enum descry_sreg)sreg,
		    (struct descry_segment){ 0x7000, 0xffff, 0x700, DESCRY_ATTR_V86 });
	s = descry_vcpu_state_mutable(m->vcpu);
	s->rflags |= DESCRY_FLAG_VM;
	s->rip = ORIGIN - 0x7000;
	check_alignment(m);
	assert_int_equal(run_for(m, 1).vector, AC);
}

/*
 * A handler in ring 3 has the stack of the program: what is pushed there raises #AC again, and
 * again. A CPU never comes out of that; the run ends, and the guest is where it was.
 */
static void
a_delivery_without_end_ends_the_run(void **state)
{
	const struct descry_control control = { .budget = 1 };
	struct machine *m = *state;
	struct descry_exit exit;

	for (unsigned through_gp = 0; through_gp < 2; through_gp++) {
		BEGIN(m, 3, 0x58); /* pop eax */
		put_gate_to_ring3(m, through_gp ? GP : AC);
		if (through_gp) /* no gate: #GP, whose delivery is #AC */
			put32(m, IDT + AC * 8 + 4, 0);
		check_alignment(m);
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_SP] = 0x6f02;
		descry_vcpu_run(m->vcpu, &control, &exit);
		assert_int_equal(exit.reason, DESCRY_EXIT_NOT_MODELLED);
		assert_int_equal(cpu(m)->rip, ORIGIN);
		assert_int_equal(cpu(m)->gpr[DESCRY_SP], 0x6f02);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_size_has_its_alignment),
		cmocka_unit_test(it_takes_am_ac_and_ring_3),
		cmocka_unit_test(popf_begins_and_ends_it),
		cmocka_unit_test(iret_begins_it),
		cmocka_unit_test(the_handler_gets_an_error_code),
		cmocka_unit_test(the_base_counts),
		cmocka_unit_test(descriptors_may_lie_anywhere),
		cmocka_unit_test(stacks_are_memory),
		cmocka_unit_test(a_repeat_stops_where_it_faults),
		cmocka_unit_test(a_program_in_v86_is_in_ring_3),
		cmocka_unit_test(a_delivery_without_end_ends_the_run),
	};

	return cmocka_run_group_tests(tests, open_machine, close_machine);
}
