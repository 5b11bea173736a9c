# v86-ldtr: a task switch into virtual-8086 mode, and which registers are 8086 ones.
#
# The new task has EFLAGS.VM set, so its six segments are loaded as an 8086 does: selector * 16. Its
# LDT selector is none of them: LDTR is loaded from the GDT, as always. The 8086 program puts a
# forged table where selector * 16 would be, and asks the kernel by INT 30h to use the LDT.

	.include "cpu/cpu.inc"

	.set	OTHER, 0x30
	.set	LDT, 0x38
	.set	IN_LDT, 0x0c			# entry 1 of the LDT
	.set	FORGED, LDT * 16 + (IN_LDT & ~7)
	.set	kernel_stack, 0x6800
	.set	program_stack, 0x6000
	.set	EFLAGS_OF_PROGRAM, FLAG_VM | 0x3002	# IOPL 3

	ENTER_PROTECTED protected
	.globl	switch, program, ask, use_ldt, used
protected:
	mov	$TSS, %ax
	ltr	%ax
	movl	$0x600d600d, 0x300000
	movl	$0x0badbad0, 0x400000
switch:
	ljmp	$OTHER, $0

	.code16
program:
	movl	$0x00000fff, FORGED		# base 400000h
	movl	$0x00409340, FORGED + 4
ask:
	int	$0x30
	.code32

handler:
	mov	$FLAT, %ax
	mov	%ax, %ds
use_ldt:
	mov	$IN_LDT, %ax
	mov	%ax, %fs
used:
	SHOW	"the kernel finds ", %fs:0
	SAY	" behind its LDT\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	.p2align 2
tss_main:
	.fill	0x68, 1, 0
tss_other:
	.long	0
	.long	kernel_stack, FLAT, 0, 0, 0, 0	# of rings 0 to 2
	.long	0				# CR3
	.long	program, EFLAGS_OF_PROGRAM
	.long	0, 0, 0, 0			# EAX ECX EDX EBX
	.long	program_stack, 0, 0, 0		# ESP EBP ESI EDI
	.long	0x111, 0, 0, 0, 0x444, 0x555	# ES CS SS DS FS GS
	.long	LDT
	.long	0x680000			# T, I/O bitmap: none

	.p2align 3
ldt:	.quad	0
	DESCRIPTOR 0x300000, 0xfff, 0x4093

	BEGIN_GDT tss_main
	DESCRIPTOR tss_other, 0x67, 0x0089	# 30
	DESCRIPTOR ldt, 0x0f, 0x0082		# 38
	END_GDT

	.p2align 3
idt:	.fill	0x30, 8, 0
	GATE	handler, 0xee00			# DPL 3
idtr:	.word	. - idt - 1
	.long	idt
