/*
 * Decoding, with Zydis behind it: no other header names Zydis, and nothing of it is kept.
 * An instruction comes out as an operation and its operands, independent of the mode
 * it was found in. Private to vcpu.
 */
#ifndef DESCRY_DECODE_H
#define DESCRY_DECODE_H

#include <descry/profile.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Instructions by their manual names; where one name hides several, the suffix tells. */
enum op {
	OP_UNDEFINED, /* raises #UD */
	OP_TOO_LONG,  /* over 15 bytes: raises #GP(0) */
	OP_NOT_MODELLED,
	/* two operands, in the order of the opcode map */
	OP_ADD,
	OP_OR,
	OP_ADC,
	OP_SBB,
	OP_AND,
	OP_SUB,
	OP_XOR,
	OP_CMP,
	OP_TEST,
	OP_INC,
	OP_DEC,
	OP_NEG,
	OP_NOT,
	/* in the order of the reg field of C0-D3 */
	OP_ROL,
	OP_ROR,
	OP_RCL,
	OP_RCR,
	OP_SHL,
	OP_SHR,
	OP_SAR,
	OP_SHLD,
	OP_SHRD,
	OP_MUL,
	OP_IMUL,
	OP_DIV,
	OP_IDIV,
	OP_BT,
	OP_BTS,
	OP_BTR,
	OP_BTC,
	OP_BSF,
	OP_BSR,
	OP_SETCC,
	OP_DAA,
	OP_DAS,
	OP_AAA,
	OP_AAS,
	OP_AAM,
	OP_AAD,
	OP_MOV,
	OP_MOVZX,
	OP_MOVSX,
	OP_XCHG,
	OP_LEA,
	OP_XLAT,
	OP_CBW,
	OP_CWD,
	OP_LAHF,
	OP_SAHF,
	OP_SALC,
	OP_NOP,
	OP_WAIT,
	OP_ESC,
	OP_CLC,
	OP_STC,
	OP_CMC,
	OP_CLD,
	OP_STD,
	OP_CLI,
	OP_STI,
	OP_PUSH,
	OP_POP,
	OP_PUSHA,
	OP_POPA,
	OP_PUSHF,
	OP_POPF,
	OP_ENTER,
	OP_LEAVE,
	OP_MOVS,
	OP_STOS,
	OP_LODS,
	OP_CMPS,
	OP_SCAS,
	OP_INS,
	OP_OUTS,
	OP_JCC,
	OP_JMP,
	OP_CALL,
	OP_RET,
	OP_LOOP,
	OP_LOOPE,
	OP_LOOPNE,
	OP_JCXZ,
	OP_JMP_FAR,
	OP_CALL_FAR,
	OP_RET_FAR,
	OP_INT,
	OP_INT3,
	OP_INTO,
	OP_IRET,
	OP_BOUND,
	OP_LDS,
	OP_LES,
	OP_LFS,
	OP_LGS,
	OP_LSS,
	OP_LAR,
	OP_LSL,
	OP_VERR,
	OP_VERW,
	OP_ARPL,
	OP_LGDT,
	OP_LIDT,
	OP_SGDT,
	OP_SIDT,
	OP_LLDT,
	OP_SLDT,
	OP_LTR,
	OP_STR,
	OP_LMSW,
	OP_SMSW,
	OP_CLTS,
	OP_MOV_DR,
	OP_ICEBP,
	OP_INVLPG,
	OP_IN,
	OP_OUT,
	OP_HLT,
	/* after the 386 */
	OP_BSWAP,
	OP_XADD,
	OP_CMPXCHG,
	OP_CMPXCHG8B,
	OP_CMOVCC,
	OP_INVD,
	OP_WBINVD,
	OP_CPUID,
	OP_RDTSC,
	OP_RDPMC,
	OP_RDMSR,
	OP_WRMSR,
	OP_SYSENTER,
	OP_SYSEXIT,
	OP_RSM,
	/* on the 286 and the 386 alone */
	OP_LOADALL286,
	OP_LOADALL386,
	OP_COUNT
};

/* Why an instruction is OP_NOT_MODELLED. */
enum feature { FEATURE_TEST_REGISTERS, FEATURE_8086_OPCODE };

/* What an older CPU does in a way of its own: exec_older.c. */
enum older_form {
	OLDER_NOT,
	OLDER_ENDS_BLOCK, /* a load of CS, or one that casts a shadow and elsewhere does not */
	OLDER_PUSH_SP,
	OLDER_SHIFT,
	OLDER_ESC, /* imm: both bytes of the opcode; operand 1: where the data are */
};

enum operand_kind {
	OPERAND_NONE,
	OPERAND_REG,  /* general register; a byte register as its byte offset (AH is 1) */
	OPERAND_SREG, /* enum descry_sreg */
	OPERAND_CREG, /* control register number */
	OPERAND_DREG, /* debug register number */
	OPERAND_MEM,
	OPERAND_IMM,
};

struct operand {
	uint8_t kind;
	uint8_t size; /* in bytes */
	uint8_t reg;
};

struct decoded {
	enum op op;
	uint8_t feature; /* OP_NOT_MODELLED: enum feature */
	uint8_t length;
	uint8_t size; /* 2 or 4: the operand size attribute; 1 for byte string and I/O instructions
		       */
	uint8_t adsize;             /* 2 or 4 */
	uint8_t rep;                /* 0, F2h or F3h: the last one wins */
	uint8_t cond;               /* Jcc, SETcc, CMOVcc */
	uint8_t older;              /* enum older_form */
	uint8_t seg;                /* of the memory operand; without one: the override, or DS */
	uint8_t base, index, scale; /* of the memory operand; REG_ZERO when absent */
	uint32_t disp;
	uint32_t imm;  /* sign-extended; a branch: the displacement; a far pointer: the offset */
	uint32_t imm2; /* a far pointer: the selector; ENTER: the level */
	struct operand operand[3];
};

#define INSN_BYTES_MAX 15u /* more raise #GP(0) */

enum decode_mode { DECODE_REAL16, DECODE_PROTECTED16, DECODE_32, DECODE_MODE_COUNT };

struct decoder;
/* NULL: no memory. */
struct decoder *decoder_create(const struct descry_profile *profile);
void decoder_destroy(struct decoder *decoder);

/*
 * False when size bytes are not the whole instruction: the caller finds out why there
 * are no more. With 15 bytes or more it always answers.
 */
bool decode(const struct decoder *decoder, enum decode_mode mode, const uint8_t *bytes, size_t size,
	    struct decoded *out);

#endif
