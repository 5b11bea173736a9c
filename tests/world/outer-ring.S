# outer-ring: a program in ring 3, in virtual-8086 mode (V86=1), or behind an IRET that has emptied its DS
# (EMPTIED=1): what hosts of ring 0 give back to guests of an outer one.

	.include "guest.inc"
	.set	CODE32, 0x08
	.set	FLAT, 0x10
	.set	CODE3, 0x1b
	.set	FLAT3, 0x23
	.set	TSS, 0x28

	.code16
	.globl	_start
_start:
	cli
	lgdtl	gdtr
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmpl	$CODE32, $protected

	.code32
protected:
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7000, %esp
	mov	$TSS, %ax
	ltr	%ax
.if V86
	pushl	$0x1234			# GS
	pushl	$0x2000			# FS
	pushl	$0x0700			# DS
	pushl	$0x0700			# ES
	pushl	$0x0500			# SS
	pushl	$0x1000			# ESP
	pushl	$0x00023002		# VM, IOPL 3
	pushl	$0
	pushl	$real
	iret
.else
	mov	$FLAT3, %ax
	mov	%ax, %fs
	mov	%ax, %gs
	mov	%ax, %es
.if !EMPTIED
	mov	%ax, %ds
.endif
	pushl	$FLAT3
	pushl	$0x6000
	pushl	$0x3002			# IOPL 3
	pushl	$CODE3
	pushl	$outer
	iret
.endif

outer:
	out	%al, $PORT_HOST_INTERRUPT
.if EMPTIED
	movl	$2, %es:0x1000
.else
	movl	$2, %fs:0x1000
.endif
	mov	$VERDICT_GOOD, %al
	EXIT

	.code16
real:
	out	%al, $PORT_HOST_INTERRUPT
	movb	$2, %fs:0x100
	mov	$VERDICT_GOOD, %al
	EXIT

	.p2align 3
gdt:	.quad	0
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
	.quad	0x00cffb000000ffff	# 0018: code of ring 3
	.quad	0x00cff3000000ffff	# 0020: data of ring 3
	.quad	0x0000890090000067	# 0028: TSS at 9000h
gdt_end:
gdtr:	.word	gdt_end - gdt - 1
	.long	gdt
