/*
 * descry: puts the parts together. Everything that is wrong with the command line or the
 * image ends here as one line on standard error.
 */
#include "batch.h"
#include "compare.h"
#include "interrupt.h"
#include "options.h"
#include "profiles.h"
#include "serve_gdb.h"
#include "shell.h"
#include "terminal.h"

#include <descry/command.h>
#include <descry/schedule.h>
#include <descry/world.h>

#include <stdio.h>
#include <time.h>

struct program {
	struct options options;
	struct terminal terminal;
	struct turn turn;
	struct gdb_service gdb;
	struct descry_monitor *monitor;
	struct descry_world *world;
	const struct descry_strategy *strategy; /* that -w names */
	struct descry_session *session;
};

static int
fail(struct program *program, const struct descry_error *err)
{
	terminal_fail(&program->terminal, err);
	return batch_exit_status(err->status);
}

/* --- run ------------------------------------------------------------------------------ */

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int
exit_status_of(const struct descry_stop *stop)
{
	if (stop->reason == DESCRY_STOP_GUEST_EXIT)
		return stop->exit_status;
	if (stop->reason == DESCRY_STOP_NOT_MODELLED)
		return EXIT_NOT_MODELLED;
	if (stop->reason == DESCRY_STOP_INVARIANT)
		return EXIT_ASSERTION;
	return EXIT_BAD_END;
}

static int
run(struct program *program)
{
	const struct descry_run_request request = { .count = 0 };
	const struct descry_sink sink = terminal_sink(&program->terminal);
	struct descry_stop stop;
	double began;
	bool quit;
	int status;

	interrupt_guest(program->monitor);
	status = batch_run(&program->options, program->session, &program->terminal, &quit);
	if (status != EXIT_GOOD || quit)
		return status;
	descry_world_keep(program->world, false); /* nobody will ask any more */
	began = now();
	descry_monitor_run(program->monitor, &request, &stop);
	descry_run_render(program->monitor, &stop, now() - began, &sink);
	if (stop.reason != DESCRY_STOP_GUEST_EXIT)
		terminal_error(&program->terminal, stop.text);
	return exit_status_of(&stop);
}

/* --- compare -------------------------------------------------------------------------- */

static int
compare(struct program *program)
{
	bool quit;
	const int status =
		batch_run(&program->options, program->session, &program->terminal, &quit);

	if (status != EXIT_GOOD || quit)
		return status;
	return compare_verb(&program->options, program->monitor, program->world,
			    program->options.strategy != NULL ? program->strategy : NULL,
			    &program->terminal);
}

/* --- shell ---------------------------------------------------------------------------- */

static void
greet(struct program *program)
{
	const struct descry_sink sink = terminal_sink(&program->terminal);
	struct descry_error err;

	printf("descry: hidden segment caches of an x86 guest; `help` lists the commands\n");
	descry_command_execute(program->session, "info image", &sink, &err);
	descry_command_execute(program->session, "where", &sink, &err);
}

static int
run_shell(struct program *program)
{
	return shell_run(program->session, program->monitor, &program->terminal, &program->turn);
}

static enum descry_status
open_gdb(struct program *program, const char *address, struct descry_error *err)
{
	return gdb_service_open(&program->gdb, address, program->monitor, program->world,
				program->session, err);
}

static int
shell_beside_gdb(struct program *program)
{
	struct descry_error err;
	int status;

	if (open_gdb(program, program->options.gdb, &err) != DESCRY_OK)
		return fail(program, &err);
	if (gdb_service_start(&program->gdb, &err) != DESCRY_OK) {
		status = fail(program, &err);
	} else {
		status = run_shell(program);
		gdb_service_stop(&program->gdb);
	}
	gdb_service_close(&program->gdb);
	return status;
}

static int
shell(struct program *program)
{
	bool quit;

	if (program->options.batch_count > 0) {
		interrupt_guest(program->monitor);
		return batch_run(&program->options, program->session, &program->terminal, &quit);
	}
	if (program->terminal.is_terminal && !program->terminal.json)
		greet(program);
	return program->options.gdb != NULL ? shell_beside_gdb(program) : run_shell(program);
}

/* --- gdb ------------------------------------------------------------------------------ */

static int
gdb(struct program *program)
{
	struct descry_error err;
	bool quit;
	int status;

	interrupt_guest(program->monitor);
	status = batch_run(&program->options, program->session, &program->terminal, &quit);
	interrupt_guest(NULL);
	if (status != EXIT_GOOD || quit)
		return status;
	if (open_gdb(program, program->options.listen, &err) != DESCRY_OK)
		return fail(program, &err);
	status = gdb_service_run(&program->gdb);
	gdb_service_close(&program->gdb);
	return status;
}

/* --- machine -------------------------------------------------------------------------- */

/* What the guest prints is for whoever sits here, and for a debugger that runs it. */
static void
console(void *owner, const char *text, size_t size)
{
	struct program *program = owner;

	terminal_console(&program->terminal, text, size);
	gdb_service_console(&program->gdb, text, size);
}

static enum descry_status
inject(struct program *program, struct descry_error *err)
{
	const struct options *options = &program->options;
	struct descry_injection injection;
	struct descry_error why;
	int number;

	for (size_t i = 0; i < options->injection_count; i++) {
		const char *text = options->injections[i];

		if (descry_injection_parse(program->monitor, text, &injection, &why) != DESCRY_OK ||
		    descry_monitor_inject(program->monitor, &injection, &number, &why) != DESCRY_OK)
			return descry_fail(err, why.status, "--inject '%.80s': %.200s", text,
					   why.text);
	}
	return DESCRY_OK;
}

static enum descry_status
open_machine(struct program *program, struct descry_error *err)
{
	struct descry_options *machine = &program->options.machine;
	const char *note;

	/*
	 * A comparison runs the guest many times over: its console says nothing about it. And it
	 * begins with the guest as it is under no strategy.
	 */
	if (program->options.verb != VERB_COMPARE)
		machine->console = console;
	machine->console_owner = program;
	if (descry_strategy_find(program->options.strategy, &program->strategy, err) != DESCRY_OK ||
	    descry_monitor_create(machine, &program->monitor, err) != DESCRY_OK)
		return err->status;
	if (descry_world_create(program->monitor, &program->world) != DESCRY_OK ||
	    descry_session_create(program->monitor, program->world, &program->session) != DESCRY_OK)
		return descry_fail(err, DESCRY_NO_MEMORY, "out of memory");
	if (program->options.verb != VERB_COMPARE)
		descry_world_choose(program->world, program->strategy);
	note = descry_monitor_note(program->monitor);
	if (note != NULL)
		terminal_error(&program->terminal, note);
	return inject(program, err);
}

static void
close_machine(struct program *program)
{
	descry_session_destroy(program->session);
	descry_world_destroy(program->world);
	descry_monitor_destroy(program->monitor);
}

static int
with_machine(struct program *program, int (*verb)(struct program *))
{
	struct descry_error err;
	int status;

	interrupt_install();
	if (open_machine(program, &err) != DESCRY_OK)
		status = fail(program, &err);
	else
		status = verb(program);
	close_machine(program);
	return status;
}

/* --- information about the program itself --------------------------------------------- */

static int
show_reference(struct program *program)
{
	const struct descry_sink sink = terminal_sink(&program->terminal);

	descry_command_reference(&sink);
	return EXIT_GOOD;
}

static int
dispatch(struct program *program)
{
	switch (program->options.verb) {
	case VERB_SHELL:
		return with_machine(program, shell);
	case VERB_RUN:
		return with_machine(program, run);
	case VERB_COMPARE:
		return with_machine(program, compare);
	case VERB_GDB:
		return with_machine(program, gdb);
	case VERB_HELP:
		fputs(options_help(), stdout);
		break;
	case VERB_VERSION:
		printf("descry %s\n", DESCRY_VERSION);
		break;
	case VERB_PROFILES:
		profiles_show(stdout);
		break;
	case VERB_REFERENCE:
		return show_reference(program);
	}
	return EXIT_GOOD;
}

int
main(int argc, char **argv)
{
	struct program program = { 0 };
	enum descry_status parsed;
	struct descry_error err;
	int status;

	terminal_init(&program.terminal);
	turn_init(&program.turn);
	program.gdb.terminal = &program.terminal;
	program.gdb.turn = &program.turn;
	parsed = options_parse(argc, argv, &program.options, &err);
	program.terminal.json = program.options.json;
	status = parsed == DESCRY_OK ? dispatch(&program) : fail(&program, &err);
	options_free(&program.options);
	turn_destroy(&program.turn);
	if (!terminal_close(&program.terminal))
		status = EXIT_BAD_END;
	return status;
}
