#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit statuses of a child that could not become the helper. */
enum { NO_32_BIT = 126, NO_FILE = 127 };

static void
run_helper(const char *path, const int to[2], const int from[2])
{
	dup2(to[0], STDIN_FILENO);
	dup2(from[1], STDOUT_FILENO);
	close(to[0]);
	close(to[1]);
	close(from[0]);
	close(from[1]);
	execl(path, path, (char *)NULL);
	_exit(errno == ENOEXEC ? NO_32_BIT : NO_FILE);
}

static bool
spawn(struct child *child)
{
	int to[2], from[2];

	if (pipe(to) != 0 || pipe(from) != 0)
		return false;
	child->pid = fork();
	if (child->pid == 0)
		run_helper(child->path, to, from);
	close(to[0]);
	close(from[1]);
	child->to = fdopen(to[1], "wb");
	child->from = fdopen(from[0], "rb");
	return child->pid > 0 && child->to && child->from;
}

/* What its first word says: NULL when it is ready. */
static const char *
understand(struct child *child, uint32_t status)
{
	static const char *const text[HOST_STATUS_COUNT] = {
		[HOST_NO_MODIFY_LDT] = "this system has no modify_ldt(2) with 16-bit segments",
		[HOST_NO_ARENA] = "the helper cannot map memory at the address of the arena",
		[HOST_NO_SIGNALS] = "the helper cannot install its signal handlers",
	};

	child->unsupported = status == HOST_NO_MODIFY_LDT;
	return status < HOST_STATUS_COUNT ? text[status] : "the helper speaks another protocol";
}

/* Of a child that ended without a word. */
static const char *
understand_silence(struct child *child)
{
	const int status = child_stop(child);

	child->unsupported = WIFEXITED(status) && WEXITSTATUS(status) == NO_32_BIT;
	if (child->unsupported)
		return "this system runs no 32-bit programs";
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILE)
		return "the helper that --host names cannot be run";
	return "the helper ended without a word";
}

const char *
child_start(struct child *child, const char *path)
{
	uint32_t status;

	signal(SIGPIPE, SIG_IGN); /* a dead helper is a result, not our end */
	child->path = path;
	child->unsupported = false;
	if (!spawn(child))
		return "no process for the helper";
	if (fread(&status, sizeof(status), 1, child->from) != 1)
		return understand_silence(child);
	return understand(child, status);
}

bool
child_run(struct child *child, const struct batch *batch, const struct test_case *cases,
	  struct test_result *results)
{
	fwrite(batch, sizeof(*batch), 1, child->to);
	fwrite(cases, sizeof(*cases), batch->count, child->to);
	fflush(child->to);
	if (fread(results, sizeof(*results), batch->count, child->from) == batch->count)
		return true;
	child_stop(child);
	return false;
}

int
child_stop(struct child *child)
{
	int status = 0;

	if (child->to)
		fclose(child->to);
	if (child->from)
		fclose(child->from);
	if (child->pid > 0)
		waitpid(child->pid, &status, 0);
	child->to = NULL;
	child->from = NULL;
	child->pid = 0;
	return status;
}
