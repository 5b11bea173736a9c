/*
 * From the text after a command's word to arguments, as the row's specification says.
 */
#ifndef DESCRY_ARGUMENT_H
#define DESCRY_ARGUMENT_H

#include "command/command_table.h"

#define ARGUMENT_MAX 16u /* on a line, repeated ones counted */

/*
 * Fills call->argument (room for ARGUMENT_MAX), call->count and call->expression. text is
 * cut up in place and must live as long as the call.
 */
enum descry_status argument_parse(struct command_call *call, char *text);

/* Is this argument of a row the one that takes the rest of the line? */
bool argument_takes_rest(const struct command *command, unsigned index);

/* Cuts the next word off: brackets keep blanks together. NULL at the end. */
char *argument_next_word(char **rest);

/* Linear number, symbol, fs:OFFSET, phys:N, linear:N, SEG:OFF in hexadecimal, or ".". */
enum descry_status address_parse(struct descry_session *session, const char *text,
				 struct descry_address *out, struct descry_error *err);

#endif
