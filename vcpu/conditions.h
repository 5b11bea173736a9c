/*
 * One handler for each condition of a Jcc. Private to vcpu.
 */
#ifndef DESCRY_CONDITIONS_H
#define DESCRY_CONDITIONS_H

/* clang-format off */
/* All but overflow and parity, which hardly any program asks for. */
#define CONDITIONS(X, op, form, size)                                                              \
	X(op, form, size, 2)                                                                       \
	X(op, form, size, 3)                                                                       \
	X(op, form, size, 4)                                                                       \
	X(op, form, size, 5)                                                                       \
	X(op, form, size, 6)                                                                       \
	X(op, form, size, 7)                                                                       \
	X(op, form, size, 8)                                                                       \
	X(op, form, size, 9)                                                                       \
	X(op, form, size, c)                                                                       \
	X(op, form, size, d)                                                                       \
	X(op, form, size, e)                                                                       \
	X(op, form, size, f)
/* clang-format on */

#endif
