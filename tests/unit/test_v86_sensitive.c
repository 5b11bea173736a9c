/*
 * Virtual-8086 mode: the instructions that ask IOPL, without and with CR4.VME, INT n to the program
 * itself, and the same for ring 3 under CR4.PVI. The oracle is SDM vol. 3, 8086 Emulation, and
 * vol. 2, CLI, STI, PUSHF, POPF, INT n, IRET.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "v86_machine.h"

/* --- instructions that ask ------------------------------------------------------------ */

#define ANY 0xffffffffu

struct sensitive {
	const char *what;
	uint32_t cr4, flags;
	uint8_t code[2];
	uint16_t stack[3]; /* what it pops */
	uint8_t vector;
	uint32_t after; /* VM aside; ANY: faulted */
	uint32_t top;   /* the word it has pushed; ANY: none */
};

static void
sensitive_instructions(void **state)
{
	/* clang-format off */
	static const struct sensitive rows[] = {
	/* what                          cr4  flags     code            pops        fault after         pushed */
	{ "CLI with IOPL 3",             0,   IOPL|IF,  { 0xfa },       { 0 },      NONE, IOPL,         ANY },
	{ "CLI with IOPL 2",             0,   0x2000,   { 0xfa },       { 0 },      GP,   ANY,          ANY },
	{ "CLI, VME: VIF",               VME, IF|VIF,   { 0xfa },       { 0 },      NONE, IF,           ANY },
	{ "CLI, VME, IOPL 3: IF",        VME, IOPL|IF|VIF, { 0xfa },    { 0 },      NONE, IOPL|VIF,     ANY },
	{ "CLI: PVI is for ring 3",      PVI, IF|VIF,   { 0xfa },       { 0 },      GP,   ANY,          ANY },
	{ "STI with IOPL 3",             0,   IOPL,     { 0xfb },       { 0 },      NONE, IOPL|IF,      ANY },
	{ "STI with IOPL 0",             0,   0,        { 0xfb },       { 0 },      GP,   ANY,          ANY },
	{ "STI, VME: VIF",               VME, 0,        { 0xfb },       { 0 },      NONE, VIF,          ANY },
	{ "STI, VME: one is waiting",    VME, VIP,      { 0xfb },       { 0 },      GP,   ANY,          ANY },
	{ "STI, VME, IOPL 3: VIP is nothing", VME, IOPL|VIP, { 0xfb },  { 0 },      NONE, IOPL|VIP|IF,  ANY },
	{ "PUSHF with IOPL 3",           0,   IOPL|IF,  { 0x9c },       { 0 },      NONE, IOPL|IF,      0x3202 },
	{ "PUSHF with IOPL 0",           0,   IF,       { 0x9c },       { 0 },      GP,   ANY,          ANY },
	{ "PUSHF, VME: VIF as IF",       VME, VIF,      { 0x9c },       { 0 },      NONE, VIF,          0x3202 },
	{ "PUSHF, VME: and IF is hidden", VME, IF,      { 0x9c },       { 0 },      NONE, IF,           0x3002 },
	{ "PUSHFD, VME",                 VME, VIF,      { 0x66, 0x9c }, { 0 },      GP,   ANY,          ANY },
	{ "POPF with IOPL 3 keeps IOPL", 0,   IOPL,     { 0x9d },       { 0x0202 }, NONE, IOPL|IF,      ANY },
	{ "POPF with IOPL 0",            0,   0,        { 0x9d },       { 0x0202 }, GP,   ANY,          ANY },
	{ "POPF, VME: IF into VIF",      VME, 0,        { 0x9d },       { 0x3203 }, NONE, VIF|1,        ANY },
	{ "POPF, VME: VIF out, IF stays", VME, VIF|IF,  { 0x9d },       { 0x0002 }, NONE, IF,           ANY },
	{ "POPF, VME: one is waiting",   VME, VIP,      { 0x9d },       { 0x0202 }, GP,   ANY,          ANY },
	{ "POPF, VME: it may wait on",   VME, VIP,      { 0x9d },       { 0x0002 }, NONE, VIP,          ANY },
	{ "POPF, VME: TF",               VME, 0,        { 0x9d },       { 0x0102 }, GP,   ANY,          ANY },
	{ "POPFD, VME",                  VME, 0,        { 0x66, 0x9d }, { 0x0202 }, GP,   ANY,          ANY },
	{ "POPFD with IOPL 3 keeps VM",  0,   IOPL,     { 0x66, 0x9d }, { 0x0202 }, NONE, IOPL|IF,      ANY },
	{ "IRET with IOPL 3",            0,   IOPL,     { 0xcf },   { 0x20, 0x700, 0x0202 }, NONE, IOPL|IF, ANY },
	{ "IRET with IOPL 0",            0,   0,        { 0xcf },   { 0x20, 0x700, 0x0202 }, GP, ANY,   ANY },
	{ "IRET, VME: IF into VIF",      VME, 0,        { 0xcf },   { 0x20, 0x700, 0x3202 }, NONE, VIF, ANY },
	{ "IRET, VME: one is waiting",   VME, VIP,      { 0xcf },   { 0x20, 0x700, 0x0202 }, GP, ANY,   ANY },
	{ "IRETD, VME",                  VME, 0,    { 0x66, 0xcf }, { 0x20, 0x700, 0x0202 }, GP, ANY,   ANY },
	{ "INT with IOPL 0",             0,   0,        { 0xcd, 0x30 }, { 0 },      GP,   ANY,          ANY },
	{ "HLT, whatever IOPL",          0,   IOPL,     { 0xf4 },       { 0 },      GP,   ANY,          ANY },
	};
	/* clang-format on */
	struct machine *m = *state;

	memset(&m->ram[TSS + IO_BASE - 32], 0xff, 32);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct sensitive *row = &rows[i];
		struct descry_fault fault;

		memcpy(&m->ram[V86_SS * 16 + V86_SP], row->stack, sizeof(row->stack));
		begin_v86(m, row->code, sizeof(row->code), row->flags, row->cr4);
		fault = step(m);
		if (fault.vector != row->vector)
			fail_msg("%s: vector %u", row->what, fault.vector);
		assert_int_equal(fault.error_code, 0);
		if (row->after != ANY &&
		    (cpu(m)->rflags & ~(uint64_t)2) != (DESCRY_FLAG_VM | row->after))
			fail_msg("%s: flags %x", row->what, (unsigned)cpu(m)->rflags);
		if (row->top != ANY &&
		    word_at(m, V86_SS * 16 + (cpu(m)->gpr[DESCRY_SP] & 0xffff)) != row->top)
			fail_msg("%s: pushed otherwise", row->what);
	}
}

static void
not_recognized_in_v86(void **state)
{
	static const struct {
		const char *what;
		uint8_t code[4];
		uint8_t vector;
	} rows[] = {
		{ "sldt ax", { 0x0f, 0x00, 0xc0 }, DESCRY_VEC_UD },
		{ "ltr ax", { 0x0f, 0x00, 0xd8 }, DESCRY_VEC_UD },
		{ "verr ax", { 0x0f, 0x00, 0xe0 }, DESCRY_VEC_UD },
		{ "lar ax, ax", { 0x0f, 0x02, 0xc0 }, DESCRY_VEC_UD },
		{ "arpl ax, ax", { 0x63, 0xc0 }, DESCRY_VEC_UD },
		{ "mov eax, cr0", { 0x0f, 0x20, 0xc0 }, GP },
		{ "clts", { 0x0f, 0x06 }, GP },
		{ "lmsw ax", { 0x0f, 0x01, 0xf0 }, GP },
		{ "smsw ax", { 0x0f, 0x01, 0xe0 }, NONE },
		{ "sgdt [bx]", { 0x0f, 0x01, 0x07 }, NONE },
		{ "mov cs:[0], al: CS is writable", { 0x2e, 0xa2, 0x00, 0x00 }, NONE },
	};
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		begin_v86(m, rows[i].code, sizeof(rows[i].code), IOPL, 0);
		if (step(m).vector != rows[i].vector)
			fail_msg("%s", rows[i].what);
	}
}

/* SDM vol. 1, I/O Permission Bit Map: in V86 the bitmap decides whatever IOPL says. */
static void
ports_ask_the_bitmap_alone(void **state)
{
	static const struct {
		const char *what;
		uint32_t iopl;
		uint8_t port, vector;
	} rows[] = {
		{ "a port that is free, IOPL 0", 0, 0x40, NONE },
		{ "a port that is not, IOPL 0", 0, 0x41, GP },
		{ "a port that is not, IOPL 3", IOPL, 0x41, GP },
	};
	struct machine *m = *state;

	m->ram[TSS + IO_BASE + 0x41 / 8] = 1u << (0x41 & 7);
	for (size_t i = 0; i < COUNT(rows); i++) {
		BEGIN_V86(m, rows[i].iopl, 0, 0xe4, rows[i].port);
		if (step(m).vector != rows[i].vector)
			fail_msg("%s", rows[i].what);
	}
}

/* --- INT n to the program itself ------------------------------------------------------ */

static void
int_n_is_redirected(void **state)
{
	static const struct {
		const char *what;
		uint32_t flags, after;
		uint16_t pushed;
	} rows[] = {
		{ "method 5: IOPL 3, IF", IOPL | IF | VIF, IOPL | VIF, 0x3202 },
		{ "method 6: VIF as IF, IOPL as 3", VIF, 0, 0x3202 },
		{ "method 6: IF is hidden and stays", IF, IF, 0x3002 },
		{ "method 6: IOPL 2", 0x2000 | VIF, 0x2000, 0x3202 },
	};
	struct machine *m = *state;
	const uint32_t sp = V86_SS * 16 + V86_SP - 6;

	memcpy(&m->ram[0x30 * 4], "\x78\x56\x34\x02", 4);
	for (size_t i = 0; i < COUNT(rows); i++) {
		BEGIN_V86(m, rows[i].flags, VME, 0xcd, 0x30);
		assert_int_equal(step(m).vector, NONE);
		assert_segment(m, DESCRY_CS, fixed(0x0234));
		assert_segment(m, DESCRY_SS, fixed(V86_SS));
		assert_int_equal(cpu(m)->rip, 0x5678);
		assert_int_equal(cpu(m)->gpr[DESCRY_SP], 0xabcd0000u | (V86_SP - 6));
		assert_int_equal(word_at(m, sp), V86_IP + 2);
		assert_int_equal(word_at(m, sp + 2), V86_CS);
		if (word_at(m, sp + 4) != rows[i].pushed ||
		    (cpu(m)->rflags & ~(uint64_t)2) != (DESCRY_FLAG_VM | rows[i].after))
			fail_msg("%s: pushed %x, flags %x", rows[i].what, word_at(m, sp + 4),
				 (unsigned)cpu(m)->rflags);
	}
}

static void
the_bitmap_keeps_it_from_the_program(void **state)
{
	struct machine *m = *state;
	const struct descry_segment short_tss = {
		.base = TSS, .limit = 0x66, .sel = 0x30, .attr = 0x8b
	};

	const struct descry_segment no_bitmap = {
		.base = TSS, .limit = 0x67, .sel = 0x30, .attr = 0x8b
	};

	m->ram[TSS + IO_BASE - 32 + 0x30 / 8] = 1u << (0x30 & 7);
	BEGIN_V86(m, IOPL, VME, 0xcd, 0x30);
	assert_int_equal(step(m).vector, NONE);
	assert_int_equal(cpu(m)->rip, HANDLERS + 0x30);

	BEGIN_V86(m, 0, VME, 0xcd, 0x30);
	assert_int_equal(step(m).vector, GP);

	BEGIN_V86(m, 0, VME, 0xcc); /* INT3 asks for no IOPL and no bitmap */
	assert_int_equal(step(m).vector, NONE);
	assert_int_equal(cpu(m)->rip, HANDLERS + 3);

	BEGIN_V86(m, IOPL, VME, 0xcd, 0x31);
	put(m, DESCRY_TR, short_tss); /* without the I/O map base */
	assert_int_equal(step(m).vector, GP);

	BEGIN_V86(m, IOPL, VME, 0xcd, 0x31);
	put(m, DESCRY_TR, no_bitmap); /* with it, and the byte lies beyond the limit */
	assert_int_equal(step(m).vector, GP);
}

/* --- ring 3 of protected mode --------------------------------------------------------- */

static void
put_ring3(struct machine *m)
{
	put(m, DESCRY_CS,
	    (struct descry_segment){ .limit = UINT32_MAX, .sel = 0x4b, .attr = 0xc0fb });
	put_cpl(m, 3);
}

static void
protected_mode_virtual_interrupts(void **state)
{
	static const struct {
		const char *what;
		uint32_t cr4, flags;
		uint8_t code, vector;
		uint32_t after;
	} rows[] = {
		{ "CLI without PVI", 0, IF | VIF, 0xfa, GP, 0 },
		{ "VME is for V86", VME, IF | VIF, 0xfa, GP, 0 },
		{ "CLI", PVI, IF | VIF, 0xfa, NONE, IF },
		{ "STI", PVI, 0, 0xfb, NONE, VIF },
		{ "STI: one is waiting", PVI, VIP, 0xfb, GP, 0 },
		{ "STI with IOPL 3", PVI, IOPL, 0xfb, NONE, IOPL | IF },
		{ "PUSHF shows IF", PVI, VIF, 0x9c, NONE, VIF },
	};
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		begin_ring0(m, frame_in, sizeof(frame_in));
		put_ring3(m);
		m->ram[0x8000] = rows[i].code;
		descry_vcpu_memory_changed(m->vcpu);
		descry_vcpu_state_mutable(m->vcpu)->rflags = rows[i].flags;
		descry_vcpu_state_mutable(m->vcpu)->cr4 = rows[i].cr4;
		descry_vcpu_state_changed(m->vcpu);
		if (step(m).vector != rows[i].vector)
			fail_msg("%s", rows[i].what);
		if (rows[i].vector == NONE && (cpu(m)->rflags & ~(uint64_t)2) != rows[i].after)
			fail_msg("%s: flags %x", rows[i].what, (unsigned)cpu(m)->rflags);
	}
}

/* --- a virtual interrupt that waits for VIF ------------------------------------------- */

static const struct { /* in front of a NOP: V86, or ring 3 of protected mode */
	const char *what;
	bool v86;
	uint32_t cr4, flags;
	unsigned vector;
} waiting[] = {
	{ "V86, VIF and VIP", true, VME, VIF | VIP, GP },
	{ "V86, IOPL 2", true, VME, 0x2000 | VIF | VIP, GP },
	{ "V86, IOPL 3: IF is what counts", true, VME, IOPL | VIF | VIP, NONE },
	{ "V86, VIP alone", true, VME, VIP, NONE },
	{ "V86, VIF alone", true, VME, VIF, NONE },
	{ "V86, no VME", true, PVI, VIF | VIP, NONE },
	{ "ring 3, VIF and VIP", false, PVI, VIF | VIP, GP },
	{ "ring 3, IOPL 3", false, PVI, IOPL | VIF | VIP, NONE },
	{ "ring 3, no PVI", false, VME, VIF | VIP, NONE },
};

static void
an_instruction_does_not_begin_while_one_waits(void **state)
{
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(waiting); i++) {
		struct descry_state *to = descry_vcpu_state_mutable(m->vcpu);

		BEGIN_V86(m, waiting[i].flags, waiting[i].cr4, 0x90);
		if (!waiting[i].v86) {
			put_ring3(m);
			to->rflags &= ~(uint64_t)DESCRY_FLAG_VM;
			to->rip = ORIGIN;
			descry_vcpu_state_changed(m->vcpu);
		}
		if (step(m).vector != waiting[i].vector)
			fail_msg("%s", waiting[i].what);
	}
}

/* Found by the same run, behind the instruction that goes there. */
static void
the_way_back_to_a_program_finds_it(void **state)
{
	static const uint32_t flags = DESCRY_FLAG_VM | VIF | VIP;
	const uint32_t frame[] = { V86_IP, V86_CS, flags, 0x1000, 0x600, 0, 0, 0, 0 };
	struct machine *m = *state;
	struct descry_state *to = descry_vcpu_state_mutable(m->vcpu);

	begin_ring0(m, frame, sizeof(frame));
	memset(&m->ram[ORIGIN], 0x90, 16);
	to->cr4 = VME;
	assert_int_equal(run(m, 2).reason, DESCRY_EXIT_BUDGET);
	assert_int_equal(cpu(m)->rip, HANDLERS + GP);
	assert_int_equal(dword_at(m, RING0_STACK - 40), 0);
	assert_int_equal(dword_at(m, RING0_STACK - 36), V86_IP);
}

static void
so_does_a_far_return_to_ring_3(void **state)
{
	static const uint32_t frame[] = { ORIGIN, 0x4b, 0x6000, 0x43 };
	struct machine *m = *state;
	struct descry_state *to = descry_vcpu_state_mutable(m->vcpu);

	begin_ring0(m, frame, sizeof(frame));
	memset(&m->ram[ORIGIN], 0x90, 16);
	m->ram[0x8000] = 0xcb;
	to->cr4 = PVI;
	to->rflags = VIF | VIP; /* in ring 0 nobody looks at them */
	descry_vcpu_state_changed(m->vcpu);
	assert_int_equal(run(m, 2).reason, DESCRY_EXIT_BUDGET);
	assert_int_equal(cpu(m)->rip, HANDLERS + GP);
	assert_int_equal(dword_at(m, RING0_STACK - 20), ORIGIN);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(sensitive_instructions),
		TEST(not_recognized_in_v86),
		TEST(ports_ask_the_bitmap_alone),
		TEST(int_n_is_redirected),
		TEST(the_bitmap_keeps_it_from_the_program),
		TEST(protected_mode_virtual_interrupts),
		TEST(an_instruction_does_not_begin_while_one_waits),
		TEST(the_way_back_to_a_program_finds_it),
		TEST(so_does_a_far_return_to_ring_3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
