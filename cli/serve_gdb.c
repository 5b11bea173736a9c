#include "serve_gdb.h"

#include "batch.h"
#include "interrupt.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static void
lock(void *owner)
{
	const struct gdb_service *service = owner;

	turn_take(service->turn);
}

static void
unlock(void *owner)
{
	const struct gdb_service *service = owner;

	turn_give(service->turn);
}

static void
tell(void *owner, const char *line)
{
	const struct gdb_service *service = owner;

	turn_take(service->turn);
	terminal_error(service->terminal, line);
	turn_give(service->turn);
}

enum descry_status
gdb_service_open(struct gdb_service *service, const char *address, struct descry_monitor *monitor,
		 struct descry_world *world, struct descry_session *session,
		 struct descry_error *err)
{
	const struct descry_gdb_options options = {
		.monitor = monitor,
		.world = world,
		.session = session,
		.address = address,
		.lock = lock,
		.unlock = unlock,
		.tell = tell,
		.owner = service,
	};

	return descry_gdb_create(&options, &service->gdb, err);
}

void
gdb_service_close(struct gdb_service *service)
{
	descry_gdb_destroy(service->gdb);
	service->gdb = NULL;
}

static void
announce(struct gdb_service *service)
{
	const char *where = descry_gdb_address(service->gdb);
	char line[400];

	snprintf(line, sizeof(line), "gdb: listening on %s (in gdb: target remote %s)", where,
		 where);
	terminal_error(service->terminal, line);
}

void
gdb_service_console(struct gdb_service *service, const char *text, size_t size)
{
	if (service->gdb != NULL)
		descry_gdb_console(service->gdb, text, size);
}

/* --- alone ---------------------------------------------------------------------------- */

static void
stop(void *owner)
{
	descry_gdb_stop(owner);
}

int
gdb_service_run(struct gdb_service *service)
{
	enum descry_gdb_end end;

	interrupt_end(stop, service->gdb);
	announce(service);
	end = descry_gdb_serve(service->gdb);
	interrupt_end(NULL, NULL);
	return end == DESCRY_GDB_BROKEN ? EXIT_BAD_END : EXIT_GOOD;
}

/* --- beside the shell ----------------------------------------------------------------- */

/* A debugger that ends the guest does not end the shell: the next one may come. */
static void *
serve(void *owner)
{
	struct gdb_service *service = owner;

	while (descry_gdb_serve(service->gdb) == DESCRY_GDB_KILLED)
		;
	return NULL;
}

/* Signals are the shell's: Ctrl-C has to wake its prompt. */
enum descry_status
gdb_service_start(struct gdb_service *service, struct descry_error *err)
{
	sigset_t all, before;
	int error;

	announce(service);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&service->thread, NULL, serve, service);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		return descry_fail(err, DESCRY_NO_MEMORY, "gdb: no thread to serve on: %s",
				   strerror(error));
	return DESCRY_OK;
}

void
gdb_service_stop(struct gdb_service *service)
{
	descry_gdb_stop(service->gdb);
	pthread_join(service->thread, NULL);
}
