/*
 * Round trips of every format over reachable states: a random program is run for a while in
 * every profile and mode, its state is exported to a file and imported from it into a second CPU
 * that stands elsewhere, and all of that CPU's state must be what docs/exchange.md says. A finding
 * prints the one line that repeats it.
 */
#include "fuzz_bus.h"
#include "trip_oracle.h"

#include <descry/exchange_file.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROFILES_MAX 16u
#define STATES_OF_A_CASE 8u /* taken from one program */

struct pair {
	struct descry_vcpu *from, *to;
	struct descry_vcpu_image start;
	struct descry_vcpu_image elsewhere; /* where the second CPU stands: an older state */
};

/* What the states were, so that a summary can say what has been tried. */
enum kind {
	KIND_REAL,
	KIND_UNREAL, /* PE=0 and a limit other than FFFFh */
	KIND_RING0,
	KIND_RING3, /* and 1, 2 */
	KIND_V86,
	KIND_PAGED,
	KIND_UNUSABLE, /* some segment is */
	KIND_SMM,
	KIND_HALTED, /* or shut down */
	KIND_IN_REP,
	KIND_SHADOW,
	KIND_COUNT
};
static const char *const kind_texts[KIND_COUNT] = {
	"real",
	"unreal",
	"ring 0",
	"rings 1 to 3",
	"v86",
	"paged",
	"with an unusable segment",
	"in SMM",
	"halted or shut down",
	"in a repeat",
	"in a shadow",
};

struct trip {
	struct world world;
	struct pair pair[PROFILES_MAX];
	unsigned profiles, profile;
	uint64_t seed, number;
	struct random damage;
	uint64_t states, trips, refused, damaged, noticed, wrong;
	uint64_t kinds[KIND_COUNT];
};

/* --- findings ------------------------------------------------------------------------- */

static void
complain(struct trip *trip, enum descry_exchange format, const char *what, const char *name,
	 uint64_t expected, uint64_t is)
{
	trip->wrong++;
	printf("exchange_trip: --seed %" PRIu64 " --first %" PRIu64
	       " --states %u: %s, profile %s: %s %s: expected %" PRIx64 ", is %" PRIx64 "\n",
	       trip->seed, trip->number, STATES_OF_A_CASE, descry_exchange_format_at(format)->name,
	       descry_vcpu_profile(trip->pair[trip->profile].from)->name, what, name, expected, is);
	fflush(stdout);
}

/* --- one trip ------------------------------------------------------------------------- */

/* The shapes take turns; bytes are what most have, and quick. */
static enum descry_exchange_shape
shape_for(const struct trip *trip, const struct descry_exchange_format *format)
{
	switch (trip->states % 8) {
	case 0:
		return DESCRY_SHAPE_JSON;
	case 1:
		return DESCRY_SHAPE_TEXT;
	default:
		return format->form == DESCRY_FORM_BYTES ? DESCRY_SHAPE_BYTES : DESCRY_SHAPE_TEXT;
	}
}

/*
 * A file with some bytes of it changed is taken or refused with a sentence; a state that it is
 * refused for stays as it is.
 */
static void
damage(struct trip *trip, enum descry_exchange which, enum descry_exchange_shape shape,
       struct descry_sink_buffer *content)
{
	static struct descry_exchange_report report;
	const struct descry_exchange_format *format = descry_exchange_format_at(which);
	const struct descry_state before = trip->pair[trip->profile].elsewhere.state;
	struct descry_state state = before;
	struct descry_error err = { .text = "" };
	struct descry_exchange_words words;

	for (unsigned i = 0; i < 3; i++)
		content->text[random_below(&trip->damage, (uint32_t)content->size)] =
			(char)random_bits(&trip->damage);
	content->size -= random_below(&trip->damage, 2);
	trip->damaged++;
	if (descry_exchange_read(format, shape, content->text, content->size, &words, &err) ==
		    DESCRY_OK &&
	    descry_exchange_import(format, &words, &state, &report, &err) == DESCRY_OK)
		return;
	trip->noticed++;
	if (*err.text == '\0' || memcmp(&state, &before, sizeof(state)) != 0)
		complain(trip, which, "a damaged file", "changes a state", 0, 1);
}

/* Written as a file and read again. */
static void
through_file(struct trip *trip, enum descry_exchange which, struct descry_exchange_words *words)
{
	const struct descry_exchange_format *format = descry_exchange_format_at(which);
	const enum descry_exchange_shape shape = shape_for(trip, format);
	struct descry_sink_buffer content;
	const struct descry_sink sink = descry_sink_to_buffer(&content);
	struct descry_error err;

	descry_exchange_write(format, shape, words, &sink);
	memset(words, 0xa5, sizeof(*words));
	if (descry_exchange_read(format, shape, content.text, content.size, words, &err) !=
	    DESCRY_OK)
		complain(trip, which, "a file", err.text, 0, 0);
	damage(trip, which, shape, &content);
	free(content.text);
}

static bool
is_named(const struct descry_exchange_report *report, const char *name)
{
	for (size_t i = 0; i < report->change_count; i++)
		if (strcmp(report->change[i].name, name) == 0)
			return true;
	return false;
}

static bool
is_listed_absent(const struct descry_exchange_report *report, unsigned field)
{
	for (size_t i = 0; i < report->absent_count; i++)
		if (report->absent[i] == field)
			return true;
	return false;
}

/* The report names every field that comes back otherwise or not at all, and no other. */
static void
check_report(struct trip *trip, enum descry_exchange format, const struct descry_state *from,
	     const struct descry_exchange_report *report)
{
	const struct descry_profile *p6 = descry_profile_find("p6");
	const struct descry_state back = trip_expected(format, from, from, p6);

	for (unsigned i = 0; i < DESCRY_STATE_FIELD_COUNT; i++) {
		const enum descry_state_field field = (enum descry_state_field)i;
		const char *name = descry_state_field(field)->name;
		const bool lacks = trip_lacks(format, field);
		const bool differs =
			!lacks && descry_state_get(from, field) != descry_state_get(&back, field);

		if (differs != is_named(report, name))
			complain(trip, format, "the report about", name, differs, !differs);
		if (lacks != is_listed_absent(report, i))
			complain(trip, format, "the list of what is absent and", name, lacks,
				 !lacks);
	}
}

/* Read through CR3, or left alone when one of them is no PDPTE: the rule of MOV CR3. */
static void
expect_pdptes(const struct world *world, const struct descry_state *is,
	      struct descry_state *expected)
{
	const uint64_t at = expected->cr3 & 0xffffffe0;
	const uint32_t paging = DESCRY_CR0_PG | DESCRY_CR0_PE;

	if ((expected->cr0 & paging) != paging || !(expected->cr4 & DESCRY_CR4_PAE))
		return;
	if (memcmp(is->pdpte, expected->pdpte, sizeof(is->pdpte)) == 0)
		return;
	if (at + sizeof(is->pdpte) <= RAM_SIZE)
		memcpy(expected->pdpte, &world->ram[at], sizeof(expected->pdpte));
	else
		memset(expected->pdpte, 0xff, sizeof(expected->pdpte));
}

static void
compare(struct trip *trip, enum descry_exchange format, const struct descry_state *expected,
	const struct descry_state *is)
{
	if (memcmp(expected, is, sizeof(*is)) == 0)
		return;
	for (unsigned i = 0; i < DESCRY_STATE_FIELD_COUNT; i++) {
		const enum descry_state_field field = (enum descry_state_field)i;
		const uint64_t a = descry_state_get(expected, field);
		const uint64_t b = descry_state_get(is, field);

		if (a != b) {
			complain(trip, format, "import gives", descry_state_field(field)->name, a,
				 b);
			return;
		}
	}
	complain(trip, format, "import changes", "what is no field", 0, 1);
}

/* RF for a repeat means nothing to a CPU without RF; whatever else is noted is wrong. */
static void
check_notes(struct trip *trip, enum descry_exchange format, const struct descry_state *from,
	    const struct descry_exchange_report *report)
{
	for (size_t i = 0; i < report->change_count; i++)
		if (!from->in_rep || strcmp(report->change[i].name, "eflags") != 0)
			complain(trip, format, "import notes", report->change[i].name,
				 report->change[i].before, report->change[i].after);
}

static void
travel(struct trip *trip, enum descry_exchange which)
{
	static struct descry_exchange_report report;
	const struct descry_exchange_format *format = descry_exchange_format_at(which);
	struct pair *pair = &trip->pair[trip->profile];
	const struct descry_state *from = descry_vcpu_state(pair->from);
	struct descry_state expected =
		trip_expected(which, from, &pair->elsewhere.state, descry_vcpu_profile(pair->from));
	struct descry_exchange_words words;
	struct descry_state arrived;
	struct descry_error err;
	const bool done = descry_exchange_export(format, from, &words, &report, &err) == DESCRY_OK;

	if (done != trip_fits(which, from))
		complain(trip, which, "export", done ? "accepts" : err.text, 0, 0);
	if (!done) {
		trip->refused++;
		return;
	}
	trip->trips++;
	check_report(trip, which, from, &report);
	through_file(trip, which, &words);
	descry_vcpu_restore(pair->to, &pair->elsewhere);
	arrived = *descry_vcpu_state(pair->to);
	if (descry_exchange_import(format, &words, &arrived, &report, &err) != DESCRY_OK) {
		complain(trip, which, "import", err.text, 0, 0);
		return;
	}
	descry_exchange_apply(pair->to, &arrived, &report);
	check_notes(trip, which, from, &report);
	expect_pdptes(&trip->world, descry_vcpu_state(pair->to), &expected);
	compare(trip, which, &expected, descry_vcpu_state(pair->to));
}

/* --- states --------------------------------------------------------------------------- */

static bool
is_unreal(const struct descry_state *s)
{
	for (unsigned sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		if (s->seg[sreg].limit != 0xffff)
			return true;
	return false;
}

static bool
has_unusable(const struct descry_state *s)
{
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		if (!descry_segment_usable(&s->seg[sreg]))
			return true;
	return false;
}

static void
count_kinds(struct trip *trip, const struct descry_vcpu *vcpu)
{
	const struct descry_state *s = descry_vcpu_state(vcpu);
	const enum descry_mode mode = descry_vcpu_mode(vcpu);
	const bool is[KIND_COUNT] = {
		[KIND_REAL] = mode == DESCRY_MODE_REAL,
		[KIND_UNREAL] = mode == DESCRY_MODE_REAL && is_unreal(s),
		[KIND_RING0] = mode == DESCRY_MODE_PROTECTED && descry_cpl(s) == 0,
		[KIND_RING3] = mode == DESCRY_MODE_PROTECTED && descry_cpl(s) != 0,
		[KIND_V86] = mode == DESCRY_MODE_V86,
		[KIND_PAGED] = s->cr0 & DESCRY_CR0_PG,
		[KIND_UNUSABLE] = has_unusable(s),
		[KIND_SMM] = s->in_smm,
		[KIND_HALTED] = s->halted || s->shut_down,
		[KIND_IN_REP] = s->in_rep,
		[KIND_SHADOW] = s->shadow,
	};

	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		trip->kinds[kind] += is[kind];
}

static void
travel_all(struct trip *trip)
{
	struct pair *pair = &trip->pair[trip->profile];

	trip->states++;
	count_kinds(trip, pair->from);
	for (unsigned format = 0; format < DESCRY_EXCHANGE_COUNT; format++)
		travel(trip, (enum descry_exchange)format);
	descry_vcpu_save(pair->from, &pair->elsewhere);
}

/* A few instructions on; false when the program has ended. */
static bool
go_on(struct world *world)
{
	const struct descry_control control = { .budget = random_between(&world->random, 1, 12) };
	struct descry_exit exit;

	descry_vcpu_run(world->vcpu, &control, &exit);
	if (exit.reason == DESCRY_EXIT_HALTED && random_chance(&world->random, 500))
		descry_vcpu_nmi(world->vcpu);
	world_happen(world);
	return exit.reason == DESCRY_EXIT_BUDGET || exit.reason == DESCRY_EXIT_HALTED;
}

static void
run_case(struct trip *trip, uint64_t until)
{
	struct world *world = &trip->world;
	struct pair *pair;
	bool goes_on = true;

	world->random = (struct random){ .state = trip->seed * 0x9e3779b97f4a7c15u + trip->number };
	trip->damage = world->random;
	trip->profile = random_below(&world->random, trip->profiles);
	pair = &trip->pair[trip->profile];
	pair->elsewhere = pair->start;
	world->vcpu = pair->from;
	world_begin(world);
	for (unsigned i = 0; i < STATES_OF_A_CASE && goes_on && trip->states < until; i++) {
		goes_on = go_on(world);
		travel_all(trip);
	}
}

/* --- all of them ---------------------------------------------------------------------- */

static bool
open_pairs(struct trip *trip)
{
	const struct descry_bus bus = world_bus(&trip->world);
	const struct descry_profile *profile;

	while (trip->profiles < PROFILES_MAX && (profile = descry_profile_at(trip->profiles))) {
		struct pair *pair = &trip->pair[trip->profiles++];

		if (descry_vcpu_create(profile, &bus, &pair->from) != DESCRY_OK ||
		    descry_vcpu_create(profile, &bus, &pair->to) != DESCRY_OK)
			return false;
		descry_vcpu_save(pair->to, &pair->start);
	}
	return true;
}

static void
close_pairs(struct trip *trip)
{
	for (unsigned i = 0; i < trip->profiles; i++) {
		descry_vcpu_destroy(trip->pair[i].from);
		descry_vcpu_destroy(trip->pair[i].to);
	}
}

static void
summarize(const struct trip *trip)
{
	printf("exchange_trip: seed %" PRIu64 ": %" PRIu64 " states (", trip->seed, trip->states);
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		printf("%s%" PRIu64 " %s", kind ? ", " : "", trip->kinds[kind], kind_texts[kind]);
	printf("), %" PRIu64 " round trips, %" PRIu64 " refused as too wide, %" PRIu64
	       " of %" PRIu64 " damaged files noticed; %" PRIu64 " wrong\n",
	       trip->trips, trip->refused, trip->noticed, trip->damaged, trip->wrong);
}

static int
usage(void)
{
	fprintf(stderr, "usage: exchange_trip [--seed N] [--first N] [--states N]\n");
	return 2;
}

int
main(int argc, char **argv)
{
	static struct trip trip = { .seed = 1 };
	uint64_t states = 2000;

	for (int i = 1; i < argc; i += 2) {
		const uint64_t value = i + 1 < argc ? strtoull(argv[i + 1], NULL, 10) : 0;

		if (i + 1 == argc)
			return usage();
		if (strcmp(argv[i], "--seed") == 0)
			trip.seed = value;
		else if (strcmp(argv[i], "--first") == 0)
			trip.number = value;
		else if (strcmp(argv[i], "--states") == 0)
			states = value;
		else
			return usage();
	}
	if (!open_pairs(&trip))
		return 2;
	for (; trip.states < states; trip.number++)
		run_case(&trip, states);
	summarize(&trip);
	close_pairs(&trip);
	return trip.wrong ? 1 : 0;
}
