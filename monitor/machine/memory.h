/*
 * Guest-physical memory: RAM from 0, ROM below 4 GiB and below 1 MiB, and the host window
 * while it is mapped. Keeps, for every page of RAM, a version that changes whenever the
 * page may have been written since the last snapshot: equal versions, equal contents.
 * Private to monitor.
 */
#ifndef DESCRY_MACHINE_MEMORY_H
#define DESCRY_MACHINE_MEMORY_H

#include <descry/monitor.h>

#define MEMORY_MIB_DEFAULT 16u
#define MEMORY_MIB_MAX 2048u

#define MEMORY_ROM_LOW_MAX 0x20000u /* what is seen of a ROM below 1 MiB */
#define MEMORY_ROM_MAX (0xffffffffu - (DESCRY_HOST_WINDOW + DESCRY_HOST_WINDOW_SIZE) + 1u)

struct page_copy;

struct memory {
	uint8_t *ram;
	size_t ram_size;
	size_t page_count;
	uint64_t *version;        /* one a page; 0: never written, all zero */
	struct page_copy **saved; /* one a page: the newest copy, or NULL */
	uint64_t epoch;           /* the version that a page gets when it is written now */

	uint8_t *rom; /* NULL: none */
	size_t rom_size;

	uint8_t *window;
	bool window_mapped;
};

enum descry_status memory_create(struct memory *memory, uint32_t mib, struct descry_error *err);
void memory_destroy(struct memory *memory);

/* Takes over rom, size bytes from malloc(); the file's name is for the refusal. */
enum descry_status memory_set_rom(struct memory *memory, const char *file, uint8_t *rom,
				  size_t size, struct descry_error *err);

/* What the bus answers. */
struct descry_page memory_page(struct memory *memory, uint64_t physical, bool for_write);

/* How many bytes could be copied: fewer at the end of what is there, or what can be written. */
size_t memory_read(const struct memory *memory, uint64_t physical, void *out, size_t size);
size_t memory_write(struct memory *memory, uint64_t physical, const void *data, size_t size);

/* Is this RAM from end to end, with no ROM before it? */
bool memory_is_ram(const struct memory *memory, uint64_t physical, uint64_t size);

/* --- copies --------------------------------------------------------------------------- */

struct memory_image;

/*
 * Both end with a new epoch: whoever holds pages that were given for writing must ask for
 * them again.
 */
struct memory_image *memory_save(struct memory *memory); /* NULL: no memory */
void memory_restore(struct memory *memory, const struct memory_image *image);
void memory_image_free(struct memory_image *image);

#endif
