/*
 * A machine that begins in a state out of a file. Private to monitor.
 */
#ifndef DESCRY_EXCHANGE_BEGIN_H
#define DESCRY_EXCHANGE_BEGIN_H

#include "handle.h"

/* text: "FORMAT:FILE". What the CPU cannot have of it becomes the monitor's note. */
enum descry_status begin_in_state(struct descry_monitor *monitor, const char *text,
				  struct descry_error *err);

#endif
