#include "hex.h"
#include "stub.h"

#include <stdio.h>
#include <string.h>

/* --- which one is meant --------------------------------------------------------------- */

static struct reply
is_there(const struct stub *stub, int thread)
{
	return threads_has(&stub->threads, thread) ? reply_ok() : reply_text(REPLY_MALFORMED);
}

/* gdb does not look at the answer. What it then asks of a thread that is gone has to fail. */
struct reply
on_look_at(struct stub *stub, const struct request *request)
{
	stub->threads.looked_at = request->thread;
	return is_there(stub, request->thread);
}

struct reply
on_choose_resumed(struct stub *stub, const struct request *request)
{
	stub->threads.resumed = request->thread;
	return is_there(stub, request->thread);
}

struct reply
on_is_alive(struct stub *stub, const struct request *request)
{
	return is_there(stub, request->thread);
}

/* --- which there are ------------------------------------------------------------------ */

struct reply
on_current_thread(struct stub *stub, const struct request *request)
{
	(void)request;
	snprintf(stub->scratch, sizeof(stub->scratch), "QC%x",
		 (unsigned)threads_current(&stub->threads));
	return reply_text(stub->scratch);
}

struct reply
on_threads(struct stub *stub, const struct request *request)
{
	(void)request;
	return reply_text(threads_has(&stub->threads, THREAD_HOST) ? "m1,2" : "m1");
}

struct reply
on_no_more_threads(struct stub *stub, const struct request *request)
{
	(void)stub, (void)request;
	return reply_text("l");
}

/* For clients that ask for one thread after the other. */
struct reply
on_thread_info(struct stub *stub, const struct request *request)
{
	char text[THREAD_TEXT], all[2 * THREAD_TEXT];
	const char *words;

	if (!threads_has(&stub->threads, request->thread))
		return reply_text(REPLY_MALFORMED);
	words = threads_words(&stub->threads, request->thread, text);
	snprintf(all, sizeof(all), "%s%s%s%s", threads_name(request->thread),
		 *words != '\0' ? " (" : "", words, *words != '\0' ? ")" : "");
	return (struct reply){
		.text = stub->scratch,
		.size = hex_encode(stub->scratch, all, strlen(all)),
	};
}

/* And for those that want them all, with their names. */
struct reply
on_read_threads(struct stub *stub, const struct request *request)
{
	char xml[512];
	size_t size = (size_t)snprintf(xml, sizeof(xml), "<threads>");

	for (int thread = THREAD_GUEST; threads_has(&stub->threads, thread); thread++) {
		char text[THREAD_TEXT];

		size += (size_t)snprintf(xml + size, sizeof(xml) - size,
					 "<thread id=\"%x\" name=\"%s\">%s</thread>",
					 (unsigned)thread, threads_name(thread),
					 threads_words(&stub->threads, thread, text));
	}
	size += (size_t)snprintf(xml + size, sizeof(xml) - size, "</threads>");
	return stub_object(stub, request, "", xml, size);
}
