/*
 * What the tests of the segmentation rules share: vectors by name, and a comparison that
 * says which row failed. Include after <cmocka.h>.
 */
#ifndef DESCRY_EXPECT_VERDICT_H
#define DESCRY_EXPECT_VERDICT_H

#include "seg_check.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { NONE = DESCRY_VEC_NONE, UD = 6, TS = 10, NP = 11, SS = 12, GP = 13 };

static inline void
expect(const char *what, struct seg_verdict got, enum seg_rule rule, unsigned vector,
       unsigned error_code)
{
	if (got.rule == rule && got.vector == vector && got.error_code == error_code)
		return;
	fail_msg("%s: got \"%s\" vector %u error code %04x, want \"%s\" vector %u error code %04x",
		 what, seg_rule_text(got.rule), got.vector, got.error_code, seg_rule_text(rule),
		 vector, error_code);
}

#endif
