#include "exchange/begin.h"
#include "handle.h"
#include "machine/image.h"
#include "machine/start.h"
#include "stop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the bus -------------------------------------------------------------------------- */

static struct descry_page
bus_page(void *owner, uint64_t physical, bool for_write)
{
	struct descry_monitor *monitor = owner;

	return memory_page(&monitor->memory, physical, for_write);
}

static uint32_t
bus_port_in(void *owner, uint16_t port, unsigned size)
{
	struct descry_monitor *monitor = owner;

	return devices_in(&monitor->devices, port, size);
}

static void
bus_port_out(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	struct descry_monitor *monitor = owner;

	devices_out(&monitor->devices, port, size, value);
}

/* --- building the machine ------------------------------------------------------------- */

static enum descry_status
create_cpu(struct descry_monitor *monitor, const struct descry_options *options,
	   struct descry_error *err)
{
	const struct descry_profile *found = descry_profile_find(options->profile);
	const struct descry_bus bus = { monitor, bus_page, bus_port_in, bus_port_out };
	struct descry_profile profile;

	if (!found)
		return descry_fail(err, DESCRY_NOT_FOUND,
				   "-c %s: no such profile; -c help lists them", options->profile);
	profile = *found;
	for (size_t i = 0; i < options->knob_count; i++)
		if (descry_profile_set(&profile, options->knobs[i], err) != DESCRY_OK)
			return err->status;
	if (descry_vcpu_create(&profile, &bus, &monitor->vcpu) != DESCRY_OK)
		return descry_fail(err, DESCRY_NO_MEMORY, "no memory for the CPU model");
	return DESCRY_OK;
}

static void
create_devices(struct descry_monitor *monitor, const struct descry_options *options)
{
	monitor->devices = (struct devices){
		.vcpu = monitor->vcpu,
		.show_post = options->show_post,
		.console = options->console,
		.console_owner = options->console_owner,
	};
	devices_reset(&monitor->devices);
}

static enum descry_status
load_files(struct descry_monitor *monitor, const struct descry_options *options,
	   struct image_result *result, struct descry_error *err)
{
	struct memory *memory = &monitor->memory;

	if (options->rom && image_load_rom(memory, options->rom, err) != DESCRY_OK)
		return err->status;
	start_fill_vectors(memory);
	if (options->image && image_load(memory, options->image, result, err) != DESCRY_OK)
		return err->status;
	for (size_t i = 0; i < options->load_count; i++)
		if (image_load_raw(memory, &options->loads[i], err) != DESCRY_OK)
			return err->status;
	if (options->entry)
		return image_parse_entry(options->entry, &result->entry, err);
	return DESCRY_OK;
}

/* Where does it begin? Only a ROM without an image begins at reset. */
static enum descry_status
start_machine(struct descry_monitor *monitor, const struct descry_options *options,
	      const struct image_result *result, struct descry_error *err)
{
	if (result->entry.known || options->state) {
		monitor->unhandled = START_VECTOR;
		start_cpu(monitor->vcpu, &result->entry);
		return DESCRY_OK;
	}
	if (options->image)
		return descry_fail(err, DESCRY_BAD_IMAGE,
				   "%s: its entry %" PRIx64 "h is above 1 MiB, where real mode "
				   "cannot begin; give --entry SEG:OFF",
				   options->image, result->elf_entry);
	if (!options->rom)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "-L %s: nothing says where to begin; give --entry SEG:OFF",
				   options->loads[0].file);
	descry_vcpu_reset(monitor->vcpu);
	return DESCRY_OK;
}

/* The first file that was named, without its folder. */
static enum descry_status
set_name(struct descry_monitor *monitor, const struct descry_options *options,
	 struct descry_error *err)
{
	const char *name = options->image        ? options->image
			   : options->load_count ? options->loads[0].file
						 : options->rom;
	const char *slash;

	if (!name)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "nothing to run: give an IMAGE, -L FILE@ADDR with --entry, or "
				   "--rom FILE");
	slash = strrchr(name, '/');
	monitor->image_name = strdup(slash ? slash + 1 : name);
	if (!monitor->image_name)
		return descry_fail(err, DESCRY_NO_MEMORY, "no memory for the monitor");
	return DESCRY_OK;
}

static enum descry_status
build(struct descry_monitor *monitor, const struct descry_options *options,
      struct descry_error *err)
{
	struct image_result result = { .symbols = &monitor->symbols };

	if (set_name(monitor, options, err) != DESCRY_OK)
		return err->status;
	if (memory_create(&monitor->memory, options->ram_mib, err) != DESCRY_OK)
		return err->status;
	if (create_cpu(monitor, options, err) != DESCRY_OK)
		return err->status;
	create_devices(monitor, options);
	if (load_files(monitor, options, &result, err) != DESCRY_OK)
		return err->status;
	if (start_machine(monitor, options, &result, err) != DESCRY_OK)
		return err->status;

	memcpy(monitor->note, result.note, sizeof(monitor->note));
	if (options->state && begin_in_state(monitor, options->state, err) != DESCRY_OK)
		return err->status;
	descry_vcpu_memory_changed(monitor->vcpu);
	stop_describe(monitor, DESCRY_STOP_START, NULL, &monitor->last_stop);
	if (descry_snapshot_take(monitor, &monitor->start) != DESCRY_OK)
		return descry_fail(err, DESCRY_NO_MEMORY, "no memory for a copy of the image");
	return DESCRY_OK;
}

/* --- life ----------------------------------------------------------------------------- */

enum descry_status
descry_monitor_create(const struct descry_options *options, struct descry_monitor **out,
		      struct descry_error *err)
{
	struct descry_monitor *monitor = calloc(1, sizeof(*monitor));

	*err = (struct descry_error){ .status = DESCRY_OK };
	if (!monitor || !breakpoints_init(&monitor->breakpoints)) {
		free(monitor);
		return descry_fail(err, DESCRY_NO_MEMORY, "no memory for the monitor");
	}
	if (build(monitor, options, err) != DESCRY_OK) {
		descry_monitor_destroy(monitor);
		return err->status;
	}
	*out = monitor;
	return DESCRY_OK;
}

void
descry_monitor_destroy(struct descry_monitor *monitor)
{
	if (!monitor)
		return;
	descry_snapshot_free(monitor->start);
	if (monitor->vcpu)
		descry_vcpu_destroy(monitor->vcpu);
	memory_destroy(&monitor->memory);
	symbols_free(&monitor->symbols);
	breakpoints_free(&monitor->breakpoints);
	free(monitor->image_name);
	free(monitor);
}

enum descry_status
descry_monitor_reset(struct descry_monitor *monitor)
{
	const enum descry_status status = descry_snapshot_restore(monitor, monitor->start);

	schedule_restart(&monitor->schedule);
	breakpoints_await(&monitor->breakpoints, &monitor->schedule);
	if (monitor->host_hooks)
		monitor->host_hooks->restarted(monitor->host_owner, monitor);
	return status;
}

/* --- what others ask for -------------------------------------------------------------- */

struct descry_vcpu *
descry_monitor_vcpu(struct descry_monitor *monitor)
{
	return monitor->vcpu;
}

const char *
descry_monitor_image_name(const struct descry_monitor *monitor)
{
	return monitor->image_name;
}

const char *
descry_monitor_note(const struct descry_monitor *monitor)
{
	return monitor->note[0] ? monitor->note : NULL;
}

uint8_t *
descry_monitor_host_window(struct descry_monitor *monitor)
{
	return monitor->memory.window;
}

void
descry_monitor_map_host_window(struct descry_monitor *monitor, bool mapped)
{
	monitor->memory.window_mapped = mapped;
	descry_vcpu_memory_changed(monitor->vcpu);
	descry_vcpu_map_window(monitor->vcpu, DESCRY_HOST_WINDOW,
			       mapped ? DESCRY_HOST_WINDOW_SIZE : 0);
}
