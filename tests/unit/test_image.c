/*
 * Files that become memory, and the sentence for each file that does not. Oracle: the
 * ELF specification, and DESIGN, Images.
 */
#include "machine/image.h"
#include "temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- an ELF file of one segment, as a linker would write it, or nearly ---------------- */

#define CODE_AT 0x100u /* in the file */
#define CODE "\x90\x90\xf4program"
#define CODE_SIZE 10u
#define MEMORY_SIZE 0x20u /* of the segment: more than the file has of it */

static const char names[] = "\0begin\0middle\0number\0sized\0end\0elsewhere\0best";

enum section { SECTION_NONE, SECTION_TEXT, SECTION_SYMBOLS, SECTION_NAMES, SECTION_COUNT };

/* clang-format off */
static const Elf32_Sym symbols_of_file[] = {
	{ 0 },
	{ .st_name = 1,  .st_value = 0x7c00, .st_shndx = SECTION_TEXT },
	{ .st_name = 7,  .st_value = 0x7c04, .st_shndx = SECTION_TEXT },
	{ .st_name = 14, .st_value = 0x7c06, .st_shndx = SHN_ABS },
	{ .st_name = 21, .st_value = 0x7c08, .st_shndx = SECTION_TEXT, .st_size = 2,
	  .st_info = ELF32_ST_INFO(STB_LOCAL, STT_OBJECT) },
	{ .st_name = 27, .st_value = 0x7c10, .st_shndx = SECTION_TEXT },
	{ .st_name = 31, .st_value = 0x7c02, .st_shndx = SHN_UNDEF },
	{ .st_name = 41, .st_value = 0x7c00, .st_shndx = SECTION_TEXT,
	  .st_info = ELF32_ST_INFO(STB_GLOBAL, STT_FUNC) },
};
/* clang-format on */

struct elf_file {
	Elf32_Ehdr header;
	Elf32_Phdr segment;
	uint8_t gap[CODE_AT - sizeof(Elf32_Ehdr) - sizeof(Elf32_Phdr)];
	uint8_t code[16];
	Elf32_Sym symbols[COUNT_OF(symbols_of_file)];
	char names[sizeof(names)];
	Elf32_Shdr sections[SECTION_COUNT];
};
_Static_assert(offsetof(struct elf_file, code) == CODE_AT, "the segment says so");

static struct elf_file
make_elf(void)
{
	struct elf_file file = {
	    .header =
		{
		    .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
				EV_CURRENT},
		    .e_type = ET_EXEC,
		    .e_machine = EM_386,
		    .e_version = EV_CURRENT,
		    .e_entry = 0x7c00,
		    .e_phoff = offsetof(struct elf_file, segment),
		    .e_shoff = offsetof(struct elf_file, sections),
		    .e_ehsize = sizeof(Elf32_Ehdr),
		    .e_phentsize = sizeof(Elf32_Phdr),
		    .e_phnum = 1,
		    .e_shentsize = sizeof(Elf32_Shdr),
		    .e_shnum = SECTION_COUNT,
		},
	    .segment =
		{
		    .p_type = PT_LOAD,
		    .p_offset = CODE_AT,
		    .p_vaddr = 0xc0007c00,
		    .p_paddr = 0x7c00,
		    .p_filesz = CODE_SIZE,
		    .p_memsz = MEMORY_SIZE,
		},
	    .code = CODE,
	    .sections =
		{
		    [SECTION_TEXT] = {.sh_type = SHT_PROGBITS,
				      .sh_addr = 0x7c00,
				      .sh_offset = CODE_AT,
				      .sh_size = 0x10},
		    [SECTION_SYMBOLS] = {.sh_type = SHT_SYMTAB,
					 .sh_link = SECTION_NAMES,
					 .sh_offset = offsetof(struct elf_file, symbols),
					 .sh_size = sizeof(symbols_of_file),
					 .sh_entsize = sizeof(Elf32_Sym),
					 .sh_addralign = 4},
		    [SECTION_NAMES] = {.sh_type = SHT_STRTAB,
				       .sh_size = sizeof(names),
				       .sh_offset = offsetof(struct elf_file, names)},
		},
	};

	memcpy(file.symbols, symbols_of_file, sizeof(symbols_of_file));
	memcpy(file.names, names, sizeof(names));
	return file;
}

/* --- loading, with what is left behind ------------------------------------------------ */

struct loaded {
	struct memory memory;
	struct symbols symbols;
	struct image_result result;
	struct descry_error err;
	enum descry_status status;
};

static void
load(struct loaded *loaded, const void *bytes, size_t size)
{
	char name[TEMP_FILE_NAME];

	*loaded = (struct loaded){ 0 };
	loaded->result.symbols = &loaded->symbols;
	assert_int_equal(memory_create(&loaded->memory, 1, &loaded->err), DESCRY_OK);
	temp_file_write(name, bytes, size);
	loaded->status = image_load(&loaded->memory, name, &loaded->result, &loaded->err);
	unlink(name);
}

static void
unload(struct loaded *loaded)
{
	memory_destroy(&loaded->memory);
	symbols_free(&loaded->symbols);
}

static void
expect_error(const struct loaded *loaded, enum descry_status status, const char *says)
{
	assert_int_equal(loaded->status, status);
	assert_int_equal(loaded->err.status, status);
	print_message("    %s\n", loaded->err.text);
	assert_non_null(strstr(loaded->err.text, says));
	assert_null(strchr(loaded->err.text, '\n'));
}

static void
test_elf_is_loaded(void **state)
{
	const struct elf_file file = make_elf();
	uint8_t zeros[MEMORY_SIZE] = { 0 };
	struct loaded loaded;

	(void)state;
	load(&loaded, &file, sizeof(file));
	assert_int_equal(loaded.status, DESCRY_OK);
	assert_memory_equal(loaded.memory.ram + 0x7c00, CODE, CODE_SIZE);
	assert_memory_equal(loaded.memory.ram + 0x7c00 + CODE_SIZE, zeros, MEMORY_SIZE - CODE_SIZE);
	assert_string_equal(loaded.result.note, "");
	unload(&loaded);
}

static void
test_elf64_is_loaded(void **state)
{
	const struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
		char code[CODE_SIZE];
	} file = {
	    .header =
		{
		    .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				EV_CURRENT},
		    .e_type = ET_EXEC,
		    .e_machine = EM_X86_64,
		    .e_version = EV_CURRENT,
		    .e_entry = 0x20010,
		    .e_phoff = sizeof(Elf64_Ehdr),
		    .e_ehsize = sizeof(Elf64_Ehdr),
		    .e_phentsize = sizeof(Elf64_Phdr),
		    .e_phnum = 1,
		},
	    .segment =
		{
		    .p_type = PT_LOAD,
		    .p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
		    .p_paddr = 0x20000,
		    .p_filesz = CODE_SIZE,
		    .p_memsz = CODE_SIZE,
		},
	    .code = CODE,
	};
	struct loaded loaded;

	(void)state;
	load(&loaded, &file, sizeof(file));
	assert_int_equal(loaded.status, DESCRY_OK);
	assert_memory_equal(loaded.memory.ram + 0x20000, CODE, CODE_SIZE);
	assert_int_equal(loaded.result.entry.cs, 0x2000);
	assert_int_equal(loaded.result.entry.ip, 0x0010);
	unload(&loaded);
}

static const struct {
	const char *what;
	uint32_t entry;
	bool known;
	uint16_t cs, ip;
} entry_cases[] = {
	/* clang-format off */
	{ "in the first 64 KiB",     0x7c00,   true,  0x0000, 0x7c00 },
	{ "the last of them",        0xffff,   true,  0x0000, 0xffff },
	{ "in the second 64 KiB",    0x10000,  true,  0x1000, 0x0000 },
	{ "below 1 MiB",             0xfabcd,  true,  0xf000, 0xabcd },
	{ "at 1 MiB: not in reach",  0x100000, false, 0, 0 },
	/* clang-format on */
};

static void
test_elf_entry(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(entry_cases); i++) {
		struct elf_file file = make_elf();
		struct loaded loaded;

		print_message("%s\n", entry_cases[i].what);
		file.header.e_entry = entry_cases[i].entry;
		load(&loaded, &file, sizeof(file));
		assert_int_equal(loaded.status, DESCRY_OK);
		assert_int_equal(loaded.result.entry.known, entry_cases[i].known);
		assert_int_equal(loaded.result.entry.cs, entry_cases[i].cs);
		assert_int_equal(loaded.result.entry.ip, entry_cases[i].ip);
		assert_int_equal(loaded.result.elf_entry, entry_cases[i].entry);
		unload(&loaded);
	}
}

/* --- ELF files that are refused: what is done to a good one, and what is said --------- */

struct damage {
	const char *what;
	size_t offset, size; /* these bytes of the file ... */
	uint32_t value;      /* ... become this */
	size_t keep;         /* of the file's bytes; 0: all */
	const char *says;
};

#define FIELD(member) offsetof(struct elf_file, member), sizeof(((struct elf_file *)0)->member)

static const struct damage damages[] = {
	/* clang-format off */
	{ "for another machine",          FIELD(header.e_machine), EM_ARM, 0,       "another machine" },
	{ "64-bit code in a 32-bit file", FIELD(header.e_machine), EM_X86_64, 0,    "another machine" },
	{ "an object file",               FIELD(header.e_type), ET_REL, 0,          "not linked" },
	{ "position-independent",         FIELD(header.e_type), ET_DYN, 0,          "-no-pie" },
	{ "a core dump",                  FIELD(header.e_type), ET_CORE, 0,         "not a program" },
	{ "big-endian",                   EI_DATA, 1, ELFDATA2MSB, 0,               "" },
	{ "a class that does not exist",  EI_CLASS, 1, 7, 0,                        "cannot be read" },
	{ "the header is cut off",        0, 0, 0, 40,                              "truncated" },
	{ "only the magic number",        0, 0, 0, 4,                               "truncated" },
	{ "the segments are cut off",     0, 0, 0, sizeof(Elf32_Ehdr) + 4,          "truncated" },
	{ "the code is cut off",          0, 0, 0, CODE_AT + 4,                     "truncated" },
	{ "no segments",                  FIELD(header.e_phnum), 0, 0,              "no segment" },
	{ "nothing to load in them",      FIELD(segment.p_type), PT_NOTE, 0,        "no segment" },
	{ "more in the file than in RAM", FIELD(segment.p_memsz), 1, 0,             "damaged" },
	{ "behind the end of the file",   FIELD(segment.p_offset), 0x7fffff00u, 0,  "truncated" },
	{ "outside RAM",                  FIELD(segment.p_paddr), 0x100000, 0,      "-m" },
	{ "over the end of RAM",          FIELD(segment.p_memsz), 0xfffff, 0,       "-m" },
	{ "at the end of the world",      FIELD(segment.p_paddr), 0xfffffff0u, 0,   "-m" },
	/* clang-format on */
};

static void
test_elf_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(damages); i++) {
		const struct damage *damage = &damages[i];
		struct elf_file file = make_elf();
		struct loaded loaded;

		print_message("%s\n", damage->what);
		memcpy((uint8_t *)&file + damage->offset, &damage->value, damage->size);
		load(&loaded, &file, damage->keep ? damage->keep : sizeof(file));
		expect_error(&loaded, DESCRY_BAD_IMAGE, damage->says);
		unload(&loaded);
	}
}

/* Any single byte may be wrong, and any end may be missing: an answer, never a crash. */
static void
test_elf_is_damaged_anywhere(void **state)
{
	const struct elf_file good = make_elf();

	(void)state;
	for (size_t i = 4; i < sizeof(good); i++) {
		struct elf_file file = good;
		struct loaded loaded;

		if (i >= sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr) &&
		    i < offsetof(struct elf_file, symbols))
			continue;
		((uint8_t *)&file)[i] = 0xff;
		load(&loaded, &file, sizeof(file));
		assert_true(loaded.status == DESCRY_OK || loaded.status == DESCRY_BAD_IMAGE);
		unload(&loaded);
		load(&loaded, &good, i);
		assert_true(loaded.status == DESCRY_OK || loaded.status == DESCRY_BAD_IMAGE);
		unload(&loaded);
	}
}

/* --- symbols -------------------------------------------------------------------------- */

static const struct {
	const char *what;
	uint64_t address;
	const char *name; /* NULL: none covers it */
} symbol_cases[] = {
	/* clang-format off */
	{ "before all",                             0x7bff, NULL },
	{ "a function before a label",              0x7c00, "best" },
	{ "inside it",                              0x7c03, "best" },
	{ "a plain label",                          0x7c04, "middle" },
	{ "past a number that looks like one",      0x7c07, "middle" },
	{ "a sized object",                         0x7c08, "sized" },
	{ "its last byte",                          0x7c09, "sized" },
	{ "behind it, nothing",                     0x7c0a, NULL },
	{ "the end of the section is not in it",    0x7c10, NULL },
	/* clang-format on */
};

static void
test_symbols(void **state)
{
	const struct elf_file file = make_elf();
	struct loaded loaded;

	(void)state;
	load(&loaded, &file, sizeof(file));
	for (size_t i = 0; i < COUNT_OF(symbol_cases); i++) {
		const struct symbol *symbol = symbols_at(&loaded.symbols, symbol_cases[i].address);

		print_message("%s\n", symbol_cases[i].what);
		if (symbol_cases[i].name)
			assert_string_equal(symbol->name, symbol_cases[i].name);
		else
			assert_null(symbol);
	}
	assert_int_equal(symbols_find(&loaded.symbols, "number")->address, 0x7c06);
	assert_int_equal(symbols_find(&loaded.symbols, "end")->address, 0x7c10);
	assert_null(symbols_find(&loaded.symbols, "elsewhere"));
	unload(&loaded);
}

static void
test_symbol_reach(void **state)
{
	const struct symbol lonely = { .address = 0x1000 };
	struct symbols symbols = { 0 };

	(void)state;
	assert_true(symbols_add(&symbols, &lonely, "lonely"));
	symbols_sort(&symbols);
	assert_non_null(symbols_at(&symbols, 0x1000 + SYMBOL_REACH - 1));
	assert_null(symbols_at(&symbols, 0x1000 + SYMBOL_REACH));
	symbols_free(&symbols);
}

/* --- everything that is not ELF ------------------------------------------------------- */

static void
make_boot(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i / 512 + 1);
	bytes[510] = 0x55;
	bytes[511] = 0xaa;
}

static void
test_boot_sector(void **state)
{
	uint8_t bytes[512];
	struct loaded loaded;

	(void)state;
	make_boot(bytes, sizeof(bytes));
	load(&loaded, bytes, sizeof(bytes));
	assert_int_equal(loaded.status, DESCRY_OK);
	assert_memory_equal(loaded.memory.ram + 0x7c00, bytes, sizeof(bytes));
	assert_true(loaded.result.entry.known);
	assert_int_equal(loaded.result.entry.cs, 0);
	assert_int_equal(loaded.result.entry.ip, 0x7c00);
	assert_string_equal(loaded.result.note, "");
	unload(&loaded);
}

static void
test_floppy(void **state)
{
	static uint8_t bytes[0x12000];
	struct loaded loaded;

	(void)state;
	make_boot(bytes, sizeof(bytes));
	load(&loaded, bytes, sizeof(bytes));
	assert_int_equal(loaded.status, DESCRY_OK);
	assert_memory_equal(loaded.memory.ram + 0x7c00, bytes, 0x10000);
	assert_int_equal(loaded.memory.ram[0x17c00], 0);
	assert_non_null(strstr(loaded.result.note, "64 KiB of the image's 72 KiB"));
	unload(&loaded);
}

static const struct {
	const char *what;
	const char *bytes;
	size_t size;
	const char *says;
} other_cases[] = {
	{ "empty", "", 0, "is empty" },
	{ "text", "hello", 5, "neither ELF nor a boot sector" },
	{ "almost ELF", "\177EL", 3, "neither ELF nor a boot sector" },
};

static void
test_others_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(other_cases); i++) {
		struct loaded loaded;

		print_message("%s\n", other_cases[i].what);
		load(&loaded, other_cases[i].bytes, other_cases[i].size);
		expect_error(&loaded, DESCRY_BAD_IMAGE, other_cases[i].says);
		unload(&loaded);
	}
}

static const struct {
	const char *what, *name;
	enum descry_status status;
	const char *says;
} name_cases[] = {
	{ "no such file", "no/such/file", DESCRY_NOT_FOUND, "No such file" },
	{ "a folder", ".", DESCRY_BAD_IMAGE, "is a directory" },
	{ "a device", "/dev/null", DESCRY_BAD_IMAGE, "not a regular file" },
};

static void
test_names_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(name_cases); i++) {
		struct loaded loaded = { 0 };

		print_message("%s\n", name_cases[i].what);
		loaded.status =
			image_load(&loaded.memory, name_cases[i].name, &loaded.result, &loaded.err);
		expect_error(&loaded, name_cases[i].status, name_cases[i].says);
		assert_ptr_equal(strstr(loaded.err.text, name_cases[i].name), loaded.err.text);
	}
}

static const struct {
	const char *what;
	uint64_t address;
	enum descry_status status;
} raw_cases[] = {
	/* clang-format off */
	{ "anywhere in RAM",       0x500,      DESCRY_OK },
	{ "at its very end",       0xffffc,    DESCRY_OK },
	{ "over its end",          0xffffd,    DESCRY_BAD_ADDRESS },
	{ "far outside",           0xfffffffe, DESCRY_BAD_ADDRESS },
	{ "where addresses end",   UINT64_MAX, DESCRY_BAD_ADDRESS },
	/* clang-format on */
};

static void
test_raw(void **state)
{
	char name[TEMP_FILE_NAME];

	(void)state;
	temp_file_write(name, "blob", 4);
	for (size_t i = 0; i < COUNT_OF(raw_cases); i++) {
		const struct descry_raw_load raw = { name, raw_cases[i].address };
		struct descry_error err;
		struct memory memory;

		print_message("%s\n", raw_cases[i].what);
		assert_int_equal(memory_create(&memory, 1, &err), DESCRY_OK);
		assert_int_equal(image_load_raw(&memory, &raw, &err), raw_cases[i].status);
		if (raw_cases[i].status == DESCRY_OK)
			assert_memory_equal(memory.ram + raw.address, "blob", 4);
		memory_destroy(&memory);
	}
	unlink(name);
}

static const struct {
	const char *what;
	size_t size;
	const char *says; /* NULL: it is taken */
} rom_cases[] = {
	{ "one page", 4096, NULL },
	{ "128 KiB", 0x20000, NULL },
	{ "not a multiple of a page", 4095, "multiple of 4096" },
	{ "up to the host window", 0x1f0000, NULL },
	{ "into the host window", 0x1f1000, "room" },
};

static void
test_rom(void **state)
{
	static uint8_t bytes[0x1f1000];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rom_cases); i++) {
		char name[TEMP_FILE_NAME];
		struct loaded loaded = { 0 };

		print_message("%s\n", rom_cases[i].what);
		assert_int_equal(memory_create(&loaded.memory, 1, &loaded.err), DESCRY_OK);
		memset(bytes, (int)i + 1, sizeof(bytes));
		temp_file_write(name, bytes, rom_cases[i].size);
		loaded.status = image_load_rom(&loaded.memory, name, &loaded.err);
		if (rom_cases[i].says)
			expect_error(&loaded, DESCRY_BAD_IMAGE, rom_cases[i].says);
		else
			assert_int_equal(memory_page(&loaded.memory, 0xfffff000, false).host[4095],
					 i + 1);
		unload(&loaded);
		unlink(name);
	}
}

static const struct {
	const char *text;
	bool good;
	uint16_t cs, ip;
} parse_cases[] = {
	/* clang-format off */
	{ "0:7c00",        true,  0x0000, 0x7c00 },
	{ "07C0:0",        true,  0x07c0, 0x0000 },
	{ "ffff:0xFFFF",   true,  0xffff, 0xffff },
	{ "0x10:0020",     true,  0x0010, 0x0020 },
	{ "",              false, 0, 0 },
	{ ":",             false, 0, 0 },
	{ "0:",            false, 0, 0 },
	{ ":0",            false, 0, 0 },
	{ "7c00",          false, 0, 0 },
	{ "0:10000",       false, 0, 0 },
	{ "10000:0",       false, 0, 0 },
	{ "0:123456789abcdef01", false, 0, 0 },
	{ "0:7c00 ",       false, 0, 0 },
	{ "0:7c00:1",      false, 0, 0 },
	{ "0:-1",          false, 0, 0 },
	{ "0x:0",          false, 0, 0 },
	{ "start",         false, 0, 0 },
	/* clang-format on */
};

static void
test_parse_entry(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(parse_cases); i++) {
		struct image_entry entry = { 0 };
		struct descry_error err;

		print_message("\"%s\"\n", parse_cases[i].text);
		assert_int_equal(image_parse_entry(parse_cases[i].text, &entry, &err),
				 parse_cases[i].good ? DESCRY_OK : DESCRY_BAD_ARGUMENT);
		assert_int_equal(entry.known, parse_cases[i].good);
		assert_int_equal(entry.cs, parse_cases[i].cs);
		assert_int_equal(entry.ip, parse_cases[i].ip);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_is_loaded),
		cmocka_unit_test(test_elf64_is_loaded),
		cmocka_unit_test(test_elf_entry),
		cmocka_unit_test(test_elf_is_refused),
		cmocka_unit_test(test_elf_is_damaged_anywhere),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_symbol_reach),
		cmocka_unit_test(test_boot_sector),
		cmocka_unit_test(test_floppy),
		cmocka_unit_test(test_others_are_refused),
		cmocka_unit_test(test_names_are_refused),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_rom),
		cmocka_unit_test(test_parse_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
