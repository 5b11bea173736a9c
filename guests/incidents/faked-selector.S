# faked-selector: a selector that changes without a write to it.
#
# FS is loaded in protected mode: selector 0010, base 12340h. Back in real mode the guest reads the
# selector, and later saves and restores FS by it, as an interrupt handler does.

	.include "incidents/unreal.inc"

	.set	WINDOW, 0x10
	.set	BASE, 0x12340

	.code16
	.globl	_start, pe_clear, real, save, restored
_start:
	cli
	cld
	push	$0x1000
	pop	%es
	movl	$0x600d600d, %es:BASE - 0x10000
	lgdtl	gdtr
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	mov	$WINDOW, %bx
	mov	%bx, %fs
	and	$~CR0_PE, %al
pe_clear:
	mov	%eax, %cr0
real:
	xor	%ebp, %ebp
	mov	%fs, %bp
	SHOW16	"fs reads as ", %ebp
	SHOW16	", fs:0 is ", %fs:0
save:
	push	%fs
	pop	%fs
restored:
	SHOW16	"\nafter push and pop: fs:0 is ", %fs:0
	SAY16	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	.p2align 3
gdt:	.quad	0
	.quad	0
	.quad	0x000093012340ffff	# 10: data, base 12340h, 64 KiB
gdtr:	.word	. - gdt - 1
	.long	gdt
