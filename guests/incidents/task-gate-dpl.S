# task-gate-dpl: INT 8 from ring 3, where vector 8 is a task gate for double faults.
#
# The gate has DPL 0: only the CPU may go through it. INT n asks DPL of every gate, of task gates
# too, so ring 3 gets #GP with the vector in the error code.

	.include "cpu/cpu.inc"

	.set	DOUBLE_FAULT, 0x30
	.set	kernel_stack, 0x6800
	.set	user_stack, 0x6000

	ENTER_PROTECTED protected
	.globl	ask, task_gate
protected:
	mov	$TSS, %ax
	ltr	%ax
	push	$USER_DATA
	push	$user_stack
	push	$2
	push	$USER_CODE
	push	$ask
	iret

ask:
	int	$8

general_protection:
	mov	$FLAT, %ax
	mov	%ax, %ds
	pop	%edx
	SHOW	"#GP, error code ", %edx
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

double_fault:
	SAY	"ring 3 has made a double fault of nothing\n"
	mov	$1, %al
	EXIT

	PRINT_ROUTINES

.macro TSS32 entry, stack, stack0
	.long	0
	.long	\stack0, FLAT, 0, 0, 0, 0	# of rings 0 to 2
	.long	0				# CR3
	.long	\entry, 2			# EIP, EFLAGS
	.long	0, 0, 0, 0			# EAX ECX EDX EBX
	.long	\stack, 0, 0, 0			# ESP EBP ESI EDI
	.long	FLAT, CODE32, FLAT, FLAT, 0, 0	# ES CS SS DS FS GS
	.long	0				# LDT
	.long	0x680000			# T, I/O bitmap: none
.endm

	.p2align 2
tss_main:
	TSS32	0, 0, kernel_stack
tss_double_fault:
	TSS32	double_fault, 0x6400, 0x6400

	BEGIN_GDT tss_main
	DESCRIPTOR tss_double_fault, 0x67, 0x0089	# 30
	END_GDT

	.p2align 3
idt:	.fill	8, 8, 0
task_gate:
	GATE	0, 0x8500, DOUBLE_FAULT		# DPL 0
	.fill	13 - 9, 8, 0
	GATE	general_protection, 0x8e00
idtr:	.word	. - idt - 1
	.long	idt
