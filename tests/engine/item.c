/*
 * Items: what a random program is made of beside single instructions. A row is what it
 * does, how often, and the function that writes it. Numbers and operands are random; an
 * item that does its work in one mode alone is as good a program in the other.
 */
#include "system.h"
#include "writer.h"

/* --- small pieces --------------------------------------------------------------------- */

enum reg { AX, CX, DX, BX, SP, BP, SI, DI };

static void
mov_imm(struct writer *w, enum reg reg, uint32_t value)
{
	writer_put(w, 0xb8u + reg, 1);
	writer_put(w, value, writer_size(w));
}

static void
push_imm(struct writer *w, uint32_t value)
{
	writer_put(w, 0x68, 1);
	writer_put(w, value, writer_size(w));
}

static void
push_target(struct writer *w, const struct cluster *to)
{
	writer_put(w, 0x68, 1);
	writer_target(w, writer_size(w), to, 0);
}

/* mov ax, imm16; mov sreg, ax */
static void
load_segment(struct writer *w, unsigned sreg, uint16_t sel)
{
	if (w->cluster->code32)
		writer_put(w, 0x66, 1);
	writer_put(w, 0xb8, 1);
	writer_put(w, sel, 2);
	writer_put(w, 0x8e, 1);
	writer_put(w, 0xc0u | sreg << 3, 1);
}

/* A memory operand CS:offset, for the given reg field. */
static void
code_operand(struct writer *w, unsigned reg, uint32_t offset)
{
	writer_put(w, (reg << 3) | (w->cluster->code32 ? 5u : 6u), 1);
	writer_put(w, offset, writer_size(w));
}

static void
load_table(struct writer *w, unsigned digit, unsigned which)
{
	writer_bytes(w, (const uint8_t[]){ 0x2e, 0x0f, 0x01 }, 3);
	code_operand(w, digit, w->cluster->tables + which);
}

/* mov eax, cr0; or al, 1 or and al, FEh; mov cr0, eax */
static void
change_pe(struct writer *w, bool on)
{
	writer_bytes(w, (const uint8_t[]){ 0x0f, 0x20, 0xc0 }, 3);
	writer_bytes(w, on ? (const uint8_t[]){ 0x0c, 0x01 } : (const uint8_t[]){ 0x24, 0xfe }, 2);
	writer_bytes(w, (const uint8_t[]){ 0x0f, 0x22, 0xc0 }, 3);
}

static const struct cluster *
any_cluster(struct writer *w)
{
	return &w->program->cluster[random_below(w->random, CLUSTER_COUNT)];
}

static uint16_t
choose_selector(struct random *r)
{
	static const uint16_t good[] = {
		SEL_DATA,      SEL_DATA,   SEL_FLAT, SEL_DOWN, SEL_DATA,    SEL_CODE_ALIAS,
		SEL_USER_DATA, SEL_CODE16, 0,        4,        SEL_DATA + 8
	};

	if (random_chance(r, 750))
		return good[random_below(r, sizeof(good) / sizeof(good[0]))];
	return random_chance(r, 800) ? (uint16_t)(random_below(r, GDT_SIZE / 8) * 8)
				     : (uint16_t)random_bits(r);
}

static const struct form *
choose_form(struct random *r)
{
	uint32_t total = 0, at;

	for (size_t i = 0; i < form_count; i++)
		total += forms[i].weight;
	at = random_below(r, total);
	for (const struct form *form = forms;; form++) {
		if (at < form->weight)
			return form;
		at -= form->weight;
	}
}

static void
instruction(struct writer *w)
{
	operand_instruction(w, choose_form(w->random));
}

/* --- transfers ------------------------------------------------------------------------ */

/* Where it runs into the limit of the segment. */
static void
far_pointer_to_edge(struct writer *w)
{
	const unsigned edge = random_below(w->random, EDGE_COUNT);

	writer_target_edge(w, writer_size(w), edge);
	writer_put(w, SEL_EDGE + edge * 8, 2);
}

/*
 * One place has many names, and by another name it is other code to the engine: in real mode
 * the selector can be smaller and the offset larger.
 */
static void
far_pointer(struct writer *w, const struct cluster *to)
{
	struct random *r = w->random;
	const bool other_name = random_chance(r, 150) && to->sel >= 24;
	const unsigned paragraphs = other_name ? random_below(r, 4) * 8 : 0;

	writer_target(w, writer_size(w), to, (int32_t)paragraphs * 16);
	writer_put(w, to->sel - paragraphs, 2);
}

static void
jump_far_to(struct writer *w, const struct cluster *to)
{
	writer_put(w, random_chance(w->random, 600) ? 0xea : 0x9a, 1);
	far_pointer(w, to);
}

static void
jump_to_edge(struct writer *w)
{
	writer_put(w, random_chance(w->random, 600) ? 0xea : 0x9a, 1);
	far_pointer_to_edge(w);
}

static void
jump_far(struct writer *w)
{
	jump_far_to(w, any_cluster(w));
}

/* Through a gate, or to a task; in real mode somewhere. */
static void
pass_gate(struct writer *w)
{
	struct random *r = w->random;
	const uint32_t sel = random_chance(r, 700) ? SEL_GATE + random_below(r, GATE_COUNT) * 8
						   : SEL_TASK + random_below(r, TASK_COUNT) * 8;

	writer_put(w, random_chance(r, 300) ? 0xea : 0x9a, 1);
	writer_put(w, random_bits(r), writer_size(w));
	writer_put(w, sel | (random_chance(r, 500) ? 3u : 0), 2);
}

static void
go_far(struct writer *w)
{
	if (random_chance(w->random, 450))
		pass_gate(w);
	else
		jump_far(w);
}

static void
push_and_ret(struct writer *w)
{
	push_target(w, w->cluster);
	writer_put(w, 0xc3, 1);
}

static void
push_and_ret_far(struct writer *w)
{
	const struct cluster *to = any_cluster(w);

	push_imm(w, to->sel);
	push_target(w, to);
	writer_put(w, 0xcb, 1);
}

/* Never with TF or NT, which the model refuses. */
static uint32_t
choose_flags(struct random *r)
{
	return (random_bits(r) & 0x3ed5u) | 2u;
}

static void
push_and_iret(struct writer *w)
{
	const struct cluster *to = any_cluster(w);

	push_imm(w, choose_flags(w->random));
	push_imm(w, to->sel);
	push_target(w, to);
	writer_put(w, 0xcf, 1);
}

/* In protected mode an IRET to ring 3; in real mode just another one. */
static void
go_to_ring_3(struct writer *w)
{
	const bool code32 = w->cluster->code32;

	push_imm(w, SEL_USER_DATA);
	push_imm(w, 0x1000 + random_below(w->random, 0x800) * 2);
	push_imm(w, choose_flags(w->random));
	push_imm(w, code32 ? SEL_USER_CODE32 : SEL_USER_CODE16);
	push_target(w, &w->program->cluster[code32 ? 2 : 0]);
	writer_put(w, 0xcf, 1);
}

static void
interrupt(struct writer *w)
{
	writer_put(w, 0xcd, 1);
	writer_put(w, 0x20 + random_below(w->random, 0x12), 1);
}

/* mov cx, N; an instruction or two; loop back */
static void
bounded_loop(struct writer *w)
{
	uint32_t back;

	mov_imm(w, CX, 1 + random_below(w->random, 40));
	writer_start(w);
	back = w->at;
	operand_instruction(w, &forms[random_below(w->random, 20)]);
	writer_put(w, 0xe2, 1);
	writer_put(w, back - (w->at + 1), 1);
}

/* jcc over the instruction behind it, which is one of the first rows, or a MOV */
static void
branch_over(struct writer *w)
{
	const uint32_t branch = w->at;
	uint32_t behind;

	writer_put(w, 0x70u + random_below(w->random, 16), 1);
	writer_put(w, 0, 1);
	writer_start(w);
	operand_instruction(w, &forms[random_below(w->random, 34)]);
	behind = w->at;
	w->at = branch + 1;
	writer_put(w, behind - (branch + 2), 1);
	w->at = behind;
}

/* --- segments and modes --------------------------------------------------------------- */

static void
load_any_segment(struct writer *w)
{
	static const uint8_t sregs[] = { 0, 0, 3, 3, 4, 5, 2 };
	struct random *r = w->random;

	load_segment(w, sregs[random_below(r, sizeof(sregs))], choose_selector(r));
}

/* push imm; pop ds, es, fs or gs */
static void
pop_segment(struct writer *w)
{
	static const uint8_t pops[][2] = { { 0x07 }, { 0x1f }, { 0x0f, 0xa1 }, { 0x0f, 0xa9 } };
	const uint8_t *pop = pops[random_below(w->random, 4)];

	push_imm(w, choose_selector(w->random));
	writer_bytes(w, pop, pop[0] == 0x0f ? 2 : 1);
}

static void
repair_segments(struct writer *w)
{
	load_segment(w, 2, random_chance(w->random, 800) ? SEL_DATA : SEL_STACK32);
	mov_imm(w, SP, STACK_TOP);
	load_segment(w, 3, SEL_DATA);
	load_segment(w, 0, SEL_DATA);
}

/* An interrupt shadow, and what may stand in it. */
static void
shadow(struct writer *w)
{
	static const uint8_t sti = 0xfb;

	if (random_chance(w->random, 500))
		load_segment(w, 2, SEL_DATA);
	writer_put(w, sti, 1);
	if (random_chance(w->random, 500))
		writer_put(w, sti, 1);
	instruction(w);
}

static void
enter_protected(struct writer *w)
{
	load_table(w, 3, TABLES_IDT);
	change_pe(w, true);
	if (random_chance(w->random, 700))
		jump_far(w);
}

static void
leave_protected(struct writer *w)
{
	change_pe(w, false);
	load_table(w, 3, TABLES_REAL_IDT);
	if (random_chance(w->random, 700))
		jump_far(w);
}

/* Into protected mode and out again for the sake of one segment. */
static void
unreal(struct writer *w)
{
	static const uint8_t sregs[] = { 0, 3, 4, 5 };
	const uint16_t sel = random_chance(w->random, 700) ? SEL_FLAT : SEL_CODE_ALIAS;

	change_pe(w, true);
	load_segment(w, sregs[random_below(w->random, 4)], sel);
	change_pe(w, false);
}

static void
load_gdt(struct writer *w)
{
	load_table(w, 2, TABLES_GDT);
}

/* --- code that is written ------------------------------------------------------------- */

/* Somewhere in this cluster's code: behind the store itself, or at another instruction. */
static void
code_address(struct writer *w, unsigned size)
{
	struct random *r = w->random;

	if (random_chance(r, 500))
		writer_put(w, w->at + size + random_below(r, 12), size);
	else
		writer_target(w, size, w->cluster, (int32_t)random_below(r, 6));
}

static uint32_t
choose_code_bytes(struct random *r)
{
	static const uint32_t bytes[] = { 0x90909090, 0x40404040, 0x4b434840, 0x00b89090,
					  0x02eb02eb, 0xfefec0fe, 0x9050c3c3, 0xcccccccc };

	return random_chance(r, 700) ? bytes[random_below(r, 8)] : random_bits(r);
}

/* mov byte, word or dword through CS or FS; in protected mode only FS may do it. */
static void
store_into_code(struct writer *w)
{
	struct random *r = w->random;
	const bool through_fs = random_chance(r, 400);
	const bool byte = random_chance(r, 500);

	if (through_fs)
		load_segment(w, 4, random_chance(r, 500) ? SEL_CODE_ALIAS : w->cluster->sel);
	writer_put(w, through_fs ? 0x64 : 0x2e, 1);
	writer_put(w, byte ? 0xc6 : 0xc7, 1);
	writer_put(w, w->cluster->code32 ? 5 : 6, 1);
	code_address(w, writer_size(w));
	writer_put(w, choose_code_bytes(r), byte ? 1 : writer_size(w));
}

/* mov di, address; mov cx, N; mov ax, bytes; rep stos through ES = code */
static void
fill_code(struct writer *w)
{
	struct random *r = w->random;

	load_segment(w, 0, random_chance(r, 500) ? SEL_CODE_ALIAS : w->cluster->sel);
	writer_put(w, 0xbf, 1);
	code_address(w, writer_size(w));
	mov_imm(w, CX, random_below(r, 20));
	mov_imm(w, AX, choose_code_bytes(r));
	writer_put(w, 0xf3, 1);
	writer_put(w, 0xaau + random_below(r, 2), 1);
}

/* Other code than this is written, at an instruction or a little before it, and gone to. */
static void
store_and_jump(struct writer *w)
{
	struct random *r = w->random;
	const struct cluster *to = &w->program->cluster[random_below(r, 2)];

	load_segment(w, 4, random_chance(r, 500) ? SEL_CODE_ALIAS : SEL_CODE16);
	writer_bytes(w, (const uint8_t[]){ 0x64, 0xc7, w->cluster->code32 ? 5 : 6 }, 3);
	writer_target(w, writer_size(w), to, (int32_t)random_below(r, 6) - 3);
	writer_put(w, choose_code_bytes(r), writer_size(w));
	writer_put(w, 0xea, 1);
	writer_target_again(w, writer_size(w), 0);
	writer_put(w, to->sel, 2);
}

/* Code among the data: rep movs from CS, or a store, then a call there. */
static void
run_data(struct writer *w)
{
	struct random *r = w->random;
	const uint32_t at = random_chance(r, 500) ? 0x40 * random_below(r, 8) : 0xff8;

	load_segment(w, 0, SEL_DATA);
	writer_put(w, 0xbe, 1);
	writer_target(w, writer_size(w), w->cluster, 0);
	mov_imm(w, DI, at);
	mov_imm(w, CX, 4 + random_below(r, 20));
	writer_bytes(w, (const uint8_t[]){ 0xfc, 0x2e, 0xf3, 0xa4 }, 4);
	mov_imm(w, AX, choose_code_bytes(r));
	writer_put(w, 0xab, 1);
	writer_put(w, 0x9a, 1);
	writer_put(w, at + random_below(r, 4), writer_size(w));
	writer_put(w, random_chance(r, 500) ? SEL_DATA : SEL_DATA_CODE, 2);
}

/* --- the rest ------------------------------------------------------------------------- */

static void
set_register(struct writer *w)
{
	static const uint8_t regs[] = { AX, CX, DX, BX, BP, SI, DI };

	mov_imm(w, regs[random_below(w->random, 7)], operand_offset(w->random));
}

/* mov si; mov di; mov cx; (rep) a string instruction */
static void
string(struct writer *w)
{
	static const uint8_t opcodes[] = { 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac,
					   0xad, 0xae, 0xaf, 0x6c, 0x6e, 0xa4, 0xab };
	struct random *r = w->random;

	mov_imm(w, SI, operand_offset(r));
	mov_imm(w, DI, operand_offset(r));
	mov_imm(w, CX, random_below(r, random_chance(r, 900) ? 24 : 600));
	if (random_chance(r, 200))
		writer_put(w, 0xfcu + random_below(r, 2), 1);
	writer_put(w, random_chance(r, 700) ? 0xf3 : 0xf2, 1);
	writer_put(w, opcodes[random_below(r, sizeof(opcodes))], 1);
}

/* REPE or REPNE of words at odd offsets up to the limit: a fault behind some iterations. */
static void
string_into_limit(struct writer *w)
{
	struct random *r = w->random;

	mov_imm(w, SI, 0xffe1 + random_below(r, 16) * 2);
	mov_imm(w, DI, 0xffe1 + random_below(r, 16) * 2);
	mov_imm(w, CX, 8 + random_below(r, 24));
	writer_put(w, 0xfc, 1);
	writer_put(w, 0xf2u + random_below(r, 2), 1);
	writer_put(w, random_chance(r, 500) ? 0xaf : 0xa7, 1);
}

/* push imm; popf */
static void
load_flags(struct writer *w)
{
	push_imm(w, choose_flags(w->random));
	writer_put(w, 0x9d, 1);
}

/* mov eax, imm32, without the number; mov drN, eax comes behind it. */
static void
mov_eax(struct writer *w)
{
	if (!w->cluster->code32)
		writer_put(w, 0x66, 1);
	writer_put(w, 0xb8, 1);
}

static void
mov_to_dr(struct writer *w, unsigned dr)
{
	writer_bytes(w, (const uint8_t[]){ 0x0f, 0x23, (uint8_t)(0xc0 | dr << 3) }, 3);
}

/* Breakpoints of the guest's own: on an instruction, or in what DS mostly has from 7000h on. */
static void
arm_breakpoint(struct writer *w)
{
	const unsigned n = random_below(w->random, 4);
	const bool on_code = random_chance(w->random, 500);
	const struct cluster *code = random_chance(w->random, 800) ? w->cluster : any_cluster(w);
	const uint32_t kind = on_code ? 0 : random_below(w->random, 16);

	mov_eax(w);
	if (on_code)
		writer_target(w, 4, code, (int32_t)code->base);
	else
		writer_put(w, 0x7000 + operand_offset(w->random), 4);
	mov_to_dr(w, n);
	mov_eax(w);
	writer_put(w, 0x400u | 1u << (2 * n + random_below(w->random, 2)) | kind << (16 + 4 * n),
		   4);
	mov_to_dr(w, random_chance(w->random, 900) ? 7 : random_below(w->random, 8));
}

/* mov al, N; out PORT, al */
static void
write_port(struct writer *w, unsigned port, unsigned value)
{
	writer_bytes(w, (const uint8_t[]){ 0xb0, (uint8_t)value, 0xe6, (uint8_t)port }, 4);
}

/* What lies above 1 MiB is other code with the gate shut. */
static void
move_a20(struct writer *w)
{
	write_port(w, PORT_A20, random_below(w->random, 4));
	if (random_chance(w->random, 700))
		jump_far_to(w, &w->program->cluster[5]);
}

static void
request(struct writer *w)
{
	write_port(w, PORT_REQUEST, random_below(w->random, 4));
}

static void
read_port(struct writer *w)
{
	writer_put(w, 0xe4u + random_below(w->random, 2), 1);
	writer_put(w, random_bits(w->random), 1);
}

static void
halt(struct writer *w)
{
	writer_put(w, 0xf4, 1);
}

/* --- together ------------------------------------------------------------------------- */

static const struct item {
	unsigned weight;
	void (*write)(struct writer *w);
} items[] = {
	{ 600, instruction },
	{ 50, set_register },
	{ 25, string },
	{ 25, load_any_segment },
	{ 15, pop_segment },
	{ 15, repair_segments },
	{ 25, store_into_code },
	{ 15, fill_code },
	{ 15, bounded_loop },
	{ 50, branch_over },
	{ 55, go_far },
	{ 20, push_and_ret },
	{ 12, push_and_ret_far },
	{ 15, push_and_iret },
	{ 15, go_to_ring_3 },
	{ 25, interrupt },
	{ 30, enter_protected },
	{ 15, leave_protected },
	{ 10, unreal },
	{ 5, load_gdt },
	{ 12, shadow },
	{ 12, load_flags },
	{ 30, arm_breakpoint },
	{ 30, move_a20 },
	{ 8, request },
	{ 30, read_port },
	{ 12, jump_to_edge },
	{ 15, store_and_jump },
	{ 12, run_data },
	{ 8, string_into_limit },
	{ 1, halt },
};

static const struct item *
choose_item(struct random *r)
{
	const size_t count = sizeof(items) / sizeof(items[0]);
	uint32_t total = 0, at;

	for (size_t i = 0; i < count; i++)
		total += items[i].weight;
	at = random_below(r, total);
	for (const struct item *item = items;; item++) {
		if (at < item->weight)
			return item;
		at -= item->weight;
	}
}

void
item_write(struct writer *w)
{
	writer_start(w);
	choose_item(w->random)->write(w);
}

void
item_leave(struct writer *w)
{
	writer_start(w);
	jump_far(w);
}
