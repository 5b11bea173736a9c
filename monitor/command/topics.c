#include "command/topics.h"

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
	  "Numbers:   10, 0x10, 10h, 0b10; 64 bits, unsigned.\n"
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
	  "           stop == START, STEP, BREAKPOINT, INTERRUPTED, ACCESS, HOST_INTERRUPT,\n"
	  "           GUEST_EXIT, HALTED, UNHANDLED, SHUTDOWN, NOT_MODELLED.\n" },
	{ "status", "what the words about a cache mean",
	  "MATCH        none of the others\n"
	  "STALE        PE=1, and loading the visible selector now (null included) would give\n"
	  "             another base, limit or attr, or fault; accessed and busy do not count\n"
	  "UNREAL       PE=0, and the limit is not FFFFh, or it is not a present, writable,\n"
	  "             expand-up 16-bit data segment of DPL 0 (CS may be readable code)\n"
	  "UNREAL-BASE  PE=0, and the base is not selector * 16\n"
	  "UNUSABLE     every access faults: a null selector was loaded, or P is 0\n"
	  "FIXED        loaded with constants of the CPU, from no table\n"
	  "FORCED       written by the monitor or by a debugger\n"
	  "A status is computed when it is asked for and never stored.\n" },
	{ 0 },
};
/* clang-format on */

const struct help_topic *
help_topic_at(size_t index)
{
	return index + 1 < sizeof(topics) / sizeof(topics[0]) ? &topics[index] : NULL;
}
