/*
 * The verb compare: boundaries and expectations from the command line, a table or JSON from
 * what comes of them.
 */
#ifndef DESCRY_CLI_COMPARE_H
#define DESCRY_CLI_COMPARE_H

#include "options.h"
#include "terminal.h"

#include <descry/world.h>

/* only: the strategy that -w names; NULL: all. The exit status; what is wrong has been told. */
int compare_verb(const struct options *options, struct descry_monitor *monitor,
		 const struct descry_world *world, const struct descry_strategy *only,
		 struct terminal *terminal);

#endif
