/*
 * The hardware task switch: what it checks, what it writes into the two TSSs and their descriptors,
 * what the new task has, and whose a fault is. Oracle: SDM vol. 3, Task Management (Exception
 * Conditions Checked During a Task Switch; Effect of a Task Switch on Busy Flag, NT Flag, and
 * Link Field), and Bochs' tasking.cc where the manual leaves the order open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expect_verdict.h"
#include "task_machine.h"

#include "eflags.h"
#include "task.h"

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

/* --- the switch ----------------------------------------------------------------------- */

#define NEW_IP 0x00001234u
#define OLD_IP 0x00005678u

/* A task of ring 0 with each register of its own. */
static void
fill_tss32(struct machine *m)
{
	static const uint16_t sels[] = { DATA, CODE, DATA, 0x04, 0, USER_DATA };

	poke32(m, NEW_TSS + 0x1c, 0x00077000);
	poke32(m, NEW_TSS + 0x20, NEW_IP);
	poke32(m, NEW_TSS + 0x24, DESCRY_FLAG_ONE | DESCRY_FLAG_ZF);
	for (unsigned i = 0; i < 8; i++)
		poke32(m, NEW_TSS + 0x28 + 4 * i, 0xc0c0d000 + i);
	for (unsigned i = 0; i < 6; i++)
		poke16(m, NEW_TSS + 0x48 + 4 * i, sels[i]);
	poke16(m, NEW_TSS + 0x60, SEL_LDT);
}

static void
fill_tss16(struct machine *m)
{
	static const uint16_t sels[] = { DATA, CODE, DATA, 0x04 };

	poke16(m, TSS16 + 0x0e, NEW_IP);
	poke16(m, TSS16 + 0x10, DESCRY_FLAG_ONE | DESCRY_FLAG_ZF);
	for (unsigned i = 0; i < 8; i++)
		poke16(m, TSS16 + 0x12 + 2 * i, 0xd000 + i);
	for (unsigned i = 0; i < 4; i++)
		poke16(m, TSS16 + 0x22 + 2 * i, sels[i]);
	poke16(m, TSS16 + 0x2a, SEL_LDT);
}

static void
set(struct machine *m, enum task_way way)
{
	task_machine_set(m, 0);
	fill_tss32(m);
	fill_tss16(m);
	if (way == TASK_BY_IRET) {
		m->ram[GDT + SEL_NEW + 5] |= 2;
		m->ram[GDT + SEL_16 + 5] |= 2;
	}
}

static bool
go(struct machine *m, enum task_way way, uint16_t sel)
{
	struct cpu *c = cpu_of(m);
	const struct task_request to = {
		.way = way, .sel = sel, .return_ip = OLD_IP, .flags = eflags_read(c)
	};

	return task_switch(c, &to);
}

/* SDM vol. 3, Effect of a Task Switch on Busy Flag, NT Flag, and Link Field: its four columns. */
static const struct {
	const char *what;
	enum task_way way;
	bool old_busy, nt, link;
} ways[] = {
	{ "JMP", TASK_BY_JMP, false, false, false },
	{ "CALL", TASK_BY_CALL, true, true, true },
	{ "interrupt", TASK_BY_INTERRUPT, true, true, true },
	{ "IRET", TASK_BY_IRET, false, false, false },
};

static void
busy_nt_and_link_are_as_the_table_says(void **state)
{
	struct machine *m = *state;
	const struct cpu *c = cpu_of(m);

	for (size_t i = 0; i < COUNT(ways); i++) {
		set(m, ways[i].way);
		assert_true(go(m, ways[i].way, SEL_NEW));
		assert_true(c->switched);
		assert_int_equal(access_byte(m, SEL_OLD), ways[i].old_busy ? 0x8b : 0x89);
		assert_int_equal(access_byte(m, SEL_NEW), 0x8b);
		assert_int_equal(c->state.seg[DESCRY_TR].attr, 0x8b);
		assert_int_equal(c->state.seg[DESCRY_TR].base, NEW_TSS);
		assert_int_equal(!!(c->state.rflags & DESCRY_FLAG_NT), ways[i].nt);
		assert_int_equal(peek16(m, NEW_TSS), ways[i].link ? SEL_OLD : 0);
		assert_true(c->state.cr0 & DESCRY_CR0_TS);
		assert_int_equal(c->state.dr[7], 0x7ff & ~0x155);
		assert_int_equal(c->state.cr3, 0); /* paging is off */
	}
}

static void
a_32_bit_task_is_saved_and_loaded_whole(void **state)
{
	struct machine *m = *state;
	const struct cpu *c = cpu_of(m);
	static const uint16_t saved[] = { DATA, CODE, DATA, DATA, DATA, DATA };

	set(m, TASK_BY_CALL);
	memset(&m->ram[OLD_TSS + 0x5e], 0xee, 2);
	assert_true(go(m, TASK_BY_CALL, SEL_NEW));
	assert_int_equal(peek32(m, OLD_TSS + 0x20), OLD_IP);
	assert_int_equal(peek32(m, OLD_TSS + 0x24), DESCRY_FLAG_ONE | DESCRY_FLAG_CF);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(peek32(m, OLD_TSS + 0x28 + 4 * i),
				 i == DESCRY_SP ? 0x7000 : 0xa0a0b000 + i);
		assert_int_equal(c->state.gpr[i], 0xc0c0d000 + i);
	}
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(peek16(m, OLD_TSS + 0x48 + 4 * i), saved[i]);
	assert_int_equal(peek16(m, OLD_TSS + 0x5e), 0xeeee); /* selectors are words */
	assert_int_equal(peek32(m, OLD_TSS + 0x1c), 0);      /* CR3 and LDT are not saved */
	assert_int_equal(peek16(m, OLD_TSS + 0x60), 0);
	assert_int_equal(c->target, NEW_IP);
	assert_int_equal(eflags_read(c), DESCRY_FLAG_ONE | DESCRY_FLAG_ZF | DESCRY_FLAG_NT);
}

static void
a_16_bit_task_keeps_the_lower_halves(void **state)
{
	struct machine *m = *state;
	const struct cpu *c = cpu_of(m);

	set(m, TASK_BY_JMP);
	assert_true(go(m, TASK_BY_JMP, SEL_16));
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(c->state.gpr[i], 0xffffd000 + i);
	assert_int_equal(c->target, NEW_IP);
	assert_int_equal(c->state.seg[DESCRY_TR].attr, 0x83);
	assert_int_equal(c->state.seg[DESCRY_FS].sel, 0);
	assert_true(c->state.seg[DESCRY_FS].attr & DESCRY_ATTR_UNUSABLE);
	assert_true(c->state.seg[DESCRY_GS].attr & DESCRY_ATTR_UNUSABLE);

	/* And back: out of a 16-bit TSS into a 32-bit one. */
	cpu_of(m)->state.gpr[DESCRY_AX] = 0x12345678;
	assert_true(go(m, TASK_BY_CALL, SEL_NEW));
	assert_int_equal(peek16(m, TSS16 + 0x0e), OLD_IP);
	assert_int_equal(peek16(m, TSS16 + 0x12), 0x5678);
	assert_int_equal(peek16(m, TSS16 + 0x14), 0xd001);
	assert_int_equal(peek16(m, TSS16 + 0x28), 0x04);
	assert_int_equal(peek16(m, TSS16 + 0x2a), SEL_LDT); /* not a word further */
}

/* One row of the cache write matrix: a task switch writes all eight. */
static void
all_eight_caches_come_from_the_tables(void **state)
{
	static const struct {
		enum descry_sreg sreg;
		uint16_t sel, attr;
		uint64_t base;
		uint32_t limit;
		enum descry_origin origin;
	} rows[] = {
		/* clang-format off */
		{ DESCRY_ES,   DATA,      0xc093, 0,       UINT32_MAX, DESCRY_ORIGIN_GDT },
		{ DESCRY_CS,   CODE,      0xc09b, 0,       UINT32_MAX, DESCRY_ORIGIN_GDT },
		{ DESCRY_SS,   DATA,      0xc093, 0,       UINT32_MAX, DESCRY_ORIGIN_GDT },
		{ DESCRY_DS,   0x04,      0x4093, 0x4000,  0xfff,      DESCRY_ORIGIN_LDT },
		{ DESCRY_FS,   0,         0xc100, 0,       UINT32_MAX, DESCRY_ORIGIN_SELECTOR },
		{ DESCRY_GS,   USER_DATA, 0xc0f3, 0,       UINT32_MAX, DESCRY_ORIGIN_GDT },
		{ DESCRY_LDTR, SEL_LDT,   0x0082, LDT,     0xf,        DESCRY_ORIGIN_GDT },
		{ DESCRY_TR,   SEL_NEW,   0x008b, NEW_TSS, 0x67,       DESCRY_ORIGIN_GDT },
		/* clang-format on */
	};
	struct machine *m = *state;

	set(m, TASK_BY_JMP);
	for (unsigned sreg = 0; sreg < DESCRY_TR; sreg++) /* nothing of it may stay */
		put(m, (enum descry_sreg)sreg,
		    (struct descry_segment){ 0xbad000, 0xbad, 0xbad8, 0x4093 });
	assert_true(go(m, TASK_BY_JMP, SEL_NEW));
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct descry_segment *seg = &cpu_of(m)->state.seg[rows[i].sreg];
		struct descry_provenance *from = &cpu_of(m)->newest_load[rows[i].sreg];

		assert_int_equal(seg->sel, rows[i].sel);
		assert_int_equal(seg->base, rows[i].base);
		assert_int_equal(seg->limit, rows[i].limit);
		assert_int_equal(seg->attr, rows[i].attr);
		assert_int_equal(from->cause, DESCRY_CAUSE_TASK_SWITCH);
		assert_int_equal(from->origin, rows[i].origin);
	}
}

static void
an_error_code_goes_on_the_new_stack(void **state)
{
	struct machine *m = *state;
	const struct task_request to = { .way = TASK_BY_INTERRUPT,
					 .sel = SEL_NEW,
					 .has_error_code = true,
					 .error_code = 0x1234 };

	set(m, TASK_BY_INTERRUPT);
	poke32(m, NEW_TSS + 0x38, 0x6000);
	assert_true(task_switch(cpu_of(m), &to));
	assert_int_equal(cpu_of(m)->state.gpr[DESCRY_SP], 0x5ffc);
	assert_int_equal(peek32(m, 0x5ffc), 0x1234);
}

static void
a_new_task_may_be_virtual_8086(void **state)
{
	struct machine *m = *state;
	const struct cpu *c = cpu_of(m);

	set(m, TASK_BY_JMP);
	poke32(m, NEW_TSS + 0x24, DESCRY_FLAG_ONE | DESCRY_FLAG_VM);
	for (unsigned i = 0; i < 6; i++) /* that name nothing, did they name descriptors */
		poke16(m, NEW_TSS + 0x48 + 4 * i, 0xf000 + i);
	assert_true(go(m, TASK_BY_JMP, SEL_NEW));
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(c->state.seg[i].sel, 0xf000 + i);
		assert_int_equal(c->state.seg[i].base, 0xf0000 + 16 * i);
		assert_int_equal(c->state.seg[i].limit, 0xffff);
		assert_int_equal(c->state.seg[i].attr, 0xf3);
	}
	assert_int_equal(c->state.seg[DESCRY_LDTR].base, LDT);
	assert_int_equal(descry_cpl(&c->state), 3);
}

/* IRET clears its own busy bit and leaves the new one's alone: one and the same here. */
static void
a_task_may_return_to_itself(void **state)
{
	struct machine *m = *state;

	set(m, TASK_BY_IRET);
	assert_true(go(m, TASK_BY_IRET, SEL_OLD));
	assert_int_equal(cpu_of(m)->target, OLD_IP); /* what has just been saved */
	assert_int_equal(cpu_of(m)->state.gpr[DESCRY_BX], 0xa0a0b003);
	assert_int_equal(access_byte(m, SEL_OLD), 0x89);
}

static void
iret_reads_the_link_and_clears_nt(void **state)
{
	struct machine *m = *state;

	set(m, TASK_BY_IRET);
	poke16(m, OLD_TSS, SEL_NEW);
	cpu_of(m)->state.rflags |= DESCRY_FLAG_NT;
	cpu_of(m)->state.nmi_blocked = 1;
	assert_true(task_return(cpu_of(m), OLD_IP));
	assert_int_equal(cpu_of(m)->target, NEW_IP);
	assert_int_equal(peek32(m, OLD_TSS + 0x24), DESCRY_FLAG_ONE | DESCRY_FLAG_CF);
	assert_int_equal(cpu_of(m)->state.nmi_blocked, 0);
}

/* --- faults --------------------------------------------------------------------------- */

/* Of the old task: not a register and not a byte has changed. */
static const struct {
	const char *what;
	enum task_way way;
	uint16_t sel;
	uint32_t at; /* a word of memory to change first */
	uint16_t word;
	unsigned vector, error_code;
} early[] = {
	/* clang-format off */
	{ "null",                   TASK_BY_JMP,  0,       0, 0, GP, 0 },
	{ "local",                  TASK_BY_CALL, 0x0f,    0, 0, GP, 0x0c },
	{ "beyond the GDT",         TASK_BY_JMP,  BEYOND,  0, 0, GP, BEYOND },
	{ "link beyond the GDT",    TASK_BY_IRET, BEYOND,  0, 0, TS, BEYOND },
	{ "code",                   TASK_BY_INTERRUPT, CODE, 0, 0, GP, CODE },
	{ "busy",                   TASK_BY_CALL, SEL_OLD, 0, 0, GP, SEL_OLD },
	{ "link to code",           TASK_BY_IRET, CODE,    0, 0, TS, CODE },
	{ "absent",                 TASK_BY_JMP,  SEL_NEW, GDT + SEL_NEW + 4, 0x0941, NP, SEL_NEW },
	{ "new TSS too short",      TASK_BY_JMP,  SEL_NEW, GDT + SEL_NEW, 0x66, TS, SEL_NEW },
	{ "16-bit one too short",   TASK_BY_JMP,  SEL_16,  GDT + SEL_16, 0x2a, TS, SEL_16 },
	/* clang-format on */
};

static void
a_fault_before_the_commit_point_changes_nothing(void **state)
{
	static uint8_t ram[RAM_SIZE];
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);
	struct descry_state before;

	for (size_t i = 0; i < COUNT(early); i++) {
		set(m, early[i].way);
		if (early[i].at)
			poke16(m, early[i].at, early[i].word);
		memcpy(ram, m->ram, sizeof(ram));
		before = c->state;
		if (go(m, early[i].way, early[i].sel) || c->switched ||
		    c->fault.vector != early[i].vector ||
		    c->fault.error_code != early[i].error_code)
			fail_msg("%s: vector %u code %04x, want %u %04x", early[i].what,
				 c->fault.vector, c->fault.error_code, early[i].vector,
				 early[i].error_code);
		assert_memory_equal(&before, &c->state, sizeof(before));
		assert_memory_equal(ram, m->ram, sizeof(ram));
	}
}

static void
the_old_tss_must_hold_what_is_saved(void **state)
{
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);

	set(m, TASK_BY_JMP);
	c->state.seg[DESCRY_TR].limit = 0x5e;
	assert_false(go(m, TASK_BY_JMP, SEL_NEW));
	assert_int_equal(c->fault.vector, TS);
	assert_int_equal(c->fault.error_code, SEL_OLD);
	assert_false(c->switched);
	c->state.seg[DESCRY_TR].limit = 0x5f;
	assert_true(go(m, TASK_BY_JMP, SEL_NEW));
}

#define DIRECTORY 0xa000u
#define PAGE_TABLE 0xb000u

/* All of memory as it is, but for one page. */
static void
page_all_but(struct machine *m, uint32_t absent)
{
	struct descry_state *state = descry_vcpu_state_mutable(m->vcpu);

	poke32(m, DIRECTORY, PAGE_TABLE | 3);
	for (uint32_t page = 0; page < RAM_SIZE; page += DESCRY_PAGE_SIZE)
		poke32(m, PAGE_TABLE + page / 1024, page == absent ? 0 : page | 3);
	descry_vcpu_memory_changed(m->vcpu);
	state->cr3 = DIRECTORY;
	state->cr0 |= DESCRY_CR0_PG;
	descry_vcpu_state_changed(m->vcpu);
}

/* A TSS that goes over into a page that is not there: found before the first write. */
static const struct {
	const char *what;
	uint32_t old_base, new_base;
	unsigned error_code;
} split[] = {
	{ "the new TSS is read", OLD_TSS, 0x5fc0, 0 },
	{ "the old TSS is written", 0x5fc0, NEW_TSS, 2 },
};

static void
a_page_fault_on_the_way_changes_nothing(void **state)
{
	static uint8_t ram[RAM_SIZE];
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);
	struct descry_state before;

	for (size_t i = 0; i < COUNT(split); i++) {
		set(m, TASK_BY_JMP);
		poke16(m, GDT + SEL_NEW + 2, split[i].new_base);
		c->state.seg[DESCRY_TR].base = split[i].old_base;
		page_all_but(m, 0x6000);
		memcpy(ram, m->ram, sizeof(ram));
		before = c->state;
		assert_false(go(m, TASK_BY_JMP, SEL_NEW));
		assert_false(c->switched);
		assert_int_equal(c->fault.vector, DESCRY_VEC_PF);
		assert_int_equal(c->fault.error_code, split[i].error_code);
		assert_memory_equal(before.seg, c->state.seg, sizeof(before.seg));
		assert_memory_equal(before.gpr, c->state.gpr, sizeof(before.gpr));
		assert_int_equal(before.cr0, c->state.cr0);
		assert_memory_equal(ram, m->ram, DIRECTORY); /* above it are accessed bits */
	}
}

/*
 * Of the new task. The selectors are all the new ones; of the caches those before the one that
 * failed, in the order LDTR SS DS ES FS GS CS, are valid.
 */
static const struct {
	const char *what;
	enum descry_sreg sreg;
	uint32_t at; /* in the TSS */
	uint16_t sel;
	unsigned vector, error_code;
} late[] = {
	/* clang-format off */
	{ "LDT in the LDT",       DESCRY_LDTR, 0x60, 0x34,        TS, 0x34 },
	{ "LDT beyond the GDT",   DESCRY_LDTR, 0x60, BEYOND,      TS, BEYOND },
	{ "LDT is data",          DESCRY_LDTR, 0x60, DATA,        TS, DATA },
	{ "LDT is absent",        DESCRY_LDTR, 0x60, LDT_ABSENT,  TS, LDT_ABSENT },
	{ "SS null",              DESCRY_SS,   0x50, 3,           TS, 0 },
	{ "SS beyond the GDT",    DESCRY_SS,   0x50, BEYOND + 3,  TS, BEYOND },
	{ "SS beyond the LDT",    DESCRY_SS,   0x50, 0x14,        TS, 0x14 },
	{ "SS read-only",         DESCRY_SS,   0x50, READ_ONLY,   TS, READ_ONLY },
	{ "SS absent",            DESCRY_SS,   0x50, DATA_ABSENT, SS, DATA_ABSENT },
	{ "SS of ring 3",         DESCRY_SS,   0x50, USER_DATA,   TS, USER_DATA & ~3u },
	{ "DS is a TSS",          DESCRY_DS,   0x54, SEL_16,      TS, SEL_16 },
	{ "DS absent",            DESCRY_DS,   0x54, DATA_ABSENT, NP, DATA_ABSENT },
	{ "ES execute-only",      DESCRY_ES,   0x48, EXECUTE_ONLY, TS, EXECUTE_ONLY },
	{ "FS with RPL 3",        DESCRY_FS,   0x58, DATA + 3,    TS, DATA },
	{ "GS beyond the GDT",    DESCRY_GS,   0x5c, BEYOND,      TS, BEYOND },
	{ "CS null",              DESCRY_CS,   0x4c, 0,           TS, 0 },
	{ "CS is data",           DESCRY_CS,   0x4c, DATA,        TS, DATA },
	{ "CS absent",            DESCRY_CS,   0x4c, CODE_ABSENT, NP, CODE_ABSENT },
	{ "CS of ring 3, RPL 0",  DESCRY_CS,   0x4c, USER_CODE & ~3u, TS, USER_CODE & ~3u },
	/* clang-format on */
};

static void
expect_caches_up_to(const struct cpu *c, enum descry_sreg failed)
{
	static const enum descry_sreg order[] = { DESCRY_LDTR, DESCRY_SS, DESCRY_DS, DESCRY_ES,
						  DESCRY_FS,   DESCRY_GS, DESCRY_CS };
	bool loaded = true;

	for (size_t i = 0; i < COUNT(order); i++) {
		loaded = loaded && order[i] != failed;
		assert_int_equal(descry_segment_usable(&c->state.seg[order[i]]),
				 loaded && order[i] != DESCRY_FS);
		assert_int_equal(c->newest_load[order[i]].cause, DESCRY_CAUSE_TASK_SWITCH);
	}
	assert_int_equal(descry_cpl(&c->state),
			 failed == DESCRY_LDTR || failed == DESCRY_SS ? 3 : 0);
}

static void
a_fault_after_the_commit_point_is_the_new_tasks(void **state)
{
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);

	for (size_t i = 0; i < COUNT(late); i++) {
		set(m, TASK_BY_CALL);
		poke16(m, NEW_TSS + late[i].at, late[i].sel);
		if (go(m, TASK_BY_CALL, SEL_NEW) || !c->switched ||
		    c->fault.vector != late[i].vector || c->fault.error_code != late[i].error_code)
			fail_msg("%s: vector %u code %04x, want %u %04x", late[i].what,
				 c->fault.vector, c->fault.error_code, late[i].vector,
				 late[i].error_code);
		assert_int_equal(c->state.seg[late[i].sreg].sel, late[i].sel);
		assert_int_equal(c->state.seg[DESCRY_TR].sel, SEL_NEW);
		assert_int_equal(c->state.seg[DESCRY_GS].sel,
				 late[i].sreg == DESCRY_GS ? BEYOND : USER_DATA);
		assert_int_equal(c->state.gpr[DESCRY_DI], 0xc0c0d007);
		assert_int_equal(c->state.rip, NEW_IP);
		assert_int_equal(peek32(m, OLD_TSS + 0x20), OLD_IP);
		expect_caches_up_to(c, late[i].sreg);
	}
}

static void
eip_and_the_error_code_come_last(void **state)
{
	struct machine *m = *state;
	struct cpu *c = cpu_of(m);
	struct task_request to = { .way = TASK_BY_INTERRUPT,
				   .sel = SEL_NEW,
				   .has_error_code = true };

	set(m, TASK_BY_INTERRUPT);
	poke16(m, NEW_TSS + 0x4c, SHORT_CODE); /* NEW_IP lies beyond it */
	poke32(m, NEW_TSS + 0x38, 0x6000);
	assert_false(task_switch(c, &to));
	assert_int_equal(c->fault.vector, GP);
	assert_int_equal(c->fault.error_code, 0);
	assert_int_equal(c->state.gpr[DESCRY_SP], 0x5ffc);
	assert_int_equal(c->state.seg[DESCRY_CS].limit, 0xfff);

	set(m, TASK_BY_INTERRUPT);
	poke16(m, NEW_TSS + 0x50, SHORT_STACK);
	poke32(m, NEW_TSS + 0x38, 0x0b); /* bytes 7 to Ah of a segment that ends at 7 */
	assert_false(task_switch(c, &to));
	assert_int_equal(c->fault.vector, SS);
	assert_int_equal(c->fault.error_code, 0);
	assert_int_equal(c->state.gpr[DESCRY_SP], 0x0b);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(busy_nt_and_link_are_as_the_table_says),
		TEST(a_32_bit_task_is_saved_and_loaded_whole),
		TEST(a_16_bit_task_keeps_the_lower_halves),
		TEST(all_eight_caches_come_from_the_tables),
		TEST(an_error_code_goes_on_the_new_stack),
		TEST(a_new_task_may_be_virtual_8086),
		TEST(a_task_may_return_to_itself),
		TEST(iret_reads_the_link_and_clears_nt),
		TEST(a_fault_before_the_commit_point_changes_nothing),
		TEST(a_page_fault_on_the_way_changes_nothing),
		TEST(the_old_tss_must_hold_what_is_saved),
		TEST(a_fault_after_the_commit_point_is_the_new_tasks),
		TEST(eip_and_the_error_code_come_last),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
