# divide: a division by zero in real mode, with the interrupt table as the start state leaves it.

	.include "guest.inc"
	.code16
	.globl	_start
_start:
	xor	%cx, %cx
culprit:
	div	%cx
	mov	$VERDICT_GOOD, %al	# not reached
	EXIT
