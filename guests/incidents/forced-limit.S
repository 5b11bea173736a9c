# forced-limit: big real mode on a hypervisor that runs real mode as virtual-8086 mode.
#
# FS is loaded with 4 GiB in protected mode, PE is cleared, and a dword is stored at fs:20000. On a
# CPU that is all. Virtual-8086 mode has one limit, FFFFh, and one base for each selector. The guest
# says what FS reads as, and where the store went.

	.include "incidents/unreal.inc"

	.set	BIG, 0x10
	.set	FAR_AWAY, 0x20000

	.code16
	.globl	_start, pe_clear, unreal, store, stored
_start:
	cli
	cld
	movl	$general_protection, 0x0d * 4
	lgdtl	gdtr
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	mov	$BIG, %bx
	mov	%bx, %fs
	and	$~CR0_PE, %al
pe_clear:
	mov	%eax, %cr0
unreal:
	xor	%ebp, %ebp
	mov	%fs, %bp
	SHOW16	"fs reads as ", %ebp
	SAY16	"\n"
	mov	$FAR_AWAY, %edi
store:
	movl	$0x600d600d, %fs:(%edi)
stored:
	SAY16	"the store went through\n"
	mov	$VERDICT_GOOD, %al
	EXIT

general_protection:
	SAY16	"#GP at the store\n"
	mov	$1, %al
	EXIT

	PRINT_ROUTINES

	.p2align 3
gdt:	.quad	0
	.quad	0
	.quad	0x00cf93000000ffff	# 10: data, base 0, 4 GiB
gdtr:	.word	. - gdt - 1
	.long	gdt
