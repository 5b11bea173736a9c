#include "world/host.h"

#include <string.h>

/* clang-format off */
const struct descry_segment host_fs_small = { 0x00300000, 0x0000ffff, HOST_SEL_FS,   0x4093 };
const struct descry_segment host_fs_big   = { 0x00300000, 0xffffffff, HOST_SEL_FS,   0xc093 };
const struct descry_segment host_code     = { 0x00000000, 0xffffffff, HOST_SEL_CODE, 0xc09b };
const struct descry_segment host_data     = { 0x00000000, 0xffffffff, HOST_SEL_DATA, 0xc093 };

/* Available, as LTR wants it. */
static const struct descry_segment host_tss = {
	HOST_TSS_BASE, HOST_TSS_LIMIT, HOST_SEL_TSS, DESCRY_ATTR_P | DESCRY_TYPE_TSS32
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
write_entry(uint8_t *gdt, const struct descry_segment *seg)
{
	const uint64_t raw = host_descriptor(seg);

	for (unsigned i = 0; i < 8; i++)
		gdt[(seg->sel & ~7u) + i] = (uint8_t)(raw >> 8 * i);
}

void
host_build_tables(struct descry_monitor *monitor, const struct descry_segment *fs)
{
	uint8_t *window = descry_monitor_host_window(monitor);

	memset(window, 0, DESCRY_HOST_WINDOW_SIZE);
	write_entry(window, &host_code);
	write_entry(window, fs);
	write_entry(window, &host_data);
	write_entry(window, &host_tss);
	descry_vcpu_memory_changed(descry_monitor_vcpu(monitor));
}

bool
host_owns(uint64_t linear)
{
	return linear >= DESCRY_HOST_WINDOW &&
	       linear - DESCRY_HOST_WINDOW < DESCRY_HOST_WINDOW_SIZE;
}
