/*
 * What an export and an import have to say. Private to the command folder.
 */
#ifndef DESCRY_RENDER_EXCHANGE_H
#define DESCRY_RENDER_EXCHANGE_H

#include "command/render.h"

#include <descry/exchange.h>

/* The words themselves. */
void render_words(const struct descry_sink *sink, const struct descry_exchange_words *words,
		  const struct descry_exchange_report *report);
/* They are in a file now. */
void render_export(const struct descry_sink *sink, const struct descry_exchange_report *report,
		   const char *path, size_t size);
void render_import(const struct descry_sink *sink, struct descry_monitor *monitor,
		   const struct descry_exchange_report *report, const char *path);

#endif
