/*
 * Micro-steps: which one a delivery ends at, and what the log says of it. The oracle is the order
 * of checks in SDM vol. 2, INT n, and vol. 3, Exception- or Interrupt-Handler Procedures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "small_program.h"

#include <descry/microstep.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define IDT 0x5000u
#define TSS_AT 0x2000u
#define USER_ESP 0x6000u

static struct machine *
open_machine(void)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	machine_open_as(m, "p6");
	return m;
}

static void
close_machine(struct machine *m)
{
	descry_vcpu_destroy(m->vcpu);
	free(m);
}

static struct descry_micro_log *
record_one(struct machine *m)
{
	struct descry_micro_log *log = calloc(1, sizeof(*log));
	const struct descry_control control = { .budget = 1, .micro = log };
	struct descry_exit exit;

	assert_non_null(log);
	descry_vcpu_run(m->vcpu, &control, &exit);
	assert_false(log->lost);
	return log;
}

static void
every_step_has_a_name_and_a_phrase(void **state)
{
	(void)state;
	for (unsigned id = 0; id < DESCRY_MICRO_COUNT; id++) {
		assert_non_null(descry_micro_name((enum descry_micro)id));
		assert_non_null(descry_micro_text((enum descry_micro)id));
	}
}

/* INT 30h in ring 3: what is wrong with it, and the step that finds out. */
struct delivery {
	const char *what;
	uint32_t idt_limit;
	uint16_t gate_sel, gate_attr;
	uint32_t tr_limit, esp0;
	uint16_t ss0;
	enum descry_micro ends;
	uint8_t vector;
};

static void
begin_ring3(struct machine *m, const struct delivery *row)
{
	const uint16_t gate[] = { 0x8000, row->gate_sel, row->gate_attr, 0 };
	struct descry_state *to;

	LOAD(m, 0xcd, 0x30);
	set_mode(m, DESCRY_MODE_PROTECTED);
	put(m, DESCRY_CS, (struct descry_segment){ 0, UINT32_MAX, 0x4b, 0xc0fb });
	put(m, DESCRY_SS, (struct descry_segment){ 0, UINT32_MAX, 0x43, 0xc0f3 });
	put(m, DESCRY_TR, (struct descry_segment){ TSS_AT, row->tr_limit, 0x30, 0x008b });
	memcpy(&m->ram[IDT + 0x30 * 8], gate, sizeof(gate));
	memcpy(&m->ram[TSS_AT + 4], &row->esp0, 4);
	memcpy(&m->ram[TSS_AT + 8], &row->ss0, 2);
	to = descry_vcpu_state_mutable(m->vcpu);
	to->idtr = (struct descry_table){ .base = IDT, .limit = row->idt_limit };
	to->gpr[DESCRY_SP] = USER_ESP;
	descry_vcpu_state_changed(m->vcpu);
}

static void
a_delivery_ends_where_the_manual_says(void **state)
{
	static const struct delivery rows[] = {
		{ "beyond the IDT", 0x186, 0x08, 0xee00, 0x67, 0x7000, 0x10, DESCRY_MICRO_PM1, 13 },
		{ "no gate", 0x7ff, 0x08, 0xe900, 0x67, 0x7000, 0x10, DESCRY_MICRO_PM1, 13 },
		{ "a gate of DPL 0", 0x7ff, 0x08, 0x8e00, 0x67, 0x7000, 0x10, DESCRY_MICRO_PM2,
		  13 },
		{ "DPL before presence", 0x7ff, 0x08, 0x0e00, 0x67, 0x7000, 0x10, DESCRY_MICRO_PM2,
		  13 },
		{ "absent gate", 0x7ff, 0x08, 0x6e00, 0x67, 0x7000, 0x10, DESCRY_MICRO_PM3, 11 },
		{ "null CS", 0x7ff, 0, 0xee00, 0x67, 0x7000, 0x10, DESCRY_MICRO_PM5, 13 },
		{ "CS beyond the GDT", 0x7ff, 0xff8, 0xee00, 0x67, 0x7000, 0x10, DESCRY_MICRO_PM5,
		  13 },
		{ "CS is data", 0x7ff, 0x10, 0xee00, 0x67, 0x7000, 0x10, DESCRY_MICRO_PM6, 13 },
		{ "absent CS", 0x7ff, 0x70, 0xee00, 0x67, 0x7000, 0x10, DESCRY_MICRO_PM6, 11 },
		{ "short TSS", 0x7ff, 0x08, 0xee00, 8, 0x7000, 0x10, DESCRY_MICRO_PM8, 10 },
		{ "SS of ring 3", 0x7ff, 0x08, 0xee00, 0x67, 0x7000, 0x43, DESCRY_MICRO_PM9, 10 },
		{ "absent SS", 0x7ff, 0x08, 0xee00, 0x67, 0x7000, 0x20, DESCRY_MICRO_PM9, 12 },
		{ "no room", 0x7ff, 0x08, 0xee00, 0x67, 0x2000, 0x28, DESCRY_MICRO_PM10, 12 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct machine *m = open_machine();
		struct descry_micro_log *log;
		size_t at = 0;

		begin_ring3(m, &rows[i]);
		log = record_one(m);
		while (at + 1 < log->count && log->step[at].fault.vector == DESCRY_VEC_NONE)
			at++;
		if (log->step[at].id != rows[i].ends || log->step[at].vector != 0x30 ||
		    log->step[at].fault.vector != rows[i].vector)
			fail_msg("%s: %s, %s", rows[i].what, descry_micro_name(log->step[at].id),
				 descry_vector_text(log->step[at].fault.vector));
		free(log);
		close_machine(m);
	}
}

static const struct descry_micro_step *
find(const struct descry_micro_log *log, enum descry_micro id)
{
	for (size_t i = 0; i < log->count; i++)
		if (log->step[i].id == id)
			return &log->step[i];
	fail_msg("no %s", descry_micro_name(id));
	return NULL;
}

/* Only selectors are pushed, with the new SS, before any cache is written. */
static void
pushes_come_before_the_caches(void **state)
{
	static const struct delivery good = {
		"", 0x7ff, 0x08, 0xee00, 0x67, 0x7000, 0x10, DESCRY_MICRO_PM13, DESCRY_VEC_NONE
	};
	static const uint32_t pushed[] = { 0x43, USER_ESP, 2, 0x4b, ORIGIN + 2 };
	struct machine *m = open_machine();
	struct descry_micro_log *log;
	const struct descry_micro_step *step;

	(void)state;
	begin_ring3(m, &good);
	log = record_one(m);
	step = find(log, DESCRY_MICRO_PM11);
	assert_int_equal(step->access_count, COUNT(pushed));
	for (size_t i = 0; i < COUNT(pushed); i++) {
		const struct descry_micro_access *access = &log->access[step->first_access + i];

		assert_true(access->write);
		assert_int_equal(access->linear, 0x7000 - 4 * (i + 1));
		assert_int_equal(access->value, pushed[i]);
	}
	assert_int_equal(step->state.seg[DESCRY_SS].sel, 0x43);
	assert_int_equal(find(log, DESCRY_MICRO_PM12)->state.seg[DESCRY_SS].sel, 0x10);
	assert_int_equal(find(log, DESCRY_MICRO_PM12)->state.seg[DESCRY_CS].sel, 0x4b);
	assert_int_equal(find(log, DESCRY_MICRO_PM12)->state.rip, ORIGIN);
	assert_int_equal(find(log, DESCRY_MICRO_PM13)->state.seg[DESCRY_CS].sel, 0x08);
	assert_int_equal(find(log, DESCRY_MICRO_PM13)->state.rip, 0x8000);
	free(log);
	close_machine(m);
}

/* A log is meant for one instruction: what a longer run does not find room for is left out, and
 * said. */
static void
a_full_log_says_so(void **state)
{
	static const struct {
		const char *what;
		uint8_t code[4];
		uint16_t cx;
		uint64_t budget;
	} rows[] = {
		{ "steps: int 20h, whose handler it is", { 0xcd, 0x20 }, 0, 100 },
		{ "neither: mov al, [2000h]; hlt", { 0xa0, 0x00, 0x20, 0xf4 }, 0, 2 },
		{ "accesses: rep movsb", { 0xf3, 0xa4, 0xf4 }, 600, 600 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct machine *m = open_machine();
		struct descry_micro_log *log = calloc(1, sizeof(*log));
		const struct descry_control control = { .budget = rows[i].budget, .micro = log };
		struct descry_exit exit;

		assert_non_null(log);
		print_message("%s\n", rows[i].what);
		load(m, rows[i].code, sizeof(rows[i].code));
		memcpy(&m->ram[0x20 * 4], "\x00\x7c\x00\x00", 4);
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_CX] = rows[i].cx;
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_SI] = 0x2000;
		descry_vcpu_state_mutable(m->vcpu)->gpr[DESCRY_DI] = 0x4000;
		descry_vcpu_run(m->vcpu, &control, &exit);
		assert_int_equal(log->lost, rows[i].budget > 2);
		assert_true(log->count <= DESCRY_MICRO_STEPS);
		assert_true(log->access_count <= DESCRY_MICRO_ACCESSES);
		free(log);
		close_machine(m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_step_has_a_name_and_a_phrase),
		cmocka_unit_test(a_delivery_ends_where_the_manual_says),
		cmocka_unit_test(pushes_come_before_the_caches),
		cmocka_unit_test(a_full_log_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
