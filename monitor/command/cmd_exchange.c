#include "command/command_table.h"
#include "command/render_exchange.h"

#include <descry/exchange_file.h>

static void
offer_formats(struct descry_session *session, const char *line, descry_completion_fn *add,
	      void *owner)
{
	const struct descry_exchange_format *format;

	(void)session, (void)line;
	for (size_t i = 0; (format = descry_exchange_format_at(i)) != NULL; i++)
		add(owner, format->name);
}

/* The format that was named, or NULL with the error in place. */
static const struct descry_exchange_format *
format_of(struct command_call *call)
{
	struct descry_error err;
	const struct descry_exchange_format *format =
		descry_exchange_find(call->argument[0].text, &err);

	if (format == NULL)
		command_error(call, err.status, "%s: %.250s", call->command->name, err.text);
	return format;
}

static enum descry_command_result
fail(struct command_call *call, const struct descry_error *err)
{
	return command_error(call, err->status, "%s: %.300s", call->command->name, err->text);
}

/* Without a file the words themselves are the answer. */
static enum descry_command_result
show(struct command_call *call, const struct descry_exchange_format *format)
{
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(call->monitor));
	struct descry_exchange_words words;
	struct descry_exchange_report report;
	struct descry_error err;

	if (descry_exchange_export(format, state, &words, &report, &err) != DESCRY_OK)
		return fail(call, &err);
	render_words(call->sink, &words, &report);
	return DESCRY_COMMAND_OK;
}

/* While a switch is in flight the CPU is the host's. */
static bool
holds_guest(struct command_call *call)
{
	if (!call->world || !descry_world_in_flight(call->world))
		return true;
	command_error(
		call, DESCRY_BAD_ARGUMENT,
		"the host of a world switch has the CPU; give it back to the guest with: world "
		"finish");
	return false;
}

static enum descry_command_result
on_export(struct command_call *call)
{
	const struct descry_exchange_format *format = format_of(call);
	const char *path = call->argument[1].text;
	struct descry_exchange_report report;
	struct descry_error err;
	size_t size;

	if (format == NULL || !holds_guest(call))
		return DESCRY_COMMAND_ERROR;
	if (call->count == 1)
		return show(call, format);
	if (descry_monitor_export(call->monitor, format, path, &size, &report, &err) != DESCRY_OK)
		return fail(call, &err);
	render_export(call->sink, &report, path, size);
	return DESCRY_COMMAND_OK;
}

static enum descry_command_result
on_import(struct command_call *call)
{
	const struct descry_exchange_format *format = format_of(call);
	const char *path = call->argument[1].text;
	struct descry_exchange_report report;
	struct descry_error err;

	if (format == NULL || !holds_guest(call))
		return DESCRY_COMMAND_ERROR;
	if (descry_monitor_import(call->monitor, format, path, &report, &err) != DESCRY_OK)
		return fail(call, &err);
	render_import(call->sink, call->monitor, &report, path);
	return DESCRY_COMMAND_OK;
}

/* clang-format off */
const struct command exchange_commands[] = {
	{ "export", NULL, TOPIC_STATE, NULL,
	  { { .name = "FORMAT", .type = ARG_WORD, .candidates = offer_formats },
	    { .name = "FILE", .type = ARG_FILE, .optional = true } },
	  on_export, REPEAT_NEVER,
	  "the CPU's state as a VMCS, a VMCB, KVM, SMRAM or LOADALL has it",
	  "FORMAT is vmcs, vmcb, kvm (struct kvm_sregs and kvm_regs), smram-p5, smram-p6,\n"
	  "smram-amd64, loadall286, loadall386 or loadall386-high. Without FILE the words are\n"
	  "shown: place, name, value. A FILE that ends in .json becomes JSON, one in .txt a\n"
	  "line for each word, any other the bytes themselves (a vmcs, which has no bytes, is\n"
	  "text). The answer names what an import gives back otherwise, and what the format\n"
	  "lacks. A state that is wider than the format is refused." },
	{ "import", NULL, TOPIC_STATE, NULL,
	  { { .name = "FORMAT", .type = ARG_WORD, .candidates = offer_formats },
	    { .name = "FILE", .type = ARG_FILE } },
	  on_import, REPEAT_NEVER,
	  "take the CPU's state from a file of `export`, or of another program",
	  "FORMAT and FILE as in `help export`. Memory stays as it is: `-L FILE@ADDR` loads\n"
	  "that of another machine. What the format lacks stays, too. The answer names what\n"
	  "counts as something else because this CPU has no such bits. Nothing is changed if\n"
	  "a word cannot be held." },
	{ 0 },
};
/* clang-format on */
