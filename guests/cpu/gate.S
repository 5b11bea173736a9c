# gate: from ring 3 through a call gate with two parameters to ring 0, and back by RETF.
#
# The offset in the CALL is not looked at: the gate has its own. The parameters are copied to the
# stack of ring 0, and RETF 8 takes them off both. A gate of DPL 0 refuses ring 3 with #GP and
# its selector, one that is not present with #NP.

	.include "cpu/cpu.inc"

	.set	OPEN_GATE, 0x33			# with RPL 3
	.set	KERNEL_GATE, 0x3b
	.set	ABSENT_GATE, 0x43
	.set	tss, 0x9000
	.set	kernel_stack, 0x6800
	.set	user_stack, 0x6000

	ENTER_PROTECTED protected
protected:
	movl	$kernel_stack, tss + 4
	movl	$FLAT, tss + 8
	mov	$TSS, %ax
	ltr	%ax
	mov	$USER_DATA, %ax
	mov	%ax, %ds
	push	$USER_DATA
	push	$user_stack
	push	$USER_CODE
	push	$user
	lret

user:
	push	$0xaaaa
	push	$0xbbbb
through:
	lcall	$OPEN_GATE, $0xdeadbeef
back:
	mov	%esp, %ebx
refused:
	lcall	$KERNEL_GATE, $0
absent:
	lcall	$ABSENT_GATE, $0

inner:
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%esp, %ebp
	mov	%cs, %edx
	SHOW	"through the gate: cs ", %edx
	mov	%ss, %edx
	SHOW	"\n  ss:esp ", %edx
	SHOW	":", %ebp
	SHOW	"\n  frame: eip       ", (%ebp)
	SHOW	"\n         cs        ", 4(%ebp)
	SHOW	"\n         parameter ", 8(%ebp)
	SHOW	"\n         parameter ", 12(%ebp)
	SHOW	"\n         esp       ", 16(%ebp)
	SHOW	"\n         ss        ", 20(%ebp)
leave_gate:
	lret	$8

general_protection:
	mov	$FLAT, %ax
	mov	%ax, %ds
	pop	%edx
	SHOW	"\nback in ring 3: esp ", %ebx
	SHOW	"\ngate of DPL 0: #GP, error code ", %edx
	movl	$absent, (%esp)
	iret

not_present:
	mov	$FLAT, %ax
	mov	%ax, %ds
	pop	%edx
	SHOW	"\nabsent gate:   #NP, error code ", %edx
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	BEGIN_GDT tss
	GATE	inner, 0xec02			# 30: DPL 3, two parameters
	GATE	inner, 0x8c00			# 38: DPL 0
	GATE	inner, 0x6c00			# 40: DPL 3, not present
	END_GDT

	.p2align 3
idt:	.fill	11, 8, 0
	GATE	not_present, 0x8e00
	.fill	1, 8, 0
	GATE	general_protection, 0x8e00
idtr:	.word	. - idt - 1
	.long	idt
