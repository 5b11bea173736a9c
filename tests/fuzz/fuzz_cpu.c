/*
 * The whole CPU on random state and random bytes, in every profile and mode, with the
 * invariants on: whatever it meets, it must not break a rule of its own, nor the host's.
 * A finding prints the one line that runs it again.
 */
#include "fuzz_bus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECES 16u /* of a case; between two of them something may happen outside */
#define PIECE_INSNS 100u

#define PROFILES_MAX 16u

struct fuzz {
	struct world world;
	struct descry_vcpu *vcpu[PROFILES_MAX];
	unsigned profiles;
	uint64_t seed;
	uint64_t instructions, faults, broken;
	uint64_t ends[DESCRY_EXIT_REASON_COUNT];
};

/* --- one case -------------------------------------------------------------------------- */

static void
report(struct fuzz *fuzz, uint64_t number, const struct descry_exit *exit)
{
	fuzz->broken++;
	printf("fuzz_cpu: --seed %" PRIu64 " --first %" PRIu64 " --cases 1: %s, profile %s\n",
	       fuzz->seed, number, exit->text, descry_vcpu_profile(fuzz->world.vcpu)->name);
	fflush(stdout);
}

static void
run_case(struct fuzz *fuzz, uint64_t number)
{
	struct world *world = &fuzz->world;
	struct descry_exit exit = { .reason = DESCRY_EXIT_BUDGET };

	for (unsigned piece = 0; piece < PIECES && exit.reason == DESCRY_EXIT_BUDGET; piece++) {
		const struct descry_control control = {
			.budget = PIECE_INSNS, .events = DESCRY_EVENT_BIT(DESCRY_EVENT_FAULT)
		};

		descry_vcpu_run(world->vcpu, &control, &exit);
		fuzz->faults += descry_vcpu_event_count(world->vcpu);
		if (exit.reason == DESCRY_EXIT_HALTED ||
		    (exit.reason == DESCRY_EXIT_SHUTDOWN && piece % 4 == 0)) {
			descry_vcpu_nmi(world->vcpu);
			exit.reason = DESCRY_EXIT_BUDGET;
		}
		world_happen(world);
	}
	fuzz->instructions += descry_vcpu_state(world->vcpu)->retired;
	fuzz->ends[exit.reason]++;
	if (exit.reason == DESCRY_EXIT_INVARIANT)
		report(fuzz, number, &exit);
}

/* A CPU of every profile. */
static bool
open_cpus(struct fuzz *fuzz)
{
	const struct descry_bus bus = world_bus(&fuzz->world);

	while (fuzz->profiles < PROFILES_MAX && descry_profile_at(fuzz->profiles)) {
		struct descry_profile profile = *descry_profile_at(fuzz->profiles);

		profile.knob[DESCRY_KNOB_CHECK_INVARIANTS] = DESCRY_CHECK_ON;
		if (descry_vcpu_create(&profile, &bus, &fuzz->vcpu[fuzz->profiles++]) != DESCRY_OK)
			return false;
	}
	return true;
}

static void
close_cpus(struct fuzz *fuzz)
{
	while (fuzz->profiles)
		descry_vcpu_destroy(fuzz->vcpu[--fuzz->profiles]);
}

static void
prepare(struct fuzz *fuzz, uint64_t number)
{
	struct world *world = &fuzz->world;

	world->random = (struct random){ .state = fuzz->seed * 0x9e3779b97f4a7c15u + number };
	world->vcpu = fuzz->vcpu[random_below(&world->random, fuzz->profiles)];
	world_begin(world);
}

/* --- all of them ----------------------------------------------------------------------- */

static void
summarize(const struct fuzz *fuzz, uint64_t cases)
{
	printf("fuzz_cpu: seed %" PRIu64 ": %" PRIu64 " cases, %" PRIu64 " instructions, %" PRIu64
	       " faults; %" PRIu64 " shut down, %" PRIu64 " not modelled; %" PRIu64
	       " invariants broken\n",
	       fuzz->seed, cases, fuzz->instructions, fuzz->faults,
	       fuzz->ends[DESCRY_EXIT_SHUTDOWN], fuzz->ends[DESCRY_EXIT_NOT_MODELLED],
	       fuzz->broken);
}

static int
usage(void)
{
	fprintf(stderr, "usage: fuzz_cpu [--seed N] [--first N] [--cases N | --instructions N]\n");
	return 2;
}

int
main(int argc, char **argv)
{
	static struct fuzz fuzz = { .seed = 1 };
	uint64_t first = 0, cases = 2000, least = 0, number;

	for (int i = 1; i < argc; i += 2) {
		const uint64_t value = i + 1 < argc ? strtoull(argv[i + 1], NULL, 10) : 0;

		if (i + 1 == argc)
			return usage();
		if (strcmp(argv[i], "--seed") == 0)
			fuzz.seed = value;
		else if (strcmp(argv[i], "--first") == 0)
			first = value;
		else if (strcmp(argv[i], "--cases") == 0)
			cases = value;
		else if (strcmp(argv[i], "--instructions") == 0)
			least = value;
		else
			return usage();
	}
	if (!open_cpus(&fuzz))
		return 2;
	for (number = first; least ? fuzz.instructions < least : number < first + cases; number++) {
		prepare(&fuzz, number);
		run_case(&fuzz, number);
	}
	summarize(&fuzz, number - first);
	close_cpus(&fuzz);
	return fuzz.broken ? 1 : 0;
}
