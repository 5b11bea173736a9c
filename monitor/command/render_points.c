/*
 * Comparisons at several boundaries: what each strategy has come to, as counts and at a
 * glance. Of each boundary only what is shown is kept, so that there may be many.
 */
#include "command/render_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More are not listed one by one. */
#define LISTED_MAX 40u

struct point {
	uint64_t retired;
	char place[DESCRY_FAR_TEXT + 48]; /* "0000:7c2c t4_store" */
	char about[DESCRY_CACHE_STATUS_TEXT + 8];
};

struct descry_points {
	json_t *json; /* NULL: text is asked for */
	char image[96];
	size_t count, room, row_count;
	struct point *point;
	uint8_t *outcome; /* row_count for each point */
	const struct descry_strategy **strategy;
};

/* --- collecting ----------------------------------------------------------------------- */

enum descry_status
descry_points_create(bool json, struct descry_points **out)
{
	struct descry_points *points = calloc(1, sizeof(*points));

	if (points && json)
		points->json = json_array();
	if (!points || (json && !points->json)) {
		free(points);
		return DESCRY_NO_MEMORY;
	}
	*out = points;
	return DESCRY_OK;
}

void
descry_points_free(struct descry_points *points)
{
	if (!points)
		return;
	json_decref(points->json);
	free(points->point);
	free(points->outcome);
	free(points->strategy);
	free(points);
}

static bool
begin(struct descry_points *points, const struct descry_compare *compare)
{
	points->row_count = compare->row_count;
	snprintf(points->image, sizeof(points->image), "%s", compare->image);
	points->strategy = calloc(points->row_count, sizeof(struct descry_strategy *));
	if (!points->strategy)
		return false;
	for (size_t i = 0; i < points->row_count; i++)
		points->strategy[i] = compare->row[i].strategy;
	return true;
}

static bool
grow(struct descry_points *points)
{
	const size_t room = points->room * 2 + 16;
	struct point *point;
	uint8_t *outcome;

	if (points->count < points->room)
		return true;
	point = realloc(points->point, room * sizeof(*point));
	if (!point)
		return false;
	points->point = point;
	outcome = realloc(points->outcome, room * points->row_count);
	if (!outcome)
		return false;
	points->outcome = outcome;
	points->room = room;
	return true;
}

static void
describe(const struct descry_compare *compare, struct point *point)
{
	char far[DESCRY_FAR_TEXT], status[DESCRY_CACHE_STATUS_TEXT];

	point->retired = compare->retired;
	snprintf(point->place, sizeof(point->place), "%s%s%.46s",
		 descry_far_text(compare->cs, compare->ip, far), compare->where[0] ? " " : "",
		 compare->where);
	snprintf(point->about, sizeof(point->about), "%s %s", descry_sreg_name(compare->about),
		 descry_cache_status_text(compare->status, status));
}

enum descry_status
descry_points_add(struct descry_points *points, const struct descry_compare *compare)
{
	if (points->count == 0 && !points->strategy && !begin(points, compare))
		return DESCRY_NO_MEMORY;
	if (!grow(points))
		return DESCRY_NO_MEMORY;
	describe(compare, &points->point[points->count]);
	for (size_t i = 0; i < points->row_count; i++)
		points->outcome[points->count * points->row_count + i] =
			(uint8_t)compare->row[i].outcome;
	points->count++;
	if (points->json)
		json_array_append_new(points->json, world_compare_json(compare));
	return DESCRY_OK;
}

/* --- the table ------------------------------------------------------------------------ */

static enum descry_outcome
outcome_of(const struct descry_points *points, size_t row, size_t point)
{
	return (enum descry_outcome)points->outcome[point * points->row_count + row];
}

static size_t
count_of(const struct descry_points *points, size_t row, enum descry_outcome outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < points->count; i++)
		count += outcome_of(points, row, i) == outcome;
	return count;
}

static void
write_list(const struct descry_points *points, const struct descry_sink *sink)
{
	for (size_t i = 0; i < points->count && points->count <= LISTED_MAX; i++)
		descry_sink_printf(sink, "%3zu  after %-10" PRIu64 " %-34s %s\n", i + 1,
				   points->point[i].retired, points->point[i].place,
				   points->point[i].about);
	descry_sink_text(sink, "\n");
}

static void
write_columns(const struct descry_points *points, const struct descry_sink *sink)
{
	descry_sink_printf(sink, "%-24s", "strategy");
	for (unsigned i = 0; i < DESCRY_OUTCOME_COUNT; i++)
		descry_sink_printf(sink, " %6s", descry_outcome_text(i));
	descry_sink_printf(sink, "  %s\n",
			   points->count <= LISTED_MAX ? "at each" : "first that is not the same");
}

static void
write_counts(const struct descry_points *points, size_t row, const struct descry_sink *sink)
{
	for (unsigned i = 0; i < DESCRY_OUTCOME_COUNT; i++) {
		const int width = (int)strlen(descry_outcome_text(i));
		const size_t count = count_of(points, row, i);

		if (count > 0)
			descry_sink_printf(sink, " %s%*zu%s", style(sink, world_outcome_style(i)),
					   width < 6 ? 6 : width, count, style(sink, STYLE_PLAIN));
		else
			descry_sink_printf(sink, " %*s", width < 6 ? 6 : width, "-");
	}
}

static const char letters[DESCRY_OUTCOME_COUNT] = {
	[DESCRY_OUTCOME_SAME] = '.',       [DESCRY_OUTCOME_FAULT] = 'F',
	[DESCRY_OUTCOME_SILENT] = 'S',     [DESCRY_OUTCOME_LATENT] = 'L',
	[DESCRY_OUTCOME_HOST_FAULT] = 'H', [DESCRY_OUTCOME_REFUSED] = 'R',
};

static void
write_each(const struct descry_points *points, size_t row, const struct descry_sink *sink)
{
	char text[LISTED_MAX + 1] = "";

	for (size_t i = 0; i < points->count; i++)
		text[i] = letters[outcome_of(points, row, i)];
	descry_sink_printf(sink, "  %s\n", text);
}

static void
write_first(const struct descry_points *points, size_t row, const struct descry_sink *sink)
{
	size_t i = 0;

	while (i < points->count && outcome_of(points, row, i) == DESCRY_OUTCOME_SAME)
		i++;
	if (i == points->count)
		descry_sink_text(sink, "  -\n");
	else
		descry_sink_printf(sink, "  %s after %" PRIu64 ", %s\n",
				   descry_outcome_text(outcome_of(points, row, i)),
				   points->point[i].retired, points->point[i].place);
}

static void
write_legend(const struct descry_sink *sink)
{
	for (unsigned i = 0; i < DESCRY_OUTCOME_COUNT; i++)
		descry_sink_printf(sink, "%s%c %s", i > 0 ? "   " : "", letters[i],
				   descry_outcome_text(i));
	descry_sink_text(sink, "\n");
}

static void
write_table(const struct descry_points *points, const struct descry_sink *sink)
{
	char strategy[DESCRY_STRATEGY_TEXT];

	descry_sink_printf(sink, "%s%s%s: %zu host interrupts, each under %zu strateg%s\n",
			   style(sink, STYLE_STRONG), points->image, style(sink, STYLE_PLAIN),
			   points->count, points->row_count, points->row_count == 1 ? "y" : "ies");
	write_list(points, sink);
	write_columns(points, sink);
	for (size_t row = 0; row < points->row_count; row++) {
		descry_sink_printf(sink, "%-24s",
				   descry_strategy_text(points->strategy[row], strategy));
		write_counts(points, row, sink);
		if (points->count <= LISTED_MAX)
			write_each(points, row, sink);
		else
			write_first(points, row, sink);
	}
	if (points->count <= LISTED_MAX)
		write_legend(sink);
}

void
descry_points_render(const struct descry_points *points, const struct descry_sink *sink)
{
	if (points->json)
		json_render(sink, json_pack("{s:s, s:O}", "image", points->image, "points",
					    points->json));
	else
		write_table(points, sink);
}
