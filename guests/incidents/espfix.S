# espfix: half of the kernel's stack pointer in ring 3.
#
# Ring 3 runs on a 16-bit stack. IRET to it loads SP, because SS.B of the new cache is 0; the upper
# half of ESP stays what it was: the kernel's. The second time the kernel leaves through a segment
# that lets the same bytes lie at offsets below 64 KiB, so that the half that stays is 0.

	.include "cpu/cpu.inc"

	.set	STACK16, 0x33			# with RPL 3
	.set	ALIAS, 0x38
	.set	HIGH, 0x00080000		# what must not be seen
	.set	kernel_stack, HIGH + 0x6800
	.set	user_stack, 0x6000
	.set	tss, 0x9000

	ENTER_PROTECTED protected
	.globl	leave_plain, look, leave_by_alias, look_again
protected:
	mov	$kernel_stack, %esp
	mov	%esp, tss + 4
	movl	$FLAT, tss + 8
	mov	$TSS, %ax
	ltr	%ax
	push	$STACK16
	push	$user_stack
	push	$2
	push	$USER_CODE
	push	$look
leave_plain:
	iret

look:
	mov	%esp, %edi
	int	$0x30
look_again:
	mov	%esp, %edi
	int	$0x31

first_report:
	mov	$FLAT, %ax
	mov	%ax, %ds
	SHOW	"plain IRET: ring 3 sees esp ", %edi
	SAY	"\n"
	mov	$ALIAS, %ax
	movzwl	%sp, %ebx
	mov	%ax, %ss			# base HIGH
	mov	%ebx, %esp
leave_by_alias:
	iret

second_report:
	mov	$FLAT, %ax
	mov	%ax, %ds
	SHOW	"by an alias: ring 3 sees esp ", %edi
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	BEGIN_GDT tss
	DESCRIPTOR 0, 0xffff, 0x00f3		# 30: B=0, DPL 3
	DESCRIPTOR HIGH, 0xffff, 0x4093		# 38
	END_GDT

	.p2align 3
idt:	.fill	0x30, 8, 0
	GATE	first_report, 0xee00
	GATE	second_report, 0xee00
idtr:	.word	. - idt - 1
	.long	idt
