/*
 * Files that become guest memory: ELF, boot sector or floppy, raw pieces at an address,
 * ROM. Loading reads the file, checks all of it that counts, and fills memory; what is
 * wrong with a file is one sentence. Private to monitor.
 */
#ifndef DESCRY_MACHINE_IMAGE_H
#define DESCRY_MACHINE_IMAGE_H

#include "memory.h"
#include "symbols.h"

#define IMAGE_BOOT_ADDRESS 0x7c00u
#define IMAGE_BOOT_MAX 0x10000u /* what is loaded of a floppy */
#define IMAGE_SECTOR 512u

/* A file that is open for reading and known to be a regular one. */
struct image_file {
	const char *name;
	int fd;
	uint64_t size;
};

/* Where execution begins, in real mode. */
struct image_entry {
	bool known; /* false: nothing has said it yet */
	uint16_t cs, ip;
};

/* What loading leaves besides memory. */
struct image_result {
	struct symbols *symbols; /* to be filled */
	struct image_entry entry;
	uint64_t elf_entry; /* as the file has it, also when it fits no CS:IP */
	char note[160];     /* empty: nothing to say */
};

DESCRY_MUST_CHECK enum descry_status image_open(struct image_file *file, const char *name,
						struct descry_error *err);
void image_close(struct image_file *file);

/* Reads size bytes at offset: all of them, or an error. */
DESCRY_MUST_CHECK enum descry_status image_read(const struct image_file *file, uint64_t offset,
						void *out, size_t size, struct descry_error *err);

/* The same straight into RAM; the range has been checked with memory_is_ram(). */
DESCRY_MUST_CHECK enum descry_status image_read_to_ram(const struct image_file *file,
						       uint64_t offset, struct memory *memory,
						       uint64_t physical, uint64_t size,
						       struct descry_error *err);

/* ELF or boot sector, told apart by what is in the file. */
DESCRY_MUST_CHECK enum descry_status image_load(struct memory *memory, const char *name,
						struct image_result *result,
						struct descry_error *err);
DESCRY_MUST_CHECK enum descry_status image_load_raw(struct memory *memory,
						    const struct descry_raw_load *load,
						    struct descry_error *err);
DESCRY_MUST_CHECK enum descry_status image_load_rom(struct memory *memory, const char *name,
						    struct descry_error *err);

/* "SEG:OFF", both hexadecimal and at most FFFFh. */
DESCRY_MUST_CHECK enum descry_status image_parse_entry(const char *text, struct image_entry *entry,
						       struct descry_error *err);

/* --- image_elf.c ---------------------------------------------------------------------- */

DESCRY_MUST_CHECK enum descry_status image_load_elf(struct memory *memory,
						    const struct image_file *file,
						    struct image_result *result,
						    struct descry_error *err);

#endif
