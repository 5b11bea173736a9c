/*
 * Which segments does an instruction use? Its text names most of them; the rest is
 * implied by the word, or by the first register of a memory operand.
 */
#include "stop.h"

#include <string.h>

#define SET(sreg) (1u << (sreg))

/* What a word uses without saying so. */
struct implied {
	const char *word;
	bool sized;   /* b, w or d follows */
	bool source;  /* the source: DS, or what a prefix says */
	unsigned set; /* whatever prefix there is */
};

/* clang-format off */
static const struct implied implied[] = {
	/* word      sized  source set */
	{ "movs",    true,  true,  SET(DESCRY_ES) },
	{ "cmps",    true,  true,  SET(DESCRY_ES) },
	{ "stos",    true,  false, SET(DESCRY_ES) },
	{ "scas",    true,  false, SET(DESCRY_ES) },
	{ "ins",     true,  false, SET(DESCRY_ES) },
	{ "lods",    true,  true,  0 },
	{ "outs",    true,  true,  0 },
	{ "xlat",    false, true,  0 },
	{ "call",    false, false, SET(DESCRY_SS) },
	{ "enter",   false, false, SET(DESCRY_SS) },
	{ "int",     false, false, SET(DESCRY_SS) },
	{ "int3",    false, false, SET(DESCRY_SS) },
	{ "into",    false, false, SET(DESCRY_SS) },
	{ "iret",    false, false, SET(DESCRY_SS) },
	{ "iretd",   false, false, SET(DESCRY_SS) },
	{ "leave",   false, false, SET(DESCRY_SS) },
	{ "pop",     false, false, SET(DESCRY_SS) },
	{ "popa",    false, false, SET(DESCRY_SS) },
	{ "popad",   false, false, SET(DESCRY_SS) },
	{ "popf",    false, false, SET(DESCRY_SS) },
	{ "popfd",   false, false, SET(DESCRY_SS) },
	{ "push",    false, false, SET(DESCRY_SS) },
	{ "pusha",   false, false, SET(DESCRY_SS) },
	{ "pushad",  false, false, SET(DESCRY_SS) },
	{ "pushf",   false, false, SET(DESCRY_SS) },
	{ "pushfd",  false, false, SET(DESCRY_SS) },
	{ "ret",     false, false, SET(DESCRY_SS) },
};

/* SDM vol. 2, Instruction Prefixes: group 2. */
static const struct { uint8_t byte; enum descry_sreg sreg; } overrides[] = {
	{ 0x26, DESCRY_ES }, { 0x2e, DESCRY_CS }, { 0x36, DESCRY_SS },
	{ 0x3e, DESCRY_DS }, { 0x64, DESCRY_FS }, { 0x65, DESCRY_GS },
};
static const uint8_t other_prefixes[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3 };
/* clang-format on */

/* A word of the text, which is not NUL-terminated. */
struct word {
	const char *at;
	size_t size;
};

static bool
is_word(const struct word *word, const char *text)
{
	return strlen(text) == word->size && memcmp(word->at, text, word->size) == 0;
}

/* The next one of letters and digits; false at the end. */
static bool
next_word(struct word *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	word->at += word->size;
	word->at += strcspn(word->at, letters);
	word->size = strspn(word->at, letters);
	return word->size != 0;
}

static unsigned
named_by(const struct word *word)
{
	for (enum descry_sreg sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		if (is_word(word, descry_sreg_name(sreg)))
			return SET(sreg);
	return 0;
}

/* The last of the prefixes counts. */
static unsigned
source_of(const uint8_t *bytes, unsigned length)
{
	unsigned set = SET(DESCRY_DS);

	for (unsigned at = 0; at < length; at++) {
		bool found = memchr(other_prefixes, bytes[at], sizeof(other_prefixes)) != NULL;

		for (size_t i = 0; i < sizeof(overrides) / sizeof(overrides[0]); i++) {
			if (overrides[i].byte != bytes[at])
				continue;
			set = SET(overrides[i].sreg);
			found = true;
		}
		if (!found)
			break;
	}
	return set;
}

static bool
is_implied_by(const struct word *word, const struct implied *row)
{
	struct word stem = *word;

	if (!row->sized)
		return is_word(word, row->word);
	stem.size--;
	return is_word(&stem, row->word) && strchr("bwd", word->at[stem.size]);
}

static unsigned
implied_by(const struct word *word, const uint8_t *bytes, unsigned length)
{
	for (size_t i = 0; i < sizeof(implied) / sizeof(implied[0]); i++)
		if (is_implied_by(word, &implied[i]))
			return implied[i].set | (implied[i].source ? source_of(bytes, length) : 0);
	return 0;
}

/* A memory operand that names no segment: SS when its first register is a stack register. */
static unsigned
implied_by_operand(const char *bracket)
{
	struct word first = { .at = bracket };

	if (next_word(&first) && (is_word(&first, "bp") || is_word(&first, "ebp") ||
				  is_word(&first, "sp") || is_word(&first, "esp")))
		return SET(DESCRY_SS);
	return SET(DESCRY_DS);
}

unsigned
stop_segments_of(const char *instruction, const uint8_t *bytes, unsigned length)
{
	const char *bracket = strchr(instruction, '[');
	struct word word = { .at = instruction };
	unsigned set = 0;

	while (next_word(&word))
		set |= named_by(&word) | implied_by(&word, bytes, length);
	if (bracket && (bracket == instruction || bracket[-1] != ':') &&
	    strncmp(instruction, "lea ", 4) != 0)
		set |= implied_by_operand(bracket);
	return set;
}
