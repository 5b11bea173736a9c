/*
 * The hardware task switch: SDM vol. 3, Task Management. Who asks for one has found the selector
 * of a TSS and judged the privilege; this is the rest, from the checks of the TSS to the segments
 * of the new task. Private to vcpu.
 */
#ifndef DESCRY_TASK_H
#define DESCRY_TASK_H

#include "seg_load.h"

enum task_way { TASK_BY_JMP, TASK_BY_CALL, TASK_BY_INTERRUPT, TASK_BY_IRET };

struct task_request {
	enum task_way way;
	uint16_t sel;       /* of the TSS to go to */
	uint32_t return_ip; /* where the old task goes on */
	uint32_t flags;     /* EFLAGS of the old task, as its TSS gets them */
	bool has_error_code;
	uint32_t error_code; /* pushed on the stack of the new task */
};

/*
 * On true, c->target is where the new task goes on. On false c->fault is set, and it is either the
 * old task's: nothing has changed; or (c->switched) the new one's: everything that could be
 * loaded is loaded, the selectors are the new ones and the caches that could not be are
 * unusable. c->switched is set whenever the switch has been made, and state.rip is then
 * the new task's. Whoever continues execution clears it.
 */
DESCRY_MUST_CHECK bool task_switch(struct cpu *c, const struct task_request *to);

/* IRET with NT set: back to the task that the link of this one names. */
DESCRY_MUST_CHECK bool task_return(struct cpu *c, uint32_t return_ip);

#endif
