/*
 * silicon: random snippets on the CPU under us and on descry's, compared. Batches of
 * BATCH_MAX cases share a descriptor table; batch and case are known by the seed and
 * their numbers alone, so that --case N runs one again.
 */
#include "child.h"
#include "compare.h"
#include "model.h"
#include "probe.h"
#include "rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_PASSED = 0, EXIT_FAILED = 1, EXIT_BAD_USAGE = 2, EXIT_SKIPPED = 77 };

enum { REPORT_MAX = 20 }; /* reports of one run, unless --all */
enum { TALLY_MAX = 128 };

struct options {
	const char *host;
	const char *only;
	const char *why_no_host;
	uint64_t seed;
	uint64_t cases;
	uint64_t single; /* a case's number, or UINT64_MAX */
	bool all;
};

/* Cases of one kind, by a reason to skip them or by an instruction that fails. */
struct tally {
	const char *text;
	uint64_t count;
};

struct run {
	struct options options;
	struct child child;
	struct model *model;
	struct segments segments;
	struct batch batch;
	uint64_t passed, failed, skipped;
	struct tally skip[TALLY_MAX], fail[TALLY_MAX];

	/* the cases of the batch that have a result of the model */
	struct snippet snippet[BATCH_MAX];
	struct test_case sent[BATCH_MAX];
	uint64_t number[BATCH_MAX];
	struct test_result expected[BATCH_MAX];
	struct test_result seen[BATCH_MAX];
};

static uint64_t
seed_of(const struct run *run, uint64_t kind, uint64_t number)
{
	struct random r = { run->options.seed * 2 + kind };

	r.state = random_next(&r) ^ number * UINT64_C(0xd1342543de82ef95);
	return random_next(&r);
}

/* The last row takes what finds no room. */
static void
count_in(struct tally tally[TALLY_MAX], const char *text)
{
	unsigned i = 0;

	while (i < TALLY_MAX - 1 && tally[i].text && strcmp(tally[i].text, text) != 0)
		i++;
	if (!tally[i].text)
		tally[i].text = i < TALLY_MAX - 1 ? text : "others";
	tally[i].count++;
}

static void
print_tally(const char *what, const struct tally tally[TALLY_MAX])
{
	for (unsigned i = 0; i < TALLY_MAX && tally[i].text; i++)
		printf("%s %6" PRIu64 ": %s\n", what, tally[i].count, tally[i].text);
}

static void
skip(struct run *run, const char *why)
{
	run->skipped++;
	count_in(run->skip, why);
}

static void
fail(struct run *run, const struct snippet *snippet)
{
	run->failed++;
	count_in(run->fail, snippet->insn_count == 1 ? snippet->row[0]->name : "a sequence");
}

static bool
may_report(const struct run *run)
{
	return run->options.all || run->failed <= REPORT_MAX;
}

static void
fail_without_result(struct run *run, uint64_t number, const struct snippet *snippet,
		    const char *what)
{
	fail(run, snippet);
	if (!may_report(run))
		return;
	compare_describe(stdout, number, snippet);
	printf(" | %s\n", what);
}

static void
skip_not_modelled(struct run *run, uint64_t number, const struct snippet *snippet)
{
	skip(run, model_text(run->model));
	if (!run->options.all && run->options.single == UINT64_MAX)
		return;
	compare_describe(stdout, number, snippet);
	printf(" | not modelled: %s\n", model_text(run->model));
}

/* --- a batch -------------------------------------------------------------------------- */

static void
begin_batch(struct run *run, uint64_t number)
{
	struct random r = { seed_of(run, 0, number) };

	segments_choose(&run->segments, &r);
	run->batch = (struct batch){ .magic = BATCH_MAGIC, .fill = random_bits(&r) };
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		run->batch.slot[i] = run->segments.slot[i].descriptor;
	model_begin(run->model, &run->batch);
}

/* The case, or false when --only asks for others. */
static bool
build_case(struct run *run, uint64_t number, struct snippet *snippet)
{
	enum { TRIES = 20000 };
	struct random r = { seed_of(run, 1, number) };

	for (unsigned i = 0; i < TRIES; i++) {
		snippet_build(snippet, &run->segments, &r);
		if (!run->options.only || compare_has_mnemonic(snippet, run->options.only))
			return true;
	}
	return false;
}

/*
 * The model goes first: what it finds to leave the arena, or never to end, is not tried
 * on the CPU under us, where it could hit the helper itself.
 */
static void
add_case(struct run *run, uint64_t number)
{
	static const char *const why[MODEL_OUTCOME_COUNT] = {
		[MODEL_OUTSIDE] = "it left the arena",
		[MODEL_SYSTEM_TABLE] = "a selector named an entry of the host system's table",
		[MODEL_ASTRAY] = "a jump went into the middle of an instruction",
		[MODEL_ENDLESS] = "it did not end",
	};
	const uint32_t at = run->batch.count;
	struct snippet *snippet = &run->snippet[at];
	enum model_outcome outcome;

	if (!build_case(run, number, snippet)) {
		skip(run, "no snippet has what --only asks for");
		return;
	}
	outcome = model_run(run->model, snippet, &run->expected[at]);
	switch (outcome) {
	case MODEL_ENDED:
		run->sent[at] = snippet->test;
		run->number[at] = number;
		run->batch.count++;
		return;
	case MODEL_BROKEN:
		fail_without_result(run, number, snippet, model_text(run->model));
		return;
	case MODEL_NOT_MODELLED:
		skip_not_modelled(run, number, snippet);
		return;
	case MODEL_OUTSIDE:
	case MODEL_SYSTEM_TABLE:
	case MODEL_ASTRAY:
	case MODEL_ENDLESS:
	case MODEL_OUTCOME_COUNT:
		skip(run, why[outcome]);
		return;
	}
}

static void
judge(struct run *run, uint32_t at)
{
	const struct snippet *snippet = &run->snippet[at];
	const char *aside = compare_set_aside(snippet, &run->seen[at], &run->expected[at]);

	if (aside) {
		skip(run, aside);
		return;
	}
	if (compare_same(snippet, &run->seen[at], &run->expected[at])) {
		run->passed++;
		if (run->options.single == UINT64_MAX)
			return;
	} else {
		fail(run, snippet);
	}
	if (may_report(run))
		compare_report(stdout, run->number[at], snippet, &run->seen[at],
			       &run->expected[at]);
}

/* Case by case, to find the one that kills the helper. */
static const char *
run_one_by_one(struct run *run)
{
	struct batch one = run->batch;

	one.count = 1;
	for (uint32_t i = 0; i < run->batch.count; i++) {
		const char *problem = NULL;

		if (!run->child.pid)
			problem = child_start(&run->child, run->options.host);
		if (problem)
			return problem;
		if (child_run(&run->child, &one, &run->sent[i], &run->seen[i]))
			judge(run, i);
		else
			fail_without_result(run, run->number[i], &run->snippet[i],
					    "the helper died over it");
	}
	return NULL;
}

static const char *
finish_batch(struct run *run)
{
	if (!run->batch.count)
		return NULL;
	if (!run->child.pid || !child_run(&run->child, &run->batch, run->sent, run->seen))
		return run_one_by_one(run);
	for (uint32_t i = 0; i < run->batch.count; i++)
		judge(run, i);
	return NULL;
}

static const char *
run_range(struct run *run, uint64_t first, uint64_t end)
{
	const char *problem = NULL;

	for (uint64_t number = first; number < end && !problem;) {
		const uint64_t batch = number / BATCH_MAX;
		const uint64_t stop = (batch + 1) * BATCH_MAX;

		begin_batch(run, batch);
		for (; number < end && number < stop; number++)
			add_case(run, number);
		problem = finish_batch(run);
	}
	return problem;
}

/* --- options and the end -------------------------------------------------------------- */

static int
usage(const char *what)
{
	fprintf(stderr,
		"silicon: %s\nusage: silicon --host HELPER [--seed N] [--cases N] [--case N] "
		"[--only MNEMONIC] [--all] [--no-host REASON]\n",
		what);
	return EXIT_BAD_USAGE;
}

static bool
take_number(const char *text, uint64_t *number)
{
	char *end;

	*number = strtoull(text, &end, 0);
	return *text && !*end;
}

static const char *
take_option(struct options *options, const char *name, const char *value)
{
	if (!value)
		return "an option lacks its value";
	if (strcmp(name, "--host") == 0)
		options->host = value;
	else if (strcmp(name, "--no-host") == 0)
		options->why_no_host = value;
	else if (strcmp(name, "--only") == 0)
		options->only = value;
	else if (strcmp(name, "--seed") == 0)
		return take_number(value, &options->seed) ? NULL : "--seed wants a number";
	else if (strcmp(name, "--cases") == 0)
		return take_number(value, &options->cases) ? NULL : "--cases wants a number";
	else if (strcmp(name, "--case") == 0)
		return take_number(value, &options->single) ? NULL : "--case wants a number";
	else
		return "no such option";
	return NULL;
}

static const char *
take_options(struct options *options, int count, char **arguments)
{
	const char *problem = NULL;

	for (int i = 1; i < count && !problem; i++) {
		if (strcmp(arguments[i], "--all") == 0) {
			options->all = true;
			continue;
		}
		problem = take_option(options, arguments[i], arguments[i + 1]);
		i++;
	}
	if (!problem && !options->host && !options->why_no_host)
		problem = "--host says where silicon_host is";
	return problem;
}

static int
skipped(const char *why)
{
	printf("skipped: %s\n", why);
	return EXIT_SKIPPED;
}

static int
conclude(const struct run *run)
{
	print_tally("skipped", run->skip);
	print_tally("failed ", run->fail);
	printf("%" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped\n", run->passed,
	       run->failed, run->skipped);
	return run->failed || (!run->passed && run->options.single == UINT64_MAX) ? EXIT_FAILED
										  : EXIT_PASSED;
}

/* Fills in .model; NULL or what is wrong. */
static const char *
make_model(struct run *run)
{
	bool works;
	const bool wrap_faults = probe_wrap_faults(&run->child, &works);

	if (!works)
		return "the helper died over its first case";
	printf("an access that wraps at 4 GiB %s on the CPU under us\n",
	       wrap_faults ? "faults" : "does not fault");
	run->model = model_create(wrap_faults);
	return run->model ? NULL : "no memory";
}

static int
compare_all(struct run *run)
{
	const struct options *options = &run->options;
	const bool single = options->single != UINT64_MAX;
	const char *problem = child_start(&run->child, options->host);

	if (problem && run->child.unsupported)
		return skipped(problem);
	if (!problem)
		problem = make_model(run);
	if (!problem)
		problem = run_range(run, single ? options->single : 0,
				    single ? options->single + 1 : options->cases);
	child_stop(&run->child);
	if (problem) {
		printf("failed: %s\n", problem);
		return EXIT_FAILED;
	}
	return conclude(run);
}

int
main(int count, char **arguments)
{
	struct run *run = calloc(1, sizeof(*run));
	const char *problem;
	int status;

	if (!run)
		return usage("no memory");
	run->options = (struct options){ .seed = 1, .cases = 20000, .single = UINT64_MAX };
	problem = take_options(&run->options, count, arguments);
	if (problem)
		status = usage(problem);
	else if (run->options.why_no_host)
		status = skipped(run->options.why_no_host);
	else
		status = compare_all(run);
	model_destroy(run->model);
	free(run);
	return status;
}
