#include "shell.h"

#include "batch.h"
#include "history.h"
#include "interrupt.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#define HISTORY_LINES 1000
#define PROMPT "(descry) "

struct shell {
	struct descry_session *session;
	struct descry_monitor *monitor;
	struct terminal *terminal;
	struct turn *turn;
	char repeat[DESCRY_LINE_MAX]; /* what an empty line means; empty: nothing */
};

/* --- completion: readline hands its callbacks no argument ----------------------------- */

static struct descry_session *completion_session;

struct candidates {
	char **list; /* as rl_completion_matches() makes them: the common part first */
	size_t count, room;
};

static void
add_candidate(void *owner, const char *candidate)
{
	struct candidates *all = owner;
	char **grown;

	for (size_t i = 1; i <= all->count; i++) {
		if (strcmp(all->list[i], candidate) == 0)
			return;
	}
	if (all->count + 2 >= all->room) {
		grown = realloc(all->list, (all->room * 2 + 16) * sizeof(*grown));
		if (grown == NULL)
			return;
		all->list = grown;
		all->room = all->room * 2 + 16;
	}
	all->list[++all->count] = strdup(candidate);
	all->list[all->count + 1] = NULL;
}

static char *
common_part(const struct candidates *all)
{
	size_t size = strlen(all->list[1]);

	for (size_t i = 2; i <= all->count; i++) {
		size_t same = 0;

		while (same < size && all->list[1][same] == all->list[i][same])
			same++;
		size = same;
	}
	return strndup(all->list[1], size);
}

static char **
complete(const char *text, int start, int end)
{
	struct candidates all = { 0 };
	char line[DESCRY_LINE_MAX];
	size_t size;

	(void)text;
	(void)start;
	rl_attempted_completion_over = 1;
	snprintf(line, sizeof(line), "%.*s", end, rl_line_buffer);
	if (descry_command_complete(completion_session, line, add_candidate, &all) ==
	    DESCRY_COMPLETE_FILES) {
		rl_attempted_completion_over = 0;
		return NULL;
	}
	if (all.count == 0)
		return NULL;
	all.list[0] = common_part(&all);
	size = strlen(all.list[1]);
	if (all.count == 1) {
		free(all.list[1]);
		all.list[1] = NULL;
		if (size > 0 && all.list[0][size - 1] == ':')
			rl_completion_append_character = '\0'; /* an address goes on */
	}
	return all.list;
}

/* --- readline ------------------------------------------------------------------------- */

/* Ctrl-C at the prompt: the line is dropped, the shell stays. */
static int
drop_line(void)
{
	if (!interrupt_pressed())
		return 0;
	rl_replace_line("", 0);
	rl_crlf();
	rl_on_new_line();
	rl_redisplay();
	return 0;
}

static void
start_readline(struct shell *shell)
{
	char path[PATH_MAX];

	completion_session = shell->session;
	rl_readline_name = "descry";
	rl_catch_signals = 0;
	rl_signal_event_hook = drop_line;
	rl_attempted_completion_function = complete;
	rl_completer_word_break_characters = DESCRY_COMPLETION_BREAKS;
	using_history();
	stifle_history(HISTORY_LINES);
	if (history_path(path, sizeof(path)))
		read_history(path);
}

/* A history that cannot be written is no reason to stop anybody. */
static void
end_readline(void)
{
	char path[PATH_MAX];

	if (!history_path(path, sizeof(path)))
		return;
	history_make_folders(path);
	write_history(path);
}

static void
remember(const char *line)
{
	const HIST_ENTRY *last =
		history_length > 0 ? history_get(history_base + history_length - 1) : NULL;

	if (line[strspn(line, " \t")] != '\0' && (last == NULL || strcmp(last->line, line) != 0))
		add_history(line);
}

/* --- one line ------------------------------------------------------------------------- */

/* A debugger has it while it runs the guest. Ctrl-C, as always, stops the guest. */
static void
wait_for_turn(struct shell *shell)
{
	if (turn_take_soon(shell->turn))
		return;
	fprintf(stderr, "descry: the guest runs for a debugger; Ctrl-C stops it\n");
	turn_take(shell->turn);
}

static enum descry_command_result
execute(struct shell *shell, const char *line, struct descry_error *err)
{
	const struct descry_sink sink = terminal_sink(shell->terminal);
	enum descry_command_result result;

	interrupt_guest(shell->monitor);
	wait_for_turn(shell);
	result = descry_command_execute(shell->session, line, &sink, err);
	interrupt_prompt(shell->monitor);
	fflush(stdout);
	turn_give(shell->turn);
	return result;
}

/* False: the user leaves. */
static bool
interact_once(struct shell *shell)
{
	char *line = readline(PROMPT);
	enum descry_command_result result;
	struct descry_error err;
	char now[DESCRY_LINE_MAX];

	if (line == NULL) {
		fputc('\n', stdout);
		return false;
	}
	remember(line);
	snprintf(now, sizeof(now), "%s", line);
	if (line[strspn(line, " \t")] == '\0')
		snprintf(now, sizeof(now), "%s", shell->repeat);
	else if (!descry_command_repeat(line, shell->repeat, sizeof(shell->repeat)))
		shell->repeat[0] = '\0';
	result = execute(shell, strlen(line) < sizeof(now) ? now : line, &err);
	free(line);
	if (err.status != DESCRY_OK)
		terminal_fail(shell->terminal, &err);
	return result != DESCRY_COMMAND_QUIT;
}

static int
interact(struct shell *shell)
{
	start_readline(shell);
	interrupt_prompt(shell->monitor);
	while (interact_once(shell))
		;
	end_readline();
	return EXIT_GOOD;
}

/* --- lines from a pipe ---------------------------------------------------------------- */

static int
read_lines(struct shell *shell)
{
	enum descry_command_result result = DESCRY_COMMAND_OK;
	int exit_status = EXIT_GOOD;
	struct descry_error err, told;
	unsigned number = 0;
	char *line = NULL;
	size_t room = 0;

	while (result != DESCRY_COMMAND_QUIT && getline(&line, &room, stdin) >= 0) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		result = execute(shell, line, &err);
		if (err.status == DESCRY_OK)
			continue;
		descry_fail(&told, err.status, "stdin:%u: %.290s", number, err.text);
		terminal_fail(shell->terminal, &told);
		if (exit_status == EXIT_GOOD)
			exit_status = batch_exit_status(err.status);
	}
	free(line);
	return exit_status;
}

int
shell_run(struct descry_session *session, struct descry_monitor *monitor, struct terminal *terminal,
	  struct turn *turn)
{
	struct shell shell = { session, monitor, terminal, turn, "" };

	if (isatty(STDIN_FILENO) && terminal->is_terminal)
		return interact(&shell);
	return read_lines(&shell);
}
