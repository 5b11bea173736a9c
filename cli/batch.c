#include "batch.h"

#include <stdio.h>

int
batch_exit_status(enum descry_status status)
{
	switch (status) {
	case DESCRY_OK:
		return EXIT_GOOD;
	case DESCRY_NO_MEMORY:
	case DESCRY_IO_ERROR:
		return EXIT_BAD_END;
	case DESCRY_BAD_IMAGE:
	case DESCRY_BAD_ARGUMENT:
	case DESCRY_BAD_ADDRESS:
	case DESCRY_NOT_FOUND:
		return EXIT_USAGE;
	case DESCRY_NOT_SUPPORTED:
		return EXIT_NOT_MODELLED;
	case DESCRY_FAILED:
		return EXIT_ASSERTION;
	case DESCRY_STATUS_COUNT:
		break;
	}
	return EXIT_USAGE;
}

static enum descry_command_result
run_item(const struct batch_item *item, struct descry_session *session,
	 const struct descry_sink *sink, struct descry_error *err)
{
	enum descry_command_result result;
	struct descry_error inner;

	if (item->is_script)
		return descry_command_script(session, item->text, sink, err);
	result = descry_command_execute(session, item->text, sink, &inner);
	if (result == DESCRY_COMMAND_INTERRUPTED)
		descry_fail(&inner, DESCRY_IO_ERROR, "interrupted");
	if (result != DESCRY_COMMAND_OK && result != DESCRY_COMMAND_QUIT)
		descry_fail(err, inner.status, "-e '%.60s': %.300s", item->text, inner.text);
	return result;
}

int
batch_run(const struct options *options, struct descry_session *session, struct terminal *terminal,
	  bool *quit)
{
	const struct descry_sink sink = terminal_sink(terminal);
	struct descry_error err;

	*quit = false;
	for (size_t i = 0; i < options->batch_count; i++) {
		switch (run_item(&options->batch[i], session, &sink, &err)) {
		case DESCRY_COMMAND_OK:
			break;
		case DESCRY_COMMAND_QUIT:
			*quit = true;
			return EXIT_GOOD;
		case DESCRY_COMMAND_INTERRUPTED: /* the stop has been told */
			terminal_error(terminal, err.text);
			return batch_exit_status(err.status);
		case DESCRY_COMMAND_ERROR:
		case DESCRY_COMMAND_ASSERTION:
			terminal_fail(terminal, &err);
			return batch_exit_status(err.status);
		}
	}
	return EXIT_GOOD;
}
