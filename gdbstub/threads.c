#include "threads.h"

#include <stdio.h>

void
threads_forget(struct threads *threads)
{
	threads->looked_at = THREAD_ANY;
	threads->resumed = THREAD_ANY;
}

static bool
host_has_cpu(const struct threads *threads)
{
	return threads->world != NULL && descry_world_in_flight(threads->world);
}

int
threads_current(const struct threads *threads)
{
	return host_has_cpu(threads) ? THREAD_HOST : THREAD_GUEST;
}

bool
threads_has(const struct threads *threads, int thread)
{
	return thread == THREAD_HOST ? host_has_cpu(threads)
				     : thread >= THREAD_ALL && thread <= THREAD_GUEST;
}

const char *
threads_name(int thread)
{
	return thread == THREAD_HOST ? "host" : "guest";
}

const char *
threads_words(const struct threads *threads, int thread, char text[THREAD_TEXT])
{
	const struct descry_world_trace *trace;
	char name[DESCRY_WORLD_STEP_TEXT];
	unsigned step;

	if (thread != THREAD_HOST)
		return "";
	trace = descry_world_last(threads->world);
	step = trace->op[trace->op_count - 1].step;
	snprintf(text, THREAD_TEXT, "%s %s", descry_world_step_text(step, name),
		 descry_world_step_title(step));
	return text;
}

void
threads_show(struct threads *threads, int thread)
{
	threads->shows_guest = thread == THREAD_GUEST && host_has_cpu(threads);
	if (threads->shows_guest) {
		descry_vcpu_save(threads->vcpu, &threads->hardware);
		descry_vcpu_restore(threads->vcpu, descry_world_truth(threads->world));
	}
}

void
threads_hide(struct threads *threads)
{
	if (threads->shows_guest)
		descry_vcpu_restore(threads->vcpu, &threads->hardware);
	threads->shows_guest = false;
}
