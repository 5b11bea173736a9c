#include "turn.h"

#include <assert.h>
#include <time.h>

#define SOON_NS 200000000L

void
turn_init(struct turn *turn)
{
	pthread_mutex_init(&turn->mutex, NULL);
}

void
turn_destroy(struct turn *turn)
{
	pthread_mutex_destroy(&turn->mutex);
}

void
turn_take(struct turn *turn)
{
	const int error = pthread_mutex_lock(&turn->mutex);

	assert(error == 0);
	(void)error;
}

void
turn_give(struct turn *turn)
{
	const int error = pthread_mutex_unlock(&turn->mutex);

	assert(error == 0);
	(void)error;
}

bool
turn_take_soon(struct turn *turn)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += SOON_NS;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	return pthread_mutex_timedlock(&turn->mutex, &until) == 0;
}
