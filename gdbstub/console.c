#include "console.h"

#include <string.h>

void
console_init(struct console *console, struct connection *connection)
{
	pthread_mutex_init(&console->lock, NULL);
	console->connection = connection;
	atomic_init(&console->muted, false);
	console->size = 0;
}

void
console_destroy(struct console *console)
{
	pthread_mutex_destroy(&console->lock);
}

static void
flush(struct console *console)
{
	if (console->size > 0 && !atomic_load(&console->muted))
		connection_output(console->connection, console->text, console->size);
	console->size = 0;
}

void
console_write(struct console *console, const char *text, size_t size)
{
	pthread_mutex_lock(&console->lock);
	while (size > 0) {
		const size_t room = sizeof(console->text) - console->size;
		const size_t part = size < room ? size : room;

		memcpy(console->text + console->size, text, part);
		console->size += part;
		text += part;
		size -= part;
		if (console->size == sizeof(console->text))
			flush(console);
	}
	pthread_mutex_unlock(&console->lock);
}

void
console_flush(struct console *console)
{
	pthread_mutex_lock(&console->lock);
	flush(console);
	pthread_mutex_unlock(&console->lock);
}

void
console_try_flush(struct console *console)
{
	if (pthread_mutex_trylock(&console->lock) != 0)
		return;
	if (connection_has_room(console->connection))
		flush(console);
	pthread_mutex_unlock(&console->lock);
}

void
console_mute(struct console *console)
{
	atomic_store(&console->muted, true);
}

bool
console_unmute(struct console *console)
{
	return atomic_exchange(&console->muted, false);
}
