/*
 * The formats that a state is exported to: where each word lies and how it is packed, what is
 * refused, and what a report says. Oracle: the appendices of the manuals (SDM vol. 3, Field
 * Encoding in VMCS; AMD APM vol. 2, VMCB Layout and SMM State-Save Area), kvm.h, Ralf Brown's
 * Interrupt List and Collins' specification F2; offsets and words are written here a second time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <descry/exchange.h>

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct descry_exchange_format *
format_called(const char *name)
{
	struct descry_error err;
	const struct descry_exchange_format *format = descry_exchange_find(name, &err);

	assert_non_null(format);
	return format;
}

static size_t
row_called(const struct descry_exchange_format *format, const char *name)
{
	for (size_t i = 0; i < format->row_count; i++)
		if (strcmp(format->rows[i].name, name) == 0)
			return i;
	fail_msg("%s has no row %s", format->name, name);
	return 0;
}

/* --- the tables ----------------------------------------------------------------------- */

/* Members that are no field: time, what a TLB holds, and what is always zero. */
static bool
is_left_out(size_t at)
{
	static const struct {
		size_t from, size;
	} left_out[] = {
#define MEMBER(member)                                                                             \
	{ offsetof(struct descry_state, member), sizeof(((struct descry_state *)0)->member) }
		/* clang-format off */
		{ offsetof(struct descry_state, gpr[8]), 8 * sizeof(uint64_t) },
		MEMBER(zero), MEMBER(dr[4]), MEMBER(dr[5]), MEMBER(gdtr.reserved),
		MEMBER(idtr.reserved), MEMBER(retired), MEMBER(reserved_msr), MEMBER(pdpte),
		MEMBER(tlb_data), MEMBER(tlb_code),
		/* clang-format on */
	};

	for (size_t i = 0; i < COUNT_OF(left_out); i++)
		if (at >= left_out[i].from && at - left_out[i].from < left_out[i].size)
			return true;
	return false;
}

static void
the_fields_are_the_state(void **unused)
{
	static uint8_t covered[sizeof(struct descry_state)];

	(void)unused;
	for (unsigned i = 0; i < DESCRY_STATE_FIELD_COUNT; i++) {
		const struct descry_state_field_info *info =
			descry_state_field((enum descry_state_field)i);

		assert_true(info->bits <= 8 * info->bytes);
		for (unsigned byte = 0; byte < info->bytes; byte++)
			covered[info->at + byte]++;
	}
	for (size_t at = 0; at < sizeof(covered); at++)
		if (covered[at] != !is_left_out(at))
			fail_msg("byte %zu of the state is in %u fields", at, covered[at]);
}

static void
no_two_rows_share_a_place(void **unused)
{
	const struct descry_exchange_format *format;

	(void)unused;
	for (size_t i = 0; (format = descry_exchange_format_at(i)) != NULL; i++) {
		static uint8_t used[0x10000];

		print_message("%s: %zu rows\n", format->name, format->row_count);
		memset(used, 0, sizeof(used));
		assert_true(format->row_count <= DESCRY_EXCHANGE_ROWS);
		for (size_t row = 0; row < format->row_count; row++) {
			const struct descry_exchange_row *r = &format->rows[row];
			const unsigned places = format->form == DESCRY_FORM_BYTES ? r->bytes : 1;

			assert_true(format->form == DESCRY_FORM_WORDS ||
				    (r->at >= format->first &&
				     r->at + r->bytes <= format->first + format->size));
			for (unsigned place = 0; place < places; place++)
				assert_int_equal(used[r->at + place]++, 0);
			assert_int_equal(row_called(format, r->name), row);
		}
	}
}

/* --- words ---------------------------------------------------------------------------- */

/* No two fields are alike, and it fits every format but those of a 286. */
static struct descry_state
odd_state(void)
{
	struct descry_state s = {
		.rip = 0x12345678,
		.rflags = 0x00040ad7,
		.cr0 = 0x60000013,
		.cr2 = 0x1357,
		.cr3 = 0x5000,
		.cr4 = 0x0c,
		.dr = { 0x11, 0x22, 0x33, 0x44, 0, 0, 0xffff4ff1, 0x00000455 },
		.gdtr = { .base = 0x12340000, .limit = 0x1fff },
		.idtr = { .base = 0x56780000, .limit = 0x07ff },
		.smbase = 0x000a8000,
		.sysenter_cs = 0x80,
		.sysenter_esp = 0x90000000,
		.sysenter_eip = 0xa0000000,
	};
	static const struct descry_segment seg[DESCRY_SREG_COUNT] = {
		/* clang-format off */
		[DESCRY_ES]   = { 0x00000000, 0xffffffff, 0x0000, 0xc100 },
		[DESCRY_CS]   = { 0x00000000, 0xffffffff, 0x0008, 0xd09b },
		[DESCRY_SS]   = { 0x00001000, 0x000fffff, 0x0010, 0x4093 },
		[DESCRY_DS]   = { 0xdeadb000, 0x00000fff, 0x0043, 0x00f1 },
		[DESCRY_FS]   = { 0x12345678, 0xffffffff, 0xabcb, 0xc0f7 },
		[DESCRY_GS]   = { 0x87654321, 0x00012345, 0xffff, 0x00fb },
		[DESCRY_LDTR] = { 0x00003000, 0x0000000f, 0x0038, 0x0082 },
		[DESCRY_TR]   = { 0x00002000, 0x00002067, 0x0030, 0x008b },
		/* clang-format on */
	};

	for (unsigned i = 0; i < 8; i++)
		s.gpr[i] = 0x11111111u * (i + 1);
	memcpy(s.seg, seg, sizeof(seg));
	return s;
}

/* A 286 in protected mode. */
static struct descry_state
state_286(void)
{
	struct descry_state s = {
		.rip = 0x9abc,
		.rflags = 0x7246,
		.cr0 = 0xfff9,
		.gdtr = { .base = 0x345678, .limit = 0x1234 },
		.idtr = { .base = 0x654321, .limit = 0x03ff },
	};

	for (unsigned i = 0; i < 8; i++)
		s.gpr[i] = 0x1111u * (i + 1);
	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++)
		s.seg[i] = (struct descry_segment){ 0x120000u + i, 0x7000u + i,
						    (uint16_t)(0x4008 + 8 * i), 0x93 };
	s.seg[DESCRY_DS].attr = 0x193; /* a null load of a 286 leaves the rest */
	return s;
}

static const struct {
	const char *format, *row;
	uint32_t at;
	uint8_t bytes;
	uint64_t word;
} words[] = {
	/* clang-format off */
	{ "vmcs", "GUEST_ES_SELECTOR", 0x0800, 2, 0 },
	{ "vmcs", "GUEST_TR_SELECTOR", 0x080e, 2, 0x30 },
	{ "vmcs", "GUEST_CS_LIMIT", 0x4802, 4, 0xffffffff },
	{ "vmcs", "GUEST_ES_AR_BYTES", 0x4814, 4, 0x1c000 },
	{ "vmcs", "GUEST_CS_AR_BYTES", 0x4816, 4, 0xd09b },
	{ "vmcs", "GUEST_LDTR_AR_BYTES", 0x4820, 4, 0x82 },
	{ "vmcs", "GUEST_FS_BASE", 0x680e, 8, 0x12345678 },
	{ "vmcs", "GUEST_GDTR_BASE", 0x6816, 8, 0x12340000 },
	{ "vmcs", "GUEST_IDTR_LIMIT", 0x4812, 4, 0x7ff },
	{ "vmcs", "GUEST_CR0", 0x6800, 8, 0x60000013 },
	{ "vmcs", "GUEST_CR4", 0x6804, 8, 0x0c },
	{ "vmcs", "GUEST_RSP", 0x681c, 8, 0x55555555 },
	{ "vmcs", "GUEST_RFLAGS", 0x6820, 8, 0x40ad7 },
	{ "vmcs", "GUEST_SMBASE", 0x4828, 4, 0xa8000 },
	{ "vmcs", "GUEST_SYSENTER_CS", 0x482a, 4, 0x80 },
	{ "vmcs", "GUEST_SYSENTER_EIP", 0x6826, 8, 0xa0000000 },
	{ "vmcs", "GUEST_IA32_EFER", 0x2806, 8, 0 },
	{ "vmcb", "es.attrib", 0x402, 2, 0xc00 },
	{ "vmcb", "cs.attrib", 0x412, 2, 0xd9b },
	{ "vmcb", "gs.limit", 0x454, 4, 0x12345 },
	{ "vmcb", "gs.base", 0x458, 8, 0x87654321 },
	{ "vmcb", "gdtr.limit", 0x464, 4, 0x1fff },
	{ "vmcb", "tr.selector", 0x490, 2, 0x30 },
	{ "vmcb", "cpl", 0x4cb, 1, 0 },
	{ "vmcb", "efer", 0x4d0, 8, 0x1000 },
	{ "vmcb", "cr3", 0x550, 8, 0x5000 },
	{ "vmcb", "rip", 0x578, 8, 0x12345678 },
	{ "vmcb", "rax", 0x5f8, 8, 0x11111111 },
	{ "vmcb", "cr2", 0x640, 8, 0x1357 },
	{ "kvm", "sregs.cs.base", 0, 8, 0 },
	{ "kvm", "sregs.cs.avl", 21, 1, 1 },
	{ "kvm", "sregs.es.unusable", 70, 1, 1 },
	{ "kvm", "sregs.fs.type", 86, 1, 7 },
	{ "kvm", "sregs.fs.dpl", 88, 1, 3 },
	{ "kvm", "sregs.fs.g", 92, 1, 1 },
	{ "kvm", "sregs.ldt.s", 186, 1, 0 },
	{ "kvm", "sregs.idt.limit", 216, 2, 0x7ff },
	{ "kvm", "sregs.cr2", 232, 8, 0x1357 },
	{ "kvm", "regs.rdx", 336, 8, 0x33333333 },
	{ "kvm", "regs.rflags", 448, 8, 0x40ad7 },
	{ "smram-p5", "cs.attr", 0x7f44, 4, 0xd09b00 },
	{ "smram-p5", "tr.limit", 0x7f9c, 4, 0x2067 },
	{ "smram-p5", "cr4", 0x7f28, 4, 0x0c },
	{ "smram-p5", "smbase", 0x7ef8, 4, 0xa8000 },
	{ "smram-p6", "fs.selector", 0x7f38, 2, 0xabcb },
	{ "smram-p6", "fs.attr", 0x7f3a, 2, 0xc0f7 },
	{ "smram-p6", "fs.selector.copy", 0x7fb8, 4, 0xabcb },
	{ "smram-p6", "idtr.base", 0x7f58, 4, 0x56780000 },
	{ "smram-p6", "revision", 0x7efc, 4, 0x20000 },
	{ "smram-amd64", "ldtr.attr", 0x7e72, 2, 0x82 },
	{ "smram-amd64", "gdtr.base", 0x7e68, 8, 0x12340000 },
	{ "smram-amd64", "revision", 0x7efc, 4, 0x20064 },
	{ "smram-amd64", "smbase", 0x7f00, 4, 0xa8000 },
	{ "loadall386", "eflags", 0x04, 4, 0x40ad7 },
	{ "loadall386", "gs.selector", 0x3c, 2, 0xffff },
	{ "loadall386", "ds.ar", 0x9c, 4, 0xf10000 },
	{ "loadall386", "fs.ar", 0x90, 4, 0xf74000 },
	{ "loadall386", "ss.limit", 0xb0, 4, 0xfffff },
	{ "loadall386", "idtr.base", 0x64, 4, 0x56780000 },
	{ "loadall386-high", "fs.ar", 0x90, 4, 0x40f700 },
	{ "loadall286", "msw", 0x06, 2, 0x9 },
	{ "loadall286", "flags", 0x18, 2, 0x7246 },
	{ "loadall286", "ds.access", 0x4b, 1, 0x13 },
	{ "loadall286", "es.base", 0x36, 3, 0x120000 },
	{ "loadall286", "idtr.limit", 0x5e, 2, 0x3ff },
	/* clang-format on */
};

static void
words_lie_where_the_manual_has_them(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		const struct descry_exchange_format *format = format_called(words[i].format);
		const struct descry_exchange_row *row =
			&format->rows[row_called(format, words[i].row)];
		const struct descry_state state = format->size == 102 ? state_286() : odd_state();

		print_message("%s %s\n", words[i].format, words[i].row);
		assert_int_equal(row->at, words[i].at);
		assert_int_equal(row->bytes, words[i].bytes);
		assert_int_equal(descry_exchange_pack(row, &state), words[i].word);
	}
}

/* --- what an export says -------------------------------------------------------------- */

/* One field of the odd state is another, and this comes back for some field. */
static const struct {
	const char *what, *format;
	enum descry_state_field set;
	uint64_t value;
	const char *changed; /* NULL: nothing is */
	uint64_t after;
} exports[] = {
#define SEG(SREG, PART)                                                                            \
	(DESCRY_STATE_SEGMENT + DESCRY_PART_COUNT * DESCRY_##SREG + DESCRY_PART_##PART)
	/* clang-format off */
	{ "null as Intel has it has a bit of its own", "vmcs", DESCRY_STATE_CR2, 0, NULL, 0 },
	{ "null as AMD had it is marked", "vmcs", SEG(FS, ATTR), 0, "fs.attr", 0x100 },
	{ "not present is unusable", "vmcs", SEG(FS, ATTR), 0x13, "fs.attr", 0x113 },
	{ "P=0 says it, P is lost", "vmcb", SEG(FS, ATTR), 0x193, "fs.attr", 0x113 },
	{ "one shadow becomes both", "vmcb", DESCRY_STATE_SHADOW, DESCRY_SHADOW_STI, "shadow", 3 },
	{ "a VMCS has both", "vmcs", DESCRY_STATE_SHADOW, DESCRY_SHADOW_STI, NULL, 0 },
	{ "HLT is an activity", "vmcs", DESCRY_STATE_HALTED, 1, NULL, 0 },
	{ "a VMCB has none", "vmcb", DESCRY_STATE_HALTED, 1, "halted", 0 },
	{ "SMRAM knows HLT", "smram-p6", DESCRY_STATE_HALTED, 1, NULL, 0 },
	{ "a debug trap that waits", "vmcs", DESCRY_STATE_PENDING_DB, 0x4001, NULL, 0 },
	{ "one of a task switch", "vmcs", DESCRY_STATE_PENDING_DB, 0x8000, "pending_db", 0 },
	{ "RF stands for a repeat", "smram-p5", DESCRY_STATE_IN_REP, 1, "eflags", 0x50ad7 },
	{ "kvm_segment has every bit", "kvm", SEG(FS, ATTR), 0x193, NULL, 0 },
	{ "a 386 has no G", "loadall386", SEG(FS, LIMIT), 0xfff, "fs.attr", 0x40f7 },
	{ "nor AVL", "loadall386", SEG(FS, ATTR), 0xd093, "fs.attr", 0xc093 },
	{ "a TLB of its own: nothing", "smram-amd64", DESCRY_STATE_CR3, 0x7000, NULL, 0 },
	/* clang-format on */
};

static const struct descry_exchange_change *
change_of(const struct descry_exchange_report *report, const char *name)
{
	for (size_t i = 0; i < report->change_count; i++)
		if (strcmp(report->change[i].name, name) == 0)
			return &report->change[i];
	return NULL;
}

/* What the odd state itself loses in a table of the 386. */
static size_t
changes_without(const struct descry_exchange_format *format)
{
	static struct descry_exchange_report report;
	const struct descry_state state = odd_state();
	struct descry_exchange_words exported;
	struct descry_error err;

	assert_int_equal(descry_exchange_export(format, &state, &exported, &report, &err),
			 DESCRY_OK);
	return report.change_count;
}

static void
exports_name_what_comes_back_otherwise(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(exports); i++) {
		static struct descry_exchange_report report;
		const struct descry_exchange_format *format = format_called(exports[i].format);
		const struct descry_exchange_change *change;
		struct descry_state state = odd_state();
		struct descry_exchange_words exported;
		struct descry_error err;

		print_message("%s: %s\n", exports[i].format, exports[i].what);
		descry_state_set(&state, exports[i].set, exports[i].value);
		assert_int_equal(descry_exchange_export(format, &state, &exported, &report, &err),
				 DESCRY_OK);
		if (!exports[i].changed) {
			assert_int_equal(report.change_count, changes_without(format));
			continue;
		}
		change = change_of(&report, exports[i].changed);
		assert_non_null(change);
		assert_int_equal(change->after, exports[i].after);
		assert_non_null(change->why);
	}
}

static void
exports_name_what_they_lack(void **unused)
{
	static const struct {
		const char *format, *lacks, *has;
	} cases[] = {
		{ "vmcs", "eax", "esp" },          { "vmcs", "cr2", "cr3" },
		{ "vmcb", "ecx", "eax" },          { "vmcb", "dr0", "dr6" },
		{ "kvm", "dr7", "cr2" },           { "smram-p6", "cr2", "dr7" },
		{ "loadall386", "cr3", "gs.sel" }, { "loadall286", "fs.base", "ds.base" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		static struct descry_exchange_report report;
		const struct descry_state state = state_286();
		struct descry_exchange_words exported;
		struct descry_error err;
		bool lacks = false;

		assert_int_equal(descry_exchange_export(format_called(cases[i].format), &state,
							&exported, &report, &err),
				 DESCRY_OK);
		for (size_t field = 0; field < report.absent_count; field++) {
			const char *name = descry_state_field(report.absent[field])->name;

			assert_string_not_equal(name, cases[i].has);
			lacks |= strcmp(name, cases[i].lacks) == 0;
		}
		assert_true(lacks);
	}
}

/* --- refusals ------------------------------------------------------------------------- */

static const struct {
	const char *format;
	enum descry_state_field set;
	uint64_t value;
	const char *text;
} too_wide[] = {
	/* clang-format off */
	{ "loadall286", DESCRY_STATE_GPR, 0x12345678, "eax is 12345678h, and ax at 34h has 16 bits" },
	{ "loadall286", SEG(DS, BASE), 0x1000000, "ds.base is 1000000h, and ds.base at 48h has 24" },
	{ "loadall286", SEG(SS, LIMIT), 0x10000, "ss.limit is 10000h" },
	{ "loadall286", SEG(CS, ATTR), 0x409b, "cs.attr is 409bh, and cs.access at 3fh has 8 bits" },
	{ "loadall286", DESCRY_STATE_CR0, 0x80000001, "without PG" },
	{ "loadall286", DESCRY_STATE_EFLAGS, 0x20002, "eflags is 20002h" },
	/* clang-format on */
};

static void
what_is_too_wide_is_refused_by_name(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(too_wide); i++) {
		static struct descry_exchange_report report;
		struct descry_state state = state_286();
		struct descry_exchange_words exported;
		struct descry_error err;

		descry_state_set(&state, too_wide[i].set, too_wide[i].value);
		assert_int_equal(descry_exchange_export(format_called(too_wide[i].format), &state,
							&exported, &report, &err),
				 DESCRY_NOT_SUPPORTED);
		print_message("%s\n", err.text);
		assert_non_null(strstr(err.text, too_wide[i].text));
	}
}

/* A word of an export of the odd state is replaced: refused, or what the report makes of it. */
static const struct {
	const char *format, *row;
	uint64_t word;
	const char *refusal; /* NULL: it is taken ... */
	bool noted;          /* ... with a note, or as it is */
	uint64_t counts_as;
} imports[] = {
	/* clang-format off */
	{ "vmcs", "GUEST_FS_AR_BYTES", 0x10000, NULL, false, 0 },
	{ "vmcs", "GUEST_FS_AR_BYTES", 0x20093, "of that the model can hold only 93h", false, 0 },
	{ "vmcs", "GUEST_FS_SELECTOR", 0x12345, "it has 16 bits", false, 0 },
	{ "vmcs", "GUEST_FS_BASE", 0x100000000, "can hold only 0h", false, 0 },
	{ "vmcs", "GUEST_IA32_EFER", 0x500, "long mode", false, 0 },
	{ "vmcs", "GUEST_IA32_EFER", 0x800, NULL, true, 0 },
	{ "vmcs", "GUEST_ACTIVITY_STATE", 3, "can hold only 0h", false, 0 },
	{ "vmcb", "cpl", 3, NULL, false, 0 },
	{ "vmcb", "cpl", 4, "can hold only 0h", false, 0 },
	{ "vmcb", "interrupt_shadow", 3, NULL, true, 1 },
	{ "vmcb", "gdtr.limit", 0x12345, "can hold only 2345h", false, 0 },
	{ "kvm", "sregs.fs.type", 16, "can hold only 0h", false, 0 },
	{ "kvm", "sregs.efer", 0x400, "long mode", false, 0 },
	{ "kvm", "sregs.apic_base", 0xfee00900, NULL, true, 0 },
	{ "kvm", "regs.rax", 0x100000000, "can hold only 0h", false, 0 },
	{ "kvm", "regs.r15", 7, NULL, true, 0 },
	{ "smram-p6", "revision", 0x20064, "AMD64", false, 0 },
	{ "smram-p6", "revision", 0x30000, NULL, true, 0x20000 },
	{ "smram-amd64", "revision", 0x20000, "AMD64", false, 0 },
	{ "smram-p6", "fs.selector.copy", 0x1234, NULL, false, 0 },
	{ "smram-p5", "fs.attr", 0xff00f7ff, NULL, true, 0xf700 },
	{ "loadall386", "fs.ar", 0xfff740ff, NULL, true, 0xf74000 },
	/* clang-format on */
};

static void
imports_refuse_or_note_what_the_model_lacks(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(imports); i++) {
		static struct descry_exchange_report report;
		const struct descry_exchange_format *format = format_called(imports[i].format);
		const struct descry_state odd = odd_state();
		struct descry_state state = { .cr2 = 0x99 }, untouched = state;
		const struct descry_exchange_change *change;
		struct descry_exchange_words given;
		struct descry_error err;

		print_message("%s %s\n", imports[i].format, imports[i].row);
		assert_int_equal(descry_exchange_export(format, &odd, &given, &report, &err),
				 DESCRY_OK);
		given.word[row_called(format, imports[i].row)] = imports[i].word;
		if (imports[i].refusal) {
			assert_int_not_equal(
				descry_exchange_import(format, &given, &state, &report, &err),
				DESCRY_OK);
			assert_non_null(strstr(err.text, imports[i].row));
			assert_non_null(strstr(err.text, imports[i].refusal));
			assert_memory_equal(&state, &untouched, sizeof(state));
			continue;
		}
		assert_int_equal(descry_exchange_import(format, &given, &state, &report, &err),
				 DESCRY_OK);
		change = change_of(&report, imports[i].row);
		assert_int_equal(change != NULL, imports[i].noted);
		if (change)
			assert_int_equal(change->after, imports[i].counts_as);
	}
}

static void
an_unknown_format_lists_those_there_are(void **unused)
{
	struct descry_error err;

	(void)unused;
	assert_null(descry_exchange_find("vmcx", &err));
	assert_string_equal(err.text,
			    "there is no format 'vmcx'; there are vmcs, vmcb, kvm, smram-p5, "
			    "smram-p6, smram-amd64, loadall286, loadall386, loadall386-high");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fields_are_the_state),
		cmocka_unit_test(no_two_rows_share_a_place),
		cmocka_unit_test(words_lie_where_the_manual_has_them),
		cmocka_unit_test(exports_name_what_comes_back_otherwise),
		cmocka_unit_test(exports_name_what_they_lack),
		cmocka_unit_test(what_is_too_wide_is_refused_by_name),
		cmocka_unit_test(imports_refuse_or_note_what_the_model_lacks),
		cmocka_unit_test(an_unknown_format_lists_those_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
