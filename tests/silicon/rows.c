#include "rows.h"

/* Flags, as the manual abbreviates them, and what they are in EFLAGS. */
#define C 0x001u
#define P 0x004u
#define A 0x010u
#define Z 0x040u
#define S 0x080u
#define O 0x800u
#define SZP (S | Z | P)
#define ALL (C | P | A | Z | S | O)
#define NOT_Z (C | P | A | S | O)

/* Sets of values of a three-bit field. */
#define R(n) (1u << (n))
#define EACH 0xffu
#define ARITH (R(0) | R(2) | R(3) | R(5) | R(7)) /* add adc sbb sub cmp */
#define LOGIC (R(1) | R(4) | R(6))               /* or and xor */
#define ROTATE (R(0) | R(1) | R(2) | R(3))
#define SHIFT (R(4) | R(5) | R(6) | R(7))
#define BITS (R(4) | R(5) | R(6) | R(7)) /* bt bts btr btc */
#define NOT_BITS (R(0) | R(1) | R(2) | R(3))
#define SREGS (R(0) | R(2) | R(3) | R(4) | R(5)) /* that MOV loads */
#define NOT_SREGS (R(1) | R(6) | R(7))
#define CREGS (R(0) | R(2) | R(3))

/* Traits that go together. */
#define CALL (T_PUSHES | T_ORDER)
#define ENTER (T_PUSHES | T_PROBES)

/*
 * Undefined flags: SDM vol. 2, each instruction's "Flags Affected", and 80386 Programmer's
 * Reference Manual, appendix C, where the two differ (ZF after BT).
 *
 * Left out because a newer CPU gives the encoding another meaning or another result:
 * F3 before BSF, BSR, NOP (TZCNT, LZCNT, PAUSE); LES, LDS and BOUND with a register (VEX,
 * EVEX); 8F /1-7 (XOP); 0F 01 with a register but LMSW; 0F 01 /7; MOV from and to TRn, CR4,
 * DR4, DR5; MOV r32, Sreg and PUSH Sreg with 32-bit operand size (the upper half is a
 * 386's own); SGDT, SIDT, SMSW, SLDT, STR (a host may forbid or fake them); and F1.
 */
/* clang-format off */
const struct row rows[] = {
	/* name        opcode  vary  ops    reg        rm     width  imm     reads    undef    traits           n   prepare */
	{ "arith",     0x0000, 0x02, ARITH, EACH,      ANY,   BYTE,  NO_IMM, C,       0,       T_LOCK,          12, NULL },
	{ "arith",     0x0001, 0x02, ARITH, EACH,      ANY,   VARY,  NO_IMM, C,       0,       T_LOCK,          20, NULL },
	{ "arith",     0x0004, 0,    ARITH, 0,         NO_RM, BYTE,  IB,     C,       0,       T_LOCK,          4,  NULL },
	{ "arith",     0x0005, 0,    ARITH, 0,         NO_RM, VARY,  IZ,     C,       0,       0,               4,  NULL },
	{ "arith",     0x0080, 0x02, 0,     ARITH,     ANY,   BYTE,  IB,     C,       0,       T_LOCK,          8,  NULL },
	{ "arith",     0x0081, 0,    0,     ARITH,     ANY,   VARY,  IZ,     C,       0,       T_LOCK,          8,  NULL },
	{ "arith",     0x0083, 0,    0,     ARITH,     ANY,   VARY,  IB,     C,       0,       T_LOCK,          8,  NULL },
	{ "logic",     0x0000, 0x02, LOGIC, EACH,      ANY,   BYTE,  NO_IMM, 0,       A,       T_LOCK,          6,  NULL },
	{ "logic",     0x0001, 0x02, LOGIC, EACH,      ANY,   VARY,  NO_IMM, 0,       A,       T_LOCK,          8,  NULL },
	{ "logic",     0x0004, 0,    LOGIC, 0,         NO_RM, BYTE,  IB,     0,       A,       0,               2,  NULL },
	{ "logic",     0x0005, 0,    LOGIC, 0,         NO_RM, VARY,  IZ,     0,       A,       0,               2,  NULL },
	{ "logic",     0x0080, 0x02, 0,     LOGIC,     ANY,   BYTE,  IB,     0,       A,       T_LOCK,          4,  NULL },
	{ "logic",     0x0081, 0,    0,     LOGIC,     ANY,   VARY,  IZ,     0,       A,       T_LOCK,          4,  NULL },
	{ "logic",     0x0083, 0,    0,     LOGIC,     ANY,   VARY,  IB,     0,       A,       T_LOCK,          4,  NULL },
	{ "test",      0x0084, 0,    0,     EACH,      ANY,   BYTE,  NO_IMM, 0,       A,       T_LOCK,          3,  NULL },
	{ "test",      0x0085, 0,    0,     EACH,      ANY,   VARY,  NO_IMM, 0,       A,       0,               4,  NULL },
	{ "test",      0x00a8, 0,    0,     0,         NO_RM, BYTE,  IB,     0,       A,       0,               1,  NULL },
	{ "test",      0x00a9, 0,    0,     0,         NO_RM, VARY,  IZ,     0,       A,       0,               1,  NULL },
	{ "test",      0x00f6, 0,    0,     R(0)|R(1), ANY,   BYTE,  IB,     0,       A,       0,               2,  NULL },
	{ "test",      0x00f7, 0,    0,     R(0)|R(1), ANY,   VARY,  IZ,     0,       A,       0,               3,  NULL },
	{ "inc dec",   0x0040, 0x0f, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_LOCK,          6,  NULL },
	{ "inc dec",   0x00fe, 0,    0,     R(0)|R(1), ANY,   BYTE,  NO_IMM, 0,       0,       T_LOCK,          4,  NULL },
	{ "inc dec",   0x00ff, 0,    0,     R(0)|R(1), ANY,   VARY,  NO_IMM, 0,       0,       T_LOCK,          5,  NULL },
	{ "not neg",   0x00f6, 0,    0,     R(2)|R(3), ANY,   BYTE,  NO_IMM, 0,       0,       T_LOCK,          5,  NULL },
	{ "not neg",   0x00f7, 0,    0,     R(2)|R(3), ANY,   VARY,  NO_IMM, 0,       0,       T_LOCK,          6,  NULL },

	{ "mul",       0x00f6, 0,    0,     R(4)|R(5), ANY,   BYTE,  NO_IMM, 0,       SZP|A,   0,               6,  NULL },
	{ "mul",       0x00f7, 0,    0,     R(4)|R(5), ANY,   VARY,  NO_IMM, 0,       SZP|A,   0,               8,  NULL },
	{ "imul",      0x0faf, 0,    0,     EACH,      ANY,   VARY,  NO_IMM, 0,       SZP|A,   0,               5,  NULL },
	{ "imul",      0x0069, 0,    0,     EACH,      ANY,   VARY,  IZ,     0,       SZP|A,   0,               4,  NULL },
	{ "imul",      0x006b, 0,    0,     EACH,      ANY,   VARY,  IB,     0,       SZP|A,   0,               4,  NULL },
	{ "div",       0x00f6, 0,    0,     R(6)|R(7), ANY,   BYTE,  NO_IMM, 0,       ALL,     0,               8,  prepare_divide },
	{ "div",       0x00f7, 0,    0,     R(6)|R(7), ANY,   VARY,  NO_IMM, 0,       ALL,     0,               12, prepare_divide },

	{ "shift",     0x00d0, 0,    0,     SHIFT,     ANY,   BYTE,  NO_IMM, 0,       A,       0,               5,  NULL },
	{ "shift",     0x00d1, 0,    0,     SHIFT,     ANY,   VARY,  NO_IMM, 0,       A,       0,               6,  NULL },
	{ "shift",     0x00c0, 0,    0,     SHIFT,     ANY,   BYTE,  IB,     0,       A|O|C,   0,               5,  prepare_shift },
	{ "shift",     0x00c1, 0,    0,     SHIFT,     ANY,   VARY,  IB,     0,       A|O|C,   0,               6,  prepare_shift },
	{ "shift",     0x00d2, 0,    0,     SHIFT,     ANY,   BYTE,  NO_IMM, 0,       A|O|C,   0,               6,  prepare_shift },
	{ "shift",     0x00d3, 0,    0,     SHIFT,     ANY,   VARY,  NO_IMM, 0,       A|O|C,   0,               8,  prepare_shift },
	{ "rotate",    0x00d0, 0,    0,     ROTATE,    ANY,   BYTE,  NO_IMM, C,       0,       0,               5,  NULL },
	{ "rotate",    0x00d1, 0,    0,     ROTATE,    ANY,   VARY,  NO_IMM, C,       0,       0,               6,  NULL },
	{ "rotate",    0x00c0, 0,    0,     ROTATE,    ANY,   BYTE,  IB,     C,       O,       0,               6,  prepare_shift },
	{ "rotate",    0x00c1, 0,    0,     ROTATE,    ANY,   VARY,  IB,     C,       O,       0,               6,  prepare_shift },
	{ "rotate",    0x00d2, 0,    0,     ROTATE,    ANY,   BYTE,  NO_IMM, C,       O,       0,               7,  prepare_shift },
	{ "rotate",    0x00d3, 0,    0,     ROTATE,    ANY,   VARY,  NO_IMM, C,       O,       0,               8,  prepare_shift },
	{ "shld",      0x0fa4, 0x08, 0,     EACH,      ANY,   VARY,  IB,     0,       A|O,     0,               5,  prepare_double_shift },
	{ "shld",      0x0fa5, 0x08, 0,     EACH,      ANY,   VARY,  NO_IMM, 0,       A|O,     T_FIRST,         6,  prepare_double_shift },

	{ "bt",        0x0fa3, 0x18, 0,     EACH,      ANY,   VARY,  NO_IMM, 0,       SZP|A|O, T_LOCK,          12, prepare_bit },
	{ "bt",        0x0fba, 0,    0,     BITS,      ANY,   VARY,  IB,     0,       SZP|A|O, T_LOCK,          8,  NULL },
	{ "bt",        0x0fba, 0,    0,     NOT_BITS,  ANY,   VARY,  IB,     0,       0,       0,               1,  NULL },
	{ "bsf",       0x0fbc, 0x01, 0,     EACH,      ANY,   VARY,  NO_IMM, 0,       NOT_Z,   0,               8,  NULL },
	{ "setcc",     0x0f90, 0x0f, 0,     EACH,      ANY,   BYTE,  NO_IMM, ALL,     0,       0,               8,  NULL },

	{ "cbw",       0x0098, 0x01, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       0,               5,  NULL },
	{ "movx",      0x0fb6, 0x08, 0,     EACH,      ANY,   BYTE,  NO_IMM, 0,       0,       0,               6,  NULL },
	{ "movx",      0x0fb7, 0x08, 0,     EACH,      ANY,   WORD,  NO_IMM, 0,       0,       0,               6,  NULL },
	{ "mov",       0x0088, 0x02, 0,     EACH,      ANY,   BYTE,  NO_IMM, 0,       0,       T_LOCK,          8,  NULL },
	{ "mov",       0x0089, 0x02, 0,     EACH,      ANY,   VARY,  NO_IMM, 0,       0,       0,               12, NULL },
	{ "mov",       0x00a0, 0x02, 0,     0,         NO_RM, BYTE,  MOFFS,  0,       0,       0,               4,  NULL },
	{ "mov",       0x00a1, 0x02, 0,     0,         NO_RM, VARY,  MOFFS,  0,       0,       0,               6,  NULL },
	{ "mov",       0x00b0, 0x07, 0,     0,         NO_RM, BYTE,  IB,     0,       0,       0,               3,  NULL },
	{ "mov",       0x00b8, 0x07, 0,     0,         NO_RM, VARY,  IZ,     0,       0,       0,               3,  NULL },
	{ "mov",       0x00c6, 0,    0,     R(0),      ANY,   BYTE,  IB,     0,       0,       0,               4,  NULL },
	{ "mov",       0x00c7, 0,    0,     R(0),      ANY,   VARY,  IZ,     0,       0,       0,               5,  NULL },
	{ "xchg",      0x0086, 0,    0,     EACH,      ANY,   BYTE,  NO_IMM, 0,       0,       T_LOCK|T_ALIGN,  4,  NULL },
	{ "xchg",      0x0087, 0,    0,     EACH,      ANY,   VARY,  NO_IMM, 0,       0,       T_LOCK|T_ALIGN,  5,  NULL },
	{ "xchg",      0x0090, 0x07, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       0,               3,  NULL },
	{ "lea",       0x008d, 0,    0,     EACH,      MEM,   VARY,  NO_IMM, 0,       0,       0,               12, NULL },
	{ "xlat",      0x00d7, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       0,               5,  prepare_xlat },

	{ "push",      0x0050, 0x07, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       0,               8,  NULL },
	{ "push",      0x0068, 0,    0,     0,         NO_RM, VARY,  IZ,     0,       0,       0,               3,  NULL },
	{ "push",      0x006a, 0,    0,     0,         NO_RM, VARY,  IB,     0,       0,       0,               3,  NULL },
	{ "push",      0x00ff, 0,    0,     R(6),      ANY,   VARY,  NO_IMM, 0,       0,       0,               6,  NULL },
	{ "pop",       0x0058, 0x07, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       0,               8,  NULL },
	{ "pop",       0x008f, 0,    0,     R(0),      ANY,   VARY,  NO_IMM, 0,       0,       0,               8,  NULL },
	{ "pusha",     0x0060, 0,    0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_PUSHES,        6,  NULL },
	{ "popa",      0x0061, 0,    0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_POPS,          6,  NULL },
	{ "pushf",     0x009c, 0,    0,     0,         NO_RM, VARY,  NO_IMM, ALL,     0,       0,               5,  NULL },
	{ "popf",      0x009d, 0,    0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_FIRST,         10, prepare_popf },
	{ "enter",     0x00c8, 0,    0,     0,         NO_RM, VARY,  IW_IB,  0,       0,       ENTER,           12, prepare_enter },
	{ "leave",     0x00c9, 0,    0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       0,               8,  prepare_leave },
	{ "sahf",      0x009e, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       0,               3,  NULL },
	{ "lahf",      0x009f, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, SZP|A|C, 0,       0,               3,  NULL },
	{ "cmc",       0x00f5, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, C,       0,       0,               2,  NULL },
	{ "clc",       0x00f8, 0x01, 0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       0,               2,  NULL },
	{ "cld",       0x00fc, 0x01, 0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       0,               2,  NULL },

	{ "daa",       0x0027, 0x08, 0,     0,         NO_RM, BYTE,  NO_IMM, A|C,     O,       0,               8,  NULL },
	{ "aaa",       0x0037, 0x08, 0,     0,         NO_RM, BYTE,  NO_IMM, A,       SZP|O,   0,               8,  NULL },
	{ "aam",       0x00d4, 0x01, 0,     0,         NO_RM, BYTE,  IB,     0,       O|A|C,   0,               8,  NULL },
	{ "salc",      0x00d6, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, C,       0,       0,               2,  NULL },

	{ "movs",      0x00a4, 0x01, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_REP,           14, prepare_string },
	{ "cmps",      0x00a6, 0x01, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_REP|T_ORDER,   14, prepare_string },
	{ "stos",      0x00aa, 0x01, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_REP,           12, prepare_string },
	{ "lods",      0x00ac, 0x01, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_REP,           10, prepare_string },
	{ "scas",      0x00ae, 0x01, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_REP,           12, prepare_string },

	{ "bswap",     0x0fc8, 0x07, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       0,               4,  NULL },
	{ "cmov",      0x0f40, 0x0f, 0,     EACH,      ANY,   VARY,  NO_IMM, ALL,     0,       T_LOCK,          12, NULL },
	{ "xadd",      0x0fc0, 0,    0,     EACH,      ANY,   BYTE,  NO_IMM, 0,       0,       T_LOCK,          5,  NULL },
	{ "xadd",      0x0fc1, 0,    0,     EACH,      ANY,   VARY,  NO_IMM, 0,       0,       T_LOCK,          7,  NULL },
	{ "cmpxchg",   0x0fb0, 0,    0,     EACH,      ANY,   BYTE,  NO_IMM, 0,       0,       T_LOCK,          7,  prepare_exchange },
	{ "cmpxchg",   0x0fb1, 0,    0,     EACH,      ANY,   VARY,  NO_IMM, 0,       0,       T_LOCK,          9,  prepare_exchange },
	{ "cmpxchg8b", 0x0fc7, 0,    0,     R(1),      MEM,   QUAD,  NO_IMM, 0,       0,       T_LOCK,          9,  prepare_exchange },

	{ "jcc",       0x0070, 0x0f, 0,     0,         NO_RM, VARY,  JB,     ALL,     0,       T_JUMP,          12, NULL },
	{ "jcc",       0x0f80, 0x0f, 0,     0,         NO_RM, VARY,  JZ,     ALL,     0,       T_JUMP,          8,  NULL },
	{ "loop",      0x00e0, 0x03, 0,     0,         NO_RM, VARY,  JB,     Z,       0,       T_JUMP,          12, prepare_loop },
	{ "jmp",       0x00e9, 0,    0,     0,         NO_RM, VARY,  JZ,     0,       0,       T_JUMP,          5,  NULL },
	{ "jmp",       0x00eb, 0,    0,     0,         NO_RM, VARY,  JB,     0,       0,       T_JUMP,          4,  NULL },
	{ "call",      0x00e8, 0,    0,     0,         NO_RM, VARY,  JZ,     0,       0,       T_JUMP|CALL,     8,  NULL },
	{ "call jmp",  0x00ff, 0,    0,     R(2)|R(4), ANY,   VARY,  NO_IMM, 0,       0,       T_LAST|CALL,     10, prepare_near_target },
	{ "ret",       0x00c3, 0,    0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_FIRST|T_LAST,  6,  prepare_ret },
	{ "ret",       0x00c2, 0,    0,     0,         NO_RM, VARY,  IW,     0,       0,       T_FIRST|T_LAST,  6,  prepare_ret },
	{ "retf",      0x00cb, 0,    0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_FIRST|T_LAST,  10, prepare_retf },
	{ "retf",      0x00ca, 0,    0,     0,         NO_RM, VARY,  IW,     0,       0,       T_FIRST|T_LAST,  10, prepare_retf },
	{ "iret",      0x00cf, 0,    0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_FIRST|T_LAST,  12, prepare_iret },
	{ "far",       0x009a, 0,    0,     0,         NO_RM, VARY,  PTR,    0,       0,       T_LAST|T_PUSHES, 10, prepare_far_pointer },
	{ "far",       0x00ea, 0,    0,     0,         NO_RM, VARY,  PTR,    0,       0,       T_LAST|T_PUSHES, 10, prepare_far_pointer },
	{ "far",       0x00ff, 0,    0,     R(3)|R(5), MEM,   FAR,   NO_IMM, 0,       0,       T_LAST|T_PUSHES, 14, prepare_far_code },
	{ "bound",     0x0062, 0,    0,     EACH,      MEM,   PAIR,  NO_IMM, 0,       0,       T_ORDER,         8,  prepare_bound },
	{ "into",      0x00ce, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, O,       0,       0,               3,  NULL },
	{ "int3",      0x00cc, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       T_LAST,          1,  NULL },
	{ "int",       0x00cd, 0,    0,     0,         NO_RM, BYTE,  IB,     0,       0,       T_LAST,          5,  prepare_int },

	{ "mov sreg",  0x008e, 0,    0,     SREGS,     ANY,   WORD,  NO_IMM, 0,       0,       0,               24, prepare_selector },
	{ "mov sreg",  0x008c, 0,    0,     0x3f,      ANY,   WORD,  NO_IMM, 0,       0,       T_O16_REG,       8,  NULL },
	{ "push sreg", 0x0006, 0x18, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_O16,           5,  NULL },
	{ "push sreg", 0x0fa0, 0x08, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_O16,           3,  NULL },
	{ "pop sreg",  0x0007, 0x10, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_FIRST,         10, prepare_stack_selector },
	{ "pop sreg",  0x001f, 0,    0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_FIRST,         6,  prepare_stack_selector },
	{ "pop sreg",  0x0fa1, 0x08, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_FIRST,         10, prepare_stack_selector },
	{ "les lds",   0x00c4, 0x01, 0,     EACH,      MEM,   FAR,   NO_IMM, 0,       0,       0,               14, prepare_far_data },
	{ "lss",       0x0fb2, 0,    0,     EACH,      MEM,   FAR,   NO_IMM, 0,       0,       0,               12, prepare_far_data },
	{ "lfs lgs",   0x0fb4, 0x01, 0,     EACH,      MEM,   FAR,   NO_IMM, 0,       0,       0,               12, prepare_far_data },
	{ "lar lsl",   0x0f02, 0x01, 0,     EACH,      ANY,   WORD,  NO_IMM, 0,       0,       0,               24, prepare_selector },
	{ "verr",      0x0f00, 0,    0,     R(4)|R(5), ANY,   WORD,  NO_IMM, 0,       0,       0,               18, prepare_selector },
	{ "arpl",      0x0063, 0,    0,     EACH,      ANY,   WORD,  NO_IMM, 0,       0,       0,               8,  prepare_selector },

	{ "lldt ltr",  0x0f00, 0,    0,     R(2)|R(3), ANY,   WORD,  NO_IMM, 0,       0,       0,               3,  prepare_selector },
	{ "lgdt",      0x0f01, 0,    0,     R(2)|R(3), MEM,   TABLE, NO_IMM, 0,       0,       0,               3,  NULL },
	{ "lmsw",      0x0f01, 0,    0,     R(6),      ANY,   WORD,  NO_IMM, 0,       0,       0,               3,  NULL },
	{ "clts",      0x0f06, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       T_LOCK,          1,  NULL },
	{ "mov cr",    0x0f20, 0x02, 0,     CREGS,     REG,   VARY,  NO_IMM, 0,       0,       0,               3,  NULL },
	{ "mov dr",    0x0f21, 0x02, 0,     0xcf,      REG,   VARY,  NO_IMM, 0,       0,       0,               2,  NULL },
	{ "invd",      0x0f08, 0x01, 0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       T_LOCK,          2,  NULL },
	{ "msr",       0x0f30, 0x02, 0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       T_LOCK,          2,  NULL },
	{ "sysexit",   0x0f35, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       T_LOCK,          2,  NULL },
	{ "undefined", 0x0f0b, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       T_LOCK,          2,  NULL },
	{ "undefined", 0x0faa, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       T_LOCK,          2,  NULL },
	{ "hlt",       0x00f4, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       T_LOCK,          2,  NULL },
	{ "cli sti",   0x00fa, 0x01, 0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       0,               3,  NULL },
	{ "in out",    0x00e4, 0x03, 0,     0,         NO_RM, BYTE,  IB,     0,       0,       0,               3,  NULL },
	{ "in out",    0x00ec, 0x03, 0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       0,               3,  NULL },
	{ "ins outs",  0x006c, 0x03, 0,     0,         NO_RM, VARY,  NO_IMM, 0,       0,       T_REP|T_FIRST,   5,  prepare_io_string },

	{ "ud",        0x0f0b, 0,    0,     0,         NO_RM, BYTE,  NO_IMM, 0,       0,       0,               2,  NULL },
	{ "ud",        0x00fe, 0,    0,     0xfc,      ANY,   BYTE,  NO_IMM, 0,       0,       0,               2,  NULL },
	{ "ud",        0x00ff, 0,    0,     R(7),      ANY,   VARY,  NO_IMM, 0,       0,       0,               1,  NULL },
	{ "ud",        0x00ff, 0,    0,     R(3)|R(5), REG,   VARY,  NO_IMM, 0,       0,       0,               1,  NULL },
	{ "ud",        0x008e, 0,    0,     NOT_SREGS, ANY,   WORD,  NO_IMM, 0,       0,       0,               2,  NULL },
	{ "ud",        0x008c, 0,    0,     R(6)|R(7), ANY,   WORD,  NO_IMM, 0,       0,       0,               1,  NULL },
	{ "ud",        0x008d, 0,    0,     EACH,      REG,   VARY,  NO_IMM, 0,       0,       0,               1,  NULL },
	{ "ud",        0x0fb2, 0,    0,     EACH,      REG,   VARY,  NO_IMM, 0,       0,       0,               1,  NULL },
	{ "ud",        0x0fb4, 0x01, 0,     EACH,      REG,   VARY,  NO_IMM, 0,       0,       0,               1,  NULL },
	{ "ud",        0x0f00, 0,    0,     R(6)|R(7), ANY,   WORD,  NO_IMM, 0,       0,       0,               1,  NULL },
};
/* clang-format on */

const size_t row_count = sizeof(rows) / sizeof(rows[0]);
