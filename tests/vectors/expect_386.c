/*
 * The 386's side of the three differences that its manual settles: LOCK where it is not
 * allowed, the segment registers FS and GS, and #SS where the 286 had only vector 13.
 */
#include "expect_386.h"

#include <string.h>

#define FLAGS_CLEARED_BY_INT 0x0300u /* TF, IF */
#define HLT 0xf4u

const struct skip_text skip_texts[SKIP_GROUP_COUNT] = {
	[SKIP_NOTHING] = { "", "" },
	[SKIP_LONG] = { "long", "more than 10 bytes: the 286 faults, a 386 allows 15" },
	[SKIP_STRING] = { "string", "a faulting string instruction: the 286 leaves SI, DI and CX "
				    "stepped, a 386 restores them" },
	[SKIP_FPU] = { "fpu", "WAIT and ESC depend on a coprocessor" },
	[SKIP_LOCK] = { "lock", "#UD on a 386, and no room for its frame or handler" },
	[SKIP_SREG] = { "sreg", "MOV to or from FS or GS in a form that is not worked out here" },
};

static uint32_t
linear(uint16_t segment, uint16_t offset)
{
	return ((uint32_t)segment << 4) + offset;
}

static bool
is_code(const struct test *test, uint32_t address)
{
	const uint32_t start = linear(test->before[REG_CS], test->before[REG_IP]);

	return address >= start && address < start + test->insn_size;
}

/* A test that runs through to its own HLT and changes only what is written down afterwards. */
static void
expect_plain_end(struct test *test)
{
	memcpy(test->after, test->before, sizeof test->after);
	test->after[REG_IP] = (uint16_t)(test->before[REG_IP] + test->insn_size);
	test->flags_mask = 0x0fffu;
	test->interrupts = false;
	test->memory_after.count = 0;
	test->ports.count = 0;
}

/* An address for a HLT that is neither code nor in the frame that the fault pushes. */
static bool
find_handler(const struct test *test, uint32_t frame, uint16_t *handler)
{
	for (uint16_t at = 0x0500; at < 0x0800; at += 0x0100) {
		if (!is_code(test, at) && (at < frame || at >= frame + 6)) {
			*handler = at;
			return true;
		}
	}
	return false;
}

/*
 * SDM vol. 2, LOCK: #UD with anything but a read-modify-write of memory. The fault comes from
 * decoding, before the instruction does anything.
 */
static enum skip_group
expect_lock_ud(struct test *test)
{
	const uint16_t sp = (uint16_t)(test->before[REG_SP] - 6);
	const uint32_t frame = linear(test->before[REG_SS], sp), entry = 6 * 4;
	uint16_t handler;

	if (sp > 0xfffau) /* a push would cross FFFFh, or the frame be split at it */
		return SKIP_LOCK;
	if (is_code(test, entry) || is_code(test, entry + 3) || frame < entry + 4 ||
	    !find_handler(test, frame, &handler))
		return SKIP_LOCK;

	expect_plain_end(test);
	test->interrupts = true;
	test->vector = 6;
	test->flags_at = frame + 4;
	test->after[REG_SP] = sp;
	test->after[REG_CS] = 0;
	test->after[REG_IP] = (uint16_t)(handler + 1);
	test->after[REG_FLAGS] &= (uint16_t)~FLAGS_CLEARED_BY_INT;

	test_set_word(&test->memory_before, entry, handler);
	test_set_word(&test->memory_before, entry + 2, 0);
	test_set(&test->memory_before, handler, HLT);
	test_set_word(&test->memory_after, frame, test->before[REG_IP]);
	test_set_word(&test->memory_after, frame + 2, test->before[REG_CS]);
	test_set_word(&test->memory_after, frame + 4, test->before[REG_FLAGS]);
	return SKIP_NOTHING;
}

/* ModR/M with 16-bit addresses: SDM vol. 2, table of 16-bit addressing forms. */
static const struct {
	enum test_register base, index; /* REG_COUNT: none */
	enum test_register segment;
} forms[8] = {
	{ REG_BX, REG_SI, REG_DS },    { REG_BX, REG_DI, REG_DS },    { REG_BP, REG_SI, REG_SS },
	{ REG_BP, REG_DI, REG_SS },    { REG_COUNT, REG_SI, REG_DS }, { REG_COUNT, REG_DI, REG_DS },
	{ REG_BP, REG_COUNT, REG_SS }, { REG_BX, REG_COUNT, REG_DS },
};

struct operand {
	enum test_register segment;
	uint16_t offset;
};

static uint16_t
value_of(const struct test *test, enum test_register reg)
{
	return reg == REG_COUNT ? 0 : test->before[reg];
}

/* The memory operand of an instruction whose ModR/M is its second byte. */
static struct operand
memory_operand(const struct test *test)
{
	const uint8_t modrm = test->insn[1], mod = modrm >> 6, rm = modrm & 7;
	const uint16_t disp16 = (uint16_t)(test->insn[2] | test->insn[3] << 8);
	const uint16_t disp8 = (uint16_t)(int8_t)test->insn[2];
	const uint16_t sum =
		(uint16_t)(value_of(test, forms[rm].base) + value_of(test, forms[rm].index));

	if (mod == 0 && rm == 6)
		return (struct operand){ REG_DS, disp16 };
	return (struct operand){ forms[rm].segment, (uint16_t)(sum + (mod == 1   ? disp8
								      : mod == 2 ? disp16
										 : 0)) };
}

static uint16_t
initial_word(const struct test *test, uint32_t address)
{
	const struct test_byte *low = test_find(&test->memory_before, address);
	const struct test_byte *high = test_find(&test->memory_before, address + 1);

	return (uint16_t)((low ? low->value : 0) | (high ? high->value : 0) << 8);
}

/*
 * 8C and 8E: fields 4 and 5 are FS and GS from the 386 on; 6 and 7 are #UD on both, so that
 * those tests hold as they are. Only the forms that the vectors have are worked out: no
 * prefix, a memory operand that ends inside its segment.
 */
static enum skip_group
expect_fs_gs(struct test *test)
{
	const unsigned field = (test->insn[1] >> 3) & 7u;
	const enum test_register sreg = field == 4 ? REG_FS : REG_GS;

	if (test->insn[0] != 0x8c && test->insn[0] != 0x8e)
		return SKIP_SREG;
	if (field > 5)
		return SKIP_NOTHING;

	const struct operand operand = memory_operand(test);
	const uint32_t address = linear(test->before[operand.segment], operand.offset);

	if (test->insn[1] >> 6 == 3 || operand.offset == 0xffffu)
		return SKIP_SREG;

	expect_plain_end(test);
	if (test->insn[0] == 0x8e)
		test->after[sreg] = initial_word(test, address);
	else
		test_set_word(&test->memory_after, address, test->before[sreg]);
	return SKIP_NOTHING;
}

/*
 * SDM vol. 3, Interrupt 12: what exceeds the limit of SS is #SS. The frame is the same; the
 * handlers change places, so that only vector 12 leads to the HLT that the 286 found.
 */
static enum skip_group
expect_stack_fault(struct test *test)
{
	const uint32_t ss = 12 * 4, gp = 13 * 4;

	for (uint32_t i = 0; i < 4; i += 2) {
		const uint16_t handler = initial_word(test, gp + i);

		test_set_word(&test->memory_before, gp + i, initial_word(test, ss + i));
		test_set_word(&test->memory_before, ss + i, handler);
	}
	test->vector = 12;
	return SKIP_NOTHING;
}

enum skip_group
expect_386(struct test *test)
{
	if (test->differs & DIFFERS_LONG)
		return SKIP_LONG;
	if (test->differs & DIFFERS_STRING)
		return SKIP_STRING;
	if (test->differs & DIFFERS_FPU)
		return SKIP_FPU;
	if (test->differs & DIFFERS_LOCK) /* #UD comes before anything the operands do */
		return expect_lock_ud(test);
	if (test->differs & DIFFERS_SREG)
		return expect_fs_gs(test);
	if (test->differs & DIFFERS_STACK)
		return expect_stack_fault(test);
	return SKIP_NOTHING;
}
