/*
 * Reload preview and status of a cache, on a CPU with 64 KiB of memory. Oracle: the
 * definitions in docs (status), SDM vol. 2 and 3 (loads); and for every selector the load
 * itself, which the preview has to foretell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <descry/operation.h>
#include <descry/reload.h>

#include "small_machine.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { NONE = DESCRY_VEC_NONE, UD = 6, NP = 11, SS = 12, GP = 13 };

/* --- preview -------------------------------------------------------------------------- */

#define PROT DESCRY_MODE_PROTECTED
#define REAL DESCRY_MODE_REAL
#define V86 DESCRY_MODE_V86

static const struct { /* mode, register and its selector in; fault, or segment and raw, out */
	const char *what;
	enum descry_mode mode;
	enum descry_sreg sreg;
	uint16_t sel;
	enum descry_reload_mode how;
	uint8_t vector;
	uint16_t error_code;
	const char *why;
	struct descry_segment segment;
	uint64_t raw; /* 0: no table was read */
} previews[] = {
	/* clang-format off */
	{ "flat data", PROT, DESCRY_FS, 0x10, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0, UINT32_MAX, 0x10, 0xc093 }, 0x00cf93000000ffff },
	{ "a load marks accessed", PROT, DESCRY_DS, 0x50, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0, 0xffff, 0x50, 0x0093 }, 0x000092000000ffff },
	{ "null data", PROT, DESCRY_FS, 0x03, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0, UINT32_MAX, 0x03, 0xc100 }, 0 },
	{ "local data", PROT, DESCRY_GS, 0x04, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0x4000, 0xfff, 0x04, 0x4093 }, 0x0040930040000fff },
	{ "beyond the LDT", PROT, DESCRY_GS, 0x14, DESCRY_RELOAD_NOW,
	  GP, 0x14, "beyond the limit of the table", { 0 }, 0 },
	{ "beyond the GDT", PROT, DESCRY_FS, 0x80, DESCRY_RELOAD_NOW,
	  GP, 0x80, "beyond the limit of the table", { 0 }, 0 },
	{ "not present", PROT, DESCRY_FS, 0x20, DESCRY_RELOAD_NOW,
	  NP, 0x20, "not present", { 0 }, 0x00cf13000000ffff },
	{ "a TSS in FS", PROT, DESCRY_FS, 0x30, DESCRY_RELOAD_NOW,
	  GP, 0x30, "wrong descriptor type", { 0 }, 0x00008b0020000067 },
	{ "stack, not present", PROT, DESCRY_SS, 0x20, DESCRY_RELOAD_NOW,
	  SS, 0x20, "not present", { 0 }, 0x00cf13000000ffff },
	{ "stack, null", PROT, DESCRY_SS, 0x00, DESCRY_RELOAD_NOW, GP, 0, "null selector", { 0 }, 0 },
	{ "stack of another ring", PROT, DESCRY_SS, 0x43, DESCRY_RELOAD_PROTECTED,
	  GP, 0x40, "privilege", { 0 }, 0x00cff3000000ffff },
	{ "code", PROT, DESCRY_CS, 0x08, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0, UINT32_MAX, 0x08, 0xc09b }, 0x00cf9b000000ffff },
	{ "conforming code: RPL becomes CPL", PROT, DESCRY_CS, 0x1b, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0, UINT32_MAX, 0x18, 0xc09f }, 0x00cf9f000000ffff },
	{ "code with RPL above CPL", PROT, DESCRY_CS, 0x0b, DESCRY_RELOAD_NOW,
	  GP, 0x08, "privilege", { 0 }, 0x00cf9b000000ffff },
	{ "code, null", PROT, DESCRY_CS, 0x00, DESCRY_RELOAD_NOW, GP, 0, "null selector", { 0 }, 0 },
	{ "LDT", PROT, DESCRY_LDTR, 0x38, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0x3000, 0xf, 0x38, 0x0082 }, 0x000082003000000f },
	{ "LDT, null", PROT, DESCRY_LDTR, 0x00, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0, UINT32_MAX, 0, 0xc100 }, 0 },
	{ "LDT, local", PROT, DESCRY_LDTR, 0x04, DESCRY_RELOAD_NOW,
	  GP, 0x04, "local selector where only the global table will do", { 0 }, 0 },
	{ "TSS that is busy because TR holds it", PROT, DESCRY_TR, 0x30, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0x2000, 0x67, 0x30, 0x008b }, 0x00008b0020000067 },
	{ "TSS that is available", PROT, DESCRY_TR, 0x58, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0x2000, 0x67, 0x58, 0x008b }, 0x0000890020000067 },
	{ "TSS, null", PROT, DESCRY_TR, 0x00, DESCRY_RELOAD_NOW, GP, 0, "null selector", { 0 }, 0 },

	{ "real mode: base only", REAL, DESCRY_FS, 0x10, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0x100, 0xfffff, 0x10, 0x8091 }, 0 },
	{ "real mode: CS fixed", REAL, DESCRY_CS, 0xf000, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0xf0000, 0xffff, 0xf000, 0x0093 }, 0 },
	{ "real mode seen as protected", REAL, DESCRY_FS, 0x28, DESCRY_RELOAD_PROTECTED,
	  NONE, 0, NULL, { 0x1000, 0x1000, 0x28, 0x4093 }, 0x0040930010001000 },
	{ "protected mode seen as real", PROT, DESCRY_FS, 0x28, DESCRY_RELOAD_REAL,
	  NONE, 0, NULL, { 0x280, 0xfffff, 0x28, 0x8091 }, 0 },
	{ "protected mode seen as V86", PROT, DESCRY_CS, 0x08, DESCRY_RELOAD_V86,
	  NONE, 0, NULL, { 0x80, 0xffff, 0x08, 0x00f3 }, 0 },
	{ "V86 now", V86, DESCRY_FS, 0x10, DESCRY_RELOAD_NOW,
	  NONE, 0, NULL, { 0x100, 0xffff, 0x10, 0x00f3 }, 0 },
	{ "V86 seen as protected: in ring 0", V86, DESCRY_FS, 0x10, DESCRY_RELOAD_PROTECTED,
	  NONE, 0, NULL, { 0, UINT32_MAX, 0x10, 0xc093 }, 0x00cf93000000ffff },
	{ "no LLDT in real mode", REAL, DESCRY_LDTR, 0x38, DESCRY_RELOAD_NOW,
	  UD, 0, "not recognized in real and virtual-8086 mode", { 0 }, 0 },
	{ "no LTR in V86", V86, DESCRY_TR, 0x30, DESCRY_RELOAD_NOW,
	  UD, 0, "not recognized in real and virtual-8086 mode", { 0 }, 0 },
	/* clang-format on */
};

static void
check_preview(const struct descry_preview *got, size_t row)
{
	const char *what = previews[row].what;
	const struct descry_segment *want = &previews[row].segment;

	if (got->fault.vector != previews[row].vector ||
	    got->fault.error_code != previews[row].error_code)
		fail_msg("%s: vector %u error code %04x", what, got->fault.vector,
			 got->fault.error_code);
	if (got->from_table != (previews[row].raw != 0) || got->raw != previews[row].raw)
		fail_msg("%s: raw descriptor %016llx", what, (unsigned long long)got->raw);
	if (previews[row].why != NULL) {
		assert_non_null(got->why);
		assert_string_equal(got->why, previews[row].why);
		return;
	}
	assert_null(got->why);
	if (got->segment.sel != want->sel || !descry_segment_same_cache(&got->segment, want))
		fail_msg("%s: %04x %08llx %08x %04x", what, got->segment.sel,
			 (unsigned long long)got->segment.base, (unsigned)got->segment.limit,
			 got->segment.attr);
}

static void
test_preview(void **unused)
{
	/* Odd on purpose: what a real-mode load keeps must show. */
	const struct descry_segment held = { 0x777000, 0xfffff, 0, 0x8091 };
	struct machine m;

	(void)unused;
	machine_open(&m);
	for (size_t i = 0; i < COUNT(previews); i++) {
		struct descry_preview got;
		struct descry_segment seg = held;

		put(&m, DESCRY_LDTR, (struct descry_segment){ LDT, 0xf, 0x38, 0x0082 });
		put_cpl(&m, 0);
		seg.sel = previews[i].sel;
		if (previews[i].sreg == DESCRY_SS || previews[i].sreg == DESCRY_LDTR)
			seg.attr = descry_vcpu_state(m.vcpu)->seg[previews[i].sreg].attr;
		put(&m, previews[i].sreg, seg);
		set_mode(&m, previews[i].mode);
		descry_reload_preview(m.vcpu, previews[i].sreg, previews[i].how, &got);
		check_preview(&got, i);
	}
	descry_vcpu_destroy(m.vcpu);
}

/* --- preview against the load itself -------------------------------------------------- */

/* A jump through a TSS is a task switch, LTR of a busy TSS a fault: not what a preview tells. */
static bool
is_comparable(enum descry_sreg sreg, uint16_t sel)
{
	const uint16_t slot = (uint16_t)(sel & ~DESCRY_SEL_RPL);

	if (sreg == DESCRY_CS)
		return slot != 0x30 && slot != 0x58;
	return !(sreg == DESCRY_TR && slot == 0x30);
}

static void
compare_with_load(struct machine *m, enum descry_sreg sreg, uint16_t sel)
{
	struct descry_fault fault = { .vector = DESCRY_VEC_NONE };
	struct descry_vcpu_image before;
	struct descry_preview told;
	const struct descry_segment *seg = &descry_vcpu_state(m->vcpu)->seg[sreg];
	bool loaded;

	descry_vcpu_save(m->vcpu, &before);
	descry_load_preview(m->vcpu, sreg, sel, DESCRY_RELOAD_NOW, &told);
	assert_memory_equal(&before.state, descry_vcpu_state(m->vcpu), sizeof(before.state));

	loaded = descry_op_load_segment(m->vcpu, sreg, sel, DESCRY_CAUSE_MOV, &fault);
	if (loaded != (told.fault.vector == DESCRY_VEC_NONE))
		fail_msg("%s, %04x: told vector %u, load %s", descry_sreg_name(sreg), sel,
			 told.fault.vector, loaded ? "loads" : "faults");
	if (!loaded && memcmp(&fault, &told.fault, sizeof(fault)) != 0)
		fail_msg("%s, %04x: told vector %u error code %04x, load %u, %04x",
			 descry_sreg_name(sreg), sel, told.fault.vector, told.fault.error_code,
			 fault.vector, fault.error_code);
	if (loaded && memcmp(seg, &told.segment, sizeof(*seg)) != 0)
		fail_msg("%s, %04x: told base %llx attr %04x, load gives %llx, %04x",
			 descry_sreg_name(sreg), sel, (unsigned long long)told.segment.base,
			 told.segment.attr, (unsigned long long)seg->base, seg->attr);

	write_tables(m);
	descry_vcpu_restore(m->vcpu, &before);
}

static void
compare_all(struct machine *m)
{
	for (unsigned s = 0; s < DESCRY_SREG_COUNT; s++) {
		for (unsigned sel = 0; sel < 0x90; sel++) {
			if (is_comparable((enum descry_sreg)s, (uint16_t)sel))
				compare_with_load(m, (enum descry_sreg)s, (uint16_t)sel);
		}
	}
}

/* LLDT and LTR by hand need CPL 0, and in real mode they are no instructions. */
static void
test_preview_foretells_load(void **unused)
{
	struct machine m;

	(void)unused;
	machine_open(&m);
	put(&m, DESCRY_LDTR, (struct descry_segment){ LDT, 0xf, 0x38, 0x0082 });
	put_cpl(&m, 0);
	compare_all(&m);
	set_mode(&m, DESCRY_MODE_PROTECTED);
	compare_all(&m);
	put(&m, DESCRY_LDTR, (struct descry_segment){ 0, UINT32_MAX, 0, 0xc100 });
	compare_all(&m);
	descry_vcpu_destroy(m.vcpu);
}

static void
test_preview_foretells_load_in_ring_3(void **unused)
{
	struct machine m;

	(void)unused;
	machine_open(&m);
	put(&m, DESCRY_LDTR, (struct descry_segment){ LDT, 0xf, 0x38, 0x0082 });
	put(&m, DESCRY_CS, (struct descry_segment){ 0, UINT32_MAX, 0x4b, 0xc0fb });
	set_mode(&m, DESCRY_MODE_PROTECTED);
	put_cpl(&m, 3);
	for (unsigned s = 0; s < DESCRY_DATA_SREG_COUNT; s++) {
		for (unsigned sel = 0; sel < 0x90; sel++) {
			if (is_comparable((enum descry_sreg)s, (uint16_t)sel))
				compare_with_load(&m, (enum descry_sreg)s, (uint16_t)sel);
		}
	}
	descry_vcpu_destroy(m.vcpu);
}

/* --- status --------------------------------------------------------------------------- */

static const struct {
	const char *what;
	enum descry_mode mode;
	enum descry_sreg sreg;
	struct descry_segment held;
	const char *status;
} statuses[] = {
	/* clang-format off */
	{ "real FS after reset",            REAL, DESCRY_FS, { 0, 0xffff, 0, 0x0093 },             "MATCH" },
	{ "real FS with its base",          REAL, DESCRY_FS, { 0x12340, 0xffff, 0x1234, 0x0093 },  "MATCH" },
	{ "real FS not accessed",           REAL, DESCRY_FS, { 0, 0xffff, 0, 0x0092 },             "MATCH" },
	{ "G and AVL do not matter",        REAL, DESCRY_FS, { 0, 0xffff, 0, 0x9093 },             "MATCH" },
	{ "4G limit",                       REAL, DESCRY_FS, { 0, UINT32_MAX, 0, 0x8093 },         "UNREAL" },
	{ "limit below 64K",                REAL, DESCRY_FS, { 0, 0xfffe, 0, 0x0093 },             "UNREAL" },
	{ "D/B set",                        REAL, DESCRY_FS, { 0, 0xffff, 0, 0x4093 },             "UNREAL" },
	{ "read-only",                      REAL, DESCRY_FS, { 0, 0xffff, 0, 0x0091 },             "UNREAL" },
	{ "expand-down",                    REAL, DESCRY_FS, { 0, 0xffff, 0, 0x0097 },             "UNREAL" },
	{ "DPL 3",                          REAL, DESCRY_FS, { 0, 0xffff, 0, 0x00f3 },             "UNREAL" },
	{ "code in FS",                     REAL, DESCRY_FS, { 0, 0xffff, 0, 0x009b },             "UNREAL" },
	{ "system type in FS",              REAL, DESCRY_FS, { 0, 0xffff, 0, 0x0083 },             "UNREAL" },
	{ "readable code in CS",            REAL, DESCRY_CS, { 0, 0xffff, 0, 0x009b },             "MATCH" },
	{ "data in CS",                     REAL, DESCRY_CS, { 0, 0xffff, 0, 0x0093 },             "MATCH" },
	{ "execute-only code in CS",        REAL, DESCRY_CS, { 0, 0xffff, 0, 0x0099 },             "UNREAL" },
	{ "CS after reset",                 REAL, DESCRY_CS, { 0xffff0000, 0xffff, 0xf000, 0x93 }, "UNREAL-BASE" },
	{ "scenario of the mail, PE=0",     REAL, DESCRY_FS, { 0, UINT32_MAX, 0x10, 0xc093 },      "UNREAL|UNREAL-BASE" },
	{ "null load, then PE=0",           REAL, DESCRY_FS, { 0, UINT32_MAX, 0, 0xc100 },         "UNREAL|UNUSABLE" },
	{ "not present, PE=0",              REAL, DESCRY_FS, { 0x10, 0xffff, 1, 0x0013 },          "UNREAL|UNUSABLE" },
	{ "LDTR knows no unreal",           REAL, DESCRY_LDTR, { 5, 5, 0, 0x0082 },                "MATCH" },
	{ "TR knows no unreal",             REAL, DESCRY_TR, { 5, 5, 0x30, 0x008b },               "MATCH" },
	{ "LDTR null, PE=0",                REAL, DESCRY_LDTR, { 0, UINT32_MAX, 0, 0xc100 },       "UNUSABLE" },

	{ "PE=1, FS as reset left it",      PROT, DESCRY_FS, { 0, 0xffff, 0, 0x0093 },             "STALE" },
	{ "FS as the table says",           PROT, DESCRY_FS, { 0, UINT32_MAX, 0x10, 0xc093 },      "MATCH" },
	{ "accessed only in the cache",     PROT, DESCRY_FS, { 0, 0xffff, 0x50, 0x0093 },          "MATCH" },
	{ "accessed in neither",            PROT, DESCRY_FS, { 0, 0xffff, 0x50, 0x0092 },          "MATCH" },
	{ "another base",                   PROT, DESCRY_FS, { 0x2000, 0x1000, 0x28, 0x4093 },     "STALE" },
	{ "another limit",                  PROT, DESCRY_FS, { 0x1000, 0x1001, 0x28, 0x4093 },     "STALE" },
	{ "another attr: AVL",              PROT, DESCRY_FS, { 0x1000, 0x1000, 0x28, 0x5093 },     "STALE" },
	{ "a reload would fault",           PROT, DESCRY_FS, { 0, UINT32_MAX, 0x20, 0xc093 },      "STALE" },
	{ "beyond the table",               PROT, DESCRY_FS, { 0, UINT32_MAX, 0x88, 0xc093 },      "STALE" },
	{ "null and unusable",              PROT, DESCRY_FS, { 0, UINT32_MAX, 0, 0xc100 },         "UNUSABLE" },
	{ "null with another base",         PROT, DESCRY_FS, { 0x1000, UINT32_MAX, 0, 0xc100 },    "STALE|UNUSABLE" },
	{ "unusable with a selector",       PROT, DESCRY_FS, { 0, UINT32_MAX, 0x10, 0xc193 },      "STALE|UNUSABLE" },
	{ "base says nothing of sel * 16",  PROT, DESCRY_FS, { 0x1000, 0x1000, 0x28, 0x4093 },     "MATCH" },
	{ "CS",                             PROT, DESCRY_CS, { 0, UINT32_MAX, 8, 0xc09b },         "MATCH" },
	{ "CS of real mode after PE=1",     PROT, DESCRY_CS, { 0, 0xffff, 0, 0x0093 },             "STALE" },
	{ "SS",                             PROT, DESCRY_SS, { 0, UINT32_MAX, 0x10, 0xc093 },      "MATCH" },
	{ "SS whose table has turned",      PROT, DESCRY_SS, { 0, UINT32_MAX, 0x40, 0xc093 },      "STALE" },
	{ "LDTR",                           PROT, DESCRY_LDTR, { LDT, 0xf, 0x38, 0x0082 },         "MATCH" },
	{ "LDTR after reset",               PROT, DESCRY_LDTR, { 0, 0xffff, 0, 0x0082 },           "STALE" },
	{ "LDTR null",                      PROT, DESCRY_LDTR, { 0, UINT32_MAX, 0, 0xc100 },       "UNUSABLE" },
	{ "TR, busy in the table",          PROT, DESCRY_TR, { 0x2000, 0x67, 0x30, 0x008b },       "MATCH" },
	{ "TR, available in the table",     PROT, DESCRY_TR, { 0x2000, 0x67, 0x58, 0x008b },       "MATCH" },
	{ "TR, 16-bit over 32-bit",         PROT, DESCRY_TR, { 0x2000, 0x67, 0x30, 0x0083 },       "STALE" },
	{ "TR after reset",                 PROT, DESCRY_TR, { 0, 0xffff, 0, 0x008b },             "STALE" },

	{ "V86 FS",                         V86, DESCRY_FS, { 0x100, 0xffff, 0x10, 0x00f3 },       "MATCH" },
	{ "V86 FS, not accessed",           V86, DESCRY_FS, { 0x100, 0xffff, 0x10, 0x00f2 },       "MATCH" },
	{ "V86 FS with another base",       V86, DESCRY_FS, { 0, 0xffff, 0x10, 0x00f3 },           "STALE" },
	{ "V86, LDTR by its table",         V86, DESCRY_LDTR, { LDT, 0xf, 0x38, 0x0082 },          "MATCH" },
	{ "V86, TR by its table",           V86, DESCRY_TR, { 0x2000, 0x66, 0x30, 0x008b },        "STALE" },
	/* clang-format on */
};

static void
expect_status(const struct machine *m, const char *what, enum descry_sreg sreg, const char *want)
{
	char text[DESCRY_CACHE_STATUS_TEXT];
	const char *got = descry_cache_status_text(descry_cache_status(m->vcpu, sreg), text);

	if (strcmp(got, want) != 0)
		fail_msg("%s: %s, want %s", what, got, want);
}

static void
test_status(void **unused)
{
	struct machine m;

	(void)unused;
	machine_open(&m);
	for (size_t i = 0; i < COUNT(statuses); i++) {
		put_cpl(&m, 0);
		put(&m, statuses[i].sreg, statuses[i].held);
		set_mode(&m, statuses[i].mode);
		expect_status(&m, statuses[i].what, statuses[i].sreg, statuses[i].status);
	}
	descry_vcpu_destroy(m.vcpu);
}

static void
test_reset_is_no_constant_load(void **unused)
{
	struct machine m;

	(void)unused;
	machine_open(&m);
	descry_vcpu_reset(m.vcpu);
	expect_status(&m, "FS after reset", DESCRY_FS, "MATCH");
	expect_status(&m, "CS after reset", DESCRY_CS, "UNREAL-BASE");
	expect_status(&m, "TR after reset", DESCRY_TR, "MATCH");
	descry_vcpu_destroy(m.vcpu);
}

/* FORCED lasts until something else has written all that was forced. */
static void
test_forced(void **unused)
{
	const struct descry_segment flat = { 0, UINT32_MAX, 0x10, 0xc093 };
	struct descry_segment moved = flat;
	struct descry_fault fault;
	struct machine m;

	(void)unused;
	machine_open(&m);
	set_mode(&m, DESCRY_MODE_PROTECTED);
	put(&m, DESCRY_FS, flat);
	moved.limit = 0xfff;
	descry_vcpu_put_segment(m.vcpu, DESCRY_FS, &moved, DESCRY_CAUSE_DEBUGGER);
	expect_status(&m, "one field poked", DESCRY_FS, "STALE|FORCED");
	set_mode(&m, DESCRY_MODE_REAL);
	assert_true(descry_op_load_segment(m.vcpu, DESCRY_FS, 0, DESCRY_CAUSE_MOV, &fault));
	expect_status(&m, "a real-mode load leaves the limit", DESCRY_FS, "UNREAL|FORCED");
	set_mode(&m, DESCRY_MODE_PROTECTED);
	assert_true(descry_op_load_segment(m.vcpu, DESCRY_FS, 0x10, DESCRY_CAUSE_MOV, &fault));
	expect_status(&m, "a protected-mode load leaves nothing", DESCRY_FS, "MATCH");
	descry_vcpu_put_segment(m.vcpu, DESCRY_FS, &flat, DESCRY_CAUSE_VM_EXIT);
	expect_status(&m, "forced to the same values", DESCRY_FS, "FORCED");
	put(&m, DESCRY_FS, flat);
	expect_status(&m, "given back", DESCRY_FS, "MATCH");
	descry_vcpu_destroy(m.vcpu);
}

static const struct {
	const char *what;
	enum descry_cause cause;
	enum descry_origin base_origin;
	const char *status;
} origins[] = {
	/* clang-format off */
	{ "constants for all, as SYSENTER has",  DESCRY_CAUSE_FAR_CALL, DESCRY_ORIGIN_FIXED,    "FIXED" },
	{ "base from the selector",              DESCRY_CAUSE_FAR_CALL, DESCRY_ORIGIN_SELECTOR, "MATCH" },
	{ "reset",                               DESCRY_CAUSE_RESET,    DESCRY_ORIGIN_FIXED,    "MATCH" },
	{ "start state",                         DESCRY_CAUSE_START,    DESCRY_ORIGIN_FIXED,    "MATCH" },
	{ "a VM exit forces",                    DESCRY_CAUSE_VM_EXIT,  DESCRY_ORIGIN_FIXED,    "FORCED" },
	/* clang-format on */
};

static void
test_fixed(void **unused)
{
	struct descry_vcpu_image image;
	struct machine m;

	(void)unused;
	machine_open(&m);
	set_mode(&m, DESCRY_MODE_PROTECTED);
	put(&m, DESCRY_CS, (struct descry_segment){ 0, UINT32_MAX, 0x08, 0xc09b });
	put_cpl(&m, 0);
	for (size_t i = 0; i < COUNT(origins); i++) {
		struct descry_segment_provenance *from = &image.provenance[DESCRY_CS];

		descry_vcpu_save(m.vcpu, &image);
		from->base = (struct descry_provenance){ .cause = (uint8_t)origins[i].cause,
							 .mode = DESCRY_MODE_PROTECTED,
							 .origin = DESCRY_ORIGIN_FIXED };
		from->limit = from->attr = from->base;
		from->base.origin = (uint8_t)origins[i].base_origin;
		descry_vcpu_restore(m.vcpu, &image);
		expect_status(&m, origins[i].what, DESCRY_CS, origins[i].status);
	}
	descry_vcpu_destroy(m.vcpu);
}

static void
test_status_text(void **unused)
{
	char text[DESCRY_CACHE_STATUS_TEXT];

	(void)unused;
	assert_string_equal(descry_cache_status_text(0, text), "MATCH");
	assert_string_equal(descry_cache_status_text(0x3f, text),
			    "STALE|UNREAL|UNREAL-BASE|UNUSABLE|FIXED|FORCED");
}

/* --- descriptors ---------------------------------------------------------------------- */

static void
test_read_descriptor(void **unused)
{
	uint64_t raw = 0, linear = 0;
	struct machine m;

	(void)unused;
	machine_open(&m);
	assert_true(descry_read_descriptor(m.vcpu, 0x2b, &raw, &linear));
	assert_int_equal(raw, gdt[5]);
	assert_int_equal(linear, GDT + 0x28);
	assert_false(descry_read_descriptor(m.vcpu, 0x80, &raw, &linear));
	assert_int_equal(raw, gdt[5]);

	put(&m, DESCRY_LDTR, (struct descry_segment){ LDT, 0xf, 0x38, 0x0082 });
	assert_true(descry_read_descriptor(m.vcpu, 0x0f, &raw, &linear));
	assert_int_equal(raw, ldt[1]);
	assert_int_equal(linear, LDT + 8);
	put(&m, DESCRY_LDTR, (struct descry_segment){ LDT, UINT32_MAX, 0, 0xc100 });
	assert_false(descry_read_descriptor(m.vcpu, 0x0f, &raw, &linear));

	/* A table that runs out of memory: what the CPU would read there. */
	descry_vcpu_state_mutable(m.vcpu)->gdtr.base = RAM_SIZE - 0x14;
	descry_vcpu_state_changed(m.vcpu);
	assert_true(descry_read_descriptor(m.vcpu, 0x10, &raw, &linear));
	assert_int_equal(raw >> 32, UINT32_MAX);
	assert_int_equal(raw & UINT32_MAX, 0);
	descry_vcpu_destroy(m.vcpu);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_preview),
		cmocka_unit_test(test_preview_foretells_load),
		cmocka_unit_test(test_preview_foretells_load_in_ring_3),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_reset_is_no_constant_load),
		cmocka_unit_test(test_forced),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_status_text),
		cmocka_unit_test(test_read_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
