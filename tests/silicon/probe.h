/*
 * What the manual leaves to the CPU, asked of the CPU under us, so that the model can be
 * given the same knob.
 */
#ifndef SILICON_PROBE_H
#define SILICON_PROBE_H

#include "child.h"

/*
 * SDM vol. 3, Limit Checking: with a limit of FFFFFFFFh an access that wraps to offset 0
 * may fault or not. False in *works: the helper died over it.
 */
bool probe_wrap_faults(struct child *child, bool *works);

#endif
