/*
 * ELF32 and ELF64: what is loaded is what the program headers say, at its physical
 * address. Symbols come from the symbol table of the section headers, if there is one.
 */
#include "image.h"

#include <gelf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REAL_MODE_END 0x100000u

/* --- is it one of ours? --------------------------------------------------------------- */

static enum descry_status
bad_elf(const struct image_file *file, const char *what, struct descry_error *err)
{
	return descry_fail(err, DESCRY_BAD_IMAGE, "%s: %s", file->name, what);
}

static bool
is_x86(const GElf_Ehdr *header)
{
	const unsigned char elf_class = header->e_ident[EI_CLASS];

	return (elf_class == ELFCLASS32 && header->e_machine == EM_386) ||
	       (elf_class == ELFCLASS64 && header->e_machine == EM_X86_64);
}

static enum descry_status
check_type(const struct image_file *file, const GElf_Ehdr *header, struct descry_error *err)
{
	if (header->e_ident[EI_DATA] != ELFDATA2LSB || !is_x86(header))
		return descry_fail(err, DESCRY_BAD_IMAGE,
				   "%s: an ELF file for another machine (e_machine %u, class %u): "
				   "build it for i386 or x86-64",
				   file->name, header->e_machine, header->e_ident[EI_CLASS]);
	if (header->e_type == ET_REL)
		return bad_elf(file, "an object file, not linked: ld -m elf_i386 -Ttext 0x7c00",
			       err);
	if (header->e_type == ET_DYN)
		return bad_elf(
			file, "position-independent, so it has no address: link with -no-pie", err);
	if (header->e_type != ET_EXEC)
		return bad_elf(file, "an ELF file, but not a program: link an executable", err);
	return DESCRY_OK;
}

/* --- segments ------------------------------------------------------------------------- */

static enum descry_status
load_segment(struct memory *memory, const struct image_file *file, const GElf_Phdr *segment,
	     size_t index, struct descry_error *err)
{
	if (segment->p_filesz > segment->p_memsz)
		return descry_fail(err, DESCRY_BAD_IMAGE,
				   "%s: segment %zu has more bytes in the file than in memory: the "
				   "program headers are damaged",
				   file->name, index);
	if (segment->p_offset > file->size || segment->p_filesz > file->size - segment->p_offset)
		return descry_fail(err, DESCRY_BAD_IMAGE,
				   "%s: segment %zu goes to byte %" PRIu64 " of a file of %" PRIu64
				   ": the file is truncated",
				   file->name, index, segment->p_offset + segment->p_filesz,
				   file->size);
	if (!memory_is_ram(memory, segment->p_paddr, segment->p_memsz))
		return descry_fail(err, DESCRY_BAD_IMAGE,
				   "%s: segment %zu, %" PRIx64 "h bytes at %" PRIx64
				   "h, is not in the %zu MiB of RAM: link it lower or give more "
				   "with -m",
				   file->name, index, segment->p_memsz, segment->p_paddr,
				   memory->ram_size >> 20);
	/* RAM begins as zeros: what the file does not hold of a segment is there already. */
	return image_read_to_ram(file, segment->p_offset, memory, segment->p_paddr,
				 segment->p_filesz, err);
}

/* libelf shows fewer segments where the table of them is cut off. */
static bool
has_all_headers(const struct image_file *file, const GElf_Ehdr *header)
{
	const uint64_t size = (uint64_t)header->e_phnum * header->e_phentsize;

	return header->e_phoff <= file->size && size <= file->size - header->e_phoff;
}

static enum descry_status
load_segments(struct memory *memory, const struct image_file *file, Elf *elf,
	      const GElf_Ehdr *header, struct descry_error *err)
{
	size_t count, loaded = 0;

	if (!has_all_headers(file, header) || elf_getphdrnum(elf, &count) != 0)
		return bad_elf(file, "the ELF program headers cannot be read: truncated?", err);
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(elf, (int)i, &segment))
			return bad_elf(file, "the ELF program headers cannot be read: truncated?",
				       err);
		if (segment.p_type != PT_LOAD || segment.p_memsz == 0)
			continue;
		if (load_segment(memory, file, &segment, i, err) != DESCRY_OK)
			return err->status;
		loaded++;
	}
	if (loaded == 0)
		return bad_elf(file, "no segment to load: was anything linked into it?", err);
	return DESCRY_OK;
}

/* --- symbols -------------------------------------------------------------------------- */

/*
 * What covers addresses: functions and objects, and the plain labels of GNU as. A label
 * without a size reaches to the end of its section; one that lies there, as _end does,
 * covers nothing.
 */
static bool
add_symbol(struct symbols *symbols, Elf *elf, const GElf_Sym *symbol, const char *name)
{
	const unsigned type = GELF_ST_TYPE(symbol->st_info);
	struct symbol out = { .address = symbol->st_value, .size = symbol->st_size };
	Elf_Scn *section;
	GElf_Shdr header;

	if (type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE)
		return true;
	if (!name || name[0] == '\0' || symbol->st_shndx == SHN_UNDEF)
		return true;

	out.rank = (type == STT_FUNC) * 2u + (GELF_ST_BIND(symbol->st_info) != STB_LOCAL);
	out.name_only = symbol->st_shndx == SHN_ABS;
	section = symbol->st_shndx < SHN_LORESERVE ? elf_getscn(elf, symbol->st_shndx) : NULL;
	if (out.size == 0 && section && gelf_getshdr(section, &header)) {
		const uint64_t offset = out.address - header.sh_addr;

		out.name_only = offset >= header.sh_size;
		out.size = out.name_only ? 0 : header.sh_size - offset;
	}
	return symbols_add(symbols, &out, name);
}

static bool
add_table(struct symbols *symbols, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	const size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;

	for (size_t i = 0; data && i < count; i++) {
		GElf_Sym symbol;

		if (!gelf_getsym(data, (int)i, &symbol))
			break;
		if (!add_symbol(symbols, elf, &symbol,
				elf_strptr(elf, header->sh_link, symbol.st_name)))
			return false;
	}
	return true;
}

/* A damaged symbol table costs the symbols, never the run. */
static bool
load_symbols(struct symbols *symbols, Elf *elf)
{
	for (Elf_Scn *section = elf_nextscn(elf, NULL); section;
	     section = elf_nextscn(elf, section)) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB &&
		    !add_table(symbols, elf, section, &header))
			return false;
	}
	symbols_sort(symbols);
	return true;
}

/* --- all of it ------------------------------------------------------------------------ */

/* Real mode reaches an address below 1 MiB with the segment of its 64 KiB. */
static void
set_entry(struct image_result *result, uint64_t entry)
{
	result->elf_entry = entry;
	if (entry >= REAL_MODE_END)
		return;
	result->entry.known = true;
	result->entry.cs = (uint16_t)(entry >> 4 & 0xf000);
	result->entry.ip = (uint16_t)entry;
}

static enum descry_status
load_opened(struct memory *memory, const struct image_file *file, Elf *elf,
	    struct image_result *result, struct descry_error *err)
{
	GElf_Ehdr header;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return bad_elf(file, "begins as ELF, and its header cannot be read: truncated?",
			       err);
	if (check_type(file, &header, err) != DESCRY_OK)
		return err->status;
	if (load_segments(memory, file, elf, &header, err) != DESCRY_OK)
		return err->status;
	if (!load_symbols(result->symbols, elf))
		return descry_fail(err, DESCRY_NO_MEMORY, "%s: no memory for its symbols",
				   file->name);
	set_entry(result, header.e_entry);
	return DESCRY_OK;
}

enum descry_status
image_load_elf(struct memory *memory, const struct image_file *file, struct image_result *result,
	       struct descry_error *err)
{
	enum descry_status status;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(file->fd, ELF_C_READ, NULL);
	if (!elf)
		return descry_fail(err, DESCRY_BAD_IMAGE, "%s: libelf cannot read it: %s",
				   file->name, elf_errmsg(-1));
	status = load_opened(memory, file, elf, result, err);
	elf_end(elf);
	return status;
}
