/*
 * What docs/exchange.md promises, written a second time and without a look at any row: which
 * states a format can hold, and what comes back of one.
 */
#ifndef TRIP_ORACLE_H
#define TRIP_ORACLE_H

#include <descry/exchange.h>

/* Must an export of this state succeed? */
bool trip_fits(enum descry_exchange format, const struct descry_state *state);

/* An export of from and its import over a machine in the state over, on a CPU of this profile. */
struct descry_state trip_expected(enum descry_exchange format, const struct descry_state *from,
				  const struct descry_state *over,
				  const struct descry_profile *profile);

/* Is this field absent from the format, and left as the machine has it? */
bool trip_lacks(enum descry_exchange format, enum descry_state_field field);

#endif
