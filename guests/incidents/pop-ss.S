# pop-ss: a debug exception that ring 3 has earned and ring 0 receives.
#
# A data breakpoint watches the word that POP SS reads. The exception is held off behind POP SS for
# one instruction, and that instruction is INT3: a way into the kernel. So #DB comes before the
# first instruction of the kernel's INT3 handler. Its own handler looks at CS on the stack, finds
# ring 0, and concludes that DS is the kernel's. It is still that of ring 3.

	.include "cpu/cpu.inc"

	.set	OWN_DATA, 0x33			# of ring 3, at 400000h
	.set	WATCH_WORD, 0x00070401		# DR7: DR0, reads and writes, two bytes
	.set	tss, 0x9000
	.set	kernel_stack, 0x6800
	.set	user_stack, 0x6000
	.set	variable, 0x9800		# of the kernel

	ENTER_PROTECTED protected
	.globl	attack, debug, breakpoint, trusted
protected:
	movl	$kernel_stack, tss + 4
	movl	$FLAT, tss + 8
	mov	$TSS, %ax
	ltr	%ax
	movl	$0x600d600d, variable
	movl	$0x0badbad0, 0x400000 + variable	# what ring 3 has prepared
	movl	$USER_DATA, user_stack
	mov	$user_stack, %eax
	mov	%eax, %dr0			# as a debugger may ask for
	mov	$WATCH_WORD, %eax
	mov	%eax, %dr7
	mov	$OWN_DATA, %ax
	mov	%ax, %ds
	push	$USER_DATA
	push	$user_stack
	push	$2
	push	$USER_CODE
	push	$attack
	iret

attack:
	pop	%ss
	int3

breakpoint:
	mov	$FLAT, %ax
	mov	%ax, %ds
	SAY	"INT3 with the kernel's own data\n"
	mov	$VERDICT_GOOD, %al
	EXIT

debug:
	testb	$3, 4(%esp)			# CS of whom it interrupts
	jz	trusted				# the kernel: DS is ours
	mov	$FLAT, %ax
	mov	%ax, %ds
trusted:
	mov	variable, %ebx
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	(%esp), %ecx
	SHOW	"#DB at ", %ecx
	SHOW	", the kernel's variable is ", %ebx
	SAY	"\n"
	mov	$1, %al
	EXIT

	PRINT_ROUTINES

	BEGIN_GDT tss
	DESCRIPTOR 0x400000, 0xffff, 0x40f3	# 30
	END_GDT

	.p2align 3
idt:	.quad	0
	GATE	debug, 0x8e00
	.quad	0
	GATE	breakpoint, 0xee00		# DPL 3
idtr:	.word	. - idt - 1
	.long	idt
