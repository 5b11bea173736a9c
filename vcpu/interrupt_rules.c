#include "interrupt_rules.h"

#define EXT 1u /* error code: the event is external to the program */
#define IDT 2u /* error code: the index is a vector */

/* --- error codes ---------------------------------------------------------------------- */

bool
interruption_has_error_code(enum interruption_kind kind, unsigned vector)
{
	if (kind != INTERRUPTION_FAULT)
		return false;
	return vector == DESCRY_VEC_DF || vector == DESCRY_VEC_AC ||
	       (vector >= DESCRY_VEC_TS && vector <= DESCRY_VEC_PF);
}

uint16_t
interruption_ext(enum interruption_kind kind)
{
	return (uint16_t)(kind == INTERRUPTION_SOFTWARE ? 0 : EXT);
}

uint16_t
interruption_vector_error(enum interruption_kind kind, unsigned vector)
{
	return (uint16_t)(vector * 8 + IDT + interruption_ext(kind));
}

uint16_t
interruption_nested_error(enum interruption_kind kind, unsigned vector, uint16_t error_code)
{
	if (vector == DESCRY_VEC_PF)
		return error_code;
	return error_code | interruption_ext(kind);
}

/* --- double faults -------------------------------------------------------------------- */

enum exception_class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

static enum exception_class
class_of(unsigned vector)
{
	switch (vector) {
	case DESCRY_VEC_DE:
	case DESCRY_VEC_TS:
	case DESCRY_VEC_NP:
	case DESCRY_VEC_SS:
	case DESCRY_VEC_GP:
		return CONTRIBUTORY;
	case DESCRY_VEC_PF:
		return PAGE_FAULT;
	case DESCRY_VEC_DF:
		return DOUBLE_FAULT;
	default:
		return BENIGN;
	}
}

/* INT 13 is no exception: only those that the CPU has found have a class. */
enum escalation
interruption_escalates(enum interruption_kind kind, unsigned first, unsigned second)
{
	const enum exception_class then = class_of(second);

	switch (kind == INTERRUPTION_FAULT ? class_of(first) : BENIGN) {
	case BENIGN:
		return ESCALATION_SERIAL;
	case CONTRIBUTORY:
		return then == CONTRIBUTORY ? ESCALATION_DOUBLE_FAULT : ESCALATION_SERIAL;
	case PAGE_FAULT:
		return then == BENIGN ? ESCALATION_SERIAL : ESCALATION_DOUBLE_FAULT;
	case DOUBLE_FAULT:
		break;
	}
	return ESCALATION_SHUTDOWN;
}

/* --- INT n in virtual-8086 mode ------------------------------------------------------- */

/* Methods 5 and 6 redirect, 1 and 4 take the gate, 2 and 3 leave it to the monitor. */
enum v86_int
v86_int_rule(bool vme, unsigned iopl, bool in_bitmap)
{
	if (vme && !in_bitmap)
		return V86_INT_REDIRECTED;
	return iopl == 3 ? V86_INT_GATE : V86_INT_REFUSED;
}
