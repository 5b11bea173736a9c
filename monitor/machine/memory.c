/* MAP_ANONYMOUS and MAP_NORESERVE are not in POSIX 2008. */
#define _DEFAULT_SOURCE

#include "memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MIB 0x100000u
#define FOUR_GIB 0x100000000u

enum descry_status
memory_create(struct memory *memory, uint32_t mib, struct descry_error *err)
{
	*memory = (struct memory){ .epoch = 1 };
	if (mib == 0)
		mib = MEMORY_MIB_DEFAULT;
	if (mib > MEMORY_MIB_MAX)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "-m %u: this machine can have 1 to %u MiB of RAM", mib,
				   MEMORY_MIB_MAX);

	memory->ram_size = (size_t)mib * MIB;
	memory->page_count = memory->ram_size / DESCRY_PAGE_SIZE;
	memory->version = calloc(memory->page_count, sizeof(*memory->version));
	memory->saved = calloc(memory->page_count, sizeof(struct page_copy *));
	memory->window = calloc(1, DESCRY_HOST_WINDOW_SIZE);
	memory->ram = mmap(NULL, memory->ram_size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory->ram == MAP_FAILED)
		memory->ram = NULL;
	if (!memory->version || !memory->saved || !memory->window || !memory->ram)
		return descry_fail(err, DESCRY_NO_MEMORY,
				   "-m %u: the host has no memory for that; ask for less", mib);
	return DESCRY_OK;
}

enum descry_status
memory_set_rom(struct memory *memory, const char *file, uint8_t *rom, size_t size,
	       struct descry_error *err)
{
	assert(!memory->rom);
	memory->rom = rom;
	memory->rom_size = size;
	if (size == 0 || size % DESCRY_PAGE_SIZE != 0)
		return descry_fail(err, DESCRY_BAD_IMAGE,
				   "%s: %zu bytes; a ROM is a multiple of %u bytes: pad it", file,
				   size, DESCRY_PAGE_SIZE);
	if (size > MEMORY_ROM_MAX)
		return descry_fail(err, DESCRY_BAD_IMAGE,
				   "%s: %zu bytes; between the host window and 4 GiB there is room "
				   "for a ROM of %u: give its last part alone",
				   file, size, MEMORY_ROM_MAX);
	return DESCRY_OK;
}

/* --- the map -------------------------------------------------------------------------- */

/* Offset of a physical address in the ROM; false when it is not seen there. */
static bool
rom_offset(const struct memory *memory, uint64_t physical, size_t *offset)
{
	const size_t low =
		memory->rom_size < MEMORY_ROM_LOW_MAX ? memory->rom_size : MEMORY_ROM_LOW_MAX;

	if (physical < MIB && physical >= MIB - low) {
		*offset = memory->rom_size - (size_t)(MIB - physical);
		return true;
	}
	if (physical < FOUR_GIB && physical >= FOUR_GIB - memory->rom_size) {
		*offset = memory->rom_size - (size_t)(FOUR_GIB - physical);
		return true;
	}
	return false;
}

static bool
in_window(const struct memory *memory, uint64_t physical)
{
	return memory->window_mapped && physical >= DESCRY_HOST_WINDOW &&
	       physical < (uint64_t)DESCRY_HOST_WINDOW + DESCRY_HOST_WINDOW_SIZE;
}

static struct descry_page
page_at(const struct memory *memory, uint64_t physical)
{
	const uint64_t start = physical & ~(uint64_t)(DESCRY_PAGE_SIZE - 1);
	size_t offset;

	if (rom_offset(memory, start, &offset))
		return (struct descry_page){ memory->rom + offset, false };
	if (start < memory->ram_size)
		return (struct descry_page){ memory->ram + start, true };
	if (in_window(memory, start))
		return (struct descry_page){ memory->window + (start - DESCRY_HOST_WINDOW), true };
	return (struct descry_page){ NULL, false };
}

struct descry_page
memory_page(struct memory *memory, uint64_t physical, bool for_write)
{
	const struct descry_page page = page_at(memory, physical);

	if (for_write && page.writable && physical < memory->ram_size)
		memory->version[physical / DESCRY_PAGE_SIZE] = memory->epoch;
	return page;
}

/* Bytes from an address to the end of its page, at most size. */
static size_t
within_page(uint64_t physical, size_t size)
{
	const size_t rest = DESCRY_PAGE_SIZE - (size_t)(physical % DESCRY_PAGE_SIZE);

	return size < rest ? size : rest;
}

size_t
memory_read(const struct memory *memory, uint64_t physical, void *out, size_t size)
{
	size_t done = 0;

	while (done < size) {
		const uint64_t at = physical + done;
		const size_t part = within_page(at, size - done);
		const struct descry_page page = page_at(memory, at);

		if (!page.host)
			break;
		memcpy((uint8_t *)out + done, page.host + at % DESCRY_PAGE_SIZE, part);
		done += part;
	}
	return done;
}

size_t
memory_write(struct memory *memory, uint64_t physical, const void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		const uint64_t at = physical + done;
		const size_t part = within_page(at, size - done);
		const struct descry_page page = memory_page(memory, at, true);

		if (!page.host || !page.writable)
			break;
		memcpy(page.host + at % DESCRY_PAGE_SIZE, (const uint8_t *)data + done, part);
		done += part;
	}
	return done;
}

bool
memory_is_ram(const struct memory *memory, uint64_t physical, uint64_t size)
{
	const size_t low =
		memory->rom_size < MEMORY_ROM_LOW_MAX ? memory->rom_size : MEMORY_ROM_LOW_MAX;

	if (physical > memory->ram_size || size > memory->ram_size - physical)
		return false;
	return low == 0 || physical >= MIB || physical + size <= MIB - low;
}

/* --- copies --------------------------------------------------------------------------- */

/* One page as it was; shared by all images in which it has the same version. */
struct page_copy {
	uint64_t version;
	size_t owners; /* images, and the .saved slot of the page */
	uint8_t data[DESCRY_PAGE_SIZE];
};

struct image_page {
	size_t number;
	struct page_copy *copy;
};

struct memory_image {
	bool window_mapped;
	uint8_t window[DESCRY_HOST_WINDOW_SIZE];
	size_t count;
	struct image_page pages[]; /* those that have been written, ascending */
};

static void
copy_release(struct page_copy *copy)
{
	if (copy && --copy->owners == 0)
		free(copy);
}

/* The copy of a page as it is now, a new one only when there is none of this version. */
static struct page_copy *
copy_acquire(struct memory *memory, size_t number)
{
	struct page_copy *copy = memory->saved[number];

	if (!copy || copy->version != memory->version[number]) {
		copy = malloc(sizeof(*copy));
		if (!copy)
			return NULL;
		copy->version = memory->version[number];
		copy->owners = 1;
		memcpy(copy->data, memory->ram + number * DESCRY_PAGE_SIZE, DESCRY_PAGE_SIZE);
		copy_release(memory->saved[number]);
		memory->saved[number] = copy;
	}
	copy->owners++;
	return copy;
}

static size_t
count_written(const struct memory *memory)
{
	size_t count = 0;

	for (size_t i = 0; i < memory->page_count; i++)
		count += memory->version[i] != 0;
	return count;
}

static bool
save_pages(struct memory *memory, struct memory_image *image)
{
	for (size_t i = 0; i < memory->page_count; i++) {
		struct page_copy *copy;

		if (memory->version[i] == 0)
			continue;
		copy = copy_acquire(memory, i);
		if (!copy)
			return false;
		image->pages[image->count++] = (struct image_page){ i, copy };
	}
	return true;
}

struct memory_image *
memory_save(struct memory *memory)
{
	const size_t count = count_written(memory);
	struct memory_image *image = malloc(sizeof(*image) + count * sizeof(image->pages[0]));

	if (!image)
		return NULL;
	image->count = 0;
	image->window_mapped = memory->window_mapped;
	memcpy(image->window, memory->window, DESCRY_HOST_WINDOW_SIZE);
	if (!save_pages(memory, image)) {
		memory_image_free(image);
		return NULL;
	}
	memory->epoch++;
	return image;
}

/* To the contents of a copy; NULL is the page of zeros that all began as. */
static void
restore_page(struct memory *memory, size_t number, struct page_copy *copy)
{
	uint8_t *page = memory->ram + number * DESCRY_PAGE_SIZE;
	const uint64_t version = copy ? copy->version : 0;

	if (memory->version[number] == version)
		return;
	memory->version[number] = version;
	copy_release(memory->saved[number]);
	memory->saved[number] = copy;
	if (copy) {
		copy->owners++;
		memcpy(page, copy->data, DESCRY_PAGE_SIZE);
	} else {
		memset(page, 0, DESCRY_PAGE_SIZE);
	}
}

void
memory_restore(struct memory *memory, const struct memory_image *image)
{
	const struct image_page *next = image->pages;
	const struct image_page *const end = image->pages + image->count;

	for (size_t i = 0; i < memory->page_count; i++) {
		const bool kept = next < end && next->number == i;

		restore_page(memory, i, kept ? next->copy : NULL);
		next += kept;
	}
	memory->window_mapped = image->window_mapped;
	memcpy(memory->window, image->window, DESCRY_HOST_WINDOW_SIZE);
	memory->epoch++;
}

void
memory_image_free(struct memory_image *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < image->count; i++)
		copy_release(image->pages[i].copy);
	free(image);
}

void
memory_destroy(struct memory *memory)
{
	if (memory->ram)
		munmap(memory->ram, memory->ram_size);
	for (size_t i = 0; memory->saved && i < memory->page_count; i++)
		copy_release(memory->saved[i]);
	free(memory->saved);
	free(memory->version);
	free(memory->window);
	free(memory->rom);
}
