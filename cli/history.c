#include "history.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

static bool
fits(int written, size_t size)
{
	return written > 0 && (size_t)written < size;
}

bool
history_path(char *path, size_t size)
{
	const char *own = getenv("DESCRY_HISTORY");
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (own != NULL)
		return fits(snprintf(path, size, "%s", own), size);
	if (state != NULL && *state == '/')
		return fits(snprintf(path, size, "%s/descry/history", state), size);
	if (home != NULL && *home == '/')
		return fits(snprintf(path, size, "%s/.local/state/descry/history", home), size);
	return false;
}

void
history_make_folders(const char *path)
{
	char folder[PATH_MAX];

	if (!fits(snprintf(folder, sizeof(folder), "%s", path), sizeof(folder)))
		return;
	for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(folder, 0700);
		*slash = '/';
	}
}
