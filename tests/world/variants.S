# variants: the second demo, gdt-rewrite, with something else that changes behind a cache.
#
# Flat 32-bit protected mode, ring 0. FS is loaded (0028: base 1000h, limit 1000h), something of the table
# is changed, a host interrupt is asked for, and then a store is made that shows what came back. CHANGE
# says what changes; each is a row of tests/world/table.py, with what must come of it.

	.include "guest.inc"
	.set	CODE32, 0x08
	.set	FLAT, 0x10
	.set	STACK, 0x18
	.set	SLOT5, 0x28
	.set	LDT_A, 0x30
	.set	LDT_B, 0x38

	.set	NOT_PRESENT, 1		# slot 5: P=0
	.set	SYSTEM, 2		# slot 5: a TSS
	.set	CODE_ENTRY, 3		# the entry of CS: limit FFFFFh
	.set	MOVED_GDT, 4		# LGDT of another table
	.set	MOVED_LDT, 5		# LLDT of another table; FS is in it
	.set	STACK_ENTRY, 6		# the entry of SS: base 100h
	.set	STACK_BIG, 7		# the entry of SS: B flipped, expand-down
	.set	NULL_FS, 8		# FS itself: null

	.code16
	.globl	_start
_start:
	cli
	lgdtl	gdtr
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmpl	$CODE32, $protected

	.code32
protected:
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %gs
	mov	$STACK, %ax
	mov	%ax, %ss
	mov	$0x7000, %esp
.if CHANGE == MOVED_LDT
	mov	$LDT_A, %ax
	lldt	%ax
	mov	$0x0c, %ax		# entry 1 of the LDT
.else
	mov	$SLOT5, %ax
.endif
	mov	%ax, %fs
loaded:
.if CHANGE == NOT_PRESENT
	andb	$0x7f, slot5 + 5
.elseif CHANGE == SYSTEM
	movb	$0x89, slot5 + 5
.elseif CHANGE == CODE_ENTRY
	movw	$0xffff, code
	movb	$0x4f, code + 6
.elseif CHANGE == MOVED_GDT
	lgdt	other_gdtr
.elseif CHANGE == MOVED_LDT
	mov	$LDT_B, %ax
	lldt	%ax
.elseif CHANGE == STACK_ENTRY
	movb	$0x01, stack + 3
.elseif CHANGE == STACK_BIG
	xorb	$0x40, stack + 6
.elseif CHANGE == NULL_FS
	mov	$FLAT, %ax
	mov	%ax, %fs
	xor	%ax, %ax
	mov	%ax, %fs
.endif
changed:
	out	%al, $PORT_HOST_INTERRUPT
store:
.if CHANGE == STACK_ENTRY || CHANGE == STACK_BIG
	push	$2
.elseif CHANGE == CODE_ENTRY || CHANGE == NULL_FS
	movl	$2, 0x1000
.else
	movl	$2, %fs:0
.endif
	mov	$VERDICT_GOOD, %al
	EXIT

	.p2align 3
gdt:	.quad	0
code:	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
.if CHANGE == STACK_BIG
stack:	.quad	0x00409700000000ff	# expand-down: from 100h, to FFFFFFFFh as B says
.else
stack:	.quad	0x00cf93000000ffff
.endif
	.quad	0
slot5:	.quad	0x0040930010001000
	.word	15, ldt_a, 0x8200, 0
	.word	15, ldt_b, 0x8200, 0
gdt_end:
other_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
	.quad	0x00cf93000000ffff
	.quad	0
	.quad	0x0040930020001000
gdtr:	.word	gdt_end - gdt - 1
	.long	gdt
other_gdtr:
	.word	6 * 8 - 1
	.long	other_gdt
ldt_a:	.quad	0
	.quad	0x0040930010001000
ldt_b:	.quad	0
	.quad	0x0040930020001000
