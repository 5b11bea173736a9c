# triple-fault: an invalid instruction in protected mode with an empty IDT. #UD finds no gate, so
# #GP; that finds none, so #DF; that finds none: the CPU shuts down.

	.include "guest.inc"
	.code16
	.globl	_start
_start:
	cli
	lidtl	idtr
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
culprit:
	ud2

idtr:	.word	0
	.long	0
