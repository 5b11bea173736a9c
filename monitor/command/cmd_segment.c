#include "command/command_table.h"
#include "command/render.h"

#include <descry/operation.h>

#include <stdlib.h>

/* --- segments ------------------------------------------------------------------------- */

static enum descry_command_result
on_sreg(struct command_call *call)
{
	struct descry_segment_report reports[DESCRY_SREG_COUNT];

	if (call->count == 1) {
		descry_query_segment(call->monitor, call->argument[0].sreg, &reports[0]);
		render_segment_detail(call->sink, call->monitor, &reports[0]);
		return DESCRY_COMMAND_OK;
	}
	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++)
		descry_query_segment(call->monitor, (enum descry_sreg)i, &reports[i]);
	render_segments(call->sink, call->monitor, reports, DESCRY_SREG_COUNT);
	return DESCRY_COMMAND_OK;
}

/* What an instruction that loads it would be. */
static enum descry_cause
cause_of_load(enum descry_sreg sreg)
{
	static const enum descry_cause causes[DESCRY_SREG_COUNT] = {
		[DESCRY_ES] = DESCRY_CAUSE_MOV,    [DESCRY_CS] = DESCRY_CAUSE_FAR_JMP,
		[DESCRY_SS] = DESCRY_CAUSE_MOV,    [DESCRY_DS] = DESCRY_CAUSE_MOV,
		[DESCRY_FS] = DESCRY_CAUSE_MOV,    [DESCRY_GS] = DESCRY_CAUSE_MOV,
		[DESCRY_LDTR] = DESCRY_CAUSE_LLDT, [DESCRY_TR] = DESCRY_CAUSE_LTR,
	};

	return causes[sreg];
}

/* False with err: the fault that an instruction would raise, and nothing has changed. */
static bool
load_as_instruction(struct command_call *call, enum descry_sreg sreg, uint16_t sel)
{
	struct descry_vcpu *vcpu = descry_monitor_vcpu(call->monitor);
	struct descry_preview preview;
	struct descry_fault fault;
	bool done;

	descry_load_preview(vcpu, sreg, sel, DESCRY_RELOAD_NOW, &preview);
	descry_op_set_step(vcpu, DESCRY_STEP_PERSON);
	done = descry_op_load_segment(vcpu, sreg, sel, cause_of_load(sreg), &fault);
	descry_op_set_step(vcpu, DESCRY_STEP_GUEST);
	if (!done)
		command_error(call, DESCRY_BAD_ARGUMENT,
			      "load %s %04x: %s(%04x)%s%s; nothing has changed",
			      descry_sreg_name(sreg), sel, descry_vector_text(fault.vector),
			      fault.error_code, preview.why != NULL ? ", " : "",
			      preview.why != NULL ? preview.why : "");
	return done;
}

static enum descry_command_result
on_load(struct command_call *call)
{
	const enum descry_sreg sreg = call->argument[0].sreg;
	const uint64_t sel = call->argument[1].number;
	const enum descry_mode mode = descry_vcpu_mode(descry_monitor_vcpu(call->monitor));
	struct descry_segment_report report;

	if (sel > UINT16_MAX)
		return command_error(call, DESCRY_BAD_ARGUMENT, "a selector has 16 bits: 0x%llx",
				     (unsigned long long)sel);
	if (sreg == DESCRY_CS && mode == DESCRY_MODE_REAL)
		return command_error(call, DESCRY_BAD_ARGUMENT,
				     "load cs: an instruction would load IP, too; use `set cs`, "
				     "`set cs.base` and `set eip`");
	if (!load_as_instruction(call, sreg, (uint16_t)sel))
		return DESCRY_COMMAND_ERROR;
	descry_query_segment(call->monitor, sreg, &report);
	render_segments(call->sink, call->monitor, &report, 1);
	return DESCRY_COMMAND_OK;
}

/* --- descriptor tables ---------------------------------------------------------------- */

/* Entries that hold nothing are left out of a whole GDT or LDT; in an IDT all count. */
static bool
is_worth_showing(const struct descry_table_report *table, const struct descry_table_entry *entry)
{
	return table->kind == DESCRY_TABLE_IDT || entry->raw != 0 || entry->named_by != 0;
}

static size_t
collect_all(struct command_call *call, const struct descry_table_report *table,
	    struct descry_table_entry *entries)
{
	size_t count = 0;

	for (unsigned i = 0; i < table->entry_count; i++) {
		if (descry_query_table_entry(call->monitor, table, i, &entries[count]) &&
		    is_worth_showing(table, &entries[count]))
			count++;
	}
	return count;
}

/* False with err: one of those asked for does not exist. */
static bool
collect_given(struct command_call *call, const struct descry_table_report *table,
	      struct descry_table_entry *entries)
{
	for (size_t i = 0; i < call->count; i++) {
		const uint64_t index = call->argument[i].number;

		if (index >= table->entry_count) {
			command_error(call, DESCRY_BAD_ADDRESS,
				      "%s has %u entries (limit %04x), no index %llu",
				      call->command->name, table->entry_count, table->limit,
				      (unsigned long long)index);
			return false;
		}
		if (!descry_query_table_entry(call->monitor, table, (unsigned)index, &entries[i])) {
			command_error(call, DESCRY_BAD_ADDRESS, "%s[%llu] lies outside memory",
				      call->command->name, (unsigned long long)index);
			return false;
		}
	}
	return true;
}

static enum descry_command_result
show_table(struct command_call *call, enum descry_table_kind kind)
{
	enum descry_command_result result = DESCRY_COMMAND_OK;
	struct descry_table_report table;
	struct descry_table_entry *entries;
	size_t count = call->count;

	descry_query_table(call->monitor, kind, &table);
	entries = calloc(table.entry_count + count + 1, sizeof(*entries));
	if (entries == NULL)
		return command_error(call, DESCRY_NO_MEMORY, "no memory for %u entries",
				     table.entry_count);
	if (count == 0)
		count = collect_all(call, &table, entries);
	else if (!collect_given(call, &table, entries))
		result = DESCRY_COMMAND_ERROR;
	if (result == DESCRY_COMMAND_OK)
		render_table_entries(call->sink, call->monitor, &table, entries, count);
	free(entries);
	return result;
}

static enum descry_command_result
on_gdt(struct command_call *call)
{
	return show_table(call, DESCRY_TABLE_GDT);
}

static enum descry_command_result
on_ldt(struct command_call *call)
{
	return show_table(call, DESCRY_TABLE_LDT);
}

static enum descry_command_result
on_idt(struct command_call *call)
{
	return show_table(call, DESCRY_TABLE_IDT);
}

/* --- watch ---------------------------------------------------------------------------- */

static void
list_watched(struct command_call *call, unsigned mask)
{
	json_t *names = json_array();
	const struct descry_sink *sink = call->sink;

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		if (mask >> sreg & 1u)
			json_array_append_new(names, json_string(descry_sreg_name(sreg)));
	}
	if (sink->json) {
		json_render(sink, names);
		return;
	}
	descry_sink_text(sink, mask ? "watched:" : "no segment is watched");
	for (size_t i = 0; i < json_array_size(names); i++)
		descry_sink_printf(sink, " %s", json_string_value(json_array_get(names, i)));
	descry_sink_text(sink, "\n");
	json_decref(names);
}

static enum descry_command_result
on_watch(struct command_call *call)
{
	unsigned mask = descry_monitor_watched_segments(call->monitor);

	if (call->count > 0)
		mask ^= 1u << call->argument[0].sreg;
	descry_monitor_watch_segments(call->monitor, mask);
	list_watched(call, mask);
	return DESCRY_COMMAND_OK;
}

#define INDICES                                                                                    \
	{                                                                                          \
		{                                                                                  \
			"INDEX", ARG_NUMBER, .optional = true, .repeated = true                    \
		}                                                                                  \
	}

/* clang-format off */
const struct command segment_commands[] = {
	{ "sreg", NULL, TOPIC_SEGMENT, NULL,
	  { { .name = "SREG", .type = ARG_SEGMENT, .optional = true } },
	  on_sreg, REPEAT_NEVER,
	  "selectors and hidden caches, what a reload would give, who loaded them",
	  "For each segment: the visible selector and the cache behind it, the descriptor that\n"
	  "the selector names now, what loading the selector would give now, and which\n"
	  "instruction the cache is from. A field that is not what the selector means is\n"
	  "marked with '!'; in real mode a row says what is usual. Columns: G (limit counted\n"
	  "in bytes or 4 KiB pages), D (default size), P (privilege level, DPL), type (r w x:\n"
	  "rights, a: accessed, down: expand-down, conf: conforming). Without SREG, a segment\n"
	  "that is MATCH has its first line only. With SREG, the preview of a reload in each\n"
	  "mode, too." },
	{ "load", NULL, TOPIC_SEGMENT, NULL,
	  { { .name = "SREG", .type = ARG_SEGMENT }, { .name = "SELECTOR", .type = ARG_NUMBER } },
	  on_load, REPEAT_NEVER,
	  "load a segment register as an instruction would, by the rules of the current mode",
	  "Reads the guest's tables, sets the accessed bit, and is refused with the fault that\n"
	  "an instruction would raise. `set SREG VALUE` changes the visible selector alone." },
	{ "watch", NULL, TOPIC_SEGMENT, NULL,
	  { { .name = "SREG", .type = ARG_SEGMENT, .optional = true } },
	  on_watch, REPEAT_NEVER,
	  "stop when a segment register is loaded, or changed by a host interrupt",
	  "Turns the watch of a register on, or off again; without SREG, lists those that are\n"
	  "watched. A run stops behind an instruction that has loaded one, by whatever cause:\n"
	  "MOV, POP, a far transfer, an interrupt, a task switch, LOADALL, RSM. And it stops\n"
	  "behind a host interrupt that has given one back as another. While any is watched,\n"
	  "the CPU runs one instruction at a time." },
	{ "gdt", NULL, TOPIC_SEGMENT, NULL, INDICES, on_gdt, REPEAT_NEVER,
	  "the global descriptor table as it lies in memory now",
	  "Without INDEX, all descriptors but those that are zero. After each stand the\n"
	  "segment registers whose selectors name it." },
	{ "ldt", NULL, TOPIC_SEGMENT, NULL, INDICES, on_ldt, REPEAT_NEVER,
	  "the local descriptor table, through the cache of LDTR",
	  NULL },
	{ "idt", NULL, TOPIC_SEGMENT, NULL, INDICES, on_idt, REPEAT_NEVER,
	  "the interrupt descriptor table, or the vectors of real mode",
	  "Neighbours that are the same are shown as one." },
	{ 0 },
};
/* clang-format on */
