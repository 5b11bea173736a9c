/*
 * What export and import have to know about a packing beside its two functions. Private to
 * vcpu.
 */
#ifndef DESCRY_EXCHANGE_PACKING_H
#define DESCRY_EXCHANGE_PACKING_H

#include <descry/exchange.h>

/* Does an import drop what the model lacks, where it refuses it elsewhere? */
bool packing_drops(const struct descry_exchange_row *row);

/* Why what comes back may not be what was there: a phrase. */
const char *packing_why(const struct descry_exchange_row *row);

/* Adds the fields in which a CPU that was asked to hold a state is something else. */
void exchange_report_lacking(const struct descry_state *asked, const struct descry_state *is,
			     struct descry_exchange_report *report);

#endif
