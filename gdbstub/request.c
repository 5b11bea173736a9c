#include "request.h"

#include "hex.h"

#include <limits.h>
#include <string.h>

/* What is still to be parsed. */
struct rest {
	const char *at, *end;
};

static bool
number(struct rest *rest, uint64_t *value)
{
	return hex_number(&rest->at, rest->end, value);
}

static bool
mark(struct rest *rest, char expected)
{
	if (rest->at == rest->end || *rest->at != expected)
		return false;
	rest->at++;
	return true;
}

static bool
at_end(const struct rest *rest)
{
	return rest->at == rest->end;
}

static void
take_data(struct rest *rest, struct request *request)
{
	request->data = rest->at;
	request->data_size = (size_t)(rest->end - rest->at);
	rest->at = rest->end;
}

bool
request_thread(const char **at, const char *end, int *thread)
{
	uint64_t number;

	if (end - *at >= 2 && memcmp(*at, "-1", 2) == 0) {
		*at += 2;
		*thread = -1;
		return true;
	}
	if (!hex_number(at, end, &number) || number > INT_MAX)
		return false;
	*thread = (int)number;
	return true;
}

/* --- one function a form -------------------------------------------------------------- */

typedef bool parse_fn(struct rest *rest, struct request *request);

static bool
parse_none(struct rest *rest, struct request *request)
{
	(void)request;
	return at_end(rest);
}

static bool
parse_text(struct rest *rest, struct request *request)
{
	(void)rest, (void)request;
	return true;
}

static bool
parse_resume(struct rest *rest, struct request *request)
{
	request->has_address = !at_end(rest);
	return !request->has_address || (number(rest, &request->address) && at_end(rest));
}

static bool
parse_signal(struct rest *rest, struct request *request)
{
	if (!number(rest, &request->number))
		return false;
	request->has_address = mark(rest, ';');
	if (request->has_address && !number(rest, &request->address))
		return false;
	return at_end(rest);
}

static bool
parse_register(struct rest *rest, struct request *request)
{
	return number(rest, &request->number) && at_end(rest);
}

static bool
parse_assignment(struct rest *rest, struct request *request)
{
	if (!number(rest, &request->number) || !mark(rest, '='))
		return false;
	take_data(rest, request);
	return true;
}

static bool
parse_range(struct rest *rest, struct request *request)
{
	return number(rest, &request->address) && mark(rest, ',') &&
	       number(rest, &request->length) && at_end(rest);
}

static bool
parse_store(struct rest *rest, struct request *request)
{
	if (!number(rest, &request->address) || !mark(rest, ',') ||
	    !number(rest, &request->length) || !mark(rest, ':'))
		return false;
	take_data(rest, request);
	return true;
}

/* Conditions and commands may follow only where the stub has announced that it takes them. */
static bool
parse_point(struct rest *rest, struct request *request)
{
	return number(rest, &request->number) && mark(rest, ',') &&
	       number(rest, &request->address) && mark(rest, ',') &&
	       number(rest, &request->length) && at_end(rest);
}

static bool
parse_thread(struct rest *rest, struct request *request)
{
	return request_thread(&rest->at, rest->end, &request->thread) && at_end(rest);
}

static bool
parse_object(struct rest *rest, struct request *request)
{
	const char *colon = memchr(rest->at, ':', (size_t)(rest->end - rest->at));

	if (colon == NULL)
		return false;
	request->annex_size = (size_t)(colon - rest->at);
	rest->at = colon + 1;
	return parse_range(rest, request);
}

static parse_fn *const parsers[ARGUMENTS_COUNT] = {
	[ARGUMENTS_NONE] = parse_none,         [ARGUMENTS_TEXT] = parse_text,
	[ARGUMENTS_RESUME] = parse_resume,     [ARGUMENTS_SIGNAL] = parse_signal,
	[ARGUMENTS_REGISTER] = parse_register, [ARGUMENTS_ASSIGNMENT] = parse_assignment,
	[ARGUMENTS_RANGE] = parse_range,       [ARGUMENTS_STORE] = parse_store,
	[ARGUMENTS_POINT] = parse_point,       [ARGUMENTS_THREAD] = parse_thread,
	[ARGUMENTS_OBJECT] = parse_object,
};

bool
request_parse(enum arguments arguments, const char *text, size_t size, struct request *request)
{
	struct rest rest = { text, text + size };

	*request = (struct request){ .text = text, .size = size };
	return parsers[arguments](&rest, request);
}
