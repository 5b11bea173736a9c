#include "world/fields.h"

const char *
descry_field_name(enum descry_field field)
{
	static const char *const names[DESCRY_FIELD_COUNT] = {
		[DESCRY_FIELD_SEL] = "selector",
		[DESCRY_FIELD_BASE] = "base",
		[DESCRY_FIELD_LIMIT] = "limit",
		[DESCRY_FIELD_ATTR] = "attr",
	};

	return names[field];
}

uint64_t
field_value(const struct descry_segment *seg, enum descry_field field)
{
	const uint64_t values[DESCRY_FIELD_COUNT] = {
		[DESCRY_FIELD_SEL] = seg->sel,
		[DESCRY_FIELD_BASE] = seg->base,
		[DESCRY_FIELD_LIMIT] = seg->limit,
		[DESCRY_FIELD_ATTR] = seg->attr,
	};

	return values[field];
}

void
field_copy(struct descry_segment *to, enum descry_field field, const struct descry_segment *from)
{
	switch (field) {
	case DESCRY_FIELD_SEL:
		to->sel = from->sel;
		break;
	case DESCRY_FIELD_BASE:
		to->base = from->base;
		break;
	case DESCRY_FIELD_LIMIT:
		to->limit = from->limit;
		break;
	case DESCRY_FIELD_ATTR:
		to->attr = from->attr;
		break;
	case DESCRY_FIELD_COUNT:
		break;
	}
}

struct descry_fields
fields_diff(const struct descry_segment *a, const struct descry_segment *b)
{
	struct descry_fields diff = { { 0 } };

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		for (unsigned field = 0; field < DESCRY_FIELD_COUNT; field++) {
			if (field_value(&a[sreg], field) != field_value(&b[sreg], field))
				diff.of[sreg] |= (uint8_t)(1u << field);
		}
	}
	return diff;
}

bool
fields_empty(const struct descry_fields *set)
{
	return fields_sregs(set) == 0;
}

unsigned
fields_sregs(const struct descry_fields *set)
{
	unsigned sregs = 0;

	for (unsigned sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		if (set->of[sreg])
			sregs |= 1u << sreg;
	}
	return sregs;
}
