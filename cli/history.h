/*
 * Where the shell's history lives: $DESCRY_HISTORY, else descry/history in
 * $XDG_STATE_HOME, else in ~/.local/state.
 */
#ifndef DESCRY_CLI_HISTORY_H
#define DESCRY_CLI_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

/* False: there is no place for one, or the user wants none (DESCRY_HISTORY is empty). */
bool history_path(char *path, size_t size);

/* Makes the folders that lead to a file. What cannot be made shows when the file is written. */
void history_make_folders(const char *path);

#endif
