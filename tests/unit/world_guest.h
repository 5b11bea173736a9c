/*
 * Guests for tests of the world switch, each a boot sector of a few bytes with its assembly beside
 * it, and comparisons of one of them.
 */
#ifndef WORLD_GUEST_H
#define WORLD_GUEST_H

#include "temp_file.h"
#include "world/host.h"
#include "world/judge.h"

#include <descry/world.h>

#include <setjmp.h>
#include <stdarg.h>
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
#define ENTER_WITH_GDT_AT(low) \
	"\x66\x0f\x01\x16" low "\x7c" /* lgdtl gdtr */ \
	"\x0f\x20\xc0"                /* mov eax, cr0 */
#define LOAD_FS_IN_PROTECTED_MODE \
	"\x66\x89\xc1"                /* mov ecx, eax */ \
	"\x0c\x01"                    /* or al, 1 */ \
	"\x0f\x22\xc0"                /* mov cr0, eax */ \
	"\xb8\x10\x00"                /* mov ax, 0x10 */ \
	"\x8e\xe0"                    /* mov fs, ax */ \
	"\x0f\x22\xc1"                /* mov cr0, ecx */
#define HOST_INTERRUPT "\xe6\xed" /* out 0xed, al */
#define EXIT "\xe6\xf4"           /* out 0xf4, al */
#define NULL_SLOT "\0\0\0\0\0\0\0\0"

/* FS 0010, 4 GiB at 0, in real mode. */
static const struct guest unreal = GUEST(
	ENTER_WITH_GDT_AT("\x28") LOAD_FS_IN_PROTECTED_MODE
	"\x66\xb8\x00\x00\x02\x00"    /* mov eax, 0x20000 */
	HOST_INTERRUPT
	"\x64\x67\x66\x89\x00"        /* mov fs:[eax], eax */
	EXIT
	"\x17\x00\x2e\x7c\x00\x00" NULL_SLOT NULL_SLOT "\xff\xff\x00\x00\x00\x93\xcf\x00");

/* The same at 100h, which is 0010 * 16; first a store that does not show the difference. */
static const struct guest shows_later = GUEST(
	ENTER_WITH_GDT_AT("\x2b") LOAD_FS_IN_PROTECTED_MODE
	"\x66\xb8\x00\x00\x02\x00"    /* mov eax, 0x20000 */
	HOST_INTERRUPT
	"\x64\xa2\x00\x00"            /* mov fs:[0], al */
	"\x64\x67\x88\x00"            /* mov fs:[eax], al */
	EXIT
	"\x17\x00\x31\x7c\x00\x00" NULL_SLOT NULL_SLOT "\xff\xff\x00\x01\x00\x93\xcf\x00");

/* FS 0010, 64 KiB at 0, and loaded again with 3000 before it is used. */
static const struct guest heals = GUEST(
	ENTER_WITH_GDT_AT("\x26") LOAD_FS_IN_PROTECTED_MODE
	HOST_INTERRUPT
	"\xb8\x00\x30"                /* mov ax, 0x3000 */
	"\x8e\xe0"                    /* mov fs, ax */
	"\x64\xa2\x00\x00"            /* mov fs:[0], al */
	EXIT
	"\x17\x00\x2c\x7c\x00\x00" NULL_SLOT NULL_SLOT "\xff\xff\x00\x00\x00\x93\x40\x00");

/* Real mode as it usually is. */
static const struct guest plain = GUEST(
	"\xb8\x00\x10"                /* mov ax, 0x1000 */
	"\x8e\xe0" "\x8e\xe8"         /* mov fs, ax; mov gs, ax */
	HOST_INTERRUPT
	"\x64\xa2\x05\x00"            /* mov fs:[5], al */
	EXIT);

/* Asks for nothing. */
static const struct guest silent_one = GUEST("\x90\x90" EXIT);

/* Protected mode; FS 0028 at 1000h, and then a byte of its descriptor is written. */
#define REWRITE(slot_byte, value) GUEST( \
	ENTER_WITH_GDT_AT("\x45") \
	"\x0c\x01" "\x0f\x22\xc0"     /* or al, 1; mov cr0, eax */ \
	"\x66\xea\x16\x7c\0\0\x08\0"  /* jmp 0x8:1f */ \
	"\x66\xb8\x10\x00"            /* 1: mov ax, 0x10 */ \
	"\x8e\xd8" "\x8e\xd0"         /* mov ds, ax; mov ss, ax */ \
	"\x66\xb8\x28\x00" "\x8e\xe0" /* mov ax, 0x28; mov fs, ax */ \
	"\xc6\x05" slot_byte "\x7c\0\0" value /* mov byte [slot + n], value */ \
	"\x64\xc7\x05\0\0\0\0\x01\0\0\0" /* mov dword fs:[0], 1 */ \
	HOST_INTERRUPT \
	"\x64\xc7\x05\0\0\0\0\x02\0\0\0" /* mov dword fs:[0], 2 */ \
	EXIT \
	"\x2f\x00\x4b\x7c\x00\x00" NULL_SLOT \
	"\xff\xff\x00\x00\x00\x9b\xcf\x00" "\xff\xff\x00\x00\x00\x93\xcf\x00" \
	NULL_SLOT NULL_SLOT "\x00\x10\x00\x10\x00\x93\x40\x00")
/* ES and GS still have 0000 from real mode, which protected mode loads as null. */
#define LEFT_FROM_REAL_MODE(lost) "es.limit es.attr " lost " gs.limit gs.attr"
static const struct guest moved = REWRITE("\x76", "\x20");  /* base 2000h now */
static const struct guest absent = REWRITE("\x78", "\x13"); /* P=0 now */
/* clang-format on */

static inline struct descry_monitor *
open_guest_with(const struct guest *guest, const char *knob)
{
	uint8_t sector[512] = { [510] = 0x55, [511] = 0xaa };
	struct descry_options options = { .ram_mib = 16,
					  .knobs = &knob,
					  .knob_count = knob ? 1 : 0 };
	struct descry_monitor *monitor = NULL;
	char name[TEMP_FILE_NAME];
	struct descry_error err = { .text = "" };

	assert_true(guest->size <= 510);
	memcpy(sector, guest->code, guest->size);
	temp_file_write(name, sector, sizeof(sector));
	options.image = name;
	if (descry_monitor_create(&options, &monitor, &err) != DESCRY_OK)
		fail_msg("%s", err.text);
	unlink(name);
	return monitor;
}

static inline struct descry_monitor *
open_guest(const struct guest *guest)
{
	return open_guest_with(guest, NULL);
}

static inline const struct descry_strategy *
strategy(const char *name)
{
	const struct descry_strategy *found = NULL;
	struct descry_error err;

	assert_int_equal(descry_strategy_find(name, &found, &err), DESCRY_OK);
	return found;
}

static inline void
receive(void *owner, struct descry_compare *compare)
{
	struct descry_compare **only = owner;

	assert_null(*only);
	*only = compare;
}

/* At one boundary; at NULL: where the guest asks for it. */
static inline enum descry_status
compare_at(struct descry_monitor *monitor, const char *at, const struct descry_strategy *only,
	   struct descry_compare **result, struct descry_error *err)
{
	struct descry_when when;
	const struct descry_compare_request request = {
		.at = &when,
		.at_count = at ? 1 : 0,
		.only = only,
	};

	*result = NULL;
	if (at && descry_boundary_parse(monitor, at, &when, err) != DESCRY_OK)
		return err->status;
	return descry_compare_run(monitor, &request, receive, result, err);
}

static inline struct descry_compare *
compare(struct descry_monitor *monitor, const char *at, const char *only)
{
	struct descry_compare *result;
	struct descry_error err;

	if (compare_at(monitor, at, only ? strategy(only) : NULL, &result, &err) != DESCRY_OK)
		fail_msg("%s", err.text);
	return result;
}

static inline void
run_to_port(struct descry_monitor *monitor)
{
	const struct descry_run_request request = { .count = 1000, .stop_at_host_interrupt = true };
	struct descry_stop stop;

	descry_monitor_run(monitor, &request, &stop);
	assert_int_equal(stop.reason, DESCRY_STOP_HOST_INTERRUPT);
}

#endif
