/*
 * Injections as a person writes them: WHAT WHEN. One grammar for the command `inject`, for
 * the option --inject and, behind its `at`, for the boundary of a comparison.
 */
#include "command/argument.h"
#include "command/session.h"

#include <descry/number.h>
#include <descry/schedule.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SPEC_MAX 256u

#define WHEN_USAGE "at COUNT|ADDRESS [HIT], every COUNT, random MEAN [seed SEED]"

const char *
descry_injection_kind_text(enum descry_injection_kind kind)
{
	static const char *const texts[DESCRY_INJECT_KIND_COUNT] = {
		[DESCRY_INJECT_HOST] = "host", [DESCRY_INJECT_INTERRUPT] = "interrupt",
		[DESCRY_INJECT_NMI] = "nmi",   [DESCRY_INJECT_SMI] = "smi",
		[DESCRY_INJECT_INIT] = "init",
	};

	return texts[kind];
}

/* --- the words ------------------------------------------------------------------------ */

/* A line that is being taken apart. */
struct spec {
	struct descry_monitor *monitor;
	char text[SPEC_MAX];
	char *rest;
	struct descry_error *err;
};

static enum descry_status
open_spec(struct spec *spec, struct descry_monitor *monitor, const char *text,
	  struct descry_error *err)
{
	const size_t size = strlen(text);

	*spec = (struct spec){ .monitor = monitor, .err = err };
	spec->rest = spec->text;
	if (size >= SPEC_MAX)
		return descry_fail(err, DESCRY_BAD_ARGUMENT, "%zu characters are too many", size);
	memcpy(spec->text, text, size);
	return DESCRY_OK;
}

static enum descry_status
refuse(struct spec *spec, const char *what, const char *word)
{
	return descry_fail(spec->err, DESCRY_BAD_ARGUMENT, "%s, not '%.60s'", what,
			   word ? word : "");
}

static bool
has_word(const struct spec *spec)
{
	return spec->rest[strspn(spec->rest, " \t")] != '\0';
}

static enum descry_status
close_spec(struct spec *spec)
{
	const char *word = argument_next_word(&spec->rest);

	if (!word)
		return DESCRY_OK;
	return descry_fail(spec->err, DESCRY_BAD_ARGUMENT, "'%.60s' is one word too many", word);
}

/* The next word as a number; what: "a vector". */
static enum descry_status
next_number(struct spec *spec, const char *what, uint64_t least, uint64_t most, uint64_t *out)
{
	const char *word = argument_next_word(&spec->rest);
	char why[DESCRY_NUMBER_WHY];

	if (!word)
		return descry_fail(spec->err, DESCRY_BAD_ARGUMENT, "%s is missing", what);
	if (!descry_number_parse(word, strlen(word), out, why))
		return descry_fail(spec->err, DESCRY_BAD_ARGUMENT, "%s, '%.40s': %s", what, word,
				   why);
	if (*out < least || *out > most)
		return descry_fail(spec->err, DESCRY_BAD_ARGUMENT,
				   "%s is from %" PRIu64 " to %" PRIu64 ", not '%.40s'", what,
				   least, most, word);
	return DESCRY_OK;
}

/* --- when ----------------------------------------------------------------------------- */

#define LONGEST INT64_MAX /* of a distance, and the highest count */

static enum descry_status
parse_address(struct spec *spec, const char *word, struct descry_when *out)
{
	struct descry_session nobody = { .monitor = spec->monitor };
	struct descry_address address;

	if (address_parse(&nobody, word, &address, spec->err) != DESCRY_OK)
		return spec->err->status;
	out->kind = DESCRY_WHEN_ADDRESS;
	out->linear = descry_query_linear(spec->monitor, &address);
	out->count = 1;
	if (!has_word(spec))
		return DESCRY_OK;
	return next_number(spec, "HIT", 1, LONGEST, &out->count);
}

/* A number is a count; everything else is an address. */
static enum descry_status
parse_place(struct spec *spec, struct descry_when *out)
{
	const char *word = argument_next_word(&spec->rest);
	char why[DESCRY_NUMBER_WHY];

	if (!word)
		return descry_fail(spec->err, DESCRY_BAD_ARGUMENT,
				   "where? A count of instructions, or an address");
	if (!isdigit((unsigned char)*word) || strchr(word, ':'))
		return parse_address(spec, word, out);
	out->kind = DESCRY_WHEN_COUNT;
	if (!descry_number_parse(word, strlen(word), &out->count, why))
		return descry_fail(spec->err, DESCRY_BAD_ARGUMENT,
				   "'%.40s' as a count of instructions: %s", word, why);
	return DESCRY_OK;
}

static enum descry_status
parse_every(struct spec *spec, struct descry_when *out)
{
	out->kind = DESCRY_WHEN_EVERY;
	return next_number(spec, "the distance", 1, LONGEST, &out->count);
}

static enum descry_status
parse_random(struct spec *spec, struct descry_when *out)
{
	const char *word;

	out->kind = DESCRY_WHEN_RANDOM;
	if (next_number(spec, "the mean distance", 1, LONGEST, &out->count) != DESCRY_OK)
		return spec->err->status;
	word = argument_next_word(&spec->rest);
	if (!word)
		return DESCRY_OK;
	if (strcmp(word, "seed") != 0)
		return refuse(spec, "behind the mean distance stands `seed SEED`", word);
	return next_number(spec, "SEED", 0, UINT64_MAX, &out->seed);
}

static const struct {
	const char *word;
	enum descry_status (*parse)(struct spec *spec, struct descry_when *out);
} whens[] = {
	{ "at", parse_place },
	{ "every", parse_every },
	{ "random", parse_random },
};

static enum descry_status
parse_when(struct spec *spec, struct descry_when *out)
{
	const char *word = argument_next_word(&spec->rest);

	for (size_t i = 0; word && i < sizeof(whens) / sizeof(whens[0]); i++)
		if (strcmp(whens[i].word, word) == 0)
			return whens[i].parse(spec, out);
	if (!word)
		return descry_fail(spec->err, DESCRY_BAD_ARGUMENT, "when? " WHEN_USAGE);
	return refuse(spec, "when is " WHEN_USAGE, word);
}

enum descry_status
descry_boundary_parse(struct descry_monitor *monitor, const char *text, struct descry_when *out,
		      struct descry_error *err)
{
	struct descry_when when = { 0 };
	struct spec spec;

	if (open_spec(&spec, monitor, text, err) != DESCRY_OK ||
	    parse_place(&spec, &when) != DESCRY_OK || close_spec(&spec) != DESCRY_OK)
		return err->status;
	*out = when;
	return DESCRY_OK;
}

/* --- what ----------------------------------------------------------------------------- */

static enum descry_status
parse_kind(struct spec *spec, enum descry_injection_kind *out)
{
	const char *word = argument_next_word(&spec->rest);

	for (unsigned kind = 0; word && kind < DESCRY_INJECT_KIND_COUNT; kind++) {
		if (strcmp(descry_injection_kind_text(kind), word) == 0) {
			*out = kind;
			return DESCRY_OK;
		}
	}
	return refuse(spec, "what is host, interrupt VECTOR, nmi, smi or init", word);
}

enum descry_status
descry_injection_parse(struct descry_monitor *monitor, const char *text,
		       struct descry_injection *out, struct descry_error *err)
{
	struct descry_injection injection = { 0 };
	uint64_t vector = 0;
	struct spec spec;

	if (open_spec(&spec, monitor, text, err) != DESCRY_OK ||
	    parse_kind(&spec, &injection.kind) != DESCRY_OK)
		return err->status;
	if (injection.kind == DESCRY_INJECT_INTERRUPT &&
	    next_number(&spec, "VECTOR", 0, UINT8_MAX, &vector) != DESCRY_OK)
		return err->status;
	injection.vector = (uint8_t)vector;
	if (parse_when(&spec, &injection.when) != DESCRY_OK || close_spec(&spec) != DESCRY_OK)
		return err->status;
	*out = injection;
	return DESCRY_OK;
}

/* --- back ----------------------------------------------------------------------------- */

/* "store_loop", "linear:7c2ch" */
static void
place_text(const struct descry_monitor *monitor, uint64_t linear, char *text, size_t size)
{
	uint64_t found;

	if (!descry_monitor_symbolize(monitor, linear, text, size) ||
	    (!strchr(text, '+') &&
	     (!descry_monitor_symbol(monitor, text, &found) || found != linear)))
		snprintf(text, size, "linear:0x%" PRIx64, linear);
}

static void
when_text(const struct descry_monitor *monitor, const struct descry_when *when, char *text,
	  size_t size)
{
	char place[96];

	switch (when->kind) {
	case DESCRY_WHEN_COUNT:
		snprintf(text, size, "at %" PRIu64, when->count);
		break;
	case DESCRY_WHEN_ADDRESS:
		place_text(monitor, when->linear, place, sizeof(place));
		if (when->count == 1)
			snprintf(text, size, "at %s", place);
		else
			snprintf(text, size, "at %s %" PRIu64, place, when->count);
		break;
	case DESCRY_WHEN_EVERY:
		snprintf(text, size, "every %" PRIu64, when->count);
		break;
	case DESCRY_WHEN_RANDOM:
		snprintf(text, size, "random %" PRIu64 " seed %" PRIu64, when->count, when->seed);
		break;
	}
}

const char *
descry_injection_text(const struct descry_monitor *monitor,
		      const struct descry_injection *injection, char text[DESCRY_INJECTION_TEXT])
{
	const char *kind = descry_injection_kind_text(injection->kind);
	char when[DESCRY_INJECTION_TEXT - 24];

	when_text(monitor, &injection->when, when, sizeof(when));
	if (injection->kind == DESCRY_INJECT_INTERRUPT)
		snprintf(text, DESCRY_INJECTION_TEXT, "%s 0x%02x %s", kind, injection->vector,
			 when);
	else
		snprintf(text, DESCRY_INJECTION_TEXT, "%s %s", kind, when);
	return text;
}
