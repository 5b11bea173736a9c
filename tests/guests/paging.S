# paging: sets CR0.PG, which the CPU model does not have yet.

	.include "guest.inc"
	.code16
	.globl	_start
_start:
	cli
	mov	%cr0, %eax
	or	$0x80000001, %eax
culprit:
	mov	%eax, %cr0
	mov	$VERDICT_GOOD, %al	# not reached
	EXIT
