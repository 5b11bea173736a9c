/*
 * linux-ldt: what a context switch of Linux makes of a segment whose descriptor has changed.
 *
 * FS is loaded from an entry of the LDT, and the entry is rewritten. The CPU keeps base and
 * limit of the old entry. Then the program sleeps, so that the system saves and restores it.
 * What FS holds can only be found out by using it: the base by what lies at fs:0, the limit by
 * the last offset that does not fault. LSL tells what the table says, not what the CPU holds.
 *
 * A 32-bit program: 64-bit code has no limits. docs/linux-ldt.md tells the story.
 */
#define _GNU_SOURCE /* syscall() */
#include <asm/ldt.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	MODIFY_LDT_WRITE = 0x11,
	SELECTOR = 0x07, /* entry 0 of the LDT, RPL 3 */
	AREA_SIZE = 0x10000,
	OLD_LIMIT = 0x0fff,
	NEW_LIMIT = 0x1fff,
	SKIPPED = 77, /* as ctest has it */
};

/* Where the two segments lie. The first byte tells which one it is. */
static uint8_t old_area[AREA_SIZE], new_area[AREA_SIZE];
static sigjmp_buf fault;

struct seen {
	char area; /* 'o' or 'n', of the old or the new entry */
	uint32_t limit, lsl;
};

static void
on_fault(int signal)
{
	(void)signal;
	siglongjmp(fault, 1);
}

static uint8_t
read_fs(uint32_t offset)
{
	uint8_t byte;

	__asm__ volatile("movb %%fs:(%1), %0" : "=q"(byte) : "r"(offset));
	return byte;
}

/* May fs:OFFSET be read? */
static bool
reaches(uint32_t offset)
{
	if (sigsetjmp(fault, 0))
		return false;
	(void)read_fs(offset);
	return true;
}

/* The last offset that does not fault, below AREA_SIZE. */
static uint32_t
find_limit(void)
{
	uint32_t good = 0, bad = AREA_SIZE;

	while (bad - good > 1) {
		const uint32_t middle = (good + bad) / 2;

		if (reaches(middle))
			good = middle;
		else
			bad = middle;
	}
	return good;
}

static struct seen
look(void)
{
	struct seen seen = { .area = (char)read_fs(0), .limit = find_limit() };

	__asm__ volatile("lsl %1, %0" : "=r"(seen.lsl) : "r"((uint32_t)SELECTOR));
	return seen;
}

static void
tell(const char *when, const struct seen *seen)
{
	printf("%-32s base %s  limit %04x  LSL %04x\n", when, seen->area == 'o' ? "old" : "new",
	       (unsigned)seen->limit, (unsigned)seen->lsl);
}

static struct seen
look_and_tell(const char *when)
{
	const struct seen seen = look();

	tell(when, &seen);
	return seen;
}

static bool
write_entry(const uint8_t *area, uint32_t limit)
{
	struct user_desc entry = {
		.base_addr = (uint32_t)(uintptr_t)area,
		.limit = limit,
		.seg_32bit = 1,
		.useable = 1,
	};

	return syscall(SYS_modify_ldt, MODIFY_LDT_WRITE, &entry, sizeof(entry)) == 0;
}

static void
load_fs(void)
{
	__asm__ volatile("movw %w0, %%fs" : : "r"(SELECTOR));
}

static bool
is(const struct seen *seen, char area, uint32_t limit)
{
	return seen->area == area && seen->limit == limit;
}

static const char *
verdict(const struct seen *after)
{
	if (is(after, 'o', NEW_LIMIT))
		return "mixed: the limit of the new entry with the base of the old one";
	if (is(after, 'n', NEW_LIMIT))
		return "by the table: the switch has loaded the selector and nothing else";
	if (is(after, 'o', OLD_LIMIT))
		return "kept: this sleep has not switched, or it keeps whole caches";
	return NULL;
}

static bool
prepare(void)
{
	/* Out of the handler by siglongjmp: the way back through the kernel could load FS. */
	const struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };

	old_area[0] = 'o';
	new_area[0] = 'n';
	return sigaction(SIGSEGV, &action, NULL) == 0 && write_entry(old_area, OLD_LIMIT);
}

int
main(void)
{
	const struct timespec nap = { .tv_nsec = 20 * 1000 * 1000 };

	if (!prepare()) {
		fprintf(stderr, "linux-ldt: modify_ldt(2) is refused by this system\n");
		return SKIPPED;
	}
	load_fs();
	const struct seen loaded = look_and_tell("FS loaded from the old entry");

	if (!write_entry(new_area, NEW_LIMIT))
		return 1;
	look_and_tell("the entry is rewritten");
	sched_yield();
	look_and_tell("after sched_yield");
	nanosleep(&nap, NULL);
	const struct seen slept = look_and_tell("after nanosleep");

	load_fs();
	const struct seen reloaded = look_and_tell("FS loaded again");
	const char *const text = verdict(&slept);

	printf("the switch: %s\n", text ? text : "unheard of");
	return is(&loaded, 'o', OLD_LIMIT) && is(&reloaded, 'n', NEW_LIMIT) && text ? 0 : 1;
}
