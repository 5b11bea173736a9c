#include "command/topics.h"

#include <stdbool.h>
#include <string.h>

/* clang-format off */
static const struct help_topic topics[] = {
	{ "addresses", "how to name a place in memory",
	  "0x7c00, loop, loop+4  a linear address: a number or an expression\n"
	  "fs:0x20000            offset 20000h in FS, through its hidden cache; es cs ss ds fs gs\n"
	  "linear:0x7c00         the same as without a prefix: no segment is asked\n"
	  "phys:0x7c00           a physical address, without the A20 gate\n"
	  "07c0:0010             SEG:OFF, both hexadecimal, as if SEG were loaded now\n"
	  ".                     where the last x or disas has ended\n" },
	{ "expressions", "the language of print, assert and of every number",
	  "Numbers:   10, 0x10, 10h, 0b10; 64 bits, unsigned. Addresses are shown in hexadecimal\n"
	  "           without a mark; typed they take one: 0x7c2c or 7c2ch.\n"
	  "Operators: those of C, with its precedence: ! ~ - * / % + - << >> < <= > >= == != &\n"
	  "           ^ | && || and brackets.\n"
	  "Registers: eax ax al ah ... eip ip eflags flags, the flags cf pf af zf sf tf if df of\n"
	  "           nt rf vm iopl, cr0 cr2 cr3 cr4 and its bits pe mp em ts et pg, dr0 ... dr7,\n"
	  "           gdtr.base gdtr.limit idtr.base idtr.limit.\n"
	  "           pc (CS.base + IP), cpl, retired (instructions so far), exit_status.\n"
	  "Segments:  fs is the selector. fs.base fs.limit fs.attr are the cache, fs.type .s .dpl\n"
	  "           .p .avl .db .g .unusable parts of attr.\n"
	  "           fs.table.base: the descriptor that the selector names; also .raw.\n"
	  "           fs.reload.base: what loading the selector would give now;\n"
	  "           fs.reload.real.base, .protected. and .v86. in that mode;\n"
	  "           fs.reload.fault (NONE, #GP, #NP, ...) and .error: how it would fail.\n"
	  "Tables:    gdt[5].base, ldt[1].limit, idt[13].offset, idt[13].sel, gdt[5].raw.\n"
	  "Memory:    [0x1000] is a dword, byte(...), word(...), dword(...), qword(...);\n"
	  "           [fs:0x20000] goes through the cache of FS, [phys:0x1000] is physical.\n"
	  "Symbols:   loop is its address; &loop, too, whatever else is called so.\n"
	  "Words:     fs.status == STALE, fs.status == UNREAL|UNREAL-BASE (exactly these),\n"
	  "           fs.status & UNREAL (this among others); see `help status`.\n"
	  "           mode == REAL, PROTECTED, V86.\n"
	  "           stop == START, STEP, REACHED, BREAKPOINT, INTERRUPTED, ACCESS,\n"
	  "           HOST_INTERRUPT, GUEST_EXIT, HALTED, UNHANDLED, SHUTDOWN, NOT_MODELLED,\n"
	  "           INVARIANT.\n" },
	{ "status", "what the words about a cache mean",
	  "MATCH        none of the others: the cache is what the selector means now\n"
	  "STALE        PE=1, and loading the visible selector now (null included) would give\n"
	  "             another base, limit or attr, or fault; accessed and busy do not count\n"
	  "UNREAL       PE=0, and the limit is not FFFFh, or it is not a present, writable,\n"
	  "             expand-up 16-bit data segment of DPL 0 (CS may be readable code)\n"
	  "UNREAL-BASE  PE=0, and the base is not selector * 16\n"
	  "UNUSABLE     every access faults: a null selector was loaded, or P is 0\n"
	  "FIXED        loaded with constants of the CPU, from no table\n"
	  "FORCED       set by hand (`set`, a debugger) or by a VM exit, by no load\n"
	  "A status is computed when it is asked for and never stored.\n" },
	{ "gdb", "what a debugger sees, and how it asks",
	  "`descry gdb IMAGE -l :1234` serves one debugger at a time, `--gdb :1234` does so beside\n"
	  "the shell. In gdb, `target remote :1234`; every command here is `monitor COMMAND`.\n"
	  "$eip, $pc  linear, CS.base + IP; has to lie within CS. $ip is the offset.\n"
	  "$fs        the visible selector. `set $fs = 0x10` pokes it and leaves the cache as it\n"
	  "           is, as `set fs 0x10` does; `monitor load fs 0x10` does what an instruction\n"
	  "           does.\n"
	  "$fs_base   the cache: also $fs_limit, $fs_attr, the same as flags in $fs_desc, and the\n"
	  "           status in $fs_state; cs ss ds es fs gs tr ldtr. All but the status can be set.\n"
	  "$mode      REAL16, V86, PROT16, PROT32. The architecture is i8086; in 32-bit code,\n"
	  "           `set architecture i386`, and `set architecture auto` to go back.\n"
	  "What a `monitor` command changes, gdb sees after `maintenance flush register-cache`.\n" },
	{ 0 },
};
/* clang-format on */

const struct help_topic *
help_topic_at(size_t index)
{
	return index + 1 < sizeof(topics) / sizeof(topics[0]) ? &topics[index] : NULL;
}

/* Lines of a word begin with it, or with blanks where it would stand. */
static bool
is_about(const char *line, const char *word)
{
	const size_t size = strlen(word);

	return strncmp(line, word, size) == 0 && line[size] == ' ';
}

static const char *
next_line(const char *line)
{
	return line + strcspn(line, "\n") + 1;
}

static const char *
status_text(void)
{
	size_t i = 0;

	while (strcmp(topics[i].name, "status") != 0)
		i++;
	return topics[i].text;
}

const char *
help_status_line(const char *word, const char *line, size_t *size)
{
	if (line != NULL) {
		line = next_line(line);
		if (*line != ' ')
			return NULL;
	} else {
		for (line = status_text(); *line != '\0' && !is_about(line, word);)
			line = next_line(line);
		if (*line == '\0')
			return NULL;
	}
	*size = strcspn(line, "\n");
	return line;
}
