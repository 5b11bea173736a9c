#include "arena.h"

#include "random.h"

#include <string.h>

/*
 * An instruction that runs over the limit of CS is refused, but the host's system looks at
 * it, limit or not: it would emulate an SGDT or SMSW that our noise has completed. With FFh
 * for a ModRM byte it finds neither.
 */
enum { BEHIND_CODE = 0xff };

void
arena_fill(struct arena *arena, uint32_t seed)
{
	struct random r = { seed };

	memset(arena->base, ARENA_FILLER, ARENA_CODE_SIZE);
	for (uint32_t at = ARENA_CODE_SIZE; at < ARENA_SIZE; at++)
		arena->base[at] = (uint8_t)random_bits(&r);
	memset(arena->base + ARENA_CODE_SIZE, BEHIND_CODE, ARENA_PAD_SIZE);
}

void
arena_prepare(struct arena *arena, const struct test_case *test)
{
	memcpy(arena->before, arena->base, ARENA_SIZE);
	for (unsigned i = 0; i < test->poke_count; i++) {
		const struct poke *poke = &test->poke[i];

		memcpy(arena->before + poke->at, poke->bytes, poke->size);
	}
	memcpy(arena->before + test->code_at, test->code, test->code_size);
	memcpy(arena->live, arena->before, ARENA_SIZE);
}

static void
note_change(struct test_result *result, uint32_t at, uint8_t value)
{
	if (result->change_count < CHANGE_MAX)
		result->change[result->change_count] =
			(struct change){ .at = (uint16_t)at, .value = value };
	result->change_count++;
	result->change_hash = (result->change_hash ^ (at << 8 | value)) * 16777619u;
}

static bool
is_left_out(const struct test_case *test, uint32_t at)
{
	return at - test->blind_at[0] < test->blind_size[0] ||
	       at - test->blind_at[1] < test->blind_size[1];
}

void
arena_collect(const struct arena *arena, const struct test_case *test, struct test_result *result)
{
	enum { STRIDE = 256 };

	result->change_count = 0;
	result->change_hash = 2166136261u;
	memset(result->change, 0, sizeof(result->change));
	for (uint32_t block = 0; block < ARENA_SIZE; block += STRIDE) {
		if (memcmp(arena->live + block, arena->before + block, STRIDE) == 0)
			continue;
		for (uint32_t at = block; at < block + STRIDE; at++)
			if (arena->live[at] != arena->before[at] && !is_left_out(test, at))
				note_change(result, at, arena->live[at]);
	}
}
