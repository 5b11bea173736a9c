# halt: HLT with interrupts off. Nothing can ever wake this CPU.

	.include "guest.inc"
	.code16
	.globl	_start
_start:
	cli
culprit:
	hlt
	mov	$VERDICT_GOOD, %al	# not reached
	EXIT
