#include "image.h"

#include <descry/number.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- files ---------------------------------------------------------------------------- */

static enum descry_status
host_error(const char *name, const char *what, struct descry_error *err)
{
	const enum descry_status status = errno == ENOENT ? DESCRY_NOT_FOUND : DESCRY_IO_ERROR;

	return descry_fail(err, status, "%s: cannot %s: %s", name, what, strerror(errno));
}

enum descry_status
image_open(struct image_file *file, const char *name, struct descry_error *err)
{
	struct stat info;

	/* Not blocking: a FIFO is refused below, not waited for. */
	*file = (struct image_file){ .name = name };
	file->fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0)
		return host_error(name, "open it", err);
	if (fstat(file->fd, &info) < 0) {
		image_close(file);
		return host_error(name, "examine it", err);
	}
	if (!S_ISREG(info.st_mode)) {
		image_close(file);
		return descry_fail(
			err, DESCRY_BAD_IMAGE, "%s: %s; give a file that holds an image", name,
			S_ISDIR(info.st_mode) ? "is a directory" : "is not a regular file");
	}
	if (info.st_size == 0) {
		image_close(file);
		return descry_fail(err, DESCRY_BAD_IMAGE, "%s: is empty; was it built to the end?",
				   name);
	}
	file->size = (uint64_t)info.st_size;
	return DESCRY_OK;
}

void
image_close(struct image_file *file)
{
	const int saved = errno;

	close(file->fd);
	errno = saved;
}

enum descry_status
image_read(const struct image_file *file, uint64_t offset, void *out, size_t size,
	   struct descry_error *err)
{
	size_t done = 0;

	while (done < size) {
		const ssize_t got =
			pread(file->fd, (uint8_t *)out + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return host_error(file->name, "read it", err);
		if (got == 0)
			return descry_fail(err, DESCRY_BAD_IMAGE,
					   "%s: ends at byte %" PRIu64 ", %zu bytes too early",
					   file->name, offset + done, size - done);
		done += (size_t)got;
	}
	return DESCRY_OK;
}

enum descry_status
image_read_to_ram(const struct image_file *file, uint64_t offset, struct memory *memory,
		  uint64_t physical, uint64_t size, struct descry_error *err)
{
	uint8_t buffer[DESCRY_PAGE_SIZE];

	while (size > 0) {
		const size_t part = size < sizeof(buffer) ? (size_t)size : sizeof(buffer);

		if (image_read(file, offset, buffer, part, err) != DESCRY_OK)
			return err->status;
		memory_write(memory, physical, buffer, part);
		offset += part;
		physical += part;
		size -= part;
	}
	return DESCRY_OK;
}

/* --- boot sector, raw pieces, ROM ----------------------------------------------------- */

static enum descry_status
load_boot(struct memory *memory, const struct image_file *file, struct image_result *result,
	  struct descry_error *err)
{
	const uint64_t size = file->size < IMAGE_BOOT_MAX ? file->size : IMAGE_BOOT_MAX;

	if (image_read_to_ram(file, 0, memory, IMAGE_BOOT_ADDRESS, size, err) != DESCRY_OK)
		return err->status;
	if (size < file->size)
		snprintf(result->note, sizeof(result->note),
			 "only the first %u KiB of the image's %" PRIu64
			 " KiB are in memory, at %xh; load more with -L FILE@ADDR",
			 IMAGE_BOOT_MAX / 1024, file->size / 1024, IMAGE_BOOT_ADDRESS);
	result->entry = (struct image_entry){ true, 0, IMAGE_BOOT_ADDRESS };
	return DESCRY_OK;
}

static bool
has_magic(const struct image_file *file, uint64_t offset, const char *magic, size_t size)
{
	struct descry_error ignored;
	char bytes[8];

	return file->size >= offset + size && size <= sizeof(bytes) &&
	       image_read(file, offset, bytes, size, &ignored) == DESCRY_OK &&
	       memcmp(bytes, magic, size) == 0;
}

enum descry_status
image_load(struct memory *memory, const char *name, struct image_result *result,
	   struct descry_error *err)
{
	struct image_file file;
	enum descry_status status;

	if (image_open(&file, name, err) != DESCRY_OK)
		return err->status;
	if (has_magic(&file, 0, "\177ELF", 4))
		status = image_load_elf(memory, &file, result, err);
	else if (has_magic(&file, IMAGE_SECTOR - 2, "\x55\xaa", 2))
		status = load_boot(memory, &file, result, err);
	else
		status = descry_fail(
			err, DESCRY_BAD_IMAGE,
			"%s: %" PRIu64 " bytes, neither ELF nor a boot sector (55AAh at "
			"byte 510); load it with -L FILE@ADDR --entry SEG:OFF, or --rom",
			name, file.size);
	image_close(&file);
	return status;
}

enum descry_status
image_load_raw(struct memory *memory, const struct descry_raw_load *load, struct descry_error *err)
{
	struct image_file file;
	enum descry_status status;

	if (image_open(&file, load->file, err) != DESCRY_OK)
		return err->status;
	if (memory_is_ram(memory, load->address, file.size))
		status = image_read_to_ram(&file, 0, memory, load->address, file.size, err);
	else
		status =
			descry_fail(err, DESCRY_BAD_ADDRESS,
				    "%s: %" PRIu64 " bytes at %" PRIx64
				    "h do not fit in the %zu MiB of RAM; load it elsewhere or give "
				    "more with -m",
				    load->file, file.size, load->address, memory->ram_size >> 20);
	image_close(&file);
	return status;
}

enum descry_status
image_load_rom(struct memory *memory, const char *name, struct descry_error *err)
{
	struct image_file file;
	enum descry_status status;
	uint8_t *rom;

	if (image_open(&file, name, err) != DESCRY_OK)
		return err->status;
	/* One too large is refused by its size: no need to hold all of it. */
	rom = calloc(1, file.size <= MEMORY_ROM_MAX ? (size_t)file.size : 1);
	status = rom ? memory_set_rom(memory, name, rom, (size_t)file.size, err)
		     : descry_fail(err, DESCRY_NO_MEMORY, "%s: no memory for it", name);
	if (status == DESCRY_OK)
		status = image_read(&file, 0, rom, (size_t)file.size, err);
	image_close(&file);
	return status;
}

/* --- --entry -------------------------------------------------------------------------- */

static bool
parse_half(const char *text, size_t size, uint16_t *out)
{
	uint64_t value;

	if (!descry_number_parse_hex(text, size, &value))
		return false;
	*out = (uint16_t)value;
	return value <= 0xffff;
}

enum descry_status
image_parse_entry(const char *text, struct image_entry *entry, struct descry_error *err)
{
	const char *colon = strchr(text, ':');
	struct image_entry found = { .known = true };

	if (!colon || !parse_half(text, (size_t)(colon - text), &found.cs) ||
	    !parse_half(colon + 1, strlen(colon + 1), &found.ip))
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "--entry %s: give SEG:OFF, both hexadecimal and at most FFFF, "
				   "such as 0:7c00",
				   text);
	*entry = found;
	return DESCRY_OK;
}
