/*
 * What the hardware of a world switch is made of: the checks of a VM entry, the packing of
 * VMCS and VMCB, the host's descriptors. Oracle: the manual's section Checks on Guest
 * Segment Registers; field encodings and offsets of the manuals' appendices.
 */
#include "world/host.h"
#include "world/svm_vmcb.h"
#include "world/vmx_check.h"
#include "world/vmx_vmcs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- VM entry checks ------------------------------------------------------------------ */

/* A guest that passes: flat protected mode, LDTR unusable. */
static struct vmx_guest
good_guest(void)
{
	const struct vmx_segment data = { .limit = 0xffffffff, .rights = 0xc093, .sel = 0x10 };

	return (struct vmx_guest){
	    .seg =
		{
		    [DESCRY_ES] = data,
		    [DESCRY_CS] = {.limit = 0xffffffff, .rights = 0xc09b, .sel = 8},
		    [DESCRY_SS] = data,
		    [DESCRY_DS] = data,
		    [DESCRY_FS] = data,
		    [DESCRY_GS] = {.rights = VMCS_RIGHTS_UNUSABLE},
		    [DESCRY_LDTR] = {.rights = VMCS_RIGHTS_UNUSABLE},
		    [DESCRY_TR] = {.limit = 0x67, .rights = 0x8b, .sel = 0x20},
		},
	    .unrestricted = true,
	    .pe = true,
	};
}

enum guest_kind { UNRESTRICTED, RESTRICTED, REAL, V86 };

static const struct {
	const char *what;
	enum guest_kind kind;
	enum descry_sreg sreg; /* this segment is replaced */
	struct vmx_segment seg;
	const char *check; /* NULL: it passes */
} checks[] = {
	/* clang-format off */
	{ "as it is", UNRESTRICTED, DESCRY_FS, { 0, 0xffffffff, 0xc093, 0x10 }, NULL },
	{ "64 KiB, G=0", UNRESTRICTED, DESCRY_FS, { 0x10000, 0xffff, 0x93, 0x1000 }, NULL },
	{ "unreal: 4 GiB", REAL, DESCRY_FS, { 0, 0xffffffff, 0xc093, 0x10 }, NULL },
	{ "unusable: anything goes", UNRESTRICTED, DESCRY_FS, { 5, 5, 0x10000, 7 }, NULL },
	{ "G=1 and a limit of bytes", UNRESTRICTED, DESCRY_FS, { 0, 0x1000, 0x8093, 0 }, "G must be 0" },
	{ "G=0 and a limit above 1 MiB", UNRESTRICTED, DESCRY_FS, { 0, 0x1fffff, 0x93, 0 }, "G must be 1" },
	{ "data, not accessed", UNRESTRICTED, DESCRY_DS, { 0, 0xffff, 0x92, 0 }, "must be accessed" },
	{ "code, execute-only", UNRESTRICTED, DESCRY_DS, { 0, 0xffff, 0x99, 0 }, "must be readable" },
	{ "a system descriptor", UNRESTRICTED, DESCRY_ES, { 0, 0xffff, 0x83, 0 }, "S must be 1" },
	{ "not present", UNRESTRICTED, DESCRY_ES, { 0, 0xffff, 0x13, 0 }, "P must be 1" },
	{ "a reserved bit", UNRESTRICTED, DESCRY_ES, { 0, 0xffff, 0x193, 0 }, "reserved" },
	{ "a reserved bit above", UNRESTRICTED, DESCRY_ES, { 0, 0xffff, 0x20093, 0 }, "reserved" },
	{ "a base of 33 bits in ES", UNRESTRICTED, DESCRY_ES, { 1ull << 32, 0xffff, 0x93, 0 }, "63:32" },
	{ "and in FS", UNRESTRICTED, DESCRY_FS, { 1ull << 32, 0xffff, 0x93, 0 }, NULL },
	{ "which must be canonical", UNRESTRICTED, DESCRY_FS, { 1ull << 47, 0xffff, 0x93, 0 }, "canonical" },
	{ "RPL above DPL", UNRESTRICTED, DESCRY_DS, { 0, 0xffff, 0x93, 3 }, NULL },
	{ "RPL above DPL, restricted", RESTRICTED, DESCRY_DS, { 0, 0xffff, 0x93, 3 }, "below the RPL" },
	{ "CS as in real mode", UNRESTRICTED, DESCRY_CS, { 0, 0xffff, 0x93, 0 }, NULL },
	{ "CS as in real mode, restricted", RESTRICTED, DESCRY_CS, { 0, 0xffff, 0x93, 0 }, "accessed code" },
	{ "CS read-only data", UNRESTRICTED, DESCRY_CS, { 0, 0xffff, 0x91, 0 }, "accessed code" },
	{ "CS unusable", UNRESTRICTED, DESCRY_CS, { 0, 0xffff, 0x10000, 0 }, "accessed code" },
	{ "CS of another ring than SS", UNRESTRICTED, DESCRY_CS, { 0, 0xffff, 0xfb, 3 }, "DPL of SS" },
	{ "CS conforming, DPL 0", UNRESTRICTED, DESCRY_CS, { 0, 0xffff, 0x9f, 0 }, NULL },
	{ "SS read-only", UNRESTRICTED, DESCRY_SS, { 0, 0xffff, 0x91, 0 }, "3 or 7" },
	{ "SS expand-down", UNRESTRICTED, DESCRY_SS, { 0, 0xffff, 0x97, 0 }, NULL },
	{ "SS of ring 3 in real mode", REAL, DESCRY_SS, { 0, 0xffff, 0xf3, 0 }, "0 with PE=0" },
	{ "SS with another RPL, restricted", RESTRICTED, DESCRY_SS, { 0, 0xffff, 0x93, 1 }, "RPL of SS" },
	{ "TR in the LDT", UNRESTRICTED, DESCRY_TR, { 0, 0x67, 0x8b, 4 }, "TI" },
	{ "TR available", UNRESTRICTED, DESCRY_TR, { 0, 0x67, 0x89, 8 }, "busy" },
	{ "TR busy, 16 bits", UNRESTRICTED, DESCRY_TR, { 0, 0x67, 0x83, 8 }, NULL },
	{ "TR unusable", UNRESTRICTED, DESCRY_TR, { 0, 0x67, 0x1008b, 8 }, "usable" },
	{ "TR not present", UNRESTRICTED, DESCRY_TR, { 0, 0x67, 0x0b, 8 }, "P must be 1" },
	{ "LDTR", UNRESTRICTED, DESCRY_LDTR, { 0, 0x67, 0x82, 8 }, NULL },
	{ "LDTR of a wrong type", UNRESTRICTED, DESCRY_LDTR, { 0, 0x67, 0x83, 8 }, "LDT" },
	{ "V86 and a base that is not told", V86, DESCRY_FS, { 0, 0xffff, 0xf3, 0x10 }, "selector * 16" },
	{ "V86 and 4 GiB", V86, DESCRY_FS, { 0x100, 0xffffffff, 0xf3, 0x10 }, "limit must be FFFF" },
	{ "V86 and other rights", V86, DESCRY_FS, { 0x100, 0xffff, 0x93, 0x10 }, "F3" },
	{ "V86 as it must be", V86, DESCRY_FS, { 0x100, 0xffff, 0xf3, 0x10 }, NULL },
	/* clang-format on */
};

static struct vmx_guest
guest_for_check(size_t i)
{
	const struct vmx_segment v86 = { .limit = 0xffff, .rights = 0xf3 };
	struct vmx_guest guest = good_guest();

	guest.unrestricted = checks[i].kind != RESTRICTED;
	guest.pe = checks[i].kind != REAL;
	if (checks[i].kind == REAL)
		guest.seg[DESCRY_CS] = (struct vmx_segment){ .limit = 0xffff, .rights = 0x93 };
	guest.v86 = checks[i].kind == V86;
	for (unsigned sreg = 0; guest.v86 && sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		guest.seg[sreg] = v86;
	guest.seg[checks[i].sreg] = checks[i].seg;
	return guest;
}

static void
vm_entry_checks(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		const struct vmx_guest guest = guest_for_check(i);
		const struct vmx_verdict verdict = vmx_check_guest_segments(&guest);

		print_message("%s: %s\n", checks[i].what, verdict.check ? verdict.check : "passes");
		if (!checks[i].check) {
			assert_null(verdict.check);
			continue;
		}
		assert_non_null(verdict.check);
		assert_non_null(strstr(verdict.check, checks[i].check));
		assert_int_equal(verdict.sreg, checks[i].sreg);
	}
}

/* --- VMCS and VMCB -------------------------------------------------------------------- */

static const struct {
	const char *what;
	struct descry_segment seg;
	uint32_t rights; /* VMCS */
	uint16_t attrib; /* VMCB */
} packed[] = {
	/* clang-format off */
	{ "flat 32-bit data",     { 0, 0xffffffff, 0x10, 0xc093 },      0x0c093, 0xc93 },
	{ "data at 1000h",        { 0x1000, 0x1000, 0x28, 0x4093 },     0x04093, 0x493 },
	{ "real mode",            { 0x10000, 0xffff, 0x1000, 0x0093 },  0x00093, 0x093 },
	{ "null: bit 8 to 16, P", { 0, 0xffffffff, 0, 0xc100 },         0x1c000, 0xc00 },
	{ "with AVL",             { 0, 0xfff, 8, 0x10f3 },              0x010f3, 0x1f3 },
	{ "busy TSS",             { 0x2000, 0x67, 0x30, 0x008b },       0x0008b, 0x08b },
	/* clang-format on */
};

static void
segments_pack_and_unpack(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(packed); i++) {
		const struct descry_segment *seg = &packed[i].seg;
		struct descry_segment back;
		struct vmcs vmcs = { { 0 } };
		struct vmcb vmcb = { { 0 } };

		print_message("%s\n", packed[i].what);
		vmcs_put_segment(&vmcs, DESCRY_FS, seg);
		assert_int_equal(vmcs.value[VMCS_GUEST_RIGHTS + DESCRY_FS], packed[i].rights);
		back = vmcs_get_segment(&vmcs, DESCRY_FS);
		assert_memory_equal(&back, seg, sizeof(back));

		vmcb_put_segment(&vmcb, DESCRY_FS, seg);
		assert_int_equal(vmcb_get(&vmcb, 0x442, 2), packed[i].attrib);
		assert_int_equal(vmcb_get(&vmcb, 0x440, 2), seg->sel);
		assert_int_equal(vmcb_get(&vmcb, 0x444, 4), seg->limit);
		assert_int_equal(vmcb_get(&vmcb, 0x448, 8), seg->base);
		back = vmcb_get_segment(&vmcb, DESCRY_FS);
		assert_memory_equal(&back, seg, sizeof(back));
	}
}

/* SDM vol. 3, Field Encoding in VMCS: bit 0 access type, 9:1 index, 11:10 type, 14:13 width. */
static void
encodings_follow_their_scheme(void **unused)
{
	(void)unused;
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		assert_int_equal(vmcs_encoding(VMCS_GUEST_SELECTOR + sreg), 0x0800 + 2 * sreg);
		assert_int_equal(vmcs_encoding(VMCS_GUEST_LIMIT + sreg), 0x4800 + 2 * sreg);
		assert_int_equal(vmcs_encoding(VMCS_GUEST_RIGHTS + sreg), 0x4814 + 2 * sreg);
		assert_int_equal(vmcs_encoding(VMCS_GUEST_BASE + sreg), 0x6806 + 2 * sreg);
	}
	for (unsigned place = 0; place < VMCS_PLACE_COUNT; place++) {
		const unsigned type = vmcs_encoding(place) >> 10 & 3;

		assert_int_equal(type, place < VMCS_HOST_ES ? 2 : 3);
		for (unsigned other = 0; other < place; other++)
			assert_int_not_equal(vmcs_encoding(place), vmcs_encoding(other));
	}
}

static void
descriptors_load_as_they_were_meant(void **unused)
{
	const struct descry_segment *const segments[] = { &host_fs_small, &host_fs_big, &host_code,
							  &host_data };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(segments); i++) {
		const struct descry_segment loaded = descry_segment_from_descriptor(
			segments[i]->sel, host_descriptor(segments[i]));

		assert_memory_equal(&loaded, segments[i], sizeof(loaded));
	}
	assert_true(host_owns(0xffe00000) && host_owns(0xffe0ffff));
	assert_false(host_owns(0xffdfffff) || host_owns(0xffe10000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vm_entry_checks),
		cmocka_unit_test(segments_pack_and_unpack),
		cmocka_unit_test(encodings_follow_their_scheme),
		cmocka_unit_test(descriptors_load_as_they_were_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
