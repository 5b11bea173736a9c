#include <descry/disas.h>

#include <Zydis/Zydis.h>

#include <stdio.h>

struct printer {
	const struct descry_disas_options *options;
	ZydisFormatterFunc print_number; /* what Zydis does without us */
};

/* A symbol in place of an absolute address, where there is one. */
static ZyanStatus
print_address(const ZydisFormatter *formatter, ZydisFormatterBuffer *buffer,
	      ZydisFormatterContext *context)
{
	const struct printer *printer = context->user_data;
	const struct descry_disas_options *options = printer->options;
	char name[DESCRY_DISAS_TEXT / 2];
	ZyanU64 address;
	ZyanStringView view;
	ZyanString *text;

	ZYAN_CHECK(ZydisCalcAbsoluteAddress(context->instruction, context->operand,
					    context->runtime_address, &address));
	if (!options->symbolize || !options->symbolize(options->owner, address, name, sizeof(name)))
		return printer->print_number(formatter, buffer, context);
	ZYAN_CHECK(ZydisFormatterBufferAppend(buffer, ZYDIS_TOKEN_SYMBOL));
	ZYAN_CHECK(ZydisFormatterBufferGetString(buffer, &text));
	ZYAN_CHECK(ZyanStringViewInsideBuffer(&view, name));
	return ZyanStringAppend(text, &view);
}

static bool
format(const struct descry_disas_options *options, const ZydisDecodedInstruction *insn,
       const ZydisDecodedOperand *operands, char text[DESCRY_DISAS_TEXT])
{
	struct printer printer = { .options = options, .print_number = print_address };
	ZydisFormatter formatter;

	if (!ZYAN_SUCCESS(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)))
		return false;
	/* Takes ours in and leaves its own behind. */
	ZydisFormatterSetHook(&formatter, ZYDIS_FORMATTER_FUNC_PRINT_ADDRESS_ABS,
			      (const void **)(void *)&printer.print_number);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE,
				  ZYDIS_PADDING_DISABLED);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_DISP_PADDING,
				  ZYDIS_PADDING_DISABLED);
	ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_IMM_PADDING,
				  ZYDIS_PADDING_DISABLED);
	return ZYAN_SUCCESS(ZydisFormatterFormatInstruction(
		&formatter, insn, operands, insn->operand_count_visible, text, DESCRY_DISAS_TEXT,
		options->ip, &printer));
}

/*
 * String instructions and XLAT are printed without operands, and an override with them: it
 * is named in front.
 */
static void
prefix_override(const ZydisDecodedInstruction *insn, char text[DESCRY_DISAS_TEXT])
{
	static const struct {
		ZydisInstructionAttributes attribute;
		const char *name;
	} overrides[] = {
		{ ZYDIS_ATTRIB_HAS_SEGMENT_CS, "cs" }, { ZYDIS_ATTRIB_HAS_SEGMENT_SS, "ss" },
		{ ZYDIS_ATTRIB_HAS_SEGMENT_DS, "ds" }, { ZYDIS_ATTRIB_HAS_SEGMENT_ES, "es" },
		{ ZYDIS_ATTRIB_HAS_SEGMENT_FS, "fs" }, { ZYDIS_ATTRIB_HAS_SEGMENT_GS, "gs" },
	};
	char whole[DESCRY_DISAS_TEXT];

	if (insn->operand_count_visible != 0)
		return;
	for (unsigned i = 0; i < sizeof(overrides) / sizeof(overrides[0]); i++) {
		if (!(insn->attributes & overrides[i].attribute))
			continue;
		snprintf(whole, sizeof(whole), "%s %.*s", overrides[i].name, (int)sizeof(whole) - 4,
			 text);
		snprintf(text, DESCRY_DISAS_TEXT, "%s", whole);
	}
}

/* Zydis knows the bytes by what AMD made of them later: SYSCALL and SYSRET. */
static bool
is_loadall(const struct descry_disas_options *options, const ZydisDecodedInstruction *insn)
{
	if (options->profile == NULL || insn->opcode_map != ZYDIS_OPCODE_MAP_0F)
		return false;
	switch (options->profile->knob[DESCRY_KNOB_LOADALL]) {
	case DESCRY_LOADALL_286:
		return insn->opcode == 0x05;
	case DESCRY_LOADALL_386:
		return insn->opcode == 0x07;
	default:
		return false;
	}
}

unsigned
descry_disassemble(const struct descry_disas_options *options, const uint8_t *bytes, size_t size,
		   char text[DESCRY_DISAS_TEXT])
{
	ZydisDecoder decoder;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

	snprintf(text, DESCRY_DISAS_TEXT, "(bad)");
	if (options->code32)
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
	else
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, size, &insn, operands)))
		return 0;
	if (!format(options, &insn, operands, text))
		return 0;
	prefix_override(&insn, text);
	if (is_loadall(options, &insn))
		snprintf(text, DESCRY_DISAS_TEXT, "loadall");
	return insn.length;
}
