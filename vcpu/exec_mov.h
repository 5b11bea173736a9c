/*
 * The forms of MOV that live with their registers' rules. Private to vcpu.
 */
#ifndef DESCRY_EXEC_MOV_H
#define DESCRY_EXEC_MOV_H

#include "lower.h"

lower_fn lower_mov_sreg;                  /* exec_segment.c */
lower_fn lower_mov_creg;                  /* exec_system.c */
lower_fn lower_push_sreg, lower_pop_sreg; /* exec_segment.c */

#endif
