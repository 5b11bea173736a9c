#include "lower.h"

#include "cpu.h"

/* Which file lowers what. Operations without a row never reach it. */
/* clang-format off */
static lower_fn *const rows[OP_COUNT] = {
	[OP_ADD] = lower_alu, [OP_OR] = lower_alu, [OP_ADC] = lower_alu, [OP_SBB] = lower_alu,
	[OP_AND] = lower_alu, [OP_SUB] = lower_alu, [OP_XOR] = lower_alu, [OP_CMP] = lower_alu,
	[OP_TEST] = lower_alu,
	[OP_INC] = lower_unary, [OP_DEC] = lower_unary, [OP_NEG] = lower_unary, [OP_NOT] = lower_unary,
	[OP_ROL] = lower_shift, [OP_ROR] = lower_shift, [OP_RCL] = lower_shift, [OP_RCR] = lower_shift,
	[OP_SHL] = lower_shift, [OP_SHR] = lower_shift, [OP_SAR] = lower_shift,
	[OP_SHLD] = lower_double_shift, [OP_SHRD] = lower_double_shift,
	[OP_MUL] = lower_multiply, [OP_IMUL] = lower_multiply,
	[OP_DIV] = lower_divide, [OP_IDIV] = lower_divide,
	[OP_BT] = lower_bit_test, [OP_BTS] = lower_bit_test, [OP_BTR] = lower_bit_test,
	[OP_BTC] = lower_bit_test, [OP_BSF] = lower_bit_scan, [OP_BSR] = lower_bit_scan,
	[OP_SETCC] = lower_setcc,
	[OP_DAA] = lower_bcd, [OP_DAS] = lower_bcd, [OP_AAA] = lower_bcd, [OP_AAS] = lower_bcd,
	[OP_AAM] = lower_bcd, [OP_AAD] = lower_bcd,
	[OP_MOV] = lower_mov, [OP_MOVZX] = lower_extend, [OP_MOVSX] = lower_extend,
	[OP_XCHG] = lower_xchg, [OP_LEA] = lower_simple, [OP_XLAT] = lower_simple,
	[OP_CBW] = lower_simple, [OP_CWD] = lower_simple, [OP_LAHF] = lower_simple,
	[OP_SAHF] = lower_simple, [OP_SALC] = lower_simple, [OP_NOP] = lower_simple,
	[OP_WAIT] = lower_simple, [OP_ESC] = lower_simple,
	[OP_CLC] = lower_flag, [OP_STC] = lower_flag, [OP_CMC] = lower_flag, [OP_CLD] = lower_flag,
	[OP_STD] = lower_flag, [OP_CLI] = lower_flag, [OP_STI] = lower_flag,
	[OP_PUSH] = lower_push, [OP_POP] = lower_pop,
	[OP_PUSHA] = lower_frame, [OP_POPA] = lower_frame, [OP_PUSHF] = lower_frame,
	[OP_POPF] = lower_frame, [OP_ENTER] = lower_frame, [OP_LEAVE] = lower_frame,
	[OP_MOVS] = lower_string, [OP_STOS] = lower_string, [OP_LODS] = lower_string,
	[OP_CMPS] = lower_string, [OP_SCAS] = lower_string, [OP_INS] = lower_string,
	[OP_OUTS] = lower_string,
	[OP_JCC] = lower_jcc, [OP_JMP] = lower_near, [OP_CALL] = lower_near, [OP_RET] = lower_near,
	[OP_LOOP] = lower_loop, [OP_LOOPE] = lower_loop, [OP_LOOPNE] = lower_loop,
	[OP_JCXZ] = lower_loop,
	[OP_JMP_FAR] = lower_far, [OP_CALL_FAR] = lower_far, [OP_RET_FAR] = lower_far,
	[OP_INT] = lower_far, [OP_INT3] = lower_far, [OP_INTO] = lower_far, [OP_IRET] = lower_far,
	[OP_BOUND] = lower_far,
	[OP_LDS] = lower_far_load, [OP_LES] = lower_far_load, [OP_LFS] = lower_far_load,
	[OP_LGS] = lower_far_load, [OP_LSS] = lower_far_load,
	[OP_LAR] = lower_descriptor, [OP_LSL] = lower_descriptor, [OP_VERR] = lower_descriptor,
	[OP_VERW] = lower_descriptor, [OP_ARPL] = lower_descriptor,
	[OP_LGDT] = lower_table, [OP_LIDT] = lower_table, [OP_SGDT] = lower_table,
	[OP_SIDT] = lower_table, [OP_LLDT] = lower_table, [OP_SLDT] = lower_table,
	[OP_LTR] = lower_table, [OP_STR] = lower_table,
	[OP_LMSW] = lower_system, [OP_SMSW] = lower_system, [OP_CLTS] = lower_system,
	[OP_INVLPG] = lower_system,
	[OP_HLT] = lower_system, [OP_NOT_MODELLED] = lower_system, [OP_UNDEFINED] = lower_system,
	[OP_TOO_LONG] = lower_system,
	[OP_MOV_DR] = lower_debug, [OP_ICEBP] = lower_debug,
	[OP_IN] = lower_io, [OP_OUT] = lower_io,
	[OP_BSWAP] = lower_later, [OP_XADD] = lower_later, [OP_CMPXCHG] = lower_later,
	[OP_CMPXCHG8B] = lower_later, [OP_CMOVCC] = lower_later,
	[OP_INVD] = lower_msr, [OP_WBINVD] = lower_msr, [OP_CPUID] = lower_msr,
	[OP_RDTSC] = lower_msr, [OP_RDPMC] = lower_msr, [OP_RDMSR] = lower_msr,
	[OP_WRMSR] = lower_msr,
	[OP_SYSENTER] = lower_sysenter, [OP_SYSEXIT] = lower_sysenter, [OP_RSM] = lower_rsm,
	[OP_LOADALL286] = lower_loadall, [OP_LOADALL386] = lower_loadall,
};
/* clang-format on */

static void
fill_operands(const struct decoded *d, struct insn *in)
{
	const uint8_t registers[2] = { d->operand[0].reg, d->operand[1].reg };

	*in = (struct insn){
		.imm = d->imm,
		.disp = d->disp,
		.ea_mask = d->adsize == 2 ? 0xffff : 0xffffffff,
		.seg = d->seg,
		.base = d->base,
		.index = d->index,
		.scale = d->scale,
		.dst = registers[0],
		.src = registers[1],
		.length = d->length,
		.size = d->size,
		.rep = d->rep,
		.cond = d->cond,
	};
}

static bool
is_move_to(const struct decoded *d, enum operand_kind kind, unsigned reg)
{
	return (d->op == OP_MOV || d->op == OP_POP) && d->operand[0].kind == kind &&
	       d->operand[0].reg == reg;
}

/* What comes next depends on it, or it may change the mode, the shadow or the outside world. */
static bool
ends_block(const struct decoded *d)
{
	switch ((int)d->op) {
	case OP_UNDEFINED:
	case OP_TOO_LONG:
	case OP_NOT_MODELLED:
	case OP_ESC:
	case OP_STI:
	case OP_POPF:
	case OP_INS:
	case OP_OUTS:
	case OP_IN:
	case OP_OUT:
	case OP_LSS:
	case OP_LMSW:
	case OP_CLTS:
	case OP_MOV_DR:
	case OP_ICEBP:
	case OP_INVLPG:
	case OP_HLT:
	case OP_WRMSR:
	case OP_SYSENTER:
	case OP_SYSEXIT:
	case OP_RSM:
	case OP_LOADALL286:
	case OP_LOADALL386:
		return true;
	case OP_MOVS:
	case OP_STOS:
	case OP_LODS:
	case OP_CMPS:
	case OP_SCAS:
		return d->rep != 0;
	case OP_MOV:
	case OP_POP:
		return d->operand[0].kind == OPERAND_CREG || is_move_to(d, OPERAND_SREG, DESCRY_SS);
	case OP_JCC: /* not taken, the block goes on */
	case OP_LOOP:
	case OP_LOOPE:
	case OP_LOOPNE:
	case OP_JCXZ:
		return false;
	default:
		return d->op >= OP_JCC && d->op <= OP_IRET;
	}
}

bool
lower(const struct decoded *d, struct insn *in)
{
	fill_operands(d, in);
	in->exec = d->older > OLDER_ENDS_BLOCK ? lower_older(d, in) : rows[d->op](d, in);
	return d->older == OLDER_ENDS_BLOCK || ends_block(d);
}
