# not-modelled: a test register of a 386, which the CPU model does not have.

	.include "guest.inc"
	.code16
	.globl	_start
_start:
	cli
culprit:
	mov	%tr6, %eax
	mov	$VERDICT_GOOD, %al	# not reached
	EXIT
