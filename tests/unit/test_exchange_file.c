/*
 * Exported words as files: each shape is read back, and what a person or another program can get
 * wrong in one is a line that says where it is and what to do. Nothing of the guest changes
 * then. Oracle: docs/exchange.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "command_machine.h"

#include <descry/exchange_file.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct command_machine machine;

static int
open_machine(void **state)
{
	(void)state;
	command_machine_open(&machine);
	command_machine_protect(&machine);
	return 0;
}

static int
close_machine(void **state)
{
	(void)state;
	command_machine_close(&machine);
	return 0;
}

static const struct descry_state *
cpu(void)
{
	return descry_vcpu_state(descry_monitor_vcpu(machine.monitor));
}

static const struct descry_exchange_format *
format_called(const char *name)
{
	struct descry_error err;

	return descry_exchange_find(name, &err);
}

/* The guest as a file of this shape; free() it. */
static struct descry_sink_buffer
exported(const struct descry_exchange_format *format, enum descry_exchange_shape shape)
{
	static struct descry_exchange_report report;
	struct descry_exchange_words words;
	struct descry_sink_buffer content;
	const struct descry_sink sink = descry_sink_to_buffer(&content);
	struct descry_error err;

	assert_int_equal(descry_exchange_export(format, cpu(), &words, &report, &err), DESCRY_OK);
	descry_exchange_write(format, shape, &words, &sink);
	return content;
}

/* --- shapes --------------------------------------------------------------------------- */

static void
the_name_of_a_file_says_its_shape(void **state)
{
	static const struct {
		const char *format, *path;
		enum descry_exchange_shape shape;
	} cases[] = {
		{ "vmcb", "a.json", DESCRY_SHAPE_JSON },  { "vmcb", "a.txt", DESCRY_SHAPE_TEXT },
		{ "vmcb", "a.vmcb", DESCRY_SHAPE_BYTES }, { "vmcs", "a", DESCRY_SHAPE_TEXT },
		{ "vmcs", "a.json", DESCRY_SHAPE_JSON },  { "kvm", "json", DESCRY_SHAPE_BYTES },
		{ "kvm", "txt.json", DESCRY_SHAPE_JSON },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(
			descry_exchange_shape_of(format_called(cases[i].format), cases[i].path),
			cases[i].shape);
}

/* --- what can be wrong with a file ---------------------------------------------------- */

/* The first old in the file becomes new. */
static const struct {
	const char *format;
	enum descry_exchange_shape shape;
	const char *old, *new, *error;
} edits[] = {
	/* clang-format off */
	{ "vmcs", DESCRY_SHAPE_TEXT, "0800 ", "0801 ", "line 2: vmcs has no word at 0801; remove the line" },
	{ "vmcs", DESCRY_SHAPE_TEXT, "GUEST_ES_LIMIT", "GUEST_CS_LIMIT", "line 3: 4800 is GUEST_ES_LIMIT, not GUEST_CS_LIMIT" },
	{ "vmcs", DESCRY_SHAPE_TEXT, "4800 GUEST_ES_LIMIT", "# ", "GUEST_ES_LIMIT is missing" },
	{ "vmcs", DESCRY_SHAPE_TEXT, "4800 GUEST_ES_LIMIT", "0800 GUEST_ES_SELECTOR", "line 3: GUEST_ES_SELECTOR for the second time" },
	{ "vmcs", DESCRY_SHAPE_TEXT, "0800 GUEST_ES_SELECTOR", "0800", NULL },
	{ "vmcs", DESCRY_SHAPE_TEXT, "GUEST_ES_SELECTOR", "GUEST_ES SELECTOR", "line 2: not encoding, name, value, such as 0800 GUEST_ES_SELECTOR 0010" },
	{ "vmcb", DESCRY_SHAPE_TEXT, "es.attrib", "es.attr", "line 4: 0402 is es.attrib, not es.attr" },
	{ "vmcb", DESCRY_SHAPE_TEXT, "0402 es.attrib", "zzzz es.attrib", "line 4: not offset, name, value" },
	{ "vmcb", DESCRY_SHAPE_JSON, "\"vmcb\"", "\"vmcs\"", "not an export of vmcb" },
	{ "vmcb", DESCRY_SHAPE_JSON, "es.attrib", "es.attr", "es.attr: vmcb has no such word; remove it" },
	{ "vmcb", DESCRY_SHAPE_JSON, "0x402", "0x404", "es.attrib: it lies at 402h, not at 404h" },
	{ "vmcb", DESCRY_SHAPE_JSON, "\"value\"", "\"valeu\"", "give an object with a \"value\"" },
	{ "kvm", DESCRY_SHAPE_JSON, "\"base\": 0", "\"base\": -1", "sregs.cs.base: give a number" },
	{ "kvm", DESCRY_SHAPE_JSON, "\"base\": 0", "\"base\": true", "sregs.cs.base: give a number" },
	{ "kvm", DESCRY_SHAPE_JSON, "\"base\": 0", "\"base\": \"0x0\"", NULL },
	{ "kvm", DESCRY_SHAPE_JSON, "\"base\": 0", "\"base\": \"zero\"", "sregs.cs.base: give a number" },
	{ "kvm", DESCRY_SHAPE_JSON, "\"base\": 0,", "", "sregs.cs.base is missing" },
	{ "kvm", DESCRY_SHAPE_JSON, "\"limit\"", "\"base\"", "no JSON: duplicate object key near" },
	{ "kvm", DESCRY_SHAPE_JSON, "\"cr0\"", "\"cr1\"", "sregs.cr1: kvm has no such word; remove it" },
	{ "kvm", DESCRY_SHAPE_JSON, "\"regs\"", "\"registers\"", "registers.rax: kvm has no such word" },
	{ "kvm", DESCRY_SHAPE_JSON, "}", "", "'}' expected near end of file; correct it there" },
	/* clang-format on */
};

static char *
edited(const char *content, const char *old, const char *new)
{
	const char *at = strstr(content, old);
	const size_t size = strlen(content) + strlen(new) + 1;
	char *text = malloc(size);

	assert_non_null(at);
	assert_non_null(text);
	snprintf(text, size, "%.*s%s%s", (int)(at - content), content, new, at + strlen(old));
	return text;
}

static void
mistakes_have_a_place_and_a_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		const struct descry_exchange_format *format = format_called(edits[i].format);
		struct descry_sink_buffer content = exported(format, edits[i].shape);
		char *text = edited(content.text, edits[i].old, edits[i].new);
		struct descry_exchange_words words;
		struct descry_error err;
		const enum descry_status status = descry_exchange_read(format, edits[i].shape, text,
								       strlen(text), &words, &err);

		print_message("%s: %s\n", edits[i].format, status ? err.text : "taken");
		assert_int_equal(status == DESCRY_OK, edits[i].error == NULL);
		if (edits[i].error)
			assert_non_null(strstr(err.text, edits[i].error));
		free(text);
		free(content.text);
	}
}

static void
bytes_have_their_number(void **state)
{
	static const uint8_t bytes[103];
	struct descry_exchange_words words;
	struct descry_error err;

	(void)state;
	assert_int_equal(descry_exchange_read(format_called("loadall286"), DESCRY_SHAPE_BYTES,
					      (const char *)bytes, 102, &words, &err),
			 DESCRY_OK);
	assert_int_equal(descry_exchange_read(format_called("loadall286"), DESCRY_SHAPE_BYTES,
					      (const char *)bytes, 103, &words, &err),
			 DESCRY_BAD_ARGUMENT);
	assert_string_equal(err.text, "it has 103 bytes, and loadall286 has 102; is it whole, and "
				      "of this format?");
}

/* --- the guest ------------------------------------------------------------------------ */

/* The last word of the file is one that the model cannot hold. */
static void
a_file_that_is_refused_changes_nothing(void **state)
{
	static struct descry_exchange_report report;
	const struct descry_exchange_format *format = format_called("kvm");
	struct descry_sink_buffer content = exported(format, DESCRY_SHAPE_BYTES);
	const struct descry_state before = *cpu();
	char name[TEMP_FILE_NAME], expected[200];
	struct descry_error err;

	(void)state;
	content.text[0] = 0x55;                  /* cs.base */
	content.text[content.size - 1] = '\xff'; /* rflags, bits 63:56 */
	temp_file_write(name, content.text, content.size);
	assert_int_equal(descry_monitor_import(machine.monitor, format, name, &report, &err),
			 DESCRY_NOT_SUPPORTED);
	unlink(name);
	snprintf(expected, sizeof(expected), "%s: regs.rflags is ff00000000000002h", name);
	assert_memory_equal(err.text, expected, strlen(expected));
	assert_memory_equal(cpu(), &before, sizeof(before));
	free(content.text);
}

static void
an_import_leaves_its_mark_on_every_cache(void **state)
{
	static struct descry_exchange_report report;
	const struct descry_exchange_format *format = format_called("vmcs");
	struct descry_sink_buffer content = exported(format, DESCRY_SHAPE_TEXT);
	struct descry_vcpu *vcpu = descry_monitor_vcpu(machine.monitor);
	char name[TEMP_FILE_NAME];
	struct descry_error err;

	(void)state;
	temp_file_write(name, content.text, content.size);
	assert_int_equal(descry_monitor_import(machine.monitor, format, name, &report, &err),
			 DESCRY_OK);
	unlink(name);
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_segment_provenance *from =
			descry_vcpu_provenance(vcpu, (enum descry_sreg)sreg);

		assert_int_equal(from->base.cause, DESCRY_CAUSE_IMPORT);
		assert_int_equal(from->attr.origin, DESCRY_ORIGIN_RECORD);
	}
	free(content.text);
}

/* Bits that a guest of KVM has set, and that there are none of here. */
static void
an_import_says_what_this_cpu_lacks(void **state)
{
	static struct descry_exchange_report report;
	struct descry_state asked = *cpu();
	struct descry_exchange_report *r = &report;

	(void)state;
	asked.cr4 = 0x00000688; /* DE, PGE; and OSFXSR, OSXMMEXCPT, which a CPU without SSE lacks */
	asked.rflags = 0;
	descry_exchange_apply(descry_monitor_vcpu(machine.monitor), &asked, r);
	assert_int_equal(r->change_count, 2);
	assert_string_equal(r->change[0].name, "eflags");
	assert_int_equal(r->change[0].after, 2);
	assert_string_equal(r->change[1].name, "cr4");
	assert_int_equal(r->change[1].before, 0x688);
	assert_int_equal(r->change[1].after, 0x88);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_machine, close_machine)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_name_of_a_file_says_its_shape),
		TEST(mistakes_have_a_place_and_a_remedy),
		TEST(bytes_have_their_number),
		TEST(a_file_that_is_refused_changes_nothing),
		TEST(an_import_leaves_its_mark_on_every_cache),
		TEST(an_import_says_what_this_cpu_lacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
