/*
 * The rules of interrupts and exceptions that ask for no state: error codes, and what
 * follows when the delivery of one event raises another (SDM vol. 3, Error Code; Interrupt 8 -
 * Double Fault Exception), and who handles INT n in virtual-8086 mode (Class 3 - Software
 * Interrupt Handling in Virtual-8086 Mode). Pure. Private to vcpu.
 */
#ifndef DESCRY_INTERRUPT_RULES_H
#define DESCRY_INTERRUPT_RULES_H

#include <descry/vcpu.h>

enum interruption_kind {
	INTERRUPTION_FAULT,    /* an exception; its return address is the instruction */
	INTERRUPTION_TRAP,     /* an exception behind an instruction: #DB, ICEBP */
	INTERRUPTION_SOFTWARE, /* INT n, INT3, INTO: asked for by the program */
	INTERRUPTION_EXTERNAL, /* an interrupt from outside, NMI */
};

/* Does the handler find an error code? Exceptions only, and never in real mode. */
bool interruption_has_error_code(enum interruption_kind kind, unsigned vector);

/* EXT, as a bit of an error code: the event is external to the program. */
uint16_t interruption_ext(enum interruption_kind kind);

/* The error code that names a vector. */
uint16_t interruption_vector_error(enum interruption_kind kind, unsigned vector);

/* The error code of a fault that delivery has raised: that of #PF has no EXT, its bit 0 is P. */
uint16_t interruption_nested_error(enum interruption_kind kind, unsigned vector,
				   uint16_t error_code);

/* What follows when delivery of an event has raised the exception `second`. */
enum escalation {
	ESCALATION_SERIAL,       /* the second is delivered */
	ESCALATION_DOUBLE_FAULT, /* #DF is */
	ESCALATION_SHUTDOWN,
};
enum escalation interruption_escalates(enum interruption_kind kind, unsigned first,
				       unsigned second);

/* Who handles INT n in virtual-8086 mode. */
enum v86_int {
	V86_INT_GATE,       /* the gate in the IDT */
	V86_INT_REDIRECTED, /* the 8086 program, through its own vector table */
	V86_INT_REFUSED,    /* #GP(0) */
};
/* in_bitmap: the bit of this vector in the interrupt redirection bitmap; with vme only. */
enum v86_int v86_int_rule(bool vme, unsigned iopl, bool in_bitmap);

#endif
