#include "command/command_table.h"
#include "command/render.h"

static enum descry_command_result
on_regs(struct command_call *call)
{
	render_registers(call->sink, call->monitor);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
on_where(struct command_call *call)
{
	render_where(call->sink, call->monitor);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
on_set(struct command_call *call)
{
	const struct expression *place = &call->expression;
	struct value old, now;
	struct descry_error unread;
	const bool had = expression_evaluate(place, call->monitor, &old, &unread) == DESCRY_OK;

	if (expression_assign(place, call->monitor, call->argument[1].number, call->err) !=
	    DESCRY_OK)
		return DESCRY_COMMAND_ERROR;
	if (expression_evaluate(place, call->monitor, &now, &unread) != DESCRY_OK)
		now = (struct value){ VALUE_NUMBER, call->argument[1].number };
	render_set(call->sink, place->text, had ? &old : NULL, &now);
	return DESCRY_COMMAND_OK;
}

static void
render_stop_info(const struct descry_sink *sink, struct descry_monitor *monitor)
{
	const struct descry_stop *stop = descry_monitor_last_stop(monitor);

	if (sink->json)
		json_render(sink, json_stop(monitor, stop));
	else
		render_stop_text(sink, stop);
}

static const char *const info_choices[] = {
	"break", "image", "profile", "registers", "stop", "symbols", NULL,
};

static enum descry_command_result
on_info(struct command_call *call)
{
	static void (*const renders[])(const struct descry_sink *, struct descry_monitor *) = {
		render_breakpoints, render_image,     render_profile,
		render_registers,   render_stop_info, render_symbols,
	};

	renders[call->argument[0].number](call->sink, call->monitor);
	return DESCRY_COMMAND_OK;
}

/* clang-format off */
const struct command state_commands[] = {
	{ "regs", "r registers", TOPIC_STATE, NULL, { { 0 } },
	  on_regs, REPEAT_NEVER,
	  "registers, flags, selectors, control registers and table registers",
	  NULL },
	{ "where", "w", TOPIC_STATE, NULL, { { 0 } },
	  on_where, REPEAT_NEVER,
	  "mode, privilege level, time, and the instruction at CS:IP",
	  NULL },
	{ "set", NULL, TOPIC_STATE, NULL,
	  { { .name = "PLACE", .type = ARG_PLACE }, { .name = "VALUE", .type = ARG_NUMBER } },
	  on_set, REPEAT_NEVER,
	  "write a register, a field of a cache or memory, by no rule of the CPU",
	  "PLACE is an expression that names a place: eax, zf, cr0, gdtr.base, [0x1000],\n"
	  "word(fs:8), fs.base, fs.limit, fs.attr, fs.sel. `set fs 0x10` changes the visible\n"
	  "selector and leaves the cache as it is; `load` does what an instruction does.\n"
	  "A sign of equality may stand between PLACE and VALUE." },
	{ "info", "i", TOPIC_STATE, NULL,
	  { { .name = "WHAT", .type = ARG_CHOICE, .choices = info_choices } },
	  on_info, REPEAT_NEVER,
	  "breakpoints, the image, the CPU profile, registers, the last stop, symbols",
	  "WHAT is break, image, profile, registers, stop or symbols." },
	{ 0 },
};
/* clang-format on */
