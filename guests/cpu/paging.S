# paging: a stale translation, the marks that a walk leaves, and what a page fault says.
#
# The first 4 MiB are mapped to themselves; the page at 400000h is mapped to 10000h. Its entry is
# changed to 11000h: until INVLPG the TLB goes on with the old frame. A read marks the entry
# accessed, a write dirty. Then four page faults: not present, write to a read-only page
# with WP set, read of a supervisor page by ring 3, and the same page written by ring 3.

	.include "cpu/cpu.inc"

	.set	CR0_WP, 0x10000
	.set	CR0_PG, 0x80000000
	.set	PRESENT, 1
	.set	WRITABLE, 2
	.set	USER, 4
	.set	directory, 0x1000
	.set	low_table, 0x2000
	.set	high_table, 0x3000		# 400000h and up
	.set	page, 0x400000
	.set	tss, 0x9000
	.set	kernel_stack, 0x6800
	.set	user_stack, 0x6000

	ENTER_PROTECTED protected
protected:
	movl	$kernel_stack, tss + 4
	movl	$FLAT, tss + 8
	mov	$TSS, %ax
	ltr	%ax
	movl	$0x11111111, 0x10000
	movl	$0x22222222, 0x11000
	movl	$low_table | PRESENT | WRITABLE | USER, directory
	movl	$high_table | PRESENT | WRITABLE | USER, directory + 4
	mov	$low_table, %edi
	mov	$PRESENT | WRITABLE | USER, %eax
	mov	$1024, %ecx
1:	stosl
	add	$0x1000, %eax
	loop	1b
	movl	$0x10000 | PRESENT | WRITABLE, high_table
	movl	$0x12000 | PRESENT | USER, high_table + 4
	mov	$directory, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$CR0_PG | CR0_WP, %eax
	mov	%eax, %cr0

	SHOW	"entry before a read ", high_table
	SHOW	"\nread: 400000        ", page
	SHOW	"\nentry behind it     ", high_table
	movl	$0x33333333, page
	SHOW	"\nentry, written      ", high_table
	movl	$0x11000 | PRESENT | WRITABLE, high_table
change:
	SHOW	"\nnew entry, no INVLPG ", page
	invlpg	page
	SHOW	"\nand behind INVLPG    ", page
	SAY	"\n"

	mov	page + 0x2000, %eax		# not present
	movl	$0, page + 0x1000		# read-only
	push	$USER_DATA
	push	$user_stack
	push	$2
	push	$USER_CODE
	push	$user
	iret
user:
	mov	$USER_DATA, %ax
	mov	%ax, %ds
	mov	page, %eax			# of the supervisor
	movl	$0, page + 8
	int	$0x30

# Says what it got and goes on behind the instruction that faulted.
page_fault:
	push	%eax
	push	%ebx
	push	%ebp
	push	%ds
	mov	$FLAT, %ax
	mov	%ax, %ds
	lea	16(%esp), %ebp
	mov	%cr2, %ebx
	SHOW	"#PF error code ", (%ebp)
	SHOW	" cr2 ", %ebx
	mov	4(%ebp), %ebx
	SHOW	" cs:eip ", 8(%ebp)
	SHOW	":", %ebx
	SAY	"\n"
	mov	$5, %ebx			# A1 moffs
	mov	4(%ebp), %eax
	cmpb	$0xa1, (%eax)
	je	1f
	mov	$10, %ebx			# C7 /0 disp32 imm32
1:	add	%ebx, 4(%ebp)
	pop	%ds
	pop	%ebp
	pop	%ebx
	pop	%eax
	add	$4, %esp
	iret

finish:
	mov	$FLAT, %ax
	mov	%ax, %ds
	SHOW	"400000 at the end ", page
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	BEGIN_GDT tss
	END_GDT

	.p2align 3
idt:	.fill	14, 8, 0
	GATE	page_fault, 0x8e00
	.fill	0x30 - 15, 8, 0
	GATE	finish, 0xee00			# DPL 3
idtr:	.word	. - idt - 1
	.long	idt
