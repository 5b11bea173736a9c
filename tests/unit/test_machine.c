/*
 * The machine around the CPU: memory map, copies of memory, port table. Oracle: DESIGN
 * of the machine (where RAM, ROM and the host window are) and, for the ports, what QEMU
 * and Bochs do on E9h, F4h and 3F8h.
 */
#include "machine/devices.h"
#include "machine/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- the map -------------------------------------------------------------------------- */

enum region { NOTHING, RAM, ROM, WINDOW };

static const struct {
	const char *what;
	uint32_t rom_kib;
	bool mapped; /* the host window */
	uint64_t physical;
	enum region region;
	uint64_t offset; /* in the region, of the page */
} map_cases[] = {
	/* clang-format off */
	{ "RAM begins at 0",                     0,   false, 0x00000000,  RAM,     0 },
	{ "RAM goes on below 1 MiB",             0,   false, 0x000fff53,  RAM,     0xff000 },
	{ "the last page of RAM",                0,   false, 0x001fffff,  RAM,     0x1ff000 },
	{ "nothing behind RAM",                  0,   false, 0x00200000,  NOTHING, 0 },
	{ "nothing below 4 GiB without a ROM",   0,   false, 0xfffffff0,  NOTHING, 0 },
	{ "nothing above 4 GiB",                 64,  false, 0x100000000, NOTHING, 0 },
	{ "a ROM ends at 4 GiB",                 64,  false, 0xfffffff0,  ROM,     0xf000 },
	{ "and begins its size below",           64,  false, 0xffff0000,  ROM,     0 },
	{ "and not before that",                 64,  false, 0xfffeffff,  NOTHING, 0 },
	{ "it is seen below 1 MiB",              64,  false, 0x000ffff0,  ROM,     0xf000 },
	{ "RAM below it",                        64,  false, 0x000effff,  RAM,     0xef000 },
	{ "RAM above it",                        64,  false, 0x00100000,  RAM,     0x100000 },
	{ "of a large ROM, the last 128 KiB",    256, false, 0x000e0000,  ROM,     0x20000 },
	{ "of a large ROM, no more than that",   256, false, 0x000dffff,  RAM,     0xdf000 },
	{ "all of a large ROM below 4 GiB",      256, false, 0xfffc0000,  ROM,     0 },
	{ "the window, not mapped",              0,   false, 0xffe00000,  NOTHING, 0 },
	{ "the window, mapped",                  0,   true,  0xffe00000,  WINDOW,  0 },
	{ "the last page of the window",         0,   true,  0xffe0ffff,  WINDOW,  0xf000 },
	{ "behind the window",                   0,   true,  0xffe10000,  NOTHING, 0 },
	{ "before the window",                   0,   true,  0xffdfffff,  NOTHING, 0 },
	/* clang-format on */
};

static void
create_memory(struct memory *memory, uint32_t rom_kib)
{
	struct descry_error err;

	assert_int_equal(memory_create(memory, 2, &err), DESCRY_OK);
	if (rom_kib != 0)
		assert_int_equal(memory_set_rom(memory, "rom", calloc(rom_kib, 1024),
						(size_t)rom_kib * 1024, &err),
				 DESCRY_OK);
}

static uint8_t *
region_host(const struct memory *memory, enum region region)
{
	switch (region) {
	case RAM:
		return memory->ram;
	case ROM:
		return memory->rom;
	case WINDOW:
		return memory->window;
	case NOTHING:
		break;
	}
	return NULL;
}

static void
test_map(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(map_cases); i++) {
		const uint8_t *region;
		struct memory memory;
		struct descry_page page;

		print_message("%s\n", map_cases[i].what);
		create_memory(&memory, map_cases[i].rom_kib);
		memory.window_mapped = map_cases[i].mapped;
		page = memory_page(&memory, map_cases[i].physical, false);
		region = region_host(&memory, map_cases[i].region);
		assert_ptr_equal(page.host, region ? region + map_cases[i].offset : NULL);
		assert_int_equal(page.writable,
				 map_cases[i].region == RAM || map_cases[i].region == WINDOW);
		memory_destroy(&memory);
	}
}

static const struct {
	const char *what;
	uint64_t physical;
	size_t size;
	size_t read, written; /* bytes */
} copy_cases[] = {
	/* clang-format off */
	{ "inside a page",                 0x1000,     16,   16,   16 },
	{ "across pages",                  0x1ff8,     0x2010, 0x2010, 0x2010 },
	{ "over the end of RAM",           0x1ffff0,   64,   16,   16 },
	{ "outside",                       0x300000,   16,   0,    0 },
	{ "a ROM is read, not written",    0xffff0000, 16,   16,   0 },
	{ "writing stops at the ROM",      0xeffff,    4,    4,    1 },
	{ "over the end of 4 GiB",         0xfffffffe, 4,    2,    0 },
	/* clang-format on */
};

static void
test_copy(void **state)
{
	static uint8_t out[0x3000], in[0x3000];

	(void)state;
	memset(in, 0x5a, sizeof(in));
	for (size_t i = 0; i < COUNT_OF(copy_cases); i++) {
		const uint64_t at = copy_cases[i].physical;
		struct memory memory;

		print_message("%s\n", copy_cases[i].what);
		create_memory(&memory, 64);
		assert_int_equal(memory_write(&memory, at, in, copy_cases[i].size),
				 copy_cases[i].written);
		memset(out, 0xee, sizeof(out));
		assert_int_equal(memory_read(&memory, at, out, copy_cases[i].size),
				 copy_cases[i].read);
		for (size_t j = 0; j < copy_cases[i].read; j++)
			assert_int_equal(out[j], j < copy_cases[i].written ? 0x5a : 0);
		memory_destroy(&memory);
	}
}

static const struct {
	const char *what;
	uint64_t physical, size;
	bool is_ram;
} ram_cases[] = {
	/* clang-format off */
	{ "all of it that is below the ROM",     0,          0xf0000,    true },
	{ "one byte under the ROM",              0,          0xf0001,    false },
	{ "from 1 MiB to the end",               0x100000,   0x100000,   true },
	{ "one byte more",                       0x100000,   0x100001,   false },
	{ "nothing, at the end",                 0x200000,   0,          true },
	{ "over the ROM to behind it",           0xe0000,    0x100000,   false },
	{ "a size that wraps",                   0x1000,     UINT64_MAX, false },
	{ "an address beyond",                   UINT64_MAX, 1,          false },
	/* clang-format on */
};

static void
test_is_ram(void **state)
{
	struct memory memory;

	(void)state;
	create_memory(&memory, 64);
	for (size_t i = 0; i < COUNT_OF(ram_cases); i++) {
		print_message("%s\n", ram_cases[i].what);
		assert_int_equal(memory_is_ram(&memory, ram_cases[i].physical, ram_cases[i].size),
				 ram_cases[i].is_ram);
	}
	memory_destroy(&memory);
}

static const struct {
	const char *what;
	uint32_t mib;
	uint64_t ram; /* 0: refused */
} size_cases[] = {
	{ "the default is 16 MiB", 0, 16u << 20 },
	{ "the least", 1, 1u << 20 },
	{ "the most ends below the host window", 2048, 2048ull << 20 },
	{ "more would not", 2049, 0 },
};

static void
test_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(size_cases); i++) {
		struct memory memory;
		struct descry_error err;
		enum descry_status status;

		print_message("%s\n", size_cases[i].what);
		status = memory_create(&memory, size_cases[i].mib, &err);
		assert_int_equal(status, size_cases[i].ram ? DESCRY_OK : DESCRY_BAD_ARGUMENT);
		assert_int_equal(memory.ram_size, size_cases[i].ram);
		memory_destroy(&memory);
	}
}

/* --- copies of memory ----------------------------------------------------------------- */

/*
 * A story of writes, saves and restores, each step checked: what three pages hold is
 * spelled out as their first bytes. Oracle: the letters.
 */
enum act { WRITE, SAVE, RESTORE };

static const struct {
	enum act act;
	unsigned which; /* page, or image */
	uint8_t value;
	uint8_t pages[3]; /* afterwards */
} story[] = {
	/* clang-format off */
	{ WRITE,   0, 'a', { 'a', 0,   0 } },
	{ SAVE,    0, 0,   { 'a', 0,   0 } },
	{ WRITE,   0, 'b', { 'b', 0,   0 } },
	{ WRITE,   1, 'c', { 'b', 'c', 0 } },
	{ SAVE,    1, 0,   { 'b', 'c', 0 } },
	{ WRITE,   2, 'd', { 'b', 'c', 'd' } },
	{ RESTORE, 0, 0,   { 'a', 0,   0 } },
	{ RESTORE, 0, 0,   { 'a', 0,   0 } },
	{ WRITE,   1, 'e', { 'a', 'e', 0 } },
	{ SAVE,    2, 0,   { 'a', 'e', 0 } },
	{ RESTORE, 1, 0,   { 'b', 'c', 0 } },
	{ WRITE,   1, 'f', { 'b', 'f', 0 } },
	{ WRITE,   1, 'g', { 'b', 'g', 0 } },
	{ RESTORE, 2, 0,   { 'a', 'e', 0 } },
	{ WRITE,   2, 'h', { 'a', 'e', 'h' } },
	{ RESTORE, 1, 0,   { 'b', 'c', 0 } },
	{ RESTORE, 0, 0,   { 'a', 0,   0 } },
	{ RESTORE, 2, 0,   { 'a', 'e', 0 } },
	/* clang-format on */
};

/* As a CPU does: a page is asked for when nothing is known of it, and then written. */
static void
write_page(struct memory *memory, unsigned page, uint8_t value)
{
	memory_page(memory, page * DESCRY_PAGE_SIZE, true).host[0] = value;
}

static void
test_copies(void **state)
{
	struct memory_image *images[3] = { NULL };
	struct memory memory;

	(void)state;
	create_memory(&memory, 0);
	for (size_t i = 0; i < COUNT_OF(story); i++) {
		const unsigned which = story[i].which;

		switch (story[i].act) {
		case WRITE:
			write_page(&memory, which, story[i].value);
			break;
		case SAVE:
			images[which] = memory_save(&memory);
			assert_non_null(images[which]);
			break;
		case RESTORE:
			memory_restore(&memory, images[which]);
			break;
		}
		for (unsigned page = 0; page < 3; page++)
			assert_int_equal(memory.ram[page * DESCRY_PAGE_SIZE], story[i].pages[page]);
	}
	for (size_t i = 0; i < COUNT_OF(images); i++)
		memory_image_free(images[i]);
	memory_destroy(&memory);
}

/* Random writes into 16 pages, with images taken and restored at random, beside a plain copy. */
static void
test_copies_at_random(void **state)
{
	enum { PAGES = 16, IMAGES = 6 };
	static uint8_t truth[PAGES], copies[IMAGES][PAGES];
	struct memory_image *images[IMAGES] = { NULL };
	struct memory memory;
	uint32_t seed = 12345;

	(void)state;
	create_memory(&memory, 0);
	memset(truth, 0, sizeof(truth));
	for (unsigned i = 0; i < 20000; i++) {
		unsigned which;

		seed = seed * 1664525 + 1013904223;
		which = (seed >> 16) % IMAGES;
		switch (seed >> 24 & 7) {
		case 0:
			memory_image_free(images[which]);
			images[which] = memory_save(&memory);
			memcpy(copies[which], truth, sizeof(truth));
			break;
		case 1:
			if (!images[which])
				break;
			memory_restore(&memory, images[which]);
			memcpy(truth, copies[which], sizeof(truth));
			break;
		default:
			which = (seed >> 16) % PAGES;
			write_page(&memory, which, (uint8_t)(seed >> 8));
			truth[which] = (uint8_t)(seed >> 8);
			break;
		}
		for (unsigned page = 0; page < PAGES; page++)
			assert_int_equal(memory.ram[page * DESCRY_PAGE_SIZE], truth[page]);
	}
	for (unsigned i = 0; i < IMAGES; i++)
		memory_image_free(images[i]);
	memory_destroy(&memory);
}

static void
test_window_is_copied(void **state)
{
	struct memory_image *image;
	struct memory memory;

	(void)state;
	create_memory(&memory, 0);
	memory.window[5] = 'w';
	memory.window_mapped = true;
	image = memory_save(&memory);
	memory.window[5] = 'x';
	memory.window_mapped = false;
	memory_restore(&memory, image);
	assert_int_equal(memory.window[5], 'w');
	assert_true(memory.window_mapped);
	memory_image_free(image);
	memory_destroy(&memory);
}

/* --- ports ---------------------------------------------------------------------------- */

static const struct {
	const char *what;
	uint16_t port;
	unsigned size;
	uint32_t value;
} in_cases[] = {
	/* clang-format off */
	{ "the console names itself",               0xe9,  1, 0xe9 },
	{ "a port without a device",                0x60,  1, 0xff },
	{ "a word of them",                         0x60,  2, 0xffff },
	{ "a dword of them",                        0x60,  4, 0xffffffff },
	{ "COM1 is ready to send",                  0x3fd, 1, 0x60 },
	{ "half of a word hits the console",        0xe8,  2, 0xe9ff },
	{ "A20 is open",                            0x92,  1, 0x02 },
	{ "debug exit cannot be read",              0xf4,  1, 0xff },
	{ "host interrupt cannot be read",          0xed,  1, 0xff },
	{ "the last port, and over it",             0xffff, 2, 0xffff },
	/* clang-format on */
};

static void
test_in(void **state)
{
	struct devices devices = { 0 };

	(void)state;
	devices_reset(&devices);
	for (size_t i = 0; i < COUNT_OF(in_cases); i++) {
		print_message("%s\n", in_cases[i].what);
		assert_int_equal(devices_in(&devices, in_cases[i].port, in_cases[i].size),
				 in_cases[i].value);
	}
}

struct written {
	char text[32];
	size_t size;
};

static void
collect(void *owner, const char *text, size_t size)
{
	struct written *written = owner;

	assert_true(written->size + size < sizeof(written->text));
	memcpy(written->text + written->size, text, size);
	written->size += size;
}

static const struct {
	const char *what;
	uint16_t port;
	unsigned size;
	uint32_t value;
	const char *text; /* on the console */
} out_cases[] = {
	/* clang-format off */
	{ "the console",                         0xe9,  1, 'A',     "A" },
	{ "a word: its low byte",                0xe9,  2, 0x4142,  "B" },
	{ "a word before it: its high byte",     0xe8,  2, 0x4142,  "A" },
	{ "COM1",                                0x3f8, 1, 'C',     "C" },
	{ "the divisor latch is opened",         0x3fb, 1, 0x83,    "" },
	{ "the divisor is not text",             0x3f8, 1, 'D',     "" },
	{ "the divisor latch is closed",         0x3fb, 1, 0x03,    "" },
	{ "text again",                          0x3f8, 1, 'E',     "E" },
	{ "a POST code",                         0x80,  1, 0x5a,    "[POST 5A]\n" },
	{ "a port without a device",             0x60,  4, 1,       "" },
	/* clang-format on */
};

static void
test_out(void **state)
{
	struct written written;
	struct devices devices = { .show_post = true,
				   .console = collect,
				   .console_owner = &written };

	(void)state;
	devices_reset(&devices);
	for (size_t i = 0; i < COUNT_OF(out_cases); i++) {
		print_message("%s\n", out_cases[i].what);
		memset(&written, 0, sizeof(written));
		devices_out(&devices, out_cases[i].port, out_cases[i].size, out_cases[i].value);
		assert_string_equal(written.text, out_cases[i].text);
	}
	assert_int_equal(devices.state.post, 0x5a);
	assert_int_equal(devices_in(&devices, 0x80, 1), 0x5a);

	devices.show_post = false;
	memset(&written, 0, sizeof(written));
	devices_out(&devices, 0x80, 1, 0x5b);
	assert_int_equal(written.size, 0);
	assert_int_equal(devices.state.post, 0x5b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_is_ram),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_copies_at_random),
		cmocka_unit_test(test_window_is_copied),
		cmocka_unit_test(test_in),
		cmocka_unit_test(test_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
