/* MAP_ANONYMOUS */
#define _DEFAULT_SOURCE

#include "world/pool.h"

#include "handle.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 256u

/* What becomes of one index. */
struct slot {
	bool done;
	enum descry_status status;
	pid_t by; /* who has taken it */
};

/* In shared memory; the slots, and then the results, follow it. */
struct board {
	atomic_size_t next; /* index that nobody has taken */
	struct slot slot[];
};

struct pool {
	struct descry_monitor *monitor;
	const struct pool_work *work;
	struct board *board;
	uint8_t *results;
	size_t board_size;
	pid_t pid[JOBS_MAX];
	unsigned running;
	int life[2];   /* a pipe: its reading end comes to an end when all workers have */
	sigset_t mask; /* as it was; until the end SIGINT is let in only while we wait */
	bool interrupted;
	struct descry_error *err;
};

/* --- the shared memory ---------------------------------------------------------------- */

static bool
open_board(struct pool *pool)
{
	const struct pool_work *work = pool->work;
	const size_t slots = sizeof(struct board) + work->count * sizeof(struct slot);
	const size_t aligned = (slots + 63) / 64 * 64;

	pool->board_size = aligned + work->count * work->size;
	pool->board = mmap(NULL, pool->board_size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pool->results = (uint8_t *)pool->board + aligned;
	return pool->board != MAP_FAILED;
}

/* --- a worker ------------------------------------------------------------------------- */

/* Never returns. Ctrl-C ends it; the one that has started it says so. */
static void
be_worker(const struct pool *pool)
{
	const struct pool_work *work = pool->work;
	size_t index;

	signal(SIGINT, SIG_DFL);
	sigprocmask(SIG_SETMASK, &pool->mask, NULL);
	close(pool->life[0]);
	while ((index = atomic_fetch_add(&pool->board->next, 1)) < work->count) {
		struct slot *slot = &pool->board->slot[index];

		slot->by = getpid();
		slot->status = work->run(work->owner, index, pool->results + index * work->size);
		slot->done = true;
	}
	_exit(0);
}

static void
start_workers(struct pool *pool, unsigned jobs)
{
	for (; pool->running < jobs; pool->running++) {
		const pid_t pid = fork();

		if (pid < 0)
			break; /* fewer do as well */
		if (pid == 0)
			be_worker(pool);
		pool->pid[pool->running] = pid;
	}
	close(pool->life[1]);
}

/* --- their end ------------------------------------------------------------------------ */

static void
stop_workers(const struct pool *pool)
{
	for (unsigned i = 0; i < pool->running; i++)
		kill(pool->pid[i], SIGKILL);
}

static const char *
name_of_unfinished(const struct pool *pool, pid_t pid)
{
	const struct pool_work *work = pool->work;

	for (size_t i = 0; i < work->count; i++) {
		const struct slot *slot = &pool->board->slot[i];

		if (slot->by == pid && !slot->done)
			return work->name(work->owner, i);
	}
	return "its end";
}

/* The first death is the one that is told. */
static void
on_end(struct pool *pool, pid_t pid, int status)
{
	const bool by_signal = WIFSIGNALED(status);

	if (by_signal && WTERMSIG(status) == SIGINT)
		pool->interrupted = true;
	else if ((by_signal || WEXITSTATUS(status) != 0) && pool->err->status == DESCRY_OK)
		descry_fail(pool->err, DESCRY_IO_ERROR, "a process died at %.60s: %s %d",
			    name_of_unfinished(pool, pid), by_signal ? "signal" : "status",
			    by_signal ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* True: nothing has happened but that somebody may have pressed Ctrl-C. */
static bool
wait_for_any(const struct pool *pool)
{
	fd_set ends;

	FD_ZERO(&ends);
	FD_SET(pool->life[0], &ends);
	return pselect(pool->life[0] + 1, &ends, NULL, NULL, NULL, &pool->mask) < 0 &&
	       errno == EINTR;
}

static void
wait_for_workers(struct pool *pool)
{
	while (wait_for_any(pool)) {
		if (atomic_load(&pool->monitor->interrupted)) {
			pool->interrupted = true;
			stop_workers(pool);
		}
	}
	for (unsigned i = 0; i < pool->running; i++) {
		int status;

		if (waitpid(pool->pid[i], &status, 0) == pool->pid[i])
			on_end(pool, pool->pid[i], status);
	}
	close(pool->life[0]);
}

/* --- all of it ------------------------------------------------------------------------ */

enum descry_status
pool_fail(struct descry_error *err, enum descry_status status)
{
	return descry_fail(err, status, "%s",
			   status == DESCRY_IO_ERROR ? "interrupted" : descry_status_text(status));
}

static enum descry_status
first_failure(const struct pool *pool)
{
	for (size_t i = 0; i < pool->work->count; i++)
		if (pool->board->slot[i].status != DESCRY_OK)
			return pool->board->slot[i].status;
	return DESCRY_OK;
}

static enum descry_status
conclude(struct pool *pool, void *out)
{
	enum descry_status status;

	if (pool->interrupted) {
		descry_monitor_clear_interrupt(pool->monitor);
		return descry_fail(pool->err, DESCRY_IO_ERROR, "interrupted");
	}
	if (pool->err->status != DESCRY_OK)
		return pool->err->status;
	memcpy(out, pool->results, pool->work->count * pool->work->size);
	status = first_failure(pool);
	return status == DESCRY_OK ? DESCRY_OK : pool_fail(pool->err, status);
}

static enum descry_status
run_here(const struct pool_work *work, uint8_t *out, struct descry_error *err)
{
	for (size_t i = 0; i < work->count; i++) {
		const enum descry_status status = work->run(work->owner, i, out + i * work->size);

		if (status != DESCRY_OK)
			return pool_fail(err, status);
	}
	return DESCRY_OK;
}

static enum descry_status
run_in_processes(struct pool *pool, unsigned jobs, void *out)
{
	sigset_t interrupt;

	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, &pool->mask);
	start_workers(pool, jobs);
	wait_for_workers(pool);
	sigprocmask(SIG_SETMASK, &pool->mask, NULL);
	if (pool->running == 0)
		return run_here(pool->work, out, pool->err);
	return conclude(pool, out);
}

enum descry_status
pool_run(struct descry_monitor *monitor, const struct pool_work *work, unsigned jobs, void *out,
	 struct descry_error *err)
{
	struct pool pool = { .monitor = monitor, .work = work, .err = err };
	enum descry_status status;

	*err = (struct descry_error){ .status = DESCRY_OK };
	if (jobs > work->count)
		jobs = (unsigned)work->count;
	if (jobs <= 1)
		return run_here(work, out, err);
	if (!open_board(&pool))
		return descry_fail(err, DESCRY_NO_MEMORY, "out of memory");
	if (pipe(pool.life) == 0)
		status = run_in_processes(&pool, jobs < JOBS_MAX ? jobs : JOBS_MAX, out);
	else
		status = descry_fail(err, DESCRY_IO_ERROR, "no pipe for the processes");
	munmap(pool.board, pool.board_size);
	return status;
}
