/*
 * Hosts that use what the CPU has for whole states (SMM, LOADALL, a task gate), and the switch
 * between two processes of a 64-bit kernel: what each gives back to guests of every mode. Oracle:
 * the rules of SMI and RSM, LOADALL, task switches, loads and WRMSR, worked out by hand.
 */
#include "temp_file.h"

#include <descry/world.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define GDT 0x1000u
#define TSS 0x2000u
#define LDT 0x3000u
#define PAGE_DIRECTORY 0x5000u
#define PAGE_TABLE 0x6000u
#define PAGE_BITS 0x67u      /* present, writable, for all; accessed and dirty */
#define GUEST_MEMORY 0x8000u /* that is looked at */

/* --- guests --------------------------------------------------------------------------- */

static const uint64_t gdt[] = {
	/* clang-format off */
	0,
	0x00cf9b000000ffff, /* 08 flat code */
	0x00cf93000000ffff, /* 10 flat data */
	0x00cffb000000ffff, /* 18 ring 3 code */
	0x00cff3000000ffff, /* 20 ring 3 data */
	0x0040f300200007ff, /* 28 at 2000h, limit 7FFh, ring 3 */
	0x00008b0020000067, /* 30 TSS, busy */
	0x000082003000000f, /* 38 LDT: two slots */
	0x0000930050000fff, /* 40 16-bit data */
	/* clang-format on */
};
static const uint64_t ldt[] = { 0, 0x00409300200007ff };

#define FLAT_CODE(sel, dpl)                                                                        \
	{                                                                                          \
		0, UINT32_MAX, sel, 0xc09b | (dpl) << 5                                            \
	}
#define FLAT_DATA(sel, dpl)                                                                        \
	{                                                                                          \
		0, UINT32_MAX, sel, 0xc093 | (dpl) << 5                                            \
	}
#define NOTHING                                                                                    \
	{                                                                                          \
		0, UINT32_MAX, 0, 0xc100                                                           \
	}
#define THE_LDT                                                                                    \
	{                                                                                          \
		LDT, 0xf, 0x38, 0x82                                                               \
	}
#define THE_TSS                                                                                    \
	{                                                                                          \
		TSS, 0x67, 0x30, 0x8b                                                              \
	}
#define FIXED(sel)                                                                                 \
	{                                                                                          \
		(sel) << 4, 0xffff, sel, 0x00f3                                                    \
	}
#define REAL(sel)                                                                                  \
	{                                                                                          \
		(sel) << 4, 0xffff, sel, 0x0093                                                    \
	}

/* ES CS SS DS FS GS LDTR TR. What the tables do not say is said beside it. */
struct guest {
	const char *what;
	uint64_t cr0, flags;
	struct descry_segment seg[DESCRY_SREG_COUNT];
};

/* clang-format off */
static const struct guest unreal = { "unreal mode", 0, 0,
	{ REAL(0x1100), { 0x12340, 0xffff, 0x1234, 0x9b }, REAL(0x1300), REAL(0x1400),
	  FLAT_DATA(0x10, 0), /* by no rule of real mode */
	  REAL(0x1600), NOTHING, { 0, 0xffff, 0, 0x8b } } };
static const struct guest local = { "ring 0 with an LDT", DESCRY_CR0_PE, 0,
	{ FLAT_DATA(0x10, 0), FLAT_CODE(0x08, 0), FLAT_DATA(0x10, 0), FLAT_DATA(0x10, 0),
	  { 0x1000, 0xfff, 0x0c, 0x4093 }, /* the LDT says 2000h, limit 7FFh */
	  NOTHING, THE_LDT, THE_TSS } };
static const struct guest ring3 = { "ring 3", DESCRY_CR0_PE, 0,
	{ FLAT_DATA(0x23, 3), FLAT_CODE(0x1b, 3), FLAT_DATA(0x23, 3), FLAT_DATA(0x23, 3),
	  { 0x1000, 0xfff, 0x2b, 0x40f3 }, /* the GDT says 2000h, limit 7FFh */
	  { 0x5000, UINT32_MAX, 0, 0xc100 }, /* a base under a null selector */
	  THE_LDT, THE_TSS } };
static const struct guest v86 = { "virtual-8086 mode", DESCRY_CR0_PE, DESCRY_FLAG_VM,
	{ FIXED(0x1100), FIXED(0x1200), FIXED(0x1300), FIXED(0x1400), FIXED(0x1500),
	  FIXED(0x1600), THE_LDT, THE_TSS } };
static const struct guest v86_no_tss = { "virtual-8086 mode, no TSS", DESCRY_CR0_PE, DESCRY_FLAG_VM,
	{ FIXED(0x1100), FIXED(0x1200), FIXED(0x1300), FIXED(0x1400), FIXED(0x1500),
	  FIXED(0x1600), THE_LDT, { 0, 0xffff, 0, 0x8b } } };
static const struct guest small_pages = { "a small limit in pages", DESCRY_CR0_PE, 0,
	{ FLAT_DATA(0x10, 0), FLAT_CODE(0x08, 0), FLAT_DATA(0x10, 0), FLAT_DATA(0x10, 0),
	  { 0x1000, 0x1fff, 0x40, 0xc093 }, FLAT_DATA(0x10, 0), THE_LDT, THE_TSS } };
static const struct guest paged = { "paging, ring 3", DESCRY_CR0_PE | DESCRY_CR0_PG, 0,
	{ FLAT_DATA(0x23, 3), FLAT_CODE(0x1b, 3), FLAT_DATA(0x23, 3), FLAT_DATA(0x23, 3),
	  { 0x1000, 0xfff, 0x2b, 0x40f3 }, FLAT_DATA(0x23, 3), THE_LDT, THE_TSS } };
static const struct guest of_286 = { "a 286 with DS beyond 1 MiB", 0, 0,
	{ REAL(0x1100), { 0x12340, 0xffff, 0x1234, 0x93 }, REAL(0x1300),
	  { 0x100000, 0x7fff, 0, 0x93 }, REAL(0), REAL(0), { 0, 0xffff, 0, 0x82 },
	  { 0, 0xffff, 0, 0x83 } } };
/* clang-format on */

static struct descry_monitor *
open_machine(const char *profile, const char *knob)
{
	const uint8_t sector[512] = { 0xf4, [510] = 0x55, [511] = 0xaa };
	struct descry_options options = { .profile = profile,
					  .knobs = &knob,
					  .knob_count = knob ? 1 : 0 };
	struct descry_monitor *monitor = NULL;
	char name[TEMP_FILE_NAME];
	struct descry_error err = { .text = "" };

	temp_file_write(name, sector, sizeof(sector));
	options.image = name;
	if (descry_monitor_create(&options, &monitor, &err) != DESCRY_OK)
		fail_msg("%s", err.text);
	unlink(name);
	return monitor;
}

/* The first 4 MiB, each page at its own address; the host's window is not there. */
static void
poke_page_tables(struct descry_vcpu *vcpu)
{
	for (uint32_t page = 0; page < 1024; page++) {
		const uint32_t entry = page ? 0 : PAGE_TABLE | PAGE_BITS;
		const uint32_t leaf = page << 12 | PAGE_BITS;

		descry_vcpu_poke(vcpu, PAGE_DIRECTORY + page * 4, &entry, sizeof(entry));
		descry_vcpu_poke(vcpu, PAGE_TABLE + page * 4, &leaf, sizeof(leaf));
	}
}

static void
begin(struct descry_monitor *monitor, const struct guest *guest)
{
	struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	struct descry_state *state = descry_vcpu_state_mutable(vcpu);

	for (uint32_t at = 0; at < GUEST_MEMORY; at++)
		descry_vcpu_poke(vcpu, at, &(uint8_t){ (uint8_t)(at * 7) }, 1);
	descry_vcpu_poke(vcpu, GDT, gdt, sizeof(gdt));
	descry_vcpu_poke(vcpu, LDT, ldt, sizeof(ldt));
	poke_page_tables(vcpu);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		descry_vcpu_put_segment(vcpu, sreg, &guest->seg[sreg], DESCRY_CAUSE_START);
	state->cr0 |= guest->cr0;
	state->rflags = DESCRY_FLAG_ONE | DESCRY_FLAG_ZF | guest->flags;
	state->cr3 = PAGE_DIRECTORY;
	state->rip = 0x123;
	for (unsigned i = 0; i < 8; i++)
		state->gpr[i] = 0x1111u * (i + 1);
	state->gdtr = (struct descry_table){ .base = GDT, .limit = sizeof(gdt) - 1 };
	state->idtr = (struct descry_table){ .base = 0x4000, .limit = 0xff };
	descry_vcpu_state_changed(vcpu);
}

static struct descry_world *
under(struct descry_monitor *monitor, const char *strategy)
{
	const struct descry_strategy *found;
	struct descry_world *world;
	struct descry_error err;

	assert_int_equal(descry_strategy_find(strategy, &found, &err), DESCRY_OK);
	assert_int_equal(descry_world_create(monitor, &world), DESCRY_OK);
	descry_world_choose(world, found);
	return world;
}

/* --- what comes back ------------------------------------------------------------------ */

/* Only lost is another one behind the switch, and then it is seg. */
static const struct {
	const char *strategy, *profile, *knob;
	const struct guest *guest;
	enum descry_sreg lost; /* DESCRY_SREG_COUNT: none */
	struct descry_segment seg;
} rows[] = {
	/* clang-format off */
	{ "smm", "p6", NULL, &unreal, DESCRY_SREG_COUNT, NOTHING },
	{ "smm", "p6", "smm.map=amd64", &unreal, DESCRY_SREG_COUNT, NOTHING },
	{ "smm", "pentium", NULL, &local, DESCRY_SREG_COUNT, NOTHING },
	{ "smm", "p6", NULL, &ring3, DESCRY_SREG_COUNT, NOTHING },
	{ "smm", "p6", NULL, &v86, DESCRY_SREG_COUNT, NOTHING },
	{ "smm", "p6", NULL, &small_pages, DESCRY_SREG_COUNT, NOTHING },
	{ "smm", "pentium", NULL, &paged, DESCRY_SREG_COUNT, NOTHING },

	/* The table of a 386 has no word for unusable: P=0 stands for it. */
	{ "loadall", "386", NULL, &unreal, DESCRY_LDTR, { 0, UINT32_MAX, 0, 0xc000 } },
	{ "loadall", "386", "loadall386.ar=hi-dword", &local, DESCRY_GS,
	  { 0, UINT32_MAX, 0, 0xc000 } },
	{ "loadall", "386", NULL, &v86, DESCRY_SREG_COUNT, NOTHING },
	/* Nor has it G: that follows from the limit. */
	{ "loadall", "386", NULL, &small_pages, DESCRY_FS, { 0x1000, 0x1fff, 0x40, 0x4093 } },
	{ "loadall", "386", NULL, &paged, DESCRY_SREG_COUNT, NOTHING },
	{ "loadall", "286", NULL, &of_286, DESCRY_SREG_COUNT, NOTHING },

	{ "task-gate", "p6", NULL, &local, DESCRY_FS, { 0x2000, 0x7ff, 0x0c, 0x4093 } },
	{ "task-gate", "p6", NULL, &paged, DESCRY_FS, { 0x2000, 0x7ff, 0x2b, 0x40f3 } },
	{ "task-gate", "386", NULL, &v86, DESCRY_SREG_COUNT, NOTHING },

	/* The base of then, the limit of now: no descriptor has ever said that. */
	{ "os-switch/fsgsbase", "p6", NULL, &local, DESCRY_FS, { 0x1000, 0x7ff, 0x0c, 0x4093 } },
	{ "os-switch/legacy", "p6", NULL, &local, DESCRY_FS, { 0x2000, 0x7ff, 0x0c, 0x4093 } },
	{ "os-switch/fsgsbase", "p6", NULL, &paged, DESCRY_FS, { 0x1000, 0x7ff, 0x2b, 0x40f3 } },
	/* And a base under a null selector comes back both ways. */
	{ "os-switch/fsgsbase", "p6", NULL, &ring3, DESCRY_FS, { 0x1000, 0x7ff, 0x2b, 0x40f3 } },
	{ "os-switch/legacy", "p6", NULL, &ring3, DESCRY_FS, { 0x2000, 0x7ff, 0x2b, 0x40f3 } },
	/* clang-format on */
};

static void
assert_segments(const struct descry_state *state, const struct guest *guest, enum descry_sreg lost,
		const struct descry_segment *seg)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_segment *is = &state->seg[sreg];
		const struct descry_segment *want = sreg == lost ? seg : &guest->seg[sreg];

		if (memcmp(is, want, sizeof(*is)))
			fail_msg("%s is %04x %08x %08x %04x", descry_sreg_name(sreg), is->sel,
				 (unsigned)is->base, is->limit, is->attr);
	}
}

/* What no strategy may touch; a task switch sets CR0.TS. */
static void
assert_the_rest(const struct descry_state *state, const struct descry_state *before, bool switched)
{
	const uint64_t ts = switched ? DESCRY_CR0_TS : 0;

	assert_memory_equal(state->gpr, before->gpr, 8 * sizeof(state->gpr[0]));
	assert_int_equal(state->rip, before->rip);
	assert_int_equal(state->rflags, before->rflags);
	assert_int_equal(state->cr0, before->cr0 | ts);
	assert_int_equal(state->cr3, before->cr3);
	assert_int_equal(state->cr4, before->cr4);
	assert_memory_equal(&state->gdtr, &before->gdtr, 2 * sizeof(state->gdtr));
	assert_int_equal(state->smbase, before->smbase);
	assert_int_equal(state->in_smm, 0);
	assert_int_equal(state->nmi_blocked, before->nmi_blocked);
	assert_int_equal(state->retired, before->retired);
}

static void
each_gives_back_what_its_rules_say(void **unused)
{
	static uint8_t before_memory[GUEST_MEMORY], memory[GUEST_MEMORY];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct descry_monitor *monitor = open_machine(rows[i].profile, rows[i].knob);
		struct descry_world *world = under(monitor, rows[i].strategy);
		const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
		const struct descry_world_trace *trace;
		struct descry_state before;

		print_message("%s: %s\n", rows[i].strategy, rows[i].guest->what);
		begin(monitor, rows[i].guest);
		before = *descry_vcpu_state(vcpu);
		descry_vcpu_peek(vcpu, 0, before_memory, sizeof(before_memory));
		trace = descry_world_interrupt(world);
		if (trace->end != DESCRY_WORLD_RESUMED)
			fail_msg("%s", trace->why);
		assert_segments(descry_vcpu_state(vcpu), rows[i].guest, rows[i].lost, &rows[i].seg);
		assert_the_rest(descry_vcpu_state(vcpu), &before,
				strcmp(rows[i].strategy, "task-gate") == 0);
		descry_vcpu_peek(vcpu, 0, memory, sizeof(memory));
		assert_memory_equal(memory, before_memory, sizeof(memory));
		descry_world_destroy(world);
		descry_monitor_destroy(monitor);
	}
}

/* --- refusals ------------------------------------------------------------------------- */

static const struct {
	const char *strategy, *profile;
	const struct guest *guest;
	uint8_t in_smm, shadow;
	uint32_t gdt_limit; /* 0: as it is */
	const char *why;
} refusals[] = {
	/* clang-format off */
	{ "smm", "386", &local, 0, 0, 0, "has no SMM (knob smm.map); profiles that have it: pentium" },
	{ "smm", "p6", &local, 1, 0, 0, "in SMM" },
	{ "smm", "p6", &local, 0, DESCRY_SHADOW_MOV_SS, 0, "shadow" },
	{ "loadall", "p6", &local, 0, 0, 0, "has no LOADALL (knob loadall); profiles that have it: 286" },
	{ "loadall", "286", &local, 0, 0, 0, "out of a 286's reach" },
	{ "task-gate", "p6", &unreal, 0, 0, 0, "PE=0" },
	{ "task-gate", "p6", &v86_no_tss, 0, 0, 0, "no TSS" },
	{ "task-gate", "p6", &local, 0, 0, 0xffff, "a limit of ffff" },
	{ "os-switch", "p6", &unreal, 0, 0, 0, "PE=0" },
	{ "os-switch", "p6", &v86, 0, 0, 0, "virtual-8086" },
	/* clang-format on */
};

static void
a_refusal_says_why(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		struct descry_monitor *monitor = open_machine(refusals[i].profile, NULL);
		struct descry_world *world = under(monitor, refusals[i].strategy);
		struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
		struct descry_state *state = descry_vcpu_state_mutable(vcpu);
		const struct descry_world_trace *trace;
		struct descry_state before;

		begin(monitor, refusals[i].guest);
		state->in_smm = refusals[i].in_smm;
		state->shadow = refusals[i].shadow;
		if (refusals[i].gdt_limit)
			state->gdtr.limit = refusals[i].gdt_limit;
		before = *state;
		trace = descry_world_interrupt(world);
		assert_int_equal(trace->end, DESCRY_WORLD_REFUSED);
		assert_int_equal(trace->ended_at, DESCRY_WORLD_X1);
		if (!strstr(trace->why, refusals[i].why))
			fail_msg("%s: %s", refusals[i].strategy, trace->why);
		assert_memory_equal(descry_vcpu_state(vcpu), &before, sizeof(before));
		descry_world_destroy(world);
		descry_monitor_destroy(monitor);
	}
}

/* --- a table that changes meanwhile --------------------------------------------------- */

/* At X5 somebody writes the access byte of slot 28: a ring 3 segment that is not there. */
static const struct descry_world_edit absent = { .physical = GDT + 0x28 + 5,
						 .size = 1,
						 .byte = { 0x73 } };

static void
the_task_gate_reads_tables_as_they_are_then(void **unused)
{
	struct descry_monitor *monitor = open_machine("p6", NULL);
	struct descry_world *world = under(monitor, "task-gate");
	const struct descry_world_trace *trace;
	uint8_t before[0x68], after[0x68];

	(void)unused;
	begin(monitor, &ring3);
	descry_vcpu_peek(descry_monitor_vcpu(monitor), TSS, before, sizeof(before));
	assert_int_equal(descry_world_set_edits(world, &absent, 1), DESCRY_OK);
	trace = descry_world_interrupt(world);
	assert_int_equal(trace->end, DESCRY_WORLD_HOST_FAULT);
	assert_int_equal(trace->ended_at, DESCRY_WORLD_X7);
	assert_int_equal(trace->fault.vector, DESCRY_VEC_NP);
	assert_int_equal(trace->fault.error_code, 0x28);
	assert_non_null(strstr(trace->why, "in the task of the guest"));
	descry_vcpu_peek(descry_monitor_vcpu(monitor), TSS, after, sizeof(after));
	assert_memory_equal(before, after, sizeof(before));
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
}

/* What somebody writes into the guest's TSS meanwhile is there afterwards. */
static void
a_tss_is_the_guests_again(void **unused)
{
	static const struct descry_world_edit edit = { .physical = TSS + 0x20,
						       .size = 4,
						       .byte = { 0xde, 0xad, 0xbe, 0xef } };
	struct descry_monitor *monitor = open_machine("p6", NULL);
	struct descry_world *world = under(monitor, "task-gate");
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	uint8_t written[4];

	(void)unused;
	begin(monitor, &v86);
	assert_int_equal(descry_world_set_edits(world, &edit, 1), DESCRY_OK);
	assert_int_equal(descry_world_interrupt(world)->end, DESCRY_WORLD_RESUMED);
	assert_segments(descry_vcpu_state(vcpu), &v86, DESCRY_SREG_COUNT, NULL);
	descry_vcpu_peek(vcpu, TSS + 0x20, written, sizeof(written));
	assert_memory_equal(written, edit.byte, sizeof(written));
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
}

static void
smm_reads_no_table(void **unused)
{
	struct descry_monitor *monitor = open_machine("p6", NULL);
	struct descry_world *world = under(monitor, "smm");

	(void)unused;
	begin(monitor, &ring3);
	assert_int_equal(descry_world_set_edits(world, &absent, 1), DESCRY_OK);
	assert_int_equal(descry_world_interrupt(world)->end, DESCRY_WORLD_RESUMED);
	assert_segments(descry_vcpu_state(descry_monitor_vcpu(monitor)), &ring3, DESCRY_SREG_COUNT,
			NULL);
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
}

/* --- what a guest without a TSS gets -------------------------------------------------- */

/* The host's own: there is no way back to a TR that holds nothing. */
static void
without_a_tss_the_guest_keeps_the_hosts(void **unused)
{
	struct descry_monitor *monitor = open_machine("p6", NULL);
	struct descry_world *world = under(monitor, "task-gate");
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(monitor));
	struct guest guest = local;
	const struct descry_segment reset = { 0, 0xffff, 0, 0x8b },
				    own = { 0xffe0e000, 0x67, 0x60, 0x8b };

	(void)unused;
	guest.seg[DESCRY_TR] = reset;
	guest.seg[DESCRY_FS] = guest.seg[DESCRY_DS];
	begin(monitor, &guest);
	assert_int_equal(descry_world_interrupt(world)->end, DESCRY_WORLD_RESUMED);
	assert_segments(state, &guest, DESCRY_TR, &own);
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_gives_back_what_its_rules_say),
		cmocka_unit_test(a_refusal_says_why),
		cmocka_unit_test(the_task_gate_reads_tables_as_they_are_then),
		cmocka_unit_test(a_tss_is_the_guests_again),
		cmocka_unit_test(smm_reads_no_table),
		cmocka_unit_test(without_a_tss_the_guest_keeps_the_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
