#include "interrupt.h"

#include "batch.h"

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

/* Set before, and cleared after, what it ends. */
static void (*_Atomic end)(void *owner);
static void *_Atomic end_owner;

static void
on_interrupt(int signal_number)
{
	static const char line[] = "descry: interrupted\n";
	struct descry_monitor *monitor = atomic_load(&guest);
	void (*ends)(void *) = atomic_load(&end);

	(void)signal_number;
	if (ends != NULL) {
		ends(atomic_load(&end_owner));
	} else if (monitor != NULL) {
		descry_monitor_interrupt(monitor);
	} else if (atomic_load(&at_prompt)) {
		atomic_store(&pressed, true);
	} else {
		if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
			_exit(EXIT_BAD_END);
		_exit(EXIT_BAD_END);
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

void
interrupt_end(void (*fn)(void *owner), void *owner)
{
	atomic_store(&end, NULL);
	atomic_store(&end_owner, owner);
	atomic_store(&end, fn);
}

bool
interrupt_pressed(void)
{
	return atomic_exchange(&pressed, false);
}
