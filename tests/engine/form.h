/*
 * The instructions of a 386, and later ones, as rows: one encoding each, or a group of encodings
 * that differ in a few bits. Random programs pick from them; the stack test goes through all of
 * them.
 */
#ifndef ENGINE_FORM_H
#define ENGINE_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an r/m operand may be. */
enum form_rm { RM_NONE, RM_ANY, RM_MEMORY, RM_REGISTER };

enum form_imm {
	IMM_NONE,
	IMM_BYTE,
	IMM_WORD,
	IMM_SIZE,    /* by operand size */
	IMM_ENTER,   /* a word and a byte */
	IMM_ADDRESS, /* by address size */
	IMM_REL8,
	IMM_REL,     /* by operand size */
	IMM_POINTER, /* far, by operand size */
	IMM_KIND_COUNT
};

/* How execution goes on, and what that needs. */
enum form_kind {
	PLAIN,
	STRING, /* may have REP */
	BRANCH, /* relative */
	JUMP_NEAR,
	JUMP_FAR, /* through a pointer in memory */
	POINTER,  /* through a pointer in the instruction */
	RETURN_NEAR,
	RETURN_FAR,
	RETURN_INTERRUPT,
	UNDO_ENTER,    /* LEAVE: takes SP from BP */
	LOAD_TASK,     /* LTR: wants a TSS that is not busy */
	LOAD_LDT,      /* LLDT: wants a table, not a segment */
	WRITE_CONTROL, /* MOV CRn: not every value is one that the model knows */
	NAMED_BY_CX,   /* RDMSR, RDPMC: not every register is there */
	REFUSED,       /* raises a fault wherever these tests are */
	ENDS_RUN,
};

struct form {
	const char *name;
	uint16_t opcode; /* 0Fxx for the two-byte map */
	uint8_t vary;    /* bits of it that are free */
	uint8_t ops;     /* values that bits 5:3 of it may have, as a set; 0: as in .opcode */
	uint8_t digits;  /* values of ModRM.reg that extend it, as a set; 0: a register is there */
	bool low;        /* bits 2:0 of it are a register */
	enum form_rm rm;
	enum form_imm imm;
	enum form_kind kind;
	unsigned weight; /* in random programs */
};

extern const struct form forms[];
extern const size_t form_count;

/* One instruction on its way from the row to bytes. */
struct encoding {
	const struct form *form;
	bool wide_operand, wide_address; /* 32 bits */
	uint8_t rep;                     /* F2h, F3h or 0 */
	uint8_t override;                /* a prefix byte, or 0 */
	uint8_t opcode;
	uint8_t mod, reg, rm, sib;
	bool has_sib;
	uint32_t disp;
	unsigned disp_size;
	uint64_t imm;
};

#define ENCODING_MAX 24u

/* In bytes; an operand size of 16 or 32 bits makes a difference to most. */
unsigned encoding_imm_size(const struct encoding *encoding);

/* For a code segment of 16 or 32 bits; returns how many bytes. */
unsigned encoding_write(const struct encoding *encoding, bool code32, uint8_t out[ENCODING_MAX]);

/* A direct address as the memory operand, in as many bits as .wide_address says. */
void encoding_aim(struct encoding *encoding, uint32_t address);

#endif
