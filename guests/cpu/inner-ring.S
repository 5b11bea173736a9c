# inner-ring: from ring 3 through an interrupt gate to ring 0, and back by IRET.
#
# Ring 3 runs with IF set and user data in DS and ES. INT 30h may be called from there; its
# handler says where it stands and what it found on its stack, and leaves kernel data in DS.
# IRET takes that away from ring 3: DS comes back empty, ES as it was. INT 31h may not
# be called, so it is a #GP that names the vector. docs/micro-steps.md walks through all three.

	.include "cpu/cpu.inc"

	.set	kernel_stack, 0x6800
	.set	user_stack, 0x6000
	.set	tss, 0x9000

	ENTER_PROTECTED protected
protected:
	movl	$kernel_stack, tss + 4
	movl	$FLAT, tss + 8
	mov	$TSS, %ax
	ltr	%ax
	mov	$USER_DATA, %ax
	mov	%ax, %es
	mov	%ax, %ds
	push	$USER_DATA
	push	$user_stack
	push	$FLAG_IF | 2
	push	$USER_CODE
	push	$ask
	iret

	.globl	ask, back, refused, handler, general_protection
ask:
	int	$0x30
back:
	mov	%ds, %ebx
	mov	%es, %ecx
refused:
	int	$0x31

handler:
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%esp, %ebp
	SAY	"in the handler of INT 30h\n"
	mov	%cs, %edx
	SHOW	"  cs     ", %edx
	mov	%ss, %edx
	SHOW	"\n  ss:esp ", %edx
	SHOW	":", %ebp
	SHOW	"\n  frame: eip    ", (%ebp)
	SHOW	"\n         cs     ", 4(%ebp)
	SHOW	"\n         eflags ", 8(%ebp)
	SHOW	"\n         esp    ", 12(%ebp)
	SHOW	"\n         ss     ", 16(%ebp)
	SAY	"\n"
leave_handler:
	iret

general_protection:
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%esp, %ebp
	SAY	"back in ring 3\n"
	SHOW	"  ds     ", %ebx
	SHOW	"\n  es     ", %ecx
	SHOW	"\nINT 31h: #GP, error code ", (%ebp)
	SHOW	"\n  frame: eip    ", 4(%ebp)
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	BEGIN_GDT tss
	END_GDT

	.p2align 3
idt:	.fill	13, 8, 0
	GATE	general_protection, 0x8e00
	.fill	0x30 - 14, 8, 0
	GATE	handler, 0xee00			# DPL 3
	GATE	handler, 0x8e00			# DPL 0
idtr:	.word	. - idt - 1
	.long	idt
