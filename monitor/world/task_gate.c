/*
 * The interrupt goes through a task gate, and IRET with NT comes back: a task switch by hardware
 * saves the segments as selectors and loads all of them again (SDM vol. 3, Task Switching). Both
 * tasks must be in one GDT, so the host's is a copy of the guest's with its own entries behind
 * it.
 *
 * The registers go into the TSS that TR caches. That is the guest's own, if it has loaded one: the
 * host takes them out of there at once, and puts them in for the length of the IRET. Else it is one
 * of the host's, and TR keeps it.
 */
#include "world/shadow.h"

#include <stdio.h>

#define TSS_BYTES 0x68u
#define TSS32_CR3 0x1cu
#define TSS32_EFLAGS 0x24u
#define TSS32_ESP 0x38u
#define TSS32_SELECTORS 0x48u
#define TSS32_LDT 0x60u
#define TSS16_LDT 0x2au

/* The host's entries, from the first index on that the guest's GDT does not have. */
enum own_entry { OWN_CODE, OWN_FS, OWN_DATA, OWN_GUEST_TASK, OWN_HOST_TASK, OWN_COUNT };

static uint16_t
own_sel(const struct world_switch *sw, unsigned entry)
{
	return (uint16_t)(((sw->shadow_bytes + 7) & ~7u) + entry * 8);
}

static const struct descry_segment *
guest_tr(const struct world_switch *sw)
{
	return &sw->guest.state.seg[DESCRY_TR];
}

static bool
has_own_tss(const struct world_switch *sw)
{
	return !frame_is_null(guest_tr(sw)->sel);
}

bool
task_gate_accept(struct world_switch *sw, unsigned arg)
{
	const struct descry_state *state = world_state(sw);

	(void)arg;
	if (state->rflags & DESCRY_FLAG_VM && !has_own_tss(sw))
		return world_refuse(sw, "the guest is in virtual-8086 mode and has no TSS, and LTR "
					"cannot give it one there");
	if (state->gdtr.limit + OWN_COUNT * 8 >= HOST_SHADOW_GDT_BYTES)
		return world_refuse(sw,
				    "the guest's GDT has a limit of %04x: no room for the "
				    "host's entries behind it",
				    state->gdtr.limit);
	return true;
}

/* --- X2: two tasks, and from one to the other ----------------------------------------- */

static void
put(uint8_t *tss, unsigned at, uint32_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		tss[at + i] = (uint8_t)(value >> 8 * i);
}

static void
make_host_task(const struct world_switch *sw)
{
	const uint16_t data = own_sel(sw, OWN_DATA);
	const uint16_t sels[DESCRY_DATA_SREG_COUNT] = {
		[DESCRY_ES] = data, [DESCRY_CS] = own_sel(sw, OWN_CODE), [DESCRY_SS] = data,
		[DESCRY_DS] = data, [DESCRY_FS] = own_sel(sw, OWN_FS),   [DESCRY_GS] = 0,
	};
	uint8_t *tss = host_bytes(sw, HOST_TASK_HOST);

	put(tss, TSS32_CR3, (uint32_t)world_state(sw)->cr3, 4);
	put(tss, TSS32_EFLAGS, DESCRY_FLAG_ONE, 4);
	put(tss, TSS32_ESP, HOST_TASK_HOST, 4);
	for (unsigned i = 0; i < DESCRY_DATA_SREG_COUNT; i++)
		put(tss, TSS32_SELECTORS + 4 * i, sels[i], 2);
}

static void
write_own_entries(struct world_switch *sw)
{
	const uint16_t tss = DESCRY_ATTR_P | DESCRY_TYPE_TSS32;
	const struct descry_segment entries[OWN_COUNT] = {
		[OWN_CODE] = host_code,
		[OWN_FS] = *sw->strategy->host_fs,
		[OWN_DATA] = host_data,
		[OWN_GUEST_TASK] = { HOST_TASK_GUEST, TSS_BYTES - 1, 0, tss },
		[OWN_HOST_TASK] = { HOST_TASK_HOST, TSS_BYTES - 1, 0, tss },
	};

	for (unsigned i = 0; i < OWN_COUNT; i++)
		host_write_slot(sw, HOST_SHADOW_GDT, own_sel(sw, i), host_descriptor(&entries[i]));
}

static bool
op_make_tasks(struct world_switch *sw, unsigned arg)
{
	uint32_t limit;

	(void)arg;
	sw->shadow_bytes = shadow_copy_table(sw, &world_state(sw)->gdtr, HOST_SHADOW_GDT,
					     HOST_SHADOW_GDT_BYTES);
	write_own_entries(sw);
	make_host_task(sw);
	limit = own_sel(sw, OWN_COUNT) - 1u;
	descry_op_load_gdtr(sw->vcpu, HOST_SHADOW_GDT, limit);
	world_note(sw,
		   "LGDT %08x/%04x: a copy of the guest's, and behind it the host's entries "
		   "from %04x on",
		   HOST_SHADOW_GDT, limit, own_sel(sw, 0));
	return true;
}

/* What a task switch reads of a TSS and never writes. */
static void
put_constants(struct world_switch *sw, const struct descry_segment *tr)
{
	const bool wide = (tr->attr & DESCRY_ATTR_TYPE) >= DESCRY_TYPE_TSS32;
	const uint32_t cr3 = (uint32_t)sw->guest.state.cr3;
	const uint16_t ldt = sw->guest.state.seg[DESCRY_LDTR].sel;

	if (wide)
		descry_vcpu_poke(sw->vcpu, tr->base + TSS32_CR3, &cr3, sizeof(cr3));
	descry_vcpu_poke(sw->vcpu, tr->base + (wide ? TSS32_LDT : TSS16_LDT), &ldt, sizeof(ldt));
}

/* Of the guest's own TSS, to a place in the window. */
static void
copy_tss(struct world_switch *sw, uint64_t to)
{
	descry_vcpu_peek(sw->vcpu, guest_tr(sw)->base, host_bytes(sw, to), TSS_BYTES);
}

static void
put_tss(struct world_switch *sw, uint64_t from)
{
	descry_vcpu_poke(sw->vcpu, guest_tr(sw)->base, host_bytes(sw, from), TSS_BYTES);
}

static bool
op_choose_tss(struct world_switch *sw, unsigned arg)
{
	const struct descry_segment *tr = &world_state(sw)->seg[DESCRY_TR];

	(void)arg;
	world_hold(sw, DESCRY_TR, 1u << DESCRY_FIELD_SEL);
	world_hold(sw, DESCRY_LDTR, 1u << DESCRY_FIELD_SEL);
	if (!has_own_tss(sw)) {
		if (!frame_load(sw, DESCRY_TR, own_sel(sw, OWN_GUEST_TASK), DESCRY_CAUSE_LTR,
				"the host's task for the guest"))
			return false;
	} else {
		copy_tss(sw, HOST_TASK_KEPT);
		world_note(sw,
			   "STR %04x: the TSS at %08x will take the guest's registers; the "
			   "host keeps what it holds",
			   tr->sel, (unsigned)tr->base);
	}
	put_constants(sw, tr);
	return true;
}

/* Guest memory is then as it was, like the guest's CPU. */
static bool
switch_failed(struct world_switch *sw, const struct descry_fault *fault, const char *what,
	      const char *new_task)
{
	char text[80];

	if (has_own_tss(sw))
		put_tss(sw, HOST_TASK_KEPT);
	snprintf(text, sizeof(text), "%s%s%s", what, new_task ? ", in the task of " : "",
		 new_task ? new_task : "");
	return world_host_fault(sw, fault, text);
}

static bool
op_task_gate(struct world_switch *sw, unsigned arg)
{
	const uint32_t tss = (uint32_t)world_state(sw)->seg[DESCRY_TR].base;
	struct descry_fault fault;
	bool in_new_task;

	(void)arg;
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		world_hold(sw, sreg, 1u << DESCRY_FIELD_SEL);
	if (!descry_op_task_interrupt(sw->vcpu, own_sel(sw, OWN_HOST_TASK), &in_new_task, &fault))
		return switch_failed(sw, &fault, "the task gate", in_new_task ? "the host" : NULL);
	world_note(sw,
		   "task gate: EIP EFLAGS EAX to EDI and six selectors into the TSS at %08x; "
		   "the host's out of its own",
		   tss);
	return true;
}

static bool
op_take_state(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	if (!has_own_tss(sw))
		return true;
	copy_tss(sw, HOST_TASK_STATE);
	put_tss(sw, HOST_TASK_KEPT);
	world_note(sw, "the guest's state out of its TSS, which holds again what it held");
	return true;
}

static bool
op_host_idt(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	descry_op_load_idtr(sw->vcpu, HOST_IDT_BASE, HOST_IDT_LIMIT);
	world_note(sw, "LIDT %08x/%04x: the host's", HOST_IDT_BASE, HOST_IDT_LIMIT);
	return true;
}

/* --- X6 and X7: back along the link --------------------------------------------------- */

static bool
op_follow_gdt(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	shadow_copy_table(sw, &sw->frame.gdtr, HOST_SHADOW_GDT, sw->shadow_bytes);
	world_note(sw, "the copy is as the guest's GDT is now");
	return true;
}

static bool
op_put_state(struct world_switch *sw, unsigned arg)
{
	(void)arg;
	if (!has_own_tss(sw))
		return true;
	copy_tss(sw, HOST_TASK_KEPT);
	put_tss(sw, HOST_TASK_STATE);
	world_note(sw, "the guest's state into its TSS for the length of the IRET");
	return true;
}

static bool
op_task_return(struct world_switch *sw, unsigned arg)
{
	struct descry_fault fault;
	bool in_new_task;

	(void)arg;
	if (!descry_op_task_return(sw->vcpu, &in_new_task, &fault))
		return switch_failed(sw, &fault, "IRET with NT", in_new_task ? "the guest" : NULL);
	if (has_own_tss(sw))
		put_tss(sw, HOST_TASK_KEPT);
	world_note(sw, "IRET with NT, along the link to %04x: every selector is loaded again",
		   world_state(sw)->seg[DESCRY_TR].sel);
	return true;
}

const struct world_op task_gate_ops[] = {
	{ 2, op_store_tables, 0 },
	{ 2, op_make_tasks, 0 },
	{ 2, op_choose_tss, 0 },
	{ 2, op_task_gate, 0 },
	{ 3, op_take_state, 0 },
	{ 4, op_host_idt, 0 },
	WORLD_BODY,
	{ 6, op_follow_gdt, 0 },
	{ 7, op_put_state, 0 },
	{ 7, op_task_return, 0 },
	{ 7, op_believed_tables, 0 },
	WORLD_OPS_END,
};
