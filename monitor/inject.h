/*
 * Injections and the CPU: asking for what has come, what can wake it, and which injection
 * has led to a stop. Private to monitor.
 */
#ifndef DESCRY_INJECT_H
#define DESCRY_INJECT_H

#include "schedule.h"

/* Anything but a host interrupt, which is the run's. */
void inject_ask(struct descry_vcpu *vcpu, const struct descry_injection *injection);

/* Is there one to come that ends HLT as the CPU stands? */
bool inject_wakes(const struct schedule *schedule, const struct descry_state *state);

/* Forgets who asked for what no longer waits. */
void inject_settle(struct schedule *schedule, const struct descry_state *state);

/* The number of the injection behind a stop here; 0: there is none. */
int inject_behind(const struct schedule *schedule, const struct descry_state *state,
		  const struct descry_stop *stop);

#endif
