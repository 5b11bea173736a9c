/*
 * What `help` explains besides commands: the notation that many of them share. Private to
 * the command folder.
 */
#ifndef DESCRY_TOPICS_H
#define DESCRY_TOPICS_H

#include <stddef.h>

struct help_topic {
	const char *name;
	const char *summary;
	const char *text;
};

/* Index 0 .. until NULL. */
const struct help_topic *help_topic_at(size_t index);

#endif
