#include "reply.h"

#include <string.h>

struct reply
reply_text(const char *text)
{
	return (struct reply){ .text = text, .size = strlen(text) };
}

struct reply
reply_ok(void)
{
	return reply_text("OK");
}

struct reply
reply_unsupported(void)
{
	return reply_text("");
}

struct reply
reply_none(void)
{
	return (struct reply){ .text = NULL };
}
