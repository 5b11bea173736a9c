/*
 * Work shared by processes: the same results whatever their number, and one line about each
 * way in which it can go wrong.
 */
#include "handle.h"
#include "world/pool.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT 40u
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* What happens at one index; everywhere else a square is computed. */
struct trouble {
	size_t index;
	enum { NONE, CRASH, LEAVE, FAIL, INTERRUPT } kind;
	pid_t parent;
};

static struct descry_monitor monitor;

static void
interrupt_monitor(int number)
{
	(void)number;
	atomic_store(&monitor.interrupted, true);
}

static enum descry_status
square(void *owner, size_t index, void *result)
{
	const struct trouble *trouble = owner;
	uint64_t *number = result;

	*number = index * index;
	if (trouble->kind == NONE || index != trouble->index)
		return DESCRY_OK;
	switch (trouble->kind) {
	case CRASH:
		raise(SIGKILL);
		break;
	case LEAVE:
		_exit(3);
	case FAIL:
		return DESCRY_NO_MEMORY;
	case INTERRUPT:
		kill(trouble->parent, SIGINT);
		pause();
		break;
	case NONE:
		break;
	}
	return DESCRY_OK;
}

static const char *
name(void *owner, size_t index)
{
	(void)owner;
	return index == 17 ? "seventeen" : "another";
}

static enum descry_status
run(struct trouble *trouble, unsigned jobs, uint64_t out[COUNT], struct descry_error *err)
{
	const struct pool_work work = {
		.count = COUNT,
		.size = sizeof(out[0]),
		.run = square,
		.owner = trouble,
		.name = name,
	};

	memset(out, 0, COUNT * sizeof(out[0]));
	return pool_run(&monitor, &work, jobs, out, err);
}

static void
expect_no_children(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
test_results(void **state)
{
	static const unsigned jobs[] = { 0, 1, 2, 3, 7, COUNT, 1000 };
	struct trouble none = { .kind = NONE };
	uint64_t out[COUNT];
	struct descry_error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(jobs); i++) {
		print_message("%u jobs\n", jobs[i]);
		assert_int_equal(run(&none, jobs[i], out, &err), DESCRY_OK);
		for (size_t k = 0; k < COUNT; k++)
			assert_int_equal(out[k], k * k);
		expect_no_children();
	}
}

static const struct {
	const char *what;
	struct trouble trouble;
	unsigned jobs;
	enum descry_status status;
	const char *says;
} troubles[] = {
	{ "killed", { 17, CRASH, 0 }, 2, DESCRY_IO_ERROR, "a process died at seventeen: signal 9" },
	{ "left", { 17, LEAVE, 0 }, 5, DESCRY_IO_ERROR, "a process died at seventeen: status 3" },
	{ "failed", { 5, FAIL, 0 }, 3, DESCRY_NO_MEMORY, "memory" },
	{ "failed in this process", { 5, FAIL, 0 }, 1, DESCRY_NO_MEMORY, "memory" },
	{ "interrupted", { 3, INTERRUPT, 0 }, 2, DESCRY_IO_ERROR, "interrupted" },
};

static void
test_troubles(void **state)
{
	struct sigaction action = { .sa_handler = interrupt_monitor };
	uint64_t out[COUNT];
	struct descry_error err;

	(void)state;
	sigaction(SIGINT, &action, NULL);
	for (size_t i = 0; i < COUNT_OF(troubles); i++) {
		struct trouble trouble = troubles[i].trouble;

		trouble.parent = getpid();
		print_message("%s\n", troubles[i].what);
		assert_int_equal(run(&trouble, troubles[i].jobs, out, &err), troubles[i].status);
		print_message("    %s\n", err.text);
		assert_non_null(strstr(err.text, troubles[i].says));
		assert_null(strchr(err.text, '\n'));
		assert_false(atomic_load(&monitor.interrupted));
		expect_no_children();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_troubles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
