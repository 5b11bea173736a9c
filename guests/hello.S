# hello: the smallest guest. Prints one line on the console port and ends the run with
# verdict 0, which `descry run` gives back as exit status 1 (see guest.inc).

	.include "guest.inc"
	.code16
	.globl	_start
_start:
	cld
	mov	$greeting, %si
	call	print
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

greeting:
	.asciz	"hello from 0000:7C00\n"
