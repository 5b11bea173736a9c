# block-move: INT 15h AH=87h copies memory above 1 MiB for a caller who could have done it alone.
#
# The caller is an option ROM at heart: it runs with a DS of 4 GiB and looks at its device far above
# 64 KiB. It asks the BIOS to copy four words, with a descriptor table as the interface of this
# call wants it. The BIOS leaves as the book says, with the limits that real mode has. The next look
# at the device is a #GP.

	.include "incidents/unreal.inc"

	.set	DEVICE, 0x00300000
	.set	BLOCK, 0x00200000
	.set	SOURCE, 0x10			# of the table, as INT 15h wants it
	.set	TARGET, 0x18
	.set	BIOS_CODE, 0x20
	.set	BIOS_STACK, 0x28

	.code16
	.globl	_start, look, ask, look_again, restore_limits
_start:
	cli
	cld
	movl	$int15, 0x15 * 4
	movl	$int13, 0x0d * 4
	lgdtl	gdtr
	LOAD_PROTECTED ds, BIG
	xor	%ax, %ax
	mov	%ax, %ds			# base 0 and 4 GiB
	mov	$DEVICE, %edi
look:
	movl	$0x600d600d, (%edi)
	mov	$0x87, %ah
	mov	$4, %cx
	mov	$table, %si
ask:
	int	$0x15
look_again:
	mov	(%edi), %eax
	SHOW16	"the device says ", %eax
	SAY16	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

int15:
	push	%ds
	push	%es
	push	%edi
	lgdtl	table_gdtr
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmp	$BIOS_CODE, $copy
copy:
	mov	$SOURCE, %ax
	mov	%ax, %ds
	mov	$TARGET, %ax
	mov	%ax, %es
	xor	%si, %si
	xor	%di, %di
	rep movsw
restore_limits:					# as real mode has them: FFFFh
	mov	$BIOS_STACK, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%cr0, %eax
	and	$~CR0_PE, %al
	mov	%eax, %cr0
	ljmp	$0, $back
back:
	pop	%edi
	pop	%es
	pop	%ds
	iret

int13:
	SAY16	"#GP: the device is out of reach\n"
	mov	$1, %al
	EXIT

	PRINT_ROUTINES

	.p2align 3
table:	.quad	0
	.quad	0				# the table itself
	.word	0xffff, DEVICE & 0xffff, 0x9300 + (DEVICE >> 16), 0
	.word	0xffff, BLOCK & 0xffff, 0x9300 + (BLOCK >> 16), 0
	.quad	0x00009b000000ffff	# the code and the stack of the BIOS, which
	.quad	0x000093000000ffff	# would fill these in itself
table_gdtr:
	.word	. - table - 1
	.long	table
	.p2align 3
gdt:	.quad	0
	.set	BIG, . - gdt
	.quad	0x00cf93000000ffff
gdtr:	.word	. - gdt - 1
	.long	gdt
