#include "compare.h"

#include "batch.h"
#include "expect.h"
#include "interrupt.h"

#include <stdlib.h>
#include <unistd.h>

struct course {
	struct terminal *terminal;
	struct expectations expectations;
	struct descry_when *at;
	struct descry_points *points; /* of several boundaries; NULL: of one */
	bool no_memory;
};

/* --- what is asked for ---------------------------------------------------------------- */

static unsigned
default_jobs(void)
{
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors > 0 ? (unsigned)processors : 1;
}

static enum descry_status
parse_boundaries(const struct options *options, struct descry_monitor *monitor,
		 struct course *course, struct descry_error *err)
{
	struct descry_error why;

	course->at = calloc(options->at_count + 1, sizeof(*course->at));
	if (course->at == NULL)
		return descry_fail(err, DESCRY_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < options->at_count; i++)
		if (descry_boundary_parse(monitor, options->at[i], &course->at[i], &why) !=
		    DESCRY_OK)
			return descry_fail(err, why.status, "--at '%.60s': %.220s", options->at[i],
					   why.text);
	return DESCRY_OK;
}

static enum descry_status
parse_expectations(const struct options *options, const struct descry_strategy *only,
		   struct course *course, struct descry_error *err)
{
	for (size_t i = 0; i < options->expect_count; i++)
		if (expect_parse(&course->expectations, options->expect[i], only, err) != DESCRY_OK)
			return err->status;
	return DESCRY_OK;
}

/* --- what comes of it ----------------------------------------------------------------- */

static void
receive(void *owner, struct descry_compare *compare)
{
	struct course *course = owner;
	const struct descry_sink sink = terminal_sink(course->terminal);

	if (course->points == NULL)
		descry_compare_render(compare, &sink);
	else if (descry_points_add(course->points, compare) != DESCRY_OK)
		course->no_memory = true;
	expect_check(&course->expectations, compare);
	descry_compare_free(compare);
}

static enum descry_status
run(struct course *course, struct descry_monitor *monitor,
    const struct descry_compare_request *request, struct descry_error *err)
{
	const struct descry_sink sink = terminal_sink(course->terminal);
	enum descry_status status;

	if ((request->at_count > 1 || request->every != 0) &&
	    descry_points_create(course->terminal->json, &course->points) != DESCRY_OK)
		return descry_fail(err, DESCRY_NO_MEMORY, "out of memory");
	interrupt_guest(monitor);
	status = descry_compare_run(monitor, request, receive, course, err);
	interrupt_guest(NULL);
	if (status == DESCRY_OK && course->no_memory)
		status = descry_fail(err, DESCRY_NO_MEMORY, "out of memory");
	if (status == DESCRY_OK && course->points != NULL)
		descry_points_render(course->points, &sink);
	return status;
}

/* --- the verb ------------------------------------------------------------------------- */

int
compare_verb(const struct options *options, struct descry_monitor *monitor,
	     const struct descry_world *world, const struct descry_strategy *only,
	     struct terminal *terminal)
{
	struct course course = { .terminal = terminal };
	struct descry_compare_request request = {
		.at_count = options->at_count,
		.every = options->every,
		.every_most = options->every_most,
		.only = only,
		.world = world,
		.jobs = options->jobs != 0 ? options->jobs : default_jobs(),
	};
	struct descry_error err;
	enum descry_status status = parse_boundaries(options, monitor, &course, &err);
	bool as_expected;

	request.at = course.at;
	if (status == DESCRY_OK)
		status = parse_expectations(options, request.only, &course, &err);
	if (status == DESCRY_OK)
		status = run(&course, monitor, &request, &err);
	if (status != DESCRY_OK)
		terminal_fail(terminal, &err);
	as_expected = expect_tell(&course.expectations, terminal);
	descry_points_free(course.points);
	expect_free(&course.expectations);
	free(course.at);
	if (status != DESCRY_OK)
		return batch_exit_status(status);
	return as_expected ? EXIT_GOOD : EXIT_ASSERTION;
}
