/*
 * Files that a test needs for as long as it runs, in the folder it runs in.
 */
#ifndef DESCRY_TEMP_FILE_H
#define DESCRY_TEMP_FILE_H

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEMP_FILE_NAME 32u

static inline void
temp_file_write(char name[TEMP_FILE_NAME], const void *bytes, size_t size)
{
	ssize_t written;
	int fd;

	snprintf(name, TEMP_FILE_NAME, "temp_file.XXXXXX");
	fd = mkstemp(name);
	assert(fd >= 0);
	written = write(fd, bytes, size);
	assert(written == (ssize_t)size);
	close(fd);
}

#endif
