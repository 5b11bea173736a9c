# v86: into virtual-8086 mode by IRETD, out of it by an interrupt, and around it by VME.
#
# The 8086 program runs with IOPL 0. Its INT 20h is a #GP(0), whose handler says what it found
# on its stack and in DS. Then it sets CR4.VME and goes back to the same INT 20h: now the
# clear bit of vector 20h in the TSS sends it through the vector table at 0, with no way through
# ring 0. INT3 is not sensitive to IOPL and ends the program.

	.include "cpu/cpu.inc"

	.set	CR4_VME, 1
	.set	tss, 0x9000
	.set	REDIRECTION, 0x68		# 32 bytes, clear: to the 8086 program
	.set	IO_MAP, REDIRECTION + 32
	.set	kernel_stack, 0x6800
	.set	program_stack, 0x6000
	.set	seen, 0x9800

	ENTER_PROTECTED protected
protected:
	movl	$kernel_stack, tss + 4
	movl	$FLAT, tss + 8
	movl	$IO_MAP << 16, tss + 0x64
	movb	$0xff, tss + IO_MAP
	movl	$program_handler, 0x20 * 4
	mov	$TSS, %ax
	ltr	%ax
	push	$0x4444				# GS
	push	$0x3333				# FS
	push	$0x2222				# DS
	push	$0x1111				# ES
	push	$0				# SS
	push	$program_stack
	push	$FLAG_VM | FLAG_IF | 2
	push	$0				# CS
	push	$program
	iret

	.code16
program:
	mov	%ds, %ax
	mov	%ax, %cs:seen
	movb	$0x5a, 1			# at 2222h * 16 + 1
	mov	$0x1234, %ax
	mov	%ax, %ds
	movb	$0xa5, 0			# at 12340h
sensitive:
	int	$0x20
	pushf
	pop	%cs:seen + 6
	int3

program_handler:
	mov	%sp, %bp
	mov	(%bp), %ax
	mov	%ax, %cs:seen + 2		# IP
	mov	4(%bp), %ax
	mov	%ax, %cs:seen + 4		# FLAGS
	iret
	.code32

# The frame of every interrupt out of V86, below the error code if there is one.
.macro SHOW_FRAME
	SHOW	"\n  frame: eip    ", (%ebp)
	SHOW	"\n         cs     ", 4(%ebp)
	SHOW	"\n         eflags ", 8(%ebp)
	SHOW	"\n         esp    ", 12(%ebp)
	SHOW	"\n         ss     ", 16(%ebp)
	SHOW	"\n         es     ", 20(%ebp)
	SHOW	"\n         ds     ", 24(%ebp)
	SHOW	"\n         fs     ", 28(%ebp)
	SHOW	"\n         gs     ", 32(%ebp)
.endm

general_protection:
	mov	%ds, %ebx
	mov	$FLAT, %ax
	mov	%ax, %ds
	lea	4(%esp), %ebp
	SHOW	"INT 20h, IOPL 0: #GP, error code ", -4(%ebp)
	SHOW_FRAME
	SHOW	"\n  ds in the handler ", %ebx
	mov	%cr4, %eax
	or	$CR4_VME, %al
	mov	%eax, %cr4
	add	$4, %esp
leave_handler:
	iret

breakpoint:
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%esp, %ebp
	SAY	"\nINT3: through the IDT"
	SHOW_FRAME
	movzwl	seen, %eax
	SHOW	"\nin the program: ds at first ", %eax
	movzwl	seen + 2, %eax
	SHOW	"\n  INT 20h with VME: ip    ", %eax
	movzwl	seen + 4, %eax
	SHOW	"\n                    flags ", %eax
	movzwl	seen + 6, %eax
	SHOW	"\n  flags behind its IRET   ", %eax
	movzbl	0x22221, %eax
	SHOW	"\nat 22221 ", %eax
	movzbl	0x12340, %eax
	SHOW	"\nat 12340 ", %eax
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	BEGIN_GDT tss, IO_MAP
	END_GDT

	.p2align 3
idt:	.fill	3, 8, 0
	GATE	breakpoint, 0xee00		# DPL 3
	.fill	13 - 4, 8, 0
	GATE	general_protection, 0x8e00
idtr:	.word	. - idt - 1
	.long	idt
