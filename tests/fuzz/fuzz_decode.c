/*
 * The decoder and the lowering on random bytes, against Zydis asked directly: how long an
 * instruction is, which registers and which memory it names. And what must hold without
 * anybody's word: fewer bytes are never an instruction, more never change it.
 */
#include "decode.h"
#include "lower.h"
#include "random.h"

#include <Zydis/Zydis.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES 24u

struct input {
	const struct descry_profile *profile;
	enum decode_mode mode;
	uint8_t bytes[BYTES];
};

struct counts {
	uint64_t inputs, instructions, memory, registers, wrong;
};

static void
complain(struct counts *counts, const struct input *input, const char *what, unsigned is,
	 unsigned want)
{
	counts->wrong++;
	printf("fuzz_decode: profile %s, mode %d:", input->profile->name, (int)input->mode);
	for (unsigned i = 0; i < INSN_BYTES_MAX; i++)
		printf(" %02x", input->bytes[i]);
	printf(": %s is %u, not %u\n", what, is, want);
}

/* --- Zydis ------------------------------------------------------------------------------ */

static bool
ask_zydis(const struct input *input, ZydisDecodedInstruction *insn, ZydisDecodedOperand *operands)
{
	static const ZydisMachineMode modes[DECODE_MODE_COUNT] = {
		[DECODE_REAL16] = ZYDIS_MACHINE_MODE_REAL_16,
		[DECODE_PROTECTED16] = ZYDIS_MACHINE_MODE_LEGACY_16,
		[DECODE_32] = ZYDIS_MACHINE_MODE_LEGACY_32,
	};
	ZydisDecoder zydis;

	ZydisDecoderInit(&zydis, modes[input->mode],
			 input->mode == DECODE_32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
	/* Else 3E before an indirect branch is no segment override. */
	ZydisDecoderEnableMode(&zydis, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
	return ZYAN_SUCCESS(
		ZydisDecoderDecodeFull(&zydis, input->bytes, INSN_BYTES_MAX, insn, operands));
}

/* The number of a general register in its file; a byte register as AL CL DL BL AH CH DH BH. */
static unsigned
register_number(ZydisRegister reg)
{
	return reg == ZYDIS_REGISTER_NONE ? REG_ZERO : (unsigned)ZydisRegisterGetId(reg);
}

static unsigned
byte_offset(unsigned number)
{
	return (number & 3) * 8 + (number >> 2);
}

static void
compare_memory(struct counts *counts, const struct input *input, const struct decoded *d,
	       const ZydisDecodedOperand *operand)
{
	const unsigned scale = 1u << d->scale;
	const unsigned disp = (unsigned)operand->mem.disp.value;

	counts->memory++;
	if (d->base != register_number(operand->mem.base))
		complain(counts, input, "base", d->base, register_number(operand->mem.base));
	if (d->index != register_number(operand->mem.index))
		complain(counts, input, "index", d->index, register_number(operand->mem.index));
	if (operand->mem.index != ZYDIS_REGISTER_NONE && operand->mem.scale &&
	    scale != operand->mem.scale)
		complain(counts, input, "scale", scale, operand->mem.scale);
	if (operand->mem.disp.has_displacement && d->disp != disp)
		complain(counts, input, "displacement", d->disp, disp);
	if (operand->mem.segment != ZYDIS_REGISTER_NONE &&
	    d->seg != (unsigned)ZydisRegisterGetId(operand->mem.segment))
		complain(counts, input, "segment", d->seg,
			 (unsigned)ZydisRegisterGetId(operand->mem.segment));
}

static void
compare_register(struct counts *counts, const struct input *input, const struct operand *is,
		 const ZydisDecodedOperand *operand)
{
	const ZydisRegister reg = operand->reg.value;
	const ZydisRegisterClass class = ZydisRegisterGetClass(reg);
	const unsigned number = (unsigned)ZydisRegisterGetId(reg);

	if (class != ZYDIS_REGCLASS_GPR8 && class != ZYDIS_REGCLASS_GPR16 &&
	    class != ZYDIS_REGCLASS_GPR32)
		return;
	counts->registers++;
	if (is->kind != OPERAND_REG)
		complain(counts, input, "operand kind", is->kind, OPERAND_REG);
	else if (class == ZYDIS_REGCLASS_GPR8 ? is->reg != byte_offset(number) : is->reg != number)
		complain(counts, input, "register", is->reg, number);
	if (is->size != operand->size / 8)
		complain(counts, input, "operand size", is->size, operand->size / 8);
}

static void
compare_operands(struct counts *counts, const struct input *input, const struct decoded *d,
		 const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *operands)
{
	for (unsigned i = 0; i < insn->operand_count_visible && i < 3; i++) {
		if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			compare_memory(counts, input, d, &operands[i]);
		else if (operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER)
			compare_register(counts, input, &d->operand[i], &operands[i]);
	}
}

/*
 * Where the CPU has a meaning of its own for the bytes, there is nothing to hold it against:
 * an 8086 and a 286 have another opcode map, with other prefixes.
 */
static bool
is_ours(const struct input *input, const struct decoded *d)
{
	return input->profile->knob[DESCRY_KNOB_INSN_SET] < DESCRY_INSN_386 ||
	       d->op == OP_UNDEFINED || d->op == OP_TOO_LONG || d->op == OP_NOT_MODELLED ||
	       d->op == OP_ESC || d->op == OP_NOP || d->older;
}

/* --- one input -------------------------------------------------------------------------- */

/* An instruction needs all its bytes, and does not look at the ones behind it. */
static void
check_bytes(struct counts *counts, const struct decoder *decoder, const struct input *input,
	    const struct decoded *d)
{
	struct decoded again;

	if (decode(decoder, input->mode, input->bytes, d->length - 1u, &again))
		complain(counts, input, "length from one byte less", again.length, d->length);
	if (!decode(decoder, input->mode, input->bytes, d->length, &again) ||
	    memcmp(&again, d, sizeof(again)) != 0)
		complain(counts, input, "length from its own bytes", again.length, d->length);
}

static void
check_lowered(struct counts *counts, const struct input *input, const struct decoded *d)
{
	struct insn in;

	memset(&in, 0, sizeof(in));
	lower(d, &in);
	if (!in.exec)
		complain(counts, input, "the handler", 0, 1);
	if (in.length != d->length)
		complain(counts, input, "lowered length", in.length, d->length);
}

static void
check(struct counts *counts, const struct decoder *decoder, const struct input *input)
{
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	struct decoded d;

	counts->inputs++;
	if (!decode(decoder, input->mode, input->bytes, BYTES, &d)) {
		complain(counts, input, "an answer to 24 bytes", 0, 1);
		return;
	}
	check_lowered(counts, input, &d);
	if (d.op == OP_UNDEFINED || d.op == OP_TOO_LONG)
		return;
	counts->instructions++;
	check_bytes(counts, decoder, input, &d);
	if (is_ours(input, &d) || !ask_zydis(input, &insn, operands))
		return;
	if (d.length != insn.length)
		complain(counts, input, "length", d.length, insn.length);
	else
		compare_operands(counts, input, &d, &insn, operands);
}

/* Prefixes in front of half of them, and 0F often: otherwise most bytes are one-byte opcodes. */
static void
fill(struct input *input, struct random *r)
{
	static const uint8_t prefixes[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
					    0x66, 0x67, 0xf0, 0xf2, 0xf3 };
	unsigned at = 0;

	input->mode = (enum decode_mode)random_below(r, DECODE_MODE_COUNT);
	for (unsigned i = 0; i < BYTES; i++)
		input->bytes[i] = (uint8_t)random_bits(r);
	while (at < 16 && random_chance(r, 400))
		input->bytes[at++] = prefixes[random_below(r, sizeof(prefixes))];
	if (random_chance(r, 400))
		input->bytes[at] = 0x0f;
}

int
main(int argc, char **argv)
{
	const uint64_t inputs = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
	struct random random = { .state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1 };
	struct counts counts = { 0 };
	struct input input;

	for (unsigned i = 0; descry_profile_at(i); i++) {
		struct decoder *decoder = decoder_create(descry_profile_at(i));

		if (!decoder)
			return 2;
		input.profile = descry_profile_at(i);
		for (uint64_t n = 0; n < inputs && counts.wrong < 20; n++) {
			fill(&input, &random);
			check(&counts, decoder, &input);
		}
		decoder_destroy(decoder);
	}
	printf("fuzz_decode: %" PRIu64 " inputs, %" PRIu64 " instructions, %" PRIu64
	       " memory operands, %" PRIu64 " registers: %" PRIu64 " wrong\n",
	       counts.inputs, counts.instructions, counts.memory, counts.registers, counts.wrong);
	return counts.wrong ? 1 : 0;
}
