#include "hex.h"
#include "stub.h"

#include <string.h>

#define COMMAND_MAX 1024u

/* False: too long, no digits, or a NUL in it. */
static bool
decode_command(const struct request *request, char command[COMMAND_MAX])
{
	const size_t size = request->size / 2;

	if (size >= COMMAND_MAX || request->size % 2 != 0 ||
	    !hex_decode(command, request->text, size))
		return false;
	command[size] = '\0';
	return strlen(command) == size;
}

static struct reply
execute(struct stub *stub, const char *command)
{
	const struct descry_sink sink = {
		.owner = stub->outlet.owner,
		.write = stub->outlet.output,
	};
	struct descry_error err;

	switch (descry_command_execute(stub->session, command, &sink, &err)) {
	case DESCRY_COMMAND_OK:
	case DESCRY_COMMAND_INTERRUPTED: /* by the user, whom the output has told so */
		return reply_ok();
	case DESCRY_COMMAND_QUIT:
		stub_say(stub, "gdb leaves with `detach`; `kill` ends the guest");
		return reply_ok();
	case DESCRY_COMMAND_ERROR:
	case DESCRY_COMMAND_ASSERTION:
		break;
	}
	stub_say(stub, err.text);
	return reply_text(REPLY_FAILED);
}

/*
 * monitor COMMAND: a row of the table that the shell has, its text in gdb's terminal. gdb
 * sends no 03 while it waits for this; it stops waiting and goes on with its next packet,
 * and would take a late reply for the answer to that.
 */
struct reply
on_monitor(struct stub *stub, const struct request *request)
{
	char command[COMMAND_MAX];
	struct reply reply;

	if (!decode_command(request, command))
		return reply_text(REPLY_MALFORMED);
	stub->outlet.run_begins(stub->outlet.owner, RUN_COMMAND);
	reply = execute(stub, command);
	return stub->outlet.run_ends(stub->outlet.owner) ? reply : reply_none();
}
