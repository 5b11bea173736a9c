/*
 * Interrupts from outside: when they are taken, what holds them off, what they wake. The oracle
 * is SDM vol. 3, Enabling and Disabling Interrupts; Nonmaskable Interrupt; vol. 2, STI, MOV, HLT.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "v86_machine.h"

#define VECTOR 0x20u
#define ISR 0x8000u     /* of the vector, in real mode */
#define NMI_ISR 0x8100u /* ends with IRET */

static void
begin_real(struct machine *m, const uint8_t *code, size_t size, uint32_t flags)
{
	struct descry_state *state;

	load(m, code, size);
	memcpy(&m->ram[VECTOR * 4], "\x00\x80\x00\x00", 4);
	memcpy(&m->ram[2 * 4], "\x00\x81\x00\x00", 4);
	m->ram[ISR] = 0xf4;
	memcpy(&m->ram[NMI_ISR], "\x90\xcf", 2); /* nop; iret */
	descry_vcpu_memory_changed(m->vcpu);
	state = descry_vcpu_state_mutable(m->vcpu);
	state->idtr = (struct descry_table){ .limit = 0x3ff };
	state->rflags = flags;
	state->halted = 0;
	descry_vcpu_state_changed(m->vcpu);
}
#define BEGIN_REAL(m, flags, ...)                                                                  \
	do {                                                                                       \
		const uint8_t bytes[] = { __VA_ARGS__ };                                           \
		begin_real(m, bytes, sizeof(bytes), flags);                                        \
	} while (0)

/* --- when ----------------------------------------------------------------------------- */

/* A maskable interrupt waits from the first instruction on: behind how many is it taken? */
static void
held_off(void **state)
{
	static const struct {
		const char *what;
		uint32_t flags;
		uint8_t code[8];
		unsigned behind; /* instructions that execute before it */
	} rows[] = {
		{ "IF is set", IF, { 0x90, 0x90, 0x90 }, 0 },
		{ "STI holds it off for one more", 0, { 0xfb, 0x90, 0x90, 0x90 }, 2 },
		{ "STI that changes nothing casts no shadow", IF, { 0xfb, 0x90, 0x90 }, 0 },
		{ "STI; CLI lets nothing in", 0, { 0xfb, 0xfa, 0x90, 0xfb, 0x90, 0x90 }, 5 },
		{ "POPF casts no shadow", 0, { 0x68, 0x02, 0x02, 0x9d, 0x90, 0x90 }, 2 },
		{ "a load of SS behind it: one more", 0, { 0xfb, 0x8e, 0xd1, 0x90, 0x90 }, 3 },
	};
	struct machine *m = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		begin_real(m, rows[i].code, sizeof(rows[i].code), rows[i].flags);
		descry_vcpu_state_mutable(m->vcpu)->retired = 0;
		descry_vcpu_interrupt(m->vcpu, VECTOR);
		assert_int_equal(run(m, 0).reason, DESCRY_EXIT_HALTED);
		assert_int_equal(cpu(m)->rip, ISR + 1);
		if (cpu(m)->retired != rows[i].behind + 1)
			fail_msg("%s: behind %u", rows[i].what, (unsigned)cpu(m)->retired - 1);
	}
}

static void
delivery_is_that_of_the_mode_and_takes_no_time(void **state)
{
	struct machine *m = *state;
	const uint32_t sp = 0x7000 - 6;

	BEGIN_REAL(m, IF, 0x90);
	assert_true(descry_vcpu_accepts_interrupt(m->vcpu));
	descry_vcpu_interrupt(m->vcpu, VECTOR);
	assert_int_equal(run(m, 1).reason, DESCRY_EXIT_BUDGET);
	assert_int_equal(cpu(m)->retired, 1); /* the first of the handler */
	assert_int_equal(cpu(m)->rip, ISR + 1);
	assert_int_equal(word_at(m, sp), ORIGIN);
	assert_int_equal(word_at(m, sp + 4) & IF, IF);
	assert_false(descry_vcpu_accepts_interrupt(m->vcpu));
	assert_int_equal(cpu(m)->pending, 0);
}

static void
out_of_v86_through_the_gate(void **state)
{
	struct machine *m = *state;

	put_gate(m, VECTOR, 0x08, 0x8e); /* its DPL is not looked at */
	BEGIN_V86(m, IF, VME, 0x90);
	descry_vcpu_interrupt(m->vcpu, VECTOR);
	assert_int_equal(step(m).vector, NONE);
	assert_int_equal(cpu(m)->rip, HANDLERS + VECTOR + 1);
	assert_int_equal(dword_at(m, RING0_STACK - 36), V86_IP);
}

/* SDM vol. 3, Error Code: what its delivery raises says EXT. */
static void
a_gate_that_is_wrong_says_ext(void **state)
{
	struct machine *m = *state;
	struct descry_fault fault;

	put_gate(m, VECTOR, 0x70, 0x8e);
	BEGIN_V86(m, IF, 0, 0x90);
	descry_vcpu_interrupt(m->vcpu, VECTOR);
	fault = step(m);
	assert_int_equal(fault.vector, DESCRY_VEC_NP);
	assert_int_equal(fault.error_code, 0x71);
}

/* --- NMI ------------------------------------------------------------------------------ */

static void
an_nmi_asks_no_if_and_blocks_the_next(void **state)
{
	struct machine *m = *state;

	BEGIN_REAL(m, 0, 0x90, 0x90, 0xf4);
	descry_vcpu_nmi(m->vcpu);
	run(m, 1);
	assert_int_equal(cpu(m)->rip, NMI_ISR + 1);
	assert_int_equal(cpu(m)->nmi_blocked, 1);
	descry_vcpu_nmi(m->vcpu); /* waits for the IRET */
	run(m, 1);
	assert_int_equal(cpu(m)->rip, ORIGIN);
	assert_int_equal(cpu(m)->nmi_blocked, 0);
	run(m, 1);
	assert_int_equal(cpu(m)->rip, NMI_ISR + 1);
	run(m, 2);
	assert_int_equal(cpu(m)->rip, ORIGIN + 1);
}

static void
an_nmi_comes_before_an_interrupt_and_waits_for_the_stack(void **state)
{
	struct machine *m = *state;

	BEGIN_REAL(m, IF, 0x8e, 0xd1, 0x90, 0xf4); /* mov ss, cx; nop; hlt */
	run(m, 1);
	descry_vcpu_interrupt(m->vcpu, VECTOR);
	descry_vcpu_nmi(m->vcpu);
	run(m, 1);
	assert_int_equal(cpu(m)->rip, ORIGIN + 3);
	run(m, 1);
	assert_int_equal(cpu(m)->rip, NMI_ISR + 1);
	run(m, 2); /* its IRET sets IF again: the other follows */
	assert_int_equal(cpu(m)->rip, ISR + 1);
	assert_int_equal(word_at(m, 0x7000 - 6), ORIGIN + 3);
}

/* --- HLT ------------------------------------------------------------------------------ */

static void
what_wakes_from_hlt(void **state)
{
	struct machine *m = *state;

	BEGIN_REAL(m, 0, 0xf4, 0x90, 0xf4);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_HALTED);
	descry_vcpu_interrupt(m->vcpu, VECTOR);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_HALTED); /* IF is clear */
	assert_int_equal(cpu(m)->rip, ORIGIN + 1);
	descry_vcpu_withdraw_interrupt(m->vcpu);
	assert_int_equal(cpu(m)->pending, 0);
	descry_vcpu_nmi(m->vcpu);
	assert_int_equal(run(m, 3).reason, DESCRY_EXIT_BUDGET);
	assert_int_equal(cpu(m)->halted, 0);
	assert_int_equal(cpu(m)->rip, ORIGIN + 2);

	BEGIN_REAL(m, IF, 0xf4);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_HALTED);
	descry_vcpu_interrupt(m->vcpu, VECTOR);
	run(m, 1);
	assert_int_equal(cpu(m)->rip, ISR + 1);
	assert_int_equal(word_at(m, 0x7000 - 6), ORIGIN + 1);
}

/* A repeat can be interrupted between two iterations, and goes on with what is left. */
static void
in_the_middle_of_a_repeat(void **state)
{
	struct machine *m = *state;
	struct descry_state *to = descry_vcpu_state_mutable(m->vcpu);

	BEGIN_REAL(m, IF, 0xf3, 0xaa, 0xf4); /* rep stosb; hlt */
	m->ram[ISR] = 0xcf;
	descry_vcpu_memory_changed(m->vcpu);
	to->gpr[DESCRY_CX] = 5;
	to->gpr[DESCRY_DI] = 0x500;
	run(m, 2);
	descry_vcpu_interrupt(m->vcpu, VECTOR);
	run(m, 1);
	assert_int_equal(cpu(m)->gpr[DESCRY_CX], 3);
	assert_int_equal(cpu(m)->rip, ORIGIN);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_HALTED);
	assert_int_equal(cpu(m)->gpr[DESCRY_DI], 0x505);
}

/* --- asked for in the middle of a run ------------------------------------------------- */

/* As a device would: at OUT, which ends its block. */
static void
interrupt_at_out(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	struct machine *m = owner;

	(void)port, (void)size, (void)value;
	descry_vcpu_interrupt(m->vcpu, VECTOR);
}

static void
a_bus_handler_interrupts_behind_its_instruction(void **state)
{
	const struct descry_bus bus = {
		.owner = &machine, .page = page_of, .port_in = no_port, .port_out = interrupt_at_out
	};
	struct machine *m = *state;

	descry_vcpu_destroy(m->vcpu);
	assert_int_equal(descry_vcpu_create(descry_profile_find("p6"), &bus, &m->vcpu), DESCRY_OK);
	BEGIN_REAL(m, 0, 0xfb, 0x90, 0xe6, 0x20, 0x40, 0xf4); /* sti; nop; out 20h, al; inc ax */
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_HALTED);
	assert_int_equal(cpu(m)->rip, ISR + 1);
	assert_int_equal(word_at(m, 0x7000 - 6), ORIGIN + 4);
}

/* --- shutdown ------------------------------------------------------------------------- */

/* UD2 with an empty IDT; the NMI finds one again. */
static void
shut_down(struct machine *m)
{
	struct descry_state *to = descry_vcpu_state_mutable(m->vcpu);

	BEGIN_REAL(m, 0, 0x0f, 0x0b, 0x40, 0xf4); /* ud2; inc ax; hlt */
	to->nmi_blocked = 0;
	to->idtr.limit = 0;
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_SHUTDOWN);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_SHUTDOWN);
	to->idtr.limit = 0x3ff;
}

static void
an_nmi_ends_a_shutdown(void **state)
{
	struct machine *m = *state;

	shut_down(m);
	descry_vcpu_interrupt(m->vcpu, VECTOR); /* does not */
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_SHUTDOWN);
	descry_vcpu_withdraw_interrupt(m->vcpu);
	descry_vcpu_nmi(m->vcpu);
	assert_int_equal(run(m, 1).reason, DESCRY_EXIT_BUDGET);
	assert_int_equal(cpu(m)->shut_down, 0);
	assert_int_equal(cpu(m)->rip, NMI_ISR + 1);
	assert_int_equal(word_at(m, 0x7000 - 6), ORIGIN); /* where it stood */
}

/* SDM vol. 3, Interrupt 8: a shutdown in the handler of an NMI is for RESET alone. */
static void
not_one_in_the_handler_of_an_nmi(void **state)
{
	struct machine *m = *state;

	shut_down(m);
	descry_vcpu_state_mutable(m->vcpu)->nmi_blocked = DESCRY_NMI_BLOCKED_BY_NMI;
	descry_vcpu_nmi(m->vcpu);
	descry_vcpu_init(m->vcpu);
	assert_true(descry_vcpu_smi(m->vcpu));
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_SHUTDOWN);
	descry_vcpu_reset(m->vcpu);
	assert_int_equal(cpu(m)->shut_down, 0);
	assert_int_equal(cpu(m)->pending, 0);
}

/* With the IDT still empty it leads from one shutdown into the next, and blocks what follows. */
static void
an_nmi_that_cannot_be_delivered_is_gone(void **state)
{
	struct machine *m = *state;

	shut_down(m);
	descry_vcpu_state_mutable(m->vcpu)->idtr.limit = 0;
	descry_vcpu_nmi(m->vcpu);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_SHUTDOWN);
	assert_int_equal(cpu(m)->pending, 0);
	assert_int_equal(cpu(m)->nmi_blocked, DESCRY_NMI_BLOCKED_BY_NMI);

	BEGIN_REAL(m, IF, 0x90); /* an interrupt goes the same way */
	descry_vcpu_state_mutable(m->vcpu)->shut_down = 0;
	descry_vcpu_state_mutable(m->vcpu)->idtr.limit = 0;
	descry_vcpu_interrupt(m->vcpu, VECTOR);
	assert_int_equal(run(m, 0).reason, DESCRY_EXIT_SHUTDOWN);
	assert_int_equal(cpu(m)->pending, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(held_off),
		TEST(delivery_is_that_of_the_mode_and_takes_no_time),
		TEST(out_of_v86_through_the_gate),
		TEST(a_gate_that_is_wrong_says_ext),
		TEST(an_nmi_asks_no_if_and_blocks_the_next),
		TEST(an_nmi_comes_before_an_interrupt_and_waits_for_the_stack),
		TEST(what_wakes_from_hlt),
		TEST(in_the_middle_of_a_repeat),
		TEST(a_bus_handler_interrupts_behind_its_instruction),
		TEST(an_nmi_ends_a_shutdown),
		TEST(not_one_in_the_handler_of_an_nmi),
		TEST(an_nmi_that_cannot_be_delivered_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
