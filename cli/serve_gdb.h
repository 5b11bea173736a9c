/*
 * Debuggers: as what the program is there for, and on a thread beside the shell.
 */
#ifndef DESCRY_CLI_SERVE_GDB_H
#define DESCRY_CLI_SERVE_GDB_H

#include "terminal.h"
#include "turn.h"

#include <descry/command.h>
#include <descry/gdbstub.h>

struct gdb_service {
	struct descry_gdb *gdb; /* NULL: not open */
	struct terminal *terminal;
	struct turn *turn;
	pthread_t thread;
};

/* Listens. */
enum descry_status gdb_service_open(struct gdb_service *service, const char *address,
				    struct descry_monitor *monitor, struct descry_world *world,
				    struct descry_session *session, struct descry_error *err);
void gdb_service_close(struct gdb_service *service);

/* Says where, and serves until a debugger ends the guest, or Ctrl-C; the exit status. */
int gdb_service_run(struct gdb_service *service);

/* Says where, and serves on a thread from start to stop. */
enum descry_status gdb_service_start(struct gdb_service *service, struct descry_error *err);
void gdb_service_stop(struct gdb_service *service);

/* What the guest prints, for the debugger that runs it. */
void gdb_service_console(struct gdb_service *service, const char *text, size_t size);

#endif
