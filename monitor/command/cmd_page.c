#include "command/command_table.h"
#include "command/render.h"

#include <descry/query.h>

static enum descry_command_result
on_page(struct command_call *call)
{
	render_page(call->sink, call->monitor,
		    (uint32_t)descry_query_linear(call->monitor, &call->argument[0].address));
	return DESCRY_COMMAND_OK;
}

/* clang-format off */
const struct command page_commands[] = {
	{ "page", NULL, TOPIC_MEMORY, NULL,
	  { { .name = "ADDRESS", .type = ARG_ADDRESS } },
	  on_page, REPEAT_NEVER,
	  "show how ADDRESS gets to a physical one",
	  "The entries of the page tables that lead to it as they are now, what they allow\n"
	  "together (RW, US), and what the TLB holds of its page, for data and for code. The\n"
	  "two differ when the guest has changed a table and not said INVLPG. Nothing is\n"
	  "marked or filled by looking." },
	{ 0 },
};
/* clang-format on */
