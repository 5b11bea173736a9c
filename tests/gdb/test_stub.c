/*
 * The stub without a socket: packets in, replies out. Oracle: GDB manual, "Remote Serial
 * Protocol"; values are those of the monitor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registers.h"
#include "stop_reply.h"
#include "stub.h"

#include "../unit/temp_file.h"

#include <stdio.h>
#include <string.h>

/* A loop at 7C00, and behind it the ways in which a guest can end. */
static const uint8_t code[] = {
	0x40,                   /* 7c00 inc ax */
	0x43,                   /* 7c01 inc bx */
	0xeb, 0xfc,             /* 7c02 jmp 7c00 */
	0xb0, 0x02, 0xe6, 0xf4, /* 7c04 exit with status 5 */
	0xf4,                   /* 7c08 hlt */
	0x0f, 0x0b,             /* 7c09 ud2 */
	0xf6, 0xf1,             /* 7c0b div cl */
	0xa1, 0xff, 0xff,       /* 7c0d mov ax, [ffff] */
	0xb0, 0x41, 0xe6, 0xe9, /* 7c10 'A' to the console */
	0xcc,                   /* 7c14 int3 */
};
#define CODE 0x7c00u

static struct descry_monitor *monitor;
static struct descry_world *world;
static struct descry_session *session;
static struct stub *stub;
static char output[0x4000]; /* what gdb's terminal shows */
static size_t output_size;
static int runs;
static bool gives_up; /* the client, while the guest runs */

static void
on_output(void *owner, const char *text, size_t size)
{
	(void)owner;
	assert_true(output_size + size < sizeof(output));
	memcpy(output + output_size, text, size);
	output_size += size;
	output[output_size] = '\0';
}

static void
on_run_begins(void *owner, enum stub_run kind)
{
	(void)owner, (void)kind;
	assert_int_equal(runs, 0);
	runs++;
}

static bool
on_run_ends(void *owner)
{
	(void)owner;
	runs--;
	return !gives_up;
}

static int
open_stub(void **state)
{
	const struct stub_outlet outlet = { NULL, on_output, on_run_begins, on_run_ends };
	char name[TEMP_FILE_NAME];
	struct descry_raw_load load = { name, CODE };
	const struct descry_options options = { .ram_mib = 1,
						.console = on_output,
						.loads = &load,
						.load_count = 1,
						.entry = "0:7c00" };
	struct descry_error err;

	(void)state;
	temp_file_write(name, code, sizeof(code));
	assert_int_equal(descry_monitor_create(&options, &monitor, &err), DESCRY_OK);
	remove(name);
	assert_int_equal(descry_world_create(monitor, &world), DESCRY_OK);
	assert_int_equal(descry_session_create(monitor, world, &session), DESCRY_OK);
	stub = stub_create(monitor, world, session, &outlet);
	assert_non_null(stub);
	gives_up = false;
	output_size = 0;
	output[0] = '\0';
	return 0;
}

static int
close_stub(void **state)
{
	(void)state;
	stub_destroy(stub);
	descry_session_destroy(session);
	descry_world_destroy(world);
	descry_monitor_destroy(monitor);
	assert_int_equal(runs, 0);
	return 0;
}

/* The reply as a string; "(none)" when there is none. */
static const char *
ask(const char *packet)
{
	static char text[PACKET_MAX + 1];
	const struct reply reply = stub_handle(stub, packet, strlen(packet));

	if (reply.text == NULL)
		return "(none)";
	memcpy(text, reply.text, reply.size);
	text[reply.size] = '\0';
	return text;
}

/* --- packets and replies, in one conversation ---------------------------------------------------
 */

static const struct {
	const char *what;
	const char *packet, *reply;
} conversation[] = {
	/* clang-format off */
	{ "what the stub can", "qSupported:swbreak+;hwbreak+;xmlRegisters=i386",
	  "PacketSize=10000;QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+;"
	  "no-resumed+;qXfer:features:read+;qXfer:threads:read+" },
	{ "an unknown packet gets nothing", "vMustReplyEmpty", "" },
	{ "an empty packet gets nothing", "", "" },
	{ "a name that only begins like ours", "qCRC:0,1", "" },
	{ "no acknowledgements", "QStartNoAckMode", "OK" },
	{ "why does it stand?", "?", "T0508:007c0000;04:00700000;thread:1;" },
	{ "attached, not started", "qAttached", "1" },

	{ "the threads", "qfThreadInfo", "m1" },
	{ "and no more", "qsThreadInfo", "l" },
	{ "the current one", "qC", "QC1" },
	{ "its name is guest", "qThreadExtraInfo,1", "6775657374" },
	{ "all threads at once", "qXfer:threads:read::0,1000",
	  "l<threads><thread id=\"1\" name=\"guest\"></thread></threads>" },
	{ "only a part of that", "qXfer:threads:read::9,7", "m<thread" },
	{ "and nothing with a name", "qXfer:threads:read:x:0,1000", "E00" },
	{ "any thread", "Hg0", "OK" },
	{ "all threads", "Hc-1", "OK" },
	{ "a thread that is not there", "Hg2", "E16" },
	{ "it has no registers", "p0", "E16" },
	{ "a thread of another kind", "Hg1.1", "E16" },
	{ "the guest", "Hg1", "OK" },
	{ "is the thread alive?", "T1", "OK" },
	{ "is there another one?", "T2", "E16" },
	{ "it has no name", "qThreadExtraInfo,2", "E16" },

	{ "memory", "m7c00,4", "4043ebfc" },
	{ "up to its end", "mffffe,8", "0000" },
	{ "nothing is there", "m40000000,4", "E0e" },
	{ "beyond 4 GiB", "m100000000,4", "E0e" },
	{ "around 4 GiB", "mfffffffe,4", "E0e" },
	{ "more than a packet", "m0,8001", "E1b" },
	{ "a length beyond all", "m0,ffffffffffffffff", "E1b" },
	{ "a number that is too long", "m0,10000000000000000", "E16" },
	{ "no length", "m7c00", "E16" },
	{ "no number", "mxyz,4", "E16" },
	{ "write", "M500,2:beef", "OK" },
	{ "read it again", "m500,2", "beef" },
	{ "fewer digits than said", "M500,2:be", "E16" },
	{ "no digits", "M500,1:zz", "E16" },
	{ "write where nothing is", "M40000000,1:00", "E0e" },
	{ "is X known?", "X0,0:", "OK" },
	{ "write binary", "X500,2:ab", "OK" },
	{ "read that again", "m500,2", "6162" },
	{ "fewer bytes than said", "X500,3:ab", "E16" },

	{ "eax", "p0", "00000000" },
	{ "eip", "p8", "007c0000" },
	{ "a register that the CPU has not", "p10", "xxxxxxxxxxxxxxxxxxxx" },
	{ "a register that is none", "pfff", "E02" },
	{ "writing one that is none", "Pfff=00000000", "E02" },
	{ "set eax", "P0=78560000", "OK" },
	{ "eax again", "p0", "78560000" },
	{ "too few digits", "P0=7856", "E16" },
	{ "a selector of 17 bits", "Pe=00000100", "E.10000 does not fit fs" },
	{ "writing an x87 register", "P10=00000000000000000000", "E.st0 cannot be written" },

	{ "step", "s", "T0508:017c0000;04:00700000;thread:1;" },
	{ "eax has been incremented", "p0", "79560000" },
	{ "step by vCont", "vCont;s:1;c", "T0508:027c0000;04:00700000;thread:1;" },
	{ "what vCont can", "vCont?", "vCont;c;C;s;S" },
	{ "vCont for nobody", "vCont;c:7", "E16" },
	{ "vCont for a thread that is not there", "vCont;c:2", "E16" },
	{ "vCont without a verb", "vCont;", "E16" },
	{ "vCont with another verb", "vCont;t", "E16" },
	{ "step from elsewhere", "s7c00", "T0508:017c0000;04:00700000;thread:1;" },
	{ "step from where cs does not reach", "s7c000000", "E0e" },

	{ "a software breakpoint", "Z0,7c00,1", "OK" },
	{ "once more is fine", "Z0,7c00,1", "OK" },
	{ "run into it", "c", "T0508:007c0000;04:00700000;thread:1;swbreak:;" },
	{ "memory has not changed", "m7c00,1", "40" },
	{ "once removed, it is gone", "z0,7c00,1", "OK" },
	{ "removing what is not there", "z0,7c00,1", "OK" },
	{ "a hardware breakpoint", "Z1,7c01,1", "OK" },
	{ "run into it", "vCont;c", "T0508:017c0000;04:00700000;thread:1;hwbreak:;" },
	{ "why does it stand?", "?", "T0508:017c0000;04:00700000;thread:1;hwbreak:;" },
	{ "a watchpoint is not known", "Z2,500,4", "" },
	{ "nor is its end", "z4,500,4", "" },
	{ "a condition was not announced", "Z0,7c00,1;X1,00", "E16" },
	{ "beyond 4 GiB", "Z0,100007c00,1", "E0e" },

	{ "an object that is none", "qXfer:features:read:other.xml:0,10", "E00" },
	{ "beyond its end", "qXfer:features:read:target.xml:fffffff,10", "E16" },
	{ "its beginning", "qXfer:features:read:target.xml:0,6", "m<?xml " },
	{ "for lldb", "qHostInfo",
	  "triple:693338362d756e6b6e6f776e2d756e6b6e6f776e;endian:little;ptrsize:4;" },
	{ "a command of uneven digits", "qRcmd,7", "E16" },
	{ "a NUL in a command", "qRcmd,00", "E16" },
	{ "no command at all is fine", "qRcmd,", "OK" },
	{ "detach", "D", "OK" },
	{ "kill has no answer", "k", "(none)" },
	{ "but this one has", "vKill;1", "OK" },
	/* clang-format on */
};

static void
test_conversation(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(conversation) / sizeof(conversation[0]); i++) {
		print_message("%s: %s\n", conversation[i].what, conversation[i].packet);
		assert_string_equal(ask(conversation[i].packet), conversation[i].reply);
	}
}

/* --- the host as a second thread ---------------------------------------------------------------
 */

#define GUEST_STANDS "T0008:007c0000;04:00700000;thread:1;"

static const char *value(const char *name);
static const char *assign(const char *name, const char *digits);

/* A switch of that strategy, at its X1. */
static void
begin_switch(const char *text)
{
	const struct descry_strategy *strategy;
	struct descry_error err;

	assert_int_equal(descry_strategy_find(text, &strategy, &err), DESCRY_OK);
	descry_world_choose(world, strategy);
	assert_int_equal(descry_world_begin(world)->end, DESCRY_WORLD_IN_FLIGHT);
}

static void
test_host_comes_and_goes(void **state)
{
	(void)state;
	assert_string_equal(ask("qfThreadInfo"), "m1");
	begin_switch("selector-real/big");
	assert_string_equal(ask("qfThreadInfo"), "m1,2");
	assert_string_equal(ask("qC"), "QC2");
	assert_string_equal(ask("T2"), "OK");
	assert_string_equal(ask("?"), "T0508:007c0000;04:00700000;thread:2;");
	assert_string_equal(ask("qThreadExtraInfo,1"), "6775657374");
	assert_string_equal(ask("qThreadExtraInfo,2"), /* host (X1 event in the guest) */
			    "686f737420285831206576656e7420696e2074686520677565737429");
	assert_string_equal(ask("qXfer:threads:read::0,1000"),
			    "l<threads><thread id=\"1\" name=\"guest\"></thread>"
			    "<thread id=\"2\" name=\"host\">X1 event in the guest</thread>"
			    "</threads>");
	descry_world_finish(world);
	assert_string_equal(ask("qfThreadInfo"), "m1");
	assert_string_equal(ask("qC"), "QC1");
	assert_string_equal(ask("g"), "E16"); /* of the host, at which gdb has looked */
	assert_string_equal(ask("Hg1"), "OK");
	assert_string_equal(value("eip"), "007c0000");
}

/* Steps the host up to the end of a step, X2 to X6. */
static void
step_host_behind(const char *name)
{
	output[output_size = 0] = '\0';
	while (strstr(output, name) == NULL)
		assert_non_null(strstr(ask("vCont;s:2;c"), ";thread:2;"));
}

/* The host loads an FS of 4 GiB. The guest, which gdb sees as it was, has 64 KiB. */
static void
test_host_is_stepped(void **state)
{
	(void)state;
	begin_switch("selector-real/big");
	step_host_behind("X5 ");
	assert_string_equal(value("fs_limit"), "ffffffff");
	assert_string_equal(value("fs"), "10000000");
	assert_string_equal(ask("Hg1"), "OK");
	assert_string_equal(value("fs_limit"), "ffff0000");
	assert_string_equal(value("fs_state"), "00000000");
	assert_string_equal(value("eax"), "00000000");
	assert_string_equal(value("gdtr_limit"), "0000");
	assert_string_equal(ask("m7c00,4"), "4043ebfc");
	assert_string_equal(ask("Hg2"), "OK");
	assert_string_equal(value("fs_limit"), "ffffffff");
	assert_string_equal(value("eax"), "0000e0ff"); /* its own */
	assert_true(descry_world_in_flight(world));
}

static void
test_host_is_stepped_to_its_end(void **state)
{
	const char *reply;

	(void)state;
	begin_switch("selector-real/big");
	do
		reply = ask("vCont;s:2;c");
	while (strstr(reply, ";thread:2;") != NULL);
	assert_string_equal(reply, GUEST_STANDS);
	assert_string_equal(ask("qfThreadInfo"), "m1");
	assert_string_equal(value("eax"), "00000000");
	assert_string_equal(value("fs_limit"), "ffffffff"); /* which is what it lost */
	assert_string_equal(ask("s"), "T0508:017c0000;04:00700000;thread:1;");
}

/* Through all of a switch, with a look at both threads behind each operation. */
static void
watch_switch(void)
{
	static char guest[PACKET_MAX + 1];

	strcpy(guest, ask("g"));
	descry_world_begin(world);
	while (descry_world_in_flight(world)) {
		assert_string_equal(ask("Hg1"), "OK");
		assert_string_equal(ask("g"), guest);
		assert_string_equal(ask("m7c00,4"), "4043ebfc");
		assert_string_equal(ask("Hg2"), "OK");
		assert_int_equal(strlen(ask("g")), strlen(guest));
		ask("vCont;s:2;c");
	}
	assert_string_equal(ask("Hg1"), "OK");
}

/* What a switch does to the guest does not depend on who watches it, whatever the strategy. */
static void
test_watching_changes_nothing(void **state)
{
	const struct descry_strategy *row;

	for (size_t i = 0; (row = descry_strategy_at(i)) != NULL; i++) {
		char name[DESCRY_STRATEGY_TEXT];
		struct descry_vcpu_image alone, watched;

		print_message("%s\n", descry_strategy_text(row, name));
		descry_world_choose(world, row);
		descry_world_interrupt(world);
		descry_vcpu_save(descry_monitor_vcpu(monitor), &alone);
		close_stub(state);
		open_stub(state);
		descry_world_choose(world, row);
		watch_switch();
		descry_vcpu_save(descry_monitor_vcpu(monitor), &watched);
		assert_memory_equal(&watched, &alone, sizeof(alone));
		close_stub(state);
		open_stub(state);
	}
}

static const struct {
	const char *what;
	const char *packet; /* in the middle of a switch */
	const char *reply, *ip;
	bool in_flight; /* still, afterwards */
} resumptions[] = {
	/* clang-format off */
	{ "the host alone", "vCont;c:2", "N", "007c0000", false },
	{ "the guest alone waits", "vCont;s:1", GUEST_STANDS, "007c0000", true },
	{ "also when it is to go on", "vCont;c:1", GUEST_STANDS, "007c0000", true },
	{ "the host, and then one instruction", "vCont;s:1;c",
	  "T0508:017c0000;04:00700000;thread:1;", "017c0000", false },
	{ "both, to the breakpoint", "vCont;c",
	  "T0508:027c0000;04:00700000;thread:1;swbreak:;", "027c0000", false },
	{ "in the old way", "c",
	  "T0508:027c0000;04:00700000;thread:1;swbreak:;", "027c0000", false },
	{ "at another address", "c7c04", "E0e", "007c0000", true },
	{ "a thread that is not there", "vCont;c:3", "E16", "007c0000", true },
	/* clang-format on */
};

static void
test_who_goes_on(void **state)
{
	for (size_t i = 0; i < sizeof(resumptions) / sizeof(resumptions[0]); i++) {
		print_message("%s\n", resumptions[i].what);
		assert_string_equal(ask("Z0,7c02,1"), "OK");
		ask("qSupported:swbreak+;no-resumed+");
		begin_switch("selector-real/small");
		step_host_behind("X5 ");
		assert_string_equal(ask(resumptions[i].packet), resumptions[i].reply);
		assert_int_equal(descry_world_in_flight(world), resumptions[i].in_flight);
		assert_string_equal(ask("Hg1"), "OK");
		assert_string_equal(value("ip"), resumptions[i].ip);
		close_stub(state);
		open_stub(state);
	}
}

/* Packets older than vCont: Hc says which thread a step is for. */
static void
test_old_steps(void **state)
{
	(void)state;
	begin_switch("selector-real/small");
	assert_string_equal(ask("Hc0"), "OK");
	assert_non_null(strstr(ask("s"), ";thread:2;"));
	assert_string_equal(ask("Hc2"), "OK");
	assert_non_null(strstr(ask("s"), ";thread:2;"));
	assert_string_equal(ask("Hc1"), "OK");
	assert_string_equal(ask("s"), "T0508:017c0000;04:00700000;thread:1;");
	assert_false(descry_world_in_flight(world));
}

/* What the guest was at X1 cannot be changed; its memory can, and so can the hardware. */
static void
test_writes_in_flight(void **state)
{
	(void)state;
	begin_switch("selector-real/small");
	assert_string_equal(ask("Hg1"), "OK");
	assert_memory_equal(assign("eax", "01000000"), "E.the host has the CPU", 22);
	assert_memory_equal(ask("G00"), "E.the host has the CPU", 22);
	assert_string_equal(ask("M500,1:5a"), "OK");
	assert_string_equal(ask("Hg2"), "OK");
	assert_string_equal(ask("m500,1"), "5a");
	assert_string_equal(assign("eax", "01000000"), "OK");
	assert_string_equal(value("eax"), "01000000");
	assert_string_equal(ask("Hg1"), "OK");
	assert_string_equal(value("eax"), "00000000");
}

/* --- how a guest ends ----------------------------------------------------------------------------
 */

static const struct {
	const char *what;
	const char *packet; /* continue from there */
	const char *reply;  /* how it begins */
	const char *words;
} ends[] = {
	{ "guest exit", "c7c04", "W05", "guest exit, status 5" },
	{ "halted for ever", "c7c08", "T11", "halted for ever at 0000:7c09" },
	{ "#UD that nobody handles", "c7c09", "T04", "unhandled #UD" },
	{ "#DE that nobody handles", "c7c0b", "T08", "unhandled #DE" },
	{ "#GP that nobody handles", "c7c0d", "T0b", "unhandled #GP" },
	{ "#BP that nobody handles", "c7c14", "T05", "unhandled #BP" },
	{ "the console comes first", "c7c10", "T05", "Aunhandled #BP" },
};

static void
test_ends(void **state)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const char *reply;

		print_message("%s\n", ends[i].what);
		reply = ask(ends[i].packet);
		print_message("%s %s", reply, output);
		assert_memory_equal(reply, ends[i].reply, strlen(ends[i].reply));
		assert_non_null(strstr(output, ends[i].words));
		close_stub(state);
		open_stub(state);
	}
}

/* Whatever stops a guest, gdb gets a signal: 0 would say that it runs. */
static void
test_every_reason_has_a_signal(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DESCRY_STOP_REASON_COUNT; i++) {
		const struct descry_stop stop = { .reason = (enum descry_stop_reason)i };

		stop_reply_attach(stub, &stop);
		print_message("%s: %s\n", descry_stop_reason_text(stop.reason), stub->stop_reply);
		assert_memory_not_equal(stub->stop_reply, "T00", 3);
	}
}

/* A guest that has ended does not go on, but can be looked at. */
static void
test_after_the_end(void **state)
{
	(void)state;
	assert_string_equal(ask("c7c04"), "W05");
	assert_string_equal(ask("c"), "W05");
	assert_string_equal(ask("s"), "W05");
	assert_string_equal(ask("?"), "T0508:087c0000;04:00700000;thread:1;");
	assert_string_equal(ask("qRcmd,7265736574"), "OK"); /* reset */
	assert_string_equal(ask("s"), "T0508:017c0000;04:00700000;thread:1;");
}

/* --- registers ------------------------------------------------------------------------ */

/* target.xml and g agree in number, order and width, and no register is there twice. */
static void
test_description(void **state)
{
	const char *at = stub->target_xml;
	size_t digits = 0;
	char line[96];

	(void)state;
	for (unsigned i = 0; i < gdb_register_count; i++) {
		const struct gdb_register *reg = &gdb_registers[i];

		snprintf(line, sizeof(line), "<reg name=\"%s\" bitsize=\"%u\"", reg->name,
			 reg->bits);
		at = strstr(at, "<reg ");
		assert_non_null(at);
		assert_memory_equal(at, line, strlen(line));
		assert_null(strstr(at + 1, line));
		at++;
		digits += register_digits(reg);
	}
	assert_null(strstr(at, "<reg "));
	assert_int_equal(strlen(ask("g")), digits);
}

static unsigned
number_of(const char *name)
{
	unsigned i = 0;

	while (strcmp(gdb_registers[i].name, name) != 0)
		assert_true(++i < gdb_register_count);
	return i;
}

static size_t
digits_before(const char *name)
{
	size_t digits = 0;

	for (unsigned i = 0; i < number_of(name); i++)
		digits += register_digits(&gdb_registers[i]);
	return digits;
}

static const char *
assign(const char *name, const char *digits)
{
	char packet[64];

	snprintf(packet, sizeof(packet), "P%x=%s", number_of(name), digits);
	return ask(packet);
}

static const char *
value(const char *name)
{
	char packet[16];

	snprintf(packet, sizeof(packet), "p%x", number_of(name));
	return ask(packet);
}

/* The numbers that stop replies and handlers know by heart. */
static void
test_numbers(void **state)
{
	(void)state;
	assert_int_equal(number_of("esp"), REGISTER_ESP);
	assert_int_equal(number_of("eip"), REGISTER_EIP);
}

/* The selector is poked; the cache stays, and its status says what has become of it. */
static void
test_segments(void **state)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	const struct descry_segment *fs = &descry_vcpu_state(vcpu)->seg[DESCRY_FS];

	(void)state;
	assert_string_equal(value("fs_state"), "00000000");
	assert_string_equal(assign("fs", "10000000"), "OK");
	assert_int_equal(fs->sel, 0x10);
	assert_int_equal(fs->base, 0);
	assert_string_equal(value("fs_state"), "04000000"); /* UNREAL-BASE */
	assert_string_equal(assign("fs_limit", "ffffffff"), "OK");
	assert_int_equal(fs->limit, 0xffffffff);
	assert_string_equal(value("fs_state"), "26000000"); /* and UNREAL, FORCED */
	assert_string_equal(assign("fs_desc", "93c00000"), "OK");
	assert_string_equal(value("fs_attr"), "93c00000");
	assert_string_equal(assign("fs_attr", "93000100"), "E.10093 does not fit fs_attr");
	assert_string_equal(assign("fs_state", "00000000"), "E.fs_state cannot be written");
	assert_string_equal(assign("mode", "00000000"), "OK"); /* which it is */
	assert_string_equal(assign("mode", "03000000"), "E.mode cannot be written");
	assert_int_equal(descry_vcpu_provenance(vcpu, DESCRY_FS)->limit.cause,
			 DESCRY_CAUSE_DEBUGGER);
	assert_int_equal(descry_vcpu_provenance(vcpu, DESCRY_FS)->base.cause, DESCRY_CAUSE_START);
}

/* eip is linear and has to lie in CS; ip is the offset. */
static void
test_program_counter(void **state)
{
	(void)state;
	assert_string_equal(assign("cs_base", "00700000"), "OK");
	assert_string_equal(value("eip"), "00ec0000");
	assert_string_equal(value("ip"), "007c0000");
	assert_string_equal(assign("eip", "10700000"), "OK");
	assert_string_equal(value("ip"), "10000000");
	assert_string_equal(assign("eip", "ff6f0000"),
			    "E.eip is linear, and 00006fff is not in cs (base 00007000, limit "
			    "0000ffff); ip is the offset");
	assert_string_equal(assign("eip", "00700100"),
			    "E.eip is linear, and 00017000 is not in cs (base 00007000, limit "
			    "0000ffff); ip is the offset");
	assert_string_equal(value("ip"), "10000000");
	assert_string_equal(assign("ip", "007c0000"), "OK");
	assert_string_equal(value("eip"), "00ec0000");
}

/* Where the CPU is sent after HLT, it runs. */
static void
test_jump_out_of_halt(void **state)
{
	(void)state;
	assert_memory_equal(ask("c7c08"), "T11", 3);
	assert_memory_equal(ask("c"), "T11", 3);
	assert_string_equal(assign("eip", "007c0000"), "OK");
	assert_string_equal(ask("s"), "T0508:017c0000;04:00700000;thread:1;");
}

/* G writes what differs, and all of it or nothing. */
static void
test_write_all(void **state)
{
	char packet[0x1000], before[0x1000 - 1];
	char *registers = packet + 1;

	(void)state;
	snprintf(before, sizeof(before), "%s", ask("g"));
	snprintf(packet, sizeof(packet), "G%s", before);
	assert_string_equal(ask(packet), "OK");
	assert_string_equal(ask("g"), before);

	memcpy(registers + digits_before("eax"), "78563412", 8);
	memcpy(registers + digits_before("eip"), "00800000", 8);
	memcpy(registers + digits_before("cs_base"), "00100000", 8);
	assert_string_equal(ask(packet), "OK");
	assert_string_equal(value("eax"), "78563412");
	assert_string_equal(value("eip"), "00800000");
	assert_string_equal(value("ip"), "00700000");

	snprintf(before, sizeof(before), "%s", ask("g"));
	snprintf(packet, sizeof(packet), "G%s", before);
	memcpy(registers + digits_before("ebx"), "78563412", 8);
	memcpy(registers + digits_before("eip"), "00000000", 8);
	assert_string_equal(ask(packet), "E16");
	assert_string_equal(ask("g"), before);

	packet[strlen(packet) - 1] = '\0';
	assert_string_equal(ask(packet), "E16");
	packet[8] = '\0';
	assert_string_equal(ask(packet), "E16");
	assert_string_equal(ask("g"), before);
}

/* --- beside the shell ----------------------------------------------------------------- */

/* gdb's breakpoints and the shell's at the same address know nothing of each other. */
static void
test_breakpoints_of_the_shell(void **state)
{
	const struct descry_breakpoint *list;

	(void)state;
	ask("qSupported:swbreak+");
	assert_int_equal(descry_monitor_add_breakpoint(monitor, 0x7c01), 1);
	assert_string_equal(ask("Z0,7c01,1"), "OK");
	assert_string_equal(ask("Z0,7c02,1"), "OK");
	assert_int_equal(descry_monitor_breakpoints(monitor, &list), 1);
	assert_string_equal(ask("c"), "T0508:017c0000;04:00700000;thread:1;swbreak:;");
	assert_int_equal(list[0].hits, 1);
	assert_string_equal(ask("z0,7c01,1"), "OK");
	assert_int_equal(descry_monitor_breakpoints(monitor, &list), 1);
	assert_string_equal(ask("D"), "OK");
	assert_string_equal(ask("c"), "T0508:017c0000;04:00700000;thread:1;");
	assert_int_equal(list[0].hits, 2);
}

/* Software and hardware at one address: the guest stops until both have gone. */
static void
test_both_kinds(void **state)
{
	(void)state;
	ask("qSupported:hwbreak+");
	ask("Z0,7c01,1");
	ask("Z1,7c01,1");
	ask("z0,7c01,1");
	assert_string_equal(ask("c"), "T0508:017c0000;04:00700000;thread:1;hwbreak:;");
	ask("z1,7c01,1");
	ask("Z1,7c02,1");
	assert_string_equal(ask("c"), "T0508:027c0000;04:00700000;thread:1;hwbreak:;");
}

static void
test_many_breakpoints(void **state)
{
	char packet[32];

	(void)state;
	for (unsigned i = 0; i < POINTS_MAX; i++) {
		snprintf(packet, sizeof(packet), "Z0,%x,1", 0x10000 + i);
		assert_string_equal(ask(packet), "OK");
	}
	assert_string_equal(ask("Z0,7c00,1"), "E1c");
	assert_string_equal(ask("z0,10000,1"), "OK");
	assert_string_equal(ask("Z0,7c00,1"), "OK");
}

static void
test_monitor(void **state)
{
	(void)state;
	assert_string_equal(ask("qRcmd,696e666f2073746f70"), "OK"); /* info stop */
	assert_non_null(strstr(output, "start at 0000:7c00"));
	assert_string_equal(ask("qRcmd,6e6f6e73656e7365"), "E01"); /* nonsense */
	assert_non_null(strstr(output, "nonsense"));
}

/* Who does not wait for an answer would read it as the answer to something else. */
static void
test_monitor_that_was_given_up(void **state)
{
	(void)state;
	gives_up = true;
	assert_string_equal(ask("qRcmd,696e666f2073746f70"), "(none)");
	gives_up = false;
	assert_string_equal(ask("qRcmd,696e666f2073746f70"), "OK");
}

/* Raw, whatever an instruction could do. */
static void
test_control_registers(void **state)
{
	(void)state;
	assert_string_equal(value("cr0"), "10000000");
	assert_string_equal(value("eflags"), "02000000");
	assert_string_equal(assign("cr2", "00000080"), "OK");
	assert_string_equal(assign("cr0", "11000000"), "OK");
	assert_string_equal(assign("eflags", "020e0000"), "OK");
	assert_string_equal(value("eflags"), "020e0000");
}

int
main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, open_stub, close_stub)
	const struct CMUnitTest tests[] = {
		TEST(test_conversation),
		TEST(test_host_comes_and_goes),
		TEST(test_host_is_stepped),
		TEST(test_host_is_stepped_to_its_end),
		TEST(test_watching_changes_nothing),
		TEST(test_who_goes_on),
		TEST(test_old_steps),
		TEST(test_writes_in_flight),
		TEST(test_ends),
		TEST(test_every_reason_has_a_signal),
		TEST(test_after_the_end),
		TEST(test_description),
		TEST(test_numbers),
		TEST(test_segments),
		TEST(test_program_counter),
		TEST(test_jump_out_of_halt),
		TEST(test_write_all),
		TEST(test_breakpoints_of_the_shell),
		TEST(test_both_kinds),
		TEST(test_many_breakpoints),
		TEST(test_monitor),
		TEST(test_monitor_that_was_given_up),
		TEST(test_control_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
