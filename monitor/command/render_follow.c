/*
 * What becomes of a loss: of a row of the comparison, and of the last switch.
 */
#include "command/render_world.h"

#include <stdio.h>
#include <string.h>

/* --- JSON ----------------------------------------------------------------------------- */

json_t *
access_json(const struct descry_world_access *access)
{
	const bool faults = access->fault.vector != DESCRY_VEC_NONE;
	json_t *value;

	if (!access->happened)
		return json_null();
	value = json_pack("{s:s, s:s, s:i, s:I, s:I, s:i, s:I, s:o}", "segment",
			  descry_sreg_name(access->sreg), "access",
			  descry_access_text(access->access), "size", (int)access->size, "offset",
			  (json_int_t)access->offset, "retired", (json_int_t)access->retired, "cs",
			  (int)access->cs, "ip", (json_int_t)access->ip, "symbol",
			  json_text(access->symbol));
	json_object_set_new(value, "linear",
			    faults ? json_null() : json_integer((json_int_t)access->linear));
	json_object_set_new(value, "vector",
			    faults ? json_integer(access->fault.vector) : json_null());
	return value;
}

static json_t *
place_json(const struct descry_world_place *place)
{
	return json_pack("{s:I, s:i, s:I, s:o, s:o}", "retired", (json_int_t)place->retired, "cs",
			 (int)place->cs, "ip", (json_int_t)place->ip, "symbol",
			 json_text(place->symbol), "instruction", json_text(place->text));
}

static json_t *
sregs_json(unsigned sregs)
{
	json_t *names = json_array();

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		if (sregs >> sreg & 1)
			json_array_append_new(names, json_string(descry_sreg_name(sreg)));
	}
	return names;
}

static json_t *
heals_json(const struct descry_follow *follow)
{
	json_t *heals = json_array();

	for (size_t i = 0; i < follow->heal_count; i++)
		json_array_append_new(heals, json_pack("{s:o, s:o}", "segments",
						       sregs_json(follow->heal[i].sregs), "at",
						       place_json(&follow->heal[i].at)));
	return heals;
}

json_t *
follow_json(const struct descry_follow *follow)
{
	const bool manifests = follow->kind == DESCRY_FOLLOW_MANIFESTS;

	if (follow->kind == DESCRY_FOLLOW_NOTHING)
		return json_null();
	return json_pack("{s:s, s:s?, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "kind",
			 descry_follow_kind_text(follow->kind), "by",
			 manifests ? descry_manifest_text(follow->manifest) : NULL, "lost",
			 world_fields_json(&follow->lost), "instructions",
			 (json_int_t)(follow->at.retired - follow->begin), "at",
			 place_json(&follow->at), "what", json_text(follow->what), "access",
			 access_json(&follow->access), "truth", access_json(&follow->truth),
			 "healed", heals_json(follow));
}

/* --- text ----------------------------------------------------------------------------- */

/* "fs ds are as they should be again at ..." */
static void
write_heal(const struct descry_follow *follow, const struct descry_follow_heal *heal,
	   unsigned indent, const struct descry_sink *sink)
{
	char place[DESCRY_FOLLOW_TEXT], text[DESCRY_FOLLOW_TEXT + 64];
	const bool one = (heal->sregs & (heal->sregs - 1)) == 0;
	size_t used = 0;

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		if (heal->sregs >> sreg & 1)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ",
						 descry_sreg_name(sreg));
	}
	snprintf(text + used, sizeof(text) - used, "%s at %s", one ? "heals" : "heal",
		 descry_place_text(&heal->at, follow->begin, place));
	descry_sink_printf(sink, "%*s", (int)indent, "");
	put_wrapped(sink, indent, indent, text);
}

void
write_heals(const struct descry_follow *follow, unsigned indent, const struct descry_sink *sink)
{
	const bool is_whole = follow->kind == DESCRY_FOLLOW_HEALS;

	if (is_whole && follow->heal_count == 1)
		return;
	for (size_t i = 0; i < follow->heal_count; i++)
		write_heal(follow, &follow->heal[i], indent, sink);
}

static void
write_lost(const struct descry_follow *follow, const struct descry_sink *sink)
{
	descry_sink_text(sink, "lost:");
	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++) {
			if (descry_fields_has(&follow->lost, sreg, field))
				descry_sink_printf(sink, " %s.%s", descry_sreg_name(sreg),
						   descry_field_name(field));
		}
	}
	descry_sink_text(sink, "\n");
}

void
render_follow(const struct descry_follow *follow, const struct descry_sink *sink)
{
	const bool shows = follow->kind == DESCRY_FOLLOW_MANIFESTS;
	char text[DESCRY_FOLLOW_TEXT];

	if (sink->json) {
		json_render(sink, follow_json(follow));
		return;
	}
	if (follow->kind != DESCRY_FOLLOW_NOTHING)
		write_lost(follow, sink);
	write_heals(follow, 0, sink);
	descry_sink_text(sink, shows ? style(sink, STYLE_DIFFERS) : "");
	put_wrapped(sink, 0, 4, descry_follow_text(follow, text));
	descry_sink_text(sink, shows ? style(sink, STYLE_PLAIN) : "");
	if (follow->what[0] == '\0')
		return;
	descry_sink_text(sink, "    ");
	put_wrapped(sink, 4, 4, follow->what);
}
