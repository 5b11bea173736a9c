#include "command/command_table.h"
#include "command/render.h"
#include "command/session.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNITS_MAX 65536u
#define LINES_MAX 4096u
#define STRING_MAX 256u /* bytes of a string that has no end */
#define LINES_DEFAULT 10u

/* --- the format after the slash ------------------------------------------------------- */

static unsigned
unit_size(char letter)
{
	switch (letter) {
	case 'b':
		return 1;
	case 'h':
		return 2;
	case 'w':
		return 4;
	case 'g':
		return 8;
	default:
		return 0;
	}
}

static enum descry_status
bad_format(struct command_call *call)
{
	return descry_fail(call->err, DESCRY_BAD_ARGUMENT,
			   "'/%.40s': a format is a count up to %u, one of x d u o c s i, and one "
			   "of b h w g, such as /8xb",
			   call->suffix, UNITS_MAX);
}

/* "8xb" in any order of the letters; what is not said stays. */
static enum descry_status
parse_format(struct command_call *call, const char *text, struct memory_format *format)
{
	char *end = (char *)text;

	if (isdigit((unsigned char)*text)) {
		format->count = strtoul(text, &end, 10);
		if (format->count == 0 || format->count > UNITS_MAX)
			return bad_format(call);
	}
	for (text = end; *text != '\0'; text++) {
		if (unit_size(*text) != 0)
			format->unit = unit_size(*text);
		else if (strchr("xduocsi", *text) != NULL)
			format->format = *text;
		else
			return bad_format(call);
	}
	if (format->format == 'c' || format->format == 's')
		format->unit = 1;
	return DESCRY_OK;
}

/* --- code ----------------------------------------------------------------------------- */

static void
go_on_after(struct descry_session *session, const struct descry_address *address, uint64_t size)
{
	session->next = *address;
	session->next.offset = (uint32_t)(address->offset + size);
	session->has_next = true;
}

static enum descry_command_result
show_code(struct command_call *call, const struct descry_address *address, uint64_t count)
{
	struct descry_code_line *lines;
	uint64_t size = 0;

	if (count == 0 || count > LINES_MAX)
		return command_error(call, DESCRY_BAD_ARGUMENT, "%s: COUNT is 1 to %u",
				     call->command->name, LINES_MAX);
	lines = calloc(count, sizeof(*lines));
	if (lines == NULL)
		return command_error(call, DESCRY_NO_MEMORY, "no memory");
	for (uint64_t i = 0; i < count; i++) {
		const uint64_t linear = descry_query_linear(call->monitor, address) + size;

		descry_query_code(call->monitor, (uint32_t)linear, &lines[i]);
		size += lines[i].length > 0 ? lines[i].length : 1;
	}
	render_code(call->sink, call->monitor, address, lines, count);
	go_on_after(call->session, address, size);
	free(lines);
	return DESCRY_COMMAND_OK;
}

static struct descry_address
address_of_ip(struct command_call *call)
{
	return (struct descry_address){
		.offset = descry_vcpu_linear_ip(descry_monitor_vcpu(call->monitor)),
	};
}

static enum descry_command_result
on_disas(struct command_call *call)
{
	const struct descry_address here = address_of_ip(call);

	return show_code(call, call->count > 0 ? &call->argument[0].address : &here,
			 call->count > 1 ? call->argument[1].number : LINES_DEFAULT);
}

/* --- data ----------------------------------------------------------------------------- */

static enum descry_command_result
refuse_all(struct command_call *call, const struct descry_denial *denial)
{
	if (denial->fault.vector == DESCRY_VEC_NONE)
		return command_error(call, DESCRY_BAD_ADDRESS, "%s 0x%llx",
				     no_memory_text(call->monitor),
				     (unsigned long long)denial->linear);
	return command_error(
		call, DESCRY_BAD_ADDRESS, "%s:0x%llx: %s, %s (linear:0x%llx asks no %s)",
		descry_sreg_name(denial->address.sreg), (unsigned long long)denial->address.offset,
		descry_vector_text(denial->fault.vector), denial->why,
		(unsigned long long)denial->linear, denied_by(denial));
}

/* How many bytes the strings take, each with its zero; fewer strings when one has no end. */
static size_t
measure_strings(const char *data, size_t read, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count && size < read; i++)
		size += strnlen(data + size, read - size) + 1;
	return size < read ? size : read;
}

static enum descry_command_result
show_data(struct command_call *call, const struct descry_address *address,
	  const struct memory_format *format)
{
	const bool strings = format->format == 's';
	const size_t count = strings ? format->count * STRING_MAX : format->count;
	struct descry_denial denial;
	uint8_t *data = calloc(count, format->unit);
	size_t read;
	bool whole;

	if (data == NULL)
		return command_error(call, DESCRY_NO_MEMORY, "no memory for %zu units", count);
	read = descry_query_read(call->monitor, address, format->unit, count, data, &denial);
	whole = read == count;
	if (strings && read > 0) {
		const size_t size = measure_strings((const char *)data, read, format->count);

		whole = size < read || whole;
		read = size;
	}
	if (read > 0) {
		render_memory(call->sink, call->monitor, format, address, data, read,
			      whole ? NULL : &denial);
		go_on_after(call->session, address, read * format->unit);
	}
	free(data);
	return read > 0 ? DESCRY_COMMAND_OK : refuse_all(call, &denial);
}

static enum descry_command_result
on_x(struct command_call *call)
{
	struct memory_format format = { .count = 1, .format = 'x', .unit = 4 };
	struct descry_session *session = call->session;
	const struct descry_address *address = &session->next;

	if (*call->suffix == '\0' && call->count == 0)
		call->suffix = session->format;
	if (parse_format(call, call->suffix, &format) != DESCRY_OK)
		return DESCRY_COMMAND_ERROR;
	if (call->count > 0)
		address = &call->argument[0].address;
	else if (!session->has_next)
		return command_error(call, DESCRY_BAD_ARGUMENT,
				     "x: nothing has been shown yet to go on after: give an "
				     "address");
	if (call->suffix != session->format)
		snprintf(session->format, sizeof(session->format), "%s", call->suffix);
	if (format.format == 'i')
		return show_code(call, address, format.count);
	return show_data(call, address, &format);
}

/* clang-format off */
const struct command memory_commands[] = {
	{ "x", NULL, TOPIC_MEMORY, "FMT",
	  { { .name = "ADDRESS", .type = ARG_ADDRESS, .optional = true } },
	  on_x, REPEAT_CONTINUE,
	  "show memory",
	  "FMT is a count, a format (x hexadecimal, d signed, u unsigned, o octal, c character,\n"
	  "s string, i instruction) and a size (b 1, h 2, w 4, g 8 bytes), as in x/8xb.\n"
	  "fs:OFFSET goes through the cache of FS, its base, limit and rights, then the page, and a\n"
	  "refusal names the rule. See `help addresses`. Without ADDRESS it goes on after\n"
	  "the last one." },
	{ "disas", NULL, TOPIC_MEMORY, NULL,
	  { { .name = "ADDRESS", .type = ARG_ADDRESS, .optional = true },
	    { .name = "COUNT", .type = ARG_NUMBER, .optional = true } },
	  on_disas, REPEAT_CONTINUE,
	  "show instructions from ADDRESS, or from CS:IP on",
	  "Decoded as CS.D of the cache says. => marks CS:IP, * a breakpoint." },
	{ 0 },
};
/* clang-format on */
