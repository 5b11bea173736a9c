#include <descry/segment.h>

/*
 * The low dword holds limit 15:0 and base 15:0; the high dword base 31:24, the flags,
 * limit 19:16, the access byte and base 23:16.
 */
struct descry_segment
descry_segment_from_descriptor(uint16_t sel, uint64_t raw)
{
	const uint32_t low = (uint32_t)raw;
	const uint32_t high = (uint32_t)(raw >> 32);
	struct descry_segment seg = {
		.base = (low >> 16) | (high & 0xffu) << 16 | (high & 0xff000000u),
		.limit = (low & 0xffffu) | (high & 0xf0000u),
		.sel = sel,
		.attr = (uint16_t)((high >> 8) & DESCRY_ATTR_DESCRIPTOR),
	};

	if (seg.attr & DESCRY_ATTR_G)
		seg.limit = seg.limit << 12 | 0xfffu;
	return seg;
}

const char *
descry_sreg_name(enum descry_sreg sreg)
{
	static const char *const names[DESCRY_SREG_COUNT] = {
		[DESCRY_ES] = "es", [DESCRY_CS] = "cs", [DESCRY_SS] = "ss",     [DESCRY_DS] = "ds",
		[DESCRY_FS] = "fs", [DESCRY_GS] = "gs", [DESCRY_LDTR] = "ldtr", [DESCRY_TR] = "tr",
	};

	return names[sreg];
}
