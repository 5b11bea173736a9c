/*
 * The instructions of the generator: a row is one encoding, or a group of encodings that
 * differ in a few bits of the opcode.
 */
#ifndef SILICON_ROWS_H
#define SILICON_ROWS_H

#include "snippet.h"

#include <stddef.h>

/* What an r/m operand may be. */
enum operand { NO_RM, ANY, MEM, REG };

/* How wide it is. */
enum width {
	BYTE,
	WORD,
	VARY,  /* by operand size */
	FAR,   /* a pointer: offset by operand size, and a selector */
	PAIR,  /* two of VARY */
	TABLE, /* six bytes */
	QUAD,  /* eight */
};

enum immediate {
	NO_IMM,
	IB,
	IW,
	IZ,    /* by operand size */
	IW_IB, /* ENTER */
	JB,    /* a jump, one byte */
	JZ,    /* a jump by operand size */
	MOFFS, /* by address size */
	PTR,   /* far, by operand size */
};

/* Traits. */
#define T_LOCK 0x01u    /* may be tried with LOCK */
#define T_REP 0x02u     /* may have REP */
#define T_ALIGN 0x04u   /* locks by itself: kept off cache line boundaries, where hosts trap it */
#define T_FIRST 0x08u   /* only first, where the registers are known */
#define T_LAST 0x10u    /* what follows is not reached */
#define T_O16 0x20u     /* only with 16-bit operand size */
#define T_O16_REG 0x40u /* the same for a register operand */
#define T_JUMP 0x80u    /* may pass over what follows */
#define T_PUSHES 0x100u /* may fault with some of its stack writes done */
#define T_POPS 0x200u   /* may fault with some of its registers loaded */
#define T_PROBES 0x400u /* touches memory that it does not use */
#define T_ORDER 0x800u  /* may have two faults at once, in an order that no manual gives */

struct plan;
typedef void prepare_fn(struct snippet *snippet, struct plan *plan);

struct row {
	const char *name;
	uint16_t opcode; /* 0Fxx for the two-byte map */
	uint8_t vary;    /* bits of it that are free */
	uint8_t ops;     /* values that bits 5:3 may have, as a set; 0: as in .opcode */
	uint8_t reg;     /* values that ModRM.reg may have, as a set; 0: no ModRM */
	enum operand rm;
	enum width width;
	enum immediate imm;
	unsigned reads;     /* flags */
	unsigned undefined; /* flags, afterwards */
	unsigned traits;
	unsigned weight;
	prepare_fn *prepare; /* fits registers, memory and immediate to it; may be NULL */
};

extern const struct row rows[];
extern const size_t row_count;

/* One instruction on its way from the row to bytes. */
struct plan {
	const struct row *row;
	bool o32, a32;
	bool lock;
	uint8_t rep;      /* F2, F3 or 0 */
	int override_seg; /* enum sreg, or -1 */
	uint8_t opcode;

	bool memory; /* the r/m operand is in memory */
	uint8_t mod, reg, rm, sib;
	bool has_sib;
	uint32_t disp;
	unsigned disp_size;
	unsigned slot;   /* what it goes through; SLOT_NONE for null */
	uint32_t offset; /* the effective address, if nothing before changed a register */
	unsigned bytes;  /* how wide the operand is */

	uint64_t imm;
	unsigned imm_size;
	unsigned undefined; /* the row's, or made precise by .prepare */
};

/* --- prepare.c: what .prepare may be -------------------------------------------------- */

prepare_fn prepare_io_string, prepare_shift, prepare_double_shift, prepare_divide, prepare_bit,
	prepare_exchange, prepare_string;
prepare_fn prepare_xlat, prepare_loop, prepare_bound, prepare_int, prepare_enter, prepare_leave;
/* --- transfer.c ----------------------------------------------------------------------- */
prepare_fn prepare_selector, prepare_stack_selector, prepare_far_data, prepare_far_code;
prepare_fn prepare_far_pointer, prepare_near_target, prepare_ret, prepare_retf, prepare_iret;
prepare_fn prepare_popf;

/* --- operand.c ------------------------------------------------------------------------ */

/* Chooses a ModRM form for a memory operand and aims it. */
void operand_choose_memory(struct snippet *snippet, struct plan *plan);

/* The slot behind a segment register, or behind the override. */
unsigned operand_slot(const struct snippet *snippet, const struct plan *plan, enum sreg usual);

#endif
