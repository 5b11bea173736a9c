# reset-cs: the first instructions after reset, in a ROM that lies at two places.
#
# After reset CS has selector F000 and base FFFF0000h: no load can make that pair. The ROM ends at
# 4 GiB and has a copy that ends at 1 MiB. It asks for a host interrupt before its first far jump.

	.include "guest.inc"

	.set	ROM, 0xf000			# its offset in the segment: the last 4 KiB

	.code16
	.globl	_start
_start:
	cld
	mov	$0x7000, %sp
	mov	$text - _start + ROM, %si
1:	lodsb	%cs:(%si)
	test	%al, %al
	jz	2f
	out	%al, $PORT_CONSOLE
	jmp	1b
2:	out	%al, $PORT_HOST_INTERRUPT
	nop
	mov	$VERDICT_GOOD, %al
	EXIT

text:	.asciz	"out of reset\n"

	.org	0xff0				# F000:FFF0
	jmp	_start
	.org	0x1000
