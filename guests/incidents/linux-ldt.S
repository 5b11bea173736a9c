# linux-ldt: examples/linux-ldt.c as a guest; the host interrupt takes the place of the sleep.
#
# FS is loaded from entry 0 of the LDT, and the entry is rewritten. What FS holds shows in what lies
# at fs:0, and in whether fs:1800 can be read: the old limit is FFFh, the new one 1FFFh.

	.include "cpu/cpu.inc"

	.set	LDT, 0x30
	.set	IN_LDT, 0x04			# entry 0
	.set	OLD, 0x500000
	.set	NEW, 0x400000

.macro LOOK when
	movl	$3f, resume
	mov	%fs:0, %ebx
	mov	$no, %esi
	mov	%fs:0x1800, %al
	mov	$yes, %esi
3:	push	%esi
	SAY	"\when"
	mov	%ebx, %esi
	call	print
	pop	%esi
	call	print
.endm

	ENTER_PROTECTED protected
	.globl	rewritten, sleep, awake, load_again
protected:
	mov	$LDT, %ax
	lldt	%ax
	movl	$old_base, OLD			# a segment begins with its name's address
	movl	$new_base, NEW
	mov	$IN_LDT, %ax
	mov	%ax, %fs
	LOOK	"FS loaded:        "
	movl	$0x00001fff, ldt
	movl	$0x00409340, ldt + 4
rewritten:
	LOOK	"entry rewritten:  "
sleep:
	out	%al, $PORT_HOST_INTERRUPT
awake:
	LOOK	"interrupted:      "
load_again:
	mov	$IN_LDT, %ax
	mov	%ax, %fs
	LOOK	"FS loaded again:  "
	mov	$VERDICT_GOOD, %al
	EXIT

general_protection:
	add	$4, %esp
	mov	resume, %edx
	mov	%edx, (%esp)
	iret

	PRINT_ROUTINES

old_base:
	.asciz	"old base, "
new_base:
	.asciz	"new base, "
no:	.asciz	"old limit\n"
yes:	.asciz	"new limit\n"
	.p2align 2
resume:	.long	0

	.p2align 3
ldt:	DESCRIPTOR OLD, 0x0fff, 0x4093

	BEGIN_GDT
	DESCRIPTOR ldt, 0x07, 0x0082		# 30
	END_GDT

	.p2align 3
idt:	.fill	13, 8, 0
	GATE	general_protection, 0x8e00
idtr:	.word	. - idt - 1
	.long	idt
