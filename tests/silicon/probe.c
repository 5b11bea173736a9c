#include "probe.h"

#include "snippet.h"

#include <string.h>

static unsigned
find_flat_slot(const struct segments *segments)
{
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		if ((segments->slot[i].use & USE_DATA) && segments->slot[i].descriptor.pages &&
		    segments->slot[i].descriptor.limit == 0xfffff)
			return i;
	return 0;
}

bool
probe_wrap_faults(struct child *child, bool *works)
{
	enum { GENERAL_PROTECTION = 13 };
	static const uint8_t code[] = { 0x66, 0x8b, 0x03 }; /* mov ax, [ebx] */
	struct random r = { 0 };
	struct batch batch = { .magic = BATCH_MAGIC, .count = 1 };
	struct test_case test = { .code_size = sizeof(code) };
	struct test_result result;
	struct segments segments;
	uint16_t flat;

	segments_choose(&segments, &r);
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		batch.slot[i] = segments.slot[i].descriptor;
	flat = slot_selector(find_flat_slot(&segments));
	memcpy(test.code, code, sizeof(code));
	test.in = (struct registers){
		.gpr[BX] = 0xffffffff,
		.sreg = { [ES] = flat, [CS] = slot_selector(0), [SS] = flat, [DS] = flat },
	};
	*works = child_run(child, &batch, &test, &result);
	return *works && result.trap == GENERAL_PROTECTION;
}
