/*
 * What becomes of a loss: which instruction heals it, or shows it, and what the guest should do
 * there. Oracle: the rules for loads of segment registers, worked out by hand for each guest.
 */
#include "temp_file.h"

#include <descry/world.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- guests: boot sectors, their assembly beside them --------------------------------- */

struct guest {
	const char *code;
	size_t size;
};
#define GUEST(bytes)                                                                               \
	{                                                                                          \
		bytes, sizeof(bytes) - 1                                                           \
	}

/* clang-format off */
#define NULL_SLOT "\0\0\0\0\0\0\0\0"
#define HOST_INTERRUPT "\xe6\xed" /* out 0xed, al */
#define EXIT "\xe6\xf4"           /* out 0xf4, al */

/*
 * FS 0010 from protected mode, then real mode; 26h bytes up to and with the host interrupt. At
 * 7C26 the guest goes on, and at `low` after it come GDTR and the GDT with one descriptor.
 */
#define BIG_FS(low) \
	"\x66\x0f\x01\x16" low "\x7c"     /* lgdtl gdtr */ \
	"\x0f\x20\xc0" "\x66\x89\xc1"     /* mov eax, cr0; mov ecx, eax */ \
	"\x0c\x01" "\x0f\x22\xc0"         /* or al, 1; mov cr0, eax */ \
	"\xb8\x10\x00" "\x8e\xe0"         /* mov ax, 0x10; mov fs, ax */ \
	"\x0f\x22\xc1"                    /* mov cr0, ecx */ \
	"\x66\xb8\x00\x00\x02\x00"        /* mov eax, 0x20000 */ \
	"\x90\x90\x90\x90\x90" HOST_INTERRUPT /* at 7C24 */
#define GDTR_AT(low) "\x17\x00" low "\x7c\x00\x00" NULL_SLOT NULL_SLOT
#define FOUR_GIB "\xff\xff\x00\x00\x00\x93\xcf\x00"  /* at 0 */

/* The first access through FS is an instruction later. */
static const struct guest uses = GUEST(
	BIG_FS("\x30")
	"\x90"                        /* 7C26 nop */
	"\x64\x67\x66\x89\x00"        /* 7C27 mov fs:[eax], eax */
	EXIT                          /* 7C2C */
	"\x90\x90"
	GDTR_AT("\x36") FOUR_GIB);

/* FS at 100h, 64 KiB: an access at 0 hides the loss of the limit, the next shows it. */
static const struct guest hides = GUEST(
	BIG_FS("\x34")
	"\x64\xa2\x00\x00"            /* 7C26 mov fs:[0], al */
	"\x64\x67\x66\x89\x00"        /* 7C2A mov fs:[eax], eax */
	EXIT                          /* 7C2F */
	"\x90\x90\x90"
	GDTR_AT("\x3a") "\xff\xff\x00\x01\x00\x93\xcf\x00");

/* The selector itself is looked at, and decides. */
static const struct guest asks = GUEST(
	"\xb8\x00\x20" "\x8e\xe8"     /* mov ax, 0x2000; mov gs, ax */
	HOST_INTERRUPT                /* 7C05 */
	"\x90"                        /* 7C07 nop */
	"\x8c\xeb"                    /* 7C08 mov bx, gs */
	"\x90\x90"                    /* 7C0A */
	"\x39\xc3"                    /* 7C0C cmp bx, ax */
	"\x75\x04"                    /* 7C0E jne 1f */
	"\x90\x90\x90\x90"
	EXIT);                        /* 7C14 1: */

/* The same with the selector on the stack: only the jump tells. */
static const struct guest branches = GUEST(
	"\xb8\x00\x20" "\x8e\xe8"     /* mov ax, 0x2000; mov gs, ax */
	HOST_INTERRUPT                /* 7C05 */
	"\x0f\xa8"                    /* 7C07 push gs */
	"\x39\x06\xfe\x6f"            /* 7C09 cmp [0x6ffe], ax */
	"\x75\x02"                    /* 7C0D jne 1f */
	"\x90\x90"
	EXIT);                        /* 7C11 1: */

/* The same with loads and accesses that show nothing, so that stretches end behind some of them. */
static const struct guest busy_way = GUEST(
	BIG_FS("\x41")
	"\x90\x90"                    /* 7C26, so that they do */
	"\x66\xb9\x20\x4e\x00\x00"    /* 7C28 mov ecx, 20000 */
	"\x8e\xc3" "\x64\xa2\x00\x00" /* 7C2E 1: mov es, bx; 7C30 mov fs:[0], al */
	"\x66\x49" "\x75\xf6"         /* 7C34 dec ecx; 7C36 jnz 1b */
	"\x64\x67\x66\x89\x00"        /* 7C38 mov fs:[eax], eax */
	EXIT "\x90\x90"
	GDTR_AT("\x47") "\xff\xff\x00\x01\x00\x93\xcf\x00");

/* The selector becomes that of CS. */
static const struct guest returns = GUEST(
	"\xb8\x00\x20" "\x8e\xe8"     /* mov ax, 0x2000; mov gs, ax */
	HOST_INTERRUPT                /* 7C05 */
	"\x0f\xa8" "\x6a\x00"         /* 7C07 push gs; push 0 */
	"\xcb");                      /* 7C0B retf */

/* FS and GS are loaded again, one after the other. */
static const struct guest one_by_one = GUEST(
	"\xb8\x00\x20" "\x8e\xe0" "\x8e\xe8" /* mov ax, 0x2000; mov fs, ax; mov gs, ax */
	HOST_INTERRUPT                       /* 7C07 */
	"\x90" "\x8e\xe8"                    /* 7C09 nop; 7C0A mov gs, ax */
	"\x90" "\x8e\xe0"                    /* 7C0C nop; 7C0D mov fs, ax */
	EXIT);                               /* 7C0F */

/* Nothing of the kind: it ends. */
static const struct guest ends = GUEST(
	"\xb8\x00\x20" "\x8e\xe0"     /* mov ax, 0x2000; mov fs, ax */
	HOST_INTERRUPT                /* 7C05 */
	"\x90\x90"
	EXIT);                        /* 7C09 */

/* Nor does it end. */
static const struct guest lasts = GUEST(
	"\xb8\x00\x20" "\x8e\xe0"     /* mov ax, 0x2000; mov fs, ax */
	HOST_INTERRUPT                /* 7C05 */
	"\xeb\xfe");                  /* 7C07 jmp $ */

/* A long way to the first access: over many stretches. */
static const struct guest long_way = GUEST(
	BIG_FS("\x38")
	"\x66\xb9\x40\x0d\x03\x00"    /* 7C26 mov ecx, 200000 */
	"\x66\x49" "\x75\xfc"         /* 7C2C 1: dec ecx; 7C2E jnz 1b */
	"\x64\x67\x66\x89\x00"        /* 7C30 mov fs:[eax], eax */
	EXIT "\x90"
	GDTR_AT("\x3e") FOUR_GIB);

/* DS is loaded from FS's selector: another segment gets the difference. */
static const struct guest spreads = GUEST(
	"\xb8\x00\x20" "\x8e\xe8"     /* mov ax, 0x2000; mov gs, ax */
	HOST_INTERRUPT                /* 7C05 */
	"\x0f\xa8" "\x1f"             /* 7C07 push gs; 7C09 pop ds */
	"\xc6\x06\x00\x00\x01"        /* 7C0A mov byte [0], 1 */
	EXIT);                        /* 7C0F */
/* clang-format on */

/* --- the rows ------------------------------------------------------------------------- */

#define NONE DESCRY_MANIFEST_COUNT

static const struct {
	const char *what;
	const struct guest *guest;
	const char *strategy;
	enum descry_follow_kind kind;
	enum descry_manifest manifest;
	uint64_t ip;    /* of the instruction, or where it ends */
	uint64_t after; /* so many instructions */
	const char *says;
} rows[] = {
	/* clang-format off */
	{ "nothing is lost", &uses, "vmx", DESCRY_FOLLOW_NOTHING, NONE, 0, 0, "" },
	{ "no host code runs at all", &uses, "interpret", DESCRY_FOLLOW_NOTHING, NONE, 0, 0, "" },
	{ "an access beyond the limit", &uses, "selector-real/small",
	  DESCRY_FOLLOW_MANIFESTS, DESCRY_MANIFEST_FAULT, 0x7c27, 1,
	  "4-byte store at fs:00020000 faults with #GP (13) (beyond the limit), it should go to 00020000" },
	{ "an access elsewhere", &uses, "selector-real/big",
	  DESCRY_FOLLOW_MANIFESTS, DESCRY_MANIFEST_ADDRESS, 0x7c27, 1,
	  "4-byte store at fs:00020000 goes to 00020100, it should go to 00020000" },
	{ "a first access that does not show it", &hides, "selector-real/small",
	  DESCRY_FOLLOW_MANIFESTS, DESCRY_MANIFEST_FAULT, 0x7c2a, 1, "faults with #GP (13)" },
	{ "behind 400,000 instructions", &long_way, "selector-real/small",
	  DESCRY_FOLLOW_MANIFESTS, DESCRY_MANIFEST_FAULT, 0x7c30, 400001, "faults with #GP (13)" },
	{ "the same through stretches that end behind loads and accesses", &busy_way,
	  "selector-real/small", DESCRY_FOLLOW_MANIFESTS, DESCRY_MANIFEST_FAULT, 0x7c38, 80003,
	  "faults with #GP (13)" },
	{ "a selector in a register", &asks, "svm-no-vmload/small",
	  DESCRY_FOLLOW_MANIFESTS, DESCRY_MANIFEST_VALUE, 0x7c08, 1,
	  "ebx gets 00000000, it should get 00002000" },
	{ "a selector in memory, compared", &branches, "svm-no-vmload/small",
	  DESCRY_FOLLOW_MANIFESTS, DESCRY_MANIFEST_VALUE, 0x7c09, 1, "the flags become" },
	{ "a selector that a far return loads", &returns, "svm-no-vmload/small",
	  DESCRY_FOLLOW_MANIFESTS, DESCRY_MANIFEST_PATH, 0x7c0b, 2,
	  "goes on at 0000:0000, it should go on at 2000:0000" },
	{ "a selector that goes on to DS", &spreads, "svm-no-vmload/small",
	  DESCRY_FOLLOW_MANIFESTS, DESCRY_MANIFEST_ADDRESS, 0x7c0a, 2,
	  "1-byte store at ds:00000000 goes to 00000000, it should go to 00020000" },
	{ "the guest ends", &ends, "selector-real/big", DESCRY_FOLLOW_ENDS, NONE, 0x7c0b, 3,
	  "guest exit" },
	{ "the guest goes on for ever", &lasts, "selector-real/big", DESCRY_FOLLOW_LASTS, NONE,
	  0x7c07, DESCRY_FOLLOW_WINDOW, "" },
	/* clang-format on */
};

static struct descry_monitor *
open_guest(const struct guest *guest)
{
	uint8_t sector[512] = { [510] = 0x55, [511] = 0xaa };
	struct descry_options options = { .ram_mib = 1 };
	struct descry_monitor *monitor = NULL;
	struct descry_error err = { .text = "" };
	char name[TEMP_FILE_NAME];

	memcpy(sector, guest->code, guest->size);
	temp_file_write(name, sector, sizeof(sector));
	options.image = name;
	if (descry_monitor_create(&options, &monitor, &err) != DESCRY_OK)
		fail_msg("%s", err.text);
	unlink(name);
	return monitor;
}

static const struct descry_strategy *
strategy(const char *name)
{
	const struct descry_strategy *found = NULL;
	struct descry_error err;

	assert_int_equal(descry_strategy_find(name, &found, &err), DESCRY_OK);
	return found;
}

/* A guest under a strategy, behind its host interrupt. */
struct session {
	struct descry_monitor *monitor;
	struct descry_world *world;
};

static void
open_session(struct session *s, const struct guest *guest, const char *name)
{
	const struct descry_run_request to_port = { .stop_at_host_interrupt = true };
	struct descry_stop stop;

	s->monitor = open_guest(guest);
	assert_int_equal(descry_world_create(s->monitor, &s->world), DESCRY_OK);
	descry_monitor_run(s->monitor, &to_port, &stop);
	assert_int_equal(stop.reason, DESCRY_STOP_HOST_INTERRUPT);
	descry_world_choose(s->world, strategy(name));
	assert_int_equal(descry_world_interrupt(s->world)->end, DESCRY_WORLD_RESUMED);
}

static void
close_session(struct session *s)
{
	descry_world_destroy(s->world);
	descry_monitor_destroy(s->monitor);
}

static struct descry_follow
follow(struct session *s, uint64_t count)
{
	struct descry_follow result;
	struct descry_error err = { .text = "" };

	if (descry_world_follow(s->world, count, &result, &err) != DESCRY_OK)
		fail_msg("%s", err.text);
	return result;
}

static void
expect_row(const struct descry_follow *f, size_t i)
{
	char text[DESCRY_FOLLOW_TEXT];

	print_message("    %s; %s\n", descry_follow_text(f, text), f->what);
	assert_int_equal(f->kind, rows[i].kind);
	if (f->kind == DESCRY_FOLLOW_NOTHING)
		return;
	if (f->kind == DESCRY_FOLLOW_MANIFESTS)
		assert_int_equal(f->manifest, rows[i].manifest);
	assert_int_equal(f->at.ip, rows[i].ip);
	assert_int_equal(f->at.retired - f->begin, rows[i].after);
	assert_non_null(strstr(f->what, rows[i].says));
}

static void
losses_show_where_the_rules_say(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct descry_follow result;
		struct session s;

		print_message("%s (%s)\n", rows[i].what, rows[i].strategy);
		open_session(&s, rows[i].guest, rows[i].strategy);
		result = follow(&s, DESCRY_FOLLOW_WINDOW);
		expect_row(&result, i);
		close_session(&s);
	}
}

/* --- healing -------------------------------------------------------------------------- */

/* MOV in real mode gives back the base, and neither limit nor attr. */
static void
a_load_that_does_not_write_it_does_not_heal_it(void **unused)
{
	struct descry_follow result;
	struct session s;
	char text[DESCRY_FOLLOW_TEXT];

	(void)unused;
	/* selector-real/small leaves FS with D/B set, and a load of 2000 does not clear it. */
	open_session(&s, &one_by_one, "selector-real/small");
	result = follow(&s, DESCRY_FOLLOW_WINDOW);
	assert_int_equal(result.kind, DESCRY_FOLLOW_ENDS);
	assert_int_equal(result.heal_count, 0);
	assert_string_equal(descry_follow_text(&result, text),
			    "nothing shows in the next 5 instructions, when the guest ends");
	close_session(&s);
}

/* Protected mode; FS is loaded from slot 3, which then says base 2000h; and loaded again. */
/* clang-format off */
static const struct guest rewrites = GUEST(
	"\x66\x0f\x01\x16\x50\x7c"        /* 7C00 lgdtl gdtr */
	"\x0f\x20\xc0" "\x0c\x01" "\x0f\x22\xc0" /* 7C06 mov eax, cr0; or al, 1; mov cr0, eax */
	"\xea\x13\x7c\x08\x00"            /* 7C0E jmp 0x8:7c13 */
	"\xb8\x10\x00"                    /* 7C13 mov ax, 0x10 */
	"\x8e\xd8" "\x8e\xc0" "\x8e\xd0" "\x8e\xe8" /* 7C16 mov ds, es, ss, gs, ax */
	"\xb8\x18\x00" "\x8e\xe0"         /* 7C1E mov ax, 0x18; mov fs, ax */
	"\xc6\x06\x73\x7c\x20"            /* 7C23 mov byte [7c73], 0x20 */
	HOST_INTERRUPT                    /* 7C28 */
	"\x90\x90\x90"                    /* 7C2A */
	"\x8e\xe0"                        /* 7C2D mov fs, ax */
	"\x64\xa2\x00\x00"                /* 7C2F mov fs:[0], al */
	EXIT                              /* 7C33 */
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	"\x1f\x00\x58\x7c\x00\x00\0\0"    /* 7C50 */
	NULL_SLOT
	"\xff\xff\x00\x00\x00\x9b\x00\x00" /* 7C60 code */
	"\xff\xff\x00\x00\x00\x93\x00\x00" /* 7C68 data */
	"\xff\xff\x00\x10\x00\x93\x00\x00"); /* 7C70 data at 1000h */
/* clang-format on */

static void
a_load_from_the_table_heals(void **unused)
{
	struct descry_follow result;
	struct session s;
	char text[DESCRY_FOLLOW_TEXT];

	(void)unused;
	open_session(&s, &rewrites, "selector-guest-gdt");
	result = follow(&s, DESCRY_FOLLOW_WINDOW);
	assert_int_equal(result.lost.of[DESCRY_FS], 1u << DESCRY_FIELD_BASE);
	assert_string_equal(descry_follow_text(&result, text),
			    "heals at 0008:7c2d after 3 instructions: mov fs, ax");
	assert_int_equal(result.heal_count, 1);
	assert_int_equal(result.heal[0].sregs, 1u << DESCRY_FS);
	/* Within two instructions it does not. */
	result = follow(&s, 2);
	assert_int_equal(result.kind, DESCRY_FOLLOW_LASTS);
	assert_int_equal(result.at.retired - result.begin, 2);
	close_session(&s);
}

/* LDTR and TR are lost for good, and nobody uses them. */
static void
one_segment_heals_and_others_do_not(void **unused)
{
	struct descry_follow result;
	struct session s;

	(void)unused;
	open_session(&s, &rewrites, "svm-no-vmload/small");
	result = follow(&s, DESCRY_FOLLOW_WINDOW);
	assert_int_equal(result.kind, DESCRY_FOLLOW_ENDS);
	assert_int_equal(result.heal_count, 1);
	assert_int_equal(result.heal[0].sregs, 1u << DESCRY_FS);
	assert_int_equal(result.heal[0].at.ip, 0x7c2d);
	close_session(&s);
}

static void
receive(void *owner, struct descry_compare *compare)
{
	struct descry_compare **out = owner;

	*out = compare;
}

/* Of what heals before X8 nothing is lost there. */
static void
a_comparison_tells_the_same(void **unused)
{
	static const struct {
		const struct guest *guest;
		const char *strategy;
		enum descry_outcome outcome;
		enum descry_follow_kind kind;
		uint64_t ip;
	} cases[] = {
		{ &rewrites, "selector-guest-gdt", DESCRY_OUTCOME_SAME, DESCRY_FOLLOW_HEALS,
		  0x7c2d },
		{ &uses, "selector-real/small", DESCRY_OUTCOME_FAULT, DESCRY_FOLLOW_MANIFESTS,
		  0x7c27 },
		{ &uses, "selector-real/big", DESCRY_OUTCOME_SILENT, DESCRY_FOLLOW_MANIFESTS,
		  0x7c27 },
		{ &hides, "selector-real/small", DESCRY_OUTCOME_FAULT, DESCRY_FOLLOW_MANIFESTS,
		  0x7c2a },
		{ &asks, "svm-no-vmload", DESCRY_OUTCOME_SILENT, DESCRY_FOLLOW_MANIFESTS, 0x7c08 },
		{ &ends, "selector-real/big", DESCRY_OUTCOME_LATENT, DESCRY_FOLLOW_ENDS, 0x7c0b },
		{ &uses, "vmx", DESCRY_OUTCOME_SAME, DESCRY_FOLLOW_NOTHING, 0 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct descry_monitor *monitor = open_guest(cases[i].guest);
		const struct descry_compare_request request = {
			.only = strategy(cases[i].strategy),
		};
		struct descry_compare *result = NULL;
		struct descry_error err = { .text = "" };

		if (descry_compare_run(monitor, &request, receive, &result, &err) != DESCRY_OK)
			fail_msg("%s", err.text);
		print_message("%s: %s; %s\n", cases[i].strategy,
			      descry_outcome_text(result->row[0].outcome), result->row[0].detail);
		assert_int_equal(result->row[0].outcome, cases[i].outcome);
		assert_int_equal(result->row[0].follow.kind, cases[i].kind);
		assert_int_equal(result->row[0].follow.at.ip, cases[i].ip);
		descry_compare_free(result);
		descry_monitor_destroy(monitor);
	}
}

/* --- the machine stays as it is ------------------------------------------------------- */

static void
the_machine_is_left_as_it_was(void **unused)
{
	static struct descry_vcpu_image before, after;
	struct descry_run_request one = { .count = 2 };
	const struct descry_breakpoint *list;
	struct descry_stop stop;
	struct session s;

	(void)unused;
	open_session(&s, &uses, "selector-real/big");
	descry_monitor_add_breakpoint(s.monitor, 0x7c27);
	descry_monitor_run(s.monitor, &one, &stop); /* it has gone on since */
	descry_vcpu_save(descry_monitor_vcpu(s.monitor), &before);
	follow(&s, DESCRY_FOLLOW_WINDOW);
	descry_vcpu_save(descry_monitor_vcpu(s.monitor), &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(descry_monitor_breakpoints(s.monitor, &list), 1);
	assert_int_equal(list[0].hits, 1);
	assert_int_equal(descry_monitor_last_stop(s.monitor)->reason, DESCRY_STOP_BREAKPOINT);
	assert_ptr_equal(descry_world_last(s.world)->strategy, strategy("selector-real/big"));
	close_session(&s);
}

static void
some_switches_cannot_be_followed(void **unused)
{
	struct descry_follow result;
	struct descry_error err;
	struct session s;

	(void)unused;
	s.monitor = open_guest(&uses);
	assert_int_equal(descry_world_create(s.monitor, &s.world), DESCRY_OK);
	assert_int_equal(descry_world_follow(s.world, 1, &result, &err), DESCRY_NOT_FOUND);
	assert_non_null(strstr(err.text, "interrupt host"));
	descry_world_choose(s.world, strategy("selector-real/big"));
	descry_world_begin(s.world);
	assert_int_equal(descry_world_follow(s.world, 1, &result, &err), DESCRY_NOT_FOUND);
	assert_non_null(strstr(err.text, "world finish"));
	descry_world_finish(s.world);
	descry_world_keep(s.world, false);
	descry_world_interrupt(s.world);
	assert_int_equal(descry_world_follow(s.world, 1, &result, &err), DESCRY_NOT_FOUND);
	assert_non_null(strstr(err.text, "nothing was kept"));
	close_session(&s);
}

/* Ctrl-C on the way: nothing is told, and the machine is where it was. */
static void
it_can_be_interrupted(void **unused)
{
	struct descry_follow result;
	struct descry_error err;
	struct session s;

	(void)unused;
	open_session(&s, &uses, "selector-real/big");
	descry_monitor_interrupt(s.monitor);
	assert_int_equal(descry_world_follow(s.world, 100, &result, &err), DESCRY_IO_ERROR);
	assert_string_equal(err.text, "world follow: interrupted");
	assert_int_equal(descry_vcpu_state(descry_monitor_vcpu(s.monitor))->rip, 0x7c26);
	assert_int_equal(follow(&s, 100).kind, DESCRY_FOLLOW_MANIFESTS);
	close_session(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_show_where_the_rules_say),
		cmocka_unit_test(a_load_that_does_not_write_it_does_not_heal_it),
		cmocka_unit_test(one_segment_heals_and_others_do_not),
		cmocka_unit_test(a_load_from_the_table_heals),
		cmocka_unit_test(a_comparison_tells_the_same),
		cmocka_unit_test(the_machine_is_left_as_it_was),
		cmocka_unit_test(some_switches_cannot_be_followed),
		cmocka_unit_test(it_can_be_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
