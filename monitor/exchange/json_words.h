/*
 * Words as a JSON value. Private to monitor.
 */
#ifndef DESCRY_EXCHANGE_JSON_WORDS_H
#define DESCRY_EXCHANGE_JSON_WORDS_H

#include "command/json.h"

#include <descry/exchange.h>

/* Without what says of which format they are. */
json_t *json_of_words(const struct descry_exchange_format *format,
		      const struct descry_exchange_words *words);

#endif
