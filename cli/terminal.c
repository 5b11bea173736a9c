#include "terminal.h"

#include <descry/command.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/ioctl.h>

void
terminal_init(struct terminal *terminal)
{
	*terminal = (struct terminal){ .is_terminal = isatty(STDOUT_FILENO) };
}

static FILE *
console_of(const struct terminal *terminal)
{
	return terminal->json ? stderr : stdout;
}

/* On a terminal a prompt counts even without its newline; elsewhere whole lines are enough. */
void
terminal_console(void *owner, const char *text, size_t size)
{
	struct terminal *terminal = owner;

	if (size == 0)
		return;
	fwrite(text, 1, size, console_of(terminal));
	terminal->line_is_open = text[size - 1] != '\n';
	if (terminal->is_terminal || !terminal->line_is_open)
		fflush(console_of(terminal));
}

static void
close_line(struct terminal *terminal)
{
	if (terminal->line_is_open)
		fputc('\n', console_of(terminal));
	terminal->line_is_open = false;
}

/* A line that is open on standard error is in the way of standard output on a terminal only. */
static void
close_output(struct terminal *terminal)
{
	if (!terminal->json || terminal->is_terminal)
		close_line(terminal);
}

static void
write_text(void *owner, const char *text, size_t size)
{
	close_output(owner);
	fwrite(text, 1, size, stdout);
}

/* NO_COLOR: https://no-color.org, present and not empty. */
static bool
wants_colour(const struct terminal *terminal)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (!terminal->is_terminal || (no_color != NULL && *no_color != '\0'))
		return false;
	return term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

static unsigned
columns(const struct terminal *terminal)
{
	struct winsize size;

	if (!terminal->is_terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

struct descry_sink
terminal_sink(struct terminal *terminal)
{
	return (struct descry_sink){
		.owner = terminal,
		.write = write_text,
		.colour = !terminal->json && wants_colour(terminal),
		.json = terminal->json,
		.width = columns(terminal),
	};
}

/* What a user has typed comes back in errors: it must not move the cursor about. */
void
terminal_error(struct terminal *terminal, const char *text)
{
	char line[400];
	size_t size = 0;

	for (; text[size] != '\0' && size + 1 < sizeof(line); size++)
		line[size] = iscntrl((unsigned char)text[size]) ? '?' : text[size];
	line[size] = '\0';
	close_line(terminal);
	fflush(stdout);
	fprintf(stderr, "descry: %s\n", line);
}

void
terminal_fail(struct terminal *terminal, const struct descry_error *err)
{
	const struct descry_sink sink = terminal_sink(terminal);

	terminal_error(terminal, err->text);
	descry_error_render(err, &sink);
}

bool
terminal_close(struct terminal *terminal)
{
	const bool was_bad = ferror(stdout);

	close_output(terminal);
	if (fflush(stdout) == 0 && !was_bad)
		return true;
	fprintf(stderr, "descry: cannot write to standard output: %s\n", strerror(errno));
	return false;
}
