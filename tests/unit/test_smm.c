/*
 * System management mode and INIT: what SMI entry loads, where each save map has the hidden
 * caches, and that RSM gives back what SMI took. Oracle: SDM vol. 3, System Management Mode;
 * the offsets of the hidden part are written here a second time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "small_program.h"

#include <descry/operation.h>
#include <descry/reload.h>

#define TEST(f) cmocka_unit_test_teardown(f, close_machine)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ENTRY 0x8000u /* SMBASE is 0 here, so that the map lies in the small memory */
#define MAP(offset) (ENTRY + (offset))

static struct machine machine;

static void
open_as(const char *profile, const char *knob)
{
	const struct descry_bus bus = {
		.owner = &machine, .page = page_of, .port_in = no_port, .port_out = drop_port
	};
	struct descry_profile chosen = *descry_profile_find(profile);
	struct descry_error err;

	if (knob)
		assert_int_equal(descry_profile_set(&chosen, knob, &err), DESCRY_OK);
	memset(machine.ram, 0, sizeof(machine.ram));
	assert_int_equal(descry_vcpu_create(&chosen, &bus, &machine.vcpu), DESCRY_OK);
	write_tables(&machine);
	descry_vcpu_state_mutable(machine.vcpu)->smbase = 0;
}

static int
close_machine(void **state)
{
	(void)state;
	descry_vcpu_destroy(machine.vcpu);
	return 0;
}

static const struct descry_state *
cpu(void)
{
	return descry_vcpu_state(machine.vcpu);
}

static uint64_t
peek(uint32_t at, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, &machine.ram[at], size);
	return value;
}

static void
poke(uint32_t at, uint64_t value, unsigned size)
{
	memcpy(&machine.ram[at], &value, size);
	descry_vcpu_memory_changed(machine.vcpu);
}

static void
put_handler(const uint8_t *code, size_t size)
{
	memcpy(&machine.ram[ENTRY], code, size);
	descry_vcpu_memory_changed(machine.vcpu);
}
static const uint8_t rsm[] = { 0x0f, 0xaa };
static const uint8_t nop_rsm[] = { 0x90, 0x0f, 0xaa };

/* --- the three maps ------------------------------------------------------------------- */

static const struct {
	const char *what, *profile, *knob;
	uint16_t entry_sel; /* with SMBASE 0 */
	/* FS, as a dump shows it */
	uint16_t sel, attr, limit, base;
	unsigned attr_shift;
} maps[] = {
	/* clang-format off */
	{ "P5",    "pentium", NULL,            0x3000, 0x7fb8, 0x7f68, 0x7f60, 0x7f64, 8 },
	{ "P6",    "p6",      NULL,            0x0000, 0x7f38, 0x7f3a, 0x7f3c, 0x7f40, 0 },
	{ "AMD64", "p6",      "smm.map=AMD64", 0x0000, 0x7e40, 0x7e42, 0x7e44, 0x7e48, 0 },
	/* clang-format on */
};

/*
 * Eight caches of which none is what a load of its selector would give: protected mode with
 * everything that a map could lose.
 */
static void
put_odd_state(void)
{
	static const struct descry_segment odd[DESCRY_SREG_COUNT] = {
		[DESCRY_ES] = { 0x11223344, 0x55667, 0x1234, 0xc100 }, /* null, as Intel has it */
		[DESCRY_CS] = { 0x00000000, 0xffffffff, 0x0008, 0xd09b },
		[DESCRY_SS] = { 0x00001000, 0x000fffff, 0x0010, 0x4093 },
		[DESCRY_DS] = { 0xdeadb000, 0x00000fff, 0x0043, 0x00f1 },
		[DESCRY_FS] = { 0x12345678, 0xfffff123, 0xabcb, 0xc0f7 },
		[DESCRY_GS] = { 0x87654321, 0x00000000, 0xffff, 0x00fb },
		[DESCRY_LDTR] = { 0x00003000, 0x0000000f, 0x0038, 0x0082 },
		[DESCRY_TR] = { 0x00002000, 0x00002067, 0x0030, 0x008b },
	};
	struct descry_state *s = descry_vcpu_state_mutable(machine.vcpu);

	for (unsigned i = 0; i < 8; i++)
		s->gpr[i] = 0x11111111u * (i + 1);
	s->rip = 0x7c00;
	s->rflags = 0x40a97 & ~(uint64_t)DESCRY_FLAG_TF;
	s->cr0 |= DESCRY_CR0_PE | DESCRY_CR0_TS;
	s->cr2 = 0x1357;
	s->cr3 = 0x5000;
	s->cr4 = DESCRY_CR4_TSD | DESCRY_CR4_DE;
	s->dr[0] = 0x4444;
	s->dr[7] |= 0x100;
	s->gdtr = (struct descry_table){ .base = 0x12340000, .limit = 0x1fff };
	s->idtr = (struct descry_table){ .base = 0x56780000, .limit = 0x07ff };
	s->sysenter_cs = 8;
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		put(&machine, (enum descry_sreg)sreg, odd[sreg]);
	descry_vcpu_state_changed(machine.vcpu);
}

static void
rsm_gives_back_what_smi_took(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(maps); i++) {
		struct descry_state before, after;

		print_message("%s\n", maps[i].what);
		open_as(maps[i].profile, maps[i].knob);
		put_handler(nop_rsm, sizeof(nop_rsm));
		put_odd_state();
		before = *cpu();
		assert_true(descry_vcpu_smi(machine.vcpu));
		run(&machine, 1);
		assert_int_equal(cpu()->in_smm, 1);
		run(&machine, 1);
		after = *cpu();
		assert_int_equal(after.retired, before.retired + 2);
		after.retired = before.retired;
		for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
			print_message("  %s\n", descry_sreg_name((enum descry_sreg)sreg));
			assert_memory_equal(&after.seg[sreg], &before.seg[sreg],
					    sizeof(before.seg[0]));
		}
		assert_memory_equal(&after, &before, sizeof(before));
		if (i + 1 < COUNT_OF(maps))
			close_machine(NULL);
	}
}

static void
each_map_has_fs_in_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(maps); i++) {
		struct descry_segment fs;

		print_message("%s\n", maps[i].what);
		open_as(maps[i].profile, maps[i].knob);
		put_handler(nop_rsm, sizeof(nop_rsm));
		put_odd_state();
		fs = cpu()->seg[DESCRY_FS];
		descry_vcpu_smi(machine.vcpu);
		run(&machine, 1);
		assert_int_equal(peek(MAP(maps[i].sel), 2), fs.sel);
		assert_int_equal(peek(MAP(maps[i].attr), 2 + maps[i].attr_shift / 8),
				 (uint32_t)fs.attr << maps[i].attr_shift);
		assert_int_equal(peek(MAP(maps[i].limit), 4), fs.limit);
		assert_int_equal(peek(MAP(maps[i].base), 4), fs.base);

		/* What the handler writes there is what RSM loads, whatever any table says. */
		poke(MAP(maps[i].limit), 0x00012345, 4);
		poke(MAP(maps[i].base), 0x00abc000, 4);
		run(&machine, 1);
		assert_int_equal(cpu()->in_smm, 0);
		assert_int_equal(cpu()->seg[DESCRY_FS].limit, 0x12345);
		assert_int_equal(cpu()->seg[DESCRY_FS].base, 0xabc000);
		assert_int_equal(cpu()->seg[DESCRY_FS].attr, fs.attr);
		assert_int_equal(descry_vcpu_provenance(machine.vcpu, DESCRY_FS)->base.cause,
				 DESCRY_CAUSE_RSM);
		if (i + 1 < COUNT_OF(maps))
			close_machine(NULL);
	}
}

/* SDM vol. 3, Initial SMM Execution Environment. */
static void
entry_is_big_real_mode(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(maps); i++) {
		struct descry_state before;

		print_message("%s\n", maps[i].what);
		open_as(maps[i].profile, maps[i].knob);
		put_handler(nop_rsm, sizeof(nop_rsm));
		put_odd_state();
		before = *cpu();
		descry_vcpu_smi(machine.vcpu);
		run(&machine, 1);
		for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++) {
			const struct descry_segment *seg = &cpu()->seg[sreg];

			assert_int_equal(seg->base, 0);
			assert_int_equal(seg->limit, UINT32_MAX);
			assert_int_equal(seg->attr, 0x8093);
			assert_int_equal(seg->sel, sreg == DESCRY_CS ? maps[i].entry_sel : 0);
			assert_true(descry_cache_status(machine.vcpu, (enum descry_sreg)sreg) &
				    DESCRY_CACHE_FIXED);
		}
		assert_memory_equal(&cpu()->seg[DESCRY_LDTR], &before.seg[DESCRY_LDTR],
				    2 * sizeof(before.seg[0]));
		assert_memory_equal(&cpu()->gdtr, &before.gdtr, 2 * sizeof(before.gdtr));
		assert_int_equal(cpu()->rip, ENTRY + 1); /* behind the NOP */
		assert_int_equal(cpu()->rflags, DESCRY_FLAG_ONE);
		assert_int_equal(cpu()->cr0, before.cr0 & ~(uint64_t)0x8000000d);
		assert_int_equal(cpu()->cr4, 0);
		assert_int_equal(cpu()->dr[7], 0x400);
		assert_true(cpu()->nmi_blocked);
		assert_int_equal(descry_vcpu_mode(machine.vcpu), DESCRY_MODE_REAL);
		if (i + 1 < COUNT_OF(maps))
			close_machine(NULL);
	}
}

/* --- SMBASE, HLT ---------------------------------------------------------------------- */

static void
a_new_smbase_holds_from_the_next_smi_on(void **state)
{
	(void)state;
	open_as("p6", NULL);
	put_handler(rsm, sizeof(rsm));
	LOAD(&machine, 0x90, 0x90);
	descry_vcpu_state_mutable(machine.vcpu)->smbase = 0x400; /* a P6 asks for no 32 KiB */
	put_handler(rsm, sizeof(rsm));
	memcpy(&machine.ram[0x8400], nop_rsm, sizeof(nop_rsm));
	memcpy(&machine.ram[0x8000], nop_rsm, sizeof(nop_rsm));
	descry_vcpu_memory_changed(machine.vcpu);
	descry_vcpu_state_mutable(machine.vcpu)->smbase = 0;
	descry_vcpu_smi(machine.vcpu);
	run(&machine, 1);
	assert_int_equal(peek(MAP(0x7ef8), 4), 0);
	assert_int_equal(peek(MAP(0x7efc), 4), 0x20000);
	poke(MAP(0x7ef8), 0x400, 4);
	run(&machine, 1);
	assert_int_equal(cpu()->smbase, 0x400);
	descry_vcpu_smi(machine.vcpu);
	run(&machine, 1);
	assert_int_equal(cpu()->seg[DESCRY_CS].sel, 0x40);
	assert_int_equal(cpu()->seg[DESCRY_CS].base, 0x400);
	assert_int_equal(cpu()->rip, 0x8001);
}

static void
smi_ends_hlt_and_rsm_goes_back_to_it(void **state)
{
	(void)state;
	open_as("p6", NULL);
	put_handler(nop_rsm, sizeof(nop_rsm));
	LOAD(&machine, 0xf4, 0x90);
	assert_int_equal(run(&machine, 0).reason, DESCRY_EXIT_HALTED);
	descry_vcpu_smi(machine.vcpu);
	run(&machine, 1);
	assert_int_equal(peek(MAP(0x7f02), 1), 1);
	assert_int_equal(run(&machine, 0).reason, DESCRY_EXIT_HALTED);
	assert_int_equal(cpu()->in_smm, 0);
	assert_int_equal(cpu()->rip, ORIGIN + 1);

	/* The handler may say otherwise. */
	descry_vcpu_smi(machine.vcpu);
	run(&machine, 1);
	poke(MAP(0x7f02), 0, 1);
	run(&machine, 2);
	assert_int_equal(cpu()->rip, ORIGIN + 2);
}

/* --- when it is taken ----------------------------------------------------------------- */

static void
smm_holds_back_a_second_smi(void **state)
{
	(void)state;
	open_as("p6", NULL);
	put_handler(nop_rsm, sizeof(nop_rsm));
	LOAD(&machine, 0x90, 0x90);
	descry_vcpu_smi(machine.vcpu);
	run(&machine, 1);
	descry_vcpu_smi(machine.vcpu);
	run(&machine, 1); /* RSM */
	assert_int_equal(cpu()->in_smm, 0);
	assert_int_equal(cpu()->rip, ORIGIN);
	run(&machine, 1);
	assert_int_equal(cpu()->in_smm, 1);
	run(&machine, 2);
	assert_int_equal(cpu()->rip, ORIGIN + 1);
}

static void
a_shadow_holds_it_back_for_one_instruction(void **state)
{
	(void)state;
	open_as("p6", NULL);
	put_handler(nop_rsm, sizeof(nop_rsm));
	LOAD(&machine, 0x8e, 0xd0, 0x90, 0x90); /* mov ss, ax; nop; nop */
	run(&machine, 1);
	descry_vcpu_smi(machine.vcpu);
	run(&machine, 1);
	assert_int_equal(cpu()->in_smm, 0);
	assert_int_equal(cpu()->rip, ORIGIN + 3);
	run(&machine, 1);
	assert_int_equal(cpu()->in_smm, 1);
}

static void
an_nmi_waits_for_rsm(void **state)
{
	(void)state;
	open_as("p6", NULL);
	put_handler(nop_rsm, sizeof(nop_rsm));
	LOAD(&machine, 0x90, 0x90);
	poke(2 * 4, 0x00009000, 4);
	descry_vcpu_smi(machine.vcpu);
	descry_vcpu_nmi(machine.vcpu);
	run(&machine, 2);
	assert_int_equal(cpu()->in_smm, 0);
	assert_int_equal(cpu()->rip, ORIGIN);
	run(&machine, 1);
	assert_int_equal(cpu()->rip >> 4, 0x9000 >> 4);
}

static void
a_cpu_without_smm_says_so(void **state)
{
	(void)state;
	open_as("386", NULL);
	LOAD(&machine, 0x90, 0x90);
	assert_false(descry_vcpu_smi(machine.vcpu));
	run(&machine, 1);
	assert_int_equal(cpu()->rip, ORIGIN + 1);
}

/* --- RSM of nonsense ------------------------------------------------------------------ */

static void
rsm_of_an_impossible_state_shuts_down(void **state)
{
	static const struct {
		const char *what;
		uint16_t at;
		uint32_t value;
	} rows[] = {
		{ "CR4 with a bit that there is not", 0x7f14, 0x80000000 },
		{ "PG without PE", 0x7ffc, DESCRY_CR0_PG },
		{ "NW without CD", 0x7ffc, DESCRY_CR0_NW },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		print_message("%s\n", rows[i].what);
		open_as("p6", NULL);
		put_handler(nop_rsm, sizeof(nop_rsm));
		LOAD(&machine, 0x90);
		descry_vcpu_smi(machine.vcpu);
		run(&machine, 1);
		poke(MAP(rows[i].at), rows[i].value, 4);
		assert_int_equal(run(&machine, 0).reason, DESCRY_EXIT_SHUTDOWN);
		if (i + 1 < COUNT_OF(rows))
			close_machine(NULL);
	}
}

/* --- INIT ----------------------------------------------------------------------------- */

static void
init_resets_but_for_what_a_program_finds_again(void **state)
{
	struct descry_state before, reset;

	(void)state;
	open_as("p6", NULL);
	reset = *cpu();
	put_odd_state();
	descry_vcpu_state_mutable(machine.vcpu)->cr0 &= ~(uint64_t)DESCRY_CR0_NW;
	descry_vcpu_state_changed(machine.vcpu);
	before = *cpu();
	descry_vcpu_init(machine.vcpu);
	run(&machine, 1); /* whatever lies at FFFFFFF0h: FFFFh, which is undefined */
	assert_int_equal(cpu()->sysenter_cs, before.sysenter_cs);
	assert_int_equal(cpu()->smbase, before.smbase);
	assert_int_equal(cpu()->retired, before.retired + 1);
	assert_int_equal(cpu()->cr0, (reset.cr0 & ~(uint64_t)0x60000000) | 0x40000000);
	assert_int_equal(cpu()->cr2, 0);
	assert_int_equal(cpu()->cr4, 0);
	assert_int_equal(cpu()->dr[0], 0);
	assert_int_equal(cpu()->gpr[DESCRY_DX], reset.gpr[DESCRY_DX]);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		if (sreg != DESCRY_CS) /* the fault has loaded it again */
			assert_memory_equal(&cpu()->seg[sreg], &reset.seg[sreg],
					    sizeof(reset.seg[0]));
	}
	assert_int_equal(descry_vcpu_provenance(machine.vcpu, DESCRY_FS)->base.cause,
			 DESCRY_CAUSE_INIT);
	assert_int_equal(descry_cache_status(machine.vcpu, DESCRY_FS), 0);
}

/* Out of protected mode: whoever waits for a change of mode hears of it. */
static void
init_says_that_the_mode_has_changed(void **state)
{
	const struct descry_control control = { .budget = 1,
						.events = DESCRY_EVENT_BIT(DESCRY_EVENT_MODE) };
	struct descry_exit exit;

	(void)state;
	open_as("p6", NULL);
	LOAD(&machine, 0x90);
	set_mode(&machine, DESCRY_MODE_PROTECTED);
	descry_vcpu_init(machine.vcpu);
	descry_vcpu_run(machine.vcpu, &control, &exit);
	assert_int_equal(descry_vcpu_event_count(machine.vcpu), 1);
	assert_int_equal(descry_vcpu_event(machine.vcpu, 0)->kind, DESCRY_EVENT_MODE);
	assert_int_equal(descry_vcpu_event(machine.vcpu, 0)->ip, 0xfff0); /* where it begins */
	assert_false(descry_vcpu_event(machine.vcpu, 0)->cr0 & DESCRY_CR0_PE);
}

/* SMI leaves protected mode, RSM comes back to it. */
static void
so_do_smi_and_rsm(void **state)
{
	const struct descry_control control = { .budget = 2,
						.events = DESCRY_EVENT_BIT(DESCRY_EVENT_MODE) };
	struct descry_exit exit;

	(void)state;
	open_as("p6", NULL);
	put_handler(nop_rsm, sizeof(nop_rsm));
	LOAD(&machine, 0x90);
	set_mode(&machine, DESCRY_MODE_PROTECTED);
	assert_true(descry_vcpu_smi(machine.vcpu));
	descry_vcpu_run(machine.vcpu, &control, &exit);
	assert_int_equal(descry_vcpu_event_count(machine.vcpu), 2);
	assert_false(descry_vcpu_event(machine.vcpu, 0)->cr0 & DESCRY_CR0_PE);
	assert_true(descry_vcpu_event(machine.vcpu, 1)->cr0 & DESCRY_CR0_PE);
}

static void
init_ends_a_shutdown(void **state)
{
	(void)state;
	open_as("p6", NULL);
	LOAD(&machine, 0x0f, 0x0b);
	descry_vcpu_state_mutable(machine.vcpu)->idtr.limit = 0;
	assert_int_equal(run(&machine, 0).reason, DESCRY_EXIT_SHUTDOWN);
	descry_vcpu_init(machine.vcpu);
	assert_int_equal(run(&machine, 1).reason, DESCRY_EXIT_BUDGET);
	assert_int_equal(cpu()->shut_down, 0);
	assert_int_equal(cpu()->idtr.limit, 0xffff);
}

/* RSM goes on with the instruction that led there: the map has no bit for a shutdown. */
static void
an_smi_ends_a_shutdown(void **state)
{
	(void)state;
	open_as("p6", NULL);
	put_handler(nop_rsm, sizeof(nop_rsm));
	LOAD(&machine, 0x0f, 0x0b);
	descry_vcpu_state_mutable(machine.vcpu)->idtr.limit = 0;
	assert_int_equal(run(&machine, 0).reason, DESCRY_EXIT_SHUTDOWN);
	assert_true(descry_vcpu_smi(machine.vcpu));
	assert_int_equal(run(&machine, 2).reason, DESCRY_EXIT_BUDGET);
	assert_int_equal(cpu()->in_smm, 0);
	assert_int_equal(cpu()->shut_down, 0);
	assert_int_equal(cpu()->rip, ORIGIN);
	assert_int_equal(run(&machine, 0).reason, DESCRY_EXIT_SHUTDOWN);
}

/* A triple fault in the handler: neither a second SMI nor INIT is looked at. */
static void
nothing_but_reset_ends_one_in_smm(void **state)
{
	static const uint8_t ud2[] = { 0x0f, 0x0b };

	(void)state;
	open_as("p6", NULL);
	put_handler(ud2, sizeof(ud2));
	LOAD(&machine, 0x90);
	descry_vcpu_state_mutable(machine.vcpu)->idtr.limit = 0;
	assert_true(descry_vcpu_smi(machine.vcpu));
	assert_int_equal(run(&machine, 0).reason, DESCRY_EXIT_SHUTDOWN);
	assert_true(descry_vcpu_smi(machine.vcpu));
	descry_vcpu_init(machine.vcpu);
	descry_vcpu_nmi(machine.vcpu);
	assert_int_equal(run(&machine, 0).reason, DESCRY_EXIT_SHUTDOWN);
	assert_int_equal(cpu()->in_smm, 1);
}

/* --- the same as operations ----------------------------------------------------------- */

/* The map and the state are those of an SMI that the guest takes, whose handler begins with NOP. */
static void
the_operations_do_what_smi_and_rsm_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(maps); i++) {
		static uint8_t ram[RAM_SIZE];
		struct descry_state before, inside;
		struct descry_fault fault;

		print_message("%s\n", maps[i].what);
		open_as(maps[i].profile, maps[i].knob);
		put_handler(nop_rsm, sizeof(nop_rsm));
		put_odd_state();
		before = *cpu();
		assert_true(descry_vcpu_smi(machine.vcpu));
		run(&machine, 1);
		inside = *cpu();
		inside.rip -= 1;
		inside.retired -= 1;
		memcpy(ram, machine.ram, sizeof(ram));
		close_machine(NULL);

		open_as(maps[i].profile, maps[i].knob);
		put_handler(nop_rsm, sizeof(nop_rsm));
		put_odd_state();
		descry_op_set_step(machine.vcpu, 2);
		assert_true(descry_op_smi(machine.vcpu));
		assert_memory_equal(ram, machine.ram, sizeof(ram));
		assert_memory_equal(&inside, cpu(), sizeof(inside));
		assert_int_equal(descry_vcpu_provenance(machine.vcpu, DESCRY_FS)->base.step, 2);
		assert_true(descry_op_rsm(machine.vcpu, &fault));
		assert_memory_equal(&before, cpu(), sizeof(before));
		if (i + 1 < COUNT_OF(maps))
			close_machine(NULL);
	}
}

static void
an_smi_is_refused_where_none_is_taken(void **state)
{
	static const struct {
		const char *what, *profile;
		uint8_t in_smm, shadow;
	} rows[] = {
		{ "no SMM", "386", 0, 0 },
		{ "in SMM", "p6", 1, 0 },
		{ "under a shadow", "p6", 0, DESCRY_SHADOW_MOV_SS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct descry_state before;

		print_message("%s\n", rows[i].what);
		open_as(rows[i].profile, NULL);
		put_odd_state();
		descry_vcpu_state_mutable(machine.vcpu)->in_smm = rows[i].in_smm;
		descry_vcpu_state_mutable(machine.vcpu)->shadow = rows[i].shadow;
		before = *cpu();
		assert_false(descry_op_smi(machine.vcpu));
		assert_memory_equal(&before, cpu(), sizeof(before));
		if (i + 1 < COUNT_OF(rows))
			close_machine(NULL);
	}
}

static void
a_refused_rsm_changes_nothing(void **state)
{
	struct descry_state before;
	struct descry_fault fault;

	(void)state;
	open_as("p6", NULL);
	put_odd_state();
	before = *cpu();
	assert_false(descry_op_rsm(machine.vcpu, &fault));
	assert_int_equal(fault.vector, DESCRY_VEC_UD);
	assert_memory_equal(&before, cpu(), sizeof(before));

	assert_true(descry_op_smi(machine.vcpu));
	poke(MAP(0x7ffc), DESCRY_CR0_PG, 4); /* without PE */
	before = *cpu();
	assert_false(descry_op_rsm(machine.vcpu, &fault));
	assert_int_equal(fault.vector, DESCRY_VEC_NONE);
	assert_memory_equal(&before, cpu(), sizeof(before));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rsm_gives_back_what_smi_took),
		TEST(each_map_has_fs_in_its_place),
		TEST(entry_is_big_real_mode),
		TEST(a_new_smbase_holds_from_the_next_smi_on),
		TEST(smi_ends_hlt_and_rsm_goes_back_to_it),
		TEST(smm_holds_back_a_second_smi),
		TEST(a_shadow_holds_it_back_for_one_instruction),
		TEST(an_nmi_waits_for_rsm),
		TEST(a_cpu_without_smm_says_so),
		TEST(rsm_of_an_impossible_state_shuts_down),
		TEST(init_resets_but_for_what_a_program_finds_again),
		TEST(init_says_that_the_mode_has_changed),
		TEST(so_do_smi_and_rsm),
		TEST(init_ends_a_shutdown),
		TEST(the_operations_do_what_smi_and_rsm_do),
		TEST(an_smi_is_refused_where_none_is_taken),
		TEST(a_refused_rsm_changes_nothing),
		TEST(an_smi_ends_a_shutdown),
		TEST(nothing_but_reset_ends_one_in_smm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
