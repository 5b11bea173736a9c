# far: an address is segment plus offset, and no segment here starts at 0.
#
# The guest moves itself to 07C0:0000, where the same bytes have other offsets. It enters protected
# mode with a 16-bit code segment whose base is 7C00h, from there calls a routine in a 32-bit code
# segment with the same base, which returns by a 32-bit far return, and goes back to real mode
# at 07C0. Whoever takes CS:IP for an address without the base of CS, or the default size of
# CS for granted, is lost in it: breakpoints, disassembly and symbols included.
#
# The routine adds 1 + 2 + ... + FFFFh = 7FFF8000h; verdict 0 says that it arrived.

	.include "guest.inc"
	.set	BASE, 0x7c00
	.set	PARAGRAPH, BASE >> 4
	.set	CODE16, 0x08
	.set	CODE32, 0x10
	.set	DATA16, 0x18
	.set	STACK16, 0x20

	.code16
	.globl	_start
_start:
	ljmp	$PARAGRAPH, $at_07c0 - BASE
at_07c0:				# CS 07C0: base 7C00h, IP small
	cli
	cld
	mov	$PARAGRAPH, %ax
	mov	%ax, %ds
	lgdtl	gdtr - BASE
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmp	$CODE16, $protected16 - BASE
protected16:				# CS 0008: base 7C00h, 16 bit
	mov	$DATA16, %ax
	mov	%ax, %ds
	mov	$STACK16, %ax
	mov	%ax, %ss
	lcalll	$CODE32, $sum32 - BASE
summed:					# EAX: the sum
	mov	%eax, %ebx
	mov	%cr0, %eax
	and	$~CR0_PE, %al
	mov	%eax, %cr0
	ljmp	$PARAGRAPH, $real_again - BASE
real_again:				# CS 07C0 again; DS and SS still as protected mode left them
	mov	$PARAGRAPH, %ax
	mov	%ax, %ds
	xor	%ax, %ax
	mov	%ax, %ss

	mov	$sum_is - BASE, %si
	call	print
	mov	%ebx, %eax
	call	print_hex
	mov	$end_of_line - BASE, %si
	call	print
	xor	%ax, %ax
	cmp	$0x7fff8000, %ebx
	setne	%al
	EXIT

	PRINT_ROUTINES

	.code32
sum32:					# CS 0010: base 7C00h, 32 bit
	mov	$0xffff, %ecx
	xor	%eax, %eax
1:	add	%ecx, %eax
	loop	1b
	lret

sum_is:
	.asciz	"far: 1 + 2 + ... + FFFF = "
end_of_line:
	.asciz	"\n"

	.p2align 3
gdt:	.quad	0
	.quad	0x00009b007c00ffff	# 0008: code, base 7C00h, limit FFFFh, 16 bit
	.quad	0x00409b007c00ffff	# 0010: code, base 7C00h, limit FFFFh, 32 bit
	.quad	0x000093007c00ffff	# 0018: data, base 7C00h, limit FFFFh
	.quad	0x000093000000ffff	# 0020: data, base 0, limit FFFFh
gdt_end:
gdtr:	.word	gdt_end - gdt - 1
	.long	gdt
