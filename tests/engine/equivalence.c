/*
 * Random programs, each run in every way that the engine has: in single steps, in pieces, in
 * one piece, chained and unchained, with breakpoints, watched segments and kicks. All must
 * come to the same state, memory, provenance, port accesses and events. The oracle is the
 * run in single steps: there is no block to cut and nothing to chain; and in every few
 * programs each step decodes anew, so that nothing can be stale.
 */
#include "compare.h"

#include <descry/disas.h>

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One in so many programs runs for long, in the ways that can be afforded. */
#define LONG_EVERY 200u
#define LONG_COUNT 60000u
#define SHORT_COUNT 300u
/* One in so many has an oracle that caches nothing, which takes its time. */
#define FRESH_EVERY 4u

struct options {
	uint64_t seed, first, programs;
};

struct test {
	const struct options *options;
	struct program program;
	struct outcome steps, other;
	uint64_t number;
	enum way oracle;
	uint64_t executed, ended, long_runs; /* for the summary */
};

/* --- running -------------------------------------------------------------------------- */

static void
run(struct test *test, enum way way, uint64_t count, bool ends, struct outcome *out)
{
	const struct request request = { .program = &test->program,
					 .way = way,
					 .count = count,
					 .ends = ends,
					 .random = test->options->seed ^ test->number };

	if (way_run(&request, out))
		return;
	fprintf(stderr, "equivalence: no memory for a CPU\n");
	exit(EXIT_FAILURE);
}

static bool
is_different(struct test *test, enum way way, char text[DIFFERENCE_TEXT])
{
	return compare_outcomes(&test->steps, &test->other, text) ||
	       (way == WAY_BREAKPOINTS && compare_arrivals(&test->steps, &test->other, text));
}

/* --- a difference, and where it begins ------------------------------------------------ */

static bool
is_different_after(struct test *test, enum way way, uint64_t count, char text[DIFFERENCE_TEXT])
{
	run(test, test->oracle, count, false, &test->steps);
	run(test, way, count, false, &test->other);
	return is_different(test, way, text);
}

/* The least count of instructions after which they differ; 0: they do only when unlimited. */
static uint64_t
find_first(struct test *test, enum way way, uint64_t most, char text[DIFFERENCE_TEXT])
{
	uint64_t same = 0, different = most;

	if (!is_different_after(test, way, most, text))
		return 0;
	while (different - same > 1) {
		const uint64_t middle = same + (different - same) / 2;

		if (is_different_after(test, way, middle, text))
			different = middle;
		else
			same = middle;
	}
	is_different_after(test, way, different, text);
	return different;
}

/* The instruction that single steps would execute next. */
static void
describe_next(struct test *test, char text[DESCRY_DISAS_TEXT])
{
	const struct descry_state *state = &test->steps.image.state;
	const struct descry_segment *cs = &state->seg[DESCRY_CS];
	const struct descry_disas_options options = { .code32 = cs->attr & DESCRY_ATTR_DB,
						      .ip = state->rip };
	uint8_t bytes[DESCRY_INSN_MAX];

	for (unsigned i = 0; i < sizeof(bytes); i++) {
		const uint32_t at = (uint32_t)(cs->base + state->rip) + i;
		const uint8_t *byte = memory_at(&test->steps.machine.memory, at);

		bytes[i] = byte ? *byte : 0xff;
	}
	descry_disassemble(&options, bytes, sizeof(bytes), text);
}

static void
report(struct test *test, enum way way, uint64_t count, const char *found)
{
	char difference[DIFFERENCE_TEXT], insn[DESCRY_DISAS_TEXT];
	const uint64_t first = find_first(test, way, count, difference);

	printf("equivalence: --seed %" PRIu64 " --first %" PRIu64 " --programs 1: %s: ",
	       test->options->seed, test->number, way_name(way));
	if (first == 0) {
		printf("%s\n", found);
		return;
	}
	run(test, test->oracle, first - 1, false, &test->steps);
	describe_next(test, insn);
	printf("%s after instruction %" PRIu64 ", %04X:%08" PRIX64 " %s\n", difference, first,
	       test->steps.image.state.seg[DESCRY_CS].sel, test->steps.image.state.rip, insn);
}

/* --- programs ------------------------------------------------------------------------- */

static bool
passes(struct test *test, enum way way, uint64_t count)
{
	char text[DIFFERENCE_TEXT];

	run(test, way, count, test->steps.ended, &test->other);
	if (!is_different(test, way, text))
		return true;
	report(test, way, count, text);
	return false;
}

static bool
passes_all(struct test *test)
{
	run(test, test->oracle, SHORT_COUNT, false, &test->steps);
	test->executed += test->steps.image.state.retired;
	test->ended += test->steps.ended;
	for (unsigned way = test->oracle + 1; way < WAY_COUNT; way++)
		if (!passes(test, (enum way)way, SHORT_COUNT))
			return false;
	return true;
}

static bool
passes_for_long(struct test *test)
{
	static const enum way ways[] = { WAY_WHOLE, WAY_UNCHAINED, WAY_PIECES, WAY_MILLION };

	test->program.accesses_max = TRACE_MAX;
	test->oracle = WAY_STEPS;
	run(test, test->oracle, LONG_COUNT, false, &test->steps);
	test->long_runs += test->steps.image.state.retired;
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!passes(test, ways[i], LONG_COUNT))
			return false;
	return true;
}

static bool
test_program(struct test *test)
{
	program_build(&test->program, test->options->seed, test->number);
	test->oracle = test->number % FRESH_EVERY ? WAY_STEPS : WAY_FRESH_STEPS;
	return passes_all(test) && (test->number % LONG_EVERY || passes_for_long(test));
}

/* --- options -------------------------------------------------------------------------- */

static bool
take_number(const char *text, uint64_t *out)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	*out = strtoull(text, &end, 0);
	return *end == '\0';
}

static bool
parse(int argc, char **argv, struct options *options)
{
	for (int i = 1; i < argc; i += 2) {
		uint64_t *to = NULL;

		if (strcmp(argv[i], "--seed") == 0)
			to = &options->seed;
		else if (strcmp(argv[i], "--first") == 0)
			to = &options->first;
		else if (strcmp(argv[i], "--programs") == 0)
			to = &options->programs;
		if (!to || !take_number(i + 1 < argc ? argv[i + 1] : NULL, to))
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct options options = { .seed = 1, .programs = 2000 };
	struct test *test = calloc(1, sizeof(*test));
	unsigned failures = 0;

	if (!test || !parse(argc, argv, &options)) {
		fprintf(stderr, "usage: equivalence [--seed N] [--first N] [--programs N]\n");
		free(test);
		return 2;
	}
	test->options = &options;
	/* Memory of the size that a CPU takes comes fresh from the system, and is zero already. */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	for (uint64_t i = 0; i < options.programs; i++) {
		test->number = options.first + i;
		failures += !test_program(test);
	}
	printf("equivalence: seed %" PRIu64 ": %" PRIu64 " programs in %u ways, %u failed; %" PRIu64
	       " instructions in single steps and %" PRIu64 " in long runs, %" PRIu64
	       " programs came to an end\n",
	       options.seed, options.programs, (unsigned)WAY_COUNT, failures, test->executed,
	       test->long_runs, test->ended);
	free(test);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
