/*
 * What loading the visible selector would give, and what that says of the cache as it
 * is. Computed when asked, never stored; reads guest tables without touching them.
 * Owned by vcpu.
 */
#ifndef DESCRY_RELOAD_H
#define DESCRY_RELOAD_H

#include <descry/vcpu.h>

enum descry_reload_mode {
	DESCRY_RELOAD_NOW, /* in the mode the CPU is in */
	DESCRY_RELOAD_REAL,
	DESCRY_RELOAD_PROTECTED, /* with the guest's tables as they are now */
	DESCRY_RELOAD_V86,
	DESCRY_RELOAD_MODE_COUNT
};

struct descry_preview {
	struct descry_fault fault;     /* vector DESCRY_VEC_NONE: it would load */
	const char *why;               /* the rule that refuses, as a phrase; NULL when it loads */
	struct descry_segment segment; /* when it loads */
	bool from_table;
	uint64_t raw; /* the descriptor, when from_table */
};

void descry_reload_preview(const struct descry_vcpu *vcpu, enum descry_sreg sreg,
			   enum descry_reload_mode mode, struct descry_preview *out);

/* The same for any selector, as `load fs 0x10` would find it. */
void descry_load_preview(const struct descry_vcpu *vcpu, enum descry_sreg sreg, uint16_t sel,
			 enum descry_reload_mode mode, struct descry_preview *out);

/* The status of a cache is a set; MATCH is the empty one. */
#define DESCRY_CACHE_STALE                                                                         \
	0x01u                     /* PE=1, and a load of the visible selector gives something else \
				   */
#define DESCRY_CACHE_UNREAL 0x02u /* PE=0, and limit or attr is not what real mode expects */
#define DESCRY_CACHE_UNREAL_BASE 0x04u /* PE=0, and base is not selector * 16 */
#define DESCRY_CACHE_UNUSABLE 0x08u
#define DESCRY_CACHE_FIXED 0x10u  /* loaded with constants, without a table */
#define DESCRY_CACHE_FORCED 0x20u /* set by hand or by a VM exit, by no load */

unsigned descry_cache_status(const struct descry_vcpu *vcpu, enum descry_sreg sreg);

/* "MATCH", or "STALE", "UNREAL|UNREAL-BASE", ... */
#define DESCRY_CACHE_STATUS_TEXT 64u
const char *descry_cache_status_text(unsigned status, char buffer[DESCRY_CACHE_STATUS_TEXT]);

/* A descriptor as it lies in a table now; false when the index is beyond the limit. */
DESCRY_MUST_CHECK bool descry_read_descriptor(const struct descry_vcpu *vcpu, uint16_t sel,
					      uint64_t *raw, uint64_t *linear);

/* What the bytes of a descriptor mean to this CPU: knob descriptor.bytes. */
struct descry_segment descry_descriptor_segment(const struct descry_vcpu *vcpu, uint16_t sel,
						uint64_t raw);

#endif
