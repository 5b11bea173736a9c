/*
 * silicon_host: runs the cases that come on standard input on the CPU under us and writes
 * the results to standard output (protocol.h). A 32-bit program: only such a one may have
 * 16-bit and 32-bit code segments with limits of its own, through modify_ldt(2).
 */
#define _GNU_SOURCE /* syscall() */
#include "arena.h"
#include "host_enter.h"

#include <asm/ldt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The pages around the arena that stay without access: a near miss faults, and is seen. */
#define GUARD_SIZE 0x100000u

static struct arena arena;
static struct batch batch;
static struct test_case cases[BATCH_MAX];
static struct test_result results[BATCH_MAX];

static bool
write_slot(unsigned index, const struct slot_descriptor *slot)
{
	enum { MODIFY_LDT_WRITE = 0x11 };
	struct user_desc entry = { .entry_number = index };

	if (!slot->empty) {
		entry.base_addr = slot->base;
		entry.limit = slot->limit;
		entry.seg_32bit = slot->big & 1u;
		entry.contents = (slot->type & (TYPE_CODE | TYPE_DOWN)) >> 2;
		entry.read_exec_only = !(slot->type & TYPE_WRITABLE);
		entry.limit_in_pages = slot->pages & 1u;
		entry.seg_not_present = !slot->present;
		entry.useable = slot->avl & 1u;
	} else {
		/* the form of an entry that modify_ldt(2) clears */
		entry.read_exec_only = 1;
		entry.seg_not_present = 1;
	}
	return syscall(SYS_modify_ldt, MODIFY_LDT_WRITE, &entry, sizeof(entry)) == 0;
}

static bool
map_arena(void)
{
	void *const guarded = (void *)(ARENA_BASE - GUARD_SIZE);
	uint8_t *map = mmap(guarded, GUARD_SIZE * 2 + ARENA_SIZE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (map != guarded)
		return false;
	arena.live = map + GUARD_SIZE;
	return mprotect(arena.live, ARENA_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
}

static enum host_status
set_up(void)
{
	const struct slot_descriptor flat = {
		.limit = 0xfffff, .type = 3, .present = 1, .pages = 1
	};

	if (!write_slot(SLOT_COUNT - 1, &flat))
		return HOST_NO_MODIFY_LDT;
	if (!map_arena())
		return HOST_NO_ARENA;
	if (!host_enter_setup())
		return HOST_NO_SIGNALS;
	return HOST_READY;
}

static bool
read_all(void *to, size_t size)
{
	return fread(to, 1, size, stdin) == size;
}

static void
run_batch(void)
{
	arena_fill(&arena, batch.fill);
	for (uint32_t i = 0; i < batch.count; i++) {
		arena_prepare(&arena, &cases[i]);
		host_enter(&cases[i].in, &results[i]);
		arena_collect(&arena, &cases[i], &results[i]);
	}
}

static bool
take_batch(void)
{
	if (!read_all(&batch, sizeof(batch)) || batch.magic != BATCH_MAGIC ||
	    batch.count > BATCH_MAX)
		return false;
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		if (!write_slot(i, &batch.slot[i]))
			return false;
	return read_all(cases, batch.count * sizeof(cases[0]));
}

int
main(void)
{
	const uint32_t status = set_up();

	fwrite(&status, sizeof(status), 1, stdout);
	fflush(stdout);
	if (status != HOST_READY)
		return 1;
	while (take_batch()) {
		run_batch();
		fwrite(results, sizeof(results[0]), batch.count, stdout);
		fflush(stdout);
	}
	return 0;
}
