/*
 * The system that a random program lives in: interrupt vectors and gates, handlers, the
 * descriptor tables, a TSS. Where real mode and protected mode can agree, they do: the
 * descriptor at selector s has base s * 16.
 */
#ifndef ENGINE_SYSTEM_H
#define ENGINE_SYSTEM_H

#include "program.h"

#define IDT_BASE 0x400u
#define IDT_VECTORS 0x30u
#define GDT_BASE 0x800u
#define GDT_SIZE 0x800u
#define TSS_BASE 0x1000u
#define TSS_SIZE 0x68u
#define LDT_BASE 0x1100u
#define LDT_SIZE 0x20u
#define TASK_BASE 0x1200u /* 80h bytes each */
#define HANDLER_BASE 0x2000u

/* Operands of LIDT and LGDT lie at the beginning of the code segments. */
#define TABLES_REAL_IDT 0u
#define TABLES_IDT 6u
#define TABLES_GDT 12u
#define TABLES_SIZE 0x20u

#define SEL_HANDLER16 0x200u
#define SEL_HANDLER32 0x208u
#define SEL_CODE16 0x300u
#define SEL_CODE32 0x500u
#define SEL_DATA 0x700u
#define SEL_FLAT 0x708u
#define SEL_DATA_CODE 0x710u /* the same place as SEL_DATA, to be executed */
#define SEL_DOWN 0x718u
#define SEL_STACK32 0x720u
#define SEL_TSS 0x728u
#define SEL_LDT 0x730u
#define SEL_USER_CODE16 0x73bu
#define SEL_USER_DATA 0x743u
#define SEL_USER_CODE32 0x74bu
#define SEL_CODE_ALIAS 0x750u
#define SEL_GATE 0x758u /* call gates and task gates, ring 3 may use them */
#define GATE_COUNT 8u
#define SEL_TASK 0x798u /* TSSs of either size */
#define TASK_COUNT 4u
#define SEL_EDGE                                                                                   \
	0x004u /* the same place as SEL_CODE16, with the limit at the first edge; 0Ch ..           \
		*/

/* In the data segment: the stack, and where the handlers that land somewhere keep their places. */
#define STACK_TOP 0x1f00u
#define COUNTER 0x1ffcu
#define LANDINGS 0x2000u

/* All of it but the clusters' own code, which is there already: handlers land in it. */
void system_build(struct program *program, struct random *r);

#endif
