/*
 * Commands as a front end sees them: a line in; a result, text or JSON, and errors out;
 * completion and repetition. What the displays look like is settled by the golden files.
 */
#include "command/command_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "command/json.h"
#include "command_machine.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int
open_machine(void **state)
{
	static struct command_machine m;

	command_machine_open(&m);
	*state = &m;
	return 0;
}

static int
close_machine(void **state)
{
	command_machine_close(*state);
	return 0;
}

/* --- lines and results ---------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *line;
	enum descry_command_result result;
	const char *says; /* in the output, or in the error */
} lines[] = {
	{ "",                       DESCRY_COMMAND_OK,        "" },
	{ "   # a comment",         DESCRY_COMMAND_OK,        "" },
	{ "echo  two  words ",      DESCRY_COMMAND_OK,        "two  words\n" },
	{ "print 1 + 1",            DESCRY_COMMAND_OK,        "0x2 (2)" },
	{ "p/d -1",                 DESCRY_COMMAND_OK,        "-1\n" },
	{ "print/y 1",              DESCRY_COMMAND_ERROR,     "'/y'" },
	{ "assert 1 == 1",          DESCRY_COMMAND_OK,        "holds: 1 == 1" },
	{ "assert ax == 5",         DESCRY_COMMAND_ASSERTION, "does not hold: ax == 5 (0x0 and 0x5)" },
	{ "assert nosuch",          DESCRY_COMMAND_ERROR,     "'nosuch'" },
	{ "quit",                   DESCRY_COMMAND_QUIT,      "" },
	{ "bogus",                  DESCRY_COMMAND_ERROR,     "no command 'bogus'" },
	{ "st",                     DESCRY_COMMAND_OK,        "inc al" },
	{ "s 3",                    DESCRY_COMMAND_OK,        "=> 0000:" },
	{ "step 0",                 DESCRY_COMMAND_ERROR,     "at least 1" },
	{ "step 1 2",               DESCRY_COMMAND_ERROR,     "step: '1 2', at '2'" },
	{ "step 1 2",               DESCRY_COMMAND_ERROR,     "(usage: step [COUNT])" },
	{ "step -1",                DESCRY_COMMAND_ERROR,     "at least 1, not '-1'" },
	{ "delete all",             DESCRY_COMMAND_ERROR,     "(usage: delete [NUMBER])" },
	{ "world host write 500 7g", DESCRY_COMMAND_ERROR,    "1 to 16 bytes" },
	{ "world host write 500 -1", DESCRY_COMMAND_ERROR,    "1 to 16 bytes" },
	{ "world host gdt 28 12345678123456789", DESCRY_COMMAND_ERROR, "both in hexadecimal" },
	{ "world host clear",       DESCRY_COMMAND_OK,        "told nothing" },
	{ "world begin",            DESCRY_COMMAND_OK,        "X1.1" },
	{ "export vmcs",            DESCRY_COMMAND_ERROR,     "world finish" },
	{ "import kvm nowhere.json", DESCRY_COMMAND_ERROR,    "world finish" },
	{ "ustep",                  DESCRY_COMMAND_ERROR,     "a switch is in flight" },
	{ "world finish",           DESCRY_COMMAND_OK,        "nothing is lost" },
	{ "world use selector-v86", DESCRY_COMMAND_OK,        "interpret > selector-v86" },
	{ "world show X4",          DESCRY_COMMAND_ERROR,     "from mode-change to mode-change" },
	{ "sreg fs",                DESCRY_COMMAND_OK,        "of the host at mode-change" },
	{ "world use interpret",    DESCRY_COMMAND_OK,        "selector-v86 > interpret" },
	{ "reset",                  DESCRY_COMMAND_OK,        "0 instructions so far" },
	{ "print fs.foo",           DESCRY_COMMAND_ERROR,     "fs has sel base limit attr" },
	{ "re",                     DESCRY_COMMAND_ERROR,     "may be reset, regs" },
	{ "regs now",               DESCRY_COMMAND_ERROR,     "does not take now (usage: regs)" },
	{ "regs/x",                 DESCRY_COMMAND_ERROR,     "nothing after a slash" },
	{ "nmi now",                DESCRY_COMMAND_ERROR,     "does not take now (usage: nmi)" },
	{ "help smi",               DESCRY_COMMAND_OK,        "until RSM" },
	{ "load",                   DESCRY_COMMAND_ERROR,     "missing SREG (usage: load SREG SELECTOR)" },
	{ "load xs 1",              DESCRY_COMMAND_ERROR,     "not 'xs'" },
	{ "load gs 0x10000",        DESCRY_COMMAND_ERROR,     "16 bits" },
	{ "load gs 0x123",          DESCRY_COMMAND_OK,        "00001230" },
	{ "set gs.limit=0x10",      DESCRY_COMMAND_OK,        "" },
	{ "x/xb gs:0x11",           DESCRY_COMMAND_ERROR,     "gs:0x11: #GP" },
	{ "x/xb gs:0x10",           DESCRY_COMMAND_OK,        "gs:00000010 = 00001240:  00" },
	{ "x/4xb gs:0xe",           DESCRY_COMMAND_OK,        "asks no segment" },
	{ "x/xb linear:0x1241",     DESCRY_COMMAND_OK,        "00001241:  00" },
	{ "x/s 0x7d00",             DESCRY_COMMAND_OK,        "\"text\"" },
	{ "x/1dw 0x7d05",           DESCRY_COMMAND_OK,        " -2\n" },
	{ "x/2xh 07c0:0000",        DESCRY_COMMAND_OK,        "a264 0000" },
	{ "x/8zz 0",                DESCRY_COMMAND_ERROR,     "'/8zz'" },
	{ "x/0x 0",                 DESCRY_COMMAND_ERROR,     "a format is a count" },
	{ "x 0xffff0000",           DESCRY_COMMAND_ERROR,     "no memory" },
	{ "x zz:1",                 DESCRY_COMMAND_ERROR,     "before the colon" },
	{ "disas 0x7c00 1",         DESCRY_COMMAND_OK,        "64a20000" },
	{ "disas 0 0",              DESCRY_COMMAND_ERROR,     "COUNT is 1 to" },
	{ "break 0x7c06",           DESCRY_COMMAND_OK,        "breakpoint 1 at 00007c06" },
	{ "info break",             DESCRY_COMMAND_OK,        "1: 00007c06" },
	{ "continue",               DESCRY_COMMAND_OK,        "breakpoint 1 at 0000:7c06" },
	{ "delete 2",               DESCRY_COMMAND_ERROR,     "no breakpoint 2" },
	{ "delete",                 DESCRY_COMMAND_OK,        "" },
	{ "info break",             DESCRY_COMMAND_OK,        "no breakpoints" },
	{ "info nothing",           DESCRY_COMMAND_ERROR,     "not 'nothing'" },
	{ "until 0x7c04",           DESCRY_COMMAND_OK,        "7c04" },
	{ "gdt 1",                  DESCRY_COMMAND_ERROR,     "no index 1" },
	{ "idt 4 5",                DESCRY_COMMAND_OK,        "idt[4-5]" },
	{ "idt 256",                DESCRY_COMMAND_ERROR,     "no index 256" },
	{ "reset",                  DESCRY_COMMAND_OK,        "0 instructions so far" },
	{ "assert ax == 0 && gs == 0", DESCRY_COMMAND_OK,     "holds" },
	{ "help sreg",              DESCRY_COMMAND_OK,        "sreg [SREG]" },
	{ "help status",            DESCRY_COMMAND_OK,        "UNREAL-BASE" },
	{ "help nothing",           DESCRY_COMMAND_ERROR,     "no command 'nothing'" },
	{ "source no-such-file",    DESCRY_COMMAND_ERROR,     "no-such-file: No such file" },
};
/* clang-format on */

static void
test_lines(void **state)
{
	const struct command_machine *m = *state;

	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct descry_sink_buffer buffer;
		const struct descry_sink sink = descry_sink_to_buffer(&buffer);
		struct descry_error err;
		const enum descry_command_result result =
			descry_command_execute(m->session, lines[i].line, &sink, &err);
		const bool failed =
			result == DESCRY_COMMAND_ERROR || result == DESCRY_COMMAND_ASSERTION;
		const char *said = failed ? err.text : buffer.text != NULL ? buffer.text : "";

		if (result != lines[i].result || strstr(said, lines[i].says) == NULL)
			fail_msg("'%s': result %d, '%s'", lines[i].line, (int)result, said);
		free(buffer.text);
	}
}

/* With .json every command that says anything says one JSON value on one line. */
static void
test_json(void **state)
{
	static const char *const commands[] = {
		"regs",
		"sreg",
		"sreg fs",
		"gdt",
		"ldt",
		"idt",
		"step",
		"where",
		"disas",
		"x/8xb 0",
		"x/8xb gs:0xfffa",
		"print 1",
		"print mode",
		"assert 1",
		"echo \"hi",
		"break 0x7c04",
		"continue",
		"info break",
		"info image",
		"info stop",
		"info profile",
		"info symbols",
		"help",
		"help step",
		"help status",
		"load gs 1",
		"reset",
	};
	const struct command_machine *m = *state;

	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		struct descry_sink_buffer buffer;
		struct descry_sink sink = descry_sink_to_buffer(&buffer);
		struct descry_error err;
		json_error_t wrong;
		json_t *value;

		sink.json = true;
		if (descry_command_execute(m->session, commands[i], &sink, &err) !=
		    DESCRY_COMMAND_OK)
			fail_msg("%s: %s", commands[i], err.text);
		assert_non_null(buffer.text);
		value = json_loads(buffer.text, JSON_DECODE_ANY, &wrong);
		if (value == NULL)
			fail_msg("%s: %s in %s", commands[i], wrong.text, buffer.text);
		assert_ptr_equal(strchr(buffer.text, '\n'), buffer.text + buffer.size - 1);
		json_decref(value);
		free(buffer.text);
	}
}

/* The facts of sreg, for a segment whose table has been rewritten. */
static void
test_json_sreg(void **state)
{
	const struct command_machine *m = *state;
	struct descry_sink_buffer buffer;
	struct descry_sink sink = descry_sink_to_buffer(&buffer);
	int selector, base, table, reload, real, retired;
	const char *status, *differs, *cause, *raw;
	struct descry_error err;
	json_t *object;

	command_machine_protect(*state);
	sink.json = true;
	assert_int_equal(descry_command_execute(m->session, "sreg fs", &sink, &err),
			 DESCRY_COMMAND_OK);
	object = json_loads(buffer.text, 0, NULL);
	assert_int_equal(json_unpack(object,
				     "{s:i, s:{s:i}, s:[s], s:[s], s:{s:{s:i}}, s:{s:{s:{s:i}}, "
				     "s:{s:{s:i}}}, s:{s:{s:s, s:s, s:i}}}",
				     "selector", &selector, "cache", "base", &base, "status",
				     &status, "differs", &differs, "table", "segment", "base",
				     &table, "reload", "now", "segment", "base", &reload, "real",
				     "segment", "base", &real, "from", "base", "cause", &cause,
				     "raw", &raw, "retired", &retired),
			 0);
	assert_int_equal(selector, 0x28);
	assert_int_equal(base, 0x1000);
	assert_string_equal(status, "STALE");
	assert_string_equal(differs, "base");
	assert_int_equal(table, 0x2000);
	assert_int_equal(reload, 0x2000);
	assert_int_equal(real, 0x280);
	assert_string_equal(cause, "mov");
	assert_string_equal(raw, "0040930010001000");
	assert_int_equal(retired, 0);
	json_decref(object);
	free(buffer.text);
}

/* --- scripts -------------------------------------------------------------------------- */

static void
expect_script(const struct command_machine *m, const char *text, enum descry_command_result result,
	      const char *says)
{
	struct descry_sink_buffer buffer;
	const struct descry_sink sink = descry_sink_to_buffer(&buffer);
	char name[TEMP_FILE_NAME], command[64], place[64];
	struct descry_error err;

	temp_file_write(name, text, strlen(text));
	snprintf(command, sizeof(command), "source %s", name);
	assert_int_equal(descry_command_execute(m->session, command, &sink, &err), result);
	if (says != NULL) {
		snprintf(place, sizeof(place), "%s%s", name, says);
		if (strstr(err.text, place) == NULL)
			fail_msg("'%s' does not say '%s'", err.text, place);
	}
	unlink(name);
	free(buffer.text);
}

static void
test_scripts(void **state)
{
	const struct command_machine *m = *state;

	expect_script(m, "echo 1\n\n# two\nassert 1\n", DESCRY_COMMAND_OK, NULL);
	expect_script(m, "echo 1\n\nassert ax\necho 4\n", DESCRY_COMMAND_ASSERTION,
		      ":3: does not hold: ax (0x0)");
	expect_script(m, "bogus", DESCRY_COMMAND_ERROR, ":1: there is no command");
	expect_script(m, "echo 1\nquit\nbogus\n", DESCRY_COMMAND_QUIT, NULL);
}

/* --- completion and repetition -------------------------------------------------------- */

static void
join(void *owner, const char *candidate)
{
	char *all = owner;

	if (strlen(all) + strlen(candidate) + 2 < 2000) {
		strcat(all, " ");
		strcat(all, candidate);
	}
}

static const struct {
	const char *line, *candidates;
	enum descry_completion kind;
} completions[] = {
	{ "sre", " sreg", DESCRY_COMPLETE_WORDS },
	{ "  whe", " where", DESCRY_COMPLETE_WORDS },
	{ "sreg l", " ldtr", DESCRY_COMPLETE_WORDS },
	{ "nm", " nmi", DESCRY_COMPLETE_WORDS },
	{ "sm", " smi", DESCRY_COMPLETE_WORDS },
	{ "ini", " init", DESCRY_COMPLETE_WORDS },
	{ "load f", " fs", DESCRY_COMPLETE_WORDS },
	{ "info b", " break", DESCRY_COMPLETE_WORDS },
	{ "print fs.reload.b", " fs.reload.base", DESCRY_COMPLETE_WORDS },
	{ "print 1+gdtr.", " gdtr.base gdtr.limit", DESCRY_COMPLETE_WORDS },
	{ "x/4xb ph", " phys:", DESCRY_COMPLETE_WORDS },
	{ "help add", " addresses", DESCRY_COMPLETE_WORDS },
	{ "world use ref", " refuse", DESCRY_COMPLETE_WORDS },
	{ "world show X", " X1 X2 X3 X4 X5 X6 X7", DESCRY_COMPLETE_WORDS },
	{ "delete ", " 1", DESCRY_COMPLETE_WORDS },
	{ "inject ", " host interrupt nmi smi init delete", DESCRY_COMPLETE_WORDS },
	{ "inject nmi e", " every", DESCRY_COMPLETE_WORDS },
	{ "inject interrupt 20h ", " at every random seed", DESCRY_COMPLETE_WORDS },
	{ "inject delete ", " 1", DESCRY_COMPLETE_WORDS },
	{ "source ab", "", DESCRY_COMPLETE_FILES },
	{ "expo", " export", DESCRY_COMPLETE_WORDS },
	{ "export vm", " vmcs vmcb", DESCRY_COMPLETE_WORDS },
	{ "import smram-p", " smram-p5 smram-p6", DESCRY_COMPLETE_WORDS },
	{ "export kvm ab", "", DESCRY_COMPLETE_FILES },
	{ "bogus a", "", DESCRY_COMPLETE_WORDS },
	{ "echo a", "", DESCRY_COMPLETE_WORDS },
};

/* Sentences are wrapped at the width of the sink. */
static void
test_width(void **state)
{
	static const char *const wide[] = { "help", "export vmcs", "interrupt host", "step",
					    "info stop" };
	const struct command_machine *m = *state;
	struct descry_error err;

	for (size_t i = 0; i < COUNT_OF(wide); i++) {
		struct descry_sink_buffer buffer;
		struct descry_sink sink = descry_sink_to_buffer(&buffer);

		sink.width = 60;
		assert_int_equal(descry_command_execute(m->session, wide[i], &sink, &err),
				 DESCRY_COMMAND_OK);
		for (const char *at = buffer.text; *at != '\0'; at += strcspn(at, "\n") + 1) {
			if (strcspn(at, "\n") > 60)
				fail_msg("'%s' is wider than 60: %s", wide[i], at);
		}
		free(buffer.text);
	}
}

static void
test_completion(void **state)
{
	const struct command_machine *m = *state;
	struct descry_sink_buffer buffer;
	const struct descry_sink sink = descry_sink_to_buffer(&buffer);
	struct descry_error err;

	assert_int_equal(descry_command_execute(m->session, "break 0x7c00", &sink, &err),
			 DESCRY_COMMAND_OK);
	assert_int_equal(descry_command_execute(m->session, "interrupt host", &sink, &err),
			 DESCRY_COMMAND_OK);
	assert_int_equal(descry_command_execute(m->session, "inject nmi every 9", &sink, &err),
			 DESCRY_COMMAND_OK);
	free(buffer.text);

	for (size_t i = 0; i < COUNT_OF(completions); i++) {
		char all[2000] = "";

		assert_int_equal(
			descry_command_complete(m->session, completions[i].line, join, all),
			completions[i].kind);
		if (strcmp(all, completions[i].candidates) != 0)
			fail_msg("'%s' completes to '%s'", completions[i].line, all);
	}
}

static void
test_repeat(void **state)
{
	char again[100];

	(void)state;
	assert_true(descry_command_repeat("s 3", again, sizeof(again)));
	assert_string_equal(again, "s 3");
	assert_true(descry_command_repeat("x/8xb fs:0x10", again, sizeof(again)));
	assert_string_equal(again, "x/8xb .");
	assert_false(descry_command_repeat("load fs 1", again, sizeof(again)));
	assert_false(descry_command_repeat("bogus", again, sizeof(again)));
	assert_false(descry_command_repeat("", again, sizeof(again)));
}

/* --- the table ------------------------------------------------------------------------ */

/* A row is whole: a word of its own, a handler, a summary that fits beside its usage. */
static void
test_table(void **state)
{
	const struct command *row;
	char usage[COMMAND_USAGE_TEXT];
	struct descry_error err;

	(void)state;
	for (size_t i = 0; (row = command_at(i)) != NULL; i++) {
		assert_ptr_equal(command_find(row->name, &err), row);
		assert_non_null(row->run);
		command_usage(row, usage);
		assert_true(strlen(usage) < COMMAND_USAGE_TEXT - 1);
		assert_true(strlen(row->summary) < 90);
		assert_true(row->summary[strlen(row->summary) - 1] != '.');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, open_machine, close_machine),
		cmocka_unit_test_setup_teardown(test_json, open_machine, close_machine),
		cmocka_unit_test_setup_teardown(test_json_sreg, open_machine, close_machine),
		cmocka_unit_test_setup_teardown(test_scripts, open_machine, close_machine),
		cmocka_unit_test_setup_teardown(test_width, open_machine, close_machine),
		cmocka_unit_test_setup_teardown(test_completion, open_machine, close_machine),
		cmocka_unit_test(test_repeat),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
