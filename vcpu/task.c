#include "task.h"

#include "control.h"
#include "debug.h"
#include "eflags.h"
#include "mem.h"
#include "microstep.h"
#include "seg_load_rules.h"
#include "stack.h"

/* --- the task-state segment ----------------------------------------------------------- */

/*
 * SDM vol. 3, 32-Bit Task-State Segment, 16-Bit Task-State Segment. From the first of them on lie
 * IP, FLAGS and the eight general registers, then the selectors in the order of enum
 * descry_sreg; each slot has the same size.
 */
struct tss_layout {
	unsigned size; /* of a slot */
	unsigned registers;
	unsigned selectors, selector_count;
	unsigned ldt;
	unsigned bytes; /* that a switch reads */
};
static const struct tss_layout tss16 = { 2, 0x0e, 0x22, 4, 0x2a, 0x2c };
static const struct tss_layout tss32 = { 4, 0x20, 0x48, 6, 0x60, 0x68 };

#define TSS_LINK 0x00u
#define TSS32_CR3 0x1cu
#define TSS32_TRAP 0x64u
#define TSS_BYTES_MAX 0x68u

#define ACCESS_BYTE 5u /* of a descriptor */

static const struct tss_layout *
layout_of(const struct descry_segment *tss)
{
	return (tss->attr & DESCRY_ATTR_TYPE) >= DESCRY_TYPE_TSS32 ? &tss32 : &tss16;
}

static unsigned
register_at(const struct tss_layout *tss, unsigned index)
{
	return tss->registers + index * tss->size;
}

static unsigned
selector_at(const struct tss_layout *tss, unsigned sreg)
{
	return tss->selectors + sreg * tss->size;
}

/* What a task gets from its TSS. */
struct task_image {
	uint32_t ip, flags, cr3;
	uint32_t gpr[8];
	uint16_t sel[DESCRY_DATA_SREG_COUNT];
	uint16_t ldt;
	bool traps;
};

struct switching {
	const struct task_request *to;
	const struct tss_layout *from_layout, *layout;
	struct seg_loading tss; /* of the new task */
	uint8_t old_access;     /* byte of the descriptor of the old one */
	struct task_image image;
};

/*
 * Out of a 16-bit TSS the upper halves of the general registers come as ones, those of IP and FLAGS
 * as zeros, and FS and GS as null: so Bochs has it, checked on 386, 486 and Pentium. The
 * manual says nothing.
 */
static uint32_t
general_register(const struct tss_layout *tss, const uint8_t *bytes)
{
	return host_read(bytes, tss->size) | (tss->size == 2 ? 0xffff0000u : 0);
}

static bool
read_image(struct cpu *c, struct switching *s)
{
	const struct tss_layout *tss = s->layout;
	struct task_image *image = &s->image;
	uint8_t bytes[TSS_BYTES_MAX];

	if (!mem_read_linear(c, (uint32_t)s->tss.seg.base, bytes, tss->bytes))
		return false;
	*image = (struct task_image){
		.ip = host_read(bytes + register_at(tss, 0), tss->size),
		.flags = host_read(bytes + register_at(tss, 1), tss->size),
		.ldt = (uint16_t)host_read(bytes + tss->ldt, 2),
	};
	for (unsigned i = 0; i < 8; i++)
		image->gpr[i] = general_register(tss, bytes + register_at(tss, 2 + i));
	for (unsigned i = 0; i < tss->selector_count; i++)
		image->sel[i] = (uint16_t)host_read(bytes + selector_at(tss, i), 2);
	if (tss == &tss32) {
		image->cr3 = host_read(bytes + TSS32_CR3, 4);
		image->traps = bytes[TSS32_TRAP] & 1;
	}
	return true;
}

/* --- before the commit point: faults are the old task's ------------------------------- */

/* SDM vol. 3, Effect of a Task Switch on Busy Flag, NT Flag, and Link Field. */
static bool
nests(enum task_way way)
{
	return way == TASK_BY_CALL || way == TASK_BY_INTERRUPT;
}

static bool
frees_old(enum task_way way)
{
	return way == TASK_BY_JMP || way == TASK_BY_IRET;
}

static bool
resolve_tss(struct cpu *c, const struct task_request *to, struct seg_loading *out)
{
	const bool is_return = to->way == TASK_BY_IRET;
	const bool has_descriptor = !seg_is_null(to->sel) && !(to->sel & DESCRY_SEL_TI);
	struct descry_segment desc = { 0 };
	struct seg_verdict verdict;
	uint64_t linear;

	if (has_descriptor && seg_check_slot(&c->state, to->sel, &linear).rule != SEG_OK)
		return raise(c, is_return ? DESCRY_VEC_TS : DESCRY_VEC_GP,
			     to->sel & ~DESCRY_SEL_RPL);
	if (has_descriptor) {
		if (!seg_fetch(c, to->sel, out))
			return false;
		desc = out->seg;
	}
	verdict = seg_check_task(to->sel, &desc, is_return);
	if (verdict.rule != SEG_OK)
		return raise_verdict(c, verdict);
	seg_load_descriptor(&out->seg, &desc);
	seg_settle_marks(out);
	return true;
}

static uint32_t
old_access_byte(const struct cpu *c)
{
	return (uint32_t)c->state.gdtr.base +
	       (c->state.seg[DESCRY_TR].sel & ~(DESCRY_SEL_RPL | DESCRY_SEL_TI)) + ACCESS_BYTE;
}

/* IP to the last selector: all that a switch writes into the TSS of the task it leaves. */
static bool
old_can_be_saved(struct cpu *c, const struct tss_layout *layout)
{
	const struct descry_segment *tr = &c->state.seg[DESCRY_TR];
	const unsigned end = selector_at(layout, layout->selector_count);

	if (tr->limit < end - 1)
		return raise(c, DESCRY_VEC_TS, tr->sel & ~DESCRY_SEL_RPL);
	return mem_probe_write(c, (uint32_t)tr->base + layout->registers, end - layout->registers);
}

/* Every byte that will be read or written: nothing after this can fault in the old task. */
static bool
prepare(struct cpu *c, struct switching *s)
{
	const enum task_way way = s->to->way;

	microstep(c, DESCRY_MICRO_TS1);
	if (!resolve_tss(c, s->to, &s->tss))
		return false;
	microstep(c, DESCRY_MICRO_TS2);
	s->from_layout = layout_of(&c->state.seg[DESCRY_TR]);
	s->layout = layout_of(&s->tss.seg);
	if (!old_can_be_saved(c, s->from_layout) || !read_image(c, s))
		return false;
	if (nests(way) && !mem_probe_write(c, (uint32_t)s->tss.seg.base + TSS_LINK, 2))
		return false;
	if (frees_old(way) && (!mem_read_linear(c, old_access_byte(c), &s->old_access, 1) ||
			       !mem_probe_write(c, old_access_byte(c), 1)))
		return false;
	return way == TASK_BY_IRET || mem_probe_write(c, s->tss.linear + ACCESS_BYTE, 1);
}

/* --- the old task goes ---------------------------------------------------------------- */

static void
save_registers(struct cpu *c, const struct switching *s)
{
	const struct tss_layout *tss = s->from_layout;
	const uint32_t base = (uint32_t)c->state.seg[DESCRY_TR].base;

	mem_write_linear(c, base + register_at(tss, 0), &s->to->return_ip, tss->size);
	mem_write_linear(c, base + register_at(tss, 1), &s->to->flags, tss->size);
	for (unsigned i = 0; i < 8; i++)
		mem_write_linear(c, base + register_at(tss, 2 + i), &c->state.gpr[i], tss->size);
	for (unsigned i = 0; i < tss->selector_count; i++)
		mem_write_linear(c, base + selector_at(tss, i), &c->state.seg[i].sel, 2);
}

static void
clear_busy(struct cpu *c, const struct switching *s)
{
	const uint8_t available = s->old_access & (uint8_t)~SEG_TSS_BUSY;

	mem_write_linear(c, old_access_byte(c), &available, 1);
}

static void
leave_old(struct cpu *c, const struct switching *s)
{
	microstep(c, DESCRY_MICRO_TS3);
	if (frees_old(s->to->way))
		clear_busy(c, s);
	save_registers(c, s);
	if (nests(s->to->way))
		mem_write_linear(c, (uint32_t)s->tss.seg.base + TSS_LINK,
				 &c->state.seg[DESCRY_TR].sel, 2);
}

/* --- the commit point ----------------------------------------------------------------- */

static void
put_selector(struct cpu *c, enum descry_sreg sreg, uint16_t sel)
{
	seg_load_null(&c->state.seg[sreg], sel, &c->profile);
}

/*
 * The new task has its registers and its selectors; no cache is valid. Until SS is loaded
 * the CPL counts as 3, so that the handler of what goes wrong gets a stack of its own.
 */
static void
enter_new(struct cpu *c, const struct switching *s)
{
	const struct task_image *image = &s->image;

	microstep(c, DESCRY_MICRO_TS5);
	seg_commit(c, DESCRY_TR, &s->tss, DESCRY_CAUSE_TASK_SWITCH);
	c->state.cr0 |= DESCRY_CR0_TS;
	debug_task_switch(c, image->traps);
	microstep(c, DESCRY_MICRO_TS6);
	c->state.rip = c->target = image->ip;
	for (unsigned i = 0; i < 8; i++)
		c->state.gpr[i] = image->gpr[i];
	eflags_write(c, image->flags | (nests(s->to->way) ? DESCRY_FLAG_NT : 0));
	microstep(c, DESCRY_MICRO_TS7);
	for (unsigned i = 0; i < DESCRY_DATA_SREG_COUNT; i++)
		put_selector(c, (enum descry_sreg)i, image->sel[i]);
	put_selector(c, DESCRY_LDTR, image->ldt);
	c->state.seg[DESCRY_SS].attr |= DESCRY_ATTR_DPL;
	c->switched = true;
	cpu_derive(c);
}

/* --- after it: faults are the new task's ---------------------------------------------- */

static bool
load(struct cpu *c, enum descry_sreg sreg, uint16_t sel, unsigned cpl)
{
	struct seg_loading loading;

	if (!seg_resolve_task(c, sreg, sel, cpl, &loading))
		return false;
	seg_commit(c, sreg, &loading, DESCRY_CAUSE_TASK_SWITCH);
	return true;
}

/* What is left without a cache has got there by this switch, too. */
static void
note_unusable(struct cpu *c, enum descry_sreg sreg)
{
	const struct seg_loading empty = { .seg = c->state.seg[sreg],
					   .origin = DESCRY_ORIGIN_SELECTOR,
					   .fields = SEG_FIELDS_ALL };

	seg_commit(c, sreg, &empty, DESCRY_CAUSE_TASK_SWITCH);
}

/*
 * LDTR comes first, the others may be local to it. For the rest the manual leaves the order
 * to the model; this one is that of Bochs.
 */
static const struct {
	enum descry_sreg sreg;
	enum descry_micro step;
} load_order[] = {
	{ DESCRY_LDTR, DESCRY_MICRO_TS8 }, { DESCRY_SS, DESCRY_MICRO_TS9 },
	{ DESCRY_DS, DESCRY_MICRO_TS10 },  { DESCRY_ES, DESCRY_MICRO_TS10 },
	{ DESCRY_FS, DESCRY_MICRO_TS10 },  { DESCRY_GS, DESCRY_MICRO_TS10 },
	{ DESCRY_CS, DESCRY_MICRO_TS11 },
};
#define LOAD_COUNT (sizeof(load_order) / sizeof(load_order[0]))

/* From this one of the order on. */
static void
leave_unusable(struct cpu *c, unsigned from)
{
	for (unsigned i = from; i < LOAD_COUNT; i++)
		note_unusable(c, load_order[i].sreg);
}

static bool
load_segments(struct cpu *c, const struct task_image *image)
{
	const unsigned cpl = image->sel[DESCRY_CS] & DESCRY_SEL_RPL;

	for (unsigned i = 0; i < LOAD_COUNT; i++) {
		const enum descry_sreg sreg = load_order[i].sreg;

		microstep(c, load_order[i].step);
		if (load(c, sreg, sreg == DESCRY_LDTR ? image->ldt : image->sel[sreg], cpl))
			continue;
		leave_unusable(c, i);
		return false;
	}
	return true;
}

/* SDM vol. 3, Operations that Invalidate TLBs: the same page tables keep their translations. */
static bool
load_cr3(struct cpu *c, const struct switching *s)
{
	if (s->layout != &tss32 || !c->paging || s->image.cr3 == (uint32_t)c->state.cr3)
		return true;
	return cr3_write(c, s->image.cr3);
}

/* SDM vol. 2, INT n, task gate: the error code goes on the stack before EIP is looked at. */
static bool
start_new(struct cpu *c, const struct switching *s)
{
	if (!load_cr3(c, s)) {
		leave_unusable(c, 0);
		return false;
	}
	if (!load_segments(c, &s->image))
		return false;
	microstep(c, DESCRY_MICRO_TS12);
	if (s->to->has_error_code && !push(c, s->layout->size, s->to->error_code))
		return false;
	return s->image.ip <= c->state.seg[DESCRY_CS].limit ? true : raise(c, DESCRY_VEC_GP, 0);
}

bool
task_switch(struct cpu *c, const struct task_request *to)
{
	struct switching s = { .to = to };

	if (!prepare(c, &s))
		return false;
	leave_old(c, &s);
	/*
	 * Again: the new task's TSS may be the one that has just been written. If those writes
	 * have taken it away, what was read before them counts.
	 */
	microstep(c, DESCRY_MICRO_TS4);
	if (!read_image(c, &s))
		c->fault.vector = DESCRY_VEC_NONE;
	enter_new(c, &s);
	return start_new(c, &s);
}

bool
task_return(struct cpu *c, uint32_t return_ip)
{
	struct task_request to = {
		.way = TASK_BY_IRET,
		.return_ip = return_ip,
		.flags = eflags_read(c) & ~DESCRY_FLAG_NT,
	};

	microstep(c, DESCRY_MICRO_PI1);
	c->state.nmi_blocked = 0; /* even if what follows faults */
	return mem_read_linear(c, (uint32_t)c->state.seg[DESCRY_TR].base + TSS_LINK, &to.sel, 2) &&
	       task_switch(c, &to);
}
