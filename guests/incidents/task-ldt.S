# task-ldt: two tasks, two local descriptor tables, one selector.
#
# FS of the new task is entry 1 of its LDT. Both tasks use the same selector for it and mean
# different memory. A task switch that loads FS before LDTR finds the entry of the old task.

	.include "cpu/cpu.inc"

	.set	OTHER, 0x30
	.set	LDT_OF_MAIN, 0x38
	.set	LDT_OF_OTHER, 0x40
	.set	OWN, 0x0c			# entry 1 of the LDT
	.set	other_stack, 0x6400

	ENTER_PROTECTED protected
	.globl	switch, other
protected:
	mov	$TSS, %ax
	ltr	%ax
	mov	$LDT_OF_MAIN, %ax
	lldt	%ax
	movl	$0x0badbad0, 0x500000
	movl	$0x600d600d, 0x400000
	mov	$OWN, %ax
	mov	%ax, %fs
switch:
	ljmp	$OTHER, $0
other:
	SHOW	"the new task has ", %fs:0
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	.p2align 2
tss_main:
	.fill	0x68, 1, 0
tss_other:
	.long	0, 0, 0, 0, 0, 0, 0, 0		# link, stacks of rings 0 to 2, CR3
	.long	other, 2			# EIP, EFLAGS
	.long	0, 0, 0, 0			# EAX ECX EDX EBX
	.long	other_stack, 0, 0, 0		# ESP EBP ESI EDI
	.long	FLAT, CODE32, FLAT, FLAT, OWN, 0	# ES CS SS DS FS GS
	.long	LDT_OF_OTHER
	.long	0x680000			# T, I/O bitmap: none

	.p2align 3
ldt_main:
	.quad	0
	DESCRIPTOR 0x500000, 0xfff, 0x4093
ldt_other:
	.quad	0
	DESCRIPTOR 0x400000, 0xfff, 0x4093

	BEGIN_GDT tss_main
	DESCRIPTOR tss_other, 0x67, 0x0089	# 30
	DESCRIPTOR ldt_main, 0x0f, 0x0082	# 38
	DESCRIPTOR ldt_other, 0x0f, 0x0082	# 40
	END_GDT

idtr:	.word	0
	.long	0
