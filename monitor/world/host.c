#include "world/host.h"

#include <assert.h>
#include <string.h>

/* clang-format off */
const struct descry_segment host_fs_small = { 0x00300000, 0x0000ffff, HOST_SEL_FS,   0x4093 };
const struct descry_segment host_fs_big   = { 0x00300000, 0xffffffff, HOST_SEL_FS,   0xc093 };
const struct descry_segment host_code     = { 0x00000000, 0xffffffff, HOST_SEL_CODE, 0xc09b };
const struct descry_segment host_data     = { 0x00000000, 0xffffffff, HOST_SEL_DATA, 0xc093 };

/* The TSS is available, as LTR wants it. */
static const struct descry_segment host_others[] = {
	{ HOST_TSS_BASE, HOST_TSS_LIMIT, HOST_SEL_TSS, DESCRY_ATTR_P | DESCRY_TYPE_TSS32 },
	{ HOST_SHADOW_LDT, HOST_SHADOW_LDT_BYTES - 1, HOST_SEL_LDT, DESCRY_ATTR_P | DESCRY_TYPE_LDT },
	{ 0, 0xffff, HOST_SEL_DATA16, DESCRY_ATTR_REAL_DATA },
};
/* clang-format on */

uint64_t
host_descriptor(const struct descry_segment *seg)
{
	const uint32_t base = (uint32_t)seg->base;
	const uint32_t limit = seg->attr & DESCRY_ATTR_G ? seg->limit >> 12 : seg->limit;
	const uint32_t low = (base & 0xffffu) << 16 | (limit & 0xffffu);
	const uint32_t high = (base & 0xff000000u) | (limit & 0xf0000u) | (base >> 16 & 0xffu) |
			      (uint32_t)(seg->attr & DESCRY_ATTR_DESCRIPTOR) << 8;

	return (uint64_t)high << 32 | low;
}

static void
write_entry(struct descry_monitor *monitor, uint64_t table, uint16_t sel, uint64_t raw)
{
	uint8_t *at = descry_monitor_host_window(monitor) + (table - DESCRY_HOST_WINDOW);

	for (unsigned i = 0; i < 8; i++)
		at[(sel & ~7u) + i] = (uint8_t)(raw >> 8 * i);
}

void
host_build_tables(struct descry_monitor *monitor, const struct descry_segment *fs,
		  const struct world_settings *settings)
{
	const struct descry_segment *const first[] = { &host_code, fs, &host_data };

	memset(descry_monitor_host_window(monitor), 0, DESCRY_HOST_WINDOW_SIZE);
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		write_entry(monitor, HOST_GDT_BASE, first[i]->sel, host_descriptor(first[i]));
	for (size_t i = 0; i < sizeof(host_others) / sizeof(host_others[0]); i++)
		write_entry(monitor, HOST_GDT_BASE, host_others[i].sel,
			    host_descriptor(&host_others[i]));
	for (size_t i = 0; i < settings->slot_count; i++)
		write_entry(monitor, HOST_GDT_BASE, settings->slot[i].sel,
			    settings->slot[i].descriptor);
	descry_vcpu_memory_changed(descry_monitor_vcpu(monitor));
}

struct descry_table
host_gdt(const struct world_settings *settings)
{
	struct descry_table gdt = { .base = HOST_GDT_BASE, .limit = HOST_GDT_LIMIT };

	for (size_t i = 0; i < settings->slot_count; i++) {
		if ((settings->slot[i].sel | 7u) > gdt.limit)
			gdt.limit = settings->slot[i].sel | 7u;
	}
	return gdt;
}

void
host_write_slot(struct world_switch *sw, uint64_t table, uint16_t sel, uint64_t descriptor)
{
	write_entry(sw->monitor, table, sel, descriptor);
}

uint8_t *
host_bytes(const struct world_switch *sw, uint64_t address)
{
	assert(host_owns(address));
	return descry_monitor_host_window(sw->monitor) + (address - DESCRY_HOST_WINDOW);
}

struct descry_segment
host_segment_at(const struct world_switch *sw, uint16_t sel)
{
	const uint8_t *at = host_bytes(sw, HOST_GDT_BASE + (sel & ~7u));
	uint64_t raw = 0;

	for (unsigned i = 0; i < 8; i++)
		raw |= (uint64_t)at[i] << 8 * i;
	return descry_segment_from_descriptor(sel, raw);
}

bool
host_owns(uint64_t linear)
{
	return linear >= DESCRY_HOST_WINDOW &&
	       linear - DESCRY_HOST_WINDOW < DESCRY_HOST_WINDOW_SIZE;
}
