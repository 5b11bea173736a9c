/*
 * The monitor from inside: the machine, and what run control keeps beside it. Private to
 * monitor.
 */
#ifndef DESCRY_HANDLE_H
#define DESCRY_HANDLE_H

#include "breakpoints.h"
#include "machine/devices.h"
#include "machine/memory.h"
#include "schedule.h"
#include "symbols.h"

#include <stdatomic.h>

struct descry_monitor {
	struct descry_vcpu *vcpu;
	struct memory memory;
	struct devices devices;

	struct symbols symbols;
	char *image_name;
	char note[160]; /* of the loader; empty: none */

	struct breakpoints breakpoints;
	unsigned watched_segments; /* descry_monitor_watch_segments() */
	struct schedule schedule;
	uint32_t unhandled;                       /* as struct descry_control */
	atomic_bool interrupted;                  /* descry_monitor_interrupt(), not used up yet */
	const struct descry_host_hooks *host_hooks; /* NULL: nobody takes them, the run goes on */
	void *host_owner;
	bool watch_mode; /* descry_monitor_watch_guest() */
	uint32_t watch_vectors;
	bool interpret_one; /* the host interprets the next instruction */
	struct descry_stop last_stop;

	struct descry_snapshot *start; /* where descry_monitor_reset() goes */
};

#endif
