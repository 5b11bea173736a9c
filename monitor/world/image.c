#include "world/image.h"

#include <stdio.h>

/* "pentium, p6": those whose knob is not 0, which means none. */
static void
list_profiles(enum descry_knob knob, char *text, size_t size)
{
	const struct descry_profile *profile;
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; (profile = descry_profile_at(i)) != NULL && used < size; i++) {
		if (profile->knob[knob])
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
						 profile->name);
	}
}

bool
image_refuse_cpu(struct world_switch *sw, enum descry_knob knob, const char *thing)
{
	char profiles[80];

	list_profiles(knob, profiles, sizeof(profiles));
	return world_refuse(sw, "this CPU has no %s (knob %s); profiles that have it: %s", thing,
			    descry_knob_info(knob)->name, profiles);
}

void
image_note_segment(struct world_switch *sw, const char *place,
		   const struct descry_exchange_format *format, const uint8_t *bytes,
		   enum descry_sreg sreg)
{
	char text[96];
	size_t used = 0;

	for (unsigned part = 0; part < DESCRY_PART_COUNT; part++) {
		const struct descry_exchange_row *row = descry_exchange_row_of(
			format, descry_state_segment(sreg, (enum descry_state_part)part));

		if (!row)
			return;
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, " %02x=%0*llx", row->at, 2 * row->bytes,
			(unsigned long long)descry_exchange_word(format, row, bytes));
	}
	world_note(sw, "%s%s: %s", place, text, descry_sreg_name(sreg));
}
