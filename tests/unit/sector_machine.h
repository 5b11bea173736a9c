/*
 * A monitor with a boot sector of a few bytes in it, and what is common to tests that run it. The
 * console keeps what the guest prints. Included by the tests of the monitor.
 */
#ifndef SECTOR_MACHINE_H
#define SECTOR_MACHINE_H

#include "handle.h"
#include "stop.h"
#include "temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct {
	char text[64];
	size_t size;
} console;

static inline void
collect(void *owner, const char *text, size_t size)
{
	(void)owner;
	assert_true(console.size + size < sizeof(console.text));
	memcpy(console.text + console.size, text, size);
	console.size += size;
}

static inline struct descry_monitor *
create(const char *code, size_t size)
{
	struct descry_options options = { .ram_mib = 2, .console = collect };
	struct descry_monitor *monitor = NULL;
	uint8_t sector[512] = { [510] = 0x55, [511] = 0xaa };
	char name[TEMP_FILE_NAME];
	struct descry_error err;

	assert_true(size <= 510);
	memcpy(sector, code, size);
	temp_file_write(name, sector, sizeof(sector));
	options.image = name;
	memset(&console, 0, sizeof(console));
	assert_int_equal(descry_monitor_create(&options, &monitor, &err), DESCRY_OK);
	unlink(name);
	return monitor;
}

#define CREATE(code) create(code, sizeof(code) - 1)

static inline struct descry_stop
run(struct descry_monitor *monitor, uint64_t count)
{
	const struct descry_run_request request = { .count = count };
	struct descry_stop stop;

	descry_monitor_run(monitor, &request, &stop);
	assert_string_equal(descry_monitor_last_stop(monitor)->text, stop.text);
	return stop;
}

static inline void
expect_text(const char *text, const char *const *says, size_t count)
{
	print_message("    %s\n", text);
	for (size_t i = 0; i < count; i++)
		if (says[i])
			assert_non_null(strstr(text, says[i]));
	assert_null(strchr(text, '\n'));
}

#endif
