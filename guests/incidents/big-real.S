# big-real: what code in big real mode may rely on.
#
# All data segments have 4 GiB, PE is clear. Each line is a habit of such code: 32-bit offsets,
# string instructions across 64 KiB, selectors pushed and popped and changed, interrupts in between.
# The limits have to survive all of it, and a new selector has to move the base.

	.include "incidents/unreal.inc"

	.set	FAR_AWAY, 0x300000
	.set	MARK, 0x600d600d

# Counts a failure and says which, unless the dword there is MARK.
.macro EXPECT_MARK text, place:vararg
	cmpl	$MARK, \place
	je	3f
	SAY16	"\text: not there\n"
	incw	%cs:failures
3:
.endm

	.code16
	.globl	_start, in_big_real, moved, interrupted
_start:
	cli
	cld
	movl	$interrupt, 0x20 * 4
	lgdtl	gdtr
	mov	$MARK, %edx
	LOAD_PROTECTED ds, BIG
	LOAD_PROTECTED es, BIG
	LOAD_PROTECTED fs, BIG
	LOAD_PROTECTED gs, BIG
	LOAD_PROTECTED ss, BIG
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %fs
	mov	%ax, %gs
	mov	%ax, %ss
in_big_real:
	mov	$FAR_AWAY, %edi
	mov	%edx, (%edi)
	EXPECT_MARK "a store through DS", %gs:(%edi)

	mov	$FAR_AWAY + 0xfffc, %edi	# across 64 KiB, with a 32-bit count
	mov	%edx, %eax
	mov	$3, %ecx
	addr32 rep stosl
	EXPECT_MARK "the third dword of STOSD", %fs:-4(%edi)

	push	$0x1000				# the base moves, the limit stays
	pop	%es
moved:
	mov	$FAR_AWAY, %edi
	mov	%edx, %es:(%edi)
	EXPECT_MARK "ES with another selector", %fs:0x10000(%edi)

	mov	$FAR_AWAY + 0x200, %esi		# the stack far away: ESP as an address
	mov	%edx, %ss:(%esi)
	EXPECT_MARK "SS with a 32-bit address", (%esi)

	int	$0x20
interrupted:
	mov	$FAR_AWAY + 0x400, %edi
	mov	%edx, %fs:(%edi)
	EXPECT_MARK "FS after an interrupt", (%edi)
	cmpw	$0, failures
	jne	failed
	SAY16	"big real mode is as it should be\n"
	mov	$VERDICT_GOOD, %al
	EXIT
failed:
	mov	$1, %al
	EXIT

interrupt:
	push	%ds
	push	%fs
	push	$0x40				# the BIOS data area
	pop	%ds
	push	$0x50
	pop	%fs
	pop	%fs
	pop	%ds
	iret

	PRINT_ROUTINES

failures:
	.word	0
	.p2align 3
gdt:	.quad	0
	.set	BIG, . - gdt
	.quad	0x008f93000000ffff	# data, 4 GiB, 16-bit
gdtr:	.word	. - gdt - 1
	.long	gdt
