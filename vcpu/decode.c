#include "decode.h"

#include "decode_older.h"
#include "insn.h"

#include <Zydis/Zydis.h>

#include <stdlib.h>
#include <string.h>

struct decoder {
	struct descry_profile profile;
	bool older; /* decodes_older() */
	ZydisDecoder zydis[DECODE_MODE_COUNT];
};

/*
 * Any other name is an undefined opcode, and so is one that a later generation brought.
 * What came with an opcode and not with a name is told by first_with_opcode().
 */
/* clang-format off */
static const struct {
	uint8_t op;
	uint8_t since; /* enum descry_insn_set */
} ops[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#define SAME(name) [ZYDIS_MNEMONIC_##name] = { OP_##name, DESCRY_INSN_8086 }
#define NAMED(name, op) [ZYDIS_MNEMONIC_##name] = { OP_##op, DESCRY_INSN_8086 }
#define SINCE(since, name) [ZYDIS_MNEMONIC_##name] = { OP_##name, DESCRY_INSN_##since }
#define CMOV(condition) [ZYDIS_MNEMONIC_CMOV##condition] = { OP_CMOVCC, DESCRY_INSN_P6 }
	SAME(ADD), SAME(OR), SAME(ADC), SAME(SBB), SAME(AND), SAME(SUB), SAME(XOR), SAME(CMP),
	SAME(TEST), SAME(INC), SAME(DEC), SAME(NEG), SAME(NOT),
	SAME(ROL), SAME(ROR), SAME(RCL), SAME(RCR), SAME(SHL), SAME(SHR), SAME(SAR),
	SAME(SHLD), SAME(SHRD), SAME(MUL), SAME(IMUL), SAME(DIV), SAME(IDIV),
	SAME(BT), SAME(BTS), SAME(BTR), SAME(BTC), SAME(BSF), SAME(BSR),
	SAME(DAA), SAME(DAS), SAME(AAA), SAME(AAS), SAME(AAM), SAME(AAD),
	SAME(MOV), SAME(MOVZX), SAME(MOVSX), SAME(XCHG), SAME(LEA), SAME(XLAT),
	NAMED(CBW, CBW), NAMED(CWDE, CBW), NAMED(CWD, CWD), NAMED(CDQ, CWD),
	SAME(LAHF), SAME(SAHF), SAME(SALC), SAME(NOP), NAMED(PAUSE, NOP), NAMED(FWAIT, WAIT),
	SAME(CLC), SAME(STC), SAME(CMC), SAME(CLD), SAME(STD), SAME(CLI), SAME(STI),
	SAME(PUSH), SAME(POP), NAMED(PUSHA, PUSHA), NAMED(PUSHAD, PUSHA), NAMED(POPA, POPA),
	NAMED(POPAD, POPA), NAMED(PUSHF, PUSHF), NAMED(PUSHFD, PUSHF), NAMED(POPF, POPF),
	NAMED(POPFD, POPF), SAME(ENTER), SAME(LEAVE),
	NAMED(MOVSB, MOVS), NAMED(MOVSW, MOVS), NAMED(MOVSD, MOVS),
	NAMED(STOSB, STOS), NAMED(STOSW, STOS), NAMED(STOSD, STOS),
	NAMED(LODSB, LODS), NAMED(LODSW, LODS), NAMED(LODSD, LODS),
	NAMED(CMPSB, CMPS), NAMED(CMPSW, CMPS), NAMED(CMPSD, CMPS),
	NAMED(SCASB, SCAS), NAMED(SCASW, SCAS), NAMED(SCASD, SCAS),
	NAMED(INSB, INS), NAMED(INSW, INS), NAMED(INSD, INS),
	NAMED(OUTSB, OUTS), NAMED(OUTSW, OUTS), NAMED(OUTSD, OUTS),
	NAMED(JO, JCC), NAMED(JNO, JCC), NAMED(JB, JCC), NAMED(JNB, JCC), NAMED(JZ, JCC),
	NAMED(JNZ, JCC), NAMED(JBE, JCC), NAMED(JNBE, JCC), NAMED(JS, JCC), NAMED(JNS, JCC),
	NAMED(JP, JCC), NAMED(JNP, JCC), NAMED(JL, JCC), NAMED(JNL, JCC), NAMED(JLE, JCC),
	NAMED(JNLE, JCC),
	NAMED(SETO, SETCC), NAMED(SETNO, SETCC), NAMED(SETB, SETCC), NAMED(SETNB, SETCC),
	NAMED(SETZ, SETCC), NAMED(SETNZ, SETCC), NAMED(SETBE, SETCC), NAMED(SETNBE, SETCC),
	NAMED(SETS, SETCC), NAMED(SETNS, SETCC), NAMED(SETP, SETCC), NAMED(SETNP, SETCC),
	NAMED(SETL, SETCC), NAMED(SETNL, SETCC), NAMED(SETLE, SETCC), NAMED(SETNLE, SETCC),
	SAME(JMP), SAME(CALL), SAME(RET), SAME(LOOP), SAME(LOOPE), SAME(LOOPNE),
	NAMED(JCXZ, JCXZ), NAMED(JECXZ, JCXZ),
	SAME(INT), SAME(INT3), SAME(INTO), NAMED(IRET, IRET), NAMED(IRETD, IRET), SAME(BOUND),
	SAME(LDS), SAME(LES), SAME(LFS), SAME(LGS), SAME(LSS),
	SAME(LAR), SAME(LSL), SAME(VERR), SAME(VERW), SAME(ARPL),
	SAME(LGDT), SAME(LIDT), SAME(SGDT), SAME(SIDT), SAME(LLDT), SAME(SLDT), SAME(LTR),
	SAME(STR), SAME(LMSW), SAME(SMSW), SAME(CLTS), SAME(IN), SAME(OUT), SAME(HLT),
	SINCE(486, BSWAP), SINCE(486, XADD), SINCE(486, CMPXCHG), SINCE(486, INVD), SINCE(486, INVLPG),
	SINCE(486, WBINVD),
	SINCE(PENTIUM, CMPXCHG8B), SINCE(PENTIUM, CPUID), SINCE(PENTIUM, RDTSC),
	SINCE(PENTIUM, RDMSR), SINCE(PENTIUM, WRMSR), SINCE(PENTIUM, RSM),
	SINCE(P6, SYSENTER), SINCE(P6, SYSEXIT), SINCE(P6, RDPMC),
	CMOV(O), CMOV(NO), CMOV(B), CMOV(NB), CMOV(Z),
	CMOV(NZ), CMOV(BE), CMOV(NBE), CMOV(S), CMOV(NS),
	CMOV(P), CMOV(NP), CMOV(L), CMOV(NL), CMOV(LE),
	CMOV(NLE),
#undef SAME
#undef NAMED
#undef SINCE
#undef CMOV
};
/* clang-format on */

struct decoder *
decoder_create(const struct descry_profile *profile)
{
	static const struct {
		ZydisMachineMode mode;
		ZydisStackWidth stack;
	} modes[DECODE_MODE_COUNT] = {
		[DECODE_REAL16] = { ZYDIS_MACHINE_MODE_REAL_16, ZYDIS_STACK_WIDTH_16 },
		[DECODE_PROTECTED16] = { ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16 },
		[DECODE_32] = { ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32 },
	};
	/* Meanings that later CPUs gave to prefixed forms of older instructions. */
	static const ZydisDecoderMode later[] = {
		ZYDIS_DECODER_MODE_MPX,   ZYDIS_DECODER_MODE_CET,      ZYDIS_DECODER_MODE_LZCNT,
		ZYDIS_DECODER_MODE_TZCNT, ZYDIS_DECODER_MODE_WBNOINVD, ZYDIS_DECODER_MODE_CLDEMOTE,
	};
	struct decoder *decoder = malloc(sizeof(*decoder));

	if (!decoder)
		return NULL;
	decoder->profile = *profile;
	decoder->older = decodes_older(profile);
	for (unsigned i = 0; i < DECODE_MODE_COUNT; i++) {
		ZydisDecoderInit(&decoder->zydis[i], modes[i].mode, modes[i].stack);
		for (unsigned j = 0; j < sizeof(later) / sizeof(later[0]); j++)
			ZydisDecoderEnableMode(&decoder->zydis[i], later[j], ZYAN_FALSE);
	}
	return decoder;
}

void
decoder_destroy(struct decoder *decoder)
{
	free(decoder);
}

/* --- operands ------------------------------------------------------------------------- */

static uint8_t
gpr_number(ZydisRegister reg)
{
	if (reg >= ZYDIS_REGISTER_EAX && reg <= ZYDIS_REGISTER_EDI)
		return (uint8_t)(reg - ZYDIS_REGISTER_EAX);
	if (reg >= ZYDIS_REGISTER_AX && reg <= ZYDIS_REGISTER_DI)
		return (uint8_t)(reg - ZYDIS_REGISTER_AX);
	return REG_ZERO;
}

static void
take_register(const ZydisDecodedOperand *from, struct operand *to)
{
	const ZydisRegister reg = from->reg.value;

	to->kind = OPERAND_REG;
	if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_BH) {
		const unsigned number = (unsigned)(reg - ZYDIS_REGISTER_AL);

		to->reg = (uint8_t)((number & 3) * 8 + (number >> 2));
		return;
	}
	to->reg = gpr_number(reg);
	if (reg >= ZYDIS_REGISTER_ES && reg <= ZYDIS_REGISTER_GS) {
		to->kind = OPERAND_SREG;
		to->reg = (uint8_t)(reg - ZYDIS_REGISTER_ES);
	} else if (reg >= ZYDIS_REGISTER_CR0 && reg <= ZYDIS_REGISTER_CR15) {
		to->kind = OPERAND_CREG;
		to->reg = (uint8_t)(reg - ZYDIS_REGISTER_CR0);
	}
}

static uint8_t
scale_shift(ZyanU8 scale)
{
	return scale == 8 ? 3 : scale == 4 ? 2 : scale == 2 ? 1 : 0;
}

static void
take_memory(const ZydisDecodedOperand *from, struct operand *to, struct decoded *d)
{
	to->kind = OPERAND_MEM;
	d->base = gpr_number(from->mem.base);
	d->index = gpr_number(from->mem.index);
	d->scale = scale_shift(from->mem.scale);
	d->disp = (uint32_t)from->mem.disp.value;
	if (from->mem.segment != ZYDIS_REGISTER_NONE)
		d->seg = (uint8_t)(from->mem.segment - ZYDIS_REGISTER_ES);
}

static void
take_immediate(const ZydisDecodedOperand *from, struct operand *to, struct decoded *d, bool first)
{
	to->kind = OPERAND_IMM;
	if (first)
		d->imm = (uint32_t)from->imm.value.s;
	else
		d->imm2 = (uint32_t)from->imm.value.s;
}

static void
take_pointer(const ZydisDecodedOperand *from, struct operand *to, struct decoded *d)
{
	to->kind = OPERAND_IMM;
	d->imm = from->ptr.offset;
	d->imm2 = from->ptr.segment;
}

static void
take_operands(const ZydisDecodedOperand *from, unsigned count, struct decoded *d)
{
	unsigned immediates = 0;

	for (unsigned i = 0; i < count && i < 3; i++) {
		struct operand *to = &d->operand[i];

		to->size = (uint8_t)(from[i].size / 8);
		switch (from[i].type) {
		case ZYDIS_OPERAND_TYPE_REGISTER:
			take_register(&from[i], to);
			break;
		case ZYDIS_OPERAND_TYPE_MEMORY:
			take_memory(&from[i], to, d);
			break;
		case ZYDIS_OPERAND_TYPE_POINTER:
			take_pointer(&from[i], to, d);
			break;
		case ZYDIS_OPERAND_TYPE_IMMEDIATE:
			take_immediate(&from[i], to, d, immediates++ == 0);
			break;
		case ZYDIS_OPERAND_TYPE_UNUSED:
			break;
		}
	}
}

/* --- prefixes ------------------------------------------------------------------------- */

static bool
is_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case 0x66:
	case 0x67:
	case 0xf0:
	case 0xf2:
	case 0xf3:
		return true;
	default:
		return false;
	}
}

static void
take_prefix(uint8_t byte, enum decode_mode mode, struct decoded *d)
{
	const uint8_t other = mode == DECODE_32 ? 2 : 4;

	switch (byte) {
	case 0x26:
		d->seg = 0;
		break;
	case 0x2e:
		d->seg = 1;
		break;
	case 0x36:
		d->seg = 2;
		break;
	case 0x3e:
		d->seg = 3;
		break;
	case 0x64:
		d->seg = 4;
		break;
	case 0x65:
		d->seg = 5;
		break;
	case 0x66:
		d->size = other;
		break;
	case 0x67:
		d->adsize = other;
		break;
	case 0xf2:
	case 0xf3:
		d->rep = byte;
		break;
	default:
		break;
	}
}

/* Number of prefix bytes; d gets the attributes they set. */
static size_t
take_prefixes(const uint8_t *bytes, size_t size, enum decode_mode mode, struct decoded *d)
{
	size_t i = 0;

	d->seg = 3;
	d->size = d->adsize = mode == DECODE_32 ? 4 : 2;
	while (i < size && i < INSN_BYTES_MAX && is_prefix(bytes[i]))
		take_prefix(bytes[i++], mode, d);
	return i;
}

/* --- operations ----------------------------------------------------------------------- */

/* Byte forms of string and I/O instructions have an even opcode. */
static bool
is_byte_form(const struct decoded *d, uint8_t opcode)
{
	const bool sized_by_opcode =
		(d->op >= OP_MOVS && d->op <= OP_OUTS) || d->op == OP_IN || d->op == OP_OUT;

	return sized_by_opcode && !(opcode & 1);
}

static void
take_operation(const ZydisDecodedInstruction *zinsn, struct decoded *d)
{
	d->op = (enum op)ops[zinsn->mnemonic].op;
	d->length = zinsn->length;
	d->cond = zinsn->opcode & 15;
	if (is_byte_form(d, zinsn->opcode))
		d->size = 1;
	if (zinsn->meta.branch_type != ZYDIS_BRANCH_TYPE_FAR)
		return;
	if (d->op == OP_JMP)
		d->op = OP_JMP_FAR;
	else if (d->op == OP_CALL)
		d->op = OP_CALL_FAR;
	else if (d->op == OP_RET)
		d->op = OP_RET_FAR;
}

/* MOV r, DRn and MOV DRn, r: the mod field means nothing, and DR4 and DR5 may have meanings. */
static void
take_debug_register(const uint8_t *opcode, struct decoded *d)
{
	const unsigned to_register = opcode[1] == 0x21 ? 0 : 1;

	d->op = OP_MOV_DR;
	d->operand[to_register] = (struct operand){ OPERAND_REG, 4, opcode[2] & 7 };
	d->operand[1 - to_register] = (struct operand){ OPERAND_DREG, 4, opcode[2] >> 3 & 7 };
}

/* Opcodes that a 386 has, which Zydis does not know or gives a later meaning. */
static bool
take_special(const uint8_t *opcode, size_t size, struct decoded *d)
{
	static const struct {
		uint8_t second;
		enum op op;
		uint8_t feature;
	} two_byte[] = {
		{ 0x04, OP_LOADALL286, 0 }, /* an alias of the next */
		{ 0x05, OP_LOADALL286, 0 },
		{ 0x07, OP_LOADALL386, 0 },
		{ 0x24, OP_NOT_MODELLED, FEATURE_TEST_REGISTERS },
		{ 0x26, OP_NOT_MODELLED, FEATURE_TEST_REGISTERS },
		{ 0x34, OP_SYSENTER, 0 }, /* unknown to Zydis with PE=0, where they raise #GP */
		{ 0x35, OP_SYSEXIT, 0 },
	};

	if (size == 0)
		return false;
	if (opcode[0] == 0xf1) {
		d->op = OP_ICEBP;
		return true;
	}
	if (size > 2 && opcode[0] == 0x0f && (opcode[1] == 0x21 || opcode[1] == 0x23)) {
		take_debug_register(opcode, d);
		return true;
	}
	if ((opcode[0] & 0xf8) == 0xd8) {
		d->op = OP_ESC;
		return true;
	}
	for (unsigned i = 0; i < sizeof(two_byte) / sizeof(two_byte[0]); i++) {
		if (size > 1 && opcode[0] == 0x0f && opcode[1] == two_byte[i].second) {
			d->op = two_byte[i].op;
			d->feature = two_byte[i].feature;
			return true;
		}
	}
	return false;
}

/* Names that also stand for instructions of later CPUs: SSE2 MOVSD and CMPSD, the long NOP. */
static bool
is_later_form(const ZydisDecodedInstruction *zinsn, enum op op)
{
	const bool one_byte = op == OP_NOP || op == OP_MOVS || op == OP_CMPS;

	return one_byte && zinsn->opcode_map != ZYDIS_OPCODE_MAP_DEFAULT;
}

/* What take_special() finds has no name that would tell. */
static enum descry_insn_set
first_with_second_byte(uint8_t second)
{
	if (second == 0x34 || second == 0x35) /* SYSENTER, SYSEXIT */
		return DESCRY_INSN_P6;
	return second <= 0x06 ? DESCRY_INSN_286 : DESCRY_INSN_386;
}

/* 80286 Programmer's Reference Manual, appendix on the 8086; 386 manual, New Instructions. */
static enum descry_insn_set
first_with_opcode(const uint8_t *opcode, size_t size)
{
	if (size == 0)
		return DESCRY_INSN_8086;
	if (opcode[0] == 0x0f && size > 1)
		return first_with_second_byte(opcode[1]);
	switch (opcode[0]) {
	case 0xc0:
	case 0xc1:
	case 0xc8:
	case 0xc9:
		return DESCRY_INSN_286;
	case 0xf1:
		return DESCRY_INSN_386;
	default:
		return (opcode[0] & 0xf0) == 0x60 ? DESCRY_INSN_286 : DESCRY_INSN_8086;
	}
}

/* SDM vol. 3, Architecture Compatibility, Test Registers: the Pentium has none. */
static bool
is_gone(const uint8_t *opcode, size_t size, uint32_t insn_set)
{
	return size > 1 && opcode[0] == 0x0f && (opcode[1] == 0x24 || opcode[1] == 0x26) &&
	       insn_set >= DESCRY_INSN_PENTIUM;
}

/* FS, GS, operand and address size. */
static bool
has_386_prefix(const uint8_t *bytes, size_t prefixes)
{
	for (size_t i = 0; i < prefixes; i++) {
		if (bytes[i] >= 0x64 && bytes[i] <= 0x67)
			return true;
	}
	return false;
}

static enum descry_insn_set
first_with(const ZydisDecodedInstruction *zinsn, const uint8_t *bytes, size_t prefixes)
{
	const enum descry_insn_set by_opcode =
		first_with_opcode(bytes + prefixes, zinsn->length - prefixes);
	const enum descry_insn_set by_name = (enum descry_insn_set)ops[zinsn->mnemonic].since;

	if (has_386_prefix(bytes, prefixes) && by_opcode < DESCRY_INSN_386)
		return by_name > DESCRY_INSN_386 ? by_name : DESCRY_INSN_386;
	return by_name > by_opcode ? by_name : by_opcode;
}

/* How many bytes the decoder has to see to know that they are no instruction. */
static uint8_t
refused_length(const ZydisDecoder *zydis, const uint8_t *bytes, size_t size)
{
	ZydisDecodedInstruction zinsn;
	size_t length = 1;

	while (length < size && ZydisDecoderDecodeInstruction(zydis, NULL, bytes, length, &zinsn) ==
					ZYDIS_STATUS_NO_MORE_DATA)
		length++;
	return (uint8_t)length;
}

static bool
decode_failure(const ZydisDecoder *zydis, const uint8_t *bytes, size_t size, ZyanStatus status,
	       struct decoded *d)
{
	if (status == ZYDIS_STATUS_NO_MORE_DATA)
		return false;
	d->length = refused_length(zydis, bytes, size);
	d->op = status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG ? OP_TOO_LONG : OP_UNDEFINED;
	return true;
}

/*
 * An undefined member of a group is as long as one that has a meaning, and 15 bytes are counted
 * before anything else.
 */
static ZyanStatus
refused_status(const ZydisDecoder *zydis, const uint8_t *bytes, size_t size, size_t prefixes,
	       ZyanStatus refusal)
{
	const size_t modrm = prefixes + (bytes[prefixes] == 0x0f ? 2 : 1);
	uint8_t sibling[INSN_BYTES_MAX];
	const size_t count = size < sizeof(sibling) ? size : sizeof(sibling);
	ZydisDecodedInstruction zinsn;
	ZyanStatus status = refusal;

	if (modrm >= count)
		return refusal;
	memcpy(sibling, bytes, count);
	for (unsigned reg = 0; reg < 8 && status == ZYDIS_STATUS_DECODING_ERROR; reg++) {
		sibling[modrm] = (uint8_t)((bytes[modrm] & 0xc7) | reg << 3);
		status = ZydisDecoderDecodeInstruction(zydis, NULL, sibling, count, &zinsn);
	}
	return status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG ? status : refusal;
}

/*
 * An x87 opcode that no coprocessor ever gave a meaning is an ESC all the same, as long as any
 * other with its ModRM byte; and D8 has a meaning with each of them.
 */
static bool
take_unnamed_esc(const ZydisDecoder *zydis, const uint8_t *bytes, size_t size, size_t prefixes,
		 struct decoded *d)
{
	uint8_t named[INSN_BYTES_MAX];
	const size_t count = size < sizeof(named) ? size : sizeof(named);
	ZydisDecodedInstruction zinsn;
	ZyanStatus status;

	memcpy(named, bytes, count);
	named[prefixes] = 0xd8;
	status = ZydisDecoderDecodeInstruction(zydis, NULL, named, count, &zinsn);
	if (!ZYAN_SUCCESS(status))
		return decode_failure(
			zydis, named, count,
			size < INSN_BYTES_MAX ? status : ZYDIS_STATUS_INSTRUCTION_TOO_LONG, d);
	d->length = zinsn.length;
	return true;
}

static bool
has_lock(const uint8_t *bytes, size_t prefixes)
{
	return memchr(bytes, 0xf0, prefixes) != NULL;
}

bool
decode_as_386(const struct decoder *decoder, enum decode_mode mode, const uint8_t *bytes,
	      size_t size, struct decoded *out)
{
	const uint32_t insn_set = decoder->profile.knob[DESCRY_KNOB_INSN_SET];
	const ZydisDecoder *zydis = &decoder->zydis[mode];
	ZydisDecoderContext context;
	ZydisDecodedInstruction zinsn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	const ZyanStatus status =
		ZydisDecoderDecodeInstruction(zydis, &context, bytes, size, &zinsn);
	size_t prefixes;

	*out = (struct decoded){ .base = REG_ZERO, .index = REG_ZERO };
	prefixes = take_prefixes(bytes, size, mode, out);
	if (status == ZYDIS_STATUS_NO_MORE_DATA || status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG)
		return decode_failure(zydis, bytes, size, status, out);
	if (!has_lock(bytes, prefixes) &&
	    first_with_opcode(bytes + prefixes, size - prefixes) <= insn_set &&
	    !is_gone(bytes + prefixes, size - prefixes, insn_set) &&
	    take_special(bytes + prefixes, size - prefixes, out)) {
		if (out->op == OP_ESC && !ZYAN_SUCCESS(status))
			return take_unnamed_esc(zydis, bytes, size, prefixes, out);
		out->length =
			ZYAN_SUCCESS(status) ? zinsn.length : refused_length(zydis, bytes, size);
		return true;
	}
	if (!ZYAN_SUCCESS(status))
		return decode_failure(zydis, bytes, size,
				      refused_status(zydis, bytes, size, prefixes, status), out);

	take_operation(&zinsn, out);
	if (is_later_form(&zinsn, out->op) || first_with(&zinsn, bytes, prefixes) > insn_set)
		out->op = OP_UNDEFINED;
	if (out->op == OP_UNDEFINED)
		return true;
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeOperands(zydis, &context, &zinsn, operands,
						     zinsn.operand_count_visible)))
		out->op = OP_UNDEFINED;
	else
		take_operands(operands, zinsn.operand_count_visible, out);
	return true;
}

bool
decode(const struct decoder *decoder, enum decode_mode mode, const uint8_t *bytes, size_t size,
       struct decoded *out)
{
	if (decoder->older)
		return decode_older(decoder, &decoder->profile, mode, bytes, size, out);
	return decode_as_386(decoder, mode, bytes, size, out);
}
