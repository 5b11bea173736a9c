# gate-rpl: the privilege bits in CS behind a call gate.
#
# Ring 3 calls ring 0 through a gate whose selector has RPL 3 in it. What the gate holds there does
# not count: RPL of CS becomes the new CPL. The kernel pushes CS and returns to itself by IRET.
# With RPL 3 in CS that would be a return to ring 3.

	.include "cpu/cpu.inc"

	.set	GATE_TO_0, 0x33			# with RPL 3
	.set	tss, 0x9000
	.set	kernel_stack, 0x6800
	.set	user_stack, 0x6000

	ENTER_PROTECTED protected
	.globl	call_gate, inner, return_here, in_ring_0
protected:
	movl	$kernel_stack, tss + 4
	movl	$FLAT, tss + 8
	mov	$TSS, %ax
	ltr	%ax
	push	$USER_DATA
	push	$user_stack
	push	$2
	push	$USER_CODE
	push	$call_gate
	iret

call_gate:
	lcall	$GATE_TO_0, $0

inner:
	mov	$FLAT, %ax
	mov	%ax, %ds
	pushf
	push	%cs
	push	$in_ring_0
return_here:
	iret
in_ring_0:
	mov	%cs, %edx
	SHOW	"still in ring 0, cs ", %edx
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

general_protection:
	pop	%edx
	SHOW	"#GP in ring 0, error code ", %edx
	SAY	"\n"
	mov	$1, %al
	EXIT

	PRINT_ROUTINES

	BEGIN_GDT tss
	GATE	inner, 0xec00, CODE32 + 3	# 30: DPL 3
	END_GDT

	.p2align 3
idt:	.fill	13, 8, 0
	GATE	general_protection, 0x8e00
idtr:	.word	. - idt - 1
	.long	idt
