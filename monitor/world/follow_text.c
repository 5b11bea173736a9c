#include "world/follow.h"

#include <stdio.h>

const char *
descry_follow_kind_text(enum descry_follow_kind kind)
{
	static const char *const texts[DESCRY_FOLLOW_KIND_COUNT] = {
		[DESCRY_FOLLOW_NOTHING] = "nothing",     [DESCRY_FOLLOW_HEALS] = "heals",
		[DESCRY_FOLLOW_MANIFESTS] = "manifests", [DESCRY_FOLLOW_ENDS] = "ends",
		[DESCRY_FOLLOW_LASTS] = "lasts",
	};

	return texts[kind];
}

const char *
descry_manifest_text(enum descry_manifest manifest)
{
	static const char *const texts[DESCRY_MANIFEST_COUNT] = {
		[DESCRY_MANIFEST_FAULT] = "fault",
		[DESCRY_MANIFEST_ADDRESS] = "address",
		[DESCRY_MANIFEST_PATH] = "path",
		[DESCRY_MANIFEST_VALUE] = "value",
	};

	return texts[manifest];
}

/* "reload+4 (0008:7c8a) after 212 instructions: mov fs, ax" */
const char *
descry_place_text(const struct descry_world_place *place, uint64_t begin,
		  char text[DESCRY_FOLLOW_TEXT])
{
	const uint64_t count = place->retired - begin;
	char far[DESCRY_FAR_TEXT];

	descry_far_text(place->cs, place->ip, far);
	snprintf(text, DESCRY_FOLLOW_TEXT, "%s%s%s%s after %llu instruction%s: %s", place->symbol,
		 place->symbol[0] ? " (" : "", far, place->symbol[0] ? ")" : "",
		 (unsigned long long)count, count == 1 ? "" : "s", place->text);
	return text;
}

static void
end_text(const struct descry_follow *follow, char text[DESCRY_FOLLOW_TEXT])
{
	const uint64_t count = follow->at.retired - follow->begin;

	snprintf(text, DESCRY_FOLLOW_TEXT, "nothing shows in the next %llu instruction%s%s",
		 (unsigned long long)count, count == 1 ? "" : "s",
		 follow->kind == DESCRY_FOLLOW_ENDS ? ", when the guest ends" : "");
}

const char *
descry_follow_text(const struct descry_follow *follow, char text[DESCRY_FOLLOW_TEXT])
{
	char place[DESCRY_FOLLOW_TEXT];

	switch (follow->kind) {
	case DESCRY_FOLLOW_NOTHING:
	case DESCRY_FOLLOW_KIND_COUNT:
		snprintf(text, DESCRY_FOLLOW_TEXT, "nothing is lost");
		break;
	case DESCRY_FOLLOW_HEALS:
	case DESCRY_FOLLOW_MANIFESTS:
		snprintf(text, DESCRY_FOLLOW_TEXT, "%s at %.300s",
			 descry_follow_kind_text(follow->kind),
			 descry_place_text(&follow->at, follow->begin, place));
		break;
	case DESCRY_FOLLOW_ENDS:
	case DESCRY_FOLLOW_LASTS:
		end_text(follow, text);
		break;
	}
	return text;
}
