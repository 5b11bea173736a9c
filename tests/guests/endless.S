# endless: a loop without end. Only Ctrl-C stops it.

	.include "guest.inc"
	.code16
	.globl	_start
_start:
	jmp	_start
