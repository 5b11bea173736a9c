/*
 * What world switches look like. The comparison of strategies is rendered by
 * descry_compare_render() (<descry/world.h>).
 */
#ifndef DESCRY_RENDER_WORLD_H
#define DESCRY_RENDER_WORLD_H

#include "command/render.h"

#include <descry/world.h>

/* All strategies, the chosen one marked. */
void render_strategies(const struct descry_world *world, const struct descry_sink *sink);

/* Which strategy was in use, and which is from now on. */
void render_choice(const struct descry_strategy *before, const struct descry_strategy *now,
		   const struct descry_sink *sink);

/* One line: which strategy, where, and whether the guest runs again. */
void render_switch(const struct descry_world_trace *trace, const struct descry_sink *sink);

/* One step, by its last operation, with every segment. */
void render_switch_step(const struct descry_world_trace *trace, const struct descry_world_op *op,
			const struct descry_sink *sink);

/* One operation, with the segments that it has changed. */
void render_switch_op(const struct descry_world_trace *trace, const struct descry_world_op *op,
		      const struct descry_sink *sink);

/* The flaws that the host has, of all that there are. */
void render_flaws(unsigned flaws, const struct descry_sink *sink);

/* Whether a run stops in a switch. */
void render_hold(bool holds, const struct descry_sink *sink);

/* What the host writes at X5, and what it has in its GDT beside its own entries. */
void render_host(const struct descry_world *world, const struct descry_sink *sink);

/* Every step, each with the segments that it has changed. */
void render_switch_trace(const struct descry_world_trace *trace, const struct descry_sink *sink);

/* What has become of a loss. */
void render_follow(const struct descry_follow *follow, const struct descry_sink *sink);

/* --- for the renders of this topic ---------------------------------------------------- */

/* A comparison at one boundary. */
json_t *world_compare_json(const struct descry_compare *compare);

enum style world_outcome_style(enum descry_outcome outcome);

/* Names like "fs.base". */
json_t *world_fields_json(const struct descry_fields *fields);

json_t *access_json(const struct descry_world_access *access);
json_t *follow_json(const struct descry_follow *follow); /* null when nothing is lost */

/* The segments that have healed one by one: a line for each instruction that has done it. */
void write_heals(const struct descry_follow *follow, unsigned indent,
		 const struct descry_sink *sink);

#endif
