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

/*
 * What `help status` says about one word, as it stands there: the next line of it, from NULL
 * on to NULL at its end. size does not count the newline.
 */
const char *help_status_line(const char *word, const char *line, size_t *size);

#endif
