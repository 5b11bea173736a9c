/*
 * Two outcomes of one program, side by side.
 */
#ifndef ENGINE_COMPARE_H
#define ENGINE_COMPARE_H

#include "way.h"

#define DIFFERENCE_TEXT 160u

/* The first thing in which an outcome differs from the one in single steps; false: none. */
bool compare_outcomes(const struct outcome *steps, const struct outcome *other,
		      char text[DIFFERENCE_TEXT]);

/* Did breakpoints stop it where single steps came by them, and nowhere else? */
bool compare_arrivals(const struct outcome *steps, const struct outcome *other,
		      char text[DIFFERENCE_TEXT]);

#endif
