#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

/*
 * A signal handler has no argument, so this is the one place of the program that keeps
 * state of its own.
 */
static struct descry_monitor *_Atomic guest; /* runs now; NULL: none */
static atomic_bool at_prompt;
static atomic_bool pressed;

static void
on_interrupt(int signal_number)
{
	static const char line[] = "descry: interrupted\n";
	struct descry_monitor *monitor = atomic_load(&guest);

	(void)signal_number;
	if (monitor != NULL) {
		descry_monitor_interrupt(monitor);
	} else if (atomic_load(&at_prompt)) {
		atomic_store(&pressed, true);
	} else {
		if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
			_exit(6);
		_exit(6);
	}
}

/* Without SA_RESTART: a read at the prompt has to return. */
void
interrupt_install(void)
{
	struct sigaction action = { .sa_handler = on_interrupt };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
}

void
interrupt_guest(struct descry_monitor *monitor)
{
	atomic_store(&guest, monitor);
}

void
interrupt_prompt(struct descry_monitor *monitor)
{
	atomic_store(&at_prompt, true);
	atomic_store(&guest, NULL);
	atomic_store(&pressed, false);
	descry_monitor_clear_interrupt(monitor);
}

bool
interrupt_pressed(void)
{
	return atomic_exchange(&pressed, false);
}
