/*
 * Injections as text and as JSON. Private to the command folder.
 */
#ifndef DESCRY_RENDER_INJECT_H
#define DESCRY_RENDER_INJECT_H

#include <descry/schedule.h>
#include <descry/sink.h>

/* All of them, with how far each has come. */
void render_injections(const struct descry_sink *sink, const struct descry_monitor *monitor);

/* The one that has just been added. */
void render_injection_added(const struct descry_sink *sink, const struct descry_monitor *monitor,
			    int number);

/* Those that are gone, as numbers. */
void render_injections_deleted(const struct descry_sink *sink, const int *numbers, size_t count);

#endif
