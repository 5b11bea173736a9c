#include "profiles.h"

#include <descry/profile.h>

#include <string.h>

#define LINE_WIDTH 96
#define NAME_WIDTH 26
#define VALUE_WIDTH 10

/* --- the table ------------------------------------------------------------------------ */

static void
show_names(FILE *out)
{
	const struct descry_profile *profile;

	fprintf(out, "%-*s", NAME_WIDTH, "");
	for (unsigned i = 0; (profile = descry_profile_at(i)) != NULL; i++)
		fprintf(out, " %*s", VALUE_WIDTH, profile->name);
	fputc('\n', out);
}

static void
show_row(FILE *out, enum descry_knob knob)
{
	const struct descry_profile *profile;
	char value[32];

	fprintf(out, "%-*s", NAME_WIDTH, descry_knob_info(knob)->name);
	for (unsigned i = 0; (profile = descry_profile_at(i)) != NULL; i++)
		fprintf(out, " %*s", VALUE_WIDTH,
			descry_knob_value_text(knob, profile->knob[knob], value, sizeof(value)));
	fputc('\n', out);
}

/* --- what each knob means ------------------------------------------------------------- */

/* Words up to the width of a line, each line behind an indent. */
static void
show_wrapped(FILE *out, const char *text)
{
	const char *indent = "    ";
	size_t column = 0;

	while (*text != '\0') {
		const size_t word = strcspn(text, " ");

		if (column > 0 && column + 1 + word > LINE_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		column +=
			(size_t)fprintf(out, "%s%.*s", column == 0 ? indent : " ", (int)word, text);
		text += word + strspn(text + word, " ");
	}
	fputc('\n', out);
}

static void
show_meaning(FILE *out, enum descry_knob knob)
{
	const struct descry_knob_info *info = descry_knob_info(knob);

	fprintf(out, "%s=%s\n", info->name, info->values);
	show_wrapped(out, info->source);
}

void
profiles_show(FILE *out)
{
	fprintf(out,
		"-c PROFILE is one of these columns, %s without it; -k KNOB=VALUE changes one "
		"row of it.\n\n",
		descry_profile_find(NULL)->name);
	show_names(out);
	for (unsigned i = 0; i < DESCRY_KNOB_COUNT; i++)
		show_row(out, (enum descry_knob)i);

	fprintf(out, "\nWhat a knob says, the values it takes, and who says so:\n\n");
	for (unsigned i = 0; i < DESCRY_KNOB_COUNT; i++)
		show_meaning(out, (enum descry_knob)i);
}
