#include "spin.h"

#include <string.h>

/* Linear addresses, which are offsets too: all segments begin at 0. */
enum {
	IDT = 0x0400, /* in real mode the vectors are at 0 */
	IDT_VECTORS = 0x30,
	HANDLER = 0x1000, /* IRET, for all vectors */
	GDT = 0x1800,
	TSS = 0x1900,
	SLOTS = 0x2000, /* pointers to the instruction behind each copy */
	SLOT_SIZE = 8,
	OPERAND = 0x3000,
	SOURCE = 0x4000,
	DESTINATION = 0x5000,
	STACK = 0x6000,
	FRAME = 0x6800,
	DATA_END = 0x8000,
	CODE = 0x8000,
};

enum { SEL_CODE = 0x08, SEL_DATA = 0x10, SEL_TSS = 0x18, SEL_LDT = 0x20 };

#define COPIES 16u
#define TSS_LIMIT 0x67u

enum reg { AX, CX, DX, BX, SP, BP, SI, DI };

/* --- every form ----------------------------------------------------------------------- */

/* The next of the choices that a variant number stands for, the least significant first. */
static unsigned
take_choice(unsigned *variant, unsigned count)
{
	const unsigned choice = *variant % count;

	*variant /= count;
	return choice;
}

/* A member of a set, by its place in it. */
static unsigned
member(unsigned set, unsigned index)
{
	unsigned bit = 0;

	for (;; bit++)
		if (set >> bit & 1u && index-- == 0)
			return bit;
}

static unsigned
count_bits(unsigned set)
{
	unsigned count = 0;

	for (; set; set &= set - 1)
		count++;
	return count;
}

/* The bits of a number spread over the free bits of the opcode. */
static unsigned
spread(unsigned number, unsigned mask)
{
	unsigned value = 0, bit = 0;

	for (unsigned place = 0; place < 8; place++)
		if (mask >> place & 1u)
			value |= (number >> bit++ & 1u) << place;
	return value;
}

static bool
choose_memory(const struct form *form, unsigned *variant)
{
	if (form->rm == RM_ANY)
		return take_choice(variant, 2);
	return form->rm == RM_MEMORY;
}

/* Whatever of the number is left in the end stands for no form. */
static bool
choose_form(const struct form *form, unsigned variant, bool code32, struct encoding *e)
{
	static const uint8_t reps[] = { 0, 0xf3, 0xf2 };
	unsigned opcode = form->opcode & 0xffu;

	*e = (struct encoding){ .form = form, .mod = 3, .reg = BX, .rm = CX };
	e->wide_operand = take_choice(&variant, 2);
	e->wide_address = code32;
	opcode |= spread(take_choice(&variant, 1u << count_bits(form->vary)), form->vary);
	if (form->ops)
		opcode |= member(form->ops, take_choice(&variant, count_bits(form->ops))) << 3;
	if (form->low)
		opcode |= BX;
	if (form->digits)
		e->reg = (uint8_t)member(form->digits,
					 take_choice(&variant, count_bits(form->digits)));
	if (form->kind == STRING)
		e->rep = reps[take_choice(&variant, 3)];
	e->opcode = (uint8_t)opcode;
	if (choose_memory(form, &variant))
		encoding_aim(e, OPERAND);
	return variant == 0;
}

bool
spin_next(struct spin_cursor *cursor, const struct setting *setting, struct encoding *encoding)
{
	for (; cursor->form < form_count; cursor->form++, cursor->variant = 0) {
		const struct form *form = &forms[cursor->form];

		if (form->kind == ENDS_RUN || form->kind == REFUSED)
			continue;
		if (choose_form(form, cursor->variant++, setting->protected_mode, encoding))
			return true;
	}
	return false;
}

/* --- writing code --------------------------------------------------------------------- */

static void
put(struct spin *spin, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		spin->memory[spin->at++] = (uint8_t)(value >> i * 8);
}

/* 66h where the code does not have this operand size by itself. */
static void
put_size(struct spin *spin, bool wide)
{
	if (wide != spin->setting->protected_mode)
		put(spin, 0x66, 1);
}

/* mov r32, imm32 */
static void
put_mov(struct spin *spin, enum reg reg, uint32_t value)
{
	put_size(spin, true);
	put(spin, 0xb8u + reg, 1);
	put(spin, value, 4);
}

static void
put_push(struct spin *spin, bool wide, uint32_t value)
{
	put_size(spin, wide);
	put(spin, 0x68, 1);
	put(spin, value, wide ? 4 : 2);
}

/* mov byte [the TSS's descriptor + 5], 89h: not busy */
static void
put_free_task(struct spin *spin)
{
	const bool code32 = spin->setting->protected_mode;

	put(spin, 0xc6, 1);
	put(spin, code32 ? 0x05 : 0x06, 1);
	put(spin, GDT + SEL_TSS + 5, code32 ? 4 : 2);
	put(spin, 0x89, 1);
}

static uint16_t
code_selector(const struct spin *spin)
{
	return spin->setting->protected_mode ? SEL_CODE : 0;
}

/* --- one copy ------------------------------------------------------------------------- */

/* Bytes of the instruction alone; its own size does not depend on where it leads. */
static unsigned
size_of(const struct spin *spin, const struct encoding *e)
{
	uint8_t bytes[ENCODING_MAX];

	return encoding_write(e, spin->setting->protected_mode, bytes);
}

static void
put_encoding(struct spin *spin, const struct encoding *e)
{
	spin->at += encoding_write(e, spin->setting->protected_mode, &spin->memory[spin->at]);
}

/* Through memory: each copy has a pointer of its own. */
static void
put_through_slot(struct spin *spin, struct encoding e)
{
	const uint32_t slot = SLOTS + spin->copy * SLOT_SIZE;
	const uint32_t code = spin->at;

	encoding_aim(&e, slot);
	put_encoding(spin, &e);

	const uint32_t next = spin->at;

	spin->at = slot;
	put(spin, next, e.wide_operand ? 4 : 2);
	if (e.form->kind == JUMP_FAR)
		put(spin, code_selector(spin), 2);
	spin->at = code + (next - code);
}

static void
put_jump_near(struct spin *spin, const struct encoding *e)
{
	if (e->mod != 3) {
		put_through_slot(spin, *e);
		return;
	}
	put_mov(spin, CX, 0);

	const uint32_t next = spin->at + size_of(spin, e);

	memcpy(&spin->memory[spin->at - 4], &next, sizeof(next));
	put_encoding(spin, e);
}

static void
put_far(struct spin *spin, struct encoding e)
{
	const uint32_t next = spin->at + size_of(spin, &e);

	e.imm = next | (uint64_t)code_selector(spin) << (e.wide_operand ? 32 : 16);
	put_encoding(spin, &e);
}

/* The offset is pushed last, so its place is known before the instruction's is. */
static void
put_return(struct spin *spin, const struct encoding *e)
{
	const unsigned offset_size = e->wide_operand ? 4 : 2;
	uint32_t next;

	if (e->form->kind == RETURN_INTERRUPT)
		put_push(spin, e->wide_operand, DESCRY_FLAG_ONE);
	if (e->form->kind != RETURN_NEAR)
		put_push(spin, e->wide_operand, code_selector(spin));
	put_push(spin, e->wide_operand, 0);
	next = spin->at + size_of(spin, e);
	memcpy(&spin->memory[spin->at - offset_size], &next, offset_size);
	put_encoding(spin, e);
}

/* The number of the copy is the condition. */
static void
put_branch(struct spin *spin, unsigned over)
{
	put(spin, 0x70u + spin->copy, 1);
	put(spin, over, 1);
}

static void
put_plain(struct spin *spin, const struct encoding *e)
{
	if (spin->setting->skips)
		put_branch(spin, size_of(spin, e));
	put_encoding(spin, e);
	if (spin->setting->branches)
		put_branch(spin, 0);
}

static void
put_copy(struct spin *spin, const struct encoding *e)
{
	switch (e->form->kind) {
	case JUMP_NEAR:
		put_jump_near(spin, e);
		return;
	case JUMP_FAR:
		put_through_slot(spin, *e);
		return;
	case POINTER:
		put_far(spin, *e);
		return;
	case RETURN_NEAR:
	case RETURN_FAR:
	case RETURN_INTERRUPT:
		put_return(spin, e);
		return;
	case STRING:
		if (e->rep)
			put_mov(spin, CX, 3);
		break;
	case UNDO_ENTER:
		put_mov(spin, BP, FRAME);
		break;
	case LOAD_TASK:
		put_free_task(spin);
		break;
	case PLAIN:
		put_plain(spin, e);
		return;
	case NAMED_BY_CX:
		put_mov(spin, CX, 1);
		break;
	case BRANCH:
	case LOAD_LDT:
	case WRITE_CONTROL:
	case REFUSED:
	case ENDS_RUN:
		break;
	}
	put_encoding(spin, e);
}

/* What the copies may have moved is put back, then on with the first. */
static void
put_end(struct spin *spin)
{
	const unsigned size = spin->setting->protected_mode ? 4 : 2;

	put_mov(spin, SP, STACK);
	put_mov(spin, SI, SOURCE);
	put_mov(spin, DI, DESTINATION);
	put_mov(spin, CX, spin->setting->flags ? spin->value : 0);
	put(spin, 0xe9, 1);
	put(spin, CODE - (spin->at + size), size);
}

static uint64_t
choose_immediate(const struct encoding *e)
{
	switch (e->form->imm) {
	case IMM_REL8:
	case IMM_REL:
		return 0; /* to the next copy */
	case IMM_ADDRESS:
		return OPERAND;
	case IMM_ENTER:
		return 2u << 16 | 8u;
	case IMM_WORD:
		return 8;
	case IMM_NONE:
	case IMM_BYTE:
	case IMM_SIZE:
	case IMM_POINTER:
	case IMM_KIND_COUNT:
		break;
	}
	return 0x10;
}

static void
put_loop(struct spin *spin, struct encoding e)
{
	e.imm = choose_immediate(&e);
	spin->at = CODE;
	for (spin->copy = 0; spin->copy < COPIES; spin->copy++)
		put_copy(spin, &e);
	put_end(spin);
}

/* --- memory and tables ---------------------------------------------------------------- */

/* As an operand it divides, as a bound it holds, and its words are a selector to load. */
static uint32_t
choose_value(const struct encoding *e, const struct setting *setting)
{
	if (e->form->kind == WRITE_CONTROL)
		return DESCRY_CR0_ET | (setting->protected_mode ? DESCRY_CR0_PE : 0);
	if (e->form->kind == LOAD_TASK)
		return SEL_TSS * 0x10001u;
	return (e->form->kind == LOAD_LDT ? SEL_LDT : SEL_DATA) * 0x10001u;
}

/* Data segments of protected mode grow down: no comparison stands for their rules. */
static void
put_tables(struct spin *spin)
{
	static const uint64_t gdt[] = {
		0,
		0x00cf9b000000ffff, /* code, flat */
		0x00c0970000000000, /* data, from 1000h on */
		0x0000890000000000 | (uint64_t)TSS << 16 | TSS_LIMIT,
		0x0000820000000000 | (uint64_t)TSS << 16 | TSS_LIMIT,
	};

	memcpy(&spin->memory[GDT], gdt, sizeof(gdt));
	spin->memory[HANDLER] = 0xcf;
	for (unsigned vector = 0; vector < IDT_VECTORS; vector++) {
		const uint64_t gate = 0x00008e0000000000 | (uint64_t)SEL_CODE << 16 | HANDLER;
		const uint32_t entry = HANDLER;

		memcpy(&spin->memory[IDT + vector * 8], &gate, sizeof(gate));
		memcpy(&spin->memory[vector * 4], &entry, sizeof(entry));
	}
}

static void
put_data(struct spin *spin)
{
	for (uint32_t at = SLOTS; at < DATA_END; at += 2)
		memcpy(&spin->memory[at], &spin->value, 2);
}

/* --- the CPU -------------------------------------------------------------------------- */

static void
put_segments(struct spin *spin)
{
	const bool wide = spin->setting->protected_mode;
	const struct descry_segment code = { .limit = wide ? UINT32_MAX : 0xffff,
					     .sel = code_selector(spin),
					     .attr = wide ? 0xc09b : DESCRY_ATTR_REAL_DATA };
	const struct descry_segment data = { .limit = wide ? 0xfff : 0xffff,
					     .sel = wide ? SEL_DATA : 0,
					     .attr = wide ? 0xc097 : DESCRY_ATTR_REAL_DATA };

	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		descry_vcpu_put_segment(spin->vcpu, (enum descry_sreg)sreg,
					sreg == DESCRY_CS ? &code : &data, DESCRY_CAUSE_START);
}

static void
put_registers(const struct spin *spin, struct descry_state *state)
{
	const bool wide = spin->setting->protected_mode;

	memset(state->gpr, 0, sizeof(state->gpr));
	state->gpr[DESCRY_BX] = spin->value;
	state->gpr[DESCRY_CX] = spin->setting->flags ? spin->value : 0;
	state->gpr[DESCRY_SP] = STACK;
	state->gpr[DESCRY_BP] = FRAME;
	state->gpr[DESCRY_SI] = SOURCE;
	state->gpr[DESCRY_DI] = DESTINATION;
	state->rip = CODE;
	state->rflags = DESCRY_FLAG_ONE | (spin->setting->flags ? 0x8d5u : 0);
	state->cr0 = DESCRY_CR0_ET | (wide ? DESCRY_CR0_PE : 0);
	state->gdtr = (struct descry_table){ .base = GDT, .limit = 0x27 };
	state->idtr = (struct descry_table){ .base = wide ? IDT : 0,
					     .limit = wide ? IDT_VECTORS * 8 - 1 : 0x3ff };
}

void
spin_load(struct spin *spin, const struct setting *setting, const struct encoding *encoding)
{
	spin->setting = setting;
	spin->value = choose_value(encoding, setting);
	memset(spin->memory, 0, sizeof(spin->memory));
	put_tables(spin);
	put_data(spin);
	put_loop(spin, *encoding);
	descry_vcpu_reset(spin->vcpu);
	put_segments(spin);
	put_registers(spin, descry_vcpu_state_mutable(spin->vcpu));
	descry_vcpu_state_changed(spin->vcpu);
}

/* --- life ----------------------------------------------------------------------------- */

static struct descry_page
page(void *owner, uint64_t physical, bool for_write)
{
	struct spin *spin = owner;

	(void)for_write;
	if (physical >= SPIN_MEMORY)
		return (struct descry_page){ 0 };
	return (struct descry_page){ .host = &spin->memory[physical & ~0xfffull],
				     .writable = true };
}

static uint32_t
port_in(void *owner, uint16_t port, unsigned size)
{
	(void)owner, (void)port, (void)size;
	return 0;
}

static void
port_out(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	(void)owner, (void)port, (void)size, (void)value;
}

bool
spin_open(struct spin *spin)
{
	const struct descry_bus bus = {
		.owner = spin, .page = page, .port_in = port_in, .port_out = port_out
	};

	return descry_vcpu_create(descry_profile_find(NULL), &bus, &spin->vcpu) == DESCRY_OK;
}

void
spin_close(struct spin *spin)
{
	descry_vcpu_destroy(spin->vcpu);
}
