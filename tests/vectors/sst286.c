/*
 * sst286 FILE: runs one-instruction vectors, captured from a real 80286 in real mode, on the CPU
 * model. The oracle is the machine; where a 386 differs, expect_386.c says why and how.
 */
#include "compare.h"
#include "expect_386.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_SUCCESS 0
#define STATUS_USAGE 2
#define STATUS_FAILED 4
#define STATUS_IO 6
#define STATUS_SKIPPED 77

/* A REP with CX=FFFFh, and some. */
#define BUDGET 70000u

#define MISMATCHES_SHOWN 20u

struct options {
	const char *file;
	const char *profile;
	const char *knob;
	const char *only;
	bool verbose;
	bool optional;
};

struct totals {
	size_t passed, failed;
	size_t skipped[SKIP_GROUP_COUNT];
};

static const char usage[] =
	"usage: sst286 FILE [--profile P] [--knob K=V] [--only OPCODE] [--verbose]\n"
	"              [--optional]\n"
	"  --profile P    the CPU generation to run as (default: that of descry)\n"
	"  --knob K=V     change one knob of it\n"
	"  --only OPCODE  only the tests of one opcode file, as 00 or F7.6\n"
	"  --verbose      show every mismatch, and not the first 20 only\n"
	"  --optional     a missing FILE is a skipped test (status 77), not an error\n";

/* True when argument i is this option and a value follows it. */
static bool
takes_value(int argc, char **argv, int *i, const char *name, const char **value)
{
	if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc)
		return false;
	*value = argv[++*i];
	return true;
}

static bool
parse_options(int argc, char **argv, struct options *options)
{
	for (int i = 1; i < argc; i++) {
		if (takes_value(argc, argv, &i, "--profile", &options->profile) ||
		    takes_value(argc, argv, &i, "--knob", &options->knob) ||
		    takes_value(argc, argv, &i, "--only", &options->only))
			continue;
		if (strcmp(argv[i], "--verbose") == 0)
			options->verbose = true;
		else if (strcmp(argv[i], "--optional") == 0)
			options->optional = true;
		else if (argv[i][0] != '-' && !options->file)
			options->file = argv[i];
		else
			return false;
	}
	return options->file != NULL;
}

static uint8_t *
read_stream(FILE *stream, size_t *size)
{
	uint8_t *bytes = NULL;

	if (fseek(stream, 0, SEEK_END) != 0)
		return NULL;
	const long length = ftell(stream);
	if (length < 0 || fseek(stream, 0, SEEK_SET) != 0)
		return NULL;

	*size = (size_t)length;
	bytes = malloc(*size + 1);
	if (bytes && fread(bytes, 1, *size, stream) != *size) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

static uint8_t *
read_file(const char *name, size_t *size)
{
	FILE *stream = fopen(name, "rb");

	if (!stream)
		return NULL;
	uint8_t *bytes = read_stream(stream, size);
	fclose(stream);
	return bytes;
}

static void
run_test(struct machine *machine, const struct test *test, const struct options *options,
	 struct totals *totals)
{
	const struct descry_control control = {
		.budget = BUDGET,
		.events = DESCRY_EVENT_BIT(DESCRY_EVENT_DELIVERY),
	};
	struct descry_exit end;
	struct mismatch mismatch;

	machine_load(machine, test);
	descry_vcpu_run(machine->vcpu, &control, &end);
	compare(machine, test, &end, &mismatch);
	machine_clear(machine);

	if (mismatch.used == 0) {
		totals->passed++;
		return;
	}
	if (totals->failed++ < MISMATCHES_SHOWN || options->verbose)
		printf("%s #%u %s:%s\n", test->file, test->index, test->text, mismatch.text);
}

/* The data are the 286's own; any later generation differs as a 386 does. */
static bool
is_later_than_286(const struct descry_profile *profile)
{
	return strcmp(profile->name, "286") != 0;
}

static bool
run_all(struct machine *machine, struct test_reader *reader, const struct options *options,
	struct totals *totals)
{
	static struct test test; /* large */
	const bool adapt = is_later_than_286(descry_vcpu_profile(machine->vcpu));
	const char *why;

	while (test_next(reader, &test, &why)) {
		if (options->only && strcmp(options->only, test.file) != 0)
			continue;

		const enum skip_group skip = adapt ? expect_386(&test) : SKIP_NOTHING;

		if (skip == SKIP_NOTHING)
			run_test(machine, &test, options, totals);
		else
			totals->skipped[skip]++;
	}
	if (why)
		fprintf(stderr, "sst286: %s: %s\n", options->file, why);
	return !why;
}

/* Returns how many tests there were. */
static size_t
print_totals(const struct totals *totals)
{
	size_t skipped = 0;

	if (totals->failed > MISMATCHES_SHOWN)
		printf("(the first %u mismatches are shown, --verbose shows all)\n",
		       MISMATCHES_SHOWN);
	for (unsigned group = 0; group < SKIP_GROUP_COUNT; group++) {
		skipped += totals->skipped[group];
		if (totals->skipped[group])
			printf("skipped %4zu %-6s %s\n", totals->skipped[group],
			       skip_texts[group].name, skip_texts[group].reason);
	}
	printf("%zu passed, %zu failed, %zu skipped\n", totals->passed, totals->failed, skipped);
	return totals->passed + totals->failed + skipped;
}

static int
run_file(const struct options *options, const struct descry_profile *profile, const uint8_t *bytes,
	 size_t size)
{
	static struct machine machine; /* large */
	struct totals totals = { .passed = 0 };
	struct test_reader reader;
	const char *why;
	int status = STATUS_IO;

	if (!test_open(&reader, bytes, size, &why)) {
		fprintf(stderr, "sst286: %s: %s\n", options->file, why);
		return STATUS_IO;
	}
	if (machine_create(&machine, profile) != DESCRY_OK) {
		fprintf(stderr, "sst286: no memory for the machine\n");
	} else if (run_all(&machine, &reader, options, &totals)) {
		status = totals.failed ? STATUS_FAILED : STATUS_SUCCESS;
		if (print_totals(&totals) == 0) {
			fprintf(stderr, "sst286: no test is selected\n");
			status = STATUS_USAGE;
		}
	}
	machine_destroy(&machine);
	return status;
}

static bool
choose_profile(const struct options *options, struct descry_profile *out)
{
	struct descry_error err = { .status = DESCRY_OK };
	const struct descry_profile *found = descry_profile_choose(options->profile, &err);

	if (found) {
		*out = *found;
		if (!options->knob || descry_profile_set(out, options->knob, &err) == DESCRY_OK)
			return true;
	}
	fprintf(stderr, "sst286: %s\n", err.text);
	return false;
}

int
main(int argc, char **argv)
{
	struct options options = { .file = NULL };
	size_t size = 0;

	if (!parse_options(argc, argv, &options)) {
		fputs(usage, stderr);
		return STATUS_USAGE;
	}

	struct descry_profile profile;
	if (!choose_profile(&options, &profile))
		return STATUS_USAGE;

	uint8_t *bytes = read_file(options.file, &size);
	if (!bytes) {
		fprintf(stderr, "sst286: cannot read \"%s\"%s\n", options.file,
			options.optional ? ": skipped" : "");
		return options.optional ? STATUS_SKIPPED : STATUS_IO;
	}

	const int status = run_file(&options, &profile, bytes, size);

	free(bytes);
	return status;
}
