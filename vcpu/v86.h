/*
 * Into virtual-8086 mode by IRETD (SDM vol. 3, Entering Virtual-8086 Mode). The other way in is
 * a task switch; the ways out are interrupts: deliver_protected.c. Private to vcpu.
 */
#ifndef DESCRY_V86_H
#define DESCRY_V86_H

#include "cpu.h"

/* What IRETD pops when the image of EFLAGS has VM set, in this order. */
struct v86_frame {
	uint32_t ip, cs, flags, sp, ss, es, ds, fs, gs;
};

/* Is this image one of a return to virtual-8086 mode? At any CPL but 0 VM is not looked at. */
bool v86_is_return(const struct cpu *c, uint32_t flags, unsigned size);

/*
 * IP and the segments as the frame says, each by its selector alone. The high half of EIP counts
 * only where the knob v86.iret_eip_high says so. On true c->target is where it goes.
 */
DESCRY_MUST_CHECK bool v86_enter(struct cpu *c, const struct v86_frame *frame);

/* IRETD, which has read three slots of the frame: the same with the other six on the stack. */
DESCRY_MUST_CHECK bool v86_return(struct cpu *c, uint32_t ip, uint16_t cs, uint32_t flags);

#endif
