/*
 * `descry -c help`: the CPU generations and what differs between them, as a table.
 */
#ifndef CLI_PROFILES_H
#define CLI_PROFILES_H

#include <stdio.h>

void profiles_show(FILE *out);

#endif
